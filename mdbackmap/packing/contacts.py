"""
Contacts of side chains: energy, in kT, that atoms of two residues gain by lying next to each other.

Learned (`training.priors.contact_prior`) so that side chains of crystals are likely. Hydrophobic atoms gain most, and
charged nitrogen next to charged oxygen. A contact gains most where atoms are `_BEST` further apart than their allowed
distance, and nothing from `_WIDTH` nearer or further than that. Atoms whose candidates are all far from an overlap
(`FURTHER`) do not count, which changes little.

Shapes: p pairs of atoms, K classes of atoms. Lengths in angstrom.
"""

import functools
from pathlib import Path

import numpy as np
import torch

from ..chemistry import residues

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
FURTHER = 0.5
"""How much further than for overlaps pairs of atoms are looked for, in angstrom; an atom's candidates fill a sphere."""
_BEST, _WIDTH = 1.2, 1.6
_NAMED = {"CA": 8, "C": 9, "N": 10, "O": 11, "CB": 12}
_RINGS, _CHARGED = {"PHE", "TYR", "TRP", "HIS"}, {"N": {"LYS", "ARG"}, "O": {"ASP", "GLU"}}
_BESIDE = {("ASN", "CG"), ("ASP", "CG"), ("GLN", "CD"), ("GLU", "CD"), ("ARG", "CZ"), ("ARG", "CD"), ("LYS", "CE")}


def class_of(residue, atom):
    """
    Index into `CLASSES` of an atom, by the names of its residue and its own.

    >>> CLASSES[class_of("LYS", "NZ")]
    'charged nitrogen'
    """
    if atom in _NAMED:
        return _NAMED[atom]
    element = atom[0]
    if element == "C":
        return 1 if residue in _RINGS else 2 if (residue, atom) in _BESIDE else 0
    if element == "S":
        return 7
    return {"N": 3, "O": 5}[element] + (residue in _CHARGED[element])


@functools.cache
def classes():
    """Classes (20, 14) of the slots of each residue type; 0 where there is no atom."""
    table = torch.zeros(len(residues.RESIDUE_NAMES), residues.MAX_ATOMS, dtype=torch.int64)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        for slot, atom in enumerate(residues.ATOMS[name]):
            table[kind, slot] = class_of(name, atom)
    return table


@functools.cache
def learned():
    """Energy gained by contacts of two classes, (K, K) in kT, symmetric; learned by `training.priors.contact_prior`."""
    with np.load(TABLES) as packed:
        return torch.from_numpy(packed["worth"])


def nearness(off):
    """
    Share of a contact's energy, (...), 0 to 1, of atoms `off` (...) further apart than their allowed distance.

    >>> nearness(torch.tensor([-0.5, 1.2, 2.0, 2.9]))
    tensor([0.0000, 1.0000, 0.7500, 0.0000])
    """
    return (off - _BEST).mul_(1 / _WIDTH).square_().neg_().add_(1).clamp_min_(0)
