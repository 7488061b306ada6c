"""
Compiled loops of heads and of distributions on the circle; `heads` and `circular` hold the references.

Shapes: C features, B bins, k Fourier features of the torsions before. Radians.
"""

import math

import numpy as np

from ..geometry.compiling import compiled

TANH = np.array(
    [
        7.90531110763549805,  # beyond it, tanh is 1
        -2.76076847742355e-16,  # coefficients of the numerator, from t^13 down to t
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
        1.19825839466702e-06,  # and of the denominator, from t^6 down to 1
        1.18534705686654e-04,
        2.26843463243900e-03,
        4.89352518554385e-03,
        0.5,
    ],
    dtype=np.float32,
)
"""
Of tanh as a quotient of polynomials, to rounding in single precision, no unit; and a half of the same type.

Cited: Eigen, MathFunctionsImpl.h, generic_fast_tanh_float.
"""


@compiled
def silu(value, tanh):
    """Silu of a number in single precision, with the constants `TANH`: there is no call in it, so loops are vectors."""
    half = tanh[12] * value
    t = min(max(half, -tanh[0]), tanh[0])
    s = t * t
    top = (((tanh[1] * s + tanh[2]) * s + tanh[3]) * s + tanh[4]) * s + tanh[5]
    bottom = ((tanh[8] * s + tanh[9]) * s + tanh[10]) * s + tanh[11]
    return half + half * (((top * s + tanh[6]) * s + tanh[7]) * t / bottom)


@compiled
def head_logits(hidden, known, weights, out, bias, tanh, inner, logits):
    """`TorsionHead.after` of one residue into `logits` (B,): hidden (C,), known (k,), weights (k, C), out (C, B)."""
    inner[:] = hidden
    for j in range(len(known)):
        share, row = known[j], weights[j]
        for c in range(len(inner)):
            inner[c] += share * row[c]
    for c in range(len(inner)):
        inner[c] = silu(inner[c], tanh)
    logits[:] = bias
    for c in range(len(inner)):
        share, row = inner[c], out[c]
        for b in range(len(logits)):
            logits[b] += share * row[b]


@compiled
def to_shares(logits, scale, shares):
    """Softmax of logits (B,) times `scale` into `shares` (B,)."""
    most, total = logits.max(), logits.dtype.type(0)
    for b in range(len(logits)):
        shares[b] = np.exp((logits[b] - most) * scale)
        total += shares[b]
    shares /= total


@compiled
def drawn(shares, uniform, temperature):
    """`CircularBins.draw_several`, one angle in bins from the first centre on: shares (B,), a number in (0, 1)."""
    n, one = len(shares), shares.dtype.type(1)
    level = uniform * (one + one) * shares.sum()
    below, chosen = shares.dtype.type(0), 0
    while chosen < n - 1:
        step = shares[chosen] + shares[chosen + 1]
        if below + step >= level:
            break
        below += step
        chosen += 1
    start, end = shares[chosen], shares[chosen + 1 if chosen + 1 < n else 0]
    rest = max(level - below, shares.dtype.type(0))
    root = np.sqrt(max(start * start + (end - start) * rest, shares.dtype.type(0)))
    along = min(rest / max(start + root, shares.dtype.type(1e-12)), one)
    if temperature < one:
        along = min(max(along, shares.dtype.type(1e-6)), one - shares.dtype.type(1e-6))
        along = one / (one + np.exp(np.log((one - along) / along) / temperature))
    return chosen + along


@compiled
def draws(shares, uniform, temperature, angles):
    """`CircularBins.drawn` into angles (N, R): shares (N, B) and numbers in (0, 1) (N, R)."""
    wide = 2 * math.pi / shares.shape[1]
    for n in range(len(shares)):
        for r in range(uniform.shape[1]):
            angles[n, r] = drawn(shares[n], uniform[n, r], temperature) * wide - math.pi


@compiled
def peak(shares, kernel, smooth):
    """`CircularBins.peak`, in bins from the first centre on: shares (B,), circulant (B, B); `smooth` (B,) is lost."""
    n, half = len(shares), shares.dtype.type(0.5)
    smooth[:] = 0
    for a in range(n):
        share, row = shares[a], kernel[a]
        for b in range(n):
            smooth[b] += share * row[b]
    best = smooth.argmax()
    low, high, right = smooth[(best - 1) % n], smooth[best], smooth[(best + 1) % n]
    offset = half * (low - right) / min(low - (high + high) + right, -shares.dtype.type(1e-12))
    return best + min(max(offset, -half), half)
