"""
What training on one molecule depends on, read from a TOML file in which an unknown key is an error.

Example of a file (everything but ``family`` and the files of ``data`` may be left out)::

    [model]
    family = "cgvae"

    [data]
    topology = "aa.pdb"
    trajectory = ["aa.xtc"]
    mapping = "residue"

    [training]
    folder = "runs/mine"
"""

import dataclasses

from ...models.cgvae.network import PARITIES, CGVAEConfig
from ..config import Schedule, fill, known, schedule, table

_BROUGHT = ("molecule", "shortest", "longest", "atom_shortest", "atom_longest")  # by the data
LAST = "last"


@dataclasses.dataclass(frozen=True)
class MoleculeData:
    """Which frames of which molecule, and its beads."""

    topology: str = ""  # file with the atoms, relative to the working directory
    trajectory: tuple[str, ...] = ()  # files with their frames; the topology's own frames if left out
    topology_format: str = ""  # where the name of the file does not say it, as MDAnalysis names it: "DATA", "PSF", ...
    format: str = ""  # the same of the trajectory: "LAMMPSDUMP", "H5MD", ...
    reader_options: tuple[str, ...] = ()  # of MDAnalysis' readers: "dt=10", "convert_units=False"
    select: str = "all"  # which atoms, in MDAnalysis' selection language
    frames: str = ""  # which frames, "start:stop:step"; all if left out
    runs: tuple[int, ...] = ()  # numbers of frames of the runs that follow each other; each file is one if left out
    mapping: str | tuple[str, ...] = "residue"  # a kind (see `molecule.kinds`), a JSON file, a list of selections
    weights: str = "geometry"  # beads at centres of "geometry" or of "mass"
    hold_out: tuple[int, ...] = ()  # runs that are held out, from 0; blocks of frames are if left out
    block: int = 50  # frames of a block that is held out; chosen: by hand
    gap: int = 5  # frames beside each held-out block that are not trained on either; chosen: by hand
    share: float = 0.2  # share of the frames that is held out in blocks; 0 holds out none; chosen: by hand
    valid: float = 0.0  # share for validation in blocks of its own; with 0 the frames held out are looked at instead

    def __post_init__(self):
        if self.block < 1 or self.gap < 0 or not 0 <= self.share <= 0.5 or not 0 <= self.valid <= 0.3:
            raise ValueError("data: block must be 1 or more, gap 0 or more, share within 0 and 0.5, valid 0 and 0.3")


@dataclasses.dataclass(frozen=True)
class MoleculeLoss:
    """Weights of the terms of the loss (`molecules.molecule_terms`); those of the paper for alanine dipeptide."""

    positions: float = 1.0  # mean square displacement of the atoms, square angstrom
    kl: float = 0.05  # KL(posterior || prior) of a bead, nats; cited: Wang et al. 2022
    # mean square error of distances over one or two bonds, square angstrom (chignolin: 50); cited: Wang et al. 2022
    graph: float = 25.0
    samples: float | None = None  # the same of samples from the prior, their latents fixed; None: as graph; 0: not made
    nats: float = 0.0  # the negative evidence lower bound itself, nats an atom
    width: float = 1.0  # fit of the decoder's widths, nats an atom; it has no gradient for other weights

    def __post_init__(self):
        if self.samples is None:
            object.__setattr__(self, "samples", self.graph)


@dataclasses.dataclass(frozen=True)
class MoleculeValidation:
    """What is measured on the frames for validation, or on those held out, with the averaged weights."""

    every: int = 10  # epochs from one validation to the next; chosen: by hand
    frames: int = 500  # held-out frames that are looked at, evenly spread; 0 measures nothing; chosen: by hand
    best_by: str = LAST  # keep the weights of the last epoch, or those where this column of the log is lowest

    def __post_init__(self):
        if self.every < 1 or self.frames < 0:
            raise ValueError("validation: every must be 1 or more, frames 0 or more")


@dataclasses.dataclass(frozen=True)
class MoleculeTraining(Schedule):
    """How to train on one molecule."""

    folder: str = "runs/cgvae"
    epochs: int = 200  # passes over the frames; chosen: by hand
    batch_size: int = 64  # frames in a batch; chosen: by hand
    warmup: float = 0.03  # share of the run; chosen: by hand
    ema: float = 0.995  # weight of the average before; chosen: by hand
    recompute: bool = False  # less memory, more time, the same weights: messages worked out again in the backward pass
    loss: MoleculeLoss = MoleculeLoss()
    validation: MoleculeValidation = MoleculeValidation()


@dataclasses.dataclass(frozen=True)
class MoleculeRun:
    """A whole run, as a TOML file describes it."""

    data: MoleculeData
    model: dict  # arguments of `CGVAEConfig` but those that the data bring
    training: MoleculeTraining
    init: str | None = None  # bundled name or file of the weights to go on from, with their mapping and sizes


def parse_molecule(tables):
    """
    A run from the tables of a TOML file.

    Raises
    ------
    ValueError
        An unknown table or key, a value of the wrong type or out of range, no topology.

    Examples
    --------
    >>> tables = {"model": {"family": "cgvae"}, "data": {"topology": "aa.pdb", "mapping": "blocks:2"}}
    >>> parse_molecule(tables).data.mapping
    'blocks:2'
    >>> parse_molecule({**tables, "loss": {"beta": 1.0}})
    Traceback (most recent call last):
    ...
    ValueError: unknown key 'beta' in [loss]: known are positions, kl, graph, samples, nats, width
    """
    known(tables, ("data", "model", "training", "loss", "validation"), "the file (tables)")
    sizes = {name: value for name, value in table(tables, "model").items() if name != "family"}
    init = sizes.pop("init", None)
    if init is not None and (sizes or not isinstance(init, str) or "mapping" in table(tables, "data")):
        raise ValueError("[model] has init: weights come with their own sizes and mapping, so leave those out")
    for name in _BROUGHT:
        if name in sizes:
            raise ValueError(f"[model] has {name!r}: that comes from the data, leave it out")
    if sizes.get("parity") not in (None, *PARITIES):
        raise ValueError(f"parity in [model] is {sizes['parity']!r}: expected one of {', '.join(PARITIES)}")
    model = vars(fill(CGVAEConfig, {"model": {**sizes, "molecule": {}}}, "model"))
    data = fill(MoleculeData, tables, "data")
    if not data.topology:
        raise ValueError('no data: expected [data] with topology = "aa.pdb" and trajectory = ["aa.xtc"]')
    model = {name: value for name, value in model.items() if name not in _BROUGHT}
    return MoleculeRun(data, model, schedule(MoleculeTraining, tables), init)
