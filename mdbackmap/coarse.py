"""
`coarse_universe`: the beads of an all-atom trajectory as a Universe of their own, frame by frame.
"""

from __future__ import annotations

import numpy as np
from MDAnalysis.coordinates.timestep import Timestep

from .boxes import box_vectors, joined
from .frames import copy_trajectory, read_frame
from .reader import DerivedReader
from .universe import universe_of


class CoarseReader(DerivedReader):
    """
    Reads an all-atom trajectory as beads.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        The reader works on a copy of its own, transformations included.
    mapping : Mapping
        From N beads to A atoms; molecules are made whole along the bonds of its fine topology.
    indices : (A,) int array
        Which particles of the trajectory are the atoms.
    """

    units = {"time": "ps", "length": "Angstrom"}

    def __init__(self, trajectory, mapping, indices):
        super().__init__(trajectory.filename)
        self.format = "COARSE"
        self.mapping, self.indices = mapping, np.asarray(indices)
        self.n_atoms = mapping.n_beads
        self._fine = copy_trajectory(trajectory)
        self.ts = Timestep(self.n_atoms, dt=float(trajectory.dt))
        self._read_frame(0)

    @property
    def n_frames(self):
        """Number of frames, that of the all-atom trajectory."""
        return self._fine.n_frames

    def copy(self):
        """An independent reader at the same frame, with the same transformations."""
        new = CoarseReader(self._fine, self.mapping, self.indices)
        new._transformations = self._transformations
        new._read_frame(self.ts.frame)
        new.ts = new._apply_transformations(new.ts)
        return new

    def close(self):
        """Close the files of the all-atom trajectory."""
        if hasattr(self, "_fine"):
            self._fine.close()

    def _read_frame(self, frame):
        fine = read_frame(self._fine, int(frame))
        atoms = fine.positions[self.indices][None]
        boxes = box_vectors(None if fine.dimensions is None else [fine.dimensions], 1)
        if boxes is not None:
            atoms = joined(atoms, boxes, self.mapping.fine.bonds).astype(np.float32)
        self.ts.frame = frame
        self.ts.positions = self.mapping.project(atoms)[0]
        self.ts.dimensions = fine.dimensions
        self.ts.data = {"dt": self.ts.data["dt"], "time": float(fine.time)}
        return self.ts


def coarse_universe(atoms, mapping):
    """
    The beads of an all-atom trajectory.

    Parameters
    ----------
    atoms : AtomGroup
        The atoms of the mapping, in its order.
    mapping : Mapping

    Returns
    -------
    MDAnalysis.Universe
        With names, resnames, resids, chainIDs, segids and bonds of the beads.

    Raises
    ------
    ValueError
        A trajectory that cannot be copied (a live stream), or a bead that owns no atom.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB, TRPCAGE_XTC
    >>> from mdbackmap.mappings.grouping import group_mapping
    >>> from mdbackmap.mappings.kinds import groups_of
    >>> from mdbackmap.molecule import read_topology
    >>> atoms = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms
    >>> topology = read_topology(atoms)
    >>> coarse_universe(atoms, group_mapping(topology, groups_of("blocks:5", topology)))
    <Universe with 4 atoms>
    """
    empty = np.setdiff1d(np.arange(mapping.n_beads), mapping.beads)
    if len(empty):
        raise ValueError(f"bead {mapping.coarse.names[empty[0]]} owns no atom: it has no position to be computed from")
    u = universe_of(mapping.coarse)
    u.trajectory = CoarseReader(atoms.universe.trajectory, mapping, atoms.ix)
    return u
