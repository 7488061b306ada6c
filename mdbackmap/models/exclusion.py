"""
Side chains that know of each other: candidates drawn by the network, chosen together so that they do not overlap.

Each residue has R candidate side chains. Their overlaps with the backbone and with the candidates of neighbours are
computed once; Gibbs sampling over the residues then draws from the network's distribution times
exp(-overlap energy). Residues that touch never change at the same time, all others do.

Shapes: F frames, N residues, M residues with side-chain atoms beyond CB that can turn, S such atoms, X fixed atoms,
R candidates, P pairs of residues. Lengths in angstrom, energies in units of kT.
"""

import torch

from ..neighbours import minimum_image

STIFFNESS = 20.0
"""Energy of an overlap of one angstrom (it grows with the square)."""
_RADII = {"C": 1.70, "N": 1.55, "O": 1.40, "S": 1.80}
_TOUCH = 0.30  # overlap of van der Waals spheres that costs nothing
_POLAR, _DISULFIDE = 2.60, 2.0  # nearest that two N or O, two S, come at no cost
_REACH = 3.3  # no pair of atoms further apart than this overlaps
_GOLDEN = 0.6180339887498949


def allowed_distances(elements_a, elements_b):
    """Smallest distance (...) of two atoms without cost, from their elements (...) as indices into "CNOS"."""
    table = torch.empty(4, 4)
    for i, a in enumerate("CNOS"):
        for j, b in enumerate("CNOS"):
            table[i, j] = _RADII[a] + _RADII[b] - _TOUCH
    table[1:3, 1:3] = _POLAR
    table[3, 3] = _DISULFIDE
    return table.to(elements_a.device)[elements_a, elements_b]


def _expand(first_a, count_a, first_b, count_b):
    """All pairs of rows of two runs, for many pairs of runs: (pair, row a, row b)."""
    size = count_a * count_b
    pair = torch.arange(len(size), device=size.device).repeat_interleave(size)
    within = torch.arange(len(pair), device=size.device) - (size.cumsum(0) - size)[pair]
    width = count_b[pair]
    return pair, first_a[pair] + within // width, first_b[pair] + within % width


def _image_shift(displacement, frames, box):
    """What to add to the second of two points (p, 3 apart) to have its nearest image."""
    return minimum_image(displacement, box[frames]) - displacement


class Overlaps:
    """
    Overlap energies of candidate side chains.

    Parameters
    ----------
    movable : MovableAtoms
    atoms : torch.Tensor (F, R, N * 14, 3)
        Every atom, for each candidate of the side chains; backbones are those of candidate 0.
    box : torch.Tensor (F, 3, 3), optional

    Attributes
    ----------
    own : (F * M, R)
        Energy of each candidate with the fixed atoms.
    left, right : (2 P,) int64
        Pairs of residues that may overlap, both ways round, as rows of `own`.
    pair : (2 P, R, R)
        Energy of each candidate of `left` with each of `right`.
    """

    def __init__(self, movable, atoms, box=None):
        self.movable, self.box = movable, box
        n_frames, self.n_candidates = atoms.shape[:2]
        self.turning = atoms[:, :, movable.turning].transpose(1, 2).contiguous()  # (F, S, R, 3)
        self.fixed = atoms[:, 0, movable.fixed]  # (F, X, 3)
        self.trace = atoms[:, 0, 1::14]  # (F, N, 3)
        self.centre = self.turning.mean(2)  # (F, S, 3)
        self.spread = (self.turning - self.centre.unsqueeze(2)).norm(dim=-1).amax(2)  # (F, S)
        self._spheres(n_frames)
        self.own = self._with_fixed(n_frames)
        self.left, self.right, self.pair = self._with_each_other()

    def _spheres(self, n_frames):
        """A sphere around each residue's turning atoms, all candidates."""
        owner, n_movable = self.movable.owner, len(self.movable.residues)
        middle = self.centre.new_zeros(n_frames, n_movable, 3).index_add(1, owner, self.centre)
        self.middle = middle / self.movable.count[:, None]
        reach = (self.centre - self.middle[:, owner]).norm(dim=-1) + self.spread
        index = owner.expand(n_frames, -1)
        self.radius = reach.new_zeros(n_frames, n_movable).scatter_reduce(1, index, reach, "amax")

    def _distances(self, a, b):
        difference = b.unsqueeze(1) - a.unsqueeze(2)
        if self.box is not None:
            difference = minimum_image(difference, self.box[:, None, None])
        return difference.norm(dim=-1)

    def _with_fixed(self, n_frames):
        movable = self.movable
        near = self._distances(self.middle, self.trace) < self.radius.unsqueeze(2) + 2.6 + _REACH
        near[:, torch.arange(len(movable.residues)), movable.residues] = False
        frames, mine, other = near.nonzero().unbind(1)
        fixed = movable.fixed_first[other], movable.fixed_count[other]
        pair, a, b = _expand(movable.first[mine], movable.count[mine], *fixed)
        at = frames[pair]
        target = self.fixed[at, b]
        if self.box is not None:
            target = target + _image_shift(target - self.centre[at, a], at, self.box)
        close = (target - self.centre[at, a]).norm(dim=-1) < self.spread[at, a] + _REACH
        at, a, b, target = at[close], a[close], b[close], target[close]
        distance = (self.turning[at, a] - target.unsqueeze(1)).norm(dim=-1)  # (pairs, R)
        allowed = allowed_distances(movable.turning_element[a], movable.fixed_element[b])
        energy = STIFFNESS * (allowed.unsqueeze(1) - distance).clamp_min(0).square()
        rows = at * len(movable.residues) + movable.owner[a]
        return energy.new_zeros(n_frames * len(movable.residues), self.n_candidates).index_add(0, rows, energy)

    def _with_each_other(self):
        movable, n_movable = self.movable, len(self.movable.residues)
        near = self._distances(self.middle, self.middle) < self.radius.unsqueeze(2) + self.radius.unsqueeze(1) + _REACH
        frames, i, j = near.triu(1).nonzero().unbind(1)
        pair, a, b = _expand(movable.first[i], movable.count[i], movable.first[j], movable.count[j])
        at = frames[pair]
        between = self.centre[at, b] - self.centre[at, a]
        shift = None if self.box is None else _image_shift(between, at, self.box)
        between = between if shift is None else between + shift
        close = between.norm(dim=-1) < self.spread[at, a] + self.spread[at, b] + _REACH
        at, a, b, pair = at[close], a[close], b[close], pair[close]
        second = self.turning[at, b]
        second = second if shift is None else second + shift[close].unsqueeze(1)
        distance = torch.cdist(self.turning[at, a], second, compute_mode="donot_use_mm_for_euclid_dist")
        allowed = allowed_distances(movable.turning_element[a], movable.turning_element[b])
        energy = STIFFNESS * (allowed[:, None, None] - distance).clamp_min(0).square()
        total = energy.new_zeros(len(i), *energy.shape[1:]).index_add(0, pair, energy)
        touching = total.flatten(1).amax(1) > 1e-3
        left, right = frames[touching] * n_movable + i[touching], frames[touching] * n_movable + j[touching]
        total = total[touching]
        both = torch.cat([total, total.transpose(1, 2)])
        return torch.cat([left, right]), torch.cat([right, left]), both


def choose(overlaps, log_weights, uniform, n_steps=48, greedy=False):
    """
    One candidate for each residue, by annealed Gibbs sampling.

    Parameters
    ----------
    overlaps : Overlaps
    log_weights : torch.Tensor (F * M, R)
        Log of what each candidate weighs besides its overlaps.
    uniform : torch.Tensor (F * M,)
        Numbers in (0, 1) that the choice depends on.
    n_steps : int
        In a step each residue whose turn it is among those it touches is drawn anew.
    greedy : bool
        End with the best candidates instead of drawn ones.

    Returns
    -------
    state : torch.Tensor (F * M,) int64
        The candidates.
    energy : torch.Tensor (F * M,)
        Their overlap energies.
    """
    rows = torch.arange(len(log_weights), device=log_weights.device)
    n_movable = len(overlaps.movable.residues)
    turn = torch.remainder((rows % n_movable + 1) * _GOLDEN, 1.0)  # by residue, not by place in the batch
    state = torch.zeros_like(rows) if not greedy else log_weights.argmax(1)
    edges = torch.arange(len(overlaps.left), device=rows.device)

    def energies(state):
        met = overlaps.pair[edges, :, state[overlaps.right]]  # (2 P, R)
        return overlaps.own.index_add(0, overlaps.left, met)

    for step in range(n_steps):
        strength = min(1.0, 0.1 + 1.2 * step / n_steps)
        priority = torch.remainder(turn + step * 0.7548776662466927 + turn * step, 1.0)
        rival = torch.zeros_like(priority).scatter_reduce(0, overlaps.left, priority[overlaps.right], "amax")
        moves = priority > rival
        logits = log_weights - strength * energies(state)
        if greedy and step > n_steps // 2:
            drawn = logits.argmax(1)
        else:
            level = torch.remainder(uniform + step * _GOLDEN, 1.0)
            drawn = (torch.softmax(logits, 1).cumsum(1) < level.unsqueeze(1)).sum(1).clamp_max(logits.shape[1] - 1)
        state = torch.where(moves, drawn, state)
    return state, energies(state)[rows, state]
