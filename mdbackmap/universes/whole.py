"""
What a Universe says of a molecule of any kind: its topology with bonds, whole frames, selections by place.

Shapes: F frames, A atoms. Positions in angstrom.
"""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
from MDAnalysis.guesser.default_guesser import DefaultGuesser

from ..molecule.attributes import attribute
from ..molecule.bonds import find_bonds
from ..molecule.boxes import box_vectors
from ..molecule.images import joined
from ..molecule.topology import Topology
from ..recognition.soundness import check_atoms, sound
from .access import read_frame

logger = logging.getLogger(__name__)

_FRAMES_FOR_BONDS = 10


def read_topology(atoms) -> Topology:
    """
    The topology of an AtomGroup, as its universe has it, with bonds.

    Elements are guessed from names where the universe has none; bonds are those of the universe and pairs of atoms
    that lie near enough in most of some frames of the trajectory.

    Parameters
    ----------
    atoms : AtomGroup
        Ordered by residue.

    Returns
    -------
    Topology

    Raises
    ------
    ValueError
        Atoms of one residue that do not lie together, or a frame that cannot be read.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> topology = read_topology(mda.Universe(TRPCAGE_PDB).atoms)
    >>> topology.n_atoms, len(topology.bonds)
    (154, 160)
    """
    found = Topology.from_atoms(atoms)
    first = np.unique(found.residue_of_atom, return_index=True)[1]
    elements = found.elements
    if (elements == "").all() and found.n_atoms > found.n_residues:
        guess = DefaultGuesser(None).guess_atom_element
        elements = np.array([str(guess(name)).capitalize() for name in found.names])
        logger.info("the topology has no elements: guessed from the names of the atoms")
    resnames = attribute(atoms, "resnames", "")[first]
    found = dataclasses.replace(found, elements=elements, resnames=resnames)
    n_frames = len(atoms.universe.trajectory)
    numbers = np.unique(np.linspace(0, n_frames - 1, _FRAMES_FOR_BONDS).astype(int))
    positions, boxes = _read(atoms, numbers)
    good = sound(positions).all(axis=1) & (np.ptp(positions, axis=1).max(axis=1) > 0)  # others are refused when read
    if good.any():
        positions, boxes = positions[good], None if boxes is None else boxes[good]
    return dataclasses.replace(found, bonds=find_bonds(found, positions, boxes))


def read_whole(atoms, bonds, numbers) -> np.ndarray:
    """
    Positions of some frames, molecules made whole along their bonds where there is a box.

    Parameters
    ----------
    atoms : AtomGroup
    bonds : ndarray of int, shape (b, 2)
        Places in the group.
    numbers : sequence of int
        Frames of the trajectory, which is left where it was.

    Returns
    -------
    ndarray of float32, shape (F, A, 3)

    Raises
    ------
    ValueError
        Coordinates that are not finite or beyond 1e6 A, all atoms on one point, or a frame that cannot be read.
    """
    positions, boxes = _read(atoms, numbers)
    check_atoms(positions, atoms, numbers)
    return positions if boxes is None else joined(positions, boxes, bonds).astype(np.float32)


def _read(atoms, numbers):
    """Positions (F, A, 3) of some frames as they are, and their box vectors or None."""
    trajectory = atoms.universe.trajectory
    before = trajectory.ts.frame
    positions, dimensions = np.empty((len(numbers), len(atoms), 3), dtype=np.float32), []
    for row, number in enumerate(numbers):
        ts = read_frame(trajectory, int(number))
        positions[row] = atoms.positions
        dimensions.append(np.zeros(6) if ts.dimensions is None else np.array(ts.dimensions))
    trajectory[before]
    return positions, box_vectors(np.array(dimensions), len(numbers))


def selector(atoms):
    """A function from a selection to the places of its atoms within an AtomGroup."""

    def select(text):
        return np.flatnonzero(np.isin(atoms.ix, atoms.select_atoms(text).ix))

    return select
