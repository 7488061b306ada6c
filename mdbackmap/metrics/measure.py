"""
All that is measured of the structures of one molecule, once: what tables average, and what faults and limits count.

Shapes: F frames, R residues, A atoms that are present (heavy ones first), b bonds, n angles, p pairs or piercings.
"""

from dataclasses import dataclass, replace

import numpy as np

from .clashes import clashing_pairs, contacts
from .covalent import Covalent, bond_angles, bond_lengths
from .dihedrals import backbone_torsions, cbeta_deviation, chirality, side_chain_torsions
from .hydrogens import AllAtoms
from .ideal import ideal_values
from .rings import find_rings, piercings
from .top8000 import ramachandran_kind, ramachandran_score, rotamer_score

BOND_TOLERANCE = 0.1  # share of the reference length; chosen: by hand
ANGLE_TOLERANCE = np.radians(10.0)  # from degrees to radians; chosen: by hand


@dataclass(frozen=True, eq=False)
class Measured:
    """
    What was measured of F structures.

    Attributes
    ----------
    off_bonds, off_angles : ndarray of bool, shape (F, b) and (F, n)
        More than 10% (10 degrees) from ideal values.
    contacts : ndarray of bool, shape (F, R)
        Residues with an atom under 1.2 A from another residue's.
    clashes, all_clashes : list of ndarray of int64, shape (p, 2), length F
        Clashing heavy atoms; clashing atoms, hydrogens too (None without hydrogens).
    kind : ndarray of int, shape (F, R)
        Ramachandran maps.
    ramachandran, rotamer : ndarray of float, shape (F, R)
        Scores; NaN where there is none.
    cbeta : ndarray of float, shape (F, R)
        Distance of CB from its ideal place, angstrom.
    omega : ndarray of float, shape (F, R)
        Absolute values, radians.
    alpha, beta : ndarray of float, shape (F, R)
        Handedness, as of `dihedrals.chirality`.
    pierced : list of ndarray of int64, shape (p, 2), length F
        Rings and the bonds that pass through them.
    """

    off_bonds: np.ndarray
    off_angles: np.ndarray
    contacts: np.ndarray
    clashes: list
    all_clashes: list | None
    kind: np.ndarray
    ramachandran: np.ndarray
    rotamer: np.ndarray
    cbeta: np.ndarray
    omega: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    pierced: list

    def __len__(self):
        return len(self.omega)

    def frame(self, f):
        """What was measured of one structure."""
        one = slice(f, f + 1)
        return replace(self, **{name: None if x is None else x[one] for name, x in vars(self).items()})


class Measure:
    """
    Measures structures of one molecule.

    Parameters
    ----------
    mask : ndarray of bool, shape (R, 14)
        Heavy atoms that are present.
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Last residue of each unbroken stretch.
    parents : ndarray of int, shape (h,), optional
        Of hydrogens, as of `hydrogens.Hydrogens`.
    rings : ndarray of int, shape (c, 2), optional
        First and last residues of closed stretches.

    Examples
    --------
    >>> measure = Measure(np.ones((3, 14), bool), np.array([0, 7, 0]), np.arange(3) == 2)
    >>> measure(np.random.default_rng(0).normal(size=(2, 3, 14, 3))).omega.shape
    (2, 3)
    """

    def __init__(self, mask, types, ends, parents=None, rings=()):
        self.mask, self.types, self.ends, self._closed = mask, types, ends, rings
        self.covalent = Covalent.of(types, mask, ends, rings)
        self._lengths, self._angles = ideal_values(self.covalent, types)
        self.all_atoms = None if parents is None else AllAtoms(mask, types, ends, parents, rings)
        bonds = [self.covalent.bonds]
        self.residue_of_atom, self.n_atoms = self.covalent.residue_of_atom, self.covalent.n_atoms
        if self.all_atoms is not None:
            bonds.append(self.all_atoms.parent_bonds)
            self.residue_of_atom = np.append(self.residue_of_atom, self.residue_of_atom[bonds[1][:, 0]])
            self.n_atoms = len(self.residue_of_atom)
        self.bonds = np.concatenate(bonds)
        self.rings = find_rings(self.n_atoms, self.bonds)

    def __call__(self, positions, hydrogens=None, boxes=None):
        """
        Measure structures.

        Parameters
        ----------
        positions : ndarray of float, shape (F, R, 14, 3)
        hydrogens : ndarray of float, shape (F, h, 3), optional
            Where the molecule has parents of them.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows: what comes too near to a periodic image counts, too.

        Returns
        -------
        Measured

        Raises
        ------
        ValueError
            If a position is not finite.
        """
        positions, known = np.asarray(positions, dtype=float), (self.mask, self.types)
        covalent, atoms = self.covalent, self.covalent.flat(positions)
        whole = atoms if self.all_atoms is None else self.all_atoms.flat(positions, hydrogens)
        per_frame = [None] * len(atoms) if boxes is None else boxes
        phi, psi, omega = backbone_torsions(positions, self.mask, self.ends, self._closed)
        kind = ramachandran_kind(self.types, self.ends, np.abs(omega) < 0.5 * np.pi, self._closed)
        alpha, beta = chirality(positions, *known)
        found = piercings(whole, self.rings, self.bonds, boxes)
        all_clashes = None
        if self.all_atoms is not None:
            pairs = zip(whole, per_frame, strict=True)
            all_clashes = [self.all_atoms.clashing_pairs(one, box) for one, box in pairs]
        return Measured(
            off_bonds=np.abs(bond_lengths(atoms, covalent) - self._lengths) > BOND_TOLERANCE * self._lengths,
            off_angles=np.abs(bond_angles(atoms, covalent) - self._angles) > ANGLE_TOLERANCE,
            contacts=contacts(atoms, covalent, len(self.types), boxes),
            clashes=[clashing_pairs(one, covalent, box) for one, box in zip(atoms, per_frame, strict=True)],
            all_clashes=all_clashes,
            kind=kind,
            ramachandran=ramachandran_score(phi, psi, kind),
            rotamer=rotamer_score(side_chain_torsions(positions, *known), self.types),
            cbeta=cbeta_deviation(positions, *known),
            omega=np.abs(omega),
            alpha=alpha,
            beta=beta,
            pierced=[found[found[:, 0] == f, 1:] for f in range(len(atoms))],
        )
