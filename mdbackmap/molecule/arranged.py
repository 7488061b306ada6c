"""
The atoms of a molecule in the order and with the names of another topology of it.

Shapes: R residues, A atoms, B atoms of the other topology.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from ..chemistry import bound_hydrogens as chemistry
from ..chemistry.variants import ATOM_ALIASES, CAPS, FIRST_OXYGENS, SECOND_OXYGENS
from ..options import NAMES
from .attributes import listed
from .bead_weights import MappingError
from .likeness import is_hydrogen, straight
from .residue_pairs import residue_pairs

logger = logging.getLogger(__name__)

_SHOWN = 4  # residues or atoms in a message; chosen: by hand
_FIRST_HYDROGENS = ("H", "HN", "H1", "HN1")  # names of the one hydrogen of N, or of the first of several
_MAY_LACK = ("OXT",)  # heavy atoms that a topology may lack; hydrogens, too


def arranged(like, fine) -> tuple:
    """
    The atoms that a topology has.

    Parameters
    ----------
    like : Likeness
    fine : Topology
        A atoms of all that can come out.

    Returns
    -------
    rows : ndarray of int64, shape (B,)
        Which of the atoms each one is.
    topology : Topology
        B atoms, with the names of `like`.

    Raises
    ------
    MappingError
        Residues or atoms that differ, with their names.
    """
    pairs = _with_caps(like, fine, residue_pairs(like, fine))
    place = _atom_places(like, fine, pairs)
    others, left = _other_places(like, fine, place)
    kept = np.flatnonzero([place.get(r) is not None or r in others for r in range(like.topology.n_residues)])
    place |= others
    rows = np.concatenate([place[r] for r in kept]).astype(np.int64)
    _tell(like, fine, left, rows)
    return rows, _topology(like, fine, kept, rows, {theirs: own for own, theirs in pairs.items()})


def _with_caps(like, fine, pairs):
    """The pairs, and those of caps beside them."""
    found = dict(pairs)
    for own, theirs in pairs.items():
        for side, at in enumerate((own - 1, own + 1)):
            there = like.beside(theirs, side)
            cap = 0 <= at < fine.n_residues and fine.resnames[at] in CAPS and bool(fine.ends[at]) == bool(side)
            if cap and there is not None:
                found[at] = there
    return found


def _atom_places(like, fine, pairs):
    """Rows of `fine` for the atoms of each amino acid of a topology."""
    starts, place, wrong = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1)), {}, []
    spans = {own: slice(*starts[own : own + 2]) for own in pairs}
    order = sorted(NAMES, key=lambda c: -sum(len(_matched(like, fine, *p, spans[p[0]], c)) for p in pairs.items()))
    for own, theirs in pairs.items():
        tries = [_matched(like, fine, own, theirs, spans[own], convention) for convention in order]
        best, wanted = max(tries, key=len), like.names(theirs)
        more = [name for name in wanted if name not in best]
        names = fine.names[spans[own]]
        used = set(best.values())
        less = [n for n in names if n not in used and n not in _MAY_LACK and not is_hydrogen(n)]
        if more or less or len(set(wanted)) < len(wanted):
            wrong.append(_difference_of_atoms(like, fine, own, theirs, more, less))
            continue
        row = {name: spans[own].start + k for k, name in enumerate(names)}
        place[theirs] = [row[best[name]] for name in wanted]
    if wrong:
        raise MappingError(
            f"{len(wrong)} residue(s) have other atoms in {like.name}: {listed(wrong, _SHOWN, '; ')}. Hydrogens are "
            "added by hydrogens=True (--hydrogens), protons are those of the topology or of protonation="
        )
    return place


def _matched(like, fine, own, theirs, span, convention):
    """Names in a topology's residue, and the names that they have here, by one convention and common other names."""
    names = fine.names[span].tolist()
    form = str(fine.variants[own])
    form = form if form in chemistry.FORMS or form in chemistry.MODIFIED else str(fine.resnames[own])
    written = dict(zip(chemistry.written_names(names, form, convention), names, strict=True))
    found = {}
    for name in like.names(theirs):
        here = written.get(name) or written.get(straight(name)) or _other_name(fine.resnames[own], name, names)
        if here in names and here not in found.values():
            found[name] = here
    return found


def _other_name(resname, name, names):
    """Other names, in all conventions, for atoms of a residue that has these `names`."""
    if name in _FIRST_HYDROGENS and "CA" in names:  # as OpenMM has them; not those of caps
        return next((first for first in ("H", "H1") if first in names), None)
    if name in FIRST_OXYGENS or name in SECOND_OXYGENS:
        return "O" if name in FIRST_OXYGENS else "OXT"
    return ATOM_ALIASES.get((str(resname), name))


def _difference_of_atoms(like, fine, own, theirs, more, less):
    has = [f"has {listed(more, _SHOWN)}, which {fine.label(own)} does not get"] if more else []
    has += [f"lacks {listed(less, _SHOWN)}"] if less else []
    return f"{like.topology.label(theirs)} {' and '.join(has) or 'has a name twice'}"


def _other_places(like, fine, done):
    """Rows of other molecules for residues of a topology, in order by name and atoms; how many residues have none."""
    starts, there = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1)), {}
    for residue in np.flatnonzero(fine.hetero)[::-1]:
        rows = range(*starts[residue : residue + 2])
        there.setdefault((fine.resnames[residue], tuple(fine.names[rows])), []).append(list(rows))
    found, left = {}, {}
    for residue in range(like.topology.n_residues):
        if residue in done:
            continue
        name = str(like.topology.resnames[residue])
        rows = there.get((name, tuple(like.names(residue))))
        if rows:
            found[residue] = rows.pop()
        else:
            left[name] = left.get(name, 0) + 1
    return found, left


def _tell(like, fine, left, rows):
    """Say what is in one of the two only."""
    if left:
        what = listed([f"{n} {name}" for name, n in sorted(left.items(), key=lambda x: -x[1])], _SHOWN)
        logger.warning(
            "not in the output are molecules of %s: %s, so it has %d of the %d atoms; passthrough= (--passthrough) "
            "takes those that the beads have", like.name, what, len(rows), like.topology.n_atoms,
        )  # fmt: skip
    n_others = np.count_nonzero(np.delete(fine.hetero[fine.residue_of_atom], rows))
    n_own = fine.n_atoms - len(rows) - n_others
    if n_others:
        logger.warning("%d particles that are carried along are not in %s: left out", n_others, like.name)
    if n_own:
        logger.info("%d hydrogens and terminal oxygens are not in %s: left out", n_own, like.name)


def _topology(like, fine, kept, rows, own):
    """The topology of the output: names and numbers of `like`, chemistry of `fine`."""
    found = like.topology.take(kept)
    mine = np.array([own.get(int(r), -1) for r in kept])
    fields = {"hetero": mine < 0, "ends": (mine < 0) | fine.ends[mine], "cis": (mine >= 0) & fine.cis[mine]}
    fields["closed"] = (mine >= 0) & fine.closed[mine]
    if not like.named_chains:
        letter = fine.chainIDs[fine.residue_of_atom[rows]][np.searchsorted(found.residue_of_atom, np.arange(len(kept)))]
        fields["chainIDs"] = letter
    place = np.full(fine.n_atoms, -1)
    place[rows] = np.arange(len(rows))
    bonds = place[fine.bonds]
    bonds = np.sort(np.concatenate([bonds[(bonds >= 0).all(axis=1)], found.bonds]), axis=1)
    back = {int(r): k for k, r in enumerate(mine) if r >= 0}
    fields["disulfides"] = [[back[a], back[b]] for a, b in fine.disulfides.tolist()]
    fields["elements"] = np.where(found.elements == "", fine.elements[rows], found.elements)
    return replace(found, bonds=np.unique(bonds, axis=0), variants=found.resnames, **fields)
