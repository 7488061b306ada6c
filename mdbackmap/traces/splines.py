"""
Tables on a grid, read smoothly, with derivatives.

Shapes: `...` leading dimensions, V variants of a table.
"""

import torch

_MIDDLE = 0.75  # no unit; cited: weight of the nearest point in a quadratic B-spline (de Boor 1978)


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
        self.rows = tables.reshape(-1).unfold(0, 3, 1)  # (n - 2, 3): three neighbours along z each
        steps = torch.arange(3, device=tables.device)
        self.around = (steps[:, None] * self.strides[0] + steps * self.strides[1]).flatten()  # (9,)

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
            shares.append(_parabolas(value - nearest))
        rows = (start.unsqueeze(-1) + self.around).flatten()
        cells = self.rows.index_select(0, rows).view(-1, 3, 3, 3)
        (x, dx), (y, dy), (z, dz) = ([v.reshape(-1, 3, 1) for v in pair] for pair in shares)
        plane = torch.matmul(cells.flatten(1, 2), torch.cat([z, dz], -1)).unflatten(1, (3, 3))  # (n, 3, 3, 2)
        across = torch.cat([y, dy], -1).transpose(1, 2).unsqueeze(1) @ plane  # (n, 3, 2, 2): y, dy by z, dz
        along = torch.cat([x, dx], -1).transpose(1, 2) @ across.flatten(2)  # (n, 2, 4)
        value, by_z, by_y, by_x = along[:, 0, 0], along[:, 0, 1], along[:, 0, 2], along[:, 1, 0]
        return tuple(v.view(variant.shape) for v in (value, by_x, by_y, by_z))


def _parabolas(share):
    """Weights (..., 3) of the grid points around the nearest one, `share` (...) of a step off, and derivatives."""
    low, high = 0.5 - share, 0.5 + share
    weights = torch.stack([0.5 * low * low, _MIDDLE - share * share, 0.5 * high * high], -1)
    return weights, torch.stack([-low, -2 * share, high], -1)
