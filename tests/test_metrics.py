"""The whole protocol, and the native row of the validation chains."""

import numpy as np
import pytest
from built import CA

from mdbackmap import metrics


def test_a_structure_is_its_own_reference(native):
    positions, mask, types, ends = native
    row = metrics.evaluate(positions, positions[0], mask, types, ends)
    assert (row["rmsd"], row["ged"], row["bead_deviation"]) == (0, 0, 0)
    assert (row["bonds"], row["angles"], row["chi1"], row["chi12"]) == (100, 100, 100, 100)
    alone = metrics.evaluate_geometry(positions, mask, types, ends)
    assert {key: row[key] for key in alone if key not in ("bonds", "angles")} == pytest.approx(
        {key: alone[key] for key in alone if key not in ("bonds", "angles")}
    )


def test_faults_of_the_reference_do_not_count_against_ideal_lengths(native):
    positions, mask, types, ends = native
    reference = positions.copy()
    reference[0, 3, 0] += 0.5  # an N that lies wrong
    alone, row = (
        metrics.evaluate_geometry(positions, mask, types, ends),
        metrics.evaluate(positions, reference, mask, types, ends),
    )
    assert (row["bonds_ideal"], row["angles_ideal"]) == (alone["bonds"], alone["angles"])
    assert row["bonds"] < row["bonds_ideal"] == 100 and row["angles"] < 100


def test_frames_together_equal_frames_alone(native):
    positions, mask, types, ends = native
    rng = np.random.default_rng(1)
    frames = positions + 0.2 * rng.normal(size=(3, *positions.shape[1:]))
    together = metrics.evaluate(frames, positions, mask, types, ends)
    alone = metrics.summarise([metrics.evaluate(frame[None], positions, mask, types, ends) for frame in frames])
    together.pop("bead_deviation"), alone.pop("bead_deviation")  # a maximum, not a mean
    assert together == pytest.approx(alone, nan_ok=True)


def test_motion_of_both_changes_nothing(native):
    positions, mask, types, ends = native
    noisy = positions + 0.2 * np.random.default_rng(1).normal(size=positions.shape)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    before = metrics.evaluate(noisy, positions, mask, types, ends)
    after = metrics.evaluate(noisy @ turn + 30, positions @ turn + 30, mask, types, ends)
    assert after == pytest.approx(before, rel=1e-6, nan_ok=True)


def test_refuses_what_is_not_finite_or_does_not_fit(native):
    positions, mask, types, ends = native
    broken = np.repeat(positions, 2, axis=0)
    broken[1, 3, CA] = np.nan
    with pytest.raises(ValueError, match="frame 1 .*NaN"):
        metrics.evaluate_geometry(broken, mask, types, ends)
    with pytest.raises(ValueError, match="do not fit"):
        metrics.evaluate_geometry(positions[:, 1:], mask, types, ends)
    with pytest.raises(ValueError, match="reference has shape"):
        metrics.evaluate(positions, positions[:, 1:], mask, types, ends)


def test_native_validation_chains(natives):
    """The native row that every figure of the project is compared with."""
    rows = [metrics.evaluate_geometry(*chain) for chain in natives]
    row = metrics.summarise(rows)
    assert row["rama_favoured"] == pytest.approx(91.6, abs=0.05)
    assert row["rama_outliers"] == pytest.approx(2.1, abs=0.05)
    assert row["clashscore"] == pytest.approx(9.3, abs=0.05)
    assert sum(row["cis"] > 0 for row in rows) == 25
    assert (row["mirrored_ca"], row["mirrored_cb"]) == (0, 0)
    assert row["bonds"] > 99.9 and row["angles"] > 99.0
