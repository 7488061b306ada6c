"""`written`: a topology with the names that a force field has for its atoms and residues."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..chemistry.bound_hydrogens import FORMS, written_form, written_names
from ..chemistry.modified_residues import MODIFIED
from ..chemistry.terminal_caps import ATOMS as CAPS
from .topology import Topology


def written(fine: Topology, convention="amber", hydrogens=False) -> Topology:
    """
    The topology as files have it: with the names of modified residues, too.

    Parameters
    ----------
    fine : Topology
        Atoms of a protein. Its variants are the forms of residues if it has hydrogens.
    convention : {"amber", "charmm", "gromacs"}
        Whose names.
    hydrogens : bool
        Whether it has hydrogens.

    Returns
    -------
    Topology

    Examples
    --------
    >>> two = Topology(["ND1", "CD1"], ["N", "C"], [0, 1], ["HIS", "ILE"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2,
    ...                variants=["HIE", "ILE"])
    >>> found = written(two, "charmm", hydrogens=True)
    >>> found.names.tolist(), found.resnames.tolist()
    (['ND1', 'CD'], ['HSE', 'ILE'])
    """
    modified = np.isin(fine.variants, list(MODIFIED)) & ~fine.hetero
    if convention == "amber" and not hydrogens and not modified.any():
        return fine
    forms = np.where(modified | hydrogens, fine.variants, fine.resnames)
    names = fine.names.astype(object)
    resnames = fine.resnames.astype(object)
    starts = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
    for residue in np.flatnonzero(((fine.types >= 0) | np.isin(fine.resnames, list(CAPS))) & ~fine.hetero):
        form, own = str(forms[residue]), slice(*starts[residue : residue + 2])
        form = form if form in FORMS or modified[residue] else str(fine.resnames[residue])
        names[own] = written_names(names[own], form, convention)
        resnames[residue] = written_form(form, convention)
    return replace(fine, names=names, resnames=resnames)
