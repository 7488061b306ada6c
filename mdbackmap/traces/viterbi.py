"""
The turns of all peptides at once: the best ones on given beads, and what is known of those still to come.

Residues couple the peptides on both sides of them and nothing else, so chains of peptides are solved exactly on a grid
of turns: by the least energies of all before and all after (Viterbi), or by sums forward and backward.

Shapes: F frames, R residues, B bins.
"""

import dataclasses
import math

import torch

from ..geometry.compiling import array, suits
from ..torsions.internal import InternalCoordinates
from .angles import TraceAngles
from .energies import BINS, N_ANGLES, Backbone
from .traces_compiled import least_energies as _least_energies
from .traces_compiled import sums_ahead as _sums_ahead


def best_turns(internal, backbone, angles, bins, held=None, firmness=0.0):
    """
    The peptide angles of least energy on given beads.

    Parameters
    ----------
    internal : InternalCoordinates
    backbone : Backbone
        Energies of the residues.
    angles : TraceAngles
        Of the beads, shape (F, R, 3).
    bins : int
        Points of the circle; one of `Backbone.thinned`.
    held : torch.Tensor, shape (F, R), optional
        Angles in radians that peptides have already.
    firmness : float
        Nats that it costs to turn a peptide by 180 degrees from there.

    Returns
    -------
    torch.Tensor, shape (F, R)
        In radians, refined between the points by a parabola; 0 for the last residues of stretches.
    """
    table = backbone.thinned[bins]
    grid = angles.angle.new_tensor(range(bins)) * (2 * math.pi / bins) - math.pi
    own = table.new_zeros(*angles.angle.shape, bins)  # energy of the peptide by itself
    if held is not None:
        own = (firmness * (1 - (grid - held.unsqueeze(-1)).cos()) / 2).to(table)
    offset = (angles.torsion * (bins / (2 * math.pi))).to(table)  # from the frame of the next residue to the own
    if suits(table, offset):
        energies = compiled_energies(internal, backbone, angles, own, offset)
    else:
        energies = least_energies(internal, backbone, angles, own, offset)
    return torch.where(internal.ends, 0.0, _lowest(energies.to(grid)))


def least_energies(internal, backbone, angles, own, offset):
    """
    Least energies of whole chains, by turn of each of their peptides.

    Parameters
    ----------
    internal, backbone, angles
        As of `best_turns`.
    own : torch.Tensor, shape (F, R, B)
        Energies of the peptides by themselves.
    offset : torch.Tensor, shape (F, R)
        Torsions in grid steps.

    Returns
    -------
    torch.Tensor, shape (F, R, B)
    """
    bins, steps, n = own.shape[-1], _joined(internal), own.shape[1]
    # Residues first, and those on the way back behind those on the way ahead: a step of both is one.
    circle = _Circle(torch.cat([offset, -offset.roll(1, 1)], 1).T, bins)
    maps = backbone.maps(angles.angle, bins)
    own = own.transpose(0, 1).contiguous()
    least = torch.cat([own, torch.zeros_like(own)])  # of all before, and all after
    for at, back in zip(steps, reversed(steps), strict=True):
        from_where = torch.cat([at - 1, back + (n + 1)])
        come = circle.shifted(least.index_select(0, from_where), from_where)
        come[len(at) :] += own.index_select(0, back)
        energies = maps(torch.cat([at, back + n])).add_(come.unsqueeze(-1)).amin(-2)
        energies[: len(at)] += own.index_select(0, at)
        least.index_copy_(0, torch.cat([at, back + n]), energies)
    ahead = circle.shifted(least[n:], torch.arange(n, 2 * n, device=own.device)).roll(-1, 0)
    return (least[:n] + torch.where(internal.ends[:, None, None], 0.0, ahead)).transpose(0, 1)


def compiled_energies(internal, backbone, angles, own, offset):
    """The same, compiled."""
    arguments = (*backbone.thinned[own.shape[-1]].chunk(2), *_cells(internal, backbone, angles, offset), own)
    return torch.from_numpy(_least_energies(*map(array, arguments)))


def sums_ahead(internal, backbone, angles, offset, bins):
    """-log sum over all that may follow, (F, R, B) by turn of each peptide; `offset` (F, R) in grid steps."""
    circle, maps = _Circle(-offset.T, bins), backbone.maps(angles.angle, bins)
    messages = offset.new_zeros(offset.shape[1], len(offset), bins)
    for at in reversed(_joined(internal)):
        energy = maps(at + offset.shape[1]).add_(messages.index_select(0, at).unsqueeze(-1))
        least = energy.amin(-2)
        sums = energy.sub_(least.unsqueeze(-2)).neg_().exp_().sum(-2).log_()
        messages.index_copy_(0, at - 1, circle.shifted(least.sub_(sums), at - 1))
    return messages.transpose(0, 1)


def compiled_sums(internal, backbone, angles, offset, bins):
    """The same, compiled."""
    arguments = backbone.thinned[bins], *_cells(internal, backbone, angles, offset)
    return torch.from_numpy(_sums_ahead(*map(array, arguments)))


def _cells(internal, backbone, angles, offset):
    """Rows of tables, shares of the way to the next, `offset` (all (F, R)), and inner residues (R,)."""
    low, share = backbone.cells(angles.angle)
    return low + backbone.variant * N_ANGLES, share, offset, ~(internal.starts | internal.ends)


def _joined(internal):
    """Residues with peptides on both sides, in the order of `InternalCoordinates.walk`, without empty steps."""
    inner = (at[~internal.ends[at]] for at in internal.walk[1:])
    return [at for at in inner if len(at)]


class _Circle:
    """
    Values on circles of B points, read some steps further on, straight lines between points.

    Parameters
    ----------
    steps : torch.Tensor, shape (N, F)
        How many, for each row of values.
    bins : int

    Examples
    --------
    >>> _Circle(torch.tensor([[0.5]]), 4).shifted(torch.tensor([[[0.0, 1.0, 2.0, 3.0]]]), torch.tensor([0])).tolist()
    [[[0.5, 1.5, 2.5, 1.5]]]
    """

    def __init__(self, steps, bins):
        steps = steps.contiguous()
        left = steps.floor()
        self.first, self.share = torch.remainder(left.long(), bins).unsqueeze(-1), (steps - left).unsqueeze(-1)
        self.along = torch.arange(bins + 1, device=steps.device)

    def shifted(self, values, at):
        """Values (n, F, B) of rows `at` (n,), shifted."""
        read = torch.cat([values, values], -1).gather(-1, self.first.index_select(0, at) + self.along)
        return torch.lerp(read[..., :-1], read[..., 1:], self.share.index_select(0, at))


def _lowest(energies):
    """Angles (...) of the lowest of energies (..., B) on the circle, by the parabola through it and its neighbours."""
    n = energies.shape[-1]
    at = energies.argmin(-1, keepdim=True)
    before, lowest, after = (energies.gather(-1, torch.remainder(at + k, n)) for k in (-1, 0, 1))
    bend = (before - 2 * lowest + after).clamp_min(1e-9)
    beside = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    return (at + beside).squeeze(-1) * (2 * math.pi / n) - math.pi


@dataclasses.dataclass(frozen=True, eq=False)
class Guide:
    """
    What the Ramachandran maps say of a peptide's turn while peptides are drawn one after another.

    To the distribution of a network it adds the energy of the residue between a peptide and the one before, and the
    logarithm of how well the chain can go on from there.

    Attributes
    ----------
    internal : InternalCoordinates
    backbone : Backbone
    angles : TraceAngles
        Of the beads, shape (F, R, 3).
    messages : torch.Tensor, shape (F, R, 72)
        -log sum over all that may follow, by turn of each residue's peptide, in nats.
    strength : torch.Tensor, shape (F,)
        Power of what the maps say: 1, or 0 for a frame that is left to the network alone.
    """

    internal: InternalCoordinates
    backbone: Backbone
    angles: TraceAngles
    messages: torch.Tensor
    strength: torch.Tensor

    @classmethod
    def on(cls, internal, backbone, angles, strength, bins):
        """Sum on `bins` points of the circle, one of `Backbone.thinned`."""
        offset = (angles.torsion * (bins / (2 * math.pi))).to(backbone.table)
        sums = compiled_sums if suits(backbone.table, offset) else sums_ahead
        messages = sums(internal, backbone, angles, offset, bins)
        return cls(internal, backbone, angles, resampled(messages, BINS), strength)

    def along(self, n_bins, like):
        """`GuideSteps` for distributions of `n_bins`, of the type of the tensor `like`."""
        return GuideSteps(self, n_bins, like)

    def tables(self, like):
        """
        What `bias` reads, of the type of the tensor `like`.

        Returns
        -------
        maps : torch.Tensor, shape (V, 72)
            Energies by turn of the peptide after; 72 rows, by turn of the one before, for each C-alpha angle.
        rows : torch.Tensor of int64, shape (F, R)
            Angles in `maps`, as numbers of 72 rows.
        shares : torch.Tensor, shape (F, R)
            Of the way to the next angle.
        torsions, messages, strength
            Those of the trace, and the attributes.
        """
        maps, (low, shares) = self.backbone.table, self.backbone.cells(self.angles.angle)
        given = (part.to(like) for part in (shares, self.angles.torsion, self.messages, self.strength))
        return maps.flatten(0, 2).to(like), low + self.backbone.variant * maps.shape[1], *given


class GuideSteps:
    """
    A `Guide` made ready for steps along chains: its tables, residues first.

    Parameters
    ----------
    guide : Guide
    n_bins : int
    like : torch.Tensor
        Of the type of what is given back.
    """

    def __init__(self, guide, n_bins, like):
        internal, angles = guide.internal, guide.angles
        self.backbone, self.n_bins = guide.backbone, n_bins
        self.begun = [part.contiguous().unsqueeze(-1) for part in guide.backbone.begun(angles.angle)]
        self.torsion = angles.torsion.roll(1, 1).T.contiguous().unsqueeze(-1)
        power = -guide.strength.to(like) * ~internal.ends.unsqueeze(1)  # (R, F)
        inner = power * ~internal.starts.unsqueeze(1)
        self.inner, messages = inner[..., None, None], resampled(guide.messages, n_bins).to(like)
        self.messages = (messages.transpose(0, 1) * power.unsqueeze(-1)).contiguous().unsqueeze(2)

    def bias(self, at, before):
        """
        Log weights for peptides, given those before.

        Parameters
        ----------
        at : torch.Tensor of int64, shape (n,)
            Residues next in the chains.
        before : torch.Tensor, shape (n, F, S)
            Angles of the peptides before them, in S draws.

        Returns
        -------
        torch.Tensor, shape (n, F, S, n_bins)
        """
        turn = before.to(self.torsion) - self.torsion.index_select(0, at)
        begun = (part.index_select(0, at).expand(before.shape) for part in self.begun)
        energy = resampled(self.backbone.turned(*begun, turn), self.n_bins).to(before)
        return torch.addcmul(self.messages.index_select(0, at), energy, self.inner.index_select(0, at))


def resampled(values, bins):
    """Values (..., B) on the circle at another number of points, straight lines between them."""
    n = values.shape[-1]
    if n == bins:
        return values
    at = torch.arange(bins, device=values.device) * (n / bins)
    left = at.floor().long()
    return torch.lerp(values[..., left], values[..., (left + 1) % n], (at - left).to(values))
