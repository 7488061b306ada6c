"""refine="openmm": atoms minimised in Amber, beads restrained; the same in any batch, thread and process."""

import logging
import pickle

import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.datafiles import CHIGNOLIN_PDB, CHIGNOLIN_XTC
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.metrics.hydrogens import all_atom_clashscore
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.refinement.minimising import Failed, Minimiser
from mdbackmap.refinement.refiner import reduced

pytestmark = pytest.mark.filterwarnings("ignore")
FRAMES = 3


@pytest.fixture(scope="module")
def chignolin():
    return mda.Universe(CHIGNOLIN_PDB, CHIGNOLIN_XTC)


@pytest.fixture(scope="module")
def cg(chignolin):
    return chignolin.select_atoms("name CA")


@pytest.fixture(scope="module")
def plain(cg):
    return mdb.load_model("genzprot", cg, threads=1)


@pytest.fixture(scope="module")
def refining(plain):
    pytest.importorskip("openmm")
    return plain.refining("openmm")


def beads(cg, n=FRAMES):
    return np.array([cg.positions for _ in cg.universe.trajectory[:n]])


def energy(model, atoms):
    """Of a frame of atoms (A, 3), with all charges and solvent, in kJ/mol."""
    import openmm

    from mdbackmap.refinement.amber import COVALENT, FULL, amber_system

    system = amber_system(model.mapping.fine, np.zeros(len(atoms), dtype=bool), cutoff=1.0)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(0.1 * atoms.astype(float))
    return context.getState(getEnergy=True, groups={COVALENT, FULL}).getPotentialEnergy()._value


def test_energies_fall_and_beads_and_rotamers_stay(cg, plain, refining):
    given, ca = beads(cg), plain.mapping.fine.names == "CA"
    before, after = (model.sample(given, range(FRAMES), temperature=1.0) for model in (plain, refining))
    for one, other in zip(before, after, strict=True):
        assert energy(plain, other) < energy(plain, one) - 20 * len(cg)
    assert 1e-3 < np.linalg.norm(after[:, ca] - given, axis=-1).max() < 0.2
    assert np.sqrt(np.square(after - before).sum(-1).mean()) < 0.5
    u = plain.universe()
    u.load_new(after)
    found = read_protein(u.atoms, frames=range(FRAMES))
    assert all_atom_clashscore(found.positions, found.mask, found.types, found.ends, found.hydrogens).max() < 8


def test_the_same_bytes_in_any_batch_thread_and_process(cg, refining):
    given = beads(cg)
    at_once = refining.sample(given, range(FRAMES), temperature=1.0)
    backwards = refining.with_threads(2).sample(given[::-1], range(FRAMES)[::-1], temperature=1.0)[::-1]
    np.testing.assert_array_equal(backwards, at_once)
    alone = pickle.loads(pickle.dumps(refining)).sample(given[1:2], [1], temperature=1.0)
    np.testing.assert_array_equal(alone[0], at_once[1])


def test_front_doors_and_workers_agree(cg, plain, refining, tmp_path):
    assert refining.batch_size() == 1 < plain.batch_size()
    options = {"temperature": 0.0, "bead_tolerance": 0.0}
    serial = mdb.BackmapTrajectory(cg, plain, refine="openmm", **options).run(stop=2)
    parallel = mdb.BackmapTrajectory(cg, refining, **options)
    parallel.run(stop=2, backend="multiprocessing", n_workers=2)
    np.testing.assert_array_equal(parallel.results.positions, serial.results.positions)
    moved = serial.results.displacements
    assert moved.shape == (2, len(cg)) and 1e-3 < moved.max() < 0.2
    live = mdb.backmap(cg, refining, **options)
    np.testing.assert_array_equal(live.trajectory[1].positions, serial.results.positions[1])
    assert live.trajectory.ts.data["displacements"] == pytest.approx(moved[1], abs=1e-5)
    cg.write(tmp_path / "ca.pdb")
    command = ["convert", str(tmp_path / "ca.pdb"), "-o", str(tmp_path / "aa.pdb"), "--refine", "openmm"]
    assert main([*command, "--temperature", "0", "--threads", "1", "--quiet"]) == 0
    assert "conversion.refine: openmm" in (tmp_path / "aa.pdb").read_text()


@pytest.mark.parametrize("box", [[60, 60, 60, 90, 90, 90], [60, 60, 60, 70, 60, 90]])
def test_boxes_in_which_nothing_is_near_change_little(cg, refining, box):
    given = beads(cg, 1)
    with_box = refining.sample(given, [0], temperature=0.0, dimensions=np.array([box], dtype=float))
    without = refining.sample(given, [0], temperature=0.0)
    assert np.linalg.norm(with_box - without, axis=-1).max() < 0.3


def test_a_box_that_is_too_small_for_the_cutoff_has_no_images(cg, plain, refining):
    atoms, refiner = plain.sample(beads(cg, 1), [0], temperature=0.0), refining._reconstruction.refiner
    small, wide, alone = (
        refiner(atoms, [0], None if box is None else np.diag([box, 60.0, 60.0])[None])[0] for box in (19.9, 20.1, None)
    )
    np.testing.assert_array_equal(small, alone)
    assert not np.array_equal(wide, alone)


def test_vectors_of_boxes():
    box = np.array([[50.0, 0, 0], [40, 45, 0], [-30, 40, 44]])
    a, b, c = reduced(box)
    assert abs(b[0]) <= 25 and abs(c[0]) <= 25 and abs(c[1]) <= 22.5
    np.testing.assert_allclose(np.linalg.solve(box.T, np.stack([a, b, c]).T).round(9) % 1, 0)


def test_beads_of_other_models_are_held(chignolin):
    pytest.importorskip("openmm")
    from mdbackmap.molecule.bead_models import BEAD_MODELS
    from mdbackmap.molecule.mapping import Mapping
    from mdbackmap.molecule.topology import Topology
    from mdbackmap.universes.universe import universe_of

    fine = Topology.from_atoms(chignolin.atoms)
    mapping = Mapping.of(BEAD_MODELS["martini3"], BEAD_MODELS["martini3"].topology(fine), fine)
    u = universe_of(mapping.coarse)
    u.load_new(mapping.project(chignolin.trajectory[0].positions)[None])
    model = mdb.load_model("genzprot", u, refine="openmm", threads=1)
    before = mdb.BackmapTrajectory(u, model.refining(None), temperature=0.0).run().results.positions
    after = mdb.BackmapTrajectory(u, model, temperature=0.0).run().results.positions
    moved = np.linalg.norm(model.mapping.project(after) - model.mapping.project(before), axis=-1)
    assert moved.max() < 0.2 < np.linalg.norm(after - before, axis=-1).max()


def test_kept_atoms_and_ions_stay_and_push(chignolin, cg, plain):
    pytest.importorskip("openmm")
    ring = mda.Merge(chignolin.select_atoms("resname TRP")).atoms
    u = mda.Merge(cg, chignolin.select_atoms("resname TRP and name CZ2"))
    u.atoms[-1:].residues.resnames, u.atoms[-1].name, u.atoms[-1].element = "ZN", "ZN", "ZN"
    place = plain.sample(beads(cg, 1), [0], temperature=0.0)[0]
    tyrosine = plain.mapping.fine.names == "OH"
    u.atoms[-1].position = place[tyrosine][0] + [0.7, 0.7, 0.7]
    model = mdb.load_model("genzprot", u.atoms[:-1], passthrough="resname ZN", keep=ring, refine="openmm", threads=1)
    found = mdb.BackmapTrajectory(u.atoms, model, temperature=0.0).run().results.positions[0]
    np.testing.assert_array_equal(found[-1], u.atoms[-1].position)
    rows = model.kept.rows
    np.testing.assert_array_equal(found[rows], ring.positions)
    heavy = model.topology.elements[:-1] != "H"
    assert np.linalg.norm(found[:-1] - found[-1], axis=1)[heavy].min() > 1.7


def test_what_cannot_be_refined_is_said_at_once(cg, plain, monkeypatch):
    with pytest.raises(ValueError, match='refine="amber": expected openmm, or None'.replace('"', "'")):
        plain.refining("amber")
    with pytest.raises(MappingError, match="needs hydrogens.*--no-hydrogens"):
        mdb.load_model("genzprot", cg, hydrogens=False, refine="openmm")
    with pytest.raises(MappingError, match="Amber ff14SB has no parameters for chain A, TYR 1"):
        mdb.load_model("genzprot", cg, ends="neutral", refine="openmm")
    monkeypatch.setattr("mdbackmap.checks.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "mdbackmap\[openmm\]"'):
        plain.refining("openmm")


def test_a_frame_that_fails_is_named_and_left_as_it_is(cg, plain, refining, monkeypatch, caplog):
    def failing(self, positions, box=None):
        raise Failed("its energy is nan kJ/mol")

    monkeypatch.setattr(Minimiser, "__call__", failing)
    model = plain.refining("openmm")
    with caplog.at_level(logging.WARNING):
        found = model.sample(beads(cg, 1), [7], temperature=1.0)
    assert "frame 7: OpenMM could not minimise it (its energy is nan kJ/mol): its atoms are as generated" in caplog.text
    np.testing.assert_array_equal(found, plain.sample(beads(cg, 1), [7], temperature=1.0))


def test_atoms_on_one_another_are_taken_apart(cg, plain, refining):
    atoms = plain.sample(beads(cg, 1), [0], temperature=0.0)
    fine, overlapping = plain.mapping.fine, atoms.copy()
    trp, tyr = (fine.atoms_of(np.flatnonzero(fine.resnames == name)[:1]) for name in ("TRP", "TYR"))
    side = np.flatnonzero(np.isin(fine.names[tyr], ["CE1", "CZ", "OH", "HE1"]))
    overlapping[0, tyr[side]] = overlapping[0, trp[side]] + 0.02
    found = refining._reconstruction.refiner(overlapping, [0])[0]
    assert np.isfinite(found).all() and energy(plain, found) < 1e-3 * energy(plain, overlapping[0])
