"""
Clashes of all atoms, hydrogens too, by MolProbity's radii and rules (Chen et al. 2010; Word et al. 1999).

Van der Waals spheres of atoms more than four bonds apart must not overlap by 0.4 A and more. An atom and its
neighbours count as pairs, where MolProbity counts dots on surfaces, so that the score is near to its own, not the same.

============================= =================================================================================
what                          rule
============================= =================================================================================
radii, angstrom               H 1.22; H on N, O, S and on aromatic rings 1.05; C 1.70, of C=O 1.65; N 1.55, O 1.40,
                              S 1.80
left out                      pairs within four bonds; two sulfurs at 1.8-2.4 A are bonded
hydrogen bonds                H on N, O or S may overlap an acceptor (O, S, N of histidine without H) by 0.6 A, where
                              both are charged by 0.8 A, before it counts
charged                       H of LYS, ARG NE and NH, HIS with two H, a terminal N; O of ASP and GLU without H
lengths                       hydrogens are put at the distances from their atoms that these radii are made for, those
                              of electron clouds (C-H 0.97 A), whatever lengths they came with
============================= =================================================================================

`AllAtoms.convention` says which lengths they came with: of electron clouds, as in MolProbity, or of nuclei, as in force
fields (C-H 1.09 A).

The terminal OXT is no part of atom14 arrays and is not counted. Shapes: `F` frames, `R` residues, A heavy atoms and
hydrogens that are present, `h` hydrogens, `p` pairs. Positions are in angstrom.
"""

from dataclasses import dataclass

import numpy as np

from ..chemistry.bound_hydrogens import AROMATIC
from ..chemistry.elements import (
    CARBONYL_RADIUS,
    CHARGED_OVERLAP,
    ELEMENT_SLOTS,
    ELEMENTS,
    H_RADIUS,
    HYDROGEN_BOND_OVERLAP,
    POLAR_H_RADIUS,
    SLOTS,
    VDW_RADII,
)
from ..chemistry.residues import ATOMS, CARBONYLS, MAX_ATOMS, RESIDUE_NAMES, TYPE_OF_NAME, C, N
from ..molecule.bonds import pairs_within
from .clashes import CLASH_OVERLAP, DISULFIDE, close_pairs
from .covalent import all_bonds

CONVENTIONS = ("electron-cloud", "nuclear")
# Angstrom, of H on C, aromatic C, N, N of -NH3, O and S, by convention; cited: reduce 4.15 (Word et al. 1999).
H_LENGTHS = np.array([[0.97, 1.09], [0.93, 1.08], [0.86, 1.02], [0.89, 1.04], [0.84, 0.98], [1.20, 1.30]])
_LOOSE = 1.6  # angstrom; chosen: by hand, hydrogens farther away are broken and stay where they are

_CARBON, _SULFUR = ELEMENTS.index("C"), ELEMENTS.index("S")


def _table(atoms):
    """The named atoms of residues, bool, shape (20, 14)."""
    table = np.zeros((len(RESIDUE_NAMES), MAX_ATOMS), dtype=bool)
    for name, members in atoms.items():
        table[TYPE_OF_NAME[name], [ATOMS[name].index(atom) for atom in members]] = True
    return table


_CARBONYL = _table({name: [atom] for name, atom in CARBONYLS.items()})
_CARBONYL[:, C] = True
_AROMATIC = _table({name: [atom for atom in ATOMS[name] if (name, atom) in AROMATIC] for name in RESIDUE_NAMES})
_POSITIVE = _table({"LYS": ["NZ"], "ARG": ["NE", "NH1", "NH2"]})
_NEGATIVE = _table({"ASP": ["OD1", "OD2"], "GLU": ["OE1", "OE2"]})
_RING_NITROGENS = _table({"HIS": ["ND1", "NE2"]})
_ACCEPTORS = (np.isin(ELEMENT_SLOTS, [ELEMENTS.index("O"), _SULFUR]) & SLOTS) | _RING_NITROGENS


@dataclass(frozen=True, eq=False)
class Hydrogens:
    """
    The hydrogens of a protein held as an atom14 array.

    Attributes
    ----------
    positions : ndarray of float, shape (F, h, 3)
        Angstrom.
    parents : ndarray of int64, shape (h,)
        The heavy atom that each is bonded to, as a place in an atom14 array flattened to (R * 14).

    Examples
    --------
    >>> Hydrogens(np.zeros((1, 2, 3)), np.array([0, 18])).of_residues(np.array([1])).parents
    array([4])
    """

    positions: np.ndarray
    parents: np.ndarray

    def of_residues(self, rows):
        """The hydrogens of some residues, numbered anew in that order."""
        place = np.full(max(rows.max(), self.parents.max(initial=0) // MAX_ATOMS) + 1, -1)
        place[rows] = np.arange(len(rows))
        row = place[self.parents // MAX_ATOMS]
        kept = row >= 0
        return Hydrogens(self.positions[:, kept], (row * MAX_ATOMS + self.parents % MAX_ATOMS)[kept])


class AllAtoms:
    """
    Heavy atoms and hydrogens of one molecule, what they are, and how they are bonded; used for every frame.

    Parameters
    ----------
    mask : ndarray of bool, shape (R, 14)
        Heavy atoms that are present; hydrogens of absent ones are left out.
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
    parents : ndarray of int, shape (h,)
        See `Hydrogens`.
    rings : ndarray of int, shape (c, 2), optional
        First and last residues of closed stretches.

    Examples
    --------
    >>> AllAtoms(np.ones((1, 14), bool), np.array([7]), np.array([True]), np.array([0, 1, 1])).n_atoms
    7
    """

    def __init__(self, mask, types, ends, parents, rings=()):
        present = (mask & SLOTS[types]).ravel()
        self.heavy, self.kept = np.flatnonzero(present), np.flatnonzero(present[parents])
        self._n_nodes = len(present) + len(parents)
        self._nodes = np.append(self.heavy, len(present) + self.kept)  # of the graph, where absent atoms are, too
        parent_bonds = np.stack([parents, len(present) + np.arange(len(parents))], axis=1)
        self._bonds = np.concatenate([all_bonds(types, ends, rings), parent_bonds])
        self._near = self._near_keys(self._bonds)
        self._sulfur = np.append((ELEMENT_SLOTS[types] == _SULFUR).ravel()[self.heavy], np.zeros(len(self.kept), bool))
        self.radii = self._radii(types, parents)
        self._carriers = np.searchsorted(self.heavy, parents[self.kept])
        self._lengths = H_LENGTHS[self._h_kinds(types, parents)[self.kept]]  # (kept, 2)
        self._set_roles(types, parents)

    @property
    def n_atoms(self):
        """Number of atoms that are present."""
        return len(self._nodes)

    @property
    def parent_bonds(self):
        """Atoms that hydrogens are bonded to, and the hydrogens, as places in `flat`: shape (h, 2)."""
        return np.stack([self._carriers, len(self.heavy) + np.arange(len(self.kept))], axis=1)

    def _radii(self, types, parents):
        heavy = np.where(_CARBONYL[types], CARBONYL_RADIUS, VDW_RADII[ELEMENT_SLOTS[types]]).ravel()
        small = (ELEMENT_SLOTS[types] != _CARBON) | _AROMATIC[types]
        hydrogens = np.where(small.ravel()[parents], POLAR_H_RADIUS, H_RADIUS)
        return np.append(heavy[self.heavy], hydrogens[self.kept])

    @staticmethod
    def _h_kinds(types, parents):
        """Rows of `H_LENGTHS`, shape (h,)."""
        elements = ELEMENT_SLOTS[types].ravel()[parents]
        counts = np.bincount(parents)[parents]
        aromatic, nitrogen = _AROMATIC[types].ravel()[parents], elements == ELEMENTS.index("N")
        kinds = np.array([0, 2, 4, 5])[elements]  # by `ELEMENTS`: C, N, O, S
        return np.where(aromatic, 1, np.where(nitrogen & (counts == 3), 3, kinds))

    def _set_roles(self, types, parents):
        """Donors' hydrogens and acceptors, and which of them are charged."""
        count = np.bincount(parents, minlength=len(types) * MAX_ATOMS).reshape(-1, MAX_ATOMS)
        ring = _RING_NITROGENS[types]
        positive = _POSITIVE[types] | (ring & ((count * ring).sum(1, keepdims=True) > 1))
        positive[:, N] |= count[:, N] > 1
        acceptor = _ACCEPTORS[types] & ~(ring & (count > 0))
        negative = _NEGATIVE[types] & ((count * _NEGATIVE[types]).sum(1, keepdims=True) == 0)
        donor = (ELEMENT_SLOTS[types] != _CARBON).ravel()[parents]
        nothing, none = np.zeros(len(self.heavy), bool), np.zeros(len(self.kept), bool)
        self._donor = np.append(nothing, donor[self.kept])
        self._acceptor = np.append(acceptor.ravel()[self.heavy], none)
        self._charged = np.append(negative.ravel()[self.heavy], positive.ravel()[parents][self.kept])

    def flat(self, positions, hydrogens):
        """
        Positions of the atoms alone, heavy ones first; hydrogens at the lengths of electron clouds.

        Parameters
        ----------
        positions : ndarray of float, shape (F, R, 14, 3)
        hydrogens : ndarray of float, shape (F, h, 3)

        Returns
        -------
        ndarray of float64, shape (F, A, 3)
        """
        heavy = np.asarray(positions, dtype=float).reshape(len(positions), -1, 3)[:, self.heavy]
        carriers = heavy[:, self._carriers]
        steps = np.asarray(hydrogens, dtype=float)[:, self.kept] - carriers
        lengths = np.linalg.norm(steps, axis=-1)
        bonded = (lengths > 0) & (lengths < _LOOSE)
        steps = steps * np.where(bonded, self._lengths[:, 0] / np.where(bonded, lengths, 1.0), 1.0)[..., None]
        return np.concatenate([heavy, carriers + steps], axis=1)

    def convention(self, positions, hydrogens):
        """
        Which lengths hydrogens have: those of `CONVENTIONS` that are nearer to most of them.

        Parameters
        ----------
        positions : ndarray of float, shape (F, R, 14, 3)
        hydrogens : ndarray of float, shape (F, h, 3)

        Returns
        -------
        str
        """
        heavy = np.asarray(positions, dtype=float).reshape(len(positions), -1, 3)[:, self.heavy[self._carriers]]
        lengths = np.linalg.norm(np.asarray(hydrogens, dtype=float)[:, self.kept] - heavy, axis=-1)
        off = np.median(np.abs(lengths[..., None] - self._lengths).reshape(-1, 2), axis=0) if lengths.size else [0, 1]
        return CONVENTIONS[int(np.argmin(off))]

    def clashing_pairs(self, atoms, box=None):
        """
        Pairs of atoms that overlap by 0.4 A or more.

        Parameters
        ----------
        atoms : ndarray of float, shape (A, 3)
            One frame, from `flat`.
        box : ndarray of float, shape (3, 3), optional
            Box vectors as rows: clashes with periodic images count, too.

        Returns
        -------
        ndarray of int64, shape (p, 2)
            Atom indices, the lower first.
        """
        pairs, distances = close_pairs(atoms, 2 * VDW_RADII.max() - CLASH_OVERLAP, box)
        bridges = self._sulfur[pairs].all(1) & (distances >= DISULFIDE[0]) & (distances <= DISULFIDE[1])
        near = self._near
        if bridges.any():
            near = self._near_keys(np.concatenate([self._bonds, self._nodes[pairs[bridges]]]))
        pairs = pairs[self.radii[pairs].sum(1) - distances - self._allowed(pairs) >= CLASH_OVERLAP]
        return pairs[~np.isin(self._keys(self._nodes[pairs]), near, assume_unique=True)]

    def _near_keys(self, bonds):
        """Pairs joined by at most four bonds."""
        return self._keys(pairs_within(self._n_nodes, bonds, 4))

    def _keys(self, pairs):
        return pairs[:, 0] * self._n_nodes + pairs[:, 1]

    def _allowed(self, pairs):
        """Overlap that hydrogen bonds may have, shape (p,); 0 for other pairs."""
        donor, acceptor = self._donor[pairs], self._acceptor[pairs]
        bond = (donor & acceptor[:, ::-1]).any(1)
        overlap = np.where(self._charged[pairs].all(1), CHARGED_OVERLAP, HYDROGEN_BOND_OVERLAP)
        return np.where(bond, overlap, 0.0)


def all_atom_clashscore(positions, mask, types, ends, hydrogens):
    """
    Clashes per 1000 atoms, hydrogens among them.

    Parameters
    ----------
    positions : ndarray of float, shape (F, R, 14, 3)
    mask : ndarray of bool, shape (R, 14)
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
    hydrogens : Hydrogens

    Returns
    -------
    ndarray of float, shape (F,)

    Examples
    --------
    >>> glycines = 5.0 * np.arange(28).reshape(1, 2, 14, 1) * [1, 0, 0]
    >>> on_ca = Hydrogens(glycines[:, :, 1] + [0, 1.1, 0], np.array([1, 15]))
    >>> all_atom_clashscore(glycines, np.ones((2, 14), bool), np.array([7, 7]), np.array([True, True]), on_ca)
    array([0.])
    """
    molecule = AllAtoms(mask, types, ends, hydrogens.parents)
    atoms = molecule.flat(positions, hydrogens.positions)
    return np.array([1000.0 * len(molecule.clashing_pairs(frame)) / molecule.n_atoms for frame in atoms])
