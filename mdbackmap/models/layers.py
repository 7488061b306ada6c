"""
Building blocks of the networks: radial basis, messages, equivariant densities.

Shapes: n beads, K neighbours, C scalar features, M channels of an equivariant density.
Equivariant features are e3nn irreps of SO(3): proteins are chiral, so parity is not tracked and every irrep is
labelled even.
"""

import torch
from e3nn import o3
from torch import nn

HARMONICS = o3.Irreps("0e + 1e + 2e")
_WIDTHS = [ir.dim for _, ir in HARMONICS]
_BLOCK = 64  # beads whose messages are in the cache at a time; measured: twice as fast as all at once, by hand
RANGE = 3.0, 20.0  # angstrom of the radial functions; chosen: by hand, C-alphas are not nearer
_PART = 4  # of the features that densities make, one in so many; chosen: by hand


def radial_basis(distances, n_basis, shortest=RANGE[0], longest=RANGE[1]):
    """Gaussians (..., n_basis) of `distances` (...) in angstrom, evenly spaced between `shortest` and `longest`."""
    centres = torch.linspace(shortest, longest, n_basis, device=distances.device, dtype=distances.dtype)
    width = (longest - shortest) / (n_basis - 1)
    return torch.exp(-(((distances.unsqueeze(-1) - centres) / width) ** 2))


def harmonics(vectors):
    """Real spherical harmonics (..., 9) up to l = 2 of the directions of `vectors` (..., 3)."""
    return o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")


def perceptron(n_inputs, n_hidden, n_outputs):
    """A network of one hidden layer."""
    return nn.Sequential(nn.Linear(n_inputs, n_hidden), nn.SiLU(), nn.Linear(n_hidden, n_outputs))


def normed_perceptron(n_inputs, n_hidden, n_outputs):
    """The same after layer normalisation of its inputs."""
    return nn.Sequential(nn.LayerNorm(n_inputs), *perceptron(n_inputs, n_hidden, n_outputs))


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
        self.feed = normed_perceptron(n_features, 2 * n_features, n_features)
        self.dropout = nn.Dropout(dropout)
        self.density = None
        if channels:
            self.gate = nn.Linear(n_features, channels, bias=False)
            self.density = Density(channels, n_features // _PART)
            self.mix = nn.Linear(3 * (n_features // _PART), n_features)

    def forward(self, features, edges, neighbours, weights, sphere):
        """
        Features after one round of messages.

        Parameters
        ----------
        features : torch.Tensor, shape (n, C)
        edges : torch.Tensor, shape (n, K, E)
        neighbours : torch.Tensor of int64, shape (n, K)
        weights : torch.Tensor, shape (n, K, 1)
            One over the number of neighbours; 0 for absent ones.
        sphere : torch.Tensor, shape (n, K, 9)
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


def interactions(config, n_edge_features):
    """The rounds of messages that a configuration asks for: every other one has a `Density`."""
    channels = [config.n_channels if k % 2 else 0 for k in range(config.n_layers)]
    return nn.ModuleList(Interaction(config.n_features, n_edge_features, n, config.dropout) for n in channels)
