"""
Messages between neighbours as a compiled loop: none of them is written to memory. `layers` holds the reference.

Shapes: n beads, m of them in a block, K neighbours, C features, M channels of a density.
"""

import numpy as np

from ..geometry.compiling import compiled

CONSTANTS = np.array(
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
        1.0,
        0.0,
    ],
    dtype=np.float32,
)
"""
Of tanh as a quotient of polynomials, to rounding in single precision, no unit; and numbers of the arrays' type.

Cited: Eigen, MathFunctionsImpl.h, generic_fast_tanh_float.
"""


@compiled
def messages(start, edges, own, other, along, neighbours, separations, weights, gates, sphere, summed, products, tanh):
    """
    Fill in averaged messages (n, C) and `products` (3, n, M * M) of beads from number `start` on.

    `edges` (m * K, C) are theirs; `own`, `other` (n, C) and `along` (A, C) join them in the silu.
    """
    n_near, width = neighbours.shape[1], own.shape[1]
    message, density = np.empty_like(own[0]), np.empty((gates.shape[0], 9), own.dtype)
    half, zero = tanh[12], tanh[14]
    for i in range(start, start + edges.shape[0] // n_near):
        total, mine = summed[i], own[i]
        total[:] = zero
        density[:] = zero
        for k in range(n_near):
            weight = weights[i, k]
            if weight == zero:
                continue
            edge, theirs = edges[(i - start) * n_near + k], other[neighbours[i, k]]
            apart = along[separations[i, k]]
            for c in range(width):
                t = half * (edge[c] + mine[c] + theirs[c] + apart[c])
                x = min(max(t, -tanh[0]), tanh[0])
                s = x * x
                top = (
                    (((((tanh[1] * s + tanh[2]) * s + tanh[3]) * s + tanh[4]) * s + tanh[5]) * s + tanh[6]) * s
                    + tanh[7]
                ) * x
                bottom = ((tanh[8] * s + tanh[9]) * s + tanh[10]) * s + tanh[11]
                message[c] = weight * (t + t * (top / bottom))
            for c in range(width):
                total[c] += message[c]
            for m in range(gates.shape[0]):
                gate, row = zero, gates[m]
                for c in range(width):
                    gate += row[c] * message[c]
                for y in range(9):
                    density[m, y] += gate * sphere[i, k, y]
        for a in range(gates.shape[0]):
            for b in range(gates.shape[0]):
                one, other_one, at = density[a], density[b], a * gates.shape[0] + b
                products[0, i, at] = one[0] * other_one[0]
                products[1, i, at] = one[1] * other_one[1] + one[2] * other_one[2] + one[3] * other_one[3]
                products[2, i, at] = (
                    one[4] * other_one[4]
                    + one[5] * other_one[5]
                    + one[6] * other_one[6]
                    + one[7] * other_one[7]
                    + one[8] * other_one[8]
                )
