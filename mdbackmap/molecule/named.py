"""`named_mapping`: the `Mapping` of atoms that a user names on the command line, whatever way."""

from __future__ import annotations

from pathlib import Path

from .grouping import group_mapping
from .kinds import groups_of
from .mapping import Mapping, MappingError


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
        return group_mapping(topology, groups_of(name, topology, select), weights)
    mapping = load(name)
    if mapping is None:
        raise MappingError(f"{name} is a model for many molecules and has no mapping of its own: give --mapping ca")
    _check(topology, mapping.fine, Path(str(name)).name)
    return mapping


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
