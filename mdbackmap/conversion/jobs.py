"""
Batches of structures to generate, gathered from coarse frames as they are read.

Shapes: F frames, S samples.
"""

from __future__ import annotations

import numpy as np

from ..writing.output import Job


def jobs(frames, places, done, n_samples, size):
    """
    Gather structures into jobs: samples of a frame in a row, what is there already left out.

    Parameters
    ----------
    frames : iterable of CoarseFrame
        In output order.
    places : iterable of int
        Their places among the frames of the conversion.
    done : ndarray of bool, shape (F * S,)
        Structures that are there already.
    n_samples : int
        Structures S for each frame.
    size : int
        Structures of a job at most: jobs end at multiples of it, so those of a conversion that is resumed, or made in
        parts, are the same.

    Yields
    ------
    Job
    """
    batch = []
    for place, frame in zip(places, frames, strict=True):
        for sample in range(n_samples):
            number = int(place) * n_samples + sample
            if done[number]:
                continue
            if batch and (number % size == 0 or not _together(*batch[-1][:2], number, frame)):
                yield _job(batch)
                batch = []
            batch.append((number, frame, sample))
    if batch:
        yield _job(batch)


def _together(last_number, last, number, frame):
    """Whether a structure may join a job: it follows the last one, and both have a box and are sound, or neither."""
    alike = (frame.dimensions is None, frame.fault == "") == (last.dimensions is None, last.fault == "")
    return number == last_number + 1 and alike


def _job(batch):
    numbers, frames, samples = zip(*batch, strict=True)
    return Job(list(frames), np.array(samples), numbers[0])
