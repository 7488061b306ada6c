"""
What is said where names and distances speak against the bead model that the user names.

Shapes: F frames, A atoms of a group, N beads.
"""

from __future__ import annotations

import numpy as np

from ..chemistry.residues import RESIDUE_NAMES
from ..molecule.attributes import listed
from ..molecule.bead_models import BEAD_MODELS
from ..molecule.mapping import MappingError
from .all_beads import places_of
from .bead_names import NamedBeads
from .bead_places import decide
from .beads import find_beads

_SHOWN = 4  # beads in a message; chosen: by hand


def overruled(asked, group, sequenced, trace, positions, places) -> list:
    """
    What the beads would be without the user's word, where that is something else.

    Parameters
    ----------
    asked : BeadModel or None
        What the user says that they are. Bead models of a file are taken as they are.
    group : Group
    sequenced : bool
        The user tells the sequence.
    trace : Trace
        Of one bead a residue.
    positions : ndarray of float, shape (F, N, 3), or None
        Of all beads.
    places : ndarray of int, shape (N,)
        Which these are in the group, ascending.

    Returns
    -------
    list of str
        One sentence, or none: where the beads that are used are of the same atoms in both models, nothing is wrong.
    """
    if asked is None or asked.name not in BEAD_MODELS or positions is None:
        return []
    try:
        named = find_beads(group, sequenced)
        known = np.isin(places_of(group, named), places).all() or _told_by_backbone(named.models)
        seen = known and np.isin(trace.beads, named.anchors).all()
        decision = decide(named if seen else NamedBeads(trace.beads), trace, positions, places)
    except MappingError:
        return []
    kinds = sorted(set(group.named_as_residues(trace.beads).tolist()) & set(RESIDUE_NAMES))
    other = differing(asked, decision.model, kinds)
    if not other:
        return []
    why = decision.why or f"neighbours lie {np.median(trace.middle):.2f} A apart"
    return [
        f"taken for beads of the model {asked.name!r}, as mapping= (--mapping) says, but names and distances are those "
        f"of {decision.model.name!r} ({why}): {listed(other, _SHOWN)} stand for other atoms there; leave mapping= out "
        "to use that"
    ]


def _told_by_backbone(models):
    """Whether one bead of each residue tells which of these models it is: Martini's that names leave open."""
    return bool(models) and models[0].anchor == "BB" and len({model.name for model in models} - {"elnedyn"}) == 1


def differing(one, two, kinds) -> list:
    """
    Beads that stand for other atoms in another bead model.

    Parameters
    ----------
    one, two : BeadModel
    kinds : list of str
        Residue names.

    Returns
    -------
    list of str
        Such as "ALA BB"; beads that only one of the models has do not count, unless they share only the anchor.

    Examples
    --------
    >>> differing(BEAD_MODELS["martini22"], BEAD_MODELS["martini3"], ["ALA", "GLY"])
    ['ALA BB']
    >>> differing(BEAD_MODELS["bb"], BEAD_MODELS["martini3"], ["ALA", "GLY"])
    []
    """
    found, shared, more = [], False, False
    for kind in kinds:
        theirs = two.residues.get(kind, {})
        for bead, shares in one.residues.get(kind, {}).items():
            other = theirs.get(two.anchor if bead == one.anchor else bead)
            shared |= other is not None and bead != one.anchor
            more |= len(theirs) > 1 and bead != one.anchor
            if other is not None and other != shares:
                found.append(f"{kind} {bead}")
    if more and not shared:
        return [f"beads {', '.join(sorted({bead for own in one.residues.values() for bead in own} - {one.anchor}))}"]
    return found
