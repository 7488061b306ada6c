"""
Calibration: whether samples are as different as the truth is.

Distributions of phi, psi and chi1 are compared with an ensemble of the same beads, and the truth is ranked among the
samples.

===================================== =========================================================================
key                                   what it is
===================================== =========================================================================
jsd_phi, _psi, _chi1                  Jensen-Shannon divergence, nats (at most ln 2 = 0.693), 36 bins of the circle:
                                      all samples of all frames against those frames, residue by residue
jsd_phi_half, _psi_half, _chi1_half   the same between one sample of every second frame and the *other* frames; for
                                      the ensemble itself this is the floor: what its halves differ by
phi_in_50, psi_in_50, chi1_in_50      % of true torsions in the likeliest half of the samples' distribution; 50 if
                                      calibrated, fewer if it is too narrow, more if too broad
phi_in_90, psi_in_90, chi1_in_90      the same of the likeliest 90%
spread_rank                           rank correlation over residues (Spearman) of the spread of all samples but one
                                      and the error of that one, see `spread`; from three samples on
===================================== =========================================================================

Divergences of finite samples are too large, the more so the fewer there are: a figure compares with another from as
many frames only, ``jsd_*_half`` of a model with that of the ensemble. Shapes: `F` frames, `S` samples, `R` residues.
"""

import numpy as np

from .comparison import mean, percent
from .samples import phi_psi_chi1, torsion_divergences
from .spread import rank_correlation, spread_and_error

FRAMES = 20  # and more, for torsion distributions to be compared; chosen: by hand
LEVELS = (50, 90)  # percent; chosen: by hand
KERNEL = np.radians(15.0)  # degrees: width of the kernel that smooths the samples of a torsion; chosen: by hand


def distributions(generated, reference, mask, types, ends):
    """
    Whatever of the module's table the numbers of frames and samples allow.

    Parameters
    ----------
    generated : ndarray of float, shape (F * S, R, 14, 3)
        The samples of a frame follow each other.
    reference : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to float
        Divergences with 20 frames and more, shares of the truth with two samples and more.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known = np.ones((3, 14), bool), np.array([10, 10, 10]), np.arange(3) == 2
    >>> row = distributions(rng.normal(size=(8, 3, 14, 3)), rng.normal(size=(2, 3, 14, 3)), *known)
    >>> list(row)
    ['spread_rank', 'phi_in_50', 'psi_in_50', 'chi1_in_50', 'phi_in_90', 'psi_in_90', 'chi1_in_90']
    """
    n_samples = len(generated) // len(reference)
    row = {}
    if len(reference) >= FRAMES:
        row = torsion_divergences(generated, reference, mask, types, ends)
        halves = torsion_divergences(generated[:: 2 * n_samples], reference[1::2], mask, types, ends)
        row |= {f"{name}_half": value for name, value in halves.items()}
    if n_samples > 2:
        groups = zip(generated.reshape(len(reference), n_samples, *generated.shape[1:]), reference, strict=True)
        ranks = [rank_correlation(*spread_and_error(samples, true[None], mask, types)) for samples, true in groups]
        row["spread_rank"] = float(mean(np.array(ranks)[np.isfinite(ranks)]))
    return row | coverage(generated, reference, mask, types, ends) if n_samples > 1 else row


def coverage(generated, reference, mask, types, ends):
    """
    How often the truth lies in the likeliest part of the samples' distribution.

    The truth is one more sample if the model is right. Each of the S + 1 is given the density that a von Mises kernel
    over the others has there; the number of samples denser than the truth then takes all values 0...S equally often,
    whatever the kernel. Levels between two ranks are shared out.

    Parameters
    ----------
    generated : ndarray of float, shape (F * S, R, 14, 3)
    reference : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to float
        ``phi_in_50``, ... as in the module's table, percent.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known = np.ones((300, 14), bool), np.full(300, 10), np.arange(300) == 299
    >>> row = coverage(rng.normal(size=(5, 300, 14, 3)), rng.normal(size=(1, 300, 14, 3)), *known)
    >>> 40 < row["phi_in_50"] < 60
    True
    """
    drawn, true = (phi_psi_chi1(x, mask, types, ends) for x in (generated, reference))
    result = {}
    for level in LEVELS:
        for name in drawn:
            inside = covered(drawn[name].reshape(len(reference), -1, len(types)), true[name], level)
            result[f"{name}_in_{level}"] = percent(inside, np.isfinite(inside))
    return result


def covered(samples, truth, level):
    """
    Whether true angles lie in the likeliest part of samples.

    Parameters
    ----------
    samples : ndarray of float, shape (F, S, n)
        Radians.
    truth : ndarray of float, shape (F, n)
    level : float
        Percent of the distribution.

    Returns
    -------
    ndarray of float, shape (F, n)
        0 or 1, between them where the level lies between two ranks; NaN for an angle that is not known.

    Examples
    --------
    >>> samples = np.array([[[0.0], [0.1], [3.0]]])
    >>> covered(samples, np.array([[0.05]]), 50), covered(samples, np.array([[2.0]]), 50)
    (array([[1.]]), array([[0.]]))
    """
    return np.stack([_covered(*frame, level) for frame in zip(samples, truth, strict=True)])


def _covered(samples, truth, level):
    """The same (n,) of one frame, from samples (S, n) and truth (n,)."""
    both = np.concatenate([truth[None], samples])  # (S + 1, n)
    kernel = np.exp((np.cos(both[:, None] - both) - 1) / KERNEL**2)
    density = (kernel.sum(1) - 1).round(9)  # by the others alone
    denser, same = (density[1:] > density[0]).sum(0), (density[1:] == density[0]).sum(0)
    inside = np.clip((0.01 * level * len(both) - denser) / (1 + same), 0.0, 1.0)
    return np.where(np.isfinite(both).all(0), inside, np.nan)
