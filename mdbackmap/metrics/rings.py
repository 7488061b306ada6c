"""
Rings that a bond passes through.

No molecule does that, and no minimisation undoes it: the two halves of the bond lie on both sides of the ring for good.
A ring is spanned by triangles between its centre and its bonds. A bond that crosses one of them pierces the ring,
unless it shares an atom with it. Neighbours are found by nearest images in periodic boxes.

Shapes: F frames, A atoms, b bonds, p piercings. Lengths in angstrom.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..molecule.bonds import adjacency
from ..molecule.boxes import box_vectors, nearest_images
from ..molecule.nearby import near, widths
from .universe_bonds import bonds_of

LARGEST = 7  # atoms of a ring; chosen: by hand, larger ones have room for a chain
BROKEN = 5.0  # angstrom; chosen: by hand, what is longer is no bond and is left out
_LEVEL = 1e-3  # angstrom that a bond has to rise out of a triangle's plane; chosen: by hand, above rounding
_ROUNDING = 1e-9  # share of a triangle's side; chosen: by hand, so that what passes through a corner is found


class Piercing(NamedTuple):
    """
    A bond that passes through a ring.

    Attributes
    ----------
    frame : int
    ring : tuple of int
        Its atoms, in the order of its bonds.
    bond : tuple of int
        The two atoms on both sides.
    """

    frame: int
    ring: tuple
    bond: tuple


def pierced_rings(
    atoms: Any,
    box: ArrayLike | None = None,
    *,
    bonds: ArrayLike | None = None,
    largest: int = LARGEST,
    frames: Sequence[int] | None = None,
) -> list[Piercing]:
    """
    Rings through which a bond passes, and the bonds.

    Parameters
    ----------
    atoms : AtomGroup, Universe, or ndarray of float, shape (F, A, 3) or (A, 3)
        Molecules of any kind, whole or not if there is a box. Of a Universe the current frame is taken.
    box : ndarray of float, shape (6,) or (F, 6), optional
        As MDAnalysis has it: lengths in angstrom, angles in degrees. By default that of the frame; arrays have none.
    bonds : ndarray of int, shape (b, 2), optional
        Places of bonded atoms. Arrays need them. By default those of the Universe, of amino acids by name, and by
        distance within other residues that have none.
    largest : int, optional
        Atoms of the largest rings.
    frames : sequence of int, optional
        Frames of the Universe's trajectory, in place of the current one.

    Returns
    -------
    list of Piercing
        Atoms as places in the group or array. The frame is its number in the trajectory or in the array.

    Raises
    ------
    ValueError
        An array without bonds, or positions that are not finite.

    Examples
    --------
    >>> turn = np.radians(60.0 * np.arange(6))
    >>> ring = 1.4 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    >>> bonds = [[k, (k + 1) % 6] for k in range(6)] + [[6, 7]]
    >>> through = np.concatenate([ring, [[0.1, 0, -0.7], [0.1, 0, 0.8]]])
    >>> pierced_rings(through, bonds=bonds)
    [Piercing(frame=0, ring=(0, 1, 2, 3, 4, 5), bond=(6, 7))]
    >>> pierced_rings(through, bonds=bonds[:6])
    []
    """
    if hasattr(atoms, "atoms"):
        numbers, positions, boxes = _read(atoms.atoms, frames)
        bonds = bonds_of(atoms.atoms, positions[0], box_vectors(boxes[:1], 1)) if bonds is None else bonds
        boxes = boxes if box is None else np.broadcast_to(box, (len(positions), 6))
    else:
        positions = np.asarray(atoms, dtype=np.float64)
        positions = positions[None] if positions.ndim == 2 else positions
        numbers = range(len(positions))
        boxes = None if box is None else np.broadcast_to(box, (len(positions), 6))
        if bonds is None:
            raise ValueError("positions without bonds: give bonds=, pairs of atoms, or an AtomGroup")
    if not np.isfinite(positions).all():
        raise ValueError("positions are NaN or infinite: expected finite ones")
    bonds = np.asarray(bonds, dtype=np.int64).reshape(-1, 2)
    rings = find_rings(positions.shape[1], bonds, largest)
    found = piercings(positions, rings, bonds, box_vectors(boxes, len(positions)))
    return [Piercing(int(numbers[f]), rings[r], tuple(bonds[b].tolist())) for f, r, b in found]


def _read(atoms, frames):
    """Numbers (F,), positions (F, A, 3) and boxes (F, 6) of frames of a Universe, or of the current one."""
    trajectory, numbers, rows = atoms.universe.trajectory, [], []
    for ts in [trajectory.ts] if frames is None else (trajectory[int(k)] for k in frames):
        numbers.append(ts.frame)
        rows.append((atoms.positions.astype(np.float64), np.zeros(6) if ts.dimensions is None else ts.dimensions))
    positions, boxes = zip(*rows, strict=True)
    return numbers, np.stack(positions), np.stack(boxes)


def find_rings(n_atoms, bonds, largest=LARGEST):
    """
    The smallest rings of a bond graph: for each bond the shortest ways around, up to a size.

    Parameters
    ----------
    n_atoms : int
    bonds : ndarray of int, shape (b, 2)
    largest : int, optional
        Atoms of a ring at most.

    Returns
    -------
    list of tuple of int
        Atoms in the order of their bonds, the lowest first.

    Examples
    --------
    >>> find_rings(6, [[0, 1], [1, 2], [2, 3], [3, 0], [2, 4], [4, 5]])
    [(0, 1, 2, 3)]
    """
    neighbours = [set(x) for x in adjacency(n_atoms, bonds)]
    ends = [k for k, x in enumerate(neighbours) if len(x) == 1]
    for end in ends:  # what hangs on a chain's end is in no ring
        while len(neighbours[end]) == 1:
            (other,) = neighbours[end]
            neighbours[end].clear()
            neighbours[other].discard(end)
            end = other
    rings = set()
    for i, j in np.sort(np.asarray(bonds, dtype=np.int64).reshape(-1, 2), axis=1).tolist():
        if j in neighbours[i]:
            rings |= {_from_lowest(way) for way in _ways_around(i, j, neighbours, largest)}
    return sorted(rings)


def _ways_around(i, j, neighbours, largest):
    """The shortest paths from one atom to a bonded one that do not take their bond."""
    paths = [(i,)]
    for _ in range(largest - 1):
        paths = [(*path, k) for path in paths for k in neighbours[path[-1]] if k not in path]
        paths = [path for path in paths if path != (i, j)]
        found = [path for path in paths if path[-1] == j]
        if found:
            return found
    return []


def _from_lowest(ring):
    """The same ring from its lowest atom on, towards the lower one of its neighbours."""
    at = ring.index(min(ring))
    ring = ring[at:] + ring[:at]
    return ring if ring[1] < ring[-1] else (ring[0], *ring[:0:-1])


def piercings(positions, rings, bonds, boxes=None):
    """
    Which bonds pass through which rings.

    Parameters
    ----------
    positions : ndarray of float, shape (F, A, 3)
    rings : list of tuple of int
        From `find_rings`.
    bonds : ndarray of int, shape (b, 2)
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows.

    Returns
    -------
    ndarray of int64, shape (p, 3)
        Frame, ring, bond.

    Examples
    --------
    >>> piercings(np.zeros((1, 3, 3)), [], np.array([[0, 1]])).shape
    (0, 3)
    """
    if not rings or not len(bonds):
        return np.zeros((0, 3), dtype=np.int64)
    size = max(map(len, rings))
    table = np.array([[*ring, *ring[-1:] * (size - len(ring))] for ring in rings])  # the last atom again
    counts = np.array([[1.0] * len(ring) + [0.0] * (size - len(ring)) for ring in rings])
    found = []
    for f, atoms in enumerate(np.asarray(positions, dtype=np.float64)):
        found.append(_of_frame(f, atoms, (table, counts), bonds, None if boxes is None else boxes[f]))
    return np.concatenate(found)


def _of_frame(frame, atoms, rings, bonds, box):
    """The piercings (p, 3) of one frame."""
    table, counts = rings
    corners = _about(atoms[table], atoms[table[:, :1]], box)
    centres = (corners * counts[..., None]).sum(1) / counts.sum(1)[:, None]
    start = atoms[bonds[:, 0]]
    along = _about(atoms[bonds[:, 1]], start, box) - start
    length = np.linalg.norm(along, axis=1)
    some = np.flatnonzero(length < BROKEN)
    reach = np.linalg.norm(corners - centres[:, None], axis=-1).max() + 0.5 * length[some].max(initial=0.0)
    pairs, _ = near(centres, (start + 0.5 * along)[some], min(reach, _widest(box)), box)
    ring, bond = pairs[:, 0], some[pairs[:, 1]]
    apart = ~(table[ring][:, :, None] == bonds[bond][:, None]).any((1, 2))
    ring, bond = ring[apart], bond[apart]
    centre = centres[ring]
    middle = _about(start[bond] + 0.5 * along[bond], centre, box) - centre
    crossed = _crosses(middle - 0.5 * along[bond], middle + 0.5 * along[bond], corners[ring] - centre[:, None])
    return np.stack([np.full(crossed.sum(), frame), ring[crossed], bond[crossed]], axis=1)


def _widest(box):
    """The longest cutoff that nearest images know of."""
    return np.inf if box is None else 0.5 * widths(box).min()


def _about(points, centre, box):
    """Points at the images nearest to a centre."""
    return points if box is None else centre + nearest_images(points - centre, box)


def _crosses(start, stop, corners):
    """Whether segments (p, 3) cross a triangle between the origin and two corners (p, k, 3) that follow each other."""
    first, second = corners, np.roll(corners, -1, axis=1)
    normal = np.cross(first, second)  # (p, k, 3); none where a corner is there twice
    square = (normal * normal).sum(-1)
    below, above = ((normal * x[:, None]).sum(-1) for x in (start, stop))
    through = ((below < 0) != (above < 0)) & (np.abs(above - below) > _LEVEL * np.sqrt(square))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (below / (below - above))[..., None]
        point = start[:, None] + share * (stop - start)[:, None]  # in the plane of the triangle
        one = (normal * np.cross(point, second)).sum(-1) / square
        other = (normal * np.cross(first, point)).sum(-1) / square
        within = (one >= -_ROUNDING) & (other >= -_ROUNDING) & (one + other <= 1 + _ROUNDING)
        return (through & within).any(1)
