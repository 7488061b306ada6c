"""
The turns of all peptides at once: the best ones on given beads, and what is known of those still to come.

Residues couple the peptides on both sides of them and nothing else, so chains of peptides are solved exactly (Viterbi;
forward and backward sums) on a grid of turns.

Shapes: F frames, N residues, B bins.
"""

import copy
import math

import torch

VITERBI_BINS = 36
_MESSAGE_BINS = 24


def best_turns(relaxation, angles, bins=VITERBI_BINS):
    """
    The peptide angles of least energy on given beads.

    Parameters
    ----------
    relaxation : Relaxation
        For its tables.
    angles : TraceAngles
        Of the beads (F, N, 3), from `Relaxation.angles`.
    bins : int
        Points of the circle; a divisor of 72.

    Returns
    -------
    torch.Tensor (F, N)
        In radians, on a grid; 0 for the last residues of stretches.
    """
    walk, ends = relaxation.internal.walk, relaxation.internal.ends
    reach = angles.angle.new_zeros(*angles.angle.shape, bins)  # least energy of all before, by turn of the own peptide
    came_from = torch.zeros(reach.shape, dtype=torch.int64, device=reach.device)
    before = angles.torsion.roll(1, -1)
    for at in walk[1:]:
        at = at[~ends[at]]
        if len(at):
            energy = relaxation.backbone.matrices(angles.angle, before, at, bins) + reach[:, at - 1].unsqueeze(-1)
            reach[:, at], came_from[:, at] = energy.min(2)
    state = torch.zeros(reach.shape[:2], dtype=torch.int64, device=reach.device)
    for at in reversed(walk):
        at = at[~ends[at]]
        following = came_from[:, at + 1].gather(-1, state[:, at + 1].unsqueeze(-1)).squeeze(-1)
        state[:, at] = torch.where(ends[at + 1], reach[:, at].argmin(-1), following)
    return torch.where(ends, 0.0, (state * (2 * math.pi / bins) - math.pi).to(reach.dtype))


class Guide:
    """
    What the Ramachandran maps say of a peptide's turn while peptides are drawn one after another.

    To the distribution of a network it adds the energy of the residue between a peptide and the one before, and the
    logarithm of how well the chain can go on from there.

    Parameters
    ----------
    relaxation : Relaxation
        For its tables.
    beads : torch.Tensor (F, N, 3)
    strength : torch.Tensor (F,)
        Power of what the maps say: 1, or 0 for a frame that is left to the network alone.
    """

    def __init__(self, relaxation, beads, strength):
        self.relaxation = relaxation
        self.angles = relaxation.angles(beads)
        self.messages = _messages(relaxation, self.angles)
        self.inner = relaxation.inner.to(self.messages).unsqueeze(-1)
        self.resampled = {}
        self._take(strength)

    def _take(self, strength):
        self.strength = strength
        self.powers = (-strength.unsqueeze(1) * ~self.relaxation.internal.ends).unsqueeze(-1)  # (F, N, 1)

    def _ahead(self, n_bins):
        """The messages on some number of bins; kept, for all copies."""
        if n_bins not in self.resampled:
            self.resampled[n_bins] = resampled(self.messages, n_bins)
        return self.resampled[n_bins]

    def at_least(self, strength):
        """The same with more strength where it is less than a number."""
        other = copy.copy(self)
        other._take(self.strength.clamp_min(strength))
        return other

    def bias(self, at, before, n_bins):
        """
        Log weights (F, S, n, n_bins) for the peptides of residues `at` (n,), given those before.

        Parameters
        ----------
        at : torch.Tensor (n,) int64
            Residues next in the chains.
        before : torch.Tensor (F, S, n)
            Angles of the peptides before them, in S draws.
        n_bins : int
        """
        relaxation, angles = self.relaxation, self.angles
        turned = before.to(angles.torsion) - angles.torsion[:, None, (at - 1).clamp_min(0)]
        energy = relaxation.backbone.rows(angles.angle[:, None, at].expand_as(turned), turned, at)
        energy = torch.addcmul(self._ahead(n_bins)[:, None, at], resampled(energy, n_bins), self.inner[at])
        return energy.to(before).mul_(self.powers[:, None, at])


def _messages(relaxation, angles, bins=_MESSAGE_BINS):
    """-log sum over all that may follow (F, N, bins), by turn of each residue's peptide."""
    n_frames, n = angles.angle.shape
    messages = angles.angle.new_zeros(n_frames, n, bins)
    before = angles.torsion.roll(1, -1)
    for at in reversed(relaxation.internal.walk[1:]):
        at = at[~relaxation.internal.ends[at]]
        if len(at):
            energy = relaxation.backbone.matrices(angles.angle, before, at, bins) + messages[:, at].unsqueeze(-2)
            messages[:, at - 1] = -torch.logsumexp(-energy, -1)
    return messages


def resampled(values, bins):
    """Values (..., B) on the circle at another number of points, straight lines between them."""
    n = values.shape[-1]
    if n == bins:
        return values
    at = torch.arange(bins, device=values.device) * (n / bins)
    left = at.floor().long()
    return torch.lerp(values[..., left], values[..., (left + 1) % n], (at - left).to(values))
