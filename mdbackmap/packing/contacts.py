"""
Contacts of side chains: energy, in kT, that atoms of two residues gain by lying next to each other.

Learned (`training.priors.contact_prior`) so that side chains of crystals are likely. Hydrophobic atoms gain most, and
charged nitrogen next to charged oxygen. How a contact depends on distance is said in `atom_energies.nearness`.

Shapes: T classes of atoms.
"""

import functools
from pathlib import Path

import numpy as np
import torch

from ..chemistry import other_atoms, residues

TABLES = Path(__file__).with_name("contacts.npz")
CLASSES = (
    "aliphatic carbon",
    "ring carbon",
    "carbon beside nitrogen or oxygen",
    "nitrogen",
    "charged nitrogen",
    "oxygen",
    "charged oxygen",
    "sulfur",
    "CA",
    "backbone C",
    "backbone N",
    "backbone O",
    "CB",
)
"""What atoms count as; those of the backbone and CB by their names."""
ELEMENTS = "CCCNNOOSCCNOC"
"""The element of each class."""
OTHERS = {letter: ELEMENTS.index(letter) for letter in "CNOS"} | {"metal": len(CLASSES)}
"""Class of each kind of other atoms (`chemistry.other_atoms`)."""
_NAMED = {**{name: f"backbone {name}" for name in "CNO"}, "CA": "CA", "CB": "CB"}
_KINDS = {"C": "aliphatic carbon", "N": "nitrogen", "O": "oxygen", "S": "sulfur"}
_RINGS, _CHARGED = {"PHE", "TYR", "TRP", "HIS"}, {"N": {"LYS", "ARG"}, "O": {"ASP", "GLU"}}
_BESIDE = {("ASN", "CG"), ("ASP", "CG"), ("GLN", "CD"), ("GLU", "CD"), ("ARG", "CZ"), ("ARG", "CD"), ("LYS", "CE")}


def class_of(residue, atom):
    """
    Index into `CLASSES` of an atom, by the names of its residue and its own.

    >>> CLASSES[class_of("LYS", "NZ")]
    'charged nitrogen'
    """
    kind = _NAMED.get(atom) or _KINDS[atom[0]]
    if kind == "aliphatic carbon" and residue in _RINGS:
        kind = "ring carbon"
    elif kind == "aliphatic carbon" and (residue, atom) in _BESIDE:
        kind = "carbon beside nitrogen or oxygen"
    elif atom not in _NAMED and residue in _CHARGED.get(atom[0], ()):
        kind = f"charged {kind}"
    return CLASSES.index(kind)


@functools.cache
def classes():
    """
    Classes (n, 14) of the slots of each residue type, and of groups of other atoms; 0 where there is no atom.

    A metal ion has a class of its own, behind those of `CLASSES`.
    """
    table = torch.zeros(len(residues.RESIDUE_NAMES), residues.MAX_ATOMS, dtype=torch.int64)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        for slot, atom in enumerate(residues.ATOMS[name]):
            table[kind, slot] = class_of(name, atom)
    others = torch.tensor([OTHERS[kind] for kind in other_atoms.KINDS]).repeat_interleave(residues.MAX_ATOMS)
    return torch.cat([table, others.unsqueeze(1) * torch.from_numpy(other_atoms.SLOTS)])


@functools.cache
def learned():
    """Energy gained by contacts of two classes, (T, T) in kT, symmetric; learned by `training.priors.contact_prior`."""
    with np.load(TABLES) as packed:
        return torch.from_numpy(packed["worth"])
