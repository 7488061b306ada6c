"""
Relaxation: beads that no protein has are moved, as little as may be, until a protein's backbone fits them.

First the beads follow the prior over C-alpha traces. Then beads and peptide angles move together, down the energies of
the Ramachandran maps and of N-CA-C, and in between all peptides are turned anew to what goes best with the beads as
they are. Energies below a floor count nothing, so what a protein could have stays where it is. Everything is a sum over
residues and pairs of near ones, with derivatives written out: a batch of frames moves at once, on the beads' device.

Shapes: F frames, R residues. Lengths in angstrom, angles in radians, energies in nats.
"""

import dataclasses
import functools
import itertools
import math

import torch

from ..geometry.compiling import suits
from ..geometry.vectors import full_precision, smooth_step
from .angles import coordinates
from .descent import Descent, unbent, within
from .energies import TracePrior
from .settings import DEFAULTS
from .slopes import Slopes
from .strain import Strain


class Relaxation:
    """
    The relaxation of one molecule; it never changes, so threads may share it.

    Parameters
    ----------
    internal : InternalCoordinates
    settings : TraceSettings

    Attributes
    ----------
    strain : Strain

    Examples
    --------
    >>> from mdbackmap.options import Tolerance
    >>> from mdbackmap.torsions.internal import InternalCoordinates
    >>> ends = torch.tensor([False] * 7 + [True])
    >>> internal = InternalCoordinates(torch.zeros(8, dtype=torch.int64), ends, torch.zeros(8, dtype=torch.bool))
    >>> zigzag = torch.tensor([[3.7 * k, 0.8 * (k % 2), 0.0] for k in range(8)])  # no protein is as straight as this
    >>> relaxed, tolerances, _ = Relaxation(internal)(zigzag[None], Tolerance(0.5))
    >>> bool((relaxed - zigzag).square().sum(-1).mean().sqrt() < 0.501)
    True
    """

    def __init__(self, internal, settings=DEFAULTS):
        self.internal, self.settings, self.strain = internal, settings, Strain(internal, settings)
        self._blurred = TracePrior(internal.types, settings.prior.blur, internal.mirrored)

    def slopes(self, start, tolerances, box=None, firmness=1.0, relaxing=None):
        """Derivatives (`Slopes`) for the frames that may move; arguments as there."""
        relaxing = relaxing or self.settings.relaxing
        prior = self._blurred if relaxing.blurred else self.strain.prior
        return Slopes(self.strain, prior, relaxing, start, tolerances, box, firmness)

    def tolerances(self, beads, tolerance, box=None):
        """How far each frame may move, (F,), by a `Tolerance`: if it is judged, not where it is like a protein."""
        if not tolerance.judged:
            return torch.full_like(beads[:, 0, 0], tolerance.limit)
        judging = self.settings.judging
        excess = self.strain.excess(beads, box, self.settings.turning.rough_bins)  # never below the best by much
        at = (excess > judging.begin - judging.clear).nonzero()[:, 0]
        if len(at):
            excess = excess.index_copy(0, at, self.strain.excess(beads[at], None if box is None else box[at]))
        return tolerance.limit * smooth_step(excess, judging.begin, judging.full)

    @full_precision
    def __call__(self, beads, tolerance, box=None, denoise=None, held=None):
        """
        Relax beads.

        Parameters
        ----------
        beads : torch.Tensor, shape (F, R, 3)
            In angstrom, chains whole.
        tolerance : Tolerance
            How far the beads of each frame may move.
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows.
        denoise : callable, optional
            What becomes of frames that are kept, if the tolerance says so: takes their beads, shape (f, R, 3), and
            boxes, and gives beads.
        held : torch.Tensor of bool, shape (R,), optional
            Beads that stay in any case.

        Returns
        -------
        beads : torch.Tensor of float64, shape (F, R, 3)
            Of a frame that may not move and is not denoised, the very beads.
        tolerances : torch.Tensor, shape (F,)
            That of each frame.
        guide : Guide or None
            What the maps say of peptides on the relaxed beads; None if no frame moves.
        """
        given, beads = beads, beads.double()  # in double precision, so that rounding decides nothing
        tolerances = self.tolerances(beads, tolerance, box)
        if denoise is not None and tolerance.denoised:
            beads = _stayed(self._denoised(beads, tolerances, denoise, box), beads, held)
            given = beads.to(given)
        frames = tolerances.nonzero()[:, 0]
        if len(frames) == 0:
            return given, tolerances, None
        fresh = torch.ones_like(frames, dtype=torch.bool)  # samples of one frame are relaxed once
        fresh[1:] = (beads[frames[1:]] != beads[frames[:-1]]).flatten(1).any(1)
        once = frames[fresh]
        moved = self._relax_each(beads[once], tolerances[once], None if box is None else box[once], held)
        relaxed = beads.index_copy(0, frames, moved[fresh.cumsum(0) - 1])
        return relaxed, tolerances, self.strain.guide(relaxed, (tolerances > 0).to(given))

    def _denoised(self, beads, tolerances, denoise, box):
        """Beads (F, R, 3) with those of frames that are not relaxed denoised, distances along the trace put right."""
        frames = (tolerances == 0).nonzero()[:, 0]
        if len(frames) == 0:
            return beads
        noisy = beads[frames]
        denoised = denoise(noisy, None if box is None else box[frames])
        changed = (denoised != noisy).flatten(1).any(1)
        denoised = torch.where(changed[:, None, None], self.strain.put_right(denoised), noisy)
        return beads.index_copy(0, frames, denoised)

    @full_precision
    def ease(self, beads, hold):
        """
        Relax traces that a model made, and those that still are unlike proteins further (`Easing`).

        Parameters
        ----------
        beads : torch.Tensor, shape (F, R, 3)
            In angstrom, chains whole.
        hold : callable
            What is held: takes beads, shape (f, R, 3), float64, and which frames (f,) they are, after each step, and
            gives them back put right.

        Returns
        -------
        torch.Tensor, shape (F, R, 3)
        """
        easing, frames = self.settings.easing, torch.arange(len(beads), device=beads.device)
        anywhere = torch.full(frames.shape, math.inf, dtype=torch.float64, device=beads.device)
        moved = self._relax(beads.double(), anywhere, None, easing.free, lambda at: hold(at, frames))
        share = ((self.strain.excess(moved) - easing.odd) / (easing.very_odd - easing.odd)).clamp(0, 1)
        odd = share.nonzero()[:, 0]
        if len(odd):
            furthest = easing.furthest * share[odd]
            moved[odd] = self._relax(moved[odd], furthest, None, easing.far, lambda at: hold(at, odd))
        return moved.to(beads)

    def _relax_each(self, start, tolerances, box, held=None):
        """`_relax`, with more joint steps for frames that are partly of models without angles."""
        relaxing = self.settings.relaxing
        rescans = tuple(relaxing.patience * step for step in relaxing.rescans)
        patient = dataclasses.replace(relaxing, joint_steps=relaxing.patience * relaxing.joint_steps, rescans=rescans)
        moved, angleless = start.clone(), self.strain.angleless(start).mean(-1) > relaxing.much
        for far, settings in ((False, relaxing), (True, patient)):
            at = (angleless == far).nonzero()[:, 0]
            if len(at):
                hold = None if held is None else functools.partial(_stayed, before=start[at], held=held)
                moved[at] = self._relax(start[at], tolerances[at], None if box is None else box[at], settings, hold)
        return moved

    def _relax(self, start, tolerances, box, relaxing, hold=None):
        """Beads (F, R, 3) after the steps of `relaxing`, within tolerances (F,) above 0."""
        start, descending = coordinates(start).movedim(0, -1), self.settings.descending  # so it stays: fast
        pace = relaxing.pace * descending.rate, descending.momentum, descending.longest
        slopes, total = self.slopes(start, tolerances, box, 1.0, relaxing), relaxing.prior_steps + relaxing.joint_steps
        steps, moved = Descent(start, *pace), unbent(start, self.strain.inner, descending)
        turns = torch.zeros_like(start[..., 0])
        turning, scanned = Descent(turns, *pace), False
        rooms = relaxing.loose + (1 - relaxing.loose) * (torch.arange(total) / (relaxing.tight_at * total)).clamp_max(1)
        allowed = rooms.to(start).unsqueeze(1) * tolerances
        scans = [relaxing.prior_steps + step for step in relaxing.rescans]
        for begin, end in itertools.pairwise([0, *(step for step in scans if 0 < step < total), total]):
            joint = begin >= relaxing.prior_steps
            if begin in scans:
                turns = self.strain.best_turns(self.strain.angles(moved), turns if scanned else None)
                turning, scanned = Descent(turns, *pace), True
            if hold is None and suits(moved):
                moved, turns = slopes.descend(moved, turns, steps, turning, allowed[begin:end], joint)
                continue
            for room in allowed[begin:end]:
                if joint:
                    slope, on_turns = slopes.of_backbones(moved, turns, self.strain.angles(moved))
                    turns = turns - turning(on_turns)
                else:
                    slope = slopes.of_traces(moved, self.strain.angles(moved))
                moved = within(start, moved - steps(slope), room)
                moved = moved if hold is None else hold(moved)
        return moved


def _stayed(moved, before, held=None):
    """Beads (F, R, 3) with those that are held where they were."""
    return moved if held is None else torch.where(held[:, None], before.to(moved), moved)
