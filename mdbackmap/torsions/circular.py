"""
Angles on the circle: Fourier features of them, and distributions as mixtures of tents.

Shapes: B bins. Radians.
"""

import math

import numpy as np
import torch

from ..geometry.compiling import array, suits
from ..geometry.vectors import wrap
from .compiled import draws


def fourier(angles, known, order):
    """Sines and cosines (..., 2 order + 1) of multiples of `angles` (...); zero, with a flag, where not `known`."""
    multiples = angles.unsqueeze(-1) * torch.arange(1, order + 1, device=angles.device, dtype=angles.dtype)
    flag = known.unsqueeze(-1).to(angles.dtype)
    return torch.cat([multiples.cos() * flag, multiples.sin() * flag, flag], dim=-1)


def levels_of(n_draws, n_residues, n_numbers):
    """Numbers in (0, 1), (S, R, n_numbers), spread evenly over the draws; the same for the k-th residue, always."""
    generator = torch.Generator().manual_seed(n_draws)
    order = torch.rand(n_residues, n_numbers, n_draws, generator=generator).argsort(-1).permute(2, 0, 1)
    return (order + 0.5) / n_draws


class CircularBins:
    """
    Distributions on the circle: a mixture of B overlapping tents, continuous.

    density(angle) = sum_b p_b tent_b(angle) / width, tents two bins wide: between two bin centres the density is a
    straight line. All functions take logits (..., B).

    Examples
    --------
    >>> bins = CircularBins(72)
    >>> density = bins.log_density(torch.zeros(72), torch.tensor(1.0)).exp()
    >>> round(float(density) * 2 * torch.pi, 4)
    1.0
    """

    def __init__(self, n_bins):
        self.n_bins = n_bins
        self.width = 2 * math.pi / n_bins

    def centres(self, like):
        """Angles (B,) of the bins' centres, on the device and of the type of the tensor `like`."""
        return torch.arange(self.n_bins, device=like.device, dtype=like.dtype) * self.width - math.pi

    def log_density(self, logits, angles):
        """Log of the density per radian (...) at `angles` (...)."""
        logs = torch.log_softmax(logits.float(), dim=-1)
        at = torch.remainder(angles + math.pi, 2 * math.pi) / self.width
        left = at.floor()
        share = at - left
        left = left.long() % self.n_bins
        lower = logs.gather(-1, left.unsqueeze(-1)).squeeze(-1) + torch.log1p(-share.clamp_max(1 - 1e-6))
        upper = logs.gather(-1, ((left + 1) % self.n_bins).unsqueeze(-1)).squeeze(-1) + torch.log(share.clamp_min(1e-6))
        return torch.logaddexp(lower, upper) - math.log(self.width)

    def draw(self, logits, uniform, temperature=1.0):
        """
        Angles (...) from uniform numbers (...) in (0, 1): the inverse of the cumulative distribution.

        It is continuous on the circle, so that rounding of the logits moves an angle by as little. At temperature 0
        the most probable angle, between the bins; else probabilities p^(1 / temperature), and below 1 angles that
        keep closer to the centres of bins.
        """
        if temperature <= 0:
            return self.mode(logits)
        return self.draw_several(logits, uniform.unsqueeze(-1), temperature).squeeze(-1)

    def draw_several(self, logits, uniform, temperature=1.0):
        """Angles (..., R) for uniform numbers (..., R), all R from one distribution (..., B); temperature above 0."""
        logits = logits.float()
        return self.drawn(torch.softmax(logits if temperature == 1 else logits / temperature, -1), uniform, temperature)

    def drawn(self, shares, uniform, temperature=1.0):
        """The same from the shares (..., B) of the bins at that temperature."""
        if suits(shares, uniform) and shares.dtype == uniform.dtype == torch.float32:
            angles = shares.new_empty(uniform.shape)
            flat = shares.reshape(-1, self.n_bins), uniform.reshape(-1, uniform.shape[-1])
            draws(*map(array, flat), np.float32(temperature), angles.view(flat[1].shape).numpy())
            return angles
        cumulative = torch.add(shares, shares.roll(-1, -1)).cumsum(-1)  # twice the mass up to the next bin's centre
        level = (uniform * cumulative[..., -1:]).contiguous()
        chosen = torch.searchsorted(cumulative, level).clamp_max(self.n_bins - 1)
        start, end = (shares.gather(-1, k) for k in (chosen, (chosen + 1) % self.n_bins))
        rest = (level - cumulative.gather(-1, chosen) + start + end).clamp_min(0)
        root = (start**2 + (end - start) * rest).clamp_min(0).sqrt()
        along = (rest / (start + root).clamp_min(1e-12)).clamp(0, 1)  # of the line from one centre to the next
        if temperature < 1:
            along = torch.sigmoid(torch.logit(along, 1e-6) / temperature)
        return (chosen + along) * self.width - math.pi

    def mean(self, logits):
        """
        Circular means (...) of the distributions, in radians; differentiable.

        >>> CircularBins(4).mean(torch.tensor([-9.0, -9.0, 9.0, 9.0])).rad2deg().round()
        tensor(45.)
        """
        centres = self.centres(logits)
        shares = torch.softmax(logits.float(), dim=-1)
        return torch.atan2((shares * centres.sin()).sum(-1), (shares * centres.cos()).sum(-1))  # no matmul: autocast

    def peak(self, shares, smoothing):
        """
        Most probable angles (...) of distributions with shares (..., B) of each bin, after smoothing.

        `smoothing` is the width in radians of the von Mises kernel: the wider, the nearer to the circular mean.

        >>> bins = CircularBins(8)
        >>> bins.peak(torch.eye(8)[2], 0.5).rad2deg().round()
        tensor(-90.)
        """
        return self.top(shares @ self.circulant(smoothing, shares))

    def top(self, smooth):
        """Angles (...) where smoothed shares (..., B) are largest, by the parabola through three bins."""
        three = (smooth.argmax(-1, keepdim=True) + torch.tensor([-1, 0, 1], device=smooth.device)) % self.n_bins
        low, high, right = smooth.gather(-1, three).unbind(-1)
        offset = 0.5 * (low - right) / (low - 2 * high + right).clamp_max(-1e-12)
        return (three[..., 1] + offset.clamp(-0.5, 0.5)) * self.width - math.pi

    def circulant(self, smoothing, like):
        """What shares (..., B) are multiplied by to smooth them, (B, B), on the device of the tensor `like`."""
        turns = torch.arange(self.n_bins, device=like.device) * self.width
        kernel = torch.exp((turns.cos() - 1) / smoothing**2)
        return kernel[(turns[:, None] - turns).div(self.width).round().long() % self.n_bins]

    def holds(self, centres, angles):
        """Which of the bins at `centres` angles lie in, or are nearest to; both of shapes that broadcast."""
        off = wrap(centres - angles).abs()
        return off <= off.amin(-1, keepdim=True)

    def mode(self, logits):
        """Most probable angles (...): the mean of the best bin and its two neighbours."""
        best = logits.argmax(-1, keepdim=True)
        three = (best + torch.tensor([-1, 0, 1], device=logits.device)) % self.n_bins
        share = torch.softmax(logits.float().gather(-1, three), dim=-1)
        return (best.squeeze(-1) + share[..., 2] - share[..., 0]) * self.width - math.pi
