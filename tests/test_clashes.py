"""Bond graphs, contacts and clashes: exact distances, and a slow twin."""

import numpy as np
import pytest
from built import CB, N, O, full_mask, one_chain, types_of

from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.metrics import clashes, covalent

VDW = {"C": 1.70, "N": 1.55, "O": 1.40, "S": 1.80}


def scattered(n):
    """Atoms far from each other."""
    return 10.0 * np.arange(n)[:, None] * [1.0, 0, 0]


def test_graph_difference_counts_missing_and_extra_bonds():
    types = types_of("G")
    graph = covalent.Covalent.of(types, full_mask(types), one_chain(types))
    reference = np.array([[[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0], [4.2, 0, 0]]])  # a line: three bonds
    torn = reference.copy()
    torn[0, 3] += [5, 0, 0]
    moved = reference.copy()
    moved[0, 3] = [0, 1.3, 0]  # O leaves C for N: one bond missing, one too many
    frames = np.concatenate([reference, torn, moved])
    assert clashes.graph_difference(frames, reference, graph).tolist() == pytest.approx([0, 100 / 3, 200 / 3])
    assert clashes.graph_difference(frames, reference, graph, legacy=True).tolist() == pytest.approx([0, 100 / 3, 0])


@pytest.mark.parametrize(
    ("letters", "slots", "reach"),
    [("AA", (CB, CB), 1.768), ("CC", (5, 5), 2.652), ("AC", (CB, 5), 2.21), ("GG", (N, O), 1.768)],
)
def test_bond_graph_radii(letters, slots, reach):
    types = types_of(letters)
    graph = covalent.Covalent.of(types, full_mask(types), np.array([True, True]))
    atom = [graph.slots.tolist().index(14 * r + slot) for r, slot in enumerate(slots)]
    for distance, bonded in ((reach - 0.01, 1), (reach + 0.01, 0)):
        atoms = scattered(graph.n_atoms)
        atoms[atom[1]] = atoms[atom[0]] + [0, 0, distance]
        assert len(clashes.bond_graph(atoms, graph)) == bonded


def test_contacts_are_between_residues_and_not_bonded():
    types = types_of("GGG")
    graph = covalent.Covalent.of(types, full_mask(types), one_chain(types))
    atoms = np.repeat(scattered(12)[None], 4, axis=0)
    atoms[0, 11] = atoms[0, 0] + [0, 0, 1.19]  # O of residue 3 and N of residue 1
    atoms[1, 11] = atoms[1, 0] + [0, 0, 1.21]
    atoms[2, 3] = atoms[2, 0] + [0, 0, 0.5]  # within residue 1
    atoms[3, 4] = atoms[3, 2] + [0, 0, 1.0]  # the peptide bond
    found = clashes.contacts(atoms, graph, 3)
    assert found.tolist() == [[True, False, True], *[[False] * 3] * 3]


@pytest.mark.parametrize(
    ("letters", "slots", "distance", "clash"),
    [
        ("AA", (CB, CB), 2.99, True),
        ("AA", (CB, CB), 3.01, False),
        ("GG", (N, O), 2.49, True),
        ("GG", (N, O), 2.51, False),
        ("AG", (CB, O), 2.69, True),
        ("AG", (CB, O), 2.71, False),
        ("AG", (CB, N), 2.84, True),
        ("AG", (CB, N), 2.86, False),
        ("CC", (5, 5), 2.05, False),
        ("CC", (5, 5), 1.75, True),
        ("CC", (5, 5), 2.45, True),
        ("CC", (5, 5), 3.21, False),
    ],
)
def test_clash_distances(letters, slots, distance, clash):
    types = types_of(letters)
    graph = covalent.Covalent.of(types, full_mask(types), np.array([True, True]))
    atom = [graph.slots.tolist().index(14 * r + slot) for r, slot in enumerate(slots)]
    atoms = scattered(graph.n_atoms)
    atoms[atom[1]] = atoms[atom[0]] + [0, 0, distance]
    assert clashes.clashing_pairs(atoms, graph).tolist() == ([sorted(atom)] if clash else [])
    assert clashes.clashscore(atoms[None], graph)[0] == (1000.0 / graph.n_atoms if clash else 0.0)


def test_clashes_leave_out_three_bonds_but_not_four():
    types = types_of("GG")
    graph = covalent.Covalent.of(types, full_mask(types), one_chain(types))
    three, four = scattered(8), scattered(8)
    three[5] = three[1] + [0, 0, 2.0]  # CA-C-N-CA
    four[6] = four[1] + [0, 0, 2.0]  # CA-C-N-CA-C
    assert len(clashes.clashing_pairs(three, graph)) == 0
    assert clashes.clashing_pairs(four, graph).tolist() == [[1, 6]]


def test_clashes_match_a_slow_twin(native):
    positions, mask, types, ends = native
    graph = covalent.Covalent.of(types, mask, ends)
    atoms = graph.flat(positions + np.random.default_rng(0).normal(size=positions.shape) * 0.4)[0]
    elements = [ATOMS[RESIDUE_NAMES[types[slot // 14]]][slot % 14][0] for slot in graph.slots]
    near = set(graph.near.tolist())
    expected = []
    for i in range(len(atoms)):
        for j in range(i + 1, len(atoms)):
            distance = np.linalg.norm(atoms[i] - atoms[j])
            pair = {elements[i], elements[j]}
            apart = VDW[elements[i]] + VDW[elements[j]] - distance < 0.4
            hydrogen_bond = pair <= {"N", "O"} and distance >= 2.5
            disulfide = pair == {"S"} and 1.8 <= distance <= 2.4
            if not (apart or hydrogen_bond or disulfide or i * len(atoms) + j in near):
                expected.append((i, j))
    assert len(expected) > 20
    assert sorted(map(tuple, clashes.clashing_pairs(atoms, graph).tolist())) == expected
