"""Where a conversion goes: its file and the companions of that, from the first check to the final names."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from pathlib import Path

import numpy as np

from ..universes.frames import displacements
from .failure import why_not_written
from .joining import join, merge, stamp
from .lock import end_with
from .output import PDB, PDBFrames, SegmentSink, TrajectoryFrames
from .partial import Partial
from .pdb import too_wide
from .products import Products, remarks

logger = logging.getLogger(__name__)


class Destination:
    """
    The output of one conversion.

    Parameters
    ----------
    filename : path-like
    model : Backmapper
    options : SamplingOptions
    n_samples : int
        Structures for each coarse frame.
    chosen : ndarray of int, shape (F,)
        Numbers of the coarse frames.
    dt : float
        Time between the frames of the coarse trajectory, in ps.
    inputs : list of str
        Files that are read.
    first_beads : ndarray of float, shape (N, 3)
        Of the first frame, in angstrom.
    provenance : dict of dict
        As `origin` gives it.
    overwrite, resume : bool
        As of `BackmapTrajectory`.
    """

    def __init__(
        self, filename, model, options, n_samples, chosen, dt, inputs, first_beads, provenance, overwrite, resume
    ):
        self.filename, self.model, self.provenance = Path(filename), model, provenance
        self.n_structures = len(chosen) * n_samples
        self.partial = Partial(self.filename)
        self._options, self._inputs = options, inputs
        self._overwrite, self._resume = overwrite, resume
        self._products = Products.of(self.filename, model.mapping.fine, too_wide(first_beads))
        stride = max(1, int(chosen[1] - chosen[0])) if len(chosen) > 1 else 1
        self._clock = {"dt": float(dt) * stride, "istart": int(chosen[0]) // stride}  # of DCD: frames at equal spacing
        self._run_by = os.getpid()

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
        if self._resume and not self._overwrite and self.filename.is_file() and not partial.interrupted:
            partial.sweep()
            raise self._products.complete(self.provenance)
        self._replace = self._overwrite or self._resume and partial.replaces
        ours = self._resume and partial.publishing
        self._products.check(self._inputs, self.model.mapping.fine, overwrite=self._replace, ours=ours)

    def open(self, batch_size) -> np.ndarray:
        """
        Lock the output, and look again what is in its way.

        Parameters
        ----------
        batch_size : int or "auto"
            As it was asked for.

        Returns
        -------
        ndarray of bool, shape (F * S,)
            Which structures are there already.
        """
        self.partial.open(self.provenance | {"batch_size": batch_size}, self._resume, self._overwrite)
        try:
            self.check()
        except BaseException:
            self.partial.close()
            raise
        done = np.zeros(self.n_structures, dtype=bool)
        for segment in self.partial.segments():
            done[segment.start : segment.stop] = True
        return done

    def joined(self):
        """The context of a part: in a worker process it holds the lock, too, and the process ends with its parent."""
        if os.getpid() == self._run_by:
            return contextlib.nullcontext()
        end_with(self._run_by)
        return self.partial.shared()

    def sink(self) -> SegmentSink:
        """What takes the structures of a part."""
        return SegmentSink(self.partial, self._open_writer, self._merge)

    def _open_writer(self, path, start):
        if self.partial.suffix in PDB:
            notes = remarks(self.provenance) if start == 0 else ()
            return PDBFrames(path, self.model.mapping.fine, self.n_structures, notes)
        observe = None if self._options.tolerance.keeps else self._observe
        return TrajectoryFrames(path, self.model.universe(), self.n_structures, self._clock, observe)

    def _observe(self, frame, positions):
        """What is stored with a frame of H5MD."""
        moved = displacements(self.model, [frame], positions[None], mirror=self._options.mirror)
        return {"displacements": moved[0]}

    def _merge(self, path, segments):
        merge(path, segments, self.model.universe, self._clock)

    def publish(self, first):
        """
        Join the segments, and move all files to their names.

        Parameters
        ----------
        first : tuple
            Positions (A, 3) and box of the first structure.

        Returns
        -------
        filename, topology : str
        """
        self.check()  # files may have come under these names meanwhile
        path = join(self.partial, self.n_structures, self.model.universe, self._clock)
        stamp(path, self.provenance)
        fine = self.model.mapping.fine
        self._products.publish(path, self.partial, fine, first, self.provenance, self._replace)
        self.partial.discard()
        return str(self.filename), str(self._products.topology or self.filename)

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
        words = words if kept else "no frames were complete: nothing is kept"
        reason = why_not_written(error, self.partial.folder)
        with contextlib.suppress(OSError):
            self.partial.tidy()
        self.partial.close()
        if reason:
            raise OSError(errno.EIO, f"cannot write {self.filename}: {reason}; {words}") from error
        if kept or isinstance(error, KeyboardInterrupt):
            logger.warning("%s: %s", self.filename, words)
