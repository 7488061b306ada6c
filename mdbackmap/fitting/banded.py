"""
Normal equations of chains: blocks of neighbouring residues, solved frame by frame.

Shapes: F frames, R residues, n unknowns of a residue, 5 residues that a residual knows: two on each side.
"""

import numpy as np
import torch
from scipy.linalg import solveh_banded

REACH = 2
"""Residues on each side that the atoms of a residue move with; cited: `torsions.internal`."""
WIDTH = 2 * REACH + 1


def solve(curvature, slope, prior, pull):
    """
    Solve normal equations.

    Parameters
    ----------
    curvature : torch.Tensor, shape (F, R, 5, n, 5, n)
        That of the residuals of each residue, in unknowns of the residues around it, those two before it first.
    slope : torch.Tensor, shape (F, R, 5, n)
    prior : torch.Tensor, shape (F, R, n)
        Added to the diagonal, above 0.
    pull : torch.Tensor, shape (F, R, n)
        Added to the slope of each residue's own unknowns.

    Returns
    -------
    torch.Tensor, shape (F, R, n)
        The unknowns for which curvature times unknowns is the slope.
    """
    n_frames, n_residues, _, n = slope.shape
    right = sum(slope[:, :, k].roll(k - REACH, 1) for k in range(WIDTH)) + pull
    rows = np.zeros((n_frames, WIDTH * n, n_residues * n))
    for gap in range(WIDTH):
        blocks = sum(curvature[:, :, k, :, k + gap].roll(k - REACH, 1) for k in range(WIDTH - gap))
        if gap == 0:
            blocks = blocks + torch.diag_embed(prior)
        blocks = blocks.double().cpu().numpy()
        for p in range(n):
            for q in range(p if gap == 0 else 0, n):
                rows[:, gap * n + q - p, p::n] = blocks[..., p, q]
    right = right.double().flatten(1).cpu().numpy()
    found = [solveh_banded(a, b, lower=True, check_finite=False) for a, b in zip(rows, right, strict=True)]
    return torch.from_numpy(np.stack(found)).to(slope).view(n_frames, n_residues, n)


def around(values):
    """Of values (F, R, ...) those of the residues around each, (F, R, 5, ...); at the ends they mean nothing."""
    return torch.stack([values.roll(REACH - k, 1) for k in range(WIDTH)], 2)
