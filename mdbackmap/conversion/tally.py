"""
What there is to tell of a part of a conversion, added up while it runs: how far beads were moved, and what is odd.

Shapes: F frames, S samples, N beads, A atoms, R residues. Positions in angstrom.
"""

from __future__ import annotations

import logging

import numpy as np
from scipy.spatial import cKDTree

from ..chemistry.peptide_geometry import CA_CIS, CA_NEAREST, CA_TRANS, IMPOSSIBLE_OFF
from ..recognition.spacing import bond_lengths
from ..universes.frames import displacements

logger = logging.getLogger(__name__)

_NOTHING = 0.005  # angstrom; chosen: by hand, less is rounding
_NAMED = 5  # frames that warnings name; chosen: by hand
_MANY = 0.15  # share of beads that lie as C-alphas never do from which on one may ask; chosen: by hand


class Tally:
    """
    Adds up times, strains and displacements of one part of a conversion.

    Parameters
    ----------
    model : Backmapper
    options : SamplingOptions
    result : PartResult
        Of this part, empty; its arrays are filled in. Another one may take its place.
    """

    def __init__(self, model, options, result):
        self._model, self._options, self.result = model, options, result
        self._odd_frames, self._doubted = [], False  # frames to be named or counted; whether beads were doubted

    def read(self, row, frame, strain):
        """Add the `CoarseFrame` of that row of the part, and which of its residues are strained, shape (R,)."""
        self.result.times[row] = frame.time
        self.result.strained[:] += strain

    def add(self, job, positions, first, kept=None):
        """
        Add the (F, A, 3) positions of a job whose first structure is number `first` of this part.

        `kept` (F,) says which of them are written; by default all are.
        """
        mapping, part = self._model.converted, slice(first, first + len(positions))
        boxes = [frame.dimensions for frame in job.frames]
        alphas = self._alphas(self._model.system.own(positions))
        left = np.stack([impossible(one, mapping.coarse, box) for one, box in zip(alphas, boxes, strict=True)])
        left = left if kept is None else left & kept[:, None]
        self.result.unrepaired[:] += left.sum(0)
        if mapping.is_trace:
            self._doubt(left)
        if self._model.keeps_beads(self._options):
            self.result.displacements[part] = 0.0
            self._name(job, left, "beads kept")
            return
        moved = displacements(self._model, job.frames, positions, self._options)
        self.result.displacements[part] = moved
        still = ~moved.any(1)[:, None]
        self._name(job, left & ~still, "not corrected within the tolerance")
        self._name(job, left & still, "beads of this frame kept")

    def _alphas(self, positions):
        """The atoms or beads (F, R, 3) of positions (F, A, 3) that are called CA; (F, 0, 3) if residues have none."""
        mapping = self._model.converted
        if mapping.is_trace or not mapping.is_chain:
            beads = mapping.project(positions)
            return beads if (mapping.coarse.names == "CA").all() else beads[:, :0]
        fine = mapping.fine
        return positions[:, (fine.names == "CA") & ~fine.hetero[fine.residue_of_atom]]

    def _doubt(self, left):
        """Ask once whether these are C-alphas, if many lie as C-alphas never do."""
        share = left.mean()
        if share > _MANY and not self._doubted:
            self._doubted = True
            logger.warning(
                "%.0f%% of the beads lie at distances that C-alphas never have: they may be other beads, which "
                "the model does not know", 100 * share,
            )  # fmt: skip

    def _name(self, job, left, what):
        """Say, once a frame and for the first few of them, that beads lie as in no protein."""
        for row in np.flatnonzero(left.any(1)):
            frame = job.frames[row].frame
            if frame in self._odd_frames[-1:]:  # another sample of it
                continue
            self._odd_frames.append(frame)
            if len(self._odd_frames) <= _NAMED:
                residues = np.flatnonzero(left[row])
                more = f" and {len(residues) - 1} more" if len(residues) > 1 else ""
                label = self._model.converted.coarse.label(residues[0])
                words = "frame %d: C-alpha distances unlike those of proteins at %s%s: %s"
                logger.warning(words, frame, label, more, what)

    def tell_more(self):
        """Say how many frames with such beads were not named."""
        more = len(self._odd_frames) - _NAMED
        if more > 0:
            logger.warning("and %d more frames with C-alpha distances unlike those of proteins", more)


def impossible(alphas, coarse, dimensions=None):
    """
    Residues whose C-alphas lie as no protein has them, even a strained one.

    Parameters
    ----------
    alphas : ndarray of float, shape (R, 3)
        C-alphas in angstrom; none (0, 3) of coarser molecules, in which no distance is impossible.
    coarse : Topology
    dimensions : ndarray of float, shape (6,), optional
        Box as MDAnalysis has it.

    Returns
    -------
    ndarray of bool, shape (R,)
        The distance to the next one is more than 0.3 A off 3.80 (cis 2.95), or another one is nearer than 3.4 A.

    Examples
    --------
    >>> from mdbackmap import Topology
    >>> trace = Topology(["CA"] * 3, [""] * 3, [0, 1, 2], ["GLY"] * 3, [1, 2, 3], [""] * 3, ["A"] * 3, [""] * 3)
    >>> impossible([[0.0, 0, 0], [3.8, 0, 0], [8.2, 0, 0]], trace).tolist()
    [False, True, False]
    """
    if len(alphas) == 0:
        return np.zeros(coarse.n_residues, dtype=bool)
    off = np.abs(bond_lengths(alphas, dimensions) - np.where(coarse.cis[:-1], CA_CIS, CA_TRANS)) > IMPOSSIBLE_OFF
    found = np.append(off & ~coarse.ends[:-1], False)
    close = cKDTree(alphas).query_pairs(CA_NEAREST, output_type="ndarray")
    close = close[np.abs(close[:, 0] - close[:, 1]) > 1]
    found[close.ravel()] = True
    return found


def tell(displacements, anchors=None):
    """
    Log how far the beads (F, N) of frames were moved, if by more than rounding; NaN where that is not known.

    Where residues have more beads than their `anchors` (R,), what these were moved by is said beside it.
    """
    rms = np.sqrt((displacements.astype(float) ** 2).mean(1))
    known = np.isfinite(rms)
    moved = known & (rms >= _NOTHING)
    if moved.any():
        more = ""
        if anchors is not None and len(anchors) < displacements.shape[1]:
            own = np.sqrt((displacements[moved][:, anchors].astype(float) ** 2).mean(1))
            more = f"; those of the backbone alone {own.mean():.2f} A"
        logger.info(
            "beads moved in %d of %d frames: %.2f A RMS on average, %.2f at most%s",
            moved.sum(), known.sum(), rms[moved].mean(), rms[moved].max(), more,
        )  # fmt: skip
