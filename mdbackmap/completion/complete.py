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
from ..options import HydrogenOptions
from .ends import OXT, open_ends, terminal_oxygen
from .forms import forms_of, hydrogens_of, told_forms, undecided


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
    found : dict of int to str, optional
        Forms of residues for which nothing else says them.

    Attributes
    ----------
    mapping : Mapping
        From the same beads to all atoms. With hydrogens, the variants of its residues are their forms.
    own : ndarray of int64, shape (A,)
        Rows of the atoms that the model makes among all.
    hydrogens : ndarray of int64, shape (H,)
        Rows of hydrogens among all.
    open_histidines, open_cysteines : list of int
        Residues of which nothing says where their proton is, and whether they are bonded to another.

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

    def __init__(self, mapping, options=None, found=None):
        n_own, self._near = mapping.n_atoms, open_ends(mapping.fine)
        added = len(self._near)
        self._order = np.arange(n_own)  # where each atom is among the model's with the new ones behind them
        if added:
            mapping, self._order = mapping.with_atoms([OXT] * added, ["O"] * added, self._near[:, 1])
        n_heavy, self.open_histidines, self.open_cysteines = mapping.n_atoms, [], []
        if options is not None and options.on:
            asked = told_forms(mapping.fine, options.protonation)
            self.open_histidines, self.open_cysteines = undecided(mapping.fine, asked)
            forms = forms_of(mapping.fine, options.ph, (found or {}) | asked)
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


def hydrogen_options(network, options):
    """
    What of the options is for a model; one that makes all atoms has none of them.

    Parameters
    ----------
    network : Model
    options : HydrogenOptions

    Returns
    -------
    HydrogenOptions

    Raises
    ------
    MappingError
        Options that such a model does not have.
    """
    if options.told and not network.open_ends:
        raise MappingError(
            "hydrogens=, ph=, protonation=, ends= and names=: this model makes the atoms that it was trained on, with "
            "their names; leave these options out"
        )
    return options if network.open_ends else HydrogenOptions(False)
