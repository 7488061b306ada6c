"""
The network of GenZProt: a graph of C-alphas in, a latent per residue and distributions of torsions out.

Shapes: n beads in all, K neighbours, C features, D latent size, B bins, M networks. Angstrom and radians.
"""

import torch
from torch import nn

from .encoder import Encoder
from .features import Features
from .layers import Interaction

N_CHIS = 4
_LEAST = 1e-30  # probability of a bin, on average


class TorsionHead(nn.Module):
    """
    Logits (..., B) of one torsion: `head.after(head.features(features), known)`.

    Features (..., n_inputs) do not change along the chain; `known` is what was drawn before.
    """

    def __init__(self, n_inputs, n_known, config):
        super().__init__()
        self.features = nn.Linear(n_inputs, config.n_features)
        self.known = nn.Linear(n_known * (2 * config.order + 1), config.n_features, bias=False)
        self.out = nn.Linear(config.n_features, config.n_bins)

    def joined(self, first, second):
        """`features` of two halves (..., n_inputs / 2) side by side."""
        weight = self.features.weight
        width = first.shape[-1]
        return first @ weight[:, :width].T + second @ weight[:, width:].T + self.features.bias

    def after(self, hidden, known):
        """Logits from `self.features(features)` and `known` (..., n_known * (2 order + 1)), as `fourier` gives them."""
        return self.out(nn.functional.silu(hidden + self.known(known)))


class AveragedHead:
    """
    What `TorsionHead` does, for M networks: features side by side in, the log of their averaged probabilities out.

    Parameters
    ----------
    heads : sequence of TorsionHead (M,)
    """

    def __init__(self, heads):
        self.heads = list(heads)

    def features(self, features):
        """Hidden features (..., M C)."""
        return self._each(lambda head, own: head.features(own), features)

    def joined(self, first, second):
        """`features` of two halves side by side."""
        return self._each(lambda head, *own: head.joined(*own), first, second)

    def after(self, hidden, known):
        """Logits (..., B) from hidden features (..., M C)."""
        parts = zip(self.heads, hidden.chunk(len(self.heads), dim=-1), strict=True)
        shares = sum(torch.softmax(head.after(part, known).float(), dim=-1) for head, part in parts)
        return (shares / len(self.heads)).clamp_min(_LEAST).log()

    def _each(self, function, *features):
        parts = zip(self.heads, *(part.chunk(len(self.heads), dim=-1) for part in features), strict=True)
        return torch.cat([function(*part) for part in parts], dim=-1)


class Network(nn.Module):
    """
    Equivariant encoder and prior, decoder and heads.

    Parameters
    ----------
    config : GenZProtConfig
    """

    def __init__(self, config):
        super().__init__()
        width = config.n_features
        self.inputs = Features(config)
        edges = self.inputs.n_edge_features
        self.prior_layers = nn.ModuleList(
            Interaction(width, edges, config.n_channels if k % 2 else 0, config.dropout) for k in range(config.n_layers)
        )
        self.prior = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2 * config.n_latent)
        )
        self.encoder = Encoder(config)
        self.latent = nn.Linear(config.n_latent, width)
        self.decoder_layers = nn.ModuleList(
            Interaction(width, edges, dropout=config.dropout) for _ in range(config.n_decoder_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.peptide = TorsionHead(2 * width, 1, config)
        self.phi = TorsionHead(width, 1, config)
        self.end = TorsionHead(width, 1, config)
        self.chis = nn.ModuleList(TorsionHead(width, 2 + k, config) for k in range(N_CHIS))

    def condition(self, batch, geometry=None):
        """
        Prior features (n, C) and what every round of messages needs of the neighbourhood.

        `geometry` is `Features.geometry(batch)`, if known.
        """
        features, edges, sphere = self.inputs(batch, geometry)
        weights = batch.present.to(edges.dtype)
        weights = (weights / weights.sum(1, keepdim=True).clamp_min(1)).unsqueeze(-1)
        around = (edges, batch.neighbours, weights, sphere)
        for layer in self.prior_layers:
            features = layer(features, *around)
        return features, around

    def decode(self, features, around, latent):
        """Features (n, C) from which the torsions are read."""
        features = features + self.latent(latent)
        for layer in self.decoder_layers:
            features = layer(features, *around)
        return self.dropout(self.norm(features))

    def from_posterior(self, batch, atoms, mask, noise, geometry=None):
        """Decoder features (n, C) with a latent that saw the atoms, and KL(q || p) (n,) in nats."""
        features, around = self.condition(batch, geometry)
        mean_p, log_p = (v.float() for v in self.prior(features).chunk(2, dim=-1))
        with torch.autocast(atoms.device.type, enabled=False):
            mean_q, log_q = self.encoder(batch, features.float(), atoms, mask)
        log_p, log_q = log_p.clamp(-8, 4), log_q.clamp(-8, 4)
        kl = 0.5 * (log_p - log_q + ((log_q.exp() + (mean_q - mean_p) ** 2) / log_p.exp()) - 1)
        return self.decode(features, around, mean_q + (0.5 * log_q).exp() * noise), kl.sum(-1)

    def from_prior(self, batch, noise, scale, geometry=None):
        """Decoder features (n, C) with a latent drawn by `noise` (n, D), its deviation times `scale`."""
        features, around = self.condition(batch, geometry)
        mean, log_variance = (v.to(noise.dtype) for v in self.prior(features).chunk(2, dim=-1))
        deviation = (0.5 * log_variance.clamp(-8, 4)).exp() * scale
        return self.decode(features, around, mean + deviation * noise)
