"""
Pairs of points that lie near each other, over periodic boundaries where there is a box.

Shapes: n and m points, p pairs. Lengths in angstrom.
"""

from itertools import product

import numpy as np
from scipy.spatial import cKDTree


def near(points, others, cutoff, box=None):
    """
    Pairs of points of two sets that are nearer than a cutoff, by any image.

    Parameters
    ----------
    points : ndarray of float, shape (n, 3)
    others : ndarray of float, shape (m, 3)
    cutoff : float
    box : ndarray of float, shape (3, 3), optional
        Box vectors as rows, wider than the cutoff.

    Returns
    -------
    pairs : ndarray of int64, shape (p, 2)
        Which of the points, and which of the others; each pair once, sorted.
    distances : ndarray of float, shape (p,)
        Of the nearest images.

    Examples
    --------
    >>> at = np.array([[1.0, 0, 0]]), np.array([[19.0, 0, 0], [5.0, 0, 0]])
    >>> near(*at, 3.0)[0].tolist(), near(*at, 3.0, np.eye(3) * 20)[0].tolist()
    ([], [[0, 0]])
    """
    owner = np.arange(len(others))
    if box is not None:
        points, others, owner = _with_images(points, others, cutoff, box)
    found = cKDTree(points).sparse_distance_matrix(cKDTree(others), cutoff, output_type="ndarray")
    pairs = np.stack([found["i"], owner[found["j"]]], axis=1).astype(np.int64)
    order = np.lexsort((found["v"], pairs[:, 1], pairs[:, 0]))
    pairs, distances = pairs[order], found["v"][order]
    first = np.append(True, (np.diff(pairs, axis=0) != 0).any(1))[: len(pairs)]
    return pairs[first], distances[first]


def nearest(points, others, cutoff, box=None):
    """
    How far each point is from the nearest of others, by any image.

    Parameters
    ----------
    points : ndarray of float, shape (n, 3)
    others : ndarray of float, shape (m, 3)
    cutoff : float
        Half the width of the box counts, if that is less.
    box : ndarray of float, shape (3, 3), optional
        Box vectors as rows.

    Returns
    -------
    ndarray of float, shape (n,)
        Infinite beyond the cutoff.

    Examples
    --------
    >>> nearest(np.array([[1.0, 0, 0], [9.0, 0, 0]]), np.array([[19.0, 0, 0]]), 3.0, np.eye(3) * 20).round(6).tolist()
    [2.0, inf]
    """
    if box is not None:
        cutoff = min(cutoff, 0.5 / np.linalg.norm(np.linalg.inv(box), axis=0).max())
        points, others, _ = _with_images(points, others, cutoff, box)
    return cKDTree(others).query(points, distance_upper_bound=cutoff)[0]


def _with_images(points, others, cutoff, box):
    """Points in the box, the others with their images around it, and which of the others each image is of."""
    inverse = np.linalg.inv(box)
    fractions, placed = ((x @ inverse) % 1.0 for x in (points, others))
    margin = cutoff * np.linalg.norm(inverse, axis=0)
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    images = placed + shifts[:, None]  # (27, m, 3)
    kept = ((images > -margin) & (images < 1 + margin)).all(-1)
    return fractions @ box, images[kept] @ box, np.nonzero(kept)[1]
