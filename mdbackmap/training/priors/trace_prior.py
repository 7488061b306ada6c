"""
The tables behind `mdbackmap.traces`: how proteins bend and turn, learned from a structure pack and from Top8000.

`build` writes them into one small file:

    python -m mdbackmap.training.priors.trace_prior structures.h5 mdbackmap/traces/tables.npz

* ``trace`` (3, 3, 24, 36, 24) uint8: -log density of (C-alpha torsion, next C-alpha angle) given the angle before, by
  the classes of the two residues in the middle (other, glycine, proline), in steps of `byte_tables.STEP` nats;
  what is likelier than 1, as in the cores of helices, counts 0.
* ``rama`` (6, 72, 72) uint8: energies of the six Ramachandran maps at every 5 degrees from -180, in the same steps:
  -log of the Top8000 score, and beyond the allowed regions rising with the distance from them.

Angles at C-alphas run from 60 to 180 degrees and torsions from -180, in bins.
"""

import sys

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_filter1d

from ...chemistry.peptide_geometry import TRANS_SOUND
from ...chemistry.residues import TYPE_OF_NAME
from ...data.layouts import TRAIN, read_pack
from ...metrics.dihedrals import dihedral
from ...metrics.top8000 import RAMA_KINDS, ramachandran_score
from .byte_tables import save_energies

ANGLES, TURNS = (60.0, 180.0, 24), 36  # degrees from and to, bins; chosen: by hand, as what follows
_BLUR = (0.8, 0.8)  # grid steps of a Gaussian over counts: angles, torsion; chosen: by hand
_PRIOR = 300.0  # residues that the table of all classes counts as in that of each; chosen: by hand
_FLOOR = 2e-6  # share of counts everywhere
_SCORE_FLOOR, _SLOPE = 5e-4, 0.06  # of a Ramachandran energy: least score, nats a degree beyond it


def trace_cells(beads, types, ends):
    """
    Where each residue with an angle, a torsion and a next angle lies in the histogram (3, 3, 24, 36, 24).

    Parameters
    ----------
    beads : ndarray of float, shape (R, 3)
        C-alpha traces laid end to end, in angstrom.
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Last residue of each unbroken stretch.

    Returns
    -------
    rows : ndarray of int, shape (n,)
        The residues before the torsions' axes.
    cells : tuple of five ndarray of int, shape (n,)
    """
    step = np.diff(beads, axis=0)
    length = np.linalg.norm(step, axis=1)
    sound = ~ends[:-1] & (length > TRANS_SOUND[0]) & (length < TRANS_SOUND[1])
    step = step / np.maximum(length, 1e-6)[:, None]
    bend = np.degrees(np.arccos(np.clip(-(step[:-1] * step[1:]).sum(1), -1, 1)))
    turn = np.degrees(dihedral(*(beads[k : len(beads) - 3 + k] for k in range(4))))
    kind = np.select([types == TYPE_OF_NAME["GLY"], types == TYPE_OF_NAME["PRO"]], [1, 2], 0)
    rows = np.flatnonzero(sound[:-2] & sound[1:-1] & sound[2:])
    low, high, bins = ANGLES
    angle = np.clip(((bend - low) / (high - low) * bins).astype(int), 0, bins - 1)
    torsion = np.floor((turn + 180.0) / 360.0 * TURNS).astype(int) % TURNS
    return rows, (kind[rows + 1], kind[rows + 2], angle[rows], torsion[rows], angle[rows + 1])


def trace_energies(cells):
    """-log density (nats; per squared radian) of torsion and second angle given the first, from `trace_cells`."""
    counts = np.zeros((3, 3, ANGLES[2], TURNS, ANGLES[2]))
    np.add.at(counts, cells, 1)
    blurred = gaussian_filter1d(counts, _BLUR[1], axis=3, mode="wrap")
    for axis in (2, 4):
        blurred = gaussian_filter1d(blurred, _BLUR[0], axis=axis, mode="nearest")
    shared = blurred.sum((0, 1), keepdims=True)
    shared = shared / shared.sum() + _FLOOR
    mixed = blurred + _PRIOR * shared / shared.sum()
    share = mixed / mixed.sum((3, 4), keepdims=True)
    low, high, bins = ANGLES
    cell = np.radians(360.0 / TURNS) * np.radians((high - low) / bins)
    return -np.log(share / cell)


def ramachandran_energies():
    """Energies (6, 72, 72) in nats at phi, psi = -180, -175, ...: see the module's text."""
    fine = np.radians(np.arange(-180.0, 180.0))
    phi, psi = np.meshgrid(fine, fine, indexing="ij")
    tables = []
    for kind in range(len(RAMA_KINDS)):
        score = ramachandran_score(phi, psi, np.full(phi.shape, kind))
        score = gaussian_filter(score, 2.0, mode="wrap")
        outside = np.tile(score < 2 * _SCORE_FLOOR, (3, 3))
        distance = distance_transform_edt(outside)[360:720, 360:720]  # degrees, on the torus
        energy = -np.log(np.maximum(score, _SCORE_FLOOR)) + _SLOPE * distance
        tables.append(gaussian_filter(energy, 2.0, mode="wrap")[::5, ::5])
    return np.stack(tables)


def build(pack, filename):
    """
    Learn the tables and write them.

    Parameters
    ----------
    pack : path-like
        Structures; only the training part is read.
    filename : path-like
        The ``.npz`` to write.

    Examples
    --------
    >>> build("structures.h5", "tables.npz")  # doctest: +SKIP
    """
    residue, chain, _ = read_pack(pack)
    of_chain = np.repeat(np.arange(len(chain["offset"]) - 1), np.diff(chain["offset"]))
    ends = np.append((of_chain[1:] != of_chain[:-1]) | (residue["brk"][1:] > 0), True)
    train = chain["split"][of_chain] == TRAIN
    _, cells = trace_cells(residue["ca"], residue["seq"], ends | ~train)
    save_energies(filename, trace=trace_energies(cells), rama=ramachandran_energies())


if __name__ == "__main__":
    build(*sys.argv[1:])
