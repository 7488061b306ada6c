"""
Pushes between atoms that overlap while beads settle, as a compiled loop over pairs; `settling` says what it does.

Shapes: P pairs of atoms, n beads and peptides of all frames.
"""

import math

import numpy as np

from ..geometry.compiling import compiled


@compiled
def _ridden(p, atoms, shifts, turns, out):
    """By how much atom `p` has moved, into `out` (3,) (`CarriedAtoms.shift`)."""
    row, other, share, before, after, behind = atoms
    i, j, k = row[p], other[p], before[p]
    for c in range(3):
        ridden = (1.0 - share[p]) * shifts[i, c] + share[p] * shifts[j, c]
        out[c] = ridden + turns[i] * after[p, c] + turns[k] * behind[p, c]


@compiled
def _collect(p, atoms, push, sign, on_beads, on_turns):
    """Add the derivative `push` (3,) with respect to atom `p`, times `sign` (`CarriedAtoms.collect`)."""
    row, other, share, before, after, behind = atoms
    i, j, k = row[p], other[p], before[p]
    for c in range(3):
        part = sign * push[c]
        on_beads[i, c] += part * (1.0 - share[p])
        on_beads[j, c] += part * share[p]
        on_turns[i] += part * after[p, c]
        on_turns[k] += part * behind[p, c]


@compiled
def pushed(apart, allowed, first, second, shifts, turns, stiffness, nearest):
    """
    Derivatives of the overlaps of pairs with respect to beads (n, 3) and peptides (n,).

    `apart` (P, 3) from the second atoms to the first before anything moved; `first` and `second` as tuples, see
    `CarriedAtoms.arrays`; `shifts` (n, 3) and `turns` (n,) since then.
    """
    on_beads, on_turns = np.zeros_like(shifts), np.zeros_like(turns)
    one, two = np.empty(3), np.empty(3)
    for p in range(len(apart)):
        _ridden(p, first, shifts, turns, one)
        _ridden(p, second, shifts, turns, two)
        square = 0.0
        for c in range(3):
            one[c] += apart[p, c] - two[c]
            square += one[c] * one[c]
        distance = max(math.sqrt(square), nearest)
        if distance < allowed[p]:
            for c in range(3):
                one[c] *= -2.0 * stiffness * (allowed[p] - distance) / distance
            _collect(p, first, one, 1.0, on_beads, on_turns)
            _collect(p, second, one, -1.0, on_beads, on_turns)
    return on_beads, on_turns
