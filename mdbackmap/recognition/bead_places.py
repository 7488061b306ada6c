"""
Which bead model beads are of, where names leave that open: distances decide.

Shapes: F frames, N beads, R residues with one anchor each. Lengths in angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..chemistry import residues
from ..molecule.attributes import listed
from ..molecule.bead_definition import BeadModel
from ..molecule.bead_models import BEAD_MODELS, CA
from ..molecule.mapping import MappingError
from ..molecule.mixed import CALVADOS, mixed
from .all_beads import beads_by_name, distance
from .bead_names import ANY
from .centres import centres_in_mixture, kinds, tables
from .settings import BACKBONES, MIXED, RESIDUES

_BACKBONE = frozenset(["N", "CA", "C", "O", "CB"])  # Martini 2.2 counts CB of alanine in BB
_ELNEDYN = 3.58  # angstrom; chosen: half-way between 3.34 (Martini's BB) and 3.81 (C-alphas, ElNeDyn's BB)
_NEAR = 1.9, 4.6  # angstrom; chosen: by hand, neighbouring BB beads of any Martini model
_WIDEST = 0.3  # angstrom, least SD of the distance of two beads in a residue; chosen: by hand, for other definitions
_BETA = 1.53  # angstrom, CA-CB; cited: Engh & Huber, Acta Cryst A 1991
_UNLIKE = 4.0  # mean square of deviations in SD, above which no model fits; chosen: by hand
_ALPHAS = 3.72, 3.88  # angstrom, median of C-alpha distances; chosen: by hand, about 3.80
_SCATTER = 0.3  # angstrom, their robust SD; chosen: by hand, 0.02 in crystals, 0.2 in one frame of soft bonds
_ROBUST = 1.4826  # no unit, SD of a Gaussian in a median absolute deviation; cited: Rousseeuw & Croux 1993
_NAMED = 6  # names in a message; chosen: by hand


@dataclass(frozen=True, eq=False)
class Decision:
    """
    What some beads are.

    Parameters
    ----------
    model : BeadModel
    trace : Trace
        Of one bead a residue, with the settings of what that bead is.
    why : str
        What distances decided it, in words; "" where none did.
    names : dict
        Names in the file -> names in the model, where they differ.
    """

    model: BeadModel
    trace: object
    why: str
    names: dict


def decide(named, trace, positions, places, asked=None):
    """
    The bead model of some beads.

    Parameters
    ----------
    named : NamedBeads
    trace : Trace
        Of their anchors.
    positions : ndarray of float, shape (F, N, 3), or None
        Of all beads.
    places : ndarray of int, shape (N,)
        Which these are in the group, ascending.
    asked : BeadModel, optional
        What the user says that they are.

    Returns
    -------
    Decision

    Raises
    ------
    MappingError
        Distances that are those of no model.
    """
    model, why = asked, ""
    if asked is None:
        models = named.models
        if not models:
            model, why = _single(trace)
        elif models[0].anchor == "BB":
            model, why = _martini(trace, models, positions, places)
        elif len(models) > 1:
            model, why = _two_beads(trace, models, positions, places)
        else:
            model = models[0]
    elif asked.name == CALVADOS:
        centres = centres_in_mixture(trace.middle, _types(trace), _inside(trace))
        model = mixed((CA, BEAD_MODELS["com"]), centres.astype(int))
    if named.unknown and asked is None:
        _refuse_unknown(trace, named, model)
    names = named.names
    if ANY in names.values():
        beads = {bead for own in model.residues.values() for bead in own} - {model.anchor}
        names = {name: next(iter(beads), name) for name in names}
    settings = replace(_settings(model, trace.settings), split=_is_gro(trace.atoms))
    if model is not CA:  # bonds may be springs of an elastic network
        settings = replace(settings, split=True, springs=True, bonds_reach=settings.bonded[1])
    return Decision(model, replace(trace, settings=settings), why, names)


def _is_gro(atoms):
    return str(getattr(getattr(atoms, "universe", None), "filename", "")).lower().endswith(".gro")


def _settings(model, given):
    """Settings for the distances of the anchors of a model."""
    if model.name == CALVADOS:
        return MIXED
    atoms = {atom for beads in model.residues.values() for atom in beads[model.anchor]}
    if atoms == {"CA"}:
        return given
    return BACKBONES if atoms <= _BACKBONE else RESIDUES


def _types(trace):
    names = trace.group.named_as_residues(trace.beads)
    return np.array([residues.TYPE_OF_NAME.get(name, -1) for name in names.tolist()])


def _inside(trace):
    return ~trace.table()[0][:-1]


def _single(trace):
    """One bead a residue: C-alpha, centre of mass, centre of the backbone, or CALVADOS' mixture."""
    if trace.lengths is None or trace.atomistic or len(trace.beads) < 2:
        return CA, ""
    kind, centres = kinds(trace.middle, _types(trace), _inside(trace))
    apart = f"neighbours lie {np.median(trace.middle[_inside(trace)]):.2f} A apart"
    if kind == "calvados":
        n = int(centres.sum())
        apart = f"neighbours lie as C-alphas do in {len(centres) - n} residues, as centres of mass in {n}"
        return mixed((CA, BEAD_MODELS["com"]), centres.astype(int)), apart
    return BEAD_MODELS[kind], "" if kind == "ca" else apart


def _martini(trace, models, positions, places):
    """ElNeDyn has its BB at C-alphas; Martini 2.2 and 3 differ in beads of ALA, TRP and TYR, else in lengths."""
    names = {model.name: model for model in models}
    if trace.lengths is None:
        return models[0], ""
    near = trace.middle[_inside(trace)]
    near = near[(near > _NEAR[0]) & (near < _NEAR[1])]
    if not len(near):
        return models[0], ""
    apart = float(np.median(near))
    why = f"neighbouring BB lie {apart:.2f} A apart"
    if apart > _ELNEDYN:
        return BEAD_MODELS["elnedyn"], why
    names.pop("elnedyn", None)
    if len(names) != 1:
        scores = {name: _deviation(trace, model, positions, places) for name, model in names.items()}
        return (names[min(scores, key=scores.get)] if scores else BEAD_MODELS["martini22"]), why
    return next(iter(names.values())), why


def _deviation(trace, model, positions, places):
    """Mean deviation of distances within residues from those that a model lists, in their standard deviations."""
    pairs, expected = [], []
    for there, kind in zip(beads_by_name(trace.group, trace.beads), trace.group.resnames[trace.beads], strict=True):
        for pair, lengths in model.lengths.get(str(kind), {}).items():
            ends = [there.get(bead, -1) for bead in pair.split("-")]
            if min(ends) >= 0:
                pairs.append(ends)
                expected.append(lengths)
    if not pairs:
        return 0.0
    field, _, crystal, spread = np.array(expected).T
    found = distance(positions, places, pairs, trace.dimensions)
    off = np.minimum(np.abs(found - field), np.abs(found - crystal))
    return float(np.minimum(off / np.maximum(spread, _WIDEST), _UNLIKE).mean())


def _two_beads(trace, models, positions, places):
    """C-alpha and another bead: the side chain's centroid, the residue's centre of mass, or CB."""
    if trace.lengths is None:
        return models[0], ""
    types, pairs, rows = _types(trace), [], []
    for row, there in enumerate(beads_by_name(trace.group, trace.beads)):
        others = [at for at in there.values() if at != trace.beads[row]]
        if len(others) == 1 and types[row] != residues.TYPE_OF_NAME["GLY"]:
            pairs.append([trace.beads[row], others[0]])
            rows.append(row)
    if not pairs:
        return models[0], ""
    found, table = distance(positions, places, pairs, trace.dimensions), tables()
    expected = {"ca_sc": table.side, "ca_cm": table.mass, "ca_cb": np.tile([_BETA, 0.0], (len(table.side), 1))}
    scores = {}
    for model in models:
        mean, spread = expected[model.name][types[rows]].T
        scores[model.name] = float(np.minimum(((found - mean) / np.maximum(spread, _WIDEST)) ** 2, _UNLIKE**2).mean())
    best = min(models, key=lambda model: scores[model.name])
    apart = f"beads of one residue lie {np.median(found):.2f} A apart"
    if scores[best.name] > _UNLIKE:
        raise MappingError(
            f"CA and one more bead in each residue, but {apart} (median), unlike C-alpha and the centroid of the side "
            "chain, the centre of mass, or CB: name the bead model, mapping='NAME' or a JSON file (--mapping), or "
            "mapping='ca' to use the CA beads alone"
        )
    return best, apart


def _refuse_unknown(trace, named, model):
    """CA and another bead are used if these CA lie as C-alphas do; CA beside several that no model has never are."""
    inside = trace.middle[_inside(trace)] if trace.lengths is not None else np.zeros(0)
    middle = float(np.median(inside)) if len(inside) else 0.0
    scatter = _ROBUST * float(np.median(np.abs(inside - middle))) if len(inside) else 0.0
    alphas = not len(inside) or (_ALPHAS[0] < middle < _ALPHAS[1] and scatter < _SCATTER)
    if alphas and model is not CA:
        return
    apart = f"neighbouring CA lie {middle:.2f} +- {scatter:.2f} A apart"
    if alphas:
        where = f"; {apart}, as C-alphas do: mapping='ca' (--mapping ca) takes these alone"
    else:
        where = f", and no C-alphas: {apart} (C-alphas 3.80, Martini's BB 3.3)"
    raise MappingError(
        f"beads CA with others beside them ({listed(named.unknown, _NAMED)}) that belong to no known bead model{where}"
        ". If you know which atoms they stand for, give the bead model as a JSON file: mapping='FILE.json' (--mapping "
        "FILE.json)"
    )
