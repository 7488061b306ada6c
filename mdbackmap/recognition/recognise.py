"""
`recognise`: the C-alpha beads among the atoms of a universe, and what molecule they are.

A trace of beads called CA, a lone bead a residue under another name, or the CA atoms of an
all-atom structure. Everything else is left out with one warning, or refused with an explanation.

Only attributes of the AtomGroup are read, and any of them but indices may be missing.
"""

from __future__ import annotations

import warnings

import numpy as np

from ..molecule.bead_models import CA
from ..molecule.mapping import MappingError
from .assembly import join, named_ends
from .bead_trace import Trace
from .beads import Group, bare_warning, find_beads, left_out
from .conformers import apart_again, one_conformer, one_place, told_conformers
from .links import refuse_closed
from .order import in_order
from .settings import DEFAULTS
from .soundness import check_frames
from .spacing import bond_lengths


def recognise(
    atoms,
    mapping=None,
    sequence=None,
    aliases=None,
    breaks=None,
    frames=None,
    dimensions=None,
    closed=False,
    settings=DEFAULTS,
):
    """
    Find the C-alpha beads of a molecule and its topology.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        Beads or atoms; their order and repetitions do not matter.
    mapping : {None, "ca"}
        Which beads to look for.
    sequence : str, list of str or dict, optional
        One-letter codes that overrule residue names: of all beads in a row, one string a chain (or one for all
        chains of its length), or by chainID (or segid).
    aliases : dict, optional
        Residue names to read as others, such as ``{"XYZ": "ALA"}``.
    breaks : {None, "auto", "topology"} or list, optional
        Where chains end, besides changes of chain and segment: found from numbers and distances
        (None, "auto"), from numbers alone, or after these beads (indices, ``(chainID, resid)``, "A:17").
    frames : ndarray of float, shape (F, N, 3) or (N, 3), or callable, optional
        Bead positions in angstrom of a few frames, or a function that returns them for the indices
        of the beads; by default the current ones, if there are any.
    dimensions : ndarray of float, shape (6,), optional
        Box of these frames; by default the current one.
    closed : bool
        Whether chains may be closed, as cyclic peptides are; models make open ones only.
    settings : RecognitionSettings, optional

    Returns
    -------
    indices : ndarray of int64, shape (N,)
        Indices of the beads in the universe, in the order of the chains: ascending but where the file has another
        order than its chains (a warning says so).
    coarse : Topology
        One bead CA a residue; `ends`, `cis` and bonds are set.

    Raises
    ------
    MappingError
        Nothing to find, unknown residues, two beads where one is expected, units other than
        angstrom, coordinates that are not finite, arguments that do not fit the molecule, a closed chain.

    Warns
    -----
    UserWarning
        Atoms were left out (water, ions, lipids, caps), or residues without a CA; one of alternate locations was
        taken; beads were put in order; the topology bonds what lies far apart; a residue stands alone.

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
    if mapping not in (None, CA.name):
        raise MappingError(f"mapping {mapping!r} is not supported: only 'ca' (C-alpha beads) is supported so far")
    atoms = getattr(atoms, "atoms", atoms)
    if len(atoms) == 0:
        raise MappingError("the selection is empty: expected C-alpha beads; check the selection string")
    atoms = getattr(atoms, "unique", atoms)
    group = Group.read(atoms, aliases)
    beads = find_beads(group, sequence is not None)
    told = bare_warning(group, beads)
    trace, alternatives = _one_bead_a_residue(atoms, group, beads, frames, dimensions, settings)
    _refuse_shared(trace, sequence)
    trace, moved = in_order(trace)
    coarse, joined = join(trace, sequence, breaks)
    if not closed and not named_ends(breaks):
        refuse_closed(trace, coarse)
    told += [told_conformers(alternatives)] * bool(alternatives) + moved + joined + [*left_out(group, trace)]
    for sentence in told:
        warnings.warn(sentence, stacklevel=2)
    return np.asarray(atoms.ix, dtype=np.int64)[trace.beads], coarse


def _one_bead_a_residue(atoms, group, beads, frames, dimensions, settings):
    """The trace of these beads, one of each residue's alternate locations, and the residues that had several."""
    occupancies = np.asarray(getattr(atoms, "occupancies", np.ones(len(atoms))), dtype=np.float64)
    beads, told = one_conformer(group, beads, occupancies)
    positions = _positions(Trace(atoms, group, beads, None, dimensions), frames)
    dimensions = getattr(atoms, "dimensions", None) if dimensions is None else dimensions
    if positions is not None:
        middle = np.median(bond_lengths(positions, dimensions), axis=0)
        keep, more = one_place(group, beads, middle, occupancies, settings)
        beads, positions, told = beads[keep], positions[:, keep], told + more
    lengths = None if positions is None else np.median(bond_lengths(positions, dimensions), axis=0)
    return Trace(atoms, apart_again(group, beads, lengths), beads, positions, dimensions, settings), told


def _positions(trace, frames):
    """Positions (F, N, 3) of the beads of a trace that has none yet, or None where there are none."""
    numbers, atoms = None, trace.atoms
    if frames is None:
        positions = getattr(atoms, "positions", None)
        if positions is None:
            return None
        frames = positions[trace.beads]
        numbers = [getattr(getattr(getattr(atoms, "universe", None), "trajectory", None), "frame", 0)]
    elif callable(frames):
        frames = frames(np.asarray(atoms.ix, dtype=np.int64)[trace.beads])
    return check_frames(frames, len(trace.beads), numbers, trace.label)


def _refuse_shared(trace, sequence):
    """Several beads in one residue: a chain whose residues are not distinguished, or beads of which one is too many."""
    owner, group = trace.group.residue[trace.beads], trace.group
    count = np.bincount(owner)[owner]
    if count.max() == 1:
        return
    at = int(np.argmax(count > 1))
    found = f"{group.label(trace.beads[at])} has {count[at]} CA beads, expected one"
    if 2 * len(np.unique(owner)) > len(owner):
        raise MappingError(f"{found}: leave one of them out of the selection")
    if sequence is None and (group.names[trace.beads] == "CA").all():
        raise MappingError(
            f"{found}: if the beads of a chain share one residue, say which residues they are, sequence='MKV...' "
            "(--sequence; a list has one string a chain)"
        )
