"""
`find_passengers`: molecules of a Universe that are not converted, and come out as they are.

Shapes: N beads, P particles that are carried along. Positions in angstrom.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter

import numpy as np

from ..checks import check_atoms
from ..chemistry import other_atoms, residues
from ..chemistry.variants import CAPS
from ..molecule.attributes import attribute, canonical_resnames, chain_letters, listed
from ..molecule.bonds import bonding_distances
from ..molecule.boxes import box_vectors, nearest_images
from ..molecule.crowds import surrounding
from ..molecule.mapping import MappingError
from ..molecule.nearby import near
from ..molecule.system import Passengers
from ..molecule.topology import Topology
from .keeping import element_of
from .opening import select

logger = logging.getLogger(__name__)

_SHOWN = 8  # kinds of residues in a message; chosen: by hand
_BONDED = 1.9  # angstrom; chosen: by hand, between bonds of heavy atoms but metals' (1.8) and of beads (2.0 and more)
_REACH = 2.5  # angstrom; chosen: by hand, no covalent bond is longer
_EACH = 1  # groups of molecules of one kind that others are packed around, a residue; chosen: they cost less than it
_LEAST = 200  # of such groups; chosen: by hand, they cost as much as 20 residues
_HALOGENS = ("F", "Cl", "Br", "I")


def find_passengers(atoms, used, owner, passthrough, chains=(), kept=None, aliases=None):
    """
    Molecules that are carried along.

    Parameters
    ----------
    atoms : AtomGroup
        Of the Universe that has the beads.
    used, owner : ndarray of int, shape (N,)
        Particles that are converted, and which residue each is of.
    passthrough : True, str or AtomGroup
        What is carried: all that is no amino acid; a selection.
    chains : iterable of str
        Names that the chains of the protein have.
    kept : Topology, optional
        Of molecules that `keep=` brings: these are not carried a second time.
    aliases : dict, optional
        Residue names to read as others.

    Returns
    -------
    Passengers or None
        None if there are none; a sentence says so.

    Raises
    ------
    MappingError, ValueError, TypeError
        Atoms of another Universe, a selection that is none or selects nothing, a value of another kind.
    """
    every, text = atoms.universe.atoms, "all that is no amino acid"
    own, inside = _converted(every, used, owner)
    if passthrough is True:
        resnames = attribute(every.residues, "resnames", "")
        amino = np.isin(canonical_resnames(resnames, aliases), [*residues.RESIDUE_NAMES, *CAPS])[_row(every)]
        _tell_left(every[amino & ~own])
        chosen = ~own & ~amino
    else:
        text = passthrough if isinstance(passthrough, str) else "an AtomGroup"
        chosen = _asked(every, passthrough)
        if (chosen & inside).any():
            n = np.count_nonzero(chosen & inside)
            logger.warning("passthrough: %d particles of residues that are converted are not carried as well", n)
        chosen &= ~inside
    group = every[chosen]
    topology = _topology(group, chains)
    if kept is not None and len(group):
        group, topology = _without(group, topology, kept)
    if not len(group):
        logger.warning("passthrough: there is nothing beside the converted molecule to carry along")
        return None
    most = max(_LEAST, _EACH * len(np.unique(owner)))
    heavy = _heavy(topology, group)
    found = surrounding(topology, heavy, group.positions, every[used].positions, _box(group), most)
    logger.info("carried along as they are: %d particles (%s)", len(group), _count(group))
    n = len(found[0])
    if n:
        more = "" if n == len(heavy) else f", the nearest of {len(heavy)} in each frame"
        logger.info("atoms are packed around %d of them, ions and atoms of ligands%s", n, more)
    described = {"carried": text, "n_particles": len(group), "packed_around": n}
    return Passengers(topology, np.asarray(group.ix), *found, described)


def _row(every):
    """The residue of each particle, as a place among the residues of all."""
    return np.searchsorted(every.residues.resindices, every.resindices)


def _converted(every, used, owner):
    """Particles of converted residues, and those that no selection may name; beads alone where all share a residue."""
    own = np.zeros(len(every), dtype=bool)
    own[used] = True
    rows = every.resindices
    if len(set(zip(rows[used].tolist(), owner.tolist(), strict=True))) > len(np.unique(rows[used])):
        return own, own
    inside = np.isin(rows, rows[used])
    return inside, inside


def _asked(every, passthrough):
    """Which particles a selection or a group names."""
    if isinstance(passthrough, str):
        found = select(every.universe, passthrough, "--passthrough")
    else:
        check_atoms(passthrough, "passthrough")
        found = passthrough.atoms
        if found.universe is not every.universe:
            raise MappingError("passthrough= has atoms of another Universe than the beads: keep= takes such atoms")
    chosen = np.zeros(len(every), dtype=bool)
    chosen[found.ix] = True
    return chosen


def _tell_left(left):
    """Say which amino acids beside the converted ones are not carried."""
    if len(left):
        sites = " (virtual sites of a Go model)" if (attribute(left, "names", "") == "CA").all() else ""
        words = "passthrough: not carried are %d particles of amino acids%s and caps: %s; name them by a selection if"
        logger.warning(words + " they are to be", len(left), sites, _count(left))


def _count(atoms):
    counted = Counter(attribute(atoms, "resnames", "").tolist()).most_common()
    return listed([f"{n} {name or '(no name)'}" for name, n in counted], _SHOWN)


def _topology(group, chains):
    """Names, numbers and bonds as the input has them; chains without a name get one that no other has."""
    found = Topology.from_atoms(group)
    first = np.searchsorted(found.residue_of_atom, np.arange(found.n_residues))
    resnames = attribute(group, "resnames", "UNK")[first] if len(group) else found.resnames
    named = attribute(group, "chainIDs", "")[first] if len(group) else found.chainIDs
    letters = chain_letters(np.where(named == "", found.segids, named), set(chains) | set(named.tolist()))
    elements = _elements(found, _atomistic(found, group))
    found = dataclasses.replace(
        found, resnames=resnames, variants=resnames, elements=elements, chainIDs=np.where(named == "", letters, named)
    )
    if len(found.bonds) or not len(group):
        return found
    return dataclasses.replace(found, bonds=_found_bonds(found, group))


def _box(group):
    boxes = box_vectors(None if group.dimensions is None else [group.dimensions], 1)
    return None if boxes is None else boxes[0]


def _atomistic(topology, group):
    """Which residues consist of atoms: neighbours in them lie as near as only atoms do; bool, shape (R,)."""
    owner, box = topology.residue_of_atom, _box(group)
    steps = np.diff(group.positions.astype(np.float64), axis=0)
    steps = steps if box is None or not len(steps) else nearest_images(steps, box)
    close = (owner[:-1] == owner[1:]) & (np.linalg.norm(steps, axis=1) < _BONDED)
    found = np.zeros(topology.n_residues, dtype=bool)
    found[owner[:-1][close]] = True
    return found


def _elements(topology, atomistic):
    """Elements as the input has them; guessed for atoms and lone ions without one, none for beads."""
    alone = np.bincount(topology.residue_of_atom, minlength=topology.n_residues)[topology.residue_of_atom] == 1
    water = np.isin(np.char.upper(topology.resnames), list(residues.WATER))[topology.residue_of_atom]
    unknown = (topology.elements == "") & (atomistic[topology.residue_of_atom] | alone)
    elements, guesses = topology.elements.astype("U2"), {}
    for atom in np.flatnonzero(unknown & ~(alone & water)):
        key = topology.names[atom], bool(alone[atom])
        if key not in guesses:
            guesses[key] = element_of(*key)
        guess = guesses[key]
        elements[atom] = guess if not key[1] or _is_ion(guess) else ""
    return elements


def _is_ion(element):
    return element in _HALOGENS or other_atoms.kind_of(element) == other_atoms.KINDS.index("metal")


def _found_bonds(topology, group):
    """Bonds of atoms by their distances in the frame at hand, within residues."""
    rows = np.flatnonzero(topology.elements != "")
    alone = np.bincount(topology.residue_of_atom)[topology.residue_of_atom[rows]] == 1
    rows = rows[~alone]
    if not len(rows):
        return topology.bonds
    pairs, lengths = near(group.positions[rows], group.positions[rows], _REACH, _box(group))
    own = topology.residue_of_atom[rows]
    same = (pairs[:, 0] < pairs[:, 1]) & (own[pairs[:, 0]] == own[pairs[:, 1]])
    pairs, lengths = pairs[same], lengths[same]
    kinds, which = np.unique(topology.elements[rows], return_inverse=True)
    return rows[pairs[lengths < bonding_distances(kinds)[tuple(which[pairs].T)]]]


def _without(group, topology, kept):
    """A group without what `keep=` brings as well."""
    there = set(zip(kept.chainIDs.tolist(), kept.resids.tolist(), kept.resnames.tolist(), strict=True))
    mine = zip(topology.chainIDs.tolist(), topology.resids.tolist(), topology.resnames.tolist(), strict=True)
    twice = np.array([key in there for key in mine], dtype=bool)
    if twice.any():
        n = np.count_nonzero(twice)
        logger.warning("passthrough: %d residues that keep= has as well come out once, as keep= has them", n)
        group, topology = group[~twice[topology.residue_of_atom]], topology.take(np.flatnonzero(~twice))
    return group, topology


def _heavy(topology, group):
    """Rows of atoms that others are packed around: lone ions and heavy atoms of molecules but water."""
    size = np.bincount(topology.residue_of_atom, minlength=topology.n_residues)
    atomistic = _atomistic(topology, group)
    water = np.isin(np.char.upper(topology.resnames), list(residues.WATER))
    heavy = np.array([e != "" and other_atoms.kind_of(e) is not None for e in topology.elements.tolist()], dtype=bool)
    lone = (size == 1)[topology.residue_of_atom] & np.isin(topology.elements, _ions_among(topology.elements))
    return np.flatnonzero(heavy & ~water[topology.residue_of_atom] & (atomistic[topology.residue_of_atom] | lone))


def _ions_among(elements):
    return [element for element in np.unique(elements) if element and _is_ion(element)]
