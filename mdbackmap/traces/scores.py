"""
How like a protein's a C-alpha trace is, and its handedness.

Two numbers a residue, both in nats:

* *trace*: -log p(torsion, next angle | angle) under the prior over C-alpha traces of crystals (density per squared
  radian; what is likelier than 1 counts 0);
* *backbone*: the energy of the backbone that fits best on the beads as they are (Ramachandran map, N-CA-C, overlaps of
  neighbours). Residues of proteins have about 1 or 2, and hardly ever more than 7.

And two a frame, both in angstrom:

* *scatter*: how much distances of C-alphas side by side scatter. Coarse models hold them by weak springs.
* *noise*: how far a denoiser would move the beads.

Models of folded proteins may have backbones like those of bad crystals. What tells them then is noise on beads whose
distances scatter: on crystals there may be noise, and in simulations with all atoms distances scatter, but not both.

A trace of the wrong hand is told by comparing it with its mirror image under the prior: proteins are likelier than
their mirror images by 1 to 4 nats a residue, disordered chains without a hand of their own by about none.

Shapes: F frames, N residues.
"""

import math
from dataclasses import dataclass

import torch

from ..torsions.internal import InternalCoordinates
from .relaxation import JOINED, Relaxation

CRYSTALS = {
    "trace": (0.32, 0.91, 2.17),
    "backbone": (1.10, 1.75, 3.04),
    "scatter": (0.008, 0.019, 0.048),
    "noise": (0.01, 0.03, 0.19),
}
"""Least, median and largest of each number, means over a chain, in the 85 crystals of ``datafiles.VALIDATION``."""
UNLIKELY = 7.0
"""Backbone energies above this are such as residues of proteins do not have."""
_FURTHEST = 0.15  # angstrom that one distance is off at most: few odd ones are no scatter
_MIRRORED, _SIGNIFICANT = 1.0, 3.0  # nats a residue that the mirror image is likelier by, in standard errors, too
_EVEN, _UNEVEN = 0.05, 0.06  # angstrom of scatter: from the first on noise counts, from the second on fully
_WORTH = 5.0  # nats a residue that an angstrom of noise is worth
_CORRELATED = 2.0  # residues next to each other tell about the same


@dataclass(frozen=True, eq=False)
class TraceScores:
    """
    Scores of traces.

    Attributes
    ----------
    trace, backbone : torch.Tensor (F, N)
        In nats; NaN where a residue has no such number (chain ends, broken or cis neighbours).
    scatter : torch.Tensor (F,)
        RMS in angstrom of what distances of C-alphas side by side are off their mean.
    noise : torch.Tensor (F,)
        RMS in angstrom of how far a denoiser would move the beads; 0 where none was asked.
    hand : float
        Nats a residue by which the trace is likelier than its mirror image, all frames together.
    deviation : float
        Standard error of that.
    excess : torch.Tensor (F,)
        Nats a residue by which frames are further from proteins than crystals of their size; negative: they are not.
    """

    trace: torch.Tensor
    backbone: torch.Tensor
    scatter: torch.Tensor
    noise: torch.Tensor
    hand: float
    deviation: float
    excess: torch.Tensor

    @classmethod
    def together(cls, parts):
        """Scores of all frames from those of some at a time; `hand` and `deviation` are means of theirs."""
        weights = [len(part.excess) / sum(len(other.excess) for other in parts) for part in parts]
        hand = {
            name: sum(weight * getattr(part, name) for weight, part in zip(weights, parts, strict=True))
            for name in ("hand", "deviation")
        }
        numbers = ("trace", "backbone", "scatter", "noise", "excess")
        return cls(**{name: torch.cat([getattr(part, name) for part in parts]) for name in numbers}, **hand)

    @property
    def mirrored(self):
        """Whether this is the mirror image of a protein, beyond doubt."""
        return self.hand < -_MIRRORED and self.hand < -_SIGNIFICANT * self.deviation

    @property
    def protein_like(self):
        """Whether frames are, on the whole, like those of proteins."""
        share = ((self.scatter - _EVEN) / (_UNEVEN - _EVEN)).clamp(0, 1)
        return bool((self.excess + _WORTH * share * self.noise).mean() <= 0)


def score_traces(internal, beads, noise=None):
    """
    Score traces.

    Parameters
    ----------
    internal : InternalCoordinates or Topology
        Of the molecule; a coarse `Topology` will do.
    beads : array_like of float, shape (F, N, 3)
        In angstrom.
    noise : callable, optional
        Takes `InternalCoordinates` and beads (F, N, 3) and gives the noise of each frame (F,), as
        `models.denoiser.Denoiser.noise` does.

    Returns
    -------
    TraceScores

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> chain = read_chains(VALIDATION, limit=1)[0]
    >>> right, wrong = (score_traces(chain.trace(), sign * chain.beads) for sign in (1.0, -1.0))
    >>> right.mirrored, right.protein_like, wrong.mirrored
    (False, True, True)
    """
    if not isinstance(internal, InternalCoordinates):
        internal = InternalCoordinates.of(internal)
    relaxation = Relaxation(internal)
    beads = torch.as_tensor(beads, dtype=torch.float64, device=internal.types.device)
    angles = relaxation.angles(beads)
    backbone, judged = relaxation.strain(angles)
    turning = (relaxation.turning > 0) & judged & judged.roll(-1, -1)
    following = angles.angle.roll(-1, -1)
    here = relaxation.prior(angles.angle, angles.torsion, following)[0]
    mirrored = relaxation.prior(angles.angle, -angles.torsion, following)[0]
    nothing = torch.full_like(here, torch.nan)
    return TraceScores(
        torch.where(turning, here, nothing),
        torch.where(judged, backbone, nothing),
        _scatter(relaxation, angles),
        beads.new_zeros(len(beads)) if noise is None else noise(internal, beads).to(beads),
        *_hand(mirrored - here, turning),
        relaxation.excess(beads),
    )


def _scatter(relaxation, angles):
    joined = (angles.length > JOINED[0]) & (angles.length < JOINED[1]) & (relaxation.bonded > 0)
    count = joined.sum(-1).clamp_min(1)
    longer = (angles.length - relaxation.rest) * joined
    longer = (longer - (longer.sum(-1) / count).unsqueeze(-1)).clamp(-_FURTHEST, _FURTHEST)
    return ((longer.square() * joined).sum(-1) / count).sqrt()


def _hand(difference, known):
    """Mean over residues of what their frames have on the average, and its standard error."""
    count = known.sum(0)
    each = ((difference * known).sum(0) / count.clamp_min(1))[count > 0]
    if len(each) < 2:
        return 0.0, math.inf
    return float(each.mean()), float(each.std() * math.sqrt(_CORRELATED / len(each)))
