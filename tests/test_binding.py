"""A model of one molecule meets beads: the right ones, others, and the atoms themselves."""

import numpy as np
import pytest
from molecules import alkane, frames, model_of, pairs_of_carbons

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.molecule.grouping import Groups, group_mapping
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.universes.coarse import coarse_universe
from mdbackmap.universes.universe import universe_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def atoms():
    topology = alkane(8)
    u = universe_of(topology)
    u.load_new(frames(topology, 6))
    return u.atoms


@pytest.fixture
def model(folder):
    checkpoint.save("mine.pt", model_of(pairs_of_carbons(alkane(8))), {}, half=True)
    return checkpoint.load("mine.pt")[0]


def test_the_whole_way(model, atoms, folder):
    cg = coarse_universe(atoms, model.molecule)
    bound = mdb.load_model("mine.pt", cg)
    assert repr(bound) == "Backmapper(mine: 4 beads -> 26 atoms; 4 residues, A 1-7; cpu)"
    u = bound.lift(cg)
    u.trajectory.add_transformations(mdb.Backmap(bound, seed=3))
    made = [ts.positions.copy() for ts in u.trajectory]
    np.testing.assert_allclose(
        model.molecule.project(np.array(made)), [ts.positions.copy() for ts in cg.trajectory], atol=1e-4
    )
    results = mdb.BackmapTrajectory(cg.atoms, bound, filename="aa.pdb", seed=3).run().results
    assert results.n_frames == 6 and not results.strained.any()
    again = mdb.BackmapTrajectory(cg.atoms, bound, seed=3).run().results.positions
    np.testing.assert_allclose(again, made, atol=1e-4)
    assert u.atoms.names.tolist() == atoms.names.tolist() and len(u.bonds) == 25


def test_true_atoms_are_projected_by_the_transformation(model, atoms):
    cg = coarse_universe(atoms, model.molecule)
    bound = mdb.load_model("mine.pt", cg)
    expected = bound.sample([cg.trajectory[4].positions], [4])[0]
    atoms.universe.trajectory.add_transformations(mdb.Backmap(bound))
    np.testing.assert_allclose(atoms.universe.trajectory[4].positions, expected, atol=1e-4)


def test_beads_that_do_not_fit(model, atoms):
    cg = coarse_universe(atoms, model.molecule)
    with pytest.raises(MappingError, match="3 particles, but the model 'mine' was trained on one molecule of 4 beads"):
        mdb.load_model("mine.pt", cg.atoms[:3])
    with pytest.raises(MappingError, match="mdbackmap coarsen"):
        mdb.load_model("mine.pt", atoms)
    with pytest.raises(MappingError, match="bead 0 is called B4, expected B1"):
        mdb.load_model("mine.pt", cg.atoms[::-1])
    cg.residues[1].resname = "LYS"
    with pytest.raises(MappingError, match=r"bead 1 is of residue LYS, expected ALK \(1 of 4"):
        mdb.load_model("mine.pt", cg)


def test_beads_of_other_names_are_taken_in_order(model, atoms):
    cg = coarse_universe(atoms, model.molecule)
    cg.atoms.names, cg.residues.resnames = ["P1", "P2", "P3", "P4"], ["UNK"] * 4
    assert mdb.load_model("mine.pt", cg).n_atoms == 26


def test_options_that_say_nothing_here(model, atoms):
    cg = coarse_universe(atoms, model.molecule)
    for options in ({"sequence": "AAAA"}, {"breaks": "auto"}, {"mapping": "ca"}):
        with pytest.raises(MappingError, match="leave it out"):
            mdb.load_model("mine.pt", cg, **options)
    assert mdb.load_model("mine.pt", cg, mapping="blocks:2").n_beads == 4


def test_beads_that_are_atoms_are_found_among_the_atoms(folder, atoms):
    topology = alkane(8)
    residues = [np.flatnonzero(topology.residue_of_atom == k) for k in range(8)]
    groups = Groups(residues, "carbons", [np.eye(1, len(group))[0] for group in residues])
    checkpoint.save("carbons.pt", model_of(group_mapping(topology, groups)), {})
    bound = mdb.load_model("carbons.pt", atoms)
    assert atoms.universe.atoms[bound.indices].names.tolist() == [f"C{k}" for k in range(1, 9)]


def test_boxes_cut_nothing(model, atoms):
    """A molecule wrapped atom by atom gives the same beads, and beads wrapped one by one the same atoms."""
    box = np.array([14.0, 15.0, 16.0, 90.0, 90.0, 90.0])
    whole = atoms.universe.trajectory[0].positions.copy()
    free = coarse_universe(atoms, model.molecule)
    expected = mdb.load_model("mine.pt", free).sample([free.atoms.positions], [0])[0]
    cut = universe_of(alkane(8))
    cut.load_new((whole % box[:3])[None], dimensions=box)
    beads = coarse_universe(cut.atoms, model.molecule).atoms.positions
    shift = beads - free.atoms.positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-4)
    wrapped = (free.atoms.positions % box[:3]).astype(np.float32)
    found = mdb.load_model("mine.pt", free).sample([wrapped], [0], dimensions=[box])[0]
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-3)


def test_a_coarse_universe_is_an_ordinary_one(model, atoms):
    cg = coarse_universe(atoms, model.molecule)
    assert len(cg.trajectory) == 6 and len(cg.trajectory[::2]) == 3
    forward = [ts.positions.copy() for ts in cg.trajectory]
    np.testing.assert_array_equal(cg.trajectory[3].positions, forward[3])
    copy = cg.trajectory.copy()
    np.testing.assert_array_equal(copy[5].positions, forward[5])
    np.testing.assert_array_equal(cg.copy().trajectory[2].positions, forward[2])
