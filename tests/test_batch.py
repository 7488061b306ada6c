"""What a network sees of a molecule."""

import pytest
import torch
from traces import internal_of, topology, trace

from mdbackmap.geometry.neighbours import nearest
from mdbackmap.models.batch import COUNT_RADII, Batch, separation
from mdbackmap.torsions.trace_ends import trace_neighbours

SEQUENCE = "MKVLAGPPWYTSDE"


@pytest.fixture
def molecule():
    return internal_of(topology(SEQUENCE, chains="A" * 9 + "B" * 5, gaps=(3,), cis=(6,)))


def fields(batch):
    """The tensors of a batch; `inside` is none where there are only C-alphas."""
    assert batch.inside is None
    return {name: value for name, value in vars(batch).items() if name != "inside"}


def test_frames_after_one_another(molecule):
    """A batch of frames is the frames' batches joined, neighbours shifted."""
    beads = trace(len(SEQUENCE), frames=3)
    together = Batch.from_frames(molecule, beads, 6)
    assert len(together) == 3 * len(SEQUENCE)
    for frame in range(3):
        alone = Batch.from_frames(molecule, beads[frame : frame + 1], 6)
        rows = slice(frame * len(SEQUENCE), (frame + 1) * len(SEQUENCE))
        for name, values in fields(alone).items():
            values = values + frame * len(SEQUENCE) if name == "neighbours" else values
            assert torch.equal(getattr(together, name)[rows], values), name


def test_fields(molecule):
    beads = trace(len(SEQUENCE))
    batch = Batch.from_frames(molecule, beads, 6)
    index, displacement, present, counts = nearest(beads, 6, COUNT_RADII)
    assert torch.equal(batch.neighbours, index[0]) and torch.equal(batch.displacements, displacement[0])
    assert torch.equal(batch.present, present[0]) and torch.equal(batch.counts, counts[0])
    before, after = trace_neighbours(beads, molecule.first, molecule.last)
    assert torch.equal(batch.before, before[0]) and torch.equal(batch.after, after[0])
    assert batch.first.nonzero()[:, 0].tolist() == [0, 4, 9]
    assert batch.last.nonzero()[:, 0].tolist() == [3, 8, 13]
    assert batch.cis.nonzero()[:, 0].tolist() == [6]


def test_small_molecules_fill_the_table(molecule):
    batch = Batch.from_frames(internal_of(topology("GAP")), trace(3), 6)
    assert batch.present.sum(1).tolist() == [2, 2, 2]
    assert torch.isfinite(batch.displacements).all()


def test_separations_are_along_the_stretch(molecule):
    stretch = torch.cumsum(molecule.starts, 0)
    index = torch.arange(len(SEQUENCE)).expand(len(SEQUENCE), -1)
    found = separation(index, stretch)
    for i in range(len(SEQUENCE)):
        for j in range(len(SEQUENCE)):
            expected = max(-8, min(8, j - i)) + 8 if stretch[i] == stretch[j] else 17
            assert found[i, j] == expected


def test_separations_are_clipped():
    found = separation(torch.arange(30).expand(30, -1), torch.zeros(30))
    assert found.min() == 0 and found.max() == 16
    assert found[0, 29] == 16 and found[29, 0] == 0 and found[5, 5] == 8


def test_to_another_device_or_type(molecule):
    batch = Batch.from_frames(molecule, trace(len(SEQUENCE)), 6)
    moved = batch.to("meta")
    assert all(value.device.type == "meta" for value in fields(moved).values())


def test_images_are_neighbours_in_a_box():
    """A molecule across the wall has the neighbours of the same molecule in the middle."""
    coarse = topology("A" * 20)
    beads = trace(20)
    beads = beads - beads.mean(1, keepdim=True)
    box = torch.diag(torch.tensor([80.0, 90.0, 100.0]))[None]
    whole = Batch.from_frames(internal_of(coarse), beads, 6)
    shifted = beads.clone()
    shifted[:, 10:] += box[:, 0]  # another chain of the molecule, a box away
    cut = Batch.from_frames(internal_of(topology("A" * 20, chains="A" * 10 + "B" * 10)), shifted, 6, box)
    assert torch.equal(cut.neighbours, whole.neighbours)
    assert torch.allclose(cut.displacements, whole.displacements, atol=1e-4)
    assert torch.equal(cut.counts, whole.counts)


def test_autocast_leaves_positions_alone(molecule):
    beads, box = trace(len(SEQUENCE), frames=2), torch.eye(3).repeat(2, 1, 1) * 50
    plain = Batch.from_frames(molecule, beads, 6, box)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = Batch.from_frames(molecule, beads, 6, box)
    assert all(torch.equal(getattr(plain, name), value) for name, value in fields(lowered).items())
