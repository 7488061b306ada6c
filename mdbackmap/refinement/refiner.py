"""
`Refiner`: frames of atoms minimised on several threads.

Shapes: F frames, A atoms. Positions in angstrom.
"""

import logging
import os
import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..molecule.mapping import Mapping
from ..molecule.topology import Topology
from .minimising import Failed, Minimiser
from .settings import RefinementSettings

logger = logging.getLogger(__name__)

_NM = 0.1  # nm in an angstrom; cited: SI


@dataclass(frozen=True, eq=False)
class Refiner:
    """
    What minimises the frames of one molecule.

    Parameters
    ----------
    fine : Topology
        Of A atoms, with hydrogens; what is no protein is behind it, and stays.
    mapping : Mapping
        From beads, which are held, to the first of these atoms.
    fixed : ndarray of bool, shape (A,)
        Atoms of the protein that stay, too.
    settings : RefinementSettings

    Raises
    ------
    MappingError
        Residues that the force field does not have.
    """

    fine: Topology
    mapping: Mapping
    fixed: np.ndarray
    settings: RefinementSettings = RefinementSettings()

    def __post_init__(self):
        self._forget()
        self._give(False, self._take(False))  # or an error, before the first frame

    def __getstate__(self):
        """Contexts stay in their process."""
        return {name: getattr(self, name) for name in ("fine", "mapping", "fixed", "settings")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._forget()

    def _forget(self):
        idle = {periodic: queue.SimpleQueue() for periodic in (False, True)}
        self.__dict__.update(_idle=idle, _process=os.getpid(), _last=None)

    def _take(self, periodic):
        """A minimiser that is not at work, or a new one."""
        if self._process != os.getpid():  # contexts have threads, which a forked process does not
            self._forget()
        try:
            return self._idle[periodic].get_nowait()
        except queue.Empty:
            return Minimiser(self.fine, self.mapping, self.fixed, periodic, self.settings)

    def _give(self, periodic, minimiser):
        self._idle[periodic].put(minimiser)

    def __call__(self, atoms, frames, boxes=None, n_threads=1):
        """
        Minimise frames.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
        frames : list of int
            Their numbers, for messages.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.
        n_threads : int
            Frames that are minimised at a time.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
            A frame that cannot be minimised is left as it is, and a warning names it. Depends on nothing but atoms and
            boxes.
        """
        boxes = [None] * len(atoms) if boxes is None else [self._usable(box) for box in boxes]
        n_threads = min(n_threads, len(atoms))
        if n_threads == 1:
            return np.stack([self._one(*each) for each in zip(atoms, frames, boxes, strict=True)])
        with ThreadPoolExecutor(n_threads, "mdbackmap-refine") as pool:
            return np.stack(list(pool.map(self._one, atoms, frames, boxes)))

    def _usable(self, box):
        """A box reduced as OpenMM wants it, in nm; None if it is too small for the cutoff."""
        box = reduced(box) * _NM
        return box if (np.diag(box) >= 2 * self.settings.cutoff).all() else None

    def _one(self, atoms, frame, box):
        """One frame; the last one is remembered, as the first frame of a conversion is made twice."""
        asked = (atoms, box)
        if self._last is not None and all(np.array_equal(*pair) for pair in zip(asked, self._last[0], strict=True)):
            return self._last[1]
        found = self._minimised(atoms, frame, box)
        self.__dict__["_last"] = ((atoms.copy(), box), found)
        return found

    def _minimised(self, atoms, frame, box):
        found, stays = atoms.astype(np.float32), self.fixed | self.fine.hetero[self.fine.residue_of_atom]
        origin = atoms.mean(axis=0, dtype=np.float64)  # near the origin single precision is finest
        minimiser = self._take(box is not None)
        try:
            moved = minimiser(_NM * (atoms - origin), box) / _NM + origin
        except Failed as error:
            logger.warning("frame %d: OpenMM could not minimise it (%s): its atoms are as generated", frame, error)
            return found
        finally:
            self._give(box is not None, minimiser)
        found[~stays] = moved[~stays]
        return found


def reduced(box):
    """
    Vectors of the same lattice, each as near to the axes before it as can be.

    Parameters
    ----------
    box : ndarray of float, shape (3, 3)
        Rows; the first along x, the second in the plane of x and y.

    Returns
    -------
    ndarray of float64, shape (3, 3)

    Examples
    --------
    >>> reduced(np.array([[4.0, 0, 0], [3, 4, 0], [0, 0, 4]])).tolist()
    [[4.0, 0.0, 0.0], [-1.0, 4.0, 0.0], [0.0, 0.0, 4.0]]
    """
    a, b, c = np.array(box, dtype=np.float64)
    c = c - b * np.round(c[1] / b[1])
    c = c - a * np.round(c[0] / a[0])
    return np.stack([a, b - a * np.round(b[0] / a[0]), c])
