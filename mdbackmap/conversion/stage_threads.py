"""
Two stages in threads of their own: while the caller reads, one generates and one writes.

torch releases Python's lock while it computes, so on two cores reading and writing cost next to
nothing. At most `DEPTH` jobs are under way: memory stays bounded.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor

DEPTH = 3  # jobs under way at most; chosen: by hand, one for each stage and one between them


class Stages:
    """
    Passes jobs through two functions, in order, each in a thread of its own.

    Parameters
    ----------
    generate : callable
        ``generate(job) -> result``.
    write : callable
        ``write(job, result)``; called in the order in which the jobs came. After the first job
        that fails, in either stage, it is not called any more.

    Examples
    --------
    >>> done = []
    >>> with Stages(lambda job: job * 10, lambda job, result: done.append(result)) as stages:
    ...     for job in range(5):
    ...         stages.submit(job)
    >>> done
    [0, 10, 20, 30, 40]
    """

    def __init__(self, generate, write):
        self._generate, self._write = generate, write
        self._generator = ThreadPoolExecutor(1, "mdbackmap-generate")
        self._writer = ThreadPoolExecutor(1, "mdbackmap-write")
        self._pending = deque()
        self._stopped = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            while kind is None and self._pending:
                self._pending.popleft().result()
        finally:
            self._stopped.set()
            for stage in (self._generator, self._writer):
                stage.shutdown(wait=True, cancel_futures=True)

    def submit(self, job):
        """
        Hand in a job; wait while too many are under way.

        Raises
        ------
        Exception
            Whatever a stage raised for an earlier job.
        """
        made = self._generator.submit(self._make, job)
        self._pending.append(self._writer.submit(self._finish, job, made))
        while len(self._pending) > DEPTH or self._pending and self._pending[0].done():
            self._pending.popleft().result()

    def _make(self, job):
        if self._stopped.is_set():
            raise CancelledError
        return self._generate(job)

    def _finish(self, job, made):
        """A gap must never be written over: one failure stops all that come after."""
        try:
            result = made.result()
            if self._stopped.is_set():
                raise CancelledError
            self._write(job, result)
        except BaseException:
            self._stopped.set()
            raise
