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

    first_steps: int = 100  # without charges and solvent; measured: python tests/benchmarks/simulable.py --steps
    steps: int = 30  # with both; measured: the same, 100 of them bring 0.1 kcal/mol a residue more
    stiffness: float = 40000.0  # kJ/mol/nm^2 that hold a bead; measured: the same, C-alphas move by 0.06 A RMS
    torsion: float = 50.0  # kJ/mol (1 - cos) that hold phi and psi; measured: the same, else favoured ones get fewer
    cutoff: float = 1.0  # nm, of all interactions; chosen: by hand, the time of a step grows with its cube

    @property
    def described(self) -> str:
        """The settings in words."""
        return f"Amber ff14SB and GBn2, {self.first_steps} steps without and {self.steps} with charges and solvent"
