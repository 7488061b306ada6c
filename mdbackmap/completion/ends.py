"""
Ends of chains: the second oxygen of the last residue's carboxylate, OXT.

Shapes: F frames, A atoms, E ends. Positions in angstrom.
"""

from __future__ import annotations

import numpy as np

OXT = "OXT"
BOND = 1.25
"""Angstrom, C-OXT; chosen: by hand, a carboxylate's bond, between a single and a double one."""


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
    for residue in np.flatnonzero(fine.open_ends[:, 1] & ~fine.hetero):
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
