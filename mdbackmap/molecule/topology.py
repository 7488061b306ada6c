"""
`Topology`: the atoms or the beads of one resolution, and the residues they belong to.

Shapes: A atoms or beads, R residues, b bonds. Plain numpy: an AtomGroup is only asked for
its attributes (duck typing), and attributes that it lacks are made up sensibly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..chemistry import residues
from ..chemistry.elements import MASSES
from ..chemistry.modified_residues import D_FORMS, MODIFIED
from .attributes import (
    attribute,
    bonds_within,
    canonical_resnames,
    listed,
    numbering,
    residue_runs,
    run_ends,
    variant_names,
)

_SHOWN = 4  # stretches in the representation; chosen: by hand


@dataclass(frozen=True, eq=False)
class Topology:
    """
    The particles of one resolution, without their positions.

    A residue is what the input says it is: chains and segments with equal numbers and insertion
    codes stay apart.

    Parameters
    ----------
    names : ndarray of str, shape (A,)
        Atom or bead names.
    elements : ndarray of str, shape (A,)
        Chemical elements; "" for beads.
    residue_of_atom : ndarray of int64, shape (A,)
        Index of each atom's residue, non-decreasing.
    resnames : ndarray of str, shape (R,)
        Three-letter names, canonical (`residues.RESIDUE_NAMES`) where they are amino acids.
    resids : ndarray of int64, shape (R,)
        Residue numbers.
    icodes : ndarray of str, shape (R,)
        Insertion codes; "" if none.
    chainIDs, segids : ndarray of str, shape (R,)
        Chain and segment of each residue.
    ends : ndarray of bool, shape (R,), optional
        True where a residue is the last of an unbroken stretch: nothing is bonded across. By
        default where chain or segment changes, and at the last residue.
    cis : ndarray of bool, shape (R,), optional
        True where the peptide between residue `r` and `r + 1` is cis; by default nowhere.
    bonds : ndarray of int64, shape (b, 2), optional
        Bonded atoms `i < j`; by default none.

    variants : ndarray of str, shape (R,), optional
        What the input calls the residues: HIE, CYX, NLYS, MSE; by default `resnames`.
    caps : ndarray of str, shape (R, 2), optional
        Caps that the input has before and behind a residue, such as ACE and NME; by default "", none.
    hetero : ndarray of bool, shape (R,), optional
        True for what is no part of a chain: ions, ligands, water, lipids; by default nowhere.
    closed : ndarray of bool, shape (R,), optional
        True for the last residue of a stretch that is a ring: its C is bonded to N of the first one. By default none.
    disulfides : ndarray of int64, shape (d, 2), optional
        Residues `r < s` that the input joins by a disulfide; by default none.

    Raises
    ------
    ValueError
        Arrays whose lengths disagree, or atoms that are not ordered by residue.

    Examples
    --------
    >>> coarse = Topology(["CA", "CA"], ["", ""], [0, 1], ["ALA", "GLY"], [1, 2], ["", ""], ["A", "A"], ["", ""])
    >>> coarse
    Topology(2 atoms, 2 residues, 1 stretch: A 1-2)
    """

    names: np.ndarray
    elements: np.ndarray
    residue_of_atom: np.ndarray
    resnames: np.ndarray
    resids: np.ndarray
    icodes: np.ndarray
    chainIDs: np.ndarray
    segids: np.ndarray
    ends: np.ndarray | None = None
    cis: np.ndarray | None = None
    bonds: np.ndarray | None = None
    variants: np.ndarray | None = None
    caps: np.ndarray | None = None
    hetero: np.ndarray | None = None
    closed: np.ndarray | None = None
    disulfides: np.ndarray | None = None

    def __post_init__(self):
        n, r = len(self.names), len(self.resnames)
        for name, dtype in _OF_ATOMS.items():
            self._store(name, getattr(self, name), dtype, (n,))
        for name, (dtype, *more) in _OF_RESIDUES.items():
            self._store(name, self._or_default(name, (r, *more)), dtype, (r, *more))
        for name, count in (("bonds", n), ("disulfides", r)):
            pairs = getattr(self, name)
            pairs = np.zeros((0, 2)) if pairs is None or len(pairs) == 0 else np.sort(pairs, axis=1)
            self._store(name, pairs, np.int64, (len(pairs), 2))
            if pairs.size and (pairs.min() < 0 or pairs.max() >= count):
                raise ValueError(f"{name} name {'atoms' if name == 'bonds' else 'residues'} outside 0..{count - 1}")
        owner = self.residue_of_atom
        if owner.size and (np.any(np.diff(owner) < 0) or owner[0] < 0 or owner[-1] >= r):
            raise ValueError(f"residue_of_atom must be non-decreasing and within 0..{r - 1}: sort the atoms by residue")

    def _store(self, name, values, dtype, shape):
        array = np.array(values, dtype=dtype)
        if array.shape != shape:
            raise ValueError(f"Topology.{name} has shape {array.shape}, expected {shape}")
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def _or_default(self, name, shape):
        """Values of a residue field, or what goes without saying; a field of strings is "" then."""
        values = getattr(self, name)
        if values is not None:
            return values
        if name == "ends":
            return run_ends(self.chainIDs, self.segids)
        return self.resnames if name == "variants" else np.zeros(shape, dtype=_OF_RESIDUES[name][0])

    @property
    def n_atoms(self) -> int:
        """Number of atoms (or beads)."""
        return len(self.names)

    @property
    def n_residues(self) -> int:
        """Number of residues."""
        return len(self.resnames)

    @property
    def types(self) -> np.ndarray:
        """Index into `residues.ALPHABET`, int64, shape (R,); -1 if not an amino acid."""
        return np.array([residues.TYPE_OF_NAME.get(name, -1) for name in self.resnames], dtype=np.int64)

    @property
    def sequence(self) -> str:
        """One-letter codes of all residues; "X" where not an amino acid."""
        return "".join((residues.ALPHABET + "X")[i] for i in self.types)

    @property
    def masses(self) -> np.ndarray:
        """Atomic masses in dalton, float64, shape (A,); 0 where the element is unknown, as of a bead."""
        return np.array([MASSES.get(e.upper(), 0.0) for e in self.elements], dtype=np.float64)

    @property
    def rings(self) -> np.ndarray:
        """First and last residues of closed stretches, int64, shape (c, 2)."""
        last = np.flatnonzero(self.closed)
        first = np.maximum.accumulate(np.where(np.append(True, self.ends[:-1]), np.arange(self.n_residues), 0))
        return np.stack([first[last], last], axis=1)

    @property
    def open_ends(self) -> np.ndarray:
        """Whether nothing is bonded before and behind a residue along its chain, bool, shape (R, 2)."""
        found = np.stack([np.append(True, self.ends[:-1]), self.ends], axis=1)
        found[self.rings, [0, 1]] = False
        return found

    def label(self, residue: int) -> str:
        """The residue in words, as in error messages: ``"chain A, GLY 52A"``."""
        name = self.variants[residue] if self.variants[residue] in MODIFIED else self.resnames[residue]
        return f"chain {self.chainIDs[residue]}, {name} {self.resids[residue]}{self.icodes[residue]}"

    @property
    def mirrored(self) -> np.ndarray:
        """D-residues, bool, shape (R,)."""
        return np.isin(self.variants, list(D_FORMS)) & ~self.hetero

    @property
    def l_resnames(self) -> np.ndarray:
        """Residue names, str, shape (R,), of D-residues those of the L-residues."""
        pairs = zip(self.variants.tolist(), self.resnames.tolist(), strict=True)
        return np.array([D_FORMS.get(variant, resname) for variant, resname in pairs], dtype=str)

    @property
    def modified(self) -> list:
        """Modified residues of chains, each with its entry in `modified_residues.MODIFIED`."""
        rows = np.flatnonzero(np.isin(self.variants, list(MODIFIED)) & ~self.hetero)
        return [(int(r), MODIFIED[str(self.variants[r])]) for r in rows]

    @property
    def nonstandard(self) -> np.ndarray:
        """Residues that files list as HETATM, bool, shape (R,): other molecules, and modified residues."""
        return self.hetero | np.isin(self.resnames, list(MODIFIED))

    @classmethod
    def from_atoms(cls, atoms: Any, aliases: dict[str, str] | None = None) -> Topology:
        """
        The topology of an AtomGroup, as its universe has it (nothing is added or left out).

        Parameters
        ----------
        atoms : AtomGroup
            Ordered by residue; only its attributes are read.
        aliases : dict, optional
            Residue names to read as others, on top of `variants.ALIASES`.

        Returns
        -------
        Topology
            Chains end where chain or segment changes; distances are not looked at.

        Raises
        ------
        ValueError
            Atoms of one residue that do not lie together.
        """
        first, residue_of_atom = residue_runs(atoms.resindices)
        given = attribute(atoms, "resnames", "")[first]
        resnames = canonical_resnames(given, aliases)
        return cls(
            names=attribute(atoms, "names", ""),
            elements=attribute(atoms, "elements", ""),
            residue_of_atom=residue_of_atom,
            resnames=resnames,
            variants=variant_names(given, resnames, aliases),
            **numbering(atoms, first),
            bonds=bonds_within(atoms),
        )

    def of_residues(self, chosen: np.ndarray) -> dict:
        """What is known of some residues (an index of any kind), field by field, as `Topology` takes it."""
        return {name: getattr(self, name)[chosen] for name in _OF_RESIDUES}

    def atoms_of(self, chosen: np.ndarray) -> np.ndarray:
        """Atoms (int64) of some residues, residue by residue in their order."""
        owner = _places(chosen, self.n_residues)[self.residue_of_atom]
        return np.argsort(owner, kind="stable")[np.count_nonzero(owner < 0) :]

    def take(self, chosen: np.ndarray) -> Topology:
        """
        Some residues, in the order in which they are named.

        Parameters
        ----------
        chosen : sequence of int
            Residues, none of them twice.

        Returns
        -------
        Topology
            With the bonds among them; a stretch ends where the next residue is another one than before.

        Examples
        --------
        >>> three = Topology(["CA"] * 3, [""] * 3, range(3), ["ALA", "GLY", "VAL"], [1, 2, 3], [""] * 3, ["A"] * 3,
        ...                  [""] * 3)
        >>> three.take([2, 0, 1])
        Topology(3 atoms, 3 residues, 2 stretches: A 3, A 1-2)
        """
        chosen = np.asarray(chosen, dtype=np.int64)
        atoms = self.atoms_of(chosen)
        fields = {name: getattr(self, name)[atoms] for name in _OF_ATOMS} | self.of_residues(chosen)
        fields["ends"] = fields["ends"] | (np.diff(chosen, append=-1) != 1)
        places, whole = _places(chosen, self.n_residues), np.zeros(len(chosen), dtype=bool)
        for first, last in self.rings.tolist():
            ring = places[first : last + 1]
            whole[ring[-1]] |= (ring >= 0).all() and (np.diff(ring) == 1).all()
        fields["closed"] = whole
        fields["residue_of_atom"] = _places(chosen, self.n_residues)[fields["residue_of_atom"]]
        for name, kept, n in (("bonds", atoms, self.n_atoms), ("disulfides", chosen, self.n_residues)):
            pairs = _places(kept, n)[getattr(self, name)]
            fields[name] = pairs[(pairs >= 0).all(axis=1)]
        return Topology(**fields)

    def of_atoms(self, rows: np.ndarray) -> Topology:
        """Some atoms, in their order, at least one of each residue; with the bonds among them."""
        bonds = _places(rows, self.n_atoms)[self.bonds]
        fields = {name: getattr(self, name)[rows] for name in _OF_ATOMS}
        return replace(self, **fields, bonds=bonds[(bonds >= 0).all(axis=1)])

    def with_atoms(self, names: Sequence[str], elements: Sequence[str], near: ArrayLike) -> tuple[Topology, np.ndarray]:
        """
        Further atoms, each at the end of the residue of an atom that it is bonded to.

        Parameters
        ----------
        names, elements : sequence of str, length n
            Of the new atoms.
        near : ndarray of int, shape (n,)
            The atoms that they are bonded to.

        Returns
        -------
        Topology
        order : ndarray of int64, shape (A + n,)
            Where each of its atoms is among the old ones with the new ones behind them.

        Examples
        --------
        >>> two = Topology(["O", "N"], ["O", "N"], [0, 1], ["HOH", "NH3"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
        >>> topology, order = two.with_atoms(["H1", "H1"], ["H", "H"], [0, 1])
        >>> topology.names.tolist(), order.tolist(), topology.bonds.tolist()
        (['O', 'H1', 'N', 'H1'], [0, 2, 1, 3], [[0, 1], [2, 3]])
        """
        owner = np.concatenate([self.residue_of_atom, self.residue_of_atom[near]])
        order = np.argsort(owner, kind="stable")
        bonds = np.concatenate([self.bonds, np.stack([near, self.n_atoms + np.arange(len(near))], axis=1)])
        bonds = np.sort(np.argsort(order)[bonds], axis=1)
        added = replace(
            self,
            names=np.concatenate([self.names, names])[order],
            elements=np.concatenate([self.elements, elements])[order],
            residue_of_atom=owner[order],
            bonds=bonds[np.lexsort(bonds.T[::-1])],
        )
        return added, order

    def with_residues(
        self, other: Topology, before: ArrayLike, bonds: ArrayLike
    ) -> tuple[Topology, np.ndarray, np.ndarray]:
        """
        Residues of another topology in their places along the chains.

        Parameters
        ----------
        other : Topology
            Of r residues, each beside the one that it is bonded to.
        before : ndarray of int, shape (r,)
            Residues that they come before, ascending; R for those behind the last one.
        bonds : ndarray of int, shape (n, 2)
            Between the two: atoms of this one, and of the other.

        Returns
        -------
        Topology
        residues, order : ndarray of int64
            Where each of its residues, and each of its atoms, is among the old ones with the new ones behind them.
        """
        bonds = np.asarray(bonds, dtype=np.int64).reshape(-1, 2) + [0, self.n_atoms]
        both = self.beside(other)
        both = replace(both, bonds=np.concatenate([both.bonds, bonds]))
        residues = np.argsort(np.append(np.arange(self.n_residues), np.asarray(before) - 0.5), kind="stable")
        ends = both.ends[residues]
        ends[np.argsort(residues)[both.residue_of_atom[bonds]].min(axis=1)] = False  # bonded to the next one
        return replace(both.take(residues), ends=ends), residues, both.atoms_of(residues)

    def beside(self, other: Topology) -> Topology:
        """These particles and, behind them, those of another topology; nothing is bonded between the two."""
        every = (*_OF_ATOMS, *_OF_RESIDUES)
        fields = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in every}
        fields["residue_of_atom"][self.n_atoms :] += self.n_residues
        for name, n in (("bonds", self.n_atoms), ("disulfides", self.n_residues)):
            fields[name] = np.concatenate([getattr(self, name), getattr(other, name) + n])
        return Topology(**fields)

    def __repr__(self):
        stretches = self.stretches()
        shown = listed(stretches, _SHOWN)
        word = "stretch" if len(stretches) == 1 else "stretches"
        return f"Topology({self.n_atoms} atoms, {self.n_residues} residues, {len(stretches)} {word}: {shown})"

    def stretches(self) -> list[str]:
        """Unbroken stretches in words, as in ``["A 2-57", "B 1-20"]``."""
        last = np.flatnonzero(self.ends)
        first = np.concatenate([[0], last[:-1] + 1]) if last.size else last
        number = [f"{i}{c}" for i, c in zip(self.resids, self.icodes, strict=True)]
        spans = zip(first, last, strict=True)
        return [f"{self.chainIDs[i]} {number[i]}" + (f"-{number[j]}" if j > i else "") for i, j in spans]


_OF_ATOMS = {"names": str, "elements": str, "residue_of_atom": np.int64}
_OF_RESIDUES = {
    **{"resnames": (str,), "resids": (np.int64,), "icodes": (str,), "chainIDs": (str,), "segids": (str,)},
    **{"ends": (bool,), "cis": (bool,), "variants": (str,), "caps": (str, 2), "hetero": (bool,), "closed": (bool,)},
}
"""Fields of `Topology` by what they have an entry for: their types, and further axes."""


def _places(chosen, n):
    """Where each of `n` things is among those chosen; -1 where it is not."""
    places = np.full(n, -1)
    places[chosen] = np.arange(len(chosen))
    return places
