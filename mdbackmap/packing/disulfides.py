"""
Disulfides: which cysteines are bonded, by the distance of their C-betas, and which bonds are made.

How far C-betas of bonded cysteines are apart, and which hold a metal ion instead, is said in `DisulfideSettings`.

Shapes: F frames, R residues, C cysteines, H cysteines and histidines, P pairs. Lengths in angstrom.
"""

import dataclasses

import torch

from ..chemistry.residues import CA, CB, DISULFIDE, IDEAL_ATOMS, SG, TYPE_OF_NAME, N
from ..geometry.periodic import image_shifts
from ..geometry.spheres import meeting_spheres, spheres_around
from ..geometry.vectors import axis_frame, turn_about_x

_CYS, _HIS = TYPE_OF_NAME["CYS"], TYPE_OF_NAME["HIS"]
_ROUNDING = 1.001  # times a distance; chosen: by hand, pairs at its end are judged by their vectors


@dataclasses.dataclass(frozen=True)
class Bridges:
    """
    Which cysteines of some frames may be bonded.

    Attributes
    ----------
    types : torch.Tensor of int64, shape (R,)
    frame, one, other : torch.Tensor of int64, shape (P,)
        Pairs that may be bonded, both ways round, sorted.
    gap : torch.Tensor, shape (P, 3)
        From C-beta to (the nearest image of the other) C-beta.
    n_frames : int
    box : torch.Tensor, shape (F, 3, 3), or None
    """

    types: torch.Tensor
    frame: torch.Tensor
    one: torch.Tensor
    other: torch.Tensor
    gap: torch.Tensor
    n_frames: int
    box: torch.Tensor | None = None

    @classmethod
    def of(cls, types, betas, settings, box=None):
        """
        Those of C-betas.

        Parameters
        ----------
        types : torch.Tensor of int64, shape (R,)
        betas : torch.Tensor, shape (F, R, 3)
        settings : DisulfideSettings
        box : torch.Tensor, shape (F, 3, 3), optional
        """
        at = (types == _CYS).nonzero()[:, 0]
        radii = betas.new_full((len(betas), len(at)), settings.betas[1] * _ROUNDING / 2)
        frame, one, other = meeting_spheres(betas[:, at], betas[:, at], radii, radii, box)
        one, other = at[one], at[other]
        gap = _nearest(betas[frame, other] - betas[frame, one], None if box is None else box[frame])
        distance = gap.norm(dim=-1)
        may = (one != other) & (distance > settings.betas[0]) & (distance < settings.betas[1])
        frame, one, other, gap, distance = (values[may] for values in (frame, one, other, gap, distance))
        if len(frame):
            holding = _holds_metal(types, betas, frame, betas[frame, one] + gap / 2, distance, settings, box)
            frame, one, other, gap = (values[~holding] for values in (frame, one, other, gap))
        order = ((frame * len(types) + one) * len(types) + other).argsort()
        frame, one, other, gap = (values[order] for values in (frame, one, other, gap))
        return cls(types, frame, one, other, gap, len(betas), box)

    def __call__(self, one, other):
        """Whether cysteines `one` and `other` (P,), residues of all frames, flat, may be bonded."""
        size = len(self.types)
        if len(self.frame) == 0:
            return torch.zeros_like(one, dtype=torch.bool)
        keys, wanted = (self.frame * size + self.one) * size + self.other, one * size + other % size
        return keys[torch.searchsorted(keys, wanted).clamp_max(len(keys) - 1)] == wanted

    def partners(self):
        """Which residues (F, R) are cysteines that may be bonded to another one."""
        found = torch.zeros(self.n_frames, len(self.types), dtype=torch.bool, device=self.types.device)
        found[self.frame, self.one] = True
        return found

    def pairs(self):
        """
        Pairs that are each other's nearest of those that may be bonded.

        Returns
        -------
        frames, one, other : torch.Tensor of int64, shape (P,)
            Residues, the first below the second.
        gap : torch.Tensor, shape (P, 3)
            From C-beta to (the nearest image of the other) C-beta.
        """
        size, distance = len(self.types), self.gap.norm(dim=-1)
        own, partner = self.frame * size + self.one, self.frame * size + self.other
        least = distance.new_full((self.n_frames * size,), torch.inf).scatter_reduce(0, own, distance, "amin")
        nearest = (distance == least[own]).nonzero()[:, 0]
        last = torch.full_like(least, self.n_frames * size, dtype=torch.int64)
        last = last.scatter_reduce(0, own[nearest], partner[nearest], "amin")  # the first one of equals
        mutual = (own < partner) & (last[own] == partner) & (last[partner] == own)
        return self.frame[mutual], self.one[mutual], self.other[mutual], self.gap[mutual]


def _nearest(gap, box):
    """Vectors (P, 3) to the nearest images in boxes (P, 3, 3)."""
    return gap + image_shifts(gap, None if box is None else box.to(gap))


def _holds_metal(types, betas, frames, middle, distance, settings, box):
    """Which pairs (P,) of `frames` (P,) lie around a metal ion; `middle` (P, 3) is their middle."""
    at = ((types == _CYS) | (types == _HIS)).nonzero()[:, 0]
    radii = betas.new_full((len(middle),), settings.company), betas.new_zeros(len(betas), len(at))
    pair, one = spheres_around(middle, frames, betas[:, at], *radii, box)
    company = torch.bincount(pair, minlength=len(middle)) - 2
    motif = (types[at] == _CYS) & (types[(at + 3) % len(types)] == _CYS) & (at + 3 < len(types))
    partner, keys = torch.searchsorted(at, at + 3).clamp_max(len(at) - 1), pair * len(at) + one
    both = motif[one] & torch.isin(pair * len(at) + partner[one], keys)
    motif = torch.zeros_like(company, dtype=torch.bool).index_fill(0, pair[both], True)
    return ((company >= 2) & (distance > settings.loose)) | ((company == 2) & motif)


def sulfur_places(atoms, chi1):
    """Places (P, B, 3) of SG from CB, for cysteines (P, 14, 3) of which N, CA and CB are there and chi1 (B,)."""
    local = turn_about_x(atoms.new_tensor(IDEAL_ATOMS["CYS"]["SG"][1:]), chi1)  # (B, 3)
    return local @ axis_frame(atoms[:, CA], atoms[:, CB], atoms[:, N])


def broken(bridges, atoms, settings):
    """
    Cysteines whose bond is missing or off in length or angles.

    Parameters
    ----------
    bridges : Bridges
    atoms : torch.Tensor, shape (F, R, 14, 3)
    settings : DisulfideSettings

    Returns
    -------
    torch.Tensor of bool, shape (F, R)
    """
    frame, one, other = bridges.frame, bridges.one, bridges.other
    beta, sulfur = ([atoms[frame, residue, k] for residue in (one, other)] for k in (CB, SG))
    shift = bridges.gap - (beta[1] - beta[0])  # of the second to its nearest image
    distance = (sulfur[1] + shift - sulfur[0]).norm(dim=-1)
    across = (sulfur[1] + shift - beta[0]).norm(dim=-1), (sulfur[0] - shift - beta[1]).norm(dim=-1)
    bent = [(each - DISULFIDE["CB-SG"]).abs() > settings.bent for each in across]
    pulled, off = distance < settings.pulled, torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    made = pulled & ((distance - DISULFIDE["SG-SG"]).abs() < settings.made) & ~bent[0] & ~bent[1]
    off[frame[pulled], one[pulled]] = True
    off[frame[made], one[made]] = False
    return off
