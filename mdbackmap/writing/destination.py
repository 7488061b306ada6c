"""Where a conversion goes: its file and the companions of that, from the first check to the final names."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time

import numpy as np

from ..metrics.spread import b_factors
from ..universes.frames import displacements, of_residues
from .dcd_times import set_times
from .failure import why_not_written
from .joining import join, merge, stamp
from .lock import end_with
from .output import H5MD, PDB, MemorySink, PDBFrames, SegmentSink, TrajectoryFrames
from .partial import Partial
from .parts import Parts
from .pdb import too_wide
from .products import SKIPPED, Products, remarks
from .spreads import observe, spread_of_file

logger = logging.getLogger(__name__)


class InMemory:
    """
    The output of a conversion that is kept in memory: what `Destination` offers, without files.

    Parameters
    ----------
    n_structures : int
    inputs : list of str
        Files that are read.
    """

    partial, part = None, None

    def __init__(self, n_structures, inputs=()):
        self.n_structures, self._inputs = n_structures, inputs

    def opened(self):
        """A context that gives which structures are there already: none."""
        return contextlib.nullcontext(np.zeros(self.n_structures, dtype=bool))

    def joined(self, places, done):
        """A context of worker processes: there is nothing to lock."""
        return contextlib.nullcontext()

    def files(self):
        """Files that are read or written."""
        return self._inputs

    def sink(self) -> MemorySink:
        """What takes the structures of a part."""
        return MemorySink()

    def judged(self, whole):
        """What was judged of all structures of a `PartResult`; None if nothing was."""
        return whole.judged

    def publish(self, first, frames, times, skipped=()):
        """No file, no topology, and no spread read from it."""
        return None, None, None


class Destination:
    """
    The output of one conversion.

    Parameters
    ----------
    filename : Path
    plan : Plan
        What goes there.
    inputs : list of str
        Files that are read.
    batch_size : int or "auto"
        As it was asked for.
    overwrite, resume : bool
        As of `BackmapTrajectory`.
    part : (int, int), optional
        Which part of how many is made; it stays in its folder.
    open_ended : bool, optional
        How many structures come is known at the end alone (`ends_at`): nothing can be resumed.
    """

    def __init__(self, filename, plan, *, inputs, batch_size, overwrite, resume, part=None, open_ended=False):
        self.filename, self.part, self.partial = filename, part, Partial(filename, part)
        self.model, self.n_structures, self.provenance = plan.model, len(plan.done), plan.provenance
        self._options, self._settings, self._inputs = plan.options, plan.settings, inputs
        self._batch_size, self._overwrite, self._resume = batch_size, overwrite, resume
        self._products = Products.of(filename, self.model.topology, too_wide(plan.first.beads))
        self._several, self._n_frames = plan.n_samples > 1, len(plan.frames)
        self._judging = {"validity": True} if plan.judge is not None else {}
        self._run_by, self._open_ended = os.getpid(), open_ended

    def check(self):
        """
        Refuse what would destroy something, or what is complete.

        Raises
        ------
        FileExistsError, FileNotFoundError, IsADirectoryError, ValueError
            As `Products.check` and `Products.complete`.
        """
        partial = self.partial
        if self._resume and partial.published:  # it was killed just before the folder was removed
            partial.discard()
        parts = Parts(self.filename) if self._resume and self.part is None else ()
        if self._resume and not self._overwrite and self.filename.is_file() and not partial.interrupted and not parts:
            partial.sweep()
            raise self._products.complete(self.provenance)
        self._replace = self._overwrite or self._resume and any(one.replaces for one in (partial, *parts))
        ours = self._resume and partial.publishing
        self._products.check(self._inputs, self.model.topology, overwrite=self._replace, ours=ours)

    @contextlib.contextmanager
    def opened(self):
        """
        A context in which the output is locked. What is complete is kept if it ends with an error.

        It gives which structures are there already: ndarray of bool, shape (F * S,).

        Raises
        ------
        OSError
            If writing was what failed; else the error itself.
        """
        began, done = time.monotonic(), self._open()
        try:
            yield done
            if self.part is not None:
                self.partial.close()
        except BaseException as error:
            long = time.monotonic() - began > self._settings.worth_keeping or done.any()
            self.give_up(error, long or not isinstance(error, ValueError))  # which is the input's
            raise

    def _open(self):
        """Lock the output, look again what is in its way, and then what is there of it."""
        settings = self.provenance | {"batch_size": self._batch_size} | self._judging
        self.partial.open(settings, self._resume, self._overwrite)
        try:
            self.check()
            if self.part is None and (parts := Parts(self.filename)):
                self._with_parts(parts, settings)
        except BaseException:
            self.partial.close()
            raise
        done = np.zeros(self.n_structures, dtype=bool)
        for segment in self.partial.segments():
            done[segment.start : segment.stop] = True
        return done

    def _with_parts(self, parts, settings):
        """Go on with parts that were made on their own, or discard them."""
        if self._overwrite:
            parts.discard()
        elif self._resume:
            parts.take_over(self.partial, settings)
        else:
            raise FileExistsError(
                f"{len(parts.numbers)} parts of a conversion to {self.filename} are kept beside it: join them "
                "(mdbackmap join, resume=True), or discard them and start again (overwrite=True, --overwrite)"
            )

    @contextlib.contextmanager
    def joined(self, places, done):
        """
        The context of a part: in a worker process it holds the lock, too, and the process ends with its parent.

        Parameters
        ----------
        places : ndarray of int, shape (f,)
            Of its frames among those of the plan.
        done : ndarray of bool, shape (F * S,)
            Structures that were there before: what else there is of the part was left by a worker that died.
        """
        if os.getpid() == self._run_by:
            yield
            return
        end_with(self._run_by)
        with self.partial.lock.shared():
            n_samples = self.n_structures // self._n_frames
            self.partial.forget(int(places[0]) * n_samples, (int(places[-1]) + 1) * n_samples, done)
            yield

    def files(self):
        """Files that are read or written."""
        return [*self._inputs, os.path.abspath(self.partial.lock.path)]

    def sink(self) -> SegmentSink:
        """What takes the structures of a part."""
        return SegmentSink(self.partial, self._open_writer, self._merge, self._settings)

    def _open_writer(self, path, start):
        if self.partial.suffix in PDB:
            notes = remarks(self.provenance) if start == 0 else ()
            return PDBFrames(path, self.model.topology, self.n_structures, notes)
        observe = None if self.model.keeps_beads(self._options) else self._observe
        return TrajectoryFrames(path, self.model.universe(), self.n_structures, observe)

    def _observe(self, frame, positions):
        """What is stored with a frame of H5MD."""
        moved = displacements(self.model, [frame], positions[None], self._options)
        return {"displacements": moved[0], "residue_displacements": of_residues(moved, self.model.converted)[0]}

    def _merge(self, path, segments, n_frames):
        merge(path, segments, self.model.universe, n_frames)

    def ends_at(self, n_structures, provenance):
        """Say how many structures there are, and how they were made, if that was not known at the start."""
        self.n_structures, self.provenance = n_structures, provenance

    def judged(self, whole):
        """What was judged of all structures, of those that were there before, too; None if nothing was."""
        return self.partial.judged()

    def publish(self, first, frames, times, skipped=()):
        """
        Join the segments, and move all files to their names.

        Parameters
        ----------
        first : tuple
            Positions (A, 3) and box of the first structure.
        frames : ndarray of int, shape (F,)
            Which coarse frame each output frame is of.
        times : ndarray of float, shape (F,)
            When these are, in ps.
        skipped : sequence of (str, str), optional
            Structures that were left out, and why: they are stored with the provenance.

        Returns
        -------
        filename, topology : str
        spread : ndarray of float32, shape (C, R), or None
            Over the samples of each of C coarse frames, in angstrom; None for one sample.
        """
        self.check()  # files may have come under these names meanwhile
        path = join(self.partial, self.n_structures, self.model.universe)
        provenance = self.provenance | ({SKIPPED: dict(skipped)} if skipped else {})
        spread = spread_of_file(path, self.model, frames) if self._several else None
        if spread is not None and self.partial.suffix in H5MD:
            observe(path, spread, frames)
        if self.partial.suffix == ".dcd":
            set_times(path, times)
        fine = self.model.topology
        factors = None if spread is None else self.model.system.of_residues(b_factors(spread))
        stamp(path, provenance, fine)
        self._products.publish(path, self.partial, fine, first, provenance, self._replace, factors)
        self.partial.discard()
        return str(self.filename), str(self._products.topology or self.filename), spread

    def give_up(self, error, worth_keeping=True):
        """
        Keep what is complete, or tidy up if nothing is; turn what writers say into one clear error.

        Parameters
        ----------
        error : BaseException
            What ended the conversion.
        worth_keeping : bool, optional
            False: nothing is kept, and nothing said.

        Raises
        ------
        OSError
            If writing was what failed.
        """
        if not worth_keeping:
            self.partial.discard()
            return
        kept = self.partial.n_complete
        words = f"{kept} of {self.n_structures} frames are complete and kept: resume=True (--resume) goes on from there"
        words = f"{kept} frames are complete, in {self.partial.folder}" if self._open_ended else words
        words = words if kept else "no frames were complete: nothing is kept"
        reason = why_not_written(error, self.partial.folder)
        with contextlib.suppress(OSError):
            self.partial.tidy()
        self.partial.close()
        if reason:
            raise OSError(errno.EIO, f"cannot write {self.filename}: {reason}; {words}") from error
        if kept or isinstance(error, KeyboardInterrupt):
            logger.warning("%s: %s", self.filename, words)
