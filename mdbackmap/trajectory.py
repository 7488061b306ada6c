"""
`BackmapTrajectory`: the atoms of many frames, a batch at a time, into a file.

::

    mdb.BackmapTrajectory(cg.atoms, model, filename="aa.xtc").run(step=10, verbose=True)

Reading, generating and writing overlap, each in a thread of its own, and memory does not grow with
the number of frames. With `n_samples` = S each coarse frame gives S frames in a row, of the same time;
H5MD files say which is which in the observables ``cg_frame`` and ``sample``.

**Files.** ``aa.xtc`` gets ``aa.pdb`` beside it (with TER; mmCIF past 99,999 atoms or 9,000 A) and ``aa.json``, which
says how it was made; H5MD and PDB files say so themselves. Nothing appears under these names before all is complete.
Until then the frames are kept in a hidden folder, ``.aa.xtc.partial``. After an interruption ``resume=True`` goes on
from there. The same frames come out: in XTC the same bytes, where a batch takes less than 4 s. Where it takes longer,
batches are cut by time, and coordinates agree within 0.01 A. Without `resume` such a folder is an error, so that
nothing is lost by mistake, and `overwrite` discards it.

**Formats.** Whatever MDAnalysis writes. XTC rounds coordinates to 0.01 A; DCD has no times of its own, only one step
between frames. XTC, TRR and PDB take their final space while they grow; the segments of others are joined by writing
them once more (conversions of more than some seconds), which takes that space twice for a moment.

**Interruptions.** What is written is safe after some seconds: a conversion that is killed loses less than 10 seconds of
work, or one structure that takes longer. While it runs its output is locked.

**Parallel.** ``run(backend="multiprocessing", n_workers=4)`` writes one part a worker and joins them in order. Workers
end when the process that started them does.

Units: angstrom, ps.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from MDAnalysis.analysis.backends import BackendDask, BackendMultiprocessing, BackendSerial
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.analysis.results import Results, ResultsGroup

from .options import SamplingOptions, check_atoms, check_backmapper, whole_number
from .universes.frames import check_trajectory, sample_frames
from .universes.reader import bead_indices
from .universes.scaling import scale_of
from .writing import output
from .writing.destination import Destination
from .writing.moved import Moved, tell
from .writing.origin import origin
from .writing.output import PDB, MemorySink, check_format
from .writing.pace import Pace
from .writing.progress import Watching, progress_bar
from .writing.stage_threads import Pipeline
from .writing.stream import Stream, choose_frames, input_files

logger = logging.getLogger(__name__)


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
    seed, temperature, correlation_time, bead_tolerance, mirror
        As of `Backmap`: the same values give the same atoms.
    batch_size : int or "auto", optional
        Structures generated at a time.
    overwrite : bool, optional
        Replace what is there under these names, and discard an interrupted conversion.
    resume : bool, optional
        Go on with an interrupted conversion, if there is one.
    strict : bool, optional
        Refuse frames with CA-CA distances that no peptide bridges (otherwise they are counted in `results.strained`).
    verbose : bool, optional
        Show progress.

    Attributes
    ----------
    results.filename, results.topology : str or None
        What was written.
    results.n_frames, results.n_atoms : int
        Frames in the output, and atoms in each.
    results.frames, results.samples, results.times : (n_frames,) array
        Coarse frame, sample and time (ps) of each output frame.
    results.strained : (R,) int64 array
        In how many coarse frames the peptide after each residue is longer or shorter than proteins have it.
    results.displacements : (n_frames,) float32 array
        How far beads were moved (RMS over a frame, in angstrom): 0 where they are kept, NaN for output frames that
        were there from an interrupted conversion. H5MD files have the displacement of each bead as an observable.
    results.residue_displacements : (N,) float64 array
        The same for each bead (RMS over frames).
    results.unrepaired : (R,) int64 array
        In how many output frames each C-alpha lies as no protein has it: more than 0.3 A off the distance to the next
        one, or nearer than 3.4 A to another one.
    results.resumed : int
        Coarse frames that were there, with all their samples, from an interrupted conversion.
    results.seconds, results.frames_per_second : float
        Time it took; output frames generated in this run a second.
    results.provenance : dict of dict
        As stored with the output. ``conversion``: options, input, version and commit of the code; ``model``: the
        weights.
    results.positions : (n_frames, A, 3) float32 array
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
    def get_supported_backends(cls):
        """Backends of MDAnalysis that work."""
        return ("serial", "multiprocessing", "dask")

    def __init__(
        self,
        atoms,
        model,
        filename=None,
        *,
        n_samples=1,
        seed=SamplingOptions.seed,
        temperature=SamplingOptions.temperature,
        correlation_time=SamplingOptions.correlation_time,
        bead_tolerance=SamplingOptions.bead_tolerance,
        mirror=SamplingOptions.mirror,
        batch_size="auto",
        overwrite=False,
        resume=False,
        strict=False,
        verbose=False,
    ):
        check_atoms(atoms)
        check_backmapper(model)
        super().__init__(atoms.universe.trajectory, verbose=verbose)
        self.atoms, self.model = atoms.atoms, model
        self.filename = None if filename is None else Path(filename)
        self.n_samples, self.batch_size = whole_number("n_samples", n_samples, 1), batch_size
        self.overwrite, self.resume, self.strict = overwrite, resume, strict
        self.options = SamplingOptions(seed, temperature, correlation_time, bead_tolerance, mirror)
        self._turn = threading.Lock()  # parts that one process is given take turns

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_turn"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._turn = threading.Lock()

    def run(
        self,
        start=None,
        stop=None,
        step=None,
        frames=None,
        verbose=None,
        n_workers=None,
        n_parts=None,
        backend=None,
        *,
        unsupported_backend=False,
        progressbar_kwargs=None,
    ):
        """
        Backmap these frames; arguments as of MDAnalysis' `AnalysisBase.run`.

        Without a backend that has workers there is one part, whatever `n_workers` and `n_parts` say.

        Returns
        -------
        BackmapTrajectory
            Itself, with `results`.
        """
        began = time.perf_counter()
        shown = self._verbose if verbose is None else verbose
        backend, n_parts = self._check_backend(backend, n_workers, n_parts, unsupported_backend)
        self._destination, bar = None, contextlib.nullcontext()
        try:
            self._start(start, stop, step, frames)
            if backend != "serial":  # MDAnalysis shows no bar then
                if shown and self._destination is not None:
                    bar = Watching(self._destination.partial, len(self._chosen), self.n_samples, progressbar_kwargs)
                verbose, progressbar_kwargs = False, None
            with bar:
                super().run(
                    frames=self._chosen,
                    verbose=verbose,
                    n_workers=n_workers,
                    n_parts=n_parts,
                    backend=backend,
                    unsupported_backend=unsupported_backend,
                    progressbar_kwargs=progressbar_kwargs,
                )
        except BaseException as error:
            if self._destination is not None:
                long = time.perf_counter() - began > output.WORTH_KEEPING or self._done.any()
                self._destination.give_up(error, long or not isinstance(error, ValueError))  # which is the input's
            raise
        self.start, self.stop, self.step = start, stop, step
        tell(self.results.displacements)
        self.results.seconds = time.perf_counter() - began
        self.results.frames_per_second = int(np.count_nonzero(~self._done)) / self.results.seconds
        return self

    def _check_backend(self, backend, n_workers, n_parts, unsupported):
        """The backend ("serial" for all forms of that) and the number of parts; wrong ones are refused."""
        n_parts = None if n_parts is None else whole_number("n_parts", n_parts, 1)
        if backend is None or isinstance(backend, BackendSerial):
            backend = "serial"
        if backend == "serial":
            return backend, 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run itself warns
            known = getattr(backend, "n_workers", 1) if n_workers is None else n_workers
            found = self._configure_backend(backend, known, unsupported)
        device = getattr(self.model, "device", None)
        if isinstance(found, (BackendMultiprocessing, BackendDask)) and device is not None and device.type != "cpu":
            raise ValueError(
                f"worker processes run on CPUs, and the model is on {device}: leave out backend (--workers), or "
                'load the model with device="cpu" (--device cpu)'
            )
        return backend, n_parts

    # before the frames

    def _start(self, start, stop, step, frames):
        """Check everything that can be checked, and open the partial output."""
        model = self.model
        check_trajectory(self._trajectory)
        self._chosen = choose_frames(self._trajectory, start, stop, step, frames)
        self._done = np.zeros(len(self._chosen) * self.n_samples, dtype=bool)
        if self.filename is not None:
            check_format(self.filename, len(self._done))
        indices, batch_size = bead_indices(self.atoms, model), int(model.batch_size(self.batch_size))
        self._stream = Stream(model, indices, self.options, self.n_samples, batch_size, self.strict)
        first = self._stream.read(self._trajectory, int(self._chosen[0]))
        asked = {**self.options.as_dict(), "n_samples": self.n_samples}
        scale = scale_of(self._trajectory)
        asked |= {} if scale == 1 else {"scale": scale}
        files = input_files(self.atoms.universe)
        self._provenance = origin(model, asked, files, self._chosen, first.beads)
        if self.filename is not None:
            self._open(first, files)
        self._first = sample_frames(model, [first], 0, self.options)[0], first.dimensions

    def _open(self, first, files):
        """Lock the output, once it is clear that nothing is in its way."""
        destination = Destination(
            self.filename,
            self.model,
            self.options,
            self.n_samples,
            self._chosen,
            self._trajectory.dt,
            files,
            first.beads,
            self._provenance,
            self.overwrite,
            self.resume,
        )
        destination.check()
        if self.filename.suffix in PDB:
            self._stream.check_columns(self._trajectory, self._chosen)
        self._done = destination.open("auto" if self.batch_size == "auto" else self._stream.batch_size)
        self._destination = destination

    # one part of the frames: all of them, or those of a worker

    def _compute(self, indexed_frames, verbose=None, *, progressbar_kwargs=None):
        joined = contextlib.nullcontext() if self._destination is None else self._destination.joined()
        with self._turn, joined:
            return self._convert(indexed_frames, verbose, progressbar_kwargs or {})

    def _convert(self, indexed_frames, verbose, bar_options):
        """What MDAnalysis asks of a part: its frames, times and results."""
        n, n_samples = len(indexed_frames), self.n_samples
        part = SimpleNamespace(frames=np.zeros(n, dtype=int), times=np.zeros(n), results=Results())
        part.results.strained = np.zeros(self.model.mapping.coarse.n_residues, dtype=np.int64)
        start = int(indexed_frames[0, 0]) * n_samples
        moved = Moved(self.model, self.options, n * n_samples)
        partial = None if self._destination is None else self._destination.partial
        pace = Pace(self._stream.batch_size, self.model.n_beads, start, 0.0 if partial is None else partial.pace)
        sink = MemorySink() if partial is None else self._destination.sink()
        bar = progress_bar(n, self._verbose if verbose is None else verbose, **bar_options)

        def generate(job):
            began = time.perf_counter()
            positions = self._stream.generate(job)
            pace.took(len(positions), time.perf_counter() - began)
            return positions

        def write(job, positions):
            sink.write(job, positions)
            moved.add(job, positions, job.start - start)
            if partial is not None:
                partial.note_pace(pace.seconds)
            bar.update(int(np.count_nonzero(job.samples == n_samples - 1)))

        try:
            with bar, Pipeline(generate, write) as pipeline:
                done = self._done[start : start + n * n_samples].reshape(n, n_samples)
                bar.update(int(done[:, -1].sum()))
                frames = self._read_all(indexed_frames, part)
                for job in self._stream.jobs(frames, indexed_frames[:, 0], self._done, pace.size_at):
                    pipeline.submit(job)
        finally:
            sink.close()
        moved.tell_more()
        part.results.update(moved.results())
        if partial is None:
            part.results.positions = np.concatenate(sink.positions)  # (F * S, A, 3)
        return part

    def _read_all(self, indexed_frames, part):
        """The frames of this part, noted in it."""
        for i, number in enumerate(indexed_frames[:, 1]):
            frame = self._stream.read(self._trajectory, int(number))
            part.frames[i], part.times[i] = frame.frame, frame.time
            part.results.strained += self._stream.strain(frame)
            yield frame

    # after the frames

    def _get_aggregator(self):
        sums = ("strained", "unrepaired", "residue_displacements")
        return ResultsGroup(
            {name: ResultsGroup.ndarray_sum for name in sums}
            | {"displacements": ResultsGroup.ndarray_hstack, "positions": ResultsGroup.ndarray_vstack}
        )

    def _conclude(self):
        results, n = self.results, self.n_samples
        results.n_frames, results.n_atoms = len(self._chosen) * n, self.model.n_atoms
        results.frames, results.times = np.repeat(self.frames, n), np.repeat(self.times, n)
        results.samples = np.tile(np.arange(n), len(self._chosen))
        results.seed, results.provenance = self.options.seed, self._provenance
        results.resumed = int(self._done.reshape(-1, n).all(1).sum())
        n_known = np.count_nonzero(np.isfinite(results.displacements))
        results.residue_displacements = np.sqrt(results.residue_displacements / max(1, n_known))
        results.filename = results.topology = None
        if self._destination is not None:
            results.filename, results.topology = self._destination.publish(self._first)
