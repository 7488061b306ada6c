"""Side chains: which atoms meet, what overlaps cost, how likely each candidate is, disulfides."""

import dataclasses
import itertools
import math

import pytest
import torch
from traces import EVERY, angles_for, internal_of, topology, trace

from mdbackmap.chemistry import residues
from mdbackmap.packing import atom_energies, contacts
from mdbackmap.packing.choosing import alike, merged, shares_of_all
from mdbackmap.packing.disulfides import Bridges
from mdbackmap.packing.kernels.reference import choose, marginals
from mdbackmap.packing.overlaps import candidate_energies
from mdbackmap.packing.settings import OverlapSettings, PackingSettings
from mdbackmap.torsions.movable import apart

PACKING, OVERLAP = PackingSettings(), OverlapSettings()
ALLOWED, KINDS = atom_energies.allowed_distances(0.0), contacts.classes()


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
    return internal, atoms, energies_of(internal, atoms)


def energies_of(internal, atoms, gains=None):
    bridges = Bridges.of(internal.types, atoms[:, 0, :, residues.CB], PACKING.disulfides)
    return candidate_energies(internal.movable, atoms, bridges, OVERLAP, PACKING, gains)


def cost(turning, staying, kinds, one, other):
    distance = (turning[one] - staying[other]).norm()
    allowed = ALLOWED[KINDS[kinds[one[0]], one[1]], KINDS[kinds[other[0]], other[1]]]
    return float(OVERLAP.stiffness * (allowed - distance).clamp_min(0) ** 2)


def test_energies_with_what_stays(crowd):
    """Twin: every pair of atoms, one by one; own backbone included."""
    internal, atoms, found = crowd
    kinds, movable = internal.types.tolist(), internal.movable.residues.tolist()
    for row, residue in list(enumerate(movable))[::5]:
        for r in range(3):
            wanted, turning = 0.0, range(5, len(residues.ATOMS[residues.RESIDUE_NAMES[kinds[residue]]]))
            for other in range(len(kinds)):
                stays = range(5 if other in movable else len(residues.ATOMS[residues.RESIDUE_NAMES[kinds[other]]]))
                for a, b in itertools.product(turning, stays):
                    if other != residue or apart()[kinds[residue], a, b]:
                        wanted += cost(atoms[1, r], atoms[1, 0], kinds, (residue, a), (other, b))
            assert float(found.own[len(movable) + row, r]) == pytest.approx(wanted, rel=1e-3, abs=1e-2)


def test_contacts_gain_what_they_are_worth(crowd):
    """Twin: every pair of atoms, one by one, with what stays and with each other, as far as contacts are looked for."""
    internal, atoms, _ = crowd
    worth = torch.rand(len(contacts.CLASSES), len(contacts.CLASSES), generator=torch.Generator().manual_seed(3))
    worth = worth + worth.T
    movable, kinds = internal.movable, internal.types
    bare, felt = (energies_of(internal, atoms, table) for table in (0 * worth, worth))
    reach, best, width = OVERLAP.reach + PACKING.contacts.further, PACKING.contacts.best, PACKING.contacts.width
    middle = atoms[1].mean(0)  # (N, 14, 3), of the candidates
    around = (atoms[1] - middle).norm(dim=-1).amax(0)  # (N, 14)

    def gain(one, other, turns, r):
        """Of an atom of candidate 2 and one of candidate r, which turns, too, or stays."""
        (i, a), (j, b) = one, other
        goal, spread = (middle[j, b], around[j, b]) if turns else (atoms[1, 0, j, b], 0.0)
        if (middle[i, a] - goal).norm() > around[i, a] + spread + reach:
            return 0.0
        distance = (atoms[1, 2, i, a] - atoms[1, r, j, b]).norm()
        one, other = KINDS[kinds[i], a], KINDS[kinds[j], b]
        return float(worth[one, other] * atom_energies.nearness(distance - ALLOWED[one, other], best, width))

    def turning(residue):
        return range(5, len(residues.ATOMS[residues.RESIDUE_NAMES[int(kinds[residue])]]))

    row = len(movable.residues) + 7  # of the second frame
    residue = int(movable.residues[7])
    wanted = sum(
        gain((residue, a), divmod(int(k), 14), False, 0)
        for k in movable.fixed
        for a in turning(residue)
        if int(k) // 14 != residue or apart()[kinds[residue], a, int(k) % 14]
    )
    assert wanted > 10
    assert float(bare.own[row, 2] - felt.own[row, 2]) == pytest.approx(wanted, rel=1e-3, abs=0.05)
    met = torch.where(felt.left == row)[0].tolist()
    assert met
    for edge in met:
        other = int(movable.residues[felt.right[edge] - len(movable.residues)])
        same = torch.where((bare.left == row) & (bare.right == felt.right[edge]))[0]
        before = float(bare.pair[same[0], 2, 1]) if len(same) else 0.0
        wanted = sum(gain((residue, a), (other, b), True, 1) for a in turning(residue) for b in turning(other))
        assert before - float(felt.pair[edge, 2, 1]) == pytest.approx(wanted, rel=1e-3, abs=0.06)


def test_every_atom_has_a_class():
    """Atoms that turn are never of the backbone; the learned table is symmetric, and of that size."""
    for name in residues.RESIDUE_NAMES:
        for slot, atom in enumerate(residues.ATOMS[name]):
            assert (contacts.class_of(name, atom) >= 8) == (slot < 5), (name, atom)
    worth = contacts.learned()
    assert worth.shape == (len(contacts.CLASSES),) * 2
    assert torch.equal(worth, worth.T)
    assert float(worth[0, 0]) > float(worth[4, 4])  # hydrophobic atoms seek each other, charges of one kind do not


def test_half_a_turn_of_a_symmetric_group_changes_nothing():
    internal = internal_of(topology("AFAVA"))
    at = [int(k) for k in internal.movable.residues].index(1)
    torsions = torch.zeros(len(internal.movable.residues), 2, 6)
    torsions[:, 1, 2] = torch.pi
    found = alike(internal, internal.movable.residues, torsions, PACKING.choosing.alike)
    assert float(found[at, 0, 1]) == pytest.approx(1.0, abs=1e-5)
    torsions[:, 1, 1] = torch.pi
    assert float(alike(internal, internal.movable.residues, torsions, PACKING.choosing.alike)[at, 0, 1]) < 0.01


def test_a_choice_is_no_worse_than_any_single_change_by_the_same_numbers(crowd):
    internal, _, found = crowd
    noise = -(-torch.rand(len(found.own), 3, generator=torch.Generator().manual_seed(6)).log()).log()
    many = dataclasses.replace(PACKING.choosing, steps=48)
    state = choose(*found, noise, len(internal.movable.residues), many)
    edges = torch.arange(len(found.left))
    score = noise - found.own.index_add(0, found.left, found.pair[edges, :, state[found.right]])
    score = score.index_add(0, found.right, -found.pair[edges, state[found.left]])
    rows = torch.arange(len(state))
    settled = score[rows, state] >= score.amax(1) - 1e-4
    assert settled.float().mean() > 0.95  # neighbours may go on changing in turn


def test_candidates_that_stand_for_others(crowd):
    """The nearest ones go together; where all stand for themselves, shares are the marginals."""
    points = torch.tensor([[0.0], [1.0], [5.0], [5.5], [9.0]]).expand(2, 5, 1)
    kept, owner = merged((points - points.transpose(1, 2)).square(), 3)
    stands = kept.gather(1, owner)[0].tolist()
    assert kept.shape == (2, 3) and [len(set(stands[at])) for at in (slice(2), slice(2, 4), slice(5))] == [1, 1, 3]
    found = crowd[2]
    alone = torch.arange(found.own.shape[1]).repeat(len(found.own), 1)
    shares = shares_of_all(found, alone, alone.shape[1], PACKING.choosing)
    torch.testing.assert_close(shares, marginals(*found, PACKING.choosing), atol=1e-5, rtol=0)
    split = found._replace(own=torch.cat([found.own, found.own + 1.0], 1))  # two of each, the second one worse
    both = shares_of_all(split, alone.repeat(1, 2), alone.shape[1], PACKING.choosing).unflatten(1, (2, -1))
    torch.testing.assert_close(both.sum(1), shares, atol=1e-5, rtol=0)
    torch.testing.assert_close(both[:, 1], both[:, 0] * math.exp(-1), atol=1e-5, rtol=1e-3)


def test_disulfides_are_worth_their_bond():
    """Two cysteines side by side, SG of one candidate pair at the bond's length: only that pair gains."""
    internal = internal_of(topology("CC", gaps=(0,)))
    cb = torch.tensor([0.0, 1.5, 0.0])
    atoms = torch.zeros(1, 2, 2, 14, 3)
    for r in (0, 1):
        atoms[0, r, 0, 4], atoms[0, r, 0, 5] = cb, cb - torch.tensor([1.8, 0.0, 0.0])
        atoms[0, r, 1, 4], atoms[0, r, 1, 5] = cb + torch.tensor([2.93, 0, 0]), cb + torch.tensor([4.73, 0.0, 0.0])
    atoms[0, 1, 0, 5], atoms[0, 1, 1, 5] = cb + torch.tensor([0.44, 1.76, 0]), cb + torch.tensor([2.49, 1.76, 0])
    for shift, bonded in ((0.0, True), (1.6, False)):  # C-betas 4.5 apart: no disulfide
        moved = atoms.clone()
        moved[0, :, 1, 4, 0] += shift
        found = energies_of(internal, moved)
        gains = found.pair[0] if len(found.pair) else torch.zeros(2, 2)
        assert (float(gains[1, 1]) == pytest.approx(-PACKING.disulfides.gain, abs=0.01)) == bonded
        assert (gains[0] > -0.01).all()
