"""Backends of MDAnalysis that have the parts of a conversion converted: in this process, its threads, or others."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace

from MDAnalysis.analysis.backends import BackendDask, BackendMultiprocessing, BackendSerial

from .cluster import DaskBackend
from .part import PartResult, convert
from .progress import Watching, progress_bar

SUPPORTED = ("serial", "multiprocessing", "dask")


class Worker:
    """
    Converts the parts of a plan that it is called with, in whichever process that is.

    Parameters
    ----------
    plan : Plan
    trajectory : MDAnalysis reader
    bar : dict, optional
        Options of a progress bar for each part; by default there is none.
    """

    def __init__(self, plan, trajectory, bar=None):
        self._state = plan, trajectory, bar
        self._turn = threading.Lock()  # a process has one reader: its parts take turns

    def __reduce__(self):
        return Worker, self._state

    def with_threads(self, threads):
        """The same with another number of threads; parts of both take turns."""
        plan, *others = self._state
        other = Worker(replace(plan, model=plan.model.with_threads(threads)), *others)
        other._turn = self._turn
        return other

    def files(self) -> list[tuple[str, int]]:
        """Files, with their sizes, that worker processes have to see."""
        paths = self._state[0].destination.files()
        return [(path, os.path.getsize(path)) for path in paths if os.path.isfile(path)]

    def __call__(self, places) -> PartResult:
        """Convert the frames at these places of the plan; what another process had done of them is done again."""
        plan, trajectory, bar = self._state
        bar = progress_bar(len(places), bar is not None, **(bar or {}))
        with self._turn, plan.destination.joined(places, plan.done), bar:
            bar.update(int(plan.done.reshape(-1, plan.n_samples)[places, -1].sum()))
            return convert(plan, places, trajectory, bar.update)


def check_device(backend, model):
    """
    Refuse worker processes for a model on a graphics card.

    Raises
    ------
    ValueError
    """
    device = getattr(model, "device", None)
    if in_processes(backend) and device is not None and device.type != "cpu":
        raise ValueError(
            f"worker processes run on CPUs, and the model is on {device}: leave out backend (--workers), or "
            'load the model with device="cpu" (--device cpu)'
        )


def in_processes(backend) -> bool:
    """Whether a backend has worker processes."""
    return isinstance(backend, (BackendMultiprocessing, BackendDask, DaskBackend))


def convert_all(plan, trajectory, backend, n_parts=1, bar=None) -> PartResult:
    """
    Convert a plan in parts.

    Parameters
    ----------
    plan : Plan
    trajectory : MDAnalysis reader
    backend : MDAnalysis backend
        Its ``apply`` gets a function and a list of parts. Worker processes have one thread each; those of a cluster
        as many as they have there.
    n_parts : int, optional
    bar : dict, optional
        Options of a progress bar, which is shown if they are given.

    Returns
    -------
    PartResult
        Of the whole.
    """
    serial, shown = isinstance(backend, BackendSerial), contextlib.nullcontext()
    if bar is not None and not serial and plan.destination.partial is not None:
        shown = Watching(plan.destination.partial, len(plan.places), plan.n_samples, bar)
    local = isinstance(backend, (BackendMultiprocessing, BackendDask))
    plan = replace(plan, model=plan.model.with_threads(1)) if local else plan
    parts = [part for part in plan.cut(n_parts, plan.places) if len(part)]
    with shown:
        if not parts:
            return PartResult.empty(plan.places, plan.n_samples, plan.model)
        return PartResult.joined(backend.apply(Worker(plan, trajectory, bar if serial else None), parts))
