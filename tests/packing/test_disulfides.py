"""Disulfides: which cysteines may be bonded, where their sulfurs can be, and that bonds are made."""

import math

import pytest
import torch
from traces import angles_for, internal_of, topology, trace

from mdbackmap import checkpoint
from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.options import Keys
from mdbackmap.packing.candidates import backbone_overlaps
from mdbackmap.packing.disulfides import Bridges, sulfur_places
from mdbackmap.packing.settings import PackingSettings

PACKING = PackingSettings()
CORNERS = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 8**0.5  # a tetrahedron with edges of 1


def types_of(sequence):
    return internal_of(topology(sequence)).types


@pytest.mark.parametrize("distance, bonded", [(2.5, False), (3.8, True), (4.4, True), (4.6, False)])
@pytest.mark.parametrize("boxed", [False, True])
def test_the_distance_of_betas_decides(distance, bonded, boxed):
    betas = torch.tensor([[[0.0, 0, 0], [20.0, 0, 0], [distance + 50.0 * boxed, 0, 0]]])
    bridges = Bridges.of(types_of("CCC"), betas, PACKING.disulfides, 50 * torch.eye(3)[None] if boxed else None)
    found = bridges(torch.tensor([0, 0]), torch.tensor([2, 1]))
    assert found.tolist() == [bonded, False]
    frames, one, other, gap = bridges.pairs()
    if bonded:
        assert (frames.tolist(), one.tolist(), other.tolist()) == ([0], [0], [2])
        torch.testing.assert_close(gap, torch.tensor([[distance, 0.0, 0.0]]), atol=1e-4, rtol=0)
    else:
        assert len(frames) == 0


def test_pairs_are_each_others_nearest():
    betas = torch.tensor([[0.0, 90.0, 4.0, 60.0, 7.6, 30.0, 11.7]])[..., None] * torch.tensor([1.0, 0.0, 0.0])
    bridges = Bridges.of(types_of("CACACAC"), betas, PACKING.disulfides)
    assert bridges(torch.tensor([0, 2, 4]), torch.tensor([2, 4, 6])).all()
    _, one, other, _ = bridges.pairs()
    assert (one.tolist(), other.tolist()) == ([2], [4])


@pytest.mark.parametrize(
    "sequence, edge, bonded",
    [
        ("CAAACAAACAAAC", 4.4, False),  # four around an ion
        ("CAAACAAACAAAC", 4.0, True),
        ("CAAACAAAHAAAH", 4.4, False),
        ("CAAACAAAAAAAA", 4.4, True),
        ("CAACAAAACAAAC", 4.0, False),  # a motif of zinc fingers
        ("CAACAAAAAAAAA", 4.0, True),
    ],
)
def test_cysteines_that_hold_an_ion_are_not_bonded(sequence, edge, bonded):
    types = types_of(sequence)
    holders = torch.tensor([k for k, name in enumerate(sequence) if name in "CH"])
    betas = 30.0 * torch.arange(len(types))[:, None] * torch.tensor([1.0, 0.0, 0.0])
    betas[holders] = edge * CORNERS[: len(holders)]
    bridges = Bridges.of(types, betas[None], PACKING.disulfides)
    assert bool(bridges(*holders[:2].view(2, 1))) == bonded
    frames, one, *_ = bridges.pairs()
    assert (len(frames) > 0) == bonded and (one == 0).all()


def test_no_cysteines():
    bridges = Bridges.of(types_of("AG"), torch.zeros(2, 2, 3), PACKING.disulfides)
    assert all(len(part) == 0 for part in bridges.pairs()) and not bridges.partners().any()


def test_places_of_sulfurs_are_those_of_the_atoms():
    internal, beads, chi1 = internal_of(topology("ACA")), trace(3), torch.linspace(-3, 3, 7)
    torsions = angles_for(internal).expand(7, -1, -1).clone()
    torsions[:, 1, 1] = chi1
    atoms = internal.to_cartesian(beads.expand(7, -1, -1), torsions)
    wanted = atoms[:, 1, 5] - atoms[:, 1, 4]
    torch.testing.assert_close(sulfur_places(atoms[:1, 1], chi1)[0], wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("box", [None, 600.0])
@pytest.mark.parametrize("owner, counts", [(1, True), (0, False), (2, False)])
def test_sulfurs_keep_out_of_backbones_of_others(owner, counts, box):
    """Not out of those of the two cysteines themselves: the network knows these, and bonds need them."""
    placed = 100.0 * torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 14, 3).contiguous()
    where = placed[0, owner, 3].clone() if counts else placed[0, 0, 4] + 5.0
    placed[0, owner, 3] = where  # an oxygen
    places = torch.stack([where + torch.tensor([gap, 0.0, 0.0]) for gap in (0.0, 2.0, 6.0)]) - placed[0, 0, 4]
    frames, one, other = torch.tensor([[0], [0], [2]])
    if box is not None:
        box = box * torch.eye(3)[None]
        placed[:, owner] += box[0, 1]  # another image of that residue
    bridges = Bridges.of(types_of("CGCA"), placed[:, :, 4], PACKING.disulfides, box)
    cost = backbone_overlaps(bridges, placed, frames, one, other, places[None], PACKING)[0]
    if counts:
        assert cost[0] > cost[1] > 0 == cost[2]
    else:
        assert (cost == 0).all()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_most_disulfides_of_crystals_are_made(temperature):
    """By the bundled model, of those whose C-betas it puts where they can be; at the angles that bonds have."""
    model, made, across, cysteine = checkpoint.load("genzprot")[0].eval(), [], [], TYPE_OF_NAME["CYS"]
    for chain in read_chains(VALIDATION):
        coarse = chain.trace()
        at = torch.from_numpy(coarse.types == cysteine).nonzero()[:, 0]
        native = torch.from_numpy(chain.positions[0])[at, 5]
        bonds = (torch.cdist(native, native) < 2.3).triu(1).nonzero()
        if len(bonds) < 2 or len(coarse.types) > 200:
            continue
        internal = internal_of(coarse)
        beads = torch.tensor(chain.beads[:1], dtype=torch.float32)
        with torch.inference_mode():
            atoms = bind(model, model.mapping(coarse)).conformation(beads, Noise(0, temperature), Keys.first(1)).atoms
        bridges = Bridges.of(internal.types, atoms[:, :, 4], PACKING.disulfides)
        length = torch.cdist(atoms[0, at, 5], atoms[0, at, 5])
        beyond = torch.cdist(atoms[0, at, 4], atoms[0, at, 5])
        for i, j in bonds.tolist():
            if bridges(at[i, None], at[j, None]):
                made.append(math.isclose(length[i, j], 2.05, abs_tol=0.35))
                across += [float(beyond[pair]) for pair in ((i, j), (j, i)) if made[-1]]
        if len(made) > 10:
            break
    assert len(made) > 10 and sum(made) >= 0.8 * len(made)
    off = [abs(distance - 3.05) for distance in across]
    assert sum(off) / len(off) < 0.2 and sum(gap < 0.4 for gap in off) >= 0.9 * len(off)
