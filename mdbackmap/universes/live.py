"""
`LiftedStream`: a live stream (``imd://``) read at all-atom size, frame by frame.

A running simulation sends each frame once. Its reader can be neither copied nor sliced, so a lifted stream takes it
over: the coarse Universe then shows the beads of the frame that was read last.

Units: angstrom and ps, as everywhere in MDAnalysis.
"""

from __future__ import annotations

import numpy as np
from MDAnalysis.coordinates.base import StreamReaderBase

from .frames import CoarseFrame
from .reader import LiftedReader, LiftedTimestep, check_beads, lift_into


class LiftedStream(StreamReaderBase):
    """
    Reads a coarse stream as if it were all-atom, with every atom on its bead.

    Parameters
    ----------
    stream : StreamReaderBase
        The coarse stream, transformations included; taken over from now on.
    mapping : Mapping
        From N beads to A atoms.
    indices : ndarray of int, shape (N,), optional
        Which particles of the stream are the beads; by default all.

    Raises
    ------
    ValueError
        A stream of too few particles, or one that is being read already.
    """

    format = "LIFTEDSTREAM"
    units = LiftedReader.units
    _Timestep = LiftedTimestep

    def __init__(self, stream, mapping, indices=None):
        super().__init__(stream.filename)
        self.indices = np.arange(stream.n_atoms) if indices is None else np.asarray(indices)
        check_beads(stream, mapping, self.indices)
        self.mapping, self.n_atoms = mapping, mapping.n_atoms
        try:
            stream._reopen()  # no other reader can begin to read it from then on
        except RuntimeError as error:
            raise ValueError(
                f"the stream {stream.filename} is being read already: it can be lifted once, before the first loop. "
                "Open it again with MDAnalysis.Universe(...)"
            ) from error
        self._stream = stream
        self.ts = self._Timestep(self.n_atoms)
        self._read_next_timestep()

    def close(self):
        """Leave the stream."""
        if hasattr(self, "_stream"):
            self._stream.close()

    def _read_next_timestep(self, ts=None):
        self.ts = super()._read_next_timestep()  # the first frame once more is a Timestep of its own
        return self.ts

    def _read_frame(self, frame):
        try:
            found = CoarseFrame.of(self._stream.next(), self.indices)
        except StopIteration:
            raise EOFError("the stream has ended") from None
        lift_into(self.ts, self.mapping, found)
        self._frame, self.ts.frame, self.ts.dimensions = frame, found.frame, found.dimensions
        self.ts.data = {"dt": float(self._stream.dt), "time": found.time, **found.data}
        return self.ts


def lifted(trajectory, mapping, indices=None):
    """
    The reader that lifts a trajectory.

    Parameters
    ----------
    trajectory : MDAnalysis reader
    mapping : Mapping
    indices : ndarray of int, shape (N,), optional

    Returns
    -------
    LiftedReader or LiftedStream
        The latter for a live stream.

    Raises
    ------
    ValueError
        As of these two.
    """
    kind = LiftedStream if isinstance(trajectory, StreamReaderBase) else LiftedReader
    return kind(trajectory, mapping, indices)
