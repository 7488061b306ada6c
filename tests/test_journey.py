"""From C-alphas on into a simulation, by the commands that docs/simulating.md shows."""

import shutil
import subprocess

import MDAnalysis as mda
import numpy as np
import pytest
from scipy.spatial import cKDTree

from mdbackmap.cli import main
from mdbackmap.datafiles import GO_PDB, GO_XTC

STEPS = 50  # of minimisation


def converted(folder, *options):
    """One frame of protein G as a PDB file."""
    path = folder / "aa.pdb"
    command = ["convert", GO_PDB, GO_XTC, "-o", path, "--frames", "0", "--temperature", "0", *options, "--quiet"]
    assert main([str(word) for word in command]) == 0
    return path


@pytest.mark.filterwarnings("ignore")
def test_from_alphas_to_a_minimisation_in_openmm(tmp_path):
    openmm = pytest.importorskip("openmm")
    from openmm import app, unit

    pdb = app.PDBFile(str(converted(tmp_path)))
    system = app.ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem(
        pdb.topology, nonbondedMethod=app.CutoffNonPeriodic, nonbondedCutoff=1.0 * unit.nanometer
    )
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("CPU"))
    context.setPositions(pdb.positions)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=STEPS)
    state = context.getState(getEnergy=True, getForces=True, getPositions=True)
    assert state.getPotentialEnergy()._value / 56 < -100  # kJ/mol a residue; -128 when this was written
    assert np.linalg.norm(state.getForces(asNumpy=True)._value, axis=1).max() < 1e4
    moved = state.getPositions(asNumpy=True)._value - pdb.getPositions(asNumpy=True)._value
    assert np.sqrt(np.square(moved).sum(1).mean()) < 0.1  # nm


@pytest.mark.filterwarnings("ignore")
def test_from_alphas_to_a_topology_of_gromacs(tmp_path):
    gmx = shutil.which("gmx")
    if gmx is None:
        pytest.skip("needs GROMACS")
    path = converted(tmp_path, "--names", "gromacs")
    command = [gmx, "-quiet", "pdb2gmx", "-f", path, "-ff", "amber99sb-ildn", "-water", "none", "-o", "start.gro"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    given, taken = (mda.Universe(name).atoms for name in (path, tmp_path / "start.gro"))
    assert len(taken) == len(given)  # hydrogens are those of the file, in another order
    assert cKDTree(given.positions).query(taken.positions)[0].max() < 0.01
