"""What universes say of molecules: from files that say little, in boxes, and selections by place."""

import MDAnalysis as mda
import numpy as np
import pytest
from molecules import alkane

from mdbackmap.universes.universe import universe_of
from mdbackmap.universes.whole import read_topology, read_whole, selector


def straight(topology):
    """Positions (A, 3) of an alkane as a comb, hydrogens 1.09 angstrom from their carbon."""
    step = np.array([[0, 0, 0], [0, 1.09, 0], [0, -0.5, 0.97], [0, -0.5, -0.97]])
    owner = topology.residue_of_atom
    place = np.concatenate([np.arange(count) for count in np.bincount(owner)])
    return (step[place] + owner[:, None] * [1.53, 0, 0] + 5.0).astype(np.float32)


@pytest.fixture
def gro(tmp_path):
    """A GRO file: names and residues, a box, no elements, no bonds; the molecule wrapped into the box."""
    topology = alkane(5)
    u = universe_of(topology)
    u.load_new((straight(topology) % 9.0)[None], dimensions=[9.0, 12, 12, 90, 90, 90])
    u.dimensions = [11.0, 12, 12, 90, 90, 90]
    u.atoms.positions = straight(topology) % np.array([11.0, 12, 12])
    u.atoms.write(str(tmp_path / "aa.gro"))
    return mda.Universe(str(tmp_path / "aa.gro")).atoms


def test_elements_and_bonds_are_found(gro):
    topology, expected = read_topology(gro), alkane(5)
    assert topology.elements.tolist() == expected.elements.tolist()
    assert topology.resnames.tolist() == ["ALK"] * 5
    assert topology.bonds.tolist() == sorted(expected.bonds.tolist())  # across the wall of the box, too


def test_frames_are_made_whole(gro):
    topology = alkane(5)
    found = read_whole(gro, topology.bonds, [0])[0]
    expected = straight(topology)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.011)  # GRO rounds


def test_names_of_residues_stay(tmp_path):
    topology = alkane(3)
    u = universe_of(topology)
    u.residues.resnames = ["HIE", "MSE", "lig"]
    u.load_new(straight(topology)[None])
    assert read_topology(u.atoms).resnames.tolist() == ["HIE", "MSE", "lig"]


def test_frames_that_are_not_finite_are_refused():
    topology = alkane(3)
    u = universe_of(topology)
    positions = np.stack([straight(topology)] * 2)
    positions[1, 4] = np.nan
    u.load_new(positions)
    assert read_whole(u.atoms, topology.bonds, [0]).shape == (1, 11, 3)
    with pytest.raises(ValueError, match="frame 1: the position of .*C2.* is NaN or infinite; leave the frame out"):
        read_whole(u.atoms, topology.bonds, [0, 1])


def test_selections_are_places():
    u = universe_of(alkane(3))
    part = u.atoms[4:]
    assert selector(part)("name C2").tolist() == [0]
    assert selector(part)("name C1").tolist() == []
