"""
Elements: masses, radii, and which element each atom slot of a residue holds.

Masses in dalton, lengths in angstrom.
"""

import numpy as np

from .residues import ATOMS, EQUIVALENT_ATOMS, MAX_ATOMS, RESIDUE_NAMES, TYPE_OF_NAME

MASSES = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "S": 32.06, "SE": 78.971, "P": 30.974}
"""Standard atomic weights in dalton; cited: IUPAC, abridged."""

COVALENT_RADII = {
    **{"H": 0.23, "B": 0.83, "C": 0.68, "N": 0.68, "O": 0.68, "F": 0.64, "NA": 0.97, "MG": 1.10, "SI": 1.20},
    **{"P": 1.05, "S": 1.02, "CL": 0.99, "K": 1.33, "CA": 0.99, "FE": 1.34, "ZN": 1.45, "SE": 1.22, "BR": 1.21},
    "I": 1.40,
}
"""In angstrom; cited: the list for bonds of the Cambridge Structural Database, as RasMol and Open Babel have it."""
BOND_STRETCH = 1.3  # no unit; cited: the CGVAE paper: atoms nearer than this many times the sum of radii are bonded

ELEMENTS = "CNOS"
"""Heavy elements of proteins; an atom's element is a position here."""

VDW_RADII = np.array([1.70, 1.55, 1.40, 1.80])
"""Van der Waals radii of C, N, O and S in angstrom; cited: MolProbity (Word et al. 1999; Chen et al. 2010)."""
H_RADIUS, POLAR_H_RADIUS, CARBONYL_RADIUS = 1.22, 1.05, 1.65  # angstrom; cited: MolProbity: hydrogens, C of C=O
# Angstrom; cited: reduce 4.15 -NUClear (Deis et al. 2013): the same of hydrogens where their nuclei are.
NUCLEAR_H_RADIUS, NUCLEAR_POLAR_H_RADIUS = 1.17, 1.00
# Angstrom that spheres of a hydrogen bond may overlap, and between charges; cited: MolProbity (Word et al. 1999).
HYDROGEN_BOND_OVERLAP, CHARGED_OVERLAP = 0.6, 0.8
POLAR_DISTANCE = 2.60  # angstrom; chosen: by hand, two N or O come so near at no cost: they may share a hydrogen

SLOTS = np.array([[slot < len(ATOMS[name]) for slot in range(MAX_ATOMS)] for name in RESIDUE_NAMES])
"""ndarray of bool, shape (20, 14): the atom slots that a residue type has."""

EQUIVALENT_SLOTS = np.tile(np.arange(MAX_ATOMS), (len(RESIDUE_NAMES), 1))
"""ndarray of int, shape (20, 14): the slot of the atom that each atom is equivalent to; its own where there is none."""
for _name, _pairs in EQUIVALENT_ATOMS.items():
    for _slots in ([ATOMS[_name].index(_atom) for _atom in _pair] for _pair in _pairs):
        EQUIVALENT_SLOTS[TYPE_OF_NAME[_name], _slots] = _slots[::-1]

ELEMENT_SLOTS = np.array(
    [[ELEMENTS.index(atom[0]) for atom in (*ATOMS[name], *"C" * MAX_ATOMS)[:MAX_ATOMS]] for name in RESIDUE_NAMES]
)
"""ndarray of int, shape (20, 14): the element in each slot; that of carbon where there is no atom."""


def allowed_distances(touch=0.0) -> np.ndarray:
    """
    Smallest distances of two atoms that cost nothing.

    Parameters
    ----------
    touch : float
        Overlap of van der Waals spheres, in angstrom, that costs nothing.

    Returns
    -------
    ndarray of float, shape (4, 4)
        In angstrom, by `ELEMENTS`; two N or O may always come as near as `POLAR_DISTANCE`.

    Examples
    --------
    >>> allowed_distances(0.2)[:2, 1:].round(2).tolist()
    [[3.05, 2.9, 3.3], [2.6, 2.6, 3.15]]
    """
    table = VDW_RADII[:, None] + VDW_RADII - touch
    table[1:3, 1:3] = POLAR_DISTANCE
    return table
