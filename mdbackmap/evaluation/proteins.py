"""
Proteins read by MDAnalysis as the arrays that metrics take, and the residues that two of them share.

Nothing is imported from MDAnalysis: AtomGroups are asked for their attributes. Terminal oxygens and everything that is
no protein are left out; hydrogens are kept apart, for the clashes of all atoms. Shapes: `F` frames, `R` residues.
Positions are in angstrom.
"""

import contextlib
import dataclasses
import functools
import warnings
from collections import Counter

import numpy as np

from ..chemistry.residues import MAX_ATOMS, RESIDUE_NAMES, SLOT_OF_ATOM
from ..chemistry.variants import ATOM_ALIASES, FIRST_OXYGENS
from ..data.known import Chain, spread
from ..metrics.hydrogens import Hydrogens
from ..molecule.attributes import atom_label, attribute, canonical_resnames, listed
from ..molecule.boxes import box_vectors
from ..molecule.mapping import MappingError
from ..recognition.beads import Group
from ..recognition.recognise import recognise
from ..recognition.soundness import check_frames, check_whole, leave_out

_FRAMES_TO_BIND = 10  # frames in which the protein is looked for; chosen: by hand
_SHOWN = 8  # names in a message; chosen: by hand
_BEADS = "expected all atoms; beads are judged by 'mdbackmap check --trace'"
_TORN = 20.0  # angstrom between neighbouring C-alphas: only a periodic boundary does that; chosen: by hand


def read_protein(atoms, frames=None, *, name="", aliases=None):
    """
    The protein of an AtomGroup.

    Parameters
    ----------
    atoms : AtomGroup
        Of an all-atom Universe with a trajectory. Of alternate locations the first is taken.
    frames : sequence of int, optional
        Frame numbers; all if None.
    name : str
    aliases : dict, optional
        Residue names to read as others, ``{"XYZ": "ALA"}``.

    Returns
    -------
    Chain
        With all chains of the protein, labels, and hydrogens where there are any.

    Raises
    ------
    MappingError
        If there is no protein, or a residue is not known.
    ValueError
        If there are only C-alphas, no frames, coordinates that are not finite, or chains torn apart by a periodic
        boundary.

    Warns
    -----
    UserWarning
        If residues without a CA were left out.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import TRPCAGE_PDB, TRPCAGE_XTC
    >>> read_protein(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms, name="trp-cage")
    <Chain trp-cage: 20 residues, 20 frames>
    """
    trajectory = atoms.universe.trajectory
    frames = range(len(trajectory)) if frames is None else list(frames)
    if not len(frames):
        raise ValueError(f"no frame of {name or 'the trajectory'} to read: it has {len(trajectory)}, none was chosen")
    everything = atoms.universe.atoms
    residue = Group.read(everything, aliases).residue
    if len(atoms) and "CA" not in set(attribute(atoms, "names", "").tolist()):
        found = listed(
            [f"{n} {word or '(no name)'}" for word, n in Counter(attribute(atoms, "names", "").tolist()).most_common()],
            _SHOWN,
        )
        raise MappingError(f"{name or 'the selection'} has no CA; found are {found}: {_BEADS}")
    atoms = _single(atoms, residue[atoms.ix], aliases)
    looked_at = [frames[k] for k in spread(len(frames), _FRAMES_TO_BIND)]

    def look(indices):
        return _read(everything[indices], looked_at, name)[0]

    beads, coarse, _ = recognise(atoms, "ca", aliases=aliases, frames=look, closed=True)
    row_of_residue = np.full(residue.max() + 1, -1)
    row_of_residue[residue[beads]] = np.arange(len(beads))
    row = row_of_residue[residue[atoms.ix]]
    rows, slots, places = _places(atoms, row, coarse)
    bound = _hydrogens(atoms, row)
    read, boxes = _read(atoms[np.append(places, bound)], frames, name)
    positions = np.zeros((len(frames), len(beads), MAX_ATOMS, 3))
    positions[:, rows, slots] = read[:, : len(places)]
    mask = np.zeros(positions.shape[1:3], dtype=bool)
    mask[rows, slots] = True
    if not mask[:, [0, 2]].any():
        raise ValueError(f"{name or 'the protein'} has {len(mask)} CA and no other backbone atoms: {_BEADS}")
    hydrogens = _bind(read[:, len(places) :], row[bound], positions[0], mask) if len(bound) else None
    with _errors_of(name):
        check_whole(positions[:, :, 1], frames, coarse.ends, advice=lambda k: leave_out(k, len(trajectory)))
    chain = Chain(name, positions, mask, coarse.types, np.array(coarse.ends), "", _labels(coarse), hydrogens, boxes)
    chain = dataclasses.replace(chain, rings=tuple(map(tuple, coarse.rings.tolist())))
    _refuse_torn(chain)
    return chain


def _single(atoms, residue, aliases):
    """The group without further alternate locations, and without amino acids (of `residue`) that lack their CA."""
    names, resnames = attribute(atoms, "names", ""), attribute(atoms, "resnames", "")
    key = np.char.add(np.char.add(residue.astype(str), " "), names)
    first = np.zeros(len(key), dtype=bool)
    first[np.unique(key, return_index=True)[1]] = True
    nameless = np.isin(names, ["", "X"])
    has_ca = np.bincount(residue, names == "CA")[residue] > 0
    unique, which = np.unique(resnames, return_inverse=True)
    bare = np.isin(canonical_resnames(unique, aliases), RESIDUE_NAMES)[which] & ~has_ca
    if bare.any() and has_ca.any():
        first_of = np.unique(residue[bare], return_index=True)[1]
        bare_atoms = atoms[np.flatnonzero(bare)[first_of]]
        labels = [f"{name} {number}" for name, number in zip(bare_atoms.resnames, bare_atoms.resids, strict=True)]
        warnings.warn(f"left out: {len(labels)} amino acids without a CA: {listed(labels, _SHOWN)}", stacklevel=3)
        first &= ~bare
    return atoms[first | nameless]


def _places(atoms, row, coarse):
    """Residue, slot, and place in the group of every atom that has a slot, from the residue of each (-1: none)."""
    names = np.char.upper(attribute(atoms, "names", "")).tolist()
    place_of_atom = {}
    for place in np.flatnonzero(row >= 0).tolist():
        resname, name = str(coarse.resnames[row[place]]), names[place]
        name = ATOM_ALIASES.get((resname, name), "O" if name in FIRST_OXYGENS else name)
        if (resname, name) in SLOT_OF_ATOM:
            place_of_atom.setdefault((row[place], SLOT_OF_ATOM[resname, name]), place)
    rows, slots = np.array(list(place_of_atom)).T
    return rows, slots, np.array(list(place_of_atom.values()))


def _hydrogens(atoms, row):
    """Places in the group of the hydrogens of residues (not -1); by name, as in H, HB2, 2HB, D."""
    first = [name.lstrip("0123456789")[:1] for name in np.char.upper(attribute(atoms, "names", "")).tolist()]
    return np.flatnonzero(np.isin(first, ["H", "D"]) & (row >= 0))


def _bind(hydrogens, rows, heavy, mask):
    """Hydrogens (F, h, 3), each on the heavy atom of its residue that is nearest in the first frame."""
    distance = np.linalg.norm(heavy[rows] - hydrogens[0][:, None], axis=-1)  # (h, 14)
    nearest = np.where(mask[rows], distance, np.inf).argmin(1)
    return Hydrogens(hydrogens, rows * MAX_ATOMS + nearest)


@contextlib.contextmanager
def _errors_of(name):
    """Errors say which protein it is."""
    try:
        yield
    except MappingError as error:
        raise MappingError(f"{name or 'the protein'}: {error}") from None


def _read(atoms, frames, name):
    """
    Positions (F, A, 3) of frames, and box vectors (F, 3, 3) or None.

    If positions are not sound, an error says in which frame and atom they are not.
    """
    from ..universes.access import read_frame

    trajectory, rows = atoms.universe.trajectory, []
    for ts in (read_frame(trajectory, int(frame)) for frame in frames):
        rows.append((atoms.positions.astype(float), np.zeros(6) if ts.dimensions is None else ts.dimensions))
    positions, boxes = (np.stack(values) for values in zip(*rows, strict=True))
    advice = functools.partial(leave_out, n_frames=len(trajectory))
    with _errors_of(name):
        positions = check_frames(positions, len(atoms), frames, lambda k: atom_label(atoms[k]), advice)
    return positions, box_vectors(boxes, len(boxes))


def _labels(coarse):
    return np.array(
        [f"{c} {n}{i}".strip() for c, n, i in zip(coarse.chainIDs, coarse.resids, coarse.icodes, strict=True)]
    )


def _refuse_torn(chain):
    torn = (np.linalg.norm(np.diff(chain.beads, axis=1), axis=-1) > _TORN) & ~chain.ends[:-1]
    if torn.any():
        frame, row = np.argwhere(torn)[0]
        raise ValueError(
            f"{chain.name or 'the protein'}: residues {chain.labels[row]} and {chain.labels[row + 1]} lie more than "
            f"{_TORN:g} A apart in frame {frame}, as when a periodic boundary cuts a chain; make molecules whole first "
            "(gmx trjconv -pbc whole, cpptraj autoimage)"
        )


def common(reference, generated):
    """
    The residues that two proteins share.

    Those of equal sequences go together in order; else those of one label (chain, number, insertion code) and one type.

    Parameters
    ----------
    reference, generated : Chain

    Returns
    -------
    of_reference, of_generated : ndarray of int, shape (R,)
        Rows of each.

    Raises
    ------
    MappingError
        If they share no residue, or residues of one label differ in type.

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap.datafiles import COMPLEX_PDB
    >>> both, one = (read_protein(mda.Universe(COMPLEX_PDB).select_atoms(s)) for s in ("protein", "chainID D"))
    >>> [int(rows[0]) for rows in common(both, one)]
    [107, 0]
    """
    if np.array_equal(reference.types, generated.types):
        every = np.arange(len(reference.types))
        return every, every
    row_of = {label: row for row, label in enumerate(reference.labels)}
    pairs = [(row_of[label], row) for row, label in enumerate(generated.labels) if label in row_of]
    if not pairs:
        raise MappingError(
            f"{generated.name} ({len(generated.types)} residues, {_span(generated)}) and {reference.name} "
            f"({len(reference.types)}, {_span(reference)}) share no residue: expected equal sequences, or equal chains "
            "and numbers"
        )
    ours, theirs = np.array(pairs).T
    differ = np.flatnonzero(reference.types[ours] != generated.types[theirs])
    if len(differ):
        at = differ[0]
        one, other = (RESIDUE_NAMES[kind] for kind in (generated.types[theirs[at]], reference.types[ours[at]]))
        raise MappingError(
            f"residue {reference.labels[ours[at]]} is {one} in {generated.name} and {other} in {reference.name} "
            f"({len(differ)} such): expected one molecule; do chains and numbers agree?"
        )
    return ours, theirs


def _span(chain):
    return f"{chain.labels[0]} to {chain.labels[-1]}"


def part(chain, rows):
    """
    Some residues of a protein; where residues between them are left out, the chain is broken.

    Parameters
    ----------
    chain : Chain
    rows : ndarray of int, shape (R,)

    Returns
    -------
    Chain
    """
    ends = chain.ends[rows] | np.append(np.diff(rows) != 1, True)
    hydrogens = None if chain.hydrogens is None else chain.hydrogens.of_residues(rows)
    atoms = chain.positions[:, rows], chain.mask[rows], chain.types[rows], ends
    return Chain(chain.name, *atoms, chain.kind, chain.labels[rows], hydrogens, chain.boxes)
