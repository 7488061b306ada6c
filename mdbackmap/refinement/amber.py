"""
A molecule as OpenMM has it: Amber ff14SB with GBn2, and atoms that stay where they are.

Units are OpenMM's: nm, kJ/mol.
"""

import copy

import numpy as np

from ..chemistry.other_atoms import KINDS, kind_of
from ..molecule.attributes import listed
from ..molecule.mapping import MappingError
from ..molecule.written import written

FIELD = ("amber14/protein.ff14SB.xml", "implicit/gbn2.xml")
COVALENT, PLAIN, FULL = range(3)
"""Groups of forces: bonds, angles and torsions; van der Waals alone; van der Waals, charges and solvent."""
# Radii of atoms of other molecules, nm (half of r_min of Lennard-Jones); cited: Amber parm10, of C*, N, O, S; of metals
# chosen: by hand, so that atoms come as near as they are in crystals (0.20 to 0.22 nm).
_RADII = dict(zip(KINDS, (0.1908, 0.1824, 0.1661, 0.2000, 0.0450), strict=True))
_DEPTH = 0.4  # kJ/mol, of their Lennard-Jones energies; chosen: by hand, about that of carbon
_SHOWN = 4  # residues in a message; chosen: by hand


def openmm_topology(fine):
    """
    The protein as OpenMM has it.

    Parameters
    ----------
    fine : Topology
        With hydrogens; what is no protein is behind it.

    Returns
    -------
    openmm.app.Topology
    """
    from openmm import app

    named, topology, atoms, residues = written(fine, hydrogens=True), app.Topology(), [], []
    begins = np.append(True, fine.ends[:-1])
    chain = None
    for residue in np.flatnonzero(~fine.hetero):
        chain = topology.addChain() if begins[residue] else chain
        residues.append(topology.addResidue(str(named.resnames[residue]), chain))
    for row in range(n_protein(fine)):
        element = app.Element.getBySymbol(str(fine.elements[row]).capitalize())
        atoms.append(topology.addAtom(str(named.names[row]), element, residues[fine.residue_of_atom[row]]))
    for one, other in fine.bonds[(fine.bonds < len(atoms)).all(axis=1)].tolist():
        topology.addBond(atoms[one], atoms[other])
    return topology


def n_protein(fine) -> int:
    """How many atoms are the protein's; they come first."""
    return int(np.count_nonzero(~fine.hetero[fine.residue_of_atom]))


def amber_system(fine, fixed, cutoff, periodic=False):
    """
    The forces of a protein, in the groups of this module.

    Parameters
    ----------
    fine : Topology
        Of A atoms; what is no protein is behind it, and stays.
    fixed : ndarray of bool, shape (A,)
        Atoms of the protein that stay, too.
    cutoff : float
        Of interactions, nm.
    periodic : bool
        Whether there are periodic images.

    Returns
    -------
    openmm.System

    Raises
    ------
    MappingError
        Residues that the force field does not have.
    """
    from openmm import app, unit

    field, topology = app.ForceField(*FIELD), openmm_topology(fine)
    lacking = [fine.label(residue.index) for residue in field.getUnmatchedResidues(topology)]
    if lacking:
        raise MappingError(
            f'refine="openmm": Amber ff14SB has no parameters for {listed(lacking, _SHOWN)}, in the forms and at the '
            "places of the chain that they have here: name other forms (protonation=), or leave out refine"
        )
    if periodic:
        topology.setPeriodicBoxVectors(10 * cutoff * np.eye(3) * unit.nanometer)  # any: each frame brings its own
    method = app.CutoffPeriodic if periodic else app.CutoffNonPeriodic
    options = {"nonbondedMethod": method, "nonbondedCutoff": cutoff * unit.nanometer, "removeCMMotion": False}
    system = field.createSystem(topology, **options)
    _group(system)
    for row in np.flatnonzero(fixed[: topology.getNumAtoms()]):
        system.setParticleMass(int(row), 0.0)
    _add_others(system, fine.elements[topology.getNumAtoms() :])
    return system


def _group(system):
    """Put forces into groups, and add van der Waals alone."""
    from openmm import CustomGBForce, NonbondedForce

    for force in system.getForces():
        far = isinstance(force, (NonbondedForce, CustomGBForce))
        force.setForceGroup(FULL if far else COVALENT)
    plain = copy.deepcopy(_one(system, NonbondedForce))
    for k in range(plain.getNumParticles()):
        plain.setParticleParameters(k, 0.0, *plain.getParticleParameters(k)[1:])
    for k in range(plain.getNumExceptions()):
        one, other, _, *lennard_jones = plain.getExceptionParameters(k)
        plain.setExceptionParameters(k, one, other, 0.0, *lennard_jones)
    plain.setForceGroup(PLAIN)
    system.addForce(plain)


def _one(system, kind):
    return next(force for force in system.getForces() if isinstance(force, kind))


def _add_others(system, elements):
    """Atoms of other molecules: spheres without charge, which stay and push the protein's atoms only."""
    from openmm import CustomGBForce, CustomNonbondedForce, NonbondedForce

    if not len(elements):
        return
    full, solvent, n = _one(system, NonbondedForce), _one(system, CustomGBForce), system.getNumParticles()
    spheres = CustomNonbondedForce("4*depth*((s/r)^12-(s/r)^6); s=s1+s2; depth=sqrt(d1*d2)")
    spheres.addPerParticleParameter("s")
    spheres.addPerParticleParameter("d")
    for k in range(n):
        _, sigma, depth = full.getParticleParameters(k)
        spheres.addParticle([sigma / 2, depth])
    carbon = [0.0, *solvent.getParticleParameters(0)[1:]]  # any atom of the protein, without its charge
    for element in elements:
        kind = kind_of(str(element))
        radius = 0.0 if kind is None else _RADII[KINDS[kind]]
        system.addParticle(0.0)
        spheres.addParticle([radius / 2 ** (1 / 6), _DEPTH if radius else 0.0])
        solvent.addParticle(carbon)
        for force in system.getForces():
            if isinstance(force, NonbondedForce):
                force.addParticle(0.0, 0.1, 0.0)
    for k in range(full.getNumExceptions()):
        spheres.addExclusion(*full.getExceptionParameters(k)[:2])
    spheres.addInteractionGroup(range(n), range(n, n + len(elements)))
    spheres.setNonbondedMethod(full.getNonbondedMethod())
    spheres.setCutoffDistance(full.getCutoffDistance())
    spheres.setForceGroup(COVALENT)
    system.addForce(spheres)
