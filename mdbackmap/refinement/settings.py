"""How atoms are minimised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RefinementSettings:
    """
    Settings of the minimisation (L-BFGS).

    The first steps are without charges and solvent: they take overlaps away, at a tenth of the cost of a step.

    Examples
    --------
    >>> RefinementSettings().described
    'Amber ff14SB and GBn2, 100 steps without and 30 with charges and solvent'
    """

    first_steps: int = 100  # without charges and solvent; chosen: by hand, clashes of three chains were gone
    steps: int = 30  # with both; chosen: of 15, 30 and 100, which leave 0.3, 0.1 and 0 kcal/mol a residue to gain
    stiffness: float = 40000.0  # kJ/mol/nm^2 that hold a bead; chosen: by hand, C-alphas move by 0.15 A at most
    torsion: float = 50.0  # kJ/mol (1 - cos) that hold phi and psi; chosen: of 0, 50 and 200, for outliers and favoured
    cutoff: float = 1.0  # nm, of all interactions; chosen: by hand, the time of a step grows with its cube

    @property
    def described(self) -> str:
        """The settings in words."""
        return f"Amber ff14SB and GBn2, {self.first_steps} steps without and {self.steps} with charges and solvent"
