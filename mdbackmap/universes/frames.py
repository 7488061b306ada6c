"""
Frames of a coarse trajectory, and reading them ahead.

A `CoarseFrame` is what one frame of a trajectory says about the beads: all that the atoms depend
on. `CoarseFrames` reads them from an MDAnalysis trajectory, watches the pace at which they are
asked for, and reads the next ones ahead when the pace is steady.

Shapes: F frames, N beads. Lengths in angstrom, times in ps.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field

import numpy as np

from ..molecule.boxes import real_box
from ..recognition import soundness
from .access import naming_frame, read_frame
from .key_frames import KeyFrames, key_beads

logger = logging.getLogger(__name__)

_OWN = ("time", "dt", "time_offset")  # entries of `ts.data` that MDAnalysis itself has there


@dataclass(frozen=True, eq=False)
class CoarseFrame:
    """
    One frame of beads.

    Parameters
    ----------
    frame : int
        Number of the frame in its trajectory.
    time : float
        In ps.
    beads : ndarray of float32, shape (N, 3)
        In angstrom.
    dimensions : ndarray of float32, shape (6,), or None
        Box as MDAnalysis has it (angstrom, degrees), if it is one (`boxes.real_box`).
    data : dict
        What else the reader says of the frame (`ts.data`): numbers only, none of them per bead.
    fault : str
        Why it is no frame of a molecule; "" if it is one.
    between : Between, optional
        The key frames before and after it, whose side chains it keeps.

    Examples
    --------
    >>> frame = CoarseFrame(0, 0.0, np.zeros((2, 3), "f4"), None)
    >>> frame.same_as(CoarseFrame(0, 0.0, np.zeros((2, 3), "f4"), None))
    True
    """

    frame: int
    time: float
    beads: np.ndarray
    dimensions: np.ndarray | None
    data: dict = field(default_factory=dict)
    fault: str = ""
    between: object = None

    @classmethod
    def of(cls, ts, indices) -> CoarseFrame:
        """The frame of a Timestep, cut to the beads with these indices."""
        return cls(int(ts.frame), float(ts.time), ts.positions[indices], real_box(ts.dimensions), _numbers(ts))

    @classmethod
    def broken(cls, number, n_beads, fault) -> CoarseFrame:
        """A frame in place of one that no atoms can be made of: nothing is known of it but why."""
        return cls(int(number), np.nan, np.full((n_beads, 3), np.nan, dtype=np.float32), None, fault=fault)

    def same_as(self, other: CoarseFrame) -> bool:
        """True if the very same atoms belong to both: equal frame, time, beads and box, to the last bit."""
        arrays = ((self.dimensions, other.dimensions), (self.beads, other.beads))
        same = (self.frame, self.time) == (other.frame, other.time)
        return same and all(np.array_equal(one, two) for one, two in arrays)


def keep_numbers(ts):
    """Leave nothing in `ts.data` but the time and what holds for the frame as a whole: H5MD files cannot hold more."""
    ts.data = {key: ts.data[key] for key in _OWN if key in ts.data} | _numbers(ts)


def _numbers(ts):
    """The entries of `ts.data` that hold for the frame as a whole and that any writer can store."""
    found = {}
    for key, value in ts.data.items():
        array = np.asarray(value)
        if key not in _OWN and array.dtype.kind in "biuf" and not (array.ndim and len(array) == ts.n_atoms):
            found[key] = value
    return found


def sample_frames(model, frames, samples, options) -> np.ndarray:
    """
    The atoms of several frames.

    Parameters
    ----------
    model : Backmapper
    frames : list of CoarseFrame
        F of them, all with a box or all without.
    samples : int or ndarray of int, shape (F,)
        Which sample of each.
    options : SamplingOptions

    Returns
    -------
    ndarray of float32, shape (F, A, 3)
        In angstrom.
    """
    held = np.array([x.between is not None for x in frames])
    if held.any() and not held.all():
        samples, found = np.broadcast_to(samples, len(frames)), None
        for part in (held, ~held):
            some = [frames[k] for k in np.flatnonzero(part)]
            made = sample_frames(model, some, samples[part], options)
            found = np.empty((len(frames), *made.shape[1:]), made.dtype) if found is None else found
            found[part] = made
        return found
    keys = {"key_beads": key_beads(frames)} if held.all() else {}
    return model.sample(
        np.stack([x.beads for x in frames]),  # (F, N, 3)
        np.array([x.frame for x in frames]),
        samples=samples,
        times=np.array([x.time for x in frames]),
        dimensions=_boxes(frames),
        **options.as_dict(),
        **keys,
    )


def check_beads(model, frame, n_frames=None):
    """
    Refuse a frame whose beads are those of no molecule.

    Parameters
    ----------
    model : Backmapper
    frame : CoarseFrame
    n_frames : int, optional
        Frames of the trajectory, for the advice.

    Raises
    ------
    MappingError
        As of `recognition.soundness.check_beads`; particles that are carried along have to be finite alone.
    """
    own, label = model.converted.n_beads, soundness.bead_label(model.mapping.coarse)
    advice = functools.partial(soundness.leave_out, n_frames=n_frames)
    if len(frame.beads) > own:
        soundness.check_frames(frame.beads, len(frame.beads), [frame.frame], label, advice)
    soundness.check_beads(model.converted, frame.beads[None, :own], [frame.frame], frame.dimensions, n_frames)


def displacements(model, frames, positions, options) -> np.ndarray:
    """
    How far the beads of several frames were moved.

    Parameters
    ----------
    model : Backmapper
    frames : list of CoarseFrame
        F of them, all with a box or all without.
    positions : ndarray of float, shape (F, A, 3)
        The atoms that were made of them.
    options : SamplingOptions
        As `sample_frames` had them.

    Returns
    -------
    ndarray of float32, shape (F, N)
        In angstrom.
    """
    beads = np.stack([x.beads for x in frames])
    return model.displacements(beads, positions, _boxes(frames), options.mirror, options.wrap)


def of_residues(moved, mapping) -> np.ndarray:
    """
    How far residues were moved: the RMS over their beads.

    Parameters
    ----------
    moved : ndarray of float, shape (F, N)
        How far their beads were moved, in angstrom.
    mapping : Mapping

    Returns
    -------
    ndarray of float32, shape (F, R)
    """
    owner = mapping.residue_of_bead
    if mapping.n_beads == mapping.coarse.n_residues:  # one bead a residue
        return moved
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    squares = np.add.reduceat(moved.astype(np.float64) ** 2, first, axis=1) / np.bincount(owner)[owner[first]]
    found = np.zeros((len(moved), mapping.coarse.n_residues), dtype=np.float32)
    found[:, owner[first]] = np.sqrt(squares)
    return found


def _boxes(frames):
    """Boxes (F, 6) of frames, or None."""
    return None if frames[0].dimensions is None else np.stack([x.dimensions for x in frames])


class CoarseFrames:
    """
    Reads the frames of a coarse trajectory, and reads ahead while they are asked for at a steady pace.

    Reading 0, 1, 2 or 0, 10, 20 is a steady pace; a jump is not. After `n` equal strides `expected`
    foresees `n` frames: what is read in vain is never more than what was used.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        Owned from now on: give it a copy.
    indices : ndarray of int, shape (N,)
        Which of its particles are the beads.

    Attributes
    ----------
    n_frames : int
        Number of frames of the trajectory.
    """

    def __init__(self, trajectory, indices):
        self.trajectory = trajectory
        self.indices = indices
        self.n_frames = int(trajectory.n_frames)  # readers of closed files do not know it
        self.current = None
        self._owner, self._generated = None, {}
        self._at = self._stride = None
        self._steady = 0
        self._ahead, self._keys = {}, {}
        self._closed = False

    def __getstate__(self):
        return {"trajectory": self.trajectory, "indices": self.indices}

    def __setstate__(self, state):
        self.__init__(**state)

    def close(self):
        """Close the trajectory's files; who reads on opens them again."""
        self.trajectory.close()
        self._at, self._closed = None, True

    def reopen(self):
        """Open the files again, if they were closed."""
        if self._closed:
            self.trajectory._reopen()
            self._closed = False

    def read(self, frame: int) -> CoarseFrame:
        """
        The frame of that number (0-based).

        Raises
        ------
        ValueError
            A frame that the reader cannot read, with the reader's own words.
        """
        if self.current is not None:
            stride = frame - self.current.frame
            if stride == 0:
                return self.current
            self._steady = self._steady + 1 if stride in (self._stride, 1) else 0
            self._stride = stride
        self.current = self._ahead.pop(frame, None) or self._fetch(frame)
        return self.current

    def between_keys(self, frames, model, correlation_time):
        """The same `CoarseFrame`, each between its key frames, for a model that keeps side chains of those."""
        if not correlation_time or not getattr(model, "uses_key_frames", False):
            return frames

        def read(number):
            frame = self._keys.get(number) or self._fetch(number)
            self._keys = {**dict(list(self._keys.items())[-1:]), number: frame}  # the last two
            check_beads(model, frame)
            return frame

        keys = KeyFrames(read, self.n_frames, self.trajectory.dt, correlation_time)
        return [keys.placed(frame) for frame in frames]

    def keep_generated(self, frames, atoms, owner):
        """Keep the atoms, shape (F, A, 3), that `owner` made of these `CoarseFrame`, in place of what was kept."""
        self._owner, self._generated = owner, {x.frame: (x, a) for x, a in zip(frames, atoms, strict=True)}

    def generated_for(self, frame, owner):
        """Atoms, shape (A, 3), that `owner` made of this very `CoarseFrame`; None if none are kept."""
        made_from, atoms = self._generated.get(frame.frame, (None, None)) if owner is self._owner else (None, None)
        return atoms if made_from is not None and made_from.same_as(frame) else None

    def expected(self, limit: int) -> list[CoarseFrame]:
        """
        The frames that come next if the pace goes on, read now.

        Parameters
        ----------
        limit : int
            How many at most.

        Returns
        -------
        list of CoarseFrame
            May be empty. It ends before a frame that cannot be read; reading that frame itself raises the error.
        """
        found = []
        for k in range(1, min(limit, self._steady) + 1):
            frame = self.current.frame + k * self._stride
            ahead = self._foresee(frame) if 0 <= frame < self.n_frames else None
            if ahead is None:
                break
            found.append(ahead)
        self._ahead = {x.frame: x for x in found}
        return found

    def _foresee(self, frame):
        try:
            return self._ahead.get(frame) or self._fetch(frame)
        except Exception as error:  # any reader, any error: it belongs to the frame, not to the one at hand
            logger.debug("frame %d cannot be read ahead: %s", frame, error)
            return None

    def _fetch(self, frame):
        """Read on where the trajectory stands if that is it, else jump."""
        onward, self._at = self._at is not None and frame == self._at + 1, None
        with naming_frame(self.trajectory, frame):
            self.reopen()
        ts = read_frame(self.trajectory, frame, onward)
        self._at = frame
        return CoarseFrame.of(ts, self.indices)
