"""
Steps downhill, each bead and each peptide at a pace of its own; turning the input turns the steps.

Shapes: F frames, N beads.
"""

import torch

_GRID = 2.0**20
_SOFT = 0.5  # derivatives below this (nats per angstrom or radian) make shorter steps


def within(start, moved, tolerances):
    """Beads (F, N, 3) drawn back towards `start` where they are further off than `tolerances` (F,), as an RMS."""
    shift = moved - start
    rms = shift.square().sum(-1).mean(-1).sqrt()
    return start + shift * (tolerances / rms.clamp_min(1e-6)).clamp_max(1.0)[:, None, None]


def snapped(values):
    """
    Values on a grid of a millionth: sums of another order of terms, as other batches have them, then come out the same.

    >>> bool(snapped(torch.tensor(0.1, dtype=torch.float64)) == snapped(torch.tensor(0.1 + 1e-15, dtype=torch.float64)))
    True
    """
    return (values * _GRID).round() / _GRID


class BeadSteps:
    """Steps of beads (F, N, 3): Adam with one pace for the three coordinates of a bead."""

    def __init__(self, beads):
        self.mean, self.square = torch.zeros_like(beads), torch.zeros_like(beads[..., :1])
        self.taken = 0

    def __call__(self, slope, rate):
        """The step (F, N, 3) to subtract, about `rate` long."""
        self.taken += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.98 * self.square + 0.02 * slope.square().sum(-1, keepdim=True)
        mean, square = self.mean / (1 - 0.9**self.taken), self.square / (1 - 0.98**self.taken)
        return rate * mean / (square.sqrt() + _SOFT)


class TurnSteps:
    """Steps of peptide angles (F, N)."""

    def __init__(self, turns):
        self.mean = self.square = torch.zeros_like(turns)

    def __call__(self, slope, rate):
        """The step (F, N) to subtract, at most about `rate`."""
        self.mean = 0.8 * self.mean + 0.2 * slope
        self.square = 0.95 * self.square + 0.05 * slope.square()
        return rate * self.mean / (self.square.sqrt() + _SOFT)
