"""
How packs lie on disk: two HDF5 layouts, read into the same flat arrays. `h5py` and numpy alone.

* *structures* ("mdbackmap structures v2"): chains one after another in `residue/`, `chain/`, `entry/`; `packing`
  writes it.
* *ensembles* ("mdbackmap ensembles v1"): a group a system, many frames each. Every frame becomes an entry of its own;
  the frames of a chain count as one 90% cluster, so that a system weighs as the square root of its number of frames.

Shapes: R residues, C chains. Lengths in angstrom.
"""

import fnmatch
import logging
from pathlib import Path

import h5py
import numpy as np

from ..chemistry.residues import ALPHABET, ATOMS, MAX_ATOMS, RESIDUE_NAMES
from ..molecule.attributes import listed
from .clusters import shared_words

logger = logging.getLogger(__name__)

STEPS = {"structures": 0.005, "ensembles": 0.001}
"""Resolution of the coordinates in angstrom; the attribute `step` of a file overrules it."""
TRAIN, VALIDATION, LEFT_OUT = 0, 1, -1
RELATED = 0.2  # chosen: by hand
"""Share of common words at which a training chain counts as a relative of another file's validation chain."""

_RESIDUE = ("seq", "ca", "rel", "mask", "brk", "b")
_CHAIN = ("entry", "split", "score", "tier", "cluster30", "cluster90", "complete", "pdb_id", "chain_id")
_COUNTS = np.array([len(ATOMS[name]) for name in RESIDUE_NAMES])


def read_pack(filename, include=None):
    """
    Read one pack of either layout.

    Parameters
    ----------
    filename : path-like
    include : sequence of str, optional
        Of a file of ensembles, only systems whose kind or name matches one of these patterns ("NMR", "nmr_*",
        "ngl_md").

    Returns
    -------
    residue : dict of ndarray
        `seq` int8 (R,), `ca` float32 (R, 3), `rel` int16 (R, 14, 3), `mask` uint16 (R,), `brk` uint8 (R,), `b` uint8
        (R,).
    chain : dict of ndarray
        `offset` int64 (C + 1,), and `entry`, `split`, `score`, `tier`, `cluster30`, `cluster90`, `complete`, `pdb_id`,
        `chain_id` (C,).
    step : float
        Unit of `rel` in angstrom.

    Raises
    ------
    ValueError
        The file is no pack, numbers residues in another way, or has nothing that `include` matches.

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> residue, chain, step = read_pack(VALIDATION)
    >>> residue["ca"].shape, len(chain["entry"]), step
    ((15589, 3), 85, 0.005)
    """
    with open_pack(filename) as pack:
        systems = _systems(pack)
        if systems == []:
            raise ValueError(
                f"{filename} is no structure pack: expected the groups residue, chain and entry, or a group a system; "
                f"found {listed(pack, 5) or 'nothing'}"
            )
        if pack.attrs.get("alphabet") != ALPHABET:
            raise ValueError(f"{filename} numbers residue types as {pack.attrs.get('alphabet')}, expected {ALPHABET}")
        layout = "ensembles" if systems else "structures"
        step = float(pack.attrs.get("step", STEPS[layout]))
        residue, chain = _ensembles(pack, systems, include, step) if systems else _structures(pack, step)
    return residue, chain, step


def open_pack(filename):
    """
    The HDF5 file of a pack, open.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        It is no HDF5 file, or a damaged one.
    """
    path = Path(filename)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {filename}")
    if path.is_dir():
        raise ValueError(f"{filename} is a folder, expected a file of 'mdbackmap pack'")
    try:
        return h5py.File(filename)
    except OSError as error:
        why = "is damaged or cut off" if h5py.is_hdf5(filename) else "is no HDF5 file"
        raise ValueError(f"{filename} {why}: expected a file of 'mdbackmap pack'") from error


def read_packs(filenames, include=None):
    """
    Read several packs as one; arguments and returns as `read_pack`.

    Entries and 90% clusters stay apart. Training chains that are related to another file's validation chains are left
    out of training (`split` -1) with a warning, for each file knows only its own split.
    """
    parts = [read_pack(filename, include) for filename in filenames]
    if len(parts) == 1:
        return parts[0]
    step = min(step for _, _, step in parts)
    residue = {name: [part[name] for part, _, _ in parts] for name in _RESIDUE}
    for k, (_, _, unit) in enumerate(parts):
        residue["rel"][k], residue["mask"][k] = _rescaled(residue["rel"][k], residue["mask"][k], unit / step)
    chain = {name: [part[name] for _, part, _ in parts] for name in _CHAIN}
    for name in ("entry", "cluster90"):
        begin = np.cumsum([0, *(values.max(initial=-1) + 1 for values in chain[name])])
        chain[name] = [values + shift for values, shift in zip(chain[name], begin, strict=False)]
    _keep_apart(filenames, parts, chain["split"])
    residue, chain = ({k: np.concatenate(v) for k, v in table.items()} for table in (residue, chain))
    lengths = np.concatenate([np.diff(part["offset"]) for _, part, _ in parts])
    return residue, {**chain, "offset": np.r_[0, np.cumsum(lengths)]}, step


def sequences(residue, chain):
    """One-letter sequences of the chains of a pack, list of str (C,)."""
    letters = np.array(list(ALPHABET))[residue["seq"]]
    return ["".join(letters[a:b]) for a, b in zip(chain["offset"][:-1], chain["offset"][1:], strict=True)]


def _systems(pack):
    """Names of the systems of a file of ensembles; None for the other layout."""
    if {"residue", "chain", "entry"} <= set(pack):
        return None
    return [name for name, group in pack.items() if isinstance(group, h5py.Group) and {"ca", "rel"} <= set(group)]


def _structures(pack, step):
    residue = {name: pack["residue"][name][:] for name in _RESIDUE}
    residue["ca"] = residue["ca"].astype(np.float32) * np.float32(step)
    chain = {name: pack["chain"][name][:] for name in (*_CHAIN, "offset")}
    return residue, {name: v if v.dtype.kind in "Sf" else v.astype(np.int64) for name, v in chain.items()}


def _ensembles(pack, systems, include, step):
    chosen = [name for name in systems if _matches(include, name, text(pack[name].attrs.get("kind", "")))]
    if not chosen:
        kinds = sorted({text(pack[name].attrs.get("kind", "")) for name in systems})
        raise ValueError(
            f"none of the {len(systems)} systems of {pack.filename} matches {include}: expected names such as "
            f"{systems[0]}, or kinds: {', '.join(kinds)}"
        )
    residue, chain = {name: [] for name in _RESIDUE}, {name: [] for name in (*_CHAIN, "length")}
    for name in chosen:
        entries = 1 + max((values[-1] for values in chain["entry"]), default=-1)
        clusters = 1 + max((values.max() for values in chain["cluster90"]), default=-1)
        for table, values in zip((residue, chain), _system(pack[name], entries, clusters, step), strict=True):
            for key, value in values.items():
                table[key].append(value)
    residue, chain = ({k: np.concatenate(v) for k, v in table.items()} for table in (residue, chain))
    return residue, {**chain, "offset": np.r_[0, np.cumsum(chain.pop("length"))]}


def _system(group, entry, cluster, step):
    """Residues and chains of one system, frame after frame; its entries and clusters are numbered from those given."""
    ca, attrs = group["ca"][:], group.attrs
    n_frames, n_residues = ca.shape[:2]
    chain_of_residue = group["chain"][:]
    begin = np.r_[True, chain_of_residue[1:] != chain_of_residue[:-1]]
    lengths = np.diff(np.r_[np.flatnonzero(begin), n_residues])
    tables = {"seq": group["seq"][:], "mask": group["mask"][:], "brk": group["brk"][:].astype(np.uint8)}
    residue = {name: np.tile(values, n_frames) for name, values in tables.items()}
    residue |= {
        "ca": (ca * step).astype(np.float32).reshape(-1, 3),
        "rel": group["rel"][:].reshape(-1, *group["rel"].shape[2:]),
    }
    n = len(lengths)
    related = np.resize(np.atleast_1d(attrs.get("cluster30", -1)), n).astype(np.int64)
    complete = np.add.reduceat([_COUNTS[tables["seq"]], present(tables["mask"]).sum(1)], np.flatnonzero(begin), axis=1)
    chain = {
        "entry": entry + np.repeat(np.arange(n_frames), n),
        "length": np.tile(lengths, n_frames),
        "cluster30": np.tile(related, n_frames),
        "cluster90": np.tile(cluster + np.arange(n), n_frames),
        "complete": np.tile((complete[1] / complete[0]).astype(np.float32), n_frames),
        "pdb_id": np.full(n * n_frames, text(attrs.get("pdb_id", "")), dtype="S8"),
        "chain_id": np.tile(np.array([str(k) for k in chain_of_residue[begin]], dtype="S8"), n_frames),
    }
    for name, usual in (("split", TRAIN), ("score", 1), ("tier", 0)):
        chain[name] = np.full(n * n_frames, int(attrs.get(name, usual)), dtype=np.int64)
    return {**residue, "b": np.zeros(len(residue["seq"]), np.uint8)}, chain


def present(mask):
    """Which slots of an atom14 array hold an atom, bool (R, 14), from the bits of a mask (R,)."""
    return (np.asarray(mask, dtype=np.int64)[:, None] >> np.arange(MAX_ATOMS) & 1).astype(bool)


def _matches(include, name, kind):
    return include is None or any(fnmatch.fnmatchcase(text, pattern) for pattern in include for text in (name, kind))


def _rescaled(relative, mask, ratio):
    """`rel` in smaller steps; atoms that do not fit any more (30 angstrom from their CA) count as missing."""
    if ratio == 1:
        return relative, mask
    finer = np.rint(relative * np.float32(ratio))
    fits = (np.abs(finer) <= np.iinfo(np.int16).max).all(-1)  # (R, 14)
    bits = (fits << np.arange(fits.shape[1])).sum(1)
    return np.where(fits[..., None], finer, 0).astype(np.int16), (mask & bits).astype(np.uint16)


def _keep_apart(filenames, parts, splits):
    """Set `split` to LEFT_OUT for training chains with a relative among another file's validation chains."""
    letters = [np.array(sequences(residue, chain), dtype=object) for residue, chain, _ in parts]
    judged = [(chain["split"] == VALIDATION) & (chain["score"] > 0) for _, chain, _ in parts]
    for k, filename in enumerate(filenames):
        others = sorted({s for j, texts in enumerate(letters) if j != k for s in texts[judged[j]]})
        trained = sorted(set(letters[k][splits[k] == TRAIN]))
        if not others or not trained:
            continue
        linked = shared_words(trained, others)
        related = [trained[row] for row in set(linked.row[linked.data >= RELATED].tolist())]
        entry = parts[k][1]["entry"]
        entries = np.unique(entry[np.isin(letters[k], related) & (splits[k] == TRAIN)])
        if len(entries):
            splits[k] = np.where(np.isin(entry, entries), LEFT_OUT, splits[k])
            logger.warning(
                "%s: %d of %d entries are left out of training: they are related to validation chains of another file",
                *(filename, len(entries), entry.max() + 1),
            )


def text(value):
    """A string of an HDF5 file, which may be bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
