"""
`BackmapTrajectory`: the atoms of many frames, a batch at a time, into a file.

::

    mdb.BackmapTrajectory(cg.atoms, model, filename="aa.xtc").run(step=10, verbose=True)

Reading, generating and writing overlap, each in a thread of its own, and memory does not grow with
the number of frames. With `n_samples` = S each coarse frame gives S frames in a row, of the same time;
H5MD files say which is which in the observables ``cg_frame`` and ``sample``.
The spread over the samples says where atoms are uncertain: `results.spread`, B factors in ``aa.pdb``, an observable.

**Files.** ``aa.xtc`` gets ``aa.pdb`` beside it (with TER; mmCIF past 99,999 atoms or 9,000 A) and ``aa.json``, which
says how it was made; H5MD and PDB files say so themselves. Nothing appears under these names before all is complete.
Until then the frames are kept in a hidden folder, ``.aa.xtc.partial``. After an interruption ``resume=True`` goes on
from there, and the same bytes come out, as they do from worker processes, clusters and parts: structures are generated
in groups that depend on the molecule alone. Only a frame that fills a group alone is shared by the threads that there
are, whose number changes the last digits. Without `resume` such a folder is an error, so that
nothing is lost by mistake, and `overwrite` discards it.

**Formats.** Whatever MDAnalysis writes. XTC rounds coordinates to 0.01 A; DCD has no times of frames, only one step
between them, and a warning says by how much these are off. XTC, TRR and PDB take their final space while they grow; the
segments of others are joined by writing them once more (conversions of more than some seconds), which takes that space
twice for a moment.

**Interruptions.** What is written is safe after some seconds: a conversion that is killed loses these, and the batches
that are under way. While it runs its output is locked.

**Parallel.** ``run(backend="multiprocessing", n_workers=4)`` writes one part a worker and joins them in order. Workers
end when the process that started them does. ``run(backend=DaskBackend(client))`` has the workers of a dask.distributed
cluster do it. `part` makes one part of many, for jobs on machines that know nothing of each other.

Units: angstrom, ps.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from MDAnalysis.analysis.backends import BackendSerial
from MDAnalysis.analysis.base import AnalysisBase

from .checks import check_atoms, check_backmapper, check_strict, whole_number
from .conversion.backends import SUPPORTED, check_device, convert_all
from .conversion.cluster import DaskBackend
from .conversion.outcome import first_kept, kept_frames, left_out, results_of
from .conversion.plan import plan_conversion
from .conversion.tally import tell
from .options import KEEP_TOLERANCE, SamplingOptions
from .universes.access import check_trajectory, check_transformations
from .universes.chosen import choose_frames
from .writing.settings import ConversionSettings


class BackmapTrajectory(AnalysisBase):
    """
    Backmaps the frames of a trajectory, into a file or into memory.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        The beads, of the molecule that the model is bound to.
    model : Backmapper
        From `load_model`.
    filename : path-like, optional
        Output; its ending decides the format. None keeps the positions in memory (`results.positions`).
    n_samples : int, optional
        Structures for each coarse frame.
    seed, temperature, correlation_time, bead_tolerance, mirror, wrap
        As of `Backmap`: the same values give the same atoms.
    keep, keep_tolerance : optional
        Atoms that are known already, and how far they may put beads off, as of `load_model`.
    refine : "openmm", optional
        Minimise atoms at last, beads restrained (`Backmapper.refining`).
    batch_size : int or "auto", optional
        Structures generated at a time.
    overwrite : bool, optional
        Replace what is there under these names, and discard an interrupted conversion.
    resume : bool, optional
        Go on with an interrupted conversion, if there is one.
    strict : bool or "skip", optional
        Refuse a frame with CA-CA distances that no peptide bridges (otherwise they are counted in `results.strained`),
        or with atoms beyond the limits of `mdbackmap.metrics.limits`. "skip" leaves such structures out.
    validity : bool, optional
        Judge each structure: `results.validity`.
    verbose : bool, optional
        Show progress.
    settings : ConversionSettings, optional
        How long segments are; what is written does not depend on it.
    part : (int, int), optional
        Make one part of so many, ``(3, 40)`` the third of forty: about as many frames each. It stays in a hidden folder
        beside the output, and nothing else is written. Where all parts are there, the same conversion without `part`
        and with `resume` joins them, as ``mdbackmap join`` does.

    Attributes
    ----------
    results.filename, results.topology : str or None
        What was written.
    results.n_frames, results.n_atoms : int
        Frames in the output, and atoms in each.
    results.frames, results.samples, results.times : (n_frames,) array
        Coarse frame, sample and time (ps) of each output frame.
    results.strained : ndarray of int64, shape (R,)
        In how many coarse frames the peptide after each residue is longer or shorter than proteins have it.
    results.displacements : ndarray of float32, shape (n_frames, N)
        How far each bead was moved, in angstrom: 0 where they are kept, NaN for output frames that were there from an
        interrupted conversion. H5MD files have it as an observable.
    results.residue_displacements : ndarray of float32, shape (n_frames, R)
        The same of each residue: the RMS over its beads.
    results.frame_displacements : ndarray of float32, shape (n_frames,)
        The same of each frame: the RMS over all beads.
    results.unrepaired : ndarray of int64, shape (R,)
        In how many output frames each C-alpha lies as no protein has it: more than 0.3 A off the distance to the next
        one, or nearer than 3.4 A to another one.
    results.validity : Validity or None
        The report on what was written, if `validity` or `strict` was asked for: ``table()``, ``scores``, ``faults``,
        ``worst()``, ``beyond_limits()``, ``to_json()``, ``plot()``.
    results.skipped : list of Skipped
        Structures that were left out (``strict="skip"``): frame, sample, and why.
    results.spread : ndarray of float32, shape (n coarse frames, R), or None
        How far the samples of each coarse frame lie apart, residue by residue, in angstrom: an uncertainty. None for
        one sample. The topology file has it as B factors, the mean over frames; H5MD files have it as an observable.
    results.resumed : int
        Coarse frames that were there, with all their samples, from an interrupted conversion.
    results.seconds, results.frames_per_second : float
        Time it took; output frames generated in this run a second.
    results.provenance : dict of dict
        As stored with the output. ``conversion``: options, input, version and commit of the code; ``model``: the
        weights.
    results.positions : ndarray of float32, shape (n_frames, A, 3)
        Only without a file.

    Raises
    ------
    ValueError
        Options, atoms, frames or formats that do not work, NaN (with the frame's number), an output that is the
        input, or a conversion resumed with other settings.
    FileExistsError
        An output, or an interrupted conversion, that is there already; where `resume` finds just what is asked for,
        complete, `mdbackmap.writing.products.AlreadyComplete`; where another process is writing it,
        `mdbackmap.writing.lock.InUse`.
    OSError
        An output that cannot be written, as on a full disk. What is complete is kept.

    Examples
    --------
    >>> run = BackmapTrajectory(cg.atoms, model, filename="aa.xtc", n_samples=5).run(step=10)  # doctest: +SKIP
    >>> run.results.n_frames  # doctest: +SKIP
    50
    """

    _analysis_algorithm_is_parallelizable = True

    @classmethod
    def get_supported_backends(cls) -> tuple[str, ...]:
        """Backends of MDAnalysis that work."""
        return SUPPORTED

    def __init__(
        self,
        atoms: Any,
        model: Any,
        filename: str | PathLike | None = None,
        *,
        n_samples: int = 1,
        seed: int = SamplingOptions.seed,
        temperature: float = SamplingOptions.temperature,
        correlation_time: float = SamplingOptions.correlation_time,
        bead_tolerance: float | str = SamplingOptions.bead_tolerance,
        mirror: str = SamplingOptions.mirror,
        wrap: str = SamplingOptions.wrap,
        keep: Any = None,
        keep_tolerance: float = KEEP_TOLERANCE,
        refine: str | None = None,
        batch_size: int | str = "auto",
        overwrite: bool = False,
        resume: bool = False,
        strict: bool | str = False,
        validity: bool = False,
        verbose: bool = False,
        settings: ConversionSettings | None = None,
        part: tuple[int, int] | None = None,
    ) -> None:
        check_atoms(atoms)
        check_backmapper(model)
        super().__init__(atoms.universe.trajectory, verbose=verbose)
        model = model if keep is None else model.keeping(keep, atoms, keep_tolerance)
        model = model if refine is None else model.refining(refine)
        self.atoms, self.model = atoms.atoms, model
        self.options = SamplingOptions(seed, temperature, correlation_time, bead_tolerance, mirror, wrap)
        self._asked = {
            "filename": None if filename is None else Path(filename),
            "n_samples": whole_number("n_samples", n_samples, 1),
            **{"batch_size": batch_size, "overwrite": overwrite, "resume": resume},
            **{"strict": check_strict(strict), "validity": bool(validity)},
            **{"settings": settings or ConversionSettings(), "part": part},
        }

    def run(
        self,
        start: int | None = None,
        stop: int | None = None,
        step: int | None = None,
        frames: Sequence[int] | np.ndarray | None = None,
        verbose: bool | None = None,
        n_workers: int | None = None,
        n_parts: int | None = None,
        backend: Any = None,
        *,
        unsupported_backend: bool = False,
        progressbar_kwargs: dict | None = None,
    ) -> BackmapTrajectory:
        """
        Backmap these frames; arguments as of MDAnalysis' `AnalysisBase.run`.

        Without a backend that has workers there is one part, whatever `n_workers` and `n_parts` say.

        Returns
        -------
        BackmapTrajectory
            Itself, with `results`.
        """
        began = time.perf_counter()
        executor, n_parts = self._backend(backend, n_workers, n_parts, unsupported_backend)
        verbose = self._verbose if verbose is None else verbose
        check_trajectory(self._trajectory)
        chosen = choose_frames(self._trajectory, start, stop, step, frames)
        plan = plan_conversion(self.atoms, self.model, chosen, self.options, **self._asked)
        with plan.destination.opened() as done:
            plan = replace(plan, done=done)
            bar = (progressbar_kwargs or {}) if verbose else None
            first = None if plan.destination.part else plan.structure(plan.first)
            whole = convert_all(plan, self._trajectory, executor, n_parts, bar)
            judged, plan = plan.destination.judged(whole), plan.of_part()
            skipped, written = left_out(plan, judged), (None, None, None)
            if plan.destination.part is None:
                first = first_kept(plan, self._trajectory, skipped) if skipped else first
                named = [(f"frame {frame}, sample {sample}", why) for frame, sample, why in skipped]
                written = plan.destination.publish(first, *kept_frames(plan, whole, judged), named)
        filename, topology, spread = written
        tell(whole.displacements, self.model.mapping.anchors if self.model.mapping.is_chain else None)
        self.start, self.stop, self.step, self.n_frames = start, stop, step, len(plan.frames)
        self.frames, self.times = plan.frames, whole.times
        seconds = time.perf_counter() - began
        results = results_of(plan, whole, self._trajectory, judged, skipped, spread)
        self.results = results | {"filename": filename, "topology": topology, "seconds": seconds}
        self.results.frames_per_second = int(np.count_nonzero(~plan.done)) / seconds
        return self

    def _backend(self, backend, n_workers, n_parts, unsupported):
        """The backend of MDAnalysis and the number of parts; wrong ones are refused."""
        n_parts = None if n_parts is None else whole_number("n_parts", n_parts, 1)
        on_cluster = isinstance(backend, DaskBackend)
        serial = backend in (None, "serial") or isinstance(backend, BackendSerial)
        backend = "serial" if serial else backend
        n_workers = getattr(backend, "n_workers", 1) if n_workers is None else n_workers
        if not serial:
            check_transformations(self._trajectory)
        executor = self._configure_backend(backend, n_workers, unsupported or on_cluster)
        check_device(executor, self.model)
        n_parts = 1 if serial else n_parts or getattr(executor, "n_parts", n_workers)
        if n_parts < getattr(executor, "n_workers", 1):
            words = f"Analysis not making use of all workers: there are {executor.n_workers} for {n_parts} parts"
            warnings.warn(words, stacklevel=3)
        return executor, n_parts
