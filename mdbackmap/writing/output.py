"""
Writing generated frames, to trajectory files in segments or into memory.

`SegmentSink` and `MemorySink` take the jobs of one run, in order. A segment is closed every few
seconds, between coarse frames; see `mdbackmap.writing.partial` for what that is good for, and
`mdbackmap.writing.joining` for how one file is made of them.

Legend: `F` frames, `A` atoms, `S` samples. Angstrom, ps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import MDAnalysis as mda
import numpy as np
from MDAnalysis.coordinates import core
from MDAnalysis.coordinates.memory import MemoryReader

from .. import __version__
from ..frames import CoarseFrame
from .partial import Partial, format_suffix
from .pdb import PDBLayout, box_line, header
from .xdr import count_frames

XDR = (".xtc", ".trr")
PDB = (".pdb", ".ent")
H5MD = (".h5md",)
SEGMENT_SECONDS = {suffix: 5.0 for suffix in (*XDR, *PDB)}
_SEGMENT_SECONDS = 60.0  # of formats whose segments can only be joined by writing all anew


@dataclass(frozen=True, eq=False)
class Job:
    """
    A batch to generate and write.

    Parameters
    ----------
    frames : list of CoarseFrame
        One for each of the F structures to make; frames repeat where there are several samples.
    samples : (F,) int64 array
    start, stop : int
        Coarse frames (counted in output order) that it belongs to.
    whole : bool
        Whether all samples of the last one are in, so that a segment may end here.
    """

    frames: list[CoarseFrame]
    samples: np.ndarray
    start: int
    stop: int
    whole: bool


def check_format(filename, n_frames: int):
    """
    Refuse a file name whose format nobody can write.

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
    clock : dict
        `dt` and `istart` for DCD, which stores no times.
    observe : callable, optional
        ``observe(frame, positions)`` gives more to store with a frame of H5MD.
    """

    def __init__(self, path, universe, n_frames, clock, observe=None):
        reader = MemoryReader(np.zeros((1, universe.atoms.n_atoms, 3), np.float32))
        reader.units = {"time": "ps", "length": "Angstrom", "velocity": "Angstrom/ps", "force": None}  # H5MD asks
        universe.trajectory = reader
        self._universe, self._last_step, self._observe = universe, None, observe
        self._h5md = format_suffix(path) in H5MD
        self._writer = mda.Writer(
            str(path), universe.atoms.n_atoms, multiframe=n_frames > 1, **_writer_options(format_suffix(path), clock)
        )

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


def _writer_options(suffix, clock):
    if suffix in H5MD:
        return {"velocities": False, "forces": False, "creator": "mdbackmap", "creator_version": __version__}
    return dict(clock) if suffix == ".dcd" else {}


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
    Writes jobs into segments of a `Partial`.

    Parameters
    ----------
    partial : Partial
    open_writer : callable
        ``open_writer(path, start)`` gives an object with `write` and `close`.
    n_samples : int
    """

    def __init__(self, partial: Partial, open_writer, n_samples):
        self._partial, self._open, self._n_samples = partial, open_writer, n_samples
        self._seconds = SEGMENT_SECONDS.get(partial.suffix, _SEGMENT_SECONDS)
        self._growing = None
        self._writer = None

    def write(self, job: Job, positions):
        """Write the (F, A, 3) positions of a job."""
        if self._writer is not None and self._aligned and job.start != self._stop:
            self.close()  # what lies between is there already
        if self._writer is None:
            self._begin(job.start)
        self._aligned = False
        for structure, frame, sample in zip(positions, job.frames, job.samples, strict=True):
            self._writer.write(structure, frame, sample, self._number)
            self._number += 1
        self._stop, self._aligned = job.stop, job.whole
        if job.whole and time.monotonic() - self._began > self._seconds:
            self.close()

    def _begin(self, start):
        self._start, self._number, self._aligned = start, start * self._n_samples, False
        self._began = time.monotonic()
        self._path = self._partial.scratch(start)
        self._writer = self._open(self._path, start)

    def close(self):
        """
        End the segment at hand and keep it, if it is whole.

        Raises
        ------
        OSError
            If not all of it reached the disk.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
            if not self._aligned:  # a write failed, or the samples of a frame are not all in
                self._path.unlink(missing_ok=True)
                return
            check_written(self._path, (self._stop - self._start) * self._n_samples)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise
        segment = self._partial.keep(self._path, self._start, self._stop)
        if self._partial.suffix in SEGMENT_SECONDS:
            if self._growing and self._growing.stop == segment.start:
                segment = self._partial.append(self._growing, segment)
            self._growing = segment


def check_written(path, n_frames):
    """OSError unless the file holds that many whole frames: writers that buffer do not always tell of a full disk."""
    suffix = format_suffix(path)
    if suffix in XDR:
        found = count_frames(path)
    elif suffix in PDB or suffix not in _counted_formats():
        return
    else:
        with core.reader(str(path), n_atoms=None) as reader:
            found = reader.n_frames
    if found != n_frames:
        raise OSError(f"{path} holds {found} of the {n_frames} frames that were written to it")


def _counted_formats():
    """Formats whose readers count frames without reading them all."""
    return (*H5MD, ".dcd", ".nc", ".ncdf")


class MemorySink:
    """
    Collects frames.

    Attributes
    ----------
    positions : list of (F, A, 3) float32 arrays
    """

    def __init__(self):
        self.positions = []

    def write(self, job: Job, positions):
        """Take the (F, A, 3) positions of a job."""
        self.positions.append(positions)

    def close(self):
        """Nothing to close."""
