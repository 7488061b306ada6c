"""A minimal reader of structure packs, independent of the package's own."""

import h5py
import numpy as np


def read_chain(pack, chain):
    """positions (1, L, 14, 3), mask (L, 14), types (L,), ends (L,) of one chain of an open pack."""
    rows = slice(*pack["chain/offset"][chain : chain + 2])
    residue = {name: pack["residue"][name][rows] for name in ("ca", "rel", "mask", "seq", "brk")}
    positions = (residue["ca"][:, None] + residue["rel"].astype(int)) * float(pack.attrs["step"])
    mask = (residue["mask"][:, None].astype(int) >> np.arange(14) & 1).astype(bool)
    return positions[None], mask, residue["seq"].astype(int), np.append(residue["brk"][1:] > 0, True)


def read_chains(filename):
    """Every chain of a pack."""
    with h5py.File(filename) as pack:
        return [read_chain(pack, chain) for chain in range(len(pack["chain/offset"]) - 1)]
