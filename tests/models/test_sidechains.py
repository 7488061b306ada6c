"""Side chains: which atoms meet, what overlaps cost, how likely each candidate is, disulfides."""

import itertools

import pytest
import torch
from traces import EVERY, angles_for, internal_of, topology, trace

from mdbackmap import residues
from mdbackmap.models import disulfides, exclusion
from mdbackmap.models.exclusion import Overlaps, allowed_distances, choose, marginals
from mdbackmap.movable import apart, elements


def bonds_within(name):
    """Bonds between the atoms of one residue, counted along the shortest way."""
    atoms = residues.ATOMS[name]
    joined = {frozenset(pair) for pair in residues.BONDS[name]}
    distance = {(a, b): 0 if a == b else 1 if frozenset((a, b)) in joined else 99 for a in atoms for b in atoms}
    for k, i, j in itertools.product(atoms, repeat=3):
        distance[i, j] = min(distance[i, j], distance[i, k] + distance[k, j])
    return distance


@pytest.mark.parametrize("name", [name for name in residues.RESIDUE_NAMES if name not in ("PRO", "GLY", "ALA")])
def test_which_atoms_of_a_residue_meet(name):
    """Atoms that turn meet N, C and O of their own residue where more than three bonds lie between."""
    atoms, distance = residues.ATOMS[name], bonds_within(name)
    found = apart()[residues.TYPE_OF_NAME[name]]
    for (i, a), (j, b) in itertools.product(enumerate(atoms), repeat=2):
        assert bool(found[i, j]) == (i >= 5 and b in ("N", "C", "O") and distance[a, b] > 3), (a, b)


@pytest.fixture(scope="module")
def crowd():
    """Overlaps of 3 candidates of each side chain of two frames, and the atoms they come from."""
    internal, n = internal_of(topology(EVERY, gaps=(9, 30))), len(EVERY)
    beads = trace(n, frames=2) * torch.tensor([0.8, 1.0, 0.9])
    rng = torch.Generator().manual_seed(4)
    torsions = angles_for(internal).reshape(1, 1, n, 6).repeat(2, 3, 1, 1)
    torsions[..., 1:5] = torch.rand(2, 3, n, 4, generator=rng) * 6.28
    backbone = [part.unsqueeze(1).expand(-1, 3, -1, -1) for part in internal.backbone(beads, torsions[:, 0])]
    atoms = internal.to_cartesian(beads.unsqueeze(1).expand(-1, 3, -1, -1), torsions, backbone)
    return internal, atoms, Overlaps(internal.movable, atoms.flatten(2, 3))


def cost(turning, staying, kinds, one, other):
    element = elements()
    distance = (turning[one] - staying[other]).norm()
    allowed = allowed_distances(element[kinds[one[0]], one[1]], element[kinds[other[0]], other[1]])
    return float(exclusion.STIFFNESS * (allowed - distance).clamp_min(0) ** 2)


def test_energies_with_what_stays(crowd):
    """Twin: every pair of atoms, one by one; own backbone included."""
    internal, atoms, overlaps = crowd
    kinds, movable = internal.types.tolist(), internal.movable.residues.tolist()
    for row, residue in list(enumerate(movable))[::5]:
        for r in range(3):
            wanted, turning = 0.0, range(5, len(residues.ATOMS[residues.RESIDUE_NAMES[kinds[residue]]]))
            for other in range(len(kinds)):
                stays = range(5 if other in movable else len(residues.ATOMS[residues.RESIDUE_NAMES[kinds[other]]]))
                for a, b in itertools.product(turning, stays):
                    if other != residue or apart()[kinds[residue], a, b]:
                        wanted += cost(atoms[1, r], atoms[1, 0], kinds, (residue, a), (other, b))
            assert float(overlaps.own[len(movable) + row, r]) == pytest.approx(wanted, rel=1e-3, abs=1e-2)


def test_marginals_of_two_that_are_in_each_others_way():
    """Two residues with two candidates; one pair is bad: mean field finds what enumeration does."""

    class Two:
        own = torch.tensor([[0.0, 0.5], [0.2, 0.0]])
        left, right = torch.tensor([0, 1]), torch.tensor([1, 0])
        pair = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 0.0]]])

    weights = torch.tensor(
        [[torch.exp(-Two.own[0, i] - Two.own[1, j] - Two.pair[0, i, j]) for j in (0, 1)] for i in (0, 1)]
    )
    wanted = torch.stack([weights.sum(1), weights.sum(0)]) / weights.sum()
    found = marginals(Two)
    assert torch.allclose(found.sum(1), torch.ones(2))
    assert (found - wanted).abs().max() < 0.15
    assert (found.argmax(1) == wanted.argmax(1)).all()


def test_the_best_choice_is_no_worse_than_any_single_change(crowd):
    """Without numbers to draw by, the choice is a local optimum."""
    internal, _, overlaps = crowd
    weights = torch.rand(len(overlaps.own), 3, generator=torch.Generator().manual_seed(6))
    state, energy = choose(overlaps, weights, None)
    met = overlaps.pair[torch.arange(len(overlaps.left)), :, state[overlaps.right]]
    score = weights - overlaps.own.index_add(0, overlaps.left, met)
    rows = torch.arange(len(state))
    settled = score[rows, state] >= score.amax(1) - 1e-4
    assert settled.float().mean() > 0.95  # neighbours may go on changing in turn
    assert torch.allclose(energy, (weights - score)[rows, state], atol=1e-4)


def test_disulfides_are_worth_their_bond():
    """Two cysteines side by side, SG of one candidate pair at the bond's length: only that pair gains, by `BRIDGE`."""
    internal = internal_of(topology("CC", gaps=(0,)))
    cb = torch.tensor([0.0, 1.5, 0.0])
    atoms = torch.zeros(1, 2, 2, 14, 3)
    for r in (0, 1):
        atoms[0, r, 0, 4], atoms[0, r, 0, 5] = cb, cb - torch.tensor([1.8, 0.0, 0.0])
        atoms[0, r, 1, 4], atoms[0, r, 1, 5] = cb + torch.tensor([3.8, 0, 0]), cb + torch.tensor([5.6, 0.0, 0.0])
    atoms[0, 1, 0, 5], atoms[0, 1, 1, 5] = cb + torch.tensor([0.875, 1.5, 0]), cb + torch.tensor([2.925, 1.5, 0])
    for shift, bonded in ((0.0, True), (0.7, False)):  # C-betas 4.5 apart: no disulfide
        moved = atoms.clone()
        moved[0, :, 1, 4, 0] += shift
        overlaps = Overlaps(internal.movable, moved.flatten(2, 3))
        gains = overlaps.pair[0] if len(overlaps.pair) else torch.zeros(2, 2)
        assert (float(gains[1, 1]) == pytest.approx(-disulfides.BRIDGE, abs=0.01)) == bonded
        assert (gains[0] > -0.01).all()
