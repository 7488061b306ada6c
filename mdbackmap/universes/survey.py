"""A few frames over a trajectory, by which a molecule is recognised and its trace is judged."""

import logging

import numpy as np
from MDAnalysis.coordinates.base import StreamReaderBase

from ..reading.cut import warn_of_unread
from ..recognition.soundness import broken, check_frames, leave_out, sound
from ..recognition.spacing import bond_lengths
from .access import copy_trajectory, read_frame
from .reader import bead_names

logger = logging.getLogger(__name__)

_N_FRAMES = 10  # that are looked at, at equal distances; chosen: by hand


def survey(atoms, indices):
    """
    Beads in a few frames over the trajectory; in the current one if it cannot be copied.

    Parameters
    ----------
    atoms : AtomGroup
    indices : ndarray of int, shape (n,)
        Which particles are the beads.

    Returns
    -------
    frames : ndarray of float, shape (f, n, 3)
    dimensions : ndarray of float, shape (f, 6)
        Their boxes; zeros for none.

    Raises
    ------
    ValueError
        No frame can be read, or none is sound.
    """
    trajectory, beads = atoms.universe.trajectory, atoms.universe.atoms[indices]
    warn_of_unread(trajectory)
    current = trajectory.ts.positions[indices]
    n_frames = 1 if isinstance(trajectory, StreamReaderBase) else trajectory.n_frames

    def checked(positions, numbers):
        def label(bead):
            return f"{bead_names(beads)[bead]} {getattr(beads[bead], 'resid', bead + 1)}"

        return check_frames(positions, len(indices), numbers, label, lambda k: leave_out(k, n_frames))

    here = _box(trajectory.ts)[None]
    if n_frames <= 1:
        return checked(current, [trajectory.ts.frame]), here
    numbers = np.unique(np.linspace(0, n_frames - 1, _N_FRAMES).astype(int))
    try:
        copy = copy_trajectory(trajectory)
    except Exception as error:  # a reader without copies: look at what is there
        logger.debug("the trajectory cannot be copied (%s): bound by its current frame", error)
        return checked(current, [trajectory.ts.frame]), here
    with copy:
        frames, boxes = _readable(copy, numbers, indices)
    frames = _unbroken(frames, atoms.dimensions)
    return checked(np.stack(list(frames.values())), list(frames)), np.stack([boxes[number] for number in frames])


def _box(ts):
    return np.zeros(6) if ts.dimensions is None else np.array(ts.dimensions, dtype=np.float64)


def _unbroken(frames, dimensions):
    """The frames without those that are not sound, or broken as a whole; all of them if that is most."""
    good = {number: beads for number, beads in frames.items() if sound(beads).all()} or frames
    beads = np.stack(list(good.values()))
    ends = np.arange(beads.shape[1]) == beads.shape[1] - 1
    whole = ~broken(bond_lengths(beads, dimensions), ends).any(axis=1)
    if not whole.sum() > len(good) / 2:  # not C-alphas, other units, or many chains: others look at that
        return good
    return {number: beads for (number, beads), fine in zip(good.items(), whole, strict=True) if fine}


def _readable(trajectory, numbers, indices):
    """Beads and boxes of the frames that can be read; the others fail when they are read, here only if all do."""
    frames, boxes, failure = {}, {}, None
    for number in numbers:
        try:
            ts = read_frame(trajectory, int(number))
            frames[int(number)], boxes[int(number)] = ts.positions[indices], _box(ts)
        except ValueError as error:
            logger.debug("%s", error)
            failure = failure or error
    if not frames:
        raise failure
    return frames, boxes
