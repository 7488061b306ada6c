"""
Settings of recognition: what is a C-alpha trace, where it is broken, which order it has.

Behind each number are its unit and its origin: cited (a paper), fitted (script and data), measured (command or table of
docs) or chosen (by a comparison that docs/measurements.md has, or by hand). Ranges of distances that proteins have are
in `chemistry.peptide_geometry`, limits of broken frames in `soundness`.
"""

import dataclasses


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


DEFAULTS = RecognitionSettings()
