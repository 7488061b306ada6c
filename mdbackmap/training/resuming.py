"""Stopping and going on: the files of a run that hold its state."""

import dataclasses
import json
import logging

import torch

from ..files import replacing

logger = logging.getLogger(__name__)

_MAY_CHANGE = ("folder", "device", "checkpoint_minutes")  # between a run and its continuation
_MAY_CHANGE += ("model",)  # the name of the file of the model to go on from
_PARTS = {  # of the settings, and what they are called in a message; a model may follow from its data
    **{"family": "family", "data": "data", "beads": "choice of beads", "init": "model to go on from"},
    **{"model": "model", "training": "training"},
}


def fresh_state():
    """Where a run stands; plain values, so that the checkpoint can hold them."""
    counts = dict.fromkeys(("epoch", "batch", "step", "skipped"), 0)
    return {**counts, "seconds": 0.0, "sums": {}, "residues": 0.0, "log": [], "best": None}


def settings_of(model, data, config, origin=None):
    """
    What a run depends on, as plain values.

    Parameters
    ----------
    model : Model
    data : Task
    config : TrainingConfig or MoleculeTraining
    origin : dict, optional
        Provenance of the weights that the run begins with.

    Returns
    -------
    dict
    """
    training = json.loads(json.dumps(dataclasses.asdict(config)))
    return {
        "family": model.family,
        "model": dataclasses.asdict(model.config),
        "training": training,
        "data": data.sources,
        "beads": list(data.beads),
        "init": {name: origin[name] for name in ("model", "sha256") if name in origin} if origin else None,
    }


def save(folder, settings, model, optimizer, average, state, best):
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
    best : dict of str to torch.Tensor, or None
        The best weights so far.
    """
    parts = {"model": model, "optimizer": optimizer, "average": average}
    content = {name: part.state_dict() for name, part in parts.items()}
    content |= {"settings": settings, "state": dict(state), "best": best}
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
    state : dict
        Where the run stands.
    best : dict of str to torch.Tensor, or None
        The best weights so far.

    Raises
    ------
    ValueError
        A run with other settings.
    """
    if not (folder / "checkpoint.pt").exists():
        return fresh_state(), None
    saved = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    for part, called in _PARTS.items():
        before = _compared(saved["settings"].get(part, settings[part]))  # runs of old know neither beads nor init
        now = _compared(settings[part])
        if before != now:
            raise ValueError(
                f"{folder} holds a run with another {called}: {_difference(before, now)}; "
                "choose another folder, or delete this one"
            )
    for name, part in {"model": model, "optimizer": optimizer, "average": average}.items():
        part.load_state_dict(saved[name])
    logger.info("going on from epoch %d, step %d", saved["state"]["epoch"] + 1, saved["state"]["step"])
    best = saved.get("best")
    if best is None and saved["state"]["best"] is not None:  # older runs have them in a file of their own
        best = torch.load(folder / "best.pt", weights_only=True, map_location="cpu")
    return saved["state"], best


def _compared(part):
    return {name: value for name, value in part.items() if name not in _MAY_CHANGE} if isinstance(part, dict) else part


def _difference(before, now):
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return f"{_shown(before)}, now {_shown(now)}"
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {_shown(before.get(name))}, now {_shown(now.get(name))}" for name in names)


def _shown(value):
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else value
