"""
What is wrong with structures, residue by residue.

The same judgements as those of `protocol`, with the same limits, before they are averaged. Shapes: `F` frames, `R`
residues.
"""

import numpy as np

from ..chemistry.residues import TYPE_OF_NAME
from .comparison import CIS, TRANS
from .measure import Measure
from .protocol import CBETA_OUTLIER
from .top8000 import RAMA_ALLOWED, ROTAMER_OUTLIER

FAULTS = {
    "bonds": "bond off by more than 10%",
    "angles": "angle off by more than 10 degrees",
    "contacts": "contact under 1.2 A",
    "clashes": "clash",
    "pierced": "ring pierced by a bond",
    "ramachandran": "Ramachandran outlier",
    "rotamer": "rotamer outlier",
    "cbeta": "CB off by more than 0.25 A",
    "cis": "cis peptide, no proline",
    "twisted": "twisted peptide",
    "mirrored": "mirrored centre",
}
"""
Faults in words. A peptide belongs to its first residue, a bond or angle to that of its last atom, a clash to both
residues, a pierced ring to that of the ring and that of the bond. With hydrogens, clashes are those of all
atoms.
"""


def find_faults(positions, mask, types, ends):
    """
    Faults of every residue in every frame.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)

    Returns
    -------
    dict of str to ndarray of int, shape (F, R)
        By the names of `FAULTS`: how many of them the residue has (0 or 1 where it can have but one).

    Raises
    ------
    ValueError
        If a position is not finite.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(1, 3, 14, 3))
    >>> found = find_faults(positions, np.ones((3, 14), bool), np.array([0, 7, 0]), np.arange(3) == 2)
    >>> found["bonds"].shape, bool(found["bonds"].any())
    ((1, 3), True)
    """
    measure = Measure(mask, types, ends)
    return faults_of(measure, measure(positions))


def faults_of(measure, measured):
    """
    Faults of structures that have been measured, as of `find_faults`.

    Parameters
    ----------
    measure : Measure
    measured : Measured

    Returns
    -------
    dict of str to ndarray of int, shape (F, R)
    """
    types, covalent, owner = measure.types, measure.covalent, measure.residue_of_atom
    clashes = measured.clashes if measured.all_clashes is None else measured.all_clashes
    ring_owner = owner[[ring[0] for ring in measure.rings]] if measure.rings else owner[:0]
    pierced = [
        np.stack([ring_owner[pairs[:, 0]], owner[measure.bonds[pairs[:, 1], 0]]], 1) for pairs in measured.pierced
    ]
    omega, n = measured.omega, len(types)
    with np.errstate(invalid="ignore"):
        faults = {
            "bonds": _owned(measured.off_bonds, covalent.bonds, covalent, n),
            "angles": _owned(measured.off_angles, covalent.angles, covalent, n),
            "contacts": measured.contacts,
            "clashes": np.stack([_counted(owner[pairs], n) for pairs in clashes]),
            "pierced": np.stack([_counted(pairs, n) for pairs in pierced]),
            "ramachandran": measured.ramachandran < RAMA_ALLOWED[measured.kind],
            "rotamer": measured.rotamer < ROTAMER_OUTLIER,
            "cbeta": measured.cbeta > CBETA_OUTLIER,
            "cis": (omega < CIS) & ~np.append(types[1:] == TYPE_OF_NAME["PRO"], False),
            "twisted": (omega >= CIS) & (omega <= TRANS),
            "mirrored": (measured.alpha < 0).astype(int) + (measured.beta < 0),
        }
    return {name: number.astype(int) for name, number in faults.items()}


def _owned(wrong, table, covalent, n_residues):
    """How many of the wrong bonds or angles belong to each residue, shape (F, R)."""
    owner = covalent.residue_of_atom[table].max(1)
    out = np.zeros((len(wrong), n_residues), dtype=int)
    frames, terms = np.nonzero(wrong)
    np.add.at(out, (frames, owner[terms]), 1)
    return out


def _counted(residues, n_residues):
    """How many pairs of residues (p, 2) each one takes part in, shape (R,); a pair within a residue counts once."""
    other = residues[:, 0] != residues[:, 1]
    return np.bincount(np.append(residues[:, 0], residues[other, 1]), minlength=n_residues)


def worst_residues(faults, n=10):
    """
    Residues with most faults.

    Parameters
    ----------
    faults : dict of str to ndarray of int, shape (F, R)
        From `find_faults`.
    n : int
        At most so many.

    Returns
    -------
    list of (int, float, dict of str to float)
        Residue, faults a frame, and the same by kind (those it has); the worst first, none without faults.

    Examples
    --------
    >>> worst_residues({"clashes": np.array([[0, 2, 1], [0, 2, 0]]), "cbeta": np.zeros((2, 3), int)})
    [(1, 2.0, {'clashes': 2.0}), (2, 0.5, {'clashes': 0.5})]
    """
    means = {name: counts.mean(0) for name, counts in faults.items()}
    total = sum(means.values())
    order = [k for k in np.argsort(-total, kind="stable")[:n].tolist() if total[k] > 0]
    return [(k, float(total[k]), {name: float(mean[k]) for name, mean in means.items() if mean[k]}) for k in order]
