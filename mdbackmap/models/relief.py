"""
Relief: side-chain torsions that still overlap are turned a little, beads, bonds, angles and backbone untouched.

The energy is that of `exclusion`, plus a restraint to the torsions as drawn. Its gradient with respect to a torsion is
the torque about the torsion's bond, so nothing is differentiated automatically and only the residues in question move.

Shapes: Q residues in question, P pairs of atoms. Lengths in angstrom, angles in radians, energies in kT.
"""

import functools

import torch

from .. import residues
from ..geometry import unit
from ..movable import apart, elements
from .disulfides import LENGTH, may_bond
from .exclusion import STIFFNESS, allowed_distances

RESTRAINT = 8.0
"""kT per squared radian that a torsion turns away from where it was drawn."""
TOUCH = 0.2
"""Overlap of van der Waals spheres that side chains are not turned for, angstrom."""
_LISTED = 1.6  # pairs up to this much further apart than allowed are watched


@functools.cache
def _tables():
    """By residue type: atoms (20, 4, 14) that torsions move, axis slots (20, 4, 2), elements and presence (20, 14)."""
    moved = torch.zeros(20, 4, 14, dtype=torch.bool)
    axis = torch.zeros(20, 4, 2, dtype=torch.int64)
    real = torch.zeros(20, 14, dtype=torch.bool)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        atoms = residues.ATOMS[name]
        real[kind, : len(atoms)] = True
        if name == "PRO":
            continue
        for k, torsion in enumerate(residues.CHIS[name]):
            axis[kind, k] = torch.tensor([atoms.index(torsion[1]), atoms.index(torsion[2])])
            for atom, (group, *_) in residues.IDEAL_ATOMS[name].items():
                moved[kind, k, atoms.index(atom)] = group > k
    return moved, axis, elements(), real


def turn(atoms, axis, moved, angles):
    """
    Turn parts of side chains about their bonds, outermost first.

    Parameters
    ----------
    atoms : torch.Tensor (Q, 14, 3)
    axis : torch.Tensor (Q, 4, 2) int64
        Slots of the two atoms of each torsion's bond.
    moved : torch.Tensor (Q, 4, 14) bool
        Atoms that each torsion moves.
    angles : torch.Tensor (Q, 4)
        By how much, in radians.

    Returns
    -------
    torch.Tensor (Q, 14, 3)
    """
    rows = torch.arange(len(atoms), device=atoms.device)
    for k in (3, 2, 1, 0):
        pivot = atoms[rows, axis[:, k, 1]].unsqueeze(1)
        along = unit(pivot - atoms[rows, axis[:, k, 0]].unsqueeze(1)).expand_as(atoms)
        arm = atoms - pivot
        cos, sin = angles[:, k, None, None].cos(), angles[:, k, None, None].sin()
        turned = arm * cos + torch.cross(along, arm, dim=-1) * sin + along * (along * arm).sum(-1, True) * (1 - cos)
        atoms = torch.where(moved[:, k, :, None], pivot + turned, atoms)
    return atoms


def _torques(atoms, axis, moved, gradient):
    """Derivatives (Q, 4) of an energy with respect to the torsions from those (Q, 14, 3) with respect to positions."""
    rows = torch.arange(len(atoms), device=atoms.device)
    pivot = torch.stack([atoms[rows, axis[:, k, 1]] for k in range(4)], 1)  # (Q, 4, 3)
    along = unit(pivot - torch.stack([atoms[rows, axis[:, k, 0]] for k in range(4)], 1))
    arm = atoms.unsqueeze(1) - pivot.unsqueeze(2)  # (Q, 4, 14, 3)
    torque = torch.cross(arm, gradient.unsqueeze(1).expand_as(arm), dim=-1)
    return (along * (torque * moved.unsqueeze(-1)).sum(2)).sum(-1)


def relieve(types, atoms, chosen, n_steps=20, rate=0.12):
    """
    Turn side chains out of overlaps.

    Parameters
    ----------
    types : torch.Tensor (N,) int64
    atoms : torch.Tensor (F, N, 14, 3)
        Chains whole; overlaps across periodic boundaries are left as they are.
    chosen : torch.Tensor (Q, 2) int64
        Frame and residue of the side chains that may move.
    n_steps, rate : int, float
        Steps of Adam, and their size in radians.

    Returns
    -------
    torch.Tensor (Q, 4)
        By how much each torsion is turned, in radians.
    """
    moved, axis, element, real = (table.to(atoms.device) for table in _tables())
    frames, rows = chosen.unbind(1)
    kinds = types[rows]
    moved, axis = moved[kinds], axis[kinds]
    can = moved.any(2)
    start, n_residues = atoms[frames, rows], len(types)
    slot, other, allowed, bound = _pairs(types, atoms, chosen, moved[:, 0], element, real)
    flat = atoms.reshape(-1, 3).clone()
    where = ((frames * n_residues + rows) * 14).unsqueeze(1) + torch.arange(14, device=atoms.device)  # (Q, 14)
    angles = start.new_zeros(len(chosen), 4)
    mean, square, current = torch.zeros_like(angles), torch.zeros_like(angles), start
    for step in range(1, n_steps + 1):
        gap = current.reshape(-1, 3).index_select(0, slot) - flat.index_select(0, other)
        distance = gap.norm(dim=-1).clamp_min(0.5)
        push = -2 * STIFFNESS * torch.where(bound, allowed - distance, (allowed - distance).clamp_min(0)) / distance
        gradient = current.new_zeros(len(chosen) * 14, 3).index_add(0, slot, push.unsqueeze(1) * gap)
        slope = _torques(current, axis, moved, gradient.view(-1, 14, 3)) + 2 * RESTRAINT * angles
        mean, square = 0.8 * mean + 0.2 * slope, 0.95 * square + 0.05 * slope**2
        size = rate * (1 - step / (n_steps + 1))
        change = size * (mean / (1 - 0.8**step)) / ((square / (1 - 0.95**step)).sqrt() + 0.5)
        angles = torch.where(can, angles - change, 0.0)
        current = turn(start, axis, moved, angles)
        flat[where.flatten()] = current.reshape(-1, 3)
    return angles


def _pairs(types, atoms, chosen, turning, element, real):
    """
    Atoms (P,) of the chosen side chains as row * 14 + slot, the atoms (P,) near them, allowed distances (P,).

    Last, which pairs (P,) are sulfurs that belong together: they are held at that distance.
    """
    frames, rows = chosen.unbind(1)
    n_residues = len(types)
    kinds = types[rows]
    tip = (atoms[frames, rows] * turning.unsqueeze(-1)).sum(1) / turning.sum(1, keepdim=True).clamp_min(1)
    reach = ((atoms[frames, rows] - tip.unsqueeze(1)).norm(dim=-1) * turning).amax(1)
    near = (atoms[frames, :, 1] - tip.unsqueeze(1)).norm(dim=-1) < (reach + 7.5).unsqueeze(1)  # (Q, N)
    row, residue = near.nonzero().unbind(1)
    both = turning[row].unsqueeze(2) & real[types[residue]].unsqueeze(1)  # (pairs of residues, 14, 14)
    both &= (residue != rows[row])[:, None, None] | apart().to(atoms.device)[kinds[row]]
    pair, a, b = both.nonzero().unbind(1)
    row, residue = row[pair], residue[pair]
    allowed = allowed_distances(element[kinds[row], a], element[types[residue], b], TOUCH)
    distance = (atoms[frames[row], rows[row], a] - atoms[frames[row], residue, b]).norm(dim=-1)
    close = distance < allowed + _LISTED
    row, residue, a, b, allowed = (part[close] for part in (row, residue, a, b, allowed))
    bound = _sulfurs(types, atoms, frames[row], rows[row], residue, a, b)
    allowed = torch.where(bound, LENGTH, allowed)
    return row * 14 + a, (frames[row] * n_residues + residue) * 14 + b, allowed, bound


def _sulfurs(types, atoms, frames, one, other, a, b):
    """Which pairs of atoms are SG of cysteines whose C-betas lie as in a disulfide."""
    cysteine = types == residues.TYPE_OF_NAME["CYS"]
    both = cysteine[one] & cysteine[other] & (a == 5) & (b == 5) & (one != other)
    both[both.clone()] = may_bond(atoms[frames[both], other[both], 4] - atoms[frames[both], one[both], 4])
    return both
