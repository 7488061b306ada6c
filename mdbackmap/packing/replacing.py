"""
Last step of packing: side chains that still overlap others after relief are sampled again, alone.

Shapes: F frames, R candidates, N residues, Q side chains in question, K that are tried. Angstrom, radians, kT.
"""

import dataclasses
import functools
import math

import torch

from ..geometry.neighbours import image_shifts
from .relief import overlap, relieve, side_chains

UNBEARABLE = 12.0
"""kT of overlap above which a side chain is replaced, if another candidate has less."""
_APART = 18.0  # side chains whose C-alphas are further apart than this change at the same time
_UNKNOWN = 6.0  # kT; side chains that are no candidates have to be better by this
_ROUNDS = 4
_NEAR = 128  # residues nearest to one, among which its side chains are tried
_TURNED = 6  # of those tried are turned aside
_AT_A_TIME = 32  # side chains


@functools.cache
def _grid():
    """Torsions (18, 4) that are tried besides candidates."""
    chi1 = torch.tensor([-60.0, 60.0, 180.0]).deg2rad().repeat_interleave(6)
    chi2 = torch.arange(-180.0, 180.0, 60.0).deg2rad().repeat(3)
    stretched = torch.full_like(chi1, math.pi)
    return torch.stack([chi1, chi2, stretched, stretched], -1)


@dataclasses.dataclass(frozen=True)
class Stuck:
    """
    Side chains that overlap too much, and others that may take their place.

    Attributes
    ----------
    frames, residues : torch.Tensor (Q,) int64
    candidates : torch.Tensor (Q, R, 4)
        Their torsions.
    """

    frames: torch.Tensor
    residues: torch.Tensor
    candidates: torch.Tensor

    @classmethod
    def none(cls, torsions):
        """None, for candidates (F, R, N, 6)."""
        nobody = torch.empty(0, dtype=torch.int64, device=torsions.device)
        return cls(nobody, nobody, torsions[nobody, :, nobody, 1:5])

    @classmethod
    def join(cls, parts, starts):
        """Those of several runs of frames, which begin at `starts`."""
        frames = [part.frames + start for part, start in zip(parts, starts, strict=True)]
        residues, candidates = ([getattr(part, name) for part in parts] for name in ("residues", "candidates"))
        return cls(torch.cat(frames), torch.cat(residues), torch.cat(candidates))

    def among(self, rows):
        """Some of them, (q,)."""
        return Stuck(self.frames[rows], self.residues[rows], self.candidates[rows])


def replaced(internal, beads, torsions, stuck, box=None):
    """
    Torsions in which side chains that overlap are replaced by those of least overlap after relief.

    Parameters
    ----------
    internal : InternalCoordinates
    beads : torch.Tensor (F, N, 3)
    torsions : torch.Tensor (F, N, 6)
    stuck : Stuck
        Side chains that may change; those with no more than `UNBEARABLE` stay. Their candidates are tried, and those
        of a grid.
    box : torch.Tensor (F, 3, 3), optional

    Returns
    -------
    torch.Tensor (F, N, 6)
    """
    for _ in range(_ROUNDS):
        if len(stuck.frames) == 0:
            break
        frames, within = stuck.frames.unique(return_inverse=True)
        atoms = internal.to_cartesian(beads[frames], torsions[frames])
        cells = None if box is None else box[frames]
        energies = overlap(internal.types, atoms, torch.stack([within, stuck.residues], 1), box=cells)
        first, later = _in_turn(atoms[within, stuck.residues, 1], within, energies, cells)
        if len(first) == 0:
            break
        torsions = torsions.clone()
        for part in first.split(_AT_A_TIME):
            some = stuck.among(part)
            now = torsions[some.frames, some.residues, 1:5]
            grid = _grid().to(now).expand(len(now), -1, -1)
            turns = torch.cat([some.candidates, grid], 1) - now.unsqueeze(1)  # (q, K, 4)
            cost = torch.arange(turns.shape[1], device=now.device) >= some.candidates.shape[1]
            here = within[part]
            around = _surroundings(internal.types, atoms[here], some.residues, None if box is None else cells[here])
            turn, left = _best(*around, turns, _UNKNOWN * cost)
            better = (left < energies[part]).unsqueeze(1)
            torsions[some.frames, some.residues, 1:5] = torch.where(better, now + turn, now)
        stuck = stuck.among(later)
    return torsions


def _in_turn(places, frames, energies, box=None):
    """Which of the side chains (Q,) that overlap too much come first, those that do most among the near, and later."""
    gap = places - places[:, None]
    gap = gap + image_shifts(gap, None if box is None else box[frames].unsqueeze(1))
    near = (frames == frames[:, None]) & (gap.norm(dim=-1) < _APART)
    rank = torch.arange(len(energies), device=energies.device)
    worse = (energies > energies[:, None]) | ((energies == energies[:, None]) & (rank < rank[:, None]))
    stuck, second = energies > UNBEARABLE, (near & worse).any(1)
    return (stuck & ~second).nonzero()[:, 0], (stuck & second).nonzero()[:, 0]


def _surroundings(types, atoms, residues, box=None):
    """
    Types (q, m) and atoms (q, m, 14, 3) of `residues` (q,), which come first, and of those nearest to each.

    In boxes (q, 3, 3) the nearest images.
    """
    each = torch.arange(len(residues), device=residues.device)
    gap = atoms[:, :, 1] - atoms[each, residues, None, 1]
    shifts = image_shifts(gap, None if box is None else box.unsqueeze(1))  # (q, N, 3)
    distance = (gap + shifts).norm(dim=-1)
    distance[each, residues] = -1.0
    near = distance.topk(min(_NEAR, len(types)), largest=False).indices
    rows = each.unsqueeze(1)
    return types[near], atoms[rows, near] + shifts[rows, near].unsqueeze(2)


def _best(types, atoms, turns, cost):
    """
    Those of the turns (q, K, 4) of side chains of least overlap after relief, and that overlap (q,).

    Side chains are those of the first residues of `types` (q, m) and `atoms` (q, m, 14, 3); `cost` (K,) counts besides.
    """
    each, shape = torch.arange(len(atoms), device=atoms.device), turns.shape[:2]
    types, around = (values.repeat_interleave(shape[1], 0) for values in (types, atoms))  # (q K, m), (q K, m, 14, 3)
    chains, can = side_chains(types, around, _first(around))
    turns = torch.where(can, turns.flatten(0, 1), 0.0)
    around[:, 0] = chains.turned(turns)
    before = overlap(types, around, _first(around)).view(shape) + cost
    few = before.topk(_TURNED, largest=False).indices  # (q, k)
    rows = (each.unsqueeze(1) * shape[1] + few).flatten()
    angles, left = relieve(types[rows], around[rows], _first(rows))
    least, best = (left.view_as(few) + cost[few]).min(1)
    chosen = each * few.shape[1] + best
    return turns[rows[chosen]] + angles[chosen], least


def _first(frames):
    """The first residue of each of the `frames`, (q, 2)."""
    index = torch.arange(len(frames), device=frames.device)
    return torch.stack([index, torch.zeros_like(index)], 1)
