"""A progress bar for a conversion that other processes do: it reads off the folder of a `Partial` how far they are."""

from __future__ import annotations

import threading

from MDAnalysis.lib.log import ProgressBar

_SECONDS = 1.0


class Watching:
    """
    Shows, while it is open, how many frames of a `Partial` are complete; segments of some seconds at a time.

    Parameters
    ----------
    partial : Partial
    n_frames : int
        Coarse frames of the conversion.

    Examples
    --------
    >>> with Watching(partial, 500):  # doctest: +SKIP
    ...     convert_elsewhere()
    """

    def __init__(self, partial, n_frames):
        self._partial = partial
        self._bar = ProgressBar(total=n_frames, verbose=True, desc="backmapping", unit="frame")
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
            self._show()

    def _show(self):
        try:
            complete = sum(segment.stop - segment.start for segment in self._partial.segments())
        except OSError:  # moved to its name, or not there yet
            return
        self._bar.update(complete - self._bar.n)
