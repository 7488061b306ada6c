"""
What a training run depends on: frozen dataclasses, read from one TOML file in which an unknown key is an error.

Example of a file (every table but `data` and every key but `packs` may be left out)::

    [data]
    packs = ["structures.h5", "ensembles.h5"]  # from the folder in which the run is started
    include = ["NMR", "ngl_md"]                # systems of the ensembles, by kind or name
    beads = ["ca", "martini3", "random"]       # bead models to train on

    [model]
    init = "genzprot"                          # go on from these weights; or sizes: n_layers = 5
    dropout = 0.2                              # with either; as the weights have it, if left out

    [training]
    folder = "runs/mine"
    minutes = 60

    [loss]
    clash = 0.1

    [validation]
    chains = 8
"""

import dataclasses
import math
import types
import typing

from ..models.genzprot import GenZProtConfig
from .losses import LossWeights

_CHANGEABLE = ("dropout", "anonymous", "rotamers", "n_neighbours", "inside")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which structures."""

    packs: tuple[str, ...] = ()  # files of `mdbackmap pack`, relative to the working directory
    beads: tuple[str, ...] = ("ca",)  # bead models, as likely as often they are named; "random": made up for each entry
    include: tuple[str, ...] | None = None  # patterns for kinds or names of the systems of ensembles; all if left out


@dataclasses.dataclass(frozen=True)
class ValidationConfig:
    """What is measured on the validation chains after an epoch, with the averaged weights."""

    every: int = 1  # epochs from one validation to the next
    residues: int = 20_000  # residues, about, whose likelihood is measured; chosen: by hand
    chains: int = 8  # chains that structures are sampled for; 0 samples none; chosen: by hand
    temperatures: tuple[float, ...] = (0.0, 1.0)  # at which they are sampled
    best_by: str = "valid_nats"  # the weights are kept where this column of the log is best

    def __post_init__(self):
        if self.every < 1 or self.chains < 0 or self.residues < 0:
            raise ValueError("validation: every must be 1 or more, chains and residues 0 or more")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What every kind of training has."""

    folder: str = "runs"  # where log, curves, checkpoint and model go
    epochs: int = 10  # passes over the data; chosen: by hand
    batch_size: int = 64  # chosen: by hand
    learning_rate: float = 2e-3  # of AdamW at its highest; chosen: by hand
    warmup: float = 0.05  # share of the run in which the learning rate rises; chosen: by hand
    weight_decay: float = 0.01  # of AdamW; chosen: by hand
    clip: float = 1.0  # largest norm of the gradient
    kl_warmup: float = 0.2  # share of the run in which the weights of kl and samples rise from 0; chosen: by hand
    ema: float = 0.998  # decay of the moving average of the weights, which is what is kept; chosen: by hand
    noise: float = 0.0  # largest RMS of smooth noise on the beads, angstrom: what a step before this one may do to them
    device: str = "cpu"
    seed: int = 0
    checkpoint_minutes: float = 5.0  # from one checkpoint to the next; chosen: by hand
    minutes: float = math.inf  # the schedule runs over this time instead of the epochs, if it is shorter

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate", "clip", "minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"training: {name} must be above 0, not {getattr(self, name)}")
        if not 0 <= self.ema < 1 or not 0 <= self.warmup < 1 or not 0 <= self.kl_warmup <= 1:
            raise ValueError("training: ema and warmup must be in [0, 1), kl_warmup in [0, 1]")
        if self.noise < 0:
            raise ValueError(f"training: noise must be 0 or more, not {self.noise}")


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Schedule):
    """How to train; every number that a run depends on besides the model's own configuration."""

    folder: str = "runs/genzprot"
    batch_size: int = 2400  # residues, about; chosen: by hand
    noise: float = 0.4  # angstrom; chosen: by hand
    blur: float = 0.0  # the same for entries without `noise`: small, so that exact distances are not learned
    roughness: float = 0.0  # largest RMS of white noise on top for those that have noise: bonds of C-alphas are springs
    white: float = 0.0  # RMS of white noise on the beads of all entries, angstrom: as files round them
    placed: float = 0.2  # largest RMS of noise on C-alphas that are no beads, angstrom; measured: as they are found
    neighbour_dropout: float = 0.0  # share of the neighbours hidden at random
    bfloat16: bool = False  # autocast; faster only where the processor has it
    loss: LossWeights = LossWeights()
    validation: ValidationConfig = ValidationConfig()

    def __post_init__(self):
        super().__post_init__()
        if min(self.blur, self.roughness, self.white, self.placed) < 0 or not 0 <= self.neighbour_dropout < 1:
            raise ValueError(
                "training: blur, roughness, white and placed must be 0 or more, neighbour_dropout in [0, 1)"
            )


@dataclasses.dataclass(frozen=True)
class Run:
    """A whole run, as a TOML file describes it."""

    data: DataConfig
    init: str | None  # bundled name or file of the weights to go on from
    model: GenZProtConfig | None  # sizes of a new network; None with `init`
    training: TrainingConfig
    changes: dict = dataclasses.field(default_factory=dict)  # with `init`: what of its configuration is changed


def parse(tables):
    """
    A run from the tables of a TOML file.

    Examples
    --------
    >>> parse({"data": {"packs": ["a.h5"]}, "training": {"epochs": 3}}).training.epochs
    3
    >>> parse({"data": {"packs": ["a.h5"]}, "training": {"epoch": 3}})
    Traceback (most recent call last):
    ...
    ValueError: unknown key 'epoch' in [training]: did you mean 'epochs'? ...
    """
    known(tables, ("data", "model", "training", "loss", "validation"), "the file (tables)")
    model = dict(table(tables, "model"))
    family = model.pop("family", "genzprot")
    if family != "genzprot":
        raise ValueError(f"family {family!r} in [model]: expected 'genzprot' (the default), 'cgvae' or 'chain'")
    init = model.pop("init", None)
    changes = {name: model.pop(name) for name in _CHANGEABLE if init is not None and name in model}
    if init is not None and (model or not isinstance(init, str)):
        raise ValueError(
            "[model] has init and sizes: weights come with their own sizes, so give one or the other "
            f"(init goes with {', '.join(_CHANGEABLE)} alone)"
        )
    fill(GenZProtConfig, {"model": changes}, "model")
    data = fill(DataConfig, tables, "data")
    if not data.packs:
        raise ValueError("no data: expected [data] with packs = [\"file.h5\", ...]; 'mdbackmap pack' makes them")
    sizes = fill(GenZProtConfig, {"model": model}, "model") if init is None else None
    return Run(data, init, sizes, schedule(TrainingConfig, tables), changes)


def schedule(kind, tables):
    """
    How to train, from the tables of a TOML file.

    Parameters
    ----------
    kind : type
        A `Schedule` with `loss` and `validation`.
    tables : dict

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        An unknown key, a wrong type, a number out of range.
    """
    hints = typing.get_type_hints(kind)
    for name in ("loss", "validation"):
        if name in table(tables, "training"):
            raise ValueError(f"[training] has {name!r}: expected a table of its own, [{name}]")
    parts = {name: fill(hints[name], tables, name) for name in ("loss", "validation")}
    return dataclasses.replace(fill(kind, tables, "training"), **parts)


def fill(kind, tables, name):
    """A dataclass `kind` from the table `name`; ValueError for unknown keys and wrong types."""
    values = table(tables, name)
    hints = {key: hint for key, hint in typing.get_type_hints(kind).items() if not dataclasses.is_dataclass(hint)}
    known(values, hints, f"[{name}]")
    return kind(**{key: _value(value, hints[key], f"{key} in [{name}]") for key, value in values.items()})


def table(tables, name):
    """The table of that name, empty if there is none; ValueError if it is no table."""
    content = tables.get(name, {})
    if not isinstance(content, dict):
        raise ValueError(f"{name} must be a table, [{name}], not {content!r}")
    return content


def known(content, names, where):
    """ValueError if a table has a key that is none of the names."""
    for key in content:
        if key not in names:
            near = [name for name in names if name.startswith(key[:4])]
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"unknown key {key!r} in {where}: {hint}known are {', '.join(names)}")


def _value(value, hint, where):
    """The value as its field wants it: whole numbers pass as float, lists as tuples."""
    if isinstance(hint, types.UnionType):
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        hint = next((part for part in parts if isinstance(value, list) == (typing.get_origin(part) is tuple)), parts[0])
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list, not {value!r}")
        return tuple(_value(part, typing.get_args(hint)[0], where) for part in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{where} must be of type {hint.__name__}, not {value!r}")
    return value
