"""
Energies of hydrogens that can turn: overlaps of spheres cost, hydrogen bonds gain.

Shapes: A atoms, P pairs of atoms, K candidates. Lengths in angstrom; energies in hydrogen bonds.
"""

import dataclasses

import numpy as np
import torch

from ..chemistry import elements as chemistry
from ..chemistry.residues import CARBONYLS
from ..molecule.bonds import pairs_within
from .parents import carriers

_SIZES = dict(zip(chemistry.ELEMENTS, chemistry.VDW_RADII.tolist(), strict=True))
_LIKE_SULFUR = 1.80  # angstrom; chosen: by hand, other elements, of ligands, as sulfur
_BONDS_APART = 4  # cited: MolProbity leaves out pairs within four bonds


@dataclasses.dataclass(frozen=True)
class ScoringSettings:
    """What overlaps cost, and what hydrogen bonds gain."""

    stiffness: float = 20.0  # energy per square angstrom of overlap; chosen: by hand, from 20 on clashscores stay
    free: float = chemistry.HYDROGEN_BOND_OVERLAP  # angstrom that a hydrogen bond may overlap; cited: `elements`
    best: float = 1.9  # angstrom, H to acceptor, up to which a hydrogen bond counts in full; chosen: by hand
    last: float = 2.5  # angstrom, where it ends; cited: Baker & Hubbard 1984
    tail: float = 0.15  # energy that is left there; chosen: by hand, rotors look for far partners, too
    far: float = 3.2  # angstrom, where this ends; chosen: by hand
    staggered: float = 0.3  # energy at the top of a threefold rotation; chosen: by hand, 1.4 kcal/mol of Amber
    planar: float = 0.6  # energy at right angles to a ring or an acid; chosen: by hand, as Amber's 1.8 kcal/mol
    flip: float = 0.5  # energy that a flip has to gain; chosen: by hand, small changes do not flip
    reach: float = 3.2  # angstrom: pairs further apart do not count; chosen: as `far`
    rounds: int = 4  # of choosing again; chosen: by hand, energies rarely fall after that


@dataclasses.dataclass(frozen=True, eq=False)
class Roles:
    """
    What the atoms of a molecule are to each other.

    Attributes
    ----------
    radius : torch.Tensor, shape (A,)
        Of hydrogens at the places of their nuclei.
    polar, acceptor : torch.Tensor of bool, shape (A,)
    bonded : torch.Tensor of int64, shape (p,)
        Pairs that do not count, as ``i * A + j``, sorted, both ways round.
    """

    radius: torch.Tensor
    polar: torch.Tensor
    acceptor: torch.Tensor
    bonded: torch.Tensor

    @classmethod
    def of(cls, fine, sites, device=None, bonds=_BONDS_APART):
        """
        Those of a molecule.

        Parameters
        ----------
        fine : Topology
        sites : sequence of int
            Atoms that can turn: only their pairs are left out where they are bonded.
        device : torch.device or str, optional
        bonds : int
            Pairs within so many bonds are left out.
        """
        light, parent = fine.elements == "H", carriers(fine)
        polar = light & np.isin(fine.elements[parent], ["N", "O", "S"])
        holds = np.zeros(fine.n_atoms, dtype=bool)
        holds[parent[light]] = True
        ring = np.isin(fine.names, ["ND1", "NE2"]) & (fine.resnames[fine.residue_of_atom] == "HIS")
        acceptor = np.isin(fine.elements, ["O", "S"]) | (ring & ~holds)
        radius = np.array([_SIZES.get(element, _LIKE_SULFUR) for element in fine.elements])
        radius[_carbonyls(fine)] = chemistry.CARBONYL_RADIUS
        radius[light] = np.where(polar, chemistry.NUCLEAR_POLAR_H_RADIUS, chemistry.NUCLEAR_H_RADIUS)[light]
        turns = np.zeros(fine.n_atoms, dtype=bool)
        turns[np.asarray(sites, dtype=np.int64)] = True
        one, other = pairs_within(fine.n_atoms, fine.bonds, bonds).T
        both = (a[turns[a]] * fine.n_atoms + b[turns[a]] for a, b in ((one, other), (other, one)))
        keys = np.sort(np.concatenate([*both]))
        of_atoms = torch.tensor(radius, dtype=torch.float32), torch.tensor(polar), torch.tensor(acceptor)
        return cls(*(values.to(device) for values in (*of_atoms, torch.tensor(keys))))

    def apart(self, one, other):
        """Whether atoms `one` (P,), which can turn, and `other` (P,) are further than four bonds apart."""
        keys = one * len(self.radius) + other
        if len(self.bonded) == 0:
            return torch.ones_like(keys, dtype=torch.bool)
        at = torch.searchsorted(self.bonded, keys).clamp_max(len(self.bonded) - 1)
        return self.bonded[at] != keys

    def needs(self, settings):
        """How far beyond another atom's sphere, (A,), atoms may have energies with it."""
        bonds = settings.far - self.radius.min()
        return torch.where(self.polar | self.acceptor, self.radius.clamp_min(bonds), self.radius)

    def contacts(self, one, other, settings):
        """
        What pairs of atoms are to each other.

        Parameters
        ----------
        one, other : torch.Tensor of int64, shape (P,)
        settings : ScoringSettings

        Returns
        -------
        touching : torch.Tensor, shape (P, 1)
            Distance below which they overlap.
        bond : torch.Tensor, shape (P, 1)
            1 where they may make a hydrogen bond, else 0.
        """
        bond = (self.polar[one] & self.acceptor[other]) | (self.acceptor[one] & self.polar[other])
        bond = bond.to(self.radius).unsqueeze(1)
        return (self.radius[one] + self.radius[other]).unsqueeze(1) - settings.free * bond, bond


def energies(distance, touching, bond, settings):
    """
    Energies of pairs of atoms.

    Parameters
    ----------
    distance : torch.Tensor, shape (P, K)
    touching, bond : torch.Tensor, shape (P, 1)
        See `Roles.contacts`.
    settings : ScoringSettings

    Returns
    -------
    torch.Tensor, shape (P, K)
    """
    cost = (touching - distance).clamp_min_(0).square_().mul_(settings.stiffness)
    near = ((settings.last - distance) / (settings.last - settings.best)).clamp_(0, 1)
    far = ((settings.far - distance) / (settings.far - settings.best)).clamp_(0, 1)
    return cost.sub_(near.mul_(1 - settings.tail).add_(far, alpha=settings.tail).mul_(bond))


def _carbonyls(fine):
    """Carbons of carbonyls and carboxylates, by their names."""
    sides = np.array([CARBONYLS.get(name, "") for name in fine.resnames.tolist()])
    return (fine.elements == "C") & ((fine.names == "C") | (fine.names == sides[fine.residue_of_atom]))
