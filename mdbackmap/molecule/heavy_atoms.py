"""The heavy atoms of a protein as a `Topology`, from its residues."""

from __future__ import annotations

import itertools

import numpy as np

from ..chemistry import residues
from .topology import Topology


def protein_topology(coarse: Topology) -> Topology:
    """
    The heavy atoms of a protein, from its residues.

    Each residue gets the atoms of `residues.ATOMS` in that order, its own bonds, a peptide bond C-N to the next
    residue unless it ends a stretch, and the bond of its disulfide.

    Parameters
    ----------
    coarse : Topology
        Residues, all of them amino acids; how many beads each has does not matter.

    Returns
    -------
    Topology
        The same residues and all that is known of them, with atoms.

    Raises
    ------
    ValueError
        A residue that is not one of the twenty amino acids.

    Examples
    --------
    >>> coarse = Topology(["CA", "CA"], ["", ""], [0, 1], ["ALA", "GLY"], [1, 2], ["", ""], ["A", "A"], ["", ""])
    >>> protein_topology(coarse).names.tolist()
    ['N', 'CA', 'C', 'O', 'CB', 'N', 'CA', 'C', 'O']
    """
    unknown = np.flatnonzero(coarse.types < 0)
    if unknown.size:
        raise ValueError(
            f"{coarse.label(unknown[0])} is not an amino acid ({unknown.size} such residues); known are "
            f"{', '.join(residues.RESIDUE_NAMES)}; give other names with aliases={{'XYZ': 'ALA'}} or a sequence"
        )
    atoms = [residues.ATOMS[name] for name in coarse.resnames]
    residue_of_atom = np.repeat(np.arange(coarse.n_residues), [len(x) for x in atoms])
    names = [name for group in atoms for name in group]
    return Topology(
        names=names,
        elements=[name[0] for name in names],
        residue_of_atom=residue_of_atom,
        **coarse.of_residues(slice(None)),
        bonds=protein_bonds(coarse, atoms),
        disulfides=coarse.disulfides,
    )


def protein_bonds(coarse, atoms):
    """
    Bonds between heavy atoms of a protein: those within residues, peptides and disulfides.

    Parameters
    ----------
    coarse : Topology
        R residues, all of them amino acids.
    atoms : list of list of str, length R
        Names of the atoms of each residue, in the order of all atoms. Heavy atoms may be missing.

    Returns
    -------
    ndarray of int64, shape (b, 2)
        Pairs `i < j`, sorted.
    """
    number = itertools.count()
    index = [{name: next(number) for name in group} for group in atoms]
    own = zip(index, coarse.resnames, strict=True)
    within = [(at.get(i), at.get(j)) for at, resname in own for i, j in residues.BONDS[resname]]
    peptide = [(index[r].get("C"), index[r + 1].get("N")) for r in np.flatnonzero(~coarse.ends[:-1])]
    peptide += [(index[last].get("C"), index[first].get("N")) for first, last in coarse.rings]
    sulfur = [(index[r].get("SG"), index[s].get("SG")) for r, s in coarse.disulfides]
    there = [pair for pair in within + peptide + sulfur if None not in pair]
    bonds = np.sort(np.array(there, dtype=np.int64).reshape(-1, 2), axis=1)
    return bonds[np.lexsort(bonds.T[::-1])]
