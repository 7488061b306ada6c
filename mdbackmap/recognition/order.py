"""
The order of beads along their chains, where the file has another one.

Files list modified residues (HETATM) after all others, rigid parts before the rest, or the beads of two chains in
turn. Another order is taken only where distances agree with it: it has to bring more neighbours to the distance of
neighbours than the file's order does.

Shapes: F frames, N beads. Lengths in angstrom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..molecule.bonds import adjacency
from ..molecule.mapping import MappingError
from .spacing import bond_lengths


def in_order(trace):
    """
    The trace with beads in the order of their chains.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Trace
    told : list of str
        A sentence, if the file has another order.
    """
    if trace.positions is None or len(trace.beads) < 3:
        return trace, []
    order, by = np.arange(len(trace.beads)), ""
    numbers = "their molecules" if trace.shared else "their residue numbers"
    for name, other in ((numbers, _by_numbers(trace)), ("the bonds between them", _by_bonds(trace))):
        if other is not None and _support(trace, other).sum() > _support(trace, order).sum():
            order, by = other, name
    if not by:
        return trace, []
    told = f"the file's order is not that of the chain: beads are put in the order of {by}, as distances confirm"
    return replace(trace, beads=trace.beads[order], positions=trace.positions[:, order]), [told]


def _support(trace, order):
    """What each pair of an order says for it, int, shape (N - 1,); numbers that run on decide between equals."""
    chains, resids, _ = trace.labels
    middle = np.median(bond_lengths(trace.positions[:, order], trace.dimensions), axis=0)
    low, high = trace.settings.bonded
    near = (middle > low) & (middle < high) & (chains[order][1:] == chains[order][:-1])
    return near * (2 * len(order) + (np.diff(resids[order]) == 1))


def _by_numbers(trace):
    """The file's order, but those chains by residue number that gain by it."""
    chains, resids, icodes = trace.labels
    file, label = np.arange(len(chains)), np.unique(chains, return_inverse=True)[1]
    by_number = _sorted(label, resids, icodes)
    n = label.max() + 1
    gained = np.bincount(label[by_number][1:], _support(trace, by_number), n)
    gained -= np.bincount(label[1:], _support(trace, file), n)
    place = np.empty(len(file), dtype=np.int64)
    place[by_number] = file
    first = np.full(n, len(file))
    np.minimum.at(first, label, file)
    moved = (gained > 0)[label]
    return np.lexsort((np.where(moved, place, 0), np.where(moved, first[label], file)))


def _sorted(label, resids, icodes):
    """Beads by chain, then by number; numbers that come again in a chain are those of a further copy of it."""
    kinds = np.unique(np.stack([label.astype(str), resids.astype(str), icodes]), axis=1, return_inverse=True)[1].ravel()
    order = np.argsort(kinds, kind="stable")
    start = np.searchsorted(kinds[order], kinds[order])
    copy = np.empty(len(kinds), dtype=np.int64)
    copy[order] = np.arange(len(kinds)) - start
    return np.lexsort((icodes, resids, copy, label))


def _by_bonds(trace):
    """Beads along the paths that bonds make; None where these are not paths."""
    n, bonds = len(trace.beads), np.unique(np.sort(trace.bonds, axis=1), axis=0)
    if len(bonds) == 0 or np.array_equal(bonds[:, 1], bonds[:, 0] + 1):
        return None
    ends = trace.positions[:, bonds.ravel()]  # (F, 2b, 3): the two beads of each bond follow each other
    middle = np.median(bond_lengths(ends, trace.dimensions)[:, ::2], axis=0)
    low, high = trace.settings.bonded
    bonds = bonds[(middle > low) & (middle < high)]
    if len(bonds) == 0 or np.bincount(bonds.ravel(), minlength=n).max() > 2:
        return None
    return _paths(adjacency(n, bonds))


def _paths(neighbours):
    """All beads, path after path, each from its end of the lower index, or around a ring."""
    order, seen = [], [False] * len(neighbours)
    starts = [i for i, x in enumerate(neighbours) if len(x) < 2]
    for start in (*starts, *range(len(neighbours))):
        at = start
        while at is not None and not seen[at]:
            seen[at] = True
            order.append(at)
            at = next((j for j in neighbours[at] if not seen[j]), None)
    return np.array(order, dtype=np.int64)


def refuse_disorder(trace, lengths):
    """
    Refuse beads whose order is not that of the chain: neighbours are there, but not behind each other.

    Parameters
    ----------
    trace : Trace
    lengths : ndarray of float, shape (n,)
        Distances of beads of one chain that follow each other.

    Raises
    ------
    MappingError
    """
    if len(lengths) >= 3 and np.median(lengths) >= trace.settings.strangers:
        _refuse_near(
            trace,
            f"beads that follow each other lie {np.median(lengths):.3g} A apart (median of {len(lengths)}), the "
            "nearest bead of each {nearest:.3g} A: the file's order is not that of the chain, and neither residue "
            "numbers nor bonds tell it; sort the beads by chain and residue",
        )


def refuse_lone(trace, coarse):
    """
    Refuse chains of one residue each, if neighbours are there: names or numbers of chains tear them apart.

    Parameters
    ----------
    trace : Trace
    coarse : Topology

    Raises
    ------
    MappingError
    """
    n = np.count_nonzero(lone_residues(coarse))
    if n >= trace.settings.lone and 2 * n > coarse.n_residues:
        _refuse_near(
            trace,
            f"{n} of {coarse.n_residues} residues are bonded to no other by their chains and order, but the nearest "
            "bead lies {nearest:.3g} A off: are the names of chains right, and is the file's order that of the "
            "chain? Correct them, or say where chains end: breaks=[...] (--breaks)",
        )


def lone_residues(coarse) -> np.ndarray:
    """Which residues are bonded to no other, bool, shape (R,)."""
    return coarse.ends & np.append(True, coarse.ends[:-1])


def _refuse_near(trace, words):
    """Raise MappingError if the nearest bead of each, the median of some, is as far off as neighbours in a chain."""
    beads = trace.positions[0]
    some = np.linspace(0, len(beads) - 1, min(len(beads), trace.settings.looked_at)).astype(int)
    pairs = np.stack(np.broadcast_arrays(beads[some][:, None], beads[None]), axis=2)  # (s, N, 2, 3)
    apart = bond_lengths(pairs, trace.dimensions)[..., 0]
    apart[np.arange(len(some)), some] = np.inf
    nearest = float(np.median(apart.min(axis=1)))
    if trace.settings.near[0] < nearest < trace.settings.near[1]:
        raise MappingError(words.format(nearest=nearest))


def pieces_that_follow(trace, coarse):
    """
    Ends and starts of pieces of one chain that lie as neighbours do although others are between them.

    Parameters
    ----------
    trace : Trace
    coarse : Topology

    Returns
    -------
    list of (end, start)
    """
    last = np.flatnonzero(coarse.ends)
    first = np.append(0, last[:-1] + 1)
    if not 1 < len(last) <= trace.settings.pieces:
        return []
    k, m = np.nonzero(coarse.chainIDs[last][:, None] == coarse.chainIDs[first][None])
    others = (m != k) & (m != k + 1)
    end, start = last[k[others]], first[m[others]]
    beads = np.stack([trace.positions[:, end], trace.positions[:, start]], axis=2)  # (F, p, 2, 3)
    apart = np.median(bond_lengths(beads, trace.dimensions)[..., 0], axis=0)
    near = (apart > trace.settings.near[0]) & (apart < trace.settings.near[1])
    return list(zip(end[near].tolist(), start[near].tolist(), strict=True))
