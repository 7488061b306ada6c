"""
Bonds, angles, hands and clashes of modified residues: of their atoms that amino acids lack.

Bonds, angles and hands are held against the table that they are built by, clashes by the rules of `clashes`.

Shapes: F frames, A atoms, b bonds, n angles, h hands, p pairs.
"""

from dataclasses import dataclass

import numpy as np

from ..chemistry.elements import ELEMENTS, VDW_RADII
from ..molecule.bonds import pairs_within
from .clashes import CLASH_OVERLAP, HYDROGEN_BOND, close_pairs
from .dihedrals import slots_of
from .measure import ANGLE_TOLERANCE, BOND_TOLERANCE

_LIKE_SULFUR = ELEMENTS.index("S")  # other elements, as sulfur


@dataclass(frozen=True, eq=False)
class OwnGeometry:
    """
    What modified residues have of their own.

    Attributes
    ----------
    bonds : ndarray of int64, shape (b, 2)
    lengths : ndarray of float, shape (b,)
    angles : ndarray of int64, shape (n, 3)
        The vertex in the middle.
    bends : ndarray of float, shape (n,)
        Radians.
    hands : ndarray of int64, shape (h, 4)
        N, CA, C and CB of D-residues.
    owners : tuple of ndarray of int64
        Residues of the bonds, angles and hands.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> one = Topology(["SG", "CB", "CS"], ["S", "C", "C"], [0] * 3, ["CYS"], [1], [""], ["A"], [""], variants=["SMC"])
    >>> OwnGeometry.of(one).lengths.tolist()
    [1.813]
    """

    bonds: np.ndarray
    lengths: np.ndarray
    angles: np.ndarray
    bends: np.ndarray
    hands: np.ndarray
    owners: tuple

    @classmethod
    def of(cls, fine):
        """Those of a molecule; atoms may be missing."""
        bonds, angles, hands = [], [], []
        bounds = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
        for residue, modified in fine.modified:
            at = {str(fine.names[k]): k for k in range(*bounds[residue : residue + 2])}
            joined = {frozenset(pair) for pair in modified.bonds}
            for name, three, length, bend, *_ in modified.rows:
                near, second, _ = three.split()
                if {name, near} <= at.keys() and frozenset((name, near)) in joined:
                    bonds.append((at[near], at[name], length, residue))
                    if second in at and frozenset((near, second)) in joined:
                        angles.append((at[second], at[near], at[name], np.radians(bend), residue))
            if modified.mirrored and {"N", "CA", "C", "CB"} <= at.keys():
                hands.append((at["N"], at["CA"], at["C"], at["CB"], residue))
        bonds, angles, hands = (np.array(x).reshape(-1, k) for x, k in ((bonds, 4), (angles, 5), (hands, 5)))
        owners = tuple(x[:, -1].astype(np.int64) for x in (bonds, angles, hands))
        rows = bonds[:, :2].astype(np.int64), angles[:, :3].astype(np.int64), hands[:, :4].astype(np.int64)
        return cls(rows[0], bonds[:, 2], rows[1], angles[:, 3], rows[2], owners)

    def off(self, atoms) -> tuple:
        """
        What is wrong in some structures.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)

        Returns
        -------
        bonds, angles, hands : ndarray of bool, shapes (F, b), (F, n) and (F, h)
            Off by more than 10%; by more than 10 degrees; L instead of D.
        """
        steps = atoms[:, self.bonds[:, 0]] - atoms[:, self.bonds[:, 1]]
        lengths = np.linalg.norm(steps, axis=-1)
        a, b = (atoms[:, self.angles[:, k]] - atoms[:, self.angles[:, 1]] for k in (0, 2))
        bends = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
        n, c, beta = (atoms[:, self.hands[:, k]] - atoms[:, self.hands[:, 1]] for k in (0, 2, 3))
        return (
            np.abs(lengths - self.lengths) > BOND_TOLERANCE * self.lengths,
            np.abs(bends - self.bends) > ANGLE_TOLERANCE,
            (np.cross(n, c) * beta).sum(-1) > 0,
        )

    def counted(self, atoms, scores, faults, n_terms) -> None:
        """
        Count what is wrong in some structures among what else is wrong with them.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
        scores : dict of str to ndarray of float, shape (F,)
            Percent, by names of `protein_judge.SCORES`; changed in place.
        faults : dict of str to ndarray of int, shape (F, R)
            By names of `faults.FAULTS`; changed in place.
        n_terms : dict of str to int
            How many bonds, angles and centres these scores are means of.
        """
        names = (("bonds", "bonds"), ("angles", "angles"), ("mirrored", "mirrored_ca"))
        for (fault, name), off, owner in zip(names, self.off(atoms), self.owners, strict=True):
            if not len(owner):
                continue
            for k, residue in enumerate(owner):
                faults[fault][:, residue] += off[:, k].astype(faults[fault].dtype)
            counted, n = off if fault == "mirrored" else ~off, n_terms[name]
            scores[name][:] = (np.nan_to_num(scores[name]) * n + 100.0 * counted.sum(1)) / (n + len(owner))


@dataclass(frozen=True, eq=False)
class OwnClashes:
    """
    Clashes of heavy atoms of modified residues that amino acids lack, with all heavy atoms.

    Attributes
    ----------
    heavy : ndarray of int64, shape (a,)
        Heavy atoms among all.
    own : ndarray of bool, shape (a,)
        Which of them are those of modified residues.
    radii : ndarray of float, shape (a,)
        Angstrom.
    polar : ndarray of bool, shape (a,)
    owner : ndarray of int64, shape (a,)
        Residues.
    near : ndarray of int64, shape (n,)
        Sorted keys ``i * a + j`` (i < j) of pairs within three bonds.
    """

    heavy: np.ndarray
    own: np.ndarray
    radii: np.ndarray
    polar: np.ndarray
    owner: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, fine):
        """Those of a molecule with bonds, or None where no residue is modified."""
        modified = np.isin(fine.residue_of_atom, [residue for residue, _ in fine.modified])
        heavy = np.flatnonzero(fine.elements != "H")
        own = (modified & (slots_of(fine) < 0) & (fine.names != "OXT"))[heavy]
        if not own.any():
            return None
        elements = [ELEMENTS.index(x) if x in ELEMENTS else _LIKE_SULFUR for x in fine.elements[heavy].tolist()]
        place = np.full(fine.n_atoms, -1)
        place[heavy] = np.arange(len(heavy))
        bonds = place[fine.bonds]
        near = pairs_within(len(heavy), bonds[(bonds >= 0).all(axis=1)], 3)
        polar = np.isin(fine.elements[heavy], ["N", "O"])
        keys = np.sort(near[:, 0] * len(heavy) + near[:, 1])
        return cls(heavy, own, VDW_RADII[elements], polar, fine.residue_of_atom[heavy], keys)

    def __call__(self, atoms, box=None):
        """
        Residues whose atoms clash.

        Parameters
        ----------
        atoms : ndarray of float, shape (A, 3)
            Of one frame.
        box : ndarray of float, shape (3, 3), optional
            Box vectors as rows.

        Returns
        -------
        ndarray of int64, shape (p, 2)
        """
        pairs, distances = close_pairs(atoms[self.heavy], 2 * self.radii.max() - CLASH_OVERLAP, box)
        overlap = self.radii[pairs].sum(1) - distances
        excused = self.polar[pairs].all(1) & (distances >= HYDROGEN_BOND)
        pairs = pairs[(overlap >= CLASH_OVERLAP) & ~excused & self.own[pairs].any(1)]
        keys = pairs[:, 0] * len(self.heavy) + pairs[:, 1]
        return self.owner[pairs[~np.isin(keys, self.near)]]

    def counted(self, atoms, boxes, scores, faults, n_atoms) -> None:
        """
        Count clashes among those of other atoms.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
        boxes : ndarray of float, shape (F, 3, 3), or None
        scores, faults : dict
            As of `OwnGeometry.counted`.
        n_atoms : dict of str to int
            How many atoms the scores count.
        """
        found = [self(one, None if boxes is None else boxes[f]) for f, one in enumerate(atoms)]
        for f, pairs in enumerate(found):
            for residue in np.concatenate([pairs[:, 0], pairs[pairs[:, 0] != pairs[:, 1], 1]]):
                faults["clashes"][f, residue] += 1
        for name, n in n_atoms.items():
            own = int(self.own.sum())
            many = np.array([len(pairs) for pairs in found])
            scores[name][:] = (scores[name] * n + 1000.0 * many) / (n + own)
