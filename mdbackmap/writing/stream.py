"""
The stream of a conversion: frames are read, checked, gathered in batches and handed to the pipeline.

Shapes: F frames, S samples, A atoms, R residues. Angstrom, ps.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..options import SamplingOptions
from ..recognition.soundness import check_beads
from ..recognition.spacing import strained
from ..universes.frames import CoarseFrame, read_frame, sample_frames
from .output import Job
from .pdb import not_within_columns, within_columns


@dataclass(frozen=True, eq=False)
class Stream:
    """
    Reads frames and makes jobs of them.

    Parameters
    ----------
    model : Backmapper
    indices : ndarray of int, shape (N,)
        Which particles of the trajectory are the beads.
    options : SamplingOptions
    n_samples : int
        Structures S for each coarse frame.
    batch_size : int
        Structures generated at a time.
    strict : bool
        Refuse strained frames.
    """

    model: object
    indices: np.ndarray
    options: SamplingOptions
    n_samples: int
    batch_size: int
    strict: bool

    def read(self, trajectory, number: int) -> CoarseFrame:
        """
        One frame of a trajectory, checked.

        Raises
        ------
        ValueError
            A frame that cannot be read, that is broken, or (`strict`) that no protein can have.
        """
        return self._checked(trajectory, number)

    def _checked(self, trajectory, number):
        frame = CoarseFrame.of(read_frame(trajectory, number), self.indices)
        check_beads(self.model.mapping, frame.beads, [frame.frame], frame.dimensions, trajectory.n_frames)
        self._check_strain(frame)
        return frame

    def _check_strain(self, frame):
        coarse = self.model.mapping.coarse
        if self.strict and self.strain(frame).any():
            found = np.flatnonzero(self.strain(frame))
            raise ValueError(
                f"frame {frame.frame}: {len(found)} CA-CA distances that no peptide bond spans, the first after "
                f"{coarse.label(found[0])}; strict=False takes them as they are and counts them"
            )

    def check_columns(self, trajectory, numbers):
        """
        Refuse, before the first of them is backmapped, frames that a PDB file cannot hold.

        Raises
        ------
        ValueError
            As `read`, or beads beyond the columns of a PDB file.
        """
        for number in numbers:
            frame = self._checked(trajectory, int(number))
            if not within_columns(frame.beads):
                raise ValueError(f"frame {frame.frame}: {not_within_columns(frame.beads)}")

    def strain(self, frame) -> np.ndarray:
        """Whether the distance to the next residue is not that of a protein, shape (R,); False unless on C-alphas."""
        mapping = self.model.mapping
        if not mapping.is_trace:
            return np.zeros(mapping.coarse.n_residues, dtype=bool)
        return strained(mapping.trace(frame.beads), mapping.coarse, frame.dimensions)

    def jobs(self, frames, places, done, size_at):
        """
        Gather structures into jobs.

        Parameters
        ----------
        frames : iterable of CoarseFrame
            In output order.
        places : iterable of int
            Their places among the chosen frames.
        done : ndarray of bool, shape (F * S,)
            Structures that are there already.
        size_at : callable
            ``size_at(place)``: how many structures a job that begins at that place may hold.

        Yields
        ------
        Job
        """
        batch, size = [], 0
        for place, frame in zip(places, frames, strict=True):
            for sample in range(self.n_samples):
                number = int(place) * self.n_samples + sample
                if done[number]:
                    continue
                if batch and (len(batch) >= size or not _together(*batch[-1][:2], number, frame)):
                    yield _job(batch)
                    batch = []
                size = size if batch else size_at(number)
                batch.append((number, frame, sample))
        if batch:
            yield _job(batch)

    def generate(self, job) -> np.ndarray:
        """The structures of a job, float32, shape (F, A, 3)."""
        return sample_frames(self.model, job.frames, job.samples, self.options)


def _together(last_number, last, number, frame):
    """Whether a structure may join a job: it follows the last one, and both have a box or none has."""
    return number == last_number + 1 and (frame.dimensions is None) == (last.dimensions is None)


def _job(batch):
    numbers, frames, samples = zip(*batch, strict=True)
    return Job(list(frames), np.array(samples), numbers[0])


def choose_frames(trajectory, start=None, stop=None, step=None, frames=None) -> np.ndarray:
    """
    Numbers of the frames that a run is asked for, in order.

    Parameters
    ----------
    trajectory : MDAnalysis reader
    start, stop, step : int, optional
    frames : sequence of int or bool, optional
        Instead of the others; negative numbers count from the end.

    Returns
    -------
    ndarray of int64, shape (F,)

    Raises
    ------
    ValueError
        No frames, frames that the trajectory has not, or `frames` along with the others.
    """
    n = trajectory.n_frames
    if frames is None:
        chosen = np.arange(*trajectory.check_slice_indices(start, stop, step))
    elif (start, stop, step) != (None, None, None):
        raise ValueError("frames cannot be combined with start, stop or step: give one or the other")
    else:
        chosen = numbers_of(frames, n)
    if len(chosen) == 0:
        raise ValueError(f"no frames chosen: the trajectory has {n}, and none of them was asked for")
    return chosen


def numbers_of(frames, n_frames) -> np.ndarray:
    """
    Frames that are asked for one by one, as numbers from 0.

    Parameters
    ----------
    frames : sequence of int or bool
        Negative numbers count from the end; of truth values there is one for each frame.
    n_frames : int
        Frames of the trajectory.

    Returns
    -------
    ndarray of int64, shape (F,)

    Raises
    ------
    ValueError
        Anything else, or frames that the trajectory has not.

    Examples
    --------
    >>> numbers_of([0, -1], 5).tolist()
    [0, 4]
    """
    try:
        chosen = np.asarray(frames if isinstance(frames, np.ndarray) else list(frames))
    except (TypeError, ValueError):
        chosen = np.array(None)
    if chosen.ndim != 1 or (len(chosen) and chosen.dtype.kind not in "iub"):
        raise ValueError(
            f"frames={frames!r}: expected whole numbers, such as [0, 5, 10], or a truth value for each frame"
        )
    if chosen.dtype == bool and len(chosen) != n_frames:
        raise ValueError(f"frames= has {len(chosen)} truth values, the trajectory {n_frames} frames: expected one each")
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
    outside = chosen[(chosen < -n_frames) | (chosen >= n_frames)].tolist()
    if outside:
        more = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
        named = ", ".join(map(str, outside[:3])) if more or len(outside) == 1 else " and ".join(map(str, outside))
        were = "frame {} was" if len(outside) == 1 else "frames {} were"
        raise ValueError(f"{were.format(named + more)} asked for, but the trajectory has 0 to {n_frames - 1}")
    return np.where(chosen < 0, chosen + n_frames, chosen)


def input_files(universe) -> list[str]:
    """Files that a Universe was read from; none if it is in memory."""
    trajectory = universe.trajectory
    names = [universe.filename, *getattr(trajectory, "filenames", [trajectory.filename])]
    return list(dict.fromkeys(str(x) for x in names if isinstance(x, (str, os.PathLike)) and str(x) != "None"))
