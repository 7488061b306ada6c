"""
The training loop, top to bottom.

The loss is a weighted sum of terms that a `tasks.Task` gives: for GenZProt those of `losses`, with the usual weights
the negative evidence lower bound in nats per residue; for CGVAE those of `molecules.molecule_task`. All random
numbers are keyed by (seed, epoch, batch), so a run that was stopped goes on with the very next batch as if
nothing had happened: on a CPU, with the same number of threads, bit for bit. (Not where
`minutes` sets the schedule, for then the clock counts; on CUDA, sums may round differently.)

What a run leaves in its folder:

=============== ===================================================================================
model.pt        the model, for `load_model` and for `init`: averaged weights, best by validation
checkpoint.pt   all that is needed to go on
best.pt         state of the best weights so far
config.json     what the run depends on
log.csv, .json  a row an epoch; curves.png shows them
=============== ===================================================================================
"""

import contextlib
import copy
import dataclasses
import json
import logging
import math
import time

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from .. import checkpoint
from ..files import replacing
from . import log
from .provenance import provenance
from .resuming import fresh_state, keep, restore, save, settings_of
from .tasks import ProteinChains

logger = logging.getLogger(__name__)


def with_config(model, **changes):
    """The same weights under a configuration with some changes that leave sizes as they are."""
    if not changes:
        return model
    changed = type(model)(dataclasses.replace(model.config, **changes))
    changed.load_state_dict(model.state_dict())
    return changed


def new_model(family, config, seed):
    """A network with random weights that depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return family(config)


def train(model, data, config, *, origin=None, verbose=False):
    """
    Train a model on chains of proteins, or go on where a run in the same folder stopped.

    Parameters
    ----------
    model : Model
        With random weights, or with those of a checkpoint to go on from. Changed in place.
    data : Structures
        Chains of split 0 are trained on, those of split 1 are validated on.
    config : TrainingConfig
    origin : dict, optional
        Provenance of the weights that the model comes with.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    model : Model
        A copy with the averaged weights, best by validation, on the CPU.
    row : dict of str to float
        What was measured when they were kept.

    Raises
    ------
    ValueError
        No chain to train on; a run with other settings or other data in the folder; no such column to choose the best
        by.

    Examples
    --------
    >>> import tempfile
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
    >>> from mdbackmap.training.config import TrainingConfig, ValidationConfig
    >>> from mdbackmap.data.dataset import Structures
    >>> data = Structures.read(VALIDATION)
    >>> data.chains["split"][:] = [0, 1, *[-1] * 83]  # train on one chain, validate on another
    >>> config = TrainingConfig(tempfile.mkdtemp(), epochs=2, validation=ValidationConfig(chains=0))
    >>> model, row = train(GenZProt(GenZProtConfig(n_features=8, n_layers=1)), data, config)
    >>> row["valid_nats"] > 0
    True
    """
    return fit(model, ProteinChains(data, model.config.n_neighbours, config), config, origin=origin, verbose=verbose)


def fit(model, task, config, *, origin=None, verbose=False):
    """
    Train a model on any task, or go on where a run in the same folder stopped.

    Parameters
    ----------
    model : Model
        Changed in place.
    task : Task
    config : TrainingConfig or MoleculeTraining
    origin, verbose
        As for `train`.

    Returns
    -------
    model, row
        As of `train`.
    """
    folder = log.make_folder(config.folder)
    model.to(config.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    average = AveragedModel(model, multi_avg_fn=_moving_average(config.ema))
    settings = settings_of(model, task, config)
    state = restore(folder, settings, model, optimizer, average) or fresh_state()
    with replacing(folder / "config.json") as aside:
        aside.write_text(json.dumps(settings, indent=2))
    bar = tqdm(total=100, disable=not verbose, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")
    saved = mark = time.monotonic()

    with _repeatable(config.device), torch.random.fork_rng():
        while _progress(state, task, config) < 1:
            plan = task.plan(_generator(config.seed, state["epoch"]))
            model.train()
            while state["batch"] < len(plan) and (progress := _progress(state, task, config)) < 1:
                generator = _generator(config.seed, state["epoch"], state["batch"])
                torch.manual_seed(generator.initial_seed())  # of dropout
                example = task.collate(plan[state["batch"]], generator).to(config.device)
                for group in optimizer.param_groups:
                    group["lr"] = config.learning_rate * _schedule(progress, config.warmup)
                named, total = task.terms(model, example, generator)
                weights = _weights(config, progress)
                loss = sum(weights[name] * value for name, value in named.items() if name not in task.aside)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
                if torch.isfinite(norm):
                    optimizer.step()
                    average.update_parameters(model)
                _count(state, {**named, "norm": norm}, float(total))
                state["step"] += 1
                state["batch"] += 1
                state["seconds"], mark = state["seconds"] + time.monotonic() - mark, time.monotonic()
                _show(bar, state, _progress(state, task, config), task.shown)
                if mark - saved > 60 * config.checkpoint_minutes:
                    save(folder, settings, model, optimizer, average, state)
                    saved = mark
            state["epoch"] += 1
            state["batch"] = 0
            last = _progress(state, task, config) >= 1
            due = last or state["epoch"] % task.every == 0
            measured = task.validate(average.module, config.device) if due else {}
            row = {**_means(state), **measured}
            state["log"].append(row)
            if task.best(row, None if state["best"] is None else state["log"][state["best"]]):
                state["best"] = len(state["log"]) - 1
                keep(folder, average.module)
            log.write(folder, state["log"])
            state["seconds"], mark = state["seconds"] + time.monotonic() - mark, time.monotonic()
            save(folder, settings, model, optimizer, average, state)
            saved = mark
            told = [name for name in row if name in (*task.shown, "valid_nats") or name.endswith("_rmsd")]
            bar.clear()
            logger.info("epoch %d: %s", row["epoch"], ", ".join(f"{name} {row[name]:.4g}" for name in told))

    bar.update(100 - bar.n)
    bar.close()
    if state["best"] is None:  # time ran out before anything was measured
        state["best"] = len(state["log"]) - 1
        keep(folder, average.module)
    best = copy.deepcopy(average.module).cpu().eval()
    best.load_state_dict(torch.load(folder / "best.pt", weights_only=True, map_location="cpu"))
    row = state["log"][state["best"]]
    checkpoint.save(folder / "model.pt", best, provenance(settings, task, state, row, origin))
    return best, row


@contextlib.contextmanager
def _repeatable(device):
    """Let torch add numbers in the same order each time, on a CPU: threads would race. CUDA stays as it is."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    if torch.device(device).type == "cpu":
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _generator(seed, epoch, batch=None):
    """Random numbers of one batch, or of the plan of an epoch; torch keeps 32 bits of a seed, so the key is hashed."""
    key = np.random.SeedSequence((seed, epoch, 0 if batch is None else batch + 1))
    return torch.Generator().manual_seed(int(key.generate_state(1)[0]))


def _progress(state, task, config):
    """Share of the run that is done: by steps, or by time where that limit comes first."""
    steps = (state["epoch"] + min(1.0, state["batch"] / task.steps_per_epoch)) / config.epochs
    return max(steps, state["seconds"] / (60 * config.minutes))


def _schedule(progress, warmup):
    """Factor on the learning rate: a linear rise, then half a cosine to one hundredth."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def _weights(config, progress):
    """
    Weights of the terms of the loss.

    That of `kl` rises at first, or the latent would be given up before it is of use. So does that of `samples`, which
    are noise at first.
    """
    weights = dict(vars(config.loss))
    if config.kl_warmup:
        for name in weights.keys() & {"kl", "samples"}:
            weights[name] *= min(1.0, progress / config.kl_warmup)
    return weights


def _moving_average(decay):
    """Update of the averaged weights; over fewer steps at first, so that short runs do not average over their start."""

    @torch.no_grad()
    def update(averaged, current, n_averaged):
        step = float(n_averaged)
        for old, new in zip(averaged, current, strict=True):
            old.lerp_(new, 1 - min(decay, (1 + step) / (10 + step)))

    return update


def _count(state, named, total):
    """Add the terms of a batch to the sums of the epoch."""
    if not math.isfinite(float(named["norm"])):
        state["skipped"] += 1
        return
    state["residues"] += total
    for name, value in named.items():
        state["sums"][name] = state["sums"].get(name, 0.0) + float(value.detach()) * total


def _means(state):
    """The row of an epoch for the log: means over its residues; the sums start anew."""
    means = {name: value / max(state["residues"], 1.0) for name, value in state["sums"].items()}
    row = {
        "epoch": state["epoch"],
        "step": state["step"],
        "minutes": state["seconds"] / 60,
        "skipped": state["skipped"],
        **means,
    }
    state["sums"], state["residues"] = {}, 0.0
    return row


def _show(bar, state, progress, shown):
    bar.update(min(100.0, 100 * progress) - bar.n)
    means = {name: state["sums"].get(name, 0.0) / max(state["residues"], 1.0) for name in shown}
    bar.set_postfix(
        epoch=state["epoch"] + 1, step=state["step"], **{k: f"{v:.3f}" for k, v in means.items()}, refresh=False
    )
