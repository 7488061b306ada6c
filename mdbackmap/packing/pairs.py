"""
Pairs of atoms that are near each other, in two steps: residues whose spheres meet, then their atoms.

In periodic boxes the nearest images count.

Shapes: F frames, G and H groups of atoms (residues or side chains), A atoms in all, p pairs of groups, P of atoms.
Lengths in angstrom.
"""

from typing import NamedTuple

import torch

from ..geometry.chunks import chunk_size
from ..geometry.compiling import array, suits
from ..geometry.periodic import image_shifts, minimum_image
from ..geometry.spheres import meeting_spheres, spheres_by_frame
from .pairs_compiled import close_atoms

_DENSE = 1_000_000  # pairs of places up to which all are compared at once; chosen: by hand


class Groups(NamedTuple):
    """
    Groups of atoms, flat: those of all frames one after another.

    Attributes
    ----------
    middle : torch.Tensor, shape (G, 3)
    radius : torch.Tensor, shape (G,)
        Of a sphere around all atoms of a group.
    first, count : torch.Tensor of int64, shape (G,)
        Rows of a group's atoms among all.
    place : torch.Tensor, shape (A, 3)
    spread : torch.Tensor, shape (A,), optional
        How far from its place an atom may be.
    """

    middle: torch.Tensor
    radius: torch.Tensor
    first: torch.Tensor
    count: torch.Tensor
    place: torch.Tensor
    spread: torch.Tensor | None = None


def close_rows(places, frames, others, other_frames, distance, box=None):
    """
    Places that are within a distance of others in the same frame.

    Parameters
    ----------
    places, others : torch.Tensor, shapes (G, 3) and (H, 3)
    frames, other_frames : torch.Tensor, shapes (G,) and (H,) int64
    distance : float
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    rows, columns : torch.Tensor of int64, shape (p,)
    """
    if len(frames) * len(other_frames) > _DENSE:
        sets = (
            (at, of, at.new_full((len(at),), distance / 2)) for at, of in ((places, frames), (others, other_frames))
        )
        return spheres_by_frame(*sets, box)
    rows, columns = (frames.unsqueeze(1) == other_frames).nonzero().unbind(1)
    gap = others[columns] - places[rows]
    gap = gap + image_shifts(gap, None if box is None else box[frames[rows]])
    return where(gap.norm(dim=-1) < distance, rows, columns)


def groups_of(places, first, count, spread=None):
    """
    Groups of atoms of each frame, with spheres around them.

    Parameters
    ----------
    places : torch.Tensor, shape (F, a, 3)
        Atoms of each frame.
    first, count : torch.Tensor of int64, shape (g,)
        Rows of a frame's atoms that belong to each group.
    spread : torch.Tensor, shape (F, a), optional
        How far from its place an atom may be.

    Returns
    -------
    Groups
        Those of all frames, F * g of F * a atoms.
    """
    n_frames, n_atoms = places.shape[:2]
    owner = torch.arange(len(count), device=count.device).repeat_interleave(count)
    middle = places.new_zeros(n_frames, len(count), 3).index_add(1, owner, places) / count.clamp_min(1)[:, None]
    room = (places - middle[:, owner]).norm(dim=-1) + (0.0 if spread is None else spread)
    radius = room.new_zeros(n_frames, len(count)).scatter_reduce(1, owner.expand(n_frames, -1), room, "amax")
    begin = torch.arange(n_frames, device=first.device).unsqueeze(1) * n_atoms + first
    spread = None if spread is None else spread.flatten()
    return Groups(
        middle.flatten(0, 1), radius.flatten(), begin.flatten(), count.repeat(n_frames), places.flatten(0, 1), spread
    )


def group_pairs(one, other, n_frames, reach, box=None):
    """
    Atoms of groups of the same frame that come within reach of each other.

    Parameters
    ----------
    one, other : Groups
        Of `n_frames` frames; if these are the same, each pair counts once and no group meets itself.
    n_frames : int
    reach : float
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    rows, columns : torch.Tensor of int64, shape (p,)
        Pairs of groups, of `one` and of `other`.
    pair, a, b, gap, shift
        As `atom_pairs` gives them.
    """
    return _with_atoms(one, other, meeting_groups(one, other, n_frames, reach, box), reach, box)


def group_pairs_in_turn(one, other, n_frames, reach, box=None):
    """
    The same for some of the rows at a time, so that atoms take memory for one part; arguments as of `group_pairs`.

    Yields
    ------
    first, count : int
        Which rows, of `one`.
    rows, columns, pair, a, b, gap, shift
        As `group_pairs` gives them.
    """
    for first, count, near in in_turn(meeting_groups(one, other, n_frames, reach, box), len(one.middle)):
        yield first, count, *_with_atoms(one, other, near, reach, box)


def _with_atoms(one, other, near, reach, box):
    """Rows and columns of groups that are `near`, and their atoms."""
    frames, rows, columns = near
    return rows, columns, *atom_pairs(one, other, rows, columns, reach, None if box is None else box[frames])


def meeting_groups(one, other, n_frames, reach, box=None):
    """
    Groups of the same frame whose spheres come within reach of each other; arguments as of `group_pairs`.

    Returns
    -------
    frames, rows, columns : torch.Tensor of int64, shape (p,)
        Frames, and pairs of groups, of `one` and of `other`.
    """
    spheres = [(part.middle.unflatten(0, (n_frames, -1)), part.radius.view(n_frames, -1)) for part in (one, other)]
    (middle, radius), (around, room) = spheres
    frames, rows, columns = meeting_spheres(middle, around, radius + reach, room, box)
    if one is other:
        frames, rows, columns = where(rows < columns, frames, rows, columns)
    return frames, frames * middle.shape[1] + rows, frames * around.shape[1] + columns


def in_turn(near, n_rows):
    """
    Pairs of groups, those of some of the rows at a time.

    Parameters
    ----------
    near : sequence of torch.Tensor of int64, shape (p,)
        Frames, rows and columns, as `meeting_groups` gives them.
    n_rows : int

    Yields
    ------
    first, count : int
        Which rows.
    near : sequence of torch.Tensor
        Their pairs.
    """
    size = chunk_size(near[1].device)
    if n_rows <= size:
        yield 0, n_rows, near
        return
    order = near[1].argsort(stable=True)
    near = [part[order] for part in near]
    firsts = torch.arange(0, n_rows + size, size, device=order.device)
    ends = torch.searchsorted(near[1], firsts).tolist()
    for first, begin, end in zip(firsts.tolist(), ends, ends[1:], strict=False):
        yield first, min(size, n_rows - first), [part[begin:end] for part in near]


def atom_pairs(one, other, rows, columns, reach, box=None):
    """
    Atoms of near groups that come within reach of each other.

    Parameters
    ----------
    one, other : Groups
    rows, columns : torch.Tensor of int64, shape (p,)
        Pairs of groups, of `one` and of `other`.
    reach : float
    box : torch.Tensor, shape (p, 3, 3), optional
        That of each pair of groups.

    Returns
    -------
    pair, a, b : torch.Tensor of int64, shape (P,)
        Pair of groups, and rows of the atoms among those of `one` and of `other`.
    gap : torch.Tensor, shape (P, 3)
        From the first atom to the nearest image of the second.
    shift : torch.Tensor, shape (P, 3), or None without a box
        What brings the second atom to that image.
    """
    if suits(one.place, other.place, box) and one.place.dtype == other.place.dtype:
        return _listed(one, other, rows, columns, reach, box)
    pair, a, group, _ = near_groups(one, other, rows, columns, reach, box)
    run, b = expand(other.first.index_select(0, group), other.count.index_select(0, group))
    pair, a = pair.index_select(0, run), a.index_select(0, run)
    between = other.place.index_select(0, b) - one.place.index_select(0, a)
    gap = _nearest(between, pair, box)
    room = reach if other.spread is None else other.spread.index_select(0, b) + reach
    close = _within(gap, room, one.spread, a)
    shift = None if box is None else gap - between
    return where(close, pair, a, b, gap, shift)


def _listed(one, other, rows, columns, reach, box):
    """`atom_pairs` by the compiled loop."""
    cells = one.place.new_zeros(0, 3, 3) if box is None else box.to(one.place)
    parts = (tuple(array(one.place[:0, 0] if part is None else part) for part in group) for group in (one, other))
    given = array(one.place.new_tensor([reach])), array(cells), array(torch.linalg.inv(cells))
    found, gaps = close_atoms(*parts, array(rows), array(columns), *given)
    pair, a, b = torch.from_numpy(found).unbind(1)
    gap, shift = torch.from_numpy(gaps).unbind(1)
    return pair, a, b, gap, None if box is None else shift


def near_groups(one, other, rows, columns, reach, box=None):
    """
    Atoms of near groups that come within reach of the sphere of the other group.

    Parameters
    ----------
    one, other, rows, columns, reach, box
        As of `atom_pairs`.

    Returns
    -------
    pair, a, group : torch.Tensor of int64, shape (P,)
        Pair of groups, row of the atom among those of `one`, and the group of `other`.
    shift : torch.Tensor, shape (P, 3), or None without a box
        What brings the group to its nearest image.
    """
    pair, a = expand(one.first[rows], one.count[rows])
    group = columns.index_select(0, pair)
    between = other.middle.index_select(0, group) - one.place.index_select(0, a)
    gap = _nearest(between, pair, box)
    room = other.radius.index_select(0, group) + reach
    shift = None if box is None else gap - between
    return where(_within(gap, room, one.spread, a), pair, a, group, shift)


def _within(gap, room, spread, a):
    x, y, z = gap.unbind(-1)
    distance = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()  # faster than `norm`
    return distance < (room if spread is None else spread.index_select(0, a) + room)


def _nearest(gap, pair, box):
    return gap if box is None else minimum_image(gap, box.index_select(0, pair))


def distances(first, second):
    """Distances (P, K, T) of points (P, 3, K) from points (P, 3, T): for few points faster than `cdist`."""
    x, y, z = (
        (one.unsqueeze(-1), two.unsqueeze(-2)) for one, two in zip(first.unbind(-2), second.unbind(-2), strict=True)
    )
    total = (x[0] - x[1]).square_()
    apart = y[0] - y[1]
    total.addcmul_(apart, apart)
    torch.sub(*z, out=apart)
    return total.addcmul_(apart, apart).sqrt_()


def expand(first, count):
    """Rows of many runs, one after another: which run, and which row."""
    run = torch.arange(len(count), device=count.device).repeat_interleave(count)
    begin = (first - count.cumsum(0) + count).index_select(0, run)
    return run, begin.add_(torch.arange(len(run), device=count.device))


def where(mask, *values):
    """`value[mask]` of each of the values; None stays None."""
    chosen = mask.nonzero()[:, 0]
    return [None if value is None else value.index_select(0, chosen) for value in values]
