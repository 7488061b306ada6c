"""
Beads in each other's way, and beads that are to stay near each other.

Every residue has two sites: its C-alpha and, from three beads, about where its C-beta lies. Sites of residues three or
more apart in sequence keep a distance; C-alphas four or more apart that are near each other keep theirs, so that
contacts last.

Shapes: F frames, N beads, P pairs.
"""

import functools

import torch

from ..chemistry import residues
from ..chemistry.peptide_geometry import BETA_BISECTOR, BETA_NORMAL
from ..geometry.neighbours import minimum_image, nearest
from ..geometry.vectors import smooth_step

_LEAST = {(0, 0): 4.4, (0, 1): 4.0, (1, 0): 4.0, (1, 1): 3.8}  # angstrom: C-alpha (0) and C-beta (1)
_CLOSEST = 4.8  # pairs nearer than this are to be this far from each other
_WATCHED = 2.0  # sites up to this much further apart are watched
_NEAR = 12.0  # C-alphas nearer than this keep their distance
_CONTACT = (5.5, 8.0)  # angstrom: those of residues in contact, which keep it more firmly; nearer ones may have to part
_EDGE = 0.5  # angstrom on either side of a limit in which what holds beads fades in or out
_SWELLING = 2.0  # what a distance that grows costs, against one that shrinks: room for atoms swells chains otherwise
_APART = 4  # in sequence, of C-alphas that keep their distance
_NEIGHBOURS = 64
_COUNTED = (8.0,)  # what `nearest` is to count; not used


class Crowd:
    """
    The pairs of sites of some frames that matter, found once, on the beads as they came.

    Parameters
    ----------
    internal : InternalCoordinates
    beads : torch.Tensor (F, N, 3)
    stiffness : float
        Nats per squared angstrom of overlap.
    cohesion, contact : torch.Tensor (F, N)
        Nats per squared angstrom of changed distance, and of that in contacts: the lower one of two residues counts.
    box : torch.Tensor (F, 3, 3), optional
    """

    def __init__(self, internal, beads, stiffness, cohesion, contact, box=None):
        inner = ~internal.starts & ~internal.ends
        self.sided = (inner & (internal.types != residues.TYPE_OF_NAME["GLY"])).to(beads.dtype).unsqueeze(-1)
        self.stiffness = stiffness
        frame, i, j, gap = self._neighbours(internal, beads, box)
        n = beads.shape[1]
        shift = gap - (beads[frame, j] - beads[frame, i])  # to the nearest image
        self.apart = self._apart(beads, frame, i, j, shift)
        joined = torch.cumsum(internal.starts, 0)
        distance = gap.norm(dim=-1)
        together = (distance < _NEAR) & ((j - i >= _APART) | (joined[i] != joined[j]))
        a, b, shift, distance = (v[together] for v in (frame * n + i, frame * n + j, shift, distance))
        self.together = a, b, shift, distance.clamp_min(_CLOSEST)
        near, far = (smooth_step(distance, edge - _EDGE, edge + _EDGE) for edge in _CONTACT)
        touching = near * (1 - far)
        cohesion, contact = (
            torch.minimum(*(held.flatten().index_select(0, at) for at in (a, b))) for held in (cohesion, contact)
        )
        within = 1 - smooth_step(distance, _NEAR - 2 * _EDGE, _NEAR)
        self.holding = (within * (cohesion + touching * (contact - cohesion))).to(distance)  # (P,), stiffness

    @staticmethod
    def _neighbours(internal, beads, box):
        """Frames, residues i < j (p,) and vectors (p, 3) from i to j, of all that are near, but not in sequence."""
        index, gap, present, _ = nearest(beads.float(), min(_NEIGHBOURS, max(1, beads.shape[1] - 1)), _COUNTED, box)
        own = torch.arange(beads.shape[1], device=beads.device)[:, None]
        joined = torch.cumsum(internal.starts, 0)
        local = (joined[index] == joined[:, None]) & ((index - own).abs() < 3)
        chosen = present & ~local & (index > own) & (gap.norm(dim=-1) < _NEAR + 0.01)
        frame, i, k = chosen.nonzero().unbind(1)
        j = index[frame, i, k]
        gap = beads[frame, j] - beads[frame, i]
        return frame, i, j, gap if box is None else minimum_image(gap, box[frame].to(gap))

    def _apart(self, beads, frame, i, j, shift):
        """Sites (P,), (P,) as rows of the flat list, shift (P, 3) of the second, least distance (P,)."""
        n, found = beads.shape[1], []
        flat, has = self.sites(beads).flatten(0, 1), self.sided[:, 0] > 0
        for (a, b), least in _LEAST.items():
            first, second = frame * 2 * n + i + a * n, frame * 2 * n + j + b * n
            near = (flat[second] - flat[first] + shift).norm(dim=-1) < least + _WATCHED
            near &= (has[i] | (a == 0)) & (has[j] | (b == 0))
            found.append((first[near], second[near], shift[near], torch.full_like(shift[near, 0], least)))
        return [torch.cat(parts) for parts in zip(*found, strict=True)]

    @functools.cached_property
    def springs(self):
        """Both kinds of pairs as springs between sites: rows of the flat list, shift, rest, stiffness, if stretched."""
        n = len(self.sided)
        a, b, *ways = self.together
        rows = [torch.cat([site, bead + bead // n * n]) for site, bead in zip(self.apart[:2], (a, b), strict=True)]
        shift, rest = (torch.cat(both) for both in zip(self.apart[2:], ways, strict=True))
        hard = torch.full_like(self.apart[3], self.stiffness)
        stretched = torch.cat([torch.zeros_like(hard), _SWELLING * self.holding])
        return *rows, shift, rest, torch.cat([hard, self.holding]), stretched

    def sites(self, beads):
        """C-alphas and C-betas (F, 2 N, 3); where there is no C-beta, the C-alpha again."""
        back, ahead = beads - beads.roll(1, -2), beads.roll(-1, -2) - beads
        beta = BETA_BISECTOR * (back - ahead) + BETA_NORMAL * torch.cross(back, ahead, dim=-1)
        return torch.cat([beads, beads + beta * self.sided], -2)

    def overlap(self, beads):
        """Energy (F,) of sites that are too near each other."""
        first, second, shift, least = self.apart
        sites = self.sites(beads)
        flat, frame = sites.flatten(0, 1), first // sites.shape[1]
        short = (least - (flat[second] - flat[first] + shift).norm(dim=-1)).clamp_min(0)
        return sites.new_zeros(len(sites)).index_add(0, frame, self.stiffness * short.square())

    def slopes(self, beads):
        """Derivatives (F, N, 3) of both energies with respect to the beads."""
        pull = _pulls(self.sites(beads), *self.springs)
        on_alpha, on_beta = pull.split(beads.shape[-2], -2)
        return on_alpha + on_beta + self._lever(beads, on_beta * self.sided)

    @staticmethod
    def _lever(beads, on_beta):
        """What derivatives (F, N, 3) with respect to the vectors from C-alphas to C-betas mean for the beads."""
        back, ahead = beads - beads.roll(1, -2), beads.roll(-1, -2) - beads
        on_back = BETA_BISECTOR * on_beta + BETA_NORMAL * torch.cross(ahead, on_beta, dim=-1)
        on_ahead = -BETA_BISECTOR * on_beta + BETA_NORMAL * torch.cross(on_beta, back, dim=-1)
        return on_back - on_ahead - on_back.roll(-1, -2) + on_ahead.roll(1, -2)


def _pulls(points, first, second, shift, rest, stiffness, stretched):
    """Derivatives, like `points`, of stiffness (P,) times (distance - rest)^2; `stretched` (P,) beyond rest."""
    flat = points.flatten(0, 1)
    gap = flat.index_select(0, second) - flat.index_select(0, first) + shift
    distance = gap.norm(dim=-1).clamp_min(0.1)
    change = distance - rest
    pull = gap * (2 * torch.where(change > 0, stretched, stiffness) * change / distance).unsqueeze(-1)
    return torch.zeros_like(flat).index_add(0, first, -pull).index_add(0, second, pull).view_as(points)
