"""
Structure packs written as HDF5, in the layouts that `layouts` reads.

Legend: C chains, F frames, R residues. Lengths in angstrom.
"""

import json

import numpy as np

from ..chemistry.residues import ALPHABET, ATOMS, MAX_ATOMS, RESIDUE_NAMES
from .layouts import STEPS, present
from .polymers import breaks

_TEXT = {"name": "S32", "pdb_id": "S8", "method": "S24", "source": "S48"}
_COMPRESSED = {"compression": "gzip", "shuffle": True}


def describe(file, layout, how):
    """What a reader needs to know, as attributes of the file."""
    version, step = {"structures": "v2", "ensembles": "v1"}[layout], STEPS[layout]
    links = {"mmseqs": "connected components, coverage 0.6 of the target", "words": "single linkage, shared words"}
    file.attrs.update(
        {
            "format": f"mdbackmap {layout} {version}",
            "alphabet": ALPHABET,
            "atom14": json.dumps({name: list(atoms) for name, atoms in ATOMS.items()}),
            "step": step,
            "units": f"ca: int32 and rel: int16, both in units of {step} Angstrom (attribute step); rel is relative "
            "to the CA of the residue, 14 slots in atom14 order, absent atoms 0",
            "mask": "uint16, bit k set when atom14 slot k is present",
            "brk": "1 when the CA lies more than 4.5 A from the CA of the residue before it in the same chain, or its "
            "N more than 2.5 A from that residue's C",
            "cluster30": f"{how}: {links[how]}",
            "split": "0 train, 1 validation; no cluster30 is on both sides unless entries were held out by name",
        }
    )


def _residue_arrays(polymer, atom14, mask, step):
    """The columns of `residue/` for one chain; coordinates as whole steps."""
    ca = np.rint(atom14[:, 1] / step)
    relative = np.rint((atom14 - ca[:, None] * step) / step) * mask[..., None]
    relative[:, 1] = 0
    return {
        "seq": polymer.types.astype(np.int8),
        "ca": ca.astype(np.int32),
        "rel": relative.astype(np.int16),
        "mask": (mask << np.arange(MAX_ATOMS)).sum(1).astype(np.uint16),
        "brk": breaks(atom14, mask),
        "resnum": polymer.resids.astype(np.int32),
        "b": np.nan_to_num(polymer.b).clip(0, 255).astype(np.uint8),
    }


def write_structures(file, entries, by_identity, splits):
    """
    Chains one after another, in the layout of structures.

    Parameters
    ----------
    file : h5py.File
    entries : list of Entry
    by_identity : dict of int to ndarray of int, shape (C,)
        Clusters of all chains, by identity in percent.
    splits : ndarray of int, one an entry
    """
    chains = [chain for entry in entries for chain in entry.chains]
    columns = [_residue_arrays(*chain, STEPS["structures"]) for chain in chains]
    for name in columns[0]:
        file.create_dataset(f"residue/{name}", data=np.concatenate([column[name] for column in columns]), **_COMPRESSED)
    counts = [len(entry.chains) for entry in entries]
    entry_of_chain = np.repeat(np.arange(len(entries)), counts)
    pdb_ids = np.array([entry.pdb_id for entry in entries], dtype=_TEXT["pdb_id"])
    table = {
        "offset": np.cumsum([0, *(len(chain[0]) for chain in chains)]).astype(np.int64),
        "entry": entry_of_chain.astype(np.int32),
        "split": splits[entry_of_chain].astype(np.int8),
        "score": np.ones(len(chains), np.int8),
        "tier": np.zeros(len(chains), np.int8),
        "complete": np.array([_complete(polymer, mask) for polymer, _, mask in chains], np.float32),
        "pdb_id": pdb_ids[entry_of_chain],
        "chain_id": np.array([polymer.chain_id for polymer, _, _ in chains], dtype="S8"),
        **{f"cluster{identity}": values.astype(np.int32) for identity, values in by_identity.items()},
    }
    for name, values in table.items():
        file[f"chain/{name}"] = values
    for name, kind in _TEXT.items():
        texts = [getattr(entry, name).encode()[: int(kind[1:])] for entry in entries]
        file[f"entry/{name}"] = np.array(texts, dtype=kind)
    file["entry/resolution"] = np.array([entry.resolution for entry in entries], np.float32)
    file["entry/n_chains"] = np.array(counts, np.int32)
    file["entry/split"] = splits.astype(np.int8)


def _complete(polymer, mask):
    return mask.sum() / sum(len(ATOMS[RESIDUE_NAMES[kind]]) for kind in polymer.types)


def write_ensembles(file, entries, cluster_of_chain, splits, systems, left_out):
    """
    A group a system, in the layout of ensembles.

    Frames with other residues than the first one are left out, atoms that a frame lacks are left out in all.

    Parameters
    ----------
    file : h5py.File
    entries : list of Entry
        Of all frames.
    cluster_of_chain : ndarray of int, shape (C,)
    splits : ndarray of int, one an entry
    systems : dict of str to System
    left_out : list of (str, str)
        Gets names of frames that are left out, and why.
    """
    entry_of_chain = np.repeat(np.arange(len(entries)), [len(entry.chains) for entry in entries])
    names = list(dict.fromkeys(entry.system for entry in entries))
    for name in names:
        members = [k for k, entry in enumerate(entries) if entry.system == name]
        first = entries[members[0]]
        same = [k for k in members if entries[k].sequences == first.sequences]
        left_out += [(entries[k].name, "residues differ from the first frame's") for k in members if k not in same]
        frames = [[_residue_arrays(*chain, STEPS["ensembles"]) for chain in entries[k].chains] for k in same]
        frames = [{part: np.concatenate([c[part] for c in chains]) for part in chains[0]} for chains in frames]
        mask = np.bitwise_and.reduce([frame["mask"] for frame in frames])
        group = file.create_group(name)
        group.create_dataset("ca", data=np.stack([frame["ca"] for frame in frames]), **_COMPRESSED)
        relative = np.stack([frame["rel"] for frame in frames]) * present(mask)[..., None]
        group.create_dataset("rel", data=relative.astype(np.int16), **_COMPRESSED)
        for part in ("seq", "resnum"):
            group[part] = frames[0][part]
        group["mask"], group["brk"] = mask, np.bitwise_or.reduce([frame["brk"] for frame in frames])
        group["chain"] = np.repeat(np.arange(len(first.chains)), first.lengths).astype(np.int32)
        group.attrs.update(_about(first, systems.get(name), len(same)))
        group.attrs["cluster30"] = cluster_of_chain[entry_of_chain == members[0]].astype(np.int32)
        group.attrs["split"] = int(splits[members[0]])


def _about(entry, system, n_frames):
    """Attributes of a system; models of a structure file are NMR models."""
    about = {name: getattr(system, name, "") for name in ("licence", "note")}
    kind = "NMR" if system is None else system.kind
    about |= {"kind": kind, "source": entry.source, "pdb_id": entry.pdb_id, "score": 1, "frames": n_frames}
    return {**about, "residues": sum(entry.lengths)}
