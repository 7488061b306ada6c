"""Faults by residue: where they are put, and that they add up to what `metrics` says."""

import numpy as np
import pytest
from built import build, full_mask, one_chain, types_of
from packs import read_chains

from mdbackmap.chemistry.residues import CB, N, O
from mdbackmap.datafiles import VALIDATION
from mdbackmap.metrics.faults import FAULTS, find_faults, worst_residues
from mdbackmap.metrics.protocol import evaluate_geometry

SEQUENCE = "GAVGSAG"


def helix(sequence=SEQUENCE, **torsions):
    types = types_of(sequence)
    return build(sequence, **torsions), full_mask(types), types, one_chain(types)


def test_a_sound_helix_has_none():
    found = find_faults(*helix(chi=(-60.0, 180.0)))
    assert set(found) == set(FAULTS)
    assert not any(counts.any() for name, counts in found.items() if name not in ("angles", "rotamer"))


@pytest.mark.parametrize(
    ("atom", "shift", "name"),
    [((1, O), 0.4, "bonds"), ((1, CB), 0.6, "cbeta"), ((4, CB), 0.6, "cbeta")],
)
def test_a_moved_atom_is_found_in_its_residue(atom, shift, name):
    positions, *known = helix()
    direction = positions[0, atom[0], atom[1]] - positions[0, atom[0], 1 if atom[1] == CB else 2]
    across = np.cross(direction, [1.0, 0, 0]) if name == "cbeta" else direction
    positions[0, *atom] += shift * across / np.linalg.norm(across)
    assert np.flatnonzero(find_faults(positions, *known)[name][0]).tolist() == [atom[0]]


def test_a_clash_belongs_to_both_residues():
    positions, *known = helix()
    positions[0, 5, CB] = positions[0, 1, CB] + [1.0, 0, 0]
    found = find_faults(positions, *known)
    assert found["clashes"][0, 1] >= 1 and found["clashes"][0, 5] >= 1
    assert found["contacts"][0, [1, 5]].tolist() == [1, 1]


def test_a_peptide_belongs_to_its_first_residue():
    positions, *known = helix()
    turned, *_ = helix(omega=90.0)
    assert find_faults(turned, *known)["twisted"][0].tolist() == [1] * 6 + [0]
    assert find_faults(helix(omega=0.0)[0], *known)["cis"][0].tolist() == [1] * 6 + [0]
    mirrored = find_faults(positions * [1, 1, -1], *known)["mirrored"][0]
    assert mirrored.tolist() == [int(letter != "G") for letter in SEQUENCE]


def test_cis_proline_is_no_fault():
    found = find_faults(*helix("GPG", omega=0.0))["cis"][0]
    assert found.tolist() == [0, 1, 0]


def test_they_add_up_to_the_metrics():
    for positions, mask, types, ends in read_chains(VALIDATION)[20:23]:
        rng = np.random.default_rng(0)
        positions = positions + rng.normal(scale=0.15, size=positions.shape)
        found, said = find_faults(positions, mask, types, ends), evaluate_geometry(positions, mask, types, ends)
        n_phi_psi = (~ends[1:] & ~ends[:-1]).sum()
        assert 100 * found["ramachandran"].sum() / n_phi_psi == pytest.approx(said["rama_outliers"], abs=1.5)
        assert 100 * (found["contacts"] > 0).mean() == pytest.approx(said["contacts"])
        assert 100 * found["twisted"].sum() / (~ends).sum() == pytest.approx(said["twisted"], abs=0.5)
        assert (found["bonds"].sum() > 0) == (said["bonds"] < 100)
        assert found["clashes"].sum() <= 2 * said["clashscore"] * mask.sum() / 1000 + 1e-6


def test_worst_residues_come_in_order():
    positions, *known = helix()
    positions[0, 3, N] += 1.0
    found = find_faults(positions, *known)
    worst = worst_residues(found, 2)
    assert worst[0][0] in (2, 3) and worst[0][1] >= worst[1][1] and len(worst) == 2
    assert sum(worst[0][2].values()) == pytest.approx(worst[0][1])
