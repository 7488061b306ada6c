"""
The bond graph of a molecule: bonds found from distances, walked, and cut into connected parts.

Shapes: A atoms, b bonds, p pairs, F frames. Positions in angstrom.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, eye_array
from scipy.sparse.csgraph import connected_components

from ..chemistry.elements import BOND_STRETCH, COVALENT_RADII

_MONATOMIC = ("NA", "K", "CA", "ZN", "MG", "FE", "CL", "BR", "I")  # bonded only if the topology says so, as lone atoms
_IN_MEMORY = 2_000_000  # distances in memory at a time; chosen: by hand
_ROWS = 100_000  # atoms whose pairs are found at a time; chosen: by hand, so that tables of large systems stay small


def bonding_distances(elements) -> np.ndarray:
    """
    Distances (A, A) in angstrom below which two atoms count as bonded; 0 where an element is unknown.

    Examples
    --------
    >>> bonding_distances(["C", "H"]).round(3).tolist()
    [[1.768, 1.183], [1.183, 0.598]]
    """
    radii = np.array([COVALENT_RADII.get(str(element).upper(), np.nan) for element in elements], dtype=np.float64)
    return np.nan_to_num(BOND_STRETCH * (radii[:, None] + radii[None, :]), nan=0.0)


def find_bonds(topology, frames, boxes=None) -> np.ndarray:
    """
    Bonds of a molecule: those of its topology, and pairs that are near enough in most of some frames.

    Many files list no bonds, or only some of them (the CONECT records of a PDB). Particles without an element, as
    beads, are bonded to the next one of their chain if the topology has no bonds at all.

    Parameters
    ----------
    topology : Topology
    frames : ndarray of float, shape (F, A, 3)
        Some frames.
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows: distances are those of the nearest images. Without them, molecules have to be whole.

    Returns
    -------
    ndarray of int64, shape (b, 2)
        Pairs `i < j`, sorted.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> water = Topology(["O", "H1", "H2"], ["O", "H", "H"], [0, 0, 0], ["HOH"], [1], [""], ["A"], [""])
    >>> find_bonds(water, [[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]]).tolist()
    [[0, 1], [0, 2]]
    """
    found = [topology.bonds]
    if (topology.elements != "").any():
        found.append(_near(topology.elements, np.asarray(frames, dtype=np.float64), boxes))
    elif not len(topology.bonds):
        owner = topology.residue_of_atom
        apart = topology.ends[owner[:-1]] & (owner[:-1] != owner[1:])
        at = np.flatnonzero(~apart)
        found.append(np.stack([at, at + 1], axis=1))
    return np.unique(np.concatenate(found), axis=0).astype(np.int64).reshape(-1, 2)


def _near(elements, frames, boxes):
    """Pairs nearer than bonded atoms are in more than half of the frames, some rows at a time."""
    reach = bonding_distances(elements)
    lone = np.isin(np.char.upper(elements), _MONATOMIC)
    reach[lone] = reach[:, lone] = 0.0
    pairs, few = [], max(1, _IN_MEMORY // max(1, frames.shape[0] * frames.shape[1]))
    for start in range(0, len(elements), few):
        rows = slice(start, start + few)
        apart = frames[:, rows, None] - frames[:, None]  # (F, rows, a, 3)
        if boxes is not None:
            inverse = np.linalg.inv(boxes)[:, None]
            apart -= np.round(apart @ inverse) @ boxes[:, None]
        distances = np.linalg.norm(apart, axis=-1)
        i, j = np.nonzero((distances < reach[rows]).mean(0) > 0.5)
        pairs.append(np.stack([i + start, j], axis=1))
    pairs = np.concatenate(pairs)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def adjacency(n_atoms, bonds) -> list:
    """Bonded neighbours of each atom, as lists."""
    neighbours = [[] for _ in range(n_atoms)]
    for i, j in np.asarray(bonds).tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    return neighbours


def walk(starts, neighbours):
    """Pairs of an atom and the bonded one by which it is reached, breadth first from some atoms, each atom once."""
    seen, front = set(starts), list(starts)
    for atom in front:
        for other in neighbours[atom]:
            if other not in seen:
                seen.add(other)
                front.append(other)
                yield other, atom


def bonds_of_parts(part, bonds) -> np.ndarray:
    """Bonds between parts of a molecule, int64, shape (b, 2), from the part that each atom (A,) belongs to."""
    pairs = np.sort(np.asarray(part)[bonds], axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def pairs_within(n_atoms, bonds, order) -> np.ndarray:
    """
    Pairs of atoms joined by at most so many bonds.

    Parameters
    ----------
    n_atoms : int
    bonds : ndarray of int, shape (b, 2)
    order : int
        1 gives the bonds themselves, 2 the ends of angles, too.

    Returns
    -------
    ndarray of int64, shape (p, 2)
        Pairs `i < j`, sorted.

    Examples
    --------
    >>> pairs_within(4, [[0, 1], [1, 2], [2, 3]], 2).tolist()
    [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    """
    graph = _graph(n_atoms, bonds)
    step, found = graph + graph.T + eye_array(n_atoms, dtype=bool, format="csr"), [np.zeros((0, 2), dtype=np.int64)]
    for start in range(0, n_atoms, _ROWS):
        reached = step[start : start + _ROWS]
        for _ in range(order - 1):
            reached = reached @ step
        reached.sort_indices()
        pairs = np.stack(reached.nonzero(), axis=1).astype(np.int64) + [start, 0]
        found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    return np.concatenate(found)


def molecules(n_atoms, bonds) -> np.ndarray:
    """
    Number of the connected part that each atom belongs to, in order of first atoms, int64, shape (A,).

    Examples
    --------
    >>> molecules(4, [[0, 2]]).tolist()
    [0, 1, 0, 2]
    """
    return connected_components(_graph(n_atoms, bonds), directed=False)[1].astype(np.int64)


def _graph(n_atoms, bonds):
    """The bonds as a sparse matrix."""
    low, high = np.asarray(bonds, dtype=np.int64).reshape(-1, 2).T
    return coo_array((np.ones(len(low), dtype=bool), (low, high)), shape=(n_atoms, n_atoms)).tocsr()


def nearest_owner(owner, bonds) -> np.ndarray:
    """
    Owners spread along the bonds to the atoms that have none (-1); by index where no bond leads to one.

    Parameters
    ----------
    owner : ndarray of int, shape (A,)
    bonds : ndarray of int, shape (b, 2)

    Returns
    -------
    ndarray of int64, shape (A,)

    Examples
    --------
    >>> nearest_owner([-1, 0, -1, -1, 1], [[0, 1], [1, 2]]).tolist()
    [0, 0, 0, 0, 1]
    """
    owner = np.array(owner, dtype=np.int64)
    for atom, reached_from in walk(np.flatnonzero(owner >= 0).tolist(), adjacency(len(owner), bonds)):
        owner[atom] = owner[reached_from]
    known = np.flatnonzero(owner >= 0)
    for atom in np.flatnonzero(owner < 0):
        owner[atom] = owner[known[np.argmin(np.abs(known - atom))]]
    return owner
