"""
CGVAE's encoder, and the frames of vectors that atoms are placed in.

Shapes: F frames, N beads (n = F N in a row), A atoms, J slots a bead, C scalar and M vector channels, B vectors of a
frame, D latent size. Angstrom.
"""

import torch
from torch import nn

from ..layers import normed_perceptron, perceptron, radial_basis
from .messages import Edges, Features, Rounds

_CERTAIN = -4.0  # log-variance of the posterior before training, no unit; chosen: by hand
_LEAST_CHANNELS = 4  # of the atoms' network; chosen: by hand


class BeadEncoder(nn.Module):
    """
    Mean and log-variance of the latent of each bead, from atoms and beads.

    Messages between bonded atoms; a bead takes the mean over its atoms, and the atoms' places in
    the frame of the bead's vectors (their scalar products with them); then a round of messages between beads.
    """

    def __init__(self, config, n_kinds, tables):
        super().__init__()
        width, channels = config.n_features // 2, max(_LEAST_CHANNELS, config.n_channels // 2)
        self.config, self.n_slots = config, tables.n_slots
        self.channels = channels
        self.embedding = nn.Embedding(n_kinds, width)
        self.start = nn.Linear(width, channels)
        self.rounds = Rounds(config.n_encoder_layers, width, channels, config.n_basis)
        self.pool = nn.Linear(width, config.n_features)
        self.pool_vectors = nn.Linear(channels, config.n_channels, bias=False)
        self.pool_pseudovectors = nn.Linear(channels, config.n_channels, bias=False)
        self.pool_pseudoscalars = nn.Linear(channels, config.n_channels, bias=False)
        self.frame = Frame(config.n_channels, config.n_frame)
        self.places = perceptron(tables.n_slots * config.n_frame, 2 * config.n_features, config.n_features)
        self.beads = Rounds(1, config.n_features, config.n_channels, config.n_basis)
        self.out = normed_perceptron(config.n_features, config.n_features, 2 * config.n_latent)
        with torch.no_grad():
            self.out[-1].bias[config.n_latent :] = _CERTAIN  # a narrow posterior from the start
        self._tables = (tables,)  # in a tuple: not a part of this module, the model has it already

    def forward(self, features, edges, beads, atoms):
        """Mean and log variance (n, 2 D), of beads (F, N, 3), their `features` and `edges`, and atoms (F, A, 3)."""
        tables = self._tables[0]
        n_frames = len(atoms)
        own = atoms - beads[:, tables.bead_of_atom]  # (F, A, 3)
        pooled = self._pool(self._atoms(atoms, own, tables), n_frames, tables)
        axes = self.frame(features).unflatten(0, (n_frames, -1))  # (F, N, B, 3)
        local = torch.einsum("fabx,fax->fab", axes[:, tables.bead_of_atom], own)  # (F, A, B)
        places = own.new_zeros(n_frames, tables.n_beads * self.n_slots, local.shape[-1])
        places = places.index_copy(1, tables.slot_of_atom, local).view(n_frames * tables.n_beads, -1)
        features = features.plus(pooled)
        features = features._replace(scalars=features.scalars + self.places(places))
        return self.out(self.beads(features, edges).scalars)

    def _atoms(self, atoms, own, tables):
        """Features of the atoms (F * A) after their messages."""
        n_frames, n_atoms = atoms.shape[:2]
        index = tables.neighbours
        displacements = (atoms[:, index] - atoms.unsqueeze(2)).flatten(0, 1)  # no gradient: atoms are data
        shift = torch.arange(n_frames, device=atoms.device)[:, None, None] * n_atoms
        edges = Edges.of(
            (index + shift).flatten(0, 1),
            displacements,
            tables.present.repeat(n_frames, 1),
            lambda d: radial_basis(d, self.config.n_basis, self.config.atom_shortest, self.config.atom_longest),
        )
        scalars = self.embedding(tables.kind_of_atom).repeat(n_frames, 1)
        features = Features.start(scalars, self.channels, self.config.parity == "chiral")
        outward = self.start(scalars).unsqueeze(-1) * own.flatten(0, 1).unsqueeze(1) / 2.0
        return self.rounds(features._replace(vectors=outward), edges)

    def _pool(self, features, n_frames, tables):
        """Means over the atoms that rest on each bead, mixed to the sizes of beads."""
        count = torch.bincount(tables.bead_of_atom, minlength=tables.n_beads).clamp_min(1)

        def mean(values):
            values = values.unflatten(0, (n_frames, -1))
            total = values.new_zeros(n_frames, tables.n_beads, *values.shape[2:])
            total = total.index_add(1, tables.bead_of_atom, values)
            return (total / count.view(1, -1, *[1] * (values.dim() - 2))).flatten(0, 1)

        s, p, v, w = (mean(part) for part in features)
        linear = (self.pool_pseudoscalars(p), self.pool_vectors.weight @ v, self.pool_pseudovectors.weight @ w)
        return Features(self.pool(s), *linear)


class Frame(nn.Module):
    """
    A few vectors (n, B, 3) of each bead in which its atoms are placed, of about unit length.

    Half of them are mixed from the bead's vectors, half from pseudo-scalars times pseudo-vectors: where all beads lie
    in a plane, the latter stand out of it.
    """

    def __init__(self, n_channels, n_frame):
        super().__init__()
        self.vectors = nn.Linear(n_channels, n_frame - n_frame // 2, bias=False)
        self.pseudovectors = nn.Linear(n_channels, n_frame // 2, bias=False)

    def forward(self, features):
        """Vectors of a bead's features."""
        turned = features.pseudoscalars.unsqueeze(-1) * features.pseudovectors
        mixed = self.vectors.weight @ features.vectors, self.pseudovectors.weight @ turned
        return torch.cat([_scaled(vectors) for vectors in mixed], 1)


def _scaled(vectors):
    """Vectors (n, B, 3) scaled, all of a bead alike, to a root mean square length of 1."""
    return vectors / (1e-6 + vectors.square().sum(-1, keepdim=True).mean(-2, keepdim=True)).sqrt()
