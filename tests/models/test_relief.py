"""Relief: side chains as rigid parts, torques, and what is gained."""

import pytest
import torch

from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.data.dataset import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.packing import relief
from mdbackmap.packing.disulfides import NEAR, Bridges
from mdbackmap.packing.overlaps import STIFFNESS
from mdbackmap.packing.relief import _LISTED, SideChains, _pairs, _tables, relieve, side_chains
from mdbackmap.torsions.internal import InternalCoordinates


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


def parts_of(internal, atoms):
    moved, axis, *_ = _tables()
    return SideChains(atoms[0], axis[internal.types], moved[internal.types])


def test_turned_side_chains_are_those_of_turned_torsions(placed):
    internal, beads, torsions, atoms = placed
    can = _tables()[0][internal.types].any(2)
    angles = torch.randn(can.shape, generator=torch.Generator().manual_seed(1)) * can
    wanted = torsions.clone()
    wanted[0, :, 1:5] += angles
    found = parts_of(internal, atoms).turned(angles)
    there = _tables()[3][internal.types] & (internal.types != TYPE_OF_NAME["PRO"]).unsqueeze(1)
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
    _, _, distance, allowed, *_ = _pairs(types, atoms, chosen, Bridges(types, atoms[:, :, 4]), 0.0)
    return float((STIFFNESS * (allowed - distance).clamp_min(0) ** 2).sum())


def test_listed_pairs_are_all_there_are(placed):
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()[:12]])
    one, other, distance, allowed, *_ = _pairs(
        internal.types, atoms, chosen, Bridges(internal.types, atoms[:, :, 4]), _LISTED
    )
    flat = atoms.reshape(-1, 3)
    first = chosen[one // 14, 1] * 14 + one % 14
    torch.testing.assert_close((flat[first] - flat[other]).norm(dim=-1), distance)
    moved, _, _, real = _tables()
    for k, (_, row) in enumerate(chosen.tolist()):
        for slot in moved[internal.types[row], 0].nonzero()[:, 0].tolist():
            near = (flat - atoms[0, row, slot]).norm(dim=-1).view(-1, 14) < 2.0 + _LISTED  # every pair is allowed 2
            near &= real[internal.types]
            near[row] = False
            assert set(near.flatten().nonzero()[:, 0].tolist()) <= set(other[one == k * 14 + slot].tolist())


def test_what_is_left_is_what_side_chains_have_then(placed):
    """Although some stay where they were, since they would be worse off, and others have turned into them."""
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()])
    stayed = 0
    for size in (0.2, 0.6, 1.2):  # the larger the steps, the more often in vain
        angles, left = relieve(internal.types, atoms, chosen, n_steps=3, rate=size)
        after = atoms.clone()
        after[chosen.unbind(1)] = side_chains(internal.types, atoms, chosen)[0].turned(angles)
        torch.testing.assert_close(left, relief.overlap(internal.types, after, chosen), atol=0.01, rtol=1e-3)
        stayed += int(((angles == 0).all(1) & (left > 1)).sum())
    assert stayed


def test_relief_takes_most_of_the_overlap_away_and_turns_nothing_else(placed):
    internal, _, _, atoms = placed
    chosen = torch.tensor([[0, row] for row in internal.movable.residues.tolist()])
    angles = relieve(internal.types, atoms, chosen)[0]
    moved, axis, *_ = _tables()
    kinds = internal.types[chosen[:, 1]]
    after = atoms.clone()
    after[0, chosen[:, 1]] = SideChains(atoms[0, chosen[:, 1]], axis[kinds], moved[kinds]).turned(angles)
    assert overlap(internal.types, after, chosen) < 0.4 * overlap(internal.types, atoms, chosen)
    assert angles.abs().max() < 1.5
    assert (angles[~moved[kinds].any(2)] == 0).all()
    free = relieve(internal.types, after, chosen)[0]
    assert (free == 0).all(1).float().mean() > 0.5  # side chains without overlap stay


def test_each_frame_is_relieved_as_if_alone(placed):
    internal, _, _, atoms = placed
    two = torch.cat([atoms, atoms.flip(-1) + 3])
    chosen = torch.tensor([[f, row] for f in (0, 1) for row in internal.movable.residues.tolist()])
    both, half = relieve(internal.types, two, chosen)[0], len(chosen) // 2
    torch.testing.assert_close(both[:half], relieve(internal.types, atoms, chosen[:half])[0], atol=1e-4, rtol=0)


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
    kinds, (moved, axis, *_) = data.types[rows][cysteines], _tables()
    parts = SideChains(atoms[0, cysteines], axis[kinds], moved[kinds])
    atoms = atoms.clone()
    atoms[0, cysteines] = parts.turned(torch.tensor([[0.4, 0, 0, 0], [0.3, 0, 0, 0]]))
    apart = torch.pdist(atoms[0, cysteines, 5])
    assert 2.5 < apart < NEAR
    chosen = torch.stack([torch.zeros(2, dtype=torch.int64), cysteines], 1)
    angles = relieve(data.types[rows], atoms, chosen)[0]
    after = SideChains(atoms[0, cysteines], axis[kinds], moved[kinds]).turned(angles)
    assert abs(torch.pdist(after[:, 5]) - 2.04) < abs(apart - 2.04) / 3
