"""Bond graphs and torsions of any molecule, against slow twins and known shapes."""

import numpy as np
import pytest
from molecules import alkane

from mdbackmap.evaluation.peptide_torsions import divergence, halves, phi_psi, phi_psi_atoms
from mdbackmap.evaluation.plots import dihedral_maps
from mdbackmap.metrics.graphs import compare_structures, graph_difference

RADII = {"H": 0.23, "C": 0.68}


def slow_graph(positions, elements):
    n = len(elements)
    graph = np.zeros((n, n), dtype=int)
    for i in range(n):
        for j in range(n):
            near = np.linalg.norm(positions[i] - positions[j]) < 1.3 * (RADII[elements[i]] + RADII[elements[j]])
            graph[i, j] = i != j and near
    return graph


def test_graph_difference_is_that_of_a_slow_twin():
    rng = np.random.default_rng(0)
    elements = alkane(3).elements
    reference, generated = rng.normal(size=(2, 6, len(elements), 3))
    graphs = [(slow_graph(g, elements), slow_graph(r, elements)) for g, r in zip(generated, reference, strict=True)]
    total = sum(r.sum() for _, r in graphs)
    unsigned = sum(np.abs(r - g).sum() for g, r in graphs) / total
    signed = sum(abs((r - g).sum()) for g, r in graphs) / total
    assert graph_difference(generated, reference, elements) == pytest.approx((unsigned, 0.0))
    assert graph_difference(generated, reference, elements, legacy=True)[0] == pytest.approx(signed)
    assert signed < unsigned


def test_missing_and_extra_bonds_cancel_only_in_the_legacy_number():
    line = np.array([[[0.0, 0, 0], [1.5, 0, 0], [4.5, 0, 0]]])
    other = np.array([[[0.0, 0, 0], [3.0, 0, 0], [4.5, 0, 0]]])
    carbons = np.array(["C"] * 3)
    assert graph_difference(other, line, carbons) == (2.0, 0.0)
    assert graph_difference(other, line, carbons, legacy=True) == (0.0, 0.0)


def test_comparison():
    positions = np.random.default_rng(1).normal(size=(4, 20, 3))
    elements = alkane(6).elements
    moved = positions.copy()
    moved[:, elements == "H"] += [0.3, 0.0, 0.4]
    row = compare_structures(moved, positions, elements)
    assert row["rmsd_heavy"] == 0 and row["ged_heavy"] == 0 and row["valid_heavy"] == 1
    assert row["rmsd_all"] == pytest.approx(0.5 * np.sqrt(14 / 20))


def test_phi_and_psi():
    import MDAnalysis as mda

    from mdbackmap.datafiles import TRPCAGE_PDB, TRPCAGE_XTC
    from mdbackmap.evaluation.proteins import read_protein
    from mdbackmap.metrics.dihedrals import backbone_torsions
    from mdbackmap.universes.whole import read_topology

    atoms = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms
    found = phi_psi_atoms(read_topology(atoms))
    assert len(found) == 18  # of 20 residues, the ends have not both
    angles = phi_psi(atoms.positions[None], found)
    protein = read_protein(atoms, [0])
    phi, psi, _ = backbone_torsions(protein.positions, protein.mask, protein.ends)
    np.testing.assert_allclose(angles, np.stack([phi[0, 1:-1], psi[0, 1:-1]], axis=-1), atol=1e-5)
    assert len(phi_psi_atoms(alkane(5))) == 0


def test_divergence():
    rng = np.random.default_rng(0)
    one, other = rng.uniform(-np.pi, np.pi, size=(2, 500, 2))
    assert 0 < divergence(one, other) < np.log(2)
    assert divergence(one, other) == pytest.approx(divergence(other, one))
    assert divergence(one, one) == 0.0
    assert divergence(one + 2 * np.pi, one) == pytest.approx(0.0, abs=1e-12)
    first, second = halves(np.arange(12.0).reshape(6, 2), n_pairs=3)
    assert first.tolist() == [[0, 1], [2, 3], [4, 5]] and len(second) == 3


def test_maps():
    angles = np.random.default_rng(0).uniform(-3, 3, size=(50, 2))
    figure = dihedral_maps({"MD": angles, "sample": angles[:10]}, "mine")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["MD (50)", "sample (10)"]
