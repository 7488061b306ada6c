"""
Bead models of proteins as a table: which atoms of a residue a bead stands for, and with which shares.

Shapes: A atoms, N beads, R residues, w triples of bead, atom and weight.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..chemistry import residues
from ..chemistry.variants import ALIASES
from .bonds import bonds_of_parts
from .topology import Topology

_FORMAT = (
    '{"models": {"NAME": {"anchor": "BB", "weights": "mass", "residues": {"GLY": {"BB": {"N": 1.0, "CA": 1.0}}}}}}'
)


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

    Raises
    ------
    ValueError
        A residue without the anchor, an atom that it does not have, or a share that is no number above 0.

    Examples
    --------
    >>> one = Topology(["CA"], [""], [0], ["ALA"], [1], [""], ["A"], [""])
    >>> CA.topology(one)
    Topology(1 atoms, 1 residues, 1 stretch: A 1)
    """

    name: str
    anchor: str
    residues: dict
    by_mass: bool = True
    others: tuple = ()

    def __post_init__(self):
        for name, beads in self.residues.items():
            if self.anchor not in beads:
                raise ValueError(f"bead model {self.name!r}: {name} has no bead {self.anchor}, its anchor")
            for bead, shares in beads.items():
                unknown = set(shares) - set(residues.ATOMS.get(ALIASES.get(name, name), shares))
                if unknown or not shares or not all(isinstance(x, int | float) and x > 0 for x in shares.values()):
                    raise ValueError(
                        f"bead model {self.name!r}: bead {bead} of {name} is {shares}: expected heavy atoms of the "
                        "residue, each with a share above 0"
                    )

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

    def weigh(self, coarse, fine):
        """
        Which atoms count in which beads.

        Parameters
        ----------
        coarse, fine : Topology
            Beads, found by their residues and names, and atoms of the same residues.

        Returns
        -------
        beads, atoms : ndarray of int64, shape (w,)
        weights : ndarray of float64, shape (w,)
            Those of a bead sum to 1.
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
        patterns, found = {}, []  # residues with the same beads and atoms share one pattern
        for r in range(fine.n_residues):
            (b, c), (a, z) = bead_at[r : r + 2], atom_at[r : r + 2]
            key = (fine.variants[r], fine.resnames[r], *bead_names[b:c], None, *atom_names[a:z], *masses[a:z])
            if key not in patterns:
                place = self._placed(coarse, r, bead_names[b:c], self.beads_of(fine, r))
                patterns[key] = self._pattern(fine, r, place, atom_names[a:z], masses[a:z])
            beads, atoms, weights, owner = patterns[key]
            found.append((beads + b, atoms + a, weights, owner + b))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _pattern(self, fine, residue, place, names, masses):
        """Triples of one residue and the bead of each atom, from the places of its beads; the first of each is 0."""
        row_of = {name: k for k, name in enumerate(names)}
        triples, owner, largest = [], [place[self.anchor]] * len(names), [0.0] * len(names)
        for bead, shares in self.beads_of(fine, residue).items():
            own = {row_of[atom]: share for atom, share in shares.items() if atom in row_of}
            counts = {k: share * masses[k] for k, share in own.items()}
            if own and not sum(counts.values()) > 0:
                raise ValueError(f"{fine.label(residue)}: the atoms of bead {bead} have no elements, so no masses")
            triples += [(place[bead], k, count / sum(counts.values())) for k, count in counts.items()]
            for k, share in own.items():
                if share > largest[k]:
                    largest[k], owner[k] = share, place[bead]
        return *(np.array(values) for values in zip(*triples, strict=True)), np.array(owner)

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


CA = BeadModel("ca", "CA", {name: {"CA": {"CA": 1.0}} for name in residues.RESIDUE_NAMES}, by_mass=False)
"""One bead a residue, at its C-alpha."""

BEAD_MODELS = {model.name: model for model in (CA,)}
"""Bead models that are recognised, by name."""


def read_bead_models(path) -> dict:
    """
    Bead models of a JSON file.

    Parameters
    ----------
    path : path-like
        A name for each model, with `anchor`, `weights` ("mass" or "equal"), `residues`, and, where there are any,
        `variants` of residues and `other_beads`; what else a model has is not read.

    Returns
    -------
    dict
        `BeadModel` by name.

    Raises
    ------
    ValueError
        Another file, or a model that `BeadModel` refuses.
    """
    try:
        models = json.loads(Path(path).read_text())["models"]
        return {name: _model(name, entry) for name, entry in models.items()}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not understood ({error}): expected bead models, {_FORMAT}") from None


def _model(name, entry):
    table = dict(entry["residues"])
    for forms in entry.get("variants", {}).values():
        table |= {form.split()[0]: beads for form, beads in forms.items()}  # "HID (amber names only)"
    by_mass = {"mass": True, "equal": False}[entry["weights"]]
    others = tuple(other for names in entry.get("other_beads", ()) for other in names.split(", "))
    return BeadModel(name, entry["anchor"], table, by_mass, others)
