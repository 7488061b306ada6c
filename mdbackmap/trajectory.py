"""
`BackmapTrajectory`: the atoms of many frames, a batch at a time, into a file.

::

    mdb.BackmapTrajectory(cg.atoms, model, filename="aa.xtc").run(step=10, verbose=True)

Reading, generating and writing overlap, each in a thread of its own, and memory does not grow with
the number of frames. With `n_samples` = S each coarse frame gives S frames in a row, of the same time;
H5MD files say which is which in the observables ``cg_frame`` and ``sample``.

**Files.** ``aa.xtc`` gets ``aa.pdb`` beside it (with TER; mmCIF past 99,999 atoms) and ``aa.json``, which says how it
was made; H5MD and PDB files say so themselves. Nothing appears under these names before all is complete.
Until then the frames are kept in a hidden folder, ``.aa.xtc.partial``. After an interruption ``resume=True`` goes on
from there; the same frames come out, in XTC the same bytes. Without `resume`
such a folder is an error, so that nothing is lost by mistake, and `overwrite` discards it.

**Formats.** Whatever MDAnalysis writes. XTC rounds coordinates to 0.01 A; DCD has no times of its own, only one step
between frames. XTC, TRR and PDB take their final space while they grow; the segments of others are joined at the end
(conversions of more than a minute), which takes that space twice for a moment.

**Parallel.** ``run(backend="multiprocessing", n_workers=4)`` writes one part a worker and joins them in order.

Units: angstrom, ps.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import time
from pathlib import Path

import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.analysis.results import ResultsGroup

from . import __version__
from .frames import check_trajectory, displacements, sample_frames
from .placing import check_atoms, check_backmapper, sampling_options, whole_number
from .reader import bead_indices
from .scaling import scale_of
from .writing.joining import join, stamp
from .writing.moved import Moved, tell
from .writing.output import PDB, MemorySink, PDBFrames, SegmentSink, TrajectoryFrames, check_format
from .writing.partial import Partial
from .writing.pipeline import Pipeline
from .writing.products import Products, remarks
from .writing.progress import Watching, progress_bar
from .writing.stream import Stream, choose_frames, input_files

logger = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left", "File too large")


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
        Coarse frames that were there from an interrupted conversion.
    results.seconds, results.frames_per_second : float
        Time it took; output frames generated in this run a second.
    results.provenance : dict
        Version, model, hash of its weights, seed and options, as stored with the output.
    results.positions : (n_frames, A, 3) float32 array
        Only without a file.

    Raises
    ------
    ValueError
        Options, atoms, frames or formats that do not work, NaN (with the frame's number), an output that is the
        input, or a conversion resumed with other settings.
    FileExistsError
        An output, or an interrupted conversion, that is there already; where `resume` finds just what is asked for,
        complete, `mdbackmap.writing.products.AlreadyComplete`.
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
        seed=0,
        temperature=1.0,
        correlation_time=0.0,
        bead_tolerance="auto",
        mirror="error",
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
        self.options = sampling_options(seed, temperature, correlation_time, bead_tolerance, mirror)

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

        Returns
        -------
        BackmapTrajectory
            Itself, with `results`.
        """
        began = time.perf_counter()
        self._start(start, stop, step, frames)
        bar = contextlib.nullcontext()
        if backend not in (None, "serial") and self._partial is not None:  # MDAnalysis shows no bar then
            shown, verbose = self._verbose if verbose is None else verbose, False
            bar = Watching(self._partial, len(self._chosen)) if shown else bar
        try:
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
            self._give_up(error)
            raise
        self.start, self.stop, self.step = start, stop, step
        tell(self.results.displacements)
        self.results.seconds = time.perf_counter() - began
        new = (len(self._chosen) - self.results.resumed) * self.n_samples
        self.results.frames_per_second = new / self.results.seconds
        return self

    # before the frames

    def _start(self, start, stop, step, frames):
        """Check everything that can be checked, and open the partial output."""
        model = self.model
        check_trajectory(self._trajectory)
        self._chosen = choose_frames(self._trajectory, start, stop, step, frames)
        self._partial, self._done = None, np.zeros(len(self._chosen), dtype=bool)
        if self.filename is not None:
            self._check_files()
        indices = bead_indices(self.atoms, model)
        self._stream = Stream(
            model, indices, self.options, self.n_samples, int(model.batch_size(self.batch_size)), self.strict
        )
        first = self._stream.read(self._trajectory, int(self._chosen[0]))
        self._first = sample_frames(model, [first], **self.options)[0], first.dimensions
        self._provenance = self._origin(first)
        if self.filename is not None:
            if self._complete:
                raise self._products.complete(self._provenance)
            self._open_partial()

    def _check_files(self):
        fine, inputs = self.model.mapping.fine, input_files(self.atoms.universe)
        check_format(self.filename, len(self._chosen) * self.n_samples)
        self._products = Products.of(self.filename, fine)
        partial = Partial(self.filename)
        ours = self.resume and partial.publishing
        self._complete = self.resume and not self.overwrite and self.filename.is_file() and not partial.folder.exists()
        if not self._complete:
            self._products.check(inputs, fine, overwrite=self.overwrite, ours=ours)

    def _open_partial(self):
        self._partial = Partial(self.filename)
        settings = self._provenance | {"batch_size": self._stream.batch_size}
        self._partial.open(settings, self.resume, self.overwrite)
        for segment in self._partial.segments():
            self._done[segment.start : segment.stop] = True

    def _origin(self, first):
        """What the output depends on."""
        frames = {"number": len(self._chosen), "sha256": _digest(self._chosen.astype("<i8"))}
        scale = scale_of(self._trajectory)
        return {
            **self.model.provenance,
            "creator": "mdbackmap",
            "version": __version__,
            **self.options,
            "n_samples": self.n_samples,
            "n_atoms": self.model.n_atoms,
            "input": [os.path.basename(x) for x in input_files(self.atoms.universe)],
            **({} if scale == 1 else {"scale": scale}),
            "frames": frames,
            "first_beads_sha256": _digest(first.beads),
        }

    # one part of the frames: all of them, or those of a worker

    def _compute(self, indexed_frames, verbose=None, *, progressbar_kwargs=None):
        self._prepare_sliced_trajectory(slicer=indexed_frames[:, 1])
        self.results.strained = np.zeros(self.model.mapping.coarse.n_residues, dtype=np.int64)
        moved = Moved(self.model, self.options, len(indexed_frames) * self.n_samples)
        sink = MemorySink() if self._partial is None else SegmentSink(self._partial, self._open_writer, self.n_samples)
        shown = self._verbose if verbose is None else verbose
        bar = progress_bar(len(indexed_frames), shown, **(progressbar_kwargs or {}))

        def write(job, positions):
            sink.write(job, positions)
            moved.add(job, positions, (job.start - int(indexed_frames[0, 0])) * self.n_samples)
            bar.update(int(np.count_nonzero(job.samples == self.n_samples - 1)))

        try:
            with bar, Pipeline(self._stream.generate, write) as pipeline:
                bar.update(int(self._done[indexed_frames[:, 0]].sum()))
                for job in self._stream.jobs(self._read_all(indexed_frames), indexed_frames[:, 0]):
                    pipeline.submit(job)
        finally:
            sink.close()
        self.results.update(moved.results())
        if self._partial is None:
            self.results.positions = np.concatenate(sink.positions)  # (F * S, A, 3)
        return self

    def _read_all(self, indexed_frames):
        """The frames of this part; None for those whose output is there already."""
        for i, (place, number) in enumerate(indexed_frames):
            frame = self._stream.read(self._trajectory, int(number))
            self._frame_index, self.frames[i], self.times[i] = i, frame.frame, frame.time
            self.results.strained += self._stream.strain(frame)
            yield None if self._done[place] else frame

    def _open_writer(self, path, start):
        total = len(self._chosen) * self.n_samples
        if self._partial.suffix in PDB:
            return PDBFrames(path, self.model.mapping.fine, total, remarks(self._provenance) if start == 0 else ())
        observe = None if self.options["bead_tolerance"] == 0 else self._observe
        return TrajectoryFrames(path, self.model.universe(), total, self._clock(), observe)

    def _observe(self, frame, positions):
        """What is stored with a frame of H5MD."""
        return {"displacements": displacements(self.model, [frame], positions[None], mirror=self.options["mirror"])[0]}

    def _clock(self):
        """For DCD: the time between frames and that of the first, as if they were equally spaced."""
        stride = int(self._chosen[1] - self._chosen[0]) if len(self._chosen) > 1 else 1
        return {"dt": float(self._trajectory.dt) * max(1, stride), "istart": int(self._chosen[0]) // max(1, stride)}

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
        results.seed, results.provenance = self.options["seed"], self._provenance
        results.resumed = int(np.count_nonzero(self._done))
        n_known = np.count_nonzero(np.isfinite(results.displacements))
        results.residue_displacements = np.sqrt(results.residue_displacements / max(1, n_known))
        results.filename = results.topology = None
        if self._partial is not None:
            self._publish()

    def _publish(self):
        """Join the segments, and move all files to their names."""
        fine, products = self.model.mapping.fine, self._products
        path = join(self._partial, len(self._chosen), self.results.n_frames, self.model.universe, self._clock())
        stamp(path, self._provenance)
        products.publish(path, self._partial.folder, fine, self._first, self._provenance, self.overwrite)
        self._partial.discard()
        self.results.filename = str(products.trajectory)
        self.results.topology = str(products.topology or products.trajectory)

    def _give_up(self, error):
        """Keep what is complete, or tidy up if nothing is; turn what writers say into one clear error."""
        if self._partial is None:
            return
        kept = self._partial.n_complete
        without = ", without overwrite," if self.overwrite else ""
        words = f"{kept} of {len(self._chosen)} frames are complete and kept: resume=True (--resume){without} goes on"
        words = f"{words} from there" if kept else "no segment of the output was complete: nothing is kept"
        logger.warning("%s: %s", self.filename, words)
        if not kept:
            self._partial.discard()
        reason = self._writing_failed(error)
        if reason:
            raise OSError(errno.EIO, f"cannot write {self.filename}: {reason}; {words}") from error

    def _writing_failed(self, error):
        """Why, if it was that. Writers in C tell only that something failed: then the disk itself is asked."""
        full = getattr(error, "errno", None) in _FULL or any(x in str(error) for x in _FULL_WORDS)
        if full or isinstance(error, OSError) and shutil.disk_usage(self._partial.folder.parent).free < 1 << 20:
            return "no space left on the disk"
        return f"{error} (a full disk, or a quota?)" if isinstance(error, OSError) else None


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
