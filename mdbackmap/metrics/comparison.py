"""
How far generated structures are from a reference, atom by atom and torsion by torsion.

Nothing is superposed. `dihedrals` says what an atom14 array is. Shapes: `F` frames, `R` residues. Lengths are
in angstrom, angles in radians.
"""

import numpy as np

from ..chemistry.elements import EQUIVALENT_SLOTS, SLOTS
from ..chemistry.residues import CB, MAX_ATOMS, TYPE_OF_NAME, C, N, O
from .dihedrals import CHI_PERIODS, backbone_torsions, side_chain_torsions, wrapped

CHI_TOLERANCE = np.radians(40.0)  # from degrees to radians; chosen: by hand
CIS, TRANS = np.radians(30.0), np.radians(150.0)
"""A peptide with a smaller ``|omega|`` is cis, with a larger one trans, between them twisted; cited: MolProbity."""


def match_equivalent(generated, reference, mask, types):
    """
    Exchange equivalent atoms of the generated residues where that brings them nearer to the reference.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F or 1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    ndarray of float64, shape (F, R, 14, 3)
        A copy of `generated`.

    Examples
    --------
    >>> generated = np.random.default_rng(0).normal(size=(1, 1, 14, 3))
    >>> swapped = generated[:, :, [0, 1, 2, 3, 4, 5, 7, 6, *range(8, 14)]]
    >>> matched = match_equivalent(swapped, generated, np.ones((1, 14), bool), np.array([TYPE_OF_NAME["ASP"]]))
    >>> bool((matched == generated).all())
    True
    """
    atoms = np.array(generated, dtype=float)
    other = EQUIVALENT_SLOTS[types]  # (R, 14)
    exchanged = other != np.arange(MAX_ATOMS)
    swapped = np.take_along_axis(atoms, other[None, :, :, None], axis=2)
    squares = (((x - np.asarray(reference)) ** 2).sum(-1) for x in (atoms, swapped))
    kept, exchange = (np.where(exchanged, square, 0.0).sum(-1) for square in squares)
    better = (exchange < kept) & (mask | ~exchanged).all(1)
    return np.where(better[..., None, None], swapped, atoms)


def rmsd(generated, reference, mask, types):
    """
    Root mean square deviations from the reference, as they stand.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F or 1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
        Atoms that both have.
    types : ndarray of int, shape (R,)

    Returns
    -------
    dict of str to ndarray of float, shape (F,)
        ``rmsd``, ``rmsd_backbone``, ``rmsd_side_chain``, angstrom.

    Examples
    --------
    >>> positions = np.zeros((1, 2, 14, 3))
    >>> rmsd(positions + [0, 0, 2.0], positions, np.ones((2, 14), bool), np.array([0, 7]))["rmsd_backbone"]
    array([2.])
    """
    square = squared_errors(generated, reference, mask, types)
    backbone, side_chain = np.zeros(14, bool), np.zeros(14, bool)
    backbone[[N, C, O]] = True
    side_chain[CB:] = True
    parts = {"rmsd": np.ones(14, bool), "rmsd_backbone": backbone, "rmsd_side_chain": side_chain}
    present = mask & SLOTS[types]
    return {name: np.sqrt(mean(square[:, present & part], axis=1)) for name, part in parts.items()}


def squared_errors(generated, reference, mask, types):
    """
    Squared distance of every atom from its place in the reference.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F or 1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    ndarray of float, shape (F, R, 14)
        Square angstrom; 0 where the mask is False. Its mean over a residue's atoms is that residue's error.

    Examples
    --------
    >>> positions = np.zeros((1, 1, 14, 3))
    >>> squared_errors(positions + [0, 0, 2.0], positions, np.ones((1, 14), bool), np.array([7]))[0, 0, :5]
    array([4., 4., 4., 4., 0.])
    """
    matched = match_equivalent(generated, reference, mask, types)
    return np.where(mask & SLOTS[types], ((matched - np.asarray(reference)) ** 2).sum(-1), 0.0)


def chi_agreement(generated, reference, mask, types):
    """
    Side chains in the reference's rotamer: torsions within 40 degrees.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F or 1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    dict of str to float
        ``chi1``, ``chi12``: percent. Proline is not counted; ``chi12`` counts residues that have a chi2, which
        for ASP, PHE and TYR is compared modulo half a turn.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(1, 3, 14, 3))
    >>> chi_agreement(positions, positions, np.ones((3, 14), bool), np.array([10, 15, 14]))  # LEU, SER, PRO
    {'chi1': 100.0, 'chi12': 100.0}
    """
    chi, true_chi = (side_chain_torsions(x, mask, types)[..., :2] for x in (generated, reference))
    difference = wrapped(chi - true_chi, CHI_PERIODS[types, :2])
    difference[:, types == TYPE_OF_NAME["PRO"]] = np.nan
    known, right = np.isfinite(difference), difference <= CHI_TOLERANCE
    return {"chi1": percent(right[..., 0], known[..., 0]), "chi12": percent(right.all(-1), known.all(-1))}


def cis_agreement(generated, reference, mask, ends):
    """
    Whether cis peptides are where the reference has them.

    Parameters
    ----------
    generated : ndarray of float, shape (F, R, 14, 3)
    reference : ndarray of float, shape (F or 1, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to float
        ``cis_kept``: percent of the reference's cis peptides that are cis, NaN if it has none; ``false_cis``:
        percent of its trans peptides that are cis.

    Examples
    --------
    >>> positions = np.random.default_rng(3).normal(size=(1, 30, 14, 3))
    >>> cis_agreement(positions, positions, np.ones((30, 14), bool), np.arange(30) == 29)
    {'cis_kept': 100.0, 'false_cis': 0.0}
    """
    omega, true_omega = (np.abs(backbone_torsions(x, mask, ends)[2]) for x in (generated, reference))
    omega, true_omega = np.broadcast_arrays(omega, true_omega)
    is_cis = omega < CIS
    return {"cis_kept": percent(is_cis, true_omega < CIS), "false_cis": percent(is_cis, true_omega > 0.5 * np.pi)}


def mean(values, axis=None):
    """
    Mean, NaN without a warning where there is nothing.

    Parameters
    ----------
    values : array_like of float
    axis : int, optional

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> float(mean([1.0, 2.0])), float(mean([]))
    (1.5, nan)
    """
    values = np.asarray(values, dtype=float)
    count = values.size if axis is None else values.shape[axis]
    return values.sum(axis) / count if count else values.sum(axis) * np.nan


def percent(hits, known):
    """
    Share of hits among what is known, in percent; NaN if nothing is known.

    Parameters
    ----------
    hits, known : ndarray of bool, of one shape

    Returns
    -------
    float

    Examples
    --------
    >>> percent(np.array([True, False, True]), np.array([True, True, False]))
    50.0
    """
    return float(100.0 * mean(hits[known]))
