"""Distances from a reference and agreement of torsions, on structures whose answer is known."""

import numpy as np
import pytest
from built import CB, O, build, full_mask, one_chain, types_of

from mdbackmap import metrics
from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.metrics import comparison


def test_rmsd_counts_each_group_of_atoms_once():
    types = types_of("AG")  # 5 + 4 atoms
    reference = build("AG")
    mask = full_mask(types)
    generated = reference.copy()
    generated[0, 0, CB] += [0, 0, 3.0]
    generated[0, 1, O] += [2.0, 0, 0]
    found = comparison.rmsd(generated, reference, mask, types)
    assert found["rmsd"][0] == pytest.approx(np.sqrt((9.0 + 4.0) / 9))
    assert found["rmsd_backbone"][0] == pytest.approx(np.sqrt(4.0 / 6))  # N, C, O of two residues
    assert found["rmsd_side_chain"][0] == pytest.approx(3.0)


def test_rmsd_is_not_superposed_and_averages_frames():
    types = types_of("AA")
    reference = build("AA")
    frames = np.concatenate([reference + [1.0, 0, 0], reference + [0, 3.0, 0]])
    assert comparison.rmsd(frames, reference, full_mask(types), types)["rmsd"].tolist() == [1.0, 3.0]
    row = metrics.evaluate(frames, reference, full_mask(types), types, one_chain(types))
    assert row["rmsd"] == pytest.approx(2.0) and row["bead_deviation"] == pytest.approx(3.0)


def test_rmsd_leaves_missing_atoms_out():
    types = types_of("AA")
    reference, mask = build("AA"), full_mask(types_of("AA"))
    mask[1, CB] = False
    generated = reference.copy()
    generated[0, 1, CB] = np.nan
    assert comparison.rmsd(generated, reference, mask, types)["rmsd"][0] == 0.0
    row = metrics.evaluate(generated, reference, full_mask(types), types, one_chain(types), generated_mask=mask)
    assert row["rmsd"] == 0.0


@pytest.mark.parametrize(
    ("letter", "swaps"), [("D", ["OD1 OD2"]), ("E", ["OE1 OE2"]), ("F", ["CD1 CD2", "CE1 CE2"]), ("R", ["NH1 NH2"])]
)
def test_equivalent_atoms_are_exchanged_together(letter, swaps):
    types = types_of(letter)
    names = ATOMS[RESIDUE_NAMES[types[0]]]
    reference = np.random.default_rng(0).normal(size=(1, 1, 14, 3))
    pairs = [[names.index(atom) for atom in swap.split()] for swap in swaps]
    generated = reference.copy()
    for i, j in pairs:
        generated[:, :, [i, j]] = reference[:, :, [j, i]]
    assert comparison.rmsd(generated, reference, full_mask(types), types)["rmsd"][0] == 0.0
    if len(pairs) == 2:  # a ring flipped by half only is no renaming
        generated[:, :, pairs[0]] = reference[:, :, pairs[0]]
        assert comparison.rmsd(generated, reference, full_mask(types), types)["rmsd"][0] > 0.1


def test_other_atoms_are_not_exchanged():
    types = types_of("N")
    reference = np.random.default_rng(0).normal(size=(1, 1, 14, 3))
    generated = reference[:, :, [0, 1, 2, 3, 4, 5, 7, 6, *range(8, 14)]]
    assert comparison.rmsd(generated, reference, full_mask(types), types)["rmsd"][0] > 0.1


@pytest.mark.parametrize(("turn", "kept"), [(39.0, 100.0), (-39.0, 100.0), (41.0, 0.0)])
def test_chi_within_forty_degrees(turn, kept):
    types = types_of("AVPA")
    reference, generated = build("AVPA", chi=(170.0, 0.0)), build("AVPA", chi=(170.0 + turn, 0.0))
    assert comparison.chi_agreement(generated, reference, full_mask(types), types)["chi1"] == kept


def test_chi12_needs_both_and_knows_symmetry():
    types, mask = types_of("DVL"), full_mask(types_of("DVL"))
    reference = build("DVL", chi=(-70.0, -30.0))
    flipped = comparison.chi_agreement(build("DVL", chi=(-70.0, 150.0)), reference, mask, types)
    assert flipped == {"chi1": 100.0, "chi12": 50.0}  # ASP is right, LEU is not, VAL has no chi2
    turned = comparison.chi_agreement(build("DVL", chi=(10.0, -30.0)), reference, mask, types)
    assert turned == {"chi1": 0.0, "chi12": 0.0}


def test_cis_agreement():
    types, mask = types_of("AAAAA"), full_mask(types_of("AAAAA"))
    cis, trans = build("AAAAA", omega=0.0), build("AAAAA")
    ends = one_chain(types)
    assert comparison.cis_agreement(cis, cis, mask, ends)["cis_kept"] == 100.0
    assert comparison.cis_agreement(trans, cis, mask, ends)["cis_kept"] == 0.0
    assert comparison.cis_agreement(cis, trans, mask, ends)["false_cis"] == 100.0
    assert np.isnan(comparison.cis_agreement(trans, trans, mask, ends)["cis_kept"])
