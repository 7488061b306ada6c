"""
Settings of the drawing of backbones.

Each field says its unit and its origin; the rows meant are those of the table of ablations in docs/measurements.md.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class CollisionSettings:
    """Oxygens of peptides that are too near another peptide."""

    touching: float = 2.4  # angstrom: oxygens nearer to C, O or N are drawn again; chosen: row "no clashes of peptides"
    clear: float = 3.0  # angstrom: while drawn again, nearer ones cost energy; chosen: by hand
    stiffness: float = 10.0  # nats per squared angstrom; chosen: by hand
    reach: float = 3.75  # angstrom: half the distance of C-alphas whose peptides may touch; chosen: by hand


@dataclasses.dataclass(frozen=True)
class BackboneSettings:
    """How the peptide angles of a chain are drawn."""

    collisions: CollisionSettings = CollisionSettings()
    # draws of a chain whose distributions are averaged at temperature 0; chosen: by hand
    draws: int = 16
    # power of the Ramachandran maps where beads are kept; chosen: row "no Ramachandran maps on kept beads"
    maps: float = 0.2
    # radians: width by which the average at temperature 0 is smoothed before its peak is taken; chosen: by hand
    smoothing: float = math.radians(40)
    # radians: the same where beads were relaxed, one bin: the peak moves continuously between bins; chosen: by hand
    peak: float = math.radians(5)
    # radians: N-CA-C may be off by so much at no cost; chosen: row "no strain energy, no peptide drawn again"
    bend: float = math.radians(10)
    # radians: 1 kT for each of these beyond, squared; chosen: same row
    bend_width: float = math.radians(6)
    # radians: middle of phi of proline; chosen: by hand
    proline_phi: float = math.radians(-75)
    # radians: that phi may be off by so much at no cost; chosen: row as for `bend`
    proline_turn: float = math.radians(45)
    # radians: 1 kT for each of these beyond, squared; chosen: row as for `bend`
    proline_width: float = math.radians(10)
    # kT of strain above which two peptides are drawn again, together; chosen: row as for `bend`
    strained: float = 1.0
    # times that strained or colliding peptides are drawn again; chosen: row as for `bend`
    rounds: int = 3
