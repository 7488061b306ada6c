"""
Projection of traces onto ranges of distances, one set of pairs after the other, as SHAKE does it.

After Ryckaert, Ciccotti & Berendsen (J Comput Phys 1977). Shapes: F frames, n beads. Angstrom.
"""

import numpy as np
import torch


class Pairs:
    """
    Beads `first` and `first + step`, no one in two pairs, with the range of their distances.

    Parameters
    ----------
    first : array_like of int, shape (k,)
    step : int
    low, high : array_like of float, shape (k,), or float
        The range, in angstrom.

    Examples
    --------
    >>> beads = torch.tensor([[[0.0, 0, 0], [5, 0, 0]]])
    >>> Pairs([0], 1, 3.7, 3.9).project(beads)[0, :, 0]
    tensor([0.5500, 4.4500])
    """

    def __init__(self, first, step, low, high):
        self.first = torch.tensor(np.asarray(first, dtype=np.int64))
        self.second = self.first + step
        self.low, self.high = (torch.tensor(np.asarray(x, dtype=np.float64)) for x in (low, high))

    def project(self, beads, reach=None):
        """
        Both of each pair moved alike, as little as brings their distance into its range.

        Beads (F, n, 3) in and out. Pairs whose distance is not within `reach`, a pair of floats, stay as they are.
        """
        device = beads.device
        first, second = self.first.to(device), self.second.to(device)
        low, high = self.low.to(beads), self.high.to(beads)
        along = beads[:, second] - beads[:, first]
        length = along.norm(dim=-1).clamp_min(1e-3)
        factor = 0.5 * (length.clamp(low, high) / length - 1)
        if reach is not None:
            factor = factor * ((length > reach[0]) & (length < reach[1]))
        move = factor.unsqueeze(-1) * along
        return beads.index_add(1, first, -move).index_add(1, second, move)


def alternating(present, colour):
    """
    Indices where `present` (n,), in two parts by `colour` (n,), 0 and 1: no bead in two pairs of a part.

    >>> [part.tolist() for part in alternating(np.array([True, True, False, True]), np.arange(4) % 2)]
    [[0], [1, 3]]
    """
    return [np.flatnonzero(present & (colour == k)) for k in (0, 1)]
