"""
`protein_atoms`: the atoms of the protein in a Universe of all atoms, and what they are.

Shapes: A atoms, R residues.
"""

from __future__ import annotations

import numpy as np

from ..chemistry.variants import ATOM_ALIASES, OXYGENS
from ..molecule.heavy_atoms import protein_bonds
from ..molecule.topology import Topology
from ..recognition.beads import Group
from ..recognition.recognise import recognise


def protein_atoms(atoms, aliases=None):
    """
    The atoms of a protein, hydrogens and terminal oxygens included.

    Parameters
    ----------
    atoms : AtomGroup
        What else it holds is left out.
    aliases : dict, optional
        Residue names to read as others, ``{"XYZ": "ALA"}``.

    Returns
    -------
    AtomGroup
        In the order of the chains; of alternate locations one in each residue.
    Topology
        With PDB names of heavy atoms, elements by these names, and bonds.

    Raises
    ------
    MappingError
        No protein, or residues that are not known.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB
    >>> protein_atoms(mda.Universe(TRPCAGE_PDB).atoms)
    (<AtomGroup with 154 atoms>, Topology(154 atoms, 20 residues, 1 stretch: A 1-20))
    """
    atoms = atoms.unique
    indices, coarse, *_ = recognise(atoms, mapping="ca", aliases=aliases, closed=True)
    group = Group.read(atoms, aliases)
    places = np.searchsorted(atoms.ix, indices)
    row = np.full(group.residue.max() + 1, -1)
    row[group.residue[places]] = np.arange(len(places))
    row = row[group.residue]
    row[group.resnames != coarse.l_resnames[row]] = -1  # another residue at the same place
    names = [_name(resname, name) for resname, name in zip(coarse.resnames[row], group.names, strict=True)]
    kept = np.flatnonzero((row >= 0) & _one_location(atoms, group, row, places, names))
    kept = kept[np.argsort(row[kept], kind="stable")]
    return atoms[kept], _topology(coarse, row[kept], [names[k] for k in kept])


def _name(resname, name):
    return ATOM_ALIASES.get((resname, name), OXYGENS.get(name, name))


def _one_location(atoms, group, row, places, names):
    """Whether an atom is the one to take of those of its name in its residue (A,): that of the highest occupancy."""
    occupancies = np.nan_to_num(np.asarray(getattr(atoms, "occupancies", np.ones(len(atoms))), dtype=np.float64))
    of_alpha = group.altlocs == group.altlocs[places][row]
    first = np.lexsort((-occupancies, ~of_alpha))  # as the C-alpha where there is a choice
    key = np.array([f"{residue} {name}" for residue, name in zip(row.tolist(), names, strict=True)])
    taken = np.zeros(len(atoms), dtype=bool)
    taken[first[np.unique(key[first], return_index=True)[1]]] = True
    return taken


def _topology(coarse, row, names):
    """The topology of these residues with atoms of these rows and names."""
    starts = np.searchsorted(row, np.arange(coarse.n_residues + 1)).tolist()
    grouped = [names[i:j] for i, j in zip(starts[:-1], starts[1:], strict=True)]
    more = [pair for first, group in zip(starts, grouped, strict=False) for pair in _further_bonds(first, group)]
    more += _modified_bonds(coarse, starts, grouped)
    more = np.sort(np.array(more, dtype=np.int64).reshape(-1, 2), axis=1)
    return Topology(
        names=names,
        elements=[_element(name) for name in names],
        residue_of_atom=row,
        **coarse.of_residues(slice(None)),
        bonds=np.unique(np.concatenate([protein_bonds(coarse, grouped), more]), axis=0),
        disulfides=coarse.disulfides,
    )


def _modified_bonds(coarse, starts, grouped):
    """Bonds within modified residues, those of the parents included."""
    for residue, modified in coarse.modified:
        resname = str(coarse.resnames[residue])
        at = {name: starts[residue] + k for k, name in enumerate(grouped[residue])}
        for pair in modified.bonds:
            one, other = (_name(resname, name) for name in pair)
            if one in at and other in at:
                yield at[one], at[other]


def _element(name):
    """
    The element of an atom of an amino acid, from its name.

    Examples
    --------
    >>> [_element(name) for name in ("CA", "2HB", "D", "OXT")]
    ['C', 'H', 'H', 'O']
    """
    first = name.lstrip("0123456789")[:1]
    return "H" if first == "D" else first


def _further_bonds(first, names):
    """Bonds of hydrogens, by names (HD21 is bonded to ND2), and of OXT; `first` is the number of the first atom."""
    heavy = [name for name in names if _element(name) != "H"]
    for k, name in enumerate(names):
        if _element(name) == "H":
            digits = name.lstrip("0123456789")[1:]
            near = max(heavy, key=lambda atom, rest=digits: len(atom) * rest.startswith(atom[1:]), default=None)
        else:
            near = "C" if name == "OXT" and "C" in heavy else None
        if near is not None:
            yield first + names.index(near), first + k
