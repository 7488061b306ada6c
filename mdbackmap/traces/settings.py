"""
Settings of C-alpha traces: a frozen dataclass for each stage, `TraceSettings` for all of them.

Behind each number are its unit and its origin: cited (a paper), fitted (script and data), measured (command or table of
docs) or chosen (by a comparison that docs/measurements.md has, or by hand).
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class BackboneEnergy:
    """Energy of a residue's backbone: Ramachandran map, N-CA-C, overlaps of neighbouring residues."""

    cap: float = 4.0  # standard deviations of N-CA-C from which on its energy is a straight line; chosen: by hand
    stiffness: float = 60.0  # nats per squared angstrom of overlap; chosen: by hand
    touch: float = 0.3  # angstrom of overlap of van der Waals spheres at no cost; chosen: by hand


@dataclasses.dataclass(frozen=True)
class TracePriorSettings:
    """The prior over C-alpha traces, and what tells models that know no angles."""

    # Width of a Gaussian over the tables, by angle, torsion and next angle: no hills that small noise decides on.
    blur: tuple = (2.0, 3.5, 2.0)  # grid steps: 10, 35 and 10 degrees; chosen: docs/measurements.md, Small noise
    angled: float = 3.4  # nats a residue up to which a model knows angles; measured: Go models have 2.2 on average
    angleless: float = 4.0  # nats a residue from which on it does not; measured: CALVADOS has 4.2 on average
    around: int = 15  # residues each way that are judged together; chosen: by hand


@dataclasses.dataclass(frozen=True)
class Turning:
    """Grids on which the turns of all peptides are solved for."""

    bins: int = 36  # points of the circle, a divisor of 72, for the best turns; chosen: by hand
    rough_bins: int = 18  # the same for a first look at whether frames are kept; chosen: by hand
    sum_bins: int = 24  # the same for sums over all turns; chosen: by hand
    stay: float = 4.0  # nats for half a turn from where a peptide is; chosen: docs/measurements.md, Small noise


@dataclasses.dataclass(frozen=True)
class Crowding:
    """Sites too near each other, and C-alphas that keep their distance."""

    stiffness: float = 20.0  # nats per squared angstrom of overlap; chosen: by hand
    alphas: float = 4.4  # angstrom: nearest C-alphas that cost nothing; chosen: by hand
    mixed: float = 4.0  # angstrom: the same of a C-alpha and a C-beta; chosen: by hand
    betas: float = 3.8  # angstrom: the same of C-betas; chosen: by hand
    watched: float = 2.0  # angstrom: sites up to this much further apart are watched; chosen: by hand
    near: float = 12.0  # angstrom: nearer C-alphas keep their distance; chosen: by hand, contacts at 8 and a shell
    closest: float = 4.8  # angstrom: pairs nearer than this are to be this far apart; chosen: by hand
    contact: tuple = (5.5, 8.0)  # angstrom: C-alphas in contact; chosen: by hand, nearer ones may part
    edge: float = 0.5  # angstrom each side of a limit in which forces fade; chosen: by hand
    swelling: float = 2.0  # cost of a distance that grows against one that shrinks; chosen: by hand: atoms need room
    separation: int = 4  # residues between C-alphas that keep their distance; chosen: by hand
    neighbours: int = 64  # C-alphas that are looked for around each; chosen: by hand, all within 12 angstrom
    cohesion_left: float = 0.2  # share of `Relaxing.cohesion` without angles; chosen: docs/measurements.md, Contacts
    contact_left: float = 0.1  # share of `Relaxing.contact` then; chosen: docs/measurements.md, Contacts


@dataclasses.dataclass(frozen=True)
class Judging:
    """How unlike a protein's a frame is, and how far it may move for that."""

    cap: float = 20.0  # nats that one residue counts at most; chosen: by hand
    unlike: float = 2.8  # nats a residue that are still usual; measured: crystals have 1.1 to 3.0 (`scores.CRYSTALS`)
    few: float = 3.0  # nats more, over the root of the number of residues; chosen: by hand, short chains scatter
    crowded: float = 0.3  # nats of overlap a residue that are usual; measured: crystals have 0.2, at most 1.1
    begin: float = 0.7  # nats a residue beyond that from which on a frame moves; chosen: by hand
    full: float = 1.7  # nats a residue from which on it moves by the whole tolerance; chosen: by hand
    clear: float = (
        0.3  # nats a residue below `begin` up to which a first look decides; measured: it is 0.14 low at most
    )
    joined: tuple = (2.5, 5.0)  # angstrom: C-alphas outside are not judged; chosen: by hand, a chain cut by a box


@dataclasses.dataclass(frozen=True)
class Descending:
    """Steps downhill, straight stretches put aside before them, and distances of neighbours put right after each."""

    # Square angstrom (square radian) a nat: the stiffest terms bear it without swinging.
    rate: float = 1 / 500  # chosen: docs/measurements.md, Small noise
    # Share of a step that goes on.
    momentum: float = 0.8  # no unit; measured: with 0.9 noise of 0.01 A moves three times the beads
    longest: float = 0.15  # angstrom or radians of a step; chosen: by hand, twice as much gained nothing
    straight: tuple = (0.002, 0.02)  # sines of C-alpha angles: straight, bent enough; chosen: by hand
    aside: float = 0.1  # angstrom; chosen: by hand, forces find a side, and beads move by more
    turn: float = math.radians(-95)  # radians a residue; chosen: fewest clashes among -95, -110, -120 and 170 degrees
    slack: float = 0.05  # angstrom that neighbours may stay off their distance; chosen: by hand
    sweeps: int = 6  # along the chain, to put distances right; chosen: by hand


@dataclasses.dataclass(frozen=True)
class Relaxing:
    """How beads move down the energies."""

    prior_steps: int = 70  # steps on the prior over traces alone; chosen: by hand
    joint_steps: int = 80  # steps of beads and peptide angles together; chosen: by hand
    rescans: tuple = (0, 25, 50)  # joint steps before which all peptides are turned anew; chosen: by hand
    prior: float = 1.0  # weight of the prior, no unit; chosen: by hand
    maps: float = 1.0  # weight of the energies of backbones, no unit; chosen: by hand
    pace: float = 1.0  # share of `Descending.rate`; the stiffer the energies, the smaller; chosen: by hand
    floor: float = 2.0  # nats: backbones of residues below count nothing; chosen: by hand
    prior_floor: float = 2.0  # nats: the same for the prior; chosen: by hand
    blurred: bool = True  # whether the prior is, by `TracePriorSettings.blur`
    bond: float = 50.0  # nats per squared angstrom of a distance of neighbours off 3.80 (cis 2.95); chosen: by hand
    cohesion: float = 0.5  # nats per squared angstrom of the distance of near C-alphas; chosen: by hand
    contact: float = 12.0  # nats per squared angstrom of that in contacts; chosen: by hand, for native contacts
    restraint: float = 0.2  # nats per squared angstrom off the start, up to `AUTO_LIMIT`; chosen: by hand
    loose: float = 1.6  # multiple of the tolerance that is allowed at first; chosen: by hand
    tight_at: float = 0.5  # share of the steps after which the tolerance holds; chosen: by hand
    patience: int = 2  # times the joint steps for models without angles; chosen: docs/measurements.md, Contacts
    much: float = 0.15  # share of a frame without angles that makes it so; chosen: by hand


# C-alphas found from simulated beads of other kinds: the beads hold contacts, C-alphas need not.
FROM_BEADS = Relaxing(
    joint_steps=130,  # measured: at half the pace, 80 leave 2 to 3 more clashes per 1000 atoms
    rescans=(0, 40, 80),  # joint steps; chosen: by hand
    maps=4.0,  # no unit; chosen: docs/measurements.md, Simulated beads
    pace=0.5,  # no unit; measured: with 1 noise of 0.00001 A grows to 0.1 A, with 0.5 it does not grow
    cohesion=0.0,
    contact=0.3,  # nats per squared angstrom; chosen: docs/measurements.md, Simulated beads
    restraint=0.0,  # nats per squared angstrom; chosen: docs/measurements.md, Simulated beads
)
# Traces that a model made, not the user: they go to a minimum of the prior.
FREE = Relaxing(
    prior_steps=50,  # chosen: by hand
    joint_steps=0,
    prior=3.0,  # no unit; chosen: by hand
    prior_floor=0.5,  # nats; chosen: by hand
    blurred=False,
    restraint=0.0,
    cohesion=0.0,
    contact=0.0,
)
# Those that still are unlike proteins then.
FAR = dataclasses.replace(
    FREE,
    prior_steps=120,  # chosen: by hand
    joint_steps=150,  # chosen: by hand
    rescans=(0, 30, 60, 90),  # joint steps; chosen: by hand
)


@dataclasses.dataclass(frozen=True)
class Easing:
    """How traces that a model made are relaxed."""

    free: Relaxing = FREE
    far: Relaxing = FAR
    odd: float = -0.2  # nats a residue beyond crystals from which on `far` follows; chosen: docs/measurements.md
    very_odd: float = 0.6  # nats a residue from which on it goes all the way; chosen: by hand
    furthest: float = 3.0  # angstrom, RMS over a frame, of that way; chosen: by hand


@dataclasses.dataclass(frozen=True)
class MendingSettings:
    """How traces that a decoder placed are corrected."""

    apart: float = 4.0  # angstrom: C-alphas that are no neighbours, at least; chosen: by hand
    every: int = 2  # rounds from one look at all pairs to the next; chosen: by hand
    after: int = 30  # rounds after the relaxation; chosen: by hand


@dataclasses.dataclass(frozen=True)
class Scoring:
    """What tells proteins, mirror images and noise."""

    furthest: float = 0.15  # angstrom that one distance counts at most: few odd ones are no scatter; chosen: by hand
    mirrored: float = 1.0  # nats a residue that the mirror image is likelier by; measured: proteins -1 to -4
    significant: float = 3.0  # standard errors, too; chosen: by hand
    even: float = 0.05  # angstrom of scatter up to which noise counts nothing; measured: crystals have 0.048 at most
    uneven: float = 0.06  # angstrom of scatter from which on it counts fully; chosen: by hand
    noise: float = 5.0  # nats a residue that count as an angstrom of noise; chosen: by hand
    correlated: float = 2.0  # residues that tell as much as one: neighbours tell about the same; chosen: by hand


@dataclasses.dataclass(frozen=True)
class TraceSettings:
    """All settings of traces."""

    backbone: BackboneEnergy = BackboneEnergy()
    prior: TracePriorSettings = TracePriorSettings()
    turning: Turning = Turning()
    crowding: Crowding = Crowding()
    judging: Judging = Judging()
    descending: Descending = Descending()
    relaxing: Relaxing = Relaxing()
    easing: Easing = Easing()
    mending: MendingSettings = MendingSettings()
    scoring: Scoring = Scoring()


DEFAULTS = TraceSettings()
