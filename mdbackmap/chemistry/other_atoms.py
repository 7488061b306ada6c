"""
Atoms that belong to no amino acid, as packing sees them: few kinds, in groups of one kind.

A group is treated as a residue of a type of its own, beyond the twenty amino acids: its kind and its number of atoms.
Lengths in angstrom.
"""

import numpy as np

from .residues import MAX_ATOMS, RESIDUE_NAMES

KINDS = ("C", "N", "O", "S", "metal")
"""What atoms count as; larger non-metals as sulfur."""
_LIKE = {"B": "C", "SI": "S", "P": "S", "SE": "S", "F": "O", "CL": "S", "BR": "S", "I": "S"}
_METALS = frozenset(
    "LI NA K RB CS MG CA SR BA AL MN FE CO NI CU ZN CD HG PB PT AU AG MO W V CR GA IN TL Y YB GD EU TB SM LA".split()
)

METAL_DISTANCES = {"C": 2.8, "N": 2.0, "O": 2.0, "S": 2.2, "metal": 2.5}
"""Angstrom from a metal ion at no cost; chosen: by hand, at most what atoms that bind Zn, Mg, Ca have (2.0 to 2.4)."""

FIRST_TYPE = len(RESIDUE_NAMES)
"""The first type of these groups, behind those of amino acids."""
SLOTS = np.array([[slot <= more for slot in range(MAX_ATOMS)] for _ in KINDS for more in range(MAX_ATOMS)])
"""ndarray of bool, shape (5 * 14, 14): the slots that groups of each type have."""


def kind_of(element):
    """
    Place of an element among `KINDS`; None for hydrogen, which packing leaves out.

    Examples
    --------
    >>> [KINDS[kind_of(element)] for element in ("C", "P", "Zn", "Xe")]
    ['C', 'S', 'metal', 'S']
    """
    element = element.upper()
    if element in ("H", "D"):
        return None
    like = "metal" if element in _METALS else _LIKE.get(element, element)
    return KINDS.index(like) if like in KINDS else KINDS.index("S")


def type_of(kind, n_atoms):
    """
    The type of a group of so many atoms of a kind.

    Examples
    --------
    >>> int(SLOTS[type_of(1, 3) - FIRST_TYPE].sum())
    3
    """
    return FIRST_TYPE + kind * MAX_ATOMS + n_atoms - 1


def groups(kinds, owners, places):
    """
    Atoms in groups of one kind that lie together.

    Parameters
    ----------
    kinds : sequence of int, length X
        Places among `KINDS`.
    owners : sequence, length X
        Molecule or residue of each atom; no group has atoms of two.
    places : ndarray of float, shape (X, 3)

    Returns
    -------
    types : ndarray of int64, shape (S,)
    members : ndarray of int64, shape (S, 14)
        Atoms in each slot; the one nearest to the middle is in slot 1 (if there are two or more), and fills up the
        slots that are left.
    """
    types, members, together = [], [], {}
    for atom, (owner, kind) in enumerate(zip(owners, kinds, strict=True)):
        together.setdefault((owner, kind), []).append(atom)
    for (_, kind), atoms in together.items():
        for part in _near_together(np.array(atoms), places):
            rows = part.tolist()
            middle = int(np.linalg.norm(places[part] - places[part].mean(axis=0), axis=1).argmin())
            if len(rows) > 1:
                rows[1], rows[middle] = rows[middle], rows[1]
            types.append(type_of(kind, len(rows)))
            members.append(rows + [rows[min(1, len(rows) - 1)]] * (MAX_ATOMS - len(rows)))
    return np.array(types, dtype=np.int64), np.array(members, dtype=np.int64).reshape(-1, MAX_ATOMS)


def _near_together(atoms, places):
    """Atoms in parts of 14 at most, cut across their longest side."""
    if len(atoms) <= MAX_ATOMS:
        return [atoms]
    here = places[atoms]
    order = atoms[np.argsort(here[:, np.ptp(here, axis=0).argmax()], kind="stable")]
    half = len(order) // 2
    return [*_near_together(order[:half], places), *_near_together(order[half:], places)]
