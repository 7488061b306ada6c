"""Side chains that lie in others give way to better ones, and nothing else changes."""

import pytest
import torch

from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.generation.conformation import Conformation
from mdbackmap.packing import relief, replacing
from mdbackmap.packing.replacing import Clashing, replace_clashing
from mdbackmap.packing.settings import PackingSettings
from mdbackmap.torsions.internal import InternalCoordinates

PACKING = PackingSettings()
CLASH = PACKING.replacing.clash


@pytest.fixture(scope="module")
def crystal():
    """Internal coordinates of a chain, its beads (1, N, 3) and its torsions (1, N, 6)."""
    data = Structures.read(VALIDATION)
    rows = torch.arange(int(data.chains["offset"][1]))
    internal = InternalCoordinates(data.types[rows], data.ends[rows], data.cis[rows])
    return internal, data.ca[rows][None], data.torsions[0][rows][None]


def energy(internal, beads, torsions, residue):
    at = torch.tensor([[0, residue]])
    return float(relief.overlap(internal.types, internal.to_cartesian(beads, torsions), at, PACKING))


@pytest.fixture(scope="module")
def spoilt(crystal):
    """Torsions with one side chain of the crystal turned into its surroundings, and which."""
    internal, beads, torsions = crystal
    for residue in internal.movable.residues.tolist():
        turned = torsions.clone()
        turned[0, residue, 1] += 2.0
        if energy(internal, beads, torsions, residue) < 1 and energy(internal, beads, turned, residue) > 100:
            return turned, residue
    raise AssertionError("no side chain of this chain is in any danger")


def replaced(internal, beads, torsions, clashing):
    return replace_clashing(Conformation(internal, beads, torsions), clashing, PACKING).torsions


def clashing(residues, candidates):
    return Clashing(torch.zeros(len(residues), dtype=torch.int64), torch.tensor(residues), candidates)


def test_the_candidate_that_fits_is_taken_and_nothing_else_moves(crystal, spoilt):
    internal, beads, torsions = crystal
    turned, residue = spoilt
    bad, true = turned[0, residue, 1:5], torsions[0, residue, 1:5]
    found = replaced(internal, beads, turned, clashing([residue], torch.stack([bad, true, bad])[None]))
    assert energy(internal, beads, found, residue) < 1
    assert (found[0, residue, 1:5] - true).abs().max() < 0.3
    others = torch.arange(len(internal.types)) != residue
    assert torch.equal(found[0, others], turned[0, others])
    assert torch.equal(found[..., [0, 5]], turned[..., [0, 5]])


def test_without_a_candidate_that_fits_others_are_tried(crystal, spoilt):
    internal, beads, _ = crystal
    turned, residue = spoilt
    found = replaced(internal, beads, turned, clashing([residue], turned[:, residue, None, 1:5]))
    assert energy(internal, beads, found, residue) < energy(internal, beads, turned, residue) / 4


def test_what_can_be_borne_stays(crystal):
    internal, beads, torsions = crystal
    fine = [k for k in internal.movable.residues.tolist() if energy(internal, beads, torsions, k) < CLASH]
    assert len(fine) > 50
    away = torsions[:, fine, None, 1:5][0] + 1.0
    assert torch.equal(replaced(internal, beads, torsions, clashing(fine, away)), torsions)
    nobody = Clashing(*torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 1, 4))
    assert replaced(internal, beads, torsions, nobody) is torsions


def test_frames_do_not_see_each_other(crystal, spoilt):
    internal, beads, torsions = crystal
    turned, residue = spoilt
    candidates = torsions[:, residue, None, 1:5]
    alone = replaced(internal, beads, turned, clashing([residue], candidates))
    two = Clashing(torch.tensor([0, 2]), torch.tensor([residue, residue]), candidates.repeat(2, 1, 1))
    both = replaced(internal, beads.repeat(3, 1, 1), torch.cat([turned, torsions, turned]), two)
    torch.testing.assert_close(both, torch.cat([alone, torsions, alone]), atol=1e-5, rtol=0)


def test_neighbours_take_turns(crystal, spoilt):
    """Of two side chains that are in each other's way, the second is judged by where the first has gone."""
    internal, beads, torsions = crystal
    places, energies = beads[0, [0, 1, 40]], torch.tensor([20.0, 30.0, 15.0])
    first, later = replacing.in_turn(places, torch.tensor([0, 0, 1]), energies, PACKING.replacing)
    assert (first.tolist(), later.tolist()) == ([1, 2], [0])
    pair = places[[0, 0]], torch.tensor([0, 0]), torch.tensor([20.0, 20.0])
    first, later = replacing.in_turn(*pair, PACKING.replacing)
    assert (first.tolist(), later.tolist()) == ([0], [1])  # not both, nor neither
    first, later = replacing.in_turn(places, torch.tensor([0, 0, 1]), torch.full((3,), CLASH), PACKING.replacing)
    assert (first.tolist(), later.tolist()) == ([], [])


def test_surroundings_are_all_that_matters(crystal, spoilt):
    internal, beads, _ = crystal
    turned, residue = spoilt
    atoms = internal.to_cartesian(beads, turned)
    types, around = replacing.surroundings(
        internal.types, atoms, torch.tensor([0]), torch.tensor([residue]), PACKING.replacing.around
    )
    assert types.shape == (1, PACKING.replacing.around) and torch.equal(around[0, 0], atoms[0, residue])
    near = float(relief.overlap(types, around, torch.tensor([[0, 0]]), PACKING))
    assert near == pytest.approx(energy(internal, beads, turned, residue))
