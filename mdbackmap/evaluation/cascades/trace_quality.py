"""
How usable a C-alpha trace is.

Shapes: F frames, R residues. Angstrom.
"""

import numpy as np

from ...chemistry.peptide_geometry import CA_UNCROWDED, CIS_SOUND, TRANS_SOUND


def judge_trace(ca, reference, ends, cis=None):
    """
    A trace against the one that it stands for.

    Parameters
    ----------
    ca, reference : ndarray of float, shape (F, R, 3)
    ends : ndarray of bool, shape (R,)
    cis : ndarray of bool, shape (R,), optional
        Peptides between residues l and l + 1 that are cis.

    Returns
    -------
    dict of str to float
        ``rmsd_ca``, angstrom, without superposition; ``ca_bonds``, % of neighbours 3.6-4.0 (cis 2.8-3.1) angstrom
        apart; ``ca_apart``, % of residues without another one's C-alpha, neighbours aside, within 3.5 angstrom.

    Examples
    --------
    >>> line = np.array([[[0.0, 0, 0], [3.8, 0, 0], [7.6, 0, 0], [7.6, 3.8, 0]]])
    >>> judge_trace(line, line, np.arange(4) == 3)
    {'rmsd_ca': 0.0, 'ca_bonds': 100.0, 'ca_apart': 100.0}
    """
    ca, reference = (np.asarray(x, dtype=float) for x in (ca, reference))
    cis = np.zeros(len(ends), dtype=bool) if cis is None else np.asarray(cis)
    joined = ~np.asarray(ends)[:-1]
    length = np.linalg.norm(np.diff(ca, axis=1), axis=-1)
    low, high = (np.where(cis[:-1], CIS_SOUND[k], TRANS_SOUND[k]) for k in (0, 1))
    sound = ((length >= low) & (length <= high))[:, joined]
    index = np.arange(len(ends))
    near = abs(index[:, None] - index) <= 1
    apart = []
    for frame in ca:
        distance = np.linalg.norm(frame[:, None] - frame, axis=-1)
        apart.append((np.where(near, np.inf, distance) >= CA_UNCROWDED).all(1).mean())
    return {
        "rmsd_ca": float(np.sqrt(np.square(ca - reference).sum(-1).mean(1)).mean()),
        "ca_bonds": float(100 * sound.mean()) if joined.any() else float("nan"),
        "ca_apart": float(100 * np.mean(apart)),
    }
