"""
`Scale`: the transformation for trajectories whose lengths are not in angstrom.

MDAnalysis converts the lengths of formats that have units. GSD and LAMMPS files have none: simulations in nm or in
reduced units come as they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from MDAnalysis.transformations.base import TransformationBase


class Scale(TransformationBase):
    """
    Multiplies positions and box lengths of each frame.

    Parameters
    ----------
    factor : float
        Angstroms that a unit of length of the trajectory has: 10 for nm.

    Raises
    ------
    ValueError
        A factor that is not a finite number above 0.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import GO_PDB, GO_XTC
    >>> cg = mda.Universe(GO_PDB, GO_XTC)
    >>> size = cg.atoms.radius_of_gyration()
    >>> cg.trajectory.add_transformations(Scale(10))
    >>> round(float(cg.atoms.radius_of_gyration() / size), 4)
    10.0
    """

    def __init__(self, factor: float) -> None:
        super().__init__(max_threads=None, parallelizable=True)
        known = isinstance(factor, (int, float, np.integer, np.floating)) and not isinstance(factor, bool)
        if not known or not math.isfinite(factor) or factor <= 0:
            raise ValueError(f"lengths can be scaled by a number above 0 (10 makes angstroms of nm), not by {factor!r}")
        self.factor = float(factor)

    def __call__(self, ts: Any) -> Any:
        """Apply to a Timestep (nothing here has threads)."""
        ts.positions *= self.factor
        if ts.dimensions is not None:
            ts.dimensions = [*(ts.dimensions[:3] * self.factor), *ts.dimensions[3:]]
        return ts


def scale_of(trajectory) -> float:
    """What the `Scale` transformations of a trajectory multiply lengths by, in all; 1 if there are none."""
    return math.prod(x.factor for x in trajectory.transformations if isinstance(x, Scale))
