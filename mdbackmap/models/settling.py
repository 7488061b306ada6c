"""
Settling: once the atoms are known, residues that overlap push their beads apart, and side chains turn out of the way.

Only frames whose beads may move take part. Atoms ride on their residue's bead (those of a peptide on both of its
beads); beads and peptide angles then move down the energies of `traces` and of the overlaps together.

Shapes: F frames, N beads, P pairs of atoms. Lengths in angstrom, energies in nats.
"""

import dataclasses

import torch

from .. import residues
from ..geometry import full_precision
from ..movable import elements
from ..neighbours import close_pairs
from ..traces.descent import BeadSteps, TurnSteps, snapped, within
from .exclusion import STIFFNESS, allowed_distances
from .relief import relieve

N_STEPS = 20
_FIRMNESS = 0.7  # contacts of beads are held so much as while relaxing: atoms need room
_RATE, _TURN_RATE = 0.06, 0.06  # angstrom and radians a step, at first
_LISTED = 0.5  # pairs up to this much further apart than allowed are watched
_MARGIN = 0.1  # and are pushed this much beyond what is allowed
_PROLINE, _CYSTEINE = residues.TYPE_OF_NAME["PRO"], residues.TYPE_OF_NAME["CYS"]
_CB = 4  # slot
_REACH = 3.8  # no atoms further apart than this are listed
_SHARES = {0: (-1, 0.37), 2: (1, 0.37), 3: (1, 0.43)}  # N, C, O: the other bead of the peptide, and its share of them
_TURNING = 5  # slots from here on turn with side chains


@dataclasses.dataclass(frozen=True)
class AtomPairs:
    """
    Pairs of atoms of different residues that overlap or nearly so.

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
    def of(cls, internal, atoms, box=None, apart=2):
        """Those of atoms (F, N, 14, 3), residues `apart` in sequence or more; in a box (F, 3, 3) if there is one."""
        real = _real(internal.types)
        centre = (atoms * real.unsqueeze(-1)).sum(2) / real.sum(1)[:, None]
        reach = ((atoms - centre.unsqueeze(2)).norm(dim=-1) * real).amax(2)
        frame, i, j, shift = _near(internal, centre, reach, box, apart)
        kind, cysteine = elements().to(atoms.device)[internal.types], internal.types == _CYSTEINE
        first, second = atoms[frame, i] + shift.unsqueeze(1), atoms[frame, j]  # (p, 14, 3)
        apart = first.float(), second.float()  # rounding matters for none that pushes
        distance = torch.cdist(*apart, compute_mode="donot_use_mm_for_euclid_dist")
        pair, a, b = (distance < _REACH + _LISTED).nonzero().unbind(1)
        one, other = i[pair], j[pair]
        allowed = allowed_distances(kind[one, a], kind[other, b])
        close = (distance[pair, a, b] < allowed + _LISTED) & real[one, a] & real[other, b]
        close &= ~(cysteine[one] & cysteine[other] & (a >= _CB) & (b >= _CB))  # they may be bonded
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


def _real(types):
    sizes = torch.tensor([len(residues.ATOMS[name]) for name in residues.RESIDUE_NAMES], device=types.device)
    return torch.arange(residues.MAX_ATOMS, device=types.device) < sizes[types, None]


def _near(internal, centre, reach, box, apart):
    """Frames, residues i < j (p,) whose spheres meet, so far apart in sequence; shifts (p, 3) of i to j's image."""
    joined, found = torch.cumsum(internal.starts, 0), []
    for frame, i, j, gap in close_pairs(centre, reach + _REACH / 2, box):
        far = (j - i >= apart) | (joined[i] != joined[j])
        frame, i, j, gap = (values[far] for values in (frame, i, j, gap))
        found.append((frame, i, j, centre[frame, j] - centre[frame, i] - gap))
    return [torch.cat(parts) for parts in zip(*found, strict=True)]


class _Riders:
    """How atoms ride on beads: rows of the flat list of beads (P,), and shares (P,), two of each."""

    def __init__(self, internal, frame, residue, slot):
        other, share = residue.clone(), torch.zeros_like(residue, dtype=torch.float64)
        for k, (side, part) in _SHARES.items():
            edge = (internal.starts if side < 0 else internal.ends)[residue]
            here = (slot == k) & ~edge
            other, share = torch.where(here, residue + side, other), torch.where(here, part, share)
        begin = frame * len(internal.types)
        self.rows = (begin + residue, begin + other)
        self.shares = ((1 - share).unsqueeze(1), share.unsqueeze(1))

    def shift(self, shifts):
        """By how much atoms move (P, 3) if beads do by `shifts` (F * N, 3)."""
        return sum(shifts.index_select(0, row) * share for row, share in zip(self.rows, self.shares, strict=True))

    def collect(self, slope, on_atoms):
        """Add derivatives (P, 3) with respect to the atoms to those (F * N, 3) with respect to the beads."""
        for row, share in zip(self.rows, self.shares, strict=True):
            slope = slope.index_add(0, row, on_atoms * share)
        return slope


@full_precision
def settle(relaxation, start, beads, torsions, tolerances, box=None):
    """
    Make room for atoms.

    Parameters
    ----------
    relaxation : Relaxation
    start, beads : torch.Tensor (F, N, 3)
        Beads as they came, and as they are now.
    torsions : torch.Tensor (F, N, 6)
    tolerances : torch.Tensor (F,)
        RMS over a frame that beads may be away from `start`; 0 leaves a frame alone.
    box : torch.Tensor (F, 3, 3), optional

    Returns
    -------
    beads : torch.Tensor (F, N, 3)
    torsions : torch.Tensor (F, N, 6)
        Both in the dtype of `torsions`; computed in float64, as the relaxation is.
    """
    frames = tolerances.nonzero()[:, 0]
    box = None if box is None else box[frames].double()
    internal, n = relaxation.internal, beads.shape[1]
    start, moved, turned = (values[frames].double() for values in (start, beads, torsions))
    pairs = AtomPairs.of(internal, internal.to_cartesian(moved, turned), box)
    moved, angles = _push(relaxation, start, moved, turned[..., 0], tolerances[frames], pairs, box)
    turned = torch.cat([torch.where(internal.ends, turned[..., 0], angles).unsqueeze(-1), turned[..., 1:]], -1)
    moved, turned = moved.to(torsions), turned.to(torsions)
    atoms = internal.to_cartesian(moved, turned)
    tight = AtomPairs.of(internal, atoms, box, apart=1).overlapping(len(frames), n)
    tight = tight[internal.defined[tight[:, 1], 1] & (internal.types[tight[:, 1]] != _PROLINE)]
    if len(tight):
        turned[tight[:, 0], tight[:, 1], 1:5] += relieve(internal.types, atoms, tight)[0]
    return beads.to(torsions).index_copy(0, frames, moved), torsions.index_copy(0, frames, turned)


def _push(relaxation, start, beads, turns, tolerances, pairs, box):
    """Beads (F, N, 3) and peptide angles (F, N) after some steps."""
    crowd = relaxation.crowd(start, box, _FIRMNESS)
    left = _Riders(relaxation.internal, pairs.frame, pairs.left, pairs.left_slot)
    right = _Riders(relaxation.internal, pairs.frame, pairs.right, pairs.right_slot)
    steps, turning, moved = BeadSteps(beads), TurnSteps(turns), beads
    for step in range(N_STEPS):
        fade = 1 - step / N_STEPS
        slope, on_turns = relaxation.joint_slopes(start, moved, turns, tolerances, crowd)
        shifts = (moved - beads).flatten(0, 1)
        gap = pairs.gap + left.shift(shifts) - right.shift(shifts)
        distance = gap.norm(dim=-1).clamp_min(0.5)
        push = gap * (-2 * STIFFNESS * (pairs.allowed + _MARGIN - distance).clamp_min(0) / distance).unsqueeze(-1)
        apart = right.collect(left.collect(torch.zeros_like(shifts), push), -push).view_as(moved)
        moved = relaxation.put_right(moved - steps(slope + apart, _RATE * fade))
        moved = snapped(within(start, moved, tolerances))
        turns = snapped(turns - turning(on_turns, _TURN_RATE * fade))
    return moved, turns
