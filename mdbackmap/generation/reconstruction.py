"""
`Reconstruction`: from frames of beads to all atoms of all molecules, step by step.

Shapes: F frames, N beads, P particles that are carried along, X of these that atoms are packed around, A atoms.
Positions in angstrom.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..completion.complete import Completion
from ..hydrogen.adding import Hydrogens
from ..hydrogen.deciding import decided
from ..metrics.dihedrals import atom14
from ..molecule.boxes import box_vectors, distances_moved
from ..molecule.kept import KeptPlaces
from ..molecule.mapping import MappingError
from ..molecule.system import System
from ..options import Keys, SamplingOptions
from ..refinement.refiner import Refiner
from ..sampling.sampler import Sampler
from ..sampling.standard_form import StandardForm
from ..sampling.treatment import TraceTreatment
from .bound import bind
from .held import held_torsions
from .noise import Noise

_FRAMES_TO_DECIDE = 3  # structures by which disulfides and tautomers are decided; chosen: by hand


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """
    The steps from beads to atoms, for one molecule and what is beside it.

    Attributes
    ----------
    form : StandardForm
    sampler : Sampler
    trace : TraceTreatment
    system : System
    completion : Completion or None
        What a model does not make; None for a model that makes all atoms.
    takes_kept : bool
        Whether the model builds around atoms that are known.
    refine : str or None
        What minimises the atoms at last, one of `options.REFINES`.
    """

    form: StandardForm
    sampler: Sampler
    trace: TraceTreatment
    system: System
    completion: Completion | None
    takes_kept: bool
    refine: str | None = None

    @classmethod
    def of(cls, network, sampler, form, options, looked=None, boxes=None):
        """
        Those of a network that is bound to a molecule.

        Parameters
        ----------
        network : Model
        sampler : Sampler
        form : StandardForm
        options : HydrogenOptions
        looked : ndarray of float, shape (f, N, 3), optional
            Beads of some frames, chains whole: the trace is judged by them, and disulfides and tautomers are decided.
        boxes : ndarray of float, shape (f, 3, 3), optional
            Of these frames, box vectors as rows.
        """
        whole = Completion(form.given).mapping if network.open_ends else form.given
        placed = functools.partial(placed_alphas, form, sampler)
        trace = TraceTreatment(whole, looked if network.relaxes else None, network.relaxes, placed)
        found = cls(form, sampler, trace, System(form.given), None, network.open_ends and network.molecule is None)
        return found._completed(options, looked, boxes) if network.open_ends else found

    def _completed(self, options, looked, boxes):
        """With the atoms that the model does not make; frames of beads (f, N, 3) may decide which these are."""
        if looked is None and options.propka:
            raise MappingError('protonation="propka" needs a frame of beads: load_model looks at some')
        if looked is None or not options.on:
            completion = Completion(self.form.given, options)
        else:
            few = looked[:_FRAMES_TO_DECIDE]
            trace = self.form.given.trace(few)
            boxes = None if boxes is None else boxes[: len(few)]
            completion = decided(self.form.given, options, functools.partial(self._plain, few, boxes), trace, boxes)
        return replace(self, completion=completion, system=System(completion.mapping))

    def _plain(self, beads, boxes, n_frames, residues=None):
        """The model's own atoms (F, A, 3), at temperature 0, of beads (F, N, 3) whose chains are whole; or of some."""
        options, beads = SamplingOptions(0, 0, 0, 0, "ignore"), beads[:n_frames]
        boxes = None if boxes is None else boxes[:n_frames]
        beads, tolerance = self.trace(beads, list(range(len(beads))), None, options)
        form, sampler = self.form, self.sampler
        if residues is not None:
            model, settings = sampler.bound.model, sampler.bound.settings
            beads = beads[:, form.given.coarse.atoms_of(residues)]
            form = StandardForm(form.given.take(residues), model)
            sampler = replace(sampler, bound=bind(model, form.mapping, sampler.device, settings))
        near, centre = form.beads(beads)
        atoms = sampler(near, _noise(options), Keys.first(len(beads)), boxes, tolerance)
        return form.atoms(atoms, centre, beads)

    @functools.cached_property
    def hydrogens(self):
        """What puts hydrogens on atoms: those that are kept, and those that beads are made of, stay where they are."""
        fine, system = self.system.surroundings, self.system
        held = np.zeros(fine.n_atoms, dtype=bool)
        if system.kept is not None:
            held[system.kept.rows] = True
        still = held.copy()
        still[system.made.atoms] = True
        return Hydrogens.of(fine, self.completion.hydrogens, self.sampler.device, still, held)

    @functools.cached_property
    def refiner(self):
        """What minimises atoms: those that are kept stay where they are."""
        system, fine = self.system, self.system.surroundings
        fine = replace(fine, hetero=fine.hetero | (np.arange(fine.n_residues) >= system.made.fine.n_residues))
        fixed = np.zeros(fine.n_atoms, dtype=bool)
        if system.kept is not None:
            fixed[system.kept.rows] = True
        return Refiner(fine, system.made, fixed)

    def with_sampler(self, sampler):
        """The same with another sampler on the same device; what puts hydrogens on atoms is made once for both."""
        other = replace(self, sampler=sampler)
        if self.completion is not None:
            other.__dict__["hydrogens"] = self.hydrogens
        return other

    def __call__(self, beads, frames, keys, boxes, options, key_beads=None):
        """
        All atoms of some frames.

        Parameters
        ----------
        beads : ndarray of float32, shape (F, N + P, 3)
            Found sound.
        frames : list of int
            Their numbers.
        keys : Keys
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.
        options : SamplingOptions
        key_beads : KeyBeads, optional
            Frames whose side chains these keep.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
        """
        system, passing = self.system, self._passing(beads, boxes, options)
        own = beads[:, : system.shown.n_beads]
        held = None if key_beads is None else self._held(key_beads, keys, options)
        made = self._made if self.refine is None else self._refined
        with self.sampler.on_its_threads():
            atoms = system.together(made(own, passing, frames, keys, boxes, options, held)[0], passing)
        if options.wrap != SamplingOptions.wrap:
            atoms = system.wrapping(atoms, self.trace.of_right_hand(own, options.mirror), boxes, options.wrap)
        return system.ordered(atoms)

    def _drawn(self, own, passing, frames, keys, boxes, options, held=None):
        """
        What the model makes (F, A, 3) of beads (F, N, 3) that are converted; about which centre, of which beads.

        And what is beside it: kept atoms, kept molecules, and passengers (F, P, 3) as atoms are packed around them.
        """
        system, (beads, tolerance) = self.system, self.trace(own, frames, boxes, options)
        near, centre = self.form.beads(beads)
        places, others = system.kept_places(beads, frames, boxes)
        close = system.closest(passing, beads, boxes)
        known = self._known(places, system.around(others, close), centre)
        atoms = self.sampler(near, _noise(options), keys, boxes, tolerance, known, held)
        return atoms, centre, beads, places, others, close

    def _made(self, own, passing, frames, keys, boxes, options, held=None):
        """Atoms (F, A, 3), kept molecules behind them, and passengers (F, Y, 3) that atoms are packed around."""
        drawn, centre, beads, places, others, close = self._drawn(own, passing, frames, keys, boxes, options, held)
        atoms, known = self.form.atoms(drawn, centre, beads), (places, others)
        if self.completion is not None:  # near the origin, as the model's own: single precision is finest there
            about = [None if x is None else (x - centre).astype(np.float32) for x in (places, others, close)]
            drawn, own = self.form.ordered(drawn), self.completion.own
            near = self._complete(drawn.copy(), *about, boxes)
            stay = (near[:, own] == drawn).all(axis=-1, keepdims=True)
            whole = (near + centre).astype(np.float32)
            whole[:, own] = np.where(stay, atoms, whole[:, own])
            atoms = whole
        return self._with_known(atoms, *known), self.system.near(close)

    def _refined(self, own, passing, frames, keys, boxes, options, held=None):
        """
        The same, minimised.

        Frames are made one by one: the rounding of batches, which minimisers would enlarge, depends on their size.
        """
        each = [slice(k, k + 1) for k in range(len(own))]
        parts = [[x[k] for x in (own, passing, frames, keys)] + [boxes if boxes is None else boxes[k]] for k in each]
        kept = [held if held is None else held[k] for k in each]
        made = [self._made(*part, options, some) for part, some in zip(parts, kept, strict=True)]
        atoms, near = (np.concatenate(values) for values in zip(*made, strict=True))
        around = self.refiner(self.system.together(atoms, near), frames, boxes, self.sampler.n_threads)
        return around[:, : atoms.shape[1]], near

    def _held(self, key, keys, options):
        """Side-chain torsions (F, R, 4) that frames keep; of key frames as they are made without a correlation time."""
        samples = np.repeat(keys.samples, 2)
        pairs, which = np.unique(np.stack([key.rows.ravel(), samples], axis=1), axis=0, return_inverse=True)
        rows, frames = pairs[:, 0], [key.frames[row] for row in pairs[:, 0]]
        boxes = None if key.dimensions is None else box_vectors(key.dimensions[rows], len(rows))
        alone = replace(options, correlation_time=0.0)
        beads = key.beads[rows]
        own, passing = beads[:, : self.system.shown.n_beads], self._passing(beads, boxes, options)
        atoms = self._drawn(own, passing, frames, Keys.of(frames, pairs[:, 1]), boxes, alone)[0]
        atoms, mask = atom14(self.form.mapping.fine, atoms)
        moments = _noise(options).uniform(key.numbers, keys.samples, atoms.shape[1])
        return held_torsions(atoms, mask, self.form.mapping.fine.types, which.reshape(-1, 2), moments, key.shares)

    def _complete(self, atoms, places, others, passing, boxes):
        """The model's atoms (F, A, 3) with all that is added, kept atoms at their places among them."""
        still = () if places is None else self.system.kept.rows
        atoms = self.completion(atoms, still, self.system.around(others, passing), boxes)
        n_atoms = atoms.shape[1]
        around = self.system.together(self._with_known(atoms, places, others), self.system.near(passing))
        return self.hydrogens(around, boxes)[:, :n_atoms]

    def _with_known(self, atoms, places, others):
        """Atoms (F, A, 3) with kept ones at their places, to the bit, and other kept molecules behind them."""
        if places is not None:
            atoms[:, self.system.kept.rows] = places[:, self.system.kept.rows]
        return self.system.together(atoms, others)

    def _passing(self, beads, boxes, options):
        """Molecules (F, P, 3) that are carried along, reflected where the trace is."""
        if self.system.passengers is None:
            return beads[:, self.system.mapping.n_beads :]
        return self.system.carried(self.trace.of_right_hand(beads, options.mirror), boxes)

    def _known(self, places, around, centre):
        """`KeptPlaces` about `centre`, of kept atoms (F, A, 3) and of other molecules (F, X, 3); None without any."""
        if not self.takes_kept or places is None and around.shape[1] == 0:
            return None
        known = np.full((len(around), self.form.given.n_atoms, 3), np.nan, dtype=np.float32)
        known = known if places is None else places[:, self.completion.own]
        near = (around - centre).astype(np.float32)
        return KeptPlaces(self.form.kept(known, centre), near, self.system.kinds, self.system.members)

    def displacements(self, beads, atoms, dimensions, boxes, options):
        """How far beads (F, N, 3) are from those of atoms (F, A, 3) that were made of them: shape (F, N)."""
        system = self.system
        beads = self.trace.of_right_hand(beads[:, : system.shown.n_beads], options.mirror)
        if options.wrap != SamplingOptions.wrap:
            beads = system.wrapping.moved(beads, boxes, options.wrap)
        return distances_moved(beads, system.shown.project(system.own(atoms)), dimensions)


def placed_alphas(form, sampler, beads):
    """Topology and C-alphas (f, R, 3) that a network finds from beads (f, N, 3), in standard order."""
    with torch.inference_mode():
        near = torch.tensor(form.beads(beads)[0], device=sampler.device)
        return form.mapping.coarse, sampler.bound.placing(near).alphas.cpu().numpy()


def _noise(options):
    """Randomness as `SamplingOptions` ask for it."""
    return Noise(options.seed, options.temperature, options.correlation_time)
