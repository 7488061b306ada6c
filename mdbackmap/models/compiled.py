"""
Messages between neighbours as a compiled loop: none of them is written to memory. `layers` holds the reference.

Shapes: n beads, m of them in a block, K neighbours, C features, M channels of a density.
"""

import numpy as np

from ..geometry.compiling import compiled
from ..torsions.compiled import silu


@compiled
def messages(start, edges, own, other, along, neighbours, separations, weights, gates, sphere, summed, products, tanh):
    """
    Fill in averaged messages (n, C) and `products` (3, n, M * M) of beads from number `start` on.

    `edges` (m * K, C) are theirs; `own`, `other` (n, C) and `along` (A, C) join them in the silu.
    """
    n_near, width = neighbours.shape[1], own.shape[1]
    message, density = np.empty_like(own[0]), np.empty((gates.shape[0], 9), own.dtype)
    zero = own.dtype.type(0)
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
                message[c] = weight * silu(edge[c] + mine[c] + theirs[c] + apart[c], tanh)
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
