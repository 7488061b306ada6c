"""
`Completion`: what turns the atoms that a model makes into those of the whole molecule.

Models make the heavy atoms that residues have within a chain. Caps and the second oxygens of last residues are added,
and then hydrogens. Their places come last of all: what places them needs all heavy atoms.

Shapes: F frames, A atoms, C heavy atoms of caps, E ends, H hydrogens, X atoms of others. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..molecule.mapping import MappingError
from ..options import HydrogenOptions
from .caps import Caps, wanted
from .ends import OXT, open_ends, terminal_oxygen
from .forms import forms_of, hydrogens_of, told_forms, undecided
from .modified import with_modified


class Completion:
    """
    Further atoms of a molecule.

    Parameters
    ----------
    mapping : Mapping
        The model's own. The last residue of each unbroken stretch gets a cap, or an OXT after its other atoms, if it
        has the atoms CA, C and O and no OXT.
    options : HydrogenOptions, optional
        By default no hydrogens and no caps.
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
        options = HydrogenOptions(False, caps=False) if options is None else options
        n_own, self.open_histidines, self.open_cysteines = mapping.n_atoms, [], []
        if options.on:
            asked = told_forms(mapping.fine, options.forms)
            self.open_histidines, self.open_cysteines = undecided(mapping.fine, asked)
            forms = forms_of(mapping.fine, options.ph, (found or {}) | asked)
            mapping = replace(mapping, fine=replace(mapping.fine, variants=forms))
        self._caps = Caps.of(mapping.fine, wanted(mapping.fine, options.caps), mapping.atoms)
        self._order = np.arange(n_own)  # where each atom is among the model's with the new ones behind them
        if self._caps is not None:
            caps = self._caps.topology, self._caps.before, self._caps.bonds
            mapping, _, self._order = mapping.with_residues(*caps)
        n_capped, near = mapping.n_atoms, open_ends(mapping.fine)
        self._near = self._order[near]
        mapping = self._with(mapping, [OXT] * len(near), "O", near[:, 1])
        n_ended = mapping.n_atoms
        mapping, order = with_modified(mapping)
        self._order = np.append(self._order, np.arange(n_ended, mapping.n_atoms))[order]
        n_heavy = mapping.n_atoms
        if options.on:
            mapping = self._with(mapping, *hydrogens_of(mapping.fine, options.ends))
        self.mapping, rows = mapping, np.argsort(self._order)
        parts = np.split(rows, [n_own, n_capped, n_ended, n_heavy])
        self.own, self._capping, self._oxygens, _, self.hydrogens = parts

    def _with(self, mapping, names, element, near):
        """The mapping with further atoms of an element."""
        if not len(names):
            return mapping
        n = mapping.n_atoms
        mapping, order = mapping.with_atoms(names, [element] * len(names), near)
        self._order = np.append(self._order, n + np.arange(len(names)))[order]
        return mapping

    def __call__(self, atoms, still=(), around=None, boxes=None):
        """
        All atoms, from those that the model made.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
            Oxygens of last residues that get a cap may be turned in place.
        still : sequence of int
            Of all atoms, those that stay.
        around : ndarray of float, shape (F, X, 3), optional
            Other molecules, which caps keep away from.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.

        Returns
        -------
        ndarray of float, shape (F, A + C + E + H, 3)
            Hydrogens and further atoms of modified residues have no places yet: NaN.
        """
        if self.mapping.n_atoms == atoms.shape[1]:
            return atoms
        whole = np.full((len(atoms), self.mapping.n_atoms, 3), np.nan, dtype=atoms.dtype)
        if self._caps is not None:
            still = np.flatnonzero(np.isin(self.own, still))
            whole[:, self._capping] = self._caps.place(atoms, still, around, boxes)
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
            "hydrogens=, ph=, protonation=, ends=, caps=, names=: this model makes the atoms that it was trained on, "
            "with their names; leave these options out"
        )
    return options if network.open_ends else HydrogenOptions(False)
