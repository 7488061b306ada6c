"""
Writing generated frames, to trajectory files in segments or into memory.

`SegmentSink` and `MemorySink` take the jobs of one run, in order. A segment is closed every few
seconds; see `mdbackmap.writing.partial` for what that is good for, and
`mdbackmap.writing.joining` for how one file is made of them.

Shapes: F frames, A atoms, S samples. Angstrom, ps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import MDAnalysis as mda
import numpy as np
from MDAnalysis.coordinates import core
from MDAnalysis.coordinates.memory import MemoryReader

from .. import __version__
from ..metrics.protein_judge import Judged
from ..reading.xdr import count_frames
from ..universes.frames import CoarseFrame
from .partial import Partial, format_suffix
from .pdb import PDBLayout, box_line, header

XDR = (".xtc", ".trr")
PDB = (".pdb", ".ent")
H5MD = (".h5md",)
H5MD_UNITS = {
    "timeunit": "ps",
    "lengthunit": "Angstrom",
    "velocityunit": "Angstrom/ps",
    "forceunit": "kJ/(mol*Angstrom)",
}
"""Those of MDAnalysis, for its writer, which leaves out what the input's format does not say."""
GROWING = (*XDR, *PDB)
"""Formats that are plain sequences of frames: segments are joined by their bytes."""
_COUNTED = (*H5MD, ".dcd", ".nc", ".ncdf")  # formats whose readers count frames without reading them all


@dataclass(frozen=True, eq=False)
class Job:
    """
    A batch to generate and write.

    Parameters
    ----------
    frames : list of CoarseFrame
        One for each of the F structures to make; frames repeat where there are several samples.
    samples : ndarray of int64, shape (F,)
    start : int
        Place of the first structure in the output, counted from 0; the others follow it.
    """

    frames: list[CoarseFrame]
    samples: np.ndarray
    start: int

    @property
    def faults(self) -> list[str]:
        """Why no structures can be made of its frames; empty where they can. Frames are all sound, or all broken."""
        return [frame.fault for frame in self.frames if frame.fault]

    @property
    def stop(self) -> int:
        """Place behind the last structure."""
        return self.start + len(self.frames)


def check_format(filename, n_frames: int):
    """
    Refuse a file name whose format MDAnalysis cannot write.

    Raises
    ------
    ValueError
        No such format, or one that holds a single frame only.
    """
    suffix = format_suffix(filename)
    if suffix in PDB:
        return
    if not _writes(filename, multiframe=n_frames > 1):
        one = suffix and _writes(filename, multiframe=False)
        why = "that format holds one frame only" if one else "MDAnalysis writes no such format"
        raise ValueError(
            f"cannot write {n_frames} frames to {filename}: {why}; .xtc, .h5md, .trr, .dcd, .nc, .pdb work"
        )


def _writes(filename, multiframe):
    try:
        return core.get_writer_for(str(filename), multiframe=multiframe) is not None
    except (ValueError, TypeError):
        return False


class TrajectoryFrames:
    """
    Writes frames to one file with MDAnalysis' writer for it.

    Parameters
    ----------
    path : path-like
    universe : Universe
        With the fine topology; its trajectory is replaced.
    n_frames : int
        Frames of the whole output: 1 selects writers of single frames.
    observe : callable, optional
        ``observe(frame, positions)`` gives more to store with a frame of H5MD.
    """

    def __init__(self, path, universe, n_frames, observe=None):
        reader = MemoryReader(np.zeros((1, universe.atoms.n_atoms, 3), np.float32))
        reader.units = {"time": "ps", "length": "Angstrom", "velocity": "Angstrom/ps", "force": None}  # H5MD asks
        universe.trajectory = reader
        self._universe, self._last_step, self._observe = universe, None, observe
        self._h5md = format_suffix(path) in H5MD
        options = {"velocities": False, "forces": False, "creator": "mdbackmap", "creator_version": __version__}
        options = options if self._h5md else {}
        self._writer = mda.Writer(str(path), universe.atoms.n_atoms, multiframe=n_frames > 1, **options)

    def write(self, positions, frame, sample, number):
        """Write (A, 3) positions made from a CoarseFrame; `number` is their place in the output."""
        ts = self._universe.trajectory.ts
        ts.positions, ts.dimensions, ts.frame = positions, frame.dimensions, number
        ts.data = {"dt": 1.0, "step": frame.frame, **frame.data, "time": frame.time}
        if self._h5md:
            ts.data |= {"cg_frame": frame.frame, "sample": int(sample), "step": self._rising(int(ts.data["step"]))}
            ts.data |= {} if self._observe is None else self._observe(frame, positions)
        self._writer.write(self._universe)

    def _rising(self, step):
        """H5MD refuses steps that go down, as they do where a simulation was started again."""
        if self._last_step is not None and step < self._last_step:
            step = self._last_step + 1
        self._last_step = step
        return step

    def close(self):
        """Close the file; OSError if it cannot all be written."""
        self._writer.close()
        close_hdf5(self._writer)


def close_hdf5(writer):
    """Close the file of an H5MD writer, which MDAnalysis leaves open until it is forgotten; OSError if it cannot be."""
    file = getattr(writer, "h5md_file", None)
    if file is None:
        return
    try:
        file.flush()
    finally:
        file.close()


class PDBFrames:
    """Writes frames as models of a PDB file, with TER. The END comes when the file is complete."""

    def __init__(self, path, topology, n_frames, remarks):
        self._layout, self._models = PDBLayout(topology), n_frames > 1
        self._file = open(path, "w", encoding="ascii", errors="replace")
        self._file.write(header(remarks))

    def write(self, positions, frame, sample, number):
        """Write (A, 3) positions as the model of that number, counted from 0."""
        body = box_line(frame.dimensions) + self._layout.atoms(positions)
        if self._models:
            origin = f"REMARK     frame {frame.frame}, sample {sample}, {frame.time:g} ps\n"
            body = f"MODEL {number + 1:8d}\n{origin}{body}ENDMDL\n"
        self._file.write(body)

    def close(self):
        """Close the file."""
        self._file.close()


class SegmentSink:
    """
    Writes jobs to segments of a `Partial`.

    Parameters
    ----------
    partial : Partial
    open_writer : callable
        ``open_writer(path, start)`` gives a writer for a segment that starts with that output frame.
    merge : callable
        ``merge(path, segments, n_frames)`` makes one file of segments whose bytes cannot simply follow each other.
    settings : ConversionSettings
    """

    def __init__(self, partial: Partial, open_writer, merge, settings):
        self._partial, self._open, self._merge, self._settings = partial, open_writer, merge, settings
        self._kept = []  # pairs: a segment, and how many times it was merged
        self._writer = self._path = None
        self._since = time.monotonic()

    def write(self, job: Job, positions, judged=None):
        """
        Write the (F, A, 3) positions of a job.

        What was `judged` of them is noted, too; those that it has reasons against are not written.
        """
        if self._path is not None and job.start != self._stop:
            self.close()  # what lies between is there already
        self._whole = False
        if self._path is None:
            self._start, self._path, self._judged = job.start, self._partial.scratch(job.start), []
            if self._partial.suffix in PDB:  # its header
                self._writer = self._open(self._path, job.start)
        kept = range(len(positions)) if judged is None else np.flatnonzero(judged.why == "").tolist()
        for k in kept:
            if self._writer is None:
                self._writer = self._open(self._path, self._start)
            self._writer.write(positions[k], job.frames[k], job.samples[k], job.start + k)
        self._judged += [] if judged is None else [judged]
        self._stop, self._whole = job.stop, True
        if time.monotonic() - self._since > self._settings.segment_seconds:
            self.close()

    def close(self):
        """
        End the segment at hand and keep it, if it is whole.

        Raises
        ------
        OSError
            If not all of it reached the disk.
        """
        writer, self._writer, path, self._path = self._writer, None, self._path, None
        if path is None:
            return
        try:
            path.touch() if writer is None else writer.close()
            if not self._whole:  # a write failed
                path.unlink(missing_ok=True)
                return
            if self._judged:
                self._partial.note(self._start, self._stop, Judged.joined(self._judged))
            check_written(path, self._partial.n_kept(self._start, self._stop))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._kept.append((self._partial.keep(path, self._start, self._stop), 0))
        self._join_kept()
        self._since = time.monotonic()

    def taken(self):
        """None: what was taken lies in the folder of the output."""

    def judged(self):
        """None: so do the notes."""

    def _join_kept(self):
        """Join the segments that this sink has kept where they follow each other, so that they stay few."""
        if self._partial.suffix in GROWING:
            while (pair := self._last(2)) is not None:
                self._kept[-2:] = [(self._partial.append(*pair), 0)]
            return
        n = self._settings.merged
        while (segments := self._last(n)) is not None:
            path = self._partial.scratch(segments[0].start)
            full = [segment for segment in segments if segment.size]
            if full:
                self._merge(path, full, self._partial.n_kept(segments[0].start, segments[-1].stop))
            else:
                path.touch()
            merged = self._partial.keep(path, segments[0].start, segments[-1].stop)
            for segment in segments:
                segment.path.unlink()
            self._kept[-n:] = [(merged, self._kept[-1][1] + 1)]

    def _last(self, n):
        """The last n segments, if they follow each other and were merged equally often; else None."""
        segments, times = zip(*self._kept[-n:], strict=True)
        follow = all(one.stop == other.start for one, other in pairwise(segments))
        return segments if len(segments) == n and follow and len(set(times)) == 1 else None


def check_written(path, n_frames):
    """OSError unless the file holds that many whole frames: writers that buffer do not always tell of a full disk."""
    suffix = format_suffix(path)
    if n_frames == 0:
        return
    if suffix in XDR:
        found = count_frames(path)
    elif suffix in _COUNTED:
        with core.reader(str(path), n_atoms=None) as reader:
            found = reader.n_frames
    else:
        return
    if found != n_frames:
        raise OSError(f"{path} holds {found} of the {n_frames} frames that were written to it")


class MemorySink:
    """Collects frames."""

    def __init__(self):
        self._positions, self._judged = [], []

    def write(self, job: Job, positions, judged=None):
        """Take the (F, A, 3) positions of a job, and what was judged of them."""
        self._positions.append(positions)
        self._judged += [] if judged is None else [judged]

    def close(self):
        """Nothing to close."""

    def taken(self) -> np.ndarray:
        """All positions, shape (F, A, 3)."""
        return np.concatenate(self._positions)

    def judged(self) -> Judged | None:
        """What was judged of them, if anything."""
        return Judged.joined(self._judged) if self._judged else None
