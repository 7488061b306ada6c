"""
Which frames of a trajectory are held out: whole runs, or blocks within runs. Frames are never shuffled.

Neighbouring frames of MD are alike, so a frame held out between two that are trained on would test nothing.
"""

import numpy as np
from scipy.ndimage import binary_dilation

TRAIN, HELD_OUT, VALID, BETWEEN = 0, 1, 2, -1


def split(data, runs):
    """What each frame is for (see `hold_out`), as a `MoleculeData` says."""
    return hold_out(runs, data.hold_out, data.share, data.block, data.gap, data.valid)


def hold_out(runs, held_runs=(), share=0.2, block=50, gap=5, valid=0.0):
    """
    What each frame is for.

    Parameters
    ----------
    runs : ndarray of int, shape (F,)
        Run of each frame; frames of a run follow each other.
    held_runs : sequence of int
        Runs that are held out whole; if there are none, blocks are.
    share : float
        Share of the blocks that is held out, evenly spread over each run.
    block : int
        Frames of a block; fewer in runs that are too short for it.
    gap : int
        Frames on either side of a held-out block that are used for nothing; of a block for validation, not trained on.
        Beside blocks that are short, half as many as these have.
    valid : float
        Share of the blocks of each run that is kept for validation, apart from those held out.

    Returns
    -------
    ndarray of int64, shape (F,)
        0 to train on, 1 held out, 2 for validation, -1 none of these.

    Raises
    ------
    ValueError
        A run that is not there, or nothing left to train on.

    Examples
    --------
    >>> hold_out([0] * 12, share=0.5, block=3, gap=1).tolist()
    [0, 0, -1, 1, 1, 1, -1, 0, -1, 1, 1, 1]
    >>> hold_out([0] * 12, share=0.25, block=2, gap=0, valid=0.2).tolist()
    [0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 0, 0]
    """
    runs = np.asarray(runs, dtype=np.int64)
    use = np.zeros(len(runs), dtype=np.int64)
    missing = [run for run in held_runs if run not in runs]
    if missing:
        raise ValueError(f"hold_out names run {missing[0]}: there are the runs 0..{runs.max()}")
    for run in np.unique(runs):
        at = np.flatnonzero(runs == run)
        if run in held_runs:
            use[at] = HELD_OUT
        elif share or valid:
            use[at] = _blocks(len(at), 0.0 if len(held_runs) else share, valid, block, gap)
    if not (use == TRAIN).any():
        raise ValueError(f"all {len(runs)} frames are held out: nothing is left to train on; hold out less")
    return use


def _blocks(n_frames, share, valid, block, gap):
    """One run: of every so many blocks one is held out, some of the others are for validation."""
    least = min((x for x in (share, valid) if x > 0), default=1.0)
    block = min(block, max(1, n_frames // round(1 / least)))  # a short run has shorter ones
    gap = min(gap, max(1, block // 2))
    number = np.arange(n_frames) // block
    held = _every(number, share)
    others = np.unique(number[~held])
    n_valid = round(valid * (number[-1] + 1))
    chosen = others[((np.arange(n_valid) + 0.5) * len(others) / max(n_valid, 1)).astype(int)]
    kind = np.where(held, HELD_OUT, np.where(np.isin(number, chosen), VALID, TRAIN))
    kind = np.where(_near(kind == HELD_OUT, gap) & (kind != HELD_OUT), BETWEEN, kind)
    return np.where(_near(kind == VALID, gap) & (kind == TRAIN), BETWEEN, kind)


def _near(some, gap):
    """Frames that are among some, or up to `gap` frames away."""
    return binary_dilation(some, np.ones(2 * gap + 1))


def _every(number, share):
    if not share:
        return np.zeros(len(number), dtype=bool)
    every = round(1 / share)
    return number % every == every // 2
