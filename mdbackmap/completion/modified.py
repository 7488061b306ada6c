"""
Heavy atoms of modified residues that models do not make: which there are, under which names, and their bonds.

A model makes the atoms of the parents. Atoms of these get other names and elements where the modified residue has them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..chemistry.modified_residues import ELEMENTS


def element_of(name) -> str:
    """
    The element of an atom of a modified residue.

    Examples
    --------
    >>> [element_of(name) for name in ("SE", "CX", "P")]
    ['Se', 'C', 'P']
    """
    return ELEMENTS.get(name, name[0])


def with_modified(mapping) -> tuple:
    """
    A mapping with all heavy atoms of modified residues.

    Parameters
    ----------
    mapping : Mapping
        From N beads to A atoms, those of the parents.

    Returns
    -------
    Mapping
        To A + n atoms; the new ones count in no bead.
    order : ndarray of int64, shape (A + n,)
        As of `Topology.with_atoms`.

    Examples
    --------
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> one = Topology(["CA"], [""], [0], ["CYS"], [1], [""], ["A"], [""], variants=["SMC"])
    >>> with_modified(Mapping.ca(one))[0].fine.names.tolist()
    ['N', 'CA', 'C', 'O', 'CB', 'SG', 'CS']
    """
    found = mapping.fine.modified
    if not found:
        return mapping, np.arange(mapping.n_atoms)
    mapping = replace(mapping, fine=_renamed(mapping.fine, found))
    rows = _rows(mapping.fine)
    new = [(name, rows[residue, "CA"]) for residue, modified in found for name in modified.added]
    names, near = [name for name, _ in new], np.array([row for _, row in new], dtype=np.int64)
    mapping, order = mapping.with_atoms(names, [element_of(name) for name in names], near)
    return replace(mapping, fine=_bonded(mapping.fine, found, order >= len(order) - len(new))), order


def _rows(fine) -> dict:
    """Atoms by residue and name."""
    return {(r, name): k for k, (r, name) in enumerate(zip(fine.residue_of_atom.tolist(), fine.names, strict=True))}


def _renamed(fine, found):
    """The topology with names and elements of modified residues for the atoms that the parents have."""
    names, elements, rows = fine.names.astype("U4"), fine.elements.astype("U2"), _rows(fine)
    for residue, modified in found:
        for old, new in modified.renamed.items():
            names[rows[residue, old]], elements[rows[residue, old]] = new, element_of(new)
    return replace(fine, names=names, elements=elements)


def _bonded(fine, found, new):
    """The topology with the bonds of modified residues; `new` atoms (A,) had none."""
    rows, bonds = _rows(fine), fine.bonds[~new[fine.bonds].any(axis=1)]
    own = [(rows[r, one], rows[r, other]) for r, modified in found for one, other in modified.bonds]
    bonds = np.concatenate([bonds, np.array(own, dtype=np.int64).reshape(-1, 2)])
    return replace(fine, bonds=np.unique(np.sort(bonds, axis=1), axis=0))
