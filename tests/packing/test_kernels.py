"""What every implementation of the four kernels of packing must give, against brute force on small cases."""

import dataclasses
import itertools

import pytest
import torch

from mdbackmap.geometry.compiling import available
from mdbackmap.packing import kernels as dispatched
from mdbackmap.packing.kernels import reference
from mdbackmap.packing.relief import Pulls
from mdbackmap.packing.settings import PackingSettings

KERNELS = [pytest.param(reference, id="reference")]
KERNELS += [pytest.param(dispatched, id="compiled")] if available() else []
CHOOSING, RELIEF, CONTACTS = PackingSettings().choosing, PackingSettings().relief, PackingSettings().contacts


@pytest.fixture(params=KERNELS)
def kernels(request):
    """A module with the four functions."""
    return request.param


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_other", [1, 3])
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("gained", [False, True])
def test_pair_energies(kernels, n_other, boxed, gained):
    """Each pair of atoms and of candidates, one by one."""
    one, other = 2 * numbers(5, 3, 4), 2 * numbers(6, 3, n_other, seed=1)
    a, b = torch.cartesian_prod(torch.arange(5), torch.arange(6)).T
    into, allowed, gain = a % 3, 2.5 + numbers(30, seed=2).abs(), numbers(30, seed=3)
    shift = numbers(30, 3, seed=4) if boxed else None
    given = a, b, into, shift, allowed, gain if gained else None
    found = kernels.pair_energies(one, other, *given, 4, 20.0, CONTACTS.best, CONTACTS.width)
    wanted = torch.zeros(4, 4, n_other)
    for p, r, k in itertools.product(range(30), range(4), range(n_other)):
        gap = other[b[p], :, k] - one[a[p], :, r] + (shift[p] if boxed else 0.0)
        off = float(gap.norm() - allowed[p])
        contact = max(0.0, 1 - ((off - CONTACTS.best) / CONTACTS.width) ** 2)
        wanted[into[p], r, k] += 20.0 * min(off, 0.0) ** 2 - (float(gain[p]) * contact if gained else 0.0)
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-4)
    assert (found[3] == 0).all() and (found[:3] != 0).any((1, 2)).all()


def test_pair_energies_of_no_pairs(kernels):
    none, energy = torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    given = none, none, none, None, energy, None, 2, 20.0, CONTACTS.best, CONTACTS.width
    assert torch.equal(kernels.pair_energies(numbers(3, 3, 4), numbers(2, 3, 1), *given), torch.zeros(2, 4, 1))


def a_row(n_residues=4, n_candidates=3, size=2.0):
    """Energies of residues of which each touches the next, and those of all states."""
    own, pairs = numbers(n_residues, n_candidates), size * numbers(n_residues - 1, n_candidates, n_candidates, seed=1)
    left = torch.arange(n_residues - 1)
    energies = own, left, left + 1, pairs
    states = torch.cartesian_prod(*[torch.arange(n_candidates)] * n_residues)
    totals = own[torch.arange(n_residues), states].sum(1)
    totals = totals + sum(pairs[k, states[:, k], states[:, k + 1]] for k in range(n_residues - 1))
    return energies, states, totals


def shares_of(states, totals, n_candidates=3):
    """Probabilities of candidates by enumeration."""
    weights = torch.softmax(-totals, 0)
    return torch.stack([((states == k) * weights[:, None]).sum(0) for k in range(n_candidates)], 1)


def test_marginals_are_exact_where_no_residues_meet_in_a_ring(kernels):
    energies, *states = a_row()
    many = dataclasses.replace(CHOOSING, rounds=20)
    torch.testing.assert_close(kernels.marginals(*energies, many), shares_of(*states), atol=1e-5, rtol=0)
    torch.testing.assert_close(kernels.marginals(*energies, CHOOSING), shares_of(*states), atol=0.01, rtol=0)


def gumbel(*shape, seed=7):
    uniform = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return -(-uniform.log()).log()


def test_choices_are_no_worse_than_any_single_change_by_the_same_numbers(kernels):
    energies, states, totals = a_row()
    noise = gumbel(4, 3, seed=5)
    state = kernels.choose(*energies, noise, 4, dataclasses.replace(CHOOSING, steps=48))
    assert state.shape == (4,) and state.dtype == torch.int64
    score = totals - noise[torch.arange(4), states].sum(1)
    own = score[(states == state).all(1)]
    assert (own <= score[(states != state).sum(1) == 1] + 1e-5).all()


def test_choices_are_drawn_from_the_distribution(kernels):
    """Many copies of a row, each with numbers of its own."""
    (own, left, right, pair), *states = a_row(size=1.0)
    n = 3000
    begin = 4 * torch.arange(n).unsqueeze(1)
    energies = own.repeat(n, 1), *((begin + side).flatten() for side in (left, right)), pair.repeat(n, 1, 1)
    noise, none = gumbel(4 * n, 3), dataclasses.replace(CHOOSING, steps=0)
    for settings, margin in ((none, 0.03), (CHOOSING, 0.1)):
        state = kernels.choose(*energies, noise, 4, settings)
        drawn = torch.nn.functional.one_hot(state.view(n, 4), 3).float().mean(0)
        torch.testing.assert_close(drawn, shares_of(*states), atol=margin, rtol=0)
        alone = kernels.choose(own, left, right, pair, noise[:4], 4, settings)
        assert torch.equal(state[:4], alone)  # whatever else is in the batch


def test_small_changes_of_energies_change_few_choices(kernels):
    """About as few as the probabilities themselves change; drawing by one number for all candidates changes more."""
    own, noise = numbers(20000, 10), gumbel(20000, 10)
    none = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 10, 10)
    other = own + 0.1 * numbers(20000, 10, seed=3)
    before, after = (kernels.choose(energy, *none, noise, 20000, CHOOSING) for energy in (own, other))
    apart = (torch.softmax(-own, 1) - torch.softmax(-other, 1)).abs().sum(1).mean() / 2
    assert (before != after).float().mean() < 2 * apart < 0.1


def a_side_chain():
    """Two torsions about z and x: what `relieve` is given of it, and an atom that its last one lies in."""
    atoms = torch.zeros(1, 14, 3)
    atoms[0, [0, 1, 4]] = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.5]])
    atoms[0, [5, 6]] = torch.tensor([[1.4, 0.0, 2.0], [1.4, 1.4, 2.5]])
    axis = torch.tensor([[[1, 4], [4, 5], [0, 0], [0, 0]]])
    moved = torch.zeros(1, 4, 14, dtype=torch.bool)
    moved[0, 0, 5:7], moved[0, 1, 6] = True, True
    around = torch.cat([atoms, atoms + 50.0])
    around[1, 0] = atoms[0, 6] + torch.tensor([0.0, 1.0, 0.5])
    return atoms, axis, moved, around


def descended(kernels, pairs, n_steps=20, runs=1):
    atoms, axis, moved, around = a_side_chain()
    state, rows = (torch.zeros(1, 4),) * 3, torch.tensor([0])
    for run in range(runs):
        steps = range(1 + run * n_steps // runs, 1 + (run + 1) * n_steps // runs)
        state = kernels.relieve(atoms, axis, moved, around, rows, pairs, state, steps, n_steps, RELIEF)
    return state[0], around


def test_relief_turns_only_torsions_and_out_of_overlaps(kernels):
    energy = torch.tensor([3.0]), torch.tensor([20.0]), torch.tensor([False])
    pairs = torch.tensor([6]), torch.tensor([14]), None, *energy
    before, (angles, after) = a_side_chain()[3], descended(kernels, pairs)
    near, far = ((points[0, 6] - points[1, 0]).norm() for points in (before, after))
    assert near < 1.2 and far > 2.4
    assert torch.equal(after[0, :5], before[0, :5]) and torch.equal(after[1], before[1])
    assert (angles[0, 2:] == 0).all() and (angles[0, :2].abs() > 0.05).all()
    bonds = ((points[0, 5] - points[0, 4], points[0, 6] - points[0, 5]) for points in (before, after))
    for one, other in zip(*bonds, strict=True):
        torch.testing.assert_close(one.norm(), other.norm())
    halves, _ = descended(kernels, pairs, runs=2)
    torch.testing.assert_close(halves, angles)  # the state is all there is


def test_pairs_that_are_held_are_pulled_and_images_count(kernels):
    free, held = torch.tensor([False]), torch.tensor([True])
    pair, shift = (torch.tensor([6]), torch.tensor([14])), torch.tensor([[0.0, 3.0, 2.0]])
    energy = torch.tensor([1.0]), torch.tensor([50.0])
    stayed, _ = descended(kernels, (*pair, shift, *energy, free))
    pulled, after = descended(kernels, (*pair, shift, *energy, held))
    before = a_side_chain()[3]
    assert (stayed == 0).all() and (pulled[0, :2] != 0).all()
    assert (after[0, 6] - after[1, 0] - shift[0]).norm() < (before[0, 6] - before[1, 0] - shift[0]).norm() - 0.2


@pytest.mark.skipif(not available(), reason="numba compiles the loops")
@pytest.mark.parametrize("pulled", [False, True])
def test_compiled_relief_is_that_of_torch(pulled):
    """Several side chains at once, in a box or beads that pull; all atoms afterwards, and all of the state."""
    atoms, axis, moved, around = a_side_chain()
    atoms = torch.cat([atoms, atoms.flip(-1) + 3.0, atoms + numbers(1, 14, 3)])
    axis, moved, rows = axis.repeat(3, 1, 1), moved.repeat(3, 1, 1), torch.tensor([3, 0, 1])
    around = torch.cat([atoms[1:], around[1:], atoms[:1]])
    slot, other = torch.randint(5, 7, (60,), generator=torch.Generator().manual_seed(1)), torch.arange(60) % 56
    slot = slot + 14 * (torch.arange(60) % 3)
    pairs = slot, other, numbers(60, 3, seed=2), 2 + numbers(60, seed=3).abs(), torch.full((60,), 9.0), other % 7 == 0
    pulls = Pulls(numbers(3, 2, 14, seed=4).abs() / 9, numbers(3, 2, 3, seed=5), numbers(3, 2, seed=6).abs())
    given, found = (axis, moved), []
    for kernels in (reference, dispatched):
        places, state = around.clone(), (torch.zeros(3, 4),) * 3
        state = kernels.relieve(
            atoms, *given, places, rows, pairs, state, range(1, 7), 20, RELIEF, pulls if pulled else None
        )
        found.append((places, *state))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, atol=2e-3, rtol=1e-3)
    assert (found[0][1].abs() > 0.05).any(1).all()
