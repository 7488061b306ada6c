"""
Pairs of atoms of different residues that overlap or nearly so.

Shapes: F frames, N residues, p pairs of residues, P pairs of atoms. Lengths in angstrom.
"""

import dataclasses

import torch

from ..chemistry import residues
from ..geometry.neighbours import close_pairs
from ..torsions.movable import bonds_from_backbone, elements, present
from .overlaps import allowed_distances

_LISTED = 0.5  # pairs up to this much further apart than allowed are watched
_REACH = 3.8  # no atoms further apart than this are listed
_CYSTEINE = residues.TYPE_OF_NAME["CYS"]
_CB = 4  # slot
_TURNING = 5  # slots from here on turn with side chains


@dataclasses.dataclass(frozen=True)
class AtomPairs:
    """
    Pairs of atoms of different residues, more than three bonds apart, that overlap or nearly so.

    Attributes
    ----------
    frame, left, left_slot, right, right_slot : torch.Tensor (P,) int64
        Residues `left` and `right`, and slots of their atoms.
    gap : torch.Tensor (P, 3)
        From the right atom to the left one (nearest images in a periodic box).
    allowed : torch.Tensor (P,)
        Distance from which on they do not overlap.
    """

    frame: torch.Tensor
    left: torch.Tensor
    left_slot: torch.Tensor
    right: torch.Tensor
    right_slot: torch.Tensor
    gap: torch.Tensor
    allowed: torch.Tensor

    @classmethod
    def of(cls, internal, atoms, box=None):
        """Those of atoms (F, N, 14, 3); in a box (F, 3, 3) if there is one."""
        real = present().to(atoms.device)[internal.types]
        centre = (atoms * real.unsqueeze(-1)).sum(2) / real.sum(1)[:, None]
        reach = ((atoms - centre.unsqueeze(2)).norm(dim=-1) * real).amax(2)
        frame, i, j, shift = _near(internal, centre, reach, box)
        kind, cysteine = elements().to(atoms.device)[internal.types], internal.types == _CYSTEINE
        first, second = atoms[frame, i] + shift.unsqueeze(1), atoms[frame, j]  # (p, 14, 3)
        rounded = first.float(), second.float()  # rounding matters for none that pushes
        distance = torch.cdist(*rounded, compute_mode="donot_use_mm_for_euclid_dist")
        pair, a, b = (distance < _REACH + _LISTED).nonzero().unbind(1)
        one, other = i[pair], j[pair]
        allowed = allowed_distances(kind[one, a], kind[other, b])
        close = (distance[pair, a, b] < allowed + _LISTED) & real[one, a] & real[other, b]
        close &= ~(cysteine[one] & cysteine[other] & (a >= _CB) & (b >= _CB))  # they may be bonded
        close &= ~_bonded(internal, one, a, other, b)
        pair, a, b, one, other, allowed = (values[close] for values in (pair, a, b, one, other, allowed))
        gap = first[pair, a] - second[pair, b]
        return cls(frame[pair], one, a, other, b, gap, allowed)

    def overlapping(self, n_frames, n_residues):
        """(Q, 2) frame and residue of the side chains, beyond CB, that overlap with anything."""
        short = self.gap.norm(dim=-1) < self.allowed
        found = torch.zeros(n_frames, n_residues, dtype=torch.bool, device=short.device)
        for residue, slot in ((self.left, self.left_slot), (self.right, self.right_slot)):
            chosen = short & (slot >= _TURNING)
            found[self.frame[chosen], residue[chosen]] = True
        return found.nonzero()


def _near(internal, centre, reach, box):
    """Frames, residues i < j (p,) whose spheres meet, and shifts (p, 3) of i to j's image."""
    met = close_pairs(centre, reach + _REACH / 2, box)
    found = [(frame, i, j, centre[frame, j] - centre[frame, i] - gap) for frame, i, j, gap in met]
    return [torch.cat(parts) for parts in zip(*found, strict=True)]


def _bonded(internal, i, a, j, b):
    """Which atoms, slots `a` of residues `i` and `b` of `j` > `i` (P,), have three bonds or fewer between them."""
    from_carbon, from_nitrogen = (bonds.to(i.device) for bonds in bonds_from_backbone())
    beside = (j - i == 1) & ~internal.ends[i]
    return beside & (from_carbon[internal.types[i], a] + 1 + from_nitrogen[internal.types[j], b] <= 3)
