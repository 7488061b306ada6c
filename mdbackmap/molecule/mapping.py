"""
`Mapping`: which beads stand for which atoms.

A mapping joins two topologies, the `coarse` and the `fine` one (which may itself consist of
beads), by weights: bead `i` lies at `sum_j w_ij * x_j`. They are kept as sparse triples (bead,
atom, weight), as an atom may count in two beads and a bead in none.

Shapes: N beads, A atoms, w triples. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .bead_models import CA, BeadModel, chain_ends
from .heavy_atoms import protein_topology
from .topology import Topology

_TOGETHER = 1e-2  # angstrom; chosen: by hand, rounding of single precision far from the origin, no bond is as short


class MappingError(ValueError):
    """Atoms or beads that do not fit the mapping asked for."""


@dataclass(frozen=True, eq=False)
class Mapping:
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

    coarse: Topology
    fine: Topology
    name: str
    beads: np.ndarray
    atoms: np.ndarray
    weights: np.ndarray
    bead_of_atom: np.ndarray

    def __post_init__(self):
        beads, atoms = (np.asarray(x, dtype=np.int64) for x in (self.beads, self.atoms))
        weights = np.asarray(self.weights, dtype=np.float64)
        if not beads.shape == atoms.shape == weights.shape or beads.ndim != 1:
            raise MappingError(f"beads, atoms, weights differ: {beads.shape}, {atoms.shape}, {weights.shape}")
        order = np.lexsort((atoms, beads))
        stored = {"beads": beads[order], "atoms": atoms[order], "weights": weights[order]}
        stored["bead_of_atom"] = np.array(self.bead_of_atom, dtype=np.int64)
        for key, value in stored.items():
            value.setflags(write=False)
            object.__setattr__(self, key, value)
        self._check()
        object.__setattr__(self, "_starts", np.flatnonzero(np.diff(self.beads, prepend=-1)))

    def _check(self):
        for name, n in (("beads", self.n_beads), ("atoms", self.n_atoms), ("bead_of_atom", self.n_beads)):
            values = getattr(self, name)
            if values.size and (values.min() < 0 or values.max() >= n):
                raise MappingError(
                    f"Mapping.{name} has {values.min()}..{values.max()}, expected indices within 0..{n - 1}"
                )
        if self.bead_of_atom.shape != (self.n_atoms,):
            raise MappingError(f"bead_of_atom has shape {self.bead_of_atom.shape}, expected ({self.n_atoms},)")
        if np.any((np.diff(self.beads) == 0) & (np.diff(self.atoms) == 0)):
            raise MappingError("a pair of bead and atom is given twice: add up its weights")
        total = np.bincount(self.beads, self.weights, minlength=self.n_beads)[np.unique(self.beads)]
        if not np.allclose(total, 1.0, rtol=0.0, atol=1e-6):
            worst = total[np.argmax(abs(total - 1.0))]
            raise MappingError(f"weights of a bead sum to {worst:g}, expected 1: normalise them")

    @property
    def n_beads(self) -> int:
        """Number of beads N."""
        return self.coarse.n_atoms

    @property
    def n_atoms(self) -> int:
        """Number of atoms A."""
        return self.fine.n_atoms

    @property
    def residue_of_bead(self) -> np.ndarray:
        """Residue of each bead, int64, shape (N,)."""
        return self.coarse.residue_of_atom

    @property
    def is_trace(self) -> bool:
        """Whether the beads are C-alphas, whose distances along a chain are known."""
        return self.name == CA.name

    @property
    def anchors(self) -> np.ndarray:
        """Beads that the C-alphas of a protein rest on, int64, shape (R,); of molecules beside it there are none."""
        fine = self.fine
        return self.bead_of_atom[(fine.names == "CA") & ~fine.hetero[fine.residue_of_atom]]

    @property
    def is_chain(self) -> bool:
        """Whether every residue of the protein has a bead of its own for its C-alpha to rest on."""
        chains = np.flatnonzero(~self.coarse.hetero)
        return len(chains) > 0 and np.array_equal(self.residue_of_bead[self.anchors], chains)

    @property
    def kept(self) -> bool:
        """Whether beads that may not move are met exactly, and not only as well as atoms can be fitted to them."""
        return self.is_trace or not self.is_chain

    @property
    def alphas(self) -> np.ndarray:
        """
        The bead of each residue that is its C-alpha and nothing else, int64, shape (R,); -1 where there is none.

        Examples
        --------
        >>> Mapping.ca(Topology(["CA"], [""], [0], ["ALA"], [1], [""], ["A"], [""])).alphas.tolist()
        [0]
        """
        fine, found = self.fine, np.full(self.coarse.n_residues, -1)
        single = np.bincount(self.beads, minlength=self.n_beads)[self.beads] == 1
        own = single & (fine.names[self.atoms] == "CA") & ~fine.hetero[fine.residue_of_atom[self.atoms]]
        found[fine.residue_of_atom[self.atoms[own]]] = self.beads[own]
        return found

    @property
    def exact(self) -> bool:
        """Whether every residue of the protein has a bead that is its C-alpha and nothing else."""
        return self.is_chain and bool((self.alphas[~self.coarse.hetero] >= 0).all())

    @property
    def chain(self) -> np.ndarray:
        """The beads that chains go through, int64, shape (R,): C-alphas where there are any, else anchors."""
        alphas, anchors = self.alphas[~self.coarse.hetero], self.anchors
        return np.where(alphas < 0, anchors, alphas) if len(alphas) == len(anchors) else anchors

    @property
    def followed(self):
        """`chain` for `boxes.whole`, where residues have several beads; None where it goes from bead to bead."""
        return self.chain if self.is_chain and self.n_beads > len(self.anchors) else None

    def trace(self, beads) -> np.ndarray:
        """
        The beads nearest to the C-alphas of a protein; for C-alpha beads these themselves.

        Parameters
        ----------
        beads : ndarray of float, shape (..., N, 3)

        Returns
        -------
        ndarray of float, shape (..., R, 3)
        """
        anchors = self.chain
        return beads if np.array_equal(anchors, np.arange(self.n_beads)) else beads[..., anchors, :]

    def project(self, positions) -> np.ndarray:
        """
        Positions of the beads, from those of the atoms.

        Parameters
        ----------
        positions : ndarray of float, shape (..., A, 3)
            In angstrom, chains whole.

        Returns
        -------
        ndarray, shape (..., N, 3)
            In the dtype of `positions` (float64 for integers); the very numbers of the atom where
            a bead is one atom, NaN where a bead owns none.

        Raises
        ------
        MappingError
            Another number of atoms.
        """
        positions = np.asarray(positions)
        positions = positions if np.issubdtype(positions.dtype, np.floating) else positions.astype(np.float64)
        self._match(positions, self.n_atoms, "atoms")
        owning = self.beads[self._starts]
        if len(self.atoms) == len(owning) and np.all(self.weights == 1.0):
            found = positions[..., self.atoms, :]
        else:
            shares = positions[..., self.atoms, :] * self.weights[:, None]  # (..., w, 3) float64
            found = np.add.reduceat(shares, self._starts, axis=-2).astype(positions.dtype)
        if len(owning) == self.n_beads:
            return found
        beads = np.full((*positions.shape[:-2], self.n_beads, 3), np.nan, dtype=positions.dtype)
        beads[..., owning, :] = found
        return beads

    def lift(self, beads) -> np.ndarray:
        """
        Every atom on the bead it rests on.

        Parameters
        ----------
        beads : ndarray of float, shape (..., N, 3)
            In angstrom.

        Returns
        -------
        ndarray, shape (..., A, 3)
            In the dtype of `beads`.

        Raises
        ------
        MappingError
            Another number of beads.
        """
        beads = np.asarray(beads)
        self._match(beads, self.n_beads, "beads")
        return beads[..., self.bead_of_atom, :]

    def unlift(self, positions) -> np.ndarray:
        """
        Positions of the beads, from those of atoms that rest on them or have been moved with them.

        Parameters
        ----------
        positions : ndarray of float, shape (A, 3)

        Returns
        -------
        ndarray, shape (N, 3)
            Where the atoms of each bead lie together, they are on it; otherwise as `project` gives it.
        """
        positions = np.asarray(positions)
        first = np.zeros(self.n_beads, dtype=np.int64)
        first[self.bead_of_atom[::-1]] = np.arange(self.n_atoms)[::-1]
        together = np.abs(positions - positions[first[self.bead_of_atom]]).max(initial=0.0) < _TOGETHER
        every = len(np.unique(self.bead_of_atom)) == self.n_beads
        return positions[first] if together and every and not self.is_trace else self.project(positions)

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

    def with_atoms(self, names, elements, near):
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

    def take(self, chosen) -> Mapping:
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

    @classmethod
    def identity(cls, topology: Topology, name="identity") -> Mapping:
        """Particles that stand for themselves."""
        every = np.arange(topology.n_atoms)
        return cls(topology, topology, name, every, every, np.ones(len(every)), every)

    @classmethod
    def passengers(cls, topology: Topology) -> Mapping:
        """Molecules beside a protein that are not converted: they stand for themselves, and are no part of a chain."""
        each = np.ones(topology.n_residues, dtype=bool)
        return cls.identity(replace(topology, hetero=each, ends=each), "passengers")

    @classmethod
    def of(cls, model: BeadModel, coarse: Topology, fine: Topology | None = None, carboxylates=None) -> Mapping:
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

    def _match(self, positions, expected, what):
        if positions.ndim < 2 or positions.shape[-2:] != (expected, 3):
            raise MappingError(f"{what} have positions of shape {positions.shape}, expected (..., {expected}, 3)")

    def __repr__(self):
        chains = repr(self.coarse).split(": ", 1)[1].rstrip(")")
        return (
            f"Mapping({self.name}: {self.n_beads} beads -> {self.n_atoms} atoms; "
            f"{self.coarse.n_residues} residues, {chains})"
        )
