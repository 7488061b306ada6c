"""
The turns of all peptides at once: the best ones on given beads, and what is known of those still to come.

Residues couple the peptides on both sides of them and nothing else, so chains of peptides are solved exactly on a grid
of turns: by the least energies of all before and all after (Viterbi), or by sums forward and backward.

Shapes: F frames, N residues, B bins.
"""

import copy
import math

import torch

VITERBI_BINS = 36
_MESSAGE_BINS = 24


def best_turns(relaxation, angles, bins=VITERBI_BINS, held=None, firmness=0.0):
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
    held : torch.Tensor (F, N), optional
        Angles in radians that peptides have already.
    firmness : float
        Nats that it costs to turn a peptide by 180 degrees from there.

    Returns
    -------
    torch.Tensor (F, N)
        In radians, refined between the points by a parabola; 0 for the last residues of stretches.
    """
    internal, grid = relaxation.internal, angles.angle.new_tensor(range(bins)) * (2 * math.pi / bins) - math.pi
    own = angles.angle.new_zeros(*angles.angle.shape, bins)  # energy of the peptide by itself
    if held is not None:
        own = firmness * (1 - (grid - held.unsqueeze(-1)).cos()) / 2
    behind, ahead = own.clone(), torch.zeros_like(own)  # least energy of all before and after, by turn of the peptide
    offset = (angles.torsion * (bins / (2 * math.pi))).unsqueeze(-1)  # from the frame of the next residue to the own
    for at in internal.walk[1:]:
        at = at[~internal.ends[at]]
        if len(at):
            before = shifted(behind[:, at - 1], offset[:, at - 1]).unsqueeze(-1)
            behind[:, at] += (relaxation.backbone.matrices(angles.angle, at, bins) + before).amin(-2)
    for at in reversed(internal.walk[1:]):
        at = at[~internal.ends[at]]
        if len(at):
            after = (own[:, at] + ahead[:, at]).unsqueeze(-2)
            least = (relaxation.backbone.matrices(angles.angle, at, bins) + after).amin(-1)
            ahead[:, at - 1] = shifted(least, -offset[:, at - 1])
    return torch.where(internal.ends, 0.0, _lowest(behind + ahead))


def shifted(values, steps):
    """
    Values (..., B) on a circle, read `steps` (..., 1) points further on, straight lines between points.

    >>> shifted(torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([0.5])).tolist()
    [0.5, 1.5, 2.5, 1.5]
    """
    n = values.shape[-1]
    left = steps.floor()
    at = torch.remainder(left.long() + torch.arange(n, device=values.device), n).expand(values.shape)
    near, far = values.gather(-1, at), values.gather(-1, torch.remainder(at + 1, n))
    return torch.lerp(near, far, (steps - left).expand_as(near))


def _lowest(energies):
    """Angles (...) of the lowest of energies (..., B) on the circle, by the parabola through it and its neighbours."""
    n = energies.shape[-1]
    at = energies.argmin(-1, keepdim=True)
    before, here, after = (energies.gather(-1, torch.remainder(at + k, n)) for k in (-1, 0, 1))
    bend = (before - 2 * here + after).clamp_min(1e-9)
    beside = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    return (at + beside).squeeze(-1) * (2 * math.pi / n) - math.pi


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
    offset = (angles.torsion * (bins / (2 * math.pi))).unsqueeze(-1)
    for at in reversed(relaxation.internal.walk[1:]):
        at = at[~relaxation.internal.ends[at]]
        if len(at):
            energy = relaxation.backbone.matrices(angles.angle, at, bins) + messages[:, at].unsqueeze(-2)
            messages[:, at - 1] = shifted(-torch.logsumexp(-energy, -1), -offset[:, at - 1])
    return messages


def resampled(values, bins):
    """Values (..., B) on the circle at another number of points, straight lines between them."""
    n = values.shape[-1]
    if n == bins:
        return values
    at = torch.arange(bins, device=values.device) * (n / bins)
    left = at.floor().long()
    return torch.lerp(values[..., left], values[..., (left + 1) % n], (at - left).to(values))
