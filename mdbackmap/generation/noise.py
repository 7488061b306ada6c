"""
`Noise`: the explicit randomness of a sample.

Shapes: F frames. Times in picoseconds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from ..checks import number, whole_number
from ..options import Keys

_WORD = 2**32  # numbers that a word of a key holds; cited: numpy's SeedSequence
_INTERVALS = 2**31  # the word that tells numbers of intervals from all others; chosen: no step has it
_WINDOW = 6  # half correlation times each way in the Gaussian window; chosen: by hand, beyond hardly any is left


@dataclasses.dataclass(frozen=True)
class Noise:
    """
    Standard normal numbers keyed by (seed, frame, sample).

    A frame gets the same numbers whatever batch it is in, whichever process draws them and in whatever order frames are
    visited.

    Parameters
    ----------
    seed : int
        Non-negative.
    temperature : float
        0 gives one structure, the best guess; 1 the ensemble.
    correlation_time : float
        In picoseconds. Above 0, the numbers are a stationary smooth Gaussian process in time instead of independent
        from frame to frame: frames closer than this get similar numbers.
    step : int
        Which step of a cascade they are for, counted from the last; other steps get other numbers.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> from mdbackmap.options import Keys
    >>> noise = Noise(seed=1)
    >>> one = noise.normal(Keys.of([7]), (3,))
    >>> many = noise.normal(Keys.of([5, 6, 7]), (3,))
    >>> bool((one[0] == many[2]).all())
    True
    """

    seed: int = 0
    temperature: float = 1.0
    correlation_time: float = 0.0
    step: int = 0

    def __post_init__(self):
        object.__setattr__(self, "seed", whole_number("seed", self.seed))
        for name in ("temperature", "correlation_time"):
            object.__setattr__(self, name, number(name, getattr(self, name)))

    def normal(self, keys: Keys, shape: tuple[int, ...]) -> np.ndarray:
        """
        Numbers for some frames.

        Parameters
        ----------
        keys : Keys
            Of F frames; their times count only when `correlation_time` is above 0.
        shape : tuple of int
            Of the numbers of one frame.

        Returns
        -------
        ndarray of float32, shape (F, ...)
        """
        out = np.empty((len(keys), *shape), dtype=np.float32)
        for row, (frame, sample, time) in enumerate(keys):
            smooth = self.correlation_time > 0
            out[row] = self._smooth(time, sample, shape) if smooth else self._white(frame, sample, shape)
        return out

    def uniform(self, numbers: np.ndarray, samples: Sequence[int], n: int) -> np.ndarray:
        """
        Uniform numbers in (0, 1) for intervals of time; at temperature 0 the same for all seeds and samples.

        Parameters
        ----------
        numbers : ndarray of int, shape (F,)
            Of the intervals.
        samples : sequence of int, length F
        n : int

        Returns
        -------
        ndarray of float64, shape (F, n)
        """
        told = self.temperature > 0
        keys = [(self.seed if told else 0, _INTERVALS, int(k) if told else 0) for k in samples]
        pairs = zip(keys, numbers.tolist(), strict=True)
        return np.stack([np.random.default_rng((*key, number)).random(n) for key, number in pairs])

    def _white(self, index, sample, shape, stream=0):
        words = divmod(int(index) % _WORD**2, _WORD)
        key = np.random.SeedSequence((self.seed, stream + 2 * self.step, int(sample), *words))
        return np.random.Generator(np.random.SFC64(key)).standard_normal(shape, dtype=np.float32)

    def _smooth(self, time, sample, shape):
        """White noise at points half a correlation time apart, under a Gaussian window of unit norm."""
        at = 2.0 * time / self.correlation_time
        nearest = round(at)
        points = range(nearest - _WINDOW, nearest + _WINDOW + 1)
        weights = np.array([math.exp(-(((at - point) / 2) ** 2)) for point in points])
        weights /= np.linalg.norm(weights)
        return sum(w * self._white(point, sample, shape, stream=1) for w, point in zip(weights, points, strict=True))
