"""
Nearest neighbours of beads, as tables of fixed width: no scatter, no graph library.

`torch-cluster` is used for large open systems where it is installed; the tables are the same without it.

Shapes: F frames, N and M beads, K neighbours. Lengths in angstrom.
"""

import torch

from .vectors import full_precision

try:
    import torch_cluster
except (ImportError, OSError):  # an optional accelerator, never required; OSError if built for another torch
    torch_cluster = None

_PAIRS = 1_000_000  # whose distances are in memory at a time; chosen: by hand
_LARGE = 4000  # beads from which on a search tree is quicker; chosen: by hand
_MOST = 4096  # neighbours that the tree counts at most; chosen: by hand, more than fit in a radius


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
    inverse = torch.linalg.inv(box)
    turns = sum(displacements[..., k, None] * inverse[..., k, :] for k in range(3)).round_()
    images = displacements.clone()
    for k in range(3):
        images -= turns[..., k, None] * box[..., k, :]
    return images


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
    for frame in range(n_frames):
        cell = None if box is None else box[frame]
        if torch_cluster is not None and cell is None and n_beads > _LARGE:
            _search_tree(positions[frame], index[frame], width, counts[frame], radii)
        elif width > 0:
            _search_all(positions[frame], index[frame], width, counts[frame], radii, cell)
    present = torch.arange(k, device=positions.device).expand(n_frames, n_beads, k) < width
    frames = torch.arange(n_frames, device=positions.device)[:, None, None]
    displacement = positions[frames, index] - positions.unsqueeze(2)
    if box is not None:
        displacement = minimum_image(displacement, box[:, None, None])
    return index, displacement, present, counts


def _search_all(positions, index, width, counts, radii, box):
    """Fill the tables of one frame from all pairs, some rows at a time."""
    few = max(1, _PAIRS // len(positions))
    for start in range(0, len(positions), few):
        rows = slice(start, start + few)
        if box is None:
            squared = torch.cdist(positions[rows], positions, compute_mode="donot_use_mm_for_euclid_dist").square_()
        else:
            squared = minimum_image(positions - positions[rows].unsqueeze(1), box).square().sum(-1)
        squared[torch.arange(len(squared)), torch.arange(start, start + len(squared))] = torch.inf
        index[rows, :width] = squared.topk(width, dim=-1, largest=False).indices
        for column, radius in enumerate(radii):
            counts[rows, column] = (squared < radius**2).sum(-1).to(counts.dtype)


def _search_tree(positions, index, width, counts, radii):
    """The same by a search tree: time grows with the number of beads, not with its square."""
    target, source = torch_cluster.knn(positions, positions, width + 1)
    others = source[target != source]
    if len(others) != len(positions) * width:  # coincident beads: the tree may leave the bead itself out
        _search_all(positions, index, width, counts, radii, None)
        return
    index[:, :width] = others.reshape(len(positions), width)
    for column, radius in enumerate(radii):
        pairs = torch_cluster.radius(positions, positions, radius, max_num_neighbors=_MOST)
        counts[:, column] = torch.bincount(pairs[0], minlength=len(positions)).to(counts.dtype) - 1


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
    pairs, few = [], max(1, _PAIRS // max(1, other.shape[0] * other.shape[1]))
    for start in range(0, one.shape[1], few):
        part = slice(start, start + few)
        if box is None:
            distance = torch.cdist(one[:, part], other, compute_mode="donot_use_mm_for_euclid_dist")
        else:
            gap = other.unsqueeze(1) - one[:, part].unsqueeze(2)
            distance = minimum_image(gap, box[:, None, None].to(gap)).norm(dim=-1)
        index = (distance < radii[:, part, None] + other_radii[:, None]).nonzero()
        pairs.append(index + index.new_tensor([0, start, 0]))
    return torch.cat(pairs).unbind(1)
