"""
Where chains end: as the user or the topology says, or found from the distances.

Shapes: F frames, R residues with one bead each. Lengths in angstrom.
"""

from __future__ import annotations

import numpy as np

from ..molecule.attributes import listed
from ..molecule.mapping import MappingError
from ..molecule.topology import Topology
from .spacing import protein_like

_CHAINS = 20  # shown in a message; chosen: by hand
_NOT_UNDERSTOOD = (
    "breaks={!r} is not understood: expected 'auto', 'topology', or a list of bead indices and (chainID, resid), "
    "such as [41, ('B', 17)] or '41,B:17'"
)


def resid_jumps(coarse: Topology) -> np.ndarray:
    """
    Residues whose successor does not have the next number.

    Parameters
    ----------
    coarse : Topology

    Returns
    -------
    ndarray of bool, shape (R,)
        False where the number grows by one, or stays with another insertion code; True for the last residue.
    """
    step = np.diff(coarse.resids)
    inserted = (step == 0) & (coarse.icodes[1:] != coarse.icodes[:-1])
    return np.append((step != 1) & ~inserted, True)


def find_breaks(trace, hard, jumps, bonded) -> np.ndarray:
    """
    Where a chain ends, from the topology and the distances together.

    Parameters
    ----------
    trace : Trace
        With positions; of atoms of an all-atom model one frame is enough.
    hard : ndarray of bool, shape (R,)
        Residues that end a chain whatever the distance: chain and segment change there.
    jumps : ndarray of bool, shape (R,)
        Residues whose successor does not have the next number: broken unless they lie as bonded ones do; of centres of
        mass in any case, as their distances vary too much to tell.
    bonded : ndarray of bool, shape (R,)
        Beads that the topology bonds to the next. Such a bond may be stretched; beads without one are apart if the
        topology bonds both to their other neighbours, and most others.

    Returns
    -------
    ndarray of bool, shape (R,)
        `Topology.ends`.
    """
    settings, middle = trace.settings, trace.middle
    sure = trace.atomistic or len(trace.lengths) >= 3 or protein_like(middle[~hard[:-1]], settings)
    apart = middle > (settings.bonded[1] if sure else settings.stretched)
    apart |= jumps[:-1] & (settings.gaps | (middle < settings.bonded[0]) | (middle > settings.bonded[1]))
    apart &= ~bonded[:-1] | (middle > settings.bonds_reach)
    apart |= _without_bond(trace, ~hard[:-1], bonded)
    return hard | np.append(apart, True)


def _without_bond(trace, inside, bonded):
    """Whether neighbours lie as bonded ones do, but are kept apart by a full list of bonds, bool, shape (R - 1,)."""
    joined, lengths, (low, high) = bonded[:-1] & inside, trace.lengths, trace.settings.bonded
    near = inside & (trace.middle > low) & (trace.middle < high)
    if np.count_nonzero(joined & near) < trace.settings.complete * np.count_nonzero(near):
        return np.zeros_like(near)
    if len(lengths) >= 3 and np.ptp(lengths, axis=0).max(initial=0.0) > trace.settings.moving:
        near &= ~((lengths > low) & (lengths < high)).all(axis=0)  # always there: a rigid part
    before, after = np.append(False, joined[:-1]), np.append(joined[1:], False)
    return near & ~joined & before & after


def torn_bonds(trace, hard, bonded) -> np.ndarray:
    """Beads (t,) that the topology bonds to the next although that lies further off than any bond reaches."""
    return np.flatnonzero(bonded[:-1] & ~hard[:-1] & (trace.middle > trace.settings.bonds_reach))


def parse_breaks(text):
    """
    Ends of chains as the command line writes them: beads from 0 and CHAIN:RESID, separated by commas.

    Raises
    ------
    ValueError
        Something else.

    Examples
    --------
    >>> parse_breaks("41,B:17,H:52A")
    [41, ('B', 17), ('H', '52A')]
    """
    ends = []
    for part in text.split(","):
        chain, colon, number = (x.strip() for x in part.rpartition(":"))
        if not colon:
            ends.append(int(number))
        elif number.removeprefix("-").isdecimal():
            ends.append((chain, int(number)))
        elif number[:-1].removeprefix("-").isdecimal():
            ends.append((chain, number))
        else:
            raise ValueError(f"no residue number: {number!r}")
    return ends


def told_breaks(breaks, coarse: Topology) -> np.ndarray:
    """
    The beads that a list of breaks names.

    Parameters
    ----------
    breaks : list or str
        Bead indices (0 is the first), or ``(chainID, resid)`` with the resid an int or, with an insertion
        code, a str such as "52A"; or strings, as the command line has them: "41,A:52A", ["A:52A"].
    coarse : Topology

    Returns
    -------
    ndarray of bool, shape (R,)

    Raises
    ------
    MappingError
        Something else, or a bead that is not there.

    Examples
    --------
    >>> trace = Topology(["CA"] * 2, [""] * 2, [0, 1], ["GLY"] * 2, [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> told_breaks([("A", 1)], trace).tolist(), told_breaks(["A:2"], trace).tolist()
    ([True, False], [False, True])
    """
    breaks = [breaks] if isinstance(breaks, str) else breaks
    if not hasattr(breaks, "__iter__"):
        raise MappingError(_NOT_UNDERSTOOD.format(breaks))
    ends = np.zeros(coarse.n_atoms, dtype=bool)
    for item in breaks:
        try:
            items = parse_breaks(item) if isinstance(item, str) else [item]
        except ValueError:
            raise MappingError(_NOT_UNDERSTOOD.format(item)) from None
        for one in items:
            ends[_bead(one, coarse)] = True
    return ends


def _bead(item, coarse):
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        if 0 <= item < coarse.n_atoms:
            return item
        raise MappingError(f"breaks names bead {item}, expected 0..{coarse.n_atoms - 1}")
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise MappingError(_NOT_UNDERSTOOD.format(item))
    chain, number = str(item[0]).strip(), str(item[1]).strip()
    numbers = np.char.add(coarse.resids.astype(str), coarse.icodes)
    found = np.flatnonzero(((coarse.chainIDs == chain) | (coarse.segids == chain)) & (numbers == number))
    if len(found) == 1:
        return found[0]
    raise MappingError(
        f"breaks names {chain}:{number}: {len(found)} such beads, expected one; chains are "
        f"{listed(dict.fromkeys(coarse.chainIDs), _CHAINS)}; bead indices always work"
    )
