"""
C-alphas of a molecule from its beads: those that are C-alphas themselves, and others by the network `Placement`.

Shapes: F frames, N beads, R residues. Positions in angstrom.
"""

import dataclasses

import numpy as np
import torch

from ..models.batch import Batch, BeadInputs, passes
from ..models.placement import Placement
from ..torsions.bead_table import BeadTable
from ..torsions.internal import InternalCoordinates

_RMS = 2.0  # times the scale, in each direction; cited: the integral of exp(-distance / scale) in three dimensions


def with_cis(network, mapping, beads):
    """
    A mapping with the cis peptides that beads tell of, where these are not C-alphas.

    Parameters
    ----------
    network : Model
    mapping : Mapping
    beads : ndarray of float, shape (F, N, 3)
        Some frames in angstrom, chains whole. A peptide is cis if it is on the mean of their logits.

    Returns
    -------
    Mapping
        The very mapping if nothing is found.
    """
    placement = getattr(network, "placement", None)
    if placement is None or not mapping.is_chain or mapping.exact:
        return mapping
    placing = Placing.of(placement, mapping, next(network.parameters()).device)
    seen = torch.as_tensor(beads - beads.mean(axis=1, keepdims=True), dtype=torch.float32)
    logits = placing(seen.to(placing.table.weights.device)).cis.mean(0).cpu().numpy()
    alphas = mapping.alphas
    unknown = (alphas < 0) | (np.roll(alphas, -1) < 0)
    found = unknown & (logits > 0) & ~mapping.coarse.ends
    if not found.any():
        return mapping
    coarse, fine = (dataclasses.replace(part, cis=part.cis | found) for part in (mapping.coarse, mapping.fine))
    return dataclasses.replace(mapping, coarse=coarse, fine=fine)


@dataclasses.dataclass(frozen=True)
class Placed:
    """
    Where C-alphas are.

    Attributes
    ----------
    alphas : torch.Tensor, shape (F, R, 3)
    scales : torch.Tensor, shape (F, R)
        RMS of their errors in each direction, in angstrom; 0 where a bead is the C-alpha.
    cis : torch.Tensor, shape (F, R)
        Logits of a cis peptide to the next residue; 0 where nothing tells.
    beads : torch.Tensor, shape (F, R, J, 3)
        Those of each residue, which they were found from.
    """

    alphas: torch.Tensor
    scales: torch.Tensor
    cis: torch.Tensor
    beads: torch.Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Placing:
    """
    A `Placement` bound to the beads of one molecule.

    Attributes
    ----------
    network : Placement or None
        None where no network is needed, or the checkpoint has none.
    table : BeadTable
    anchors : InternalCoordinates
        Of the anchors' trace. Nothing is said of cis peptides: the network finds them.
    """

    network: Placement | None
    table: BeadTable
    anchors: InternalCoordinates

    @classmethod
    def of(cls, network, mapping, device=None):
        """For the beads of a `Mapping`."""
        coarse = mapping.coarse
        types, ends = (torch.tensor(table, device=device) for table in (coarse.types, coarse.ends))
        return cls(network, BeadTable.of(mapping, device), InternalCoordinates(types, ends, torch.zeros_like(ends)))

    @property
    def exact(self):
        """Whether each residue has a bead that is its C-alpha."""
        return bool((self.table.ca >= 0).all())

    @torch.no_grad()
    def __call__(self, beads, box=None):
        """
        C-alphas of some frames.

        Parameters
        ----------
        beads : torch.Tensor, shape (F, N, 3)
            Chains whole.
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows.

        Returns
        -------
        Placed
        """
        positions = self.table.gather(beads)
        known = self.table.ca.clamp_min(0)[None, :, None, None].expand(len(beads), -1, 1, 3)
        own = positions.gather(2, known).squeeze(2)
        if self.exact:
            nothing = torch.zeros_like(own[..., 0])
            return Placed(own, nothing, nothing, positions)
        parts = [self._found(positions[part], None if box is None else box[part]) for part in passes(own)]
        alphas, scales, cis = map(torch.cat, zip(*parts, strict=True))
        exact = self.table.ca >= 0
        return Placed(torch.where(exact[:, None], own, alphas), scales * ~exact, cis, positions)

    def _found(self, positions, box):
        """C-alphas, scales and logits of some frames (F, R, J, 3), by the network."""
        anchors = positions[:, :, 0]
        few = self.network.config.n_placement_neighbours
        batch = Batch.from_frames(self.anchors, anchors, few, box)
        seen = BeadInputs.from_frames(self.table, positions, anchors)
        shift, log_scales, cis = (part.unflatten(0, anchors.shape[:2]) for part in self.network(batch, seen))
        return anchors + shift, _RMS * log_scales.exp(), cis
