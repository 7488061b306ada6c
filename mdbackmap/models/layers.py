"""
Building blocks of the networks: radial basis, messages, equivariant densities, distributions on the circle.

Shapes: n beads, K neighbours, C scalar features, M channels of an equivariant density, B bins of the circle.
Equivariant features are e3nn irreps of SO(3): proteins are chiral, so parity is not tracked and every irrep is
labelled even.
"""

import math

import torch
from e3nn import o3
from torch import nn

HARMONICS = o3.Irreps("0e + 1e + 2e")
_WIDTHS = [ir.dim for _, ir in HARMONICS]
_BLOCK = 64  # beads whose messages are in the processor's cache at a time: twice as fast as all at once


def radial_basis(distances, n_basis, shortest=3.0, longest=20.0):
    """Gaussians (..., n_basis) of `distances` (...) in angstrom, evenly spaced between `shortest` and `longest`."""
    centres = torch.linspace(shortest, longest, n_basis, device=distances.device, dtype=distances.dtype)
    width = (longest - shortest) / (n_basis - 1)
    return torch.exp(-(((distances.unsqueeze(-1) - centres) / width) ** 2))


def harmonics(vectors):
    """Real spherical harmonics (..., 9) up to l = 2 of the directions of `vectors` (..., 3)."""
    return o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")


def fourier(angles, known, order):
    """Sines and cosines (..., 2 order + 1) of multiples of `angles` (...); zero, with a flag, where not `known`."""
    multiples = angles.unsqueeze(-1) * torch.arange(1, order + 1, device=angles.device, dtype=angles.dtype)
    flag = known.unsqueeze(-1).to(angles.dtype)
    return torch.cat([multiples.cos() * flag, multiples.sin() * flag, flag], dim=-1)


class Density(nn.Module):
    """
    Equivariant summary of a neighbourhood and its invariants: sum over j of gate_j Y(r_j), then scalar products.

    The sum is a matrix product per bead. Two equivariant linear maps and the scalar products of their outcomes,
    channel by channel, make a tensor product to scalars of low rank: on beads, not on edges, so it costs little.

    Parameters
    ----------
    channels : int
        Channels M of each l in 0, 1, 2.
    n_invariants : int
        Scalar products of each l; `3 n_invariants` features come out.
    """

    def __init__(self, channels, n_invariants):
        super().__init__()
        inner = o3.Irreps([(channels, ir) for _, ir in HARMONICS])
        outer = o3.Irreps([(n_invariants, ir) for _, ir in HARMONICS])
        self.left, self.right = o3.Linear(inner, outer), o3.Linear(inner, outer)
        self.parts = [n_invariants * width for width in _WIDTHS]

    def gather(self, gates, sphere):
        """Density (n, M * 9) in e3nn's layout from gates (n, K, M) and harmonics (n, K, 9)."""
        summed = gates.transpose(-1, -2) @ sphere  # (n, M, 9)
        return torch.cat([part.flatten(-2) for part in summed.split(_WIDTHS, dim=-1)], dim=-1)

    def forward(self, one, other):
        """Invariants (n, 3 n_invariants) of two densities (n, M * 9)."""
        products = (self.left(one) * self.right(other)).split(self.parts, dim=-1)
        sums = [part.unflatten(-1, (-1, width)).sum(-1) for part, width in zip(products, _WIDTHS, strict=True)]
        return torch.cat(sums, dim=-1)


class Interaction(nn.Module):
    """
    One round of messages between neighbours, then a feed-forward layer; both residual.

    message_ij = silu(A h_i + B h_j + E e_ij), averaged over the neighbours. With `channels`, the messages also gate an
    equivariant `Density` of the neighbours' directions, whose invariants join the update.
    """

    def __init__(self, n_features, n_edge_features, channels=0, dropout=0.0):
        super().__init__()
        self.norm = nn.LayerNorm(n_features)
        self.own = nn.Linear(n_features, n_features)
        self.other = nn.Linear(n_features, n_features, bias=False)
        self.edge = nn.Linear(n_edge_features, n_features, bias=False)
        self.update = nn.Linear(n_features, n_features)
        self.feed = nn.Sequential(
            nn.LayerNorm(n_features),
            nn.Linear(n_features, 2 * n_features),
            nn.SiLU(),
            nn.Linear(2 * n_features, n_features),
        )
        self.dropout = nn.Dropout(dropout)
        self.density = None
        if channels:
            self.gate = nn.Linear(n_features, channels, bias=False)
            self.density = Density(channels, n_features // 4)
            self.mix = nn.Linear(3 * (n_features // 4), n_features)

    def forward(self, features, edges, neighbours, weights, sphere):
        """
        Parameters
        ----------
        features : (n, C)
        edges : (n, K, E)
        neighbours : (n, K) int64
        weights : (n, K, 1)
            One over the number of neighbours; 0 for absent ones.
        sphere : (n, K, 9)
        """
        normed = self.norm(features)
        own, other = self.own(normed), self.other(normed)
        rows = [slice(None)]
        if not torch.is_grad_enabled() and features.device.type == "cpu":
            rows = [slice(at, at + _BLOCK) for at in range(0, len(features), _BLOCK)]
        tables = (edges, neighbours, weights, sphere)
        parts = [self._gathered(own[part], other, *(table[part] for table in tables)) for part in rows]
        summed, density = (None if found[0] is None else torch.cat(found) for found in zip(*parts, strict=True))
        update = self.update(summed)
        if self.density is not None:
            with torch.autocast(features.device.type, enabled=False):
                invariants = self.density(density, density)
            update = update + self.mix(nn.functional.silu(invariants))
        features = features + self.dropout(update)
        return features + self.dropout(self.feed(features))

    def _gathered(self, own, other, edges, neighbours, weights, sphere):
        """Averaged messages (m, C) of some beads, and their gated density, if there is one."""
        messages = self.edge(edges)  # (m, K, C); in place, for memory traffic is what costs here
        messages += other.index_select(0, neighbours.flatten()).view_as(messages)
        messages += own.unsqueeze(1)
        messages = nn.functional.silu(messages, inplace=not torch.is_grad_enabled())
        summed = (weights.to(messages.dtype).transpose(1, 2) @ messages).squeeze(1)
        if self.density is None:
            return summed, None
        with torch.autocast(edges.device.type, enabled=False):
            return summed, self.density.gather(self.gate(messages.float()) * weights.float(), sphere)


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
        shares = torch.softmax(logits.float() / temperature, dim=-1)
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
        """Circular means (...) of the distributions, in radians; differentiable.

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
        turns = torch.arange(self.n_bins, device=shares.device) * self.width
        kernel = torch.exp((turns.cos() - 1) / smoothing**2)
        circulant = kernel[(turns[:, None] - turns).div(self.width).round().long() % self.n_bins]
        smooth = shares @ circulant
        three = (smooth.argmax(-1, keepdim=True) + torch.tensor([-1, 0, 1], device=shares.device)) % self.n_bins
        low, high, right = smooth.gather(-1, three).unbind(-1)
        offset = 0.5 * (low - right) / (low - 2 * high + right).clamp_max(-1e-12)
        return (three[..., 1] + offset.clamp(-0.5, 0.5)) * self.width - math.pi

    def mode(self, logits):
        """Most probable angles (...): the mean of the best bin and its two neighbours."""
        return self._between(logits, logits.argmax(-1, keepdim=True))

    def _between(self, logits, best):
        three = (best + torch.tensor([-1, 0, 1], device=logits.device)) % self.n_bins
        share = torch.softmax(logits.float().gather(-1, three), dim=-1)
        return (best.squeeze(-1) + share[..., 2] - share[..., 0]) * self.width - math.pi
