"""
Prolines, whose side chains end at their own backbone: rings closed, and how they pucker.

Shapes: `...` leading dimensions (frames), R residues, p prolines. Lengths in angstrom, angles in radians.
"""

import math

import torch

from ..chemistry import peptide_geometry, residues
from ..geometry.vectors import bisector_frame, perpendicular, place, unit

_N, _CA, _C, _O, _CB, _CG, _CD = range(7)  # slots


def close_prolines(atoms, at, starts, torsions):
    """
    Rings of prolines: CD in the plane of the peptide at N, CG on the circle that keeps both of its bonds.

    Parameters
    ----------
    atoms : torch.Tensor, shape (..., R, 14, 3)
        All other atoms; changed in place.
    at : torch.Tensor of int64, shape (p,)
        Which residues are prolines.
    starts : torch.Tensor of bool, shape (R,)
        First residues of stretches.
    torsions : torch.Tensor, shape (..., R, 6)
        In radians.

    Returns
    -------
    torch.Tensor, shape (..., R, 14, 3)
    """
    if len(at) == 0:
        return atoms
    n, ca, cb = (atoms[..., at, k, :] for k in (_N, _CA, _CB))
    cd = _proline_cd(atoms, at, starts, n, ca)
    cb = _within_reach(cb, ca, n, cd)
    ring = residues.PROLINE_RING
    axis, gap = unit(cd - cb), (cd - cb).norm(dim=-1, keepdim=True)
    along = (ring["CB-CG"] ** 2 - ring["CG-CD"] ** 2 + gap**2) / (2 * gap)
    radius = (ring["CB-CG"] ** 2 - along**2).clamp_min(0).sqrt()
    centre = cb + along * axis
    out = perpendicular(centre - (n + ca) / 2, axis)
    pucker = torsions[..., at, 1, None]
    cg = centre + radius * (pucker.cos() * out + pucker.sin() * torch.cross(axis, out, dim=-1))
    flat = atoms.flatten(-3, -2)
    for slot, placed in ((_CB, cb), (_CG, cg), (_CD, cd)):
        flat.index_copy_(-2, at * residues.MAX_ATOMS + slot, placed)
    return flat.unflatten(-2, (-1, 14))


def _within_reach(cb, ca, n, cd):
    """CB (..., 3) of proline, turned in the plane N-CA-CB as little as lets CG bridge it and CD (`PROLINE_CB_CD`)."""
    towards_n, bond = unit(n - ca), (cb - ca).norm(dim=-1)
    away = perpendicular(cb - ca, towards_n)
    along, aside, span = ((v * (cd - ca)).sum(-1) for v in (towards_n, away, cd - ca))
    centre, reach = torch.atan2(aside, along), 2 * bond * torch.hypot(along, aside).clamp_min(1e-6)
    gaps = peptide_geometry.PROLINE_CB_CD
    near, far = (centre + ((bond**2 + span - gap**2) / reach).clamp(-1, 1).acos() for gap in gaps)
    opening = torch.atan2(((cb - ca) * away).sum(-1), ((cb - ca) * towards_n).sum(-1))
    turned = opening.clamp(near, far).unsqueeze(-1)
    moved = ca + bond.unsqueeze(-1) * (turned.cos() * towards_n + turned.sin() * away)
    return torch.where(turned == opening.unsqueeze(-1), cb, moved)


def _proline_cd(atoms, at, starts, n, ca):
    """CD (..., p, 3) in the plane of the peptide before each proline."""
    previous = atoms[..., (at - 1).clamp_min(0), _C, :]
    length, bend = peptide_geometry.BACKBONE_BONDS["C-N"], math.radians(peptide_geometry.C_N_CA_START)
    virtual = place(atoms[..., at, _C, :], ca, n, length, bend, math.radians(peptide_geometry.PHI_START))
    previous = torch.where(starts[at, None], virtual, previous)
    local = unit(n.new_tensor(residues.PROLINE_CD)) * residues.PROLINE_RING["N-CD"]
    return n + (local @ bisector_frame(previous, n, ca))


def puckers(atoms, mask, at):
    """
    Where CG of prolines is about CB->CD, 0 in the ring's plane.

    Parameters
    ----------
    atoms : torch.Tensor, shape (..., R, 14, 3)
    mask : torch.Tensor of bool, shape (..., R, 14)
        True where an atom is there.
    at : torch.Tensor of int64, shape (p,)
        Which residues are prolines.

    Returns
    -------
    angles : torch.Tensor, shape (..., p)
        In radians.
    known : torch.Tensor of bool, shape (..., p)
    """
    n, ca, cb, cg, cd = (atoms[..., at, k, :] for k in (_N, _CA, _CB, _CG, _CD))
    axis = unit(cd - cb)
    centre = cb + ((cg - cb) * axis).sum(-1, keepdim=True) * axis
    out = perpendicular(centre - (n + ca) / 2, axis)
    side = torch.cross(axis, out, dim=-1)
    angles = torch.atan2(((cg - centre) * side).sum(-1), ((cg - centre) * out).sum(-1))
    return angles, mask[..., at, :7].all(-1)
