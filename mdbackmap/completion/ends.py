"""
Ends of chains: the second oxygen of the last residue's carboxylate, OXT.

Models make the atoms that residues have within a chain. Further atoms at the ends of chains are added afterwards.

Shapes: F frames, A atoms, E ends. Positions in angstrom.
"""

from __future__ import annotations

import dataclasses

import numpy as np

OXT = "OXT"
BOND = 1.25
"""Angstrom, C-OXT."""


class Completion:
    """
    What turns the atoms that a model makes into those of the whole molecule.

    Parameters
    ----------
    mapping : Mapping
        The model's own. The last residue of each unbroken stretch gets an OXT, after its other atoms, if it has the
        atoms CA, C and O and no OXT.

    Attributes
    ----------
    mapping : Mapping
        From the same beads to all atoms.

    Examples
    --------
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> coarse = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> Completion(Mapping.ca(coarse)).mapping.fine.names.tolist()
    ['N', 'CA', 'C', 'O', 'CB', 'N', 'CA', 'C', 'O', 'OXT']
    """

    def __init__(self, mapping):
        fine = mapping.fine
        self._after, self._near = _open_ends(fine)
        self.mapping = mapping if len(self._after) == 0 else self._completed(mapping, fine)

    def _completed(self, mapping, fine):
        after, carbon = self._after, self._near[:, 1]
        added = after + np.arange(len(after))  # where the new atoms are
        moved = np.arange(fine.n_atoms) + np.searchsorted(after, np.arange(fine.n_atoms), side="right")
        bonds = np.concatenate([moved[fine.bonds], np.stack([moved[carbon], added], axis=1)])
        topology = dataclasses.replace(
            fine,
            names=np.insert(fine.names.astype(object), after, OXT),
            elements=np.insert(fine.elements.astype(object), after, "O"),
            residue_of_atom=np.insert(fine.residue_of_atom, after, fine.residue_of_atom[carbon]),
            bonds=bonds[np.lexsort(bonds.T[::-1])],
        )
        return dataclasses.replace(
            mapping,
            fine=topology,
            atoms=moved[mapping.atoms],
            bead_of_atom=np.insert(mapping.bead_of_atom, after, mapping.bead_of_atom[carbon]),
        )

    def __call__(self, atoms):
        """All atoms (F, A + E, 3), from those that the model made (F, A, 3)."""
        if len(self._after) == 0:
            return atoms
        oxygens = terminal_oxygen(*np.moveaxis(atoms[:, self._near], 2, 0))
        return np.insert(atoms, self._after, oxygens, axis=1)


def _open_ends(fine):
    """Rows before which OXT belong (E,), and rows of CA, C and O (E, 3) of the residues that lack it."""
    after, near = [], []
    for residue in np.flatnonzero(fine.ends):
        first, stop = np.searchsorted(fine.residue_of_atom, [residue, residue + 1])
        rows = {str(name): first + k for k, name in enumerate(fine.names[first:stop])}
        if OXT not in rows and rows.keys() >= {"CA", "C", "O"}:
            after.append(stop)
            near.append([rows[name] for name in ("CA", "C", "O")])
    return np.array(after, dtype=np.int64), np.array(near, dtype=np.int64).reshape(-1, 3)


def terminal_oxygen(alpha, carbon, oxygen):
    """
    Where OXT belongs: the other side of the CA-C axis from O, in one plane.

    Parameters
    ----------
    alpha, carbon, oxygen : ndarray of float, shape (..., 3)
        CA, C and O of the last residue.

    Returns
    -------
    ndarray of float, shape (..., 3)

    Examples
    --------
    >>> atoms = np.array([[-1.5, 0, 0], [0, 0, 0], [0.6, 1.08, 0]])
    >>> terminal_oxygen(*atoms).round(2).tolist()
    [0.61, -1.09, 0.0]
    """
    axis, bond = carbon - alpha, oxygen - carbon
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    other = 2 * (bond * axis).sum(-1, keepdims=True) * axis - bond
    return carbon + BOND * other / np.linalg.norm(other, axis=-1, keepdims=True)
