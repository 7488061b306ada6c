"""
Whether the positions of a frame are those of a molecule at all: the one check of coordinates that every verb makes.

Shapes: F frames, N beads or atoms. Lengths in angstrom.
"""

from __future__ import annotations

import functools

import numpy as np

from ..molecule.attributes import atom_label
from ..molecule.mapping import MappingError
from .spacing import bond_lengths

FARTHEST = 1e6
"""Largest coordinate, in angstrom. Chosen: single precision has steps of 0.06 A there, half a C-alpha's scatter."""

BROKEN = (1.9, 7.6)
"""C-alpha distances in angstrom outside this range are broken. Chosen: half and twice 3.8 (soft bonds: +-0.5)."""

APART = (0.1, 14.0)
"""
The same in angstrom for other beads that a chain goes through. Chosen: centres of mass of two arginines lie up to 11 A
apart, other beads nearer; and nothing holds them apart.
"""

_SHARE = 1 / 3  # of a chain's distances; chosen: periodic boundaries without a box cut fewer bonds of a folded chain
_FEWEST = 3  # distances that break a chain, unless they break the frame; chosen, so that a cut dipeptide does not
_ONE_POINT = 0.1  # angstrom, chosen: beads of any model that all lie nearer than this were never written


def sound(positions) -> np.ndarray:
    """
    Which positions are finite and not too far from the origin.

    Parameters
    ----------
    positions : ndarray of float, shape (..., 3)

    Returns
    -------
    ndarray of bool, shape (...)

    Examples
    --------
    >>> sound([[0.0, 1.0, 2.0], [0.0, np.nan, 2.0], [1e30, 0.0, 0.0]]).tolist()
    [True, False, False]
    """
    return (np.abs(positions) <= FARTHEST).all(axis=-1)  # False for NaN


def broken(lengths, ends, limits=BROKEN) -> np.ndarray:
    """
    Which distances along the chain are broken, if they break their frame as a whole.

    Parameters
    ----------
    lengths : ndarray of float, shape (F, N - 1)
        Distances from each bead to the next.
    ends : ndarray of bool, shape (N,)
        The bead ends a chain.
    limits : tuple of float, optional
        Distances outside are broken: `BROKEN` for C-alphas, `APART` for others.

    Returns
    -------
    ndarray of bool, shape (F, N - 1)
        All False for a frame in which less than a third of all distances, and of each chain's, are broken.

    Examples
    --------
    >>> lengths = np.array([[3.8, 3.8, 3.8, 9.9], [0.0, 0.0, 0.0, 0.0]])
    >>> broken(lengths, np.array([False, False, False, False, True])).sum(axis=1).tolist()
    [0, 4]
    """
    lengths, inner = np.atleast_2d(lengths), ~np.asarray(ends)[:-1]
    bad = ~((lengths >= limits[0]) & (lengths <= limits[1])) & inner
    if not bad.any():
        return bad
    chain = np.cumsum(~inner)  # of each distance
    of_chain = np.bincount(chain, inner)
    found = np.zeros((len(bad), len(of_chain)))
    np.add.at(found, (slice(None), chain), bad)
    of_a_chain = (found >= np.maximum(_SHARE * of_chain, _FEWEST)).any(axis=1)
    of_all = found.sum(axis=1) >= _SHARE * of_chain.sum()
    return bad & (of_a_chain | of_all)[:, None]


def check_frames(frames, n_beads: int, numbers=None, label="bead {}".format, advice=None) -> np.ndarray:
    """
    Bead positions of a few frames, found sound one by one.

    Parameters
    ----------
    frames : (F, N, 3) or ndarray of float, shape (N, 3)
        In angstrom.
    n_beads : int
        Number of beads expected.
    numbers : (F,) int sequence, optional
        Frame numbers for the error message; by default 0, 1, ...
    label : callable, optional
        Name of a bead, from its place.
    advice : callable, optional
        From a frame number to how that frame is left out; by default `leave_out`.

    Returns
    -------
    ndarray of float64, shape (F, N, 3)

    Raises
    ------
    MappingError
        No frames, another number of beads, or a coordinate that is not finite or beyond `FARTHEST`.
    """
    frames = np.asarray(frames, dtype=np.float64)
    frames = frames[None] if frames.ndim == 2 else frames
    if frames.ndim != 3 or frames.shape[1:] != (n_beads, 3):
        raise MappingError(
            f"positions have shape {frames.shape}, expected (frames, {n_beads}, 3): one position for each of the "
            f"{n_beads} beads; is this the trajectory of that topology?"
        )
    if len(frames) == 0:
        raise MappingError("no frames: expected at least one to look at; does the trajectory hold any?")
    good = sound(frames)
    if not good.all():
        at = int(np.flatnonzero(~good.all(axis=1))[0])
        number = at if numbers is None else int(numbers[at])
        raise MappingError(f"frame {number}: {_lost(frames[at], good[at], label)}; {(advice or leave_out)(number)}")
    return frames


def check_atoms(positions, atoms, numbers, ends=None, dimensions=None, advice=None):
    """
    Refuse frames of an AtomGroup that are those of no molecule.

    Parameters
    ----------
    positions : ndarray of float, shape (F, A, 3)
        In angstrom.
    atoms : AtomGroup
        It names the atoms, and its trajectory says how a frame is left out.
    numbers : (F,) int sequence
        Frame numbers for the message.
    ends, dimensions, advice : optional
        As of `check_whole`.

    Raises
    ------
    MappingError
        With the number of the frame, the first atom, and how to leave the frame out.
    """
    advice = advice or functools.partial(leave_out, n_frames=len(atoms.universe.trajectory))
    check_frames(positions, len(atoms), numbers, lambda k: atom_label(atoms[k]), advice)
    check_whole(positions, numbers, ends, dimensions, advice)


def check_beads(mapping, beads, numbers, dimensions=None, n_frames=None):
    """
    Refuse frames whose beads are those of no molecule, above all frames that are broken as a whole.

    Parameters
    ----------
    mapping : Mapping
        Its coarse topology names the beads; the distances along the chain depend on which beads are C-alphas.
    beads : ndarray of float, shape (F, N, 3)
        In angstrom.
    numbers : (F,) int sequence
        Frame numbers for the message.
    dimensions : ndarray of float, shape (6,), optional
        Box of these frames, unless their chains are whole.
    n_frames : int, optional
        Frames of the trajectory, for the advice.

    Raises
    ------
    MappingError
        With the number of the frame, the first bead, and how to leave the frame out.
    """
    coarse, advice = mapping.coarse, functools.partial(leave_out, n_frames=n_frames)
    beads = check_frames(beads, coarse.n_atoms, numbers, bead_label(coarse), advice)
    positions, ends, exact = chain_of(mapping, beads)
    check_whole(positions, numbers, ends, dimensions, advice, exact)


def chain_of(mapping, beads):
    """
    What `check_whole` looks at in the beads of a mapping.

    Parameters
    ----------
    mapping : Mapping
    beads : ndarray of float, shape (F, N, 3)

    Returns
    -------
    positions : ndarray of float, shape (F, n, 3)
        Of the beads that chains go through; all beads where that is not known.
    ends : ndarray of bool, shape (n,), or None
    exact : bool
        Whether they are C-alphas.
    """
    if not mapping.is_chain:
        return beads, None, False
    chains = ~mapping.coarse.hetero
    return mapping.trace(beads), mapping.coarse.ends[chains], bool((mapping.alphas[chains] >= 0).all())


def bead_label(coarse):
    """A function from the place of a bead to the name of its residue."""
    return lambda bead: coarse.label(int(coarse.residue_of_atom[bead]))


def check_whole(positions, numbers, ends=None, dimensions=None, advice=None, exact=True):
    """
    Refuse frames that are broken as a whole.

    Parameters
    ----------
    positions : ndarray of float, shape (F, N, 3)
        Finite; of the beads that chains go through if `ends` are given, else of any beads or atoms.
    numbers : (F,) int sequence
        Frame numbers for the message.
    ends : ndarray of bool, shape (N,), optional
        The bead ends a chain.
    dimensions : ndarray of float, shape (6,), optional
        Box of these frames, unless their chains are whole.
    advice : callable, optional
        From a frame number to how that frame is left out; by default `leave_out`.
    exact : bool, optional
        Whether beads with `ends` are C-alphas.

    Raises
    ------
    MappingError
        A frame with all its positions on one point, or of `broken` distances; with how to leave it out.

    Examples
    --------
    >>> check_whole(np.zeros((1, 2, 3)), [7], advice=lambda k: leave_out(k, 8))
    Traceback (most recent call last):
    ...
    mdbackmap.molecule.bead_weights.MappingError: frame 7: all 2 positions lie on one point, as in a frame that was \
never written; leave the frame out (--stop 7; in Python stop=7), or repair the trajectory
    """
    if ends is None:
        wrong = (np.ptp(positions, axis=1) < _ONE_POINT).all(axis=1, keepdims=True) & (positions.shape[1] > 1)
    else:
        lengths = bond_lengths(positions, dimensions)
        limits = BROKEN if exact else APART
        wrong = broken(lengths, ends, limits)
    faulty = np.flatnonzero(wrong.any(axis=1))
    if not len(faulty):
        return
    at = faulty[0]
    if ends is None:
        fault = f"all {positions.shape[1]} positions lie on one point, as in a frame that was never written"
    else:
        fault = _whole(wrong[at], lengths[at], int((~np.asarray(ends)[:-1]).sum()), limits)
    more = f" (and {len(faulty) - 1} of the {len(wrong) - 1} others looked at)" if len(faulty) > 1 else ""
    raise MappingError(f"frame {numbers[at]}{more}: {fault}; {(advice or leave_out)(int(numbers[at]))}")


def _lost(positions, good, label):
    """Words for positions that are not finite, or too far away."""
    first = int(np.flatnonzero(~good)[0])
    n, at = np.count_nonzero(~good), positions[first]
    who = f"position of {label(first)} is" if n == 1 else f"positions of {label(first)} and {n - 1} more are"
    if not np.isfinite(at).all():
        return f"the {who} NaN or infinite"
    return f"the {who} {np.abs(at).max():.2g} A from the origin, expected less than {FARTHEST:g} A"


def _whole(wrong, lengths, n_distances, limits):
    """Words for a frame that is broken as a whole, or of which a chain is."""
    what = "the whole frame is" if wrong.sum() >= _SHARE * n_distances else "a chain is"
    short, beads = np.median(lengths[wrong]) < limits[0], "C-alphas" if limits == BROKEN else "residues"
    why = "never written" if short else "of a simulation that blew up, or cut by a periodic boundary whose box is lost"
    return (
        f"{what} broken ({why}?): {wrong.sum()} of {n_distances} distances between neighbouring {beads} are below "
        f"{limits[0]:g} or above {limits[1]:g} A (median of these {np.median(lengths[wrong]):.3g})"
    )


def leave_out(number, n_frames=None) -> str:
    """
    How to leave a frame out, as part of a sentence.

    Examples
    --------
    >>> print(leave_out(23, 30))
    leave the frame out (--frames 0-22,24-29; in Python frames=[*range(23), *range(24, 30)]), or repair the trajectory
    """
    if n_frames is None or not 0 <= number < n_frames or n_frames == 1:
        how = "--frames, --start, --stop; in Python frames=, start=, stop="
    elif number == 0:
        how = "--start 1; in Python start=1"
    elif number == n_frames - 1:
        how = f"--stop {number}; in Python stop={number}"
    else:
        before, after = _span(0, number - 1), _span(number + 1, n_frames - 1)
        how = f"--frames {before},{after}; in Python frames=[*range({number}), *range({number + 1}, {n_frames})]"
    return f"leave the frame out ({how}), or repair the trajectory"


def fault_alone(error, number, n_frames) -> str:
    """
    What is wrong with a frame, out of an error: without the frame's number and the advice, which a list has no use for.

    Examples
    --------
    >>> fault_alone(f"frame 3: it is torn; {leave_out(3, 9)}", 3, 9)
    'it is torn'
    """
    return str(error).removeprefix(f"frame {number}: ").removesuffix(f"; {leave_out(number, n_frames)}")


def _span(first, last):
    return str(first) if first == last else f"{first}-{last}"
