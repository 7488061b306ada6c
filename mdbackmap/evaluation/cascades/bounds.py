"""
The evidence lower bound of a cascade: the sum of those of its steps, each on the true level above and below it.

A density has a measure. A CGVAE's is one of positions in angstrom, on the subspace that keeps the beads; GenZProt's one
of torsions per radian. Bounds are added up, and models are compared, only where all terms have one measure. Where the
beads of the later step are single atoms (C-alphas), the subspaces of two CGVAE steps together are that of one step from
the same beads to the same atoms, volume and all, so these may be compared. GenZProt's bond lengths and angles are
fixed, so it has no density of positions, and a cascade that ends with it none of atoms; but where beads are made of
C-alphas alone, a single step to all atoms has one of the C-alphas, with which the cascade's first steps compare.

Shapes: F frames, A atoms, R residues, D latent size.
"""

import numpy as np
import torch

from ...metrics.dihedrals import atom14
from ...models.batch import Batch
from ...torsions.internal import InternalCoordinates
from ...traces.mending import is_trace
from ..molecule_report import reconstruct

POSITIONS, TORSIONS = "angstrom", "radian"
_FRAMES = 64  # at a time


def bounds(model, atoms, seed=0):
    """
    Terms of the evidence lower bound, one row a step.

    Parameters
    ----------
    model : Cascade or CGVAE
    atoms : ndarray of float, shape (F, A, 3)
        True frames at the model's finest level, or at one that an earlier step makes: later steps are left out.
    seed : int
        Of the draws from the posterior, one of each frame.

    Returns
    -------
    list of dict
        ``family``, ``level`` (that the step makes), ``measure``, ``dimensions``, ``log_density``, ``kl``, ``elbo``:
        nats a frame. More rows: "whole", if all steps have one measure; "C-alphas" of what they say of these.
    """
    steps, mappings = steps_of(model)
    level, rows = np.asarray(atoms, dtype=np.float32), []
    n_steps = 1 + next(k for k, mapping in enumerate(mappings) if mapping.n_atoms == level.shape[1])
    steps, mappings = steps[:n_steps], mappings[:n_steps]
    for step, mapping in zip(reversed(steps), reversed(mappings), strict=True):
        terms = _positions(step, level, seed) if step.family == "cgvae" else _torsions(step, mapping, level, seed)
        rows.append({"family": step.family, "level": _level(mapping.fine), **terms})
        level = mapping.project(level)
    rows = rows[::-1]
    traces = [k for k, mapping in enumerate(mappings) if is_trace(mapping.fine)]
    sums = _sums(rows, "whole")
    if traces and 0 < traces[0] < len(rows) - 1:
        sums += _sums(rows[: traces[0] + 1], "C-alphas")
    elif not traces and len(steps) == 1 and steps[0].family == "cgvae":
        sums += _alphas(steps[0], np.asarray(atoms, dtype=np.float32), seed)
    return rows + sums


def steps_of(model):
    """Steps of a cascade and their mappings, coarsest first; of another model, itself and its own."""
    return (list(model.steps), model.mappings()) if model.family == "chain" else ([model], [model.molecule])


def _level(fine):
    return "C-alphas" if is_trace(fine) else "atoms" if (fine.elements != "").all() else f"{fine.n_atoms} beads"


def _sums(rows, name):
    """One row that adds some up, if they have one measure."""
    if len({row["measure"] for row in rows}) > 1:
        return []
    total = {key: sum(row[key] for row in rows) for key in ("dimensions", "log_density", "kl", "elbo")}
    return [{"family": name, "level": rows[-1]["level"], "measure": rows[0]["measure"], **total}]


def _positions(step, level, seed):
    owning = len(np.unique(step.molecule.beads))
    _, nats = reconstruct(step, level - level.mean(1, keepdims=True), seed)
    return {"measure": POSITIONS, "dimensions": 3 * (step.molecule.n_atoms - owning), **nats}


@torch.no_grad()
def _alphas(step, atoms, seed):
    """What a step to all atoms says of the C-alphas, if its beads are made of these alone."""
    alphas = step.molecule.fine.names == "CA"
    if not alphas[step.molecule.atoms].all():
        return []
    generator = torch.Generator().manual_seed(seed)
    shape, some = (step.molecule.n_beads, step.config.n_latent), torch.tensor(alphas)
    density, kl, device = [], [], next(step.parameters()).device
    for part in torch.tensor(atoms - atoms.mean(1, keepdims=True), device=device).split(_FRAMES):
        made = step(part, torch.randn(len(part), *shape, generator=generator).to(device))
        density.append(step.log_density(part, made.atoms, some))
        kl.append(made.kl.sum(1))
    density, kl = (float(torch.cat(x).mean()) for x in (density, kl))
    n_free = 3 * (int(alphas.sum()) - len(np.unique(step.molecule.beads)))
    terms = {"dimensions": n_free, "log_density": density, "kl": kl, "elbo": density - kl}
    return [{"family": "C-alphas", "level": "C-alphas", "measure": POSITIONS, **terms}]


@torch.no_grad()
def _torsions(step, mapping, level, seed):
    device = next(step.parameters()).device
    internal = InternalCoordinates.of(mapping.coarse, device)
    slots, mask = atom14(mapping.fine, level)
    slots, mask = torch.tensor(slots, dtype=torch.float32, device=device), torch.tensor(mask, device=device)
    generator = torch.Generator().manual_seed(seed)
    density, kl, count = 0.0, 0.0, 0
    for part in slots.split(_FRAMES):
        beads, present = part[:, :, 1], mask.expand(len(part), -1, -1)
        torsions, known = internal.to_internal(beads, part, present)
        batch = Batch.from_frames(internal, beads, step.config.n_neighbours)
        noise = torch.randn(beads[..., 0].numel(), step.config.n_latent, generator=generator).to(device)
        flat = (part, present, torsions, known)
        log_density, divergence = step(batch, *(x.flatten(0, 1) for x in flat), noise)
        density, kl = density + float(log_density.sum()), kl + float(divergence.sum())
        count = int(known[0].sum())
    density, kl = density / len(slots), kl / len(slots)
    return {"measure": TORSIONS, "dimensions": count, "log_density": density, "kl": kl, "elbo": density - kl}
