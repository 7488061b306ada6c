"""
Last step of packing: side chains that still clash with others after relief are sampled again, alone.

Shapes: F frames, K candidates, R residues, Q side chains in question, T that are tried. Angstrom, radians, kT.
"""

import dataclasses
import math

import torch

from ..chemistry.residues import CA
from ..geometry.neighbours import nearest_around
from ..geometry.periodic import image_shifts
from .pairs import close_rows
from .relief import Pulls, overlap, relieve, side_chains
from .rigid import SideChains

_TURN = 360.0  # degrees; cited: a full turn


@dataclasses.dataclass(frozen=True)
class Clashing:
    """
    Side chains that overlap too much, and others that may take their place.

    Attributes
    ----------
    frames, residues : torch.Tensor of int64, shape (Q,)
    candidates : torch.Tensor, shape (Q, K, 4)
        Their torsions.
    pulls : Pulls, optional
        Of beads on them.
    """

    frames: torch.Tensor
    residues: torch.Tensor
    candidates: torch.Tensor
    pulls: Pulls | None = None

    @classmethod
    def join(cls, parts, starts):
        """Those of several runs of frames, which begin at `starts`."""
        frames = torch.cat([part.frames + start for part, start in zip(parts, starts, strict=True)])
        both = (torch.cat([getattr(p, name) for p in parts]) for name in ("residues", "candidates"))
        return cls(frames, *both, None if parts[0].pulls is None else Pulls.join([part.pulls for part in parts]))

    def some(self, rows):
        """Some of them, (q,)."""
        pulls = None if self.pulls is None else self.pulls[rows]
        return Clashing(self.frames[rows], self.residues[rows], self.candidates[rows], pulls)


def replace_clashing(conformation, clashing, packing):
    """
    Replace side chains that clash by those of least overlap after relief.

    Parameters
    ----------
    conformation : Conformation
    clashing : Clashing
        Side chains that may change; those with no more than `ReplacingSettings.clash` stay. Their candidates are
        tried, and those of a grid.
    packing : PackingSettings
        `replacing`, `relief` and `disulfides` count.

    Returns
    -------
    Conformation
    """
    settings, types = packing.replacing, conformation.internal.types
    for _ in range(settings.rounds):
        if len(clashing.frames) == 0:
            break
        frames, within = clashing.frames.unique(return_inverse=True)
        atoms, box_of = conformation[frames].atoms, None if conformation.box is None else conformation.box[frames]
        energies = overlap(types, atoms, torch.stack([within, clashing.residues], 1), packing, box=box_of)
        first, later = in_turn(atoms[within, clashing.residues, CA], within, energies, settings, box_of)
        if len(first) == 0:
            break
        torsions = conformation.torsions.clone()
        for part in first.split(settings.together):
            some, here = clashing.some(part), within[part]
            now = torsions[some.frames, some.residues, 1:5]
            around = surroundings(types, atoms, here, some.residues, settings.around, box_of)
            turn, least = _best(*around, now, some.candidates, packing, some.pulls)
            held = 0.0 if some.pulls is None else some.pulls.energy(around[1][:, 0])
            better = (least < energies[part] + held).unsqueeze(1)
            torsions[some.frames, some.residues, 1:5] = torch.where(better, now + turn, now)
        conformation, clashing = conformation.with_side_chains(torsions, conformation.tilt), clashing.some(later)
    return conformation


def in_turn(places, frames, energies, settings, box=None):
    """
    Which side chains are replaced first: of those near each other, the one that overlaps most.

    Parameters
    ----------
    places : torch.Tensor, shape (Q, 3)
        C-alphas.
    frames : torch.Tensor of int64, shape (Q,)
    energies : torch.Tensor, shape (Q,)
    settings : ReplacingSettings
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    first, later : torch.Tensor of int64
        Rows of those that overlap too much.
    """
    one, other = close_rows(places, frames, places, frames, settings.apart, box)
    worse = (energies[other] > energies[one]) | ((energies[other] == energies[one]) & (other < one))
    clash, second = energies > settings.clash, torch.zeros_like(energies, dtype=torch.bool)
    second[one[worse]] = True
    return (clash & ~second).nonzero()[:, 0], (clash & second).nonzero()[:, 0]


def surroundings(types, atoms, frames, residues, n_around, box=None):
    """
    Residues nearest to some, those first; in boxes the nearest images.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
    atoms : torch.Tensor, shape (F, R, 14, 3)
    frames, residues : torch.Tensor of int64, shape (q,)
    n_around : int
        How many, `m`, at most.
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    types : torch.Tensor of int64, shape (q, m)
    atoms : torch.Tensor, shape (q, m, 14, 3)
    """
    trace, rows = atoms[:, :, CA], frames.unsqueeze(1)
    own = trace[frames, residues]
    near = nearest_around(own, frames, trace, min(n_around, len(types)), box)
    later = (
        (near != residues.unsqueeze(1)).to(torch.int8).sort(dim=1, stable=True).indices
    )  # itself first: others may lie on it
    near = near.gather(1, later)
    shifts = image_shifts(trace[rows, near] - own.unsqueeze(1), None if box is None else box[rows])
    return types[near], atoms[rows, near] + shifts.unsqueeze(2)


def _grid(steps, like):
    """Torsions (k, 4) that are tried besides candidates; 180 degrees is among them, as it is of what follows."""
    chi1, chi2 = (torch.arange(step, _TURN + 1, step).sub(_TURN / 2).deg2rad() for step in steps)
    return torch.cartesian_prod(chi1, chi2, *torch.full((2, 1), math.pi)).to(like)


def _best(types, atoms, now, candidates, packing, pulls=None):
    """
    Turns (q, 4) of side chains of least overlap after relief, and that overlap (q,), with the energies of `pulls`.

    Side chains, with torsions `now` (q, 4), are those of the first residues of `types` (q, m) and `atoms`
    (q, m, 14, 3).
    """
    settings, grid = packing.replacing, _grid(packing.replacing.grid, now)
    tried = torch.cat([candidates, grid.expand(len(now), -1, -1)], 1)  # (q, T, 4)
    cost = settings.unlikely * (torch.arange(tried.shape[1], device=now.device) >= candidates.shape[1])
    each, shape = _first(now)[:, 0], tried.shape[:2]
    types, around = (values.repeat_interleave(shape[1], 0) for values in (types, atoms))  # (q T, m), (q T, m, 14, 3)
    chains = side_chains(types, around, _first(around))
    turns = torch.where(chains[2].any(2), (tried - now.unsqueeze(1)).flatten(0, 1), 0.0)
    around[:, 0] = SideChains(*chains).turned(turns)
    before = overlap(types, around, _first(around), packing).view(shape) + cost
    if pulls is not None:
        pulls = pulls[each.repeat_interleave(shape[1])]
        before = before + pulls.energy(around[:, 0]).view(shape)
    few = before.topk(settings.relieved, largest=False).indices  # (q, k)
    rows = (each.unsqueeze(1) * shape[1] + few).flatten()
    pulls = None if pulls is None else pulls[rows]
    angles, energies = relieve(types[rows], around[rows], _first(rows), packing, pulls=pulls)
    if pulls is not None:
        relieved = SideChains(*side_chains(types[rows], around[rows], _first(rows))).turned(angles)
        energies = energies + pulls.energy(relieved)
    least, best = (energies.view_as(few) + cost[few]).min(1)
    best = each * few.shape[1] + best
    return turns[rows[best]] + angles[best], least


def _first(frames):
    """The first residue of each of the `frames`, (q, 2)."""
    index = torch.arange(len(frames), device=frames.device)
    return torch.stack([index, torch.zeros_like(index)], 1)
