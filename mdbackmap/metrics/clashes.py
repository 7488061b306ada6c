"""
Atoms too close to each other, and bond graphs seen by distance alone.

Shapes: F frames, R residues, A atoms that are present, p pairs. Lengths are in angstrom.
Positions are those that `Covalent.flat` returns, (F, A, 3).
"""

import numpy as np
from scipy.spatial import cKDTree

from ..chemistry.elements import BOND_STRETCH, COVALENT_RADII, ELEMENTS, VDW_RADII
from ..molecule.nearby import near_pairs

_BONDING = np.array([COVALENT_RADII[element] for element in ELEMENTS])  # covalent radii by element
CLASH_OVERLAP = 0.4  # angstrom; cited: MolProbity (Word et al. 1999)
HYDROGEN_BOND = 2.5  # nitrogen and oxygen may come as close as this, angstrom; chosen: by hand
DISULFIDE = (1.8, 2.4)  # sulfur atoms at these distances are bonded, angstrom; chosen: by hand
CONTACT = 1.2  # angstrom; chosen: by hand


def close_pairs(atoms, cutoff, box=None):
    """
    Pairs of atoms of one frame within a cutoff, over periodic boundaries where there is a box.

    Parameters
    ----------
    atoms : ndarray of float, shape (A, 3)
    cutoff : float
        Angstrom.
    box : ndarray of float, shape (3, 3), optional
        Box vectors as rows.

    Returns
    -------
    pairs : ndarray of int64, shape (p, 2)
        Atom indices, the lower first.
    distances : ndarray of float, shape (p,)

    Examples
    --------
    >>> close_pairs(np.array([[0.0, 0, 0], [1, 0, 0], [5, 0, 0]]), 2.0)
    (array([[0, 1]]), array([1.]))
    """
    if box is not None:
        return near_pairs(atoms, cutoff, box)
    tree = cKDTree(atoms, balanced_tree=False, compact_nodes=False)  # quicker to build, as quick to ask
    pairs = tree.query_pairs(cutoff, output_type="ndarray").astype(np.int64)
    return pairs, np.linalg.norm(atoms[pairs[:, 0]] - atoms[pairs[:, 1]], axis=-1)


def bond_graph(atoms, covalent):
    """
    Bonds as distances alone would have them: d < 1.3 (r_i + r_j).

    Parameters
    ----------
    atoms : ndarray of float, shape (A, 3)
    covalent : Covalent

    Returns
    -------
    ndarray of int64
        Sorted keys ``i * a + j`` of the bonded pairs, i < j.

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycine = Covalent.of(np.array([7]), np.ones((1, 14), bool), np.array([True]))
    >>> bond_graph(np.array([[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0], [9, 0, 0]]), glycine).tolist()
    [1, 6]
    """
    pairs, distances = close_pairs(atoms, BOND_STRETCH * 2 * _BONDING.max())
    reach = BOND_STRETCH * _BONDING[covalent.elements][pairs].sum(1)
    pairs = pairs[distances < reach]
    return np.sort(pairs[:, 0] * covalent.n_atoms + pairs[:, 1])


def graph_difference(generated, reference, covalent, *, legacy=False):
    """
    Graph edit distance (GED), in percent: bonds missing and bonds too many, of the reference's bonds.

    Parameters
    ----------
    generated : ndarray of float, shape (F, A, 3)
    reference : ndarray of float, shape (F or 1, a, 3)
    covalent : Covalent
    legacy : bool
        Sum signed differences, as the papers' code does: missing and extra bonds then cancel.

    Returns
    -------
    ndarray of float, shape (F,)
        Percent; 0 is what Wang et al. (2022) call a valid graph.

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycine = Covalent.of(np.array([7]), np.ones((1, 14), bool), np.array([True]))
    >>> straight = np.array([[[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0], [4.2, 0, 0]]])
    >>> graph_difference(straight * 2, straight, glycine)
    array([100.])
    """
    true = [bond_graph(frame, covalent) for frame in reference]
    result = np.empty(len(generated))
    for f, frame in enumerate(generated):
        expected, generated_bonds = true[f if len(true) > 1 else 0], bond_graph(frame, covalent)
        shared = len(np.intersect1d(expected, generated_bonds, assume_unique=True))
        missing, extra = len(expected) - shared, len(generated_bonds) - shared
        difference = abs(missing - extra) if legacy else missing + extra
        result[f] = 100.0 * difference / len(expected) if len(expected) else np.nan
    return result


def contacts(atoms, covalent, n_residues, boxes=None):
    """
    Residues with an atom under 1.2 A from an atom of another residue, bonded pairs left out.

    Parameters
    ----------
    atoms : ndarray of float, shape (F, A, 3)
    covalent : Covalent
    n_residues : int
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows: contacts with periodic images count, too.

    Returns
    -------
    ndarray of bool, shape (F, R)

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycines = Covalent.of(np.array([7, 7]), np.ones((2, 14), bool), np.array([True, True]))
    >>> line = np.arange(8.0)[None, :, None] * [1.0, 0, 0]
    >>> contacts(line, glycines, 2).tolist(), contacts(2 * line, glycines, 2).tolist()
    ([[True, True]], [[False, False]])
    """
    result = np.zeros((len(atoms), n_residues), dtype=bool)
    for f, frame in enumerate(atoms):
        pairs, distances = close_pairs(frame, CONTACT, None if boxes is None else boxes[f])
        residues = covalent.residue_of_atom[pairs]
        touching = (residues[:, 0] != residues[:, 1]) & (distances < CONTACT) & ~covalent.bonded(pairs)
        result[f, residues[touching]] = True
    return result


def clashing_pairs(atoms, covalent, box=None):
    """
    Pairs of atoms whose van der Waals spheres overlap by 0.4 A or more.

    Left out: pairs within three bonds, nitrogen or oxygen with nitrogen or oxygen at 2.5 A and more, and
    sulfur with sulfur at 1.8-2.4 A. A disulfide excuses its two sulfurs only, not CB and the other sulfur.

    Parameters
    ----------
    atoms : ndarray of float, shape (A, 3)
        One frame.
    covalent : Covalent
    box : ndarray of float, shape (3, 3), optional
        Box vectors as rows: clashes with periodic images count, too.

    Returns
    -------
    ndarray of int64, shape (p, 2)
        Atom indices, the lower first.

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycines = Covalent.of(np.array([7, 7]), np.ones((2, 14), bool), np.array([True, True]))
    >>> line = 5 * np.arange(8.0)[:, None] * [1.0, 0, 0]
    >>> line[5] = line[1] + [0, 2.9, 0]
    >>> clashing_pairs(line, glycines).tolist()
    [[1, 5]]
    """
    pairs, distances = close_pairs(atoms, 2 * VDW_RADII.max() - CLASH_OVERLAP, box)
    elements = covalent.elements[pairs]
    overlap = VDW_RADII[elements].sum(1) - distances
    polar = np.isin(elements, [ELEMENTS.index("N"), ELEMENTS.index("O")]).all(1) & (distances >= HYDROGEN_BOND)
    bridge = (elements == ELEMENTS.index("S")).all(1) & (distances >= DISULFIDE[0]) & (distances <= DISULFIDE[1])
    clash = (overlap >= CLASH_OVERLAP) & ~polar & ~bridge
    pairs = pairs[clash]
    return pairs[~covalent.within_three_bonds(pairs)]


def clashscore(atoms, covalent):
    """
    Heavy-atom clashscore: clashes per 1000 atoms.

    Parameters
    ----------
    atoms : ndarray of float, shape (F, A, 3)
    covalent : Covalent

    Returns
    -------
    ndarray of float, shape (F,)

    Examples
    --------
    >>> from mdbackmap.metrics.covalent import Covalent
    >>> glycines = Covalent.of(np.array([7, 7]), np.ones((2, 14), bool), np.array([True, True]))
    >>> line = 5 * np.arange(8.0)[None, :, None] * [1.0, 0, 0]
    >>> line[0, 5] = line[0, 1] + [0, 2.9, 0]
    >>> clashscore(line, glycines)
    array([125.])
    """
    return np.array([1000.0 * len(clashing_pairs(frame, covalent)) / covalent.n_atoms for frame in atoms])
