"""
From beads to the topology of a trace: their order, names, chain ends, cis peptides and bonds.

Shapes: F frames, N beads. Lengths in angstrom.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np

from ..chemistry.peptide_geometry import BONDED
from ..molecule.attributes import attribute, bonds_within, chain_ends, chain_letters, listed, numbering
from ..molecule.mapping import MappingError
from ..molecule.topology import Topology
from .beads import CAPS, Group
from .breaks import closing_bonds, find_breaks, resid_jumps, told_breaks, torn_bonds
from .order import Beads, chain_order, pieces_that_follow, refuse_disorder, refuse_lone
from .sequence import name_residues, renumber
from .spacing import bond_lengths, check_units, find_cis

logger = logging.getLogger(__name__)

_STRETCHES, _RESIDUES = 20, 8  # shown in a message
_PEPTIDE_BOND = 1.8  # angstrom: C-N bonds are 1.33, atoms that are not bonded 2.5 and more apart


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
    """

    atoms: object
    group: Group
    beads: np.ndarray
    positions: np.ndarray | None
    dimensions: np.ndarray | None

    @property
    def shared(self) -> bool:
        """Whether several beads share one residue: then numbers are none, and residues are molecules."""
        return bool(np.bincount(self.group.residue[self.beads]).max() > 1)

    @property
    def atomistic(self) -> bool:
        """Whether the beads are atoms of an all-atom model."""
        return bool(self.group.atomistic()[self.beads].all())

    @property
    def bonds(self) -> np.ndarray:
        """Bonds of the topology between beads, as places among them, int64, shape (b, 2)."""
        return bonds_within(self.atoms[self.beads])

    @property
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
            middle = np.median(self.lengths, axis=0)[border]
            none |= 2 * np.count_nonzero((middle > BONDED[0]) & (middle < BONDED[1])) > len(middle)
        return np.zeros_like(residue) if none else residue

    @property
    def lengths(self):
        """Distances from each bead to the next, shape (F, N - 1); None without positions."""
        return None if self.positions is None else bond_lengths(self.positions, self.dimensions)


def label(trace, bead) -> str:
    """A bead in words, before sequences are read: ``"chain A, LYS 6"``."""
    ends, table = _table(trace)
    return _topology(trace.group.named_as_residues(trace.beads), table, ends).label(bead)


def in_order(trace):
    """
    The trace with beads in the order of their chains.

    Returns
    -------
    Trace
    told : list of str
        A sentence, if the file has another order.
    """
    if trace.positions is None:
        return trace, []
    group, beads = trace.group, trace.beads
    chains = group.chains[beads]
    if trace.shared:
        chains = np.char.add(chains, trace.molecules.astype(str))
    resids = np.zeros_like(beads) if trace.shared else group.resids[beads]
    icodes = np.full(len(beads), "") if trace.shared else group.icodes[beads]
    order, how = chain_order(Beads(trace.positions, trace.dimensions, chains, resids, icodes, trace.bonds))
    if not how:
        return trace, []
    by = "the bonds between them" if how == "bonds" else "their molecules" if trace.shared else "their residue numbers"
    told = f"the file's order is not that of the chain: beads are put in the order of {by}, as distances confirm"
    return replace(trace, beads=beads[order], positions=trace.positions[:, order]), [told]


def join(trace, sequence, breaks):
    """
    The topology of a trace in order.

    Parameters
    ----------
    trace : Trace
    sequence, breaks
        As `recognise` has them.

    Returns
    -------
    Topology
    told : list of str
        Sentences about bonds that are none and residues that stand alone.

    Raises
    ------
    MappingError
        As `recognise`.
    """
    own, table = _table(trace)
    lengths, joined, caps = trace.lengths, _bonded_to_next(trace), _caps_behind(trace)
    names = trace.group.named_as_residues(trace.beads)
    if lengths is not None:
        inside = np.median(lengths, axis=0)[~(own | caps)[:-1]]
        refuse_disorder(trace.positions, trace.dimensions, inside)
        check_units(inside)

    def found(ends, how="auto"):
        jumps = resid_jumps(_topology(names, table, ends))
        if lengths is None or how == "topology":
            return ends | caps | jumps
        return find_breaks(lengths, ends | caps, jumps, joined, trace.atomistic)

    apart = found(own) if lengths is not None and sequence is not None else None
    names, own = name_residues(names, own, table, sequence, apart)
    named = named_ends(breaks)
    if trace.shared and joined.any() and own.sum() == 1 and not named:
        own = found(own)  # numbers are none, but bonds tell chains
        renumber(table, own)
    coarse = _topology(names, table, own)
    ends = own | told_breaks(breaks, coarse) if named else found(own, breaks)
    coarse = _finished(trace, coarse, ends)
    told = _unnumbered(coarse)
    if named or lengths is None:
        return coarse, told
    refuse_lone(coarse, trace.positions, trace.dimensions)
    torn = torn_bonds(lengths, own | caps, joined)
    return coarse, told + _torn(coarse, torn, lengths) + _misplaced(trace, coarse) + _alone(coarse)


def _unnumbered(coarse):
    """What is said of three and more residues behind each other that have one number."""
    same = np.diff(coarse.resids) == 0
    for labels in (coarse.icodes, coarse.chainIDs, coarse.segids):
        same &= labels[1:] == labels[:-1]
    runs = np.flatnonzero(same[1:] & same[:-1])
    if len(runs) == 0:
        return []
    n = np.count_nonzero(coarse.resids == coarse.resids[runs[0]])
    return [f"{n} residues have one number, from {_name(coarse, runs[0])} on: could the file's numbers not be read?"]


def _misplaced(trace, coarse):
    """What is said of pieces of one chain that lie as if one followed the other, where the file has others between."""
    pairs = pieces_that_follow(trace.positions, trace.dimensions, coarse.ends, coarse.chainIDs)
    if not pairs:
        return []
    shown = listed([f"{_name(coarse, e)} and {_name(coarse, s)}" for e, s in pairs], _RESIDUES)
    return [
        f"ends of pieces lie as neighbours do, but do not follow each other in the file: {shown}; is its order that of "
        "the chain?"
    ]


def named_ends(breaks) -> bool:
    """Whether breaks name the ends of chains, rather than how these are found."""
    return breaks is not None and not (isinstance(breaks, str) and breaks in ("auto", "topology"))


def _table(trace):
    """Where chains end by their names (N,), and numbers and names of the residues."""
    group, beads = trace.group, trace.beads
    table = numbering(trace.atoms, beads)
    if getattr(trace.atoms, "resids", None) is not None:
        table |= {"resids": group.resids[beads], "icodes": group.icodes[beads]}
    if not trace.shared:
        return chain_ends(table["chainIDs"], table["segids"]), table
    molecules = trace.molecules
    if len(set(table["chainIDs"])) == 1:
        table["chainIDs"] = chain_letters([f"#{i}" for i in molecules])
    ends = chain_ends(table["chainIDs"], molecules)
    table["resids"] = _count_from_one(ends)
    return ends, table


def _count_from_one(ends):
    start = np.flatnonzero(np.append(True, ends[:-1]))
    chain = np.cumsum(np.append(0, ends[:-1]))
    return np.arange(len(ends)) - start[chain] + 1


def _topology(names, table, ends):
    n = len(names)
    return Topology(["CA"] * n, [""] * n, np.arange(n), names, **table, ends=ends)


def _finished(trace, coarse, ends):
    """The topology with ends, cis peptides and bonds."""
    first = np.flatnonzero(~ends)
    cis = None if trace.lengths is None else find_cis(trace.lengths, ends, trace.atomistic)
    bonds = np.stack([first, first + 1], axis=1)
    finished = replace(_lettered(trace.atoms, coarse, ends), ends=ends, cis=cis, bonds=bonds)
    stretches = finished.stretches()
    pieces = "1 unbroken piece" if len(stretches) == 1 else f"{len(stretches)} unbroken pieces"
    logger.info("%d residues in %s: %s", finished.n_residues, pieces, listed(stretches, _STRETCHES))
    return finished


def _lettered(atoms, coarse, ends):
    """Chains that the input leaves nameless get letters of their own where their numbers start again."""
    if np.any(attribute(atoms, "chainIDs", "") != "") or not np.isin(coarse.segids, ["", "SYSTEM"]).all():
        return coarse
    again = ends[:-1] & ((np.diff(coarse.resids) <= 0) | (coarse.chainIDs[1:] != coarse.chainIDs[:-1]))
    return replace(coarse, chainIDs=chain_letters([f"#{i}" for i in np.cumsum(np.append(0, again))]))


def _caps_behind(trace):
    """Whether a terminal cap lies, in the file, between a bead and the next, bool, shape (N,)."""
    caps = np.cumsum(np.isin(trace.group.resnames, list(CAPS)))[trace.beads]
    rank = np.argsort(np.argsort(trace.beads))
    return np.append((caps[1:] > caps[:-1]) & (np.diff(rank) == 1), True)


def _bonded_to_next(trace):
    bonds = np.sort(trace.bonds, axis=1)
    bonded = np.zeros(len(trace.beads), dtype=bool)
    bonded[bonds[bonds[:, 1] - bonds[:, 0] == 1, 0]] = True
    return bonded


def _name(coarse, residue):
    number = f"{coarse.resids[residue]}{coarse.icodes[residue]}"
    return f"{coarse.resnames[residue]} {number} of chain {coarse.chainIDs[residue]}"


def _lone(coarse):
    """Residues (l,) that are bonded to none."""
    return np.flatnonzero(coarse.ends & np.append(True, coarse.ends[:-1]))


def _alone(coarse):
    lone = _lone(coarse)
    if len(lone) == 0 or coarse.n_residues == 1:
        return []
    return [
        f"alone, bonded to no other residue: {listed([_name(coarse, k) for k in lone], _RESIDUES)}; "
        "Amber force fields have no such residue, so OpenMM cannot add its hydrogens"
    ]


def _torn(coarse, torn, lengths):
    if len(torn) == 0:
        return []
    middle = np.median(lengths, axis=0)
    pairs = [f"{_name(coarse, k)} to the next ({middle[k]:.0f} A)" for k in torn]
    return [
        f"bonds of the topology that no chain has are taken for chain ends: {listed(pairs, _RESIDUES)}; if a periodic "
        "boundary cuts chains there, make them whole or give the box"
    ]


def refuse_closed(trace, coarse):
    """
    Refuse chains whose ends are bonded to each other: by bonds of the topology, or by C and N of an all-atom model.

    Raises
    ------
    MappingError
    """
    if trace.positions is None:
        return
    bonds = np.concatenate([trace.bonds, _peptide_bonds(trace, coarse)])
    closed = closing_bonds(trace.positions, trace.dimensions, coarse.ends, bonds, coarse.resnames == "CYS")
    if closed:
        last, first, distance = closed[0]
        chain, number = coarse.chainIDs[last], f"{coarse.resids[last]}{coarse.icodes[last]}"
        more = f" ({len(closed)} such chains)" if len(closed) > 1 else ""
        raise MappingError(
            f"chain {chain} is closed: {_name(coarse, last)} is bonded to {_name(coarse, first)}, {distance:.2f} A "
            f"apart{more}. Cyclic peptides are not supported yet. To have it open, with an OXT at the end, name the "
            f"ends of all chains: breaks=['{chain}:{number}'] (--breaks {chain}:{number})"
        )


def _peptide_bonds(trace, coarse):
    """Residues whose C and N are bonded, or lie so, in an all-atom model, int, shape (b, 2)."""
    if not trace.atomistic:
        return np.zeros((0, 2), dtype=np.int64)
    group = trace.group
    place = np.full(group.residue.max() + 1, -1)
    place[group.residue[trace.beads]] = np.arange(len(trace.beads))
    bonds = bonds_within(trace.atoms)
    names = group.names[bonds]
    bonds = bonds[((names == ["C", "N"]) | (names == ["N", "C"])).all(axis=1)]
    found = place[group.residue[bonds]]
    near = _ends_that_meet(trace, coarse, place)
    return np.concatenate([found[(found >= 0).all(axis=1) & (found[:, 0] != found[:, 1])], near])


def _ends_that_meet(trace, coarse, place):
    """Last and first residues of stretches, C and N of which lie as in a peptide bond, int, shape (b, 2)."""
    group, positions = trace.group, getattr(trace.atoms, "positions", None)
    if positions is None:
        return np.zeros((0, 2), dtype=np.int64)
    rows = {name: np.full(len(trace.beads), -1) for name in "CN"}
    for name, row in rows.items():
        atoms = np.flatnonzero((group.names == name) & (place[group.residue] >= 0))
        row[place[group.residue[atoms]]] = atoms
    last = np.flatnonzero(coarse.ends)
    first = np.append(0, last[:-1] + 1)
    carboxylate = group.any_in_residue(np.isin(group.names, ["OXT", "OT2"]))[trace.beads]
    known = (rows["C"][last] >= 0) & (rows["N"][first] >= 0) & ~carboxylate[last]
    last, first = last[known], first[known]
    apart = np.linalg.norm(positions[rows["C"][last]] - positions[rows["N"][first]], axis=1)
    return np.stack([last, first], axis=1)[apart < _PEPTIDE_BOND]
