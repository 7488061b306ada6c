"""What holds beads, phi and psi while atoms move. Units are OpenMM's: nm, kJ/mol, radians."""

import numpy as np

from ..metrics.dihedrals import dihedral
from .amber import COVALENT

_SPRING = "0.5*stiffness*((x{0}-x0)^2+(y{0}-y0)^2+(z{0}-z0)^2)"


class Restraints:
    """
    Springs that hold beads, on the atoms that these stand for, and torsions of the backbone.

    Parameters
    ----------
    system : openmm.System
        Gets the springs.
    mapping : Mapping
        From N beads to the first A atoms of `system`.
    fixed : ndarray of bool, shape (A,)
        Atoms that stay: a bead of such atoms alone needs no spring.
    settings : RefinementSettings
    """

    def __init__(self, system, mapping, fixed, settings):
        import openmm

        self._mapping, self._single, self._several = mapping, [], []
        self._atoms = openmm.CustomExternalForce(_SPRING.format(""))
        self._groups = openmm.CustomCentroidBondForce(1, _SPRING.format("1"))
        for name in ("x0", "y0", "z0"):
            self._atoms.addPerParticleParameter(name)
            self._groups.addPerBondParameter(name)
        for part in np.split(np.arange(len(mapping.beads)), np.flatnonzero(np.diff(mapping.beads)) + 1):
            if not fixed[mapping.atoms[part]].all():
                self._add(int(mapping.beads[part[0]]), mapping.atoms[part].tolist(), mapping.weights[part].tolist())
        self._turns = openmm.CustomTorsionForce("torsion*(1-cos(theta-theta0))")
        self._turns.addPerTorsionParameter("theta0")
        self._torsions = backbone_torsions(mapping.fine)
        for atoms in self._torsions.tolist():
            self._turns.addTorsion(*atoms, [0.0])
        for force, there in ((self._atoms, self._single), (self._groups, self._several), (self._turns, self._torsions)):
            force.setForceGroup(COVALENT)
            if len(there):
                system.addForce(force)
        self._atoms.addGlobalParameter("stiffness", settings.stiffness)
        self._groups.addGlobalParameter("stiffness", settings.stiffness)
        self._turns.addGlobalParameter("torsion", settings.torsion)

    def _add(self, bead, atoms, weights):
        if len(atoms) == 1:
            self._atoms.addParticle(atoms[0], [0.0] * 3)
            self._single.append((bead, atoms[0]))
        else:
            self._groups.addBond([self._groups.addGroup(atoms, weights)], [0.0] * 3)
            self._several.append(bead)

    def set(self, positions):
        """Hold what positions (A, 3), nm, have, in contexts that are made after this."""
        beads = self._mapping.project(positions).tolist()
        for k, (bead, atom) in enumerate(self._single):
            self._atoms.setParticleParameters(k, atom, beads[bead])
        for k, bead in enumerate(self._several):
            self._groups.setBondParameters(k, [k], beads[bead])
        angles = dihedral(*np.moveaxis(positions[self._torsions], 1, 0)).tolist()
        for k, (atoms, angle) in enumerate(zip(self._torsions.tolist(), angles, strict=True)):
            self._turns.setTorsionParameters(k, *atoms, [angle])


def backbone_torsions(fine):
    """
    The atoms of all phi and psi, int64, shape (t, 4).

    Parameters
    ----------
    fine : Topology
    """
    at = {name: np.full(fine.n_residues, -1) for name in ("N", "CA", "C")}
    for name, rows in at.items():
        own = np.flatnonzero((fine.names == name) & ~fine.hetero[fine.residue_of_atom])
        rows[fine.residue_of_atom[own]] = own
    one = np.flatnonzero(~fine.ends[:-1])
    phi = [at["C"][one], *(at[name][one + 1] for name in ("N", "CA", "C"))]
    psi = [*(at[name][one] for name in ("N", "CA", "C")), at["N"][one + 1]]
    found = np.concatenate([np.stack(atoms, axis=1) for atoms in (phi, psi)])
    return found[(found >= 0).all(axis=1)]
