"""
`Features`: the features of a bead and of its neighbours, in chiral local frames.

Shapes: n residues in all, K neighbours, C features, E features of an edge. Angstrom and radians.
"""

import functools

import torch
from torch import nn

from ..chemistry import residues
from ..chemistry.peptide_geometry import CA_CIS, CA_TRANS
from ..geometry.chunks import in_chunks
from ..geometry.vectors import bisector_frame, dihedral, unit
from .batch import MAX_SEPARATION
from .layers import Neighbourhood, harmonics, radial_basis

_N_SEPARATIONS = 2 * MAX_SEPARATION + 2
_SHAPE = 16  # columns of `Features._shape`; chosen: by hand
_EDGE = 15  # direction, its place in the neighbour's frame, and axes against axes; chosen: by hand
_USUAL = 5.0, 10.0, 15.0, 25.0  # residues within `COUNT_RADII`, about 1 after division; chosen: by hand


class Features(nn.Module):
    """
    Invariant features of beads and of their edges, in chiral local frames.

    Parameters
    ----------
    config
        With `n_features`, `n_basis` and `anonymous`.
    measured : bool
        Distances of neighbours along the chain are features. They differ between crystals and coarse models, whose
        bonds vibrate. A network of torsions gets those of an ideal peptide instead.
    """

    def __init__(self, config, measured=False):
        super().__init__()
        self.measured = measured
        self.n_basis, self.anonymous = config.n_basis, config.anonymous
        self.n_edge_features = _EDGE + config.n_basis + _N_SEPARATIONS
        self.residue = nn.Embedding(len(residues.ALPHABET), config.n_features)
        self.shape = nn.Linear(_SHAPE, config.n_features)

    def forward(self, batch):
        """Features (n, C), and the `Neighbourhood` of beads."""
        return self._named(batch.types) + self.shape(self._shape(batch)), self._neighbourhood(batch)

    def _named(self, types):
        """Embedding (n, C) of residue types; some are hidden in training (a sequence identifies its protein)."""
        named = self.residue(types)
        if self.training and self.anonymous:
            named = named * (torch.rand(len(types), 1, device=named.device) >= self.anonymous)
        return named

    def _shape(self, batch):
        """Distances, angle and torsions of the trace, ends, cis peptides, burial (n, 16)."""
        back, ahead = batch.ca - batch.before, batch.after - batch.ca
        inner_first, inner_last = (~batch.first).float(), (~batch.last).float()
        cis, cis_before = batch.cis.float(), batch.cis.roll(1).float() * inner_first
        torsion = dihedral(batch.before, batch.ca, batch.after, batch.after.roll(-1, 0))
        torsion_before = dihedral(batch.before.roll(1, 0), batch.before, batch.ca, batch.after)
        columns = [
            *self._spacing(back, ahead, cis, cis_before, inner_first, inner_last),
            (unit(back) * unit(ahead)).sum(-1),
            torsion.sin() * inner_last,
            torsion.cos() * inner_last,
            torsion_before.sin() * inner_first,
            torsion_before.cos() * inner_first,
            *(batch.first.float(), batch.last.float(), cis, cis_before),
            *(batch.counts / batch.counts.new_tensor(_USUAL) - 1).unbind(-1),
        ]
        columns.append(torch.cross(unit(back), unit(ahead), dim=-1).norm(dim=-1))
        return torch.stack(columns, dim=-1)

    def _spacing(self, back, ahead, cis, cis_before, inner_first, inner_last):
        """By how much the C-alphas before and after (n,) are off the distance of trans peptides, in angstrom."""
        if self.measured:
            off = ((vectors.norm(dim=-1) - CA_TRANS).clamp(-1, 1) for vectors in (back, ahead))
        else:
            off = ((CA_CIS - CA_TRANS) * cis_before, (CA_CIS - CA_TRANS) * cis)
        return [one * inner for one, inner in zip(off, (inner_first, inner_last), strict=True)]

    def _neighbourhood(self, batch):
        frame = bisector_frame(batch.before, batch.ca, batch.after)  # (n, 3, 3)
        edges, sphere = in_chunks(functools.partial(self._edges, batch, frame), len(batch), frame.device)
        return Neighbourhood(edges, batch.separations, batch.neighbours, batch.weights(edges.dtype), sphere)

    def _edges(self, batch, frame, at):
        """Features (m, K, E) of the edges of some of the beads, whose frames are (n, 3, 3), and harmonics (m, K, 9)."""
        displacements, neighbours, own = batch.displacements[at], batch.neighbours[at], frame[at].transpose(-1, -2)
        distance = displacements.norm(dim=-1)
        direction = displacements / distance.unsqueeze(-1).clamp_min(1e-6)
        other = frame.index_select(0, neighbours.flatten()).unflatten(0, distance.shape)  # (m, K, 3, 3)
        here = direction @ own
        there = (other @ direction.unsqueeze(-1)).squeeze(-1)
        turned = (other.flatten(1, 2) @ own).reshape(*distance.shape, 9)
        radial = radial_basis(distance, self.n_basis)
        return torch.cat([here, there, turned, radial], dim=-1), harmonics(displacements)
