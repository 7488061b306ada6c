"""
`KeyBeads`: frames of a trajectory whose side chains other frames keep for a while.

Shapes: F frames, K key frames, N beads. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class KeyBeads:
    """
    Key frames, and which of them each of some frames lies between.

    Attributes
    ----------
    beads : ndarray of float32, shape (K, N, 3)
    frames : list of int
        Their numbers, K of them.
    dimensions : ndarray of float, shape (K, 6), or None
        Their boxes.
    rows : ndarray of int64, shape (F, 2)
        Which of them are before and after each frame.
    numbers : ndarray of int64, shape (F,)
        Which interval between key frames each frame is in.
    shares : ndarray of float, shape (F,)
        Which part of the interval is over.
    """

    beads: np.ndarray
    frames: list[int]
    dimensions: np.ndarray | None
    rows: np.ndarray
    numbers: np.ndarray
    shares: np.ndarray
