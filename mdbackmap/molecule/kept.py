"""
Atoms that are known beforehand: how they are laid onto the beads of a protein.

Shapes: F frames, N beads, A atoms, k atoms that are known, X atoms of other molecules, S groups of them. Angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..chemistry import other_atoms
from .attributes import listed
from .boxes import nearest_images
from .images import joined
from .mapping import Mapping, MappingError

IN_PLACE = 0.01
"""Angstrom off their beads at which kept atoms are not superposed; cited: the rounding of XTC files."""
_SHOWN = 4  # residues in a message; chosen: by hand
_FEWEST = 3  # beads that can be superposed; cited: fewer leave a rotation open


@dataclass(frozen=True, eq=False)
class KeptPlaces:
    """
    Atoms that are known in some frames, as samplers take them.

    Attributes
    ----------
    atoms : ndarray of float32, shape (F, A, 3)
        NaN where an atom is not known: in all frames or in none.
    others : ndarray of float32, shape (F, X, 3)
        Of other molecules.
    kinds, members : ndarray of int64, shapes (S,) and (S, 14)
        Groups of these (`other_atoms.groups`).
    fitting : ndarray of bool, shape (F,), optional
        Frames in which these atoms lie on the very beads: beads beside them stay. By default none.
    """

    atoms: np.ndarray
    others: np.ndarray
    kinds: np.ndarray
    members: np.ndarray
    fitting: np.ndarray | None = None

    def __getitem__(self, frames):
        """Those of some of the frames."""
        fitting = None if self.fitting is None else self.fitting[frames]
        return KeptPlaces(self.atoms[frames], self.others[frames], self.kinds, self.members, fitting)


@dataclass(frozen=True, eq=False)
class Piece:
    """
    Atoms that are known and keep their places relative to each other.

    Attributes
    ----------
    source : object
        Its `read(frames)` gives their positions, shape (F, k + X, 3); `still` says whether there is one frame only.
    own : ndarray of int64, shape (k,)
        Which of them are the protein's.
    rows : ndarray of int64, shape (k,)
        Atoms of the protein that these are.
    others : ndarray of int64, shape (X,)
        Which of them belong to other molecules.
    """

    source: object
    own: np.ndarray
    rows: np.ndarray
    others: np.ndarray


def superposed(atoms, beads, targets):
    """
    Rigid pieces moved so that their beads lie on others (Kabsch).

    Parameters
    ----------
    atoms : ndarray of float, shape (F, n, 3)
    beads, targets : ndarray of float, shape (F, b, 3)
        Of the piece, and where they are to be.

    Returns
    -------
    ndarray of float64, shape (F, n, 3)

    Examples
    --------
    >>> corners = np.eye(3)[None]
    >>> superposed(corners, corners, corners[..., [1, 2, 0]] + 5.0).round(6)[0].tolist()
    [[5.0, 5.0, 6.0], [6.0, 5.0, 5.0], [5.0, 6.0, 5.0]]
    """
    atoms, beads, targets = (np.asarray(points, dtype=np.float64) for points in (atoms, beads, targets))
    centre, goal = (points.mean(axis=1, keepdims=True) for points in (beads, targets))
    u, _, vt = np.linalg.svd(np.swapaxes(beads - centre, 1, 2) @ (targets - goal))
    u[:, :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[:, None]
    return (atoms - centre) @ (u @ vt) + goal


class Kept:
    """
    Atoms of a molecule that are known beforehand.

    Parameters
    ----------
    mapping : Mapping
        From N beads to the A atoms of the protein.
    pieces : sequence of Piece
    topology : Topology or None
        Of the X atoms of other molecules, in the order of the pieces.
    tolerance : float
        Angstrom that a bead of kept atoms may be off its place.
    described : dict
        For the provenance, plain values.
    files : sequence of str
        That they were read from.
    """

    def __init__(self, mapping: Mapping, pieces, topology, tolerance, described, files=()):
        self.mapping, self.pieces, self.topology = mapping, tuple(pieces), topology
        self.tolerance, self.described, self.files = tolerance, described, list(files)
        self.rows = np.concatenate([piece.rows for piece in self.pieces])
        self.kinds, self.members = self._groups()

    @property
    def n_others(self) -> int:
        """Number of atoms of other molecules, X."""
        return 0 if self.topology is None else self.topology.n_atoms

    def _groups(self):
        if self.topology is None:
            return np.zeros(0, dtype=np.int64), np.zeros((0, other_atoms.MAX_ATOMS), dtype=np.int64)
        kinds = [other_atoms.kind_of(element) for element in self.topology.elements]
        heavy = np.array([k for k, kind in enumerate(kinds) if kind is not None], dtype=np.int64)
        places = np.concatenate([piece.source.read([0])[0][piece.others] for piece in self.pieces])
        types, members = other_atoms.groups(
            [kinds[k] for k in heavy], self.topology.residue_of_atom[heavy].tolist(), places[heavy]
        )
        return types, heavy[members] if len(heavy) else members

    def joined(self) -> Mapping:
        """The mapping with the other molecules behind the protein: they count in no bead."""
        return self.mapping if self.topology is None else self.mapping.accompanied(self.topology)

    def places(self, beads, frames, boxes=None) -> tuple:
        """
        Where kept atoms are.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
        frames : sequence of int, length F
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows: of atoms that come frame by frame, the images nearest to their beads count.

        Returns
        -------
        atoms : ndarray of float32, shape (F, A, 3)
            NaN where an atom is not kept.
        others : ndarray of float32, shape (F, X, 3)

        Raises
        ------
        ValueError
            Atoms further from their beads than the tolerance, frames that there are not, or too few beads to superpose.
        """
        atoms = np.full((len(frames), self.mapping.n_atoms, 3), np.nan, dtype=np.float32)
        others = []
        for piece in self.pieces:
            places = self._laid(piece, beads, frames, boxes)
            atoms[:, piece.rows] = places[:, piece.own]
            others.append(places[:, piece.others])
        others = np.concatenate(others, axis=1)
        if boxes is not None and self.n_others:
            others = joined(others, boxes, self.topology.bonds)
        return atoms, others.astype(np.float32)

    def _laid(self, piece, beads, frames, boxes):
        """Positions (F, k + X, 3) of a piece, superposed on its beads if it has one frame."""
        places = piece.source.read(frames)
        if boxes is not None and not piece.source.still:
            centre = beads[:, self.mapping.bead_of_atom[piece.rows]]
            way = places[:, piece.own] - centre
            near = nearest_images(way, boxes)
            moved = np.abs(near - way).max(axis=-1, keepdims=True) > IN_PLACE
            places[:, piece.own] = np.where(moved, centre + near, places[:, piece.own])
        own = np.full((len(frames), self.mapping.n_atoms, 3), np.nan)
        own[:, piece.rows] = places[:, piece.own]
        at = np.flatnonzero(np.isfinite(self.mapping.project(own[:1])[0]).all(axis=-1))
        if len(at) and piece.source.still:
            here = self.mapping.project(own)[:, at]
            away = np.linalg.norm(here - beads[:, at], axis=-1).max(axis=1) > IN_PLACE
            if away.any():
                self._check_enough(piece, at)
                places = np.array(places, dtype=np.float32)
                places[away] = superposed(places[away], here[away], beads[away][:, at])
                own[:, piece.rows] = places[:, piece.own]
        if len(at):
            self._check_near(self.mapping.project(own)[:, at], beads[:, at], at, frames)
        return places

    def _check_enough(self, piece, at):
        if len(at) < _FEWEST:
            raise MappingError(
                f"keep= has all atoms of {len(at)} beads, and does not lie on them: expected {_FEWEST} beads or more "
                "to superpose it on, or as many frames as the beads have"
            )

    def _check_near(self, places, beads, at, frames):
        """Refuse beads (F, b, 3) of kept atoms that are too far from those of the frames."""
        off = np.linalg.norm(places - beads, axis=-1)
        if not (off > self.tolerance).any():
            return
        frame, bead = np.unravel_index(off.argmax(), off.shape)
        coarse = self.mapping.coarse
        far = np.unique(coarse.residue_of_atom[at[(off > self.tolerance).any(axis=0)]])
        label = coarse.label(coarse.residue_of_atom[at[bead]])
        more = f" ({len(far)} residues: {listed([coarse.label(r) for r in far], _SHOWN, '; ')})" if len(far) > 1 else ""
        raise MappingError(
            f"keep=: {label} lies {off[frame, bead]:.1f} A from its bead {coarse.names[at[bead]]} in frame "
            f"{frames[frame]}, expected {self.tolerance:g} A at most{more}: keep less, keep parts that move on their "
            "own as a list of groups, or raise keep_tolerance="
        )
