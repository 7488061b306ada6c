"""
`recognise`: the C-alpha beads among the atoms of a universe, and what molecule they are.

A trace of beads called CA, a lone bead a residue under another name, or the CA atoms of an
all-atom structure. Everything else is left out with one warning, or refused with an explanation.

Only attributes of the AtomGroup are read, and any of them but indices may be missing.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace

import numpy as np

from .. import residues
from ..attributes import attribute, bonds_within, canonical_resnames, chain_ends, chain_letters, numbering
from ..mapping import MappingError
from ..topology import Topology
from .beads import CAPS, Group, find_beads
from .breaks import find_breaks, resid_jumps, told_breaks
from .sequence import name_residues
from .soundness import check_frames
from .trace import bond_lengths, check_units, find_cis

logger = logging.getLogger(__name__)

_SHOWN = 20  # stretches


def recognise(atoms, mapping=None, sequence=None, aliases=None, breaks=None, frames=None, dimensions=None):
    """
    Find the C-alpha beads of a molecule and its topology.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        Beads or atoms; their order and repetitions do not matter.
    mapping : {None, "ca"}
        Which beads to look for.
    sequence : str, list of str or dict, optional
        One-letter codes that overrule residue names: of all beads in a row, one string a chain,
        or by chainID (or segid).
    aliases : dict, optional
        Residue names to read as others, such as ``{"XYZ": "ALA"}``.
    breaks : {None, "auto", "topology"} or list, optional
        Where chains end, besides changes of chain and segment: found from numbers and distances
        (None, "auto"), from numbers alone, or after these beads (indices or ``(chainID, resid)``).
    frames : (F, N, 3) or (N, 3) float array or callable, optional
        Bead positions in angstrom of a few frames, or a function that returns them for the indices
        of the beads; by default the current ones, if there are any.
    dimensions : (6,) float array, optional
        Box of these frames; by default the current one.

    Returns
    -------
    indices : (N,) int64 array
        Indices of the beads in the universe, ascending.
    coarse : Topology
        One bead CA a residue; `ends`, `cis` and bonds are set.

    Raises
    ------
    MappingError
        Nothing to find, unknown residues, two beads where one is expected, units other than
        angstrom, coordinates that are not finite, arguments that do not fit the molecule.

    Warns
    -----
    UserWarning
        Once, with their numbers by name, if atoms were left out (water, ions, lipids, caps).

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> u = mda.Universe.empty(2, n_residues=2, atom_resindex=[0, 1])
    >>> u.add_TopologyAttr("names", ["CA", "CA"])
    >>> u.add_TopologyAttr("resnames", ["ALA", "GLY"])
    >>> indices, coarse = recognise(u.atoms)
    >>> indices.tolist(), coarse
    ([0, 1], Topology(2 atoms, 2 residues, 1 stretch: A 1-2))
    """
    if mapping not in (None, "ca"):
        raise MappingError(f"mapping {mapping!r} is not supported: only 'ca' (C-alpha beads) is supported so far")
    atoms = getattr(atoms, "atoms", atoms)
    if len(atoms) == 0:
        raise MappingError("the selection is empty: expected C-alpha beads; check the selection string")
    atoms = getattr(atoms, "unique", atoms)
    group = Group.read(atoms, aliases)
    beads, shared = find_beads(group, sequence is not None)
    coarse = _topology(atoms, group, beads, shared, sequence)
    indices = np.asarray(atoms.ix, dtype=np.int64)[beads]
    lengths = _lengths(atoms, beads, indices, frames, dimensions, coarse.label)
    coarse = _join(atoms, group, beads, coarse, lengths, breaks)
    _warn(group, beads, shared)
    return indices, coarse


def _topology(atoms, group, beads, shared, sequence):
    _refuse_altlocs(atoms, group, beads, shared, sequence)
    table = numbering(atoms, beads)
    molecules = group.residue[beads]
    if shared:
        if len(set(table["chainIDs"])) == 1:
            table["chainIDs"] = chain_letters(molecules)
        ends = chain_ends(table["chainIDs"], molecules)
        table["resids"] = _count_from_one(ends)
    else:
        ends = chain_ends(table["chainIDs"], table["segids"])
    given = group.resnames[beads]
    if not group.amino[beads].any():  # residue names written in the name field
        named = canonical_resnames(group.names[beads])
        given = named if np.isin(named, residues.RESIDUE_NAMES).all() else given
    resnames, ends = name_residues(given, ends, table, sequence)
    n = len(beads)
    return Topology(["CA"] * n, [""] * n, np.arange(n), resnames, **table, ends=ends)


def _refuse_altlocs(atoms, group, beads, shared, sequence):
    if not shared:
        return
    owner = group.residue[beads]
    twice = beads[np.bincount(owner)[owner] > 1]
    at = f"residue {group.given[twice[0]]} {np.asarray(getattr(atoms, 'resids', group.residue + 1))[twice[0]]}"
    found = f"{at} has {np.count_nonzero(owner == group.residue[twice[0]])} CA beads, expected one"
    if (attribute(atoms, "altLocs", "")[twice] != "").any():
        raise MappingError(
            f"{found}: these are alternate locations; keep one, as by select_atoms('not altloc B C D') (--select)"
        )
    if sequence is None and (group.names[beads] == "CA").all():
        raise MappingError(
            f"{found}: if the beads of a chain share one residue, say which residues they are, sequence='MKV...' "
            "(a list has one string a chain); if they are alternate locations, select one of them"
        )


def _count_from_one(ends):
    start = np.flatnonzero(np.append(True, ends[:-1]))
    chain = np.cumsum(np.append(0, ends[:-1]))
    return np.arange(len(ends)) - start[chain] + 1


def _lengths(atoms, beads, indices, frames, dimensions, label):
    """(F, N - 1) distances between neighbours, or None where there are no positions."""
    numbers = None
    if frames is None:
        positions = getattr(atoms, "positions", None)
        if positions is None:
            return None
        frames = positions[beads]
        numbers = [getattr(getattr(getattr(atoms, "universe", None), "trajectory", None), "frame", 0)]
    elif callable(frames):
        frames = frames(indices)
    frames = check_frames(frames, len(beads), numbers, label)
    return bond_lengths(frames, getattr(atoms, "dimensions", None) if dimensions is None else dimensions)


def _join(atoms, group, beads, coarse, lengths, breaks):
    """The topology with ends, cis peptides and bonds."""
    hard = coarse.ends | _caps_behind(group, beads)
    jumps = resid_jumps(coarse)
    atomistic = group.atomistic()[beads].all()
    if lengths is not None:
        _refuse_overlaps(coarse, lengths, jumps)
        check_units(np.median(lengths, axis=0)[~hard[:-1]])
    automatic = breaks is None or (isinstance(breaks, str) and breaks == "auto")
    if automatic and lengths is not None:
        ends = find_breaks(lengths, hard, jumps, _bonded_to_next(atoms[beads]), atomistic)
    elif automatic or (isinstance(breaks, str) and breaks == "topology"):
        ends = hard | jumps
    else:
        ends = coarse.ends | told_breaks(breaks, coarse)
    first = np.flatnonzero(~ends)
    cis = None if lengths is None else find_cis(lengths, ends, atomistic)
    bonds = np.stack([first, first + 1], axis=1)
    joined = replace(_lettered(atoms, coarse, ends), ends=ends, cis=cis, bonds=bonds)
    found = joined.stretches()
    shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    logger.info("%d residues, unbroken from end to end: %s", joined.n_residues, shown)
    return joined


def _lettered(atoms, coarse, ends):
    """Chains that the input leaves nameless get letters of their own where their numbers start again."""
    if np.any(attribute(atoms, "chainIDs", "") != "") or not np.isin(coarse.segids, ["", "SYSTEM"]).all():
        return coarse
    again = ends[:-1] & ((np.diff(coarse.resids) <= 0) | (coarse.chainIDs[1:] != coarse.chainIDs[:-1]))
    return replace(coarse, chainIDs=chain_letters([f"#{i}" for i in np.cumsum(np.append(0, again))]))


def _caps_behind(group, beads):
    """(N,) bool: a terminal cap lies between a bead and the next."""
    caps = np.cumsum(np.isin(group.resnames, list(CAPS)))[beads]
    return np.append(caps[1:] > caps[:-1], True)


def _bonded_to_next(beads):
    bonds = bonds_within(beads)
    bonded = np.zeros(len(beads), dtype=bool)
    bonded[bonds.min(axis=1)[abs(bonds[:, 1] - bonds[:, 0]) == 1]] = True
    return bonded


def _refuse_overlaps(coarse, lengths, jumps):
    same = (np.diff(coarse.resids) == 0) & jumps[:-1] & ~coarse.ends[:-1] & (np.median(lengths, axis=0) < 1.0)
    if same.any() and np.median(lengths) > 1.5:
        at = np.flatnonzero(same)[0]
        raise MappingError(
            f"{coarse.label(at)} and {coarse.label(at + 1)} have one number and one place, expected one bead a "
            "residue: these are alternate locations; keep one, as by select_atoms('not altloc B C D') (--select)"
        )


def _warn(group, beads, shared):
    used = np.zeros(len(group.names), dtype=bool)
    used[beads] = True
    left = ~used if shared else ~group.any_in_residue(used)
    if left.any():
        n, names = np.count_nonzero(left), group.count(group.given[left])
        warnings.warn(f"left out as no part of the protein: {n} atoms ({names})", stacklevel=3)
