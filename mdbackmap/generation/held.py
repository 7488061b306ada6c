"""
Side chains that frames keep of the key frames before and after them.

Each residue changes from the one to the other at a random moment of the interval. Residues whose side chains would meet
if one changed before the other change together. All of it follows from the key frames, whatever frame is asked for.

Shapes: F frames, K structures of key frames, R residues. Angstrom and radians.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..chemistry.residues import CA, CB, C, N
from ..metrics.dihedrals import side_chain_torsions
from ..molecule.bonds import molecules

_MEET = 3.2  # angstrom between heavy atoms of side chains; chosen: by hand, relief moves atoms that are nearer
_CHANGED = np.deg2rad(30)  # radians; chosen: by hand, less is the same rotamer


def held_torsions(atoms, mask, types, ends, moments, shares):
    """
    Torsions of the side chains that frames keep.

    Parameters
    ----------
    atoms : ndarray of float, shape (K, R, 14, 3)
        Of key frames.
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of int, shape (F, 2)
        The structures before and after each frame.
    moments : ndarray of float, shape (F, R)
        Which part of the interval is over when each residue changes, if nothing is in its way.
    shares : ndarray of float, shape (F,)
        Which part of the interval is over.

    Returns
    -------
    ndarray of float32, shape (F, R, 4)
        0 where a residue has no such torsion.
    """
    chis = np.nan_to_num(side_chain_torsions(atoms, mask, types)).astype(np.float32)
    found, known = np.empty((len(ends), *chis.shape[1:]), np.float32), {}
    for f, (before, after) in enumerate(ends.tolist()):
        if (before, after) not in known:
            known[before, after] = _together(atoms[[before, after]], mask, chis[[before, after]])
        over = moments[f, known[before, after]] < shares[f]
        found[f] = np.where(over[:, None], chis[after], chis[before])
    return found


def _together(atoms, mask, chis):
    """Which residue's moment each residue (R,) changes at: its own, or that of the first of those it changes with."""
    turn = np.abs((chis[1] - chis[0] + np.pi) % (2 * np.pi) - np.pi).max(axis=1)
    changes = np.flatnonzero(turn > _CHANGED)
    first = np.arange(len(chis[0]))
    if len(changes) < 2:
        return first
    side = mask[changes].copy()
    side[:, :CB] = False
    here, there = atoms[0, changes], _moved(atoms[1, changes], atoms[0, changes])
    owner = np.nonzero(side)[0]
    near = cKDTree(here[side]).query_ball_tree(cKDTree(there[side]), _MEET)
    pairs = np.array([(owner[i], owner[j]) for i, row in enumerate(near) for j in row if owner[i] != owner[j]])
    if len(pairs):
        part = molecules(len(changes), pairs)
        first[changes] = changes[np.unique(part, return_index=True)[1][part]]
    return first


def _moved(atoms, onto):
    """Residues (r, 14, 3), each moved as a whole onto the backbones of others."""
    frames, target = _frames(atoms), _frames(onto)
    local = np.einsum("rsx,rxy->rsy", atoms - atoms[:, CA, None], frames)
    return np.einsum("rsy,rxy->rsx", local, target) + onto[:, CA, None]


def _frames(atoms):
    """Frames of reference (r, 3, 3), axes as columns, of N, CA and C."""
    one, two = atoms[:, N] - atoms[:, CA], atoms[:, C] - atoms[:, CA]
    x = one / np.linalg.norm(one, axis=-1, keepdims=True)
    z = np.cross(one, two)
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    return np.stack([x, np.cross(z, x), z], axis=-1)
