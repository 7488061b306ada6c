"""Where weights come from: what a checkpoint says about the run that made it."""

import datetime
import platform

import torch

from .. import __version__
from ..commit import commit


def provenance(settings, data, state, row):
    """
    All that is known about a run, as plain values for `checkpoint.save`.

    Parameters
    ----------
    settings : dict
        From `resuming.settings_of`.
    data : Task
        Its `repr` says what there is.
    state : dict
        Of the loop: steps and seconds.
    row : dict of str to float
        Metrics of the weights that are kept.

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
        **({"beads": settings["beads"]} if settings["beads"] else {}),
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
    return {**result, "init": settings["init"]} if settings["init"] else result


def _machine(device):
    if str(device).startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name(torch.device(device))
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
