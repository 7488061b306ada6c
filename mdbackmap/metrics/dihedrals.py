"""
Torsions of proteins held as atom14 arrays, and what follows from them: peptides, chirality, C-beta.

An *atom14 array* holds the heavy atoms of residue `l` in the order of `residues.ATOMS`, 14 slots a
residue: ``positions (F, R, 14, 3)`` in angstrom and ``mask (R, 14)``, True where an atom is present.
What a position holds where its mask is False does not matter. ``ends (R,)`` is True for the last
residue of each unbroken stretch; nothing is bonded across.

Shapes: F frames, R residues. Angles are in radians, NaN where an atom is missing.
"""

import numpy as np

from ..chemistry import residues
from ..chemistry.elements import SLOTS
from ..chemistry.residues import CA, CB, TYPE_OF_NAME, C, N
from ..chemistry.variants import ATOM_ALIASES

CHI_PERIODS = np.full((len(residues.RESIDUE_NAMES), residues.MAX_CHIS), 2 * np.pi)
"""(20, 4): the period of each side-chain torsion, half a turn where two atoms differ by name alone."""
for _name, _chi in residues.SYMMETRIC_CHIS.items():
    CHI_PERIODS[TYPE_OF_NAME[_name], _chi] = np.pi

CHI_SLOTS = np.zeros((len(residues.RESIDUE_NAMES), residues.MAX_CHIS, 4), dtype=np.int64)
"""Slots of the four atoms of each chi, by residue type; all 0 where there is none."""
for _name, _chis in residues.CHIS.items():
    for _chi, _atoms in enumerate(_chis):
        CHI_SLOTS[TYPE_OF_NAME[_name], _chi] = [residues.SLOT_OF_ATOM[_name, _atom] for _atom in _atoms]
HAS_CHI = CHI_SLOTS.any(-1)


def atom14(fine, atoms):
    """
    Heavy atoms of a protein as an atom14 array.

    Parameters
    ----------
    fine : Topology
        Of amino acids only; atoms without a slot (hydrogens, the second oxygen of a last residue) are left out.
    atoms : ndarray of float, shape (F, A, 3)

    Returns
    -------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
        Atoms that are present.
    """
    kept, places = _places(fine)
    positions = np.zeros((len(atoms), fine.n_residues, residues.MAX_ATOMS, 3))
    mask = np.zeros((fine.n_residues, residues.MAX_ATOMS), dtype=bool)
    positions[:, *places], mask[places] = atoms[:, kept], True
    return positions, mask


def flat_atoms(fine, positions):
    """
    The atoms of a topology out of an atom14 array.

    Parameters
    ----------
    fine : Topology
        Of amino acids and heavy atoms that have slots.
    positions : ndarray of float, shape (F, R, 14, 3)

    Returns
    -------
    ndarray of float, shape (F, A, 3)
    """
    return positions[:, *_places(fine)[1]]


def slots_of(fine):
    """The slot of each atom of a topology in its residue, int64, shape (A,); -1 where it has none."""
    pairs = zip(fine.resnames[fine.residue_of_atom].tolist(), fine.names.tolist(), strict=True)
    names = [(resname, ATOM_ALIASES.get((resname, name), name)) for resname, name in pairs]
    return np.array([residues.SLOT_OF_ATOM.get(name, -1) for name in names], np.int64)


def _places(fine):
    """Which atoms have a slot (A,), and residue and slot of these."""
    slots = slots_of(fine)
    kept = slots >= 0
    return kept, (fine.residue_of_atom[kept], slots[kept])


def dihedral(a, b, c, d):
    """
    Torsion angle a-b-c-d, by the IUPAC sign.

    Parameters
    ----------
    a, b, c, d : array_like of float, shape (..., 3)
        Positions of the four atoms.

    Returns
    -------
    ndarray of float, shape (...,)
        Radians in [-pi, pi].

    Examples
    --------
    >>> bool(np.isclose(dihedral([1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]), np.pi / 2))
    True
    """
    a, b, c, d = (np.asarray(x, dtype=float) for x in (a, b, c, d))
    first, axis, last = b - a, c - b, d - c
    normal = np.cross(axis, last)
    sine = np.linalg.norm(axis, axis=-1) * (first * normal).sum(-1)
    return np.arctan2(sine, (np.cross(first, axis) * normal).sum(-1))


def wrapped(difference, period=2 * np.pi):
    """
    Absolute difference of angles on the circle.

    Parameters
    ----------
    difference : array_like of float
        Differences of two angles, radians.
    period : float or array_like
        Period of the angle, radians.

    Returns
    -------
    ndarray of float
        Between 0 and half a period; NaN stays NaN.

    Examples
    --------
    >>> float(np.degrees(wrapped(np.radians(350.0))).round(6))
    10.0
    """
    return np.abs((np.asarray(difference) + 0.5 * period) % period - 0.5 * period)


def backbone_torsions(positions, mask, ends, rings=()):
    """
    Backbone torsions of every residue.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    ends : ndarray of bool, shape (R,)
    rings : ndarray of int, shape (c, 2), optional
        First and last residues of closed stretches.

    Returns
    -------
    phi, psi, omega : ndarray of float, shape (F, R)
        Radians; ``omega[:, l]`` is the peptide between residues ``l`` and ``l + 1``, or the first of a ring. NaN at
        the ends of a stretch and where an atom is missing.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(1, 3, 14, 3))
    >>> phi, psi, omega = backbone_torsions(positions, np.ones((3, 14), bool), np.array([False, False, True]))
    >>> np.isnan(phi[0]).tolist(), np.isnan(psi[0]).tolist()
    ([True, False, False], [False, False, True])
    """
    atoms = np.asarray(positions, dtype=float)
    phi, psi, omega = (np.full(atoms.shape[:2], np.nan) for _ in range(3))
    before, after = atoms[:, :-1], atoms[:, 1:]
    joined = ~ends[:-1]
    whole, whole_after = mask[:-1, [N, CA, C]].all(-1), mask[1:, [N, CA, C]].all(-1)
    full_phi = joined & mask[:-1, C] & whole_after
    full_psi = joined & whole & mask[1:, N]
    full_omega = joined & mask[:-1, [CA, C]].all(-1) & mask[1:, [N, CA]].all(-1)
    phi[:, 1:] = np.where(full_phi, dihedral(before[:, :, C], *_slots(after, N, CA, C)), np.nan)
    psi[:, :-1] = np.where(full_psi, dihedral(*_slots(before, N, CA, C), after[:, :, N]), np.nan)
    omega[:, :-1] = np.where(full_omega, dihedral(*_slots(before, CA, C), *_slots(after, N, CA)), np.nan)
    for first, last in rings:
        pair = [last, first]
        of_pair = backbone_torsions(atoms[:, pair], mask[pair], np.array([False, True]))
        phi[:, first], psi[:, last], omega[:, last] = of_pair[0][:, 1], of_pair[1][:, 0], of_pair[2][:, 0]
    return phi, psi, omega


def _slots(positions, *slots):
    return [positions[:, :, slot] for slot in slots]


def side_chain_torsions(positions, mask, types):
    """
    Side-chain torsions chi1 to chi4.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
        Residue types, positions in `residues.ALPHABET`.

    Returns
    -------
    ndarray of float, shape (F, R, 4)
        Radians; NaN where the residue has no such torsion or lacks an atom of it.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(1, 2, 14, 3))
    >>> chi = side_chain_torsions(positions, np.ones((2, 14), bool), np.array([7, 9]))  # GLY, ILE
    >>> np.isfinite(chi[0]).sum(-1).tolist()
    [0, 2]
    """
    slots = CHI_SLOTS[types]  # (R, 4 chis, 4 atoms)
    row = np.arange(len(types))[:, None, None]
    atoms = np.asarray(positions, dtype=float)[:, row, slots]  # (F, R, 4, 4, 3)
    present = HAS_CHI[types] & mask[row, slots].all(-1)
    angle = dihedral(*np.moveaxis(atoms, -2, 0))
    return np.where(present, angle, np.nan)


def chirality(positions, mask, types):
    """
    Handedness of the chiral carbons: CA, and CB of isoleucine and threonine.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    alpha, beta : ndarray of float, shape (F, R)
        1 where the carbon is as in natural (L) amino acids, -1 where it is mirrored, NaN where there is no
        such centre or an atom is missing.

    Examples
    --------
    >>> from mdbackmap.chemistry.residues import ALPHABET
    >>> atoms = np.zeros((1, 1, 14, 3))
    >>> atoms[0, 0, [0, 2, 4]] = [[-0.5, 1.4, 0], [1.5, 0, 0], [-0.5, -0.8, -1.2]]  # N, C, CB about CA
    >>> alpha, _ = chirality(atoms, np.ones((1, 14), bool), np.array([ALPHABET.index("A")]))
    >>> float(alpha[0, 0])
    1.0
    """
    atoms = np.asarray(positions, dtype=float)
    alpha = np.sign(_volume(*_slots(atoms, CA, N, C, CB)))
    alpha = np.where(mask[:, [N, CA, C, CB]].all(-1) & SLOTS[types, CB], alpha, np.nan)
    # CB carries CA and, in ILE, CG1 (slot 5) and CG2 (6); in THR, OG1 (5) and CG2 (6)
    beta = np.sign(_volume(*_slots(atoms, CB, CA, 5, 6)))
    centre = np.isin(types, [TYPE_OF_NAME["ILE"], TYPE_OF_NAME["THR"]]) & mask[:, [CA, CB, 5, 6]].all(-1)
    return alpha, np.where(centre, beta, np.nan)


def _volume(centre, a, b, c):
    """Signed volume of the three bonds, positive for natural amino acids in the order used here."""
    return (np.cross(a - centre, b - centre) * (c - centre)).sum(-1)


_IDEAL_CB = {  # CA-CB, angle C-CA-CB, torsion N-C-CA-CB, angle N-CA-CB, torsion C-N-CA-CB: angstrom, degrees
    "ALA": (1.536, 110.1, 122.9, 110.6, -122.6),
    "PRO": (1.530, 112.2, 115.1, 103.0, -120.7),
    "VAL": (1.540, 109.1, 123.4, 111.5, -122.0),
    "THR": (1.540, 109.1, 123.4, 111.5, -122.0),
    "ILE": (1.540, 109.1, 123.4, 111.5, -122.0),
}
_CB_TABLE = np.array([_IDEAL_CB.get(name, (1.530, 110.1, 122.8, 110.5, -122.6)) for name in residues.RESIDUE_NAMES])


def cbeta_deviation(positions, mask, types):
    """
    Distance of CB from where the backbone says that it should be (Lovell et al. 2003).

    The ideal CB is the mean of the two built from either side of the backbone, put at the ideal distance
    from CA.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)

    Returns
    -------
    ndarray of float, shape (F, R)
        Angstrom; above 0.25 is an outlier. NaN for glycine and where an atom is missing.

    Examples
    --------
    >>> atoms = np.zeros((1, 1, 14, 3))
    >>> atoms[0, 0, [0, 2, 4]] = [[-0.525, 1.363, 0], [1.526, 0, 0], [-0.529, -0.774, -1.205]]  # alanine
    >>> bool(cbeta_deviation(atoms, np.ones((1, 14), bool), np.array([0]))[0, 0] < 0.05)
    True
    """
    atoms = np.asarray(positions, dtype=float)
    length, *angles = _CB_TABLE[types].T
    angle_c, torsion_c, angle_n, torsion_n = np.radians(angles)
    n, ca, c, cb = _slots(atoms, N, CA, C, CB)
    with np.errstate(invalid="ignore", divide="ignore"):  # rows without a backbone are masked below
        from_c = _place(n, c, ca, length, angle_c, torsion_c)
        from_n = _place(c, n, ca, length, angle_n, torsion_n)
        mean = 0.5 * (from_c + from_n) - ca
        ideal = ca + mean * (length / np.linalg.norm(mean, axis=-1))[..., None]
    present = SLOTS[types, CB] & mask[:, [N, CA, C, CB]].all(-1)
    return np.where(present, np.linalg.norm(cb - ideal, axis=-1), np.nan)


def _place(a, b, c, length, angle, torsion):
    """The atom bonded to c, with the angle to b and the torsion to a; positions (F, R, 3)."""
    axis = (c - b) / np.linalg.norm(c - b, axis=-1, keepdims=True)
    normal = np.cross(b - a, axis)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    side = np.cross(normal, axis)
    local = np.stack([-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)])
    x, y, z = (length * local)[..., None]  # (R, 1) each
    return c + x * axis + y * side + z * normal
