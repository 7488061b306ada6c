"""
Building blocks of the networks: radial basis, messages, equivariant densities.

Shapes: n beads, K neighbours, C scalar features, M channels of an equivariant density.
Equivariant features are e3nn irreps of SO(3): proteins are chiral, so parity is not tracked and every irrep is
labelled even.
"""

import dataclasses
import functools

import torch
from e3nn import o3
from torch import nn

from ..geometry.chunks import in_chunks
from ..geometry.compiling import array, suits
from ..torsions.compiled import TANH
from .compiled import messages

HARMONICS = o3.Irreps("0e + 1e + 2e")
_WIDTHS = [ir.dim for _, ir in HARMONICS]
_BLOCK = 64  # beads whose messages are in the cache at a time; measured: twice as fast as all at once, by hand
RANGE = 3.0, 20.0  # angstrom of the radial functions; chosen: by hand, C-alphas are not nearer
_FAR = 60.0  # power of e at which Gaussians stop falling; chosen: 1e-26 is none, numbers below 1e-38 are slow
_PART = 4  # of the features that densities make, one in so many; chosen: by hand


def radial_basis(distances, n_basis, shortest=RANGE[0], longest=RANGE[1]):
    """Gaussians (..., n_basis) of `distances` (...) in angstrom, evenly spaced between `shortest` and `longest`."""
    centres = torch.linspace(shortest, longest, n_basis, device=distances.device, dtype=distances.dtype)
    width = (longest - shortest) / (n_basis - 1)
    return torch.exp(-(((distances.unsqueeze(-1) - centres) / width) ** 2).clamp_max(_FAR))


def harmonics(vectors):
    """Real spherical harmonics (..., 9) up to l = 2 of the directions of `vectors` (..., 3)."""
    return o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")


def perceptron(n_inputs, n_hidden, n_outputs):
    """A network of one hidden layer."""
    return nn.Sequential(nn.Linear(n_inputs, n_hidden), nn.SiLU(), nn.Linear(n_hidden, n_outputs))


def normed_perceptron(n_inputs, n_hidden, n_outputs):
    """The same after layer normalisation of its inputs."""
    return nn.Sequential(nn.LayerNorm(n_inputs), *perceptron(n_inputs, n_hidden, n_outputs))


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """
    What every round of messages needs of the neighbours of each bead.

    Attributes
    ----------
    edges : torch.Tensor, shape (n, K, E)
        Features of edges.
    along : torch.Tensor of int64, shape (n, K)
        Sequence separations, small numbers: each has weights of its own.
    neighbours : torch.Tensor of int64, shape (n, K)
    weights : torch.Tensor, shape (n, K, 1)
        One over the number of neighbours; 0 for absent ones.
    sphere : torch.Tensor, shape (n, K, 9)
        Harmonics of the directions of neighbours.
    n_others : int, optional
        How many beads neighbours are among, if not these n.
    """

    edges: torch.Tensor
    along: torch.Tensor
    neighbours: torch.Tensor
    weights: torch.Tensor
    sphere: torch.Tensor
    n_others: int | None = None

    def of(self, at):
        """The same of a slice of the beads; neighbours are still numbered as among all."""
        if len(self.along[at]) == len(self.along):
            return self
        parts = self.edges, self.along, self.neighbours, self.weights, self.sphere
        return Neighbourhood(*(part[at] for part in parts), self.n_others or len(self.along))

    @functools.cached_property
    def rows(self):
        """Rows (n, K, 3) of each bead, of its neighbour and of their separation, in one table of all three."""
        n = len(self.along)
        others = self.n_others or n
        own = torch.arange(n, device=self.along.device).unsqueeze(1).expand_as(self.along)
        return torch.stack([own, self.neighbours + n, self.along + (n + others)], dim=-1)


class Density(nn.Module):
    """
    Equivariant summary of a neighbourhood and its invariants: sum over j of gate_j Y(r_j), then scalar products.

    The sum is a matrix product per bead. Two equivariant linear maps and the scalar products of their outcomes,
    channel by channel, make a tensor product to scalars of low rank. These are sums over the scalar products of the
    channels themselves (`products`), on beads, not on edges, so it costs little.

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
        self.channels = channels

    def gather(self, gates, sphere):
        """Density (n, M * 9) in e3nn's layout from gates (n, K, M) and harmonics (n, K, 9)."""
        return self.flat(gates.transpose(-1, -2) @ sphere)

    def flat(self, summed):
        """The same from (n, M, 9)."""
        return torch.cat([part.flatten(-2) for part in summed.split(_WIDTHS, dim=-1)], dim=-1)

    def products(self, one, other):
        """Scalar products (3, n, M * M), for each l, of all channels of two densities (n, M * 9)."""
        sizes = [self.channels * width for width in _WIDTHS]
        pairs = zip(one.split(sizes, -1), other.split(sizes, -1), strict=True)
        pairs = [[part.unflatten(-1, (self.channels, -1)) for part in pair] for pair in pairs]
        return torch.stack([(left @ right.transpose(-1, -2)).flatten(-2) for left, right in pairs])

    def invariants(self, products):
        """Invariants (n, 3 n_invariants) from `products`."""
        left, right = (side.weight.view(len(_WIDTHS), self.channels, -1) for side in (self.left, self.right))
        weights = (left.unsqueeze(2) * right.unsqueeze(1)).flatten(1, 2) / self.channels  # e3nn: 1 / sqrt(M) a side
        return (products @ weights).transpose(0, 1).flatten(1)

    def forward(self, one, other):
        """Invariants (n, 3 n_invariants) of two densities (n, M * 9)."""
        return self.invariants(self.products(one, other))


class Interaction(nn.Module):
    """
    One round of messages between neighbours, then a feed-forward layer; both residual.

    message_ij = silu(A h_i + B h_j + E e_ij), averaged over the neighbours. The last columns of E belong to sequence
    separations, one to each. With `channels`, the messages also gate an equivariant `Density` of the neighbours'
    directions, whose invariants join the update.
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

    def forward(self, features, around):
        """Features (n, C) after one round of messages in a `Neighbourhood`."""
        normed = self.norm(features)
        own, other = self.own(normed), self.other(normed)
        updated = functools.partial(self._updated, features, own, other, around)
        return in_chunks(updated, len(features), features.device)[0]

    def _updated(self, features, own, other, around, at):
        """New features (m, C) of a slice of the beads, alone in a tuple."""
        summed, products = self._gathered(own[at], other, around.of(at))
        update = self.update(summed)
        if self.density is not None:
            with torch.autocast(features.device.type, enabled=False):
                invariants = self.density.invariants(products)
            update = update + self.mix(nn.functional.silu(invariants))
        updated = features[at] + self.dropout(update)
        return (updated + self.dropout(self.feed(updated)),)

    def _gathered(self, own, other, around):
        """Averaged messages (m, C) of some beads, and `products` of their gated density, if there is one."""
        n_edge = around.edges.shape[-1]
        edge, along = self.edge.weight[:, :n_edge], self.edge.weight[:, n_edge:].T
        if torch.is_grad_enabled() or own.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            messages = nn.functional.linear(around.edges, edge)
            messages = messages + other.index_select(0, around.neighbours.flatten()).view_as(messages)
            messages = nn.functional.silu(messages + nn.functional.embedding(around.along, along) + own.unsqueeze(1))
            return self._averaged(messages, around.weights, around.sphere)
        if suits(own) and own.dtype == torch.float32:
            return self._compiled(own, other, edge, along, around)
        return self._in_blocks(torch.cat([own, other, along]), edge.T.contiguous(), around)

    def _in_blocks(self, table, across, around):
        """The same as `_gathered`, a block of beads at a time; `table` holds what `Neighbourhood.rows` number."""
        n, width = len(around.along), table.shape[1]
        summed, density = table.new_empty(n, 1, width), None
        if self.density is not None:
            density = table.new_empty(n, self.density.channels, around.sphere.shape[-1])
        for at in range(0, n, _BLOCK):
            part = slice(at, at + _BLOCK)
            messages = nn.functional.embedding_bag(around.rows[part].flatten(0, 1), table, mode="sum")
            messages = nn.functional.silu(messages.addmm_(around.edges[part].flatten(0, 1), across), inplace=True)
            messages, weights = messages.view(*around.along[part].shape, width), around.weights[part]
            torch.bmm(weights.transpose(1, 2), messages, out=summed[part])
            if density is not None:
                torch.bmm((self.gate(messages) * weights).transpose(1, 2), around.sphere[part], out=density[part])
        density = None if density is None else self.density.flat(density)
        return summed.squeeze(1), None if density is None else self.density.products(density, density)

    def _averaged(self, messages, weights, sphere):
        """The same from messages (m, K, C) of some beads."""
        summed = (weights.to(messages.dtype).transpose(1, 2) @ messages).squeeze(1)
        if self.density is None:
            return summed, None
        with torch.autocast(messages.device.type, enabled=False):
            density = self.density.gather(self.gate(messages.float()) * weights.float(), sphere)
            return summed, self.density.products(density, density)

    def _compiled(self, own, other, edge, along, around):
        """The same as `_gathered`, but that no message is written to memory."""
        n, width = own.shape
        channels = 0 if self.density is None else self.density.channels
        gates = own.new_empty(0, width) if self.density is None else self.gate.weight
        summed, products = torch.empty_like(own), own.new_empty(len(_WIDTHS), n, channels**2)
        tables = own, other, along, around.neighbours, around.along, around.weights[..., 0], gates, around.sphere
        tables = [array(table) for table in tables]
        across, buffer = edge.T.contiguous(), own.new_empty(_BLOCK * around.edges.shape[1], width)
        for at in range(0, n, _BLOCK):
            edges = around.edges[at : at + _BLOCK].flatten(0, 1)
            edges = torch.mm(edges, across, out=buffer[: len(edges)])
            messages(at, edges.numpy(), *tables, summed.numpy(), products.numpy(), TANH)
        return summed, None if self.density is None else products


def interactions(config, n_edge_features):
    """The rounds of messages that a configuration asks for: every other one has a `Density`."""
    channels = [config.n_channels if k % 2 else 0 for k in range(config.n_layers)]
    return nn.ModuleList(Interaction(config.n_features, n_edge_features, n, config.dropout) for n in channels)
