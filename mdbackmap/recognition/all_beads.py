"""
All beads of residues, from one of each: by their residues and names, whatever their order in the file.

Shapes: F frames, A atoms of a group, N beads, R residues. Lengths in angstrom.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from ..molecule.attributes import listed
from ..molecule.bead_models import CA
from ..molecule.boxes import box_vectors, nearest_images
from ..molecule.heavy_atoms import protein_topology
from ..molecule.mapping import MappingError
from .bead_names import BACKBONE
from .links import named

_FAR = 12.0  # angstrom; chosen: by hand, the last bead of arginine is up to 8 from its backbone
_SHOWN = 4  # residues or names in a message; chosen: by hand


def together(group):
    """
    The group, with beads of one residue in it that do not lie together in the file.

    Parameters
    ----------
    group : Group

    Returns
    -------
    Group
        Residues of one label are one, if no two of their beads have the same name and not all have a CA or BB.
    """
    rows = np.flatnonzero(group.amino)
    anchors = np.isin(group.names, [*BACKBONE, "CA"])
    if group.any_in_residue(anchors)[rows].all():
        return group
    labels = np.stack([group.chains, group.resids.astype(str), group.icodes, group.resnames])[:, rows]
    label = np.unique(labels, axis=1, return_inverse=True)[1].ravel()
    name = np.unique(group.names[rows], return_inverse=True)[1]
    pairs, times = np.unique(np.stack([label, name]), axis=1, return_counts=True)
    twice = np.bincount(pairs[0], times > 1) > 0
    first = np.full(len(twice), len(group.names))
    np.minimum.at(first, label, group.residue[rows])
    residue = group.residue.copy()
    residue[rows] = np.where(twice[label], group.residue[rows], first[label])
    return replace(group, residue=np.unique(residue, return_inverse=True)[1])


def places_of(group, named):
    """Places in the group of all that may be beads of the residues of some anchors, ascending."""
    if not named.several:
        return named.anchors
    names = {bead for model in named.models for own in model.residues.values() for bead in own} | set(named.names)
    anchors = np.isin(np.arange(len(group.names)), named.anchors)
    return np.flatnonzero(anchors | (group.any_in_residue(anchors) & np.isin(group.names, list(names))))


def beads_by_name(group, anchors, names=None):
    """
    What lies in the residues of some beads.

    Parameters
    ----------
    group : Group
    anchors : ndarray of int, shape (R,)
        One bead of each residue.
    names : dict, optional
        Names in the file -> names to call them by.

    Returns
    -------
    list of dict
        For each residue its names -> places in the group; of a name that comes twice the first.
    """
    row = np.full(group.residue.max() + 1, -1)
    row[group.residue[anchors]] = np.arange(len(anchors))
    row, names = row[group.residue], names or {}
    found = [{} for _ in anchors]
    for at in np.flatnonzero(row >= 0).tolist():
        name = str(group.names[at])
        found[row[at]].setdefault(names.get(name, name), at)
    return found


def distance(positions, places, pairs, dimensions=None):
    """
    Median distance over the frames of pairs of beads.

    Parameters
    ----------
    positions : ndarray of float, shape (F, N, 3)
    places : ndarray of int, shape (N,)
        Which beads of the group these are, ascending.
    pairs : ndarray of int, shape (p, 2)
        Places in the group.
    dimensions : ndarray of float, shape (6,), optional
        Box: nearest images are taken.

    Returns
    -------
    ndarray of float, shape (p,)
    """
    one, two = np.searchsorted(places, np.asarray(pairs, dtype=np.int64).reshape(-1, 2)).T
    steps = positions[:, two] - positions[:, one]
    boxes = None if dimensions is None else box_vectors([dimensions], 1)
    steps = steps if boxes is None else nearest_images(steps, boxes[0])
    return np.median(np.linalg.norm(steps, axis=-1), axis=0)


def all_beads(decision, coarse):
    """
    The beads of a bead model.

    Parameters
    ----------
    decision : Decision
        The model, and the trace of one bead a residue in order.
    coarse : Topology
        Of this trace.

    Returns
    -------
    places : ndarray of int, shape (N,)
        In the group, residue by residue, in the order of the model.
    coarse : Topology
        All beads, bonded where their atoms are.

    Raises
    ------
    MappingError
        A residue without one of its beads.
    """
    model, trace = decision.model, decision.trace
    if model is CA:
        return trace.beads, coarse
    try:
        beads = model.topology(protein_topology(replace(coarse, names=["CA"] * coarse.n_residues)))
    except ValueError as error:
        raise MappingError(
            f"{error}: add it to the model's residues, or leave such residues out of the selection"
        ) from None
    if beads.n_atoms == coarse.n_residues:
        return trace.beads, beads
    found = beads_by_name(trace.group, trace.beads, decision.names)
    for there, anchor in zip(found, trace.beads.tolist(), strict=True):
        there[model.anchor] = anchor
    owner, names = beads.residue_of_atom.tolist(), beads.names.tolist()
    places = [found[r].get(name, -1) for r, name in zip(owner, names, strict=True)]
    if min(places) < 0:
        _refuse_missing(model, coarse, found, beads, np.array(places) < 0)
    return np.array(places), beads


def _refuse_missing(model, coarse, found, beads, missing):
    lacking = np.unique(beads.residue_of_atom[missing])
    shown = [
        f"{named(coarse, r)} has {', '.join(found[r])}, expected {', '.join(beads.names[beads.residue_of_atom == r])}"
        for r in lacking[:_SHOWN].tolist()
    ]
    raise MappingError(
        f"{len(lacking)} of {coarse.n_residues} residues lack beads of the bead model {model.name!r}: "
        f"{listed(shown, _SHOWN, '; ')}; correct the residue names (aliases=, --alias), leave these residues out of "
        "the selection, or name another model: mapping='NAME' (--mapping)"
    )


def refuse_far(decision, coarse, used, positions, places):
    """
    Refuse beads that are far from the anchors of their residues.

    Parameters
    ----------
    decision : Decision
    coarse : Topology
        All beads.
    used : ndarray of int, shape (N,)
        Places of these in the group.
    positions : ndarray of float, shape (F, M, 3), or None
    places : ndarray of int, shape (M,)
        Which beads of the group these are, ascending.

    Raises
    ------
    MappingError
        A bead farther off than a side chain reaches, as its median over the frames.
    """
    trace = decision.trace
    anchors = trace.beads[coarse.residue_of_atom]
    others = np.flatnonzero((used != anchors) & np.isin(used, places))
    if positions is None or not len(others):
        return
    found = distance(positions, places, np.stack([anchors[others], used[others]], axis=1), trace.dimensions)
    far = np.flatnonzero(found > _FAR)
    if len(far):
        rows = others[far].tolist()
        shown = [
            f"{coarse.names[row]} of {named(coarse, coarse.residue_of_atom[row])} ({off:.1f} A)"
            for row, off in zip(rows, found[far], strict=True)
        ]
        raise MappingError(
            f"{len(far)} beads lie far from the {decision.model.anchor} of their residues: {listed(shown, _SHOWN)}; "
            f"expected {_FAR:g} A at most: correct the file, or leave these residues out of the selection"
        )


def no_beads(group, decision, places):
    """
    What is said of atoms in residues of the protein that are no beads of its model: one sentence, or none.

    Parameters
    ----------
    group : Group
    decision : Decision
    places : ndarray of int, shape (N,)
        The beads.
    """
    model = decision.model
    if model is CA:
        return
    used = np.isin(np.arange(len(group.names)), places)
    left = ~used & (group.any_in_residue(used) | group.amino)
    if left.any():
        counted = Counter(group.names[left].tolist()).most_common()
        kinds = [f"{n} {name}{' (virtual sites)' if name in model.others else ''}" for name, n in counted]
        yield f"left out as no beads of the bead model {model.name!r}: {listed(kinds, _SHOWN)}"


def alphas_of(indices, coarse, model):
    """
    The C-alphas among beads, for what knows no others.

    Parameters
    ----------
    indices : ndarray of int, shape (N,)
    coarse : Topology
        All beads.
    model : BeadModel

    Returns
    -------
    indices : ndarray of int, shape (R,)
    coarse : Topology
        One bead CA a residue.

    Raises
    ------
    MappingError
        A residue of which no bead is its C-alpha alone.
    """
    if model is CA:
        return indices, coarse
    rows = []
    for residue in range(coarse.n_residues):
        exact = [bead for bead, shares in model.beads_of(coarse, residue).items() if set(shares) == {"CA"}]
        if not exact:
            raise MappingError(
                f"expected C-alphas, but {named(coarse, residue)} has none among its beads, those of the bead model "
                f"{model.name!r}; if these are C-alphas, say so: mapping='ca' (--mapping ca)"
            )
        own = np.flatnonzero(coarse.residue_of_atom == residue)
        rows.append(own[0] if len(own) == 1 else own[coarse.names[own].tolist().index(exact[0])])
    n, first = coarse.n_residues, np.flatnonzero(~coarse.ends)
    alphas = replace(
        coarse,
        names=[CA.anchor] * n,
        elements=[""] * n,
        residue_of_atom=np.arange(n),
        bonds=np.stack([first, first + 1], axis=1),
    )
    return np.asarray(indices)[rows], alphas
