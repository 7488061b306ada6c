"""
Relaxation: beads that no protein has are moved, as little as may be, until a protein's backbone fits them.

First the beads follow the prior over C-alpha traces. Then beads and peptide angles move together, down the energies of
the Ramachandran maps and of N-CA-C, and in between all peptides are turned anew to what goes best with the beads as
they are. Energies below a floor count nothing, so what a protein could have stays where it is. Everything is a sum over
residues and pairs of near ones, with derivatives written out: a batch of frames moves at once, on the beads' device.

Shapes: F frames, N beads. Lengths in angstrom, angles in radians, energies in nats.
"""

import dataclasses
import functools
import math

import numpy as np
import torch
from torch import nn

from ..chemistry.peptide_geometry import CA_CA, CA_TORSION
from ..geometry.vectors import full_precision, smooth_step
from ..options import AUTO_LIMIT
from .angles import TraceAngles
from .crowding import Crowd
from .descent import Descent, unbent, within
from .energies import Backbone, TracePrior
from .projection import Pairs, alternating
from .viterbi import Guide, best_turns

_FIRST_TORSION = math.radians(CA_TORSION)  # of the bead that `trace_neighbours` puts before a chain
_UNLIKE, _FEW = 2.8, 3.0  # nats a residue: crystals have 1.1 to 3.0, short chains scatter more
_CROWDED = 0.3  # nats a residue of overlap that is nothing unusual: crystals have 0.2, at most 1.1
_BEGIN, _FULL = 0.7, 1.7  # frames of a protein-like trajectory are relaxed from this much beyond it, fully from this
_ANGLED, _ANGLELESS = 3.4, 4.0  # nats a residue under the prior: Go models have 2.2 on the average, CALVADOS 4.2
_AROUND, _MUCH = 15, 0.15  # residues each way that are judged together; share of a frame that makes it take longer
_YIELDING = 0.2, 0.1  # shares of cohesion, and of that in contacts, that are left for the latter
JOINED = (2.5, 5.0)  # angstrom: C-alphas outside are not judged (a chain cut by a periodic boundary)
_SLACK = 0.05  # angstrom that C-alphas side by side may be nearer or further than they should, in the end
_SWEEPS = 6
_CAP = 20.0  # nats that one residue counts at most


@dataclasses.dataclass(frozen=True)
class RelaxationConfig:
    """How beads are relaxed; every energy is in nats."""

    prior_steps: int = 70  # on the prior over traces alone
    joint_steps: int = 80  # of beads and peptide angles together
    rescans: tuple = (0, 25, 50)  # joint steps before which all peptides are turned anew
    prior: float = 1.0  # weight of the prior over traces
    floor: float = 2.0  # energies of a residue's backbone below this count nothing
    prior_floor: float = 2.0  # the same for the prior
    bond: float = 50.0  # per squared angstrom of a C-alpha distance off 3.80 (cis 2.95)
    stiffness: float = 20.0  # per squared angstrom of overlap
    cohesion: float = 0.5  # per squared angstrom that near C-alphas get nearer; twice as much if they part
    contact: float = 12.0  # the same for C-alphas of residues in contact
    restraint: float = 0.2  # per squared angstrom from where a bead came from, at AUTO_LIMIT and below
    prior_blur: tuple = (2.0, 3.5, 2.0)  # grid steps (5, 10, 5 degrees): hills on which small noise would decide go
    stay: float = 4.0  # nats for half a turn of a peptide from where it is, when all are turned anew
    rate: float = 1 / 500  # square angstrom (square radian) a nat: below what the stiffest terms bear without swinging
    momentum: float = 0.8  # share of a step that goes on; with 0.9 noise of 0.01 A moves three times as many beads
    loose: float = 1.6  # multiple of the tolerance that is allowed at first
    tight_at: float = 0.5  # share of the steps after which the tolerance holds


FREE = RelaxationConfig(
    prior_steps=50, joint_steps=0, prior=3.0, prior_floor=0.5, prior_blur=None, restraint=0.0, cohesion=0.0, contact=0.0
)
"""For traces that a model made, not the user: they are relaxed to a minimum of the prior."""
FAR = dataclasses.replace(FREE, prior_steps=120, joint_steps=150, rescans=(0, 30, 60, 90))
"""For those that still are unlike proteins then."""
_ODD, _VERY_ODD = -0.2, 0.6  # nats a residue beyond crystals from which on they go further, and as far as `_AS_FAR`
_AS_FAR = 3.0  # angstrom, RMS over a frame


class Relaxation:
    """
    The relaxation of one molecule.

    Parameters
    ----------
    internal : InternalCoordinates
    config : RelaxationConfig

    Examples
    --------
    >>> from mdbackmap.torsions.internal import InternalCoordinates
    >>> ends = torch.tensor([False] * 7 + [True])
    >>> internal = InternalCoordinates(torch.zeros(8, dtype=torch.int64), ends, torch.zeros(8, dtype=torch.bool))
    >>> zigzag = torch.tensor([[3.7 * k, 0.8 * (k % 2), 0.0] for k in range(8)])  # no protein is as straight as this
    >>> relaxed, tolerances, _ = Relaxation(internal)(zigzag[None], 0.5)
    >>> bool((relaxed - zigzag).square().sum(-1).mean().sqrt() < 0.501)
    True
    """

    def __init__(self, internal, config=None):
        self.internal, self.config = internal, config or RelaxationConfig()
        starts, ends, cis = internal.starts, internal.ends, internal.cis & ~internal.ends
        self.rest = torch.where(cis, CA_CA[True], CA_CA[False]).double()
        self.bonded = (~ends).double()
        first, rest = alternating((~ends).cpu().numpy(), np.arange(len(ends)) % 2), self.rest.cpu().numpy()
        self.lengths = [Pairs(at, 1, rest[at] - _SLACK, rest[at] + _SLACK) for at in first]
        inner = ~starts & ~ends
        self.inner = inner.double()  # residues with an angle, and with peptides on both sides
        odd = cis | cis.roll(1) | cis.roll(-1)
        self.turning = (inner & inner.roll(-1) & ~odd).double()  # residues with a torsion that the prior knows
        self.prior = TracePrior(internal.types)
        self.slope = TracePrior(
            internal.types, self.config.prior_blur
        )  # without the small hills that noise would decide on
        self.backbone = Backbone(internal.types, ends, internal.cis)

    def angles(self, beads):
        """`TraceAngles` of beads (F, N, 3), as the internal coordinates have them at chain ends."""
        found = TraceAngles(beads)
        found.torsion[..., self.internal.first] = _FIRST_TORSION
        return found

    # how much there is to do -----------------------------------------------------------------------------------

    def strain(self, angles):
        """
        Energies (F, N) of the backbone that goes best with beads as they are, and which residues can be judged (F, N).

        `angles` are those of `angles`.
        """
        turns = best_turns(self, angles)
        energy, *_ = self.backbone(angles.angle, (turns - angles.torsion).roll(1, -1), turns)
        joined = ((angles.length > JOINED[0]) & (angles.length < JOINED[1])) | self.internal.ends
        return energy.clamp_max(_CAP), (self.inner > 0) & joined & joined.roll(1, -1)

    def excess(self, beads, box=None):
        """Nats a residue (F,) by which frames (F, N, 3) are further from proteins than crystals are; negative: not."""
        energy, judged = self.strain(self.angles(beads))
        count = judged.sum(-1)
        mean = (energy * judged).sum(-1) / count.clamp_min(1)
        crowded = (self.crowd(beads, box).overlap(beads) / beads.shape[1] - _CROWDED).clamp_min(0)
        return torch.where(count > 0, mean + crowded - _UNLIKE - _FEW / count.clamp_min(1).sqrt(), -1.0)

    def tolerances(self, beads, tolerance, box=None):
        """How far each frame may move, (F,): `tolerance`, or for "auto" and "quiet" 0 where it is like a protein."""
        if tolerance not in ("auto", "quiet"):
            return torch.full_like(beads[:, 0, 0], tolerance)
        return AUTO_LIMIT * smooth_step(self.excess(beads, box), _BEGIN, _FULL)

    # moving ----------------------------------------------------------------------------------------------------

    @full_precision
    def __call__(self, beads, tolerance, box=None, denoise=None):
        """
        Relax beads.

        Parameters
        ----------
        beads : torch.Tensor (F, N, 3)
            In angstrom, chains whole.
        tolerance : float, "auto" or "quiet"
            RMS over a frame that beads may move at most; "auto": `AUTO_LIMIT`, and not at all where they are like
            those of a protein.
        box : torch.Tensor (F, 3, 3), optional
            Box vectors as rows.
        denoise : callable, optional
            What becomes of frames that are like those of a protein if `tolerance` is "auto", but not if it is "quiet":
            takes their beads (f, N, 3) and boxes, and gives beads.

        Returns
        -------
        torch.Tensor (F, N, 3) float64
            Of a frame that may not move and is not denoised, the very beads.
        torch.Tensor (F,)
            The tolerance of each frame.
        Guide or None
            What the maps say of peptides on the relaxed beads; None if no frame moves.
        """
        came, beads = beads, beads.double()  # rounding must not decide which of two ways a bead goes
        tolerances = self.tolerances(beads, tolerance, box)
        if denoise is not None and tolerance == "auto":
            beads = self._denoised(beads, tolerances, denoise, box)
            came = beads.to(came)
        frames = tolerances.nonzero()[:, 0]
        if len(frames) == 0:
            return came, tolerances, None
        fresh = torch.ones_like(frames, dtype=torch.bool)  # samples of one frame are relaxed once
        fresh[1:] = (beads[frames[1:]] != beads[frames[:-1]]).flatten(1).any(1)
        once = frames[fresh]
        moved = self._relax_each(beads[once], tolerances[once], None if box is None else box[once])
        relaxed = beads.index_copy(0, frames, moved[fresh.cumsum(0) - 1])
        return relaxed, tolerances, Guide(self, relaxed, (tolerances > 0).to(came))

    def _denoised(self, beads, tolerances, denoise, box):
        """Beads (F, N, 3) with those of frames that are not relaxed denoised, distances along the trace put right."""
        frames = (tolerances == 0).nonzero()[:, 0]
        if len(frames) == 0:
            return beads
        there = beads[frames]
        found = denoise(there, None if box is None else box[frames])
        moved = (found != there).flatten(1).any(1)
        found = torch.where(moved[:, None, None], self.put_right(found), there)
        return beads.index_copy(0, frames, found)

    @functools.cached_property
    def _easing(self):
        return Relaxation(self.internal, FREE), Relaxation(self.internal, FAR)

    @full_precision
    def ease(self, beads, hold):
        """
        Relax traces that a model made, as `FREE` says, and those that still are unlike proteins as `FAR` says.

        Parameters
        ----------
        beads : torch.Tensor (F, N, 3)
            In angstrom, chains whole.
        hold : callable
            What is held: takes beads (f, N, 3), float64, and which frames (f,) they are, after each step, and gives
            them back put right.

        Returns
        -------
        torch.Tensor (F, N, 3)
        """
        frames = torch.arange(len(beads), device=beads.device)
        anywhere = torch.full(frames.shape, math.inf, dtype=torch.float64, device=beads.device)
        first, then = self._easing
        moved = first._relax(beads.double(), anywhere, None, lambda at: hold(at, frames))
        share = ((self.excess(moved) - _ODD) / (_VERY_ODD - _ODD)).clamp(0, 1)
        odd = share.nonzero()[:, 0]
        if len(odd):
            moved[odd] = then._relax(moved[odd], _AS_FAR * share[odd], None, lambda at: hold(at, odd))
        return moved.to(beads)

    @functools.cached_property
    def _patient(self):
        twice = {"joint_steps": 2 * self.config.joint_steps, "rescans": tuple(2 * at for at in self.config.rescans)}
        return Relaxation(self.internal, dataclasses.replace(self.config, **twice))

    def _relax_each(self, start, tolerances, box):
        """`_relax`, with twice the joint steps for frames that are partly of models that know no angles."""
        moved, angleless = start.clone(), self._angleless(start).mean(-1) > _MUCH
        for far in (False, True):
            at = (angleless == far).nonzero()[:, 0]
            if len(at):
                relaxation = self._patient if far else self
                moved[at] = relaxation._relax(start[at], tolerances[at], None if box is None else box[at])
        return moved

    def _angleless(self, beads):
        """How surely residues of frames (F, N, 3) are of a model that knows no angles, (F, N), from 0 to 1."""
        angles = self.angles(beads)
        energy, *_ = self.prior(angles.angle, angles.torsion, angles.angle.roll(-1, -1))
        low, high = self._around
        total, count = (
            nn.functional.pad(values.cumsum(-1), (1, 0)) for values in (energy * self.turning, self.turning)
        )
        mean = (total[..., high] - total[..., low]) / (count[high] - count[low]).clamp_min(1)
        return smooth_step(mean, _ANGLED, _ANGLELESS)

    @functools.cached_property
    def _around(self):
        """First rows, and those after the last, (N,) of what is near each residue along its stretch."""
        first, last = self.internal.first, self.internal.last
        first, last = (ends.repeat_interleave(last - first + 1) for ends in (first, last))
        own = torch.arange(len(first), device=first.device)
        return torch.maximum(own - _AROUND, first), torch.minimum(own + _AROUND, last) + 1

    def _relax(self, start, tolerances, box, hold=None):
        config = self.config
        crowd = self.crowd(start, box)
        steps, total = Descent(start, config.rate, config.momentum), config.prior_steps + config.joint_steps
        moved, turns = unbent(start, self.inner), None
        for step in range(total):
            joint = step - config.prior_steps
            angles = self.angles(moved)
            if joint in config.rescans:
                turns = best_turns(self, angles, held=turns, firmness=config.stay)
                turning = Descent(turns, config.rate, config.momentum)
            slope = self.pull(start, moved, tolerances, crowd)
            if joint < 0:
                slope = slope + angles.forces(*self._towards_traces(angles))
            else:
                *forces, on_turns = self._towards_backbones(angles, turns)
                slope = slope + angles.forces(*forces)
                turns = turns - turning(on_turns)
            room = config.loose + (1 - config.loose) * min(1.0, step / (config.tight_at * total))
            moved = within(start, moved - steps(slope), room * tolerances)
            moved = moved if hold is None else hold(moved)
        return moved

    def crowd(self, start, box=None, firmness=1.0):
        """
        The `Crowd` of beads (F, N, 3) as they came, contacts held `firmness` times as firmly as configured.

        Where a model knows no angles nearly all beads have to move, and what holds them yields.
        """
        config, share = self.config, self._angleless(start)
        held = config.cohesion, firmness * config.contact
        held = (value * (1 - (1 - left) * share) for value, left in zip(held, _YIELDING, strict=True))
        return Crowd(self.internal, start, config.stiffness, *held, box)

    def pull(self, start, moved, tolerances, crowd):
        """Derivatives (F, N, 3) of what does not depend on angles: restraint and crowding."""
        ease = (AUTO_LIMIT / tolerances.clamp_min(AUTO_LIMIT)).square()
        return (2 * self.config.restraint * ease)[:, None, None] * (moved - start) + crowd.slopes(moved)

    def joint_slopes(self, start, moved, turns, tolerances, crowd):
        """Derivatives of the joint energy with respect to beads (F, N, 3) and peptide angles (F, N)."""
        angles = self.angles(moved)
        *forces, on_turns = self._towards_backbones(angles, turns)
        return self.pull(start, moved, tolerances, crowd) + angles.forces(*forces), on_turns

    def put_right(self, beads):
        """Beads (F, N, 3) with those side by side at their distances, as well as some sweeps along the chain go."""
        for pairs in self.lengths * _SWEEPS:
            beads = pairs.project(beads, JOINED)
        return beads

    def _on_length(self, angles):
        return 2 * self.config.bond * (angles.length - self.rest) * self.bonded

    def _towards_traces(self, angles):
        """Derivatives (F, N) with respect to lengths, angles and torsions: bonds and the prior over traces."""
        energy, here, turn, following = self.slope(angles.angle, angles.torsion, angles.angle.roll(-1, -1))
        weight = self.config.prior * self.turning * self._counted(energy, self.config.prior_floor)
        return self._on_length(angles), weight * here + (weight * following).roll(1, -1), weight * turn

    def _towards_backbones(self, angles, turns):
        """Derivatives (F, N) with respect to lengths, angles, torsions and peptide angles: bonds and backbones."""
        energy, here, before, after = self.backbone(angles.angle, (turns - angles.torsion).roll(1, -1), turns)
        weight = self.inner * self._counted(energy, self.config.floor)
        before = (weight * before).roll(-1, -1)
        return self._on_length(angles), weight * here, -before * ~self.internal.starts, before + weight * after

    @staticmethod
    def _counted(energy, floor):
        """0 below the floor, 1 from one nat above it."""
        return (energy - floor).clamp(0, 1)
