"""
Peptide angles, drawn along the chain: each given the one before it, from the network's distribution and strain energy.

Two peptides that meet at a C-alpha fix its angle N-CA-C and its phi. The network's distributions resolve that only to
their bins, and an angle is drawn before the next one. So strain costs energy, and where too much is left in the end the
two angles are drawn again, together.

Shapes: F frames, S draws of a chain, N residues, k residues of a step, Q strained residues, C features, B bins.
Angstrom and radians.
"""

import math

import torch

from ..chemistry import residues
from ..geometry.vectors import dihedral, full_precision, wrap
from ..torsions.circular import fourier, levels_of
from .collisions import collisions, crowding

N_DRAWS = 16
"""Draws of a chain whose distributions are averaged for the most likely angles (temperature 0)."""
FAINT = 0.2
"""Power of the Ramachandran maps in draws on beads that are kept."""
_SMOOTHING = math.radians(40)  # of that average, before its peak is taken
_PEAK = math.radians(5)  # the same where beads were relaxed: a bin, which keeps the peak between bins continuous
_BEND = math.radians(10), math.radians(6)  # N-CA-C may be off by the first; 1 kT for each of the second, squared
_PHI = math.radians(-75), math.radians(45), math.radians(10)  # of proline: its middle, and the same
_STRAINED = 1.0  # kT
_ROUNDS = 3


def draw_peptides(heads, internal, beads, hidden, uniform, temperature, guide=None, box=None):
    """
    Peptide angles along each chain; phi of the last residues.

    Parameters
    ----------
    heads : TorsionHeads
    internal : InternalCoordinates
    beads : torch.Tensor (F, N, 3)
    hidden : torch.Tensor (F, N, C)
        Decoder features.
    uniform : torch.Tensor (F, N)
        Numbers in (0, 1); not used at temperature 0.
    temperature : float
        At 0 each angle is the peak of its own distribution, whatever the one before it: less wrong on average than the
        most probable chain of angles.
    guide : Guide, optional
        Angles are drawn from the network's distributions times the guide's to the power of its strength: 1 for frames
        whose beads were relaxed; at temperature 0 each is the most probable one there.
    box : torch.Tensor (F, 3, 3), optional

    Returns
    -------
    torch.Tensor (F, N)
    """
    told = _joined(heads, internal, hidden), _Strain(internal, beads)
    if temperature == 0 and guide is None:
        levels = levels_of(N_DRAWS, len(internal.types), 1)[..., 0].to(uniform)
        _, shares = _walk(heads, internal, *told, levels.expand(len(beads), -1, -1), 1.0)
        angles = _mend(heads, internal, *told, heads.bins.peak(shares, _SMOOTHING), shares, None)
        return _part(heads, internal, beads, *told, angles, shares, None, box)
    angles, shares = _walk(heads, internal, *told, uniform.unsqueeze(1), temperature, guide)
    angles = angles.squeeze(1)
    if temperature > 0:
        among = None if guide is None else guide.strength < 1
        angles = _mend(heads, internal, *told, angles, shares, uniform, among)
        return _part(heads, internal, beads, *told, angles, shares, uniform, box)
    kept = (guide.strength < 1).nonzero()[:, 0]
    if len(kept) == 0:
        return angles
    boxes = None if box is None else box[kept]
    drawn = draw_peptides(heads, internal, beads[kept], hidden[kept], uniform[kept], 0, box=boxes)
    return angles.index_copy(0, kept, drawn)


def _walk(heads, internal, joined, strain, uniform, temperature, guide=None):
    """Angles (F, S, N) for uniform numbers (F, S, N), and the shares (F, N, B) of the bins, averaged over the draws."""
    angles = torch.zeros_like(uniform)
    shares, centres = joined.new_zeros(*joined.shape[:2], heads.bins.n_bins), heads.bins.centres(joined)
    for at in internal.walk:
        before = angles[:, :, (at - 1).clamp_min(0)]
        previous = fourier(before, (~internal.starts[at]).expand(before.shape), heads.order)
        features = joined[:, None, at]
        logits = heads.peptide.after(features, previous)
        if internal.ends[at].any():
            logits = torch.where(internal.ends[at, None], heads.phi.after(features, previous), logits)
        logits = logits - strain.of(slice(None), at, before.unsqueeze(-1), centres, (1, -1, 1))
        if guide is not None:
            logits = logits + guide.bias(at, before, heads.bins.n_bins)
        shares[:, at] = torch.softmax(logits / (temperature or 1.0), -1).mean(1)
        if temperature > 0:
            angles[:, :, at] = heads.bins.draw(logits, uniform[:, :, at], temperature)
        else:
            angles[:, :, at] = heads.bins.peak(torch.softmax(logits.float(), -1), _PEAK)
    return angles, shares


def _joined(heads, internal, hidden):
    """What the heads make of the features (F, N, C), before they know the angle before."""
    width, head = hidden.shape[-1], heads.peptide.features
    following = hidden.roll(-1, dims=1)
    joined = hidden @ head.weight[:, :width].T + following @ head.weight[:, width:].T + head.bias
    return joined.index_copy(1, internal.last, heads.phi.features(hidden[:, internal.last]))


def _mend(heads, internal, joined, strain, angles, shares, uniform, among=None):
    """
    Draw pairs of angles (F, N) that strain a residue again, together; the best ones if `uniform` is None.

    Of neighbouring residues, the one with more strain comes first. Frames not `among` (F,) stay as they are.
    """
    everyone, centres = torch.arange(len(internal.types), device=joined.device), heads.bins.centres(joined)
    given = fourier(centres, torch.ones_like(centres, dtype=torch.bool), heads.order)
    allowed = True if among is None else among.unsqueeze(1)
    for _ in range(_ROUNDS):
        energy = strain.of(slice(None), everyone, angles.roll(1, 1), angles, (-1,))
        worst = (energy > energy.roll(1, 1)) & (energy >= energy.roll(-1, 1)) & (energy > _STRAINED)
        frames, at = (worst & allowed).nonzero().unbind(1)
        if len(at) == 0:
            break
        grid = shares[frames, at - 1].clamp_min(1e-9).log().unsqueeze(2)  # (Q, B, 1)
        grid = grid + torch.log_softmax(heads.peptide.after(joined[frames, at].unsqueeze(1), given), -1)
        first, second = centres[:, None], centres
        outer = angles[frames, (at - 2).clamp_min(0)], angles[frames, (at + 1).clamp_max(len(everyone) - 1)]
        grid = grid - strain.of(frames, at, first, second, (-1, 1, 1))
        grid = grid - strain.of(frames, at - 1, outer[0][:, None, None], first, (-1, 1, 1))
        grid = grid - strain.of(frames, (at + 1) % len(everyone), second, outer[1][:, None, None], (-1, 1, 1))
        picked = _pick(grid.flatten(1), None if uniform is None else uniform[frames, at])
        angles[frames, at - 1], angles[frames, at] = centres[picked // len(centres)], centres[picked % len(centres)]
    return angles


def _part(heads, internal, beads, joined, strain, angles, shares, uniform, box):
    """Draw the angles (F, N) of peptides that overlap another one again; the best ones if `uniform` is None."""
    centres, frames = heads.bins.centres(joined), torch.arange(len(beads), device=beads.device)
    for _ in range(_ROUNDS):
        left = frames.unique()
        frames, at = collisions(internal, beads[left], angles[left], None if box is None else box[left])
        frames = left[frames]
        if len(at) == 0:
            break
        own, following = centres.expand(len(at), -1), (at + 1) % len(internal.types)
        behind, ahead = angles[frames, (at - 1).clamp_min(0), None], angles[frames, following, None]
        logits = shares[frames, at].clamp_min(1e-9).log() - crowding(internal, beads, angles, frames, at, own, box)
        logits = (
            logits - strain.of(frames, at, behind, own, (-1, 1)) - strain.of(frames, following, own, ahead, (-1, 1))
        )
        picked = _pick(logits, None if uniform is None else uniform[frames, at])
        angles = angles.index_put((frames, at), centres[picked])
    return angles


def _pick(logits, uniform):
    """Indices (Q,) of the largest, or drawn by uniform numbers (Q,)."""
    if uniform is None:
        return logits.argmax(1)
    cumulative = torch.softmax(logits, 1).cumsum(1)
    return torch.searchsorted(cumulative, uniform.unsqueeze(1)).squeeze(1).clamp_max(logits.shape[1] - 1)


class _Strain:
    """Energy, in kT, of N-CA-C and of proline's phi, from the angles of the two peptides that meet at a residue."""

    def __init__(self, internal, beads):
        local, frame = internal.peptide_frames(beads)  # (F, N, 3, 3), (F, N, 3, 3)
        length = (beads.roll(-1, 1) - beads).norm(dim=-1)
        back = torch.stack([length, torch.zeros_like(length)], -1)
        carbon = local[..., 0, :2]  # along and beside the axis, as what follows
        nitrogen, behind = ((local[..., k, :2] - back).roll(1, 1) for k in (2, 0))  # of the peptide before
        across = (frame.roll(1, 1) @ frame.transpose(-1, -2)).flatten(-2)  # from that peptide's frame to the own one
        sizes = carbon.norm(dim=-1, keepdim=True) * nitrogen.norm(dim=-1, keepdim=True)
        tau, inner = (
            row.to(beads).expand(len(beads), -1) for row in (internal.tau, ~(internal.starts | internal.ends))
        )
        rows = torch.stack([tau, inner], -1)
        self.table = torch.cat([nitrogen, behind, carbon, sizes, rows, across], -1)  # (F, N, 18), read in one go
        self.proline = internal.types == residues.TYPE_OF_NAME["PRO"]

    @full_precision
    def of(self, frames, at, before, own, shape):
        """
        Energies of residues `at` in `frames` for angles of the peptide before and of their own, which broadcast.

        `shape` is that of one residue's, or of `at`'s, among them.
        """
        found = self.table[frames, at] if torch.is_tensor(frames) else self.table.index_select(1, at)
        lead = () if torch.is_tensor(frames) else found.shape[:1]
        values, across = found.view(*lead, *shape, found.shape[-1]).split([9, 9], -1)
        *nitrogen, behind_along, behind_aside, along, aside, sizes, tau, inner = values.unbind(-1)
        turn, across = (before.cos(), before.sin()), across.unflatten(-1, (3, 3))
        own = own.cos(), own.sin()
        n = _seen(*nitrogen, turn, across)
        dot = along * n[..., 0] + aside * (n[..., 1] * own[0] + n[..., 2] * own[1])
        off = (torch.acos((dot / sizes).clamp(-1, 1)) - tau).abs()
        energy = (off - _BEND[0]).clamp_min_(0).mul_(1 / _BEND[1]).square_()
        proline = self.proline[at]
        if proline.any():
            behind = _seen(behind_along, behind_aside, turn, across)
            c = torch.stack(torch.broadcast_tensors(along, aside * own[0], aside * own[1]), -1)
            far = wrap(dihedral(behind, n, torch.zeros(3, device=c.device).expand_as(n), c) - _PHI[0]).abs()
            energy = energy + ((far - _PHI[1]).clamp_min(0) / _PHI[2]).square() * proline.view(shape)
        return energy * inner


def _seen(along, aside, turn, across):
    """Vectors (..., 3), given along and beside the axis of the peptide before, in the own frame of a residue."""
    vectors = torch.stack(torch.broadcast_tensors(along, aside * turn[0], aside * turn[1]), -1)
    return (vectors.unsqueeze(-2) @ across).squeeze(-2)
