"""
Frames of one molecule as a task for the training loop.

Shapes: F frames, N beads, A atoms, D latent size.
"""

import dataclasses

import numpy as np
import torch

from ...data.known import spread
from ...generation.bound import bind
from ...generation.noise import Noise
from ...metrics.graphs import compare_structures
from ...models.cgvae.messages import recompute
from ...options import Keys
from ..tasks import Task
from .holdout import HELD_OUT, TRAIN, VALID
from .molecule_config import LAST
from .molecule_terms import loss_terms


@dataclasses.dataclass
class Example:
    """
    Frames of a batch: atoms (F, A, 3) and noise (F, N, D) for latents of the posterior.

    Noise for latents of the prior and shifts (F, N, 3) of beads, where they are wanted.
    """

    atoms: torch.Tensor
    noise: torch.Tensor
    prior_noise: torch.Tensor | None = None
    shifts: torch.Tensor | None = None

    def to(self, device):
        """The same on another device."""
        parts = (self.atoms, self.noise, self.prior_noise, self.shifts)
        return Example(*(None if part is None else part.to(device) for part in parts))


class Frames(Task):
    """
    Training and held-out frames of one molecule.

    Parameters
    ----------
    positions : ndarray of float32, shape (F, A, 3)
        In angstrom, whole molecules.
    use : ndarray of int, shape (F,)
        What each is for, from `holdout.hold_out`.
    mapping : Mapping
        Of the model.
    config : MoleculeTraining
    n_latent : int
        Of the model.
    sources : list
        Where the frames come from, as plain values.
    described : str
        What the provenance says of them.
    """

    shown = ("positions", "graph", "kl")

    def __init__(self, positions, use, mapping, config, n_latent, sources=(), described=""):
        self.config, self.mapping, self.sources, self.described = config, mapping, list(sources), described
        centred = positions - positions.mean(1, keepdims=True)
        self.atoms = torch.from_numpy(np.ascontiguousarray(centred[use == TRAIN], dtype=np.float32))
        held = np.flatnonzero(use == (VALID if (use == VALID).any() else HELD_OUT))
        some = spread(len(held), config.validation.frames)
        self.held = torch.from_numpy(np.ascontiguousarray(centred[held[some]], dtype=np.float32)) if len(some) else None
        self.shape = (mapping.n_beads, n_latent)
        self.every = config.validation.every

    def __repr__(self):
        return self.described or f"<{len(self.atoms)} frames of {self.mapping.n_atoms} atoms>"

    @property
    def steps_per_epoch(self):
        """Number of batches of an epoch."""
        return -(-len(self.atoms) // self.config.batch_size)

    def plan(self, generator):
        """Numbers of the frames of each batch."""
        return list(torch.randperm(len(self.atoms), generator=generator).split(self.config.batch_size))

    def collate(self, part, generator):
        """The frames of a batch, with their noise."""
        normal = self._normal(len(part), generator)
        shifts = None
        if self.config.noise:
            shifts = bead_shifts(self.mapping.coarse, len(part), self.config.noise, generator)
        return Example(self.atoms[part], *normal, shifts)

    def _normal(self, n_frames, generator):
        """Noise for the posterior, and for the prior where its samples count in the loss."""
        normal = torch.randn(n_frames, *self.shape, generator=generator)
        wanted = self.config.loss.samples > 0
        return normal, torch.randn(n_frames, *self.shape, generator=generator) if wanted else None

    def terms(self, model, example, generator):
        """Where beads are shifted, their atoms shift too, but bonds to other beads keep the true lengths."""
        atoms = example.atoms
        if example.shifts is not None:
            atoms = atoms + example.shifts[:, model.tables.bead_of_atom]
        recompute(model, self.config.recompute)
        made = model(atoms, example.noise, prior_noise=example.prior_noise)
        return loss_terms(model, atoms, made, example.atoms), torch.tensor(float(len(atoms)))

    def validate(self, model, device):
        """Terms of the loss and scores of samples on the held-out frames."""
        if self.held is None:
            return {}
        model.eval()
        generator = torch.Generator().manual_seed(0)
        batches = []
        for atoms in self.held.split(256):
            example = Example(atoms, *self._normal(len(atoms), generator)).to(device)
            with torch.no_grad():
                made = model(example.atoms, example.noise, prior_noise=example.prior_noise)
                named = loss_terms(model, example.atoms, made)
            batches.append({name: float(value) * len(atoms) / len(self.held) for name, value in named.items()})
        row = {f"valid_{name}": sum(part[name] for part in batches) for name in batches[0]}
        weights = vars(self.config.loss)
        row["valid_loss"] = sum(weights[name] * row[f"valid_{name}"] for name in batches[0])
        return {**row, **self._samples(model, device)}

    def _samples(self, model, device):
        """Samples from the prior, given the beads of the held-out frames."""
        beads = model.tables.project(self.held.to(device))
        drawn = bind(model, self.mapping).sample(beads, Noise(), Keys.first(len(beads))).cpu().numpy()
        row = compare_structures(drawn, self.held.numpy(), self.mapping.fine.elements)
        names = [(kind, name) for kind in ("all", "heavy") for name in ("rmsd", "ged") if f"{name}_{kind}" in row]
        return {f"sample_{name}_{kind}".removesuffix("_all"): row[f"{name}_{kind}"] for kind, name in names}

    def best(self, row, before):
        """Whether a row is better by the column that the settings name."""
        name = self.config.validation.best_by
        if name == LAST or self.held is None:
            return True
        if name not in row or not np.isfinite(row[name]):
            return False
        return before is None or row[name] < before[name]


def bead_shifts(coarse, n_frames, amplitude, generator):
    """
    Displacements of beads such as an earlier step of a cascade makes: random, and alike for bonded beads.

    Parameters
    ----------
    coarse : Topology
        N beads, with bonds.
    n_frames : int
    amplitude : float
        Largest RMS over the beads of a frame, angstrom; that of a frame is drawn evenly below it.
    generator : torch.Generator

    Returns
    -------
    torch.Tensor, shape (F, N, 3)
    """
    shifts = torch.randn(n_frames, coarse.n_atoms, 3, generator=generator)
    if len(coarse.bonds):
        first, second = torch.tensor(coarse.bonds).T
        near = torch.zeros_like(shifts).index_add(1, first, shifts[:, second]).index_add(1, second, shifts[:, first])
        count = torch.bincount(torch.cat([first, second]), minlength=coarse.n_atoms).clamp_min(1)
        shifts = shifts + near / count[:, None]
    shifts = shifts / shifts.square().sum(-1, keepdim=True).mean(1, keepdim=True).sqrt()
    return amplitude * torch.rand(n_frames, 1, 1, generator=generator) * shifts
