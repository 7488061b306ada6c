"""Where weights come from: what a checkpoint says about the run that made it."""

import datetime
import platform

import torch

from .. import __version__
from ..commit import commit


def provenance(settings, data, state, row, origin=None):
    """
    All that is known about a run, as plain values for `checkpoint.save`.

    Parameters
    ----------
    settings : dict
        Family, configurations of model and training, files of the data with their hashes.
    data : Task
        Its `repr` says what there is.
    state : dict
        Of the loop: steps and seconds.
    row : dict of str to float
        Metrics of the weights that are kept.
    origin : dict, optional
        Provenance of the weights that the run went on from.

    Returns
    -------
    dict
    """
    training = {name: value for name, value in settings["training"].items() if name != "folder"}
    result = {
        "version": __version__,
        "commit": commit() or "unknown",
        "date": datetime.date.today().isoformat(),
        "data": settings["data"],
        "structures": repr(data),
        "seed": training["seed"],
        "minutes": round(state["seconds"] / 60, 1),
        "steps": state["step"],
        "skipped_steps": state["skipped"],
        "machine": _machine(training["device"]),
        "torch": str(torch.__version__),
        "training": training,
        "metrics": {name: float(value) for name, value in row.items()},
    }
    if origin is not None:
        result["init"] = {name: origin[name] for name in ("model", "sha256") if name in origin}
    return result


def _machine(device):
    if str(device).startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name(torch.device(device))
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
