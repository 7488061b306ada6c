"""
Pairs of points that lie near each other, over periodic boundaries where there is a box.

Shapes: n and m points, p pairs. Lengths in angstrom.
"""

import math

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
    points, others, owner = with_images(points, others, cutoff, box)
    found = cKDTree(points).sparse_distance_matrix(cKDTree(others), cutoff, output_type="ndarray")
    pairs = np.stack([found["i"], owner[found["j"]]], axis=1).astype(np.int64)
    order = np.lexsort((found["v"], pairs[:, 1], pairs[:, 0]))
    pairs, distances = pairs[order], found["v"][order]
    first = np.append(True, (np.diff(pairs, axis=0) != 0).any(1))[: len(pairs)]
    return pairs[first], distances[first]


def near_pairs(points, cutoff, box):
    """
    Pairs of different points that are nearer than a cutoff, by any image.

    Parameters
    ----------
    points : ndarray of float, shape (n, 3)
    cutoff : float
    box : ndarray of float, shape (3, 3)
        Box vectors as rows, wider than the cutoff.

    Returns
    -------
    pairs : ndarray of int64, shape (p, 2)
        The lower first; each pair once, sorted.
    distances : ndarray of float, shape (p,)
        Of the nearest images.

    Examples
    --------
    >>> near_pairs(np.array([[1.0, 0, 0], [19.0, 0, 0], [5.0, 0, 0]]), 3.0, np.eye(3) * 20)[0].tolist()
    [[0, 1]]
    """
    _, places, owner = with_images(points[:0], points, cutoff, box)
    found = cKDTree(places, balanced_tree=False, compact_nodes=False).query_pairs(cutoff, output_type="ndarray")
    distances = np.linalg.norm(places[found[:, 0]] - places[found[:, 1]], axis=1)
    pairs = np.sort(owner[found], axis=1)
    order = np.lexsort((distances, pairs[:, 1], pairs[:, 0]))
    pairs, distances = pairs[order], distances[order]
    first = np.append(True, (np.diff(pairs, axis=0) != 0).any(1))[: len(pairs)] & (pairs[:, 0] < pairs[:, 1])
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
        cutoff = min(cutoff, 0.5 * widths(box).min())
    points, others, _ = with_images(points, others, cutoff, box)
    return cKDTree(others).query(points, distance_upper_bound=cutoff)[0]


def widths(box):
    """Distances (3,) of opposite faces of a box (3, 3), vectors as rows."""
    return 1 / np.linalg.norm(np.linalg.inv(box), axis=0)


def with_images(one, other, reach, box):
    """
    Points in a box, others with their images within reach of it, and which of the others each image is of.

    Parameters
    ----------
    one, other : ndarray of float, shapes (n, 3) and (m, 3)
    reach : float
    box : ndarray of float, shape (3, 3), or None
        Box vectors as rows; without one there are no images.

    Returns
    -------
    one, other : ndarray of float, shapes (n, 3) and (k, 3)
    owner : ndarray of int64, shape (k,)
    """
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    owner = np.arange(len(other))
    if box is None:
        return one, other, owner
    box = np.asarray(box, dtype=np.float64)
    inverse, rim = np.linalg.inv(box), reach / widths(box)
    one, other = (np.mod(points @ inverse, 1.0) for points in (one, other))
    for k in range(3):
        copies = np.arange(-math.ceil(rim[k]), math.ceil(rim[k]) + 1)
        place = other[:, k, None] + copies
        row, copy = np.nonzero((place > -rim[k]) & (place < 1 + rim[k]))
        other, owner = other[row], owner[row]
        other[:, k] += copies[copy]
    return one @ box, other @ box, owner
