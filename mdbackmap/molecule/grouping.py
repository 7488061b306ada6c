"""
`group_mapping`: groups of atoms as a `Mapping` between a molecule and its beads.

Shapes: N beads, A atoms, w weights.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .attributes import run_ends
from .bonds import bonds_of_parts, nearest_owner
from .mapping import Mapping, MappingError
from .topology import Topology

WEIGHTS = ("geometry", "mass")


@dataclasses.dataclass(frozen=True, eq=False)
class Groups:
    """
    Which atoms each bead stands for.

    Parameters
    ----------
    atoms : list of ndarray of int, shape (n,)
        Indices, one array a bead; no atom in two of them.
    name : str
        Name of the mapping, e.g. "residue".
    shares : list of ndarray of float, shape (n,), optional
        Weights of these atoms; by default those that `group_mapping` is asked for.
    """

    atoms: list
    name: str
    shares: list | None = None


def group_mapping(fine, groups, weights="geometry") -> Mapping:
    """
    The mapping of a molecule to beads at the centres of groups of atoms.

    Atoms in no group count in no bead; they rest on the bead that is nearest along the bonds.

    Parameters
    ----------
    fine : Topology
        A atoms, with bonds.
    groups : Groups
    weights : {"geometry", "mass"}
        Beads at centres of geometry or of mass.

    Returns
    -------
    Mapping
        Beads in the order of the groups, named B1, B2, ...; a bead that is one atom has its name.

    Raises
    ------
    MappingError
        Empty groups, atoms in two groups, indices or weights that do not fit.

    Examples
    --------
    >>> water = Topology(["O", "H1", "H2"], ["O", "H", "H"], [0, 0, 0], ["HOH"], [1], [""], ["A"], [""])
    >>> mapping = group_mapping(water, Groups([[0, 1, 2]], "residue"), "mass")
    >>> mapping.weights.round(3).tolist()
    [0.888, 0.056, 0.056]
    """
    atoms = [np.asarray(group, dtype=np.int64).ravel() for group in groups.atoms]
    _check(atoms, fine.n_atoms)
    shares = _shares(fine, atoms, groups.shares, weights)
    beads = np.repeat(np.arange(len(atoms)), [len(group) for group in atoms])
    flat, share = np.concatenate(atoms), np.concatenate(shares)
    kept = share != 0
    owner = np.full(fine.n_atoms, -1, dtype=np.int64)
    owner[flat] = beads
    owner = nearest_owner(owner, fine.bonds)
    return Mapping(coarse_topology(fine, atoms, owner), fine, groups.name, beads[kept], flat[kept], share[kept], owner)


def _check(atoms, n_atoms):
    if not atoms:
        raise MappingError("the mapping has no beads: expected one group of atoms for each bead")
    for bead, group in enumerate(atoms):
        if not len(group):
            raise MappingError(f"bead {bead} has no atoms: expected one or more in every group")
        if group.min() < 0 or group.max() >= n_atoms:
            raise MappingError(f"bead {bead} names atom {group.max()}, expected indices within 0..{n_atoms - 1}")
    flat = np.concatenate(atoms)
    seen, count = np.unique(flat, return_counts=True)
    if (count > 1).any():
        raise MappingError(f"atom {seen[count > 1][0]} is in {count.max()} groups: expected each atom in one bead only")


def _shares(fine, atoms, given, weights):
    """Weights of each bead's atoms; they sum to 1."""
    if weights not in WEIGHTS:
        raise MappingError(f"weights {weights!r}: expected 'geometry' (centre of geometry) or 'mass' (centre of mass)")
    if given is None:
        masses = fine.masses if weights == "mass" else np.ones(fine.n_atoms)
        if weights == "mass" and (masses <= 0).any():
            at = np.flatnonzero(masses <= 0)[0]
            raise MappingError(
                f"atom {at} ({fine.names[at]}, element {fine.elements[at]!r}) has no mass: give its element, or use "
                "weights = 'geometry'"
            )
        given = [masses[group] for group in atoms]
    if len(given) != len(atoms) or any(len(share) != len(group) for share, group in zip(given, atoms, strict=True)):
        raise MappingError("weights do not fit the groups: expected one number for each atom of each bead")
    shares = [np.asarray(share, dtype=np.float64) for share in given]
    for bead, share in enumerate(shares):
        if not (np.isfinite(share).all() and (share >= 0).all() and share.sum() > 0):
            raise MappingError(f"weights of bead {bead} are {share.tolist()}: expected none below 0 and a sum above 0")
    return [share / share.sum() for share in shares]


def coarse_topology(fine, atoms, owner) -> Topology:
    """
    The beads as a topology: each in the residue of its first atom, bonded where their atoms are.

    Parameters
    ----------
    fine : Topology
    atoms : list of ndarray of int, shape (n,)
        The atoms of each bead.
    owner : ndarray of int, shape (A,)
        The bead that each atom rests on.
    """
    first = np.array([group[0] for group in atoms])
    residue = fine.residue_of_atom[first]
    starts = np.r_[True, np.diff(residue) != 0]
    kept = residue[starts]
    names = [fine.names[group[0]] if len(group) == 1 else f"B{k + 1}" for k, group in enumerate(atoms)]
    ends = run_ends(fine.chainIDs[kept], fine.segids[kept])
    ends[:-1] |= np.array([fine.ends[i:j].any() for i, j in zip(kept[:-1], kept[1:], strict=True)], dtype=bool)
    return Topology(
        names=names,
        elements=[""] * len(atoms),
        residue_of_atom=np.cumsum(starts) - 1,
        bonds=bonds_of_parts(owner, fine.bonds),
        **(fine.of_residues(kept) | {"ends": ends, "cis": None}),
    )
