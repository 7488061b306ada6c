"""
How unlike a protein's C-alpha traces are: the energies of one molecule, as tables made once.

Shapes: F frames, R residues. Lengths in angstrom, angles in radians, energies in nats.
"""

import math

import torch
from torch import nn

from ..chemistry.peptide_geometry import CA_CA, CA_TORSION
from ..geometry.compiling import array, suits
from ..geometry.vectors import smooth_step
from .angles import TraceAngles
from .crowding import Crowd
from .descent_compiled import put_right
from .energies import Backbone, TracePrior
from .settings import DEFAULTS
from .viterbi import Guide, best_turns

_SHORTEST = 1e-3  # angstrom; chosen: by hand, as in `Pairs`
FIRST_TORSION = math.radians(CA_TORSION)  # of the bead that `trace_neighbours` puts before a chain


class Strain:
    """
    Energies of one molecule's traces: of the prior, and of the backbone that fits best.

    Parameters
    ----------
    internal : InternalCoordinates
    settings : TraceSettings

    Attributes
    ----------
    rest : torch.Tensor of float64, shape (R,)
        Distance of each C-alpha to the next one, in angstrom.
    bonded, inner, turning : torch.Tensor of float64, shape (R,)
        1 for residues with a next one, with an angle, and with a torsion that the prior knows; 0 for others.
    """

    def __init__(self, internal, settings=DEFAULTS):
        self.internal, self.settings = internal, settings
        starts, ends, cis = internal.starts, internal.ends, internal.cis & ~internal.ends
        self.rest = torch.where(cis, CA_CA[True], CA_CA[False]).double()
        self.bonded = (~ends).double()
        inner = ~starts & ~ends
        self.inner = inner.double()
        beside_cis = cis | cis.roll(1) | cis.roll(-1)
        self.turning = (inner & inner.roll(-1) & ~beside_cis).double()
        self.prior = TracePrior(internal.types, mirrored=internal.mirrored)
        self.backbone = Backbone(internal.types, ends, internal.cis, settings, internal.mirrored)
        slack = settings.descending.slack
        self._range = self.rest - slack, self.rest + slack
        count, around = internal.last - internal.first + 1, settings.prior.around
        first, last = (edges.repeat_interleave(count) for edges in (internal.first, internal.last))
        own = torch.arange(len(first), device=first.device)
        # First rows, and those after the last, (R,) of what is near each residue along its stretch.
        self._around = torch.maximum(own - around, first), torch.minimum(own + around, last) + 1

    def angles(self, beads):
        """`TraceAngles` of beads, shape (F, R, 3), as the internal coordinates have them at chain ends."""
        angles = TraceAngles(beads)
        angles.torsion[..., self.internal.first] = FIRST_TORSION
        return angles

    def best_turns(self, angles, held=None, bins=None):
        """Peptide angles, shape (F, R), of least energy; turned from `held` where that pays (see `best_turns`)."""
        turning = self.settings.turning
        return best_turns(self.internal, self.backbone, angles, bins or turning.bins, held, turning.stay)

    def guide(self, beads, strength):
        """Return the `Guide` on beads, shape (F, R, 3), with a strength of shape (F,)."""
        return Guide.on(self.internal, self.backbone, self.angles(beads), strength, self.settings.turning.sum_bins)

    def joined(self, angles):
        """Which C-alphas, shape (F, R), are near enough to the next one to be its neighbour."""
        low, high = self.settings.judging.joined
        return (angles.length > low) & (angles.length < high)

    def of(self, angles, bins=None):
        """
        Energies of the backbone that goes best with beads as they are.

        Parameters
        ----------
        angles : TraceAngles
            Those of `angles`.
        bins : int, optional
            Points of the circle on which peptides are solved for.

        Returns
        -------
        energies : torch.Tensor, shape (F, R)
        judged : torch.Tensor of bool, shape (F, R)
            Which residues can be judged.
        """
        turns = self.best_turns(angles, bins=bins)
        energy, *_ = self.backbone(angles.angle, (turns - angles.torsion).roll(1, -1), turns)
        joined = self.joined(angles) | self.internal.ends
        return energy.clamp_max(self.settings.judging.cap), (self.inner > 0) & joined & joined.roll(1, -1)

    def excess(self, beads, box=None, bins=None):
        """Nats a residue, shape (F,), by which frames are further from proteins than crystals are; negative: not."""
        settings = self.settings.judging
        energy, judged = self.of(self.angles(beads), bins)
        count = judged.sum(-1)
        mean = (energy * judged).sum(-1) / count.clamp_min(1)
        overlap = Crowd(self.internal, beads, self.settings.crowding, box=box).overlap(beads)
        crowded = (overlap / beads.shape[1] - settings.crowded).clamp_min(0)
        usual = settings.unlike + settings.few / count.clamp_min(1).sqrt()
        return torch.where(count > 0, mean + crowded - usual, -1.0)

    def angleless(self, beads):
        """How likely residues of frames are of a model without angles, shape (F, R), from 0 to 1."""
        angles, settings = self.angles(beads), self.settings.prior
        energy, *_ = self.prior(angles.angle, angles.torsion, angles.angle.roll(-1, -1))
        low, high = self._around
        sums = (values.cumsum(-1) for values in (energy * self.turning, self.turning))
        total, count = (nn.functional.pad(values, (1, 0)) for values in sums)
        mean = (total[..., high] - total[..., low]) / (count[high] - count[low]).clamp_min(1)
        return smooth_step(mean, settings.angled, settings.angleless)

    def put_right(self, beads):
        """Beads, shape (F, R, 3), with neighbours at their distances, as well as some sweeps along the chain go."""
        (near, far), sweeps = self.settings.judging.joined, self.settings.descending.sweeps
        low, high, bonded = limits = [values.to(beads) for values in (*self._range, self.bonded)]
        if suits(beads):
            x = array(beads).copy()
            put_right(x, *map(array, limits), (near, far), _SHORTEST, sweeps)
            return torch.from_numpy(x)
        x = beads.movedim(-1, 0).clone(memory_format=torch.contiguous_format)
        for parity in (0, 1) * sweeps:  # as `Pairs` does it, which takes any pairs
            own, following = x[..., parity:-1:2], x[..., parity + 1 :: 2]
            along, at = following - own, slice(parity, -1, 2)
            length = along.square().sum(0).sqrt_().clamp_min_(_SHORTEST)
            share = torch.clamp(length, low[at], high[at]).div_(length).sub_(1).mul_(0.5 * bonded[at])
            move = along.mul_(share.mul_((length > near) & (length < far)))
            own.sub_(move)
            following.add_(move)
        return x.movedim(0, -1)
