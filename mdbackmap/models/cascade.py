"""
Chain: models in a row, from ultra-coarse beads to atoms in k steps.

After Kementzidis et al. (2025, arXiv 2505.18082): with levels x_0 (atoms), x_1, ..., x_k, each made from the one before
by a mapping, log p(x_0 | x_k) = sum_i log p(x_{i-1} | x_i). Each term has its own parameters, so each step trains
alone, in its own memory. A sample goes through the steps from the coarsest on: what one step draws are the beads of the
next.

Each step has its own random numbers, keyed by (seed, frame, sample, step). Steps are counted from the last, so the last
steps make the atoms that they would make without those before them.

Shapes: F frames, N beads, A atoms. Angstrom.
"""

import dataclasses

import torch
from torch import nn

from ..options import AUTO_LIMIT
from ..traces.mending import Mending, is_trace
from .base import Model
from .cgvae.network import CGVAE, CGVAEConfig
from .genzprot import GenZProt, GenZProtConfig

STEPS = {"genzprot": (GenZProt, GenZProtConfig), "cgvae": (CGVAE, CGVAEConfig)}
"""Families that a step may be of: class and configuration."""


@dataclasses.dataclass(frozen=True)
class ChainConfig:
    """The steps of a chain."""

    steps: tuple = dataclasses.field(repr=False)  # of each step, coarsest first: {"family": ..., "config": {...}}
    rounds: int = 100  # of `mending` on C-alpha traces that a step makes; 0 leaves them as they are

    def __post_init__(self):
        object.__setattr__(self, "steps", tuple(dict(step) for step in self.steps))
        if not self.steps:
            raise ValueError("a chain without steps: expected one or more")
        for number, step in enumerate(self.steps):
            if step.get("family") not in STEPS:
                raise ValueError(
                    f"step {number} is of family {step.get('family')!r}: expected one of {', '.join(STEPS)}"
                )
        if self.rounds < 0:
            raise ValueError(f"rounds must be 0 (traces stay as they are) or more, not {self.rounds}")


class Chain(Model):
    """
    A model whose steps are models; its mapping is theirs, one after the other.

    Where a step makes a C-alpha trace, `mending` gives neighbouring C-alphas their distance before the next step
    takes them; the beads that the chain starts from stay where they are. A step that `relaxes` its beads may move what
    the step before made, within the tolerance, and the coarsest beads move along by less. If the tolerance is "auto", a
    trace that a step made may move by `AUTO_LIMIT` in any frame, and coarsest beads move where no C-alphas at
    their distance fit them.

    Parameters
    ----------
    config : ChainConfig
        `Chain.of` makes a chain of models that are there already.

    Raises
    ------
    MappingError
        Steps that do not join: the atoms of one have to be the beads of the next.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> genzprot, _ = load("genzprot")
    >>> chain = Chain.of([genzprot])
    >>> chain
    Chain(genzprot)
    """

    family = "chain"

    def __init__(self, config):
        super().__init__()
        self.config = config
        families = [(*STEPS[step["family"]], step["config"]) for step in config.steps]
        self.steps = nn.ModuleList(family(kind(**given)) for family, kind, given in families)
        self.molecule = None
        self.relaxes = any(step.relaxes for step in self.steps)
        self.open_ends = self.steps[-1].open_ends
        self._bound = None
        if self.steps[0].molecule is not None:
            self.molecule = self._bind(self.steps[0].molecule.coarse)[0]
        self.eval()

    @classmethod
    def of(cls, steps, rounds=ChainConfig.rounds):
        """
        A chain of models, coarsest first; the steps of chains among them become its own steps.

        Parameters
        ----------
        steps : sequence of Model
            Their weights are copied.
        rounds : int

        Returns
        -------
        Chain
        """
        flat = [inner for step in steps for inner in (step.steps if isinstance(step, Chain) else [step])]
        parts = tuple({"family": step.family, "config": dataclasses.asdict(step.config)} for step in flat)
        chain = cls(ChainConfig(parts, rounds))
        for mine, given in zip(chain.steps, flat, strict=True):
            mine.load_state_dict(given.state_dict())
        return chain

    def __repr__(self):
        return f"Chain({' > '.join(step.family for step in self.steps)})"

    def mapping(self, coarse=None):
        """From the coarsest beads to the atoms; a chain that is for one molecule has its own (see `CGVAE.mapping`)."""
        return self.molecule if self.molecule is not None else self._bind(coarse)[0]

    def mappings(self, coarse=None):
        """The mapping of each step, coarsest first; `coarse` as for `mapping`."""
        return self._bind(self.molecule.coarse if self.molecule is not None else coarse)[1]

    def _bind(self, coarse, device=None):
        """The whole mapping, that of each step, and how its traces are mended; those of the last molecule are kept."""
        if self._bound is None or self._bound[0] is not coarse or (device or self._bound[1]) != self._bound[1]:
            device = device or torch.device("cpu")
            found, wholes = [], []
            for step in self.steps:
                found.append(step.mapping(found[-1].fine if found else coarse))
                wholes.append(wholes[-1].then(found[-1]) if wholes else found[-1])
            whole = wholes[-1]
            mending = [Mending(x, device) if is_trace(x.fine) and self.config.rounds else None for x in wholes]
            self._bound = (coarse, device, whole, found, mending)
        return self._bound[2:]

    def __getstate__(self):
        return {**super().__getstate__(), "_bound": None}

    @torch.no_grad()
    def levels(self, mapping, beads, noise, frames, samples, times, box=None, bead_tolerance=0.0):
        """
        Positions after each step, coarsest first; arguments as for `sample`.

        Returns
        -------
        list of torch.Tensor (F, n, 3)
        """
        _, mappings, mending = self._bind(mapping.coarse, beads.device)
        given, found = beads, []
        for number, (step, own, mend) in enumerate(zip(self.steps, mappings, mending, strict=True)):
            keyed = dataclasses.replace(noise, step=len(self.steps) - 1 - number)
            tolerance = bead_tolerance if step.relaxes else 0.0
            if number and tolerance == "auto" and is_trace(own.coarse):
                tolerance = AUTO_LIMIT
            fine = step.sample(own, beads, keyed, frames, samples, times, box=box, bead_tolerance=tolerance)
            beads = fine if mend is None else mend(fine, given, self.config.rounds, firm=bead_tolerance != "auto")
            found.append(beads)
        return found

    def sample(self, mapping, beads, noise, frames, samples, times, box=None, bead_tolerance=0.0):
        """Atoms for beads, through all steps (see `Model.sample`)."""
        return self.levels(mapping, beads, noise, frames, samples, times, box, bead_tolerance)[-1]
