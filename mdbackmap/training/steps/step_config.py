"""
What the training of a cascade depends on, read from a TOML file in which an unknown key is an error.

Steps are listed from the coarsest on. Each says its ``mapping``, which makes its beads from those of the step after it
(of the last: from the atoms, or with ``fine = "ca"`` from the C-alphas); or it has ``init``, a trained model. The
last step, if it is for any protein, is trained on with the same frames if it has ``[steps.training]``.
``[training]``, ``[loss]`` and ``[validation]`` are for all other steps, ``[steps.training]`` and so on for one.
Example::

    [model]
    family = "chain"

    [data]
    topology = "aa.pdb"
    trajectory = ["aa.xtc"]

    [training]
    folder = "runs/mine"

    [[steps]]
    mapping = "beads:5"

    [[steps]]
    init = "genzprot"
    # [steps.training]    # go on with it

    [baseline]            # a single step from the same beads to the same atoms, to compare with
"""

import dataclasses
from pathlib import Path

from ...models.cascade import CascadeConfig
from ..config import TrainingConfig, known, table
from ..molecules.molecule_config import MoleculeData, MoleculeRun, MoleculeTraining, parse_molecule
from .tuning import tuning_config

FINE = ("atoms", "protein", "ca")
_DETAILS = ("model", "training", "loss", "validation")
_FOLDERS = "step-{}"


@dataclasses.dataclass(frozen=True)
class Step:
    """One step: a trained model, or how to train one."""

    init: str | None  # bundled name or file
    run: MoleculeRun | None  # None with `init`
    tuning: TrainingConfig | None = None  # how to go on with a model for any protein


@dataclasses.dataclass(frozen=True)
class CascadePlan:
    """A whole run, as a TOML file describes it."""

    data: MoleculeData
    fine: str | None  # finest level, one of FINE; None: C-alphas if the last step is for any protein, else atoms
    steps: tuple[Step, ...]
    baseline: MoleculeRun | None
    rounds: int
    training: MoleculeTraining  # what all steps share


def parse_cascade(tables):
    """
    A run from the tables of a TOML file.

    Raises
    ------
    ValueError
        An unknown table or key, a value of the wrong type or out of range, no steps, a step that is neither.

    Examples
    --------
    >>> tables = {"model": {"family": "chain"}, "data": {"topology": "aa.pdb"}}
    >>> plan = parse_cascade(tables | {"steps": [{"mapping": "beads:5"}, {"init": "genzprot"}]})
    >>> plan.steps[0].run.data.mapping, plan.steps[1].init
    ('beads:5', 'genzprot')
    """
    known(tables, ("data", "model", "training", "loss", "validation", "steps", "baseline"), "the file (tables)")
    model, data = dict(table(tables, "model")), dict(table(tables, "data"))
    known(model, ("family", "rounds"), "[model]")
    rounds, fine = model.get("rounds", CascadeConfig.rounds), data.pop("fine", None)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 0:
        raise ValueError(f"rounds in [model] must be a whole number of 0 or more, not {rounds!r}")
    if fine not in (None, *FINE):
        raise ValueError(f"fine in [data] is {fine!r}: expected one of {', '.join(FINE)}")
    for name in ("mapping", "weights"):
        if name in data:
            raise ValueError(f"[data] has {name!r}: in a cascade that belongs to each of the [[steps]]")
    shared = {**tables, "data": data}
    listed = tables.get("steps")
    if not isinstance(listed, list) or not listed or not all(isinstance(step, dict) for step in listed):
        raise ValueError('no steps: expected one [[steps]] each, with mapping = "beads:5" or init = "genzprot"')
    steps = tuple(_step(shared, step, number) for number, step in enumerate(listed, 1))
    baseline = _baseline(shared) if "baseline" in tables else None
    whole = parse_molecule(
        {name: shared[name] for name in ("training", "loss", "validation") if name in shared} | {"data": data}
    )
    return CascadePlan(whole.data, fine, steps, baseline, rounds, whole.training)


def _step(tables, content, number):
    known(content, ("mapping", "weights", "init", *_DETAILS), f"[[steps]] number {number}")
    init, folder = content.get("init"), _FOLDERS.format(number)
    if init is not None:
        if not set(content) <= {"init", "training"} or not isinstance(init, str):
            raise ValueError(
                f"[[steps]] number {number} has init and more: a trained model needs nothing else, or "
                "[steps.training] to go on with it"
            )
        return Step(init, None, _tuning(tables, content, folder) if "training" in content else None)
    if "mapping" not in content:
        raise ValueError(f'[[steps]] number {number} has neither mapping nor init: expected mapping = "beads:5"')
    beads = {name: content[name] for name in ("mapping", "weights") if name in content}
    return Step(None, _merged(tables, content, beads, folder))


def _tuning(tables, content, folder):
    """How to go on with a model for any protein; of what all steps share, folder, device and seed count."""
    shared = {name: value for name, value in table(tables, "training").items() if name in ("device", "seed")}
    folder = _folder(tables, content, folder)
    return tuning_config({**shared, **content["training"], "folder": folder})


def _folder(tables, content, name):
    """The folder of one model, within that of the whole run."""
    if "folder" in table(content, "training"):
        raise ValueError("folder belongs into [training]: the steps get folders within it")
    return str(Path(table(tables, "training").get("folder", MoleculeTraining.folder)) / name)


def _baseline(tables):
    content = table(tables, "baseline")
    known(content, _DETAILS, "[baseline]")
    return _merged(tables, content, {}, "one-step")


def _merged(tables, content, data, folder):
    """A run of one model: what all steps share, overruled by its own."""
    merged = {name: {**table(tables, name), **table(content, name)} for name in ("training", "loss", "validation")}
    if "init" in table(content, "model"):
        raise ValueError(
            "a step's model has init: give the step init to use a trained model; to continue from weights, "
            'train them alone, family = "cgvae"'
        )
    merged["training"]["folder"] = _folder(tables, content, folder)
    model = {**table(content, "model"), "family": "cgvae"}
    return parse_molecule({**merged, "model": model, "data": {**tables["data"], **data}})
