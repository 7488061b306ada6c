"""
Backbone torsions of peptides of any length and with any caps: their atoms, angles, and how distributions differ.

Shapes: F frames, A atoms, t pairs of phi and psi, n angles. Radians.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from ..metrics.dihedrals import dihedral
from ..molecule.bonds import adjacency

BINS = 36  # chosen: by hand
"""Bins of the circle, in each direction of a map of phi and psi."""


def phi_psi_atoms(fine):
    """
    Atoms of phi and psi of every residue that has both, by the names of the atoms and the bonds between residues.

    Parameters
    ----------
    fine : Topology
        With bonds.

    Returns
    -------
    ndarray of int64, shape (t, 5)
        C of the residue before, N, CA, C, N of the residue after.

    Examples
    --------
    >>> from mdbackmap.molecule.topology import Topology
    >>> names = ["C", "N", "CA", "C", "N"]
    >>> fine = Topology(names, list("CNCCN"), [0, 1, 1, 1, 2], ["ACE", "ALA", "NME"], [1, 2, 3], [""] * 3, ["A"] * 3,
    ...                 [""] * 3, bonds=[[0, 1], [1, 2], [2, 3], [3, 4]])
    >>> phi_psi_atoms(fine).tolist()
    [[0, 1, 2, 3, 4]]
    """
    joined, quintets = adjacency(fine.n_atoms, fine.bonds), []
    for alpha in np.flatnonzero(fine.names == "CA"):
        names = {fine.names[j]: j for j in joined[alpha]}
        if "N" in names and "C" in names:
            before = [j for j in joined[names["N"]] if fine.names[j] == "C"]
            after = [j for j in joined[names["C"]] if fine.names[j] == "N"]
            if before and after:
                quintets.append([before[0], names["N"], alpha, names["C"], after[0]])
    return np.array(quintets, dtype=np.int64).reshape(-1, 5)


def phi_psi(atoms, quintets):
    """Angles (F * t, 2) of structures (F, A, 3), frame by frame."""
    corners = np.asarray(atoms, dtype=float)[:, quintets]  # (F, t, 5, 3)
    angles = [dihedral(*np.moveaxis(corners[:, :, k : k + 4], 2, 0)) for k in (0, 1)]
    return np.stack(angles, axis=-1).reshape(-1, 2)


def divergence(one, other, bins=BINS):
    """
    Jensen-Shannon divergence of two sets of angles (n, 2), over `bins` x `bins` bins of the torus, in nats.

    Examples
    --------
    >>> divergence(np.zeros((5, 2)), np.zeros((9, 2))), round(divergence(np.zeros((5, 2)), np.ones((5, 2))), 4)
    (0.0, 0.6931)
    """
    p, q = (shares(angles, bins) for angles in (one, other))
    middle = 0.5 * (p + q)
    return float(0.5 * (rel_entr(p, middle) + rel_entr(q, middle)).sum())


def halves(angles, n_pairs=1):
    """Two interleaved halves, by turns of frames, of angles (F * n_pairs, 2)."""
    frames = angles.reshape(-1, n_pairs, 2)
    return frames[::2].reshape(-1, 2), frames[1::2].reshape(-1, 2)


def shares(angles, bins=BINS):
    """Share of angles (n, 2) in each bin of the torus, (bins, bins)."""
    place = np.floor((np.asarray(angles) + np.pi) / (2 * np.pi) * bins).astype(int) % bins
    count = np.bincount(place[:, 0] * bins + place[:, 1], minlength=bins * bins)
    return count.reshape(bins, bins) / max(count.sum(), 1)
