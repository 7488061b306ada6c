"""Building blocks of the networks against slow twins, and distributions on the circle."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from e3nn import o3
from torch import nn
from traces import rotation

from mdbackmap.models import layers
from mdbackmap.models.layers import HARMONICS, Density, Interaction, Neighbourhood, harmonics, radial_basis
from mdbackmap.torsions import circular
from mdbackmap.torsions.circular import CircularBins, fourier


@pytest.fixture
def logits():
    return torch.tensor(np.random.default_rng(0).normal(0, 1.5, (5, 24)), dtype=torch.float32)


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_compiled_draws_are_those_of_the_reference(logits, monkeypatch, temperature):
    pytest.importorskip("numba")
    bins, levels = CircularBins(24), torch.rand(3, 5, 50).clamp(1e-6, 1 - 1e-6)
    levels[0, 0, :2] = torch.tensor([1e-6, 1 - 1e-6])
    sharp = torch.stack([logits, 30 * logits, 0 * logits])
    drawn = []
    for compiled in (False, True):
        monkeypatch.setattr(circular, "suits", lambda *tensors, compiled=compiled: compiled)
        drawn.append(bins.draw_several(sharp, levels, temperature))
        assert bins.draw_several(sharp[:0], levels[:0], temperature).shape == (0, 5, 50)
    apart = torch.remainder(drawn[1] - drawn[0] + math.pi, 2 * math.pi) - math.pi
    assert apart.abs().max() < 1e-3


class TestCircularBins:
    bins = CircularBins(24)

    def test_density_integrates_to_one(self, logits):
        angles = torch.linspace(-math.pi, math.pi, 20_001)[:-1]
        density = self.bins.log_density(logits.unsqueeze(1).expand(-1, 20_000, -1), angles.expand(5, -1)).exp()
        assert torch.allclose(density.mean(1) * 2 * math.pi, torch.ones(5), atol=1e-4)

    def test_density_is_that_of_the_tents(self, logits):
        angles = np.random.default_rng(1).uniform(-10, 10, 200)
        p = torch.softmax(logits[0], -1).numpy()
        centres = np.arange(24) * self.bins.width - np.pi
        apart = np.abs((angles[:, None] - centres + np.pi) % (2 * np.pi) - np.pi)
        slow = (p * np.clip(1 - apart / self.bins.width, 0, None)).sum(1) / self.bins.width
        fast = self.bins.log_density(logits[0].expand(200, -1), torch.tensor(angles, dtype=torch.float32)).exp()
        np.testing.assert_allclose(fast, slow, rtol=1e-3, atol=1e-5)

    @pytest.mark.parametrize("temperature", [1.0, 0.5])
    def test_draws_have_the_density(self, logits, temperature):
        """Even levels give the distribution itself: cumulative counts agree (Kolmogorov-Smirnov)."""
        n = 40_000
        levels = (torch.arange(n) + 0.5) / n
        drawn = self.bins.draw(logits[0].expand(n, -1), levels, temperature)
        drawn = torch.remainder(drawn + math.pi, 2 * math.pi) - math.pi
        if temperature < 1:  # undo what draws them to the centres of bins
            at = (drawn + math.pi) / self.bins.width
            along = torch.sigmoid(torch.logit((at - at.floor()).double(), 1e-9) * temperature)
            drawn = (at.floor() + along) * self.bins.width - math.pi
        grid = torch.linspace(-math.pi, math.pi, 4001)
        middle = (grid[1:] + grid[:-1]) / 2
        density = self.bins.log_density((logits[0] / temperature).expand(4000, -1), middle).exp().numpy()
        wanted = np.cumsum(density) / density.sum()
        found = np.searchsorted(np.sort(drawn.numpy()), grid[1:].numpy()) / n
        assert np.abs(found - wanted).max() < 2e-3

    @pytest.mark.parametrize("temperature", [1.0, 0.5])
    def test_draws_are_continuous(self, logits, temperature):
        """Rounding of the logits, as it differs with the batch, moves no angle from one bin to the next."""
        levels = torch.linspace(1e-6, 1 - 1e-6, 40_001)
        flat = (temperature * logits[0]).expand(40_001, -1)
        drawn = self.bins.draw(flat, levels, temperature)
        rounded = self.bins.draw(
            flat + 1e-6 * torch.randn(24, generator=torch.Generator().manual_seed(0)), levels, temperature
        )
        for change in (rounded - drawn, drawn.diff()):
            change = torch.remainder(change + math.pi, 2 * math.pi) - math.pi
            assert change.abs().max() < 0.2 * self.bins.width

    def test_draws_grow_with_the_level_from_bin_to_bin(self, logits):
        levels = torch.linspace(1e-6, 1 - 1e-6, 5000)
        bins = ((self.bins.draw(logits[0].expand(5000, -1), levels, 1e-3) + math.pi) / self.bins.width).round()
        assert (bins.diff() >= 0).all()

    def test_extreme_levels_and_logits(self):
        sharp = torch.full((3, 24), -80.0)
        sharp[:, 7] = 80.0
        drawn = self.bins.draw(sharp, torch.tensor([1e-6, 0.5, 1 - 1e-6]))
        centre = 7 * self.bins.width - math.pi
        assert ((drawn - centre).abs() <= self.bins.width).all()
        assert torch.isfinite(self.bins.log_density(sharp, drawn)).all()

    @pytest.mark.parametrize("temperature", [0.0, 1e-12, 1e-3])
    def test_cold_is_the_mode(self, logits, temperature):
        drawn = self.bins.draw(logits, torch.full((5,), 0.3), temperature)
        assert torch.isfinite(drawn).all()
        best = logits.argmax(1) * self.bins.width - math.pi
        apart = torch.remainder(drawn - best + math.pi, 2 * math.pi) - math.pi
        assert (apart.abs() <= self.bins.width).all()

    def test_mode_lies_between_the_best_bins(self):
        even = torch.full((1, 24), -30.0)
        even[0, 3] = even[0, 4] = 5.0
        assert torch.isclose(self.bins.mode(even), torch.tensor(3.5 * self.bins.width - math.pi), atol=1e-3)
        around = torch.full((1, 24), -30.0)
        around[0, 0] = around[0, 23] = 5.0
        assert torch.isclose(self.bins.mode(around).cos(), torch.tensor(math.cos(-0.5 * self.bins.width - math.pi)))

    def test_lower_temperature_is_narrower(self, logits):
        levels = torch.rand(2000, generator=torch.Generator().manual_seed(0))
        resultant = [
            torch.exp(1j * self.bins.draw(2 * logits[0].expand(2000, -1), levels, t)).mean().abs() for t in (2, 1, 0.3)
        ]
        assert resultant[0] < resultant[1] < resultant[2]


def test_fourier():
    angles = torch.tensor([0.3, 1.0, -2.0])
    known = torch.tensor([True, False, True])
    out = fourier(angles, known, 2)
    assert out.shape == (3, 5)
    assert torch.allclose(out[0], torch.tensor([math.cos(0.3), math.cos(0.6), math.sin(0.3), math.sin(0.6), 1.0]))
    assert (out[1] == 0).all()
    assert torch.allclose(fourier(angles + 2 * math.pi, known, 2), out, atol=1e-5)


def test_radial_basis():
    out = radial_basis(torch.tensor([3.0, 20.0, 11.5]), 18)
    assert out.shape == (3, 18)
    assert out[0, 0] == 1 and out[1, 17] == 1
    assert out[2].argmax() in (8, 9)


def test_harmonics_are_those_of_e3nn_and_take_null_vectors():
    vectors = torch.tensor(np.random.default_rng(0).normal(size=(10, 3)), dtype=torch.float32)
    assert torch.allclose(harmonics(vectors), harmonics(3.8 * vectors), atol=1e-6)
    assert torch.isfinite(harmonics(torch.zeros(1, 3))).all()


@pytest.fixture
def neighbourhood():
    rng = torch.Generator().manual_seed(0)
    vectors = torch.randn(7, 5, 3, generator=rng)
    gates = torch.randn(7, 5, 4, generator=rng)
    torch.manual_seed(0)
    return vectors, gates, Density(4, 3)


class TestDensity:
    def test_invariants_do_not_turn(self, neighbourhood):
        vectors, gates, density = neighbourhood
        turn, _ = rotation(2)
        one = density.gather(gates, harmonics(vectors))
        other = density.gather(gates, harmonics(vectors @ turn))
        assert torch.allclose(density(one, one), density(other, other), atol=1e-5)
        assert not torch.allclose(one, other, atol=1e-2)

    def test_the_density_turns_by_its_irreps(self, neighbourhood):
        vectors, gates, density = neighbourhood
        turn, _ = rotation(2)
        irreps = o3.Irreps([(4, ir) for _, ir in HARMONICS])
        # e3nn turns column vectors
        expected = density.gather(gates, harmonics(vectors)) @ irreps.D_from_matrix(turn.T).T
        assert torch.allclose(density.gather(gates, harmonics(vectors @ turn)), expected, atol=1e-5)

    def test_gather_is_a_sum_over_neighbours(self, neighbourhood):
        vectors, gates, density = neighbourhood
        sphere = harmonics(vectors)
        out = density.gather(gates, sphere)
        for i, (start, stop) in enumerate([(0, 1), (1, 4), (4, 9)]):
            width = stop - start
            for channel in range(4):
                slow = sum(gates[2, k, channel] * sphere[2, k, start:stop] for k in range(5))
                begin = [0, 4, 16][i] + channel * width
                assert torch.allclose(out[2, begin : begin + width], slow, atol=1e-6)

    def test_invariants_are_scalar_products(self, neighbourhood):
        vectors, gates, density = neighbourhood
        one = density.gather(gates, harmonics(vectors))
        left, right = density.left(one), density.right(one)
        out = density(one, one)
        assert out.shape == (7, 9)
        assert torch.allclose(out[:, 0], left[:, 0] * right[:, 0], atol=1e-5)
        assert torch.allclose(out[:, 3], (left[:, 3:6] * right[:, 3:6]).sum(1), atol=1e-5)
        assert torch.allclose(out[:, 6], (left[:, 12:17] * right[:, 12:17]).sum(1), atol=1e-5)


def slow_interaction(layer, features, around):
    """The same bead by bead and neighbour by neighbour."""
    normed, rows = layer.norm(features), []
    along = nn.functional.one_hot(around.along, layer.edge.in_features - around.edges.shape[-1])
    edges, weights, sphere = torch.cat([around.edges, along], -1), around.weights, around.sphere
    for i in range(len(features)):
        messages = [
            nn.functional.silu(layer.own(normed[i]) + layer.other(normed[j]) + layer.edge(edges[i, k]))
            for k, j in enumerate(around.neighbours[i].tolist())
        ]
        update = layer.update(sum(w * m for w, m in zip(weights[i], messages, strict=True)))
        if layer.density is not None:
            gates = torch.stack([layer.gate(m) * w for w, m in zip(weights[i], messages, strict=True)])
            density = layer.density.gather(gates[None], sphere[i][None])
            update = update + layer.mix(nn.functional.silu(layer.density(density, density)))[0]
        rows.append(features[i] + update)
    features = torch.stack(rows)
    return features + layer.feed(features)


@pytest.fixture(params=[False, True], ids=["torch", "compiled"])
def paths(request, monkeypatch):
    """Both ways to sum messages without gradients."""
    if request.param:
        pytest.importorskip("numba")
    monkeypatch.setattr(layers, "suits", lambda *tensors: request.param)


@pytest.mark.parametrize("channels", [0, 4])
class TestInteraction:
    @pytest.fixture
    def inputs(self):
        rng = torch.Generator().manual_seed(0)
        weights = torch.full((200, 3, 1), 1 / 3)
        weights[5], weights[6] = torch.tensor([[0.5], [0.5], [0.0]]), 0.0
        edges, sphere = torch.randn(200, 3, 5, generator=rng), harmonics(torch.randn(200, 3, 3, generator=rng))
        neighbours, along = (torch.randint(0, end, (200, 3), generator=rng) for end in (200, 4))
        features = torch.randn(200, 8, generator=rng)
        features[9] = 1e4  # the silu has no end
        return features, Neighbourhood(edges, along, neighbours, weights, sphere)

    def layer(self, channels):
        torch.manual_seed(1)
        return Interaction(8, 5 + 4, channels)

    def test_equals_the_slow_twin(self, channels, inputs, paths):
        layer = self.layer(channels)
        with torch.no_grad():
            slow, fast = slow_interaction(layer, *inputs), layer(*inputs)
        assert torch.allclose(fast, slow, rtol=1e-5, atol=1e-5)
        assert torch.allclose(layer(*inputs), fast, rtol=1e-6, atol=1e-5)  # with gradients, at once

    def test_absent_neighbours_do_not_count(self, channels, inputs, paths):
        layer, (features, around) = self.layer(channels), inputs
        with torch.no_grad():
            before = layer(*inputs)[5]
            changed = {name: getattr(around, name).clone() for name in ("neighbours", "along", "edges", "sphere")}
            for table in changed.values():
                table[5, 2] = 3
            after = layer(features, dataclasses.replace(around, **changed))[5]
        assert torch.allclose(after, before, atol=1e-6)

    @pytest.mark.parametrize("n", [0, 1])
    def test_few_beads(self, channels, inputs, paths, n):
        layer, (features, around) = self.layer(channels), inputs
        few = {name: table[:n].clone() for name, table in vars(around).items() if table is not None}
        few["neighbours"][:] = 0
        with torch.no_grad():
            assert layer(features[:n], Neighbourhood(**few)).shape == (n, 8)
