"""
Clashes of peptides, which are drawn again.

They are rare, as each peptide is drawn from the distribution on its own C-alphas. No side chain can resolve them.

Shapes: F frames, R residues, P pairs of them, Q peptides in question, B bins. Angstrom and radians.
"""

import torch

from ..geometry.neighbours import image_shifts, meeting_spheres, minimum_image
from ..geometry.vectors import full_precision, turn_about_x

_OXYGEN, _NITROGEN = 1, 2  # among C, O and N of the next residue


@full_precision
def collisions(internal, beads, angles, settings, box=None):
    """
    Peptides whose oxygen is too near an atom of another one; of neighbours, not all count (`_met`).

    Parameters
    ----------
    internal : InternalCoordinates
    beads : torch.Tensor, shape (F, R, 3)
    angles : torch.Tensor, shape (F, R)
        Of the peptides.
    settings : CollisionSettings
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    frames, at : torch.Tensor of int64, shape (Q,)
        Of two oxygens that overlap, the first.
    """
    around, touching = internal.peptides(beads, angles), settings.touching
    reach = beads.new_full(beads.shape[:2], settings.reach)
    frame, one, other = meeting_spheres(beads, beads, reach, reach, box)
    joined = (one < other) & ~(internal.ends[one] | internal.ends[other])
    frame, one, other = (index[joined] for index in (frame, one, other))
    gap = beads[frame, other] - beads[frame, one]
    gap = gap + image_shifts(gap, None if box is None else box[frame].to(gap))
    first, second = around[frame, one], around[frame, other] + gap.unsqueeze(1)
    into = (((first[:, _OXYGEN, None] - second).norm(dim=-1) < touching) & _met(other - one)).any(1)
    onto = (((second[:, _OXYGEN, None] - first).norm(dim=-1) < touching) & _met(one - other)).any(1) & ~into
    pairs = torch.stack([torch.cat([frame[into], frame[onto]]), torch.cat([one[into], other[onto]])])
    return torch.unique(pairs, dim=1).unbind(0)


@full_precision
def crowding(internal, beads, angles, frames, at, turns, settings, box=None):
    """Energies (Q, B), in nats, of turning peptides `at` (Q,) of `frames` (Q,) by `turns` (Q, B), all others fixed."""
    local, axes = internal.peptide_frames(beads)
    everyone = torch.arange(beads.shape[1], device=at.device)
    gap = beads[frames] - beads[frames, at].unsqueeze(1)  # (Q, R, 3)
    if box is not None:
        gap = minimum_image(gap, box[frames].unsqueeze(1).to(gap))
    near = (gap.norm(dim=-1) < 2 * settings.reach) & (everyone != at.unsqueeze(1)) & ~internal.ends
    row, other = near.nonzero().unbind(1)
    turned = turn_about_x(local[frames[row], other], angles[frames[row], other].unsqueeze(-1))
    atoms = turned @ axes[frames[row], other] + gap[row, other].unsqueeze(1)  # (P, 3, 3), from the own C-alpha
    oxygen = turn_about_x(local[frames, at, None, _OXYGEN], turns) @ axes[frames, at]  # (Q, B, 3)
    distance = torch.cdist(oxygen[row], atoms, compute_mode="donot_use_mm_for_euclid_dist")  # (P, B, 3)
    met = _met(other - at[row]).unsqueeze(1)
    cost = settings.stiffness * ((settings.clear - distance).clamp_min(0).square() * met).sum(-1)
    return torch.zeros_like(turns).index_add(0, row, cost)


def _met(ahead):
    """
    Which atoms (p, 3) of another peptide an oxygen can meet, that peptide being so many residues (p,) `ahead`.

    Of the next one these are O and the nitrogen after it, of the one before O: the rest is of the same residue.
    """
    atom = torch.arange(3, device=ahead.device)
    ahead = ahead.unsqueeze(1)
    return (ahead.abs() > 1) | (atom == _OXYGEN) | ((ahead == 1) & (atom == _NITROGEN))
