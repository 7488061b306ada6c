"""
The covalent structure of proteins held as atom14 arrays, and how well a structure keeps it.

Shapes: F frames, R residues, A atoms that are present, b bonds, n angles, p pairs.
Lengths are in angstrom, angles in radians. `dihedrals` says what an atom14 array is.
"""

from dataclasses import dataclass

import numpy as np

from ..chemistry.elements import ELEMENT_SLOTS, SLOTS
from ..chemistry.residues import ATOMS, BONDS, MAX_ATOMS, RESIDUE_NAMES, C, N
from ..molecule.bonds import pairs_within


@dataclass(frozen=True, eq=False)
class Covalent:
    """
    Atoms of one molecule and how they are bonded; made once, used for every frame.

    Attributes
    ----------
    slots : ndarray of int64, shape (A,)
        Where each atom lies in an atom14 array flattened to (R * 14).
    residue_of_atom : ndarray of int64, shape (A,)
    elements : ndarray of int64, shape (A,)
        Positions in `elements.ELEMENTS`.
    bonds : ndarray of int64, shape (b, 2)
        Atom indices, the lower first: bonds within residues and peptide bonds.
    angles : ndarray of int64, shape (n, 3)
        Atom indices, the vertex in the middle.
    near : ndarray of int64, shape (p,)
        Sorted keys ``i * a + j`` (i < j) of the pairs of atoms within three bonds of each other.

    Examples
    --------
    >>> glycines = Covalent.of(np.array([7, 7]), np.ones((2, 14), bool), np.array([False, True]))
    >>> glycines
    <Covalent: 8 atoms of 2 residues, 7 bonds, 7 angles>
    """

    slots: np.ndarray
    residue_of_atom: np.ndarray
    elements: np.ndarray
    bonds: np.ndarray
    angles: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, types, mask, ends, rings=()):
        """
        Build it from a sequence.

        Parameters
        ----------
        types : ndarray of int, shape (R,)
            Residue types, positions in `residues.ALPHABET`.
        mask : ndarray of bool, shape (R, 14)
            Atoms that are present. A missing atom still joins its neighbours: they stay near each other.
        ends : ndarray of bool, shape (R,)
            Last residue of each unbroken stretch.
        rings : ndarray of int, shape (c, 2), optional
            First and last residues of closed stretches.

        Returns
        -------
        Covalent
        """
        bonds = all_bonds(types, ends, rings)
        angles = _paths_of_two(_neighbour_table(bonds, len(types) * MAX_ATOMS))
        near = pairs_within(len(types) * MAX_ATOMS, bonds, 3)
        slots = np.flatnonzero(mask & SLOTS[types])
        atom_of_slot = np.full(len(types) * MAX_ATOMS, -1)
        atom_of_slot[slots] = np.arange(len(slots))
        bonds, angles, near = (_present(atom_of_slot[table]) for table in (bonds, angles, near))
        return cls(
            slots=slots,
            residue_of_atom=slots // MAX_ATOMS,
            elements=ELEMENT_SLOTS[types].ravel()[slots],
            bonds=bonds,
            angles=angles,
            near=near[:, 0] * len(slots) + near[:, 1],
        )

    @property
    def n_atoms(self):
        """Number of atoms that are present."""
        return len(self.slots)

    def __repr__(self):
        n_residues = len(np.unique(self.residue_of_atom))
        counts = f"{len(self.bonds)} bonds, {len(self.angles)} angles"
        return f"<Covalent: {self.n_atoms} atoms of {n_residues} residues, {counts}>"

    def flat(self, positions):
        """
        Positions of the atoms alone.

        Parameters
        ----------
        positions : ndarray of float, shape (F, R, 14, 3)

        Returns
        -------
        ndarray of float64, shape (F, A, 3)

        Raises
        ------
        ValueError
            If a position is NaN or infinite.
        """
        positions = np.asarray(positions, dtype=float)
        atoms = positions.reshape(len(positions), -1, 3)[:, self.slots]
        bad = ~np.isfinite(atoms).all((1, 2))
        if bad.any():
            raise ValueError(
                f"frame {np.flatnonzero(bad)[0]} ({bad.sum()} of {len(bad)} frames) has NaN or infinite positions; "
                "set the mask to False where an atom is missing"
            )
        return atoms

    def within_three_bonds(self, pairs):
        """
        Which pairs of atoms are joined by at most three bonds.

        Parameters
        ----------
        pairs : ndarray of int, shape (p, 2)
            Atom indices, the lower first; each pair once.

        Returns
        -------
        ndarray of bool, shape (p,)
        """
        return np.isin(self._keys(pairs), self.near, assume_unique=True)

    def bonded(self, pairs):
        """
        Which pairs of atoms are bonded.

        Parameters
        ----------
        pairs : ndarray of int, shape (p, 2)
            Atom indices, the lower first; each pair once.

        Returns
        -------
        ndarray of bool, shape (p,)
        """
        return np.isin(self._keys(pairs), self._keys(self.bonds), assume_unique=True)

    def _keys(self, pairs):
        return pairs[:, 0] * self.n_atoms + pairs[:, 1]


def _present(table):
    """Rows whose atoms are all there."""
    return table[(table >= 0).all(1)]


def all_bonds(types, ends, rings=()):
    """
    Every bond of the complete molecule.

    Parameters
    ----------
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
    rings : ndarray of int, shape (c, 2), optional
        First and last residues of closed stretches.

    Returns
    -------
    ndarray of int64, shape (b, 2)
        Slots of an atom14 array flattened to (R * 14), the lower first.

    Examples
    --------
    >>> all_bonds(np.array([7]), np.array([True])).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    bonds = [np.empty((0, 2), dtype=np.int64)]
    for kind in np.unique(types):
        name = RESIDUE_NAMES[kind]
        local = np.array([[ATOMS[name].index(atom) for atom in bond] for bond in BONDS[name]])
        bonds.append((np.flatnonzero(types == kind)[:, None, None] * MAX_ATOMS + local).reshape(-1, 2))
    before = np.flatnonzero(~ends[:-1]) * MAX_ATOMS
    bonds.append(np.stack([before + C, before + MAX_ATOMS + N], axis=1))
    first, last = np.asarray(rings, dtype=np.int64).reshape(-1, 2).T
    bonds.append(np.stack([last * MAX_ATOMS + C, first * MAX_ATOMS + N], axis=1))
    bonds = np.sort(np.concatenate(bonds), axis=1)
    return bonds[np.lexsort(bonds.T[::-1])]


def _neighbour_table(bonds, n_slots):
    """Bonded neighbours of each slot, -1 where there are fewer, shape (slots, 4)."""
    both = np.concatenate([bonds, bonds[:, ::-1]])
    both = both[np.lexsort(both.T[::-1])]
    column = np.arange(len(both)) - np.searchsorted(both[:, 0], both[:, 0])
    table = np.full((n_slots, 4), -1)
    table[both[:, 0], column] = both[:, 1]
    return table


def _paths_of_two(neighbours):
    """Slots of every angle, the outer atoms in ascending order, shape (n, 3)."""
    first, second = np.triu_indices(neighbours.shape[1], 1)
    middle = np.broadcast_to(np.arange(len(neighbours))[:, None], (len(neighbours), len(first)))
    return _present(np.stack([neighbours[:, first], middle, neighbours[:, second]], axis=-1).reshape(-1, 3))


def bond_lengths(atoms, covalent):
    """
    Length of every bond.

    Parameters
    ----------
    atoms : ndarray of float, shape (F, A, 3)
        From `Covalent.flat`.
    covalent : Covalent

    Returns
    -------
    ndarray of float, shape (F, b)
        Angstrom.

    Examples
    --------
    >>> covalent = Covalent.of(np.array([7]), np.ones((1, 14), bool), np.array([True]))
    >>> bond_lengths(np.arange(12.0).reshape(1, 4, 3), covalent).round(2).tolist()
    [[5.2, 5.2, 5.2]]
    """
    first, second = covalent.bonds.T
    return np.linalg.norm(atoms[:, first] - atoms[:, second], axis=-1)


def bond_angles(atoms, covalent):
    """
    Every angle between two bonds of an atom.

    Parameters
    ----------
    atoms : ndarray of float, shape (F, A, 3)
        From `Covalent.flat`.
    covalent : Covalent

    Returns
    -------
    ndarray of float, shape (F, n)
        Radians.

    Examples
    --------
    >>> covalent = Covalent.of(np.array([7]), np.ones((1, 14), bool), np.array([True]))
    >>> np.degrees(bond_angles(np.eye(4, 3)[None], covalent)).round(1).tolist()
    [[60.0, 45.0]]
    """
    first, vertex, second = covalent.angles.T
    a, b = atoms[:, first] - atoms[:, vertex], atoms[:, second] - atoms[:, vertex]
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
