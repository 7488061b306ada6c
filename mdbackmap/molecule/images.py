"""
Molecules in periodic boxes: made whole along their bonds, moved into the box, chains brought together.

Shapes: F frames, A atoms, M molecules, C chains. Lengths in angstrom.
"""

from itertools import pairwise

import numpy as np

from .bonds import adjacency, molecules, walk
from .boxes import followed, nearest_images


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


_LARGEST = 300  # particles of a residue without bonds that count as one molecule; chosen: by hand, above any lipid's
_POINTS = 200  # of a chain, by which its distance to others is judged; chosen: by hand, every few residues


def centres(positions, molecule, n_molecules):
    """
    Geometric centres of molecules.

    Parameters
    ----------
    positions : ndarray of float, shape (A, 3)
    molecule : ndarray of int, shape (A,)
        Which one each atom belongs to.
    n_molecules : int

    Returns
    -------
    ndarray of float64, shape (M, 3)
    """
    count = np.maximum(np.bincount(molecule, minlength=n_molecules), 1)
    sums = [np.bincount(molecule, positions[:, k], n_molecules) for k in range(3)]
    return np.stack(sums, axis=1) / count[:, None]


def into_box(points, box):
    """
    What brings points into a box.

    Parameters
    ----------
    points : ndarray of float, shape (n, 3)
    box : ndarray of float, shape (3, 3)
        Box vectors as rows, from the origin.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Sums of box vectors.

    Examples
    --------
    >>> into_box(np.array([[21.0, 5.0, -1.0]]), np.eye(3) * 20).tolist()
    [[-20.0, 0.0, 20.0]]
    """
    return -np.floor(np.asarray(points, dtype=np.float64) @ np.linalg.inv(box)) @ box + 0.0


def together(points, chain, box):
    """
    What brings chains to the images in which they touch: from the first on, the nearest one next.

    Parameters
    ----------
    points : ndarray of float, shape (n, 3)
        Of chains that are whole.
    chain : ndarray of int, shape (n,)
        Which one each point belongs to.
    box : ndarray of float, shape (3, 3)

    Returns
    -------
    ndarray of float64, shape (C, 3)
        Sums of box vectors; none for the first chain.

    Examples
    --------
    >>> together(np.array([[1.0, 0, 0], [19.0, 0, 0]]), np.array([0, 1]), np.eye(3) * 20).tolist()
    [[0.0, 0.0, 0.0], [-20.0, 0.0, 0.0]]
    """
    some = [points[chain == k] for k in range(chain.max(initial=-1) + 1)]
    some = [x[:: -(-len(x) // _POINTS)].astype(np.float64) for x in some]
    shifts, nearest = np.zeros((len(some), 3)), {}

    def look(one, others):
        for other in others:
            way = some[other] - some[one][:, None]
            near = nearest_images(way, box)
            at = np.unravel_index(np.linalg.norm(near, axis=-1).argmin(), way.shape[:2])
            length = float(np.linalg.norm(near[at]))
            if length < nearest.get(other, (np.inf,))[0]:
                nearest[other] = length, shifts[one] + near[at] - way[at]

    left, last = set(range(1, len(some))), 0
    while left:
        look(last, left)
        last = min(left, key=lambda k: nearest[k][0])
        shifts[last] = nearest[last][1]
        left.discard(last)
    return shifts


def molecule_bonds(topology) -> np.ndarray:
    """
    Pairs of particles that make molecules: bonds, and neighbours in residues of which no bonds are known.

    Parameters
    ----------
    topology : Topology

    Returns
    -------
    ndarray of int64, shape (b, 2)

    Examples
    --------
    >>> from mdbackmap.molecule.topology import Topology
    >>> lipid = Topology(["A", "B", "C"], [""] * 3, [0, 0, 1], ["LIP", "W"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> molecule_bonds(lipid).tolist()
    [[0, 1]]
    """
    owner = topology.residue_of_atom
    size = np.bincount(owner, minlength=topology.n_residues)
    bonded = np.zeros(topology.n_residues, dtype=bool)
    bonded[owner[topology.bonds.ravel()]] = True
    at = np.flatnonzero((owner[:-1] == owner[1:]) & ~bonded[owner[:-1]] & (size[owner[:-1]] <= _LARGEST))
    return np.concatenate([topology.bonds, np.stack([at, at + 1], axis=1)])
