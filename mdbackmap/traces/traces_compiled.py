"""
Compiled loops over residues; each stands beside a reference in torch, which says what it does.

Shapes: F frames, R residues, V rows of tables, B bins. Floats of one type in, floats of that type out.
"""

import math

import numpy as np

from ..geometry.compiling import compiled


@compiled
def _onto(values, steps, out):
    """Values (B,) on a circle, read `steps` points further on, into `out` (B,) (`viterbi.shifted`)."""
    n = len(values)
    left = math.floor(steps)
    share = values.dtype.type(steps - left)
    at = int(left) % n
    for k in range(n):
        following = at + 1 if at + 1 < n else 0
        out[k] = values[at] + share * (values[following] - values[at])
        at = following


@compiled
def _least_sums(near, far, share, values, out):
    """Least of rows + values, by column, into `out` (B,): rows `share` of the way from `near` to `far`, both (B, B)."""
    n = len(values)
    out[:] = np.inf
    for a in range(n):
        for b in range(n):
            total = near[a, b] + share * (far[a, b] - near[a, b]) + values[a]
            out[b] = total if total < out[b] else out[b]


@compiled
def least_energies(table, across, rows, share, offset, inner, own):
    """`viterbi.least_energies` (F, R, B): table (V, B, B) and its transpose, rows and shares (F, R) as in `Maps`."""
    n_frames, n_residues, n = own.shape
    out, ahead = own.copy(), np.zeros_like(own)
    seen, least = np.empty(n, own.dtype), np.empty(n, own.dtype)
    for f in range(n_frames):
        for r in range(1, n_residues):
            if inner[r]:
                _onto(out[f, r - 1], offset[f, r - 1], seen)
                _least_sums(table[rows[f, r]], table[rows[f, r] + 1], share[f, r], seen, least)
                out[f, r] += least
        for r in range(n_residues - 1, 0, -1):
            if inner[r]:
                seen[:] = own[f, r] + ahead[f, r]
                _least_sums(across[rows[f, r]], across[rows[f, r] + 1], share[f, r], seen, least)
                _onto(least, -offset[f, r - 1], ahead[f, r - 1])
    out += ahead
    return out


@compiled
def sums_ahead(table, rows, share, offset, inner):
    """`viterbi.sums_ahead` (F, R, B): table (V, B, B), rows and shares (F, R) as in `Maps`."""
    (n_frames, n_residues), n = rows.shape, table.shape[1]
    out = np.zeros((n_frames, n_residues, n), table.dtype)
    total, energy = np.empty(n, table.dtype), np.empty(n, table.dtype)
    for f in range(n_frames):
        for r in range(n_residues - 1, 0, -1):
            if inner[r]:
                near, far, ahead = table[rows[f, r]], table[rows[f, r] + 1], out[f, r]
                for a in range(n):
                    for b in range(n):
                        total[b] = near[a, b] + share[f, r] * (far[a, b] - near[a, b]) + ahead[b]
                    least = total.min()
                    energy[a] = least - np.log(np.exp(least - total).sum())
                _onto(energy, -offset[f, r - 1], out[f, r - 1])
    return out
