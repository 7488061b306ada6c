"""
Shares of a residue's atoms in its beads as weights, and the terminal oxygen as a sum of other atoms.

Shapes: A atoms of a residue, w triples of bead, atom and weight.
"""

from __future__ import annotations

import numpy as np

OXT = "OXT"
OXT_OF = {"C": 2.77, "CA": -0.77, "O": -1.0}
"""
The terminal oxygen as a sum of other atoms of its residue, exact for a plane carboxylate.

Its shares of C and CA, without unit, are chosen: by hand, from C-O of 1.25 angstrom at 118 degrees to CA-C of 1.525.
"""


def triples_of(place, anchor, shares, masses, label):
    """
    Which atoms of one residue count in which beads.

    Parameters
    ----------
    place : dict
        Bead -> its place among the beads of the residue.
    anchor : str
        The bead of atoms that are in none.
    shares : dict
        Bead -> atom -> its share; atoms that are not there do not count, but OXT counts as `OXT_OF` has it.
    masses : dict
        Atom -> its mass, or 1 where atoms count by share alone.
    label : str
        The residue in words.

    Returns
    -------
    beads, atoms : ndarray of int64, shape (w,)
        Places within the residue.
    weights : ndarray of float64, shape (w,)
        Those of a bead sum to 1.
    owner : ndarray of int64, shape (A,)
        The bead with the largest share of each atom.

    Raises
    ------
    ValueError
        Atoms without mass.

    Examples
    --------
    >>> triples_of({"BB": 0}, "BB", {"BB": {"C": 1.0, "O": 1.0}}, {"C": 12.0, "O": 16.0}, "GLY 1")[2].round(2).tolist()
    [0.43, 0.57]
    """
    row_of = {atom: k for k, atom in enumerate(masses)}
    triples, owner, largest = [], [place[anchor]] * len(row_of), [0.0] * len(row_of)
    for bead, own in shares.items():
        counts = {atom: share * masses[atom] for atom, share in own.items() if atom in row_of}
        if OXT in own and OXT not in row_of and row_of.keys() >= OXT_OF.keys():
            counts = {atom: counts.get(atom, 0.0) + OXT_OF.get(atom, 0.0) * masses["O"] for atom in counts | OXT_OF}
        total = sum(counts.values())
        if counts and not total > 0:
            raise ValueError(f"{label}: the atoms of bead {bead} have no elements, so no masses")
        triples += [(place[bead], row_of[atom], count / total) for atom, count in counts.items() if count]
        for k, share in ((row_of[atom], share) for atom, share in own.items() if atom in row_of):
            if share > largest[k]:
                largest[k], owner[k] = share, place[bead]
    return *(np.array(values) for values in zip(*triples, strict=True)), np.array(owner)
