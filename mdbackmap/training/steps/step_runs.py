"""The training of a cascade, from its description to one checkpoint."""

import dataclasses
import logging
from pathlib import Path

import torch

from ... import checkpoint
from ...models.cascade import Chain
from ...models.cgvae.messages import recompute
from ...models.cgvae.network import CGVAE
from ..log import make_folder
from ..loop import fit, new_model
from ..molecules.holdout import HELD_OUT, TRAIN, split
from ..molecules.molecule_run import model_config
from ..molecules.molecule_task import Frames
from ..molecules.molecule_terms import loss_terms
from .levels import Level, make_levels
from .memory import step_memory
from .protein_frames import read_frames
from .tuning import tune

logger = logging.getLogger(__name__)


def run_cascade(plan, *, verbose=False):
    """
    Train the steps of a cascade one after the other, each alone, and put them together.

    A step whose folder holds a finished run is taken from there.

    Parameters
    ----------
    plan : CascadePlan
    verbose : bool
        Show a progress bar.

    Returns
    -------
    model : Chain
        It is in ``model.pt`` of the run's folder, too; the baseline, if there is one, in ``one-step.pt``.
    row : dict of str to float
        What was measured at the end of each step's training, with the step's number before each name.
    """
    there = {number: checkpoint.load(step.init) for number, step in enumerate(plan.steps) if step.init is not None}
    fine = plan.fine or ("ca" if _for_any_protein(there.get(len(plan.steps) - 1)) else "atoms")
    frames = read_frames(plan.data, fine)
    data = plan.data
    use = split(data, frames.runs)
    logger.info("%s; %d to train on, %d held out", frames, (use == TRAIN).sum(), (use == HELD_OUT).sum())
    sources = _sources(plan, frames, fine, use)
    found = [step.run or (step.init, there[k][0].molecule) for k, step in enumerate(plan.steps)]
    found = [step for step in found if not isinstance(step, tuple) or step[1] is not None]
    levels = make_levels(frames, use, found, plan.training.seed)
    folder = make_folder(plan.training.folder)
    steps, provenances, row = [], [], {}
    for number, step in enumerate(plan.steps):
        if step.tuning is not None:
            model, origin, last = _tuned(there[number], step, plan, use, sources, verbose)
            row |= {f"step_{number + 1}_{name}": value for name, value in last.items()}
        elif number in there:
            model, origin = there[number]
        else:
            model, origin, last = _train(step.run, levels[number], use, sources, verbose)
            row |= {f"step_{number + 1}_{name}": value for name, value in last.items()}
        steps.append(model)
        provenances.append(origin)
    cascade = Chain.of(steps, plan.rounds)
    provenance = {**_shared(provenances), "data": sources, "steps": provenances}
    checkpoint.save(folder / "model.pt", cascade, provenance)
    if plan.baseline is not None:
        one, origin, last = _train(plan.baseline, _whole(cascade, plan, frames), use, sources, verbose)
        checkpoint.save(folder / "one-step.pt", one, origin)
        row |= {f"one_step_{name}": value for name, value in last.items()}
    return cascade, row


def _for_any_protein(loaded):
    return loaded is not None and loaded[0].molecule is None


def _shared(provenances):
    names = ("version", "commit", "date", "seed", "machine", "torch")
    trained = [origin for origin in provenances if "training" in origin]
    return {name: trained[0][name] for name in names if trained and name in trained[0]}


def _sources(plan, frames, fine, use):
    """The files and the settings, as the provenance of a model of one molecule has them."""
    data = dataclasses.asdict(plan.data) | {"n_frames": len(use), "n_held_out": int((use == HELD_OUT).sum())}
    data |= {name: list(value) for name, value in data.items() if isinstance(value, tuple)}
    data |= {"fine": fine, "mapping": [str(step.init or step.run.data.mapping) for step in plan.steps]}
    data["topology"], data["trajectory"] = frames.sources[0]["name"], [file["name"] for file in frames.sources[1:]]
    return [*frames.sources, data]


def _tuned(there, step, plan, use, sources, verbose):
    """A step for any protein, trained on with the frames of this one."""
    model, origin = there
    if model.molecule is not None or model.family != "genzprot":
        raise ValueError(f"{step.init} is no GenZProt: only that can be trained on within a cascade, [steps.training]")
    if step is not plan.steps[-1]:
        raise ValueError(f"{step.init} is not the last step: only that can be trained on within a cascade")
    return tune(model, origin, read_frames(plan.data, "protein"), use, step.tuning, sources, verbose)


def _whole(cascade, plan, frames):
    """The level of a single step from the beads of a cascade to its atoms."""
    if cascade.molecule is None:
        raise ValueError("a baseline needs beads of this molecule: expected a first step with a mapping")
    if cascade.molecule.n_atoms == frames.topology.n_atoms:
        return Level(cascade.molecule, frames.positions)
    return Level(cascade.molecule, read_frames(plan.data, "protein").positions)


def _train(run, level, use, sources, verbose):
    """One model, where it comes from, and what was measured last."""
    config = model_config(level.mapping, level.positions[use == TRAIN], run.model)
    model = new_model(CGVAE, config, run.training.seed)
    task = Frames(level.positions, use, level.mapping, run.training, config.n_latent, sources, repr(level.mapping))
    memory = _memory(model, task, run.training)
    told = [value / 1e6 for value in memory.values()]
    logger.info("%s: %.1f MB a training step; messages recomputed, %.1f MB", level.mapping, *told)
    model, row = fit(model, task, run.training, verbose=verbose)
    path = Path(run.training.folder) / "model.pt"
    origin = {**checkpoint.load(path)[1], **memory}
    checkpoint.save(path, model, {name: value for name, value in origin.items() if name not in ("model", "sha256")})
    return model, origin, row


def _memory(model, task, config):
    """Bytes of a training step, as it is and with messages worked out again."""
    generator = torch.Generator().manual_seed(0)
    example = task.collate(torch.arange(min(config.batch_size, len(task.atoms))), generator)

    def loss():
        made = model(example.atoms, example.noise, prior_noise=example.prior_noise)
        named = loss_terms(model, example.atoms, made)
        return sum(vars(config.loss)[name] * value for name, value in named.items())

    model.train()
    found = {}
    for name, again in (("memory_bytes", False), ("memory_recomputed", True)):
        recompute(model, again)
        found[name] = step_memory(model, loss)
    return found
