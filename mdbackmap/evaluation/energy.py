"""
Physics: the energy of proteins in a force field after a few steps of minimisation, by OpenMM, if it is installed.

Amber ff14SB (OpenMM's amber14) with implicit solvent (OBC2), no cutoff, at pH 7. What atom14 arrays lack is added: the
terminal oxygen of every unbroken stretch, opposite its O; hydrogens, where there are none that the force field knows,
by OpenMM's `Modeller`; disulfides between sulfurs nearer than 3 A. OpenMM is loaded when it is used.

Shapes: F frames, R residues. Positions are in angstrom, energies in kJ/mol.
"""

import contextlib
import os
import random
import warnings
from dataclasses import replace

import numpy as np

from ..checks import require
from ..chemistry.elements import SLOTS
from ..chemistry.residues import ATOMS, BONDS, CA, MAX_ATOMS, RESIDUE_NAMES, C, N, O
from ..completion.ends import terminal_oxygen

FORCE_FIELD = ("amber14/protein.ff14SB.xml", "implicit/obc2.xml")
PH = 7.0  # at which hydrogens are placed; chosen: by hand
UNKNOWN = {"energy": np.nan, "finite_steps": np.nan, "finite": 0.0}


def energies(chain, n_steps):
    """
    Energy of every frame after minimisation.

    Parameters
    ----------
    chain : Chain
        With every heavy atom; its hydrogens are taken as they are where the force field knows each residue so.
    n_steps : int
        Steps of minimisation (L-BFGS).

    Returns
    -------
    list of dict of str to float
        For each frame ``energy``, kJ/mol a residue; ``finite_steps``, the steps until every force was finite (0: at
        once); ``finite``, 100 if they are. If that never happened, it is 0 and the others are NaN.

    Raises
    ------
    ImportError
        If OpenMM is not installed.
    ValueError
        If atoms are missing, a chain is closed, or the force field does not know a residue.

    Examples
    --------
    >>> energies(chain, 50)   # doctest: +SKIP
    [{'energy': -127.2, 'finite_steps': 0.0, 'finite': 100.0}]
    """
    require("openmm", "energies need")
    if len(chain.rings):
        raise ValueError(f"{chain.name or 'the protein'} has a closed chain: energies are of open chains alone")
    lacking = incomplete(chain)
    if lacking:
        raise ValueError(f"{chain.name or 'the protein'} lacks atoms, energies need all heavy ones: {lacking}")
    return [_energy(_frame(chain, k), n_steps) for k in range(len(chain.positions))]


def incomplete(chain):
    """What heavy atoms a chain lacks, in words; empty if none."""
    rows, slots = np.nonzero(SLOTS[chain.types] & ~chain.mask)
    if not len(rows):
        return ""
    name, atom = RESIDUE_NAMES[chain.types[rows[0]]], slots[0]
    label = rows[0] + 1 if chain.labels is None else chain.labels[rows[0]]
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{ATOMS[name][atom]} of {name} {label}{more}"


def _frame(chain, k):
    hydrogens = chain.hydrogens and replace(chain.hydrogens, positions=chain.hydrogens.positions[k : k + 1])
    return replace(chain, positions=chain.positions[k : k + 1], hydrogens=hydrogens)


def _energy(chain, n_steps):
    """Energy a residue, and steps to finite forces, of a chain of one frame."""
    import openmm

    system, positions = _prepared(chain)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), _platform())
    context.setPositions(positions)
    try:
        steps = 0
        while not _finite(context) and steps < n_steps:
            openmm.LocalEnergyMinimizer.minimize(context, maxIterations=1)
            steps += 1
        if steps < n_steps:
            openmm.LocalEnergyMinimizer.minimize(context, maxIterations=n_steps - steps)
        if not _finite(context):
            return UNKNOWN
    except openmm.OpenMMException:  # a position that is not finite
        return UNKNOWN
    total = context.getState(getEnergy=True).getPotentialEnergy()._value  # kJ/mol
    return {"energy": total / len(chain.types), "finite_steps": float(steps), "finite": 100.0}


def _platform():
    import openmm

    platform = openmm.Platform.getPlatformByName("CPU")
    platform.setPropertyDefaultValue("Threads", str(len(os.sched_getaffinity(0))))
    return platform


def _finite(context):
    return bool(np.isfinite(context.getState(getForces=True).getForces(asNumpy=True)._value).all())


def _prepared(chain):
    """OpenMM's system and positions of a chain of one frame, with hydrogens."""
    from openmm import app

    field = app.ForceField(*FORCE_FIELD)
    if chain.hydrogens is not None:
        topology, positions = build(chain)
        try:
            return field.createSystem(topology, nonbondedMethod=app.NoCutoff), positions
        except ValueError as error:
            why = str(error).split(". ")[0]
            warnings.warn(f"{chain.name}: hydrogens are placed again, because amber14 says: {why}", stacklevel=5)
    modeller = app.Modeller(*build(replace(chain, hydrogens=None)))
    try:
        with _seeded():
            modeller.addHydrogens(field, pH=PH, platform=_platform())
        system = field.createSystem(modeller.topology, nonbondedMethod=app.NoCutoff)
    except ValueError as error:
        raise ValueError(f"{chain.name or 'the protein'}: amber14 has no such residue: {error}") from error
    return system, modeller.positions


@contextlib.contextmanager
def _seeded():
    """OpenMM takes random numbers for hydrogens from Python's global generator, which is given back as it was."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)


def build(chain):
    """
    A chain of one frame for OpenMM: with terminal oxygens, with its hydrogens if it has any.

    Parameters
    ----------
    chain : Chain

    Returns
    -------
    topology : openmm.app.Topology
        A chain for each unbroken stretch.
    positions : Quantity of list of Vec3

    Examples
    --------
    >>> topology, positions = build(chain)   # doctest: +SKIP
    """
    from openmm import Vec3, app, unit

    topology, atoms, positions = app.Topology(), {}, []

    def add(key, name, element, residue, position):
        atoms[key] = topology.addAtom(name, app.Element.getBySymbol(element), residue)
        positions.append(Vec3(*(0.1 * position)))

    parents = np.array([], dtype=int) if chain.hydrogens is None else chain.hydrogens.parents
    for row, (kind, places) in enumerate(zip(chain.types, chain.positions[0], strict=True)):
        if row == 0 or chain.ends[row - 1]:
            stretch = topology.addChain()
        residue = topology.addResidue(RESIDUE_NAMES[kind], stretch)
        for slot, name in enumerate(ATOMS[RESIDUE_NAMES[kind]]):
            add(row * MAX_ATOMS + slot, name, name[0], residue, places[slot])
        if chain.ends[row]:
            add(("OXT", row), "OXT", "O", residue, terminal_oxygen(*places[[CA, C, O]]))
        for k in np.flatnonzero(parents // MAX_ATOMS == row):
            parent = atoms[parents[k]].name
            name = "HG" if parent == "SG" else f"H{k}"  # OpenMM knows a free cysteine by its HG
            add(("H", k), name, "H", residue, chain.hydrogens.positions[0, k])
    for first, second in _bonds(chain, parents):
        topology.addBond(atoms[first], atoms[second])
    topology.createDisulfideBonds(positions * unit.nanometer)
    return topology, positions * unit.nanometer


def _bonds(chain, parents):
    for row, kind in enumerate(chain.types):
        at, names = row * MAX_ATOMS, ATOMS[RESIDUE_NAMES[kind]]
        yield from ((at + names.index(a), at + names.index(b)) for a, b in BONDS[RESIDUE_NAMES[kind]])
        yield (at + C, ("OXT", row)) if chain.ends[row] else (at + C, at + MAX_ATOMS + N)
    yield from ((int(parent), ("H", k)) for k, parent in enumerate(parents))
