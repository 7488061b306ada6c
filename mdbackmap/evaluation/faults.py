"""
What is wrong with structures, residue by residue.

The same judgements as those of `metrics`, with the same limits, before they are averaged. Shapes: `F` frames, `R`
residues.
"""

import numpy as np

from ..chemistry.residues import TYPE_OF_NAME
from ..metrics.clashes import clashing_pairs, contacts
from ..metrics.comparison import CIS, TRANS
from ..metrics.covalent import Covalent, bond_angles, bond_lengths
from ..metrics.dihedrals import backbone_torsions, cbeta_deviation, chirality, side_chain_torsions
from ..metrics.ideal import ideal_values
from ..metrics.protocol import ANGLE_TOLERANCE, BOND_TOLERANCE, CBETA_OUTLIER
from ..metrics.top8000 import RAMA_ALLOWED, ROTAMER_OUTLIER, ramachandran_kind, ramachandran_score, rotamer_score

FAULTS = {
    "bonds": "bond off by more than 10%",
    "angles": "angle off by more than 10 degrees",
    "contacts": "contact under 1.2 A",
    "clashes": "clash",
    "ramachandran": "Ramachandran outlier",
    "rotamer": "rotamer outlier",
    "cbeta": "CB off by more than 0.25 A",
    "cis": "cis peptide, no proline",
    "twisted": "twisted peptide",
    "mirrored": "mirrored centre",
}
"""Faults in words; a peptide belongs to its first residue, a bond or angle to that of its last atom."""


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
    covalent = Covalent.of(types, mask, ends)
    atoms = covalent.flat(positions)
    lengths, angles = ideal_values(covalent, types)
    off_bonds = np.abs(bond_lengths(atoms, covalent) - lengths) > BOND_TOLERANCE * lengths
    off_angles = np.abs(bond_angles(atoms, covalent) - angles) > ANGLE_TOLERANCE
    phi, psi, omega = backbone_torsions(positions, mask, ends)
    omega = np.abs(omega)
    kind = ramachandran_kind(types, ends, omega < 0.5 * np.pi)
    alpha, beta = chirality(positions, mask, types)
    with np.errstate(invalid="ignore"):
        faults = {
            "bonds": _owned(off_bonds, covalent.bonds, covalent, len(types)),
            "angles": _owned(off_angles, covalent.angles, covalent, len(types)),
            "contacts": contacts(atoms, covalent, len(types)),
            "clashes": np.stack([_clashes(frame, covalent, len(types)) for frame in atoms]),
            "ramachandran": ramachandran_score(phi, psi, kind) < RAMA_ALLOWED[kind],
            "rotamer": rotamer_score(side_chain_torsions(positions, mask, types), types) < ROTAMER_OUTLIER,
            "cbeta": cbeta_deviation(positions, mask, types) > CBETA_OUTLIER,
            "cis": (omega < CIS) & ~np.append(types[1:] == TYPE_OF_NAME["PRO"], False),
            "twisted": (omega >= CIS) & (omega <= TRANS),
            "mirrored": (alpha < 0).astype(int) + (beta < 0),
        }
    return {name: number.astype(int) for name, number in faults.items()}


def _owned(wrong, table, covalent, n_residues):
    """How many of the wrong bonds or angles belong to each residue, shape (F, R)."""
    owner = covalent.residue_of_atom[table].max(1)
    out = np.zeros((len(wrong), n_residues), dtype=int)
    frames, terms = np.nonzero(wrong)
    np.add.at(out, (frames, owner[terms]), 1)
    return out


def _clashes(atoms, covalent, n_residues):
    """Clashes that each residue takes part in, shape (R,); one within a residue counts once."""
    residues = covalent.residue_of_atom[clashing_pairs(atoms, covalent)]
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
