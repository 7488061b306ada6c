"""
Where chains end: told by the user, by the topology, or found from the distances.

Legend: `F` frames, `N` beads (one a residue). Lengths in angstrom.
"""

from __future__ import annotations

import numpy as np

from ..mapping import MappingError
from ..topology import Topology
from .trace import BONDED, protein_like

_STRETCHED = 5.5  # what counts as a break in one or two frames of a trace with soft bonds


def resid_jumps(coarse: Topology) -> np.ndarray:
    """
    Residues whose successor does not have the next number.

    Parameters
    ----------
    coarse : Topology

    Returns
    -------
    (N,) bool array
        False where the number grows by one, or stays with another insertion code; True for the last residue.
    """
    step = np.diff(coarse.resids)
    inserted = (step == 0) & (coarse.icodes[1:] != coarse.icodes[:-1])
    return np.append((step != 1) & ~inserted, True)


def find_breaks(lengths, hard, jumps, bonded=None, atomistic=False) -> np.ndarray:
    """
    Where a chain ends, from the topology and the distances together.

    Parameters
    ----------
    lengths : (F, N - 1) float array
        From `bond_lengths`.
    hard : (N,) bool array
        Residues that end a chain whatever the distance: chain and segment change there.
    jumps : (N,) bool array
        Residues whose successor does not have the next number: broken unless they lie as bonded ones do.
    bonded : (N,) bool array, optional
        Beads that the topology bonds to the next; where it bonds most of them it decides.
    atomistic : bool
        The beads are atoms of an all-atom model: one frame is enough.

    Returns
    -------
    (N,) bool array
        `Topology.ends`.
    """
    inside = ~hard[:-1]
    if bonded is not None and np.count_nonzero(bonded[:-1] & inside) > np.count_nonzero(inside) / 2:
        return hard | ~bonded
    middle = np.median(lengths, axis=0)
    sure = atomistic or len(lengths) >= 3 or protein_like(middle[inside])
    apart = middle > (BONDED[1] if sure else _STRETCHED)
    apart |= jumps[:-1] & ((middle < BONDED[0]) | (middle > BONDED[1]))
    return hard | np.append(apart, True)


def told_breaks(breaks, coarse: Topology) -> np.ndarray:
    """
    The beads that a list of breaks names.

    Parameters
    ----------
    breaks : list
        Bead indices (0 is the first), or ``(chainID, resid)`` with the resid an int or, with an insertion
        code, a str such as "52A".
    coarse : Topology

    Returns
    -------
    (N,) bool array

    Raises
    ------
    MappingError
        Something else, or a bead that is not there.

    Examples
    --------
    >>> trace = Topology(["CA"] * 2, [""] * 2, [0, 1], ["GLY"] * 2, [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> told_breaks([("A", 1)], trace).tolist()
    [True, False]
    """
    if isinstance(breaks, str) or not hasattr(breaks, "__iter__"):
        raise MappingError(
            f"breaks={breaks!r} is not understood: expected 'auto', 'topology', "
            "or a list of bead indices and (chainID, resid)"
        )
    ends = np.zeros(coarse.n_atoms, dtype=bool)
    for item in breaks:
        ends[_bead(item, coarse)] = True
    return ends


def _bead(item, coarse):
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        if 0 <= item < coarse.n_atoms:
            return item
        raise MappingError(f"breaks names bead {item}, expected 0..{coarse.n_atoms - 1}")
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise MappingError(f"breaks has {item!r}, expected a bead index or (chainID, resid)")
    chain, number = str(item[0]), str(item[1])
    numbers = np.char.add(coarse.resids.astype(str), coarse.icodes)
    found = np.flatnonzero(((coarse.chainIDs == chain) | (coarse.segids == chain)) & (numbers == number))
    if len(found) == 1:
        return found[0]
    chains = ", ".join(dict.fromkeys(coarse.chainIDs))
    raise MappingError(
        f"breaks names {item!r}: {len(found)} such beads, expected one; chains are {chains}; bead indices always work"
    )
