"""Stopping and going on: the files of a run that hold its state."""

import dataclasses
import json
import logging

import torch

from ..files import replacing

logger = logging.getLogger(__name__)

_MAY_CHANGE = ("folder", "device", "checkpoint_minutes")  # between a run and its continuation


def fresh_state():
    """Where a run stands; plain values, so that the checkpoint can hold them."""
    counts = dict.fromkeys(("epoch", "batch", "step", "skipped"), 0)
    return {**counts, "seconds": 0.0, "sums": {}, "residues": 0.0, "log": [], "best": None}


def settings_of(model, data, config):
    """What a run depends on, as plain values."""
    training = json.loads(json.dumps(dataclasses.asdict(config)))
    return {
        "family": model.family,
        "model": dataclasses.asdict(model.config),
        "training": training,
        "data": data.sources,
    }


def keep(folder, model):
    """Write the weights aside, then put them in place of those kept before."""
    with replacing(folder / "best.pt") as aside:
        torch.save({name: value.cpu() for name, value in model.state_dict().items()}, aside)


def save(folder, settings, model, optimizer, average, state):
    """
    Write the checkpoint aside, then put it in place: a kill leaves the old one.

    Parameters
    ----------
    folder : Path
    settings : dict
        From `settings_of`.
    model, optimizer, average
        What has a `state_dict`.
    state : dict
        Where the run stands.
    """
    parts = {"model": model, "optimizer": optimizer, "average": average}
    content = {"settings": settings, "state": dict(state), **{name: part.state_dict() for name, part in parts.items()}}
    with replacing(folder / "checkpoint.pt") as aside:
        torch.save(content, aside)


def restore(folder, settings, model, optimizer, average):
    """
    Go on where an earlier run in this folder stopped.

    Parameters
    ----------
    folder : Path
    settings : dict
        From `settings_of`; of the earlier run they have to be the same.
    model, optimizer, average
        What is loaded into.

    Returns
    -------
    dict or None
        Where the run stands; None if there is none.

    Raises
    ------
    ValueError
        A run with other settings.
    """
    if not (folder / "checkpoint.pt").exists():
        return None
    saved = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    for part in ("family", "data", "model", "training"):  # a model may follow from its data
        before, now = saved["settings"][part], settings[part]
        if part == "training":
            before, now = ({k: v for k, v in table.items() if k not in _MAY_CHANGE} for table in (before, now))
        if before != now:
            raise ValueError(
                f"{folder} holds a run with another {part}: {_difference(before, now)}; "
                "choose another folder, or delete this one"
            )
    for name, part in {"model": model, "optimizer": optimizer, "average": average}.items():
        part.load_state_dict(saved[name])
    logger.info("going on from epoch %d, step %d", saved["state"]["epoch"] + 1, saved["state"]["step"])
    return saved["state"]


def _difference(before, now):
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return f"{before}, now {now}"
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {_shown(before.get(name))}, now {_shown(now.get(name))}" for name in names)


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else value
