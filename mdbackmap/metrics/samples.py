"""
Many samples of one structure: the best of them, their diversity, how their distributions of torsions differ.

Shapes: S samples, F and G frames, R residues. `dihedrals` says what an atom14 array is.
"""

import numpy as np
from scipy.special import rel_entr

from ..chemistry.elements import SLOTS
from .comparison import match_equivalent, mean, rmsd
from .dihedrals import backbone_torsions, side_chain_torsions
from .protocol import evaluate


def evaluate_samples(samples, reference, mask, types, ends):
    """
    Compare several samples of one structure with it.

    Parameters
    ----------
    samples : ndarray of float, shape (S, R, 14, 3)
    reference : ndarray of float, shape (R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to float
        What `evaluate` returns, averaged over samples, and ``rmsd_best`` (the least RMSD, angstrom), ``best_gain``
        (by how many percent it is below their mean) and ``div`` (see `diversity`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = rng.normal(size=(2, 14, 3))
    >>> samples = reference + rng.normal(size=(5, 2, 14, 3))
    >>> row = evaluate_samples(samples, reference, np.ones((2, 14), bool), np.array([0, 0]), np.array([False, True]))
    >>> row["rmsd_best"] < row["rmsd"]
    True
    """
    reference = np.asarray(reference, dtype=float)
    every = rmsd(samples, reference[None], mask, types)["rmsd"]
    return {
        **evaluate(samples, reference, mask, types, ends),
        "rmsd_best": float(every.min()),
        "best_gain": float(100.0 * (1.0 - every.min() / every.mean())) if every.any() else 0.0,
        "div": diversity(samples, reference, mask, types),
    }


def diversity(samples, reference, mask, types):
    """
    DIV = 1 - RMSD_gen / RMSD_ref, after superposition (Jones et al. 2023).

    RMSD_gen is the mean over pairs of samples, RMSD_ref the mean of the samples' to the reference, both over
    heavy atoms.

    Parameters
    ----------
    samples : ndarray of float, shape (S, R, 14, 3)
    reference : ndarray of float, shape (R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    float
        0 when samples differ from each other as much as from the truth, 1 when they are all the same. NaN for
        fewer than two samples, and when all are the truth itself.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = rng.normal(size=(2, 14, 3))
    >>> same = np.repeat(reference[None] + rng.normal(size=(1, 2, 14, 3)), 3, axis=0)
    >>> round(diversity(same, reference, np.ones((2, 14), bool), np.array([0, 0])), 6)
    1.0
    """
    if len(samples) < 2:
        return float("nan")
    present = mask & SLOTS[types]
    matched = match_equivalent(samples, np.asarray(reference)[None], mask, types)[:, present]
    first, second = np.triu_indices(len(matched), 1)
    to_truth = superposed_rmsd(matched, np.asarray(reference)[None, present])
    among = superposed_rmsd(matched[first], matched[second])
    return float(1.0 - among.mean() / to_truth.mean()) if to_truth.any() else float("nan")


def superposed_rmsd(a, b):
    """
    RMSD after the best rotation and translation (Kabsch).

    Parameters
    ----------
    a, b : ndarray of float, shape (P, A, 3)
        Positions of the same atoms; axes of length 1 broadcast.

    Returns
    -------
    ndarray of float, shape (P,)
        Angstrom.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(1, 5, 3))
    >>> turned = a[..., [1, 2, 0]] + 3.0
    >>> bool(superposed_rmsd(a, turned)[0] < 1e-6)
    True
    """
    a, b = (x - x.mean(-2, keepdims=True) for x in (np.asarray(a, dtype=float), np.asarray(b, dtype=float)))
    rotation, overlap, other = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    overlap[..., -1] *= np.sign(np.linalg.det(rotation) * np.linalg.det(other))
    square = (a**2).sum((-1, -2)) + (b**2).sum((-1, -2)) - 2 * overlap.sum(-1)
    return np.sqrt(np.maximum(square, 0.0) / a.shape[-2])


def torsion_divergence(generated, reference, bins=36):
    """
    Jensen-Shannon divergence of two sets of angles, column by column.

    Parameters
    ----------
    generated : ndarray of float, shape (F, n)
        Radians; NaN is left out.
    reference : ndarray of float, shape (G, n)
    bins : int
        Bins of the circle.

    Returns
    -------
    ndarray of float, shape (n,)
        Nats, 0 to ln 2; NaN for a column without angles. Two finite samples of one distribution differ, too: about
        (bins - 1) (1/F + 1/G) / 8 nats where every bin is filled.

    Examples
    --------
    >>> torsion_divergence(np.array([[0.1], [0.1]]), np.array([[0.1], [3.0]])).round(3)
    array([0.216])
    """
    p, q = _histogram(generated, bins), _histogram(reference, bins)
    m = 0.5 * (p + q)
    return np.maximum(0.5 * (rel_entr(p, m) + rel_entr(q, m)).sum(-1), 0.0)


def _histogram(angles, bins):
    """Shares of each column's angles, shape (n, bins); NaN for a column that has none."""
    known = np.isfinite(angles)
    bin_of_angle = np.floor(np.where(known, angles, 0.0) / (2 * np.pi) * bins).astype(int) % bins
    cells = (np.arange(angles.shape[1]) * bins + bin_of_angle)[known]
    counts = np.bincount(cells, minlength=angles.shape[1] * bins).reshape(-1, bins)
    total = counts.sum(1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def torsion_divergences(generated, reference, mask, types, ends, bins=36):
    """
    How well distributions of torsions agree: phi, psi and chi1, residue by residue.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
        Samples, over frames of a trajectory or of one structure.
    reference : ndarray of float, shape (G, R, 14, 3)
        Frames of the reference ensemble.
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
    bins : int
        Bins of the circle.

    Returns
    -------
    dict of str to float
        ``jsd_phi``, ``jsd_psi``, ``jsd_chi1``: nats, means over residues.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(4, 3, 14, 3))
    >>> torsion_divergences(positions, positions, np.ones((3, 14), bool), np.array([10, 10, 10]), np.arange(3) == 2)
    {'jsd_phi': 0.0, 'jsd_psi': 0.0, 'jsd_chi1': 0.0}
    """
    drawn, true = (phi_psi_chi1(x, mask, types, ends) for x in (generated, reference))
    result = {}
    for name in drawn:
        divergence = torsion_divergence(drawn[name], true[name], bins)
        result[f"jsd_{name}"] = float(mean(divergence[np.isfinite(divergence)]))
    return result


def phi_psi_chi1(positions, mask, types, ends):
    """
    The torsions whose distributions are compared.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to ndarray of float, shape (F, R)
        ``phi``, ``psi``, ``chi1``, radians; NaN where a residue has none.

    Examples
    --------
    >>> list(phi_psi_chi1(np.zeros((1, 2, 14, 3)), np.ones((2, 14), bool), np.array([0, 7]), np.array([False, True])))
    ['phi', 'psi', 'chi1']
    """
    phi, psi, _ = backbone_torsions(positions, mask, ends)
    return {"phi": phi, "psi": psi, "chi1": side_chain_torsions(positions, mask, types)[..., 0]}
