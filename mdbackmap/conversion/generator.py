"""
`Generator`: the structures of jobs, group by group.

What a structure is made together with changes the last digits of its atoms. So groups begin and end at places in the
output that depend on the molecule alone: threads, worker processes, parts and what is resumed give the same bytes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..universes.frames import sample_frames


class Generator:
    """
    Generates jobs on the threads of a model, each of which takes whole groups.

    Parameters
    ----------
    plan : Plan

    Examples
    --------
    >>> with Generator(plan) as generator:  # doctest: +SKIP
    ...     positions = generator(job)
    """

    def __init__(self, plan):
        self._group, self._options, self._model = plan.group, plan.options, plan.model
        n_threads = plan.batch_size // plan.group
        self._pool = ThreadPoolExecutor(n_threads, "mdbackmap-sample") if n_threads > 1 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, job):
        """
        Atoms of a job.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
        """
        inner = range(job.start - job.start % self._group + self._group, job.stop, self._group)
        bounds = [job.start, *inner, job.stop]
        if len(bounds) == 2 and self._group == 1:  # one large frame: all threads share it
            return sample_frames(self._model, job.frames, job.samples, self._options)
        model = self._model.with_threads(1)

        def group(start, stop):
            part = slice(start - job.start, stop - job.start)
            return sample_frames(model, job.frames[part], job.samples[part], self._options)

        run = map if self._pool is None else self._pool.map
        return np.concatenate(list(run(group, bounds[:-1], bounds[1:])))
