"""
Settings of recognition: what is a C-alpha trace, where it is broken, which order it has.

Behind each number are its unit and its origin: cited (a paper), fitted (script and data), measured (command or table of
docs) or chosen (by a comparison that docs/measurements.md has, or by hand). Ranges of distances that proteins have are
in `chemistry.peptide_geometry`, limits of broken frames in `soundness`.
"""

import dataclasses

from ..chemistry.peptide_geometry import BONDED, TRANS_SOUND


@dataclasses.dataclass(frozen=True)
class RecognitionSettings:
    """What decides which molecule some beads are."""

    # Median distance of neighbours in a trace: 3.78 to 3.91 in proteins, 3.1 to 3.5 between Martini's backbone beads,
    # 4.4 between centres of residues.
    median: tuple = (3.6, 4.2)  # angstrom; chosen: by hand, between these
    # Robust spread of trans distances: 0.02 to 0.05 in crystals, 0.1 and more with soft coarse-grained bonds.
    protein_like: float = 0.07  # angstrom; chosen: by hand, between these
    stretched: float = 5.5  # angstrom; chosen: by hand, a break in one or two frames of a trace with soft bonds
    bonds_reach: float = 7.6  # angstrom; chosen: by hand, bonds of a topology reach twice the distance of C-alphas
    moving: float = 0.01  # angstrom; chosen: by hand, frames whose distances differ by less say no more than one
    complete: float = 0.75  # share of neighbours that a complete list of bonds joins at least; chosen: by hand
    disulfide: float = 4.1  # angstrom; chosen: by hand: C-alphas of disulfides lie 4.4 to 6.8 apart, of peptides less
    peptide_bond: float = 1.8  # angstrom; chosen: by hand: C-N bonds are 1.33, atoms not bonded 2.5 and more apart
    strangers: float = 5.0  # angstrom; chosen: by hand, a median above this is no distance of neighbours
    lone: int = 4  # chains of one residue that are noticed at least; chosen: by hand
    looked_at: int = 100  # beads whose nearest one is looked for; chosen: by hand, enough for a median
    pieces: int = 300  # pieces of chains beyond which none is asked what follows it; chosen: by hand, for time
    conformers: int = 4  # beads of one number that can be alternate locations; chosen: by hand, seldom more than A to D
    bonded: tuple = BONDED  # angstrom; of neighbours along a chain
    near: tuple = TRANS_SOUND  # angstrom; the nearest bead of each lies so far off in proteins
    split: bool = False  # pieces of a chain without a name are chains, even if numbers run on
    gaps: bool = False  # a jump in residue numbers is a break, as distances do not tell: they vary too much
    springs: bool = False  # bonds of the topology may be springs between whatever lies near
    alpha: bool = True  # the beads that are looked at are C-alphas
    what: str = "3.8 angstrom between C-alpha atoms"  # what is expected of neighbours, in words


DEFAULTS = RecognitionSettings()

# Centres of backbones (Martini's BB): 3.34 +- 0.25 A apart in crystals, 2.4 to 4.1 at the ends; in simulations 3.3 +-
# 0.24 (Martini 3) and 3.25 +- 0.35 (Martini 2.2).
BACKBONES = dataclasses.replace(
    DEFAULTS,
    median=(2.4, 4.0),  # angstrom; chosen: by hand, about these, wider for other shares of the same atoms
    bonded=(1.9, 4.6),  # angstrom; chosen: by hand, beyond what is seen in crystals and simulations
    stretched=4.9,  # angstrom; measured: 4.52 at most in 700 frames of five simulations; chosen: by hand, above
    bonds_reach=4.6,  # angstrom; chosen: the same limit, as elastic networks are among the bonds of a topology
    near=(2.7, 3.9),  # angstrom; chosen: by hand, about the median
    alpha=False,
    what="3.3 angstrom between centres of backbones (N, CA, C, O)",
)

# Centres of mass of residues: 4.83 +- 0.88 A apart in crystals, 99.9% within 2.94 and 8.07 A.
RESIDUES = dataclasses.replace(
    DEFAULTS,
    median=(3.7, 6.0),  # angstrom; measured: 3.89 to 5.29 in 1,500 crystal chains; chosen: by hand, about these
    bonded=(2.4, 8.8),  # angstrom; measured: nearest and farthest neighbours of 1,500 crystal chains, rounded
    stretched=8.8,  # angstrom; chosen: the same limit
    bonds_reach=8.8,  # angstrom; chosen: the same limit
    strangers=7.0,  # angstrom; chosen: by hand, as a median of neighbours is 5 at most
    near=(3.0, 5.5),  # angstrom; chosen: by hand, centres of neighbouring or touching residues
    gaps=True,
    alpha=False,
    what="about 4.7 angstrom between centres of mass of residues",
)

# CALVADOS: C-alphas in linkers, centres of mass in folded domains.
MIXED = dataclasses.replace(
    RESIDUES,
    median=(3.6, 6.0),  # angstrom; chosen: by hand, from C-alphas to centres of mass
    what="3.8 angstrom between C-alphas, about 4.7 between centres of mass of residues",
)
