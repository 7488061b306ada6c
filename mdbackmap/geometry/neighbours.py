"""
Nearest neighbours, as tables of fixed width.

Few points are compared one with another. Many are looked for in a search tree: time grows with their number, and what
is found is the same. `torch-cluster` has the tree of large open systems where it is installed.

Shapes: F frames, N and M points, G points of any frames, K neighbours. Lengths in angstrom.
"""

import math

import numpy as np
import torch

from ..molecule.nearby import widths
from .periodic import minimum_image
from .searching import as_array, distances, each_frame, many, parts
from .trees import nearest_among, nearest_points
from .vectors import full_precision

try:
    import torch_cluster
except (ImportError, OSError):  # an optional accelerator, never required; OSError if built for another torch
    torch_cluster = None

_SHELL = 25.0  # angstrom within which trees look for the nearest first, in boxes; chosen: by hand, 20 C-alphas are
# nearer in all but loose chains
_MOST = 4096  # neighbours that torch-cluster counts at most; chosen: by hand, more than fit in a radius


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


def _search(positions, index, width, counts, radii, box):
    """Fill the tables of one frame."""
    if not many("nearest", len(positions) ** 2, box, positions.device):
        _search_all(positions, index, width, counts, radii, box)
    elif torch_cluster is not None and box is None:
        _search_cluster(positions, index, width, counts, radii)
    else:
        _search_tree(positions, index, width, counts, radii, box)


def _search_all(positions, index, width, counts, radii, box, rows=None):
    """From all pairs, some rows at a time; only of some `rows` if these are given."""
    rows = torch.arange(len(positions), device=positions.device) if rows is None else rows
    for part in parts(rows, len(positions)):
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
    points, cell = as_array(positions), as_array(box)
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
    if many("nearest", len(points) // len(other) * other.shape[1], box, points.device):
        for frame, own, cell in each_frame(frames, box):
            index[own] = _nearest_in_tree(points[own], other[frame], k, cell)
    lonely = (index[:, -1:] == other.shape[1]).any(1).nonzero()[:, 0]
    for part in parts(lonely, other.shape[1]):
        at = frames[part]
        distance = distances(points[part].unsqueeze(1), other[at], None if box is None else box[at])[:, 0]
        index[part] = distance.topk(k, largest=False).indices
    return index


def _nearest_in_tree(points, other, k, box):
    """Rows (N, k) of the nearest of the other points of a frame; M where a tree does not find them."""
    cell, places = as_array(box), as_array(other)
    index = torch.full((len(points), k), len(other), device=points.device)
    for shell in _shells(cell):
        lonely = (index[:, -1] == len(other)).nonzero()[:, 0]
        if len(lonely):
            found = nearest_among(as_array(points[lonely]), places, k, shell, cell)
            index[lonely] = torch.from_numpy(found).to(index)
    return index
