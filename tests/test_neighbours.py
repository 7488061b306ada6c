"""Neighbour tables against an obviously right slow twin, in boxes, and with torch-cluster where it is installed."""

import itertools

import numpy as np
import pytest
import torch
from MDAnalysis.lib.mdamath import triclinic_vectors

from mdbackmap.geometry import neighbours, searching
from mdbackmap.geometry.neighbours import nearest
from mdbackmap.geometry.periodic import minimum_image
from mdbackmap.geometry.spheres import meeting_spheres, spheres_around

pytestmark = pytest.mark.neighbours

BOXES = {
    "cubic": [40, 40, 40, 90, 90, 90],
    "orthorhombic": [30, 45, 60, 90, 90, 90],
    "triclinic": [40, 45, 50, 70, 80, 60],
    "dodecahedron": [45, 45, 45, 60, 60, 90],
    "octahedron": [45, 45, 45, 70.53, 109.47, 70.53],
}


def beads(n, seed=0, frames=2, spread=40.0):
    return torch.tensor(np.random.default_rng(seed).uniform(0, spread, (frames, n, 3)), dtype=torch.float32)


def vectors(dimensions, frames=2):
    return torch.tensor(np.stack([triclinic_vectors(dimensions)] * frames))


def slow_images(displacement, cell):
    """Shortest of all images up to three boxes away; of displacements (n, 3)."""
    shifts = np.array(list(itertools.product(range(-3, 4), repeat=3))) @ np.asarray(cell, dtype=np.float64)
    images = np.asarray(displacement, dtype=np.float64)[..., None, :] + shifts
    best = np.linalg.norm(images, axis=-1).argmin(-1)
    return np.take_along_axis(images, best[..., None, None], -2)[..., 0, :]


def slow(positions, k, radii, cell=None):
    """Neighbour distances (N, k) by growing distance, inf where there are none, and counts, one bead at a time."""
    positions = np.asarray(positions, dtype=np.float64)
    lengths, counts = np.full((len(positions), k), np.inf), np.zeros((len(positions), len(radii)))
    for i in range(len(positions)):
        others = np.delete(positions, i, axis=0) - positions[i]
        others = others if cell is None or not len(others) else slow_images(others, cell)
        found = np.sort(np.linalg.norm(others, axis=-1))
        lengths[i, : min(k, len(found))] = found[:k]
        counts[i] = [(found < radius).sum() for radius in radii]
    return lengths, counts


def check(positions, k, radii=(8.0, 12.0), box=None):
    index, displacement, present, counts = nearest(positions, k, radii, box)
    assert index.shape == present.shape == (*positions.shape[:2], k)
    for frame, points in enumerate(positions):
        lengths, number = slow(points, k, radii, None if box is None else box[frame])
        found = displacement[frame].norm(dim=-1).masked_fill(~present[frame], torch.inf)
        np.testing.assert_allclose(found, lengths, atol=2e-4)
        np.testing.assert_array_equal(counts[frame], number)
        for i, row in enumerate(index[frame].tolist()):
            real = [j for j, there in zip(row, present[frame, i].tolist(), strict=True) if there]
            assert len(set(real)) == len(real) and i not in real
            assert all(j == i for j in row[len(real) :])
    between = positions[torch.arange(len(positions))[:, None, None], index] - positions.unsqueeze(2)
    if box is None:
        assert torch.equal(displacement, between)
    else:
        turns = torch.linalg.solve(box.transpose(1, 2)[:, None, None], (displacement - between).unsqueeze(-1))
        assert (turns - turns.round()).abs().max() < 1e-4


@pytest.mark.parametrize("n", [1, 2, 5, 7, 40])
def test_tables_equal_those_of_the_slow_twin(n):
    check(beads(n), 6)


def test_rows_are_searched_in_parts(monkeypatch):
    monkeypatch.setattr(searching, "PAIRS", 7 * 40)
    check(beads(40), 6)
    check(beads(40), 6, box=vectors(BOXES["cubic"]))


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_tables_in_boxes(box):
    check(beads(80, spread=100.0), 6, (8.0, 10.0), vectors(box))


def test_each_frame_has_its_own_box():
    boxes = torch.cat([vectors(BOXES["triclinic"], 1), vectors(BOXES["cubic"], 1)])
    check(beads(30), 6, (8.0, 10.0), boxes)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_minimum_image_is_the_shortest_within_half_the_smallest_width(box):
    cell = vectors(box, 1)[0]
    displacement = beads(500, frames=1, spread=300.0)[0] - 150
    shortest = slow_images(displacement, cell)
    # distances of the six faces: 1 / |rows of the inverse's transpose|
    width = 1 / torch.linalg.inv(cell).norm(dim=0)
    near = np.linalg.norm(shortest, axis=-1) < float(width.min()) / 2 - 1e-3
    assert near.sum() > 50
    np.testing.assert_allclose(minimum_image(displacement, cell)[near], shortest[near], atol=2e-3)


def test_a_huge_box_is_no_box():
    positions = beads(40)
    plain = nearest(positions, 6, (8.0, 12.0))
    boxed = nearest(positions, 6, (8.0, 12.0), torch.eye(3).repeat(2, 1, 1) * 1e6)
    assert all(torch.equal(a, b) for a, b in zip(plain, boxed, strict=True))


def test_ties_and_coincident_beads():
    grid = torch.tensor(list(itertools.product(range(4), repeat=3)), dtype=torch.float32)[None] * 3.8
    check(grid, 6, (3.9, 5.5))
    twice = torch.cat([grid[:, :10], grid[:, :10]], dim=1)
    check(twice, 6, (3.9,))
    check(torch.zeros(1, 9, 3), 4, (1.0,))
    check(torch.zeros(1, 3, 3), 4, (1.0,))


def test_no_radii_and_no_neighbours():
    index, displacement, present, counts = nearest(beads(4), 0)
    assert index.shape == (2, 4, 0) and displacement.shape == (2, 4, 0, 3) and counts.shape == (2, 4, 0)


@pytest.mark.parametrize("cell", [None, "cubic", "triclinic"])
def test_spheres_that_meet(cell, monkeypatch):
    monkeypatch.setattr(searching, "PAIRS", 7 * 2 * 30)  # seven rows at a time
    positions, box = beads(40), None if cell is None else vectors(BOXES[cell])
    radii = torch.rand(2, 40, generator=torch.Generator().manual_seed(1)) * 8
    found = torch.stack(meeting_spheres(positions, positions[:, 10:], radii, radii[:, 10:], box), 1).tolist()
    wanted = []
    for frame, i, j in itertools.product(range(2), range(40), range(10, 40)):
        gap = (positions[frame, j] - positions[frame, i]).numpy()
        gap = gap if box is None else slow_images(gap[None], box[frame])[0]
        if np.linalg.norm(gap) < radii[frame, i] + radii[frame, j]:
            wanted.append([frame, i, j - 10])
    assert len(wanted) > 60 and sorted(found) == wanted


def test_beads_far_from_the_origin():
    """Tables of a trace a micrometre away: distances are of differences, not of large numbers."""
    positions = (beads(40) * 8).round() / 8
    far = nearest(positions + 8192.0, 6, (8.0, 12.0))
    near = nearest(positions, 6, (8.0, 12.0))
    assert torch.equal(far[3], near[3])
    assert torch.equal(far[1].norm(dim=-1), near[1].norm(dim=-1))


def many_are(number, monkeypatch):
    monkeypatch.setattr(searching, "MANY", dict.fromkeys(searching.MANY, number))


class TestTree:
    """The same by trees, whose threshold is lowered so that they are really used."""

    @pytest.fixture(autouse=True, params=["scipy", "torch-cluster"])
    def small(self, request, monkeypatch):
        if request.param == "torch-cluster":
            pytest.importorskip("torch_cluster")
        else:
            monkeypatch.setattr(neighbours, "torch_cluster", None)
        many_are(0, monkeypatch)
        name = {"scipy": "nearest_points", "torch-cluster": "_search_cluster"}[request.param]
        calls, search = [], getattr(neighbours, name)
        monkeypatch.setattr(neighbours, name, lambda *a: calls.append(1) or search(*a))
        yield
        assert calls

    @pytest.mark.parametrize("n", [2, 5, 40, 300])
    def test_tables(self, n):
        check(beads(n), 6)

    def test_the_very_same_tables(self, monkeypatch):
        positions = beads(300, frames=3)
        tree = nearest(positions, 16, (8.0, 14.0))
        many_are(10**9, monkeypatch)
        pairs = nearest(positions, 16, (8.0, 14.0))
        assert all(torch.equal(a, b) for a, b in zip(tree, pairs, strict=True))

    def test_ties_and_coincident_beads(self):
        test_ties_and_coincident_beads()

    def test_dense(self):
        """More than 32 neighbours within a radius, at which torch-cluster stops by default."""
        check(beads(300, frames=1, spread=20.0), 16, (8.0, 14.0))

    def test_loose(self):
        """Points with fewer neighbours in the shell than are asked for."""
        check(beads(60, spread=150.0), 16, (8.0, 14.0))


@pytest.fixture
def trees(monkeypatch):
    many_are(0, monkeypatch)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("times", [1, 2.5])  # boxes in which a shell does not fit, and some in which it does
def test_trees_in_boxes(trees, box, times):
    check(beads(80, spread=100.0), 6, (8.0, 10.0), vectors([*(times * np.array(box[:3])), *box[3:]]))


@pytest.mark.parametrize("cell", [None, *BOXES])
def test_spheres_that_meet_by_trees(trees, cell, monkeypatch):
    test_spheres_that_meet(cell, monkeypatch)


@pytest.mark.parametrize("cell", [None, *BOXES])
@pytest.mark.parametrize("limit", [0, 10**9], ids=["tree", "all"])
def test_spheres_around_points(cell, limit, monkeypatch):
    """Points of several frames in any order, as they are found frame by frame."""
    many_are(limit, monkeypatch)
    monkeypatch.setattr(searching, "PAIRS", 7 * 40)
    places, box = beads(40, frames=3), None if cell is None else vectors(BOXES[cell], 3)
    random = torch.Generator().manual_seed(1)
    radii, frames = torch.rand(3, 40, generator=random) * 8, torch.tensor([2, 0, 0, 2, 0])
    points, own = beads(5, 1, 1)[0], torch.rand(5, generator=random) * 8
    row, column = spheres_around(points, frames, places, own, radii, box)
    wanted = []
    for k, frame in enumerate(frames.tolist()):
        at = slice(frame, frame + 1)
        cut = None if box is None else box[at]
        _, _, near = meeting_spheres(points[None, k : k + 1], places[at], own[None, k : k + 1], radii[at], cut)
        wanted += [(k, j) for j in near.tolist()]
    assert len(wanted) > 3 and list(zip(row.tolist(), column.tolist(), strict=True)) == wanted


def test_trees_are_left_alone_where_there_is_nothing(trees):
    none = torch.zeros(2, 0, 3)
    assert all(len(index) == 0 for index in meeting_spheres(none, beads(5), none[..., 0], torch.ones(2, 5)))
    assert all(
        len(i) == 0 for i in spheres_around(none[0], none[0, :, 0].long(), beads(5), none[0, :, 0], torch.ones(2, 5))
    )


def test_trees_without_radii(trees):
    check(beads(40), 6, ())
