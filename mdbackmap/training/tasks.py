"""What the training loop trains: a `Task` gives examples, the terms of the loss, and what is measured on the way."""

import abc

from ..data.bead_draws import RANDOM, BeadDraws
from ..data.dataset import Batches, cut_units
from ..data.layouts import TRAIN
from ..molecule.bead_models import bead_model
from .losses import terms
from .validation import Validation


class Task(abc.ABC):
    """
    Data and loss of one kind of model.

    Attributes
    ----------
    aside : tuple of str
        Terms that are logged, but are no part of the loss.
    shown : tuple of str
        Terms that the progress bar shows.
    sources : list
        Where the data come from, as plain values: a run goes on only with the same.
    beads : sequence of str
        Bead models that examples are seen through, as often as they are named; a run goes on only with the same.
    every : int
        Epochs from one validation to the next.
    """

    aside = ()
    shown = ("positions", "kl")
    sources = ()
    beads = ()
    every = 1

    @property
    @abc.abstractmethod
    def steps_per_epoch(self):
        """Number of batches of an epoch, about."""

    @abc.abstractmethod
    def plan(self, generator):
        """The parts of an epoch, one a batch, in an order drawn from a torch generator."""

    @abc.abstractmethod
    def collate(self, part, generator):
        """The example for a part of the plan; it has a method `to(device)`."""

    @abc.abstractmethod
    def terms(self, model, example, generator):
        """Terms of the loss by name, as means over what counts, and its count as a tensor."""

    @abc.abstractmethod
    def validate(self, model, device):
        """What is measured on held-out data, by name."""

    @abc.abstractmethod
    def best(self, row, before):
        """Whether a row of the log is better than the best one before it (None: there is none)."""


class OfBatches(Task):
    """
    A task whose examples are those of `dataset.Batches`.

    Attributes
    ----------
    data : Structures
    batches : Batches
    """

    def __repr__(self):
        return repr(self.data)

    @property
    def steps_per_epoch(self):
        """Number of batches of an epoch."""
        return self.batches.steps_per_epoch

    def plan(self, generator):
        """Units of each batch."""
        return self.batches.plan(generator)

    def collate(self, part, generator):
        """The example of a batch."""
        return self.batches.collate(part, generator)


class ProteinChains(OfBatches):
    """
    Chains of proteins, for GenZProt.

    Parameters
    ----------
    data : Structures
    n_neighbours : int
        Of the model.
    config : TrainingConfig
    beads : tuple of str
        Bead models that chains are seen through.

    Raises
    ------
    ValueError
        No chain to train on.
    """

    aside = ("peptide", "chis")
    shown = ("torsion", "kl")

    def __init__(self, data, n_neighbours, config, beads=("ca",)):
        self.config, self.data, self.sources, self.beads = config, data, data.sources, tuple(beads)
        augmentation = config.noise, config.blur, config.neighbour_dropout, config.roughness
        draws = None
        if set(beads) != {"ca"}:
            draws = BeadDraws([name if name == RANDOM else bead_model(name) for name in beads])
        inside = {"white": config.white, "draws": draws, "placed": config.placed}
        self.batches = Batches(data, cut_units(data, TRAIN), n_neighbours, config.batch_size, *augmentation, **inside)
        if not self.batches.units:
            raise ValueError(f"no chain to train on in {data}: expected chains of split 0")
        self.validation = Validation(data, n_neighbours, config.validation, config.batch_size)
        self.every = config.validation.every

    def terms(self, model, example, generator):
        """Terms of the loss of a batch, and the number of residues that count."""
        return terms(model, example, generator, self.config.loss, self.config.bfloat16)

    def validate(self, model, device):
        """Scores on held-out chains."""
        return self.validation(model, device)

    def best(self, row, before):
        """Whether a row is better by the column that the settings name."""
        return self.validation.best(row, before)
