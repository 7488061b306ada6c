"""
Relief: overlaps of side chains minimised in their torsions; beads, bonds, angles and backbone are fixed.

The energy is that of `exclusion`, plus a restraint to the torsions as drawn. Its gradient with respect to a torsion is
the torque about the torsion's bond, so nothing is differentiated automatically and only the residues in question move.

Shapes: Q residues in question, P pairs of atoms. Lengths in angstrom, angles in radians, energies in kT.
"""

import functools

import torch

from ..chemistry import residues
from ..geometry.neighbours import image_shifts
from ..geometry.vectors import full_precision, unit
from ..torsions.movable import apart, elements, present
from .disulfides import ACROSS, LENGTH, NEAR, Bridges
from .overlaps import LARGEST, STIFFNESS, allowed_distances

RESTRAINT = 8.0
"""kT per squared radian that a torsion turns away from where it was drawn."""
TOUCH = 0.2
"""Overlap of van der Waals spheres that costs nothing here, angstrom."""
_LISTED = 1.4  # pairs up to this much further apart than allowed are watched
_BOND, _BEND = 100.0, 40.0  # kT per squared angstrom of a disulfide, and of the distances across it, from CB to SG
_MEETING = 20.0  # side chains whose C-alphas are further apart than this never meet
_LEAST = 0.2  # kT of overlap that a side chain is turned for
_SULFUR, _CYS = "CNOS".index("S"), residues.TYPE_OF_NAME["CYS"]
_CB, _SG = 4, 5  # slots
_FIRST = 5  # of the first atom that torsions of a side chain turn


@functools.cache
def _tables():
    """By residue type: atoms (20, 4, 14) that torsions move, axis slots (20, 4, 2), elements and presence (20, 14)."""
    moved = torch.zeros(20, 4, 14, dtype=torch.bool)
    axis = torch.zeros(20, 4, 2, dtype=torch.int64)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        atoms = residues.ATOMS[name]
        if name == "PRO":
            continue
        for k, torsion in enumerate(residues.CHIS[name]):
            axis[kind, k] = torch.tensor([atoms.index(torsion[1]), atoms.index(torsion[2])])
            for atom, (group, *_) in residues.IDEAL_ATOMS[name].items():
                moved[kind, k, atoms.index(atom)] = group > k
    return moved, axis, elements(), present()


class SideChains:
    """
    Side chains as rigid parts joined by torsions.

    Parameters
    ----------
    atoms : torch.Tensor (Q, 14, 3)
    axis : torch.Tensor (Q, 4, 2) int64
        Slots of the two atoms of each torsion's bond.
    moved : torch.Tensor (Q, 4, 14) bool
        Atoms that each torsion moves; each torsion moves some of those that the one before it moves.
    """

    def __init__(self, atoms, axis, moved):
        self.atoms, self.axis, self.share = atoms, axis, moved.to(atoms.dtype)
        self.last = moved.sum(1)  # (Q, 14): torsions that move an atom
        self.behind, self.pivot = self._bonds(atoms)
        self.along = unit(self.pivot - self.behind)

    def _bonds(self, atoms):
        """Ends (Q, 4, 3) of each torsion's bond, inner and outer one."""
        return (atoms.gather(1, self.axis[..., k, None].expand(-1, -1, 3)) for k in (0, 1))

    def turned(self, angles):
        """Atoms (Q, 14, 3) after each torsion has been turned by `angles` (Q, 4), in radians."""
        turns = rotations(self.along, angles)  # (Q, 4, 3, 3)
        shifts = self.pivot - (self.pivot.unsqueeze(2) @ turns).squeeze(2)
        turn, shift = torch.eye(3).to(turns).expand(len(turns), 3, 3), shifts.new_zeros(len(turns), 1, 3)
        whole = [(turn, shift)]
        for k in range(4):  # what is further out turns first, about the bonds as they were
            shift = shifts[:, k, None] @ turn + shift
            turn = turns[:, k] @ turn
            whole.append((turn, shift))
        rows = torch.arange(len(turns), device=turns.device).unsqueeze(1)
        turns, shifts = (torch.stack(parts, 1)[rows, self.last] for parts in zip(*whole, strict=True))
        return (self.atoms.unsqueeze(2) @ turns + shifts).squeeze(2)

    def torques(self, atoms, gradient):
        """
        Derivatives (Q, 4) of an energy with respect to the torsions.

        `gradient` (Q, 14, 3) are those with respect to the positions `atoms` (Q, 14, 3).
        """
        behind, pivot = self._bonds(atoms)
        force = self.share @ torch.cat([gradient, torch.cross(atoms, gradient, dim=-1)], -1)  # (Q, 4, 6)
        torque = force[..., 3:] - torch.cross(pivot, force[..., :3], dim=-1)
        return (unit(pivot - behind) * torque).sum(-1)


def rotations(along, angles):
    """Matrices (..., 3, 3) that turn row vectors by `angles` (...) about unit vectors `along` (..., 3)."""
    cos, sin = angles.cos()[..., None, None], angles.sin()
    x, y, z = (along * sin.unsqueeze(-1)).unbind(-1)
    none = torch.zeros_like(x)
    skew = torch.stack([none, z, -y, -z, none, x, y, -x, none], -1).unflatten(-1, (3, 3))
    return cos * torch.eye(3).to(along) + skew + (1 - cos) * along.unsqueeze(-1) * along.unsqueeze(-2)


@full_precision
def relieve(types, atoms, chosen, n_steps=20, rate=0.12, box=None):
    """
    Minimise the overlaps of side chains in their torsions.

    Parameters
    ----------
    types : torch.Tensor (N,) or (F, N) int64
        If residues differ between frames (F, N), no sulfurs are bonded.
    atoms : torch.Tensor (F, N, 14, 3)
        Chains whole.
    chosen : torch.Tensor (Q, 2) int64
        Frame and residue of the side chains that may move.
    n_steps, rate : int, float
        Steps of Adam, and their size in radians.
    box : torch.Tensor (F, 3, 3), optional
        Box vectors as rows: atoms meet the nearest images of others.

    Returns
    -------
    angles : torch.Tensor (Q, 4)
        By how much each torsion is turned, in radians.
    left : torch.Tensor (Q,)
        What overlap each side chain is left with if all turn so, in kT.
    """
    angles = atoms.new_zeros(len(chosen), 4)
    bridges = _bridges(types, atoms, box)
    left = overlap(types, atoms, chosen, bridges, box)
    rows = (left > _LEAST).nonzero()[:, 0]
    if len(rows):
        turned, around = _descend(types, atoms, chosen[rows], bridges, n_steps, rate, box)
        after = overlap(types, around, chosen[rows], bridges, box)
        better = after < left[rows]
        angles[rows] = torch.where(better.unsqueeze(1), turned, 0.0)
        left[rows] = left[rows].minimum(after)
        stayed = chosen[rows[~better]]
        if len(stayed):  # others may have turned into them
            around[stayed.unbind(1)] = atoms[stayed.unbind(1)]
            met = _near(atoms, chosen, stayed, box)
            left[met] = overlap(types, around, chosen[met], bridges, box)
    return angles, left


def _near(atoms, chosen, others, box=None):
    """Which of the chosen residues (Q, 2) can meet any of the others (P, 2), as rows of `chosen`."""
    here, there = (atoms[rows[:, 0], rows[:, 1], 1] for rows in (chosen, others))
    gap = there - here.unsqueeze(1)
    gap = gap + image_shifts(gap, None if box is None else box[chosen[:, 0]].unsqueeze(1))
    near = (chosen[:, None, 0] == others[:, 0]) & (gap.norm(dim=-1) < _MEETING)
    return near.any(1).nonzero()[:, 0]


def _bridges(types, atoms, box):
    """`Bridges` of atoms as they are: C-betas stay where they are. None if residues differ between frames."""
    return Bridges(types, atoms[:, :, _CB], box) if types.dim() == 1 else None


def overlap(types, atoms, chosen, bridges=None, box=None):
    """
    Overlap energies of side chains, in kT; sulfurs of a disulfide count by how far they are off its length.

    Parameters
    ----------
    types, atoms, chosen, box
        As in `relieve`.
    bridges : Bridges, optional
        Of these atoms, where they are known already.

    Returns
    -------
    torch.Tensor (Q,)
    """
    bridges = bridges or _bridges(types, atoms, box)
    slot, _, gap, allowed, bound, stiffness, _ = _pairs(types, atoms, chosen, bridges, 0.0, box)
    short = torch.where(bound, allowed - gap, (allowed - gap).clamp_min(0))
    energy = stiffness * short.square()
    return atoms.new_zeros(len(chosen)).index_add(0, slot // residues.MAX_ATOMS, energy)


def side_chains(types, atoms, chosen):
    """`SideChains` of those chosen (Q, 2) among atoms (F, N, 14, 3), and which torsions (Q, 4) turn anything."""
    frames, rows = chosen.unbind(1)
    kinds = types.expand(atoms.shape[:2])[frames, rows]
    moved, axis = (table.to(atoms.device)[kinds] for table in _tables()[:2])
    return SideChains(atoms[frames, rows], axis, moved), moved.any(2)


def _descend(types, atoms, chosen, bridges, n_steps, rate, box):
    """
    `relieve` for side chains that overlap with something.

    Besides the angles (Q, 4), all the atoms (F, N, 14, 3) then.
    """
    frames, rows = chosen.unbind(1)
    chains, can = side_chains(types, atoms, chosen)
    flat, where = atoms.reshape(-1, residues.MAX_ATOMS, 3).clone(), frames * atoms.shape[1] + rows
    angles = atoms.new_zeros(len(chosen), 4)
    mean, square, current = torch.zeros_like(angles), torch.zeros_like(angles), chains.atoms
    for step in range(1, n_steps + 1):
        if step in (1, 1 + n_steps // 2):  # what was far may have come near
            found = _pairs(types, flat.view_as(atoms), chosen, bridges, _LISTED, box)
            slot, other, _, allowed, bound, stiffness, shift = found
            lowest = torch.where(bound, -torch.inf, 0.0)  # what belongs together is pulled, too
        gap = current.reshape(-1, 3).index_select(0, slot) - flat.view(-1, 3).index_select(0, other) - shift
        distance = gap.norm(dim=-1).clamp_min(0.5)
        push = -2 * stiffness * (allowed - distance).maximum(lowest) / distance
        gradient = torch.zeros_like(current).view(-1, 3).index_add_(0, slot, push.unsqueeze(1) * gap)
        slope = chains.torques(current, gradient.view_as(current)) + 2 * RESTRAINT * angles
        mean, square = 0.8 * mean + 0.2 * slope, 0.95 * square + 0.05 * slope**2
        size = rate * (1 - step / (n_steps + 1))
        change = size * (mean / (1 - 0.8**step)) / ((square / (1 - 0.95**step)).sqrt() + 0.5)
        angles = torch.where(can, angles - change, 0.0)
        current = chains.turned(angles)
        flat[where] = current
    return angles, flat.view_as(atoms)


def _pairs(types, atoms, chosen, bridges, margin, box=None):
    """
    Pairs of near atoms of the chosen side chains and of others, each atom as row * 14 + slot.

    Pairs (P,) are up to `margin` further apart than allowed. Those of cysteines, which may be bonded, are listed up to
    `NEAR`.

    Besides, the distances (P,) of the pairs, those allowed (P,), which pairs (P,) are of a disulfide, held at the
    distance allowed, how stiff they are (P,), and shifts (P, 3) of the second to their nearest images.
    """
    moved, _, element, real = (table.to(atoms.device) for table in _tables())
    types, (frames, rows) = types.expand(atoms.shape[:2]), chosen.unbind(1)
    kinds = types[frames, rows]
    turning, own = moved[kinds, 0], atoms[frames, rows]
    tip = (own * turning.unsqueeze(-1)).sum(1) / turning.sum(1, keepdim=True).clamp_min(1)
    reach = ((own - tip.unsqueeze(1)).norm(dim=-1) * turning).amax(1) + max(LARGEST - TOUCH + margin, NEAR)
    far = ((atoms - atoms[:, :, 1:2]).norm(dim=-1) * real[types]).amax(2)  # (F, N)
    between = atoms[frames, :, 1] - tip.unsqueeze(1)  # (Q, N, 3)
    shifts = image_shifts(between, None if box is None else box[frames].unsqueeze(1))
    near = (between + shifts).norm(dim=-1) < reach.unsqueeze(1) + far[frames]  # (Q, N)
    row, residue = near.nonzero().unbind(1)
    shift = shifts[row, residue]  # (pairs of residues, 3)
    others = atoms[frames[row], residue] + shift.unsqueeze(1)  # (pairs of residues, 14, 3)
    near = ((others - tip[row].unsqueeze(1)).norm(dim=-1) < reach[row].unsqueeze(1)) & real[types[frames[row], residue]]
    pair, b = near.nonzero().unbind(1)
    row, residue, shift, other = row[pair], residue[pair], shift[pair], others[pair, b]
    distance = (own[row, _FIRST:] - other.unsqueeze(1)).norm(dim=-1)  # (pairs of a residue and an atom, 9)
    first, second = element[kinds[row], _FIRST:], element[types[frames[row], residue], b].unsqueeze(1)
    limit = allowed_distances(first, second, TOUCH)
    thiols = (first == _SULFUR) & (types[frames[row], residue] == _CYS).unsqueeze(1) & (b >= _CB).unsqueeze(1)
    least = torch.where(thiols, NEAR, 0.0)
    close = (distance < (limit + margin).maximum(least)) & turning[row, _FIRST:]
    close &= (residue != rows[row]).unsqueeze(1) | apart().to(atoms.device)[kinds[row], _FIRST:, b]
    pair, a = close.nonzero().unbind(1)
    row, residue, shift, b = row[pair], residue[pair], shift[pair], b[pair]
    distance, limit = distance[pair, a], limit[pair, a]
    bonds, bends = _disulfides(types, atoms, bridges, frames[row], rows[row], residue, a + _FIRST, b, shift)
    limit = torch.where(bonds, LENGTH, torch.where(bends, ACROSS, limit))
    stiffness = torch.where(bonds, _BOND, torch.where(bends, _BEND, STIFFNESS))
    other = (frames[row] * atoms.shape[1] + residue) * residues.MAX_ATOMS + b
    return row * residues.MAX_ATOMS + a + _FIRST, other, distance, limit, bonds | bends, stiffness, shift


def _disulfides(types, atoms, bridges, frames, one, other, a, b, shift):
    """Which pairs of atoms (P,) are SG and SG, and SG and CB, of cysteines whose C-betas lie as in a disulfide."""
    bonds = bends = torch.zeros_like(a, dtype=torch.bool)
    if bridges is None:
        return bonds, bends
    cysteine = types == _CYS
    both = cysteine[frames, one] & cysteine[frames, other] & (a == _SG) & (b >= _CB) & (one != other)
    pairs = both.nonzero()[:, 0]
    frames, one, other = frames[pairs], one[pairs], other[pairs]
    near = (atoms[frames, one, _SG] - atoms[frames, other, _SG] - shift[pairs]).norm(dim=-1) < NEAR
    pairs = pairs[near & bridges(frames, one, other)]
    return bonds.index_fill(0, pairs[b[pairs] == _SG], True), bends.index_fill(0, pairs[b[pairs] == _CB], True)
