"""
Near points by a search tree (scipy's), in open space and in periodic boxes of any shape.

Points at the faces of a box have images beyond the opposite ones, so the tree itself knows of no box.

Shapes: N and M points, K neighbours. Lengths in angstrom.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..molecule.nearby import with_images

_ROUNDING = 1.0 + 1e-4  # times a reach; chosen: by hand, pairs at its end are judged by who asks, in single precision


def pairs_within(one, other, reach, box=None):
    """
    Pairs of points of two sets that are within reach of each other, and some just beyond.

    Parameters
    ----------
    one, other : ndarray of float, shapes (N, 3) and (M, 3)
    reach : float
    box : ndarray of float, shape (3, 3), optional
        Box vectors as rows.

    Returns
    -------
    rows, columns : ndarray of int64, shape (p,)
        Sorted by row, then column; each pair once.

    Examples
    --------
    >>> line = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    >>> [index.tolist() for index in pairs_within(line[:1], line, 4.5)]
    [[0, 0], [0, 1]]
    >>> [index.tolist() for index in pairs_within(line[:1], line, 4.5, np.eye(3) * 10)]
    [[0, 0, 0], [0, 1, 2]]
    """
    reach, n = reach * _ROUNDING, max(1, len(other))
    one, other, owner = with_images(one, other, reach, box)
    found = cKDTree(one).sparse_distance_matrix(cKDTree(other), reach, output_type="ndarray")
    pairs = np.sort(found["i"].astype(np.int64) * n + owner[found["j"]])
    once = slice(None) if box is None else np.diff(pairs, prepend=-1) > 0
    return np.divmod(pairs[once], n)


def nearest_points(points, k, shell, radii=(), box=None, rows=None):
    """
    The nearest points of every point, itself excluded, as far as they are within a shell.

    Parameters
    ----------
    points : ndarray of float, shape (N, 3)
    k : int
    shell : float
        In a box at most half its least width: then no point is met twice.
    radii : sequence of float
        Up to that of the shell.
    box : ndarray of float, shape (3, 3), optional
    rows : ndarray of int64, shape (n,), optional
        Which points are asked for; by default all.

    Returns
    -------
    index : ndarray of int64, shape (n, k)
        By growing distance; N where there is none.
    counts : ndarray of int64, shape (n, len(radii))
        Other points within each radius.
    """
    points, places, owner = with_images(points, points, shell, box)
    tree, own = cKDTree(places), np.arange(len(points)) if rows is None else np.asarray(rows)
    _, found = tree.query(points[own], np.arange(1, k + 2), distance_upper_bound=shell)
    found = np.append(owner, len(points))[found]
    itself = found == own[:, None]
    itself[:, -1] |= ~itself.any(1)  # among points at one place
    index = found[~itself].reshape(len(own), k)
    counts = [tree.query_ball_point(points[own], radius, return_length=True) - 1 for radius in radii]
    return index, np.stack(counts, 1) if counts else np.zeros((len(own), 0), dtype=np.int64)


def nearest_among(points, other, k, shell, box=None):
    """
    The nearest points of another set, as far as they are within a shell.

    Parameters
    ----------
    points, other : ndarray of float, shapes (N, 3) and (M, 3)
    k : int
    shell : float
        In a box at most half its least width.
    box : ndarray of float, shape (3, 3), optional

    Returns
    -------
    ndarray of int64, shape (N, k)
        By growing distance; M where there is none.
    """
    n_other = len(other)
    points, places, owner = with_images(points, other, shell, box)
    found = cKDTree(places).query(points, np.arange(1, k + 1), distance_upper_bound=shell)[1]
    return np.append(owner, n_other)[found]
