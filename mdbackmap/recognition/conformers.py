"""
Alternate locations: one of them is taken in each residue, that of the highest occupancy, the first of equals.

Shapes: A atoms, N beads, F frames. Lengths in angstrom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..chemistry.peptide_geometry import BONDED, CA_NEAREST
from ..molecule.attributes import listed, run_ends

SHOWN = 8  # residues named in a message; chosen: by hand


def merged_alternatives(residue, labels, altlocs):
    """
    Residues, those that are alternate locations of each other (microheterogeneity) as one.

    Parameters
    ----------
    residue : ndarray of int, shape (A,)
        Residue of each atom: 0, 1, ...
    labels : tuple of three ndarray, shape (A,)
        Chain, number and insertion code.
    altlocs : ndarray of str, shape (A,)

    Returns
    -------
    ndarray of int, shape (A,)
        Residues of one label are one, if they follow each other and one has alternate locations, or if theirs differ.

    Examples
    --------
    >>> labels = np.array(["A"] * 4), np.array([1, 1, 1, 2]), np.array([""] * 4)
    >>> merged_alternatives(np.array([0, 0, 1, 2]), labels, np.array(["", "A", "B", ""])).tolist()
    [0, 0, 0, 1]
    """
    if not (altlocs != "").any():
        return residue
    first = np.unique(residue, return_index=True)[1]
    label_of = list(zip(*(values[first].tolist() for values in labels), strict=True))
    kinds = [set() for _ in label_of]
    for r, altloc in set(zip(residue.tolist(), altlocs.tolist(), strict=True)):
        kinds[r].update({altloc} - {""})
    found, merged = {}, np.arange(len(label_of))
    for r, label in enumerate(label_of):
        last, before, own = found.get(label, (None, None, set()))
        follows = last == r - 1 and (own or kinds[r])
        if last is not None and (follows or (own and kinds[r] and not own & kinds[r])):
            merged[r] = before
            found[label] = r, before, own | kinds[r]
        else:
            found[label] = r, r, kinds[r]
    return np.unique(merged, return_inverse=True)[1][residue]


def one_conformer(group, beads, occupancies):
    """
    One bead of each residue that has alternate locations.

    Parameters
    ----------
    group : Group
    beads : ndarray of int, shape (N,)
        Places in the group.
    occupancies : ndarray of float, shape (A,)

    Returns
    -------
    kept : ndarray of int, shape (n,)
    told : list of str
        The residues where there was a choice, with the label of what was taken.
    """
    owner = group.residue[beads]
    several = np.bincount(owner)[owner] > 1
    alternate = several & (np.bincount(owner, group.altlocs[beads] != "")[owner] > 0)
    runs = [np.flatnonzero(owner == residue) for residue in dict.fromkeys(owner[alternate].tolist())]
    keep, told = _highest(group, beads, occupancies, runs)
    return beads[keep], told


def _highest(group, beads, occupancies, runs):
    """Of each of some runs of beads only the one of highest occupancy is kept; and its label in words."""
    keep, told = np.ones(len(beads), dtype=bool), []
    for rows in runs:
        taken = rows[np.argmax(np.nan_to_num(occupancies[beads[rows]]))]
        keep[rows] = rows == taken
        label = group.altlocs[beads[taken]]
        told.append(group.label(beads[taken]) + (f" ({label})" if label else ""))
    return keep, told


def one_place(group, beads, middle, occupancies, settings):
    """
    Beads without those that share number and place with the one before, as alternate locations without labels do.

    Parameters
    ----------
    group : Group
    beads : ndarray of int, shape (N,)
    middle : ndarray of float, shape (N - 1,)
        Distances from each bead to the next.
    occupancies : ndarray of float, shape (A,)
    settings : RecognitionSettings

    Returns
    -------
    keep : ndarray of bool, shape (N,)
    told : list of str
    """
    ends = run_ends(group.resids[beads], group.icodes[beads], group.chains[beads])
    runs = np.split(np.arange(len(beads)), np.flatnonzero(ends[:-1]) + 1)
    near = [rows for rows in runs if 1 < len(rows) <= settings.conformers and (middle[rows[:-1]] < CA_NEAREST).all()]
    if 2 * sum(len(rows) for rows in near) > len(beads):  # other units, or numbers that are not those of residues
        near = []
    return _highest(group, beads, occupancies, near)


def apart_again(group, beads, middle=None):
    """
    The group, with residues that a reader joined separated again.

    Readers take residues of one name and number that follow each other for one: those of nameless chains whose beads
    alternate, or of which the insertion code was lost (PSF). They are residues of their own if most residues of known
    names have several C-alphas, or if these lie as neighbours do.

    Parameters
    ----------
    group : Group
    beads : ndarray of int, shape (N,)
    middle : ndarray of float, shape (N - 1,), optional
        Distances from each bead to the next.

    Returns
    -------
    Group
    """
    owner = np.unique(group.residue[beads], return_inverse=True)[1]
    count = np.bincount(owner)
    if count.max() == 1 or len(count) == 1 or not group.amino[beads].all():
        return group
    inside = owner[1:] == owner[:-1]
    most = 2 * np.count_nonzero(count > 1) > len(count)
    if not most and (middle is None or ((middle < BONDED[0]) | (middle > BONDED[1]))[inside].any()):
        return group
    residue = group.residue.copy()
    residue[beads] = residue.max() + 1 + np.arange(len(beads))
    return replace(group, residue=np.unique(residue, return_inverse=True)[1])


def told_conformers(told) -> str:
    """A sentence about alternate locations."""
    return f"alternate locations: of each residue the one of highest occupancy is taken, {listed(told, SHOWN)}"
