"""
Side chains as rigid parts that torsions turn.

Shapes: Q side chains. Angstrom and radians.
"""

import torch

from ..chemistry.residues import CA, CB
from ..geometry.vectors import unit


class SideChains:
    """
    Side chains as rigid parts joined by torsions.

    Parameters
    ----------
    atoms : torch.Tensor, shape (Q, 14, 3)
    axis : torch.Tensor of int64, shape (Q, 4, 2)
        Slots of the two atoms of each torsion's bond.
    moved : torch.Tensor of bool, shape (Q, 4, 14)
        Atoms that each torsion moves; each torsion moves some of those that the one before it moves.
    """

    def __init__(self, atoms, axis, moved):
        self.atoms, self.axis, self.share = atoms, axis, moved.to(atoms.dtype)
        self.last = moved.sum(1)  # (Q, 14): torsions that move an atom
        self.behind, self.pivot = self._bonds(atoms)
        self._level, self._across, self._skew = _parts(unit(self.pivot - self.behind))
        rows = torch.arange(len(atoms), device=atoms.device).unsqueeze(1)
        self._motion = (rows * (moved.shape[1] + 1) + self.last).flatten()  # of each atom, among those of all torsions

    def _bonds(self, atoms):
        """Ends (Q, 4, 3) of each torsion's bond, inner and outer one."""
        return (atoms.gather(1, self.axis[..., k, None].expand(-1, -1, 3)) for k in (0, 1))

    def turned(self, angles):
        """Atoms (Q, 14, 3) after each torsion has been turned by `angles` (Q, 4), in radians."""
        cos, sin = angles.cos()[..., None, None], angles.sin()[..., None, None]
        turns = self._level + cos * self._across + sin * self._skew  # (Q, 4, 3, 3)
        shifts = self.pivot - (self.pivot.unsqueeze(2) @ turns).squeeze(2)
        steps = torch.cat([turns, shifts.unsqueeze(2)], 2)  # (Q, 4, 4, 3): a shift below each rotation
        whole = [torch.eye(4, 3).to(turns).expand(len(turns), 4, 3), steps[:, 0]]
        for k in range(1, 4):  # what is further out turns first, about the bonds as they were
            motion = steps[:, k] @ whole[-1][:, :3]
            motion[:, 3] += whole[-1][:, 3]
            whole.append(motion)
        motions = torch.stack(whole, 1)
        motion = motions.view(-1, 4, 3).index_select(0, self._motion).view(*self.last.shape, 4, 3)
        x, y, z = self.atoms.unsqueeze(-1).unbind(2)
        turned = (x * motion[:, :, 0]).addcmul_(y, motion[:, :, 1]).addcmul_(z, motion[:, :, 2])
        return turned.add_(motion[:, :, 3])

    def torques(self, atoms, gradient):
        """
        Derivatives (Q, 4) of an energy with respect to the torsions.

        `gradient` (Q, 14, 3) are those with respect to the positions `atoms` (Q, 14, 3).
        """
        behind, pivot = self._bonds(atoms)
        force = self.share @ torch.cat([gradient, torch.cross(atoms, gradient, dim=-1)], -1)  # (Q, 4, 6)
        torque = force[..., 3:] - torch.cross(pivot, force[..., :3], dim=-1)
        return (unit(pivot - behind) * torque).sum(-1)


def rotations(along, angles):
    """Matrices (..., 3, 3) that turn row vectors by `angles` (...) about unit vectors `along` (..., 3)."""
    level, across, skew = _parts(along)
    return level + angles.cos()[..., None, None] * across + angles.sin()[..., None, None] * skew


def _parts(along):
    """What `rotations` about unit vectors are made of: of no angle, of its cosine, of its sine, each (..., 3, 3)."""
    x, y, z = along.unbind(-1)
    none, level = torch.zeros_like(x), along.unsqueeze(-1) * along.unsqueeze(-2)
    skew = torch.stack([none, z, -y, -z, none, x, y, -x, none], -1).unflatten(-1, (3, 3))
    return level, torch.eye(3).to(along) - level, skew


def tilted(atoms, tilt):
    """Atoms (..., 14, 3) with side chains turned about CA by `tilt` (..., 3), an axis times an angle in radians."""
    angle, centre = tilt.norm(dim=-1), atoms[..., CA, None, :]
    turns = rotations(unit(tilt), angle)
    return torch.cat([atoms[..., :CB, :], centre + (atoms[..., CB:, :] - centre) @ turns], -2)
