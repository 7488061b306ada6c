"""
Which residue of a protein is which residue of another topology of it (`likeness.Likeness`).

Shapes: R residues.
"""

from __future__ import annotations

import numpy as np

from .attributes import canonical_resnames
from .bead_weights import MappingError

_SHOWN = 4  # stretches in a message; chosen: by hand


def residue_pairs(like, fine) -> dict:
    """
    Residues of a protein, and those of a topology that they are.

    Residues are matched by chain and number where all agree, else by the sequences of chains.

    Raises
    ------
    MappingError
        The first residue that differs.
    """
    theirs, own, topology = like.amino, np.flatnonzero(~fine.hetero & (fine.types >= 0)), like.topology
    names = canonical_resnames(topology.resnames)
    if like.named_chains:
        numbers = {_number(topology, r): int(r) for r in theirs}
        mine = [_number(fine, r) for r in own]
        if len(numbers) == len(theirs) == len(own) == len(set(mine)) and set(mine) == set(numbers):
            found = {int(r): numbers[key] for r, key in zip(own, mine, strict=True)}
            if all(fine.resnames[r] == names[other] for r, other in found.items()):
                return found
    return _by_sequence(like, fine, own, theirs, names)


def _number(topology, residue):
    return topology.chainIDs[residue], int(topology.resids[residue]), topology.icodes[residue]


def _by_sequence(like, fine, own, theirs, names):
    """Chains put in the order of the topology: the longest that fits next, of equal ones the first."""
    cuts = np.flatnonzero((np.diff(own) != 1) | (fine.chainIDs[own[1:]] != fine.chainIDs[own[:-1]])) + 1
    chains, found, at = np.split(own, cuts), {}, 0
    sequence = names[theirs]
    while chains:
        fitting = [c for c in chains if np.array_equal(sequence[at : at + len(c)], fine.resnames[c])]
        if not fitting:
            raise MappingError(_difference(like, fine, chains[0], theirs[at:], names))
        chain = max(fitting, key=len)
        found |= dict(zip(chain.tolist(), theirs[at : at + len(chain)].tolist(), strict=True))
        chains = [c for c in chains if c is not chain]
        at += len(chain)
    if at < len(theirs):
        raise MappingError(
            f"{like.name} has {len(theirs) - at} amino acids that the beads do not have, the first "
            f"{like.topology.label(theirs[at])}: give beads of all of them, or a topology of this molecule"
        )
    return found


def _difference(like, fine, chain, theirs, names):
    """The sentence on the first residue that differs."""
    for residue, other in zip(chain, theirs, strict=False):
        if fine.resnames[residue] != names[other]:
            return (
                f"{like.name} has {like.topology.label(other)} where the beads have {fine.label(residue)}: expected "
                "the same residues, chain by chain"
            )
    return (
        f"{like.name} ends before {fine.label(chain[len(theirs)])}: expected all residues of the beads "
        f"({', '.join(fine.stretches()[:_SHOWN])})"
    )
