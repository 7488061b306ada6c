"""Settling: which atoms of different residues meet, how they follow beads and peptides, what is gained."""

import functools
import itertools

import pytest
import torch
from test_sidechains import bonds_within
from traces import internal_of, topology, trace

from mdbackmap.chemistry import residues
from mdbackmap.geometry import compiling
from mdbackmap.packing import settling
from mdbackmap.packing.atom_energies import allowed_distances
from mdbackmap.packing.contacts import classes
from mdbackmap.packing.settings import PackingSettings
from mdbackmap.packing.settling import CarriedAtoms, levers, push_apart, residue_pairs, settle
from mdbackmap.traces.relaxation import Relaxation

PACKING = PackingSettings()
SETTLING = PACKING.settling
within = functools.cache(bonds_within)


def squeezed(n, frames=1):
    """Traces in which atoms meet, and torsions on them."""
    beads = trace(n, frames=frames, dtype=torch.float64) * torch.tensor([0.8, 1.0, 0.9])
    torsions = torch.rand(frames, n, 6, generator=torch.Generator().manual_seed(0)).double() * 6.28
    return beads, torsions


def bonds_between(first, a, second, b):
    """Bonds from an atom of a residue to one of the next."""
    return within(first)[a, "C"] + 1 + within(second)["N", b]


def test_pairs_are_those_more_than_three_bonds_apart():
    coarse = topology("ACDEFGHIKLMNPQRSTVWYCPPG", gaps=(9,))
    internal, (beads, torsions) = internal_of(coarse), squeezed(24)
    atoms = internal.to_cartesian(beads, torsions * internal.defined)
    names = [residues.RESIDUE_NAMES[kind] for kind in internal.types]
    expected = set()
    for i, j in torch.combinations(torch.arange(len(names))).tolist():
        distances = torch.cdist(atoms[0, i], atoms[0, j])
        one, other = (classes()[internal.types[k]] for k in (i, j))
        near = distances < allowed_distances(0.0)[one][:, other] + SETTLING.listed - 1e-4
        for (a, one), (b, other) in itertools.product(*(enumerate(residues.ATOMS[names[k]]) for k in (i, j))):
            joined = j == i + 1 and not internal.ends[i] and bonds_between(names[i], one, names[j], other) <= 3
            bridge = names[i] == names[j] == "CYS" and min(a, b) >= 4
            if near[a, b] and not joined and not bridge:
                expected.add((i, a, j, b))
    one, other, *_ = residue_pairs(internal, atoms, SETTLING)
    found = torch.stack([one // 14, one % 14, other // 14, other % 14], 1).tolist()
    assert len(expected) > 100 and any(j == i + 1 for i, _, j, _ in expected)
    assert len(found) == len(set(map(tuple, found)))
    assert expected <= set(map(tuple, found)) and len(found) < 1.01 * len(expected) + 2  # rounding at the border


def test_atoms_follow_small_moves_of_beads_and_peptides():
    coarse = topology("MKVLAGTSDEFWPA", "A" * 7 + "B" * 7)
    internal, (beads, torsions) = internal_of(coarse), squeezed(14, frames=2)
    torsions = torsions * internal.defined
    atoms = internal.to_cartesian(beads, torsions)
    (at, *_), slopes = residue_pairs(internal, atoms, SETTLING), levers(internal, beads, torsions, atoms, SETTLING.turn)
    carried = CarriedAtoms(internal, slopes, at, SETTLING.carried)
    turns = 1e-4 * torch.randn(2, 14, generator=torch.Generator().manual_seed(1)).double() * ~internal.ends
    shift = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    turned = torsions.clone()
    turned[..., 0] += turns
    there = internal.to_cartesian(beads + shift, turned).flatten(0, 2)[at]
    moved = carried.shift(shift.expand(28, 3), turns.flatten())
    before = atoms.flatten(0, 2)[at]
    torch.testing.assert_close(before + moved, there, rtol=0, atol=3e-6)
    assert (moved - shift).norm(dim=-1).max() > 1e-4


def test_derivatives_are_collected_where_moves_came_from():
    coarse = topology("MKVLAGTSDEFWPA")
    internal, (beads, torsions) = internal_of(coarse), squeezed(14, frames=2)
    atoms = internal.to_cartesian(beads, torsions * internal.defined)
    at, slopes = residue_pairs(internal, atoms, SETTLING)[1], levers(internal, beads, torsions, atoms, SETTLING.turn)
    carried = CarriedAtoms(internal, slopes, at, SETTLING.carried)
    shifts = torch.zeros(28, 3, dtype=torch.float64, requires_grad=True)
    turns = torch.zeros(28, dtype=torch.float64, requires_grad=True)
    on_atoms = torch.randn(len(at), 3, generator=torch.Generator().manual_seed(2)).double()
    expected = torch.autograd.grad((carried.shift(shifts, turns) * on_atoms).sum(), (shifts, turns))
    found = carried.collect(torch.zeros_like(shifts), torch.zeros_like(turns), on_atoms)
    torch.testing.assert_close(found, expected)


def overlap(internal, beads, torsions):
    one, _, gap, allowed = residue_pairs(internal, internal.to_cartesian(beads, torsions), SETTLING)
    short = (allowed - gap.norm(dim=-1)).clamp_min(0).square()
    return torch.zeros(len(beads)).double().index_add(0, one // 14 // len(internal.types), short.double())


def test_settling_makes_room_and_keeps_to_the_tolerance():
    coarse = topology("FWLKYRFWLKYR", "A" * 6 + "B" * 6)
    internal, beads = internal_of(coarse), trace(12, 8, 3.8, 3.8, frames=2)
    beads[:, 6:] = beads[:, :6] + torch.tensor([0.0, 0.0, 5.0])
    torsions = torch.full((2, 12, 6), 1.0) * internal.defined
    tolerances = torch.tensor([0.5, 0.0])
    moved, turned = settle(Relaxation(internal).slopes(beads, tolerances), beads, torsions, PACKING)
    assert torch.equal(moved[1], beads[1]) and torch.equal(turned[1], torsions[1])
    assert 0 < (moved - beads)[0].square().sum(-1).mean().sqrt() <= 0.5 + 1e-5
    assert overlap(internal, moved, turned)[0] < 0.5 * overlap(internal, beads, torsions)[0]


def test_peptides_turn_where_beads_must_stay():
    """Glycines have no side chains to turn aside, and their beads may move by next to nothing."""
    internal = internal_of(topology("G" * 12, "A" * 6 + "B" * 6))
    beads = trace(12, 8, 3.8, 3.8, dtype=torch.float64)
    beads[:, 6:] = beads[:, :6] + torch.tensor([0.0, 0.0, 4.6])
    torsions = torch.full((1, 12, 6), 1.0).double() * internal.defined
    slopes = Relaxation(internal).slopes(beads, torch.tensor([1e-3]))
    moved, turned = push_apart(slopes, beads, torsions, SETTLING)
    assert (moved - beads).norm(dim=-1).max() < 0.01
    assert (turned - torsions)[..., 0].abs().max() > 0.05
    assert overlap(internal, moved, turned)[0] < 0.8 * overlap(internal, beads, torsions)[0]


@pytest.mark.skipif(not compiling.available(), reason="numba compiles this kernel")
def test_compiled_pushes_are_those_of_the_reference(monkeypatch):
    """Pairs that overlap, coincide or are apart, on carried atoms of two frames."""
    internal, made = internal_of(topology("AVGSKLWP", "AAAAABBB")), torch.Generator().manual_seed(0)
    levers = [torch.randn(2, 8, 14, 3, dtype=torch.float64, generator=made) for _ in range(2)]
    rows = torch.randint(0, 2 * 8 * 14, (2, 60), generator=made)
    apart = 2.0 * torch.randn(60, 3, dtype=torch.float64, generator=made)
    apart[0], shifts = 0.0, (torch.zeros(16, 3, dtype=torch.float64), torch.rand(16, dtype=torch.float64))
    for pairs in (60, 0):
        first, second = (CarriedAtoms(internal, levers, at[:pairs], PACKING.settling.carried) for at in rows)
        arguments = first, second, apart[:pairs], torch.full((pairs,), 3.0).double(), shifts, PACKING.settling
        found = settling.pushes(*arguments)
        with monkeypatch.context() as patch:
            patch.setattr(settling, "suits", lambda *_: False)
            torch.testing.assert_close(found, settling.pushes(*arguments))
        assert bool(found[0].any()) == bool(pairs)
