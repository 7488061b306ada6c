"""
The walk along the chains as a compiled loop; `peptides` and `bending` hold the reference.

Shapes: F frames, S draws of a chain, R residues, C features, B bins, k Fourier features. Angles in radians, energies
in kT.
"""

import math

import numpy as np

from ..geometry.compiling import compiled
from ..torsions.compiled import drawn, head_logits, peak, to_shares


@compiled
def _product(turn, matrix, out):
    """Turn (3,) @ matrix (9,)."""
    for k in range(3):
        out[k] = turn[0] * matrix[k] + turn[1] * matrix[3 + k] + turn[2] * matrix[2 * 3 + k]


@compiled
def _bend(row, turn, circle, settings, logits):
    """Take the energies of N-CA-C off `logits` (B,): row (11,) of `Strain.table`, angle before as (1, cos, sin)."""
    tau, bend, width, zero = row[9], settings[0], settings[1], row.dtype.type(0)
    seen = np.empty_like(turn)
    _product(turn, row, seen)
    least, most = np.cos(tau + bend), np.cos(tau - bend)
    for b in range(len(logits)):
        cosine = seen[0] + seen[1] * circle[0, b] + seen[2] * circle[1, b]
        if cosine < least or cosine > most:
            over = max(abs(np.arccos(min(max(cosine, -turn[0]), turn[0])) - tau) - bend, zero) / width
            logits[b] -= over * over


@compiled
def _pucker(row, turn, circle, settings, logits):
    """The same of proline's phi, C-N-CA-C: row (15,) of `Strain.pucker`."""
    across, nitrogen, carbon, z = row[6:], np.empty_like(turn), np.empty_like(turn), np.empty_like(turn)
    _product(np.array([row[0], row[1] * turn[1], row[1] * turn[2]], row.dtype), across, nitrogen)
    _product(np.array([row[2], row[3] * turn[1], row[3] * turn[2]], row.dtype), across, carbon)
    x = -nitrogen / np.sqrt((nitrogen * nitrogen).sum())
    y = carbon - nitrogen
    y -= (y * x).sum() * x
    y /= np.sqrt((y * y).sum())
    z[0], z[1], z[2] = x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]
    middle, free, width = settings[2], settings[3], settings[4]
    for b in range(len(logits)):
        along, cos, sin = row[4], row[5] * circle[0, b], row[5] * circle[1, b]
        phi = math.atan2(along * z[0] + cos * z[1] + sin * z[2], along * y[0] + cos * y[1] + sin * y[2])
        off = (phi - middle + math.pi) % (2 * math.pi) - math.pi
        over = max(abs(off) - free, 0.0) / width
        logits[b] -= row.dtype.type(over * over)


@compiled
def _guided(table, row, share, turned, message, inner, power, logits):
    """Add `Guide.bias` to logits (B,): its table (V, B), row and share in it, turn of the peptide before in bins."""
    n, one = len(logits), logits.dtype.type(1)
    left = math.floor(turned)
    at = int(left) % n
    right = at + 1 if at + 1 < n else 0
    x, y = share, logits.dtype.type(turned - left)
    near, far = (one - x) * inner, x * inner
    a, b, c, d = table[row * n + at], table[row * n + right], table[(row + 1) * n + at], table[(row + 1) * n + right]
    wa, wb, wc, wd = near * (one - y), near * y, far * (one - y), far * y
    for k in range(n):
        logits[k] -= power * (message[k] + wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k])


@compiled
def _shown(angle, known):
    """`circular.fourier` of one angle into `known` (k,)."""
    order = len(known) // 2
    for m in range(order):
        known[m], known[order + m] = np.cos((m + 1) * angle), np.sin((m + 1) * angle)
    known[2 * order] = known.dtype.type(1)


@compiled
def walk(
    inputs,
    peptide,
    phi,
    tanh,
    starts,
    ends,
    table,
    pucker,
    proline,
    circle,
    settings,
    guide,
    temperature,
    uniform,
    smoothing,
    angles,
    shares,
):
    """
    Fill in angles (F, S, R) and shares (F, R, B) as `_Chains.walk` does.

    `peptide` and `phi` are weights (k, C) and (C, B) and biases (B,) of heads, `circle` (2, B) the cosines and sines of
    bins, `settings` (5,) those of strain. `guide` is the table (V, B) of maps, rows and shares in it and torsions, each
    (F, R), messages (F, R, B) and powers (F,); no frames, if there is none. `smoothing` (B, B) is that of `peak`.
    """
    n_frames, n_draws, n_residues = uniform.shape
    n_bins, one, wide = shares.shape[2], inputs.dtype.type(1), inputs.dtype.type(2 * math.pi / shares.shape[2])
    maps, rows, places, torsions, messages, powers = guide
    known, inner = np.empty(len(peptide[0]), inputs.dtype), np.empty(inputs.shape[2], inputs.dtype)
    logits, own, turn = np.empty(n_bins, inputs.dtype), np.empty(n_bins, inputs.dtype), np.ones(3, inputs.dtype)
    for f in range(n_frames):
        for s in range(n_draws):
            for r in range(n_residues):
                before = angles[f, s, max(r - 1, 0)]
                known[:] = 0
                if not starts[r]:
                    _shown(before, known)
                weights, out, bias = phi if ends[r] else peptide
                head_logits(inputs[f, r], known, weights, out, bias, tanh, inner, logits)
                inside = not (starts[r] or ends[r])
                if inside:
                    turn[1], turn[2] = np.cos(before), np.sin(before)
                    _bend(table[f, r], turn, circle, settings, logits)
                    if proline[r]:
                        _pucker(pucker[f, r], turn, circle, settings, logits)
                if len(messages) and not ends[r]:
                    turned = (before - torsions[f, max(r - 1, 0)] + math.pi) / wide
                    _guided(maps, rows[f, r], places[f, r], turned, messages[f, r], one * inside, powers[f], logits)
                to_shares(logits, one if temperature == 0 else one / temperature, own)
                shares[f, r] += own / n_draws
                at = drawn(own, uniform[f, s, r], temperature) if temperature > 0 else peak(own, smoothing, logits)
                angles[f, s, r] = at * wide - math.pi
