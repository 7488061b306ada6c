"""
`Minimiser`: the minimisation of one frame at a time, on one thread.

A frame gives the same bytes whichever frames came before it, and in any process: forces are summed in one order, and
lists of neighbours are made anew for each frame. Units are OpenMM's: nm, kJ/mol.
"""

import numpy as np

from .amber import COVALENT, FULL, PLAIN, amber_system
from .restraints import Restraints


class Failed(Exception):
    """A minimisation that came to no end; the message says why."""


class Minimiser:
    """
    A molecule that is minimised frame by frame.

    Parameters
    ----------
    fine : Topology
        Of A atoms; what is no protein is behind it.
    mapping : Mapping
        From N beads to the first of these atoms.
    fixed : ndarray of bool, shape (A,)
        Atoms that stay.
    periodic : bool
    settings : RefinementSettings
    """

    def __init__(self, fine, mapping, fixed, periodic, settings):
        import openmm

        system = amber_system(fine, fixed, settings.cutoff, periodic)
        self._held = Restraints(system, mapping, fixed, settings)
        self._steps = (({COVALENT, PLAIN}, settings.first_steps), ({COVALENT, FULL}, settings.steps))
        self._integrator = openmm.VerletIntegrator(0.001)  # ps; contexts need one, and nothing is integrated
        platform = openmm.Platform.getPlatformByName("CPU")
        one_order = {"Threads": "1", "DeterministicForces": "true"}
        self._context, self._n_own = openmm.Context(system, self._integrator, platform, one_order), mapping.n_atoms

    def __call__(self, positions, box=None):
        """
        Minimise one frame.

        Parameters
        ----------
        positions : ndarray of float, shape (A, 3)
            nm.
        box : ndarray of float, shape (3, 3), optional
            Box vectors as rows, nm, reduced.

        Returns
        -------
        ndarray of float64, shape (A, 3)

        Raises
        ------
        Failed
        """
        import openmm

        positions = np.asarray(positions, dtype=np.float64)
        self._held.set(positions[: self._n_own])
        try:
            self._context.reinitialize()  # forgets the neighbours of the frame before
            if box is not None:
                self._context.setPeriodicBoxVectors(*box)
            self._context.setPositions(positions)
            for groups, n_steps in self._steps:
                if n_steps == 0:  # to OpenMM, as many as it takes
                    continue
                self._integrator.setIntegrationForceGroups(groups)
                openmm.LocalEnergyMinimizer.minimize(self._context, maxIterations=n_steps)
            state = self._context.getState(getPositions=True, getEnergy=True)
        except openmm.OpenMMException as error:
            raise Failed(str(error)) from None
        energy, found = state.getPotentialEnergy()._value, state.getPositions(asNumpy=True)._value
        if not (np.isfinite(energy) and np.isfinite(found).all()):
            raise Failed(f"its energy is {energy} kJ/mol")
        return found
