"""
Periodic boxes: box vectors and nearest images, chains made whole, mirror images, and how far beads have moved.

Lengths in angstrom.
"""

import numpy as np

from .attributes import run_ends

NARROWEST = 10.0
"""Width of a box, in angstrom, below which it is a dummy (often 1). Chosen: no protein fits into it."""
_RIGHT = 90.0  # degrees; cited: a right angle, exactly, as MDAnalysis asks
ENDLESS = 1e6  # angstrom; chosen: by hand, a box for frames without one, wider than any molecule


def _vectors(dimensions):
    """Box vectors as rows (3, 3), as `MDAnalysis.lib.mdamath.triclinic_vectors` has them: zeros where there is none."""
    lengths, angles = np.split(np.asarray(dimensions, dtype=np.float64), 2)
    good = (lengths > 0) & np.isfinite(lengths) & (angles > 0) & (angles < 2 * _RIGHT)
    if not good.all():
        return np.zeros((3, 3))
    (a, b, c), right = lengths, angles == _RIGHT
    alpha, beta, gamma = np.where(right, 0.0, np.cos(np.deg2rad(angles)))
    sine = 1.0 if right[2] else np.sin(np.deg2rad(angles[2]))
    along, aside = c * beta, c * (alpha - beta * gamma) / sine
    height = c * c - along**2 - aside**2
    if not height > 0:
        return np.zeros((3, 3))
    return np.array([[a, 0, 0], [b * gamma, b * sine, 0], [along, aside, np.sqrt(height)]])


def real_box(dimensions):
    """
    The box of a frame, if MDAnalysis' own rule says that it is one.

    The rule is that of `MDAnalysis.lib.mdamath.triclinic_vectors`: lengths above 0, angles between 0 and 180 degrees
    that three vectors can have.

    Parameters
    ----------
    dimensions : ndarray of float, shape (6,), or None
        As MDAnalysis has them: lengths in angstrom, angles in degrees.

    Returns
    -------
    ndarray of float, shape (6,), or None
        A copy, or None for no box.

    Examples
    --------
    >>> real_box([20.0, 30.0, 40.0, 90.0, 90.0, 0.0]) is None
    True
    """
    return None if dimensions is None or not _vectors(dimensions).any() else np.array(dimensions)


def box_vectors(dimensions, n_frames):
    """
    Box vectors of some frames.

    Parameters
    ----------
    dimensions : ndarray of float, shape (F, 6), or None
        As MDAnalysis has them: lengths in angstrom, angles in degrees. What `real_box` does not take, or what is
        narrower than 10 angstrom, is no box.
    n_frames : int

    Returns
    -------
    ndarray of float64, shape (F, 3, 3), or None
        As rows; None without boxes. A frame without a box among others gets one that changes nothing.

    Examples
    --------
    >>> box_vectors([[20.0, 30.0, 40.0, 90.0, 90.0, 90.0]], 1)[0].diagonal().tolist()
    [20.0, 30.0, 40.0]
    """
    if dimensions is None:
        return None
    boxes = np.zeros((n_frames, 3, 3))
    for box, row in zip(boxes, np.asarray(dimensions, dtype=np.float64), strict=True):
        box[:] = _vectors(row)
        if box.any() and min(1 / np.linalg.norm(np.linalg.inv(box), axis=0)) < NARROWEST:  # between opposite faces
            box[:] = 0.0
    missing = ~boxes.any(axis=(1, 2))
    if missing.all():
        return None
    boxes[missing] = np.eye(3) * ENDLESS
    return boxes


def nearest_images(steps, boxes):
    """
    Vectors between positions, by nearest images.

    Parameters
    ----------
    steps : ndarray of float, shape (..., n, 3)
    boxes : ndarray of float, shape (..., 3, 3)
        Box vectors as rows.

    Returns
    -------
    ndarray of float, shape (..., n, 3)

    Examples
    --------
    >>> nearest_images(np.array([[19.5, 0.0, 0.0]]), np.eye(3) * 20).tolist()
    [[-0.5, 0.0, 0.0]]
    """
    return steps - np.round(steps @ np.linalg.inv(boxes)) @ boxes


def whole(beads, boxes, coarse, anchors=None):
    """
    Chains made whole: each bead moved by box vectors to the image nearest to the bead before it.

    Beads that the topology bonds to an earlier one, but not to the one before, go by the earlier one. With `anchors`
    these go by each other, and the other beads of a residue by its anchor.

    Parameters
    ----------
    beads : ndarray of float32, shape (F, N, 3)
        In angstrom.
    boxes : ndarray of float, shape (F, 3, 3)
        Box vectors as rows.
    coarse : Topology
        Chains; where the chainID or segid changes nothing is moved.
    anchors : ndarray of int, shape (R,), optional
        The bead of each residue that the chain goes through, if residues have several.

    Returns
    -------
    ndarray of float32, shape (F, N, 3)
        Beads that need no move are the very same numbers.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> cut = np.array([[[1.0, 0.0, 0.0], [19.0, 0.0, 0.0]]], dtype=np.float32)
    >>> whole(cut, np.eye(3)[None] * 20, two)[0, 1].tolist()
    [-1.0, 0.0, 0.0]
    """
    if anchors is not None:
        return _around_anchors(beads, boxes, coarse, anchors)
    other = _others(coarse)
    parent = _parents(coarse, other)
    if parent is not None:  # each bead at the image nearest to its parent
        out = followed(beads, boxes, (([bead], [near]) for bead, near in enumerate(parent)))
        return np.where(np.abs(out - beads) < 1e-3, beads, out.astype(np.float32))
    return _along(beads, boxes, other)


def _along(beads, boxes, other):
    """Each bead at the image nearest to the one before, unless that is of another chain: `other`, shape (N - 1,)."""
    steps = np.diff(beads.astype(np.float64), axis=1)  # (F, N - 1, 3)
    turns = np.round(steps @ np.linalg.inv(boxes))
    turns[:, other] = 0.0
    total = np.cumsum(np.pad(turns, ((0, 0), (1, 0), (0, 0))), axis=1)
    begin = np.maximum.accumulate(np.where(np.r_[True, other], np.arange(len(other) + 1), 0))
    shifts = (total - total[:, begin]) @ boxes
    return np.where(shifts == 0.0, beads, (beads - shifts).astype(np.float32))


def _around_anchors(beads, boxes, coarse, anchors):
    """Anchors (R,) along their chains, and each other bead at the image nearest to its residue's anchor."""
    out = np.array(beads, dtype=np.float32)
    out[:, anchors] = _along(out[:, anchors], boxes, run_ends(coarse.chainIDs, coarse.segids)[:-1])
    own = anchors[coarse.residue_of_atom]
    steps = (out - out[:, own]).astype(np.float64)
    shifts = np.round(steps @ np.linalg.inv(boxes)) @ boxes
    return np.where(shifts == 0.0, out, (out - shifts).astype(np.float32))


def _others(coarse):
    """Whether the next bead is of another chain, bool, shape (N - 1,)."""
    residue = coarse.residue_of_atom
    return run_ends(coarse.chainIDs[residue], coarse.segids[residue])[:-1]


def too_long(beads, boxes, coarse):
    """
    The chain that is longest in comparison with its box.

    Parameters
    ----------
    beads, boxes, coarse
        As `whole` takes them; chains whole.

    Returns
    -------
    tuple of float or None
        How long it is, along an axis, and the longest edge of its box; None if all are shorter than that.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> too_long(np.array([[[0.0, 0.0, 0.0], [30.0, 0.0, 0.0]]]), np.eye(3)[None] * 20, two)
    (30.0, 20.0)
    """
    starts = np.r_[0, np.flatnonzero(_others(coarse)) + 1]
    low, high = (reduce.reduceat(beads, starts, axis=1) for reduce in (np.minimum, np.maximum))
    length, edge = (high - low).max(axis=(1, 2)), np.linalg.norm(boxes, axis=2).max(axis=1)
    frame = int(np.argmax(length / edge))
    return (float(length[frame]), float(edge[frame])) if length[frame] > edge[frame] else None


def _parents(coarse, other):
    """The bead that each is placed next to (itself, if first), shape (N,); None if always the one before it."""
    index = np.arange(coarse.n_atoms)
    low, high = coarse.bonds.T
    after = np.isin(index, high[high - low == 1])
    bonded = np.full(coarse.n_atoms, -1)
    np.maximum.at(bonded, high, low)
    elsewhere = (bonded >= 0) & ~after
    if not elsewhere.any():
        return None
    return np.where(elsewhere, bonded, np.where(np.r_[True, other], index, index - 1))


def followed(positions, boxes, steps):
    """
    Positions with some at the images nearest to others.

    Parameters
    ----------
    positions : ndarray of float, shape (F, A, 3)
    boxes : ndarray of float, shape (F, 3, 3)
        Box vectors as rows.
    steps : iterable of tuple
        Two sequences of int each, in turn: those that are placed, and those that each is placed next to.

    Returns
    -------
    ndarray of float64, shape (F, A, 3)

    Examples
    --------
    >>> followed(np.array([[[1.0, 0, 0], [19.0, 0, 0]]]), np.eye(3)[None] * 20, [([1], [0])])[0, 1].tolist()
    [-1.0, 0.0, 0.0]
    """
    inverse, out = np.linalg.inv(boxes), positions.astype(np.float64)
    for placed, beside in steps:
        turns = np.round((out[:, placed] - out[:, beside]) @ inverse)
        out[:, placed] -= turns @ boxes
    return out


def reflected(beads):
    """
    Mirror images of frames, each through its first bead, which lets the box be what it is.

    Parameters
    ----------
    beads : ndarray of float, shape (..., N, 3)

    Returns
    -------
    ndarray, shape (..., N, 3)

    Examples
    --------
    >>> reflected(np.array([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, -3.0, 0.0]]
    """
    return 2 * beads[..., :1, :] - beads


def distances_moved(before, after, dimensions=None):
    """
    How far beads have moved, by nearest images.

    Parameters
    ----------
    before, after : ndarray of float, shape (F, N, 3)
        In angstrom.
    dimensions : ndarray of float, shape (F, 6), optional
        Boxes as MDAnalysis has them.

    Returns
    -------
    ndarray of float32, shape (F, N)
        Less than a thousandth of an angstrom counts as nothing where chains were made whole.

    Examples
    --------
    >>> distances_moved(np.zeros((1, 1, 3)), np.array([[[0.0, 19.5, 0.0]]]), [[20.0, 20.0, 20.0, 90.0, 90.0, 90.0]])
    array([[0.5]], dtype=float32)
    """
    shift = np.asarray(after, dtype=np.float64) - before
    boxes = box_vectors(dimensions, len(shift))
    if boxes is not None:
        shift = nearest_images(shift, boxes)
        shift[np.abs(shift).max(-1) < 1e-3] = 0.0
    return np.linalg.norm(shift, axis=-1).astype(np.float32)
