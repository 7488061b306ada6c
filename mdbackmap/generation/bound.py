"""
Bound models: a network with all that sampling needs of one molecule, made once and never changed.

Networks hold weights alone. Several threads may use a bound model at once.

Shapes: F frames, N beads, A atoms, R residues. Angstrom.
"""

import abc
import copy
import dataclasses
import functools
import itertools

import torch

from ..chemistry import residues
from ..fitting.targets import BeadTargets
from ..models.base import Model
from ..models.batch import passes
from ..molecule.mapping import Mapping, MappingError
from ..options import Tolerance
from ..sampling.sampler import forked
from ..torsions.given import Given
from ..torsions.internal import InternalCoordinates
from ..traces.mending import Mending, is_trace
from ..traces.relaxation import Relaxation
from .pipeline import KEPT, RandomNumbers, generate
from .placing import Placing
from .ring import Turned
from .settings import Settings

_BEADS_AT_A_TIME = {"cpu": 4096, "cuda": 262144}  # that a CGVAE sees in one pass; chosen: by hand

_SAME = 1e-4  # angstrom; chosen: by hand, less is rounding


def bind(model, mapping, device=None, settings=None):
    """
    A model bound to a molecule.

    Parameters
    ----------
    model : Model
        Its weights are used as they are now; bind it again when they have changed.
    mapping : Mapping
        As `Model.mapping` gave it.
    device : torch.device or str, optional
        Where the model is moved to first; by default it stays where it is.
    settings : Settings, optional

    Returns
    -------
    Bound

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> from mdbackmap.generation.noise import Noise
    >>> from mdbackmap.options import Keys
    >>> chain, model = read_chains(VALIDATION, limit=1)[0], load("genzprot")[0]
    >>> bound = bind(model, model.mapping(chain.trace()))
    >>> bound.sample(torch.tensor(chain.beads, dtype=torch.float32), Noise(temperature=0), Keys.first(1)).shape
    torch.Size([1, 1431, 3])
    """
    model = model if device is None else model.to(device)
    kind = _KINDS[model.family]
    kind = BoundRing if kind is BoundProtein and mapping.coarse.closed.any() else kind
    return kind.of(model, mapping, settings or Settings())


def _bind_again(model, mapping, settings):
    """A bound model out of a pickle; tables are made anew, in a forked process by one thread."""
    if forked():
        torch.set_num_threads(1)
    return bind(model, mapping, settings=settings)


@dataclasses.dataclass(frozen=True, eq=False)
class Bound(abc.ABC):
    """
    A model bound to a molecule; `bind` makes it.

    Attributes
    ----------
    model : Model
    mapping : Mapping
    settings : Settings
    """

    model: Model
    mapping: Mapping
    settings: Settings

    def __reduce__(self):
        return _bind_again, (self.model, self.mapping, self.settings)

    @abc.abstractmethod
    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None):
        """
        Atoms for beads.

        Parameters
        ----------
        beads : torch.Tensor, shape (F, N, 3)
            In angstrom, chains whole.
        noise : Noise
        keys : Keys
            What the noise is keyed by.
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows, in angstrom.
        tolerance : Tolerance
            How far beads may move. A model that `relaxes` none keeps beads exactly.
        kept : KeptPlaces, optional
            Atoms that are known beforehand; only models of proteins take them.

        Returns
        -------
        torch.Tensor, shape (F, A, 3)
            Positions in angstrom.
        """

    def levels(self, beads, noise, keys, box=None, tolerance=KEPT):
        """Positions after each step, coarsest first; a model that is no cascade has one."""
        return [self.sample(beads, noise, keys, box, tolerance)]


@dataclasses.dataclass(frozen=True, eq=False)
class BoundProtein(Bound):
    """
    A `GenZProt` bound to the beads of a protein.

    Attributes
    ----------
    placing : Placing or None
        What finds C-alphas from other beads; None where beads are C-alphas alone.
    relaxation : Relaxation
        With the `InternalCoordinates` of the molecule.
    slots : torch.Tensor of int64, shape (A,)
        Place of each atom among the 14 of each residue.
    """

    placing: Placing | None
    relaxation: Relaxation
    slots: torch.Tensor

    @classmethod
    def of(cls, model, mapping, settings):
        """With all tables of the molecule on the model's device."""
        device = next(model.parameters()).device
        placing = None if mapping.is_trace else Placing.of(model.placement, mapping, device)
        if placing is not None and model.placement is None and not placing.exact:
            raise MappingError(
                f"this checkpoint takes C-alpha beads alone, and the beads of {mapping.name!r} lie elsewhere: "
                "use a model that was trained on other beads, such as the bundled 'genzprot'"
            )
        internal = InternalCoordinates.of(mapping.coarse, device)
        return cls(model, mapping, settings, placing, Relaxation(internal, settings.traces), _slots(mapping).to(device))

    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None, held=None):
        """Atoms for beads (see `Bound.sample`); `held` (F, R, 4) are side-chain torsions to be kept."""
        return self.conformation(beads, noise, keys, box, tolerance, kept, held).atoms.flatten(1, 2)[:, self.slots]

    @functools.cached_property
    def loosened(self):
        """The same, with settings for beads of a simulation."""
        exact = self.placing is None or self.placing.exact
        return self.of(self.model, self.mapping, self.settings.loosened(exact))

    def given(self, kept, like):
        """Atoms that are kept as the pipeline takes them, `Given`, or None; `like` is a tensor, shape (F, N, 3)."""
        if kept is None:
            return None
        atoms = torch.from_numpy(kept.atoms).to(like)
        places = like.new_full((len(atoms), len(self.relaxation.internal.types) * residues.MAX_ATOMS, 3), torch.nan)
        places[:, self.slots] = atoms
        mask = places[0].isfinite().all(-1).view(-1, residues.MAX_ATOMS)
        places = places.nan_to_num(0.0).unflatten(1, mask.shape)
        if len(kept.kinds) == 0:
            return Given(places, mask)
        others = torch.from_numpy(kept.others[:, kept.members]).to(like)
        return Given(places, mask, others, torch.from_numpy(kept.kinds).to(mask.device))

    @torch.no_grad()
    def conformation(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None, held=None):
        """The `Conformation` that the pipeline makes; arguments as for `sample`."""
        if tolerance.simulated:
            told = dataclasses.replace(tolerance, simulated=False)
            return self.loosened.conformation(beads, noise, keys, box, told, kept, held)
        alphas, targets = beads, None
        if self.placing is not None:
            placed = self.placing(beads, box)
            alphas, table = placed.alphas, self.placing.table
            targets = BeadTargets(table, placed.beads, self.settings.fitting.sigma(table), placed.scales)
        random = RandomNumbers.of(noise, keys, alphas, self.model.config.n_latent, self.settings.packing)
        random = dataclasses.replace(random, held=held)
        given, fits = self.given(kept, alphas), None if kept is None else kept.fitting
        fits = None if fits is None else torch.from_numpy(fits).to(alphas.device)
        how = self.settings, box, tolerance, targets, given, fits
        return generate(self.model, self.relaxation, alphas, random, *how)


@dataclasses.dataclass(frozen=True, eq=False)
class BoundRing(Bound):
    """
    A protein with closed chains: it is generated twice (see `ring`).

    Attributes
    ----------
    cut, again : BoundProtein
        The first and the second time.
    turned : Turned
        How the second one is cut.
    """

    cut: BoundProtein
    again: BoundProtein
    turned: Turned

    @classmethod
    def of(cls, model, mapping, settings):
        """With both of them."""
        turned = Turned.of(mapping)
        both = (BoundProtein.of(model, one, settings) for one in (mapping, turned.mapping))
        return cls(model, mapping, settings, *both, turned)

    @property
    def placing(self):
        """As of the first one."""
        return self.cut.placing

    @torch.no_grad()
    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None):
        """Atoms for beads (see `Bound.sample`)."""
        first, turned = self.cut.sample(beads, noise, keys, box, tolerance, kept), self.turned
        known = turned.known(first.cpu().numpy(), kept, beads.cpu().numpy() if self.mapping.is_trace else None)
        tolerance = dataclasses.replace(tolerance, limit=tolerance.limit * (~turned.given).mean() ** 0.5)
        atoms = torch.empty_like(first)
        atoms[:, turned.atoms] = self.again.sample(beads[:, turned.beads], noise, keys, box, tolerance, known)
        stayed = (atoms - first).norm(dim=-1, keepdim=True) < _SAME
        return torch.where(stayed, first, atoms)  # beads that are kept, to the bit


def _slots(mapping):
    names = [residues.RESIDUE_NAMES[kind] for kind in mapping.coarse.types]
    pairs = zip(mapping.fine.residue_of_atom, mapping.fine.names, strict=True)
    return torch.tensor([r * residues.MAX_ATOMS + residues.SLOT_OF_ATOM[names[r], atom] for r, atom in pairs])


@dataclasses.dataclass(frozen=True, eq=False)
class BoundMolecule(Bound):
    """
    A `CGVAE` bound to its molecule.

    Attributes
    ----------
    precise : CGVAE
        The model in double precision: what else is in a batch then leaves no trace, not even by rounding.
    """

    precise: Model

    @classmethod
    def of(cls, model, mapping, settings):
        """With a copy of the model in double precision."""
        return cls(model, mapping, settings, copy.deepcopy(model).double())

    @torch.no_grad()
    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None):
        """
        Atoms for beads: what the decoder makes of a latent drawn from the prior (see `Bound.sample`).

        The temperature scales the latent's deviation. The decoder's own width, a few hundredths of an angstrom, is not
        drawn from.
        """
        precise, box = beads.double(), None if box is None else box.double()
        normal = noise.normal(keys, (beads.shape[1], self.model.config.n_latent))
        normal = noise.temperature * torch.from_numpy(normal).to(precise)
        atoms = []
        with torch.autocast(beads.device.type, enabled=False):
            for part in passes(beads, _BEADS_AT_A_TIME):
                atoms.append(self.precise.draw(precise[part], normal[part], None if box is None else box[part]))
        return torch.cat(atoms).to(beads)


@dataclasses.dataclass(frozen=True, eq=False)
class BoundCascade(Bound):
    """
    A `Cascade` whose steps are bound, each to its own molecule.

    Attributes
    ----------
    steps : tuple of Bound
        Coarsest first.
    mendings : tuple of Mending or None
        How the C-alpha trace that each step makes is mended, if it makes one.
    """

    steps: tuple
    mendings: tuple

    @classmethod
    def of(cls, model, mapping, settings):
        """With each step bound."""
        device, mappings = next(model.parameters()).device, model.mappings(mapping.coarse)
        steps = tuple(bind(step, own, None, settings) for step, own in zip(model.steps, mappings, strict=True))
        wholes = itertools.accumulate(mappings, Mapping.then)
        traces = [whole if model.config.rounds > 0 and is_trace(whole.fine) else None for whole in wholes]
        mendings = [None if whole is None else Mending(whole, device, settings.traces) for whole in traces]
        return cls(model, mapping, settings, steps, tuple(mendings))

    @torch.no_grad()
    def levels(self, beads, noise, keys, box=None, tolerance=KEPT):
        """
        Positions after each step, coarsest first; arguments as for `sample`.

        Returns
        -------
        list of torch.Tensor, each of shape (F, n, 3)
        """
        coarsest, levels = beads, []
        for number, (step, mend) in enumerate(zip(self.steps, self.mendings, strict=True)):
            keyed = dataclasses.replace(noise, step=len(self.steps) - 1 - number)
            made = number > 0 and is_trace(step.mapping.coarse)
            allowed = Tolerance(tolerance.limit) if made and tolerance.judged else tolerance
            fine = step.sample(beads, keyed, keys, box, allowed)
            beads = fine if mend is None else mend(fine, coarsest, self.model.config.rounds, firm=not tolerance.judged)
            levels.append(beads)
        return levels

    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None):
        """Atoms for beads, through all steps (see `Bound.sample`)."""
        return self.levels(beads, noise, keys, box, tolerance)[-1]


_KINDS = {"genzprot": BoundProtein, "cgvae": BoundMolecule, "chain": BoundCascade}
