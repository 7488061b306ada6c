"""
`Incoming`: a conversion of frames that come one after another, so that nobody knows how many there will be.

What it writes is what a conversion of a trajectory with these frames writes.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..options import SamplingOptions
from ..universes.frames import CoarseFrame, check_beads
from ..writing.destination import Destination
from ..writing.origin import origin
from ..writing.output import PDB, check_format
from ..writing.partial import Partial
from ..writing.pdb import check_fits
from ..writing.products import Products
from ..writing.settings import ConversionSettings
from .generator import Generator
from .jobs import jobs
from .outcome import results_of
from .part import PartResult
from .plan import Plan
from .tally import Tally, tell

_MANY = 2  # frames that stand for any number of them: formats of single frames are refused


@dataclass(frozen=True)
class Asked:
    """
    What is asked of such a conversion; fields as of `BackmapTrajectory`.

    Parameters
    ----------
    filename : Path
    options : SamplingOptions
    batch_size : int or "auto"
    overwrite : bool
    about : dict
        What the provenance says besides, plain values.
    """

    filename: Path
    options: SamplingOptions = SamplingOptions()
    batch_size: int | str = "auto"
    overwrite: bool = False
    about: dict = field(default_factory=dict)


class Incoming:
    """
    Takes coarse frames, generates them a batch at a time, and writes them.

    Parameters
    ----------
    model : Backmapper
    indices : ndarray of int, shape (N,)
        Which particles are the beads.
    asked : Asked

    Attributes
    ----------
    results : Results or None
        As of `BackmapTrajectory`, once it is closed.

    Raises
    ------
    ValueError, FileExistsError, FileNotFoundError
        A name that cannot be written.
    """

    def __init__(self, model, indices, asked):
        check_format(asked.filename, _MANY)
        if (partial := Partial(asked.filename)).suffix in PDB:
            check_fits(model.topology)
        Products.of(asked.filename, model.topology).check([], model.topology, overwrite=asked.overwrite)
        if partial.interrupted and not asked.overwrite:
            raise FileExistsError(
                f"frames of a run that was killed are kept in {partial.folder}: give another name, or overwrite=True, "
                "which discards them"
            )
        size = int(model.batch_size(asked.batch_size))
        group = min(size, int(model.with_threads(1).batch_size("auto")))
        many, size = np.arange(_MANY), size // group * group
        done, settings = np.zeros(_MANY, dtype=bool), ConversionSettings()
        self._plan = Plan(model, indices, many, 1, asked.options, size, group, False, None, settings, done)
        self._asked, self._open, self._sink, self._tally = asked, ExitStack(), None, None
        self._waiting, self._parts, self._n_written = [], [], 0
        self._ended, self._closed, self.results = False, False, None

    @property
    def n_frames(self) -> int:
        """Frames so far, those that wait for their batch included."""
        return self._n_written + len(self._waiting)

    def add(self, frame: CoarseFrame):
        """
        Take a frame; if a batch is full, generate and write it.

        Raises
        ------
        MappingError
            A frame that is broken.
        ValueError
            All has ended, by `close` or by an error.
        """
        if self._ended:
            raise ValueError(f"{self._asked.filename} is closed: no frames can be added")
        check_beads(self._plan.model, frame)
        if self._sink is None:
            self._begin(frame)
        self._waiting.append(frame)
        if self.n_frames % self._plan.batch_size == 0:
            self._generate(self._plan)

    def _begin(self, first):
        """Open the output."""
        model, asked = self._plan.model, self._asked
        about = asked.options.as_dict() | model.hydrogens.as_dict()
        about |= ({} if model.refine is None else {"refine": model.refine}) | asked.about
        provenance = origin(model, about, [], np.zeros(1, dtype=int), first.beads)
        plan = replace(self._plan, first=first, provenance=provenance)
        how = {"batch_size": asked.batch_size, "overwrite": asked.overwrite, "resume": False, "open_ended": True}
        destination = Destination(asked.filename, plan, inputs=[], **how)
        destination.check()
        self._open.enter_context(destination.opened())
        self._plan, self._sink = replace(plan, destination=destination), destination.sink()
        self._tally = Tally(model, asked.options, None)

    def _generate(self, plan):
        """Generate and write the frames that wait."""
        frames, start = self._waiting, self._n_written
        part = PartResult.empty(np.arange(start, start + len(frames)), 1, plan.model)
        done, self._waiting, self._tally.result = np.zeros(start + len(frames), dtype=bool), [], part
        try:
            for row, frame in enumerate(frames):
                self._tally.read(row, frame, plan.strain(frame))
            with Generator(plan) as generate:
                for job in jobs(frames, part.places, done, 1, plan.batch_size):
                    positions = generate(job)
                    self._sink.write(job, positions)
                    self._n_written = job.stop
                    self._tally.add(job, positions, job.start - start)
        except BaseException:
            self._ended = True
            raise
        finally:
            self._parts.append(part)

    def flush(self, threads=True):
        """
        Generate the frames that wait, and see that all are on disk.

        Parameters
        ----------
        threads : bool, optional
            False where no thread can be started, as when Python ends.
        """
        if self._waiting:
            self._generate(self._plan if threads else replace(self._plan, batch_size=self._plan.group))
        if self._sink is not None:
            self._sink.close()

    def close(self, threads=True):
        """
        Write what waits, and move the files to their names; once.

        If a batch could not be generated or written, frames before it are kept.
        """
        if self._closed:
            return
        self._closed = True
        with self._open:
            try:
                self.flush(threads)
            finally:
                self._ended = True
            if self._n_written:
                self.results = self._published()

    def _published(self):
        """The `Results` of what is written, once it lies under its name."""
        n, plan, whole = self._n_written, self._plan, PartResult.joined(self._parts)
        conversion = plan.provenance["conversion"]
        known = plan.provenance | {"conversion": conversion | {"frames": conversion["frames"] | {"number": n}}}
        plan = replace(plan, frames=np.arange(n), done=np.zeros(n, dtype=bool), provenance=known)
        whole = replace(whole, times=whole.times[:n], displacements=whole.displacements[:n])
        plan.destination.ends_at(n, plan.provenance)
        filename, topology, _ = plan.destination.publish(plan.structure(plan.first), plan.frames, whole.times)
        self._tally.tell_more()
        tell(whole.displacements, plan.model.mapping.anchors if plan.model.mapping.is_chain else None)
        return results_of(plan, whole, None, None, []) | {"filename": filename, "topology": topology}
