"""
`System`: what comes out, of which a model makes a part: the converted molecule, and others that are carried along.

Shapes: F frames, N beads, A atoms, P particles that are carried along, X of these that atoms are packed around, S
groups of them. Positions in angstrom.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .arranged import arranged
from .boxes import followed
from .crowds import closest
from .images import layers, molecule_bonds
from .mapping import Mapping
from .topology import Topology
from .wrapping import Wrapping

_SAME = 1e-3  # angstrom; chosen: by hand, less is rounding: the very numbers of the input are kept


@dataclass(frozen=True, eq=False)
class Passengers:
    """
    Molecules beside the one that is converted, which come out as they are.

    Attributes
    ----------
    topology : Topology
        Of P particles, with their own names and bonds.
    indices : ndarray of int64, shape (P,)
        Which particles of the universe they are.
    around : ndarray of int64, shape (X,)
        Rows of those that atoms are packed around: ions and atoms of ligands.
    kinds, members : ndarray of int64, shapes (S,) and (S, 14)
        Groups of these (`other_atoms.groups`).
    crowds : list of Crowd
        Molecules of which the nearest in each frame are those.
    described : dict
        For the provenance, plain values.
    """

    topology: Topology
    indices: np.ndarray
    around: np.ndarray
    kinds: np.ndarray
    members: np.ndarray
    crowds: list
    described: dict


class System:
    """
    A converted molecule and what is beside it.

    Parameters
    ----------
    mapping : Mapping
        From N beads to the atoms that a model makes.
    kept : Kept, optional
        Atoms that are known already.
    passengers : Passengers, optional
    like : Likeness, optional
        A topology that the output has to have.

    Attributes
    ----------
    made : Mapping
        From N beads to the atoms that are made or kept.
    shown : Mapping
        The same with those of these atoms that come out.
    mapping : Mapping
        From all beads to all atoms that come out: passengers stand for themselves and lie behind the rest, unless
        `like` has another order.
    kinds, members : ndarray of int64, shapes (S,) and (S, 14)
        Groups of the atoms that others are packed around (`other_atoms.groups`).
    """

    def __init__(self, mapping: Mapping, kept=None, passengers: Passengers | None = None, like=None):
        self.kept, self.passengers, self.like = kept, passengers, like
        self.made = self.mapping = mapping if kept is None or kept.mapping is not mapping else kept.joined()
        groups = [] if kept is None else [(kept.kinds, kept.members)]
        if passengers is not None:
            self.mapping = self.made.beside(Mapping.passengers(passengers.topology))
            self._layers = layers(passengers.topology.n_atoms, molecule_bonds(passengers.topology))
            before = 0 if kept is None else kept.n_others
            groups.append((passengers.kinds, passengers.members + before))
        if groups:
            self.kinds, self.members = (np.concatenate(parts) for parts in zip(*groups, strict=True))
        self._whole, self.shown, self._rows = self.mapping, self.made, None
        if like is not None:
            self._arrange()

    def changed(self, **parts) -> System:
        """The same with other `kept`, `passengers` or `like`."""
        own = {"kept": self.kept, "passengers": self.passengers, "like": self.like}
        return System(self.made, **(own | parts))

    def _arrange(self):
        """Put atoms in the order of `like`."""
        n = self.made.n_atoms
        self._rows, topology = arranged(self.like, self._whole.fine)
        self.mapping = self._whole.arranged(self._rows, topology)
        place = np.full(self._whole.n_atoms, -1)
        place[self._rows] = np.arange(len(self._rows))
        own = np.flatnonzero(place[:n] >= 0)
        self._own = place[own]
        if len(own) < n:
            self.shown = self.made.arranged(own, self.made.fine.of_atoms(own))

    @property
    def surroundings(self) -> Topology:
        """All that is made or kept, and the molecules that atoms are packed around."""
        rows = self._near_residues
        fine = self.made.fine
        return fine.beside(self.passengers.topology.take(rows)) if len(rows) else fine

    @functools.cached_property
    def _near_residues(self):
        beside = self.passengers
        return [] if beside is None else np.unique(beside.topology.residue_of_atom[beside.around])

    def closest(self, passing, beads, boxes=None):
        """Passengers (F, P, 3) as atoms of a molecule on beads (F, N, 3) are packed around them (`crowds.closest`)."""
        return passing if self.passengers is None else closest(self.passengers.crowds, passing, beads, boxes)

    def near(self, passing):
        """Of passengers (F, P, 3), the molecules that atoms are packed around."""
        rows = self._near_residues
        return passing[:, self.passengers.topology.atoms_of(rows)] if len(rows) else passing[:, :0]

    def kept_places(self, beads, frames, boxes=None) -> tuple:
        """Kept atoms (F, A, 3), None if there are none, and other molecules that are kept (F, Y, 3)."""
        none = np.zeros((len(beads), 0, 3), dtype=np.float32)
        return (None, none) if self.kept is None else self.kept.places(beads, frames, boxes)

    def around(self, others, passing):
        """What atoms are packed around (F, X, 3), of molecules that are kept (F, Y, 3) and passengers (F, P, 3)."""
        return others if self.passengers is None else self.together(others, passing[:, self.passengers.around])

    @staticmethod
    def together(atoms, others):
        """Atoms (F, A, 3) with others (F, B, 3) behind them."""
        return np.concatenate([atoms, others], axis=1) if others.shape[1] else atoms

    def carried(self, beads, boxes=None):
        """
        Passengers in some frames, their molecules whole.

        Parameters
        ----------
        beads : ndarray of float32, shape (F, N + P, 3)
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.

        Returns
        -------
        ndarray of float32, shape (F, P, 3)
            The very numbers of the input where a molecule is whole.
        """
        found = beads[:, self.made.n_beads :]
        if boxes is None or self.passengers is None or not self._layers:
            return found
        out = np.array(found, dtype=np.float32)
        for one, box in zip(out, boxes, strict=True):  # frame by frame, for the memory
            whole = followed(one[None], box[None], self._layers)[0]
            one[:] = np.where(np.abs(whole - one) < _SAME, one, whole)
        return out

    @functools.cached_property
    def wrapping(self) -> Wrapping:
        """Where molecules lie in their box."""
        return Wrapping(self.made, self._whole)

    def ordered(self, atoms):
        """All atoms (F, A, 3) as they come out."""
        return atoms if self._rows is None else atoms[:, self._rows]

    def of_residues(self, values):
        """Values of the residues of `shown`, shape (R,), for all that come out; 0 for what is carried along."""
        found, fine = np.zeros(self.mapping.fine.n_residues), self.shown.fine
        rows = np.arange(fine.n_atoms) if self._rows is None else self._own
        found[self.mapping.fine.residue_of_atom[rows]] = values[fine.residue_of_atom]
        return found

    def own(self, atoms):
        """Of positions (F, A, 3) of all that comes out, those of the atoms that the model makes (`shown`)."""
        return atoms[:, : self.made.n_atoms] if self._rows is None else atoms[:, self._own]
