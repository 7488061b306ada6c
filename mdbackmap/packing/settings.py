"""
Settings of packing: a frozen dataclass for each stage, `PackingSettings` for all of them.

Behind each number are its unit and its origin: cited (a paper), fitted (script and data), measured (command or table of
docs/measurements.md) or chosen (row of the ablations there, or by hand). kT and nats are the same here.
"""

import dataclasses
import math

from ..chemistry.residues import MAX_CHIS


@dataclasses.dataclass(frozen=True)
class OverlapSettings:
    """Energy of two atoms nearer than their radii allow: stiffness times the square of what is missing."""

    touch: float = 0.0  # angstrom of overlap of van der Waals spheres at no cost; below 0: a gap; chosen: by hand
    stiffness: float = 20.0  # kT per square angstrom; chosen: row "no overlaps, contacts or minimisation"
    reach: float = 3.5  # angstrom, less `touch`: pairs further apart are not listed; cited: radii of S and C


@dataclasses.dataclass(frozen=True)
class ContactSettings:
    """Energy that two atoms gain by lying next to each other."""

    strength: float = 1.0  # of the learned table, no unit; chosen: row "no contact energies"
    further: float = 0.5  # angstrom that pairs are looked for beyond `OverlapSettings.reach`; chosen: by hand
    best: float = 1.2  # angstrom beyond the allowed distance where most is gained; chosen: by hand, before the fit
    width: float = 1.6  # angstrom from there to where nothing is gained; chosen: by hand, before the fit


@dataclasses.dataclass(frozen=True)
class DisulfideSettings:
    """Which cysteines may be bonded, the energy of the bond, and how it is closed."""

    # C-betas of bonded cysteines: of pairs at 3.4 to 4.2, 95% are bonded, from 4.5 on hardly any.
    betas: tuple = (2.6, 4.5)  # angstrom; measured: crystals
    # Around a metal ion: of pairs more than 4.2 apart with two more cysteines or histidines, 25% are bonded.
    company: float = 7.0  # angstrom around the middle of a pair, to C-betas; measured: crystals
    loose: float = 4.3  # angstrom; measured: 4.2 in crystals; chosen: 0.1 more, by hand, for a model's C-betas
    gain: float = 12.0  # kT; chosen: row "no disulfides"
    width: float = 0.6  # angstrom off its lengths at which 1/e of the gain is left; chosen: by hand
    sulfurs: float = 2.0  # angstrom: distance of two S at no cost, where they may be bonded; chosen: by hand
    across: float = 2.9  # angstrom: the same of an S and the other CB; chosen: by hand
    together: bool = True  # two cysteines are drawn together; chosen: row "cysteines not drawn together"
    made: float = 0.18  # angstrom off its length at which a bond still counts as made; chosen: by hand
    bent: float = 0.25  # angstrom: the same for the distances across; chosen: by hand
    pulled: float = 3.6  # angstrom: sulfurs further apart are not pulled together; chosen: row "no disulfides"
    bond: float = 100.0  # kT per square angstrom off its length, in relief; chosen: by hand
    bend: float = 40.0  # kT per square angstrom off the distances across, in relief; chosen: by hand


@dataclasses.dataclass(frozen=True)
class DrawSettings:
    """Candidates of side chains, which differ at temperature 0 and above."""

    count: int  # side chains of a residue, of which one is chosen
    overlap: OverlapSettings  # beside contacts, while one is chosen
    judged: OverlapSettings  # of the chosen ones
    tight: float  # kT of `judged` above which a side chain is relieved
    share: float = 1.0  # of overlaps and contacts that counts while one is chosen; no unit; chosen: by hand


# At temperature 0 the density of candidates stands for their probability: more of them.
LIKELIEST = DrawSettings(
    count=20,  # no unit; chosen: by hand, commit 7792a5b
    overlap=OverlapSettings(touch=0.2, stiffness=16.0),  # angstrom, kT per square angstrom; chosen: by hand
    judged=OverlapSettings(touch=0.2),  # angstrom; chosen: by hand
    tight=0.3,  # kT; chosen: row "no minimisation of overlaps"
    share=0.75,  # no unit; measured: docs/measurements.md, Small noise
)
# Draws that keep a distance are nearer to the truth.
DRAWN = DrawSettings(
    count=10,  # no unit; chosen: by hand
    overlap=OverlapSettings(touch=-0.1),  # angstrom; chosen: row "no margin in the overlaps of candidates"
    judged=OverlapSettings(touch=-0.1),  # angstrom; chosen: the same row
    tight=1.0,  # kT; chosen: rows "no minimisation of overlaps", "no margin in the overlaps of candidates"
)


@dataclasses.dataclass(frozen=True)
class CandidateSettings:
    """How side chains are drawn from the heads' distributions."""

    likeliest: DrawSettings = LIKELIEST
    drawn: DrawSettings = DRAWN
    least_spread: float = 0.7  # temperature (no unit) below which candidates are all the same; chosen: by hand
    coldest: float = 0.1  # temperature (no unit) below which weights of candidates sharpen no more; chosen: by hand
    rotamers: float = 1.0  # multiple of the model's weight of crystals' rotamers; chosen: by hand
    pucker: float = math.radians(60)  # radians: largest chi1 of proline; measured: 62 degrees in crystals

    def at(self, temperature):
        """The `DrawSettings` of a temperature."""
        return self.drawn if temperature > 0 else self.likeliest

    @property
    def n_random(self):
        """Uniform numbers of a residue that are used above temperature 0: for torsions and the choice of candidates."""
        return (MAX_CHIS + 1) * self.drawn.count


@dataclasses.dataclass(frozen=True)
class ChoosingSettings:
    """How one candidate of each residue is chosen among the others' candidates."""

    negligible: float = 0.05  # kT: two residues that never have more between them do not count; chosen: by hand
    # Times that side chains, drawn each by itself, are drawn again given the others.
    steps: int = 12  # no unit; measured: docs/measurements.md, Small noise
    # Steps of additive sequences in (0, 1): whose turn it is.
    golden: float = 0.6180339887498949  # no unit; cited: 1 / golden ratio
    plastic: float = 0.7548776662466927  # no unit; cited: 1 / plastic ratio (Roberts 2018, the R2 sequence)
    rounds: int = 8  # of belief propagation; chosen: by hand
    damping: float = 0.3  # share of a message that stays in the next round; chosen: by hand
    cap: float = 20.0  # kT: size of the energy of two candidates in belief propagation; chosen: by hand
    least: float = 1e-30  # smallest message, no unit; chosen: by hand, above what float32 can hold
    # Candidates of a residue whose energies count at temperature 0: many are alike.
    told_apart: int = 12  # no unit; measured: docs/measurements.md, Candidates that stand for others
    # Expected error at temperature 0:
    alike: float = math.radians(35)  # radians: torsions this close count as the same rotamer, softly; chosen: by hand
    per_square: float = 0.015  # right rotamers that a square angstrom of an atom counts; chosen: by hand


@dataclasses.dataclass(frozen=True)
class ReliefSettings:
    """How overlaps of side chains are minimised in their torsions (Adam)."""

    overlap: OverlapSettings = OverlapSettings(touch=0.2)  # angstrom; chosen: by hand
    least: float = 0.2  # kT of overlap that a side chain is turned for; chosen: by hand
    restraint: float = 8.0  # kT per square radian from where a torsion was drawn; chosen: by hand
    steps: int = 20  # chosen: by hand
    rate: float = 0.12  # radians a step, at first; chosen: by hand
    mean: float = 0.8  # share of the mean of slopes that stays, no unit; chosen: by hand
    square: float = 0.95  # share of the mean of their squares that stays, no unit; chosen: by hand
    damping: float = 0.5  # kT per radian: slopes below this make shorter steps; chosen: by hand
    listed: float = 1.4  # angstrom beyond their allowed distance up to which pairs are watched; chosen: by hand
    nearest: float = 0.5  # angstrom: forces of nearer atoms grow no more; chosen: by hand
    meeting: float = 20.0  # angstrom: side chains whose C-alphas are further apart never meet; chosen: by hand


@dataclasses.dataclass(frozen=True)
class ReplacingSettings:
    """How side chains that still overlap are sampled again, alone."""

    clash: float = 12.0  # kT of overlap from which on; chosen: row "no side chain sampled again"
    apart: float = 18.0  # angstrom of C-alphas from which on side chains change at the same time; chosen: by hand
    unlikely: float = 6.0  # kT that side chains which are no candidates must be better by; chosen: by hand
    rounds: int = 4  # chosen: by hand
    around: int = 128  # residues among which side chains are tried; chosen: by hand, tested to be all that matter
    relieved: int = 6  # of those tried that overlap least; chosen: by hand
    together: int = 32  # side chains that are tried at a time, for the memory; chosen: by hand
    grid: tuple = (120.0, 60.0)  # degrees between chi1, and chi2, that are tried besides candidates; chosen: by hand


@dataclasses.dataclass(frozen=True)
class SettlingSettings:
    """How beads that may move, peptides and side chains go downhill in the overlaps of atoms."""

    overlap: OverlapSettings = OverlapSettings()
    rounds: int = 2  # measured: docs/measurements.md, Settling: with one the clashes are up to twice as many
    steps: int = 12  # a round; chosen: by hand
    packings: int = 1  # times that side chains are chosen, each on the settled backbone; chosen: by hand, for speed
    firmness: float = 1.5  # contacts of beads are held so many times as firmly as in relaxation; chosen: by hand
    rate: float = 1 / 500  # square angstrom (square radian) a nat; chosen: as in relaxation
    momentum: float = 0.6  # share of a step that goes on; chosen: by hand
    margin: float = 0.1  # angstrom beyond the allowed distance up to which atoms are pushed; chosen: by hand
    peptides: float = 0.3  # share of the forces on peptide angles that counts beside the maps; chosen: by hand
    listed: float = 0.5  # angstrom beyond their allowed distance up to which pairs are watched; chosen: by hand
    nearest: float = 0.5  # angstrom: forces of nearer atoms grow no more; chosen: by hand
    turn: float = 1e-3  # radians, of finite differences; chosen: by hand
    # Shares of N, C and O in the motion of the other bead of their peptide.
    carried: tuple = (0.37, 0.37, 0.43)  # no unit; measured: their places along CA-CA in the peptide template
    anchored: float = 50.0  # nats per squared angstrom by which anchors draw at most; chosen: as bonds in relaxation


@dataclasses.dataclass(frozen=True)
class HydrogenReliefSettings:
    """How room is made for hydrogens, after all else."""

    relief: ReliefSettings = ReliefSettings(
        overlap=OverlapSettings(touch=0.3, reach=3.3),  # angstrom; chosen: by hand, below MolProbity's 0.4
        listed=0.6,  # angstrom; measured: docs/measurements.md, Room for hydrogens
    )
    rounds: int = 1  # measured: docs/measurements.md, Room for hydrogens


@dataclasses.dataclass(frozen=True)
class PackingSettings:
    """All of packing."""

    contacts: ContactSettings = ContactSettings()
    disulfides: DisulfideSettings = DisulfideSettings()
    candidates: CandidateSettings = CandidateSettings()
    choosing: ChoosingSettings = ChoosingSettings()
    relief: ReliefSettings = ReliefSettings()
    replacing: ReplacingSettings = ReplacingSettings()
    settling: SettlingSettings = SettlingSettings()
    hydrogens: HydrogenReliefSettings | None = None  # where hydrogens are added
