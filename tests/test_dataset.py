"""Units, batches and their targets."""

import numpy as np
import pytest
import torch

from mdbackmap.data.dataset import Batches, cut_units
from mdbackmap.data.jitter import jitter
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.torsions.internal import InternalCoordinates


@pytest.fixture(scope="module")
def data():
    return Structures.read(VALIDATION)


@pytest.fixture(scope="module")
def batches(data):
    return Batches(data, cut_units(data, 1)[:12], 8, size=600, noise=0.4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_units_are_whole_entries(data):
    units = cut_units(data, 1)
    assert sum(len(unit.rows) for unit in units) == len(data.types)
    for unit in units:
        assert len(data.entry[unit.rows].unique()) == 1


def test_large_entries_are_cut_and_every_residue_is_scored_once(data):
    units = cut_units(data, 1, largest=150, core=60)
    scored = torch.cat([unit.rows[unit.scored] for unit in units])
    assert torch.equal(scored.sort().values, torch.arange(len(data.types)))
    assert max(len(unit.rows) for unit in units) <= 150


def test_context_chains_and_other_splits_do_not_count(data):
    chains = {**data.chains, "score": data.chains["score"].copy()}
    chains["score"][0] = 0
    changed = Structures(**_with(data, chains))
    assert not cut_units(changed, 1)[0].scored.any()
    assert cut_units(data, 0) == []


def _with(data, chains):
    fields = ("types", "ca", "relative", "step", "mask", "ends", "cis", "b", "chain", "entry")
    return {**{name: getattr(data, name) for name in fields}, "chains": chains}


def test_relatives_share_their_weight(data):
    chains = {**data.chains, "cluster30": np.zeros(85, int)}
    assert cut_units(Structures(**_with(data, chains)), 1)[0].weight == pytest.approx(85**-0.5)


def test_a_plan_has_every_unit_once_and_depends_on_its_seed_alone(batches):
    plans = [batches.plan(seeded(seed)) for seed in (0, 0, 1)]
    rows = [[[int(unit.rows[0]) for unit in group] for group in plan] for plan in plans]
    assert rows[0] == rows[1] != rows[2]
    assert sorted(sum(rows[0], [])) == sorted(int(unit.rows[0]) for unit in batches.units)
    assert all(sum(len(unit.rows) for unit in group[:-1]) < 600 for group in plans[0])


def test_little_data_still_make_a_batch(data):
    small = Batches(data, cut_units(data, 1)[:1], 8, size=100_000)
    assert [len(group) for group in small.plan(seeded())] == [1]
    assert small.steps_per_epoch == 1


def test_a_batch_of_two_is_two_batches_of_one(batches):
    both, one, two = (batches.collate(units) for units in (batches.units[:2], batches.units[:1], batches.units[1:2]))
    for name in ("atoms", "mask", "torsions", "known", "scored", "weights"):
        assert torch.equal(getattr(both, name), torch.cat([getattr(one, name), getattr(two, name)])), name
    assert torch.equal(both.batch.displacements, torch.cat([one.batch.displacements, two.batch.displacements]))
    assert both.molecule.unique().tolist() == [0, 1]


def test_targets_rebuild_the_atoms(batches):
    example = batches.collate(batches.units)
    built = example.internal.to_cartesian(example.batch.ca, example.torsions)
    distance = (built - example.atoms).norm(dim=-1)
    backbone = example.mask[:, [0, 2, 3]] & example.known[:, :1] & example.known[:, :1].roll(1, 0)
    assert float(distance[:, [0, 2, 3]][backbone].square().mean().sqrt()) < 0.12
    assert example.known[:, 0].float().mean() > 0.98


def test_noise_needs_a_generator_and_moves_the_beads_smoothly(batches):
    units = batches.units
    still, moved, again = batches.collate(units), *(batches.collate(units, seeded(4)) for _ in range(2))
    assert torch.equal(moved.batch.ca, again.batch.ca)
    assert torch.equal(still.batch.ca, still.atoms[:, 1])
    shift = (moved.batch.ca - still.batch.ca).norm(dim=-1)
    rms = [float(shift[moved.molecule == k].square().mean().sqrt()) for k in range(len(units))]
    assert 0.05 < max(rms) < 0.6 and min(rms) < 0.02
    changed = (moved.torsions != still.torsions).any(0)
    assert changed[0] and not changed[1:].any()


def test_rough_beads_have_bonds_that_vary(data, batches):
    """White noise comes on top of smooth noise; of the same entries, distances of neighbours vary by as much."""
    units = batches.units

    def spread(roughness):
        batches = Batches(data, units, 20, noise=0.3, roughness=roughness)
        example = batches.collate(units, seeded())
        lengths = (example.batch.after - example.batch.ca).norm(dim=-1)[~example.internal.ends]
        return lengths.std()

    assert spread(0.0) < 0.1 and spread(0.4) > spread(0.0) + 0.03


def test_jitter_keeps_distances(data):
    rows = torch.arange(200)
    internal = InternalCoordinates(data.types[rows], data.ends[rows], data.cis[rows])
    moved = jitter(data.ca[rows], internal, torch.full((200,), 0.4), seeded())
    lengths = [(x[1:] - x[:-1]).norm(dim=-1)[~data.ends[rows][:-1]] for x in (data.ca[rows], moved)]
    assert (lengths[0] - lengths[1]).abs().max() < 0.15
    assert 0.2 < (moved - data.ca[rows]).square().sum(-1).mean().sqrt() < 0.5


def test_torsions_in_chunks_are_those_of_the_whole(data):
    from mdbackmap.data.structures import _torsions

    for chunk in (500, 10**9):
        torsions, known = _torsions(data, chunk)
        assert torch.equal(known, data.torsions[1])
        assert torch.allclose(torsions, data.torsions[0], atol=1e-4)
