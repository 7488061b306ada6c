"""
`Mapping`: which beads stand for which atoms.

A mapping joins two topologies, the `coarse` and the `fine` one (which may itself consist of beads), by the weights
of `bead_weights`. Here are the ways to make mappings.

Shapes: N beads, A atoms, w triples. Positions in angstrom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .bead_definition import BeadModel
from .bead_models import CA, chain_ends
from .bead_weights import BeadWeights
from .bead_weights import MappingError as MappingError  # for all that know mappings
from .heavy_atoms import protein_topology
from .topology import Topology


@dataclass(frozen=True, eq=False)
class Mapping(BeadWeights):
    """
    Joins beads to the atoms that they stand for.

    Parameters
    ----------
    coarse, fine : Topology
        The beads (N) and the atoms (A).
    name : str
        Name of the mapping, e.g. "ca".
    beads, atoms : ndarray of int64, shape (w,)
        Which atom counts in which bead; stored sorted by bead, then atom.
    weights : ndarray of float64, shape (w,)
        Its share; the weights of a bead that owns atoms sum to 1.
    bead_of_atom : ndarray of int64, shape (A,)
        The bead on which an atom rests when lifted.

    Raises
    ------
    MappingError
        Triples outside the topologies, pairs given twice, or weights that do not sum to 1.

    Examples
    --------
    >>> coarse = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> ca = Mapping.ca(coarse)
    >>> ca
    Mapping(ca: 2 beads -> 9 atoms; 2 residues, A 1-2)
    >>> beads = np.array([[0.0, 0.0, 0.0], [3.8, 0.0, 0.0]])
    >>> ca.lift(beads).shape
    (9, 3)
    >>> bool(np.all(ca.project(ca.lift(beads)) == beads))
    True
    """

    def then(self, finer: Mapping) -> Mapping:
        """
        The mapping followed by a finer one, as one mapping.

        Parameters
        ----------
        finer : Mapping
            Its beads are this mapping's atoms.

        Returns
        -------
        Mapping
            From this mapping's beads to the atoms of `finer`; it projects as `finer` and then this one.

        Raises
        ------
        MappingError
            Mappings that do not join, or a bead of `finer` that is needed here but owns no atom.
        """
        a, b = self.fine, finer.coarse
        if a.n_atoms != b.n_atoms or np.any(a.names != b.names) or np.any(a.residue_of_atom != b.residue_of_atom):
            raise MappingError(
                f"{finer.name!r} does not follow {self.name!r}: its beads ({b.n_atoms}) must be the atoms of the first "
                f"({a.n_atoms}), with the same names and residues in the same order"
            )
        count = np.bincount(finer.beads, minlength=finer.n_beads)
        start = np.cumsum(count) - count
        times = count[self.atoms]
        if np.any(times == 0):
            empty = str(finer.coarse.names[self.atoms[times == 0][0]])
            raise MappingError(f"bead {empty!r} of {finer.name!r} owns no atom, so nothing can be projected through it")
        mine = np.repeat(np.arange(len(times)), times)  # a triple here, and below those of `finer` that go with it
        theirs = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + start[self.atoms][mine]
        pairs, which = np.unique(self.beads[mine] * finer.n_atoms + finer.atoms[theirs], return_inverse=True)
        return Mapping(
            coarse=self.coarse,
            fine=finer.fine,
            name=f"{self.name}>{finer.name}",
            beads=pairs // max(finer.n_atoms, 1),
            atoms=pairs % max(finer.n_atoms, 1),
            weights=np.bincount(which, self.weights[mine] * finer.weights[theirs], minlength=len(pairs)),
            bead_of_atom=self.bead_of_atom[finer.bead_of_atom],
        )

    def with_atoms(self, names: Sequence[str], elements: Sequence[str], near: ArrayLike) -> tuple[Mapping, np.ndarray]:
        """
        Further atoms that count in no bead, each on the bead of an atom that it is bonded to.

        Parameters
        ----------
        names, elements, near
            As `Topology.with_atoms` has them.

        Returns
        -------
        Mapping
        order : ndarray of int64, shape (A + n,)
            As there.
        """
        fine, order = self.fine.with_atoms(names, elements, near)
        owner = np.concatenate([self.bead_of_atom, self.bead_of_atom[near]])[order]
        return replace(self, fine=fine, atoms=np.argsort(order)[self.atoms], bead_of_atom=owner), order

    def with_residues(
        self, other: Topology, before: ArrayLike, bonds: ArrayLike
    ) -> tuple[Mapping, np.ndarray, np.ndarray]:
        """
        Further residues, whose atoms count in no bead, each on the bead of an atom that it is bonded to.

        Parameters
        ----------
        other, before, bonds
            As `Topology.with_residues` has them; each of its residues is bonded once.

        Returns
        -------
        Mapping
        residues, order : ndarray of int64
            As there.
        """
        fine, residues, order = self.fine.with_residues(other, before, bonds)
        near, new = np.asarray(bonds).T
        owner = np.zeros(other.n_residues, dtype=np.int64)
        owner[other.residue_of_atom[new]] = self.bead_of_atom[near]
        owner = np.append(self.bead_of_atom, owner[other.residue_of_atom])[order]
        return replace(self, fine=fine, atoms=np.argsort(order)[self.atoms], bead_of_atom=owner), residues, order

    def take(self, chosen: np.ndarray) -> Mapping:
        """
        The mapping of some residues, in the order in which they are named.

        Parameters
        ----------
        chosen : sequence of int
            Residues, none of them twice; beads of theirs stand for atoms of theirs alone.

        Returns
        -------
        Mapping
            With the topologies that `Topology.take` gives.
        """
        beads, atoms = self.coarse.atoms_of(chosen), self.fine.atoms_of(chosen)
        bead_at, atom_at = np.full(self.n_beads, -1), np.full(self.n_atoms, -1)
        bead_at[beads], atom_at[atoms] = np.arange(len(beads)), np.arange(len(atoms))
        kept = bead_at[self.beads] >= 0
        return Mapping(
            coarse=self.coarse.take(chosen),
            fine=self.fine.take(chosen),
            name=self.name,
            beads=bead_at[self.beads[kept]],
            atoms=atom_at[self.atoms[kept]],
            weights=self.weights[kept],
            bead_of_atom=bead_at[self.bead_of_atom[atoms]],
        )

    def beside(self, other: Mapping) -> Mapping:
        """A mapping with that of other molecules behind it: beads and atoms of the two have nothing in common."""
        return Mapping(
            coarse=self.coarse.beside(other.coarse),
            fine=self.fine.beside(other.fine),
            name=self.name,
            beads=np.concatenate([self.beads, other.beads + self.n_beads]),
            atoms=np.concatenate([self.atoms, other.atoms + self.n_atoms]),
            weights=np.concatenate([self.weights, other.weights]),
            bead_of_atom=np.concatenate([self.bead_of_atom, other.bead_of_atom + self.n_beads]),
        )

    def accompanied(self, topology: Topology) -> Mapping:
        """
        The mapping with molecules behind it that belong to no bead: they count in none, and rest on the first one.

        Parameters
        ----------
        topology : Topology
            Of these molecules.

        Returns
        -------
        Mapping

        Examples
        --------
        >>> one = Topology(["CA"], [""], [0], ["GLY"], [1], [""], ["A"], [""])
        >>> zinc = Topology(["ZN"], ["Zn"], [0], ["ZN"], [2], [""], ["A"], [""], hetero=[True])
        >>> Mapping.ca(one).accompanied(zinc)
        Mapping(ca: 1 beads -> 5 atoms; 1 residues, A 1)
        """
        owner = np.concatenate([self.bead_of_atom, np.zeros(topology.n_atoms, dtype=np.int64)])
        return replace(self, fine=self.fine.beside(topology), bead_of_atom=owner)

    def arranged(self, rows: np.ndarray, fine: Topology) -> Mapping:
        """
        The mapping with some of its atoms, in any order.

        Parameters
        ----------
        rows : ndarray of int, shape (B,)
            Which of the atoms there are.
        fine : Topology
            Of these B atoms.

        Returns
        -------
        Mapping
            Beads that lose atoms are the means of those that are left.
        """
        place = np.full(self.n_atoms, -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.atoms] >= 0
        beads, weights = self.beads[kept], self.weights[kept]
        total = np.bincount(beads, weights, minlength=self.n_beads)
        owner = self.bead_of_atom[rows]
        return Mapping(self.coarse, fine, self.name, beads, place[self.atoms[kept]], weights / total[beads], owner)

    @classmethod
    def identity(cls, topology: Topology, name: str = "identity") -> Mapping:
        """Particles that stand for themselves."""
        every = np.arange(topology.n_atoms)
        return cls(topology, topology, name, every, every, np.ones(len(every)), every)

    @classmethod
    def passengers(cls, topology: Topology) -> Mapping:
        """Molecules beside a protein that are not converted: they stand for themselves, and are no part of a chain."""
        each = np.ones(topology.n_residues, dtype=bool)
        return cls.identity(replace(topology, hetero=each, ends=each), "passengers")

    @classmethod
    def of(
        cls, model: BeadModel, coarse: Topology, fine: Topology | None = None, carboxylates: np.ndarray | None = None
    ) -> Mapping:
        """
        Beads of a bead model to the atoms of a protein.

        Parameters
        ----------
        model : BeadModel
        coarse : Topology
            The beads, of which the model knows residues and names; `model.topology(fine)` makes them.
        fine : Topology, optional
            Atoms of the same residues; by default the heavy atoms that these have.
        carboxylates : ndarray of bool, shape (R,), optional
            Residues whose OXT counts in a bead of the model although it is not among the atoms. By default none if
            `fine` is given, else the ends of chains, but not breaks within them (`bead_models.chain_ends`).

        Returns
        -------
        Mapping

        Raises
        ------
        MappingError
            Beads that are not those of the model, or a residue that is no amino acid.
        """
        try:
            if fine is None:
                fine = protein_topology(coarse)
                carboxylates = chain_ends(coarse) if carboxylates is None else carboxylates
            return cls(coarse, fine, model.name, *model.weigh(coarse, fine, carboxylates))
        except ValueError as error:
            raise MappingError(str(error)) from None

    @classmethod
    def ca(cls, coarse: Topology) -> Mapping:
        """
        C-alpha beads to the heavy atoms of a protein.

        Parameters
        ----------
        coarse : Topology
            One bead a residue, all of them amino acids.

        Returns
        -------
        Mapping
            Each bead is the atom CA of its residue, and all atoms of the residue rest on it.

        Raises
        ------
        MappingError
            More or fewer beads than residues, or a residue that is no amino acid.
        """
        return cls.of(CA, coarse)

    def __repr__(self):
        chains = repr(self.coarse).split(": ", 1)[1].rstrip(")")
        return (
            f"Mapping({self.name}: {self.n_beads} beads -> {self.n_atoms} atoms; "
            f"{self.coarse.n_residues} residues, {chains})"
        )
