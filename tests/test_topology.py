"""Topology: residue identity, and the heavy atoms and bonds of a protein."""

import pickle

import MDAnalysis as mda
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdbackmap.chemistry import residues
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.topology import Topology

SEQUENCES = st.lists(st.sampled_from(residues.RESIDUE_NAMES), min_size=1, max_size=12)


def trace(resnames, ends=None, **changed):
    """A C-alpha trace in chain A, numbered from 1."""
    n = len(resnames)
    fields = {"resids": np.arange(1, n + 1), "icodes": [""] * n, "chainIDs": ["A"] * n, "segids": [""] * n}
    return Topology(["CA"] * n, [""] * n, np.arange(n), resnames, **(fields | changed), ends=ends)


@given(SEQUENCES, st.data())
def test_every_residue_gets_its_atoms_in_order(resnames, data):
    ends = np.array(data.draw(st.lists(st.booleans(), min_size=len(resnames), max_size=len(resnames))))
    ends[-1] = True
    fine = protein_topology(trace(resnames, ends))
    for i, name in enumerate(resnames):
        assert tuple(fine.names[fine.residue_of_atom == i]) == residues.ATOMS[name]
    assert all(element == name[0] for element, name in zip(fine.elements, fine.names, strict=True))
    assert np.all(fine.masses >= 12.0)


@given(SEQUENCES, st.data())
def test_bonds_join_a_stretch_and_stop_at_its_end(resnames, data):
    ends = np.array(data.draw(st.lists(st.booleans(), min_size=len(resnames), max_size=len(resnames))))
    ends[-1] = True
    fine = protein_topology(trace(resnames, ends))
    piece = np.arange(fine.n_atoms)  # atoms joined by bonds share a label
    for _ in range(fine.n_atoms):
        low = np.minimum(piece[fine.bonds[:, 0]], piece[fine.bonds[:, 1]])
        if np.array_equal(low, piece[fine.bonds[:, 0]]) and np.array_equal(low, piece[fine.bonds[:, 1]]):
            break
        np.minimum.at(piece, fine.bonds[:, 0], low)
        np.minimum.at(piece, fine.bonds[:, 1], low)
    assert len(np.unique(piece)) == np.count_nonzero(ends)
    assert np.all(fine.bonds[:, 0] < fine.bonds[:, 1])
    assert len(np.unique(fine.bonds, axis=0)) == len(fine.bonds)
    assert len(fine.bonds) == sum(len(residues.BONDS[x]) for x in resnames) + np.count_nonzero(~ends)


def test_peptide_bond_is_between_c_and_n():
    fine = protein_topology(trace(["GLY", "PRO"]))
    across = fine.bonds[fine.residue_of_atom[fine.bonds[:, 0]] != fine.residue_of_atom[fine.bonds[:, 1]]]
    assert fine.names[across].tolist() == [["C", "N"]]


def test_types_are_positions_in_the_alphabet():
    topology = trace(["ALA", "VAL", "XYZ"])
    assert topology.types.tolist() == [0, 19, -1]
    assert topology.sequence == "AVX"
    assert trace(residues.RESIDUE_NAMES).sequence == residues.ALPHABET


def test_residues_that_share_number_and_code_stay_apart():
    twin = {"resids": [52, 52, 52, 52], "icodes": ["", "A", "", "A"], "chainIDs": list("LLHH")}
    fine = protein_topology(trace(["GLY"] * 4, **twin))
    assert fine.n_residues == 4
    assert fine.icodes.tolist() == ["", "A", "", "A"]
    assert fine.chainIDs.tolist() == list("LLHH")
    assert fine.ends.tolist() == [False, True, False, True]


def test_protein_topology_names_a_residue_it_does_not_know():
    with pytest.raises(ValueError, match="XYZ 2.*not an amino acid.*aliases"):
        protein_topology(trace(["ALA", "XYZ"]))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("resids", [1], "resids has shape"),
        ("residue_of_atom", [1, 0], "sort the atoms"),
        ("residue_of_atom", [0, 2], "within 0..1"),
        ("bonds", [[0, 2]], "bonds name atoms outside 0..1"),
        ("disulfides", [[0, 2]], "disulfides name residues outside 0..1"),
        ("caps", ["", ""], "caps has shape"),
    ],
)
def test_arrays_that_disagree_are_refused(field, value, message):
    good = trace(["ALA", "GLY"])
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        Topology(**(fields | {field: value}))


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        trace(["ALA"]).resnames[0] = "GLY"


def test_pickles():
    topology = protein_topology(trace(["ALA", "TRP"]))
    again = pickle.loads(pickle.dumps(topology))
    for name in topology.__dataclass_fields__:
        assert np.array_equal(getattr(again, name), getattr(topology, name))


def told():
    """Four residues of which the input tells more than names."""
    return trace(
        ["CYS", "HIS", "CYS", "LYS"],
        chainIDs=list("AAAB"),
        cis=[False, True, False, False],
        variants=["CYX", "HIE", "CYX", "CLYS"],
        caps=[["ACE", ""], ["", ""], ["", "NME"], ["", ""]],
        disulfides=[[2, 0]],
        bonds=[[0, 1], [1, 2]],
    )


def test_what_goes_without_saying():
    topology = trace(["HIS", "GLY"])
    assert topology.variants.tolist() == ["HIS", "GLY"]
    assert topology.caps.tolist() == [["", ""]] * 2
    assert not topology.hetero.any() and topology.disulfides.shape == (0, 2)


def test_atoms_of_a_protein_keep_what_was_told():
    fine = protein_topology(told())
    for name in ("resnames", "resids", "ends", "cis", "variants", "caps", "hetero", "disulfides"):
        assert np.array_equal(getattr(fine, name), getattr(told(), name)), name
    sulfur = np.flatnonzero(fine.names == "SG")
    assert fine.resnames[fine.residue_of_atom[sulfur]].tolist() == ["CYS", "CYS"]
    assert sulfur.tolist() in fine.bonds.tolist()


def test_residues_in_another_order_keep_what_was_told():
    topology = protein_topology(told())
    other = topology.take([3, 0, 1, 2])
    assert other.variants.tolist() == ["CLYS", "CYX", "HIE", "CYX"]
    assert other.caps[:, 0].tolist() == ["", "ACE", "", ""]
    assert other.disulfides.tolist() == [[1, 3]]
    assert {tuple(bond) for bond in other.take([1, 2, 3, 0]).bonds.tolist()} == {
        tuple(b) for b in topology.bonds.tolist()
    }
    assert np.array_equal(other.names, topology.names[topology.atoms_of([3, 0, 1, 2])])


def test_a_part_has_the_bonds_within_it_and_ends_where_it_was_cut():
    part = told().take([0, 1, 3])
    assert part.bonds.tolist() == [[0, 1]] and len(part.disulfides) == 0
    assert part.ends.tolist() == [False, True, True]
    assert part.resids.tolist() == [1, 2, 4]


def test_topologies_beside_each_other():
    first, second = protein_topology(told()), protein_topology(trace(["GLY"], chainIDs=["W"], variants=["CGLY"]))
    both = first.beside(second)
    assert both.n_atoms == first.n_atoms + 4 and both.chainIDs.tolist() == list("AAABW")
    for part, chosen in ((first, range(4)), (second, [4])):
        again = both.take(chosen)
        for name in part.__dataclass_fields__:
            assert np.array_equal(getattr(again, name), getattr(part, name)), name


def test_from_atoms_of_an_atomgroup():
    u = mda.Universe.empty(5, n_residues=2, atom_resindex=[0, 0, 0, 1, 1], n_segments=1)
    u.add_TopologyAttr("names", ["N", "CA", "C", "N", "CA"])
    u.add_TopologyAttr("elements", ["N", "C", "C", "N", "C"])
    u.add_TopologyAttr("resnames", ["HIE", "LIG"])
    u.add_TopologyAttr("resids", [7, 7])
    u.add_TopologyAttr("icodes", ["", "B"])
    u.add_TopologyAttr("chainIDs", ["C"] * 5)
    u.add_TopologyAttr("bonds", [(0, 1), (1, 2), (2, 3), (3, 4)])
    topology = Topology.from_atoms(u.atoms[1:], aliases={"LIG": "ALA"})
    assert topology.resnames.tolist() == ["HIS", "ALA"]
    assert topology.variants.tolist() == ["HIE", "LIG"]
    assert topology.resids.tolist() == [7, 7]
    assert topology.icodes.tolist() == ["", "B"]
    assert topology.residue_of_atom.tolist() == [0, 0, 1, 1]
    assert topology.bonds.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert topology.chainIDs.tolist() == ["C", "C"]


def test_from_atoms_without_any_attribute():
    u = mda.Universe.empty(3, n_residues=3, atom_resindex=[0, 1, 2])
    topology = Topology.from_atoms(u.atoms)
    assert topology.resids.tolist() == [1, 2, 3]
    assert topology.chainIDs.tolist() == ["A"] * 3
    assert topology.sequence == "XXX"


def test_from_atoms_wants_residues_whole():
    u = mda.Universe.empty(3, n_residues=2, atom_resindex=[0, 1, 0])
    with pytest.raises(ValueError, match="do not lie together"):
        Topology.from_atoms(u.atoms)


def test_segments_give_chain_letters_where_chains_are_missing():
    u = mda.Universe.empty(3, n_residues=3, n_segments=3, atom_resindex=[0, 1, 2], residue_segindex=[0, 1, 2])
    u.add_TopologyAttr("segids", ["PROA", "B", "PROC"])
    topology = Topology.from_atoms(u.atoms)
    assert topology.chainIDs.tolist() == ["A", "B", "C"]
    assert topology.segids.tolist() == ["PROA", "B", "PROC"]
    assert topology.ends.all()


def test_a_chain_without_a_name_does_not_join_a_named_one():
    u = mda.Universe.empty(2, n_residues=2, atom_resindex=[0, 1])
    u.add_TopologyAttr("chainIDs", ["A", ""])
    assert Topology.from_atoms(u.atoms).chainIDs.tolist() == ["A", "B"]


def test_repr_shows_stretches():
    ends = [False, True, True]
    assert repr(trace(["ALA"] * 3, ends)) == "Topology(3 atoms, 3 residues, 2 stretches: A 1-2, A 3)"
