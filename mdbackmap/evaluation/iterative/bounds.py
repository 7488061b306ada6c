"""
The evidence lower bound of a chain: the sum of those of its steps, each on the true level above and below it.

A density has a measure. A CGVAE's is one of positions in angstrom, on the subspace that keeps the beads; GenZProt's one
of torsions per radian. Bounds are added up, and models are compared, only where all terms have one measure. Where the
beads of the later step are single atoms (C-alphas), the subspaces of two CGVAE steps together are that of one step from
the same beads to the same atoms, volume and all, so these may be compared.

Shapes: F frames, A atoms, L residues, D latent size.
"""

import numpy as np
import torch

from ...batch import Batch
from ...internal import InternalCoordinates
from ...residues import ATOMS, MAX_ATOMS
from ..molecules import reconstruct

POSITIONS, TORSIONS = "angstrom", "radian"
_FRAMES = 64  # at a time


def bounds(model, atoms, seed=0):
    """
    Terms of the evidence lower bound, one row a step.

    Parameters
    ----------
    model : Chain or CGVAE
    atoms : (F, A, 3) float array
        True frames at the model's finest level, or at one that an earlier step makes: later steps are left out.
    seed : int
        Of the draws from the posterior, one of each frame.

    Returns
    -------
    list of dict
        ``family``, ``measure``, ``dimensions``, ``log_density``, ``kl``, ``elbo``: nats a frame. A last row, "whole",
        if all have one measure.
    """
    steps = list(model.steps) if model.family == "chain" else [model]
    mappings = model.mappings() if model.family == "chain" else [model.molecule]
    level, rows = np.asarray(atoms, dtype=np.float32), []
    n_steps = 1 + next(k for k, mapping in enumerate(mappings) if mapping.n_atoms == level.shape[1])
    steps, mappings = steps[:n_steps], mappings[:n_steps]
    for step, mapping in zip(reversed(steps), reversed(mappings), strict=True):
        found = _positions(step, level, seed) if step.family == "cgvae" else _torsions(step, mapping, level, seed)
        rows.append({"family": step.family, **found})
        level = mapping.project(level)
    rows = rows[::-1]
    if len({row["measure"] for row in rows}) == 1:
        total = {key: sum(row[key] for row in rows) for key in ("dimensions", "log_density", "kl", "elbo")}
        rows.append({"family": "whole", "measure": rows[0]["measure"], **total})
    return rows


def _positions(step, level, seed):
    owning = len(np.unique(step.molecule.beads))
    _, nats = reconstruct(step, level - level.mean(1, keepdims=True), seed)
    return {"measure": POSITIONS, "dimensions": 3 * (step.molecule.n_atoms - owning), **nats}


@torch.no_grad()
def _torsions(step, mapping, level, seed):
    coarse = mapping.coarse
    internal = InternalCoordinates(*(torch.tensor(x) for x in (coarse.types, coarse.ends, coarse.cis)))
    slots, mask = as_slots(mapping.fine, level)
    slots, mask = torch.tensor(slots, dtype=torch.float32), torch.tensor(mask)
    generator = torch.Generator().manual_seed(seed)
    density, kl, count = 0.0, 0.0, 0
    for part in slots.split(_FRAMES):
        beads, there = part[:, :, 1], mask.expand(len(part), -1, -1)
        torsions, known = internal.to_internal(beads, part, there)
        batch = Batch.from_frames(internal, beads, step.config.n_neighbours)
        noise = torch.randn(beads[..., 0].numel(), step.config.n_latent, generator=generator)
        flat = (part, there, torsions, known)
        log_density, own = step(batch, *(x.flatten(0, 1) for x in flat), noise)
        density, kl = density + float(log_density.sum()), kl + float(own.sum())
        count = int(known[0].sum())
    density, kl = density / len(slots), kl / len(slots)
    return {"measure": TORSIONS, "dimensions": count, "log_density": density, "kl": kl, "elbo": density - kl}


def as_slots(fine, atoms):
    """
    Heavy atoms of a protein as an atom14 array (F, L, 14, 3), and which are there (L, 14).

    Parameters
    ----------
    fine : Topology
        As `protein_topology` makes it.
    atoms : (F, A, 3) float array
    """
    names = [ATOMS[name] for name in fine.resnames]
    slot = np.array([names[r].index(name) for r, name in zip(fine.residue_of_atom, fine.names, strict=True)])
    out = np.zeros((len(atoms), fine.n_residues, MAX_ATOMS, 3))
    mask = np.zeros((fine.n_residues, MAX_ATOMS), dtype=bool)
    out[:, fine.residue_of_atom, slot] = atoms
    mask[fine.residue_of_atom, slot] = True
    return out, mask
