"""
Which frames of a trajectory are held out: whole runs, or blocks within runs. Frames are never shuffled.

Neighbouring frames of MD are alike, so a frame held out between two that are trained on would test nothing.
"""

import numpy as np

TRAIN, HELD_OUT, BETWEEN = 0, 1, -1


def hold_out(runs, held_runs=(), share=0.2, block=50, gap=5):
    """
    What each frame is for.

    Parameters
    ----------
    runs : (F,) int array
        Run of each frame; frames of a run follow each other.
    held_runs : sequence of int
        Runs that are held out whole; if there are none, blocks are.
    share : float
        Share of the blocks that is held out, evenly spread over each run.
    block : int
        Frames of a block; fewer in runs that are too short for it.
    gap : int
        Frames on either side of a held-out block that are neither trained on nor held out.

    Returns
    -------
    (F,) int64 array
        0 to train on, 1 held out, -1 neither.

    Raises
    ------
    ValueError
        A run that is not there, or nothing left to train on.

    Examples
    --------
    >>> hold_out([0] * 12, share=0.5, block=3, gap=1).tolist()
    [0, 0, -1, 1, 1, 1, -1, 0, -1, 1, 1, 1]
    """
    runs = np.asarray(runs, dtype=np.int64)
    use = np.zeros(len(runs), dtype=np.int64)
    missing = [run for run in held_runs if run not in runs]
    if missing:
        raise ValueError(f"hold_out names run {missing[0]}: there are the runs 0..{runs.max()}")
    if len(held_runs):
        use[np.isin(runs, held_runs)] = HELD_OUT
    elif share > 0:
        for run in np.unique(runs):
            at = np.flatnonzero(runs == run)
            use[at] = _blocks(len(at), round(1 / share), block, gap)
    if not (use == TRAIN).any():
        raise ValueError(f"all {len(runs)} frames are held out: nothing is left to train on; hold out less")
    return use


def _blocks(n_frames, every, block, gap):
    """One run: of every so many blocks one is held out."""
    block = min(block, max(1, n_frames // every))  # a short run has shorter ones
    number = np.arange(n_frames) // block
    held = number % every == every // 2
    near = held.copy()
    for shift in range(1, gap + 1):
        near[shift:] |= held[:-shift]
        near[:-shift] |= held[shift:]
    return np.where(held, HELD_OUT, np.where(near, BETWEEN, TRAIN))
