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
        cosine, tau, inner = self._rows(self.table, frames, at, shape).split([9, 1, 1], -1)
        turn = torch.stack([torch.ones_like(before), before.cos(), before.sin()], -1)
        own = own.cos(), own.sin()
        energy = self._bent(_summed(_product(turn, cosine), own), tau[..., 0])
        proline = self.proline[at]
        if proline.any():
            beyond = self._beyond(self._rows(self.pucker, frames, at, shape), turn, own)
            energy = energy + beyond * proline.view(shape)
        return energy * inner[..., 0]

    def _bent(self, cosine, tau):
        """Energies (...) of N-CA-C, of cosines (...) that are written over; `tau` (...) is the usual angle."""
        off = cosine.clamp_(-1, 1).acos_().sub_(tau).abs_().sub_(self.settings.bend)
        return off.clamp_min_(0).mul_(1 / self.settings.bend_width).square_()

    def _beyond(self, rows, turn, own):
        """Energies (...) of a proline's phi."""
        settings = self.settings
        phi = _phi(rows, turn, own)
        beyond = (wrap(phi - settings.proline_phi).abs() - settings.proline_turn).clamp_min(0)
        return (beyond / settings.proline_width).square()

    def along(self, own):
        """What `step` takes for own angles (B,): their cosines and sines, and cosines of N-CA-C, (R, F, 1, 3, B)."""
        own = own.cos(), own.sin()
        circle = torch.stack([torch.ones_like(own[0]), *own])
        return own, (self.table[..., :9].transpose(0, 1).unflatten(-1, (1, 3, 3)) @ circle)

    @full_precision
    def step(self, at, turn, along):
        """
        `of` for residues `at` (n,) in all frames and all own angles.

        Parameters
        ----------
        at : torch.Tensor of int64, shape (n,)
        turn : tuple of torch.Tensor, shape (n, F, S)
            Cosine and sine of the angle of the peptide before, in S draws.
        along : tuple
            As `along` gives it.

        Returns
        -------
        torch.Tensor, shape (n, F, S, B)
        """
        own, cosines = along
        one, by_cos, by_sin = cosines.index_select(0, at).unbind(-2)  # (n, F, 1, B)
        cosine = torch.addcmul(one, by_cos, turn[0].unsqueeze(-1)).addcmul_(by_sin, turn[1].unsqueeze(-1))
        tau, inner = self.table[0, :, 9:].index_select(0, at).view(-1, 2, 1, 1, 1).unbind(1)
        energy = self._bent(cosine, tau)
        proline = self.proline.index_select(0, at)
        if proline.any():
            turn = torch.stack([torch.ones_like(turn[0]), *turn], -1).unsqueeze(-2)  # (n, F, S, 1, 3)
            rows = self.pucker.index_select(1, at).transpose(0, 1)[:, :, None, None]
            energy = energy + self._beyond(rows, turn, own) * proline.view(-1, 1, 1, 1)
        return energy.mul_(inner)

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
