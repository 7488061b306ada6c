"""Torsions, peptides, chirality and C-beta of chains built with known ones."""

import numpy as np
import pytest
from built import CB, C, build, full_mask, one_chain, types_of

from mdbackmap import metrics
from mdbackmap.metrics import dihedrals


def test_backbone_torsions_of_a_built_chain():
    types = types_of("AAAA")
    phi, psi, omega = dihedrals.backbone_torsions(build("AAAA", -80, 140, 175), full_mask(types), one_chain(types))
    assert np.degrees(phi[0, 1:]) == pytest.approx(-80) and np.isnan(phi[0, 0])
    assert np.degrees(psi[0, :-1]) == pytest.approx(140) and np.isnan(psi[0, -1])
    assert np.degrees(omega[0, :-1]) == pytest.approx(175) and np.isnan(omega[0, -1])


def test_torsions_stop_at_ends_and_missing_atoms():
    mask = full_mask(types_of("AAAAA"))
    mask[4, C] = False
    ends = np.array([False, True, False, False, True])
    phi, psi, omega = dihedrals.backbone_torsions(build("AAAAA"), mask, ends)
    assert np.isfinite(phi[0]).tolist() == [False, True, False, True, False]
    assert np.isfinite(psi[0]).tolist() == [True, False, True, True, False]
    assert np.isfinite(omega[0]).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("omega", "cis", "twisted"), [(180, 0, 0), (-151, 0, 0), (149, 0, 100), (-31, 0, 100), (29, 100, 0)]
)
def test_peptides(omega, cis, twisted):
    types = types_of("AAA")
    row = metrics.evaluate_geometry(build("AAA", omega=omega), full_mask(types), types, one_chain(types))
    assert (row["cis"], row["twisted"]) == (cis, twisted)


def test_chirality_and_its_mirror_image(native):
    positions, mask, types, ends = native
    natural = metrics.evaluate_geometry(positions, mask, types, ends)
    mirrored = metrics.evaluate_geometry(positions * [1, 1, -1], mask, types, ends)
    assert (natural["mirrored_ca"], natural["mirrored_cb"]) == (0, 0)
    assert (mirrored["mirrored_ca"], mirrored["mirrored_cb"]) == (100, 100)


def test_chirality_of_beta_carbons_alone():
    types = types_of("IT")
    atoms = build("IT")
    atoms[0, 0, [5, 6]] = atoms[0, 0, [6, 5]]  # CG1 and CG2 of isoleucine change places
    alpha, beta = dihedrals.chirality(atoms, full_mask(types), types)
    assert alpha.tolist() == [[1, 1]] and beta.tolist() == [[-1, 1]]


def test_cbeta_deviation():
    types = types_of("LLG")
    atoms = build("LLG")
    atoms[0, 1, CB] += [0.0, 0.0, 0.4]
    found = dihedrals.cbeta_deviation(atoms, full_mask(types), types)[0]
    assert found[0] < 0.05 and found[1] == pytest.approx(0.4, abs=0.05) and np.isnan(found[2])
    assert metrics.evaluate_geometry(atoms, full_mask(types), types, one_chain(types))["cbeta_outliers"] == 50.0
