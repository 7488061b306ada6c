"""The `Mapping` of atoms that a user names on the command line, whatever way: by groups, or by a bead model."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np

from .attributes import listed
from .bead_models import BEAD_MODELS, bead_model
from .grouping import group_mapping
from .kinds import KINDS, groups_of
from .mapping import Mapping, MappingError

_SHOWN = 8  # residues named in a message; chosen: by hand


def named_mapping(name, topology, select=None, weights="geometry", load=None) -> Mapping:
    """
    A mapping by its name, or that of a model.

    Parameters
    ----------
    name : str, path-like or list of str
        What `kinds.groups_of` knows; or a model's file or name, whose own mapping is taken.
    topology : Topology
        The atoms, with bonds.
    select : callable, optional
        From a selection to places among the atoms.
    weights : {"geometry", "mass"}
        What beads are the centres of; a model has its own.
    load : callable, optional
        From a model's name or file to its mapping, or None if it has none.

    Returns
    -------
    Mapping

    Raises
    ------
    MappingError
        Something that is neither; a model of other atoms; a model that is for many molecules.
    """
    if load is None or not (str(name).endswith(".pt") or str(name).startswith("cgvae-")):
        _refuse_unknown(name)
        return group_mapping(topology, groups_of(name, topology, select), weights)
    mapping = load(name)
    if mapping is None:
        raise MappingError(f"{name} is a model for many molecules and has no mapping of its own: give --mapping ca")
    _check(topology, mapping.fine, Path(str(name)).name)
    return mapping


def _refuse_unknown(name):
    kinds = {kind.partition(":")[0] for kind in KINDS}
    if isinstance(name, str) and not name.endswith(".json") and name.partition(":")[0] not in kinds:
        raise MappingError(
            f"mapping {name!r} is not known: expected one of {', '.join(KINDS)}, a JSON file, or a bead model of "
            f"proteins ({', '.join(BEAD_MODELS)})"
        )


def asks_for_beads(name) -> bool:
    """
    Whether the name of a mapping is that of a bead model of proteins, or of a file of these.

    Examples
    --------
    >>> asks_for_beads("martini3"), asks_for_beads("ca+sc"), asks_for_beads("graph:3")
    (True, True, False)
    """
    path, dot, rest = str(name).partition(".json")
    if dot and rest.startswith(":"):
        return True
    if dot and not rest:
        with contextlib.suppress(OSError, ValueError):  # said when it is read
            content = json.loads(Path(path + dot).read_text())
            return isinstance(content, dict) and "models" in content
        return False
    with contextlib.suppress(ValueError):
        return bool(bead_model(name))
    return False


def protein_mapping(name, fine) -> Mapping:
    """
    The beads of a bead model, from the atoms of a protein.

    Parameters
    ----------
    name : str, path-like or BeadModel
        What `bead_models.bead_model` knows.
    fine : Topology
        Atoms, hydrogens included where there are any.

    Returns
    -------
    Mapping

    Raises
    ------
    MappingError
        A bead model that is not known; residues that lack atoms of their beads.
    """
    try:
        model = bead_model(name)
        lacking = [f"{fine.label(r)} ({', '.join(atoms)})" for r, atoms in _lacking(model, fine)]
        if lacking:
            raise ValueError(
                f"{len(lacking)} residue(s) lack atoms of beads of {model.name!r}: {listed(lacking, _SHOWN)}; expected "
                "all heavy atoms: complete the structure, or leave these residues out of the selection"
            )
        return Mapping.of(model, model.topology(fine), fine)
    except ValueError as error:
        raise MappingError(str(error)) from None


def _lacking(model, fine):
    """Residues without some of the atoms that their beads stand for, and these."""
    starts = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
    for residue, (first, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        wanted = [atom for shares in model.beads_of(fine, residue).values() for atom in shares]
        missing = [atom for atom in dict.fromkeys(wanted) if atom not in fine.names[first:stop]]
        if missing:
            yield residue, missing


def _check(topology, fine, model):
    """The atoms have to be those that the model was trained on, in that order."""
    if topology.n_atoms != fine.n_atoms:
        hint = "hydrogens included" if (fine.elements == "H").any() else "without hydrogens: --select 'not element H'"
        raise MappingError(
            f"{topology.n_atoms} atoms, but {model} was trained on {fine.n_atoms}, {hint}: expected the atoms of that "
            "molecule; --select picks them"
        )
    wrong = [i for i in range(fine.n_atoms) if topology.names[i] != fine.names[i]]
    if wrong:
        at = wrong[0]
        raise MappingError(
            f"atom {at} is called {topology.names[at]}, expected {fine.names[at]} ({len(wrong)} of {fine.n_atoms} "
            f"differ): {model} was trained on other atoms, or on another order of them"
        )
