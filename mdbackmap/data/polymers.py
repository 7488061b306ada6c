"""
Protein chains out of atoms: what a structure file says, brought to the 14 slots of each residue. Numpy alone.

What is decided here, so that a pack never has to guess:

* residues are distinguished by chain, number and insertion code, in the order of the file;
* names of force fields and selenomethionine are read as what they stand for (`variants.ALIASES`; SE is SD, CHARMM's
  CD of isoleucine CD1, OT1 is O);
* of alternate locations a residue takes one, the one with the highest occupancy (the first of equals), and the atoms
  that have none; where two residue types share a number, too;
* hydrogens, terminal oxygens, other molecules and residues without a C-alpha are left out; a residue that lacks other
  atoms is kept, its slots marked;
* a chain is broken where C-alphas lie more than 4.5 angstrom apart, or C and N of the peptide more than 2.5.

Shapes: A atoms, R residues of a chain. Lengths in angstrom.
"""

from dataclasses import dataclass

import numpy as np

from ..chemistry.peptide_geometry import BROKEN_ABOVE, UNBONDED_ABOVE
from ..chemistry.residues import ALPHABET, CA, MAX_ATOMS, SLOT_OF_ATOM, TYPE_OF_NAME, C, N, O
from ..chemistry.variants import ATOM_ALIASES, FIRST_OXYGENS
from ..molecule.attributes import canonical_resnames

_REACH = 15.0  # an atom further from its CA than this is misplaced: the longest side chain reaches 8.5; by hand


@dataclass(frozen=True, eq=False)
class Atoms:
    """
    What a file says of its atoms, in its own order.

    Attributes
    ----------
    names, resnames, chains, icodes, altlocs : ndarray of str, shape (A,)
    resids : ndarray of int, shape (A,)
    occupancies, b : ndarray of float, shape (A,)
    """

    names: np.ndarray
    resnames: np.ndarray
    chains: np.ndarray
    icodes: np.ndarray
    altlocs: np.ndarray
    resids: np.ndarray
    occupancies: np.ndarray
    b: np.ndarray


@dataclass(frozen=True, eq=False)
class Polymer:
    """
    One protein chain.

    Attributes
    ----------
    chain_id : str
    types : ndarray of int64, shape (R,)
        Positions in `residues.ALPHABET`.
    resids : ndarray of int64, shape (R,)
    atoms : ndarray of int64, shape (R, 14)
        Which atom of the file is in each slot; -1 where none is.
    b : ndarray of float, shape (R,)
        B factors of CA.

    Examples
    --------
    >>> names = ["N", "CA", "C", "O"]
    >>> columns = names, ["GLY"] * 4, ["A"] * 4, [""] * 4, [""] * 4, [7] * 4, [1.0] * 4, [0.0] * 4
    >>> table = Atoms(*(np.array(column) for column in columns))
    >>> polymers(table)
    [<Polymer A: G>]
    """

    chain_id: str
    types: np.ndarray
    resids: np.ndarray
    atoms: np.ndarray
    b: np.ndarray

    def __len__(self):
        return len(self.types)

    def __repr__(self):
        return f"<Polymer {self.chain_id}: {self.sequence}>"

    @property
    def sequence(self):
        """One-letter codes."""
        return "".join(ALPHABET[kind] for kind in self.types)

    def place(self, positions):
        """
        Atoms in their slots.

        Parameters
        ----------
        positions : ndarray of float, shape (A, 3)
            Of the file's atoms.

        Returns
        -------
        atom14 : ndarray of float, shape (R, 14, 3)
            0 where an atom is missing.
        mask : ndarray of bool, shape (R, 14)
            Atoms that are there, with finite positions near their CA.
        """
        atom14 = np.asarray(positions, dtype=float)[self.atoms]
        away = np.linalg.norm(atom14 - atom14[:, CA : CA + 1], axis=-1)
        mask = (self.atoms >= 0) & (away < _REACH)  # NaN compares as False
        return np.where(mask[..., None], atom14, 0.0), mask


def polymers(atoms):
    """
    The protein chains of a file.

    Parameters
    ----------
    atoms : Atoms

    Returns
    -------
    list of Polymer
        In the order of the file; residues of one chain that other chains interrupt are put together.
    """
    kinds = np.unique(atoms.resnames).tolist()
    name_of = dict(zip(kinds, canonical_resnames(kinds, modified=False).tolist(), strict=True))
    resnames = np.array([name_of[name] for name in atoms.resnames.tolist()], dtype=object)
    usable = np.flatnonzero([name in TYPE_OF_NAME for name in resnames])
    residues_of_chain = {}
    for k in usable.tolist():
        key = (int(atoms.resids[k]), str(atoms.icodes[k]))
        residues_of_chain.setdefault(str(atoms.chains[k]), {}).setdefault(key, []).append(k)
    chains = []
    for chain, members in residues_of_chain.items():
        rows = [_residue(atoms, resnames, np.array(rows_of_residue)) for rows_of_residue in members.values()]
        rows = [(key, *row) for key, row in zip(members, rows, strict=True) if row is not None]
        if rows:
            keys, types, slots = zip(*rows, strict=True)
            slots = np.array(slots)
            numbers = np.array([number for number, _ in keys])
            chains.append(Polymer(chain, np.array(types), numbers, slots, np.asarray(atoms.b, float)[slots[:, CA]]))
    return chains


def _residue(atoms, resnames, members):
    """Type and slots (14,) of one residue out of its atoms `members`; None without a CA."""
    label = _location(atoms, members)
    kept = members[(atoms.altlocs[members] == "") | (atoms.altlocs[members] == label)]
    names = dict.fromkeys(resnames[kept].tolist())  # of equals, the first
    name = max(names, key=lambda name: atoms.occupancies[kept][resnames[kept] == name].sum())
    slots = np.full(MAX_ATOMS, -1)
    for k in kept[resnames[kept] == name].tolist():
        atom = ATOM_ALIASES.get((name, atoms.names[k]), atoms.names[k])
        slot = SLOT_OF_ATOM.get((name, atom))
        if slot is not None and slots[slot] < 0:
            slots[slot] = k
    if slots[O] < 0:
        named = [k for k in kept.tolist() if atoms.names[k] in FIRST_OXYGENS]
        slots[O] = named[0] if named else -1
    return None if slots[CA] < 0 else (TYPE_OF_NAME[name], slots)


def _location(atoms, members):
    """The alternate location with the highest mean occupancy among the atoms of a residue; "" if there is none."""
    labels = atoms.altlocs[members]
    if (labels == "").all():
        return ""
    means = {x: np.mean(atoms.occupancies[members][labels == x]) for x in dict.fromkeys(labels.tolist()) if x}
    return max(means, key=means.get)


def breaks(atom14, mask):
    """
    Where a chain is broken.

    Parameters
    ----------
    atom14 : ndarray of float, shape (R, 14, 3)
    mask : ndarray of bool, shape (R, 14)

    Returns
    -------
    ndarray of uint8, shape (R,)
        1 where a residue is not bonded to the one before it in the chain; 0 for the first.
    """
    step = np.linalg.norm(np.diff(atom14[:, CA], axis=0), axis=-1)
    bond = np.linalg.norm(atom14[1:, N] - atom14[:-1, C], axis=-1)
    apart = (step > BROKEN_ABOVE) | (mask[1:, N] & mask[:-1, C] & (bond > UNBONDED_ABOVE))
    return np.append(0, apart).astype(np.uint8)
