"""`Noise`: keys, statistics, time correlation."""

import numpy as np
import pytest

from mdbackmap.generation.noise import Noise
from mdbackmap.options import Keys


def draw(noise, frames=range(400), samples=None, times=None, shape=(5, 7)):
    frames = list(frames)
    samples = [0] * len(frames) if samples is None else samples
    times = [float(f) for f in frames] if times is None else times
    return noise.normal(Keys(frames, samples, times), shape)


SMOOTH = Noise(seed=3, correlation_time=10.0)


@pytest.mark.parametrize("noise", [Noise(seed=3), SMOOTH], ids=["white", "smooth"])
class TestKeys:
    def test_shape_and_type(self, noise):
        numbers = draw(noise, range(4))
        assert numbers.shape == (4, 5, 7) and numbers.dtype == np.float32
        assert draw(noise, []).shape == (0, 5, 7)

    def test_any_order_and_batch(self, noise):
        numbers = draw(noise, range(50))
        order = np.random.default_rng(0).permutation(50)
        np.testing.assert_array_equal(draw(noise, order, times=order.astype(float)), numbers[order])
        alone = [draw(noise, [int(k)], times=[float(k)])[0] for k in order]
        np.testing.assert_array_equal(alone, numbers[order])

    def test_seed_and_sample_make_others(self, noise):
        one = draw(noise, [1])
        others = [draw(Noise(seed, 1.0, noise.correlation_time), [1], [sample]) for seed, sample in ((4, 0), (3, 1))]
        assert all(abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.6 for other in others)
        assert not np.array_equal(*others)

    def test_temperature_is_no_key(self, noise):
        cold = Noise(noise.seed, 0.1, noise.correlation_time)
        np.testing.assert_array_equal(draw(cold, [1]), draw(noise, [1]))

    def test_mean_and_variance(self, noise):
        numbers = draw(noise, range(0, 40_000, 100), shape=(200,))  # 80,000 numbers, frames far apart
        assert abs(numbers.mean()) < 5 / np.sqrt(numbers.size)
        assert abs(numbers.var() - 1) < 5 * np.sqrt(2 / numbers.size)
        assert abs((numbers**4).mean() - 3) < 5 * np.sqrt(96 / numbers.size)

    def test_distant_frames_and_entries_are_independent(self, noise):
        numbers = draw(noise, range(0, 40_000, 100), shape=(200,))
        limit = 5 / np.sqrt(numbers[1:].size)
        assert abs((numbers[1:] * numbers[:-1]).mean()) < limit
        assert abs((numbers[:, 1:] * numbers[:, :-1]).mean()) < limit

    def test_large_keys(self, noise):
        numbers = draw(noise, [0, 2**32, 2**40 + 1], [0, 0, 2**33], times=[0.0, 1e9, 2e9])
        assert np.isfinite(numbers).all()
        assert len(np.unique(numbers[:, 0, 0])) == 3


def test_keys_do_not_run_into_each_other():
    """Seed, frame and sample trade no places: many keys, no two of them alike."""
    seen = {
        draw(Noise(seed), [frame], [sample], shape=(4,)).tobytes()
        for seed in (0, 1, 2, 2**32, 2**32 + 1)
        for frame in (0, 1, 2, 2**32)
        for sample in (0, 1, 2, 2**32)
    }
    assert len(seen) == 5 * 4 * 4


def test_white_noise_knows_no_time():
    np.testing.assert_array_equal(draw(Noise(), [5], times=[1.0]), draw(Noise(), [5], times=[2.0]))


class TestCorrelation:
    def test_near_frames_are_alike_and_distant_ones_are_not(self):
        times = [0.0, 0.1, 1.0, 5.0, 10.0, 20.0, 60.0]
        numbers = draw(SMOOTH, range(7), times=times, shape=(20_000,))
        correlation = [np.corrcoef(numbers[0], row)[0, 1] for row in numbers]
        assert correlation[1] > 0.999 and correlation[2] > 0.97
        assert all(a > b for a, b in zip(correlation[1:5], correlation[2:6], strict=True))
        assert abs(correlation[6]) < 0.05

    def test_it_is_stationary(self):
        """Variance 1 and the same correlation wherever a pair of frames lies between the points of the process."""
        times = np.linspace(0, 10, 21)
        numbers = draw(SMOOTH, range(21), times=times, shape=(20_000,))
        later = draw(SMOOTH, range(21), times=times + 3.0, shape=(20_000,))
        np.testing.assert_allclose(numbers.var(1), 1.0, atol=0.06)
        correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(numbers, later, strict=True)]
        assert max(correlation) - min(correlation) < 0.05

    def test_it_is_continuous(self):
        """No jump where the nearest point changes."""
        times = np.arange(0.0, 30.0, 0.05)
        numbers = draw(SMOOTH, range(len(times)), times=times, shape=(50,))
        steps = np.abs(np.diff(numbers, axis=0)).max(1)
        assert steps.max() < 5 * np.median(steps)

    def test_time_counts_and_frame_numbers_do_not(self):
        np.testing.assert_array_equal(draw(SMOOTH, [5], times=[7.0]), draw(SMOOTH, [9], times=[7.0]))

    def test_negative_times(self):
        numbers = draw(SMOOTH, range(3), times=[-50.0, -0.1, 0.1], shape=(1000,))
        assert np.corrcoef(numbers[1], numbers[2])[0, 1] > 0.99


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"correlation_time": -1.0},
        {"correlation_time": float("inf")},
    ],
    ids=str,
)
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Noise(**bad)


def test_whole_numbers_of_any_type_are_seeds():
    expected = draw(Noise(seed=7), [1])
    for seed in (7.0, np.int64(7), np.float32(7)):
        np.testing.assert_array_equal(draw(Noise(seed=seed), [1]), expected)
