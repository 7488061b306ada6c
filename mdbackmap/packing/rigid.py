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
        self.along = unit(self.pivot - self.behind)

    def _bonds(self, atoms):
        """Ends (Q, 4, 3) of each torsion's bond, inner and outer one."""
        return (atoms.gather(1, self.axis[..., k, None].expand(-1, -1, 3)) for k in (0, 1))

    def turned(self, angles):
        """Atoms (Q, 14, 3) after each torsion has been turned by `angles` (Q, 4), in radians."""
        turns = rotations(self.along, angles)  # (Q, 4, 3, 3)
        shifts = self.pivot - (self.pivot.unsqueeze(2) @ turns).squeeze(2)
        turn, shift = torch.eye(3).to(turns).expand(len(turns), 3, 3), shifts.new_zeros(len(turns), 1, 3)
        whole = [(turn, shift)]
        for k in range(4):  # what is further out turns first, about the bonds as they were
            shift = shifts[:, k, None] @ turn + shift
            turn = turns[:, k] @ turn
            whole.append((turn, shift))
        rows = torch.arange(len(turns), device=turns.device).unsqueeze(1)
        turns, shifts = (torch.stack(parts, 1)[rows, self.last] for parts in zip(*whole, strict=True))
        return (self.atoms.unsqueeze(2) @ turns + shifts).squeeze(2)

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
    cos, sin = angles.cos()[..., None, None], angles.sin()
    x, y, z = (along * sin.unsqueeze(-1)).unbind(-1)
    none = torch.zeros_like(x)
    skew = torch.stack([none, z, -y, -z, none, x, y, -x, none], -1).unflatten(-1, (3, 3))
    return cos * torch.eye(3).to(along) + skew + (1 - cos) * along.unsqueeze(-1) * along.unsqueeze(-2)


def tilted(atoms, tilt):
    """Atoms (..., 14, 3) with side chains turned about CA by `tilt` (..., 3), an axis times an angle in radians."""
    angle, centre = tilt.norm(dim=-1), atoms[..., CA, None, :]
    turns = rotations(unit(tilt), angle)
    return torch.cat([atoms[..., :CB, :], centre + (atoms[..., CB:, :] - centre) @ turns], -2)
