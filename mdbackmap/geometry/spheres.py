"""
Which spheres around points meet.

Few are compared one with another. Many are looked for in a search tree: time grows with their number, and what is found
is the same.

Shapes: F frames, N and M points, G points of any frames. Lengths in angstrom.
"""

import torch

from .periodic import minimum_image
from .searching import as_array, distances, each_frame, many, parts
from .trees import pairs_within


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
    if many("spheres", one.shape[1] * other.shape[1], box, one.device):
        sets = (
            (part.flatten(0, 1), _frames_of(part), size.flatten())
            for part, size in ((one, radii), (other, other_radii))
        )
        row, column = _frame_by_frame(_in_tree, *sets, box)
        return row // one.shape[1], row % one.shape[1], column % other.shape[1]
    pairs = []
    for part in parts(torch.arange(one.shape[1], device=one.device), other[..., 0].numel()):
        distance = distances(one[:, part], other, box)
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
    if many("spheres", len(points) // len(other) * n_other, box, points.device):
        there = other.flatten(0, 1), _frames_of(other), other_radii.flatten()
        row, column = _frame_by_frame(_in_tree, (points, frames, radii), there, box)
        return row, column % n_other
    for part in parts(torch.arange(len(points), device=points.device), n_other):
        at = frames[part]
        distance = distances(points[part].unsqueeze(1), other[at], None if box is None else box[at])[:, 0]
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
    given = (None if part is None else part.unsqueeze(0) for part in (one, other, radii, other_radii, box))
    return meeting_spheres(*given)[1:]


def _frame_by_frame(search, one, other, box):
    """Sorted rows and columns of flat points, each set with frames and radii, that `search` finds in each frame."""
    (points, frames, radii), (others, other_frames, other_radii) = one, other
    found = []
    for frame, own, cell in each_frame(frames, box):
        there = (other_frames == frame).nonzero()[:, 0]
        if len(there):
            row, column = search(points[own], others[there], radii[own], other_radii[there], cell)
            found.append(own[row] * len(others) + there[column])
    found = torch.cat(found).sort().values if found else frames.new_empty(0)
    return found // max(1, len(others)), found % max(1, len(others))


def _frames_of(points):
    """The frame of each of the points (F, N, 3), flat: shape (F * N,)."""
    return torch.arange(len(points), device=points.device).repeat_interleave(points.shape[1])


def _in_tree(one, other, radii, other_radii, box):
    """Rows and columns of spheres (N, 3) and (M, 3) of one frame that meet."""
    reach = float(radii.max() + other_radii.max())
    found = pairs_within(as_array(one), as_array(other), reach, as_array(box))
    row, column = (torch.from_numpy(index).to(one.device) for index in found)
    gap = other[column] - one[row]
    gap = gap if box is None else minimum_image(gap, box.to(gap))
    near = (gap.norm(dim=-1) < radii[row] + other_radii[column]).nonzero()[:, 0]
    return row[near], column[near]
