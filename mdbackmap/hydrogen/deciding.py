"""
What structures decide once for a molecule: which cysteines are bonded, and where neutral histidines have their proton.

Shapes: F frames, A atoms, R residues, d disulfides. Positions in angstrom.
"""

import dataclasses

import numpy as np

from ..completion.complete import Completion
from ..completion.forms import told_forms
from ..molecule.nearby import near
from .acidities import forms_by_propka
from .adding import Hydrogens
from .vicinity import Vicinity

_BONDED = 2.5  # angstrom between sulfurs; chosen: by hand, a bond has 2.05, and two that only touch have 3.6
TAUTOMERS = ("HIE", "HID")
"""Forms of neutral histidine; the first one where both are as good."""


def decided(mapping, options, sample, trace, boxes=None):
    """
    How a model's atoms become a whole molecule, with disulfides and tautomers found from some structures.

    Parameters
    ----------
    mapping : Mapping
        The model's own.
    options : HydrogenOptions
    sample : callable
        Takes how many structures there are to be (F), and residues, or None for all. Gives the model's atoms of these,
        shape (F, A, 3); called only if they are needed.
    trace : ndarray of float, shape (F, R, 3)
        A bead of each residue in these structures.
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows: what is near by any image counts.

    Returns
    -------
    Completion
    """
    whole, options = options, dataclasses.replace(options, caps=False)
    completion = Completion(mapping, options)
    fine, cysteines = completion.mapping.fine, completion.open_cysteines
    open_ones = [r for r in completion.open_histidines if fine.variants[r] in TAUTOMERS]
    if not (len(cysteines) > 1 or open_ones or options.propka):
        return Completion(mapping, whole)
    around = Vicinity(len(trace), None, cysteines, open_ones)
    around = around if options.propka else Vicinity.of(trace, cysteines, open_ones, boxes)
    if around.residues is not None and not len(around.residues):
        return Completion(mapping, whole)
    try:
        atoms = sample(around.structures, around.residues)
    except ValueError:  # broken frames, which sampling refuses, too
        return Completion(mapping, whole)
    rows = np.arange(mapping.coarse.n_residues) if around.residues is None else around.residues
    part = mapping if around.residues is None else mapping.take(rows)
    boxes = None if boxes is None else boxes[: len(atoms)]
    pairs = disulfides_of(part.fine, atoms, np.searchsorted(rows, around.cysteines), boxes)
    mapping = _bonded(mapping, rows[pairs]) if len(pairs) else mapping
    forms, open_ones = {}, around.histidines
    if options.propka:
        heavy = Completion(mapping)
        forms = forms_by_propka(heavy.mapping.fine, heavy(atoms[:1])[0], options.ph)
        told = Completion(mapping, options, forms)
        open_ones = [r for r in told.open_histidines if told.mapping.fine.variants[r] in TAUTOMERS]
    if open_ones:
        told = forms | told_forms(mapping.fine, options.forms)
        number = {int(r): k for k, r in enumerate(rows)}
        told = {number[r]: form for r, form in told.items() if r in number}
        alone = dataclasses.replace(options, protonation=None)
        part = mapping if around.residues is None else mapping.take(rows)
        found = tautomers_of(part, alone, atoms, [number[r] for r in open_ones], boxes, told)
        forms |= {int(rows[r]): form for r, form in found.items()}
    return Completion(mapping, whole, forms)


def disulfides_of(fine, atoms, cysteines, boxes=None):
    """
    Cysteines whose sulfurs are bonded in most of some frames.

    Parameters
    ----------
    fine : Topology
    atoms : ndarray of float, shape (F, A, 3)
    cysteines : sequence of int
        Residues that may be bonded.
    boxes : ndarray of float, shape (F, 3, 3), optional
        Box vectors as rows.

    Returns
    -------
    ndarray of int64, shape (d, 2)
        Pairs of residues, the first below the second; each residue once.

    Examples
    --------
    >>> from mdbackmap.molecule.topology import Topology
    >>> three = Topology(["SG"] * 3, ["S"] * 3, range(3), ["CYS"] * 3, [1, 2, 3], [""] * 3, ["A"] * 3, [""] * 3)
    >>> disulfides_of(three, np.array([[[0, 0, 0], [9, 0, 0], [2.05, 0, 0]]]), np.arange(3)).tolist()
    [[0, 2]]
    """
    rows = np.flatnonzero((fine.names == "SG") & np.isin(fine.residue_of_atom, cysteines))
    counts = {}
    for frame, places in enumerate(atoms[:, rows] if len(rows) > 1 else ()):
        close, distance = near(places, places, _BONDED, None if boxes is None else boxes[frame])
        own, nearest = np.arange(len(rows)), np.arange(len(rows))
        for one, other in close[np.argsort(-distance, kind="stable")]:
            nearest[one] = other if one != other else nearest[one]
        mutual = (nearest[nearest] == own) & (own < nearest)
        for pair in zip(own[mutual].tolist(), nearest[mutual].tolist(), strict=True):
            counts[pair] = counts.get(pair, 0) + 1
    pairs = sorted(pair for pair, count in counts.items() if count > len(atoms) / 2)
    return fine.residue_of_atom[rows[np.array(pairs, dtype=np.int64).reshape(-1, 2)]]


def _bonded(mapping, pairs):
    """The mapping with further disulfides."""
    fine = mapping.fine
    sulfur = {fine.residue_of_atom[k]: k for k in np.flatnonzero(fine.names == "SG")}
    bonds = np.array([[sulfur[r] for r in pair] for pair in pairs])
    bonds = np.unique(np.concatenate([fine.bonds, bonds]), axis=0)
    disulfides = np.concatenate([fine.disulfides, pairs])
    return dataclasses.replace(mapping, fine=dataclasses.replace(fine, bonds=bonds, disulfides=disulfides))


def tautomers_of(mapping, options, atoms, residues, boxes=None, forms=None) -> dict:
    """
    The tautomers of histidines that clash least and make hydrogen bonds, in most of some frames.

    Parameters
    ----------
    mapping : Mapping
        The model's own.
    options : HydrogenOptions
    atoms : ndarray of float, shape (F, A, 3)
        Of the model.
    residues : list of int
        The histidines.
    boxes : ndarray of float, shape (F, 3, 3), optional
    forms : dict of int to str, optional
        Of other residues.

    Returns
    -------
    dict of int to str
        Forms by residue.
    """
    energies = []
    for form in TAUTOMERS:
        completion = Completion(mapping, options, (forms or {}) | dict.fromkeys(residues, form))
        fine = completion.mapping.fine
        hydrogens = Hydrogens.of(fine, completion.hydrogens)
        flips = [k for k, kind in enumerate(hydrogens.movers) if len(kind.turns) == len(TAUTOMERS)]
        _, found = hydrogens.with_energies(completion(np.array(atoms, dtype=np.float32)), boxes)
        turned = [fine.residue_of_atom[hydrogens.movers[k].sites[:, 0].cpu().numpy()] for k in flips]
        owner = {int(r): m for rows in turned for m, r in enumerate(rows)}
        energies.append([found[flips[0]][:, owner[r]].mean() if r in owner else 0.0 for r in residues])
    return {r: TAUTOMERS[int(k)] for r, k in zip(residues, np.argmin(energies, axis=0), strict=True)}
