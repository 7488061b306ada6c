"""Mapping: projection and lifting as linear maps, and their composition."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mdbackmap.chemistry import residues
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.molecule.topology import Topology

SEQUENCES = st.lists(st.sampled_from(residues.RESIDUE_NAMES), min_size=1, max_size=8)
COORDINATES = st.floats(-1e4, 1e4, width=32)


def beads_only(n, name="B"):
    """A topology of n beads in n residues that are no amino acids."""
    return Topology(
        [f"{name}{i}" for i in range(n)], [""] * n, range(n), ["X"] * n, range(n), [""] * n, ["A"] * n, [""] * n
    )


def ca(resnames):
    n = len(resnames)
    return Mapping.ca(Topology(["CA"] * n, [""] * n, range(n), resnames, range(n), [""] * n, ["A"] * n, [""] * n))


def dense(mapping):
    """The same mapping as a matrix: the obviously right twin."""
    matrix = np.zeros((mapping.n_beads, mapping.n_atoms))
    matrix[mapping.beads, mapping.atoms] = mapping.weights
    return matrix


@st.composite
def mappings(draw, n_beads, n_atoms, names=("coarse", "fine")):
    """Any mapping whose beads all own atoms, some atoms counting in several beads."""
    shares = draw(hnp.arrays(np.float64, (n_beads, n_atoms), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5, 12.0])))
    shares[np.arange(n_beads), draw(hnp.arrays(int, n_beads, elements=st.integers(0, n_atoms - 1)))] += 1.0
    shares /= shares.sum(axis=1, keepdims=True)
    beads, atoms = np.nonzero(shares)
    rest = draw(hnp.arrays(int, n_atoms, elements=st.integers(0, n_beads - 1)))
    return Mapping(
        beads_only(n_beads, names[0]), beads_only(n_atoms, names[1]), names[0], beads, atoms, shares[beads, atoms], rest
    )


@given(SEQUENCES, st.data())
def test_ca_project_undoes_lift_exactly(resnames, data):
    mapping = ca(resnames)
    beads = data.draw(hnp.arrays(np.float32, (2, len(resnames), 3), elements=COORDINATES))
    atoms = mapping.lift(beads)
    assert atoms.shape == (2, mapping.n_atoms, 3)
    again = mapping.project(atoms)
    assert again.dtype == np.float32
    assert np.array_equal(again, beads)


@given(SEQUENCES)
def test_ca_beads_are_the_atoms_ca_of_their_residues(resnames):
    mapping = ca(resnames)
    assert np.all(mapping.fine.names[mapping.atoms] == "CA")
    assert np.array_equal(mapping.fine.residue_of_atom[mapping.atoms], np.arange(mapping.n_beads))
    positions = np.random.default_rng(0).normal(size=(mapping.n_atoms, 3))
    assert np.array_equal(mapping.project(positions), positions[mapping.fine.names == "CA"])


@given(mappings(3, 7), hnp.arrays(np.float64, (2, 7, 3), elements=COORDINATES))
def test_project_is_the_weighted_mean(mapping, positions):
    assert np.allclose(mapping.project(positions), dense(mapping) @ positions, atol=1e-9)


@given(st.data())
def test_weighted_project_undoes_lift(data):
    rest = np.sort(data.draw(hnp.arrays(int, 9, elements=st.integers(0, 2))))
    rest[:3] = [0, 1, 2]  # every bead owns an atom
    shares = data.draw(hnp.arrays(np.float64, 9, elements=st.floats(0.5, 32.0)))
    weights = shares / np.bincount(rest, shares)[rest]
    mapping = Mapping(beads_only(3), beads_only(9), "com", rest, range(9), weights, rest)
    beads = data.draw(hnp.arrays(np.float32, (4, 3, 3), elements=COORDINATES))
    again = mapping.project(mapping.lift(beads))
    assert again.dtype == np.float32
    assert np.allclose(again, beads, rtol=1e-6, atol=1e-6)


@given(mappings(2, 4, ("a", "b")), mappings(4, 7, ("b", "c")), mappings(7, 11, ("c", "d")))
def test_then_composes_and_is_associative(first, second, third):
    both = first.then(second)
    assert np.allclose(dense(both), dense(first) @ dense(second))
    assert np.array_equal(both.bead_of_atom, first.bead_of_atom[second.bead_of_atom])
    left, right = both.then(third), first.then(second.then(third))
    assert np.array_equal(left.beads, right.beads)
    assert np.array_equal(left.atoms, right.atoms)
    assert np.allclose(left.weights, right.weights)
    assert np.array_equal(left.bead_of_atom, right.bead_of_atom)


def test_blocks_of_residues_down_to_atoms():
    fine = ca(["ALA", "GLY", "TRP", "SER"])
    blocks = Mapping(beads_only(2), fine.coarse, "blocks:2", [0, 0, 1, 1], range(4), [0.5] * 4, [0, 0, 1, 1])
    whole = blocks.then(fine)
    positions = np.random.default_rng(1).normal(size=(3, fine.n_atoms, 3))
    assert np.allclose(whole.project(positions), blocks.project(fine.project(positions)))
    assert np.array_equal(whole.lift(whole.project(positions)), fine.lift(blocks.lift(whole.project(positions))))
    assert repr(whole).startswith("Mapping(blocks:2>ca: 2 beads -> 29 atoms; 2 residues")


def test_bead_without_atoms_projects_to_nan():
    mapping = Mapping(beads_only(3), beads_only(2), "go", [0, 2], [0, 1], [1.0, 1.0], [0, 2])
    projected = mapping.project(np.ones((2, 3), dtype=np.float32))
    assert projected.dtype == np.float32
    assert np.isnan(projected[1]).all()
    assert np.all(projected[[0, 2]] == 1.0)


def test_then_refuses_a_bead_that_owns_nothing():
    coarse = Mapping(beads_only(1), beads_only(2, "x"), "one", [0, 0], [0, 1], [0.5, 0.5], [0, 0])
    empty = Mapping(beads_only(2, "x"), beads_only(1), "go", [0], [0], [1.0], [0])
    with pytest.raises(MappingError, match="'x1' of 'go' owns no atom"):
        coarse.then(empty)


def test_then_refuses_mappings_that_do_not_join():
    with pytest.raises(MappingError, match="'ca' does not follow 'ca'"):
        ca(["ALA"]).then(ca(["ALA"]))


@pytest.mark.parametrize("shape", [(5, 3), (6, 2), (6,), (2, 5, 3)])
def test_project_refuses_another_number_of_atoms(shape):
    mapping = Mapping(beads_only(2), beads_only(6), "x", [0, 1], [0, 1], [1.0, 1.0], [0] * 6)
    with pytest.raises(MappingError, match=r"expected \(\.\.\., 6, 3\)"):
        mapping.project(np.zeros(shape))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": [0.5, 0.4]}, "sum to 0.9"),
        ({"beads": [0, 2]}, "Mapping.beads has 0..2"),
        ({"atoms": [0, -1]}, "Mapping.atoms has -1..0"),
        ({"atoms": [0, 0]}, "given twice"),
        ({"bead_of_atom": [0]}, r"expected \(2,\)"),
        ({"weights": [1.0]}, "differ"),
    ],
)
def test_construction_refuses_nonsense(changed, message):
    good = {"beads": [0, 0], "atoms": [0, 1], "weights": [0.5, 0.5], "bead_of_atom": [0, 0]}
    Mapping(beads_only(1), beads_only(2), "x", **good)
    with pytest.raises(MappingError, match=message):
        Mapping(beads_only(1), beads_only(2), "x", **(good | changed))


def test_ca_wants_one_bead_a_residue_and_amino_acids():
    two = Topology(["CA", "SC"], ["", ""], [0, 0], ["ALA"], [1], [""], ["A"], [""])
    with pytest.raises(MappingError, match="has 2 beads .CA, SC., expected CA"):
        Mapping.ca(two)
    with pytest.raises(MappingError, match="not an amino acid"):
        ca(["ALA", "DPPC"])


def test_integers_become_floats():
    assert ca(["GLY"]).project(np.ones((4, 3), dtype=int)).dtype == np.float64


def test_pickles():
    mapping = pickle.loads(pickle.dumps(ca(["ALA", "GLY"])))
    beads = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(mapping.project(mapping.lift(beads)), beads)


def test_repr_says_what_maps_to_what():
    assert repr(ca(["ALA", "GLY"])) == "Mapping(ca: 2 beads -> 9 atoms; 2 residues, A 0-1)"
