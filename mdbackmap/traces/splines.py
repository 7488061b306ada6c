"""
Tables on a grid, read smoothly, with derivatives.

Shapes: `...` leading dimensions, V variants of a table.
"""

import numpy as np
import torch

from ..geometry.compiling import array

_ROUNDED = 0.25  # no unit; cited: share of the bend that a quadratic B-spline adds at its points (de Boor 1978)


class SmoothTables:
    """
    Tables on a grid as quadratic B-splines: their derivatives have no jumps, so that small noise stays small.

    Between grid points values are a little smoother than the table itself.

    Parameters
    ----------
    tables : torch.Tensor, shape (V, x, y, z)
        One three-dimensional table a variant.
    periodic : three bools
        Which axes are circles.
    """

    def __init__(self, tables, periodic):
        self.sizes, self.periodic = tables.shape[1:], periodic
        for axis, turns in enumerate(periodic, 1):
            first, last = tables.narrow(axis, 0, 1), tables.narrow(axis, tables.shape[axis] - 1, 1)
            tables = torch.cat([last if turns else first, tables, first if turns else last], axis)
        _, x, y, z = tables.shape
        self.size, self.strides = x * y * z, (y * z, z, 1)
        self.table, steps = tables.flatten(), torch.arange(3, device=tables.device)
        x, y, z = (steps * stride for stride in self.strides)
        self.around = (x[:, None, None] + y[:, None] + z).view(-1, 1)  # (27, 1)

    def grid(self, variant, places):
        """
        What compiled loops read it by: the table, first rows (R,), strides, sizes and circles (3, 3), and `places`.

        These are scale and offset, (2, 3), of what is looked up.
        """
        shape = np.array([self.strides, self.sizes, self.periodic], dtype=np.int64)
        return array(self.table), array(variant * self.size), shape, np.array(places)

    def __call__(self, variant, at):
        """
        Values (...) and three derivatives (...) by grid step.

        Parameters
        ----------
        variant : torch.Tensor of int64, shape (...)
        at : three tensors (...)
            Positions in grid steps from the first point.
        """
        start, shares = variant * self.size, []
        for value, size, stride, turns in zip(at, self.sizes, self.strides, self.periodic, strict=True):
            value = value if turns else value.clamp(0, size - 1)
            nearest = (value + 0.5).floor()
            index = torch.remainder(nearest, size) if turns else nearest
            start = start + index.long() * stride
            shares.append((value - nearest).flatten())
        cells = self.table.index_select(0, (start.flatten() + self.around).flatten()).view(3, 3, 3, -1)
        x, y, z = shares
        value, by_z = _parabola(*cells.unbind(2), z)  # each (3, 3, n)
        value, by_y = _parabola(*torch.stack([value, by_z]).unbind(2), y)  # each (2, 3, n)
        value, by_x = _parabola(*torch.cat([value, by_y[:1]]).unbind(1), x)  # each (3, n)
        return tuple(v.view(variant.shape) for v in (value[0], by_x[0], value[2], value[1]))


def _parabola(low, middle, high, share):
    """
    Values of a quadratic B-spline (de Boor 1978) and derivatives, both (..., n), `share` (n,) of a step off `middle`.

    >>> _parabola(*torch.tensor([0.0, 1.0, 4.0]), torch.tensor(0.5))  # halfway to the next point
    (tensor(2.5000), tensor(3.))
    """
    slope, bend = (high - low).mul_(0.5), (high + low).mul_(0.5).sub_(middle)
    bent = bend * share
    return torch.addcmul(torch.add(middle, bend, alpha=_ROUNDED), slope + bent, share), slope.add_(bent, alpha=2)
