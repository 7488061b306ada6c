"""
Molecules in periodic boxes: made whole along their bonds.

Lengths in angstrom.
"""

from itertools import pairwise

import numpy as np

from .bonds import adjacency, molecules, walk


def joined(positions, boxes, bonds):
    """
    Molecules made whole along their bonds: each atom at the image nearest to a bonded atom before it.

    Parameters
    ----------
    positions : ndarray of float, shape (F, A, 3)
        In angstrom.
    boxes : ndarray of float, shape (F, 3, 3)
        Box vectors as rows.
    bonds : ndarray of int, shape (b, 2)

    Returns
    -------
    ndarray of float, shape (F, A, 3)

    Examples
    --------
    >>> cut = np.array([[[1.0, 0.0, 0.0], [19.0, 0.0, 0.0]]])
    >>> joined(cut, np.eye(3)[None] * 20, [[0, 1]])[0, 1].tolist()
    [-1.0, 0.0, 0.0]
    """
    return followed(positions, boxes, layers(positions.shape[1], bonds))


def layers(n_atoms, bonds) -> list:
    """
    Atoms by the number of bonds to the first one of their molecule, each with a bonded one of the layer before.

    Parameters
    ----------
    n_atoms : int
    bonds : ndarray of int, shape (b, 2)

    Returns
    -------
    list of tuple
        Two arrays of int64 a layer, from the second layer on: atoms, and those that they are reached from.

    Examples
    --------
    >>> [[part.tolist() for part in layer] for layer in layers(5, [[0, 1], [1, 2], [3, 4]])]
    [[[1, 4], [0, 3]], [[2], [1]]]
    """
    first = np.unique(molecules(n_atoms, bonds), return_index=True)[1]
    first = first[np.isin(first, bonds)]
    pairs = np.array(list(walk(first.tolist(), adjacency(n_atoms, bonds))), dtype=np.int64).reshape(-1, 2)
    depth = np.zeros(n_atoms, dtype=np.int64)
    for atom, before in pairs.tolist():
        depth[atom] = depth[before] + 1
    ends = np.searchsorted(depth[pairs[:, 0]], np.arange(1, depth.max(initial=0) + 2))
    return [tuple(pairs[one:two].T) for one, two in pairwise(ends)]


def followed(positions, boxes, found):
    """Positions (F, A, 3), float64, with the atoms of each of some `layers` at the images nearest to those before."""
    inverse, out = np.linalg.inv(boxes), positions.astype(np.float64)
    for atoms, before in found:
        turns = np.round((out[:, atoms] - out[:, before]) @ inverse)
        out[:, atoms] -= turns @ boxes
    return out
