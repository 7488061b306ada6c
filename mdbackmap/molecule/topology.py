"""
`Topology`: the atoms or the beads of one resolution, and the residues they belong to.

Shapes: A atoms or beads, R residues, b bonds. Plain numpy: an AtomGroup is only asked for
its attributes (duck typing), and attributes that it lacks are made up sensibly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..chemistry import residues
from ..chemistry.elements import MASSES
from .attributes import attribute, bonds_within, canonical_resnames, chain_ends, listed, numbering, residue_runs


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

    Raises
    ------
    ValueError
        Arrays whose lengths disagree, or atoms that are not ordered by residue.

    Examples
    --------
    >>> coarse = Topology(["CA", "CA"], ["", ""], [0, 1], ["ALA", "GLY"], [1, 2], ["", ""], ["A", "A"], ["", ""])
    >>> coarse
    Topology(2 atoms, 2 residues, 1 stretch: A 1-2)
    >>> protein_topology(coarse).names.tolist()
    ['N', 'CA', 'C', 'O', 'CB', 'N', 'CA', 'C', 'O']
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

    def __post_init__(self):
        n, r = len(self.names), len(self.resnames)
        for name, length in (("names", n), ("elements", n), *((x, r) for x in _RESIDUE_STRINGS)):
            self._store(name, getattr(self, name), str, (length,))
        self._store("residue_of_atom", self.residue_of_atom, np.int64, (n,))
        self._store("resids", self.resids, np.int64, (r,))
        if self.ends is None:
            self._store("ends", chain_ends(self.chainIDs, self.segids), bool, (r,))
        else:
            self._store("ends", self.ends, bool, (r,))
        self._store("cis", np.zeros(r) if self.cis is None else self.cis, bool, (r,))
        bonds = np.zeros((0, 2)) if self.bonds is None or len(self.bonds) == 0 else np.sort(self.bonds, axis=1)
        self._store("bonds", bonds, np.int64, (len(bonds), 2))
        self._check()

    def _store(self, name, values, dtype, shape):
        array = np.array(values, dtype=dtype)
        if array.shape != shape:
            raise ValueError(f"Topology.{name} has shape {array.shape}, expected {shape}")
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def _check(self):
        owner = self.residue_of_atom
        if owner.size and (np.any(np.diff(owner) < 0) or owner[0] < 0 or owner[-1] >= self.n_residues):
            raise ValueError(
                f"residue_of_atom must be non-decreasing and within 0..{self.n_residues - 1}: sort the atoms by residue"
            )
        if self.bonds.size and (self.bonds.min() < 0 or self.bonds.max() >= self.n_atoms):
            raise ValueError(f"bonds name atoms outside 0..{self.n_atoms - 1}")

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

    def label(self, residue: int) -> str:
        """The residue in words, as in error messages: ``"chain A, GLY 52A"``."""
        return f"chain {self.chainIDs[residue]}, {self.resnames[residue]} {self.resids[residue]}{self.icodes[residue]}"

    @classmethod
    def from_atoms(cls, atoms, aliases=None) -> Topology:
        """
        The topology of an AtomGroup, as its universe has it (nothing is added or left out).

        Parameters
        ----------
        atoms : AtomGroup
            Ordered by residue; only its attributes are read.
        aliases : dict, optional
            Residue names to read as others, on top of `residues.ALIASES`.

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
        names = attribute(atoms, "resnames", "")[first]
        return cls(
            names=attribute(atoms, "names", ""),
            elements=attribute(atoms, "elements", ""),
            residue_of_atom=residue_of_atom,
            resnames=canonical_resnames(names, aliases),
            **numbering(atoms, first),
            bonds=bonds_within(atoms),
        )

    def __repr__(self):
        stretches = self.stretches()
        shown = listed(stretches, 4)
        word = "stretch" if len(stretches) == 1 else "stretches"
        return f"Topology({self.n_atoms} atoms, {self.n_residues} residues, {len(stretches)} {word}: {shown})"

    def stretches(self) -> list[str]:
        """Unbroken stretches in words, as in ``["A 2-57", "B 1-20"]``."""
        last = np.flatnonzero(self.ends)
        first = np.concatenate([[0], last[:-1] + 1]) if last.size else last
        number = [f"{i}{c}" for i, c in zip(self.resids, self.icodes, strict=True)]
        spans = zip(first, last, strict=True)
        return [f"{self.chainIDs[i]} {number[i]}" + (f"-{number[j]}" if j > i else "") for i, j in spans]


_RESIDUE_STRINGS = ("resnames", "icodes", "chainIDs", "segids")


def protein_topology(coarse: Topology) -> Topology:
    """
    The heavy atoms of a protein, from its residues.

    Each residue gets the atoms of `residues.ATOMS` in that order, its own bonds, and a peptide
    bond C-N to the next residue unless it ends a stretch.

    Parameters
    ----------
    coarse : Topology
        Residues, all of them amino acids; how many beads each has does not matter.

    Returns
    -------
    Topology
        The same residues, `ends` and `cis`, with atoms.

    Raises
    ------
    ValueError
        A residue that is not one of the twenty amino acids.
    """
    unknown = np.flatnonzero(coarse.types < 0)
    if unknown.size:
        raise ValueError(
            f"{coarse.label(unknown[0])} is not an amino acid ({unknown.size} such residues); known are "
            f"{', '.join(residues.RESIDUE_NAMES)}; give other names with aliases={{'XYZ': 'ALA'}} or a sequence"
        )
    atoms = [_residue_atoms(name) for name in coarse.resnames]
    residue_of_atom = np.repeat(np.arange(coarse.n_residues), [len(x) for x in atoms])
    names = [name for group in atoms for name in group]
    return Topology(
        names=names,
        elements=[name[0] for name in names],
        residue_of_atom=residue_of_atom,
        **{x: getattr(coarse, x) for x in (*_RESIDUE_STRINGS, "resids", "ends", "cis")},
        bonds=_protein_bonds(coarse, atoms),
    )


def _residue_atoms(resname):
    """Names of one residue's atoms, in order."""
    return residues.ATOMS[resname]


def _protein_bonds(coarse, atoms):
    """Bonds within residues, then those that join them."""
    index, start = [], 0
    for group in atoms:
        index.append({name: start + i for i, name in enumerate(group)})
        start += len(group)
    own = zip(index, coarse.resnames, strict=True)
    within = [(at[i], at[j]) for at, resname in own for i, j in residues.BONDS[resname]]
    peptide = [(index[r]["C"], index[r + 1]["N"]) for r in np.flatnonzero(~coarse.ends[:-1])]
    bonds = np.sort(np.array(within + peptide, dtype=np.int64).reshape(-1, 2), axis=1)
    return bonds[np.lexsort(bonds.T[::-1])]
