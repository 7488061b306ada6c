"""
Repulsion of sites that are too near, and springs that hold contacts.

Every residue has two sites: its C-alpha and, from three C-alphas, about where its C-beta lies. Sites of residues three
or more apart in sequence keep a distance. C-alphas four or more apart that are near each other are held at theirs, so
that contacts last.

Shapes: F frames, R residues, P pairs. Lengths in angstrom, energies in nats.
"""

import functools

import torch

from ..chemistry import residues
from ..chemistry.peptide_geometry import BETA_BISECTOR, BETA_NORMAL
from ..geometry.compiling import array
from ..geometry.neighbours import nearest
from ..geometry.periodic import minimum_image
from ..geometry.vectors import smooth_step
from .angles import coordinates
from .settings import DEFAULTS

_LOCAL = 3  # residues apart in sequence from which on sites keep a distance; chosen: by hand, nearer ones have angles
_ROUNDING = 0.01  # angstrom; chosen: by hand, neighbours are looked for in single precision
SHORTEST = 0.1  # angstrom; chosen: by hand, forces of coincident sites stay finite


class Crowd:
    """
    The pairs of sites of some frames that matter, listed once, on the beads as they came.

    Parameters
    ----------
    internal : InternalCoordinates
    beads : torch.Tensor, shape (F, R, 3)
    settings : Crowding
    cohesion, contact : torch.Tensor, shape (F, R), optional
        Nats per squared angstrom of changed distance, and of that in contacts: the lower one of two residues counts.
        Without them nothing is held.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows.
    """

    def __init__(self, internal, beads, settings=DEFAULTS.crowding, cohesion=None, contact=None, box=None):
        inner = ~internal.starts & ~internal.ends
        self.sided = (inner & (internal.types != residues.TYPE_OF_NAME["GLY"])).to(beads.dtype)
        self.settings, self.n_frames = settings, len(beads)
        frame, i, j, gap = self._neighbours(internal, beads, box)
        shift = gap - (beads[frame, j] - beads[frame, i])  # to the nearest image
        self.apart = self._apart(beads, frame, i, j, shift)
        self.together, self.holding = None, None
        if cohesion is not None:
            joined = torch.cumsum(internal.starts, 0)
            distance = gap.norm(dim=-1)
            held = (distance < settings.near) & ((j - i >= settings.separation) | (joined[i] != joined[j]))
            n = beads.shape[1]
            a, b, shift, distance = (v[held] for v in (frame * n + i, frame * n + j, shift, distance))
            self.together = a, b, shift, distance.clamp_min(settings.closest)
            weaker = (torch.minimum(one.flatten()[a], one.flatten()[b]) for one in (cohesion, contact))
            self.holding = self._holding(distance, *weaker).to(distance)  # (P,), stiffness
        first, second, shift, *rest = self._springs()
        self.springs = first, second, coordinates(shift), *rest

    def _holding(self, distance, cohesion, contact):
        """Stiffness (P,) of pairs at a distance (P,), from their cohesion and that in contacts."""
        edge = self.settings.edge
        near, far = (smooth_step(distance, limit - edge, limit + edge) for limit in self.settings.contact)
        within = 1 - smooth_step(distance, self.settings.near - 2 * edge, self.settings.near)
        return within * (cohesion + near * (1 - far) * (contact - cohesion))

    def _neighbours(self, internal, beads, box):
        """Frames, residues i < j (p,) and vectors (p, 3) from i to j, of all that are near, but not in sequence."""
        n = beads.shape[1]
        index, gap, present, _ = nearest(beads.float(), min(self.settings.neighbours, max(1, n - 1)), (), box)
        own = torch.arange(n, device=beads.device)[:, None]
        joined = torch.cumsum(internal.starts, 0)
        local = (joined[index] == joined[:, None]) & ((index - own).abs() < _LOCAL)
        chosen = present & ~local & (index > own) & (gap.norm(dim=-1) < self.settings.near + _ROUNDING)
        frame, i, k = chosen.nonzero().unbind(1)
        j = index[frame, i, k]
        gap = beads[frame, j] - beads[frame, i]
        return frame, i, j, gap if box is None else minimum_image(gap, box[frame].to(gap))

    def _apart(self, beads, frame, i, j, shift):
        """Sites (P,), (P,) as rows of the flat list, shift (P, 3) of the second, least distance (P,)."""
        n, rows, settings = beads.shape[1], [], self.settings
        flat, sided = self.sites(coordinates(beads)).flatten(1).T, self.sided > 0
        kinds = {(0, 0): settings.alphas, (0, 1): settings.mixed, (1, 0): settings.mixed, (1, 1): settings.betas}
        for (a, b), least in kinds.items():
            first, second = frame * 2 * n + i + a * n, frame * 2 * n + j + b * n
            near = (flat[second] - flat[first] + shift).norm(dim=-1) < least + settings.watched
            near &= (sided[i] | (a == 0)) & (sided[j] | (b == 0))
            rows.append((first[near], second[near], shift[near], torch.full_like(shift[near, 0], least)))
        return [torch.cat(parts) for parts in zip(*rows, strict=True)]

    def _springs(self):
        """Both kinds of pairs as springs between sites: rows of the flat list, shift, rest, stiffness, if stretched."""
        hard = torch.full_like(self.apart[3], self.settings.stiffness)
        if self.together is None:
            return *self.apart, hard, torch.zeros_like(hard)
        n = len(self.sided)
        a, b, *ways = self.together
        rows = [torch.cat([site, bead + bead // n * n]) for site, bead in zip(self.apart[:2], (a, b), strict=True)]
        shift, rest = (torch.cat(both) for both in zip(self.apart[2:], ways, strict=True))
        stretched = torch.cat([torch.zeros_like(hard), self.settings.swelling * self.holding])
        return *rows, shift, rest, torch.cat([hard, self.holding]), stretched

    @functools.cached_property
    def by_frame(self):
        """Springs as arrays, frame by frame: where each frame begins, sites of a frame, shift, and the rest (3, P)."""
        first, second, shift, *rest = self.springs
        sites = 2 * len(self.sided)
        order = torch.argsort(first // sites, stable=True)
        begins = torch.searchsorted((first // sites)[order], torch.arange(self.n_frames + 1))
        ends = ((rows % sites)[order] for rows in (first, second))
        return tuple(map(array, (begins, *ends, shift[:, order], torch.stack(rest)[:, order])))

    def sites(self, x):
        """C-alphas and C-betas, shape (3, F, 2 R), of `coordinates`; where there is no C-beta, the C-alpha again."""
        ahead = x.roll(-1, -1) - x
        back = ahead.roll(1, -1)
        beta = (back - ahead).mul_(BETA_BISECTOR).add_(torch.cross(back, ahead, dim=0), alpha=BETA_NORMAL)
        return torch.cat([x, beta.mul_(self.sided).add_(x)], -1)

    def overlap(self, beads):
        """Energy, shape (F,), of sites that are too near each other."""
        first, second, shift, least = self.apart
        sites = self.sites(coordinates(beads))
        flat, frame = sites.flatten(1).T, first // sites.shape[-1]
        short = (least - (flat[second] - flat[first] + shift).norm(dim=-1)).clamp_min(0)
        return beads.new_zeros(len(beads)).index_add(0, frame, self.settings.stiffness * short.square())

    def slopes(self, beads):
        """Derivatives, shape (F, R, 3), of both energies with respect to the beads."""
        x = coordinates(beads)
        on_alpha, on_beta = _pulls(self.sites(x), *self.springs).chunk(2, -1)
        return (on_alpha + on_beta).add_(self._lever(x, on_beta * self.sided)).movedim(0, -1)

    @staticmethod
    def _lever(x, on_beta):
        """Derivatives (3, F, R) on the beads, from those with respect to the vectors from C-alphas to C-betas."""
        ahead = x.roll(-1, -1) - x
        back = ahead.roll(1, -1)
        along, across = BETA_BISECTOR * on_beta, BETA_NORMAL * on_beta
        on_back = torch.cross(ahead, across, dim=0).add_(along)
        on_ahead = torch.cross(across, back, dim=0).sub_(along)
        out = on_back - on_ahead
        return out.sub_(on_back.roll(-1, -1)).add_(on_ahead.roll(1, -1))


def _pulls(points, first, second, shift, rest, stiffness, stretched):
    """Derivatives, like `points`, of stiffness (P,) times (distance - rest)^2; `stretched` (P,) beyond rest."""
    flat = points.flatten(1)
    gap = (flat.index_select(1, second) - flat.index_select(1, first)).add_(shift)
    distance = gap.square().sum(0).sqrt_().clamp_min_(SHORTEST)
    change = distance - rest
    pull = gap.mul_((2 * torch.where(change > 0, stretched, stiffness)).mul_(change).div_(distance))
    return torch.zeros_like(flat).index_add_(1, first, -pull).index_add_(1, second, pull).view_as(points)
