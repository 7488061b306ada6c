"""
Secondary structure by simple rules: helix, strand or neither, residue by residue, without looking at hydrogen bonds.

=========== ========================================== =============================================
rule        helix                                      strand
=========== ========================================== =============================================
phi, psi    phi -100 to -30, psi -80 to -5 degrees     phi -180 to -45, psi 45 to 180 or -180 to -170
C-alphas    angle 77-101, torsion 30-70 degrees        angle 110-138, torsion 145-180 or -180 to -125
=========== ========================================== =============================================

The rule for C-alphas is that of P-SEA (Labesse et al., CABIOS 1997) for angles, without its runs: the angle at
residue i, the torsion of residues i - 1 to i + 2.

Shapes: F frames, R residues.
"""

import numpy as np
import torch

from ...geometry.vectors import angle
from ...metrics.dihedrals import backbone_torsions, dihedral

NEITHER, HELIX, STRAND, UNKNOWN = 0, 1, 2, -1


def by_torsions(positions, mask, ends):
    """
    Secondary structure from phi and psi.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    ndarray of int, shape (F, R)
        NEITHER, HELIX or STRAND; UNKNOWN where a residue lacks phi or psi.
    """
    phi, psi, _ = (np.degrees(x) for x in backbone_torsions(positions, mask, ends))
    with np.errstate(invalid="ignore"):
        helix = (phi >= -100) & (phi <= -30) & (psi >= -80) & (psi <= -5)
        strand = (phi <= -45) & ((psi >= 45) | (psi <= -170))
    return _classes(helix, strand, np.isfinite(phi) & np.isfinite(psi))


def by_trace(ca, ends):
    """
    Secondary structure from C-alphas.

    Parameters
    ----------
    ca : ndarray of float, shape (F, R, 3)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    ndarray of int, shape (F, R)
        As of `by_torsions`; UNKNOWN for the first and the last two residues of a stretch.

    Examples
    --------
    >>> turn = np.radians(100.0) * np.arange(8)
    >>> helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(8)], axis=-1)
    >>> by_trace(helix[None], np.arange(8) == 7).tolist()
    [[-1, 1, 1, 1, 1, 1, -1, -1]]
    """
    ca = np.asarray(ca, dtype=float)
    known = np.zeros(ca.shape[:2], dtype=bool)
    bend, torsion = np.zeros(known.shape), np.zeros(known.shape)
    if ca.shape[1] < 4:
        return np.full(known.shape, UNKNOWN)
    a, b, c, d = ca[:, :-3], ca[:, 1:-2], ca[:, 2:-1], ca[:, 3:]
    known[:, 1:-2] = ~(ends[:-3] | ends[1:-2] | ends[2:-1])
    bend[:, 1:-2] = np.degrees(angle(*(torch.from_numpy(x) for x in (a, b, c))).numpy())
    torsion[:, 1:-2] = np.degrees(dihedral(a, b, c, d))
    helix = (abs(bend - 89) <= 12) & (abs(torsion - 50) <= 20)
    strand = (abs(bend - 124) <= 14) & ((torsion >= 145) | (torsion <= -125))
    return _classes(helix, strand, known)


def agreement(one, other):
    """
    Percent of the residues of one class; those of which either is unknown do not count.

    Examples
    --------
    >>> agreement(np.array([[1, 1, 0, -1]]), np.array([[1, 2, 0, 0]])).__round__(1)
    66.7
    """
    known = (one != UNKNOWN) & (other != UNKNOWN)
    return float(100 * (one == other)[known].mean()) if known.any() else float("nan")


def _classes(helix, strand, known):
    return np.where(known, np.where(helix, HELIX, np.where(strand, STRAND, NEITHER)), UNKNOWN)
