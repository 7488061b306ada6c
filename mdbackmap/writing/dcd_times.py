"""
Times of DCD files, which have no times of frames: their header has that of the first frame, and one step.

Shapes: F frames. Times in ps.
"""

from __future__ import annotations

import logging
import struct
from fractions import Fraction

import numpy as np
from MDAnalysis.units import convert

logger = logging.getLogger(__name__)

_START_AND_STRIDE, _STEP = 12, 44  # bytes; cited: the DCD header of CHARMM, as MDAnalysis' libdcd writes it
_SAME = 1e-3  # of a step; chosen: by hand, single precision is finer
_MOST = 10_000  # steps between frames; chosen: by hand
_LARGEST = 2**31 - 1  # cited: integers of the header have 4 bytes


def set_times(path, times):
    """
    Write into a DCD file when its frames are; a warning says by how much its times are off, if they must be.

    Parameters
    ----------
    path : path-like
    times : ndarray of float, shape (F,)

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import MDAnalysis as mda
    >>> path, one = mkdtemp() + "/one.dcd", mda.Universe.empty(1, trajectory=True)
    >>> with mda.Writer(path, 1) as writer:
    ...     for _ in range(3):
    ...         writer.write(one.atoms)
    >>> set_times(path, [5.0, 7.0, 9.0])
    >>> [round(ts.time, 4) for ts in mda.coordinates.DCD.DCDReader(path)]
    [5.0, 7.0, 9.0]
    """
    times = np.asarray(times, dtype=np.float64)
    step = (times[-1] - times[0]) / max(len(times) - 1, 1) or times[0] or 1.0
    first = Fraction(times[0] / step).limit_denominator(_MOST)
    if abs(first.numerator) > _LARGEST:
        first = Fraction(0)
    stored = (float(first) + np.arange(len(times))) * step
    with open(path, "r+b") as file:
        file.seek(_START_AND_STRIDE)
        file.write(struct.pack("=ii", first.numerator, first.denominator))
        file.seek(_STEP)
        file.write(struct.pack("=f", convert(step / first.denominator, "ps", "AKMA")))
    off = np.abs(stored - times).max()
    if off > _SAME * abs(step):
        logger.warning(
            "a DCD file holds one time step, and these %d frames are not at equal steps: times read from it are off "
            "by up to %.4g ps; results.times has them, XTC, TRR and H5MD files keep them", len(times), off,
        )  # fmt: skip
