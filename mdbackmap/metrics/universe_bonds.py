"""
Bonds of all atoms of an AtomGroup, whatever its file says: from its topology, from names, from distances.

A bond through a ring brings atoms that are not bonded as near to each other as bonded ones, so distances are the last
resort, and only within a residue. Shapes: A atoms, b bonds. Lengths in angstrom.
"""

import numpy as np

from ..chemistry.elements import BOND_STRETCH, COVALENT_RADII
from ..chemistry.residues import BONDS
from ..molecule.bonds import bonding_distances
from ..molecule.boxes import nearest_images
from ..molecule.topology import Topology

_PEPTIDE = BOND_STRETCH * (COVALENT_RADII["C"] + COVALENT_RADII["N"])  # angstrom; cited: as of all bonds


def bonds_of(atoms, positions, boxes=None):
    """
    Bonds of an AtomGroup.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms of a residue together.
    positions : ndarray of float, shape (A, 3)
    boxes : ndarray of float, shape (1, 3, 3), optional
        Box vectors as rows.

    Returns
    -------
    ndarray of int64, shape (b, 2)
        Pairs `i < j`, sorted: those of the topology; within amino acids those of their names; peptide bonds between
        neighbours whose C and N are near; in other residues without any, pairs that are near.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> atoms = mda.Universe(TRPCAGE_PDB).atoms
    >>> len(atoms), len(bonds_of(atoms, atoms.positions))
    (154, 160)
    """
    topology = Topology.from_atoms(atoms)
    names, elements = np.char.upper(topology.names), _elements(topology)
    known = np.zeros(topology.n_atoms, dtype=bool)
    known[topology.bonds.ravel()] = True
    first = np.searchsorted(topology.residue_of_atom, np.arange(topology.n_residues + 1))
    found, before = [topology.bonds], {}
    modified = dict(topology.modified)
    for residue, resname in enumerate(topology.resnames.tolist()):
        rows = np.arange(first[residue], first[residue + 1])
        at = dict(zip(names[rows].tolist(), rows.tolist(), strict=True))
        if resname in BONDS:
            own = modified[residue].bonds if residue in modified else BONDS[resname]
            heavy = [(at[i], at[j]) for i, j in (*own, ("C", "OXT")) if i in at and j in at]
            found += [heavy, _hydrogens(rows, elements, positions, boxes)]
            if "C" in before and "N" in at and _distance(positions[[before["C"], at["N"]]], boxes) < _PEPTIDE:
                found.append([(before["C"], at["N"])])
        elif len(rows) > 1 and not known[rows].any():
            apart = _vectors(positions[rows][:, None] - positions[rows], boxes)
            i, j = np.nonzero(np.linalg.norm(apart, axis=-1) < bonding_distances(elements[rows]))
            found.append(np.stack([rows[i], rows[j]], axis=1)[i < j])
        before = at if resname in BONDS else {}
    pairs = np.concatenate([np.asarray(x, dtype=np.int64).reshape(-1, 2) for x in found])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _elements(topology):
    """Elements of the atoms; where there are none, the first letter of the name."""
    letters = [name.lstrip("0123456789")[:1].upper() for name in topology.names.tolist()]
    return np.where(topology.elements == "", letters, topology.elements)


def _hydrogens(rows, elements, positions, boxes):
    """Each hydrogen of an amino acid with the heavy atom that is nearest."""
    is_hydrogen = np.isin(elements[rows], ["H", "D"])
    hydrogens, heavy = rows[is_hydrogen], rows[~is_hydrogen]
    if not len(hydrogens) or not len(heavy):
        return []
    apart = _vectors(positions[hydrogens][:, None] - positions[heavy], boxes)
    return np.stack([heavy[np.linalg.norm(apart, axis=-1).argmin(1)], hydrogens], axis=1)


def _distance(pair, boxes):
    return np.linalg.norm(_vectors(pair[:1] - pair[1:], boxes))


def _vectors(steps, boxes):
    """Steps of any shape, by nearest images."""
    return steps if boxes is None else nearest_images(steps, boxes[0])
