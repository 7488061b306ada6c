"""
Clashes of peptides, which are drawn again.

They are rare, as each peptide is drawn from the distribution on its own C-alphas. No side chain can resolve them.

Shapes: F frames, R residues, P pairs of them, Q peptides in question, B bins. Angstrom and radians.
"""

import torch

from ..chemistry.residues import CB, MAX_ATOMS
from ..geometry.periodic import image_shifts
from ..geometry.spheres import meeting_spheres, spheres_around
from ..geometry.vectors import full_precision, turn_about_x
from ..torsions.movable import present

_OXYGEN, _NITROGEN = 1, 2  # among C, O and N of the next residue


@full_precision
def collisions(internal, beads, angles, settings, box=None, fixed=None, given=None):
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
    fixed : torch.Tensor of bool, shape (R,), optional
        Peptides that do not turn.
    given : Given, optional
        Oxygens meet its side chains and other atoms, too.

    Returns
    -------
    frames, at : torch.Tensor of int64, shape (Q,)
        Of two oxygens that overlap, the first that turns.
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
    onto = (((second[:, _OXYGEN, None] - first).norm(dim=-1) < touching) & _met(one - other)).any(1)
    if fixed is not None:
        into = into | (onto & fixed[other])  # the oxygen of a fixed peptide: the other one has to turn
        onto = (onto | (into & fixed[one])) & ~fixed[other]
        into = into & ~fixed[one]
    onto = onto & ~into
    pairs = torch.stack([torch.cat([frame[into], frame[onto]]), torch.cat([one[into], other[onto]])])
    if given is not None:
        frame, peptide, _, gap = _near_given(internal, beads, given, settings, box)
        hit = ((around[frame, peptide, _OXYGEN] - gap).norm(dim=-1) < touching) & ~fixed[peptide]
        pairs = torch.cat([pairs, torch.stack([frame[hit], peptide[hit]])], 1)
    return torch.unique(pairs, dim=1).unbind(0)


def _near_given(internal, beads, given, settings, box=None):
    """
    Given side chains and other atoms near peptides, but for those of the residues that a peptide joins.

    Returns
    -------
    frames, peptides, atoms : torch.Tensor of int64, shape (P,)
        Atoms as rows of all.
    gap : torch.Tensor, shape (P, 3)
        From the C-alpha of the peptide to the atom.
    """
    mask, places = given.mask.clone(), given.places
    mask[:, :CB] = False
    if given.others is not None:
        mask = torch.cat([mask, present().to(mask.device)[given.kinds]])
        places = torch.cat([places, given.others], 1)
    rows = mask.flatten().nonzero()[:, 0]
    places = places.flatten(1, 2)[:, rows].to(beads)
    near = beads.new_full(beads.shape[:2], 2 * settings.reach)
    frame, peptide, atom = meeting_spheres(beads, places, near, torch.zeros_like(places[..., 0]), box)
    ahead = rows[atom] // MAX_ATOMS - peptide
    apart = ~internal.ends[peptide] & (ahead != 0) & (ahead != 1)
    frame, peptide, atom = (index[apart] for index in (frame, peptide, atom))
    gap = places[frame, atom] - beads[frame, peptide]
    return frame, peptide, atom, gap + image_shifts(gap, None if box is None else box[frame].to(gap))


@full_precision
def crowding(internal, beads, angles, frames, at, turns, settings, box=None, given=None):
    """Energies (Q, B), in nats, of turning peptides `at` (Q,) of `frames` (Q,) by `turns` (Q, B), all others fixed."""
    local, axes = internal.peptide_frames(beads)
    reach = beads.new_full(beads.shape[:2], settings.reach)
    row, other = spheres_around(beads[frames, at], frames, beads, reach[frames, at], reach, box)
    near = (other != at[row]) & ~internal.ends[other]
    row, other = row[near], other[near]
    gap = beads[frames[row], other] - beads[frames[row], at[row]]
    gap = gap + image_shifts(gap, None if box is None else box[frames[row]].to(gap))
    turned = turn_about_x(local[frames[row], other], angles[frames[row], other].unsqueeze(-1))
    atoms = turned @ axes[frames[row], other] + gap.unsqueeze(1)  # (P, 3, 3), from the own C-alpha
    oxygen = turn_about_x(local[frames, at, None, _OXYGEN], turns) @ axes[frames, at]  # (Q, B, 3)
    distance = torch.cdist(oxygen[row], atoms, compute_mode="donot_use_mm_for_euclid_dist")  # (P, B, 3)
    met = _met(other - at[row]).unsqueeze(1)
    cost = settings.stiffness * ((settings.clear - distance).clamp_min(0).square() * met).sum(-1)
    total = torch.zeros_like(turns).index_add(0, row, cost)
    if given is None:
        return total
    frame, peptide, _, gap = _near_given(internal, beads, given, settings, box)
    turned, order = (frames * beads.shape[1] + at).sort()
    wanted = frame * beads.shape[1] + peptide
    place = torch.searchsorted(turned, wanted).clamp_max(len(turned) - 1)
    pair = (turned[place] == wanted).nonzero()[:, 0]
    row = order[place[pair]]
    distance = (oxygen[row] - gap[pair].unsqueeze(1)).norm(dim=-1)
    return total.index_add(0, row, settings.stiffness * (settings.clear - distance).clamp_min(0).square())


def _met(ahead):
    """
    Which atoms (p, 3) of another peptide an oxygen can meet, that peptide being so many residues (p,) `ahead`.

    Of the next one these are O and the nitrogen after it, of the one before O: the rest is of the same residue.
    """
    atom = torch.arange(3, device=ahead.device)
    ahead = ahead.unsqueeze(1)
    return (ahead.abs() > 1) | (atom == _OXYGEN) | ((ahead == 1) & (atom == _NITROGEN))
