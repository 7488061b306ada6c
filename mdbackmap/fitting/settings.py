"""
Settings of the fit of atoms to beads.

Each field says its unit and its origin.
"""

import dataclasses
import math

import torch

from ..chemistry.residues import CB

_LOOSE = {
    "backbone": 0.22,  # angstrom; chosen: docs/measurements.md, Simulated beads
    "side_chain": 1.5,  # angstrom; chosen: docs/measurements.md, Simulated beads
    "both": 0.5,  # angstrom; chosen: by hand
    "peptide": 0.4,  # radians; chosen: docs/measurements.md, Simulated beads
    "maps": 4.0,  # no unit; chosen: docs/measurements.md, Simulated beads
}


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """How torsions, tilts and C-alphas give way to beads (Gauss-Newton)."""

    steps: int = 2  # of each candidate of a side chain; chosen: by hand
    kept: int = 8  # candidates of a side chain that go on after the first step; chosen: by hand
    few: int = 2  # beads of a side chain: those with more are fitted by themselves; chosen: by hand, for speed
    chi: float = math.radians(15)  # radians: deviation of a chi from where it was drawn; chosen: by hand
    # Deviation of the turn of a side chain about its C-alpha, around each axis.
    tilt: float = math.radians(2.5)  # radians; measured: with true torsions templates miss beads by so much
    longest: float = 0.6  # radians that an angle turns in one step; chosen: by hand
    # How far off atoms may be from beads of the backbone, of side chains, and of both.
    backbone: float = 0.04  # angstrom; measured: with true torsions templates miss them by 0.03 to 0.05
    side_chain: float = 0.12  # angstrom; measured: with true torsions templates miss them by about twice as much
    both: float = 0.08  # angstrom; measured: with true torsions templates miss them by 0.12
    # Share of the precision of beads with which side chains are held on them while overlaps are relieved.
    held: float = 0.25  # no unit; chosen: by hand, 1 leaves more overlaps, 0 beads 0.03 angstrom further off
    named: float = 1.0  # kT by which the other name of a ring's atoms must be better; chosen: by hand
    # Backbone, C-alphas, side chains and tilts together:
    rounds: int = 2  # times that side chains are drawn, each on the backbone of the last fit; chosen: by hand
    whole_steps: int = 3  # Gauss-Newton steps of each round; chosen: by hand
    fresh: int = 2  # steps after which derivatives of the backbone are calculated anew; chosen: by hand
    peptide: float = math.radians(12)  # radians: deviation of a peptide angle from the network's; chosen: by hand
    end: float = math.radians(30)  # radians: the same of a chain's end; chosen: by hand
    least: float = 1e-3  # angstrom: smallest deviation of C-alphas; chosen: by hand
    length: float = 0.04  # angstrom: deviation of distances of neighbouring C-alphas; measured: crystals
    bend: float = math.radians(2.7)  # radians: deviation of N-CA-C; measured: crystals
    maps: float = 1.0  # weight of the Ramachandran maps; chosen: by hand
    floor: float = 2.0  # nats on these maps that cost nothing; chosen: by hand, as in relaxation

    def loosened(self):
        """The same for beads of a simulation, which lie where its force field puts them."""
        return dataclasses.replace(self, **_LOOSE)

    def sigma(self, table):
        """How far off atoms may be from each bead of a `BeadTable`, (R, J) in angstrom."""
        counts = table.weights != 0
        has_backbone, has_side_chain = (counts[..., part].any(-1) for part in (slice(CB), slice(CB, None)))
        kinds = torch.where(has_backbone & has_side_chain, self.both, self.side_chain)
        return torch.where(has_side_chain, kinds, self.backbone)
