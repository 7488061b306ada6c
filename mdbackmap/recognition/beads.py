"""
Which atoms of a group are C-alpha beads, by their names.

Legend: `a` atoms of the group, `N` beads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .. import residues
from ..attributes import attribute, canonical_resnames
from ..mapping import MappingError
from .sequence import checked_aliases

CAPS = frozenset("ACE NME NMA NH2 FOR".split())
"""Residues that end a chain and are no amino acids."""

_ATOMS_NOT_CA = frozenset("N O CB H HA HN SC CM".split())  # lone beads of these names are elsewhere


@dataclass(frozen=True, eq=False)
class Group:
    """
    What is known of each atom (a,) of an AtomGroup.

    Parameters
    ----------
    names, resnames, given : (a,) str array
        Atom names, residue names in their canonical form and as the input has them.
    residue : (a,) int array
        Residue of each atom: 0, 1, ...
    amino, other : (a,) bool array
        Belongs to a known amino acid; to something known that is none.
    """

    names: np.ndarray
    resnames: np.ndarray
    given: np.ndarray
    residue: np.ndarray
    amino: np.ndarray
    other: np.ndarray

    @classmethod
    def read(cls, atoms, aliases) -> Group:
        """The group of an AtomGroup, with the user's aliases; raises MappingError if these are wrong."""
        aliases = checked_aliases(aliases)
        names, given = np.char.upper(attribute(atoms, "names", "")), np.char.upper(attribute(atoms, "resnames", ""))
        unique, which = np.unique(given, return_inverse=True)
        resnames = canonical_resnames(unique, aliases)[which]
        letter = (names == "CA") & np.isin(resnames, list(residues.ALPHABET))  # a nucleotide has no CA
        if letter.any():
            resnames = resnames.astype("U8")
            resnames[letter] = [residues.RESIDUE_NAMES[residues.ALPHABET.index(x)] for x in resnames[letter]]
        amino = np.isin(resnames, residues.RESIDUE_NAMES)
        calcium = np.char.upper(attribute(atoms, "elements", "")) == "CA"
        other = ~amino & (np.isin(resnames, list(residues.OTHER_RESIDUES | CAPS)) | calcium)
        return cls(names, resnames, given, np.unique(atoms.resindices, return_inverse=True)[1], amino, other)

    def any_in_residue(self, atoms) -> np.ndarray:
        """(a,) bool: whether an atom's residue has one of these atoms."""
        return np.bincount(self.residue, atoms)[self.residue] > 0

    def atomistic(self) -> np.ndarray:
        """(a,) bool: an atom CA beside atoms of a peptide."""
        return (self.names == "CA") & self.any_in_residue(np.isin(self.names, ["N", "C"]))

    def count(self, names=None) -> str:
        """The commonest of some names in words: ``"12 SOL, 3 NA"``."""
        counted = Counter(x or "(no name)" for x in (self.given if names is None else names))
        return ", ".join(f"{n} {name}" for name, n in counted.most_common(8)) + (", ..." if len(counted) > 8 else "")


def find_beads(group, sequenced):
    """
    The C-alpha beads of a group.

    Parameters
    ----------
    group : Group
    sequenced : bool
        The user tells the sequence, so beads need neither names nor residues of their own.

    Returns
    -------
    beads : (N,) int array
        Places in the group.
    shared : bool
        Several beads share one residue.

    Raises
    ------
    MappingError
        No such beads, an amino acid without one, or a Martini model.
    """
    _refuse_martini(group)
    ca = (group.names == "CA") & ~group.other
    only_ca = ~group.any_in_residue(group.names != "CA")
    ca &= group.amino | only_ca | group.atomistic()  # else it is a ligand's
    if not ca.any():
        return _find_lone(group, sequenced)
    bare = group.amino & ~group.any_in_residue(ca)
    if bare.any():
        at = np.flatnonzero(bare)[0]
        raise MappingError(
            f"{len(np.unique(group.residue[bare]))} amino-acid residues have no CA, the first {group.given[at]} with "
            f"atoms {', '.join(group.names[group.residue == group.residue[at]][:8])}; expected one CA in each: select "
            "whole residues, or leave these out of the selection"
        )
    return np.flatnonzero(ca), np.bincount(group.residue[ca]).max() > 1


def _find_lone(group, sequenced):
    """Beads under another name: all atoms that are not known to be something else."""
    lone = ~group.other
    count = np.bincount(group.residue[lone], minlength=1)
    names = set(group.names[lone])
    named = np.isin(canonical_resnames(group.names), residues.RESIDUE_NAMES)[lone].all()
    shared = count.max() > 1
    wrong = names & _ATOMS_NOT_CA
    if lone.any() and not wrong and (not shared or sequenced or named):
        return np.flatnonzero(lone), shared
    found = f"no C-alpha beads among {len(group.names)} atoms ({group.count(group.names)}; residues {group.count()})"
    if shared and not wrong and not group.amino.any():
        raise MappingError(
            f"{found}: {count.max()} beads share a residue and residue names are missing, expected one bead a residue; "
            "if each bead is a C-alpha, say which residues they are: sequence='MKV...' (--sequence; one for each "
            "chain)"
        )
    raise MappingError(
        f"{found}: expected atoms called CA, or one bead in every residue; select the protein, or rename its beads CA"
    )


def _refuse_martini(group):
    backbone, side = np.isin(group.names, ["BB", "BAS"]), np.char.startswith(group.names, "SC")
    beside = backbone.any() and (group.names == "CA").any()
    if beside or (backbone & group.any_in_residue(side)).any():
        raise MappingError(
            f"this looks like a Martini model (beads {group.count(group.names)}): its BB beads are centres of mass, "
            "and CA beads beside them are virtual sites; Martini is not supported yet, expected C-alpha beads"
        )
