"""
CGVAE: any molecule, any mapping; a variational autoencoder with a Cartesian decoder, one molecule a model.

After Wang et al. (ICML 2022, arXiv 2201.12176): an encoder q(z | atoms, beads) with messages on the graph of the atoms
that are pooled in their beads, a prior p(z | beads) with messages on the beads, an invariant latent z of each bead, and
a decoder whose vectors turn along with the beads: the k-th atom of a bead takes the k-th vector of that bead, the
weighted mean of these vectors is subtracted, and the bead is added, so that beads stay where they are.

Three beads lie in a plane, and products of vectors alone never leave it. Therefore the pseudo-scalars of all beads
start at 1 with ``parity="chiral"``: the model then is SO(3)-equivariant and chiral, so that mirrored beads do not give
the mirror image of the atoms. With ``parity="full"`` (four beads and more) they start at 0, and
mirrored beads do give mirrored atoms.

Shapes: F frames, N beads, A atoms, J slots a bead, C scalar and M vector channels, D latent size. Angstrom, nats.
"""

import dataclasses
import math

import torch
from torch import nn

from ...geometry.neighbours import nearest
from ...geometry.periodic import minimum_image
from ...molecule.mapping import MappingError
from ...molecule.plain import from_plain
from ..base import Model
from ..layers import normed_perceptron, radial_basis
from .encoder import BeadEncoder, Frame
from .messages import Edges, Features, Rounds
from .tables import MoleculeTables

PARITIES = ("chiral", "full")
_LOG_VARIANCES = (-10.0, 4.0)  # of latents, no unit; chosen: by hand, beyond nothing is learned
_LEAST_BEADS = 4  # cited: geometry, three lie in a plane
_WIDTH = 0.3  # angstrom: spread of atoms before training; chosen: by hand


@dataclasses.dataclass(frozen=True)
class CGVAEConfig:
    """The molecule with its mapping, and the sizes of the network."""

    molecule: dict = dataclasses.field(repr=False)  # mapping and both topologies, as `molecule.plain.to_plain` has them
    parity: str = "chiral"  # "full": mirrored beads give mirrored atoms (four beads and more)
    n_features: int = 64  # scalar features of a bead; chosen: by hand
    n_channels: int = 16  # channels of pseudo-scalars, vectors and pseudo-vectors; chosen: by hand
    n_latent: int = 8  # numbers of the latent of a bead; chosen: by hand
    n_prior_layers: int = 3  # rounds on the beads before the latent; chosen: by hand, one alone is not chiral
    n_layers: int = 2  # rounds of messages after it; chosen: by hand
    n_encoder_layers: int = 1  # rounds of messages on the atoms; chosen: by hand
    n_basis: int = 16  # radial functions of a distance; chosen: by hand
    n_frame: int = 8  # vectors of a bead from which those of its atoms are mixed; chosen: by hand
    n_neighbours: int = 16  # nearest beads that a bead sees; chosen: by hand
    shortest: float = 2.0  # angstrom: range of the radial functions between beads; chosen: by hand
    longest: float = 20.0  # angstrom; chosen: by hand
    atom_shortest: float = 0.8  # angstrom: range of the radial functions between bonded atoms; chosen: by hand
    atom_longest: float = 2.4  # angstrom; chosen: by hand

    def __post_init__(self):
        if self.parity not in PARITIES:
            raise ValueError(f"parity must be 'chiral' or 'full', not {self.parity!r}")
        if not 0 <= self.shortest < self.longest:
            raise ValueError(f"shortest = {self.shortest}, longest = {self.longest}: expected 0 <= shortest < longest")


@dataclasses.dataclass
class Reconstruction:
    """
    What the loss is made of, for F frames.

    Attributes
    ----------
    atoms : torch.Tensor, shape (F, A, 3)
        Decoded from a draw of the posterior.
    log_density : torch.Tensor, shape (F,)
        log p(atoms | beads, latent) in nats; lengths in angstrom, in the subspace that keeps the beads.
    kl : torch.Tensor, shape (F, N)
        KL(posterior || prior) of each bead, in nats.
    drawn : torch.Tensor, shape (F, A, 3), or None
        Decoded from a draw of the prior; no gradient reaches the prior.
    """

    atoms: torch.Tensor
    log_density: torch.Tensor
    kl: torch.Tensor
    drawn: torch.Tensor | None = None


class CGVAE(Model):
    """
    A model of one molecule.

    Parameters
    ----------
    config : CGVAEConfig

    Raises
    ------
    MappingError
        A mapping that the model cannot have: fewer than three beads, an atom in two beads; a planar one with
        ``parity="full"``.

    Examples
    --------
    >>> from mdbackmap.molecule.grouping import Groups, group_mapping
    >>> from mdbackmap.molecule.plain import to_plain
    >>> from mdbackmap.molecule.topology import Topology
    >>> butane = Topology(["C1", "C2", "C3", "C4"], ["C"] * 4, [0] * 4, ["BUT"], [1], [""], ["A"], [""],
    ...                   bonds=[[0, 1], [1, 2], [2, 3]])
    >>> mapping = group_mapping(butane, Groups([[0, 1], [2], [3]], "mine"))
    >>> model = CGVAE(CGVAEConfig(to_plain(mapping), n_features=8, n_channels=4))
    >>> atoms = torch.randn(5, 4, 3)
    >>> model(atoms, torch.randn(5, 3, 8)).atoms.shape
    torch.Size([5, 4, 3])
    """

    family = "cgvae"

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.molecule = from_plain(config.molecule)
        self.tables = MoleculeTables(self.molecule)
        if config.parity == "full" and self.molecule.n_beads < _LEAST_BEADS:
            raise MappingError(
                f"parity='full' with {self.molecule.n_beads} beads: they lie in a plane, and no atom could leave it; "
                "take parity='chiral', or four beads or more"
            )
        sizes = (config.n_features, config.n_channels, config.n_basis)
        bead_kinds, atom_kinds = self.tables.n_kinds
        self.bead_embedding = nn.Embedding(bead_kinds, config.n_features)
        self.trunk = Rounds(config.n_prior_layers, *sizes)
        self.prior = normed_perceptron(config.n_features, config.n_features, 2 * config.n_latent)
        self.encoder = BeadEncoder(config, atom_kinds, self.tables)
        self.latent = nn.Linear(config.n_latent, config.n_features)
        self.decoder = Rounds(config.n_layers, *sizes)
        self.frame = Frame(config.n_channels, config.n_frame)
        n_mixed = self.tables.n_slots * config.n_frame
        self.slots = normed_perceptron(config.n_features, 2 * config.n_features, n_mixed)
        self.log_width = nn.Parameter(torch.full((atom_kinds,), math.log(_WIDTH)))
        self.eval()

    def mapping(self, coarse=None, model=None):
        """The model's own mapping, whatever the topology of the beads says: `molecule.binding` compares them."""
        return self.molecule

    def condition(self, beads, box=None):
        """Features of the beads (F, N, 3), and the edges between them."""
        edges = self.edges(beads, box)
        scalars = self.bead_embedding(self.tables.kind_of_bead).repeat(len(beads), 1)
        features = Features.start(scalars, self.config.n_channels, self.config.parity == "chiral")
        return self.trunk(features, edges), edges

    def edges(self, beads, box=None):
        """Neighbours of the beads (F, N, 3): all others, or the nearest where there are many."""
        n_frames, n_beads = beads.shape[:2]
        if n_beads <= self.config.n_neighbours + 1:
            others = torch.arange(n_beads - 1, device=beads.device).expand(n_beads, -1)
            index = others + (others >= torch.arange(n_beads, device=beads.device)[:, None])
            displacements = beads[:, index] - beads.unsqueeze(2)
            if box is not None:
                displacements = minimum_image(displacements, box[:, None, None])
            index, present = index.expand(n_frames, -1, -1), torch.ones_like(displacements[..., 0], dtype=torch.bool)
        else:
            index, displacements, present, _ = nearest(beads, self.config.n_neighbours, box=box)
        shift = torch.arange(n_frames, device=beads.device)[:, None, None] * n_beads
        parts = (index + shift, displacements, present)
        return Edges.of(*(part.flatten(0, 1) for part in parts), self._radial)

    def _radial(self, distances):
        return radial_basis(distances, self.config.n_basis, self.config.shortest, self.config.longest)

    def decode(self, features, edges, latent, beads):
        """Atoms (F, A, 3) for latents (F * N, D)."""
        features = features._replace(scalars=features.scalars + self.latent(latent))
        features = self.decoder(features, edges)
        axes = self.frame(features)  # (n, B, 3)
        mixed = self.slots(features.scalars).unflatten(-1, (self.tables.n_slots, -1)) @ axes  # (n, J, 3)
        offsets = mixed.unflatten(0, (len(beads), -1))  # (F, N, J, 3)
        offsets = offsets - (offsets * self.tables.weights.unsqueeze(-1)).sum(2, keepdim=True)
        return (beads.unsqueeze(2) + offsets).flatten(1, 2)[:, self.tables.slot_of_atom]

    def forward(self, atoms, noise, box=None, prior_noise=None):
        """
        Encode and decode, for training.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)
            Whole molecules, in angstrom.
        noise : torch.Tensor, shape (F, N, D)
            Standard normal numbers for the draw from the posterior.
        box : torch.Tensor, shape (F, 3, 3), optional
        prior_noise : torch.Tensor, shape (F, N, D), optional
            The same for a draw from the prior, which is decoded, too.

        Returns
        -------
        Reconstruction
        """
        beads = self.tables.project(atoms)
        features, edges = self.condition(beads, box)
        mean_p, log_p = _gaussian(self.prior(features.scalars))
        mean_q, log_q = _gaussian(self.encoder(features, edges, beads, atoms))
        kl = 0.5 * (log_p - log_q + (log_q.exp() + (mean_q - mean_p).square()) / log_p.exp() - 1).sum(-1)
        latent = mean_q + (0.5 * log_q).exp() * noise.flatten(0, 1)
        decoded = self.decode(features, edges, latent, beads)
        drawn = None
        if prior_noise is not None:
            latent = (mean_p + (0.5 * log_p).exp() * prior_noise.flatten(0, 1)).detach()
            drawn = self.decode(features, edges, latent, beads)
        return Reconstruction(decoded, self.log_density(atoms, decoded), kl.unflatten(0, (len(atoms), -1)), drawn)

    def log_density(self, atoms, decoded, some=None):
        """
        Log density (F,) of atoms, log p(atoms | decoded) in nats, under Gaussians of the learned widths.

        The density is one of the subspace of displacements that leave every bead where it is: independent Gaussians of
        widths s_a on it, with the volume of that subspace (3 (A - N) dimensions, if every bead owns atoms).

        With `some` (A,) bool, the density of these atoms alone; all that count in a bead have to be among them.
        """
        log_width = self.log_width[self.tables.kind_of_atom]  # (A,)
        weights, bead = self.tables.share, self.tables.bead_of_atom
        if some is not None:
            if (weights[~some] != 0).any():
                raise ValueError("atoms that count in a bead are left out: the others have no density of their own")
            atoms, decoded = atoms[:, some], decoded[:, some]
            log_width, weights, bead = log_width[some], weights[some], bead[some]
        squared = ((atoms - decoded).square().sum(-1) / (2 * log_width).exp()).sum(-1)
        zero = weights.new_zeros(self.tables.n_beads)
        norm = zero.index_add(0, bead, weights.square())
        spread = zero.index_add(0, bead, weights.square() * (2 * log_width).exp())
        owning = norm > 0
        # |B' D^-1 B| of the precision in an orthonormal basis B of the subspace, bead by bead
        log_det = -2 * log_width.sum() + (spread[owning].log() - norm[owning].log()).sum()
        n_free = len(log_width) - owning.sum()
        return -0.5 * squared - 3 / 2 * n_free * math.log(2 * math.pi) + 3 / 2 * log_det

    def draw(self, beads, normal, box=None):
        """Atoms (F, A, 3) for beads (F, N, 3), from standard normal numbers (F, N, D) for the latent."""
        features, edges = self.condition(beads, box)
        mean, log_variance = _gaussian(self.prior(features.scalars))
        latent = mean + (0.5 * log_variance).exp() * normal.flatten(0, 1)
        return self.decode(features, edges, latent, beads)


def _gaussian(numbers):
    mean, log_variance = numbers.chunk(2, dim=-1)
    return mean, log_variance.clamp(*_LOG_VARIANCES)
