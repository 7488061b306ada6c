"""
Key frames: frames at steps of a correlation time. Between two of them side chains keep the rotamers of either.

They depend on a frame's number alone, so frames may be read in any order, and by several processes.

Times in ps.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

import numpy as np

from ..molecule.key_beads import KeyBeads
from ..molecule.mapping import MappingError
from .access import Unreadable

_OFF = 1.5  # correlation times that key frames may be apart; chosen: by hand, more is another run


@dataclass(frozen=True, eq=False)
class Between:
    """
    Where a frame lies between two key frames.

    Attributes
    ----------
    number : int
        Of the interval.
    share : float
        Which part of it is over.
    before, after : CoarseFrame
    """

    number: int
    share: float
    before: object
    after: object


class KeyFrames:
    """
    Finds the key frames of frames of a trajectory.

    Parameters
    ----------
    read : callable
        Gives the `CoarseFrame` of a number; `Unreadable` or `MappingError` if there is none that is sound.
    n_frames : int
    dt : float
        Time between frames.
    correlation_time : float

    Attributes
    ----------
    stride : int
        Frames from a key frame to the next; 1 for none.
    """

    def __init__(self, read, n_frames, dt, correlation_time):
        self._read, self._last, self._span = read, n_frames - 1, _OFF * correlation_time
        self.stride = max(1, round(correlation_time / dt)) if dt > 0 else 1

    def placed(self, frame):
        """The same `CoarseFrame`, `between` its key frames; as it was if it has none that go with it."""
        if self.stride == 1 or frame.fault:
            return frame
        number, past = divmod(frame.frame, self.stride)
        ends = number * self.stride, min((number + 1) * self.stride, self._last)
        found = []
        with contextlib.suppress(Unreadable, MappingError):
            found = [frame if end == frame.frame else self._read(end) for end in ends]
        if not found or not all(self._go_together(frame, end) for end in found):
            return frame
        return replace(frame, between=Between(number, past / self.stride, *found))

    def _go_together(self, frame, end):
        """Whether a key frame is of the same run as a frame, and has a box if that has one."""
        return abs(end.time - frame.time) <= self._span and (end.dimensions is None) == (frame.dimensions is None)


def key_beads(frames) -> KeyBeads:
    """The key frames of some `CoarseFrame`, all of which have them."""
    ends = [(frame.between.before, frame.between.after) for frame in frames]
    some = {end.frame: end for pair in ends for end in pair}
    place = {number: row for row, number in enumerate(some)}
    boxes = [end.dimensions for end in some.values()]
    return KeyBeads(
        np.stack([end.beads for end in some.values()]),
        list(some),
        None if boxes[0] is None else np.stack(boxes),
        np.array([[place[end.frame] for end in pair] for pair in ends]),
        np.array([frame.between.number for frame in frames]),
        np.array([frame.between.share for frame in frames]),
    )
