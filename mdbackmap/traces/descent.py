"""
Steps downhill, each bead and each peptide by itself; turning the input turns the steps.

Shapes: F frames, N beads.
"""

import math

import torch

from ..geometry.vectors import perpendicular, smooth_step, unit

_STRAIGHT = 0.002, 0.02  # sines of C-alpha angles up to which, and from which on not, beads are put aside
_ASIDE = 0.1  # angstrom (chosen: enough for forces to find a side, less than beads move by then)
_HELIX = math.radians(
    -95
)  # a residue, left-handed as extended chains are (chosen among -95, -110, -120, 170: fewest clashes)
_LONGEST = 0.15  # angstrom or radians a step (chosen: twice as much gains nothing)


def within(start, moved, tolerances):
    """Beads (F, N, 3) drawn back towards `start` where they are further off than `tolerances` (F,), as an RMS."""
    shift = moved - start
    rms = shift.square().sum(-1).mean(-1).sqrt()
    return start + shift * (tolerances / rms.clamp_min(1e-6)).clamp_max(1.0)[:, None, None]


def unbent(beads, inner):
    """
    Beads (F, N, 3) of straight stretches put on a thin helix: on a line, no force says to which side they should bend.

    Parameters
    ----------
    beads : torch.Tensor (F, N, 3)
    inner : torch.Tensor (N,)
        1 for residues within a chain, 0 for its ends.

    Examples
    --------
    >>> line = torch.tensor([[[3.8 * k, 0.0, 0.0] for k in range(5)]], dtype=torch.float64)
    >>> (unbent(line, torch.ones(5)) - line).norm(dim=-1)[0, 1:-1]
    tensor([0.1000, 0.1000, 0.1000], dtype=torch.float64)
    """
    back, ahead = unit(beads - beads.roll(1, -2)), unit(beads.roll(-1, -2) - beads)
    sine = torch.cross(back, ahead, dim=-1).norm(dim=-1)
    share = (1 - smooth_step(sine, *_STRAIGHT)) * ((back * ahead).sum(-1) > 0) * inner
    axis = unit(back + ahead)
    side = perpendicular(torch.zeros_like(axis), axis)
    turn = (_HELIX * torch.arange(beads.shape[-2], device=beads.device)).to(beads).unsqueeze(-1)
    aside = turn.cos() * side + turn.sin() * torch.cross(axis, side, dim=-1)
    return beads + _ASIDE * share.unsqueeze(-1) * aside


class Descent:
    """
    Steps with momentum (heavy ball) at a fixed rate.

    With energies whose derivatives have no jumps, and a rate below what the stiffest terms bear, differences between
    two inputs fade, as long as both are in one valley. Steps scaled by the size of past derivatives (Adam) swing
    about stiff minima, and noise of a millionth of an angstrom grows to hundredths.

    Parameters
    ----------
    values : torch.Tensor (F, N, 3) or (F, N)
        Beads or peptide angles.
    rate : float
        Square angstrom, or square radians, a nat.
    momentum : float
        Share of a step that goes on in the next one.
    """

    def __init__(self, values, rate, momentum):
        self.velocity, self.rate, self.momentum = torch.zeros_like(values), rate, momentum

    def __call__(self, slope):
        """The step to subtract, `_LONGEST` at most."""
        velocity = self.momentum * self.velocity + self.rate * slope
        square = velocity.square().sum(-1, keepdim=True) if velocity.dim() == 3 else velocity.square()
        self.velocity = velocity / (1 + square / _LONGEST**2).sqrt()
        return self.velocity
