"""
From beads to the topology of a trace: their names, chain ends, cis peptides and bonds.

Shapes: F frames, R residues with one bead each. Lengths in angstrom.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from ..chemistry.variants import CAPS
from ..molecule.attributes import attribute, chain_letters, listed, run_ends
from .bead_trace import trace_topology
from .breaks import find_breaks, resid_jumps, told_breaks, torn_bonds
from .links import disulfides, named
from .order import lone_residues, pieces_that_follow, refuse_disorder, refuse_lone
from .sequence import name_residues, renumber
from .spacing import check_units, find_cis

logger = logging.getLogger(__name__)

_STRETCHES, _RESIDUES = 20, 8  # shown in a message; chosen: by hand


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
    own, table = trace.table()
    lengths, joined, caps = trace.lengths, _bonded_to_next(trace), _caps_behind(trace)
    names = trace.group.named_as_residues(trace.beads)
    if lengths is not None:
        inside = trace.middle[~(own | caps)[:-1]]
        refuse_disorder(trace, inside)
        check_units(inside, trace.settings)

    def found(ends, how="auto"):
        jumps = resid_jumps(trace_topology(names, table, ends))
        if lengths is None or how == "topology":
            return ends | caps | jumps
        return find_breaks(trace, ends | caps, jumps, joined)

    apart = found(own) if lengths is not None and sequence is not None else None
    names, own = name_residues(names, own, table, sequence, apart)
    given = named_ends(breaks)
    if trace.shared and joined.any() and own.sum() == 1 and not given:
        own = found(own)  # numbers are none, but bonds tell chains
        renumber(table, own)
    coarse = trace_topology(names, table, own)
    ends = own | told_breaks(breaks, coarse) if given else found(own, breaks)
    coarse = _finished(trace, coarse, ends)
    told = [*_unnumbered(coarse)]
    if given or lengths is None:
        return coarse, told
    refuse_lone(trace, coarse)
    torn = [] if trace.settings.springs else torn_bonds(trace, own | caps, joined)
    return coarse, [*told, *_torn(trace, coarse, torn), *_misplaced(trace, coarse), *_alone(coarse)]


def _unnumbered(coarse):
    """What is said of three and more residues behind each other that have one number."""
    same = ~run_ends(coarse.resids, coarse.icodes, coarse.chainIDs, coarse.segids)[:-1]
    runs = np.flatnonzero(same[1:] & same[:-1])
    if len(runs):
        n = np.count_nonzero(coarse.resids == coarse.resids[runs[0]])
        yield f"{n} residues have one number, from {named(coarse, runs[0])} on: could the file's numbers not be read?"


def _misplaced(trace, coarse):
    """What is said of pieces of one chain that lie as if one followed the other, where the file has others between."""
    pairs = pieces_that_follow(trace, coarse)
    if pairs:
        shown = listed([f"{named(coarse, e)} and {named(coarse, s)}" for e, s in pairs], _RESIDUES)
        yield (
            f"ends of pieces lie as neighbours do, but do not follow each other in the file: {shown}; is its order "
            "that of the chain?"
        )


def named_ends(breaks) -> bool:
    """Whether breaks name the ends of chains, rather than how these are found."""
    return breaks is not None and not (isinstance(breaks, str) and breaks in ("auto", "topology"))


def _finished(trace, coarse, ends):
    """The topology with ends, cis peptides and bonds."""
    first = np.flatnonzero(~ends)
    finished = replace(
        _lettered(trace, coarse, ends),
        ends=ends,
        cis=None if trace.lengths is None else find_cis(trace, ends),
        bonds=np.stack([first, first + 1], axis=1),
        variants=trace.group.variants(trace.beads, coarse.resnames),
        caps=trace.group.caps(trace.beads),
        disulfides=disulfides(trace, coarse.resnames),
    )
    stretches = finished.stretches()
    pieces = "1 unbroken piece" if len(stretches) == 1 else f"{len(stretches)} unbroken pieces"
    residues = "1 residue" if finished.n_residues == 1 else f"{finished.n_residues} residues"
    logger.info("%s in %s: %s", residues, pieces, listed(stretches, _STRETCHES))
    return finished


def _lettered(trace, coarse, ends):
    """
    Chains that the input leaves nameless get letters where numbers start again.

    Those of GRO files, which have no names of chains, and of other beads than C-alphas get them where numbers run on
    across a break, too, and within segments, as topologies of GROMACS have one for several chains.
    """
    split = trace.settings.split
    segments = not (split or np.isin(coarse.segids, ["", "SYSTEM"]).all())
    if segments or np.any(attribute(trace.atoms, "chainIDs", "") != ""):
        return coarse
    least = 2 if split else 1
    again = ends[:-1] & ((np.diff(coarse.resids) < least) | (coarse.chainIDs[1:] != coarse.chainIDs[:-1]))
    letters = chain_letters([f"#{i}" for i in np.cumsum(np.append(0, again))])
    if again.any():
        named = listed(dict.fromkeys(letters.tolist()), _RESIDUES)
        logger.info("the file names no chains: by breaks and numbers they are %s", named)
    return replace(coarse, chainIDs=letters)


def _caps_behind(trace):
    """Whether a terminal cap lies, in the file, between a bead and the next, bool, shape (N,)."""
    caps = np.cumsum(np.isin(trace.group.resnames, CAPS))[trace.beads]
    rank = np.argsort(np.argsort(trace.beads))
    return np.append((caps[1:] > caps[:-1]) & (np.diff(rank) == 1), True)


def _bonded_to_next(trace):
    low, high = np.sort(trace.bonds, axis=1).T
    return np.isin(np.arange(len(trace.beads)), low[high - low == 1])


def _alone(coarse):
    lone = np.flatnonzero(lone_residues(coarse))
    if len(lone) and coarse.n_residues > 1:
        yield (
            f"alone, bonded to no other residue: {listed([named(coarse, k) for k in lone], _RESIDUES)}; "
            "Amber force fields have no such residue, so OpenMM takes it only with caps: caps=True (--caps)"
        )


def _torn(trace, coarse, torn):
    if len(torn):
        pairs = [f"{named(coarse, k)} to the next ({trace.middle[k]:.0f} A)" for k in torn]
        yield (
            f"bonds of the topology that no chain has are taken for chain ends: {listed(pairs, _RESIDUES)}; if a "
            "periodic boundary cuts chains there, make them whole or give the box"
        )
