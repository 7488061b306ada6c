"""
Steps downhill, each bead and each peptide by itself; turning the input turns the steps.

Shapes: F frames, R residues.
"""

import torch

from ..geometry.vectors import perpendicular, smooth_step, unit
from .settings import DEFAULTS


def within(start, moved, tolerances):
    """Beads (F, R, 3) drawn back towards `start` where they are further off than `tolerances` (F,), as an RMS."""
    shift = moved - start
    rms = shift.square().sum(-1).mean(-1).sqrt()
    return start + shift * (tolerances / rms.clamp_min(1e-6)).clamp_max(1.0)[:, None, None]


def unbent(beads, inner, settings=DEFAULTS.descending):
    """
    Beads of straight stretches put on a thin helix: on a line, no force says to which side they should bend.

    Parameters
    ----------
    beads : torch.Tensor, shape (F, R, 3)
    inner : torch.Tensor, shape (R,)
        1 for residues within a chain, 0 for its ends.
    settings : Descending

    Returns
    -------
    torch.Tensor, shape (F, R, 3)

    Examples
    --------
    >>> line = torch.tensor([[[3.8 * k, 0.0, 0.0] for k in range(5)]], dtype=torch.float64)
    >>> (unbent(line, torch.ones(5)) - line).norm(dim=-1)[0, 1:-1]
    tensor([0.1000, 0.1000, 0.1000], dtype=torch.float64)
    """
    back, ahead = unit(beads - beads.roll(1, -2)), unit(beads.roll(-1, -2) - beads)
    sine = torch.cross(back, ahead, dim=-1).norm(dim=-1)
    share = (1 - smooth_step(sine, *settings.straight)) * ((back * ahead).sum(-1) > 0) * inner
    axis = unit(back + ahead)
    side = perpendicular(torch.zeros_like(axis), axis)
    turn = (settings.turn * torch.arange(beads.shape[-2], device=beads.device)).to(beads).unsqueeze(-1)
    aside = turn.cos() * side + turn.sin() * torch.cross(axis, side, dim=-1)
    return beads + settings.aside * share.unsqueeze(-1) * aside


class Descent:
    """
    Steps with momentum (heavy ball) at a fixed rate.

    With energies whose derivatives have no jumps, and a rate below what the stiffest terms bear, differences between
    two inputs fade, as long as both are in one valley. Steps scaled by the size of past derivatives (Adam) swing
    about stiff minima, and noise of a millionth of an angstrom grows to hundredths.

    Parameters
    ----------
    values : torch.Tensor, shape (F, R, 3) or (F, R)
        Beads or peptide angles.
    rate : float
        Square angstrom, or square radians, a nat.
    momentum : float
        Share of a step that goes on in the next one.
    longest : float
        Angstrom, or radians, of a step.
    """

    def __init__(self, values, rate, momentum, longest=DEFAULTS.descending.longest):
        self.velocity, self.rate, self.momentum, self.longest = torch.zeros_like(values), rate, momentum, longest

    def __call__(self, slope):
        """Return the step to subtract."""
        velocity = self.momentum * self.velocity + self.rate * slope
        square = velocity.square().sum(-1, keepdim=True) if velocity.dim() == 3 else velocity.square()
        self.velocity = velocity / (1 + square / self.longest**2).sqrt()
        return self.velocity
