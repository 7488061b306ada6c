"""
How far the samples of a frame lie apart, residue by residue: an uncertainty, which says where atoms are likely wrong.

The spread of a residue is the RMS distance of its heavy atoms from their means over the samples. Nothing is superposed:
the beads fix the frame. Atoms that differ by name alone (ASP OD, PHE CD, ...) count as the same. As B factors it is
8 pi^2 / 3 times its square, as for atoms that move.

Shapes: S samples, A atoms, R residues. Lengths in angstrom, B factors in square angstrom.
"""

import numpy as np

from ..chemistry.elements import SLOTS
from ..chemistry.residues import EQUIVALENT_ATOMS
from ..molecule.boxes import nearest_images
from .comparison import match_equivalent, squared_errors

_LARGEST = 999.99  # square angstrom; cited: PDB format, what six columns with two decimals hold
_FEW = 3  # residues below which there is no rank correlation; chosen: by hand


class Spread:
    """
    The spread of the residues of one molecule.

    Parameters
    ----------
    fine : Topology
        Its atoms. Hydrogens are not counted.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> water = Topology(["O", "H1"], ["O", "H"], [0, 0], ["HOH"], [1], [""], ["A"], [""])
    >>> Spread(water)(np.array([[[0.0, 0, 0], [1, 0, 0]], [[0, 0, 2.0], [0, 1, 0]]]))
    array([1.])
    """

    def __init__(self, fine):
        self._heavy = np.flatnonzero(~np.isin(np.char.upper(fine.elements), ["H", "D"]))
        self._owner, self._n = fine.residue_of_atom[self._heavy], fine.n_residues
        rows = zip(self._owner.tolist(), fine.names[self._heavy].tolist(), strict=True)
        place = {row: at for at, row in enumerate(rows)}
        self._other = np.arange(len(self._heavy))
        for residue, name in enumerate(fine.resnames.tolist()):
            for pair in EQUIVALENT_ATOMS.get(name, ()):
                both = [place.get((residue, atom)) for atom in pair]
                if None not in both:
                    self._other[both] = both[::-1]

    def __call__(self, samples, box=None):
        """
        The spread of samples.

        Parameters
        ----------
        samples : ndarray of float, shape (S, A, 3)
        box : ndarray of float, shape (3, 3), optional
            Box vectors as rows: samples may lie in several images.

        Returns
        -------
        ndarray of float64, shape (R,)
            NaN for a single sample, and for residues without heavy atoms.
        """
        if len(samples) < 2:
            return np.full(self._n, np.nan)
        atoms = np.asarray(samples, dtype=float)[:, self._heavy]
        if box is not None:
            atoms = atoms[:1] + nearest_images(atoms - atoms[:1], box)
        swapped = atoms[:, self._other]
        kept, exchanged = (((x - atoms[:1]) ** 2).sum(-1) for x in (atoms, swapped))  # (S, A)
        better = self._summed(exchanged) < self._summed(kept)
        atoms = np.where(better[:, self._owner, None], swapped, atoms)
        squares = ((atoms - atoms.mean(0)) ** 2).sum(-1).mean(0)
        count = np.bincount(self._owner, minlength=self._n)
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.bincount(self._owner, squares, self._n) / count)

    def _summed(self, values):
        """Sums (S, R) over the atoms (S, A) of each residue."""
        return np.stack([np.bincount(self._owner, row, self._n) for row in values])


def b_factors(spread):
    """
    Spreads as B factors.

    Parameters
    ----------
    spread : ndarray of float, shape (F, R)

    Returns
    -------
    ndarray of float, shape (R,)
        Of the mean square over frames, at most 999.99; 0 where it is not known.

    Examples
    --------
    >>> b_factors(np.array([[0.0, 1.0, np.nan], [0.0, 1.0, np.nan]])).round(1).tolist()
    [0.0, 26.3, 0.0]
    """
    known = np.isfinite(spread)
    square = np.where(known, spread, 0.0) ** 2
    return np.minimum(8 * np.pi**2 / 3 * square.sum(0) / np.maximum(known.sum(0), 1), _LARGEST)


def spread_of_b_factors(factors):
    """
    The spreads that B factors stand for: sqrt(3 B / (8 pi^2)).

    Parameters
    ----------
    factors : ndarray of float, shape (R,)
        Square angstrom.

    Returns
    -------
    ndarray of float, shape (R,)
        Angstrom.

    Examples
    --------
    >>> spread_of_b_factors(b_factors(np.array([[0.0, 1.0, 0.5]]))).round(3).tolist()
    [0.0, 1.0, 0.5]
    """
    return np.sqrt(3 * np.asarray(factors, dtype=float) / (8 * np.pi**2))


def spread_and_error(samples, truth, mask, types):
    """
    Spread of the samples of a protein, and the true error of one that is not among them.

    Each sample is left out in turn: the spread is that of the others, the error that of the one left out.

    Parameters
    ----------
    samples : ndarray of float, shape (S, R, 14, 3)
        Three and more.
    truth : ndarray of float, shape (1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    spread, error : ndarray of float, shape (S, R)
    """
    there = mask & SLOTS[types]
    count = np.maximum(there.sum(1), 1)
    error = np.sqrt(squared_errors(samples, truth, mask, types).sum(-1) / count)
    matched = match_equivalent(samples, samples[:1], mask, types)
    spread = []
    for k in range(len(samples)):
        others = np.delete(matched, k, axis=0)
        squares = (((others - others.mean(0)) ** 2).sum(-1) * there).mean(0).sum(-1)
        spread.append(np.sqrt(squares / count))
    return np.stack(spread), error


def rank_correlation(spread, error):
    """
    Spearman's rank correlation of spread and error over residues, averaged over samples.

    Parameters
    ----------
    spread, error : ndarray of float, shape (S, R)

    Returns
    -------
    float
        NaN for fewer than three residues, or where all are equal.

    Examples
    --------
    >>> rank_correlation(np.array([[0.1, 0.2, 0.5, 0.4]]), np.array([[1.0, 1.1, 3.0, 2.0]]))
    1.0
    """
    from scipy.stats import spearmanr

    if spread.shape[1] < _FEW or not (np.ptp(spread, axis=1) * np.ptp(error, axis=1)).all():
        return float("nan")
    return float(np.mean([spearmanr(x, y).statistic for x, y in zip(spread, error, strict=True)]))
