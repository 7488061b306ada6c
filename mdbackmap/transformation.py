"""
`Backmap`: the on-the-fly transformation that puts the atoms in their places, and `backmap`, which does it all.

::

    u = model.lift(cg)                                     # every atom sits on its bead
    u.trajectory.add_transformations(mdb.Backmap(model))   # now every atom is in its place

A frame gives the same atoms whichever way one comes to it, since the random numbers belong to
(seed, frame, sample). Reading forward, the atoms of the next frames are generated along with those
at hand, up to `batch_size` at a time; they are used only if those frames then turn out to hold
the very beads they were made from.

A transformation sees what the ones before it left. If one of the user's own moved the lifted atoms
first, `Backmap` goes by where they are now; so it does on a true all-atom Universe of the same atoms,
whose atoms it projects to beads and generates anew.

Units: angstrom, ps.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from MDAnalysis.transformations.base import TransformationBase

from .checks import check_atoms, check_backmapper, whole_number
from .molecule.boxes import real_box
from .molecule.mapping import MappingError
from .options import SamplingOptions
from .universes.frames import CoarseFrame, check_beads, displacements, of_residues, sample_frames

if TYPE_CHECKING:
    from MDAnalysis import AtomGroup, Universe

    from .backmapper import Backmapper


class Backmap(TransformationBase):
    """
    Puts the atoms of each frame in their places.

    Parameters
    ----------
    model : Backmapper
        From `load_model`, bound to this molecule.
    seed : int, optional
        Same seed, same atoms; in a file (`BackmapTrajectory`) too.
    temperature : float, optional
        Spread of the samples; 1 as learned, 0 the most likely structure.
    sample : int, optional
        Which of the structures that fit the beads: 0, 1, 2, ...
    correlation_time : float, optional
        In ps: side chains keep their rotamers for about so long (docs/options.md); 0 draws every frame independently.
    bead_tolerance : float or "auto", optional
        How far beads may move so that a protein backbone fits: RMS over a frame at most, in angstrom. 0 keeps them;
        "auto" keeps them where the trace is like those of crystals, and else lets them move by up to 0.9. How far each
        bead of a frame was moved is ``ts.data["displacements"]`` (N,), unless C-alphas are kept;
        ``ts.data["residue_displacements"]`` (R,) is the RMS over the beads of each residue.
    mirror : {"error", "fix", "ignore"}, optional
        What to do with the mirror image of a protein: refuse it, reflect it first, or take it as it is.
    wrap : {"whole", "wrapped", "centred"}, optional
        Where molecules lie in the box of each frame: chains whole where the beads are; the centre of each molecule in
        the box; the protein in the middle of the box.
    batch_size : int or "auto", optional
        Frames generated at a time, at most, when reading forward.

    Raises
    ------
    ValueError
        When first applied to a trajectory that has not the model's number of atoms, such as the coarse one. The
        message shows what to do instead. The coarse trajectory stays usable: from then on this
        transformation leaves its beads as they are. (Of a trajectory in memory, MDAnalysis transforms all frames at
        once: transformations given along with this one have then moved the first frame only.)

    Examples
    --------
    >>> u = model.lift(cg)  # doctest: +SKIP
    >>> u.trajectory.add_transformations(Backmap(model, seed=1))  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Backmapper,
        *,
        seed: int = SamplingOptions.seed,
        temperature: float = SamplingOptions.temperature,
        sample: int = 0,
        correlation_time: float = SamplingOptions.correlation_time,
        bead_tolerance: float | str = SamplingOptions.bead_tolerance,
        mirror: str = SamplingOptions.mirror,
        wrap: str = SamplingOptions.wrap,
        batch_size: int | str = "auto",
    ) -> None:
        super().__init__(max_threads=None, parallelizable=True)
        check_backmapper(model)
        self.model = model
        self.sample = whole_number("sample", sample)
        model.batch_size(batch_size)  # or an explanation
        self.batch_size = batch_size
        self.options = SamplingOptions(seed, temperature, correlation_time, bead_tolerance, mirror, wrap)
        self._refused = False

    def __call__(self, ts: Any) -> Any:
        """Apply to a Timestep (torch has its own count of threads, so none is set here)."""
        if ts.n_atoms != self.model.n_atoms:
            return self._refuse(ts)
        here = self._beads(ts)
        coarse = getattr(ts, "coarse", None)
        if coarse is None or not here.same_as(coarse.current):  # not as the reader delivered it: nothing is foreseen
            ts.positions = sample_frames(self.model, [here], self.sample, self.options)[0]
        else:
            ts.positions = self._foreseen(here, coarse)
        if not self.model.keeps_beads(self.options):
            moved = displacements(self.model, [here], ts.positions[None], self.options)
            ts.data["displacements"] = moved[0]
            ts.data["residue_displacements"] = of_residues(moved, self.model.converted)[0]
        return ts

    def _refuse(self, ts):
        """Once with an error; MDAnalysis keeps a transformation that raised, so then the beads pass as they are."""
        if self._refused:
            return ts
        self._refused = True
        raise ValueError(
            f"Backmap(model) gives {self.model.n_atoms} atoms, but a frame of this trajectory has {ts.n_atoms} (the "
            f"model's beads are {self.model.n_beads}), and MDAnalysis cannot change the number of atoms of a "
            "trajectory. Give the atoms a Universe of their own, from the same cg:\n\n"
            "    u = model.lift(cg)\n"
            "    u.trajectory.add_transformations(Backmap(model))\n\n"
            "or in one call: u = mdbackmap.backmap(cg). The coarse trajectory itself stays as it was."
        )

    def _beads(self, ts):
        """The beads under the atoms, as they are now."""
        mapping, beads = self.model.mapping, getattr(ts, "beads", None)
        if beads is None or not np.array_equal(ts.positions, mapping.lift(beads), equal_nan=True):
            moved = mapping.unlift(ts.positions)  # (N, 3)
            owned = ~np.isnan(moved) | (beads is None)  # a bead without atoms stays where it was
            beads = np.where(owned, moved, 0.0 if beads is None else beads).astype(np.float32)
        return CoarseFrame(int(ts.frame), float(ts.time), beads, real_box(ts.dimensions))

    def _foreseen(self, here, coarse):
        """Take the atoms from what was generated ahead, else generate them along with the frames to come."""
        atoms = coarse.generated_for(here, owner=self)
        if atoms is not None:
            return atoms
        batch = [here]
        with contextlib.suppress(MappingError):  # a broken frame is an error when it is read itself
            for frame in coarse.expected(self.model.batch_size(self.batch_size) - 1):
                check_beads(self.model, frame)
                if (frame.dimensions is None) == (here.dimensions is None):
                    batch.append(frame)
        placed = coarse.between_keys(batch, self.model, self.options.correlation_time)
        atoms = sample_frames(self.model, placed, self.sample, self.options)  # (F, A, 3)
        coarse.keep_generated(batch, atoms, owner=self)
        return atoms[0]


def backmap(
    cg: AtomGroup | Universe,
    model: Backmapper | str | PathLike = "genzprot",
    *,
    transformations: Sequence[Callable] = (),
    **options: Any,
) -> Universe:
    """
    A coarse Universe in, an all-atom Universe out.

    Parameters
    ----------
    cg : Universe or AtomGroup
        The coarse trajectory, or the part of it to backmap.
    model : str, path or Backmapper, optional
        Name or file of a model, or one that is loaded already.
    transformations : sequence of callables, optional
        The user's own transformations of the atoms, applied after `Backmap`; a trajectory takes
        transformations only once, so they cannot be added later.
    **options
        Those of `Backmap` (`seed`, `temperature`, ...) and of `load_model` (`sequence`, `hydrogens`, `device`, ...).

    Returns
    -------
    Universe
        All-atom; the atoms of a frame are generated when it is read.

    Raises
    ------
    TypeError
        An option that neither knows, or options for loading with a model that is loaded already.
    MappingError, ValueError
        Beads that the model cannot use; see `load_model`.

    Examples
    --------
    >>> u = backmap(cg, seed=1)  # doctest: +SKIP
    """
    check_atoms(cg)
    placing = {k: options.pop(k) for k in _keywords(Backmap) & options.keys()}
    if isinstance(model, (str, Path)):
        from .loading import load_model

        known = _keywords(load_model) | _keywords(Backmap)
        if unknown := options.keys() - known:
            listed = ", ".join(sorted(known))
            raise TypeError(f"backmap() has no option {', '.join(sorted(unknown))}; it has {listed}")
        model = load_model(model, cg.atoms, **options)
    elif options:
        raise TypeError(f"{', '.join(sorted(options))}: options of load_model, but the model is loaded already")
    u = model.lift(cg)
    u.trajectory.add_transformations(Backmap(model, **placing), *transformations)
    return u


def _keywords(function):
    parameters = inspect.signature(function).parameters.values()
    return {x.name for x in parameters if x.kind is x.KEYWORD_ONLY or x.name in ("device", "dtype", "threads")}
