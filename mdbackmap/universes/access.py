"""Frames of MDAnalysis' readers: read with errors that name them, checked before, readers copied."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import weakref

import numpy as np
from MDAnalysis.coordinates.base import StreamReaderBase
from MDAnalysis.coordinates.chain import ChainReader
from MDAnalysis.coordinates.XDR import XDRBaseReader

from .. import reading
from ..molecule.boxes import real_box
from ..reading.cut import warn_of_cut, warn_of_unread
from ..reading.reasons import reason
from ..reading.xdr import bytes_after
from ..recognition.soundness import leave_out

logger = logging.getLogger(__name__)

_READING = (__name__, f"{__package__}.frames", reading.__name__, "MDAnalysis.coordinates", "MDAnalysis.lib")
_READING += ("h5py", "gsd", "scipy", "numpy", "codecs", "encodings", "gzip", "bz2", "_compression")
_BOX_TOLD = weakref.WeakSet()  # readers whose box a warning was about
_LARGE_XTC = 2023  # how a large XTC begins; cited: GROMACS, libxdrf
_MAGIC = {1995: 4, _LARGE_XTC: 4, 1993: 64}
"""How frames of XTC, large XTC and TRR begin, and at which byte their number of atoms is; cited: GROMACS."""


class Unreadable(ValueError):
    """A frame that the reader of a trajectory cannot read."""


def read_frame(trajectory, frame: int, onward=False):
    """
    The Timestep of a frame (0-based) of a coarse trajectory; `onward` if it is the next one.

    Raises
    ------
    Unreadable
        A frame that cannot be read, or that holds another number of atoms, with its number and the reason.
    """
    with naming_frame(trajectory, frame):
        _check_size(trajectory, frame)
        ts = next(trajectory, None) if onward else None
        return trajectory[frame] if ts is None else ts  # a damaged frame looks like the end


@contextlib.contextmanager
def naming_frame(trajectory, frame: int):
    """A context in which errors of the reader, but not those of transformations, become `unreadable`."""
    try:
        yield
    except Exception as error:  # MDAnalysis would end the iteration in silence at some of them
        if not _of_reader(error):
            raise
        raise unreadable(frame, trajectory, error) from error


def _of_reader(error):
    """Whether an error is a reader's: raised while only readers were at work, no transformation of the user."""
    step, modules = error.__traceback__, []
    while step is not None:
        modules.append(step.tb_frame.f_globals.get("__name__", ""))
        step = step.tb_next
    return not isinstance(error, MemoryError) and all(module.startswith(_READING) for module in modules)


def _check_size(trajectory, frame):
    """OSError if a frame of XTC or TRR is of another length than its header says, or holds another number of atoms."""
    if isinstance(trajectory, ChainReader):
        part, frame = trajectory._get_local_frame(frame)
        trajectory = trajectory.readers[part]
    if not isinstance(trajectory, XDRBaseReader):
        return
    with open(trajectory.filename, "rb") as file:
        file.seek(int(trajectory._xdr.offsets[frame]))
        head = file.read(68)
    at = _MAGIC.get(int.from_bytes(head[:4], "big"))
    n_atoms = trajectory.n_atoms if at is None else int.from_bytes(head[at : at + 4], "big")  # None: the reader tells
    if n_atoms != trajectory.n_atoms:
        raise OSError(f"it holds {n_atoms} atoms, the topology {trajectory.n_atoms}")  # MDAnalysis keeps old positions
    if at is not None and int.from_bytes(head[:4], "big") != _LARGE_XTC:
        _check_length(trajectory.filename, trajectory._xdr.offsets, frame)


def _check_length(filename, offsets, frame):
    """OSError if a frame of XTC or TRR does not end where the next one begins: the library would leave its memory."""
    left = bytes_after(filename, int(offsets[frame]))
    last = frame + 1 == len(offsets)
    if left < 0 or not last and os.path.getsize(filename) - left != int(offsets[frame + 1]):
        raise OSError("it is cut off, or its header is damaged")


def unreadable(frame, trajectory, error) -> Unreadable:
    """The error that says which frame of which trajectory could not be read, and why."""
    why = reason(re.split(r"\. ?(?:\n|Trajectories with)", str(error))[0].strip() or error)
    return Unreadable(
        f"frame {frame} of {trajectory.n_frames} in {trajectory.filename} cannot be read ({why}): the file is "
        f"damaged or its number of beads changes there; {leave_out(int(frame), int(trajectory.n_frames))}"
    )


def check_trajectory(trajectory):
    """
    Refuse what cannot be read frame by frame, and warn of frames that are lost and of a box that is none.

    Raises
    ------
    ValueError
        A live stream, which cannot be copied or sliced, or a trajectory without frames.
    """
    if isinstance(trajectory, StreamReaderBase):
        raise ValueError(
            f"{trajectory.filename} is a live stream: its frames come once, in order, so nothing can copy or slice it. "
            "Backmap it in a loop (`u = mdbackmap.backmap(cg)`, `for ts in u.trajectory:`), or write it to a file first"
        )
    if trajectory.n_frames == 0:
        raise ValueError(f"the trajectory {trajectory.filename} has no frames: there is nothing to backmap")
    warn_of_unread(trajectory)
    warn_of_cut(trajectory)
    warn_of_box(trajectory)


def check_transformations(trajectory):
    """
    Refuse transformations that cannot go to workers; MDAnalysis does it for those that say so.

    Raises
    ------
    ValueError
        A function, which does not say whether it can.
    """
    unknown = [one for one in trajectory.transformations if not hasattr(one, "parallelizable")]
    if unknown:
        name = getattr(unknown[0], "__name__", type(unknown[0]).__name__)
        raise ValueError(
            f"the transformation {name} does not say whether workers can do it: convert without a backend, or make it "
            "a class with parallelizable = True (MDAnalysis.transformations.base.TransformationBase)"
        )


def warn_of_box(trajectory):
    """Say, once for each reader, that a box is taken as none; a box of zeros is the usual way to say so."""
    dimensions = trajectory.ts.dimensions
    if trajectory in _BOX_TOLD or dimensions is None or real_box(dimensions) is not None or not np.any(dimensions[:3]):
        return
    _BOX_TOLD.add(trajectory)
    logger.warning(
        "the box %s is none by MDAnalysis' rule (lengths above 0, angles that three vectors can have): frames are "
        "taken without a box; MDAnalysis.transformations.boxdimensions.set_dimensions sets the right one",
        " ".join(f"{x:g}" for x in dimensions),
    )


def copy_trajectory(trajectory):
    """
    An independent copy of a reader, with its transformations.

    Parameters
    ----------
    trajectory : MDAnalysis reader

    Returns
    -------
    MDAnalysis reader

    Raises
    ------
    ValueError
        As `check_trajectory`.
    """
    check_trajectory(trajectory)
    if not isinstance(trajectory, ChainReader):
        return trajectory.copy()
    new = ChainReader.__new__(ChainReader)  # joined files: MDAnalysis cannot copy them
    new.__dict__.update(trajectory.__dict__)
    new.readers, new._auxs = [_copy_part(reader) for reader in trajectory.readers], {}
    new[max(0, int(trajectory.ts.frame))]
    return new


def _copy_part(reader):
    """A copy of one of several joined readers: their frames are numbered through, which `copy` takes for its own."""
    frame, reader.ts.frame = reader.ts.frame, 0
    try:
        return reader.copy()
    finally:
        reader.ts.frame = frame
