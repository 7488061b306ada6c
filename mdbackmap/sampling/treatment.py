"""
What is done with a trace before atoms are generated: mirror images, and beads at which no protein backbone fits.

Decided once for a molecule, from the frames that were looked at when the model was bound, as breaks and cis peptides
are: neighbouring frames are treated alike.

Shapes: F frames, N beads. Positions in angstrom.
"""

import dataclasses
import functools
import logging

import numpy as np
import torch

from ..models.denoiser import QUIET, bundled
from ..molecule.boxes import reflected, too_long, whole
from ..molecule.mapping import MappingError
from ..options import AUTO_LIMIT, Tolerance
from ..recognition.soundness import chain_of, check_whole
from ..traces.scores import CRYSTALS, score_traces
from .bead_kind import BeadKind

logger = logging.getLogger(__name__)

_STRAINED = 0.8  # nats a residue; measured: projected beads have -2.0 to 0.8, simulated backbones 0.9 to 3.3


_JUDGED = 30_000  # residues, those of all frames, by which a trace is judged; chosen: by hand, 10 s of work
_GOLDEN = 0.5 * (5**0.5 - 1)  # cited: the golden ratio; its multiples are spread evenly between 0 and 1


class TraceTreatment:
    """
    Treatment of the trace of one molecule.

    Parameters
    ----------
    mapping : Mapping
    looked : ndarray of float, shape (f, N, 3), or None
        Beads of some frames, chains whole; None if there are none: then nothing is found.
    relaxes : bool
        Whether the model can move beads.
    place : callable, optional
        What finds C-alphas from other beads: takes beads, shape (f, N, 3), and gives a Topology and C-alphas, shape
        (f, R, 3), in the order of that.
    """

    def __init__(self, mapping, looked, relaxes, place=None):
        self.mapping, self.looked, self.relaxes = mapping, looked, relaxes
        self._chain, self.exact = mapping.followed, mapping.exact
        self.kind, self._place, self._told = BeadKind(mapping), place, set()

    def __call__(self, beads, frames, boxes, options):
        """
        Beads as the model gets them, and how far it may move them.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
        frames : list of int
            Their numbers.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors; chains are made whole in them.
        options : SamplingOptions

        Returns
        -------
        beads : ndarray of float, shape (F, N, 3)
        tolerance : Tolerance

        Raises
        ------
        MappingError
            A mirror image, unless the options say otherwise.
        ValueError
            A frame that is broken as a whole.
        """
        if boxes is not None:
            beads = whole(beads, boxes, self.mapping.coarse, self._chain)
            if (lengths := too_long(beads, boxes, self.mapping.coarse)) is not None:
                self._tell(
                    logging.WARNING,
                    "a chain is %.0f A long, its box %.0f A at most: it may overlap its periodic images; "
                    "if this is not the box of the simulation, correct or remove it",
                    *lengths,
                )
        positions, ends, exact = chain_of(self.mapping, beads)
        check_whole(positions, frames, ends, exact=exact)
        beads, tolerance = self.of_right_hand(beads, options.mirror), self.tolerance(options)
        return (self.kind.shrunk(beads) if tolerance.simulated else beads), tolerance

    @functools.cached_property
    def scores(self):
        """`TraceScores` of the frames that were looked at, or None."""
        return None if self.looked is None else self._score(self.looked)

    @functools.cached_property
    def _fixed_scores(self):
        """The same as they are after `of_right_hand(..., "fix")`."""
        return self._score(reflected(self.looked)) if self.scores.mirrored else self.scores

    def _score(self, beads):
        """Scores of C-alphas, or of the beads nearest to them: these tell hands apart, if less clearly."""
        noise = bundled().noise if self.relaxes and self.exact else None
        frames, rows = judged_by(len(beads), self.mapping.coarse.ends)
        with torch.inference_mode():
            return score_traces(*_of_residues(rows, self.mapping.coarse, self.mapping.trace(beads[frames])), noise)

    def of_right_hand(self, beads, mirror):
        """
        Beads (F, N, 3), reflected if they have to be and `mirror` is "fix".

        Raises
        ------
        MappingError
            A mirror image, and `mirror` is "error".
        """
        if mirror == "ignore" or self.scores is None or not self.scores.mirrored:
            return beads
        found = f"its mirror image is likelier by {-self.scores.hand:.1f} nats a residue"
        if mirror == "error":
            raise MappingError(
                f"this trace is the mirror image of a protein ({found}; of a protein it is less likely by 1 to 4): "
                'its atoms would have the wrong handedness. mirror="fix" (--mirror fix) reflects it first, '
                'mirror="ignore" (--mirror ignore) takes it as it is'
            )
        self._tell(logging.WARNING, f"the trace is a mirror image ({found}): every frame is reflected first")
        return reflected(beads)

    def tolerance(self, options):
        """
        The `Tolerance` that the model gets for these `SamplingOptions`.

        With "auto", all frames may move if the trace is, on the whole, unlike a protein's. Frames of a trace without
        noise are not examined for noise.
        """
        tolerance = options.tolerance
        if not self.relaxes:
            return Tolerance()
        if tolerance.keeps or self.scores is None:
            return tolerance
        tolerance = dataclasses.replace(tolerance, simulated=self.simulated)
        if not tolerance.judged:
            return tolerance
        self._tell_kind()
        if not self.exact:
            return Tolerance(AUTO_LIMIT, simulated=True) if self.simulated else Tolerance()
        scores = self._fixed_scores if options.mirror == "fix" else self.scores
        if scores.protein_like:
            return dataclasses.replace(tolerance, denoised=not bool((scores.noise <= QUIET[0]).all()))
        self._tell(
            logging.INFO if logger.hasHandlers() else logging.WARNING,  # without a handler Python shows warnings only
            f"this trace is unlike a protein's: {'beads' if self.mapping.is_trace else 'its C-alphas'} may move by "
            f"up to {AUTO_LIMIT:g} A (RMS over a frame); "
            "bead_tolerance=0 (--bead-tolerance 0) keeps them",
        )
        for line in _beside_crystals(scores):
            self._tell(logging.DEBUG, line)
        return Tolerance(AUTO_LIMIT, simulated=self.simulated)

    @functools.cached_property
    def simulated(self):
        """Whether beads lie where a simulation puts them, and not on the atoms that they stand for."""
        if self.looked is None or self.mapping.is_trace:
            return False
        if self.kind.known:
            return self.kind.evidence(self.looked) > 0
        if self.exact:
            return not self.scores.protein_like
        return self._place is not None and self._strained() > _STRAINED

    def _strained(self):
        """Nats a residue by which C-alphas found from the beads are further from proteins than crystals are."""
        frames, _ = judged_by(len(self.looked), self.mapping.coarse.ends)
        coarse, alphas = self._place(self.looked[frames])
        _, rows = judged_by(len(frames), coarse.ends)
        with torch.inference_mode():
            return float(score_traces(*_of_residues(rows, coarse, alphas)).excess.mean())

    def _tell_kind(self):
        """Say once which kind of beads these are, and what becomes of them, if they are no C-alphas."""
        name = self.mapping.name
        if self.mapping.is_trace:
            return
        if not self.simulated:
            self._tell(logging.INFO, f"the {name} beads lie on the atoms that they stand for: they are kept")
            return
        off = "unlike centres of atoms"
        if self.kind.known:
            off = f"{self.kind.longer(self.looked):.2f} A further apart within residues than centres of atoms are"
        self._tell(
            logging.INFO if logger.hasHandlers() else logging.WARNING,  # without a handler Python shows warnings only
            f"the {name} beads are those of a simulation ({off}): C-alphas may move by up to "
            f"{AUTO_LIMIT:g} A (RMS over a frame), side chains miss their beads by more; "
            "bead_tolerance=0 (--bead-tolerance 0) puts atoms on them",
        )

    def _tell(self, level, message, *values):
        """Log it, once, whatever the values."""
        if message not in self._told:
            self._told.add(message)
            logger.log(level, message, *values)


def judged_by(n_frames, ends, most=_JUDGED):
    """
    By which frames, and which residues, a trace is judged: if it is large, by whole stretches here and there.

    Parameters
    ----------
    n_frames : int
    ends : ndarray of bool, shape (R,)
        Last residues of stretches.
    most : int
        Residues, those of all frames.

    Returns
    -------
    frames : ndarray of int64
    residues : ndarray of int64, or None
        None for all.

    Examples
    --------
    >>> judged_by(4, np.array([False, True] * 3), most=12)
    (array([0, 3]), None)
    >>> judged_by(4, np.array([False, True] * 3), most=4)
    (array([0]), array([0, 1, 2, 3]))
    """
    few = max(1, min(n_frames, most // max(1, len(ends))))
    frames = np.linspace(0, n_frames - 1, few).astype(int)
    if few * len(ends) <= most:
        return frames, None
    owner = np.cumsum(ends) - ends
    count = np.bincount(owner)
    order = np.argsort(np.arange(1, len(count) + 1) * _GOLDEN % 1.0)  # spread evenly, however many there are
    chosen = order[np.cumsum(count[order]) <= most]
    return frames, np.flatnonzero(np.isin(owner, chosen)) if len(chosen) else np.arange(most)


def _of_residues(rows, coarse, trace):
    """Topology and C-alphas (f, R, 3) of some residues, or of all."""
    return (coarse, trace) if rows is None else (coarse.take(rows), trace[:, rows])


def _beside_crystals(scores):
    """One line for each number that a trace has and crystals do not; all of them if each is within the range."""
    lines = {
        "backbone": "energy of the best backbone on the trace: {:.1f} nats a residue (crystals: {:.1f} to {:.1f})",
        "scatter": "scatter of distances between neighbouring C-alphas: {:.2f} A (crystals: {:.2f} to {:.2f})",
        "noise": "noise on the beads, as the denoiser estimates it: {:.2f} A (crystals: {:.2f} to {:.2f})",
    }
    means = {name: float(getattr(scores, name).nanmean()) for name in lines}
    odd = [name for name in lines if means[name] > CRYSTALS[name][2]] or list(lines)
    return [lines[name].format(means[name], CRYSTALS[name][0], CRYSTALS[name][2]) for name in odd]
