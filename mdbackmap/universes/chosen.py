"""Which frames of a trajectory are asked for, and the files that a Universe was read from."""

from __future__ import annotations

import os

import numpy as np


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
