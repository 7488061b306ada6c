"""
`BeadModel`: which beads a residue has, and which of its atoms count in each.

Shapes: N beads, A atoms, w triples of bead, atom and weight, R residues.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..chemistry import residues
from ..chemistry.variants import ALIASES
from .bonds import bonds_of_parts
from .shares import triples_of
from .topology import Topology

EVERY = "all"
"""In place of the names of hydrogens that count in a bead: all that are bonded to its atoms' residue."""


@dataclass(frozen=True, eq=False)
class BeadModel:
    """
    Where the beads of a coarse-grained model of proteins lie.

    Parameters
    ----------
    name : str
    anchor : str
        The bead that every residue has, near its C-alpha.
    residues : dict
        Residue names -> beads in their order -> atoms -> share of the atom that belongs to the bead. A variant (HID)
        may have beads of its own.
    by_mass : bool
        Atoms count by share and mass, else by share alone.
    others : tuple of str
        Beads that are no atoms, such as virtual sites.
    end_atoms : dict
        Atoms that only the end of a chain has (OXT) -> the bead that they count in.
    hydrogens : dict or "all"
        Residue names -> beads -> hydrogens that count in them where a structure has these; "all": every hydrogen of a
        residue, in the bead that `end_atoms` names.
    lengths : dict
        Residue names -> "BB-SC1" -> four numbers in angstrom: mean and standard deviation of the distance of the two
        beads in simulations with the force field, then those between the weighted means of the atoms of crystals.

    Raises
    ------
    ValueError
        A residue without the anchor, an atom that it does not have, a share that is no number or 0, or shares of a bead
        whose sum is not above 0.

    Examples
    --------
    >>> from mdbackmap.molecule.bead_models import CA
    >>> one = Topology(["CA"], [""], [0], ["ALA"], [1], [""], ["A"], [""])
    >>> CA.topology(one)
    Topology(1 atoms, 1 residues, 1 stretch: A 1)
    """

    name: str
    anchor: str
    residues: dict
    by_mass: bool = True
    others: tuple = ()
    end_atoms: dict = field(default_factory=dict)
    hydrogens: dict | str = field(default_factory=dict)
    lengths: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, beads in self.residues.items():
            if self.anchor not in beads:
                raise ValueError(f"bead model {self.name!r}: {name} has no bead {self.anchor}, its anchor")
            for bead, shares in beads.items():
                unknown = set(shares) - set(residues.ATOMS.get(ALIASES.get(name, name), shares))
                numbers = all(isinstance(x, int | float) and x for x in shares.values())
                if unknown or not numbers or not sum(shares.values()) > 0:
                    raise ValueError(
                        f"bead model {self.name!r}: bead {bead} of {name} is {shares}: expected heavy atoms of the "
                        "residue, each with a share other than 0, and a sum above 0"
                    )

    @property
    def exact(self) -> bool:
        """Whether every residue has a bead that is its C-alpha."""
        return all({"CA": 1.0} in beads.values() for beads in self.residues.values())

    def beads_of(self, topology, residue) -> dict:
        """
        Beads of a residue and the shares of their atoms.

        Raises
        ------
        ValueError
            A residue that is not in the table.
        """
        for name in (topology.variants[residue], topology.resnames[residue]):
            if name in self.residues:
                return self.residues[name]
        raise ValueError(f"{topology.label(residue)} has no beads in the bead model {self.name!r}")

    def topology(self, fine) -> Topology:
        """
        The beads of a molecule.

        Parameters
        ----------
        fine : Topology
            Its atoms.

        Returns
        -------
        Topology
            The same residues and all that is known of them; beads are bonded where their atoms are.
        """
        names = [list(self.beads_of(fine, r)) for r in range(fine.n_residues)]
        coarse = Topology(
            names=sum(names, []),
            elements=[""] * sum(map(len, names)),
            residue_of_atom=np.repeat(np.arange(fine.n_residues), [len(own) for own in names]),
            **fine.of_residues(slice(None)),
            disulfides=fine.disulfides,
        )
        return replace(coarse, bonds=bonds_of_parts(self.weigh(coarse, fine)[3], fine.bonds))

    def weigh(self, coarse, fine, carboxylates=None):
        """
        Which atoms count in which beads.

        Parameters
        ----------
        coarse, fine : Topology
            Beads, found by their residues and names, and atoms of the same residues.
        carboxylates : ndarray of bool, shape (R,), optional
            Residues whose OXT counts in a bead, if the model says so, although it is not among the atoms: it counts
            as `shares.OXT_OF` has it. By default none.

        Returns
        -------
        beads, atoms : ndarray of int64, shape (w,)
        weights : ndarray of float64, shape (w,)
            Those of a bead sum to 1; the CA of a residue among `carboxylates` may count less than 0.
        bead_of_atom : ndarray of int64, shape (A,)
            The bead with the largest share of an atom; the anchor for atoms in no bead.

        Raises
        ------
        ValueError
            A residue with other beads than those of the model.
        """
        bead_names, atom_names = coarse.names.tolist(), fine.names.tolist()
        masses = fine.masses.tolist() if self.by_mass else [1.0] * fine.n_atoms
        bead_at, atom_at = (np.searchsorted(x.residue_of_atom, np.arange(x.n_residues + 1)) for x in (coarse, fine))
        open_ends = np.zeros(fine.n_residues, dtype=bool) if carboxylates is None else np.asarray(carboxylates)
        patterns, found = {}, []  # residues with the same beads and atoms share one pattern
        for r in range(fine.n_residues):
            (b, c), (a, z) = bead_at[r : r + 2], atom_at[r : r + 2]
            own = self.beads_of(fine, r)
            key = (id(own), fine.resnames[r], open_ends[r], *bead_names[b:c], None, *atom_names[a:z], *masses[a:z])
            if key not in patterns:
                place = self._placed(coarse, r, bead_names[b:c], own)
                atoms = dict(zip(atom_names[a:z], masses[a:z], strict=True))
                shares = self._shares(own, fine.resnames[r], list(atoms), fine.elements[a:z].tolist(), open_ends[r])
                patterns[key] = triples_of(place, self.anchor, shares, atoms, fine.label(r))
            beads, atoms, weights, owner = patterns[key]
            found.append((beads + b, atoms + a, weights, owner + b))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _shares(self, beads, resname, names, elements, open_end):
        """Beads of one residue -> shares of atoms, with its hydrogens, OXT, or what stands for it."""
        shares = {bead: dict(own) for bead, own in beads.items()}
        for atom, bead in self.end_atoms.items():
            if bead in shares and (open_end or atom in names):
                shares[bead][atom] = 1.0
        if self.hydrogens == EVERY:
            found = {bead: names for bead in self.end_atoms.values()}
        else:
            found = self.hydrogens.get(resname, {})
        for bead, own in found.items():
            there = (name for name, element in zip(names, elements, strict=True) if element == "H" and name in own)
            shares.get(bead, {}).update(dict.fromkeys(there, 1.0))
        return shares

    def _placed(self, coarse, residue, names, wanted):
        """Places of a residue's beads by the names of the model; a single bead may have any name."""
        there = {name: k for k, name in enumerate(names) if name not in self.others or name in wanted}
        if len(names) == len(wanted) == 1:
            return dict.fromkeys(wanted, 0)
        if sorted(there) != sorted(wanted) or len(set(names)) < len(names):
            raise ValueError(
                f"{coarse.label(residue)} has {len(names)} beads ({', '.join(names)}), expected {', '.join(wanted)}, "
                f"those of the bead model {self.name!r}"
            )
        return there
