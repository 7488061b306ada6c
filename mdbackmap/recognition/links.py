"""
Bonds between residues that do not follow each other: those that close a chain, and disulfides.

Shapes: F frames, R residues with one bead each, b bonds, d disulfides. Lengths in angstrom.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from ..chemistry.peptide_geometry import CIS_ABOVE, CIS_BELOW
from ..molecule.mapping import MappingError
from .spacing import bond_lengths

_SMALLEST = 5  # residues of a closed chain; chosen: by hand, smaller rings leave no peptide free to turn

logger = logging.getLogger(__name__)


def named(coarse, residue) -> str:
    """A residue in words: ``"CYS 52A of chain B"``."""
    number = f"{coarse.resids[residue]}{coarse.icodes[residue]}"
    return f"{coarse.resnames[residue]} {number} of chain {coarse.chainIDs[residue]}"


def disulfides(trace, resnames) -> np.ndarray:
    """
    Disulfides that the input lists among its bonds.

    Parameters
    ----------
    trace : Trace
    resnames : ndarray of str, shape (R,)

    Returns
    -------
    ndarray of int64, shape (d, 2)
        Cysteines whose SG are bonded, or, among beads, that are bonded and do not follow each other. None at all if
        beads of other residues are, too: these are the bonds of an elastic network.
    """
    if trace.atomistic:
        names, pairs = trace.atom_bonds
        pairs = pairs[(names == "SG").all(axis=1)]
    else:
        pairs = trace.bonds[np.abs(np.diff(trace.bonds, axis=1))[:, 0] > 1]
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    cysteines = (resnames[pairs] == "CYS").all(axis=1)
    alone = (np.bincount(pairs.ravel(), minlength=len(resnames))[pairs] == 1).all(axis=1)
    return pairs[cysteines & alone] if trace.atomistic or cysteines.all() else pairs[:0]


def with_rings(trace, coarse, supported, strict=True):
    """
    The topology with the chains that are closed: by bonds of the input, or by C and N of an all-atom model.

    Parameters
    ----------
    trace : Trace
    coarse : Topology
    supported : bool
        Whether chains of such beads may be closed.
    strict : bool
        Whether others are refused, and not taken for open ones.

    Returns
    -------
    Topology

    Raises
    ------
    MappingError
        Ends that are bonded, but do not lie as neighbours do in all frames, or belong to different pieces of a chain.
    """
    closing = [] if trace.positions is None else _closing_bonds(trace, coarse)
    closed, cis = np.zeros_like(coarse.ends), np.array(coarse.cis)
    low, high = trace.settings.bonded
    for last, first, distance in closing:
        lengths = bond_lengths(trace.positions[:, [last, first]], trace.dimensions)
        whole = last - first + 1 >= _SMALLEST and not coarse.ends[first:last].any()
        if not (supported and whole and ((lengths > low) & (lengths < high)).all()):
            if strict:
                _refuse(coarse, closing, last, first, distance)
            continue
        closed[last], cis[last] = True, CIS_ABOVE < distance < CIS_BELOW
        logger.info("chain %s is closed: %s is bonded to %s", *_ring(coarse, last, first))
    return replace(coarse, closed=closed, cis=cis) if closed.any() else coarse


def _ring(coarse, last, first):
    return coarse.chainIDs[last], named(coarse, last), named(coarse, first)


def _refuse(coarse, closing, last, first, distance):
    chain, number = coarse.chainIDs[last], f"{coarse.resids[last]}{coarse.icodes[last]}"
    more = f" ({len(closing)} such chains)" if len(closing) > 1 else ""
    raise MappingError(
        "chain {} is closed: {} is bonded to {}".format(*_ring(coarse, last, first))
        + f", {distance:.2f} A apart{more}. Expected C-alphas of one unbroken piece of {_SMALLEST} residues or more, "
        "its ends as far apart as neighbours in all frames. To have it open, with an OXT at the end, name the ends of "
        f"all chains: breaks=['{chain}:{number}'] (--breaks {chain}:{number})"
    )


def _closing_bonds(trace, coarse):
    """
    Bonds that close a chain: from a residue that ends a stretch back to one that begins one, and their lengths.

    They are as long as those of a backbone (C-alphas of cysteines, which disulfides may join, lie further apart), or of
    any length, where the list of bonds is that of a ring.
    """
    starts, found = np.append(True, coarse.ends[:-1]), []
    bonds = np.unique(np.sort(np.concatenate([trace.bonds, _peptide_bonds(trace, coarse)]), axis=1), axis=0)
    degree = np.bincount(bonds.ravel(), minlength=len(starts))
    for first, last in bonds.tolist():
        if last - first > 1 and coarse.ends[last] and starts[first]:
            distance = float(np.median(bond_lengths(trace.positions[:, [last, first]], trace.dimensions)))
            ring = (degree[first : last + 1] == 2).all()
            longest = (
                trace.settings.disulfide
                if (coarse.resnames[[first, last]] == "CYS").all()
                else trace.settings.bonded[1]
            )
            if trace.settings.bonded[0] < distance < longest or ring:
                found.append((last, first, distance))
    return found


def _peptide_bonds(trace, coarse):
    """Residues whose C and N are bonded, or lie so, in an all-atom model, int, shape (b, 2)."""
    if not trace.atomistic:
        return np.zeros((0, 2), dtype=np.int64)
    names, bonded = trace.atom_bonds
    peptide = (np.sort(names, axis=1) == ["C", "N"]).all(axis=1)
    return np.concatenate([bonded[peptide], _ends_that_meet(trace, coarse)])


def _ends_that_meet(trace, coarse):
    """Last and first residues of stretches, C and N of which lie as in a peptide bond, int, shape (b, 2)."""
    group, positions = trace.group, getattr(trace.atoms, "positions", None)
    if positions is None:
        return np.zeros((0, 2), dtype=np.int64)
    rows = {name: np.full(len(trace.beads), -1) for name in "CN"}
    for name, row in rows.items():
        atoms = np.flatnonzero((group.names == name) & (trace.bead_of_atom >= 0))
        row[trace.bead_of_atom[atoms]] = atoms
    last = np.flatnonzero(coarse.ends)
    first = np.append(0, last[:-1] + 1)
    carboxylate = group.any_in_residue(np.isin(group.names, ["OXT", "OT2"]))[trace.beads]
    known = (rows["C"][last] >= 0) & (rows["N"][first] >= 0) & ~carboxylate[last]
    last, first = last[known], first[known]
    apart = np.linalg.norm(positions[rows["C"][last]] - positions[rows["N"][first]], axis=1)
    return np.stack([last, first], axis=1)[apart < trace.settings.peptide_bond]
