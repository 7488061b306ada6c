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

Models of folded proteins may have backbones like those of bad crystals. They are recognised by noise together with
scatter: crystals may have noise, and simulations with all atoms have scatter, but neither has both.

A mirror image is recognised by comparing both hands under the prior. Proteins are likelier than their mirror images by
1 to 4 nats a residue, disordered chains by about none.

Shapes: F frames, R residues.
"""

import math
from dataclasses import dataclass

import torch

from ..torsions.internal import InternalCoordinates
from .settings import DEFAULTS, Scoring
from .strain import Strain

CRYSTALS = {
    "trace": (0.32, 0.91, 2.17),
    "backbone": (1.10, 1.75, 3.04),
    "scatter": (0.008, 0.019, 0.048),
    "noise": (0.01, 0.03, 0.19),
}
"""Nats or angstrom: least, median, largest means of a chain; measured: the 85 crystals of ``datafiles.VALIDATION``."""
UNLIKELY = 7.0
"""Nats; chosen: by hand, backbones of residues of proteins are hardly ever above this."""


@dataclass(frozen=True, eq=False)
class TraceScores:
    """
    Scores of traces.

    Attributes
    ----------
    trace, backbone : torch.Tensor, shape (F, R)
        In nats; NaN where a residue has no such number (chain ends, broken or cis neighbours).
    scatter : torch.Tensor, shape (F,)
        RMS in angstrom of what distances of C-alphas side by side are off their mean.
    noise : torch.Tensor, shape (F,)
        RMS in angstrom of how far a denoiser would move the beads; 0 where none was asked.
    hand : float
        Nats a residue by which the trace is likelier than its mirror image, all frames together.
    deviation : float
        Standard error of that.
    excess : torch.Tensor, shape (F,)
        Nats a residue by which frames are further from proteins than crystals of their size; negative: they are not.
    settings : Scoring
    """

    trace: torch.Tensor
    backbone: torch.Tensor
    scatter: torch.Tensor
    noise: torch.Tensor
    hand: float
    deviation: float
    excess: torch.Tensor
    settings: Scoring = Scoring()

    @classmethod
    def together(cls, parts):
        """Scores of all frames from those of some at a time; `hand` and `deviation` are means of theirs."""
        weights = [len(part.excess) / sum(len(other.excess) for other in parts) for part in parts]
        numbers = ("trace", "backbone", "scatter", "noise", "excess")
        joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in numbers}
        for name in ("hand", "deviation"):
            joined[name] = sum(weight * getattr(part, name) for weight, part in zip(weights, parts, strict=True))
        return cls(**joined, settings=parts[0].settings)

    @property
    def mirrored(self):
        """Whether this is the mirror image of a protein, beyond doubt."""
        return self.hand < -self.settings.mirrored and self.hand < -self.settings.significant * self.deviation

    @property
    def protein_like(self):
        """Whether frames are, on the whole, like those of proteins."""
        even, uneven = self.settings.even, self.settings.uneven
        share = ((self.scatter - even) / (uneven - even)).clamp(0, 1)
        return bool((self.excess + self.settings.noise * share * self.noise).mean() <= 0)


def score_traces(internal, beads, noise=None, settings=DEFAULTS):
    """
    Score traces.

    Parameters
    ----------
    internal : InternalCoordinates or Topology
        Of the molecule; a coarse `Topology` will do.
    beads : array_like of float, shape (F, R, 3)
        In angstrom.
    noise : callable, optional
        Takes `InternalCoordinates` and beads, shape (F, R, 3), and gives the noise of each frame (F,), as
        `models.denoiser.Denoiser.noise` does.
    settings : TraceSettings

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
    strain = Strain(internal, settings)
    beads = torch.as_tensor(beads, dtype=torch.float64, device=internal.types.device)
    angles = strain.angles(beads)
    backbone, judged = strain.of(angles)
    turning = (strain.turning > 0) & judged & judged.roll(-1, -1)
    following = angles.angle.roll(-1, -1)
    energies = strain.prior(angles.angle, angles.torsion, following)[0]
    mirrored = strain.prior(angles.angle, -angles.torsion, following)[0]
    return TraceScores(
        energies.masked_fill(~turning, torch.nan),
        backbone.masked_fill(~judged, torch.nan),
        _scatter(strain, angles, settings.scoring.furthest),
        beads.new_zeros(len(beads)) if noise is None else noise(internal, beads).to(beads),
        *_hand(mirrored - energies, turning, settings.scoring.correlated),
        strain.excess(beads),
        settings.scoring,
    )


def _scatter(strain, angles, furthest):
    joined = strain.joined(angles) & (strain.bonded > 0)
    count = joined.sum(-1).clamp_min(1)
    longer = (angles.length - strain.rest) * joined
    longer = (longer - (longer.sum(-1) / count).unsqueeze(-1)).clamp(-furthest, furthest)
    return ((longer.square() * joined).sum(-1) / count).sqrt()


def _hand(difference, known, correlated):
    """Mean over residues of what their frames have on the average, and its standard error."""
    count = known.sum(0)
    each = ((difference * known).sum(0) / count.clamp_min(1))[count > 0]
    if len(each) < 2:
        return 0.0, math.inf
    return float(each.mean()), float(each.std() * math.sqrt(correlated / len(each)))
