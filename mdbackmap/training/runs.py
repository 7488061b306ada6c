"""
Whole runs: a TOML file in, a trained model out, whatever its family.

`config`, `molecules.molecule_config` and `steps.step_config` describe the files; `loop` does the training.
"""

import tomllib
from pathlib import Path

import torch

from .. import checkpoint
from ..data.structures import Structures
from ..models.genzprot import GenZProt
from ..sampling.machine import usable_device
from .config import parse, table
from .loop import new_model, train, with_config
from .molecules.molecule_config import MoleculeRun, parse_molecule
from .steps.step_config import CascadePlan, parse_cascade


def read(filename, device=None):
    """
    Read the description of a run.

    Parameters
    ----------
    filename : path-like
        A TOML file.
    device : str, optional
        Where to train, whatever the file says.

    Returns
    -------
    Run, MoleculeRun or CascadePlan
        By the ``family`` in ``[model]``.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No TOML, an unknown table or key, a value of the wrong type or out of range, no packs.
    """
    filename = Path(filename)
    if not filename.is_file():
        raise FileNotFoundError(f"no such file: {filename}")
    try:
        tables = tomllib.loads(filename.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{filename} is no TOML file: {error}") from error
    try:
        if device is not None:
            tables["training"] = table(tables, "training") | {"device": str(usable_device(device))}
        family = table(tables, "model").get("family")
        if family in ("chain", "cascade"):
            return parse_cascade(tables)
        return parse_molecule(tables) if family == "cgvae" else parse(tables)
    except ValueError as error:
        raise ValueError(f"{filename}: {error}") from error


def run(filename, *, verbose=False, threads=None, device=None):
    """
    Train as a TOML file says (`config` describes it).

    Parameters
    ----------
    filename : path-like
    verbose : bool
        Show a progress bar.
    threads : int, optional
        Threads of torch, from now on; as they are if None.
    device : str, optional
        Where to train; by default as the file says.

    Returns
    -------
    model : Model
        The best weights; they are in `model.pt` of the run's folder, too.
    row : dict of str to float
        What was measured when they were kept.

    Raises
    ------
    FileNotFoundError, ValueError
        A file that is missing or wrong; the message says which and why.
    """
    plan = read(filename, device)
    if threads is not None:
        torch.set_num_threads(threads)
    if isinstance(plan, MoleculeRun):
        from .molecules.molecule_run import run_molecule

        return run_molecule(plan, verbose=verbose)
    if isinstance(plan, CascadePlan):
        from .steps.step_runs import run_cascade

        return run_cascade(plan, verbose=verbose)
    if plan.init is None:
        model, origin = new_model(GenZProt, plan.model, plan.training.seed), None
    else:
        model, origin = checkpoint.load(plan.init)
        model = with_config(model, **plan.changes)
    data = Structures.read(*plan.data.packs, include=plan.data.include)
    return train(model, data, plan.training, beads=plan.data.beads, origin=origin, verbose=verbose)
