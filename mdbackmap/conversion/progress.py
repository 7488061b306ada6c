"""Progress bars of conversions, by this process or by others: then read off the folder of a `Partial`."""

from __future__ import annotations

import contextlib
import threading

from MDAnalysis.lib.log import ProgressBar

_SECONDS = 1.0


def progress_bar(n_frames, verbose=True, **options):
    """A bar over the coarse frames of a conversion; `options` as of tqdm."""
    return ProgressBar(total=n_frames, verbose=verbose, **{"desc": "backmapping", "unit": "frame"} | options)


class Watching:
    """
    Shows, while it is open, how many frames of a `Partial` are complete; segments of some seconds at a time.

    Parameters
    ----------
    partial : Partial
    n_frames : int
        Coarse frames of the conversion.
    n_samples : int
        Output frames of each.
    options : dict, optional
        As of tqdm.

    Examples
    --------
    >>> with Watching(partial, 500, 1):  # doctest: +SKIP
    ...     convert_elsewhere()
    """

    def __init__(self, partial, n_frames, n_samples, options=None):
        self._partial, self._n_samples = partial, n_samples
        self._bar = progress_bar(n_frames, **(options or {}))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mdbackmap-progress", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, failure, *_):
        self._ended.set()
        self._thread.join()
        if failure is None:
            self._bar.update(self._bar.total - self._bar.n)
        self._bar.close()

    def _watch(self):
        while not self._ended.wait(_SECONDS):
            with contextlib.suppress(OSError):  # moved to its name, or not there yet
                self._bar.update(self._partial.n_complete // self._n_samples - self._bar.n)
