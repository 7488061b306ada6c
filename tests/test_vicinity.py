"""Large molecules: what is made to decide on disulfides and tautomers, and by what a trace is judged."""

import logging

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from MDAnalysis.lib.mdamath import triclinic_vectors

import mdbackmap as mdb
from mdbackmap.datafiles import CRAMBIN_PDB
from mdbackmap.hydrogen import vicinity
from mdbackmap.hydrogen.vicinity import Vicinity
from mdbackmap.molecule.nearby import near, near_pairs
from mdbackmap.packing import pairs
from mdbackmap.sampling.treatment import judged_by


@pytest.fixture
def line():
    """Two structures of a straight chain of 300 residues."""
    return np.arange(300)[None, :, None] * np.array([3.8, 0.0, 0.0]) + np.zeros((2, 1, 1))


def test_small_molecules_are_made_whole(line):
    found = Vicinity.of(line, [1, 200], [50])
    assert (found.structures, found.residues, found.cysteines, found.histidines) == (2, None, [1, 200], [50])


def test_cysteines_alone_are_left_out_and_surroundings_made(line, monkeypatch):
    monkeypatch.setattr(vicinity, "_MOST", 100)
    found = Vicinity.of(line, [1, 3, 200], [50])
    assert (found.structures, found.cysteines, found.histidines) == (2, [1, 3], [50])
    assert found.residues.tolist() == [*range(9), *range(45, 56)]  # three on either side, and two more


def test_fewer_structures_and_then_fewer_histidines(line, monkeypatch, caplog):
    monkeypatch.setattr(vicinity, "_MOST", 24)
    with caplog.at_level(logging.INFO, "mdbackmap"):
        found = Vicinity.of(line, [], [50, 100, 150])
    assert (found.structures, found.histidines, len(found.residues)) == (1, [50, 100], 22)
    assert "1 histidines are HIE unless" in caplog.text


def test_cysteines_are_made_however_many(line, monkeypatch):
    monkeypatch.setattr(vicinity, "_MOST", 5)
    found = Vicinity.of(line, [1, 3], [50])
    assert (found.structures, found.residues.tolist(), found.cysteines, found.histidines) == (
        1,
        list(range(9)),
        [1, 3],
        [],
    )


def test_nothing_to_decide_on(line, monkeypatch):
    monkeypatch.setattr(vicinity, "_MOST", 1)
    assert Vicinity.of(line, [1, 200], []).residues.tolist() == []


def test_disulfides_are_those_of_the_whole(monkeypatch):
    beads = mda.Universe(CRAMBIN_PDB).select_atoms("name CA")
    monkeypatch.setattr(vicinity, "_MOST", 45)
    fine = mdb.load_model("genzprot", beads).mapping.fine
    assert fine.disulfides.tolist() == [[2, 39], [3, 31], [15, 25]]


@pytest.mark.parametrize("most", [20_000, 45])
def test_disulfides_over_the_faces_of_a_box(monkeypatch, most):
    """Crambin cut in two chains, which lie in different images; its three bonds are found, and its atoms the same."""
    beads = mda.Universe(CRAMBIN_PDB).select_atoms("name CA")
    cut = mda.Merge(beads)
    cut.add_TopologyAttr("chainIDs", ["A"] * 20 + ["B"] * 26)
    cut.dimensions = [50, 55, 60, 80, 90, 100]
    together = mdb.load_model("genzprot", cut.atoms).topology
    cut.atoms[20:].positions += triclinic_vectors(cut.dimensions)[[0, 2]].sum(0)
    monkeypatch.setattr(vicinity, "_MOST", most)
    apart = mdb.load_model("genzprot", cut.atoms).topology
    assert apart.disulfides.tolist() == [[2, 39], [3, 31], [15, 25]]
    assert apart.names.tolist() == together.names.tolist()


@pytest.mark.parametrize("dimensions", [[30, 30, 30, 90, 90, 90], [25, 30, 35, 70, 80, 100], [8, 9, 10, 90, 90, 90]])
def test_near_pairs_of_one_set_are_those_of_two(dimensions):
    points = np.random.default_rng(0).uniform(-40, 60, (300, 3)).astype(np.float32)
    box = triclinic_vectors(dimensions).astype(float)
    pairs, distances = near(points, points, 3.9, box)
    once = pairs[:, 0] < pairs[:, 1]
    found = near_pairs(points, 3.9, box)
    assert len(found[0]) and np.array_equal(found[0], pairs[once])
    np.testing.assert_allclose(found[1], distances[once], atol=1e-6)


def test_large_traces_are_judged_by_whole_stretches_here_and_there():
    ends = np.arange(1, 1001) % 10 == 0
    frames, rows = judged_by(3, ends, most=200)
    assert frames.tolist() == [0] and len(rows) == 200 and (np.bincount(rows // 10)[np.unique(rows // 10)] == 10).all()
    assert np.diff(np.unique(rows // 10)).max() < 10  # all over the system
    assert judged_by(1, np.arange(50) == 49, most=20)[1].tolist() == list(range(20))


@pytest.mark.parametrize("boxed", [False, True])
def test_close_rows_frame_by_frame(boxed, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    places, frames = torch.rand(200, 3, generator=generator) * 40, torch.randint(0, 3, (200,), generator=generator)
    box = torch.eye(3).expand(3, 3, 3) * 40 if boxed else None
    wanted = pairs.close_rows(places, frames, places, frames, 8.0, box)
    monkeypatch.setattr(pairs, "_DENSE", 0)
    found = pairs.close_rows(places, frames, places, frames, 8.0, box)
    assert len(wanted[0]) > 300 and all(map(torch.equal, found, wanted))
