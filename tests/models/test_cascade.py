"""Cascades: what every family keeps, that steps go together, whatever their source, and that their traces are sound."""

import dataclasses

import numpy as np
import pytest
import torch
from contract import ModelContract, draw
from molecules import model_of
from traces import rotation, tiny, topology, trace

from mdbackmap import checkpoint
from mdbackmap.chemistry.peptide_geometry import CIS_TYPICAL
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.geometry import searching
from mdbackmap.models.cascade import Cascade, CascadeConfig
from mdbackmap.molecule.grouping import group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.options import Keys, Tolerance
from mdbackmap.torsions.internal import InternalCoordinates
from mdbackmap.traces.mending import Mending
from mdbackmap.traces.strain import Strain

SEQUENCE = "ACDEFGHIKLMNPQRSTVWYACDE"


def alphas(cis=()):
    """A C-alpha trace of two chains, 16 and 8 residues, with bonds."""
    found = topology(SEQUENCE, chains="A" * 16 + "B" * 8, cis=cis)
    first = np.flatnonzero(~found.ends)
    return dataclasses.replace(found, bonds=np.stack([first, first + 1], axis=1))


def blocks(n, fine=None):
    fine = fine or alphas()
    return group_mapping(fine, groups_of(f"blocks:{n}", fine))


def positions(n_frames=3):
    """Frames (F, 24, 3) of that trace."""
    parts = [trace(16, seed=1, frames=n_frames), trace(8, seed=2, frames=n_frames) + 15.0]
    return torch.cat(parts, dim=1)


def two_steps(rounds=100):
    return Cascade.of([model_of(blocks(4)), tiny()], rounds)


def three_steps(rounds=100):
    middle = blocks(2)
    first = group_mapping(middle.coarse, groups_of("blocks:2", middle.coarse))
    return Cascade.of([model_of(first), model_of(middle), tiny()], rounds)


@pytest.fixture(scope="module")
def cascade():
    return two_steps()


def beads_of(model):
    level = positions()
    for mapping in reversed(model.mappings()[:-1]):
        level = mapping.project(level.numpy() if torch.is_tensor(level) else level)
    return torch.tensor(level)


MENDED = {"test_shape_and_finite", "test_beads_are_kept", "test_atoms_surround_their_bead"}
"""What is tried with traces put right between the steps (seconds each); all else with traces as the steps make them."""


@pytest.mark.slow
class TestCascade(ModelContract):
    rounding = 0.02
    furthest = 15.0  # beads of four residues

    @pytest.fixture
    def model(self, request):
        return two_steps(100 if request.node.name in MENDED else 0)

    @pytest.fixture
    def coarse(self, model):
        return model.molecule.coarse

    @pytest.fixture
    def beads(self, model):
        return beads_of(model)

    def test_molecules_take_turns(self, model, mapping, beads):
        """A cascade that starts with a model of one molecule is for that molecule."""
        assert model.mapping(alphas()) is model.molecule

    def test_lone_and_paired_beads(self, model, mapping, beads):
        """Beads far apart, in a line, and on top of each other: numbers everywhere."""
        line = torch.arange(6.0)[:, None] * torch.tensor([3.0, 0.0, 0.0])
        for odd in (100 * beads[0], line, torch.zeros(6, 3)):
            atoms = draw(model, mapping, odd[None])
            assert torch.isfinite(atoms).all()
            np.testing.assert_allclose(mapping.project(atoms.numpy()), odd[None].numpy(), atol=1e-2)


class TestThreeSteps(TestCascade):
    nearest = 0.1  # angstrom: side chains on traces of untrained steps cross each other

    @pytest.fixture
    def model(self, request):
        return three_steps(100 if request.node.name in MENDED else 0)


@pytest.mark.parametrize("make", [two_steps, three_steps])
def test_its_mapping_is_that_of_its_steps(make):
    model = make()
    atoms = np.random.default_rng(0).normal(size=(2, model.molecule.n_atoms, 3))
    by_hand = atoms
    for mapping in reversed(model.mappings()):
        by_hand = mapping.project(by_hand)
    np.testing.assert_allclose(model.molecule.project(atoms), by_hand, atol=1e-12)
    assert model.molecule.n_beads == 6 and model.molecule.coarse.chainIDs.tolist() == ["A"] * 4 + ["B"] * 2


def test_the_last_step_makes_what_it_makes_alone(cascade):
    levels = bind(cascade, cascade.molecule).levels(beads_of(cascade), Noise(seed=5), Keys.first(3))
    last = tiny()
    alone = draw(last, last.mapping(cascade.mappings()[0].fine), levels[0])
    assert torch.equal(alone, levels[1])


def test_beads_between_steps_may_move_where_that_is_allowed(cascade):
    """Coarsest beads move by no more than the C-alphas do; without a tolerance by nothing."""
    beads = beads_of(cascade)
    limits = Tolerance(), Tolerance(0.5)
    kept, moved = (draw(cascade, cascade.molecule, beads, tolerance=tolerance).numpy() for tolerance in limits)
    off = [np.sqrt(np.square(cascade.molecule.project(x) - beads.numpy()).sum(-1).mean()) for x in (kept, moved)]
    assert cascade.relaxes and off[0] < 1e-3 < off[1] < 0.5


def test_steps_draw_numbers_of_their_own():
    drawn = [Noise(seed=1, step=step).normal(Keys.first(1), (4,)) for step in range(3)]
    smooth = [Noise(seed=1, correlation_time=9.0, step=step).normal(Keys.first(1), (4,)) for step in range(3)]
    every = np.concatenate(drawn + smooth)
    assert len(np.unique(every)) == every.size
    assert (drawn[0] == Noise(seed=1).normal(Keys.first(1), (4,))).all()


@pytest.mark.slow
def test_it_does_not_matter_where_steps_come_from(cascade, tmp_path):
    """Each step from a file of its own, a cascade of a cascade, and the cascade's own file: the same atoms."""
    for number, step in enumerate(cascade.steps):
        checkpoint.save(tmp_path / f"{number}.pt", step, {})
    checkpoint.save(tmp_path / "chain.pt", cascade, {"steps": [{}, {}]})
    again = Cascade.of([checkpoint.load(tmp_path / f"{number}.pt")[0] for number in range(2)])
    expected = draw(cascade, cascade.molecule, beads_of(cascade))
    for other in (
        again,
        checkpoint.load(tmp_path / "chain.pt")[0],
        Cascade.of([Cascade.of([again.steps[0]]), again.steps[1]]),
    ):
        assert torch.equal(draw(other, other.molecule, beads_of(cascade)), expected)


def test_traces_of_steps_may_move_where_the_tolerance_is_auto():
    """Those that the cascade starts from may not, where they are like a protein's."""
    cascade, auto = two_steps(rounds=0), Tolerance.of("auto")
    auto, full = (
        draw(cascade, cascade.molecule, beads_of(cascade), tolerance=tolerance)
        for tolerance in (auto, Tolerance(auto.limit))
    )
    assert torch.equal(auto, full)
    alone = Cascade.of([tiny()])
    mapping, helix = alone.mapping(topology("GAVLIAVL")), torch.arange(8) * np.radians(100.0)
    beads = torch.stack([2.29 * helix.cos(), 2.29 * helix.sin(), 1.5 * torch.arange(8)], dim=-1)[None].float()
    kept = mapping.project(draw(alone, mapping, beads, tolerance=Tolerance.of("auto")).numpy())
    np.testing.assert_allclose(kept, beads.numpy(), atol=1e-3)


def test_a_cascade_of_transferable_models_fits_any_protein():
    alone = tiny()
    one = Cascade.of([alone])
    assert one.molecule is None
    for coarse, beads in ((alphas(), positions()), (topology("GAVLI"), trace(5))):
        assert torch.equal(draw(one, one.mapping(coarse), beads), draw(alone, alone.mapping(coarse), beads))


def test_steps_have_to_join():
    with pytest.raises(MappingError, match="does not follow"):
        Cascade.of([model_of(blocks(4)), model_of(blocks(2))])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "without steps"),
        (({"family": "other"},), "step 0 is of family 'other'"),
        (({"family": "chain"},), "step 0 is of family 'chain'"),
    ],
)
def test_configurations_that_cannot_be(steps, message):
    with pytest.raises(ValueError, match=message):
        CascadeConfig(steps)


# C-alpha traces ---------------------------------------------------------------------------------------------------


def lengths(atoms, ends):
    return (atoms[:, 1:] - atoms[:, :-1]).norm(dim=-1)[:, torch.tensor(~ends[:-1])]


@pytest.mark.parametrize("spread", [0.5, 1.5])
def test_mended_traces_have_their_distances(spread):
    """Displaced by more than a bond length here and there; every coarse bead stays."""
    mapping, sound = blocks(4), positions(20)
    beads = torch.tensor(mapping.project(sound.numpy()))
    noise = spread * torch.randn(sound.shape, generator=torch.Generator().manual_seed(0))
    wrong = sound + noise
    wrong = wrong + (beads - torch.tensor(mapping.project(wrong.numpy())))[:, mapping.bead_of_atom]
    mended = Mending(mapping)(wrong, beads, 100)
    np.testing.assert_allclose(mapping.project(mended.numpy()), beads.numpy(), atol=1e-4)
    found = lengths(mended, mapping.fine.ends)
    assert ((found > 3.6) & (found < 4.0)).float().mean() > 0.99
    assert ((lengths(wrong, mapping.fine.ends) - 3.8).abs() < 0.2).float().mean() < 0.5
    apart = torch.cdist(mended, mended) + 9.0 * torch.eye(mended.shape[1])
    assert (apart.min(-1).values > 3.5).float().mean() > 0.985  # of the random walks themselves 0.93


def pushed_by_all_pairs(mend, atoms):
    """What `Mending._push` gives, from a table of all pairs."""
    free = ~torch.eye(atoms.shape[1], dtype=torch.bool)
    for pairs in mend.pairs:
        free[pairs.first, pairs.second] = free[pairs.second, pairs.first] = False
    apart = torch.cdist(atoms, atoms, compute_mode="donot_use_mm_for_euclid_dist")
    close = (apart < mend.settings.apart) & free
    push = torch.where(close, 0.5 * (mend.settings.apart - apart) / apart.clamp_min(1e-3), 0.0)
    away = torch.einsum("fij,fijk->fik", push, atoms[:, :, None] - atoms[:, None])
    return away / close.sum(-1, keepdim=True).clamp_min(1), close


@pytest.mark.parametrize("limit", [10**9, 0])
def test_alphas_are_parted_as_by_all_pairs(monkeypatch, limit):
    """By a search tree, too; over a gap of the chain neighbours have to keep apart as all others."""
    monkeypatch.setattr(searching, "MANY", dict.fromkeys(searching.MANY, limit))
    mend = Mending(blocks(4))
    crowd = 4.0 * torch.randn(3, mend.tied.shape[0], 3, generator=torch.Generator().manual_seed(0))
    crowd[1, 5] = crowd[1, 9]
    crowd[2] *= 100.0
    expected, close = pushed_by_all_pairs(mend, crowd)
    assert close[0].sum() > 20 and not close[2].any()
    torch.testing.assert_close(mend._push(crowd), expected, atol=1e-5, rtol=0)


def test_beads_that_leave_no_room_for_their_trace():
    """Two beads too far apart: they stay, or the distances along the chain are kept."""
    mapping, sound = blocks(4), positions(5)
    beads = torch.tensor(mapping.project(sound.numpy()))
    beads[:, 0] += (beads[:, 0] - beads[:, 1]) * 6.0 / (beads[:, 0] - beads[:, 1]).norm(dim=-1, keepdim=True)
    mend = Mending(mapping)
    firm, loose = (mend(sound, beads, 100, firm=firm) for firm in (True, False))
    np.testing.assert_allclose(mapping.project(firm.numpy()), beads.numpy(), atol=1e-3)
    longest = [lengths(trace, mapping.fine.ends).max() for trace in (firm, loose)]
    assert longest[0] > 4.2 and longest[1] < 4.0


def test_a_sound_trace_stays_nearly_where_it_is():
    """A helix, all distances of which are right."""
    fine = dataclasses.replace(topology(SEQUENCE[:16]), bonds=[[k, k + 1] for k in range(15)])
    mapping = blocks(4, fine)
    turn = torch.arange(16) * np.radians(100.0)
    helix = torch.stack([2.29 * turn.cos(), 2.29 * turn.sin(), 1.5 * torch.arange(16)], dim=-1)[None]
    mended = Mending(mapping)(helix, torch.tensor(mapping.project(helix.numpy())), 50)
    assert (mended - helix).norm(dim=-1).max() < 0.25


def test_mended_traces_are_more_like_proteins():
    """A random walk, all distances of which are right, gets the angles and torsions of proteins; every bead stays."""
    mapping, walk = blocks(4), positions(20)
    beads = torch.tensor(mapping.project(walk.numpy()))
    mend = Mending(mapping)
    straight, mended = mend.mend(walk, beads, 100), mend(walk, beads, 100)
    np.testing.assert_allclose(mapping.project(mended.numpy()), beads.numpy(), atol=1e-4)
    strain = Strain(InternalCoordinates.of(mapping.fine))
    before, after = (strain.excess(x.double()).mean() for x in (straight, mended))
    assert after < 0.6 * before


def test_mending_turns_along_and_knows_cis():
    mapping, sound = blocks(4, alphas(cis=(5,))), positions()
    beads = torch.tensor(mapping.project(sound.numpy()))
    mend, (turn, shift) = Mending(mapping), rotation(1)
    mended = mend(sound, beads, 100)
    straight, turned = mend.mend(sound, beads, 100), mend.mend(sound @ turn + shift, beads @ turn + shift, 100)
    torch.testing.assert_close(turned, straight @ turn + shift, atol=1e-3, rtol=0)
    distance = (mended[:, 6] - mended[:, 5]).norm(dim=-1)
    assert (distance > CIS_TYPICAL[0] - 0.1).all() and (distance < CIS_TYPICAL[1] + 0.1).all()


def test_without_rounds_traces_stay_as_they_are():
    made, raw = two_steps(), two_steps(rounds=0)
    beads = beads_of(made)
    step = raw.steps[0]
    expected = draw(step, step.molecule, beads, noise=Noise(step=1))
    levels = [bind(model, model.molecule).levels(beads, Noise(), Keys.first(3))[0] for model in (raw, made)]
    assert torch.equal(levels[0], expected) and not torch.equal(levels[1], expected)
