"""Distributions of torsions against an ensemble, and where the truth lies in them."""

import numpy as np
import pytest
from built import build, full_mask, one_chain, types_of

from mdbackmap.metrics import calibration
from mdbackmap.metrics.calibration import covered, distributions


def drawn(spread_of_truth, spread_of_samples, n_samples=9, n_frames=4000):
    rng = np.random.default_rng(0)
    centre = rng.uniform(-np.pi, np.pi, (n_frames, 1))
    truth = centre + spread_of_truth * rng.normal(size=(n_frames, 1))
    return centre[:, None] + spread_of_samples * rng.normal(size=(n_frames, n_samples, 1)), truth


@pytest.mark.parametrize("n_samples", [2, 5, 9])
@pytest.mark.parametrize("level", [50, 90])
def test_the_right_distribution_is_calibrated_with_any_number_of_samples(level, n_samples):
    assert 100 * covered(*drawn(0.5, 0.5, n_samples), level).mean() == pytest.approx(level, abs=2.5)


def test_too_narrow_and_too_broad():
    assert covered(*drawn(0.5, 0.1), 50).mean() < 0.25 and covered(*drawn(0.5, 0.1), 90).mean() < 0.6
    assert covered(*drawn(0.1, 0.5), 50).mean() > 0.7


def test_coverage_by_hand():
    samples = np.array([[[0.0, 0.0, 1.0], [0.1, 0.1, 1.0], [0.2, 0.2, 1.0]]])
    assert covered(samples, np.array([[0.1, 2.5, np.nan]]), 50).tolist()[0][:2] == [1.0, 0.0]
    assert np.isnan(covered(samples, np.array([[0.1, 2.5, np.nan]]), 50)[0, 2])
    # the truth is fourth of four: the likeliest 90 % of four ranks takes 0.6 of the last one
    assert covered(samples, np.array([[0.1, 2.5, 0.0]]), 90)[0, 1] == pytest.approx(0.6)
    # all the same: nobody is denser
    assert covered(np.ones((1, 3, 1)), np.ones((1, 1)), 50)[0, 0] == pytest.approx(0.5)


def frames(chis):
    """Valines in a helix, a frame for each chi1."""
    return np.concatenate([build("VVVV", chi=(chi, 0)) for chi in chis])


def test_halves_are_second_frames_against_the_others():
    types = types_of("VVVV")
    known = full_mask(types), types, one_chain(types)
    reference = frames([175, -60] * 10)
    floor = distributions(reference, reference, *known)
    assert floor["jsd_chi1"] == 0 and floor["jsd_chi1_half"] == pytest.approx(np.log(2)) and floor["jsd_phi_half"] == 0
    assert "chi1_in_50" not in floor and not distributions(reference[:10], reference[:10], *known)
    # the first sample of frames 0, 2, ... against frames 1, 3, ...
    samples = frames([-60, 175, 175] * 20)
    row = distributions(samples, reference, *known)
    assert row["jsd_chi1_half"] == pytest.approx(0) and 0 < row["jsd_chi1"] < 0.1
    # reference: half and half; samples: a third and two thirds
    m = np.array([0.5 + 1 / 3, 0.5 + 2 / 3]) / 2
    p, q = np.array([0.5, 0.5]), np.array([1 / 3, 2 / 3])
    expected = 0.5 * (p * np.log(p / m) + q * np.log(q / m)).sum()
    assert row["jsd_chi1"] == pytest.approx(expected)


def test_coverage_of_side_chains():
    types = types_of("VVVV")
    known = full_mask(types), types, one_chain(types)
    samples = frames([170, 172, 174, 176, 178] * 2)
    row = calibration.coverage(samples, frames([174, -60]), *known)
    assert row["chi1_in_50"] == 50 and row["phi_in_50"] == pytest.approx(50)
    assert row["chi1_in_90"] == pytest.approx(100 * (1 + 0.4) / 2)
