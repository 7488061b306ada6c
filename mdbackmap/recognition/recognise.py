"""
`recognise`: the beads of proteins among the atoms of a universe, which bead model and what molecule they are.

Names allow some bead models, distances tell which it is: C-alphas under any name, centres of mass, Martini, and others.
Of an all-atom structure the CA atoms are taken. Everything else is left out with one warning, or refused with an
explanation.

Only attributes of the AtomGroup are read, and any of them but indices may be missing.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace

import numpy as np

from ..molecule.attributes import listed
from ..molecule.bead_models import BEAD_MODELS, CA, bead_model
from ..molecule.mapping import MappingError
from ..molecule.mixed import CALVADOS
from .all_beads import all_beads, no_beads, places_of, refuse_far, together
from .assembly import join, named_ends
from .bead_places import decide
from .bead_trace import Trace
from .beads import Group, bare_warning, find_beads, left_out
from .conformers import apart_again, one_conformer, one_place, told_conformers
from .derived import as_built
from .links import with_rings
from .order import in_order
from .overruled import overruled
from .settings import DEFAULTS
from .soundness import check_frames
from .spacing import bond_lengths

_SHOWN = 8  # names in a message; chosen: by hand

logger = logging.getLogger(__name__)


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
    rest=True,
):
    """
    Find the beads of a protein, their topology, and their bead model.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        Beads or atoms; their order and repetitions do not matter.
    mapping : str, path-like or BeadModel, optional
        The bead model that the beads are of: a name of `BEAD_MODELS`, "calvados", or a JSON file of bead models. By
        default names and distances decide.
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
        of the beads, ascending; by default the current ones, if there are any.
    dimensions : ndarray of float, shape (6,), optional
        Box of these frames; by default the current one.
    closed : bool
        Whether chains may be closed that models cannot make: they are taken for open ones.
    settings : RecognitionSettings, optional
    rest : bool
        Whether to say what is no part of the protein.

    Returns
    -------
    indices : ndarray of int64, shape (N,)
        Indices of the beads in the universe, in the order of the chains: ascending but where the file has another
        order than its chains (a warning says so).
    coarse : Topology
        The beads, residue by residue in the order of the model; `ends` and bonds are set, and `cis` where beads are
        C-alphas.
    model : BeadModel
        What they are; C-alphas are `bead_models.CA`.

    Raises
    ------
    MappingError
        Nothing to find, beads of no known model, unknown residues, two beads where one is expected, units other than
        angstrom, coordinates that are not finite, arguments that do not fit the molecule, a closed chain of other
        beads than C-alphas.

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
    >>> indices, coarse, model = recognise(u.atoms)
    >>> indices.tolist(), coarse, model.name
    ([0, 1], Topology(2 atoms, 2 residues, 1 stretch: A 1-2), 'ca')
    """
    atoms = getattr(atoms, "atoms", atoms)
    if len(atoms) == 0:
        raise MappingError("the selection is empty: expected C-alpha beads; check the selection string")
    atoms, asked = getattr(atoms, "unique", atoms), _asked(mapping)
    group = together(Group.read(atoms, aliases))
    named = find_beads(group, sequence is not None, asked)
    told = bare_warning(group, named.anchors)
    anchors, alternatives = one_conformer(group, named.anchors, _occupancies(atoms))
    named = replace(named, anchors=anchors)
    places = places_of(group, named)
    dimensions = getattr(atoms, "dimensions", None) if dimensions is None else dimensions
    positions = _positions(Trace(atoms, group, places, None, dimensions), named, frames)
    trace, more = _one_bead_a_residue(Trace(atoms, group, anchors, None, dimensions, settings), positions, places)
    alternatives += more
    _refuse_shared(trace, named, sequence)
    decision = decide(named, trace, positions, places, asked)
    told += overruled(asked, group, sequence is not None, trace, positions, places)
    trace, moved = in_order(decision.trace)
    coarse, joined = join(trace, sequence, breaks)
    if not named_ends(breaks):
        coarse = with_rings(trace, coarse, decision.model is CA, strict=not closed)
    decision = replace(decision, trace=trace)
    used, beads = all_beads(decision, coarse)
    refuse_far(decision, beads, used, positions, places)
    if named.unknown and decision.model is CA:
        told.append(f"not used, as no known bead model has them beside CA: {listed(named.unknown, _SHOWN)}")
    beads, other = as_built(beads, decision.model)
    told += [told_conformers(alternatives)] * bool(alternatives) + moved + joined + other
    for sentence in (*told, *(left_out(group, trace) if rest else ()), *no_beads(group, decision, used)):
        warnings.warn(sentence, stacklevel=2)
    if asked is None:
        _tell(decision)
    return np.asarray(atoms.ix, dtype=np.int64)[used], beads, decision.model


def _asked(mapping):
    """The bead model that the user names, or None."""
    if mapping is None:
        return None
    if str(mapping).lower() == CALVADOS:
        return replace(BEAD_MODELS["com"], name=CALVADOS)
    try:
        return bead_model(mapping)
    except ValueError as error:
        more = "; 'calvados' is a mixture of ca and com" if "is not known" in str(error) else ""
        raise MappingError(f"{error}{more}") from None


def _tell(decision):
    """Say which beads these are, unless they are C-alphas."""
    model = decision.model
    if model is CA:
        return
    level = logging.INFO if logger.hasHandlers() else logging.WARNING  # without a handler Python shows warnings only
    because = f" ({decision.why})" if decision.why else ""
    words = "these are beads of the model %r%s; mapping='NAME' (--mapping NAME) takes them for those of another"
    logger.log(level, words, model.name, because)


def _occupancies(atoms):
    return np.asarray(getattr(atoms, "occupancies", np.ones(len(atoms))), dtype=np.float64)


def _one_bead_a_residue(trace, positions, places):
    """The trace with positions, one bead of each residue that has several in one place, and these residues."""
    group, beads, lengths, told = trace.group, trace.beads, None, []
    if positions is not None:
        positions = positions[:, np.searchsorted(places, beads)]
        middle = np.median(bond_lengths(positions, trace.dimensions), axis=0)
        keep, told = one_place(group, beads, middle, _occupancies(trace.atoms), trace.settings)
        beads, positions = beads[keep], positions[:, keep]
        lengths = np.median(bond_lengths(positions, trace.dimensions), axis=0)
    return replace(trace, group=apart_again(group, beads, lengths), beads=beads, positions=positions), told


def _positions(trace, named, frames):
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
    label = (lambda k: trace.group.label(trace.beads[k])) if named.several else trace.label
    return check_frames(frames, len(trace.beads), numbers, label)


def _refuse_shared(trace, named, sequence):
    """Several beads in one residue: a chain whose residues are not distinguished, or beads of which one is too many."""
    owner, group = trace.group.residue[trace.beads], trace.group
    count = np.bincount(owner)[owner]
    if count.max() == 1:
        return
    at = int(np.argmax(count > 1))
    found = f"{group.label(trace.beads[at])} has {count[at]} {group.names[trace.beads[at]]} beads, expected one"
    if named.several:
        raise MappingError(f"{found}: residues with several beads need numbers, or names that tell them apart")
    if 2 * len(np.unique(owner)) > len(owner):
        raise MappingError(f"{found}: leave one of them out of the selection")
    if sequence is None and (group.names[trace.beads] == "CA").all():
        raise MappingError(
            f"{found}: if the beads of a chain share one residue, say which residues they are, sequence='MKV...' "
            "(--sequence; a list has one string a chain)"
        )
