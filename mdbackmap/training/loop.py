"""
The training loop, top to bottom.

The loss is the negative evidence lower bound in nats per residue: -log p(torsions | z, beads) + kl KL(q || p), torsions as
densities per radian.
"""

import csv
import dataclasses
import json
import logging
import math
import os
import time
from pathlib import Path

import torch

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How to train; every number that a run depends on besides the model's own configuration."""

    folder: str = "runs/genzprot"  # where the log and the checkpoint go
    epochs: int = 10  # passes over the data
    batch_size: int = 2400  # residues in a batch, about
    learning_rate: float = 2e-3  # at its highest
    warmup: float = 0.05  # share of the steps in which the learning rate rises
    weight_decay: float = 0.01
    clip: float = 1.0  # largest norm of the gradient
    kl: float = 1.0  # weight of the Kullback-Leibler term
    kl_warmup: float = 0.2  # share of the steps in which that weight rises from 0
    ema: float = 0.998  # decay of the moving average of the weights, which is what is kept
    noise: float = 0.4  # largest RMS of smooth noise on the beads, angstrom
    bfloat16: bool = False  # autocast; faster only where the processor has it
    device: str = "cpu"
    seed: int = 0
    checkpoint_minutes: float = 5.0
    minutes: float = math.inf  # the schedule runs over this time instead of the epochs, if it is shorter


def loss_terms(model, example, generator, bfloat16=False):
    """Named terms of the loss, each a mean in nats per residue, and the number of residues that count."""
    batch, atoms, mask, torsions, known, weights = example
    noise = torch.randn(len(batch), model.config.n_latent, generator=generator).to(atoms.device)
    with torch.autocast(atoms.device.type, dtype=torch.bfloat16, enabled=bfloat16):
        log_density, kl = model(batch, atoms, mask, torsions, known, noise)
    counted = known.any(1).to(weights.dtype) * weights
    total = counted.sum().clamp_min(1)
    nll = -(log_density * known * weights.unsqueeze(1)).sum(0) / total
    return {"torsion": nll.sum(), "kl": (kl * counted).sum() / total, "peptide": nll[0], "chis": nll[1:5].sum()}, total


def train(model, batches, config, validate=None):
    """
    Train a model; go on where a run in the same folder stopped.

    Parameters
    ----------
    model : GenZProt
    batches : Batches
        Anything with `epoch(generator)` and `steps_per_epoch`.
    config : TrainingConfig
    validate : callable, optional
        Called with the averaged model after each epoch; returns a dict of numbers for the log.

    Returns
    -------
    torch.nn.Module
        The model with the averaged weights.
    """
    folder = Path(config.folder)
    folder.mkdir(parents=True, exist_ok=True)
    model.to(config.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema))
    state = _restore(folder, model, optimizer, average) or {"epoch": 0, "step": 0, "seconds": 0.0}
    (folder / "config.json").write_text(json.dumps({"training": vars(config), "model": vars(model.config)}, indent=2))
    saved = time.monotonic()
    while (progress := _progress(state, batches, config)) < 1:
        generator = torch.Generator().manual_seed(1_000_003 * config.seed + state["epoch"])
        sums, residues = {}, 0.0
        model.train()
        for example in batches.epoch(generator):
            begin = time.monotonic()
            progress = _progress(state, batches, config)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(progress, config.warmup)
            terms, total = loss_terms(model, _to(example, config.device), generator, config.bfloat16)
            loss = terms["torsion"] + config.kl * min(1.0, progress / config.kl_warmup) * terms["kl"]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            if torch.isfinite(norm):
                optimizer.step()
                average.update_parameters(model)
            state["step"] += 1
            state["seconds"] += time.monotonic() - begin
            residues += float(total)
            for name, value in {**terms, "norm": norm}.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) * float(total)
            if state["step"] % 50 == 0:
                means = {name: round(value / residues, 4) for name, value in sums.items()}
                logger.info("step %d, %.0f s, progress %.3f: %s", state["step"], state["seconds"], progress, means)
            if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                _save(folder, model, optimizer, average, state)
                saved = time.monotonic()
            if progress >= 1:
                break
        state["epoch"] += 1
        row = {**state, **{name: value / max(residues, 1) for name, value in sums.items()}}
        row |= validate(average.module.eval()) if validate else {}
        _log(folder / "log.csv", row)
        _save(folder, model, optimizer, average, state)
    return average.module.eval()


def _progress(state, batches, config):
    """Share of the run that is done: by steps, or by time where that limit comes first."""
    steps = state["step"] / max(1, config.epochs * batches.steps_per_epoch)
    return max(steps, state["seconds"] / (60 * config.minutes))


def _schedule(progress, warmup):
    """Factor on the learning rate: a linear rise, then half a cosine to one hundredth."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def _to(example, device):
    return tuple(part.to(device) for part in example)


def _save(folder, model, optimizer, average, state):
    """Write the checkpoint aside, then put it in place: a kill leaves the old one."""
    parts = {"model": model, "optimizer": optimizer, "average": average}
    aside = folder / "checkpoint.pt.part"
    torch.save({"state": dict(state), **{name: part.state_dict() for name, part in parts.items()}}, aside)
    os.replace(aside, folder / "checkpoint.pt")


def _restore(folder, model, optimizer, average):
    """State of an earlier run in this folder, loaded into model, optimizer and average; None if there is none."""
    if not (folder / "checkpoint.pt").exists():
        return None
    saved = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    for name, part in {"model": model, "optimizer": optimizer, "average": average}.items():
        part.load_state_dict(saved[name])
    logger.info("going on from step %d", saved["state"]["step"])
    return saved["state"]


def _log(filename, row):
    new = not filename.exists()
    with open(filename, "a", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
    logger.info("epoch %d: %s", row["epoch"], {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
