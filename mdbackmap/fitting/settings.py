"""
Settings of the fit of atoms to beads.

Each field says its unit and its origin.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """How torsions, tilts and C-alphas give way to beads (Gauss-Newton)."""

    steps: int = 3  # of each candidate of a side chain; chosen: by hand
    chi: float = math.radians(15)  # radians: deviation of a chi from where it was drawn; chosen: by hand
    # Deviation of the turn of a side chain about its C-alpha, around each axis.
    tilt: float = math.radians(2.5)  # radians; measured: with true torsions templates miss beads by so much
    longest: float = 0.6  # radians that an angle turns in one step; chosen: by hand
    named: float = 1.0  # kT by which the other name of a ring's atoms must be better; chosen: by hand
