"""
Settling: overlaps of atoms push beads apart, and turn peptides and side chains.

Only frames whose beads may move take part. Atoms ride on their residue's bead (those of a peptide on both of its
beads) and turn with the peptides on either side; beads and peptide angles move down the energies of `traces` and of
the overlaps together. Then side chains turn aside, and all of it is done once more.

Shapes: F frames, N beads, P pairs of atoms. Lengths in angstrom, energies in nats.
"""

import torch

from ..chemistry import residues
from ..geometry.vectors import full_precision
from ..traces.descent import Descent, within
from .atom_pairs import AtomPairs
from .overlaps import STIFFNESS
from .relief import relieve

N_ROUNDS, N_STEPS = 2, 12
FIRMNESS = 1.5  # contacts of beads are held so much more than while relaxing: atoms would push them apart
_RATE, _MOMENTUM = 1 / 500, 0.6  # square angstrom (square radian) a nat, as the relaxation has it
_MARGIN = 0.1  # pairs are pushed this much beyond what is allowed
_SWAY = 0.3  # share of what overlaps say of peptide angles that counts: the maps know better where these belong
_TURN = 1e-3  # radians, for finite differences
_PROLINE = residues.TYPE_OF_NAME["PRO"]
_SHARES = {0: (-1, 0.37), 2: (1, 0.37), 3: (1, 0.43)}  # N, C, O: the other bead of the peptide, and its share of them


@full_precision
def settle(slopes, beads, torsions):
    """
    Make room for atoms.

    Parameters
    ----------
    slopes : Slopes
        Of the frames that may move, from `Relaxation.slopes`.
    beads : torch.Tensor (F, N, 3)
        As they are now.
    torsions : torch.Tensor (F, N, 6)

    Returns
    -------
    beads : torch.Tensor (F, N, 3)
    torsions : torch.Tensor (F, N, 6)
        Both in the dtype of `torsions`; computed in float64, as the relaxation is.
    """
    frames, box = slopes.frames, None if slopes.box is None else slopes.box.double()
    moved, turned = (values[frames].double() for values in (beads, torsions))
    for _ in range(N_ROUNDS):
        moved, turned = _push(slopes, moved, turned, box)
        turned = _turn_aside(slopes.internal, moved, turned, box)
    moved, turned = moved.to(torsions), turned.to(torsions)
    return beads.to(torsions).index_copy(0, frames, moved), torsions.index_copy(0, frames, turned)


def _push(slopes, beads, torsions, box):
    """Beads (F, N, 3) and torsions (F, N, 6) after some steps of beads and peptides."""
    internal = slopes.internal
    atoms = internal.to_cartesian(beads, torsions)
    pairs, levers = AtomPairs.of(internal, atoms, box), _levers(internal, beads, torsions, atoms)
    left = _Riders(internal, levers, pairs.frame, pairs.left, pairs.left_slot)
    right = _Riders(internal, levers, pairs.frame, pairs.right, pairs.right_slot)
    turns = torsions[..., 0]
    steps, turning, moved, turned = Descent(beads, _RATE, _MOMENTUM), Descent(turns, _RATE, _MOMENTUM), beads, turns
    for _ in range(N_STEPS):
        slope, on_turns = slopes.of_backbones(moved, turned)
        shifts = (moved - beads).flatten(0, 1), (turned - turns).flatten()
        gap = pairs.gap + left.shift(*shifts) - right.shift(*shifts)
        distance = gap.norm(dim=-1).clamp_min(0.5)
        push = gap * (-2 * STIFFNESS * (pairs.allowed + _MARGIN - distance).clamp_min(0) / distance).unsqueeze(-1)
        apart, aside = right.collect(*left.collect(*map(torch.zeros_like, shifts), push), -push)
        moved = slopes.strain.put_right(moved - steps(slope + apart.view_as(slope)))
        moved = within(slopes.start, moved, slopes.tolerances)
        turned = turned - turning(on_turns + _SWAY * aside.view_as(turned))
    turned = torch.where(internal.ends, turns, turned)
    return moved, torch.cat([turned.unsqueeze(-1), torsions[..., 1:]], -1)


def _turn_aside(internal, beads, torsions, box):
    """Torsions (F, N, 6) after side chains that overlap with anything have been relieved."""
    atoms = internal.to_cartesian(beads, torsions)
    tight = AtomPairs.of(internal, atoms, box).overlapping(*beads.shape[:2])
    tight = tight[internal.defined[tight[:, 1], 1] & (internal.types[tight[:, 1]] != _PROLINE)]
    if len(tight):
        torsions[tight[:, 0], tight[:, 1], 1:5] += relieve(internal.types, atoms, tight, box=box)[0]
    return torsions


def _levers(internal, beads, torsions, atoms):
    """Derivatives, two (F, N, 14, 3), of `atoms` with respect to the peptide angles after and before their residue."""
    odd = torch.arange(beads.shape[1], device=beads.device) % 2 == 1
    found = []
    for chosen in (odd, ~odd):  # never both peptides of a residue at once
        turned = torsions.clone()
        turned[..., 0] += _TURN * (chosen & ~internal.ends)
        found.append((internal.to_cartesian(beads, turned) - atoms) / _TURN)
    odd = odd[:, None, None]
    return torch.where(odd, *found), torch.where(odd, *found[::-1])


class _Riders:
    """How atoms (P,) of the given residues ride on two beads and turn with two peptides, rows of flat lists of them."""

    def __init__(self, internal, levers, frame, residue, slot):
        other, share = residue.clone(), torch.zeros_like(residue, dtype=torch.float64)
        for k, (side, part) in _SHARES.items():
            edge = (internal.starts if side < 0 else internal.ends)[residue]
            here = (slot == k) & ~edge
            other, share = torch.where(here, residue + side, other), torch.where(here, part, share)
        begin = frame * len(internal.types)
        shares = (1 - share).unsqueeze(1), share.unsqueeze(1)
        self.beads = tuple(zip((begin + residue, begin + other), shares, strict=True))
        peptides = begin + residue, begin + (residue - 1).clamp_min(0)
        self.peptides = tuple(zip(peptides, (lever[frame, residue, slot] for lever in levers), strict=True))

    def shift(self, shifts, turns):
        """By how much atoms move (P, 3) if beads do by `shifts` (F * N, 3) and peptides turn by `turns` (F * N,)."""
        ridden = sum(shifts.index_select(0, row) * share for row, share in self.beads)
        return ridden + sum(turns.index_select(0, row).unsqueeze(1) * lever for row, lever in self.peptides)

    def collect(self, on_beads, on_turns, on_atoms):
        """Add derivatives (P, 3) with respect to atoms to those with respect to beads and peptides."""
        for row, share in self.beads:
            on_beads = on_beads.index_add(0, row, on_atoms * share)
        for row, lever in self.peptides:
            on_turns = on_turns.index_add(0, row, (on_atoms * lever).sum(-1))
        return on_beads, on_turns
