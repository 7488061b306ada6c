"""
`Trace`: the beads that were found in a group, one a residue, where they lie, and what the input says of them.

Shapes: F frames, A atoms, N beads, R residues, b bonds. Lengths in angstrom.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..molecule.attributes import bonds_within, chain_letters, numbering, run_ends
from ..molecule.bead_models import CA
from ..molecule.topology import Topology
from .beads import Group
from .sequence import counted_from_one
from .settings import DEFAULTS, RecognitionSettings
from .spacing import bond_lengths


@dataclass(frozen=True, eq=False)
class Trace:
    """
    Beads of a group, and where they lie.

    Parameters
    ----------
    atoms : AtomGroup
    group : Group
        What is known of each of its atoms.
    beads : ndarray of int, shape (N,)
        Places in the group.
    positions : ndarray of float, shape (F, N, 3), or None
    dimensions : ndarray of float, shape (6,), or None
    settings : RecognitionSettings, optional
    """

    atoms: object
    group: Group
    beads: np.ndarray
    positions: np.ndarray | None
    dimensions: np.ndarray | None
    settings: RecognitionSettings = DEFAULTS

    @functools.cached_property
    def shared(self) -> bool:
        """Whether several beads share one residue: then numbers are none, and residues are molecules."""
        return bool(np.bincount(self.group.residue[self.beads]).max() > 1)

    @functools.cached_property
    def atomistic(self) -> bool:
        """Whether the beads are atoms of an all-atom model."""
        return bool(self.group.atomistic()[self.beads].all())

    @functools.cached_property
    def bonds(self) -> np.ndarray:
        """Bonds of the topology between beads, as places among them, int64, shape (b, 2)."""
        return bonds_within(self.atoms[self.beads])

    @functools.cached_property
    def molecules(self) -> np.ndarray:
        """
        Which molecule each bead is of, where beads share residues, int, shape (N,).

        One for all, if residues are none: bonds go across them, or most of those that follow each other lie as
        neighbours do (rigid bodies of HOOMD, and what lies between them).
        """
        residue, bonds = self.group.residue[self.beads], self.bonds
        none = (residue[bonds[:, 0]] != residue[bonds[:, 1]]).any()
        border = residue[1:] != residue[:-1]
        if self.positions is not None and np.count_nonzero(border) > 1:
            middle, (low, high) = self.middle[border], self.settings.bonded
            none |= 2 * np.count_nonzero((middle > low) & (middle < high)) > len(middle)
        return np.zeros_like(residue) if none else residue

    @functools.cached_property
    def lengths(self):
        """Distances from each bead to the next, shape (F, N - 1); None without positions."""
        return None if self.positions is None else bond_lengths(self.positions, self.dimensions)

    @functools.cached_property
    def middle(self):
        """The medians of these over the frames, shape (N - 1,)."""
        return np.median(self.lengths, axis=0)

    @functools.cached_property
    def labels(self):
        """Chains, numbers and insertion codes of the beads (N,); equal in a molecule whose beads share a residue."""
        group, beads = self.group, self.beads
        if not self.shared:
            return group.chains[beads], group.resids[beads], group.icodes[beads]
        chains = np.char.add(group.chains[beads], self.molecules.astype(str))
        return chains, np.zeros_like(beads), np.full(len(beads), "")

    @functools.cached_property
    def bead_of_atom(self):
        """Place of the bead of each atom's residue, int, shape (A,); -1 where it has none."""
        place = np.full(self.group.residue.max() + 1, -1)
        place[self.group.residue[self.beads]] = np.arange(len(self.beads))
        return place[self.group.residue]

    @functools.cached_property
    def atom_bonds(self):
        """Bonds between residues of an all-atom model: names of the two atoms, and places of their beads, (b, 2)."""
        bonds = bonds_within(self.atoms) if self.atomistic else np.zeros((0, 2), dtype=np.int64)
        places = self.bead_of_atom[bonds]
        across = (places >= 0).all(axis=1) & (places[:, 0] != places[:, 1])
        return self.group.names[bonds[across]], places[across]

    def label(self, bead) -> str:
        """A bead in words, before sequences are read: ``"chain A, LYS 6"``."""
        ends, table = self.table()
        return trace_topology(self.group.named_as_residues(self.beads), table, ends).label(bead)

    def table(self):
        """Where chains end by their names (R,), and numbers and names of the residues."""
        group, beads = self.group, self.beads
        table = numbering(self.atoms, beads)
        if getattr(self.atoms, "resids", None) is not None:
            table |= {"resids": group.resids[beads], "icodes": group.icodes[beads]}
        if not self.shared:
            return run_ends(table["chainIDs"], table["segids"]), table
        molecules = self.molecules
        if len(set(table["chainIDs"])) == 1:
            table["chainIDs"] = chain_letters([f"#{i}" for i in molecules])
        ends = run_ends(table["chainIDs"], molecules)
        table["resids"] = counted_from_one(ends)
        return ends, table


def trace_topology(names, table, ends) -> Topology:
    """The topology of C-alphas of residues with these names, numbers and labels."""
    n = len(names)
    return Topology([CA.anchor] * n, [""] * n, np.arange(n), names, **table, ends=ends)
