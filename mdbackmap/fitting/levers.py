"""
How beads move with the torsions of a side chain and with its tilt: axes of rotation times levers.

Shapes: `...` leading dimensions, r residues, J beads, 14 atom slots, 7 turns: tilt about three axes, chi1 to chi4.
Angstrom and radians.
"""

import functools

import torch

from ..chemistry import residues
from ..chemistry.residues import CA, CB, MAX_CHIS
from ..geometry.vectors import unit
from ..packing.relief import turning_tables
from ..torsions.movable import present

TILT, CHI = slice(0, 3), slice(3, 7)
"""Of the seven turns."""
_PRO = residues.TYPE_OF_NAME["PRO"]
_CG, _CD = (residues.SLOT_OF_ATOM["PRO", name] for name in ("CG", "CD"))


@functools.cache
def _tables():
    """Atoms (20, 5, 14) that the tilt and each chi move, and slots (20, 5, 2) of axes; the tilt's begins at CA."""
    chis, bonds = turning_tables()
    tilted = present().clone()
    tilted[:, :CB], tilted[_PRO] = False, False  # the ring of proline is bonded to N
    moved = torch.cat([tilted.unsqueeze(1), chis], 1)
    moved[_PRO, 1, _CG] = True
    axis = torch.cat([torch.full_like(bonds[:, :1], CA), bonds], 1)
    axis[_PRO, 1] = torch.tensor([CB, _CD])
    return moved, axis


def turns(tilt, chi, like):
    """Seven numbers (7,): one for each axis of the tilt, and one for each chi."""
    return torch.cat([like.new_full((3,), tilt), like.new_full((MAX_CHIS,), chi)])


class Levers:
    """
    Which beads of some residues move with side chains, as tables made once.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (r,)
    weights : torch.Tensor, shape (r, J, 14)
        Of the atoms in each bead.

    Attributes
    ----------
    free : torch.Tensor of bool, shape (r, 7)
        Turns that a residue has.
    """

    def __init__(self, types, weights):
        moved, self.axis = (table.to(types.device)[types] for table in _tables())
        self.shares = (weights.unsqueeze(2) * moved.unsqueeze(1)).flatten(1, 2)  # (r, J * 5, 14)
        self.total = self.shares.sum(-1).unflatten(1, (-1, 5))  # (r, J, 5)
        can = moved.any(-1)
        self.free = torch.cat([can[:, :1].expand(-1, 3), can[:, 1:]], -1)

    def frames(self, atoms):
        """Axes of the chis (..., r, 4, 3), and a point on the axis of each turn (..., r, 5, 3)."""
        behind, pivot = (atoms.gather(-2, self.axis[..., k, None].expand(*atoms.shape[:-2], -1, 3)) for k in (0, 1))
        return unit(pivot - behind)[..., 1:, :], pivot

    def __call__(self, atoms):
        """Derivatives (..., r, J, 3, 7) of beads with respect to the turns, at `atoms` (..., r, 14, 3)."""
        axes, pivot = self.frames(atoms)
        moments = (self.shares.to(atoms) @ atoms).unflatten(-2, (-1, 5))  # (..., r, J, 5, 3)
        levers = moments - self.total.to(atoms).unsqueeze(-1) * pivot.unsqueeze(-3)
        return across(levers, axes.unsqueeze(-3))


def across(levers, axes):
    """Derivatives (..., 3, 7) of points, by `levers` (..., 5, 3) of the tilt, and of chis about `axes` (..., 4, 3)."""
    x, y, z = levers[..., 0, :].unbind(-1)
    none = torch.zeros_like(x)
    tilt = torch.stack([none, z, -y, -z, none, x, y, -x, none], -1).unflatten(-1, (3, 3))
    chis = torch.cross(axes.expand_as(levers[..., 1:, :]), levers[..., 1:, :], dim=-1)
    return torch.cat([tilt, chis.transpose(-1, -2)], -1)
