"""Many samples: the best, their diversity, their distributions."""

import numpy as np
import pytest
from built import build, full_mask, one_chain, types_of

from mdbackmap.metrics import samples


def test_diversity_of_equal_and_of_independent_samples():
    rng = np.random.default_rng(0)
    types = types_of("A" * 60)
    mask = full_mask(types)
    truth = rng.normal(size=(60, 14, 3)) * 10
    drawn = truth + rng.normal(size=(9, 60, 14, 3))
    assert samples.diversity(np.repeat(drawn[:1], 4, axis=0), truth, mask, types) == pytest.approx(1.0, abs=1e-6)
    # samples about the truth: pairs are sqrt(2) farther apart than each is from it
    assert samples.diversity(drawn, truth, mask, types) == pytest.approx(1 - np.sqrt(2), abs=0.02)
    # the truth is one of them
    assert samples.diversity(drawn[1:], drawn[0], mask, types) == pytest.approx(0.0, abs=0.02)


def test_superposed_rmsd_does_not_mirror():
    a = np.random.default_rng(0).normal(size=(1, 8, 3))
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert samples.superposed_rmsd(a, a @ turn + 5)[0] == pytest.approx(0.0, abs=1e-6)
    assert samples.superposed_rmsd(a, -a)[0] > 0.3


def test_best_of_samples():
    types = types_of("AA")
    reference = build("AA")[0]
    shifted = np.stack([reference + [distance, 0, 0] for distance in (1.0, 2.0, 3.0)])
    row = samples.evaluate_samples(shifted, reference, full_mask(types), types, one_chain(types))
    assert (row["rmsd"], row["rmsd_best"]) == pytest.approx((2.0, 1.0))
    assert row["best_gain"] == pytest.approx(50.0)


def test_torsion_divergence():
    same = np.array([[0.1, 0.1, np.nan], [3.0, 0.1, np.nan]])
    other = np.array([[0.1, 3.0, 1.0], [3.0, 3.0, 1.0]])
    found = samples.torsion_divergence(same, other)
    assert found[:2].tolist() == pytest.approx([0.0, np.log(2)]) and np.isnan(found[2])
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-np.pi, np.pi, (2, 1000, 300))
    noise = 35 * (2 / 1000) / 8
    assert samples.torsion_divergence(a, b).mean() == pytest.approx(noise, rel=0.05)


def test_torsion_divergences_see_what_differs():
    types = types_of("VVVV")
    one, other = build("VVVV", -63, -43, chi=(175, 0)), build("VVVV", -63, 140, chi=(-60, 0))
    found = samples.torsion_divergences(one, other, full_mask(types), types, one_chain(types))
    assert found == {
        "jsd_phi": pytest.approx(0),
        "jsd_psi": pytest.approx(np.log(2)),
        "jsd_chi1": pytest.approx(np.log(2)),
    }
