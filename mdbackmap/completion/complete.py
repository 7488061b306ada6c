"""
`Completion`: what turns the atoms that a model makes into those of the whole molecule.

Models make the heavy atoms that residues have within a chain. The second oxygens of last residues are added, and then
hydrogens. Their places come last of all: what places them needs all heavy atoms.

Shapes: F frames, A atoms, E ends, H hydrogens. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..molecule.mapping import MappingError
from .ends import OXT, open_ends, terminal_oxygen
from .forms import forms_of, hydrogens_of, told_forms


class Completion:
    """
    Further atoms of a molecule.

    Parameters
    ----------
    mapping : Mapping
        The model's own. The last residue of each unbroken stretch gets an OXT, after its other atoms, if it has the
        atoms CA, C and O and no OXT.
    options : HydrogenOptions, optional
        By default no hydrogens.

    Attributes
    ----------
    mapping : Mapping
        From the same beads to all atoms. With hydrogens, the variants of its residues are their forms.
    own : ndarray of int64, shape (A,)
        Rows of the atoms that the model makes among all.
    hydrogens : ndarray of int64, shape (H,)
        Rows of hydrogens among all.

    Raises
    ------
    MappingError
        A protonation that a residue cannot have, or of a residue that there is not.

    Examples
    --------
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> from mdbackmap.options import HydrogenOptions
    >>> coarse = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> Completion(Mapping.ca(coarse)).mapping.fine.names.tolist()
    ['N', 'CA', 'C', 'O', 'CB', 'N', 'CA', 'C', 'O', 'OXT']
    >>> Completion(Mapping.ca(coarse), HydrogenOptions(True)).mapping.fine.names[10:].tolist()
    ['HB2', 'HB3', 'N', 'CA', 'C', 'O', 'OXT', 'H', 'HA2', 'HA3']
    """

    def __init__(self, mapping, options=None):
        n_own, self._near = mapping.n_atoms, open_ends(mapping.fine)
        added = len(self._near)
        self._order = np.arange(n_own)  # where each atom is among the model's with the new ones behind them
        if added:
            mapping, self._order = mapping.with_atoms([OXT] * added, ["O"] * added, self._near[:, 1])
        n_heavy = mapping.n_atoms
        if options is not None and options.on:
            forms = forms_of(mapping.fine, options.ph, told_forms(mapping.fine, options.protonation))
            mapping = replace(mapping, fine=replace(mapping.fine, variants=forms))
            names, near = hydrogens_of(mapping.fine, forms, options.ends)
            mapping, order = mapping.with_atoms(names, ["H"] * len(names), near)
            self._order = np.append(self._order, n_heavy + np.arange(len(names)))[order]
        self.mapping, rows = mapping, np.argsort(self._order)
        self.own, self._oxygens, self.hydrogens = np.split(rows, [n_own, n_heavy])

    def __call__(self, atoms):
        """All atoms (F, A + E + H, 3), from those that the model made (F, A, 3); hydrogens have no places yet: NaN."""
        if self.mapping.n_atoms == atoms.shape[1]:
            return atoms
        whole = np.full((len(atoms), self.mapping.n_atoms, 3), np.nan, dtype=atoms.dtype)
        whole[:, self.own] = atoms
        whole[:, self._oxygens] = terminal_oxygen(*np.moveaxis(atoms[:, self._near], 2, 0))
        return whole


def completion_of(network, mapping, options) -> Completion | None:
    """
    How the atoms of a model become a whole molecule; None for a model that makes all of them.

    Parameters
    ----------
    network : Model
    mapping : Mapping
        Its own.
    options : HydrogenOptions

    Raises
    ------
    MappingError
        Options that such a model does not have.
    """
    if network.open_ends:
        return Completion(mapping, options)
    if options.told:
        raise MappingError(
            "hydrogens=, ph=, protonation=, ends= and names=: this model makes the atoms that it was trained on, with "
            "their names; leave these options out"
        )
    return None
