"""
What is made of a large molecule to decide on disulfides and tautomers: residues around cysteines and histidines.

Shapes: F structures, R residues, S residues that are decided on. Positions in angstrom.
"""

import dataclasses
import logging

import numpy as np

from ..molecule.nearby import near

logger = logging.getLogger(__name__)

# Residues, those of all structures, that are made, unless cysteines need more; chosen: by hand, 15 s on one thread.
_MOST = 20_000
_BONDED = 12.0  # angstrom between beads of cysteines that may be bonded; chosen: by hand, C-alphas are up to 7.5 apart
_AROUND = 12.0  # angstrom from the bead of a residue to those around it; chosen: by hand, side chains reach 6
_BESIDE = 2  # residues along the chain that go with each; chosen: by hand, ends of stretches are not near then


@dataclasses.dataclass(frozen=True)
class Vicinity:
    """
    What is made to decide.

    Attributes
    ----------
    structures : int
        How many, the first ones.
    residues : ndarray of int64, or None
        Which of the molecule; None for all of them.
    cysteines, histidines : list of int
        Residues of the molecule that are decided on.
    """

    structures: int
    residues: np.ndarray | None
    cysteines: list
    histidines: list

    @classmethod
    def of(cls, trace, cysteines, histidines, boxes=None):
        """
        All of a molecule that is not large; else what is around cysteines, and around as many histidines as may be.

        Parameters
        ----------
        trace : ndarray of float, shape (F, R, 3)
            A bead of each residue in some structures.
        cysteines, histidines : list of int
            Residues that are open.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows: what is near by any image counts.

        Returns
        -------
        Vicinity

        Examples
        --------
        >>> line = np.arange(30_000)[None, :, None] * [3.8, 0.0, 0.0]
        >>> Vicinity.of(line, [4, 20_000], [100]).residues.tolist()
        [95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105]
        """
        if trace.shape[0] * trace.shape[1] <= _MOST:
            return cls(len(trace), None, cysteines, histidines)
        cysteines = _near_another(trace, np.array(cysteines, dtype=np.int64), boxes)
        sites = np.array([*cysteines, *histidines], dtype=np.int64)
        for structures in range(len(trace), 0, -1):
            first = _first_site(trace[:structures], sites, boxes)
            count = np.searchsorted(np.sort(first), np.arange(len(sites) + 1))  # residues around so many sites
            if structures * count[-1] <= _MOST:
                break
        n_sites = max(len(cysteines), int(np.flatnonzero(structures * count <= _MOST)[-1]))
        rows, left = np.flatnonzero(first < n_sites), len(sites) - n_sites
        logger.info(
            "bonds of cysteines and protons of histidines: %d of %d residues, which are around these, are built first "
            "(structures: %d)%s",
            *(len(rows), trace.shape[1], structures),
            f"; {left} histidines are HIE unless protonation= says others" if left else "",
        )
        return cls(structures, rows, cysteines, histidines[: n_sites - len(cysteines)])


def _near_another(trace, residues, boxes):
    """Those of the residues (S,) that are near another one in one of the structures."""
    found = set()
    for frame, places in enumerate(trace[:, residues] if len(residues) else ()):
        pairs, _ = near(places, places, _BONDED, None if boxes is None else boxes[frame])
        found |= set(pairs[pairs[:, 0] != pairs[:, 1]].ravel().tolist())
    return residues[sorted(found)].tolist()


def _first_site(trace, sites, boxes):
    """The number of the first of the sites (S,) that each residue (R,) is around; S where it is around none."""
    first = np.full(trace.shape[1], len(sites))
    for frame, places in enumerate(trace if len(sites) else ()):
        pairs, _ = near(places[sites], places, _AROUND, None if boxes is None else boxes[frame])
        np.minimum.at(first, pairs[:, 1], pairs[:, 0])
    padded = np.pad(first, _BESIDE, constant_values=len(sites))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * _BESIDE + 1).min(axis=1)
