"""Relief: side chains as rigid parts, torques, and what is gained."""

import dataclasses

import pytest
import torch

from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.packing import relief
from mdbackmap.packing.relief import bridges_of, relieve, side_chain_pairs, side_chains
from mdbackmap.packing.rigid import SideChains
from mdbackmap.packing.settings import PackingSettings
from mdbackmap.torsions.internal import InternalCoordinates
from mdbackmap.torsions.movable import present

PACKING = PackingSettings()


@pytest.fixture(scope="module")
def placed():
    """Internal coordinates of a chain, its beads, true torsions with side chains thrown about, and atoms."""
    data = Structures.read(VALIDATION)
    rows = torch.arange(int(data.chains["offset"][1]))
    internal = InternalCoordinates(data.types[rows], data.ends[rows], data.cis[rows])
    torsions, known = (part[rows] for part in data.torsions)
    drawn = torch.rand(torsions[:, 1:5].shape, generator=torch.Generator().manual_seed(0))
    torsions = torsions.clone()
    torsions[:, 1:5] += (drawn - 0.5) * internal.defined[:, 1:5]
    beads = data.ca[rows][None]
    return internal, beads, torsions[None], internal.to_cartesian(beads, torsions[None])


def everyone(internal):
    """Frame and residue of all residues of one frame, (N, 2)."""
    rows = torch.arange(len(internal.types))
    return torch.stack([torch.zeros_like(rows), rows], 1)


def parts_of(internal, atoms):
    return SideChains(*side_chains(internal.types, atoms, everyone(internal)))


def test_turned_side_chains_are_those_of_turned_torsions(placed):
    internal, beads, torsions, atoms = placed
    can = side_chains(internal.types, atoms, everyone(internal))[2].any(2)
    angles = torch.randn(can.shape, generator=torch.Generator().manual_seed(1)) * can
    wanted = torsions.clone()
    wanted[0, :, 1:5] += angles
    found = parts_of(internal, atoms).turned(angles)
    there = present()[internal.types] & (internal.types != TYPE_OF_NAME["PRO"]).unsqueeze(1)
    assert can.sum() > 100
    torch.testing.assert_close(found[there], internal.to_cartesian(beads, wanted)[0][there], atol=1e-3, rtol=0)


def test_torques_are_derivatives(placed):
    internal, _, _, atoms = placed
    parts = parts_of(internal, atoms.double())
    angles = torch.zeros(len(internal.types), 4, dtype=torch.double, requires_grad=True)
    pull = torch.randn(atoms.shape[1:], dtype=torch.double, generator=torch.Generator().manual_seed(2))
    (parts.turned(angles) * pull).sum().backward()
    can = parts.share.any(2)
    torch.testing.assert_close(parts.torques(atoms[0].double(), pull)[can], angles.grad[can])


def overlap(types, atoms, chosen):
    *_, allowed, _, _, distance = side_chain_pairs(
        types, atoms, chosen, PACKING, bridges_of(types, atoms, PACKING), 0.0
    )
    return float((PACKING.relief.overlap.stiffness * (allowed - distance).clamp_min(0) ** 2).sum())


def test_listed_pairs_are_all_there_are(placed):
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()[:12]])
    listed, bridges = PACKING.relief.listed, bridges_of(internal.types, atoms, PACKING)
    one, other, *_, distance = side_chain_pairs(internal.types, atoms, chosen, PACKING, bridges, listed)
    flat = atoms.reshape(-1, 3)
    first = chosen[one // 14, 1] * 14 + one % 14
    torch.testing.assert_close((flat[first] - flat[other]).norm(dim=-1), distance)
    moved, real = side_chains(internal.types, atoms, everyone(internal))[2], present()
    for k, (_, row) in enumerate(chosen.tolist()):
        for slot in moved[row, 0].nonzero()[:, 0].tolist():
            near = (flat - atoms[0, row, slot]).norm(dim=-1).view(-1, 14) < 2.0 + listed  # every pair is allowed 2
            near &= real[internal.types]
            near[row] = False
            assert set(near.flatten().nonzero()[:, 0].tolist()) <= set(other[one == k * 14 + slot].tolist())


def test_what_is_left_is_what_side_chains_have_then(placed):
    """Although some stay where they were, since they would be worse off, and others have turned into them."""
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()])
    stayed = 0
    for size in (0.2, 0.6, 1.2):  # the larger the steps, the more often in vain
        settings = dataclasses.replace(PACKING, relief=dataclasses.replace(PACKING.relief, steps=3, rate=size))
        angles, left = relieve(internal.types, atoms, chosen, settings)
        after = atoms.clone()
        after[chosen.unbind(1)] = SideChains(*side_chains(internal.types, atoms, chosen)).turned(angles)
        torch.testing.assert_close(left, relief.overlap(internal.types, after, chosen, PACKING), atol=0.01, rtol=1e-3)
        stayed += int(((angles == 0).all(1) & (left > 1)).sum())
    assert stayed


def test_relief_takes_most_of_the_overlap_away_and_turns_nothing_else(placed):
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()])
    angles, parts = relieve(internal.types, atoms, chosen, PACKING)[0], side_chains(internal.types, atoms, chosen)
    after = atoms.clone()
    after[0, chosen[:, 1]] = SideChains(*parts).turned(angles)
    assert overlap(internal.types, after, chosen) < 0.4 * overlap(internal.types, atoms, chosen)
    assert angles.abs().max() < 1.5
    assert (angles[~parts[2].any(2)] == 0).all()
    free = relieve(internal.types, after, chosen, PACKING)[0]
    assert (free == 0).all(1).float().mean() > 0.5  # side chains without overlap stay


def test_each_frame_is_relieved_as_if_alone(placed):
    internal, _, _, atoms = placed
    two = torch.cat([atoms, atoms.flip(-1) + 3])
    chosen = torch.tensor([[f, row] for f in (0, 1) for row in internal.movable.residues.tolist()])
    both, half = relieve(internal.types, two, chosen, PACKING)[0], len(chosen) // 2
    alone = relieve(internal.types, atoms, chosen[:half], PACKING)[0]
    torch.testing.assert_close(both[:half], alone, atol=1e-4, rtol=0)


def test_sulfurs_that_belong_together_are_pulled_to_each_other():
    """Two cysteines of a crystal, their sulfurs turned a little apart."""
    data = Structures.read(VALIDATION)
    for start, stop in zip(data.chains["offset"][:-1], data.chains["offset"][1:], strict=True):
        rows = torch.arange(int(start), int(stop))
        atoms = data.atoms(rows)[None]
        cysteines = (data.types[rows] == TYPE_OF_NAME["CYS"]).nonzero()[:, 0]
        near = torch.pdist(atoms[0, cysteines, 5]) if len(cysteines) == 2 else torch.ones(1)
        if len(cysteines) == 2 and 1.9 < near < 2.2:
            break
    chosen = torch.stack([torch.zeros(2, dtype=torch.int64), cysteines], 1)
    parts = SideChains(*side_chains(data.types[rows], atoms, chosen))
    atoms = atoms.clone()
    atoms[0, cysteines] = parts.turned(torch.tensor([[0.4, 0, 0, 0], [0.3, 0, 0, 0]]))
    apart = torch.pdist(atoms[0, cysteines, 5])
    assert 2.5 < apart < PACKING.disulfides.pulled
    angles = relieve(data.types[rows], atoms, chosen, PACKING)[0]
    after = SideChains(*side_chains(data.types[rows], atoms, chosen)).turned(angles)
    assert abs(torch.pdist(after[:, 5]) - 2.04) < abs(apart - 2.04) / 3
