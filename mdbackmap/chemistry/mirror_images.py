"""
Side chains of D-residues: the mirror images of those of amino acids, as lengths, angles and torsions.

Lengths in angstrom, angles and torsions in degrees.
"""

import math

import numpy as np

from .peptide_geometry import N_CA_C_MEAN
from .residues import CHIS, IDEAL_ATOMS

# Torsions in degrees by what turns, what is most usual first; chosen: by hand, the order of L-residues in crystals,
# mirrored. Bonds of two CH2 or CH; chi1 of branched and of small residues.
_CHAIN, _BRANCHED, _SMALL = (60.0, 180.0, 300.0), (180.0, 60.0, 300.0), (300.0, 60.0, 180.0)
_RING = (90.0, 270.0, 60.0, 120.0, 240.0, 300.0, 0.0, 180.0)  # degrees; chosen: by hand
# Degrees; chosen: by hand. Carboxylates have the first half.
_AMIDE = (0.0, 30.0, 330.0, 60.0, 300.0, 90.0, 270.0, 120.0, 240.0, 150.0, 210.0, 180.0)
_FIRST = {"VAL": _BRANCHED, "SER": _SMALL, "THR": _SMALL}
_LAST = {
    **dict.fromkeys(("PHE", "TYR", "TRP", "HIS"), _RING),
    **dict.fromkeys(("ASN", "GLN"), _AMIDE),
    **dict.fromkeys(("ASP", "GLU"), _AMIDE[:6]),
}

_PROLINE = (("CD", "N CA CB", 1.478, 108.6, 1.0), ("CG", "CB CA N", 1.551, 103.0, 22.3))
"""The ring of D-proline; lengths in angstrom, angles in degrees; cited: ideal coordinates of the CCD (DPR)."""


def mirrored_rows(residue) -> tuple:
    """
    What the mirror image of an amino acid has beside its backbone.

    Parameters
    ----------
    residue : str
        The L-residue.

    Returns
    -------
    rows, rotors : tuple
        As `modified_residues.Modified` has them. The first of the three atoms need not be bonded to the new one.

    Examples
    --------
    >>> mirrored_rows("SER")[0][1]
    ('OG', 'CB CA N', 1.417, 110.6, 0.0, 0)
    """
    rows = []
    for atom, (group, *place) in IDEAL_ATOMS[residue].items():
        if group == 0:
            rows.append((atom, "CA N C", *_internal(*_beta_frame(), place)))
        else:
            third, second, first = CHIS[residue][group - 1][:3]
            rows.append((atom, f"{first} {second} {third}", *_along(place), group - 1))
    if residue == "PRO":
        return (*rows, *_PROLINE), ()
    n = len(CHIS[residue])
    rotors = [_FIRST.get(residue, _CHAIN), *[_BRANCHED] * (n - 1)][:n]
    if residue in _LAST:
        rotors[-1] = _LAST[residue]
    return tuple(rows), tuple(rotors)


def _along(place):
    """Length, angle and mirrored torsion of a place (x, y, z) whose x goes along the bond before."""
    x, y, z = place
    length = math.hypot(x, y, z)
    bend, torsion = math.degrees(math.acos(-x / length)), -math.degrees(math.atan2(z, y))
    return round(length, 3), round(bend, 1), round(torsion, 1) + 0.0


def _beta_frame():
    """C, N and CA as unit steps from CA, and the axes of the frame that CB is given in, its z mirrored."""
    half = math.radians(N_CA_C_MEAN / 2)
    n, c = np.array([math.cos(half), math.sin(half), 0]), np.array([math.cos(half), -math.sin(half), 0])
    x = -(n + c) / np.linalg.norm(n + c)
    z = np.cross(n, c) / np.linalg.norm(np.cross(n, c))
    return c, n, np.stack([x, np.cross(z, x), -z])


def _internal(c, n, frame, place):
    """Length, angle N-CA-CB and torsion C-N-CA-CB of a CB."""
    beta = np.array(place) @ frame
    length = np.linalg.norm(beta)
    bend = math.degrees(math.acos(beta @ n / length))
    one, other = c - (c @ n) * n, beta - (beta @ n) * n
    torsion = math.degrees(math.atan2(np.cross(-n, one) @ other, one @ other))
    return round(float(length), 3), round(bend, 1), round(torsion, 1)
