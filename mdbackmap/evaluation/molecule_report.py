"""
A CGVAE judged on the frames of its molecule that were held out from its training.

Reconstructions are decoded from the posterior, which has seen the atoms; samples from the prior, given the beads
alone. All samples count, whatever their bonds, and nothing is superposed: the beads fix the frame of reference. The
linear lift, least squares from the beads of the training frames to their atoms, is the baseline.

Shapes: F frames, N beads, A atoms, D latent size. Positions in angstrom.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import torch

from ..generation.bound import bind
from ..generation.noise import Noise
from ..metrics.graphs import compare_structures
from ..options import Keys
from .peptide_torsions import divergence, halves, phi_psi, phi_psi_atoms

_FRAMES = 256  # at a time


@dataclasses.dataclass(frozen=True, eq=False)
class MoleculeJudgement:
    """
    What was measured.

    Attributes
    ----------
    table : dict of str to dict of str to float
        Metrics of "reconstruction", "sample" and "linear lift".
    nats : dict of str to float
        The evidence lower bound of held-out frames and its two terms, nats a frame; lengths in angstrom.
    dihedrals : dict of str to float
        Divergences of (phi, psi), in nats; empty where the molecule has none.
    angles : dict of str to ndarray
        phi and psi (n, 2) of "MD" and "sample", in radians.
    frames_per_second : float
        Of sampling.
    """

    table: dict
    nats: dict
    dihedrals: dict
    angles: dict
    frames_per_second: float


def judge_molecule(model, held, trained=None, *, n_samples=1, temperature=1.0, seed=0, legacy=False):
    """
    Judge a model.

    Parameters
    ----------
    model : CGVAE
    held : ndarray of float, shape (F, A, 3)
        Held-out frames, molecules whole.
    trained : ndarray of float, shape (f, A, 3), optional
        Training frames, for the linear lift.
    n_samples : int
        Samples of each frame.
    temperature : float
    seed : int
    legacy : bool
        Signed graph differences.

    Returns
    -------
    MoleculeJudgement
    """
    held = np.asarray(held, dtype=np.float32)
    held = held - held.mean(1, keepdims=True)
    elements = model.molecule.fine.elements
    reconstructed, nats = reconstruct(model, held, seed)
    began = time.perf_counter()
    samples = [draw(model, held, sample, temperature, seed) for sample in range(n_samples)]
    rate = n_samples * len(held) / (time.perf_counter() - began)
    made = {"reconstruction": [reconstructed], "sample": samples}
    if trained is not None:
        made["linear lift"] = [linear_lift(model, np.asarray(trained, dtype=np.float32), held)]
    table = {}
    for name, structures in made.items():
        rows = [compare_structures(structure, held, elements, legacy) for structure in structures]
        table[name] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    angles, dihedrals, quintets = {}, {}, phi_psi_atoms(model.molecule.fine)
    if len(quintets):
        angles = {"MD": phi_psi(held, quintets), "sample": np.concatenate([phi_psi(x, quintets) for x in samples])}
        dihedrals["sample"] = divergence(phi_psi(samples[0], quintets), angles["MD"])
        dihedrals["halves"] = divergence(*halves(angles["MD"], len(quintets)))
    return MoleculeJudgement(table, nats, dihedrals, angles, rate)


@torch.no_grad()
def reconstruct(model, atoms, seed=0):
    """Atoms decoded from a draw of the posterior (F, A, 3), and the terms of the evidence lower bound, nats a frame."""
    generator = torch.Generator().manual_seed(seed)
    shape = (model.molecule.n_beads, model.config.n_latent)
    out, density, kl, device = [], [], [], next(model.parameters()).device
    for part in torch.tensor(atoms, device=device).split(_FRAMES):
        made = model(part, torch.randn(len(part), *shape, generator=generator).to(device))
        out.append(made.atoms)
        density.append(made.log_density)
        kl.append(made.kl.sum(1))
    density, kl = float(torch.cat(density).mean()), float(torch.cat(kl).mean())
    return torch.cat(out).cpu().numpy(), {"log_density": density, "kl": kl, "elbo": density - kl}


def draw(model, atoms, sample=0, temperature=1.0, seed=0):
    """
    Samples from the prior, given the beads of atoms.

    Parameters
    ----------
    model : CGVAE
    atoms : ndarray of float, shape (F, A, 3)
        Angstrom; the frames are numbered from 0.
    sample : int
        Number of the sample.
    temperature : float
    seed : int

    Returns
    -------
    ndarray of float, shape (F, A, 3)
    """
    beads = model.tables.project(torch.tensor(atoms, device=next(model.parameters()).device))
    keys = Keys.of(range(len(beads)), sample)
    return bind(model, model.molecule).sample(beads, Noise(seed, temperature), keys).cpu().numpy()


def linear_lift(model, trained, held):
    """Atoms (F, A, 3) as the linear combination of beads that fits the training frames (f, A, 3) best."""
    beads = [model.molecule.project(x - x.mean(1, keepdims=True)) for x in (trained, held)]
    flat = np.swapaxes(beads[0], 1, 2).reshape(-1, beads[0].shape[1])
    target = np.swapaxes(trained - trained.mean(1, keepdims=True), 1, 2).reshape(-1, trained.shape[1])
    weights = np.linalg.lstsq(flat, target, rcond=None)[0]  # (N, A)
    return np.einsum("fnx,na->fax", beads[1], weights) + held.mean(1, keepdims=True)
