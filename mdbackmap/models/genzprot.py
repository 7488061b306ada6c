"""
GenZProt: from the C-alpha trace of any protein to its heavy atoms, by a variational autoencoder over torsions.

After Yang & Gomez-Bombarelli (ICML 2023, arXiv 2303.01569): an equivariant encoder q(z | atoms, beads), a learned
equivariant prior p(z | beads), a latent per residue, and a decoder to internal coordinates. Here these coordinates
are those of `mdbackmap.torsions.internal` (bonds, planarity and chirality by construction), and the decoder gives a
distribution of each torsion, one after another along the chain and out along the side chain.

Shapes: n beads in all, K neighbours, C features, D latent size, B bins, T = 6 torsions. Angstrom and radians.
"""

import dataclasses
import functools

import torch
from torch import nn

from ..backbone.peptides import FAINT, draw_peptides
from ..chemistry import residues
from ..generation.noise import Noise
from ..molecule.mapping import Mapping
from ..packing.candidates import fold_symmetric
from ..packing.choosing import draw_sidechains
from ..packing.replacing import Clashing, replace_clashing
from ..packing.rotamers import RotamerPrior
from ..packing.settings import PackingSettings
from ..packing.settling import settle
from ..torsions.circular import CircularBins, fourier
from ..torsions.heads import TorsionHead, TorsionHeads
from ..torsions.internal import TORSIONS, InternalCoordinates
from ..traces.relaxation import Relaxation
from .base import Model
from .batch import Batch, passes
from .denoiser import bundled as denoiser_on
from .features import Features
from .layers import Interaction
from .posterior import Encoder

_PEPTIDE, _END = 0, 5
_CHIS = (1, 2, 3, 4)
_PACKING = PackingSettings()


@dataclasses.dataclass(frozen=True)
class GenZProtConfig:
    """Sizes of the network; `GenZProt(GenZProtConfig())` is the published-size model."""

    n_features: int = 128  # scalar features of a residue
    n_neighbours: int = 16  # nearest C-alphas that a residue sees in each round
    n_layers: int = 4  # rounds of messages in the prior
    n_decoder_layers: int = 1  # rounds of messages after the latent is known
    n_latent: int = 8  # numbers of the latent of a residue
    n_channels: int = 8  # channels of each l of the equivariant densities
    n_basis: int = 16  # radial functions of a distance
    n_bins: int = 72  # tents on the circle for each torsion
    order: int = 4  # Fourier order in which a torsion is shown to the next ones
    dropout: float = 0.0  # share of the features hidden at random in training, in each round and before the heads
    anonymous: float = 0.0  # share of the residues whose type is hidden in training
    rotamers: float = 0.6  # weight, in sampling, of the rotamers of crystals where beads were moved

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
        self.chis = nn.ModuleList(TorsionHead(width, 2 + k, config) for k in range(4))
        self.bins = CircularBins(config.n_bins)
        self._bound = self._relaxation = None

    # the network -----------------------------------------------------------------------------------------------

    def mapping(self, coarse):
        """One bead a residue, on its C-alpha."""
        return Mapping.ca(coarse)

    @property
    def heads(self):
        """The `TorsionHeads` that read torsions off what `decode` gives."""
        return TorsionHeads(self.peptide, self.phi, self.end, self.chis, self.bins, self.config.order)

    def condition(self, batch):
        """Prior features (n, C) and what every round of messages needs of the neighbourhood."""
        features, edges, sphere = self.inputs(batch)
        around = (edges, batch.neighbours, batch.weights(edges.dtype), sphere)
        for layer in self.prior_layers:
            features = layer(features, *around)
        return features, around

    def decode(self, features, around, latent):
        """Features (n, C) from which the torsions are read."""
        features = features + self.latent(latent)
        for layer in self.decoder_layers:
            features = layer(features, *around)
        return self.dropout(self.norm(features))

    def _fourier(self, angles, known):
        return fourier(angles, known, self.config.order)

    def forward(self, batch, atoms, mask, torsions, known, noise, estimate=False):
        """
        The terms of the evidence lower bound, for training.

        Parameters
        ----------
        batch : Batch
        atoms, mask : torch.Tensor (n, 14, 3), (n, 14) bool
            What the encoder sees.
        torsions, known : torch.Tensor (n, 6), (n, 6) bool
            The targets.
        noise : torch.Tensor (n, D)
            Standard normal numbers for the draw from the posterior.
        estimate : bool
            Return a point estimate of the torsions, too.

        Returns
        -------
        log_density : torch.Tensor (n, 6)
            Of each known torsion, in nats per radian; 0 where unknown.
        kl : torch.Tensor (n,)
            KL(q || p) in nats.
        estimated : torch.Tensor (n, 6)
            Only with `estimate`: circular means of the distributions of the known torsions, in radians, each given the
            true torsions before it; 0 where unknown.
        """
        features, around = self.condition(batch)
        mean_p, log_p = (v.float() for v in self.prior(features).chunk(2, dim=-1))
        with torch.autocast(atoms.device.type, enabled=False):
            mean_q, log_q = self.encoder(batch, features.float(), atoms, mask)
        log_p, log_q = log_p.clamp(-8, 4), log_q.clamp(-8, 4)
        kl = 0.5 * (log_p - log_q + ((log_q.exp() + (mean_q - mean_p) ** 2) / log_p.exp()) - 1)
        hidden = self.decode(features, around, mean_q + (0.5 * log_q).exp() * noise)
        estimated = torsions.new_zeros(torsions.shape) if estimate else None
        log_density = self._log_densities(batch, hidden, torsions, known, estimated)
        return (log_density, kl.sum(-1), estimated) if estimate else (log_density, kl.sum(-1))

    def _log_densities(self, batch, hidden, torsions, known, estimated=None):
        out = torsions.new_zeros(torsions.shape)

        def score(column, rows, head, features, *seen):
            if len(rows):
                given = torch.cat([self._fourier(torsions[at, k], known[at, k] & ok) for at, k, ok in seen], dim=-1)
                logits = head(features, given)
                out[rows, column] = self.bins.log_density(logits, torsions[rows, column])
                if estimated is not None:
                    estimated[rows, column] = self.bins.mean(logits)

        everyone = torch.ones_like(batch.first)
        rows = (known[:, _PEPTIDE] & ~batch.last).nonzero()[:, 0]
        joined = torch.cat([hidden[rows], hidden[rows + 1]], dim=-1)
        score(_PEPTIDE, rows, self.peptide, joined, (rows - 1, _PEPTIDE, ~batch.first[rows]))
        rows = (known[:, _PEPTIDE] & batch.last).nonzero()[:, 0]
        score(_PEPTIDE, rows, self.phi, hidden[rows], (rows - 1, _PEPTIDE, ~batch.first[rows]))
        rows = known[:, _END].nonzero()[:, 0]
        score(_END, rows, self.end, hidden[rows], (rows, _PEPTIDE, everyone[rows]))
        for k in _CHIS:
            rows = known[:, k].nonzero()[:, 0]
            flanks = [(rows - 1, _PEPTIDE, ~batch.first[rows]), (rows, _PEPTIDE, everyone[rows])]
            inner = [(rows, earlier, everyone[rows]) for earlier in range(1, k)]
            score(k, rows, self.chis[k - 1], hidden[rows], *flanks, *inner)
        return out

    # sampling --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, mapping, beads, noise, frames, samples, times, box=None, bead_tolerance=0.0):
        """Atoms of frames of C-alphas; see `Model.sample`."""
        internal, slots = self._bind(mapping, beads.device)
        if noise.temperature == 0:  # a function of the beads alone: the same candidates for all frames and samples
            noise, frames, samples, times = Noise(temperature=0), [0] * len(beads), [0] * len(beads), [0.0] * len(beads)
        normal = noise.normal(frames, samples, times, (beads.shape[1], self.n_random))
        normal = torch.from_numpy(normal).to(beads)
        relaxed, tolerances, guide = self._relax(internal, beads, bead_tolerance, box)
        torsions = self.sample_torsions(internal, relaxed.to(beads), normal, noise.temperature, box, guide)
        if guide is not None:
            slopes = self._relaxation_of(internal).slopes(beads, tolerances, box, _PACKING.settling.firmness)
            relaxed, torsions = settle(slopes, relaxed, torsions, _PACKING)
        atoms = internal.to_cartesian(relaxed, torsions)
        return atoms.flatten(1, 2)[:, slots]

    def _bind(self, mapping, device):
        """Internal coordinates and atom slots of a molecule; those of the last one are kept."""
        if self._bound is None or self._bound[0] is not mapping or self._bound[1] != device:
            internal = InternalCoordinates.of(mapping.coarse, device)
            self._bound = (mapping, device, internal, self._slots(mapping, device))
        return self._bound[2:]

    def __getstate__(self):
        return {**super().__getstate__(), "_bound": None, "_relaxation": None}

    @staticmethod
    def _slots(mapping, device):
        slot = {(name, atom): k for name, atoms in residues.ATOMS.items() for k, atom in enumerate(atoms)}
        fine, types = mapping.fine, mapping.coarse.types
        names = [residues.RESIDUE_NAMES[kind] for kind in types]
        pairs = zip(fine.residue_of_atom, fine.names, strict=True)
        return torch.tensor([r * 14 + slot[names[r], atom] for r, atom in pairs], device=device)

    @property
    def n_random(self):
        """Standard normal numbers that a residue's sample is made of: latent, peptide and end, side chain."""
        return self.config.n_latent + 2 + _PACKING.candidates.n_random

    def _relax(self, internal, beads, tolerance, box):
        """Relaxed beads (F, N, 3), how far each frame may move, and the `Guide` on them or None."""
        if tolerance == 0:
            return beads, None, None
        denoiser = denoiser_on(beads.device)
        return self._relaxation_of(internal)(beads, tolerance, box, functools.partial(denoiser.denoise, internal))

    def _relaxation_of(self, internal):
        if self._relaxation is None or self._relaxation.internal is not internal:
            self._relaxation = Relaxation(internal)
        return self._relaxation

    def _hint(self, internal, beads, guide):
        """What draws use beside the network: the `Guide` of relaxed frames, weak Ramachandran maps for the others."""
        if guide is None:
            return self._relaxation_of(internal).strain.guide(beads.double(), beads.new_full(beads.shape[:1], FAINT))
        return guide.at_least(FAINT)

    def _prior(self, internal, guide, part):
        """Rotamer frequencies of crystals for the frames whose beads were moved; None where only the network counts."""
        if guide is None or not self.config.rotamers:
            return None
        return RotamerPrior(internal.types, self.config.rotamers * guide.strength[part], self.config.n_bins)

    def sample_torsions(self, internal, beads, normal, temperature, box=None, guide=None):
        """
        Torsions (F, N, 6) in radians for beads (F, N, 3), side chains chosen so that they do not overlap.

        `normal` (F, N, n_random) are standard normal numbers; `guide` is a `Guide` of the same frames, or None.
        """
        torsions, hidden = self.draw_backbones(internal, beads, normal, temperature, box, guide)
        uniform = _uniform(normal[..., self.config.n_latent + 2 :])
        drawn, parts = [], passes(beads)
        for part in parts:
            prior, cell = self._prior(internal, guide, part), None if box is None else box[part]
            told = (
                internal,
                beads[part],
                hidden[part],
                torsions[part],
                uniform[part],
                temperature,
                _PACKING,
                cell,
                prior,
            )
            drawn.append(draw_sidechains(self.heads, *told))
        chosen, stuck = zip(*drawn, strict=True)
        stuck = Clashing.join(stuck, [part.start for part in parts])
        return fold_symmetric(
            internal.types, replace_clashing(internal, beads, torch.cat(chosen), stuck, _PACKING, box)
        )

    def draw_backbones(self, internal, beads, normal, temperature, box=None, guide=None):
        """
        Torsions (F, N, 6) with those of peptides and chain ends filled in, and decoder features (F, N, C).

        Arguments are those of `sample_torsions`.
        """
        hidden = torch.cat(
            [
                self._hidden(internal, beads[p], normal[p], temperature, None if box is None else box[p])
                for p in passes(beads)
            ]
        )
        size = self.config.n_latent
        uniform = _uniform(normal[..., size : size + 2])
        torsions = beads.new_zeros(*beads.shape[:2], len(TORSIONS))
        if temperature > 0:
            guide = self._hint(internal, beads, guide)
        torsions[..., _PEPTIDE] = draw_peptides(
            self.heads, internal, beads, hidden, uniform[..., 0], temperature, guide, box
        )
        self._draw_ends(internal, hidden, torsions, uniform[..., 1], temperature)
        return torsions, hidden

    def _hidden(self, internal, beads, normal, temperature, box):
        """Decoder features (f, N, C) of some frames, the latent drawn from the prior."""
        batch = Batch.from_frames(internal, beads, self.config.n_neighbours, box)
        features, around = self.condition(batch)
        mean, log_variance = (v.to(normal.dtype) for v in self.prior(features).chunk(2, dim=-1))
        deviation = (0.5 * log_variance.clamp(-8, 4)).exp() * min(temperature, 1.0)
        latent = mean + deviation * normal[..., : self.config.n_latent].reshape(mean.shape)
        return self.decode(features, around, latent).float().reshape(*beads.shape[:2], -1)

    def _draw_ends(self, internal, hidden, torsions, uniform, temperature):
        """Fill in what places N of the first and O of the last residue of each stretch."""
        at = (internal.starts | internal.ends).nonzero()[:, 0]
        given = torch.ones_like(at, dtype=torch.bool).expand(len(torsions), -1)
        logits = self.end(hidden[:, at], self._fourier(torsions[:, at, _PEPTIDE], given))
        torsions[:, at, _END] = self.bins.draw(logits, uniform[:, at], temperature)


def _uniform(normal):
    """Numbers (...) in (0, 1), uniform, from standard normal ones."""
    return torch.special.ndtr(normal).clamp(1e-6, 1 - 1e-6)
