"""
`Sampler`: frames of beads through a network, shared out among threads, in halves where memory is short.

Shapes: F frames, N beads, A atoms. Positions in angstrom.
"""

import contextlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

logger = logging.getLogger(__name__)

_PROCESS = os.getpid()  # where this module was loaded: a forked process finds another number


def forked():
    """Whether this process was forked from the one that loaded torch: more than one thread would hang there."""
    return os.getpid() != _PROCESS


@dataclass(frozen=True, eq=False)
class Sampler:
    """
    A network on a device, for one molecule.

    Parameters
    ----------
    bound : Bound
        The network, bound to the molecule.
    device : torch.device
    threads : int, optional
        By default as many as torch has.
    """

    bound: object
    device: torch.device
    threads: int | None = None

    @property
    def n_threads(self) -> int:
        """Threads that share the frames of a call."""
        return self.threads or torch.get_num_threads()

    @contextlib.contextmanager
    def on_its_threads(self):
        """Have torch use no more threads than these in this thread, for what is done before and after, too."""
        before = torch.get_num_threads()
        if forked():
            yield
            return
        torch.set_num_threads(self.n_threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def __call__(self, beads, noise, keys, boxes, tolerance, kept=None, held=None):
        """
        Sample on all threads: frames are shared out among them, as that pays better than sharing single operations.

        A forked process gets one thread: torch hangs there with more.

        Parameters
        ----------
        beads : ndarray of float32, shape (F, N, 3)
        noise : Noise
        keys : Keys
        boxes : ndarray of float, shape (F, 3, 3), optional
        tolerance : Tolerance
        kept : KeptPlaces, optional
            Atoms that are known beforehand.
        held : ndarray of float32, shape (F, R, 4), optional
            Side-chain torsions that are kept.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
        """
        before = torch.get_num_threads()
        threads = 1 if forked() else self.threads or before
        n_parts = 1 if self.device.type != "cpu" else min(threads, len(beads))
        try:
            if n_parts == 1:
                return self._share(threads, beads, noise, keys, boxes, kept, held, tolerance)
            cut = _cut(n_parts, beads, noise, keys, boxes, kept, held)
            with ThreadPoolExecutor(n_parts, "mdbackmap-sample") as pool:
                found = pool.map(lambda arguments: self._share(threads // n_parts, *arguments, tolerance), cut)
                return np.concatenate(list(found))
        finally:
            if not forked():
                torch.set_num_threads(before)

    def _share(self, threads, *arguments):
        """One thread's share; torch's settings belong to the thread they are made in."""
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return self._halving(*arguments)

    def _halving(self, beads, noise, keys, boxes, kept, held, tolerance):
        """Sample; where the device's memory does not hold the batch, in halves."""
        box = None if boxes is None else torch.tensor(boxes, dtype=torch.float32, device=self.device)
        try:
            known = {} if kept is None else {"kept": kept}
            known |= {} if held is None else {"held": torch.tensor(held, device=self.device)}
            atoms = self.bound.sample(torch.tensor(beads, device=self.device), noise, keys, box, tolerance, **known)
            return atoms.cpu().numpy()
        except torch.OutOfMemoryError:
            if len(beads) == 1:
                raise
        logger.warning("not enough memory on %s for %d frames: taken in halves", self.device, len(beads))
        torch.cuda.empty_cache()
        parts = _cut(2, beads, noise, keys, boxes, kept, held)
        return np.concatenate([self._halving(*part, tolerance) for part in parts])


def _cut(n_parts, beads, noise, keys, *more):
    """The arguments of a call for some runs of frames, about as many frames in each."""
    bounds = np.linspace(0, len(beads), n_parts + 1).astype(int)
    parts = [slice(*pair) for pair in zip(bounds[:-1], bounds[1:], strict=True)]
    some = [[None if values is None else values[part] for values in more] for part in parts]
    return [(beads[part], noise, keys[part], *rest) for part, rest in zip(parts, some, strict=True)]
