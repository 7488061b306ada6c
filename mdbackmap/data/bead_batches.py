"""
Structures seen through beads that lie elsewhere than C-alphas, to find these.

Shapes: n residues in a batch, J beads of a residue at most, 14 atom slots. Lengths in angstrom.
"""

import dataclasses

import torch

from ..chemistry import residues
from ..models.batch import Batch, BeadInputs
from ..torsions.internal import InternalCoordinates
from .dataset import Batches


@dataclasses.dataclass
class BeadExample:
    """
    A batch of anchors with their beads, and where the C-alphas are.

    Attributes
    ----------
    batch : Batch
        Of the anchors' trace (n residues).
    beads : BeadInputs
    displacements : torch.Tensor, shape (n, 3)
        From anchors to C-alphas.
    cis, inner : torch.Tensor of bool, shape (n,)
        Peptide to the next residue is cis; there is one that counts.
    scored : torch.Tensor of bool, shape (n,)
        Residues that count.
    weights : torch.Tensor, shape (n,)
        Weight of each residue in the likelihood.
    """

    batch: Batch
    beads: BeadInputs
    displacements: torch.Tensor
    cis: torch.Tensor
    inner: torch.Tensor
    scored: torch.Tensor
    weights: torch.Tensor

    def to(self, device):
        """The same example on another device."""
        return BeadExample(**{name: part.to(device) for name, part in vars(self).items()})


class BeadBatches(Batches):
    """
    Flat batches of units, each seen through a bead model drawn for it.

    Parameters
    ----------
    structures, units, n_neighbours, size, neighbour_dropout
        As for `Batches`.
    draws : BeadDraws
    noisy : bool
        Noise on beads, and units strained as simulations are.
    """

    def __init__(self, structures, units, n_neighbours, size, draws, neighbour_dropout=0.0, noisy=True):
        self.structures, self.units, self.size = structures, units, size
        self.n_neighbours, self.neighbour_dropout = n_neighbours, neighbour_dropout
        self.draws, self.noisy, self.fresh = draws, noisy, True

    def collate(self, units, generator=None):
        """One `BeadExample` of some units."""
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        rows, lengths = torch.cat([unit.rows for unit in units]), torch.tensor([len(unit.rows) for unit in units])
        structures, ends = self.structures, torch.cat([self._ends(unit) for unit in units])
        beads, weights = self._beads(units, rows, ends, lengths, generator, self.noisy)
        types, ca, present = structures.types[rows], structures.ca[rows], weights.any(-1)
        anchored = present[:, 0]
        anchors = torch.where(anchored.unsqueeze(-1), beads[:, 0], ca)
        # nothing tells here which peptides are cis
        internal = InternalCoordinates(types, ends, torch.zeros_like(ends))
        batch = self._batch(units, internal, anchors, lengths, generator)
        seen = BeadInputs((beads - anchors.unsqueeze(1)) * present.unsqueeze(-1), weights, present)
        scored = torch.cat([unit.scored for unit in units]) & anchored & structures.mask[rows, residues.CA]
        cis = structures.cis[rows] & ~ends
        inner = ~ends & scored & scored.roll(-1, 0)
        return BeadExample(batch, seen, ca - anchors, cis, inner, scored, self._weights(rows))
