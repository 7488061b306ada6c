"""
C-alphas before and after each residue of a trace, beyond its ends, too.

Shapes: `...` leading dimensions (frames), R residues. Lengths in angstrom.
"""

import math

import torch

from ..chemistry import peptide_geometry
from ..geometry.vectors import full_precision, place

_END_ANGLE, _END_TORSION = math.radians(peptide_geometry.CA_ANGLE), math.radians(peptide_geometry.CA_TORSION)


@full_precision
def trace_neighbours(ca, first, last, aside=None):
    """
    C-alphas before and after each residue along its stretch, extrapolated past the ends.

    Parameters
    ----------
    ca : torch.Tensor, shape (..., R, 3)
        Positions in angstrom.
    first, last : torch.Tensor of int64, shape (n_stretches,)
        Residues that begin and end each unbroken stretch.
    aside : tuple, optional
        Stretches, shape (s,), of one or two residues, which have no plane of their own. And unit vectors at their first
        residues, both (..., s, 3): away from what is around, and at right angles to that (`InternalCoordinates.aside`).

    Returns
    -------
    before, after : torch.Tensor, shape (..., R, 3)
    """
    alone = (first == last)[:, None]
    ahead = ca.new_tensor([peptide_geometry.CA_TRANS, 0.0, 0.0]).expand_as(ca[..., first, :])
    one, two = torch.minimum(first + 1, last), torch.minimum(first + 2, last)
    third = ca[..., two, :]
    if aside is not None:
        short, away, across = aside
        third = third.index_copy(-2, short, ca[..., first[short], :] + away)
        ahead = ahead.index_copy(-2, short, peptide_geometry.CA_TRANS * across)
    inward = ca[..., one, :] + alone * ahead
    outward = place(third, inward, ca[..., first, :], peptide_geometry.CA_TRANS, _END_ANGLE, _END_TORSION)
    before = ca.roll(1, dims=-2).index_copy(-2, first, outward)
    inward = before[..., last, :]
    further = torch.where(alone, inward if aside is None else third, before[..., (last - 1).clamp_min(0), :])
    outward = place(further, inward, ca[..., last, :], peptide_geometry.CA_TRANS, _END_ANGLE, _END_TORSION)
    after = ca.roll(-1, dims=-2).index_copy(-2, last, outward)
    return before, after
