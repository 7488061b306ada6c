"""Peptides in each other's way, against all atoms one by one."""

import pytest
import torch
from traces import angles_for, internal_of, tiny, topology, trace

from mdbackmap.backbone.collisions import collisions, crowding
from mdbackmap.backbone.peptides import draw_peptides
from mdbackmap.backbone.settings import BackboneSettings, CollisionSettings
from mdbackmap.generation.conformation import Conformation

N, CA, C, OXYGEN = range(4)
BOX = 60.0 * torch.eye(3)[None]
SETTINGS = CollisionSettings()


@pytest.fixture(scope="module")
def molecule():
    """Two chains in one place: their peptides are full of collisions."""
    internal = internal_of(topology("AVGSKLTE" * 2, "A" * 8 + "B" * 8))
    one = trace(8, frames=3)
    return internal, torch.cat([one, one + torch.tensor([1.5, 2.0, 2.0])], 1)


def peptide_atoms(internal, beads, angles):
    """C, O and the next N (N, 3, 3) of one frame."""
    torsions = angles_for(internal)
    torsions[..., 0] = angles
    atoms = internal.to_cartesian(beads, torsions.reshape(-1, 6))
    return torch.stack([atoms[:, C], atoms[:, OXYGEN], atoms[:, N].roll(-1, 0)], 1)


def distances(internal, beads, angles):
    """Of each oxygen from the nearest and from all atoms of other peptides, (N, N, 3), infinite where not counted."""
    atoms = peptide_atoms(internal, beads, angles)
    found = (atoms[:, None, 1, None] - atoms[None]).norm(dim=-1)
    index = torch.arange(len(atoms))
    ahead = index - index[:, None]
    found[ahead == 0] = torch.inf
    found[..., 0] = found[..., 0].masked_fill(ahead.abs() == 1, torch.inf)
    found[..., 2] = found[..., 2].masked_fill(ahead == -1, torch.inf)
    found[internal.ends], found[:, internal.ends] = torch.inf, torch.inf
    return found


def test_all_collisions_are_found(molecule):
    internal, beads = molecule
    angles = torch.rand(3, 16, generator=torch.Generator().manual_seed(0)) * 6 - 3
    frames, at = collisions(internal, beads, angles, SETTINGS)
    found = set(zip(frames.tolist(), at.tolist(), strict=True))
    touching = [distances(internal, beads[k], angles[k]).amin(2) < SETTINGS.touching for k in range(3)]
    pairs = [(k, i, j) for k in range(3) for i, j in touching[k].nonzero().tolist()]
    assert len(pairs) > 5
    assert all((k, i) in found or (k, j) in found for k, i, j in pairs)
    assert found <= {(k, i) for k, i, _ in pairs}
    far = beads.clone()
    far[:, 8:] += torch.tensor([60.0, -60.0, 0.0])
    assert collisions(internal, far, angles, SETTINGS)[0].numel() < len(found)
    boxed = collisions(internal, far, angles, SETTINGS, BOX.expand(3, 3, 3))
    assert torch.equal(boxed[0], frames) and torch.equal(boxed[1], at)


@pytest.mark.parametrize("box", [None, BOX.expand(3, 3, 3)], ids=["open", "periodic"])
def test_what_turning_costs(molecule, box):
    internal, beads = molecule
    angles = torch.rand(3, 16, generator=torch.Generator().manual_seed(0)) * 6 - 3
    frames, at, turns = torch.tensor([0, 2]), torch.tensor([3, 10]), torch.linspace(-3, 3, 9)
    placed = beads
    if box is not None:
        placed = beads.clone()
        placed[:, 8:] += torch.tensor([0.0, 60.0, 0.0])
    found = crowding(internal, placed, angles, frames, at, turns.expand(2, -1), SETTINGS, box)
    for row, (k, i) in enumerate(zip(frames.tolist(), at.tolist(), strict=True)):
        for column, turn in enumerate(turns):
            turned = angles[k].clone()
            turned[i] = turn
            short = (SETTINGS.clear - distances(internal, beads[k], turned)[i]).clamp_min(0)
            assert found[row, column] == pytest.approx(float(SETTINGS.stiffness * short.square().sum()), abs=1e-2)
    assert (found > 1).any()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_fewer_are_left(molecule, temperature):
    internal, beads = molecule
    model, hidden = tiny(), torch.zeros(3, 16, 16)
    uniform = torch.rand(3, 16, generator=torch.Generator().manual_seed(1))
    drawn = []
    given = model.heads, Conformation.of(internal, beads), hidden, uniform, temperature
    with torch.no_grad():
        for settings in (BackboneSettings(), BackboneSettings(CollisionSettings(touching=0.0))):
            drawn.append(draw_peptides(*given, settings))
    after, before = (len(collisions(internal, beads, angles, SETTINGS)[0]) for angles in drawn)
    assert before > 5 and after < 0.7 * before
