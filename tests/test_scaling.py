"""Lengths that are not in angstrom: scaled once, wherever frames are read from."""

import pickle

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose

import mdbackmap as mdb
from mdbackmap.datafiles import GO_PDB, GO_XTC
from mdbackmap.universes.access import copy_trajectory
from mdbackmap.universes.scaling import Scale, scale_of


@pytest.fixture
def in_nm(tmp_path):
    """The bundled Go trajectory in a format without units, in nm, with a box."""
    u = mda.Universe(GO_PDB, GO_XTC)
    lines = []
    for ts in u.trajectory[:4]:
        lines += ["ITEM: TIMESTEP", str(ts.frame), "ITEM: NUMBER OF ATOMS", str(len(u.atoms))]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *["0 9"] * 3, "ITEM: ATOMS id type x y z"]
        lines += [f"{k + 1} 1 {x:.7f} {y:.7f} {z:.7f}" for k, (x, y, z) in enumerate(ts.positions / 10)]
    (tmp_path / "nm.lammpsdump").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "nm.lammpsdump")


@pytest.mark.parametrize("n_files", [1, 2])
def test_positions_and_box_of_every_visit(in_nm, n_files):
    cg, true = mda.Universe(GO_PDB, [in_nm] * n_files), mda.Universe(GO_PDB, GO_XTC)
    cg.trajectory.add_transformations(Scale(10))
    again = pickle.loads(pickle.dumps(cg)) if n_files == 1 else cg
    for trajectory in (cg.trajectory, cg.trajectory, copy_trajectory(cg.trajectory), again.trajectory):
        for number in (0, 3, 3, 0, 2):
            ts = trajectory[number]
            assert_allclose(ts.positions, true.trajectory[number].positions, atol=2e-4)
            assert_allclose(ts.dimensions, [90, 90, 90, 90, 90, 90])


def test_frame_without_a_box():
    ts = mda.coordinates.timestep.Timestep(2)
    ts.positions = [[1, 2, 3], [4, 5, 6]]
    assert_allclose(Scale(0.5)(ts).positions, [[0.5, 1, 1.5], [2, 2.5, 3]])
    assert ts.dimensions is None


def test_atoms_are_those_of_the_trajectory_in_angstrom(in_nm):
    cg = mda.Universe(GO_PDB, in_nm)
    with pytest.raises(mdb.MappingError, match=r"nanometres.*--scale 10 .*mdbackmap\.Scale\(10\)"):
        mdb.load_model("genzprot", cg.atoms)
    cg.trajectory.add_transformations(mdb.Scale(10))
    true = mda.Universe(GO_PDB, GO_XTC)
    model = mdb.load_model("genzprot", true.atoms)  # decides on more frames than are in the file
    run = mdb.BackmapTrajectory(cg.atoms, model, bead_tolerance=0).run(stop=3)
    expected = mdb.BackmapTrajectory(true.atoms, model, bead_tolerance=0).run(stop=3)
    assert_allclose(run.results.positions, expected.results.positions, atol=0.02)
    assert run.results.provenance["conversion"]["scale"] == 10
    assert "scale" not in expected.results.provenance["conversion"]


def test_scales_of_one_trajectory_are_multiplied(in_nm):
    u = mda.Universe(GO_PDB, in_nm)
    assert scale_of(u.trajectory) == 1
    u.trajectory.add_transformations(lambda ts: ts, Scale(2), Scale(5))
    assert scale_of(u.trajectory) == 10


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf, "10", None, True])
def test_what_is_no_factor(factor):
    with pytest.raises(ValueError, match="above 0"):
        Scale(factor)
