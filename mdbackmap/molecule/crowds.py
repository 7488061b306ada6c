"""
Crowds: molecules of one kind that are more than atoms need to be packed around, so the nearest count in each frame.

Shapes: F frames, N beads, P particles that are carried along, M molecules of a crowd with a atoms each, k of these that
count. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..chemistry import other_atoms
from .nearby import nearest

_REACH = 30.0  # angstrom from a bead within which molecules are sorted; chosen: by hand, above any side chain's reach


@dataclass(frozen=True, eq=False)
class Crowd:
    """
    Molecules that may stand for each other.

    Attributes
    ----------
    rows : ndarray of int64, shape (M, a)
        Their atoms.
    heavy : ndarray of bool, shape (a,)
        Atoms that others are packed around.
    first : ndarray of int64, shape (k,)
        The molecules whose places those take that count.
    """

    rows: np.ndarray
    heavy: np.ndarray
    first: np.ndarray

    def closest(self, passing, beads, box=None):
        """
        The molecules that count in a frame, those in reach of a bead first, shape (k,).

        Parameters
        ----------
        passing : ndarray of float, shape (P, 3)
        beads : ndarray of float, shape (N, 3)
        box : ndarray of float, shape (3, 3), optional
            Box vectors as rows.
        """
        rows = self.rows[:, self.heavy]
        distance = nearest(passing[rows].reshape(-1, 3), beads, _REACH, box).reshape(rows.shape).min(axis=1)
        return np.sort(np.argsort(distance, kind="stable")[: len(self.first)])


def closest(crowds, passing, beads, boxes=None):
    """
    Passengers as atoms are packed around them: in each crowd the nearest molecules take the places that count.

    Parameters
    ----------
    crowds : sequence of Crowd
    passing : ndarray of float32, shape (F, P, 3)
    beads : ndarray of float, shape (F, N, 3)
    boxes : ndarray of float, shape (F, 3, 3), optional

    Returns
    -------
    ndarray of float32, shape (F, P, 3)
        The very array where there is no crowd.
    """
    if not crowds:
        return passing
    found = np.array(passing)
    for f, (one, trace) in enumerate(zip(passing, beads, strict=True)):
        for crowd in crowds:
            chosen = crowd.closest(one, trace, None if boxes is None else boxes[f])
            found[f, crowd.rows[crowd.first]] = one[crowd.rows[chosen]]
    return found


def surrounding(topology, heavy, positions, beads, box, most):
    """
    Atoms that others are packed around, in groups of one kind, and crowds among their molecules.

    Parameters
    ----------
    topology : Topology
        Of P particles.
    heavy : ndarray of int64, shape (X,)
        Rows of atoms that others may be packed around.
    positions : ndarray of float, shape (P, 3)
    beads : ndarray of float, shape (N, 3)
        In the same frame.
    box : ndarray of float, shape (3, 3), or None
    most : int
        Groups of molecules of one kind; there is one molecule of each kind at least.

    Returns
    -------
    around : ndarray of int64, shape (x,)
    kinds, members : ndarray of int64, shapes (S,) and (S, 14)
        As `other_atoms.groups`.
    crowds : list of Crowd
    """
    marked = np.zeros(topology.n_atoms, dtype=bool)
    marked[heavy] = True
    around, kinds, members, crowds = [], [], [], []
    for rows in _alike(topology, marked):
        inside = marked[rows[0]]
        own, slots = _groups(topology.elements[rows[0, inside]], positions[rows[0, inside]])
        first = np.arange(len(rows))
        if len(rows) * len(own) > most:
            first = first[: max(1, most // len(own))]
            crowds.append(Crowd(rows, inside, first))
            if _bonded(topology, rows):  # parts of larger molecules do not stand for each other
                first = crowds.pop().closest(positions, beads, box)
        for molecule in first:
            members.append(slots + sum(map(len, around)))
            around.append(rows[molecule, inside])
            kinds.append(own)
    if not around:
        return np.zeros(0, dtype=np.int64), *other_atoms.groups([], [], positions[:0]), []
    return np.concatenate(around), np.concatenate(kinds), np.concatenate(members), crowds


def _groups(elements, positions):
    """Groups of the atoms of one molecule."""
    kinds = [other_atoms.kind_of(element) for element in elements.tolist()]
    return other_atoms.groups(kinds, [0] * len(kinds), positions)


def _alike(topology, marked):
    """Rows (M, a) of residues with marked atoms, those with the same names together, in the order of the first."""
    starts = np.searchsorted(topology.residue_of_atom, np.arange(topology.n_residues + 1))
    found = {}
    for residue in np.unique(topology.residue_of_atom[marked]).tolist():
        part = slice(starts[residue], starts[residue + 1])
        of_atoms = (topology.names[part], topology.elements[part], marked[part])
        key = (topology.resnames[residue], *(tuple(values.tolist()) for values in of_atoms))
        found.setdefault(key, []).append(np.arange(part.start, part.stop))
    return [np.stack(rows) for rows in found.values()]


def _bonded(topology, rows):
    """Whether one of the residues with these rows (M, a) has a bond to another one."""
    owner = topology.residue_of_atom
    outer = topology.bonds[owner[topology.bonds[:, 0]] != owner[topology.bonds[:, 1]]]
    return bool(np.isin(owner[outer], owner[rows[:, 0]]).any())
