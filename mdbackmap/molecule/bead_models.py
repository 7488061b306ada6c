"""
Bead models of proteins as a table: which atoms of a residue a bead stands for, and with which shares.

Shapes: A atoms, N beads, R residues, w triples of bead, atom and weight.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .attributes import run_ends
from .bead_definition import BeadModel

_FORMAT = (
    '{"models": {"NAME": {"anchor": "BB", "weights": "mass", "residues": {"GLY": {"BB": {"N": 1.0, "CA": 1.0}}}}}}'
)


def read_bead_models(path) -> dict:
    """
    Bead models of a JSON file.

    Parameters
    ----------
    path : path-like
        A name for each model, with `anchor`, `weights` ("mass" or "equal"), `residues`, and, where there are any,
        `variants` of residues, `other_beads`, `end_atoms`, `hydrogens_if_present` and `lengths`, as in `BeadModel`
        (where the second number of a length is missing, the last one counts for it); what else a model has is not
        read.

    Returns
    -------
    dict
        `BeadModel` by name.

    Raises
    ------
    ValueError
        Another file, or a model that `BeadModel` refuses.
    """
    try:
        content = json.loads(Path(path).read_text())
        if wrong := next(_malformed(content), None):
            raise TypeError(wrong)
        return {name: _model(name, entry) for name, entry in content["models"].items()}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not understood ({error}): expected bead models, {_FORMAT}") from None


def _malformed(content):
    """What of the content of a JSON file is not as bead models are, in words."""
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict) or not models:
        yield "no models by name"
        return
    for name, entry in models.items():
        lacking = [key for key in ("anchor", "residues") if not isinstance(entry, dict) or key not in entry]
        yield from (f"model {name} has no {key}" for key in lacking)
        if lacking:
            continue
        if entry.get("weights", "mass") not in ("mass", "equal"):
            yield f"weights of model {name} are {entry['weights']!r}, expected mass or equal"
        table = entry["residues"]
        beads = list(table.items()) if isinstance(table, dict) else []
        if not beads or not all(isinstance(own, dict) for _, own in beads):
            yield f"residues of model {name} are no table of beads by residue name"
            continue
        odd = [f"{bead} of {resname}" for resname, own in beads for bead in own if not isinstance(own[bead], dict)]
        yield from (f"bead {one} in model {name} is no table of shares by atom" for one in odd)


def bead_model(name) -> BeadModel:
    """
    A bead model by its name, or that of a file.

    Parameters
    ----------
    name : str, path-like or BeadModel
        A name of `BEAD_MODELS` or of `SYNONYMS`, in any case; a JSON file with one model, or ``FILE.json:NAME``.

    Returns
    -------
    BeadModel

    Raises
    ------
    ValueError
        A name that is not known, or a file that `read_bead_models` refuses.

    Examples
    --------
    >>> bead_model("CA+SC").name, bead_model("martini2").name
    ('ca_sc', 'martini22')
    """
    if isinstance(name, BeadModel):
        return name
    path, dot, rest = str(name).partition(".json")
    if dot and (not rest or rest.startswith(":")):
        return _one_of(read_bead_models(path + dot), rest[1:], path + dot)
    plain = str(name).lower().replace("-", "_").replace("+", "_")
    known = SYNONYMS.get(plain, plain)
    if known not in BEAD_MODELS:
        raise ValueError(
            f"bead model {str(name)!r} is not known: expected one of {', '.join(BEAD_MODELS)}, or a JSON file of bead "
            "models (FILE.json, or FILE.json:NAME)"
        )
    return BEAD_MODELS[known]


def _one_of(models, name, path):
    """The model of a file that is asked for; without a name the only one."""
    if not name and len(models) == 1:
        return next(iter(models.values()))
    if name not in models:
        asked = f"has no bead model {name!r}" if name else "has several bead models"
        raise ValueError(f"{path} {asked}: expected {path}:NAME with one of {', '.join(models)}")
    return models[name]


def chain_ends(coarse) -> np.ndarray:
    """
    Residues that end a chain, not a break within one: these have an OXT.

    Parameters
    ----------
    coarse : Topology

    Returns
    -------
    ndarray of bool, shape (R,)
        The last residue of a stretch where chain or segment changes or residue numbers begin again, and the very last
        one; not where a cap follows.
    """
    runs = run_ends(coarse.chainIDs, coarse.segids)
    again = np.append(np.diff(coarse.resids) <= 0, True)
    return coarse.ends & (runs | again) & (coarse.caps[:, 1] == "") & ~coarse.hetero


def _model(name, entry):
    table = dict(entry["residues"])
    for forms in entry.get("variants", {}).values():
        table |= {form.split()[0]: beads for form, beads in forms.items()}  # "HID (amber names only)"
    by_mass = {"mass": True, "equal": False}[entry["weights"]]
    others = tuple(other for names in entry.get("other_beads", ()) for other in names.split(", "))
    hydrogens = entry.get("hydrogens_if_present", {})
    lengths = {
        residue: {pair: _length(name, f"{residue} {pair}", numbers) for pair, numbers in pairs.items()}
        for residue, pairs in entry.get("lengths", {}).get("residues", {}).items()
    }
    return BeadModel(name, entry["anchor"], table, by_mass, others, entry.get("end_atoms", {}), hydrogens, lengths)


def _length(name, of, numbers):
    """Four numbers of a length, from four, or from three without the standard deviation in the force field."""
    if len(numbers[1:]) not in (2, 3) or not all(isinstance(x, int | float) and x >= 0 for x in numbers):
        raise ValueError(
            f"bead model {name!r}: the length of {of} is {numbers}: expected mean and standard deviation in the "
            "force field, then in crystals, in angstrom"
        )
    return [*numbers] if len(numbers[1:]) == 3 else [numbers[0], numbers[2], *numbers[1:]]


BEAD_MODELS = read_bead_models(Path(__file__).with_suffix(".json"))
"""Bead models of proteins by name; the file beside this one names their sources."""

CA = BEAD_MODELS["ca"]
"""One bead a residue, at its C-alpha."""

SYNONYMS = {
    "calpha": "ca",
    "c_alpha": "ca",
    "residue_com": "com",
    "martini": "martini3",
    "martini3001": "martini3",
    "martini2": "martini22",
    "martini2.2": "martini22",
    "martini22p": "martini22",
    "martini2.2p": "martini22",
    "elnedyn22": "elnedyn",
    "elnedyn2.2": "elnedyn",
    "elnedyn22p": "elnedyn",
    "bb_only": "bb",
    "martini3_backbone": "martini3_ncaco",
}
"""Other names of these models."""
