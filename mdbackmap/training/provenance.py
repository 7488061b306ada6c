"""
Where weights come from: what a checkpoint says about the run that made it.
"""

import datetime
import platform
import subprocess
from pathlib import Path

import torch

from .. import __version__


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


def commit(folder=None):
    """
    The commit of the source tree that the package is run from; None if it is installed without one.

    Parameters
    ----------
    folder : path-like, optional
        Where to look; the package's own folder by default.

    Returns
    -------
    str or None
        The hash; ``+changes`` follows where files of the package differ from it.
    """
    folder = Path(__file__).parent.parent if folder is None else Path(folder)
    head = _git(folder, "rev-parse", "HEAD")
    if head is None or not _git(folder, "ls-files", "."):
        return None
    return head + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no", ".") else "")


def _git(folder, *arguments):
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _machine(device):
    if str(device).startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name(torch.device(device))
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
