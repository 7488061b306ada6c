"""Modified residues and D-residues among those that were recognised: what is built of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..chemistry.modified_residues import D_FORMS
from ..chemistry.variants import PARENTS
from ..molecule.attributes import listed
from ..molecule.bead_models import CA

_SHOWN = 8  # residues in a message; chosen: by hand


def as_built(coarse, model) -> tuple:
    """
    The topology as models see it, and what is said of residues that are built as others.

    D-residues are glycines where beads are C-alphas: their side chains are added as mirror images. Through other beads
    they are built as L-residues.

    Parameters
    ----------
    coarse : Topology
    model : BeadModel

    Returns
    -------
    Topology
    list of str
        Warnings.

    Examples
    --------
    >>> from mdbackmap.molecule.topology import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["LEU", "LYS"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2,
    ...                variants=["DLE", "LLP"])
    >>> built, told = as_built(two, CA)
    >>> built.resnames.tolist(), told[0]
    (['GLY', 'LYS'], 'built as the amino acids that they derive from: LYS 2 of chain A (LLP).')
    """
    mirrored = np.isin(coarse.variants, list(D_FORMS))
    told = _told(coarse, np.isin(coarse.variants, list(PARENTS)), "built as the amino acids that they derive from", "")
    if model is CA:
        return replace(coarse, resnames=np.where(mirrored, "GLY", coarse.resnames)), told
    why = f" Side chains of D-residues are made of C-alphas alone, and these are beads of {model.name!r}."
    told += _told(coarse, mirrored, "D-residues that are built as L-residues", why)
    return replace(coarse, variants=np.where(mirrored, coarse.resnames, coarse.variants)), told


def _told(coarse, chosen, what, why):
    """A sentence on some residues (R,), if there are any."""
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return []
    named = [f"{coarse.resnames[r]} {coarse.resids[r]}{coarse.icodes[r]} of chain {coarse.chainIDs[r]}" for r in rows]
    names = [f"{name} ({coarse.variants[r]})" for name, r in zip(named, rows, strict=True)]
    return [f"{what}: {listed(names, _SHOWN)}.{why}"]
