"""
The stream of a conversion: frames are read, checked, gathered in batches and handed to the pipeline.

Legend: `F` frames, `S` samples, `A` atoms, `R` residues. Angstrom, ps.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..frames import CoarseFrame, read_frame, sample_frames
from ..recognition.soundness import check_beads
from ..recognition.trace import strained
from .output import Job


@dataclass(frozen=True, eq=False)
class Stream:
    """
    Reads frames and makes jobs of them.

    Parameters
    ----------
    model : Backmapper
    indices : (N,) int array
        Which particles of the trajectory are the beads.
    options : dict
        `seed`, `temperature`, ... of `Backmapper.sample`.
    n_samples : int
        Structures S for each coarse frame.
    batch_size : int
        Structures generated at a time.
    strict : bool
        Refuse strained frames.
    """

    model: object
    indices: np.ndarray
    options: dict
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
        frame = CoarseFrame.of(read_frame(trajectory, number), self.indices)
        check_beads(self.model.mapping, frame.beads, [frame.frame], frame.dimensions, trajectory.n_frames)
        self._check_strain(frame)
        return frame

    def _check_strain(self, frame):
        coarse = self.model.mapping.coarse
        if self.strict and self.strain(frame).any():
            found = np.flatnonzero(self.strain(frame))
            raise ValueError(
                f"frame {frame.frame}: {len(found)} CA-CA distances are such as no peptide bridges, the first after "
                f"{coarse.label(found[0])}; strict=False takes them as they are and counts them"
            )

    def strain(self, frame) -> np.ndarray:
        """(R,) bool: residues whose distance to the next one is not that of a protein; none unless on C-alphas."""
        if self.model.mapping.name != "ca":
            return np.zeros(self.model.mapping.coarse.n_residues, dtype=bool)
        return strained(frame.beads, self.model.mapping.coarse, frame.dimensions)

    def jobs(self, frames, places):
        """
        Gather frames into jobs.

        Parameters
        ----------
        frames : iterable of CoarseFrame or None
            In output order; None where the output is there already.
        places : iterable of int
            Their places in the output, in coarse frames.

        Yields
        ------
        Job
        """
        batch, per_batch = [], max(1, self.batch_size // self.n_samples)
        for place, frame in zip(places, frames, strict=True):
            if batch and (len(batch) == per_batch or not _together(*batch[-1], place, frame)):
                yield from self._split(batch)
                batch = []
            if frame is not None:
                batch.append((int(place), frame))
        if batch:
            yield from self._split(batch)

    def _split(self, batch):
        """All samples of a batch of frames, in jobs of at most `batch_size` structures."""
        places = np.repeat([place for place, _ in batch], self.n_samples)  # (F * S,)
        samples = np.tile(np.arange(self.n_samples), len(batch))
        frames = [frame for _, frame in batch for _ in range(self.n_samples)]
        for i in range(0, len(frames), self.batch_size):
            j = min(i + self.batch_size, len(frames))
            yield Job(frames[i:j], samples[i:j], int(places[i]), int(places[j - 1]) + 1, whole=j == len(frames))

    def generate(self, job) -> np.ndarray:
        """(F, A, 3) float32: the structures of a job."""
        return sample_frames(self.model, job.frames, job.samples, **self.options)


def _together(last_place, last, place, frame):
    """Whether a frame may join a batch: it follows the last one, and both have a box or none has."""
    return frame is not None and place == last_place + 1 and (frame.dimensions is None) == (last.dimensions is None)


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
    (F,) int64 array

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
        chosen = np.asarray(list(frames))
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    if len(chosen) == 0:
        raise ValueError(f"no frames to backmap: the trajectory has {n}, and none of them was chosen")
    if chosen.dtype.kind not in "iu" or chosen.min() < -n or chosen.max() >= n:
        raise ValueError(f"frames {chosen.min()} to {chosen.max()} were asked for, but the trajectory has 0 to {n - 1}")
    return np.where(chosen < 0, chosen + n, chosen)


def input_files(universe) -> list[str]:
    """Files that a Universe was read from; none if it is in memory."""
    trajectory = universe.trajectory
    names = [universe.filename, *getattr(trajectory, "filenames", [trajectory.filename])]
    return list(dict.fromkeys(str(x) for x in names if isinstance(x, (str, os.PathLike)) and str(x) != "None"))
