"""
The Top8000 contour grids of MolProbity: how common a backbone or side-chain conformation is.

``tests/benchmarks/pack_top8000.py`` packs the text files of the Richardson laboratory's reference data (CC BY 4.0, see
``TOP8000.md`` beside this module) into ``top8000.npz``, which ships with the package.

A grid holds, at the centre of each bin, the share of well-resolved crystal residues that lie at less
common conformations; `ramachandran_score` and `rotamer_score` interpolate linearly between centres.
Values are kept as half-precision numbers: a relative error below 0.0005.

References
----------
Williams et al., MolProbity: more and better reference data, Protein Science 27, 293 (2018).
Hintze et al., MolProbity's ultimate rotamer-library distributions, Proteins 84, 1177 (2016).
"""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from ..chemistry.residues import RESIDUE_NAMES, TYPE_OF_NAME

RAMA_KINDS = ("general", "glycine", "isoleucine-valine", "pre-proline", "trans-proline", "cis-proline")
"""The six Ramachandran maps; a residue's map is its position here."""

RAMA_FAVOURED = 0.02  # least score, a share of crystal residues; cited: MolProbity (Williams et al. 2018)
RAMA_ALLOWED = np.array([0.0005, 0.001, 0.001, 0.001, 0.001, 0.002])
"""Least score of an allowed residue, by map, a share; below it is an outlier. Cited: as above."""

ROTAMER_FAVOURED = 0.02  # least score, a share of crystal residues; cited: MolProbity (Hintze et al. 2016)
ROTAMER_OUTLIER = 0.003  # the same below which it is an outlier; cited: as above, a share

ROTAMER_GRIDS = {name: name.lower() for name in RESIDUE_NAMES if name not in ("ALA", "GLY", "ARG", "LYS")}
ROTAMER_GRIDS |= {"PHE": "phetyr", "TYR": "phetyr"}
_PACKED = Path(__file__).with_name("top8000.npz")


@cache
def _grid(name):
    with np.load(_PACKED) as packed:
        return packed[name].astype(float), packed[f"{name} bounds"].astype(float)


def _interpolate(name, *angles):
    """Score at angles in radians, one array a torsion, linear between bin centres and periodic."""
    grid, (lower, upper) = _grid(name)[0], _grid(name)[1].T
    bins = np.array(grid.shape)
    places = (np.degrees(np.stack(angles, axis=-1)) - lower) / (upper - lower) * bins - 0.5
    return map_coordinates(grid, np.moveaxis(places, -1, 0), order=1, mode="grid-wrap")


def ramachandran_kind(types, ends, cis, rings=()):
    """
    Which of the six Ramachandran maps a residue is judged by.

    Parameters
    ----------
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Last residue of an unbroken stretch.
    cis : ndarray of bool, shape (..., R)
        True where the peptide between residue ``l`` and ``l + 1`` is cis.
    rings : ndarray of int, shape (c, 2), optional
        First and last residues of closed stretches.

    Returns
    -------
    ndarray of int, shape (..., R)
        Positions in `RAMA_KINDS`.

    Examples
    --------
    >>> from mdbackmap.chemistry.residues import ALPHABET
    >>> types = np.array([ALPHABET.index(x) for x in "GAPVL"])
    >>> kinds = ramachandran_kind(types, np.arange(5) == 4, np.zeros(5, bool))
    >>> [RAMA_KINDS[k] for k in kinds]
    ['glycine', 'pre-proline', 'trans-proline', 'isoleucine-valine', 'general']
    """
    glycine, proline = types == TYPE_OF_NAME["GLY"], types == TYPE_OF_NAME["PRO"]
    branched = np.isin(types, [TYPE_OF_NAME["ILE"], TYPE_OF_NAME["VAL"]])
    before_proline = np.append(proline[1:], False) & ~ends
    after_cis = np.roll(cis, 1, axis=-1)
    after_cis[..., 0] = False
    for first, last in rings:
        before_proline[last], after_cis[..., first] = proline[first], cis[..., last]
    kind = np.select([glycine, proline, before_proline, branched], [1, 4, 3, 2], 0)
    return np.where(proline & after_cis, 5, kind)


def ramachandran_score(phi, psi, kind):
    """
    How common the backbone conformation is.

    Parameters
    ----------
    phi, psi : ndarray of float, shape (...)
        Radians.
    kind : ndarray of int, shape (...)
        Positions in `RAMA_KINDS`.

    Returns
    -------
    ndarray of float, shape (...)
        0 to 1; NaN where an angle is NaN. Favoured from `RAMA_FAVOURED`, an outlier below `RAMA_ALLOWED`.

    Examples
    --------
    >>> helix = ramachandran_score(np.radians([-63.0]), np.radians([-43.0]), np.array([0]))
    >>> bool(helix[0] > 0.9)
    True
    """
    score = np.full(np.shape(phi), np.nan)
    known = np.isfinite(phi) & np.isfinite(psi)
    for index, name in enumerate(RAMA_KINDS):
        these = known & (kind == index)
        score[these] = _interpolate(name, phi[these], psi[these])
    return score


def rotamer_score(chi, types):
    """
    How common the side-chain conformation is.

    Parameters
    ----------
    chi : ndarray of float, shape (F, R, 4)
        Radians; NaN where there is none.
    types : ndarray of int, shape (R,)

    Returns
    -------
    ndarray of float, shape (F, R)
        0 to 1; NaN for alanine and glycine, for arginine and lysine (whose grids are not to be had) and
        where an angle is missing. Favoured from `ROTAMER_FAVOURED`, an outlier below `ROTAMER_OUTLIER`.

    Examples
    --------
    >>> chi = np.full((1, 1, 4), np.nan)
    >>> chi[0, 0, 0] = np.radians(62.0)  # serine, the common rotamer p
    >>> bool(rotamer_score(chi, np.array([TYPE_OF_NAME["SER"]]))[0, 0] > 0.3)
    True
    """
    score = np.full(chi.shape[:2], np.nan)
    for residue, name in ROTAMER_GRIDS.items():
        columns = np.flatnonzero(types == TYPE_OF_NAME[residue])
        angles = chi[:, columns, : _grid(name)[0].ndim]
        known = np.isfinite(angles).all(-1)
        values = np.full(known.shape, np.nan)
        values[known] = _interpolate(name, *angles[known].T)
        score[:, columns] = values
    return score


@cache
def _shares(name):
    """
    Shares of crystal residues in the bins of a grid.

    A value is the share of residues at less common conformations. So, in the order of their values, each bin holds
    what the next value is above its own.
    """
    scores = _grid(name)[0]
    order = np.argsort(scores, axis=None, kind="stable")
    shares = np.zeros(scores.size)
    shares[order] = np.diff(scores.flat[order], append=1.0)
    return shares.reshape(scores.shape)


def rotamer_shares(kind, column, edges):
    """
    How chi1 or chi2 of crystal residues of one type is distributed.

    Parameters
    ----------
    kind : int
        Residue type.
    column : int
        0 for chi1, 1 for chi2.
    edges : ndarray of float, shape (n + 1,)
        Of bins from -180 to 180 degrees. Angles of a grid of 180 degrees are put between -90 and 90.

    Returns
    -------
    ndarray of float, shape (n,), or None
        Shares whose sum is 1; None if the type has no such angle, or no grid.

    Examples
    --------
    >>> rotamer_shares(TYPE_OF_NAME["VAL"], 0, np.array([-180.0, -120, 0, 120, 180])).round(2).tolist()
    [0.13, 0.19, 0.07, 0.62]
    """
    name = ROTAMER_GRIDS.get(RESIDUE_NAMES[kind])
    if name is None or _shares(name).ndim <= column:
        return None
    shares, (lower, upper) = _shares(name), _grid(name)[1][column]
    shares = shares.sum(tuple(k for k in range(shares.ndim) if k != column))
    width = upper - lower
    below = np.append(0.0, np.cumsum(shares))  # up to each edge of the grid
    places = np.linspace(lower, upper, len(below))

    def up_to(angle):
        turns, rest = np.divmod(angle - lower, width)
        return turns + np.interp(rest + lower, places, below)

    inside = np.clip(edges, -width / 2, width / 2)
    return np.diff(up_to(inside))
