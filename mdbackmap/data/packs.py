"""
Making a structure pack: PDB and mmCIF files, frames of MD, split into training and validation by sequence.

The layouts are those of `layouts`. A file that cannot be used is listed with the reason and never stops the others.

Split: chains are clustered by sequence (`clusters`, 30%); entries that share a cluster, directly or through others,
stay together. Groups of entries go to validation in an order that depends on the seed, as long as the wanted share of
residues is not exceeded; so no sequence is on both sides. Names can be held out by hand instead.

Shapes: C chains, F frames, R residues. Lengths in angstrom.
"""

import fnmatch
import json
import logging
from dataclasses import dataclass

import h5py
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..chemistry.residues import C, N
from ..files import replacing
from ..molecule.attributes import listed
from .clusters import SHARED, clusters, first_seen, tool
from .layouts import STEPS, TRAIN, VALIDATION
from .pack_files import describe, write_ensembles, write_structures

logger = logging.getLogger(__name__)

_FURTHEST = 1e6  # angstrom: coordinates beyond this are no coordinates; chosen: by hand


@dataclass(frozen=True)
class Report:
    """
    What became of the input.

    Attributes
    ----------
    n_entries, n_chains, n_residues : int
    n_validation : int
        Residues of the validation chains.
    left_out : list of (str, str)
        Names of files, systems and chains that were not used, and why.
    """

    n_entries: int
    n_chains: int
    n_residues: int
    n_validation: int
    left_out: list

    def __str__(self):
        counts = {"chain": self.n_chains, "residue": self.n_residues}
        entries = f"{self.n_entries} {'entry' if self.n_entries == 1 else 'entries'}"
        n = ", ".join([entries, *(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items())])
        left_out = f"; {len(self.left_out)} left out" if self.left_out else ""
        return f"{n} ({self.n_validation} to validate on){left_out}"


def pack(
    filename,
    paths=(),
    systems=(),
    *,
    layout="structures",
    models="first",
    validation=0.1,
    hold_out=(),
    method="auto",
    min_residues=4,
    seed=0,
    progress=lambda items, **_: items,
):
    """
    Pack structure files and trajectories into one HDF5 file.

    Parameters
    ----------
    filename : path-like
        The file to write; it appears only when it is complete, and replaces an older one.
    paths : sequence of path-like
        PDB and mmCIF files, and folders of them.
    systems : sequence of sources.System
        All-atom trajectories.
    layout : {"structures", "ensembles"}
        Every frame an entry of its own; or a group a system, whose frames all have the same atoms.
    models : {"first", "all"}
        Which models of NMR files. A file of ensembles takes all.
    validation : float
        Share of the residues that is held out, about.
    hold_out : sequence of str
        Patterns: entries and systems so named are held out, whatever their sequence, and nothing else.
    method : {"auto", "mmseqs", "words"}
        How sequences are clustered.
    min_residues : int
        Shorter chains are left out.
    seed : int
        Which groups of sequences are held out.
    progress : callable
        Wraps the sequences that take long, as tqdm does; called with `desc`.

    Returns
    -------
    Report

    Raises
    ------
    FileNotFoundError
        A path that does not exist.
    ValueError
        An unknown layout, or nothing that could be packed; the message has the first reasons.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from mdbackmap.datafiles import COMPLEX_PDB
    >>> report = pack(pathlib.Path(tempfile.mkdtemp(), "pack.h5"), [COMPLEX_PDB], validation=0)
    >>> print(report)
    1 entry, 2 chains, 194 residues (0 to validate on)
    """
    if layout not in STEPS or models not in ("first", "all") or not 0 <= validation < 1:
        raise ValueError(
            f"layout {layout!r}, models {models!r}, validation {validation!r}: "
            "expected structures or ensembles, first or all, a share in [0, 1)"
        )
    left_out = []
    models = "all" if layout == "ensembles" else models
    entries = list(_collected(paths, systems, models, min_residues, left_out, progress))
    if not entries:
        reasons = listed([f"{name}: {reason}" for name, reason in left_out], 3, "; ")
        raise ValueError(f"nothing to pack: {reasons or 'no PDB or mmCIF files found'}")
    sequences = [sequence for entry in entries for sequence in entry.sequences]
    by_identity = {identity: clusters(sequences, identity, method) for identity in SHARED}
    splits = split(entries, by_identity[30], validation, hold_out, seed)
    with replacing(filename) as aside, h5py.File(aside, "w") as file:
        describe(file, layout, tool(method))
        if layout == "structures":
            write_structures(file, entries, by_identity, splits)
        else:
            write_ensembles(file, entries, by_identity[30], splits, {s.name: s for s in systems}, left_out)
        file.attrs["left_out"] = json.dumps(left_out)
    sizes = np.array([sum(entry.lengths) for entry in entries])
    n_chains = sum(len(entry.chains) for entry in entries)
    return Report(len(entries), n_chains, int(sizes.sum()), int(sizes[splits == VALIDATION].sum()), left_out)


def _collected(paths, systems, models, min_residues, left_out, progress):
    """Entries one by one; what cannot be used goes to `left_out`."""
    from .sources import read_structure, read_system, structure_files

    for path in progress(structure_files(paths), desc="files"):
        try:
            entries = read_structure(path, models)
        except (ValueError, ImportError) as error:
            left_out.append((path.name, str(error)))
            continue
        for entry in entries:
            yield from _usable(entry, min_residues, left_out)
    for system in systems:
        try:
            for entry in read_system(system, lambda frames, name=system.name: progress(frames, desc=name), left_out):
                yield from _usable(entry, min_residues, left_out)
        except (ValueError, OSError) as error:
            left_out.append((system.name, str(error)))


def _usable(entry, min_residues, left_out):
    """The entry without chains that are short, mere traces, or of impossible coordinates, unless nothing is left."""
    kept = []
    for polymer, atom14, mask in entry.chains:
        if len(polymer) < min_residues:
            reason = f"{len(polymer)} residues, fewer than {min_residues}"
        elif not mask[:, [N, C]].any():
            reason = f"{len(polymer)} C-alphas and no other backbone atoms: expected all heavy atoms"
        elif np.abs(atom14).max() > _FURTHEST:
            reason = f"coordinates beyond {_FURTHEST:g} angstrom"
        else:
            kept.append((polymer, atom14, mask))
            continue
        label = (f"{entry.system} chain {polymer.chain_id}".strip(), reason)
        if label not in left_out:
            left_out.append(label)
    entry.chains = kept
    if kept:
        yield entry


def split(entries, cluster_of_chain, share, hold_out=(), seed=0):
    """
    Which entries are held out.

    Parameters
    ----------
    entries : list of Entry
    cluster_of_chain : ndarray of int, shape (C,)
    share : float
        Of the residues, about.
    hold_out : sequence of str
        Patterns for names of entries and systems; if there are any, they alone decide.
    seed : int

    Returns
    -------
    ndarray of int64, one an entry
        `layouts.TRAIN` or `layouts.VALIDATION`.
    """
    if hold_out:
        names = [(entry.name, entry.system) for entry in entries]
        held = [any(fnmatch.fnmatchcase(n, p) for n in pair for p in hold_out) for pair in names]
        if not any(held):
            raise ValueError(f"none of the entries matches {list(hold_out)}: names are such as {', '.join(names[0])}")
        return np.where(held, VALIDATION, TRAIN)
    entry_of_chain = np.repeat(np.arange(len(entries)), [len(entry.chains) for entry in entries])
    n = len(entries) + int(cluster_of_chain.max()) + 1
    links = (np.ones(len(entry_of_chain)), (entry_of_chain, len(entries) + cluster_of_chain))
    group = first_seen(connected_components(sparse.coo_array(links, shape=(n, n)), directed=False)[1][: len(entries)])
    sizes = np.bincount(group, weights=[sum(entry.lengths) for entry in entries])
    held, total = [], 0.0
    for candidate in np.random.default_rng(seed).permutation(len(sizes)):
        if total + sizes[candidate] <= share * sizes.sum() and len(held) < len(sizes) - 1:
            held.append(candidate)
            total += sizes[candidate]
    if share and not held:
        logger.warning(
            "nothing is held out: the %d groups of related sequences are larger than %.0f%% of the residues; "
            "raise the share, or name what is to be held out",
            *(len(sizes), 100 * share),
        )
    return np.where(np.isin(group, held), VALIDATION, TRAIN)
