"""
What a user may call a mapping, as groups of atoms.

================= ==========================================================================================
kind              beads
================= ==========================================================================================
"residue"         one a residue
"ca"              the C-alpha atom of each residue, which alone has a weight
"blocks:n"        n residues in a row
"atoms:n"         n atoms in a row
"beads:N"         N runs of about equal size: of residues if there are as many, else of atoms
"graph:N"         N connected parts of the bond graph, of about equal size
list of str       one selection a bead, in MDAnalysis' language
"file.json"       ``[[0, 1, 2], [3, 4]]``, or ``{"beads": [...], "weights": [...]}``
================= ==========================================================================================

No bead holds atoms of two chains. ("learned:N" needs frames: see `training.molecules.learned_mapping`.)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .grouping import Groups
from .mapping import MappingError
from .partition import partition, shares_of

KINDS = ("residue", "ca", "blocks:n", "atoms:n", "beads:N", "graph:N", "learned:N")


def groups_of(kind, fine, select=None) -> Groups:
    """
    Groups of atoms by the name of a mapping.

    Parameters
    ----------
    kind : str, path-like, or list of str or of int sequences
        See the module's table.
    fine : Topology
        The atoms, with bonds.
    select : callable, optional
        From a selection to the indices of its atoms; needed for a list of selections.

    Returns
    -------
    Groups

    Raises
    ------
    MappingError
        Another kind, a number that does not fit the molecule, a file that is not understood.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> gly = Topology(["N", "CA", "C", "O"] * 2, list("NCCO") * 2, [0] * 4 + [1] * 4, ["GLY"] * 2, [1, 2],
    ...                [""] * 2, ["A"] * 2, [""] * 2)
    >>> [group.tolist() for group in groups_of("atoms:3", gly).atoms]
    [[0, 1, 2], [3, 4, 5], [6, 7]]
    """
    if isinstance(kind, (list, tuple)):
        return _listed(kind, select)
    if str(kind).endswith(".json"):
        return _read(Path(kind))
    name, _, number = str(kind).partition(":")
    plain = {"residue": _residues, "ca": _alphas}
    counted = {"blocks": _blocks, "atoms": _atoms, "beads": _beads, "graph": _graph}
    if name in plain and not number:
        return plain[name](fine)
    if name in counted:
        if not (number.isdigit() and int(number) > 0):
            raise MappingError(f"mapping {kind!r}: expected a whole number above 0, such as '{name}:4'")
        return Groups(counted[name](fine, int(number)), f"{name}:{number}")
    if name == "learned":
        raise MappingError(
            f"mapping {kind!r} is learned from frames, in training: give it in [data] of a file for 'mdbackmap train', "
            "then name the model that comes out, as its mapping goes with it"
        )
    raise MappingError(
        f"mapping {kind!r} is not known: expected one of {', '.join(KINDS)}, a list of selections, or a JSON file"
    )


def _listed(kind, select):
    texts = [isinstance(item, str) for item in kind]
    if texts and all(texts):
        if select is None:
            raise MappingError("a mapping by selections needs the atoms of a Universe to select from")
        return Groups([np.asarray(select(text), dtype=np.int64) for text in kind], "selections")
    if any(texts):
        raise MappingError("the mapping mixes selections and indices: expected one or the other for all beads")
    return Groups([np.asarray(item, dtype=np.int64) for item in kind], "indices")


def _read(path):
    if not path.is_file():
        raise MappingError(f"no such file: {path}: expected a JSON file with the atoms of each bead")
    try:
        content = json.loads(path.read_text())
        table = content if isinstance(content, dict) else {"beads": content}
        beads = [np.array(bead, dtype=np.int64) for bead in table["beads"]]
        weights = table.get("weights")
        weights = None if weights is None else [np.array(share, dtype=np.float64) for share in weights]
    except (ValueError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise MappingError(
            f"{path} is not understood ({error}): expected [[0, 1, 2], [3, 4]], the indices of each bead's atoms from "
            '0, or {"beads": [...], "weights": [...]}'
        ) from None
    return Groups(beads, path.stem, weights)


def _runs(owner):
    """Atoms in runs of equal owner."""
    return np.split(np.arange(len(owner)), np.flatnonzero(np.diff(owner)) + 1)


def _residues(fine):
    return Groups(_runs(fine.residue_of_atom), "residue")


def _alphas(fine):
    groups, shares = [], []
    for run in _runs(fine.residue_of_atom):
        is_alpha = (fine.names[run] == "CA").astype(float)
        if is_alpha.sum() == 1:
            groups.append(run)
            shares.append(is_alpha)
    if not groups:
        raise MappingError("mapping 'ca': no residue has an atom CA; expected a protein, or another mapping")
    return Groups(groups, "ca", shares)


def _stretches(fine):
    """Residues of each unbroken stretch."""
    return np.split(np.arange(fine.n_residues), np.flatnonzero(fine.ends[:-1]) + 1)


def _blocks(fine, n):
    starts = np.concatenate([stretch[::n] for stretch in _stretches(fine)])
    block = np.cumsum(np.isin(np.arange(fine.n_residues), starts))
    return _runs(block[fine.residue_of_atom])


def _chains(fine):
    """Atoms of each unbroken stretch."""
    return _runs(np.r_[0, np.cumsum(fine.ends)[:-1]][fine.residue_of_atom])


def _atoms(fine, n):
    return [chain[start : start + n] for chain in _chains(fine) for start in range(0, len(chain), n)]


def _beads(fine, n):
    """Cuts between residues, or between atoms where there are more beads than residues; no chain is joined."""
    by_residue = n <= fine.n_residues
    sizes = [len(part) for part in (_stretches(fine) if by_residue else _chains(fine))]
    if not len(sizes) <= n <= sum(sizes):
        raise MappingError(f"{n} beads for {fine.n_atoms} atoms in {len(sizes)} chains: expected at least one a chain")
    shares = shares_of(sizes, n)
    number = np.concatenate([np.arange(s) * k // s for s, k in zip(sizes, shares, strict=True)])
    shift = np.repeat(np.r_[0, np.cumsum(shares)[:-1]], sizes)
    return _runs((number + shift)[fine.residue_of_atom] if by_residue else number + shift)


def _graph(fine, n):
    if not len(fine.bonds):
        raise MappingError("mapping 'graph:N' needs bonds, and the topology has none: give a topology with bonds")
    try:
        return partition(fine.n_atoms, fine.bonds, n)
    except ValueError as error:
        raise MappingError(str(error)) from None
