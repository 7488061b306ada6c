"""
Which atoms of a group are C-alpha beads, by their names.

Shapes: A atoms of the group, N beads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..chemistry import residues
from ..chemistry.modified_residues import D_FORMS
from ..chemistry.variants import CAPS, CAPS_BEFORE
from ..molecule.attributes import attribute, canonical_resnames, listed, variant_names
from ..molecule.mapping import MappingError
from .bead_names import SEQUENCELESS, NamedBeads, as_told, beside_alphas, martini
from .conformers import merged_alternatives
from .numbers import read_numbers
from .sequence import checked_aliases

_ATOMS_NOT_CA = frozenset("N O CB H HA HN SC CM".split())  # lone beads of these names are elsewhere
_NUCLEOTIDES = frozenset("ACGTUN")  # one-letter names that may be those of a nucleic acid
_SHOWN, _ATOMS = 8, 4  # residues, or kinds of names, and atoms of a residue in a message; chosen: by hand
_ORGANIC = frozenset("CHNSPFIKVWY")  # one-letter codes of amino acids that are elements, too


@dataclass(frozen=True, eq=False)
class Group:
    """
    What is known of each atom (A,) of an AtomGroup.

    Parameters
    ----------
    aliases : dict
        The user's, checked.
    names, resnames, given : ndarray of str, shape (A,)
        Atom names, residue names in their canonical form (D-residues as L-residues) and as the input has them.
    residue : ndarray of int, shape (A,)
        Residue of each atom: 0, 1, ...; alternate locations of one residue share it.
    resids, icodes, chains : ndarray, shape (A,)
        Residue numbers, insertion codes, and chain and segment in one string.
    altlocs : ndarray of str, shape (A,)
        Labels of alternate locations; "" where there are none.
    amino, other : ndarray of bool, shape (A,)
        Belongs to a known amino acid; to something known that is none.
    """

    aliases: dict
    names: np.ndarray
    resnames: np.ndarray
    given: np.ndarray
    residue: np.ndarray
    resids: np.ndarray
    icodes: np.ndarray
    chains: np.ndarray
    altlocs: np.ndarray
    amino: np.ndarray
    other: np.ndarray

    @classmethod
    def read(cls, atoms, aliases) -> Group:
        """The group of an AtomGroup, with the user's aliases; raises MappingError if these are wrong."""
        aliases = checked_aliases(aliases)
        names, given = np.char.upper(attribute(atoms, "names", "")), np.char.upper(attribute(atoms, "resnames", ""))
        unique, which = np.unique(given, return_inverse=True)
        resnames = canonical_resnames(unique, D_FORMS | aliases)[which]
        residue, resids, icodes = _numbered(atoms)
        letter = np.isin(resnames, list(residues.ALPHABET)) & ((names == "CA") | _coding(set(resnames.tolist())))
        if letter.any():
            resnames = resnames.astype("U8")
            resnames[letter] = [residues.NAME_OF_LETTER[x] for x in resnames[letter]]
        amino = np.isin(resnames, residues.RESIDUE_NAMES)
        other = ~amino & (np.isin(resnames, [*residues.OTHER_RESIDUES, *CAPS]) | _calcium(atoms, names))
        chains = np.char.add(np.char.add(attribute(atoms, "chainIDs", ""), "/"), attribute(atoms, "segids", ""))
        altlocs = attribute(atoms, "altLocs", "")
        residue = merged_alternatives(residue, (chains, resids, icodes), altlocs)
        return cls(aliases, names, resnames, given, residue, resids, icodes, chains, altlocs, amino, other)

    def named_as_residues(self, beads) -> np.ndarray:
        """Residue names of beads, str, shape (N,); those in the name field, where residues themselves have none."""
        if self.amino[beads].any():
            return self.resnames[beads]
        written = residue_names(self.names[beads], self.aliases)
        return self.resnames[beads] if written is None else written

    def variants(self, beads, resnames) -> np.ndarray:
        """What the input calls the residues of beads, str, shape (R,), where it says more than `resnames`."""
        given = self.given if self.amino[beads].any() else self.names
        return variant_names(given[beads], resnames, self.aliases)

    def caps(self, beads) -> np.ndarray:
        """Caps before and behind the residues of beads, str, shape (R, 2): in the file next to them, of their chain."""
        order, caps = np.argsort(beads), np.full((len(beads), 2), "", dtype="U4")
        for atom in np.flatnonzero(np.isin(self.resnames, CAPS)):
            name = self.resnames[atom]
            behind = name not in CAPS_BEFORE
            k = np.searchsorted(beads, atom, sorter=order) - behind
            if 0 <= k < len(beads) and self.chains[beads[order[k]]] == self.chains[atom]:
                caps[order[k], int(behind)] = name
        return caps

    def any_in_residue(self, atoms) -> np.ndarray:
        """Whether an atom's residue has one of these atoms, bool, shape (A,)."""
        return np.bincount(self.residue, atoms)[self.residue] > 0

    def atomistic(self) -> np.ndarray:
        """Whether an atom is a CA beside atoms of a peptide, bool, shape (A,)."""
        return (self.names == "CA") & self.any_in_residue(np.isin(self.names, ["N", "C"]))

    def count(self, names=None) -> str:
        """The commonest of some names in words: ``"12 SOL, 3 NA"``."""
        counted = Counter(x or "(no name)" for x in (self.given if names is None else names))
        return listed([f"{n} {name}" for name, n in counted.most_common()], _SHOWN)

    def label(self, atom) -> str:
        """The residue of an atom in words: ``"ALA 617 of chain A"``, without a chain where there is none."""
        chain, segment = self.chains[atom].split("/", 1)
        of = chain or ("" if segment == "SYSTEM" else segment)
        name = self.given[atom] or "residue"
        return f"{name} {self.resids[atom]}{self.icodes[atom]}" + (f" of chain {of}" if of else "")


def _numbered(atoms):
    """Residue, number and insertion code of each atom (A,)."""
    found = read_numbers(atoms)
    if found is not None:
        return found
    residue = np.unique(atoms.resindices, return_inverse=True)[1]
    resids = getattr(atoms, "resids", None)
    resids = residue + 1 if resids is None else np.asarray(resids)
    return residue, resids, attribute(atoms, "icodes", "")


def _coding(kinds):
    """Whether all of some names are one-letter codes of amino acids, and not only nucleotides or elements."""
    letters = len(kinds) > 1 and kinds <= set(residues.ALPHABET)
    return letters and not (kinds <= _NUCLEOTIDES or kinds <= _ORGANIC)


def _calcium(atoms, names):
    """Whether an atom is calcium by its element, shape (A,); an element guessed from the name CA does not count."""
    calcium = np.char.upper(attribute(atoms, "elements", "")) == "CA"
    return calcium & (~calcium[names == "CA"]).any()


def find_beads(group, sequenced, asked=None) -> NamedBeads:
    """
    One bead of each residue, and which bead models their names allow.

    Parameters
    ----------
    group : Group
    sequenced : bool
        The user tells the sequence, so beads need neither names nor residues of their own.
    asked : BeadModel, optional
        What the user says that the beads are.

    Returns
    -------
    NamedBeads

    Raises
    ------
    MappingError
        No beads, more amino acids without one than with one, or beads of another model than their names say.
    """
    if asked is not None and asked.anchor != "CA":
        named = (group.names == asked.anchor) & ~group.other
        if named.any():
            return NamedBeads(np.flatnonzero(named), (asked,))
        if NamedBeads(np.zeros(0), (asked,)).several:
            _refuse_anchorless(group, asked)
    if asked is None and (found := martini(group)) is not None:
        return found
    ca = (group.names == "CA") & ~group.other
    only_ca = ~group.any_in_residue(group.names != "CA")
    ca &= group.amino | only_ca | group.atomistic() | np.isin(group.given, list(SEQUENCELESS))  # else it is a ligand's
    if not ca.any():
        if asked is not None and np.bincount(group.residue[group.amino], minlength=1).max() > 1:
            _refuse_anchorless(group, asked)
        return NamedBeads(_find_lone(group, sequenced, asked), () if asked is None else (asked,))
    _refuse_bare(group, ca)
    anchors = np.flatnonzero(ca)
    return beside_alphas(group, anchors, sequenced) if asked is None else as_told(group, anchors, asked)


def _refuse_anchorless(group, asked):
    raise MappingError(
        f"no beads called {asked.anchor}, which every residue has in the bead model {asked.name!r}; found are "
        f"{group.count(group.names)}: name another model, or none (mapping=, --mapping)"
    )


def bare_residues(group, ca):
    """First atoms (b,) of the amino acids without a C-alpha, from the atoms (A,) that are one."""
    bare = np.flatnonzero(group.amino & ~group.any_in_residue(ca))
    return bare[np.unique(group.residue[bare], return_index=True)[1]]


def bare_warning(group, beads):
    """What is said of residues that have no C-alpha, or none of the beads: a list of one sentence, or empty."""
    bare = bare_residues(group, np.isin(np.arange(len(group.names)), beads))
    sites = (group.names[bare] == "CA") & np.isin(group.chains[bare], group.chains[beads])
    bare = bare[~sites]  # virtual sites of a chain that has beads
    atoms = [listed(group.names[group.residue == group.residue[at]], _ATOMS) for at in bare]
    told = listed([f"{group.label(at)} (only {x})" for at, x in zip(bare, atoms, strict=True)], _SHOWN)
    return [f"left out, as they have no {group.names[beads[0]]}: {told}"] if told else []


def left_out(group, trace):
    """What is said of atoms that are no part of the protein: one sentence, or none."""
    used = np.isin(np.arange(len(group.names)), trace.beads)
    left = ~used if trace.shared else ~group.any_in_residue(used) & ~group.amino  # amino acids are known by name
    if left.any():
        caps = "; caps are built anew, unless caps=False" if np.isin(group.resnames[left], CAPS).any() else ""
        what = f"{np.count_nonzero(left)} atoms ({group.count(group.given[left])})"
        yield f"left out as no part of the protein: {what}{caps}"


def _refuse_bare(group, ca):
    """Residues without a CA are left out, with a warning; where they are as many as the others, this is no trace."""
    bare = bare_residues(group, ca)
    if len(bare) and len(bare) >= len(np.unique(group.residue[ca])):
        atoms = listed(group.names[group.residue == group.residue[bare[0]]], _SHOWN)
        raise MappingError(
            f"{len(bare)} amino-acid residues have no CA, the first {group.label(bare[0])} with atoms {atoms}; "
            "expected one CA in each: select whole residues, or leave these out of the selection"
        )


def _find_lone(group, sequenced, asked=None):
    """Beads under another name: all atoms that are not known to be something else, or that the user says are beads."""
    lone = ~group.other
    names = set(group.names[lone])
    shared = np.bincount(group.residue[lone], minlength=1).max() > 1
    coded = len(names) > 1 and names <= set(residues.ALPHABET)
    named = lone.any() and residue_names(group.names[lone], group.aliases) is not None
    wrong = set() if asked or named or (coded and sequenced) else names & _ATOMS_NOT_CA
    if lone.any() and not wrong and (not shared or sequenced or named):
        return np.flatnonzero(lone)
    return _refuse_lone(group, shared, coded, wrong)


def _refuse_lone(group, shared, coded, wrong):
    kinds = group.count(group.given[np.unique(group.residue, return_index=True)[1]])
    found = f"no C-alpha beads among {len(group.names)} atoms ({group.count(group.names)}; residues {kinds})"
    tell = "if each bead is a C-alpha, say which residues they are: sequence='MKV...' (--sequence; one for each chain)"
    if coded and not group.amino.any():
        raise MappingError(f"{found}: these names may be elements, nucleotides or amino acids; {tell}")
    if shared and not wrong and not group.amino.any():
        most = np.bincount(group.residue[~group.other]).max()
        raise MappingError(
            f"{found}: {most} beads share a residue and residue names are missing, expected one bead a residue; {tell}"
        )
    if wrong and not shared:
        raise MappingError(
            f"{found}: expected beads called CA; those called {', '.join(sorted(wrong))} lie elsewhere as a rule. If "
            "they are C-alphas, say mapping='ca' (--mapping ca); if they stand for other atoms, give the bead model as "
            "a JSON file: mapping='FILE.json'"
        )
    raise MappingError(
        f"{found}: expected atoms called CA, or one bead in every residue; select the protein, or rename its beads CA"
    )


def residue_names(names, aliases=None):
    """
    Residue names that are written in the name field.

    Parameters
    ----------
    names : ndarray of str, shape (n,)
    aliases : dict, optional

    Returns
    -------
    ndarray of str, shape (n,), or None
        None if the field holds something else: fewer than half of the kinds of names are known.

    Examples
    --------
    >>> residue_names(np.array(["MET", "HIE"])).tolist(), residue_names(np.array(["M", "H", "G"])).tolist()
    (['MET', 'HIS'], ['MET', 'HIS', 'GLY'])
    >>> residue_names(np.array(["C", "H", "N"])) is None  # as likely elements
    True
    """
    found = canonical_resnames(names, aliases)
    kinds = set(found.tolist())
    letters = kinds & set(residues.ALPHABET) if _coding(kinds & set(residues.ALPHABET)) else set()
    known = letters | (kinds & set(residues.RESIDUE_NAMES))
    if 2 * len(known) < len(kinds) or not kinds:
        return None
    return np.array([residues.NAME_OF_LETTER[x] if x in letters else x for x in found.tolist()])
