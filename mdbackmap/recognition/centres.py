"""
C-alphas or centres of mass, one bead a residue: distances of neighbours decide, residue by residue.

CALVADOS puts beads of folded domains at centres of mass, those of linkers on C-alphas, and calls them all CA. C-alphas
lie 3.8 angstrom apart, centres of mass as far as their residues are large. A hidden Markov model of two states along
the chain weighs that. `training.priors.centre_prior` makes its tables.

Shapes: N beads, one a residue; b = N - 1 distances; s widths. Lengths in angstrom.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..chemistry.peptide_geometry import CA_CIS, CA_TRANS

ALPHA, CENTRE = 0, 1

_WIDTHS = np.array([0.04, 0.1, 0.2, 0.35])  # angstrom, SD of C-alpha distances; chosen: crystals to soft bonds
_CIS, _ODD = 0.02, 0.03  # share of cis peptides, and of distances that nothing explains; chosen: by hand
_SPAN = 4.0, 8.0  # angstrom over which odd distances of C-alphas, and of centres, are spread; chosen: by hand
_SWITCH = 1 / 40  # of residues that differ from the one before; chosen: by hand, domains and linkers are that long
_GAIN = 12.0  # nats by which a mixture must be likelier than one kind of bead; chosen: by hand
_BACKBONE = 3.34, 0.25  # angstrom, mean and SD of centres of backbones; measured: 1,500 crystal chains
_FEWEST = 5  # distances that tell anything but C-alphas; chosen: by hand
_OFF = 0.35  # angstrom; chosen: by hand, twice the SD of C-alpha distances in soft models
_OFF_MEDIAN = 0.12  # angstrom; chosen: by hand, sheets of centres of backbones are 3.55 apart
_WINDOW, _STRANGE = 12, 6  # distances in a row, and how many of them are off in a domain; chosen: by hand
_MAD = 1.4826  # no unit, SD of a Gaussian in a median absolute deviation; cited: Rousseeuw & Croux 1993
_SPREAD = {"bb": 0.02, "com": 0.3, "calvados": 0.08}  # angstrom, least robust SD; chosen: below those of proteins


@dataclass(frozen=True, eq=False)
class Tables:
    """
    Means and standard deviations of distances in crystals, in angstrom, by residue type.

    Parameters
    ----------
    centres : ndarray of float, shape (21, 21, 2)
        From one centre of mass to the next. Type 20 is any residue.
    to_centre, from_centre : ndarray of float, shape (21, 2)
        From a C-alpha to the next centre of mass of a type, and from such a centre to the next C-alpha.
    side, mass : ndarray of float, shape (21, 2)
        From the C-alpha of a residue to the centroid of its side chain, and to its centre of mass.
    """

    centres: np.ndarray
    to_centre: np.ndarray
    from_centre: np.ndarray
    side: np.ndarray
    mass: np.ndarray


@functools.cache
def tables() -> Tables:
    """The tables of this package."""
    with np.load(Path(__file__).with_suffix(".npz")) as file:
        return Tables(**{name: file[name].astype(np.float64) for name in file.files})


def only_alphas(lengths) -> bool:
    """
    Whether nowhere along a chain distances are unlike those of C-alphas.

    Examples
    --------
    >>> only_alphas(np.full(50, 3.8)), only_alphas(np.r_[np.full(20, 3.8), np.linspace(4.0, 7.0, 20)])
    (True, False)
    """
    off = np.abs(lengths - CA_TRANS) > _OFF  # as cis peptides are, but these are rare
    if not abs(np.median(lengths) - CA_TRANS) < _OFF_MEDIAN:
        return False
    if len(off) < _WINDOW:
        return np.count_nonzero(off) * _WINDOW < _STRANGE * len(off)
    return bool(np.convolve(off, np.ones(_WINDOW), "valid").max() < _STRANGE)


def kinds(lengths, types, inside):
    """
    What single beads are.

    Parameters
    ----------
    lengths : ndarray of float, shape (b,)
        From each bead to the next.
    types : ndarray of int, shape (N,)
        Residue types in `residues.ALPHABET`; -1 where not known.
    inside : ndarray of bool, shape (b,)
        Pairs of one chain.

    Returns
    -------
    str
        "ca", "com", "bb" or "calvados".
    centres : ndarray of bool, shape (N,)
        Beads at centres of mass.
    """
    n, seen = len(types), lengths[inside]
    if len(seen) < _FEWEST or only_alphas(seen):
        return "ca", np.zeros(n, dtype=bool)
    steps = _energies(lengths, types) * inside[:, None, None, None]  # (b, s, 2, 2)
    backbone = (_robust(_normal(lengths, *_BACKBONE), _SPAN[0]) * inside).sum()
    pure = {
        "ca": steps[..., ALPHA, ALPHA].sum(0).max(),
        "com": steps[..., CENTRE, CENTRE].sum(0).max(),
        "bb": backbone,
    }
    spread = _MAD * np.median(np.abs(seen - np.median(seen)))
    pure = {name: value for name, value in pure.items() if spread >= _SPREAD.get(name, 0.0)}
    best = max(pure, key=pure.get)
    mixed = _forward(steps)
    width = int(mixed.argmax())
    if spread >= _SPREAD["calvados"] and mixed[width] > pure[best] + _GAIN:
        found = viterbi(steps[:, width])
        if 0 < found.sum() < n:
            return "calvados", found
    return best, np.full(n, best == "com")


def centres_in_mixture(lengths, types, inside) -> np.ndarray:
    """Which beads of a mixture are centres of mass, bool, shape (N,); arguments as of `kinds`."""
    steps = _energies(lengths, types) * inside[:, None, None, None]
    return viterbi(steps[:, int(_forward(steps).argmax())])


def _energies(lengths, types):
    """Log likelihood of each distance by width (s), kind of the bead and kind of the next, shape (b, s, 2, 2)."""
    table, one, two = tables(), types[:-1], types[1:]  # type -1 is the last row
    found = np.empty((len(lengths), len(_WIDTHS), 2, 2))
    trans = _normal(lengths[:, None], CA_TRANS, _WIDTHS) + np.log(1 - _CIS)
    cis = _normal(lengths[:, None], CA_CIS, _WIDTHS) + np.log(_CIS)
    found[..., ALPHA, ALPHA] = _robust(np.logaddexp(trans, cis), _SPAN[0])
    for (a, b), rows in {
        (CENTRE, CENTRE): table.centres[one, two],
        (ALPHA, CENTRE): table.to_centre[two],
        (CENTRE, ALPHA): table.from_centre[one],
    }.items():
        found[..., a, b] = _robust(_normal(lengths, *rows.T), _SPAN[1])[:, None]
    return found


def _normal(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))


def _robust(energy, span):
    return np.logaddexp(energy + np.log(1 - _ODD), np.log(_ODD / span))


def _turns():
    stay, leave = np.log(1 - _SWITCH), np.log(_SWITCH)
    return np.array([[stay, leave], [leave, stay]])


def _forward(steps):
    """Log likelihood of all distances by width, shape (s,), summed over the kinds of all beads."""
    turns, value = _turns(), np.full((steps.shape[1], 2), np.log(0.5))
    for step in steps:
        value = np.logaddexp.reduce(value[:, :, None] + turns + step, axis=1)
    return np.logaddexp.reduce(value, axis=1)


def viterbi(steps) -> np.ndarray:
    """
    The likeliest kinds along a chain.

    Parameters
    ----------
    steps : ndarray of float, shape (b, 2, 2)
        Log likelihoods of distances by the kinds of both beads.

    Returns
    -------
    ndarray of bool, shape (b + 1,)
        Centres of mass.

    Examples
    --------
    >>> steps = np.zeros((6, 2, 2))
    >>> steps[:3, 0, 0] = steps[3:, 1, 1] = 5.0
    >>> viterbi(steps).tolist()
    [False, False, False, False, True, True, True]
    """
    turns, value, back = _turns(), np.zeros(2), []
    for step in steps:
        scores = value[:, None] + turns + step
        back.append(scores.argmax(axis=0))
        value = scores.max(axis=0)
    kind = [int(value.argmax())]
    for origin in reversed(back):
        kind.append(int(origin[kind[-1]]))
    return np.array(kind[::-1]) == CENTRE
