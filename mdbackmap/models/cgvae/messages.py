"""
Messages between points that carry scalars, pseudo-scalars, vectors and pseudo-vectors.

In e3nn's terms the features are ``C x 0e + M x 0o + M x 1o + M x 1e``, and every layer here is equivariant to O(3):
turning and mirroring the input turns and mirrors the output, pseudo-scalars changing their sign.
After Wang et al. (ICML 2022, arXiv 2201.12176), where the messages have the nine gates used here.

Shapes: n points in all (frames after one another), K neighbours, C scalar and M other channels, B radial functions.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..layers import perceptron

_ONCE_MORE = {"use_reentrant": False, "preserve_rng_state": False}

_SHORTEST = 0.1  # angstrom; chosen: by hand, nearer points have shorter directions
_GATES = 8  # g1 to g8 of `Message`; cited: its equations
_MIXED = 4  # gates of `Update`; cited: its equations


class Features(NamedTuple):
    """
    Features of n points.

    Attributes
    ----------
    scalars : torch.Tensor, shape (n, C)
        Irreps 0e.
    pseudoscalars : torch.Tensor, shape (n, M)
        Irreps 0o.
    vectors : torch.Tensor, shape (n, M, 3)
        Irreps 1o.
    pseudovectors : torch.Tensor, shape (n, M, 3)
        Irreps 1e.
    """

    scalars: torch.Tensor
    pseudoscalars: torch.Tensor
    vectors: torch.Tensor
    pseudovectors: torch.Tensor

    @classmethod
    def start(cls, scalars, n_channels, handed):
        """Features without direction; pseudo-scalars are 1 if `handed`, which breaks mirror symmetry, else 0."""
        flat = scalars.new_full((len(scalars), n_channels), 1.0 if handed else 0.0)
        empty = scalars.new_zeros(len(scalars), n_channels, 3)
        return cls(scalars, flat, empty, empty)

    def plus(self, other):
        """The sum of two."""
        return Features(*(a + b for a, b in zip(self, other, strict=True)))


class Edges(NamedTuple):
    """
    Neighbours of n points.

    Attributes
    ----------
    neighbours : torch.Tensor of int64, shape (n, K)
    directions : torch.Tensor, shape (n, K, 3)
        Unit vectors towards them.
    radial : torch.Tensor, shape (n, K, B)
        Functions of their distances.
    weights : torch.Tensor, shape (n, K, 1)
        One over the number of neighbours; 0 for absent ones.
    """

    neighbours: torch.Tensor
    directions: torch.Tensor
    radial: torch.Tensor
    weights: torch.Tensor

    @classmethod
    def of(cls, neighbours, displacements, present, radial_basis):
        """Edges from a neighbour table, the displacements (n, K, 3) in angstrom, and what is present in it."""
        weights = present.to(displacements.dtype).unsqueeze(-1)
        weights = weights / weights.sum(1, keepdim=True).clamp_min(1.0)
        distances = (displacements.square().sum(-1) + 1e-12).sqrt()
        directions = displacements / distances.unsqueeze(-1).clamp_min(_SHORTEST)  # unit vectors, 0 for one point
        return cls(neighbours, directions, radial_basis(distances), weights)


def bounded(features):
    """The same features with pseudo-scalars in (-1, 1) and vectors of a length below about 1 (RMS over channels)."""
    scalars, pseudoscalars, *directed = features
    shorter = [v / (1.0 + v.square().sum(-1, keepdim=True).mean(-2, keepdim=True)).sqrt() for v in directed]
    return Features(scalars, pseudoscalars / (1.0 + pseudoscalars.square()).sqrt(), *shorter)


class Messages(nn.Module):
    """
    One round of messages, residual.

    With gates g that depend on the neighbour's scalars and on the distance, summed over neighbours j::

        dS = g0 S_j                                     dP = V_i . W_j
        dV = g1 e_ij + g2 V_j + g3 V_i x W_j + g4 P_i W_j
        dW = g5 W_j + g6 P_i V_j + g7 V_i x V_j + g8 W_i x W_j

    Parameters
    ----------
    n_features, n_channels, n_basis : int
        C, M and B.
    """

    def __init__(self, n_features, n_channels, n_basis):
        super().__init__()
        self.sizes = (n_features, n_channels)
        width = n_features + _GATES * n_channels
        self.norm = nn.LayerNorm(n_features)
        self.gates = perceptron(n_features, n_features, width)
        self.filter = nn.Linear(n_basis, width)
        self.value = nn.Linear(n_features, n_features, bias=False)

    def forward(self, features, edges):
        """Features in, features out."""
        width, channels = self.sizes
        s, p, v, w = bounded(features)
        s = self.norm(s)
        told = torch.cat([self.gates(s), self.value(s), v.flatten(1), w.flatten(1)], dim=-1)
        told = told.index_select(0, edges.neighbours.flatten()).unflatten(0, edges.neighbours.shape)  # (n, K, 2C + 14M)
        gates, value, vj, wj = told.split([width + _GATES * channels, width, 3 * channels, 3 * channels], dim=-1)
        gates = gates * self.filter(edges.radial) * edges.weights
        vj, wj = (x.unflatten(-1, (channels, 3)) for x in (vj, wj))  # (n, K, M, 3)
        ds = (gates[..., :width] * value).sum(1)
        gates = gates[..., width:].unflatten(-1, (8, channels))
        straight = gates[:, :, 0].transpose(1, 2) @ edges.directions  # (n, M, 3)
        v2, v6, v7 = torch.einsum("nkgm,nkmx->gnmx", gates[:, :, 1:4], vj)
        w3, w4, w5, w8 = torch.einsum("nkgm,nkmx->gnmx", gates[:, :, 4:], wj)
        dp = (v * (edges.weights.unsqueeze(-1) * wj).sum(1)).sum(-1)
        own = p.unsqueeze(-1)
        dv = straight + v2 + _cross(v, w3) + own * w4
        dw = w5 + own * v6 + _cross(v, v7) + _cross(w, w8)
        return features.plus(Features(ds, dp, dv, dw))


class Update(nn.Module):
    """
    Mixes the channels of each point, residual: invariants of linear maps steer the scalars and gate the rest.

    Parameters
    ----------
    n_features, n_channels : int
        C and M.
    """

    def __init__(self, n_features, n_channels):
        super().__init__()
        self.sizes = (n_features, n_channels)
        self.norm = nn.LayerNorm(n_features)
        self.vectors = nn.Linear(n_channels, 2 * n_channels, bias=False)
        self.pseudovectors = nn.Linear(n_channels, 2 * n_channels, bias=False)
        self.pseudoscalars = nn.Linear(n_channels, 2 * n_channels, bias=False)
        self.mix = perceptron(n_features + 3 * n_channels, n_features, n_features + _MIXED * n_channels)

    def forward(self, features):
        """Features in, features out."""
        width, channels = self.sizes
        s, p, v, w = bounded(features)
        v1, v2 = (self.vectors.weight @ v).chunk(2, dim=1)
        w1, w2 = (self.pseudovectors.weight @ w).chunk(2, dim=1)
        p1, p2 = self.pseudoscalars(p).chunk(2, dim=1)
        products = [(v1 * v2).sum(-1), (w1 * w2).sum(-1), p1 * p2]
        ds, *gates = self.mix(torch.cat([self.norm(s), *products], dim=-1)).split([width, *[channels] * _MIXED], dim=-1)
        dp = gates[0] * p2 + gates[1] * (v1 * w1).sum(-1)
        dv, dw = gates[2].unsqueeze(-1) * v2, gates[3].unsqueeze(-1) * w2
        return features.plus(Features(ds, dp, dv, dw))


def _cross(a, b):
    return torch.linalg.cross(a, b, dim=-1)


class Rounds(nn.Module):
    """
    Messages and updates in turn, `n_layers` times.

    Set `recompute`, and each round is worked out again in the backward pass (Chen et al., arXiv 1604.06174): training
    takes longer, holds a few numbers a point instead of hundreds an edge, and gives the same gradients.
    """

    recompute = False

    def __init__(self, n_layers, n_features, n_channels, n_basis):
        super().__init__()
        self.messages = nn.ModuleList(Messages(n_features, n_channels, n_basis) for _ in range(n_layers))
        self.updates = nn.ModuleList(Update(n_features, n_channels) for _ in range(n_layers))

    def forward(self, features, edges):
        """Features in, features out."""
        for messages, update in zip(self.messages, self.updates, strict=True):
            if self.recompute and torch.is_grad_enabled():
                features = checkpoint(_round, messages, update, edges, *features, **_ONCE_MORE)
            else:
                features = update(messages(features, edges))
        return features


def _round(messages, update, edges, *features):
    return update(messages(Features(*features), edges))


def recompute(model, on=True):
    """Let all rounds of a model be worked out again in the backward pass, or not."""
    for module in model.modules():
        if isinstance(module, Rounds):
            module.recompute = on
