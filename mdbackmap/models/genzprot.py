"""
GenZProt: from the C-alpha trace of any protein to its heavy atoms, by a variational autoencoder over torsions.

After Yang & Gomez-Bombarelli (ICML 2023, arXiv 2303.01569): an equivariant encoder q(z | atoms, beads), a learned
equivariant prior p(z | beads), a latent per residue, and a decoder to internal coordinates. Here these coordinates
are those of `mdbackmap.torsions.internal` (bonds, planarity and chirality by construction), and the decoder gives a
distribution of each torsion, one after another along the chain and out along the side chain.

Shapes: n residues in all, K neighbours, C features, D latent size, B bins, T = 6 torsions. Angstrom and radians.
"""

import dataclasses

import torch
from torch import nn

from ..geometry.vectors import bisector_frame
from ..molecule.bead_models import CA
from ..molecule.mapping import Mapping
from ..torsions.circular import CircularBins, fourier
from ..torsions.heads import TorsionHead, TorsionHeads
from ..torsions.internal import CHIS, END, PEPTIDE
from .base import Model
from .features import Features
from .layers import Interaction, interactions, normed_perceptron
from .placement import BeadEncoder, Placement
from .posterior import Encoder

_LOG_VARIANCES = -8, 4  # of latents; chosen: by hand, beyond nothing is learned


@dataclasses.dataclass(frozen=True)
class GenZProtConfig:
    """Sizes of the network; `GenZProt(GenZProtConfig())` is the published-size model."""

    n_features: int = 128  # scalar features of a residue; chosen: by hand
    n_neighbours: int = 16  # nearest C-alphas that a residue sees in each round; chosen: by hand
    n_layers: int = 4  # rounds of messages in the prior; chosen: by hand
    n_decoder_layers: int = 1  # rounds of messages after the latent is known; chosen: by hand
    n_latent: int = 8  # numbers of the latent of a residue; chosen: by hand
    n_channels: int = 8  # channels of each l of the equivariant densities; chosen: by hand
    n_basis: int = 16  # radial functions of a distance; chosen: by hand
    n_bins: int = 72  # tents on the circle for each torsion; chosen: by hand
    order: int = 4  # Fourier order in which a torsion is shown to the next ones; chosen: by hand
    dropout: float = 0.0  # share of the features hidden at random in training, in each round and before the heads
    anonymous: float = 0.0  # share of the residues whose type is hidden in training
    n_placement_layers: int = 0  # rounds of messages that find C-alphas from other beads; 0: C-alpha beads alone
    inside: bool = False  # beads beside C-alphas are seen
    n_placement_neighbours: int = 12  # nearest anchors that a residue sees there; chosen: by hand
    # Weight, in sampling, of the rotamers of crystals where beads were moved.
    rotamers: float = 0.6  # chosen: docs/measurements.md, Rotamer frequencies of crystals

    def __post_init__(self):
        if self.rotamers < 0:
            raise ValueError(f"model: rotamers must be 0 or more, not {self.rotamers}")
        if not (0 <= self.dropout < 1 and 0 <= self.anonymous < 1):
            raise ValueError("model: dropout and anonymous must be in [0, 1)")


class GenZProt(Model):
    """
    The transferable C-alpha model.

    Parameters
    ----------
    config : GenZProtConfig

    Examples
    --------
    >>> model = GenZProt(GenZProtConfig(n_features=16, n_layers=1))
    >>> sum(p.numel() for p in model.parameters()) > 1000
    True
    """

    family = "genzprot"
    relaxes = True
    open_ends = True

    def __init__(self, config):
        super().__init__()
        self.config = config
        width = config.n_features
        self.inputs = Features(config)
        edges = self.inputs.n_edge_features
        self.prior_layers = interactions(config, edges)
        self.prior = normed_perceptron(width, width, 2 * config.n_latent)
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
        self.chis = nn.ModuleList(TorsionHead(width, 2 + k, config) for k in range(4))
        self.bins = CircularBins(config.n_bins)
        self.inside = BeadEncoder(width, config.n_basis, bias=False) if config.inside else None
        self.placement = Placement(config) if config.n_placement_layers else None

    def mapping(self, coarse, model=CA):
        """From the beads of a `BeadModel`, by default one a residue on its C-alpha, to the heavy atoms."""
        return Mapping.of(model, coarse)

    @property
    def heads(self):
        """The `TorsionHeads` that read torsions off what `decode` gives."""
        return TorsionHeads(self.peptide, self.phi, self.end, self.chis, self.bins, self.config.order)

    def condition(self, batch):
        """Prior features (n, C) and the `Neighbourhood` of beads."""
        features, around = self.inputs(batch)
        if self.inside is not None and batch.inside is not None:
            frame = bisector_frame(batch.before, batch.ca, batch.after)
            features = features + self.inside(batch.inside, frame, batch.types)
        for layer in self.prior_layers:
            features = layer(features, around)
        return features, around

    def decode(self, features, around, latent):
        """Features (n, C) from which the torsions are read."""
        features = features + self.latent(latent)
        for layer in self.decoder_layers:
            features = layer(features, around)
        return self.dropout(self.norm(features))

    def forward(self, batch, atoms, mask, torsions, known, noise, estimate=False):
        """
        The terms of the evidence lower bound, for training.

        Parameters
        ----------
        batch : Batch
        atoms, mask : torch.Tensor, shape (n, 14, 3), (n, 14) bool
            What the encoder sees.
        torsions, known : torch.Tensor, shape (n, 6), (n, 6) bool
            The targets.
        noise : torch.Tensor, shape (n, D)
            Standard normal numbers for the draw from the posterior.
        estimate : bool
            Return a point estimate of the torsions, too.

        Returns
        -------
        log_density : torch.Tensor, shape (n, 6)
            Of each known torsion, in nats per radian; 0 where unknown.
        kl : torch.Tensor, shape (n,)
            KL(q || p) in nats.
        estimated : torch.Tensor, shape (n, 6)
            Only with `estimate`: circular means of the distributions of the known torsions, in radians, each given the
            true torsions before it; 0 where unknown.
        """
        features, around = self.condition(batch)
        mean_p, log_p = (v.float() for v in self.prior(features).chunk(2, dim=-1))
        with torch.autocast(atoms.device.type, enabled=False):
            mean_q, log_q = self.encoder(batch, features.float(), atoms, mask)
        log_p, log_q = log_p.clamp(*_LOG_VARIANCES), log_q.clamp(*_LOG_VARIANCES)
        kl = 0.5 * (log_p - log_q + ((log_q.exp() + (mean_q - mean_p) ** 2) / log_p.exp()) - 1)
        hidden = self.decode(features, around, mean_q + (0.5 * log_q).exp() * noise)
        estimated = torsions.new_zeros(torsions.shape) if estimate else None
        log_density = self._log_densities(batch, hidden, torsions, known, estimated)
        return (log_density, kl.sum(-1), estimated) if estimate else (log_density, kl.sum(-1))

    def _log_densities(self, batch, hidden, torsions, known, estimated=None):
        out = torsions.new_zeros(torsions.shape)

        def score(column, rows, head, features, *seen):
            if len(rows):
                given = [fourier(torsions[at, k], known[at, k] & ok, self.config.order) for at, k, ok in seen]
                logits = head(features, torch.cat(given, dim=-1))
                out[rows, column] = self.bins.log_density(logits, torsions[rows, column])
                if estimated is not None:
                    estimated[rows, column] = self.bins.mean(logits)

        everyone = torch.ones_like(batch.first)
        rows = (known[:, PEPTIDE] & ~batch.last).nonzero()[:, 0]
        joined = torch.cat([hidden[rows], hidden[rows + 1]], dim=-1)
        score(PEPTIDE, rows, self.peptide, joined, (rows - 1, PEPTIDE, ~batch.first[rows]))
        rows = (known[:, PEPTIDE] & batch.last).nonzero()[:, 0]
        score(PEPTIDE, rows, self.phi, hidden[rows], (rows - 1, PEPTIDE, ~batch.first[rows]))
        rows = known[:, END].nonzero()[:, 0]
        score(END, rows, self.end, hidden[rows], (rows, PEPTIDE, everyone[rows]))
        for k in CHIS:
            rows = known[:, k].nonzero()[:, 0]
            flanks = [(rows - 1, PEPTIDE, ~batch.first[rows]), (rows, PEPTIDE, everyone[rows])]
            inner = [(rows, earlier, everyone[rows]) for earlier in range(1, k)]
            score(k, rows, self.chis[k - 1], hidden[rows], *flanks, *inner)
        return out

    def draw(self, batch, normal, temperature=1.0):
        """
        Features from which the torsions are read, latents drawn from the prior.

        Parameters
        ----------
        batch : Batch
        normal : torch.Tensor, shape (n, D)
            Standard normal numbers.
        temperature : float
            Scales the deviations of the prior where it is below 1.

        Returns
        -------
        torch.Tensor, shape (n, C)
        """
        features, around = self.condition(batch)
        mean, log_variance = (v.to(normal.dtype) for v in self.prior(features).chunk(2, dim=-1))
        deviation = (0.5 * log_variance.clamp(*_LOG_VARIANCES)).exp() * min(temperature, 1.0)
        return self.decode(features, around, mean + deviation * normal).float()
