"""
How continuously side chains move: autocorrelation of chi1 in time, and jumps between rotamers.

Shapes: F frames, R residues. Radians, ps.
"""

import numpy as np

_WELLS = np.deg2rad([60.0, 180.0, -60.0])  # radians; cited: the staggered rotamers
_CORE = np.deg2rad(40.0)  # radians from a rotamer's middle within which a side chain has arrived; chosen: by hand


def autocorrelation(angles, lag):
    """
    Mean cosine of what angles turn by.

    Parameters
    ----------
    angles : ndarray of float, shape (F, R)
        At equal steps of time.
    lag : int
        In frames.

    Returns
    -------
    float
        1 if nothing turns, 0 if angles have nothing to do with those before.

    Examples
    --------
    >>> autocorrelation(np.zeros((5, 2)), 2), round(autocorrelation(np.arange(5)[:, None] * np.pi / 3, 1), 6)
    (1.0, 0.5)
    """
    return float(np.cos(angles[lag:] - angles[:-lag]).mean())


def rotamer_jumps(chi1, times):
    """
    How often side chains change their rotamer.

    A side chain has changed when it comes within 40 degrees of another staggered position, so turns about a border
    between rotamers do not count.

    Parameters
    ----------
    chi1 : ndarray of float, shape (F, R)
    times : ndarray of float, shape (F,)

    Returns
    -------
    float
        Jumps a residue and nanosecond.

    Examples
    --------
    >>> chi1 = np.deg2rad([[60.0, 65], [110, 180], [130, 70], [50, 60]])
    >>> rotamer_jumps(chi1, [0.0, 1, 2, 3]) * 3 / 1000  # a residue, over three ps
    1.0
    """
    near = np.abs((chi1[..., None] - _WELLS + np.pi) % (2 * np.pi) - np.pi)
    state = np.where(near.min(-1) <= _CORE, near.argmin(-1), -1)
    last, jumps = state[0], 0
    for now in state[1:]:
        jumps += int(((now >= 0) & (last >= 0) & (now != last)).sum())
        last = np.where(now >= 0, now, last)
    return 1000.0 * jumps / ((times[-1] - times[0]) * chi1.shape[1])
