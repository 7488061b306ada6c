"""
Cascade: models one after another, from ultra-coarse beads to atoms in k steps.

After Kementzidis et al. (2025, arXiv 2505.18082): with levels x_0 (atoms), x_1, ..., x_k, each made from the one before
by a mapping, log p(x_0 | x_k) = sum_i log p(x_{i-1} | x_i). Each term has its own parameters, so each step trains
alone, in its own memory. A sample goes through the steps from the coarsest on: what one step draws are the beads of the
next.

Each step has its own random numbers, keyed by (seed, frame, sample, step). Steps are counted from the last, so the last
steps make the atoms that they would make without those before them.
"""

import dataclasses
import functools

from torch import nn

from ..molecule.bead_models import CA
from ..molecule.mapping import Mapping, MappingError
from .base import Model
from .cgvae.network import CGVAE, CGVAEConfig
from .genzprot import GenZProt, GenZProtConfig

STEPS = {"genzprot": (GenZProt, GenZProtConfig), "cgvae": (CGVAE, CGVAEConfig)}
"""Families that a step may be of: class and configuration."""


@dataclasses.dataclass(frozen=True)
class CascadeConfig:
    """The steps of a cascade."""

    steps: tuple = dataclasses.field(repr=False)  # of each step, coarsest first: {"family": ..., "config": {...}}
    # Rounds of `mending` on C-alpha traces that a step makes; 0 leaves them as they are.
    rounds: int = 100  # chosen: by hand

    def __post_init__(self):
        object.__setattr__(self, "steps", tuple(dict(step) for step in self.steps))
        if not self.steps:
            raise ValueError("a cascade without steps: expected one or more")
        for number, step in enumerate(self.steps):
            family = step.get("family")
            if family not in STEPS:
                raise ValueError(f"step {number} is of family {family!r}: expected one of {', '.join(STEPS)}")
        if self.rounds < 0:
            raise ValueError(f"rounds must be 0 (traces stay as they are) or more, not {self.rounds}")


class Cascade(Model):
    """
    A model whose steps are models; its mapping is theirs, one after the other.

    Where a step makes a C-alpha trace, `mending` gives neighbouring C-alphas their distance before the next step
    takes them; the beads that the cascade starts from stay where they are. A step that `relaxes` its beads may move
    what the step before made, within the tolerance, and the coarsest beads move along by less. If frames are judged
    ("auto"), a trace that a step made may move by that tolerance in any frame, and coarsest beads move where no
    C-alphas at their distance fit them.

    Parameters
    ----------
    config : CascadeConfig
        `Cascade.of` makes a cascade of models that are there already.

    Raises
    ------
    MappingError
        Steps that do not join: the atoms of one have to be the beads of the next.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> genzprot, _ = load("genzprot")
    >>> Cascade.of([genzprot])
    Cascade(genzprot)
    """

    family = "chain"  # in checkpoints, whose format does not change with the name of the class

    def __init__(self, config):
        super().__init__()
        self.config = config
        families = [(*STEPS[step["family"]], step["config"]) for step in config.steps]
        self.steps = nn.ModuleList(family(kind(**given)) for family, kind, given in families)
        self.relaxes = any(step.relaxes for step in self.steps)
        self.open_ends = self.steps[-1].open_ends
        if self.steps[0].molecule is not None:
            self.molecule = self.mapping(self.steps[0].molecule.coarse)
        self.eval()

    @classmethod
    def of(cls, steps, rounds=CascadeConfig.rounds):
        """
        A cascade of models, coarsest first; the steps of cascades among them become its own steps.

        Parameters
        ----------
        steps : sequence of Model
            Their weights are copied.
        rounds : int

        Returns
        -------
        Cascade
        """
        flat = [inner for step in steps for inner in (step.steps if isinstance(step, Cascade) else [step])]
        parts = tuple({"family": step.family, "config": dataclasses.asdict(step.config)} for step in flat)
        cascade = cls(CascadeConfig(parts, rounds))
        for mine, given in zip(cascade.steps, flat, strict=True):
            mine.load_state_dict(given.state_dict())
        return cascade

    def __repr__(self):
        return f"Cascade({' > '.join(step.family for step in self.steps)})"

    def mapping(self, coarse=None, model=CA):
        """From the coarsest beads to the atoms; a cascade for one molecule has its own (see `CGVAE.mapping`)."""
        if self.molecule is not None:
            return self.molecule
        if model is not CA:
            raise MappingError(f"a chain of models takes C-alphas, not beads of the bead model {model.name!r}")
        return functools.reduce(Mapping.then, self.mappings(coarse))

    def mappings(self, coarse=None):
        """The mapping of each step, coarsest first; `coarse` as for `mapping`."""
        fine, mappings = self.molecule.coarse if self.molecule is not None else coarse, []
        for step in self.steps:
            mappings.append(step.mapping(fine))
            fine = mappings[-1].fine
        return mappings
