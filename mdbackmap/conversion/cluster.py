"""`DaskBackend`: the parts of a conversion, converted by the workers of a dask.distributed cluster."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

from MDAnalysis.analysis.backends import BackendBase

from .. import __version__

logger = logging.getLogger(__name__)

_PARTS = 4  # for each worker; chosen: by hand, so that a worker that dies loses little
_ATTEMPTS = 3  # chosen: by hand, as often as dask itself lets workers die of a task
_GONE = ("ClosedClientError", "CommClosedError")  # errors of a client whose cluster is gone


class DaskBackend(BackendBase):
    """
    Workers of a cluster that a client is connected to.

    The model is sent to each worker once. Each uses as many threads as it has, for one part at a time. A part whose
    worker died is done again by another one. Input and output must be in folders that all workers see.

    Parameters
    ----------
    client : distributed.Client
    threads : int, optional
        Of each worker; by default its own number.

    Attributes
    ----------
    n_workers, n_parts : int
        Number of workers, and of parts of a conversion unless `run` is given one.

    Raises
    ------
    TypeError
        No client.
    ValueError
        A cluster without workers, or a client that is closed or asynchronous.

    Examples
    --------
    >>> from dask.distributed import Client, LocalCluster  # doctest: +SKIP
    >>> client = Client(LocalCluster(n_workers=2, threads_per_worker=1))  # doctest: +SKIP
    >>> BackmapTrajectory(cg.atoms, model, filename="aa.xtc").run(backend=DaskBackend(client))  # doctest: +SKIP
    """

    def __init__(self, client: Any, threads: int | None = None) -> None:
        if not hasattr(client, "scatter") or not hasattr(client, "nthreads"):
            raise TypeError(f"DaskBackend needs a dask.distributed.Client, not {type(client).__name__}")
        self.client, self.threads = client, threads
        if getattr(client, "asynchronous", False):
            raise ValueError("the client is asynchronous: DaskBackend waits for results, so it needs a plain Client")
        if getattr(client, "status", "running") != "running":
            raise ValueError(f"the client is {client.status}: connect to the cluster again")
        found = client.nthreads()
        if not found:
            raise ValueError("the cluster has no workers yet: wait for them (client.wait_for_workers(1)), or add some")
        super().__init__(n_workers=len(found))
        self.n_parts = _PARTS * self.n_workers

    def apply(self, func: Callable, computations: list) -> list:
        """
        Have all parts converted.

        Parameters
        ----------
        func : Worker
        computations : list
            Parts.

        Returns
        -------
        list
            Their results, in order.

        Raises
        ------
        ValueError
            Workers that do not see the files, or have another version.
        RuntimeError
            A part whose workers died again and again, or a cluster that is gone.
        """
        try:
            return self._all(func, computations)
        except Exception as error:
            if type(error).__name__ not in _GONE and getattr(self.client, "status", "running") == "running":
                raise
            raise RuntimeError(f"the cluster is gone ({error}): connect again, and go on with resume=True") from error

    def _all(self, func, computations):
        """The results of all parts, which are done again where workers were lost."""
        self._check(func)
        found, left = {}, dict(enumerate(computations))
        for _ in range(_ATTEMPTS):
            found |= self._attempt(func, left)
            left = {k: part for k, part in left.items() if k not in found}
            if not left:
                return [found[k] for k in range(len(computations))]
            logger.warning("workers were lost: %d of %d parts are done again", len(left), len(computations))
        raise RuntimeError(f"{len(left)} parts were lost with their workers {_ATTEMPTS} times: see the logs of these")

    def _attempt(self, func, parts):
        """Results by number, of those of some parts that were not lost with their workers."""
        from distributed import as_completed

        sent = self.client.scatter(func, broadcast=True, hash=False)
        futures = {self.client.submit(_converted, sent, part, self.threads, pure=False): k for k, part in parts.items()}
        found = {}
        try:
            for future in as_completed(list(futures)):
                if future.status == "finished":
                    found[futures[future]] = future.result()
                elif future.status == "error" and not _lost(future.exception()):
                    raise future.exception()
        finally:
            with contextlib.suppress(Exception):  # what ended the parts counts, not that nobody can be told
                self.client.cancel([*futures, sent])
        return found

    def _check(self, func):
        """Refuse a cluster whose workers could not do it."""
        files = func.files()
        for address, (version, folder, missing) in self.client.run(_seen, files).items():
            if version != __version__:
                raise ValueError(
                    f"worker {address} has mdbackmap {version}, this process {__version__}: they must agree"
                )
            if missing:
                raise ValueError(
                    f"worker {address}, running in {folder}, does not see {missing[0]}: input and output must be in "
                    "folders that all machines share, and paths that workers of other folders find must be absolute"
                )


def _lost(error):
    """Whether this is about a worker, not about the conversion."""
    return type(error).__name__ in ("KilledWorker", "CancelledError", "FutureCancelledError", "LostError")


def _converted(worker, part, threads):
    """On a worker of the cluster: a part, with the worker's threads."""
    from distributed import get_worker

    return worker.with_threads(threads or get_worker().state.nthreads)(part)


def _seen(files):
    """On a worker of the cluster: its version, its folder, and which files (path and size) it does not see."""
    missing = [path for path, size in files if not os.path.exists(path) or os.path.getsize(path) != size]
    return __version__, os.getcwd(), missing
