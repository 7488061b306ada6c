"""
Ends of chains: the second oxygen of the last residue's carboxylate, OXT.

Models make the atoms that residues have within a chain. Further atoms at the ends of chains are added afterwards.

Shapes: F frames, A atoms, E ends. Positions in angstrom.
"""

from __future__ import annotations

import numpy as np

OXT = "OXT"
BOND = 1.25
"""Angstrom, C-OXT; chosen: by hand, a carboxylate's bond, between a single and a double one."""


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
        self._near = open_ends(mapping.fine)
        added = len(self._near)
        self.mapping, self._order = mapping, None
        if added:
            self.mapping, self._order = mapping.with_atoms([OXT] * added, ["O"] * added, self._near[:, 1])

    @property
    def own(self):
        """Rows of the atoms that the model makes among all, int64, shape (A,)."""
        rows = np.arange(self.mapping.n_atoms) if self._order is None else np.argsort(self._order)
        return rows[: self.mapping.n_atoms - len(self._near)]

    def __call__(self, atoms):
        """All atoms (F, A + E, 3), from those that the model made (F, A, 3)."""
        if self._order is None:
            return atoms
        oxygens = terminal_oxygen(*np.moveaxis(atoms[:, self._near], 2, 0))
        return np.concatenate([atoms, oxygens], axis=1)[:, self._order]


def open_ends(fine) -> np.ndarray:
    """
    Atoms CA, C and O of the residues that lack an OXT.

    Parameters
    ----------
    fine : Topology

    Returns
    -------
    ndarray of int64, shape (E, 3)
        Of each residue that ends a stretch of a chain and has these atoms.
    """
    near = []
    for residue in np.flatnonzero(fine.ends & ~fine.hetero):
        first, stop = np.searchsorted(fine.residue_of_atom, [residue, residue + 1])
        rows = {name: first + k for k, name in enumerate(fine.names[first:stop].tolist())}
        if OXT not in rows and rows.keys() >= {"CA", "C", "O"}:
            near.append([rows[name] for name in ("CA", "C", "O")])
    return np.array(near, dtype=np.int64).reshape(-1, 3)


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
