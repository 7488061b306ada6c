"""The training of a cascade, from its description to one checkpoint."""

import logging

import torch

from ... import checkpoint
from ...models.cascade import Cascade
from ...models.cgvae.messages import recompute
from ...models.cgvae.network import CGVAE
from ..log import make_folder
from ..loop import new_model
from ..molecules.holdout import HELD_OUT, TRAIN, split
from ..molecules.molecule_run import data_sources, model_config
from ..molecules.molecule_task import Frames
from ..molecules.molecule_terms import loss_terms
from .levels import Level, make_levels
from .memory import step_memory
from .protein_frames import read_frames
from .tuning import fit_measured, tune

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
    model : Cascade
        It is in ``model.pt`` of the run's folder, too; the baseline, if there is one, in ``one-step.pt``.
    row : dict of str to float
        What was measured at the end of each step's training, with the step's number before each name.
    """
    loaded = {number: checkpoint.load(step.init) for number, step in enumerate(plan.steps) if step.init is not None}
    last = loaded.get(len(plan.steps) - 1)
    fine = plan.fine or ("atoms" if last is None or last[0].molecule is not None else "ca")
    frames = read_frames(plan.data, fine)
    data = plan.data
    use = split(data, frames.runs)
    logger.info("%s; %d to train on, %d held out", frames, (use == TRAIN).sum(), (use == HELD_OUT).sum())
    mappings = [str(step.init or step.run.data.mapping) for step in plan.steps]
    sources = data_sources(data, frames, use, fine=fine, mapping=mappings)
    described = [step.run or (step.init, loaded[k][0].molecule) for k, step in enumerate(plan.steps)]
    described = [step for step in described if not isinstance(step, tuple) or step[1] is not None]
    levels = make_levels(frames, use, described, plan.training.seed)
    folder = make_folder(plan.training.folder)
    steps, provenances, row = [], [], {}
    for number, step in enumerate(plan.steps):
        measured = {}
        if step.tuning is not None:
            model, origin, measured = _tuned(loaded[number], step, plan, use, sources, verbose)
        elif number in loaded:
            model, origin = loaded[number]
        else:
            model, origin, measured = _train(step.run, levels[number], use, sources, verbose)
        row |= {f"step_{number + 1}_{name}": value for name, value in measured.items()}
        steps.append(model)
        provenances.append(origin)
    cascade = Cascade.of(steps, plan.rounds)
    provenance = {**_shared(provenances), "data": sources, "steps": provenances}
    checkpoint.save(folder / "model.pt", cascade, provenance)
    if plan.baseline is not None:
        one, origin, measured = _train(plan.baseline, _whole(cascade, plan, frames), use, sources, verbose)
        checkpoint.save(folder / "one-step.pt", one, origin)
        row |= {f"one_step_{name}": value for name, value in measured.items()}
    return cascade, row


def _shared(provenances):
    names = ("version", "commit", "date", "seed", "machine", "torch")
    trained = [origin for origin in provenances if "training" in origin]
    return {name: trained[0][name] for name in names if trained and name in trained[0]}


def _tuned(loaded, step, plan, use, sources, verbose):
    """A step for any protein, trained on with the frames of this one."""
    model, origin = loaded
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
    megabytes = [n_bytes / 1e6 for n_bytes in memory.values()]
    logger.info("%s: %.1f MB a training step; messages recomputed, %.1f MB", level.mapping, *megabytes)
    return fit_measured(model, task, run.training, memory, verbose=verbose)


def _memory(model, task, config):
    """Bytes of a training step, as it is and with messages worked out again."""
    generator = torch.Generator().manual_seed(0)
    example = task.collate(torch.arange(min(config.batch_size, len(task.atoms))), generator)

    def loss():
        made = model(example.atoms, example.noise, prior_noise=example.prior_noise)
        named = loss_terms(model, example.atoms, made)
        return sum(vars(config.loss)[name] * value for name, value in named.items())

    model.train()
    memory = {}
    for name, again in (("memory_bytes", False), ("memory_recomputed", True)):
        recompute(model, again)
        memory[name] = step_memory(model, loss)
    return memory
