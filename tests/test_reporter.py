"""The reporter of OpenMM: what a running simulation is backmapped to is what its trajectory is converted to."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from standin import standin

import mdbackmap as mdb
from mdbackmap import reporter as module
from mdbackmap.datafiles import GO_PDB
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.trajectory import BackmapTrajectory
from mdbackmap.writing.lock import InUse
from mdbackmap.writing.output import SegmentSink
from mdbackmap.writing.partial import Partial

pytest.importorskip("openmm")
import openmm
from openmm import app, unit

pytestmark = pytest.mark.filterwarnings("ignore")
EVERY = 20  # steps between two frames


def simulation(box=None, extra=0):
    """An elastic network of protein G's C-alphas, and particles of no molecule behind them."""
    pdb = app.PDBFile(GO_PDB)
    x = pdb.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    topology, system, net = pdb.topology, openmm.System(), openmm.HarmonicBondForce()
    for _ in range(len(x) + extra):
        system.addParticle(100.0)
    for _ in range(extra):
        topology.addAtom("X", None, topology.addResidue("XXX", topology.addChain()))
    i, j = np.triu_indices(len(x), 1)
    length = np.linalg.norm(x[i] - x[j], axis=1)
    for k in np.flatnonzero(length < 0.9):
        net.addBond(i[k], j[k], length[k], 50_000.0 if j[k] == i[k] + 1 else 500.0)
    system.addForce(net)
    if box is not None:
        system.setDefaultPeriodicBoxVectors(*np.diag(box))
        net.setUsesPeriodicBoundaryConditions(True)
    integrator = openmm.LangevinMiddleIntegrator(300, 1, 0.01)
    integrator.setRandomNumberSeed(1)
    made = app.Simulation(topology, system, integrator, openmm.Platform.getPlatformByName("Reference"))
    made.context.setPositions(np.concatenate([x, np.full((extra, 3), 9.0)]))
    made.context.setVelocitiesToTemperature(300, 1)
    return made


def simulated(tmp_path, reporter, n_frames, **how):
    """Run with OpenMM's own reporter beside ours; the trajectory that it wrote."""
    run = simulation(**how)
    run.reporters += [app.DCDReporter(str(tmp_path / "ca.dcd"), EVERY, enforcePeriodicBox=False), reporter]
    run.step(EVERY * n_frames)
    del run.reporters[0]  # OpenMM closes its file then
    return mda.Universe(GO_PDB, str(tmp_path / "ca.dcd"))


def frames(u):
    return np.stack([ts.positions.copy() for ts in u.trajectory])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xtc", ".h5md", ".dcd"])
def test_frames_are_those_of_a_conversion(tmp_path, suffix):
    model = mdb.load_model("genzprot", mda.Universe(GO_PDB), threads=1)
    with mdb.BackmapReporter(tmp_path / f"aa{suffix}", EVERY, model, seed=3, batch_size=2) as reporter:
        cg = simulated(tmp_path, reporter, 3)
        assert reporter.n_frames == 3 and not (tmp_path / f"aa{suffix}").exists()
    run = BackmapTrajectory(cg.atoms, model, tmp_path / f"later{suffix}", seed=3, batch_size=2).run()
    live, later = (mda.Universe(tmp_path / f"{name}.pdb", tmp_path / f"{name}{suffix}") for name in ("aa", "later"))
    assert_array_equal(frames(live), frames(later))
    assert_array_equal(live.atoms.names, later.atoms.names)
    assert_array_equal(
        mda.Universe(tmp_path / "aa.pdb").atoms.positions, mda.Universe(tmp_path / "later.pdb").atoms.positions
    )
    assert np.allclose([ts.time for ts in live.trajectory], EVERY * 0.01 * np.arange(1, 4), atol=1e-3)
    assert_array_equal(reporter.results.displacements, run.results.displacements)
    assert reporter.results.provenance["conversion"]["frames"] == {"interval": EVERY, "number": 3}


def test_beads_among_other_particles(tmp_path):
    """By their numbers, in angstrom."""
    model = standin(mda.Universe(GO_PDB).atoms)
    with mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, atoms=range(56), temperature=0) as reporter:
        run = simulation(extra=2)
        run.reporters.append(reporter)
        run.step(2 * EVERY)
    x = run.context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)[:56]
    u = mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
    assert u.trajectory.n_frames == 2 and u.dimensions is None
    u.trajectory[1]
    assert np.abs(u.select_atoms("name CA").positions - x).max() < 0.01


def test_numbers_are_in_the_order_of_the_file(tmp_path):
    u = mda.Universe(GO_PDB)
    model = standin(u.atoms[::-1])  # whose beads are the file's from behind
    found = mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, atoms=np.arange(56) + 4)._beads
    assert_array_equal(found, model.indices + 4)


@pytest.mark.parametrize("periodic", [False, True, None])
def test_boxes(tmp_path, periodic):
    model = standin(mda.Universe(GO_PDB).atoms)
    with mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, enforcePeriodicBox=periodic) as reporter:
        run = simulation(box=(6.0, 7.0, 8.0))
        run.reporters.append(reporter)
        run.step(EVERY)
    u = mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
    assert u.dimensions == pytest.approx([60, 70, 80, 90, 90, 90])


def test_what_was_reported_is_kept_if_the_simulation_fails(tmp_path):
    model = standin(mda.Universe(GO_PDB).atoms)
    with pytest.raises(RuntimeError, match="lost"), mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model) as reporter:
        simulated(tmp_path, reporter, 3)
        raise RuntimeError("the device was lost")
    assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == 3
    with pytest.raises(ValueError, match="closed"):
        simulated(tmp_path, reporter, 1)


def test_a_simulation_that_goes_on_from_a_checkpoint(tmp_path):
    """Each run has a file; MDAnalysis reads them in a row, and times go on. Steps are those of the simulation."""
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with mdb.BackmapReporter(tmp_path / "one.xtc", EVERY, model) as reporter:
        run.reporters.append(reporter)
        run.minimizeEnergy(maxIterations=2)
        run.step(2 * EVERY + 5)
        run.saveCheckpoint(str(tmp_path / "here.chk"))
    run = simulation()
    run.loadCheckpoint(str(tmp_path / "here.chk"))
    with mdb.BackmapReporter(tmp_path / "two.xtc", EVERY, model) as reporter:
        run.reporters.append(reporter)
        run.step(2 * EVERY)
    u = mda.Universe(tmp_path / "one.pdb", [tmp_path / "one.xtc", tmp_path / "two.xtc"])
    assert np.allclose([ts.time for ts in u.trajectory], EVERY * 0.01 * np.arange(1, 5), atol=1e-3)


def test_a_simulation_of_nan_is_refused_and_its_frames_before_are_kept(tmp_path):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with (
        pytest.raises(MappingError, match="frame 1: .* NaN"),
        mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model) as reporter,
    ):
        run.reporters.append(reporter)
        run.step(EVERY)
        places = run.context.getState(getPositions=True).getPositions(asNumpy=True)
        places[3] = np.nan * unit.nanometer
        run.context.setPositions(places)
        run.step(EVERY)
    assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == 1


def test_two_reporters_of_one_file(tmp_path):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with pytest.raises(InUse), mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model) as one:
        run.reporters += [one, mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model)]
        run.step(2 * EVERY)
    assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == 1


def test_a_simulation_that_blew_up_is_refused_and_its_frames_before_are_kept(tmp_path):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with (
        pytest.raises(MappingError, match="frame 2"),
        mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model) as reporter,
    ):
        run.reporters.append(reporter)
        run.step(2 * EVERY)
        run.context.setPositions(np.full((56, 3), 2e5))
        run.step(EVERY)
    assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == 2


def test_a_full_disk_says_where_frames_are(tmp_path, monkeypatch):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with pytest.raises(OSError, match="no space.*2 frames are complete, in .*aa.xtc.partial"):
        with mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, batch_size=2) as reporter:
            run.reporters.append(reporter)
            run.step(2 * EVERY)
            reporter.flush()
            monkeypatch.setattr(SegmentSink, "write", full)
            run.step(EVERY)
    assert Partial(tmp_path / "aa.xtc").n_complete == 2
    with pytest.raises(FileExistsError, match="run that was killed"):
        mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model)
    mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, overwrite=True)


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_batches_are_bounded_and_flushed(tmp_path):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    with mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, model, batch_size=2) as reporter:
        run.reporters.append(reporter)
        run.step(5 * EVERY)
        assert model.calls == [2, 2]
        reporter.flush()
        assert model.calls == [2, 2, 1] and Partial(tmp_path / "aa.xtc").n_complete == 5
        run.step(2 * EVERY)
        assert model.calls == [2, 2, 1, 1]  # batches end where they would have ended
    assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == reporter.n_frames == 7


def test_nothing_reported_leaves_nothing(tmp_path):
    with mdb.BackmapReporter(tmp_path / "aa.xtc", EVERY, standin(mda.Universe(GO_PDB).atoms)) as reporter:
        pass
    assert reporter.results is None and not list(tmp_path.iterdir())


@pytest.mark.parametrize("version, kind", [((8, 1), tuple), ((8, 2), dict)])
def test_both_ways_to_describe_the_next_report(tmp_path, monkeypatch, version, kind):
    model, run = standin(mda.Universe(GO_PDB).atoms), simulation()
    monkeypatch.setattr(module, "_openmm_version", lambda: version)
    with mdb.BackmapReporter(tmp_path / "aa.xtc", 15, model) as reporter:
        assert type(reporter.describeNextReport(run)) is kind
        run.reporters.append(reporter)
        run.step(40)
    assert reporter.n_frames == 2


def test_misuse(tmp_path, monkeypatch):
    u, out = mda.Universe(GO_PDB), tmp_path / "aa.xtc"
    model = standin(u.atoms)
    for wrong in (0, 1.5, "20"):
        with pytest.raises(ValueError, match="reportInterval"):
            mdb.BackmapReporter(out, wrong, model)
    with pytest.raises(ValueError, match="58 particles, expected 56"):
        reported(model, out, extra=2)
    with pytest.raises(ValueError, match="56 particles, expected more than 99"):
        reported(model, out, atoms=[*range(55), 99])
    with pytest.raises(ValueError, match="model has 56 beads"):
        mdb.BackmapReporter(out, 1, model, atoms=range(55))
    with pytest.raises(TypeError, match="universe="):
        mdb.BackmapReporter(out, 1, model, atoms="name CA")
    with pytest.raises(TypeError, match="universe="):
        mdb.BackmapReporter(out, 1)
    with pytest.raises(ValueError, match="no such format"):
        mdb.BackmapReporter(tmp_path / "aa.nonsense", 1, model)
    out.touch()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        mdb.BackmapReporter(out, 1, model)
    monkeypatch.setattr("mdbackmap.checks.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"mdbackmap\[openmm\]"):
        mdb.BackmapReporter(out, 1, model)


def reported(model, out, extra=0, **how):
    with mdb.BackmapReporter(out, 1, model, **how) as reporter:
        run = simulation(extra=extra)
        run.reporters.append(reporter)
        run.step(1)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "raise SystemExit(3)"])
def test_a_script_that_closes_nothing_loses_nothing(tmp_path, end):
    """A model is loaded by name, with hydrogens; no thread can be started when Python ends."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import mdbackmap as mdb
from mdbackmap.datafiles import GO_PDB
from test_reporter import simulation
run = simulation()
run.reporters.append(mdb.BackmapReporter("aa.xtc", 10, "genzprot", GO_PDB, atoms="name CA"))
run.step(30)
{end}
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (3 if end else 0), done.stderr
    u = mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
    assert u.trajectory.n_frames == 3 and u.atoms.n_atoms == 850
    assert not Partial(tmp_path / "aa.xtc").folder.exists()
