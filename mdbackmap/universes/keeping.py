"""`read_kept`: atoms that are known beforehand, from AtomGroups."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import threading

import numpy as np
from MDAnalysis.guesser.default_guesser import DefaultGuesser

from ..checks import check_atoms, number
from ..molecule.attributes import attribute, residue_runs
from ..molecule.bonds import find_bonds
from ..molecule.kept import Kept, Piece
from ..molecule.known_atoms import own_rows
from ..molecule.mapping import MappingError
from ..molecule.topology import Topology
from ..options import KEEP_TOLERANCE
from ..recognition.soundness import sound
from .access import copy_trajectory, read_frame
from .chosen import input_files

_IONS = {"CA": "Ca", "CAL": "Ca", "NA": "Na", "SOD": "Na", "K": "K", "POT": "K", "CL": "Cl", "CLA": "Cl", "CES": "Cs"}


class Still:
    """Positions (n, 3) that are those of every frame."""

    still = True

    def __init__(self, positions):
        self._positions = np.array(positions, dtype=np.float32)

    def read(self, frames):
        """Positions (F, n, 3)."""
        return np.broadcast_to(self._positions, (len(frames), *self._positions.shape))


class FrameByFrame:
    """Positions of the frames of a trajectory that have the same numbers; read when they are asked for."""

    still = False

    def __init__(self, atoms):
        self._trajectory, self._indices = copy_trajectory(atoms.universe.trajectory), np.array(atoms.ix)
        self._lock = threading.Lock()

    def __getstate__(self):
        return {"_trajectory": self._trajectory, "_indices": self._indices}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())

    def read(self, frames):
        """Positions (F, n, 3)."""
        last = self._trajectory.n_frames - 1
        if max(frames) > last:
            raise ValueError(f"keep= has frames 0 to {last}, but frame {max(frames)} of the beads is asked for")
        with self._lock:
            return np.stack([read_frame(self._trajectory, int(k)).positions[self._indices] for k in frames])


def read_kept(keep, mapping, n_frames, *, tolerance=KEEP_TOLERANCE, aliases=None) -> Kept:
    """
    Atoms that are known beforehand.

    Parameters
    ----------
    keep : AtomGroup, Universe, or list of these
        Each is a piece that is superposed as a whole, if it has one frame.
    mapping : Mapping
        From the beads to the atoms of the protein.
    n_frames : int
        Frames of the trajectory of beads.
    tolerance : float
        How far they may put a bead off its place, in angstrom.
    aliases : dict, optional
        Residue names to read as others.

    Returns
    -------
    Kept

    Raises
    ------
    TypeError
        What is no AtomGroup.
    MappingError
        No atoms, residues or atoms that the protein does not have, another number of frames.
    """
    groups = list(keep) if isinstance(keep, (list, tuple)) else [keep]
    for group in groups:
        check_atoms(group, "keep")
    groups = [group.atoms.unique for group in groups]
    if not groups or any(len(atoms) == 0 for atoms in groups):
        raise MappingError("keep= holds no atoms: check its selection")
    pieces, others, seen = [], [], np.zeros(0, dtype=np.int64)
    for atoms in groups:
        topology = _topology(atoms, aliases)
        found = own_rows(topology, mapping.fine)
        own, beside = np.flatnonzero(found >= 0), np.flatnonzero(found == -1)
        if len(twice := np.intersect1d(seen, found[own])):
            fine = mapping.fine
            raise MappingError(f"keep= has {fine.label(fine.residue_of_atom[twice[0]])} in two groups: expected one")
        seen = np.concatenate([seen, found[own]])
        pieces.append(Piece(_source(atoms, n_frames), own, found[own], beside))
        if len(beside):
            others.append(_beside(atoms[beside], aliases))
    beside = functools.reduce(Topology.beside, others) if others else None
    tolerance = number("keep_tolerance", tolerance)
    files = list(dict.fromkeys(name for atoms in groups for name in input_files(atoms.universe)))
    return Kept(mapping, pieces, beside, tolerance, _described(groups, pieces, files, tolerance), files)


def _beside(atoms, aliases):
    """The topology of other molecules, with their own names and with bonds."""
    found, (first, _) = _topology(atoms, aliases), residue_runs(atoms.resindices)
    each = np.ones(found.n_residues, dtype=bool)
    found = dataclasses.replace(found, resnames=attribute(atoms, "resnames", "UNK")[first], hetero=each, ends=each)
    return dataclasses.replace(found, bonds=find_bonds(found, atoms.positions[None], None))


def _topology(atoms, aliases):
    """The topology of a group; elements are guessed where there are none."""
    found = Topology.from_atoms(atoms, aliases)
    counts = np.bincount(found.residue_of_atom, minlength=found.n_residues)[found.residue_of_atom]
    elements = [
        element.capitalize() or element_of(name, n == 1)
        for name, element, n in zip(found.names, found.elements, counts, strict=True)
    ]
    return dataclasses.replace(found, elements=np.array(elements))


def element_of(name, alone) -> str:
    """
    The element of an atom by its name; `alone` if it is all of its residue, as ions are.

    Examples
    --------
    >>> element_of("CA", True), element_of("CA", False), element_of("NA+", True)
    ('Ca', 'C', 'Na')
    """
    ion = name.strip("0123456789+-").upper()
    return _IONS[ion] if alone and ion in _IONS else str(DefaultGuesser(None).guess_atom_element(name)).capitalize()


def _source(atoms, n_frames):
    trajectory = atoms.universe.trajectory
    if trajectory.n_frames == 1:
        if not sound(atoms.positions).all():
            raise MappingError("keep= has coordinates that are not finite or beyond 1e6 A: leave these atoms out")
        return Still(atoms.positions)
    if trajectory.n_frames == n_frames:
        return FrameByFrame(atoms)
    raise MappingError(
        f"keep= has {trajectory.n_frames} frames, the beads have {n_frames}: expected one, which is superposed on the "
        "beads of every frame, or as many as the beads have, which are taken frame by frame"
    )


def _described(groups, pieces, files, tolerance):
    """What is kept, for the provenance: other atoms, or other places of them, are another conversion."""
    digest = hashlib.sha256()
    for atoms, piece in zip(groups, pieces, strict=True):
        digest.update(" ".join(attribute(atoms, "names", "")).encode())
        digest.update(np.ascontiguousarray(piece.source.read([0]), dtype="<f4").tobytes())
    return {
        "input": [os.path.basename(name) for name in files],
        "n_atoms": [len(atoms) for atoms in groups],
        "frames": [atoms.universe.trajectory.n_frames for atoms in groups],
        "sha256": digest.hexdigest()[:16],
        "tolerance": tolerance,
    }
