"""
Disulfides: which cysteines are bonded, by the distance of their C-betas, and the energy of the bond.

Of pairs of cysteines in crystals whose C-betas lie 3.4-4.2 angstrom apart, 95% are bonded; of those 4.5 or more apart,
hardly any. Cysteines that hold a metal ion are near each other, too. Of pairs with two more cysteines or histidines
around them (C-betas within 7 angstrom of their middle) only 25% are bonded if they are more than 4.2 angstrom apart,
and 22% if two of the four are those of a C-X-X-C motif. (`_LOOSE` adds the error of a model's C-betas.)

Shapes: F frames, N residues, C cysteines, H cysteines and histidines, P pairs. Lengths in angstrom, energies in kT.
"""

import torch

from ..chemistry import residues
from ..geometry.neighbours import minimum_image
from ..geometry.vectors import axis_frame, turn_about_x

LENGTH = 2.05
"""Length of the bond of two sulfurs."""
ACROSS = 3.05
"""From a sulfur to the C-beta beyond the bond: an angle of 104 degrees."""
BRIDGE = 12.0
"""Energy gained by the bond."""
_BETAS = 2.6, 4.5
_COMPANY, _LOOSE = 7.0, 4.3  # radius around a metal site; C-betas further apart than the second are not bonded there
_WIDTH = 0.6  # how far from its lengths the worth of a bond falls off
_MADE = 0.18  # how far from its length a bond counts as made
_BENT = 0.25  # how far from theirs the distances across may be
NEAR = 3.6  # sulfurs further apart than this are not pulled together
_CYS, _HIS = residues.TYPE_OF_NAME["CYS"], residues.TYPE_OF_NAME["HIS"]
_CB, _SG = 4, 5


class Bridges:
    """
    Which cysteines of some frames may be bonded.

    Parameters
    ----------
    types : torch.Tensor (N,) int64
    betas : torch.Tensor (F, N, 3)
        C-betas.
    box : torch.Tensor (F, 3, 3), optional

    Attributes
    ----------
    types : torch.Tensor (N,) int64
    box : torch.Tensor (F, 3, 3) or None
    cysteines : torch.Tensor (C,) int64
    allowed : torch.Tensor (F, C, C) bool
    """

    def __init__(self, types, betas, box=None):
        self.types, self.box = types, box
        self.cysteines = at = (types == _CYS).nonzero()[:, 0]
        self.place = torch.zeros_like(types).index_put((at,), torch.arange(len(at), device=at.device))
        self.gap = gap = self._nearest(betas[:, None, at] - betas[:, at, None], box)  # (F, C, C, 3)
        distance = gap.norm(dim=-1)
        self.allowed = (distance > _BETAS[0]) & (distance < _BETAS[1])
        frames, one, other = self.allowed.nonzero().unbind(1)
        if len(frames):
            middle = betas[frames, at[one]] + gap[frames, one, other] / 2
            box = None if box is None else box[frames]
            holding = self._holds_metal(types, betas, frames, middle, distance[frames, one, other], box)
            self.allowed[frames, one, other] = ~holding

    def __call__(self, frames, one, other):
        """Whether residues `one` and `other` (P,), cysteines, may be bonded in `frames` (P,)."""
        return self.allowed[frames, self.place[one], self.place[other]]

    def partners(self):
        """Which residues (F, N) are cysteines that may be bonded to another one."""
        found = self.allowed.new_zeros(len(self.allowed), len(self.place))
        return found.index_copy(1, self.cysteines, self.allowed.any(2))

    def pairs(self):
        """
        Pairs that are each other's nearest of those that may be bonded.

        Returns
        -------
        frames, one, other : torch.Tensor (P,) int64
            Residues, the first below the second.
        gap : torch.Tensor (P, 3)
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

    @staticmethod
    def _nearest(gap, box):
        """Vectors (n, ..., 3) to the nearest images in boxes (n, 3, 3)."""
        return gap if box is None else minimum_image(gap, box.view(-1, *[1] * (gap.dim() - 2), 3, 3).to(gap))

    def _holds_metal(self, types, betas, frames, middle, distance, box):
        """Which pairs (P,) of `frames` (P,) lie around a metal ion; `middle` (P, 3) is their middle."""
        at = ((types == _CYS) | (types == _HIS)).nonzero()[:, 0]
        near = self._nearest(betas[:, at][frames] - middle.unsqueeze(1), box).norm(dim=-1) < _COMPANY  # (P, H)
        motif = (types[at] == _CYS) & (types[(at + 3) % len(types)] == _CYS) & (at + 3 < len(types))
        partner = torch.searchsorted(at, at + 3).clamp_max(len(at) - 1)
        motif = (near & near[:, partner] & motif).any(1)
        company = near.sum(1) - 2
        return ((company >= 2) & (distance > _LOOSE)) | ((company == 2) & motif)


def worth(distance, *across):
    """Energy, in kT, gained by two sulfurs at a distance (...); less if distances `across` the bond (CB-SG) are off."""
    off = (distance - LENGTH).square() + sum((gap - ACROSS).square() for gap in across)
    return BRIDGE * torch.exp(-off / _WIDTH**2)


def sulfur_places(atoms, chi1):
    """Places (P, B, 3) of SG from CB, for cysteines (P, 14, 3) of which N, CA and CB are there and chi1 (B,)."""
    local = turn_about_x(atoms.new_tensor(residues.IDEAL_ATOMS["CYS"]["SG"][1:]), chi1)  # (B, 3)
    return local @ axis_frame(atoms[:, 1], atoms[:, _CB], atoms[:, 0])


def loose(bridges, atoms):
    """
    Cysteines whose bond is missing or off in length or angles.

    Parameters
    ----------
    bridges : Bridges
    atoms : torch.Tensor (F, N, 14, 3)

    Returns
    -------
    torch.Tensor (F, N) bool
    """
    found = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    beta, sulfur = (atoms[:, bridges.cysteines, k] for k in (_CB, _SG))
    shift = bridges.gap - (beta.unsqueeze(1) - beta.unsqueeze(2))  # (F, C, C, 3), of the second to its nearest image
    distance = (sulfur.unsqueeze(1) + shift - sulfur.unsqueeze(2)).norm(dim=-1)
    across = (sulfur.unsqueeze(1) + shift - beta.unsqueeze(2)).norm(dim=-1)
    bent = (across - ACROSS).abs() > _BENT
    pairs = bridges.allowed & (distance < NEAR)
    bonded = pairs & ((distance - LENGTH).abs() < _MADE) & ~bent & ~bent.transpose(1, 2)
    found[:, bridges.cysteines] = pairs.any(2) & ~bonded.any(2)
    return found
