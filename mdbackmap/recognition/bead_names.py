"""
Which bead models the names of beads allow; what is left open, `bead_places` decides by distances.

Shapes: A atoms of a group, R residues.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from ..chemistry import residues
from ..molecule.attributes import listed
from ..molecule.bead_definition import BeadModel
from ..molecule.bead_models import BEAD_MODELS, CA
from ..molecule.mapping import MappingError

BACKBONE = frozenset(["BB", "BAS"])
"""Names of backbone beads; cited: Martini 2 and 3 (vermouth), and scripts before them."""

SEQUENCELESS = frozenset(["NGP", "IGL", "IPR"])
"""Residue names of AWSEM: neither glycine nor proline, glycine, proline."""

CENTROID = "SC"
"""The name of a side chain's bead in `ca_sc`, whatever a file calls it."""

ANY = "*"
"""The one bead of a residue that is not its anchor, in whatever model."""

_MARTINI = "martini3", "martini22", "elnedyn"
_PAIRS = "ca_sc", "ca_cm"  # C-alpha and one other bead
_SHORT = 5  # heavy atoms of alanine; cited: chemistry
_PEPTIDE = frozenset(["N", "C", "O", "OXT", "OT1", "OT2", "O1", "O2"])  # atoms of a backbone besides CA
_MOST = 0.8  # share of residues whose beads are as a model has them; chosen: by hand, ends and faults are few
_ALONE = 1.05  # beads a residue besides CA, at most, where there is one; chosen: by hand
_GENERATED = 10  # residues of glycine in a row; chosen: by hand, no protein has as many
_HALF = 0.5  # share of residues; chosen: by hand
_SHOWN = 4  # residues or names in a message; chosen: by hand


@dataclass(frozen=True, eq=False)
class NamedBeads:
    """
    Beads as far as their names tell.

    Parameters
    ----------
    anchors : ndarray of int, shape (R,)
        Places in the group of one bead of each residue.
    models : tuple of BeadModel
        What they may be; empty for lone beads, of which names say nothing.
    names : dict
        Names in the file -> names in the model, where they differ.
    unknown : tuple of str
        Names of beads beside CA that no model has, where more than a few residues have some.
    """

    anchors: np.ndarray
    models: tuple = ()
    names: dict = field(default_factory=dict)
    unknown: tuple = ()

    @property
    def several(self) -> bool:
        """Whether residues may have several beads."""
        return any(len(beads) > 1 for model in self.models for beads in model.residues.values())


class Companions:
    """
    What lies in the residues of some beads, beside them.

    Parameters
    ----------
    group : Group
    anchors : ndarray of int, shape (R,)
    """

    def __init__(self, group, anchors):
        row = np.full(group.residue.max() + 1, -1)
        row[group.residue[anchors]] = np.arange(len(anchors))
        row = row[group.residue]
        heavy = (row >= 0) & ~np.isin(np.arange(len(row)), anchors) & ~hydrogens(group.names)
        found = [set() for _ in anchors]
        for at, name in zip(row[heavy].tolist(), group.names[heavy].tolist(), strict=True):
            found[at].add(name)
        self.kinds = Counter(zip(group.resnames[anchors].tolist(), map(frozenset, found), strict=True))
        self.total = len(anchors)
        self.names = {name for _, own in self.kinds for name in own}

    def share(self, asked) -> float:
        """Share of the residues of which `asked(resname, names)` is true, among those of which it is not None."""
        yes, of = 0, 0
        for (resname, own), n in self.kinds.items():
            if (answer := asked(resname, own)) is not None:
                yes, of = yes + n * bool(answer), of + n
        return yes / of if of else 0.0

    def having(self, *names) -> float:
        """Share of the residues that have all of these beads; glycine is not asked for CB."""
        return self.share(lambda resname, own: None if resname == "GLY" and names == ("CB",) else own >= set(names))

    def strange(self) -> tuple:
        """Names in residues that are not all-atom ones, if more than a few of the residues have some."""
        odd = {kind: n for kind, n in self.kinds.items() if kind[1] and not kind[1] >= {"N", "C"}}
        few = sum(odd.values()) <= (1 - _MOST) * self.total
        return () if few else tuple(sorted({name for _, own in odd for name in own}))

    def fit(self, model) -> float:
        """Share of the residues that have just the beads of a model."""
        none = set(model.others) - {bead for own in model.residues.values() for bead in own}

        def fits(resname, own):
            return own - none == set(model.residues[resname]) - {model.anchor} if resname in model.residues else None

        return self.share(fits)


def hydrogens(names) -> np.ndarray:
    """Whether names are those of hydrogens, bool, shape (A,)."""
    return np.char.startswith(np.char.lstrip(names, "0123456789"), "H")


def martini(group):
    """
    Martini's beads by name, or None.

    Parameters
    ----------
    group : Group

    Returns
    -------
    NamedBeads or None
        Side chains are SC1, SC2, ...; CA beside such beads are virtual sites.
    """
    backbone = np.isin(group.names, list(BACKBONE)) & ~group.other
    if not (backbone & group.amino).any() and ((group.names == "CA") & group.amino).any():
        return None  # an atom of a ligand
    side = np.char.startswith(group.names, "SC")
    if not (backbone & group.any_in_residue(side)).any() and not (backbone.any() and (group.names == "CA").any()):
        return None
    anchors = np.flatnonzero(backbone)
    beside = Companions(group, anchors)
    if beside.names <= {"CA"}:
        return NamedBeads(anchors)
    charged = not beside.names.isdisjoint(BEAD_MODELS["martini22"].others)
    models = [BEAD_MODELS[name] for name in (_MARTINI[1:] if charged else _MARTINI)]
    best = max(beside.fit(model) for model in models)
    if best < _HALF:
        _refuse_unlike(group, anchors, models[0], "Martini's")
    return NamedBeads(anchors, tuple(model for model in models if beside.fit(model) > best - 1e-9))


def beside_alphas(group, anchors, sequenced=False):
    """
    What beads called CA are by what lies beside them in their residues.

    Parameters
    ----------
    group : Group
    anchors : ndarray of int, shape (R,)
        Beads called CA.
    sequenced : bool
        The user tells the sequence: what the file calls residues says nothing of their side chains.

    Returns
    -------
    NamedBeads
        Atoms of an all-atom model are C-alphas, whatever lies beside them.
    """
    beside = Companions(group, anchors)
    backbone = beside.having("N", "C") >= _MOST
    if beside.having("O") >= _MOST and np.isin(group.given[anchors], list(SEQUENCELESS)).mean() > _HALF:
        return NamedBeads(anchors, (BEAD_MODELS["awsem"],))
    if not beside.names or (backbone and _all_atoms(beside, sequenced)):
        return NamedBeads(anchors, (CA,) if beside.names else ())
    alphas = [model for model in BEAD_MODELS.values() if model.anchor == "CA"]
    fits = {model.name: beside.fit(model) for model in alphas if NamedBeads(anchors, (model,)).several}
    best = max(fits, key=fits.get)
    if fits[best] >= _MOST:
        if best in _PAIRS:
            return NamedBeads(anchors, tuple(BEAD_MODELS[name] for name in _PAIRS), dict.fromkeys(beside.names, ANY))
        return NamedBeads(anchors, (BEAD_MODELS[best],))
    if backbone:
        return _of_backbone(anchors, beside)
    return _with_centroid(anchors, beside)


def as_told(group, anchors, asked):
    """Beads of the model that the user names; where it has one bead beside the anchor, that may have any name."""
    own = {bead for beads in asked.residues.values() for bead in beads} - {asked.anchor}
    common, _ = _common(beside := Companions(group, anchors), beside.names) if len(own) == 1 else ([], 0)
    other = len(common) == 1 and beside.names.isdisjoint(own)
    return NamedBeads(anchors, (asked,), {common[0]: next(iter(own))} if other else {})


def _all_atoms(beside, sequenced):
    """
    Whether side chains are there beyond CB, atom by atom; or no residue has any.

    A longer chain of glycine alone is what structure generators write before there is a sequence.
    """

    def beyond(resname, own):
        atoms = set(residues.ATOMS.get(resname, ())) - _PEPTIDE - {"CA", "CB"}
        return len(own & atoms) > len(atoms) / 2 if atoms else None

    kinds = {resname for resname, _ in beside.kinds}
    if beside.names <= _PEPTIDE | {"CB"} and (sequenced or (kinds == {"GLY"} and beside.total >= _GENERATED)):
        return False
    longer = any(len(residues.ATOMS.get(resname, ())) > _SHORT for resname in kinds)
    return not longer or beside.share(beyond) >= _HALF


def _of_backbone(anchors, beside):
    """N, CA, C, perhaps O and CB, and perhaps a side chain's bead under one name."""
    atoms = ["N", "C", *(atom for atom in ("O", "CB") if beside.having(atom) >= _MOST)]
    common, _ = _common(beside, beside.names - _PEPTIDE - {"CB"})
    if len(common) == 1:
        return NamedBeads(anchors, (_extended(atoms, CENTROID),), {common[0]: CENTROID})
    return NamedBeads(anchors, (_extended(atoms),))


def _common(beside, names):
    """Those of some names that most residues have, and the shares of all summed; glycine is not asked."""
    shares = {
        name: beside.share(lambda resname, own, x=name: None if resname == "GLY" else x in own)
        for name in sorted(names)
    }
    return [name for name, share in shares.items() if share >= _MOST], sum(shares.values())


def _extended(atoms, centroid=None):
    """The bead model of these backbone atoms, with CA, and perhaps of a side chain's centroid."""
    table = {}
    for name, own in residues.ATOMS.items():
        table[name] = {"CA": {"CA": 1.0}} | {atom: {atom: 1.0} for atom in atoms if atom in own}
        if centroid and (side := BEAD_MODELS["ca_sc"].residues[name].get(CENTROID)):
            table[name][centroid] = dict(side)
    ending = "" if "O" in atoms else "_no_o"
    name = "backbone" + ("_cb" if "CB" in atoms else "") + ("_sc" if centroid else "") + ending
    return BeadModel(name, "CA", table, by_mass=True)


def _with_centroid(anchors, beside):
    """CA and one other bead, under any name: a centroid, a centre of mass, or CB; distances tell."""
    common, total = _common(beside, beside.names)
    if len(common) == 1 and total < _ALONE:
        beta = replace(_extended(["CB"]), name="ca_cb")
        models = (*(BEAD_MODELS[name] for name in _PAIRS), beta)
        return NamedBeads(anchors, models, {common[0]: ANY}, tuple(sorted(beside.names)))
    return NamedBeads(anchors, (CA,), unknown=beside.strange())


def _refuse_unlike(group, anchors, model, whose):
    shown = []
    for anchor in anchors:
        own = group.names[group.residue == group.residue[anchor]].tolist()
        wanted = model.residues.get(str(group.resnames[anchor]))
        if wanted is not None and set(own) != set(wanted):
            shown.append(f"{group.label(anchor)} has {', '.join(own)} ({whose}: {', '.join(wanted)})")
        if len(shown) == _SHOWN:
            break
    raise MappingError(
        f"beads called as {whose} are, but most residues have others: {listed(shown, _SHOWN)}; if they are those of "
        "another model, name it: mapping='NAME' or a JSON file (--mapping)"
    )
