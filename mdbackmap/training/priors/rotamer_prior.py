"""
The table behind `mdbackmap.packing.rotamers`: how side chains of crystals turn, learned from a structure pack.

`build` writes it:

    python -m mdbackmap.training.priors.rotamer_prior structures.h5 mdbackmap/packing/rotamers.npz

``chi`` (4, 20, 36, 72) uint8: -log share of the bins of chi 1 to 4 in steps of `byte_tables.STEP` nats, by residue type
and by the chi before it (36 bins from -180 degrees; no matter for chi 1). The 72 bins are centred on -180, -175, ...
degrees.
"""

import math
import sys

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...data.layouts import TRAIN
from ...data.structures import Structures
from .byte_tables import save_energies

BINS, BEFORE = 72, 36  # of a chi, and of the chi before it; chosen: by hand, as what follows
_MOBILE = 40.0  # square angstrom, B factor from which on side chains are not counted; chosen: by hand
_FEWEST = 50  # residues of a type that shares are made of; chosen: by hand
_BLUR = 1.0  # of counts, in bins
_SHARED = 20.0  # residues that the shares of all chis before count as in those of each; chosen: by hand
_FLOOR = 1e-5  # least share


def rotamer_energies(torsions, known, types):
    """
    -log shares (4, 20, 36, 72), in nats.

    Parameters
    ----------
    torsions : ndarray of float, shape (R, 6)
        In radians; chi 1 to 4 are columns 1 to 4.
    known : ndarray of bool, shape (R, 6)
    types : ndarray of int, shape (R,)

    Returns
    -------
    ndarray of float
        Of chis that a residue does not have, or that are too rare, all alike.
    """
    shares = np.full((4, 20, BEFORE, BINS), 1 / BINS)
    bins = np.floor(torsions / (2 * math.pi) * BINS + 0.5).astype(int) + BINS // 2
    before = np.floor(torsions / (2 * math.pi) * BEFORE).astype(int) + BEFORE // 2
    for chi, kind in np.ndindex(shares.shape[:2]):
        rows = (types == kind) & known[:, 1 + chi] & (known[:, chi] | (chi == 0))
        if rows.sum() >= _FEWEST:
            bins_before = before[rows, chi] % BEFORE if chi else 0
            shares[chi, kind] = _shares(bins_before, bins[rows, 1 + chi] % BINS, bool(chi))
    return -np.log(np.maximum(shares, _FLOOR))


def _shares(before, bins, conditional):
    counts = np.zeros((BEFORE, BINS))
    np.add.at(counts, (before, bins), 1)
    counts = gaussian_filter1d(counts, _BLUR, axis=1, mode="wrap")
    if not conditional:
        return counts[:1] / counts[0].sum()
    counts = gaussian_filter1d(counts, _BLUR, axis=0, mode="wrap")
    counts = counts + _SHARED * counts.sum(0) / counts.sum()
    return counts / counts.sum(1, keepdims=True)


def build(pack, filename):
    """
    Learn the table and write it.

    Parameters
    ----------
    pack : path-like
        Structures; only deposited ones of the training part, and no mobile residues, are counted.
    filename : path-like
        The ``.npz`` to write.

    Examples
    --------
    >>> build("structures.h5", "rotamers.npz")  # doctest: +SKIP
    """
    structures = Structures.read(pack)
    chains, of_chain = structures.chains, structures.chain.numpy()
    counted = (chains["split"][of_chain] == TRAIN) & (chains["tier"][of_chain] == 0)
    counted &= structures.b.numpy() < _MOBILE
    torsions, known = (values.numpy()[counted] for values in structures.torsions)
    energies = rotamer_energies(torsions, known, structures.types.numpy()[counted])
    save_energies(filename, chi=energies)


if __name__ == "__main__":
    build(*sys.argv[1:])
