"""
`MovableAtoms`: which atoms of a molecule turn with its side-chain torsions, and which stay.

Shapes: R residues, M residues that can turn, S turning atoms, X fixed atoms.
"""

import functools

import numpy as np
import torch

from ..chemistry import other_atoms, residues
from ..chemistry.elements import SLOTS
from ..chemistry.residues import CB, MAX_ATOMS, SG, TURNING


@functools.cache
def present():
    """Which slots (n, 14) of each residue type hold an atom: of amino acids, and of groups of other atoms."""
    return torch.from_numpy(np.concatenate([SLOTS, other_atoms.SLOTS]))


@functools.cache
def bonds_from_backbone():
    """How many bonds lie between C of the backbone, and between N, and each atom of its residue: two of (n, 14)."""
    found = (torch.stack([_bonds_from(name, atom) for name in residues.RESIDUE_NAMES]) for atom in ("C", "N"))
    return tuple(_and_others(table) for table in found)


def _and_others(table):
    """A table (20, ...) of amino acids with rows of zeros for the types of other atoms behind it."""
    return torch.cat([table, table.new_zeros(len(other_atoms.SLOTS), *table.shape[1:])])


def _bonds_from(name, atom):
    found, reached = {atom: 0}, [atom]
    for at in reached:
        for bond in residues.BONDS[name]:
            for other in set(bond) - set(found) if at in bond else ():
                found[other] = found[at] + 1
                reached.append(other)
    bonds = [found[other] for other in residues.ATOMS[name]]
    return torch.tensor(bonds + [0] * (MAX_ATOMS - len(bonds)))


@functools.cache
def apart():
    """
    Which atoms of one residue, (n, 14, 14), can overlap.

    One turns with side-chain torsions, the other is N, C or O of the backbone, and more than three bonds lie between
    them.
    """
    from_carbon, from_nitrogen = bonds_from_backbone()
    meets = torch.zeros(len(present()), MAX_ATOMS, MAX_ATOMS, dtype=torch.bool)
    for slot, bonds in ((0, from_nitrogen), (2, from_carbon), (3, from_carbon + 1)):
        meets[:, 5:, slot] = (bonds[:, 5:] > 3) & present()[:, 5:]
    meets[residues.TYPE_OF_NAME["PRO"]] = False
    return meets


class MovableAtoms:
    """
    Which atoms of a molecule turn with side-chain torsions, and which stay (tables, made once).

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)

    Attributes
    ----------
    residues : torch.Tensor of int64, shape (M,)
        Residues with candidates; all but glycine, alanine and proline.
    turning, fixed : (S,), (X,) int64
        Atoms as residue * MAX_ATOMS + slot; sorted by residue.
    meets : torch.Tensor of bool, shape (S, 14)
        Slots of its own residue that a turning atom can overlap with.
    thiol : torch.Tensor of bool, shape (S,)
        SG of cysteines, which may bond to each other.
    thiol_bearing : torch.Tensor of bool, shape (X,)
        Their CB.
    first, count : torch.Tensor of int64, shape (M,)
        Rows of `turning` that belong to each of `residues`.
    fixed_first, fixed_count : torch.Tensor of int64, shape (R,)
        Rows of `fixed` that belong to each residue.
    """

    def __init__(self, types):
        self.types, cysteine = types, types == residues.TYPE_OF_NAME["CYS"]
        real = present().to(types.device)[types]  # (R, 14)
        turns = real & ((types != residues.TYPE_OF_NAME["PRO"]) & (types < other_atoms.FIRST_TYPE)).unsqueeze(1)
        turns[:, :TURNING] = False
        stays = real & ~turns
        self.turning, self.fixed = (slots.flatten().nonzero()[:, 0] for slots in (turns, stays))
        self.residues = turns.any(1).nonzero()[:, 0]
        self.count, self.fixed_count = turns.sum(1)[self.residues], stays.sum(1)
        self.first = self.count.cumsum(0) - self.count
        self.fixed_first = self.fixed_count.cumsum(0) - self.fixed_count
        own, slot = self.turning // MAX_ATOMS, self.turning % MAX_ATOMS
        self.thiol = cysteine[own] & (slot == SG)
        self.thiol_bearing = cysteine[self.fixed // MAX_ATOMS] & (self.fixed % MAX_ATOMS == CB)
        self.meets = apart().to(types.device)[types[own], slot]
