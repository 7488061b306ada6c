"""Bonds, angles and who is near whom: against a slow twin and structures whose answer is known."""

import numpy as np
import pytest
from built import CA, C, N, O, build, full_mask, one_chain, place, types_of

from mdbackmap import metrics
from mdbackmap.chemistry.residues import ATOMS, BONDS, RESIDUE_NAMES
from mdbackmap.metrics import covalent


def test_bonds_within_ten_percent():
    types = types_of("G")
    reference = build("G")
    for stretch, kept in ((1.09, 3), (1.11, 2), (0.91, 3), (0.89, 2)):
        generated = reference.copy()
        generated[0, 0, O] = reference[0, 0, C] + stretch * (reference[0, 0, O] - reference[0, 0, C])
        row = metrics.evaluate(generated, reference, full_mask(types), types, one_chain(types))
        assert row["bonds"] == pytest.approx(100.0 * kept / 3)
        assert row["angles"] == 100.0


def test_angles_within_ten_degrees():
    types = types_of("G")
    reference = build("G")
    for opening, kept in ((9.0, 2), (11.0, 1)):  # N-CA-C stays, CA-C-O opens
        generated = reference.copy()
        generated[0, 0, O] = place(*reference[0, 0, [N, CA, C]], 1.23, 120.5 + opening, 137.0)
        row = metrics.evaluate(generated, reference, full_mask(types), types, one_chain(types))
        assert (row["angles"], row["bonds"]) == (50.0 * kept, 100.0)


def test_peptide_bonds_stop_at_ends():
    types, mask = types_of("GGG"), full_mask(types_of("GGG"))
    joined = covalent.Covalent.of(types, mask, one_chain(types))
    broken = covalent.Covalent.of(types, mask, np.array([False, True, True]))
    assert (len(joined.bonds), len(broken.bonds)) == (11, 10)
    assert [2, 4] in joined.bonds.tolist() and [6, 8] in joined.bonds.tolist()
    assert [6, 8] not in broken.bonds.tolist()


def test_covalent_graph_matches_a_slow_twin(native):
    _, mask, types, ends = native
    graph = covalent.Covalent.of(types, mask, ends)
    names = [(slot // 14, ATOMS[RESIDUE_NAMES[types[slot // 14]]][slot % 14]) for slot in graph.slots]
    index = {name: i for i, name in enumerate(names)}
    bonds = {(r, a, r, b) for r, kind in enumerate(types) for a, b in BONDS[RESIDUE_NAMES[kind]]}
    bonds |= {(r, "C", r + 1, "N") for r in range(len(types) - 1) if not ends[r]}
    neighbours = {i: set() for i in range(graph.n_atoms)}
    for r, a, s, b in bonds:
        i, j = index[r, a], index[s, b]
        neighbours[i].add(j)
        neighbours[j].add(i)
    assert {tuple(bond) for bond in graph.bonds} == {(i, j) for i in neighbours for j in neighbours[i] if i < j}
    angles = {(i, k, j) for k in neighbours for i in neighbours[k] for j in neighbours[k] if i < j}
    assert {tuple(angle) for angle in graph.angles} == angles
    near = set()
    for i in neighbours:
        shell = {i}
        for _ in range(3):
            shell |= {k for j in shell for k in neighbours[j]}
        near |= {i * graph.n_atoms + j for j in shell if j > i}
    assert set(graph.near) == near
