"""
Pairs of near atoms as a loop over plain arrays, compiled where numba is installed.

`pairs.atom_pairs` says what it gives.

Shapes: p pairs of groups, P pairs of atoms.
"""

import numpy as np

from ..geometry.compiling import compiled

_FIRST = 1024  # pairs of atoms there is room for at first; chosen: by hand, doubled where there are more


@compiled
def close_atoms(one, other, rows, columns, reach, box, inverse):
    """
    Atoms of near groups that come within reach of each other.

    Groups are tuples of middle, radius, first, count, place and spread, as in `pairs.Groups`; a spread of length 0 is
    none. Arrays `box` and `inverse` (p, 3, 3) of length 0 are no box; `reach` (1,) is of the type of the places.

    Returns found (P, 3), int64: pair of groups, and rows of both atoms; and gap and shift (P, 2, 3).
    """
    (_, _, first, count, place, spread), (middle, radius, begin, number, places, spreads) = one, other
    boxed, none, n = len(box) > 0, reach[0] - reach[0], 0
    found, gaps = np.empty((_FIRST, 3), np.int64), np.empty((_FIRST, 2, 3), place.dtype)
    for p in range(len(rows)):
        group = columns[p]
        cell, turned = (box[p], inverse[p]) if boxed else (place, place)
        for a in range(first[rows[p]], first[rows[p]] + count[rows[p]]):
            room = reach[0] + (spread[a] if len(spread) > 0 else none)
            gap = _gap(place[a], middle[group], cell, turned, boxed)
            if not _length(gap) < radius[group] + room:
                continue
            for b in range(begin[group], begin[group] + number[group]):
                gap = _gap(place[a], places[b], cell, turned, boxed)
                if _length(gap) < (spreads[b] + room if len(spreads) > 0 else room):
                    if n == len(found):
                        found, gaps = _twice(found), _twice(gaps)
                    found[n, 0], found[n, 1], found[n, 2] = p, a, b
                    for k in range(3):
                        gaps[n, 0, k] = gap[k]
                        gaps[n, 1, k] = gap[k] - (places[b, k] - place[a, k])
                    n += 1
    return found[:n], gaps[:n]


@compiled
def _gap(one, other, box, inverse, boxed):
    """From a point to another one, or to its nearest image."""
    x, y, z = other[0] - one[0], other[1] - one[1], other[2] - one[2]
    if boxed:
        u, v, w = x, y, z
        for k in range(3):
            turns = np.rint(u * inverse[0, k] + v * inverse[1, k] + w * inverse[2, k])
            x, y, z = x - turns * box[k, 0], y - turns * box[k, 1], z - turns * box[k, 2]
    return x, y, z


@compiled
def _length(gap):
    return np.sqrt(gap[0] * gap[0] + gap[1] * gap[1] + gap[2] * gap[2])


@compiled
def _twice(values):
    """The same values in an array of twice the length."""
    longer = np.empty((2 * len(values), *values.shape[1:]), values.dtype)
    longer[: len(values)] = values
    return longer
