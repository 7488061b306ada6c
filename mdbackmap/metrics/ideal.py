"""
Ideal bond lengths and angles: medians over crystal structures, by residue type and atom names.

The table that ships, ``ideal.npz``, was measured on training chains of the Protein Data Bank (CC0), as
``tests/benchmarks/ideal_geometry.py`` does it. Bonds and angles within a residue are kept by its type; those of the
peptide by whether the residue that gives N is proline.
"""

from functools import cache
from pathlib import Path

import numpy as np

from ..chemistry.residues import ATOMS, MAX_ATOMS, RESIDUE_NAMES, TYPE_OF_NAME

_PACKED = Path(__file__).with_name("ideal.npz")


@cache
def ideal_geometry():
    """
    The tables that ship with the package.

    Returns
    -------
    lengths : dict of str to float
        Angstrom, by names such as ``"ALA CA-CB"`` and ``"peptide C-+N"``.
    angles : dict of str to float
        Radians, by names such as ``"ALA N-CA-CB"`` and ``"peptide PRO C-+N-+CD"``.

    Examples
    --------
    >>> round(ideal_geometry()[0]["peptide C-+N"], 2)
    1.33
    """
    with np.load(_PACKED) as packed:
        bonds, lengths, triples, angles = (packed[name].tolist() for name in ("bonds", "lengths", "triples", "angles"))
    return dict(zip(bonds, lengths, strict=True)), dict(zip(triples, angles, strict=True))


def term_names(table, covalent, types):
    """
    What each bond or angle is called.

    Parameters
    ----------
    table : ndarray of int, shape (n, 2) or (n, 3)
        Atom indices, `Covalent.bonds` or `Covalent.angles`.
    covalent : Covalent
    types : ndarray of int, shape (R,)

    Returns
    -------
    list of str

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycines = Covalent.of(np.array([7, 7]), np.ones((2, 14), bool), np.array([False, True]))
    >>> term_names(glycines.bonds, glycines, np.array([7, 7]))[:4]
    ['GLY N-CA', 'GLY CA-C', 'GLY C-O', 'peptide C-+N']
    """
    residues = covalent.slots[table] // MAX_ATOMS
    closing = np.ptp(residues, axis=1) > 1  # of a ring: from its last residue to the first
    table = np.where(closing[:, None], table[:, ::-1], table)
    residues, slots = np.divmod(covalent.slots[table], MAX_ATOMS)
    first = np.where(closing, residues.max(1), residues.min(1))
    steps = np.where(closing[:, None], residues != first[:, None], residues - first[:, None])
    following = np.where(closing, types[residues.min(1)], np.append(types[1:], -1)[first])
    proline = following == TYPE_OF_NAME["PRO"]
    n = table.shape[1]
    keys = np.column_stack([types[first], proline, steps, types[residues], slots])
    rows, place = np.unique(keys, axis=0, return_inverse=True)
    names = [_term_name(row[0], row[1], row[2 : 2 + n], row[2 + n : 2 + 2 * n], row[2 + 2 * n :]) for row in rows]
    return [names[i] for i in place.ravel()]


def _term_name(first, before_proline, steps, types, slots):
    atoms = "-".join(
        "+" * int(step) + ATOMS[RESIDUE_NAMES[kind]][slot] for step, kind, slot in zip(steps, types, slots, strict=True)
    )
    if not any(steps):
        return f"{RESIDUE_NAMES[first]} {atoms}"
    return f"peptide PRO {atoms}" if before_proline else f"peptide {atoms}"


def ideal_values(covalent, types):
    """
    Ideal lengths and angles of one molecule.

    Parameters
    ----------
    covalent : Covalent
    types : ndarray of int, shape (R,)

    Returns
    -------
    lengths : ndarray of float, shape (b,)
        Angstrom.
    angles : ndarray of float, shape (n,)
        Radians.

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycine = Covalent.of(np.array([7]), np.ones((1, 14), bool), np.array([True]))
    >>> ideal_values(glycine, np.array([7]))[0].round(1).tolist()
    [1.5, 1.5, 1.2]
    """
    lengths, angles = ideal_geometry()
    bonds = [lengths[name] for name in term_names(covalent.bonds, covalent, types)]
    return np.array(bonds), np.array([angles[name] for name in term_names(covalent.angles, covalent, types)])
