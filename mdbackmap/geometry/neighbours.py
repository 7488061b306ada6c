"""
Which points are near which: nearest neighbours as tables of fixed width, and spheres that meet.

Few points are compared one with another. Many are looked for in a search tree: time grows with their number, and what
is found is the same. `torch-cluster` has the tree of large open systems where it is installed.

Shapes: F frames, N and M points, G points of any frames, K neighbours. Lengths in angstrom.
"""

import math

import numpy as np
import torch

from ..molecule.nearby import widths
from .trees import nearest_among, nearest_points, pairs_within
from .vectors import full_precision

try:
    import torch_cluster
except (ImportError, OSError):  # an optional accelerator, never required; OSError if built for another torch
    torch_cluster = None

_PAIRS = 1_000_000  # whose distances are in memory at a time; chosen: by hand
# Pairs of points of a frame from which on a tree is quicker; measured: tests/benchmarks/growth.py --search
_MANY = {
    ("nearest", False): 400_000,
    ("nearest", True): 300_000,
    ("spheres", False): 8_000_000,
    ("spheres", True): 150_000,
}
_ACCELERATED = 300  # times as many pairs are compared on a device; chosen: by hand, trees are on the CPU
_SHELL = 25.0  # angstrom within which trees look for the nearest first, in boxes; chosen: by hand, 20 C-alphas are
# nearer in all but loose chains
_MOST = 4096  # neighbours that torch-cluster counts at most; chosen: by hand, more than fit in a radius


@full_precision
def minimum_image(displacements, box):
    """
    Displacements (..., 3) brought to their shortest periodic image.

    Parameters
    ----------
    displacements : torch.Tensor, shape (..., 3)
    box : torch.Tensor, shape (3, 3) or broadcastable (..., 3, 3)
        Box vectors as rows, in angstrom.

    Returns
    -------
    torch.Tensor, shape (..., 3)
        Exact for displacements up to half the shortest box width; in strongly skewed boxes beyond it, one of the
        short images.
    """
    box = _common(box)
    inverse = _inverse(box)
    if box.dim() == 2 and box.device.type == "cpu" and torch.equal(box, box.diagonal().diag()):
        return displacements - (displacements * inverse.diagonal()).round_() * box.diagonal()
    turns = sum(displacements[..., k, None] * inverse[..., k, :] for k in range(3)).round_()
    images = displacements.clone()
    for k in range(3):
        images -= turns[..., k, None] * box[..., k, :]
    return images


def _common(box):
    """One box (3, 3) where all (..., 3, 3) are the same, as those of one frame are; on a device nobody looks."""
    if box.dim() == 2 or box.numel() == 0 or box.device.type != "cpu":
        return box
    first = box[(0,) * (box.dim() - 2)]
    return first if bool((box == first).all()) else box


def _inverse(box):
    """Inverses of boxes (..., 3, 3): for many small ones much quicker than torch's."""
    one, two, three = box.unbind(-2)
    sides = [torch.linalg.cross(*pair) for pair in ((two, three), (three, one), (one, two))]
    return torch.stack(sides, -1) / (one * sides[0]).sum(-1)[..., None, None]


def image_shifts(displacements, box):
    """What brings displacements (..., 3) to their shortest image in a box, as `minimum_image` has it; 0 without one."""
    return torch.zeros_like(displacements) if box is None else minimum_image(displacements, box) - displacements


@full_precision
def nearest(positions, k, radii=(), box=None):
    """
    The k nearest beads of every bead, itself excluded.

    Parameters
    ----------
    positions : torch.Tensor, shape (F, N, 3)
    k : int
        How many; where fewer beads exist the table is filled up with the bead itself, marked as absent.
    radii : sequence of float
        Distances within which neighbours are counted, too.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows: distances are those of the nearest images.

    Returns
    -------
    index : torch.Tensor of int64, shape (F, N, k)
        Neighbours by growing distance.
    displacement : torch.Tensor, shape (F, N, k, 3)
        From the bead to its neighbour (nearest image).
    present : torch.Tensor of bool, shape (F, N, k)
        False for filled-up entries.
    counts : torch.Tensor, shape (F, N, len(radii))
        Number of other beads within each radius.

    Examples
    --------
    >>> line = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 0.0, 0.0]]])
    >>> index, _, present, counts = nearest(line, k=3, radii=(1.5,))
    >>> index[0, 0].tolist(), present[0, 0].tolist(), counts[0, :, 0].tolist()
    ([1, 2, 0], [True, True, False], [1.0, 1.0, 0.0])
    """
    n_frames, n_beads = positions.shape[:2]
    width = min(k, n_beads - 1)
    index = torch.arange(n_beads, device=positions.device).unsqueeze(1).repeat(n_frames, 1, k)
    counts = positions.new_zeros(n_frames, n_beads, len(radii))
    for frame in range(n_frames if width > 0 else 0):
        cell = None if box is None else box[frame]
        _search(positions[frame], index[frame], width, counts[frame], radii, cell)
    present = torch.arange(k, device=positions.device).expand(n_frames, n_beads, k) < width
    frames = torch.arange(n_frames, device=positions.device)[:, None, None]
    displacement = positions[frames, index] - positions.unsqueeze(2)
    if box is not None:
        displacement = minimum_image(displacement, box[:, None, None])
    return index, displacement, present, counts


def _many(what, n_pairs, box, device):
    """Whether so many pairs of points are better looked for in a tree."""
    return n_pairs > _MANY[what, box is not None] * (1 if device.type == "cpu" else _ACCELERATED)


def _search(positions, index, width, counts, radii, box):
    """Fill the tables of one frame."""
    if not _many("nearest", len(positions) ** 2, box, positions.device):
        _search_all(positions, index, width, counts, radii, box)
    elif torch_cluster is not None and box is None:
        _search_cluster(positions, index, width, counts, radii)
    else:
        _search_tree(positions, index, width, counts, radii, box)


def _search_all(positions, index, width, counts, radii, box, rows=None):
    """From all pairs, some rows at a time; only of some `rows` if these are given."""
    rows = torch.arange(len(positions), device=positions.device) if rows is None else rows
    for part in rows.split(max(1, _PAIRS // len(positions))):
        if box is None:
            squared = torch.cdist(positions[part], positions, compute_mode="donot_use_mm_for_euclid_dist").square_()
        else:
            squared = minimum_image(positions - positions[part].unsqueeze(1), box).square().sum(-1)
        squared.scatter_(1, part.unsqueeze(1), torch.inf)
        index[part, :width] = squared.topk(width, dim=-1, largest=False).indices
        for column, radius in enumerate(radii):
            counts[part, column] = (squared < radius**2).sum(-1).to(counts.dtype)


def _search_tree(positions, index, width, counts, radii, box):
    """By a tree, ever further out; from all pairs where a box is too small for that."""
    points, cell = _as_array(positions), _as_array(box)
    shells, lonely = [shell for shell in _shells(cell) if shell >= max(radii, default=0.0)], np.arange(len(points))
    for shell in shells:
        wanted = radii if shell == shells[0] else ()
        found, number = nearest_points(points, width, shell, wanted, cell, lonely)
        if shell == shells[0]:
            counts[:] = torch.from_numpy(number).to(counts)
        index[torch.from_numpy(lonely), :width] = torch.from_numpy(found).to(index)
        lonely = lonely[found[:, -1] == len(points)]
        if len(lonely) == 0:
            return
    _search_all(positions, index, width, counts, radii, box, torch.from_numpy(lonely).to(index.device))


def _shells(cell):
    """Within which distances trees look, one after another: the last one is half the width of a box, or infinite."""
    if cell is None:
        return [math.inf]
    half, shells = widths(cell).min() / 2, [_SHELL]
    while shells[-1] < half:
        shells.append(2 * shells[-1])
    return [*shells[:-1], half]


def _search_cluster(positions, index, width, counts, radii):
    """By the tree of torch-cluster."""
    target, source = torch_cluster.knn(positions, positions, width + 1)
    others = source[target != source]
    if len(others) != len(positions) * width:  # coincident beads: the tree may leave the bead itself out
        _search_all(positions, index, width, counts, radii, None)
        return
    index[:, :width] = others.reshape(len(positions), width)
    for column, radius in enumerate(radii):
        pairs = torch_cluster.radius(positions, positions, radius, max_num_neighbors=_MOST)
        counts[:, column] = torch.bincount(pairs[0], minlength=len(positions)).to(counts.dtype) - 1


def _as_array(tensor):
    """As a numpy array in double precision; None stays None."""
    return None if tensor is None else tensor.detach().double().cpu().numpy()


def meeting_spheres(one, other, radii, other_radii, box=None):
    """
    Points of two sets whose spheres meet.

    Parameters
    ----------
    one, other : torch.Tensor, shapes (F, N, 3) and (F, M, 3)
    radii, other_radii : torch.Tensor, shapes (F, N) and (F, M)
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows: distances are those of the nearest images.

    Returns
    -------
    frame, row, column : torch.Tensor of int64, shape (p,)
        Indices of the frame, and of the points in both sets.

    Examples
    --------
    >>> line, radii = torch.tensor([[[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [3.5, 0.0, 0.0]]]), torch.ones(1, 3)
    >>> [index.tolist() for index in meeting_spheres(line[:, :1], line, radii[:, :1], radii)]
    [[0, 0], [0, 0], [0, 1]]
    """
    if one.shape[1] == 0 or other.shape[1] == 0:
        return one.new_zeros(3, 0, dtype=torch.int64).unbind()
    if _many("spheres", one.shape[1] * other.shape[1], box, one.device):
        parts = (
            (part.flatten(0, 1), _frames_of(part), size.flatten())
            for part, size in ((one, radii), (other, other_radii))
        )
        row, column = _frame_by_frame(_in_tree, *parts, box)
        return row // one.shape[1], row % one.shape[1], column % other.shape[1]
    pairs = []
    for part in torch.arange(one.shape[1], device=one.device).split(max(1, _PAIRS // max(1, other[..., 0].numel()))):
        distance = _distances(one[:, part], other, box)
        index = (distance < radii[:, part, None] + other_radii[:, None]).nonzero()
        pairs.append(index + index.new_tensor([0, int(part[0]), 0]))
    return torch.cat(pairs).unbind(1)


def spheres_around(points, frames, other, radii, other_radii, box=None):
    """
    Spheres that meet those around some points, each point in a frame of its own.

    Parameters
    ----------
    points : torch.Tensor, shape (G, 3)
    frames : torch.Tensor of int64, shape (G,)
        The frame of each point.
    other : torch.Tensor, shape (F, M, 3)
    radii, other_radii : torch.Tensor, shapes (G,) and (F, M)
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows: distances are those of the nearest images.

    Returns
    -------
    row, column : torch.Tensor of int64, shape (p,)
        Indices of the points, and of those of its frame; sorted.

    Examples
    --------
    >>> line, radii = torch.tensor([[[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [3.5, 0.0, 0.0]]]), torch.ones(1, 3)
    >>> [index.tolist() for index in spheres_around(line[0, 1:], torch.tensor([0, 0]), line, radii[0, 1:], radii)]
    [[0, 0, 1], [0, 1, 2]]
    """
    if len(points) == 0 or other.shape[1] == 0:
        return points.new_zeros(2, 0, dtype=torch.int64).unbind()
    found, n_other = [], other.shape[1]
    if _many("spheres", len(points) // len(other) * n_other, box, points.device):
        there = other.flatten(0, 1), _frames_of(other), other_radii.flatten()
        row, column = _frame_by_frame(_in_tree, (points, frames, radii), there, box)
        return row, column % n_other
    for part in torch.arange(len(points), device=points.device).split(max(1, _PAIRS // n_other)):
        at = frames[part]
        distance = _distances(points[part].unsqueeze(1), other[at], None if box is None else box[at])[:, 0]
        row, column = (distance < radii[part].unsqueeze(1) + other_radii[at]).nonzero().unbind(1)
        found.append(torch.stack([part[row], column]))
    return torch.cat(found, 1).unbind()


def spheres_by_frame(one, other, box=None):
    """
    Spheres of two sets that meet in the same frame, where frames have different numbers of them.

    Parameters
    ----------
    one, other : tuple of torch.Tensor, shapes (G, 3), (G,) int64 and (G,)
        Points, the frame of each, and radii. The numbers of both sets may differ.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows: distances are those of the nearest images.

    Returns
    -------
    row, column : torch.Tensor of int64, shape (p,)
        Indices of the points in both sets; sorted.

    Examples
    --------
    >>> line, ones = torch.tensor([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [1.0, 0.0, 0.0]]), torch.ones(3)
    >>> points = line, torch.tensor([0, 0, 1]), ones
    >>> [index.tolist() for index in spheres_by_frame(points, points)]
    [[0, 0, 1, 1, 2], [0, 1, 0, 1, 2]]
    """
    return _frame_by_frame(_in_frame, one, other, box)


def _in_frame(one, other, radii, other_radii, box):
    """Rows and columns of spheres (N, 3) and (M, 3) of one frame that meet."""
    parts = (None if part is None else part.unsqueeze(0) for part in (one, other, radii, other_radii, box))
    return meeting_spheres(*parts)[1:]


def _frame_by_frame(search, one, other, box):
    """Sorted rows and columns of flat points, each set with frames and radii, that `search` finds in each frame."""
    (points, frames, radii), (others, other_frames, other_radii) = one, other
    found = []
    for frame, own, cell in _each_frame(frames, box):
        there = (other_frames == frame).nonzero()[:, 0]
        if len(there):
            row, column = search(points[own], others[there], radii[own], other_radii[there], cell)
            found.append(own[row] * len(others) + there[column])
    found = torch.cat(found).sort().values if found else frames.new_empty(0)
    return found // max(1, len(others)), found % max(1, len(others))


def _each_frame(frames, box):
    """Of each frame that has points: its number, the rows of these points, and its box."""
    for frame in frames.unique().tolist():
        yield frame, (frames == frame).nonzero()[:, 0], None if box is None else box[frame]


def _frames_of(points):
    """The frame of each of the points (F, N, 3), flat: shape (F * N,)."""
    return torch.arange(len(points), device=points.device).repeat_interleave(points.shape[1])


def nearest_around(points, frames, other, k, box=None):
    """
    The nearest points of frames.

    Parameters
    ----------
    points : torch.Tensor, shape (G, 3)
    frames : torch.Tensor of int64, shape (G,)
        The frame of each point.
    other : torch.Tensor, shape (F, M, 3)
    k : int
        At most M.
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    torch.Tensor of int64, shape (G, k)
        By growing distance.

    Examples
    --------
    >>> line = torch.tensor([[[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [3.5, 0.0, 0.0]]])
    >>> nearest_around(line[0, 1:], torch.tensor([0, 0]), line, 2).tolist()
    [[1, 0], [2, 1]]
    """
    index = frames.new_full((len(points), k), other.shape[1])
    if _many("nearest", len(points) // len(other) * other.shape[1], box, points.device):
        for frame, own, cell in _each_frame(frames, box):
            index[own] = _nearest_in_tree(points[own], other[frame], k, cell)
    lonely = (index[:, -1:] == other.shape[1]).any(1).nonzero()[:, 0]
    for part in lonely.split(max(1, _PAIRS // max(1, other.shape[1]))):
        at = frames[part]
        distance = _distances(points[part].unsqueeze(1), other[at], None if box is None else box[at])[:, 0]
        index[part] = distance.topk(k, largest=False).indices
    return index


def _nearest_in_tree(points, other, k, box):
    """Rows (N, k) of the nearest of the other points of a frame; M where a tree does not find them."""
    cell, places = _as_array(box), _as_array(other)
    index = torch.full((len(points), k), len(other), device=points.device)
    for shell in _shells(cell):
        lonely = (index[:, -1] == len(other)).nonzero()[:, 0]
        if len(lonely):
            found = nearest_among(_as_array(points[lonely]), places, k, shell, cell)
            index[lonely] = torch.from_numpy(found).to(index)
    return index


def _distances(one, other, box):
    """Distances (F, N, M) of points (F, N, 3) and (F, M, 3)."""
    if box is None:
        return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
    return minimum_image(other.unsqueeze(1) - one.unsqueeze(2), box[:, None, None].to(one)).norm(dim=-1)


def _in_tree(one, other, radii, other_radii, box):
    """Rows and columns of spheres (N, 3) and (M, 3) of one frame that meet."""
    reach = float(radii.max() + other_radii.max())
    found = pairs_within(_as_array(one), _as_array(other), reach, _as_array(box))
    row, column = (torch.from_numpy(index).to(one.device) for index in found)
    gap = other[column] - one[row]
    gap = gap if box is None else minimum_image(gap, box.to(gap))
    near = (gap.norm(dim=-1) < radii[row] + other_radii[column]).nonzero()[:, 0]
    return row[near], column[near]
