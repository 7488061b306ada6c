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
checkpoint.pt   all that is needed to go on, on another machine, too: weights, their average, the best
                of these so far, the optimizer's state, epoch, batch and time
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
from .resuming import restore, save, settings_of
from .tasks import ProteinChains

logger = logging.getLogger(__name__)


def with_config(model, **changes):
    """The same weights under a configuration with some changes; parts that they add are 0, or as they are made."""
    if not changes:
        return model
    changed = new_model(type(model), dataclasses.replace(model.config, **changes), 0)
    changed.load_state_dict({**changed.state_dict(), **model.state_dict()})
    return changed


def new_model(family, config, seed):
    """A network with random weights that depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return family(config)


def train(model, data, config, *, beads=("ca",), origin=None, verbose=False):
    """
    Train a model on chains of proteins, or go on where a run in the same folder stopped.

    Parameters
    ----------
    model : Model
        With random weights, or with those of a checkpoint to go on from. Changed in place.
    data : Structures
        Chains of split 0 are trained on, those of split 1 are validated on.
    config : TrainingConfig
    beads : tuple of str
        Bead models that chains are seen through.
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
        No chain to train on; a run with other settings, data or beads in the folder; no such column to choose the best
        by; other beads than C-alphas for a model that does not see them.

    Examples
    --------
    >>> import tempfile
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
    >>> from mdbackmap.training.config import TrainingConfig, ValidationConfig
    >>> from mdbackmap.data.structures import Structures
    >>> data = Structures.read(VALIDATION)
    >>> data.chains["split"][:] = [0, 1, *[-1] * 83]  # train on one chain, validate on another
    >>> config = TrainingConfig(tempfile.mkdtemp(), epochs=2, validation=ValidationConfig(chains=0))
    >>> model, row = train(GenZProt(GenZProtConfig(n_features=8, n_layers=1)), data, config)
    >>> row["valid_nats"] > 0
    True
    """
    unseen = sorted(set(beads) - {"ca"})
    if unseen and model.inside is None:
        raise ValueError(
            f"[data] has beads = {', '.join(unseen)}, but this model sees C-alphas alone: expected inside = true in "
            '[model], or beads = ["ca"]'
        )
    task = ProteinChains(data, model.config.n_neighbours, config, beads)
    return fit(model, task, config, origin=origin, verbose=verbose)


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
    run = _Run(model, task, config, origin, verbose)
    with _repeatable(config.device), torch.random.fork_rng():
        while run.progress < 1 or run.state["batch"]:  # a run may have been killed while it measured the last epoch
            plan = task.plan(_generator(config.seed, run.state["epoch"]))
            model.train()
            while run.state["batch"] < len(plan) and run.progress < 1:
                run.step(plan[run.state["batch"]])
            run.end_epoch()
    return run.finish()


class _Run:
    """A run that goes on: the model, its optimizer, its averaged weights, and `state`, where it stands."""

    def __init__(self, model, task, config, origin, verbose):
        self.folder = log.make_folder(config.folder)
        self.model, self.task, self.config = model.to(config.device), task, config
        rates = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
        self.optimizer = torch.optim.AdamW(model.parameters(), **rates)
        self.average = AveragedModel(model, multi_avg_fn=_moving_average(config.ema))
        self.settings = settings_of(model, task, config, origin)
        self.state, self.best = restore(self.folder, self.settings, model, self.optimizer, self.average)
        with replacing(self.folder / "config.json") as aside:
            aside.write_text(json.dumps(self.settings, indent=2))
        self.bar = tqdm(total=100, disable=not verbose, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")
        self.saved = self.mark = time.monotonic()

    @property
    def progress(self):
        """Share of the run that is done: by steps, or by time where that limit comes first."""
        steps = self.state["epoch"] + min(1.0, self.state["batch"] / self.task.steps_per_epoch)
        return max(steps / self.config.epochs, self.state["seconds"] / (60 * self.config.minutes))

    def step(self, part):
        """One batch: its loss, its gradients, new weights."""
        state, config, progress = self.state, self.config, self.progress
        generator = _generator(config.seed, state["epoch"], state["batch"])
        torch.manual_seed(generator.initial_seed())  # of dropout
        example = self.task.collate(part, generator).to(config.device)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * _schedule(progress, config.warmup)
        named, total = self.task.terms(self.model, example, generator)
        weights = _weights(config, progress)
        loss = sum(weights[name] * value for name, value in named.items() if name not in self.task.aside)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.average.update_parameters(self.model)
        _count(state, {**named, "norm": norm}, float(total))
        state["step"] += 1
        state["batch"] += 1
        self._take_time()
        self._show()
        if self.mark - self.saved > 60 * config.checkpoint_minutes:
            self._save()

    def end_epoch(self):
        """Measure, write the log, keep the best weights."""
        state, task = self.state, self.task
        state["epoch"], state["batch"] = state["epoch"] + 1, 0
        due = self.progress >= 1 or state["epoch"] % task.every == 0
        measured = task.validate(self.average.module, self.config.device) if due else {}
        row = {**_means(state), **measured}
        state["log"].append(row)
        if task.best(row, None if state["best"] is None else state["log"][state["best"]]):
            self._keep()
        log.write(self.folder, state["log"])
        self._take_time()
        self._save()
        shown = [name for name in row if name in (*task.shown, "valid_nats") or name.endswith("_rmsd")]
        self.bar.clear()
        logger.info("epoch %d: %s", row["epoch"], ", ".join(f"{name} {row[name]:.4g}" for name in shown))

    def finish(self):
        """The best weights, written with where they come from, and what was measured when they were kept."""
        self.bar.update(100 - self.bar.n)
        self.bar.close()
        if self.state["best"] is None:  # time ran out before anything was measured
            self._keep()
        best = copy.deepcopy(self.average.module).cpu().eval()
        best.load_state_dict(self.best)
        row = self.state["log"][self.state["best"]]
        checkpoint.save(self.folder / "model.pt", best, provenance(self.settings, self.task, self.state, row))
        return best, row

    def _keep(self):
        self.state["best"] = len(self.state["log"]) - 1
        self.best = {name: value.cpu().clone() for name, value in self.average.module.state_dict().items()}

    def _save(self):
        parts = (self.model, self.optimizer, self.average)
        save(self.folder, self.settings, *parts, self.state, self.best)
        self.saved = self.mark

    def _take_time(self):
        before, self.mark = self.mark, time.monotonic()
        self.state["seconds"] += self.mark - before

    def _show(self):
        state = self.state
        self.bar.update(min(100.0, 100 * self.progress) - self.bar.n)
        means = {name: state["sums"].get(name, 0.0) / max(state["residues"], 1.0) for name in self.task.shown}
        texts = {name: f"{value:.3f}" for name, value in means.items()}
        self.bar.set_postfix(epoch=state["epoch"] + 1, step=state["step"], **texts, refresh=False)


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
    state["sums"], state["residues"] = {}, 0.0
    counts = {"epoch": state["epoch"], "step": state["step"], "minutes": state["seconds"] / 60}
    return {**counts, "skipped": state["skipped"], **means}
