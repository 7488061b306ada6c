"""
Bond graphs of molecules of any kind, read from distances, and how they differ.

Two atoms are bonded if they are nearer than 1.3 times the sum of their covalent radii. The CGVAE paper's "graph
difference ratio" is sum |A_ref - A_gen| / sum A_ref over all pairs of atoms; a "valid graph" is one equal to the
reference's. Its code sums signed differences, so that missing and extra bonds cancel: that is ``legacy=True``.

Shapes: F frames, A atoms. Positions in angstrom.
"""

import numpy as np
from scipy.spatial.distance import pdist, squareform

from ..molecule.bonds import bonding_distances


def graph_difference(generated, reference, elements, legacy=False):
    """
    How the bonds of generated structures differ from those of their references.

    Parameters
    ----------
    generated, reference : ndarray of float, shape (F, A, 3)
        Structures and what they stand for, frame by frame.
    elements : ndarray of str, shape (A,)
    legacy : bool
        Signed differences, as the paper's code has them.

    Returns
    -------
    ratio : float
        Difference over all frames, as a share of the reference's bonds.
    valid : float
        Share of the frames whose graph is the reference's.

    Raises
    ------
    ValueError
        Other shapes, or a reference without bonds.

    Examples
    --------
    >>> pair = np.array([[[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0]]])
    >>> graph_difference(pair, pair, ["C", "C", "C"])
    (0.0, 1.0)
    >>> graph_difference(pair * [1.5, 1, 1], pair, ["C", "C", "C"])
    (1.0, 0.0)
    """
    generated, reference = (np.asarray(x, dtype=float) for x in (generated, reference))
    if generated.shape != reference.shape or generated.ndim != 3:
        raise ValueError(f"generated {generated.shape} and reference {reference.shape}: expected equal (F, a, 3)")
    reach = squareform(bonding_distances(elements), checks=False)
    counts = []
    for frame, true in zip(generated, reference, strict=True):
        made, expected = pdist(frame) < reach, pdist(true) < reach
        counts.append(((expected & ~made).sum(), (made & ~expected).sum(), expected.sum()))
    missing, extra, bonds = np.reshape(counts, (-1, 3)).T
    if not bonds.any():
        raise ValueError("the reference has no bonds: elements unknown, or lengths not in angstrom?")
    wrong = abs(missing - extra) if legacy else missing + extra
    return float(wrong.sum() / bonds.sum()), float((missing + extra == 0).mean())


def compare_structures(generated, reference, elements, legacy=False):
    """
    RMSD and graphs of structures against their references, over all and over heavy atoms.

    Parameters
    ----------
    generated, reference : ndarray of float, shape (F, A, 3)
        Angstrom.
    elements : ndarray of str, shape (A,)
    legacy : bool
        As of `graph_difference`.

    Returns
    -------
    dict of str to float
        ``rmsd`` is the mean over frames of the root mean square displacement; ``rms`` the root of the mean over all.

    Examples
    --------
    >>> pair = np.array([[[0.0, 0, 0], [1.5, 0, 0]]])
    >>> compare_structures(pair + 0.1, pair, np.array(["C", "C"]))["rmsd_heavy"].__round__(3)
    0.173
    """
    row = {}
    heavy = np.char.upper(elements) != "H"
    for name, some in (("heavy", heavy), ("all", np.ones_like(heavy))):
        squared = np.square(generated[:, some] - reference[:, some]).sum(-1)
        row[f"rmsd_{name}"] = float(np.sqrt(squared.mean(1)).mean())
        row[f"rms_{name}"] = float(np.sqrt(squared.mean()))
        if (elements != "").all() and some.sum() > 1:
            ratio, valid = graph_difference(generated[:, some], reference[:, some], elements[some], legacy)
            row[f"ged_{name}"], row[f"valid_{name}"] = ratio, valid
    return row
