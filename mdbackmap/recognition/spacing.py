"""
The geometry of a C-alpha trace: units, cis peptides, strain.

All that is decided here is decided once, when a model is bound to a molecule, from one or a few
frames, as a coarse-grained trace stretches and shrinks from frame to frame.

Shapes: F frames, N beads (one a residue). Lengths in angstrom.
"""

from __future__ import annotations

import numpy as np

from ..chemistry.peptide_geometry import BONDED, CA_TRANS, CIS_ABOVE, CIS_BELOW, CIS_BRIDGED, TRANS_BRIDGED
from ..molecule.boxes import box_vectors, nearest_images
from ..molecule.mapping import MappingError
from ..molecule.topology import Topology
from .settings import DEFAULTS

_MAD = 1.4826  # standard deviations of a Gaussian in a median absolute deviation; cited: Rousseeuw & Croux 1993
_REDUCED = 0.75, 1.25  # bond lengths, no unit; chosen: by hand, what looks like reduced units
_PER_NANOMETRE = 10  # angstrom; cited: SI


def bond_lengths(beads, dimensions=None) -> np.ndarray:
    """
    Distances from each bead to the next, chain ends included.

    Parameters
    ----------
    beads : ndarray of float, shape (..., N, 3)
        In angstrom.
    dimensions : ndarray of float, shape (6,), optional
        Box as MDAnalysis has it (lengths in angstrom, angles in degrees): nearest images are taken.

    Returns
    -------
    ndarray of float, shape (..., N - 1)
        A box that is none by MDAnalysis' rule, or a dummy, changes nothing.

    Examples
    --------
    >>> bond_lengths([[0.0, 0, 0], [3.8, 0, 0], [9.8, 0, 0]], [10, 10, 10, 90, 90, 90]).round(3).tolist()
    [3.8, 4.0]
    """
    step = np.diff(np.asarray(beads, dtype=np.float64), axis=-2)
    boxes = None if dimensions is None else box_vectors([dimensions], 1)
    if boxes is not None:
        step = nearest_images(step, boxes[0])
    return np.linalg.norm(step, axis=-1)


def check_units(lengths, settings=DEFAULTS) -> None:
    """
    Refuse a trace that is not in angstrom, or is no C-alpha trace.

    Parameters
    ----------
    lengths : ndarray of float, shape (n,)
        Distances between neighbours along the chain, as they were read.
    settings : RecognitionSettings, optional

    Raises
    ------
    MappingError
        A median far from 3.8; near 0.38 (nm) or 1.0 (reduced units) it says so. Nothing is converted.

    Examples
    --------
    >>> check_units([3.8, 3.81, 3.79])
    """
    if len(lengths) == 0:
        return
    median = float(np.median(lengths))
    low, high = settings.median if len(lengths) > 3 else settings.bonded
    if low <= median <= high:
        return
    raise MappingError(
        f"neighbouring beads lie {median:.3g} apart (median of {len(lengths)}), expected "
        f"{settings.what}: {_explain(median)}"
    )


def find_cis(trace, ends) -> np.ndarray:
    """
    Which peptides are cis.

    Parameters
    ----------
    trace : Trace
        With positions; distances of an all-atom model need no proof of being protein-like.
    ends : ndarray of bool, shape (R,)
        `Topology.ends`.

    Returns
    -------
    ndarray of bool, shape (R,)
        `Topology.cis`: the median over the frames is below 3.3 A, in a trace whose other medians are as alike
        as those of a protein: one frame of soft bonds has short ones that are no cis peptides.
    """
    cis, middle = np.zeros(len(ends), dtype=bool), trace.middle
    if trace.settings.alpha and (trace.atomistic or protein_like(middle[~ends[:-1]], trace.settings)):
        cis[:-1] = (middle < CIS_BELOW) & (middle > CIS_ABOVE) & ~ends[:-1]
    return cis


def strained(ca, coarse: Topology, dimensions=None) -> np.ndarray:
    """
    Residues whose distance to the next one no peptide bridges with the angles of proteins.

    Parameters
    ----------
    ca : ndarray of float, shape (..., R, 3)
        C-alphas in angstrom; chains whole, unless `dimensions` are given.
    coarse : Topology
        Its residues; `ends` and `cis` of those that are part of a chain are used.
    dimensions : ndarray of float, shape (6,), optional
        Box as in `bond_lengths`.

    Returns
    -------
    ndarray of bool, shape (..., R)
        True outside 3.70-3.89 A (cis: 2.85-3.05 A); False for a residue that ends a chain.

    Examples
    --------
    >>> trace = Topology(["CA"] * 3, [""] * 3, [0, 1, 2], ["GLY"] * 3, [1, 2, 3], [""] * 3, ["A"] * 3, [""] * 3)
    >>> strained([[0.0, 0, 0], [3.8, 0, 0], [7.9, 0, 0]], trace).tolist()
    [False, True, False]
    """
    lengths, chains = bond_lengths(ca, dimensions), ~coarse.hetero
    ends, cis = coarse.ends[chains], coarse.cis[chains][:-1]
    low, high = (np.where(cis, CIS_BRIDGED[k], TRANS_BRIDGED[k]) for k in (0, 1))
    found = np.zeros((*lengths.shape[:-1], len(ends)), dtype=bool)
    found[..., :-1] = ((lengths < low) | (lengths > high)) & ~ends[:-1]
    return found


def protein_like(middle, settings) -> bool:
    """Whether (n,) distances between neighbours, cis ones and breaks aside, are as alike as those of a protein."""
    trans = middle[(middle > CIS_BELOW) & (middle < BONDED[1])]
    return len(trans) == 0 or _MAD * np.median(abs(trans - np.median(trans))) < settings.protein_like


def _explain(median):
    if median < 1e-6:
        return "all beads lie on one point; load the coordinates (a trajectory) with the topology"
    if BONDED[0] <= _PER_NANOMETRE * median <= BONDED[1]:
        return f"this looks like nanometres; {_scale(_PER_NANOMETRE)}"
    if _REDUCED[0] <= median <= _REDUCED[1]:
        return f"this looks like reduced units (bond length 1); {_scale(CA_TRANS)}"
    if BONDED[0] <= median / _PER_NANOMETRE <= BONDED[1]:
        return f"this is ten times too long, as if converted from nanometres twice; {_scale(1 / _PER_NANOMETRE)}"
    return "the beads are not C-alpha atoms but, say, centres of mass of residues or backbones; or other units"


def _scale(factor):
    return (
        f"multiply positions and box by {factor}: --scale {factor} on the command line, in Python "
        f"cg.trajectory.add_transformations(mdbackmap.Scale({factor}))"
    )
