"""
Strain of a residue by the angles of the two peptides that meet at it: N-CA-C, and proline's phi.

Shapes: F frames, R residues. Lengths in angstrom, angles in radians, energies in kT.
"""

import torch

from ..chemistry import residues
from ..geometry.vectors import axis_frame, full_precision, wrap


class Strain:
    """Energy, in kT, of N-CA-C and of proline's phi, from the angles of the two peptides that meet at a residue."""

    def __init__(self, internal, beads, settings):
        self.settings = settings
        local, frame = internal.peptide_frames(beads)  # each (F, R, 3, 3)
        length = (beads.roll(-1, 1) - beads).norm(dim=-1)
        back = torch.stack([length, torch.zeros_like(length)], -1)
        carbon = local[..., 0, :2]  # along and beside the axis, as what follows
        nitrogen, behind = ((local[..., k, :2] - back).roll(1, 1) for k in (2, 0))  # of the peptide before
        across = frame.roll(1, 1) @ frame.transpose(-1, -2)  # from that peptide's frame to the own one
        ahead, before = (side / side.norm(dim=-1, keepdim=True) for side in (carbon, nitrogen))
        ahead, before = (torch.cat([side, side[..., 1:]], -1) for side in (ahead, before))
        cosine = before.unsqueeze(-1) * across * ahead.unsqueeze(-2)  # of N-CA-C, by 1, cos and sin of both angles
        inner = ~(internal.starts | internal.ends)
        rows = torch.stack([internal.tau.to(beads), inner.to(beads)], -1).expand(len(beads), -1, -1)
        self.table = torch.cat([cosine.flatten(-2), rows], -1)  # (F, R, 11), read in one go
        self.pucker = torch.cat([nitrogen, behind, carbon, across.flatten(-2)], -1)  # (F, R, 15), of prolines
        self.proline = internal.types == residues.TYPE_OF_NAME["PRO"]

    @property
    def constants(self):
        """The numbers (5,) that energies are made of."""
        names = "bend", "bend_width", "proline_phi", "proline_turn", "proline_width"
        return self.table.new_tensor([getattr(self.settings, name) for name in names])

    @full_precision
    def of(self, frames, at, before, own, shape):
        """
        Energies of residues `at` in `frames` for angles of the peptide before and of their own, which broadcast.

        `shape` is that of one residue's, or of `at`'s, among them.
        """
        settings = self.settings
        cosine, tau, inner = self._rows(self.table, frames, at, shape).split([9, 1, 1], -1)
        turn = torch.stack([torch.ones_like(before), before.cos(), before.sin()], -1)
        own = own.cos(), own.sin()
        cosine = _summed(_product(turn, cosine), own)
        off = cosine.clamp_(-1, 1).acos_().sub_(tau[..., 0]).abs_().sub_(settings.bend)
        energy = off.clamp_min_(0).mul_(1 / settings.bend_width).square_()
        proline = self.proline[at]
        if proline.any():
            phi = _phi(self._rows(self.pucker, frames, at, shape), turn, own)
            beyond = (wrap(phi - settings.proline_phi).abs() - settings.proline_turn).clamp_min(0)
            energy = energy + (beyond / settings.proline_width).square() * proline.view(shape)
        return energy * inner[..., 0]

    @staticmethod
    def _rows(table, frames, at, shape):
        """Rows of a table (F, R, n) for residues `at` in `frames`, in a shape that angles have."""
        if torch.is_tensor(frames):
            return table[frames, at].view(*shape, table.shape[-1])
        return table.index_select(1, at).view(len(table), *shape, table.shape[-1])


def _product(turn, matrix):
    """Turn (..., 3) @ matrix (..., 9)."""
    return (turn.unsqueeze(-2) @ matrix.unflatten(-1, (3, 3))).squeeze(-2)


def _summed(parts, own):
    """What parts (..., 3) by 1, cos and sin of the own angle make for it."""
    one, by_cos, by_sin = parts.unbind(-1)
    return torch.addcmul(torch.addcmul(one, by_cos, own[0]), by_sin, own[1])


def _phi(rows, turn, own):
    """phi, C-N-CA-C, of rows (..., 15) of nitrogen, carbon behind and carbon, (along, beside), and axes."""
    nitrogen, behind, carbon, across = rows.split([2, 2, 2, 9], -1)
    nitrogen, behind = (_product(turn * part[..., [0, 1, 1]], across) for part in (nitrogen, behind))
    _, y, z = axis_frame(nitrogen, torch.zeros_like(nitrogen), behind).unbind(-2)
    carbon = carbon[..., [0, 1, 1]]
    return torch.atan2(_summed(z * carbon, own), _summed(y * carbon, own))
