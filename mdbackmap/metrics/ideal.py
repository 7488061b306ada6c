"""
Ideal bond lengths and angles: medians over crystal structures, by residue type and atom names.

`measure` makes the table from structures; the one that ships, ``ideal.npz``, was measured on training chains
of the Protein Data Bank (CC0). Bonds and angles within a residue are kept by its type; those of the peptide
by whether the residue that gives N is proline.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..chemistry.residues import ATOMS, MAX_ATOMS, RESIDUE_NAMES, TYPE_OF_NAME
from .covalent import bond_angles, bond_lengths

_PACKED = Path(__file__).with_name("ideal.npz")


@dataclass(frozen=True, eq=False)
class Ideal:
    """
    A table of ideal geometry.

    Attributes
    ----------
    lengths : dict of str to float
        Angstrom, by names such as ``"ALA CA-CB"`` and ``"peptide C-+N"``.
    angles : dict of str to float
        Radians, by names such as ``"ALA N-CA-CB"`` and ``"peptide PRO C-+N-+CD"``.

    Examples
    --------
    >>> round(Ideal.shipped().lengths["peptide C-+N"], 2)
    1.33
    """

    lengths: dict
    angles: dict

    @classmethod
    @cache
    def shipped(cls):
        """
        The table that ships with the package.

        Returns
        -------
        Ideal
        """
        with np.load(_PACKED) as packed:
            return cls(
                dict(zip(packed["bonds"].tolist(), packed["lengths"].tolist(), strict=True)),
                dict(zip(packed["triples"].tolist(), packed["angles"].tolist(), strict=True)),
            )

    def save(self, filename):
        """
        Write the table.

        Parameters
        ----------
        filename : str or Path
            The ``.npz`` to write.
        """
        np.savez_compressed(
            filename,
            bonds=np.array(list(self.lengths)),
            lengths=np.array(list(self.lengths.values()), dtype=np.float32),
            triples=np.array(list(self.angles)),
            angles=np.array(list(self.angles.values()), dtype=np.float32),
        )


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
    residues, slots = np.divmod(covalent.slots[table], MAX_ATOMS)
    first = residues.min(1)
    steps = residues - first[:, None]
    proline = np.append(types[1:], -1)[first] == TYPE_OF_NAME["PRO"]
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


def ideal_values(covalent, types, ideal=None):
    """
    Ideal lengths and angles of one molecule.

    Parameters
    ----------
    covalent : Covalent
    types : ndarray of int, shape (R,)
    ideal : Ideal, optional
        The shipped table if None.

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
    ideal = Ideal.shipped() if ideal is None else ideal
    lengths = [ideal.lengths[name] for name in term_names(covalent.bonds, covalent, types)]
    angles = [ideal.angles[name] for name in term_names(covalent.angles, covalent, types)]
    return np.array(lengths), np.array(angles)


def measure(structures):
    """
    Medians of bond lengths and angles over structures.

    Parameters
    ----------
    structures : iterable of (ndarray of float (F, R, 14, 3), Covalent, ndarray of int (R,))
        Positions, covalent structure and residue types of each.

    Returns
    -------
    Ideal

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> types = np.array([7])
    >>> glycine = Covalent.of(types, np.ones((1, 14), bool), np.array([True]))
    >>> positions = np.zeros((1, 1, 14, 3))
    >>> positions[0, 0, :4] = [[0, 0, 0], [1.5, 0, 0], [1.5, 1.5, 0], [2.5, 1.5, 0]]
    >>> measure([(positions, glycine, types)]).lengths
    {'GLY C-O': 1.0, 'GLY CA-C': 1.5, 'GLY N-CA': 1.5}
    """
    lengths, angles = {}, {}
    for positions, covalent, types in structures:
        atoms = covalent.flat(positions)
        for values, table, by_name in (
            (bond_lengths(atoms, covalent), covalent.bonds, lengths),
            (bond_angles(atoms, covalent), covalent.angles, angles),
        ):
            for name, column in zip(term_names(table, covalent, types), values.T, strict=True):
                by_name.setdefault(name, []).extend(column)
    medians = ({name: float(np.median(v[name])) for name in sorted(v)} for v in (lengths, angles))
    return Ideal(*medians)
