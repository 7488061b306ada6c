"""
`HydrogenTable`: how the hydrogens of one molecule follow from its heavy atoms.

Each heavy atom that has hydrogens gets a frame: x away from its bonds, y in the plane of a reference, z at right
angles. Its hydrogens have fixed coordinates there. With one bond the frame turns about it: these are the rotors.

Shapes: F frames, A atoms, H hydrogens, P parents (heavy atoms with hydrogens). Lengths in angstrom.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np
import torch

from ..chemistry import bound_hydrogens as chemistry
from ..geometry.vectors import full_precision, perpendicular, unit
from ..molecule.bonds import adjacency

# Share of the mean direction, beside the normal of the plane through the tips of three bonds; fitted: to tetrahedra
# superposed on the bonds of four validation chains (within 0.005 A).
_MEAN = 0.2


@dataclasses.dataclass(frozen=True, eq=False)
class HydrogenTable:
    """
    Hydrogens of a molecule.

    Attributes
    ----------
    rows : torch.Tensor of int64, shape (H,)
        Where they are among the atoms.
    parent : torch.Tensor of int64, shape (H,)
        Which parent each has.
    local : torch.Tensor, shape (H, 3)
        Place in the parent's frame, angstrom.
    atom : torch.Tensor of int64, shape (P,)
        The parents among the atoms.
    bonded : torch.Tensor of int64, shape (P, 3)
        Heavy atoms that they are bonded to; the last one again where there are fewer.
    weights : torch.Tensor, shape (P, 3)
        1 for each bond, 0 where one is listed again.
    reference : torch.Tensor of int64, shape (P, 2)
        Two atoms: y points along the line between them.
    """

    rows: torch.Tensor
    parent: torch.Tensor
    local: torch.Tensor
    atom: torch.Tensor
    bonded: torch.Tensor
    weights: torch.Tensor
    reference: torch.Tensor

    @classmethod
    def of(cls, fine, rows, device=None):
        """
        The table of a molecule.

        Parameters
        ----------
        fine : Topology
            With hydrogens, each bonded to its heavy atom.
        rows : sequence of int, length H
            Atoms that are hydrogens of amino acids; all those of a heavy atom, or none.
        device : torch.device or str, optional

        Returns
        -------
        HydrogenTable
        """
        if not len(rows):
            neighbours, light = [], []
        else:
            neighbours, light = adjacency(fine.n_atoms, fine.bonds), (fine.elements == "H").tolist()
        fine, rows = Lists.of(fine), np.asarray(rows).tolist()
        atoms = dict.fromkeys(neighbours[row][0] for row in rows)
        parents = [_Parent.of(fine, atom, neighbours, light) for atom in atoms]
        owner = {atom: k for k, atom in enumerate(atoms)}
        places = {
            row: place
            for parent in parents
            for row, place in zip(
                (k for k in neighbours[parent.atom] if light[k]), _places(parent.kind, len(parent.bonded)), strict=False
            )
        }
        filled = [(*p.bonded, *[p.bonded[-1]] * (3 - len(p.bonded))) for p in parents]

        def tensor(values, dtype, *shape):
            return torch.tensor(np.array(values, dtype=dtype).reshape(-1, *shape), device=device)

        return cls(
            rows=tensor(rows, np.int64),
            parent=tensor([owner[neighbours[row][0]] for row in rows], np.int64),
            local=tensor([places[row] for row in rows], np.float32, 3),
            atom=tensor(list(atoms), np.int64),
            bonded=tensor(filled, np.int64, 3),
            weights=tensor([[k < len(p.bonded) for k in range(3)] for p in parents], np.float32, 3),
            reference=tensor([p.reference for p in parents], np.int64, 2),
        )

    @full_precision
    def frames(self, atoms):
        """
        The frame of each parent.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)
            Molecules whole.

        Returns
        -------
        torch.Tensor, shape (F, P, 3, 3)
            Rows x, y, z.
        """
        bonds = unit(atoms[:, self.bonded] - atoms[:, self.atom].unsqueeze(2))
        mean = -unit((bonds * self.weights.unsqueeze(-1)).sum(2))
        one, two, three = bonds.unbind(2)
        normal = unit(torch.cross(two - one, three - one, dim=-1))
        normal = normal * torch.sign((normal * mean).sum(-1, keepdim=True))
        x = unit(normal * self.weights[:, 2:] + _MEAN * mean)  # of three bonds only
        y = perpendicular(atoms[:, self.reference[:, 1]] - atoms[:, self.reference[:, 0]], x)
        return torch.stack([x, y, torch.cross(x, y, dim=-1)], dim=2)

    def place(self, atoms):
        """
        Hydrogens (F, H, 3) of heavy atoms; methyls and amines staggered, other rotors where they start from.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)
            The places of hydrogens may hold anything.

        Returns
        -------
        torch.Tensor, shape (F, H, 3)
        """
        frames = self.frames(atoms).index_select(1, self.parent)
        turned = (self.local.unsqueeze(-1) * frames).sum(2)
        return atoms.index_select(1, self.atom[self.parent]) + turned


class Lists(NamedTuple):
    """Fields of a topology as lists: single entries are read from these much quicker than from arrays."""

    residue_of_atom: list
    names: list
    elements: list
    resnames: list
    variants: list

    @classmethod
    def of(cls, fine):
        """Those of a topology."""
        return cls(*(getattr(fine, name).tolist() for name in cls._fields))


@dataclasses.dataclass(frozen=True)
class _Parent:
    """
    A heavy atom with hydrogens.

    Attributes
    ----------
    atom : int
    kind : tuple of str
        Its residue and name.
    bonded : tuple of int
        Heavy atoms, from the inside out.
    reference : tuple of int
        Two atoms; see `HydrogenTable`.
    """

    atom: int
    kind: tuple
    bonded: tuple
    reference: tuple

    @classmethod
    def of(cls, fine, atom, neighbours, light):
        heavy = _inward(fine, atom, neighbours, light)
        residue = fine.residue_of_atom[atom]
        kind = chemistry.kind_of(fine.resnames[residue], fine.variants[residue], fine.names[atom])
        if len(heavy) > 1:
            return cls(atom, kind, tuple(heavy), (atom, heavy[0]))
        beyond = [k for k in _inward(fine, heavy[0], neighbours, light) if k != atom]
        wanted = [k for k in beyond if fine.names[k] == chemistry.turn_of(*kind)[0]]
        return cls(atom, kind, tuple(heavy), (heavy[0], (wanted or beyond)[0]))


@functools.cache
def _places(kind, n_bonds):
    """Coordinates of as many hydrogens as there may be, in the frame of a parent, in the order of their names."""
    residue, name = kind
    planar = kind in chemistry.PLANAR or (name == "N" and n_bonds == 2 and residue != "PRO")
    aromatic = planar and name[0] == "C"
    length = chemistry.AROMATIC_LENGTH if aromatic else chemistry.length_of(name)
    if n_bonds == 3 or (n_bonds == 2 and planar):
        return [(length, 0.0, 0.0)]
    if n_bonds == 2:
        half = math.radians(chemistry.METHYLENE / 2)
        along, across = length * math.cos(half), length * math.sin(half)
        return [(along, 0.0, -across), (along, 0.0, across)]
    _, torsions, bend = chemistry.turn_of(*kind)
    along, across = -length * math.cos(math.radians(bend)), length * math.sin(math.radians(bend))
    return [(along, across * math.cos(turn), across * math.sin(turn)) for turn in map(math.radians, torsions)]


def carriers(fine):
    """
    The heavy atom that each hydrogen is bonded to.

    Parameters
    ----------
    fine : Topology

    Returns
    -------
    ndarray of int64, shape (A,)
        -1 for all other atoms, and for hydrogens without a bond.
    """
    found, light = np.full(fine.n_atoms, -1), fine.elements == "H"
    pairs = np.concatenate([fine.bonds, fine.bonds[:, ::-1]])
    pairs = pairs[light[pairs[:, 0]] & ~light[pairs[:, 1]]]
    found[pairs[:, 0]] = pairs[:, 1]
    return found


@functools.cache
def _rank(residue, atom):
    """Places of heavy atoms in the order from the inside out."""
    return {name: k for k, name in enumerate(chemistry.inward_first(residue, atom))}


def _inward(fine, atom, neighbours, light):
    """Heavy atoms bonded to an atom, from the inside of the residue out; those of the residue before come first."""
    residue = fine.residue_of_atom[atom]
    rank = _rank(fine.resnames[residue], fine.names[atom])
    heavy = [k for k in neighbours[atom] if not light[k]]
    return sorted(heavy, key=lambda k: (fine.residue_of_atom[k], rank.get(fine.names[k], len(rank))))
