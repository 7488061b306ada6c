"""`coarse_universe`: the beads of an all-atom trajectory as a Universe of their own, frame by frame."""

from __future__ import annotations

import numpy as np

from ..molecule.boxes import box_vectors
from ..molecule.images import joined
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
    indices : ndarray of int, shape (A,)
        Which particles of the trajectory are the atoms.
    """

    format = "COARSE"

    def __init__(self, trajectory, mapping, indices):
        super().__init__(trajectory, mapping, indices, mapping.n_beads)

    def _fill(self, found):
        atoms = found.beads[None]  # (1, A, 3)
        boxes = box_vectors(None if found.dimensions is None else [found.dimensions], 1)
        if boxes is not None:
            atoms = joined(atoms, boxes, self.mapping.fine.bonds).astype(np.float32)
        self.ts.positions = self.mapping.project(atoms)[0]


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
    >>> from mdbackmap.molecule.grouping import group_mapping
    >>> from mdbackmap.molecule.kinds import groups_of
    >>> from mdbackmap.universes.whole import read_topology
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
