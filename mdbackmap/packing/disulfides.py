"""
Disulfides: which cysteines are bonded, by the distance of their C-betas, and which bonds are made.

How far C-betas of bonded cysteines are apart, and which hold a metal ion instead, is said in `DisulfideSettings`.

Shapes: F frames, R residues, C cysteines, H cysteines and histidines, P pairs. Lengths in angstrom.
"""

import dataclasses

import torch

from ..chemistry.residues import CA, CB, DISULFIDE, IDEAL_ATOMS, SG, TYPE_OF_NAME, N
from ..geometry.neighbours import image_shifts
from ..geometry.vectors import axis_frame, turn_about_x

_CYS, _HIS = TYPE_OF_NAME["CYS"], TYPE_OF_NAME["HIS"]


@dataclasses.dataclass(frozen=True)
class Bridges:
    """
    Which cysteines of some frames may be bonded.

    Attributes
    ----------
    types : torch.Tensor of int64, shape (R,)
    cysteines : torch.Tensor of int64, shape (C,)
    place : torch.Tensor of int64, shape (R,)
        Of a cysteine among them.
    gap : torch.Tensor, shape (F, C, C, 3)
        From C-beta to (the nearest image of the other) C-beta.
    allowed : torch.Tensor of bool, shape (F, C, C)
    box : torch.Tensor, shape (F, 3, 3), or None
    """

    types: torch.Tensor
    cysteines: torch.Tensor
    place: torch.Tensor
    gap: torch.Tensor
    allowed: torch.Tensor
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
        place = torch.zeros_like(types).index_put((at,), torch.arange(len(at), device=at.device))
        gap = _nearest(betas[:, None, at] - betas[:, at, None], box)
        distance = gap.norm(dim=-1)
        allowed = (distance > settings.betas[0]) & (distance < settings.betas[1])
        frames, one, other = allowed.nonzero().unbind(1)
        if len(frames):
            middle = betas[frames, at[one]] + gap[frames, one, other] / 2
            holding = _holds_metal(types, betas, frames, middle, distance[frames, one, other], settings, box)
            allowed[frames, one, other] = ~holding
        return cls(types, at, place, gap, allowed, box)

    def __call__(self, one, other):
        """Whether cysteines `one` and `other` (P,), residues of all frames, flat, may be bonded."""
        size = len(self.types)
        return self.allowed[one // size, self.place[one % size], self.place[other % size]]

    def partners(self):
        """Which residues (F, R) are cysteines that may be bonded to another one."""
        nobody = self.allowed.new_zeros(len(self.allowed), len(self.place))
        return nobody.index_copy(1, self.cysteines, self.allowed.any(2))

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
        if self.allowed.numel() == 0:
            frames = one = other = self.cysteines.new_zeros(0)
        else:
            distance = torch.where(self.allowed, self.gap.norm(dim=-1), torch.inf)
            partner = distance.argmin(2)  # (F, C)
            index = torch.arange(len(self.cysteines), device=partner.device)
            mutual = self.allowed.any(2) & (partner.gather(1, partner) == index) & (index < partner)
            frames, one = mutual.nonzero().unbind(1)
            other = partner[frames, one]
        return frames, self.cysteines[one], self.cysteines[other], self.gap[frames, one, other]


def _nearest(gap, box):
    """Vectors (n, ..., 3) to the nearest images in boxes (n, 3, 3)."""
    return gap + image_shifts(gap, None if box is None else box.view(-1, *[1] * (gap.dim() - 2), 3, 3).to(gap))


def _holds_metal(types, betas, frames, middle, distance, settings, box):
    """Which pairs (P,) of `frames` (P,) lie around a metal ion; `middle` (P, 3) is their middle."""
    at = ((types == _CYS) | (types == _HIS)).nonzero()[:, 0]
    gap = _nearest(betas[:, at][frames] - middle.unsqueeze(1), None if box is None else box[frames])
    near = gap.norm(dim=-1) < settings.company  # (P, H)
    motif = (types[at] == _CYS) & (types[(at + 3) % len(types)] == _CYS) & (at + 3 < len(types))
    partner = torch.searchsorted(at, at + 3).clamp_max(len(at) - 1)
    motif = (near & near[:, partner] & motif).any(1)
    company = near.sum(1) - 2
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
    off = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    beta, sulfur = (atoms[:, bridges.cysteines, k] for k in (CB, SG))
    shift = bridges.gap - (beta.unsqueeze(1) - beta.unsqueeze(2))  # (F, C, C, 3), of the second to its nearest image
    distance = (sulfur.unsqueeze(1) + shift - sulfur.unsqueeze(2)).norm(dim=-1)
    across = (sulfur.unsqueeze(1) + shift - beta.unsqueeze(2)).norm(dim=-1)
    bent = (across - DISULFIDE["CB-SG"]).abs() > settings.bent
    pairs = bridges.allowed & (distance < settings.pulled)
    made = (distance - DISULFIDE["SG-SG"]).abs() < settings.made
    off[:, bridges.cysteines] = pairs.any(2) & ~(pairs & made & ~bent & ~bent.transpose(1, 2)).any(2)
    return off
