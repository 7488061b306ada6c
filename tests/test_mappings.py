"""Mappings by name: groups of atoms, partitions of the bond graph, weights, plain values."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molecules import alkane, frames

from mdbackmap.molecule import bonds
from mdbackmap.molecule.bonds import find_bonds, molecules, nearest_owner, pairs_within
from mdbackmap.molecule.grouping import Groups, group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.molecule.named import named_mapping
from mdbackmap.molecule.partition import partition
from mdbackmap.molecule.plain import from_plain, to_plain
from mdbackmap.molecule.topology import Topology


def sizes(groups):
    return [len(group) for group in groups.atoms]


def connected(part, bonds):
    place = {atom: k for k, atom in enumerate(part)}
    inner = [(place[i], place[j]) for i, j in bonds.tolist() if i in place and j in place]
    return molecules(len(part), inner).max() == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(1, 10))
def test_partition_is_whole_connected_and_even(seed, n_atoms, n_parts):
    rng = np.random.default_rng(seed)
    bonds = np.array([(rng.integers(0, j), j) for j in range(1, n_atoms)])
    n_parts = min(n_parts, n_atoms)
    parts = partition(n_atoms, bonds, n_parts)
    assert len(parts) == n_parts and min(len(part) for part in parts) > 0
    assert sorted(np.concatenate(parts)) == list(range(n_atoms))
    assert all(connected(part, bonds) for part in parts)


def test_partition_of_a_chain_is_even():
    chain = np.array([(k, k + 1) for k in range(29)])
    parts = [len(part) for part in partition(30, chain, 5)]
    assert max(parts) - min(parts) <= 2


def test_hydrogens_stay_with_their_carbon():
    topology = alkane(8)
    for part in partition(topology.n_atoms, topology.bonds, 4):
        assert {name[1] for name in topology.names[part]} == {
            name[1]
            for name, element in zip(topology.names[part], topology.elements[part], strict=True)
            if element == "C"
        }


def test_separate_molecules_share_no_bead():
    topology = alkane(4, n_copies=3)
    label = molecules(topology.n_atoms, topology.bonds)
    for kind in ("graph:7", "beads:7", "atoms:5", "blocks:3", "residue"):
        assert all(len(set(label[group])) == 1 for group in groups_of(kind, topology).atoms), kind
    with pytest.raises(MappingError, match="2 beads for 42 atoms in 3 molecules"):
        groups_of("graph:2", topology)
    with pytest.raises(MappingError, match="at least one a chain"):
        groups_of("beads:2", topology)


def test_kinds():
    topology = alkane(6)
    assert sizes(groups_of("residue", topology)) == [4, 3, 3, 3, 3, 4]
    assert sizes(groups_of("blocks:4", topology)) == [13, 7]
    assert sizes(groups_of("atoms:8", topology)) == [8, 8, 4]
    assert sizes(groups_of("beads:3", topology)) == [7, 6, 7]
    assert sizes(groups_of("beads:10", topology)) == [2] * 10
    assert len(groups_of("graph:5", topology).atoms) == 5


def test_selections_indices_and_files(tmp_path):
    topology = alkane(4)
    found = groups_of(["C1", "C3"], topology, lambda name: np.flatnonzero(topology.names == name))
    assert [group.tolist() for group in found.atoms] == [[0], [7]]
    assert [group.tolist() for group in groups_of([[0, 1], [4]], topology).atoms] == [[0, 1], [4]]
    (tmp_path / "mine.json").write_text(json.dumps({"beads": [[0, 1], [4, 5]], "weights": [[3, 1], [1, 1]]}))
    mapping = group_mapping(topology, groups_of(tmp_path / "mine.json", topology))
    assert mapping.name == "mine" and mapping.weights.tolist() == [0.75, 0.25, 0.5, 0.5]
    assert mapping.bead_of_atom.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]  # along the bonds


def test_c_alphas_alone_have_weight():
    names, owner = ["N", "CA", "C", "O"] * 3, np.repeat([0, 1, 2], 4)
    topology = Topology(names, list("NCCO") * 3, owner, ["GLY"] * 3, [1, 2, 3], [""] * 3, ["A"] * 3, [""] * 3)
    mapping = group_mapping(topology, groups_of("ca", topology))
    assert mapping.atoms.tolist() == [1, 5, 9] and mapping.bead_of_atom.tolist() == owner.tolist()
    assert mapping.coarse.names.tolist() == [f"B{k}" for k in (1, 2, 3)]
    with pytest.raises(MappingError, match="no residue has an atom CA"):
        groups_of("ca", alkane(3))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("residues", "is not known: expected one of residue"),
        ("blocks", "expected a whole number above 0"),
        ("graph:x", "expected a whole number above 0"),
        ("none.json", "no such file"),
        ("learned:3", "learned from frames, in training"),
        ([[0], [0, 1]], "atom 0 is in 2 groups"),
        ([[0], []], "bead 1 has no atoms"),
        ([[0], [99]], "bead 1 names atom 99"),
        ([], "no beads"),
        (["name C1"], "needs the atoms of a Universe"),
        (["name C1", [3]], "mixes selections and indices"),
    ],
)
def test_what_is_wrong_is_said(kind, message):
    topology = alkane(3)
    with pytest.raises(MappingError, match=message):
        group_mapping(topology, groups_of(kind, topology))


def test_a_file_that_is_not_understood(tmp_path):
    (tmp_path / "bad.json").write_text('{"atoms": [1]}')
    with pytest.raises(MappingError, match="not understood"):
        groups_of(tmp_path / "bad.json", alkane(3))


def test_centres_of_mass_and_of_geometry():
    topology = alkane(3)
    positions = frames(topology)
    for weights, share in (("geometry", np.ones(topology.n_atoms)), ("mass", topology.masses)):
        mapping = group_mapping(topology, groups_of("residue", topology), weights)
        expected = [
            np.average(
                positions[:, topology.residue_of_atom == k], axis=1, weights=share[topology.residue_of_atom == k]
            )
            for k in range(3)
        ]
        np.testing.assert_allclose(mapping.project(positions), np.stack(expected, 1), atol=1e-5)
    with pytest.raises(MappingError, match="expected 'geometry'"):
        group_mapping(topology, groups_of("residue", topology), "charge")


def test_bonds_between_beads_follow_those_of_the_atoms():
    topology = alkane(6, n_copies=2)
    mapping = group_mapping(topology, groups_of("residue", topology))
    expected = [[k, k + 1] for k in range(5)] + [[k, k + 1] for k in range(6, 11)]
    assert mapping.coarse.bonds.tolist() == expected
    assert mapping.coarse.chainIDs.tolist() == ["A"] * 6 + ["B"] * 6


def test_bonds_are_found_from_distances():
    topology = alkane(5)
    chain = np.zeros((1, topology.n_atoms, 3))
    carbon = topology.residue_of_atom
    step = np.array([[0, 0, 0], [0, 1.09, 0], [0, -0.5, 0.97], [0, -0.5, -0.97]])
    place = np.concatenate([np.arange((carbon == k).sum()) for k in range(5)])
    chain[0] = step[place] + carbon[:, None] * [1.53, 0, 0]
    bare = Topology(**{**{k: v for k, v in vars(topology).items()}, "bonds": None})
    assert find_bonds(bare, chain).tolist() == sorted(topology.bonds.tolist())
    beads = Topology(["B"] * 3, [""] * 3, [0, 1, 2], ["X"] * 3, [1, 2, 3], [""] * 3, ["A", "A", "B"], [""] * 3)
    assert find_bonds(beads, np.zeros((1, 3, 3))).tolist() == [[0, 1]]


def test_a_molecule_of_one_residue():
    """A small organic molecule: several beads in its only residue, and the whole in one."""
    one = Topology(["C1", "C2", "O"], list("CCO"), [0, 0, 0], ["LIG"], [1], [""], ["A"], [""], bonds=[[0, 1], [1, 2]])
    for kind, n_beads in (("residue", 1), ("graph:2", 2), ("atoms:1", 3)):
        mapping = group_mapping(one, groups_of(kind, one))
        assert mapping.n_beads == n_beads and mapping.coarse.n_residues == 1


def test_pairs_and_owners_along_bonds(monkeypatch):
    topology = alkane(3)
    pairs = pairs_within(topology.n_atoms, topology.bonds, 2)
    monkeypatch.setattr(bonds, "_ROWS", 3)  # atoms at a time
    np.testing.assert_array_equal(pairs_within(topology.n_atoms, topology.bonds, 2), pairs)
    assert len(pairs) == 10 + 18  # ten bonds; 6 angles at each of three carbons
    assert nearest_owner([0, -1, -1], []).tolist() == [0, 0, 0]


def test_plain_values_hold_everything():
    mapping = group_mapping(alkane(5), groups_of("blocks:2", alkane(5)), "mass")
    plain = json.loads(json.dumps(to_plain(mapping)))
    again = from_plain(plain)
    assert to_plain(again) == plain and repr(again) == repr(mapping)
    for name in ("beads", "atoms", "weights", "bead_of_atom"):
        np.testing.assert_array_equal(getattr(again, name), getattr(mapping, name), err_msg=name)
    for name in vars(mapping.fine):
        for side in ("fine", "coarse"):
            one, other = (getattr(getattr(whole, side), name) for whole in (again, mapping))
            np.testing.assert_array_equal(one, other, err_msg=f"{side} {name}")
    with pytest.raises(ValueError, match="no mapping"):
        from_plain({"name": "x"})


def test_plain_values_of_before_topologies_kept_variants():
    mapping = group_mapping(alkane(5), groups_of("blocks:2", alkane(5)))
    plain = to_plain(mapping)
    for side in ("coarse", "fine"):
        plain[side] = {key: plain[side][key] for key in plain[side] if key not in ("variants", "caps", "hetero")}
        del plain[side]["disulfides"]
    again = from_plain(plain)
    assert again.fine.variants.tolist() == again.fine.resnames.tolist()
    assert to_plain(again) == to_plain(mapping)


def test_the_mapping_of_a_model():
    topology = alkane(5)
    mapping = group_mapping(topology, groups_of("blocks:2", topology))
    assert named_mapping("mine.pt", topology, load=lambda name: mapping) is mapping
    with pytest.raises(MappingError, match="atom 0 is called"):
        named_mapping("mine.pt", Topology(**{**vars(topology), "names": topology.names[::-1]}), load=lambda _: mapping)
    with pytest.raises(MappingError, match="8 atoms, but mine.pt was trained on 17, hydrogens included"):
        named_mapping("mine.pt", alkane(2), load=lambda name: mapping)
    with pytest.raises(MappingError, match="many molecules"):
        named_mapping("genzprot.pt", topology, load=lambda name: None)


def test_group_mapping_is_a_mapping():
    topology = alkane(4)
    mapping = group_mapping(topology, Groups([[0, 1, 2, 3], [4, 7]], "some"))
    assert isinstance(mapping, Mapping)
    beads = mapping.project(frames(topology))
    np.testing.assert_allclose(mapping.project(mapping.lift(beads)), beads, atol=1e-6)
