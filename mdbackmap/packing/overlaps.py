"""
Packing of side chains: candidates drawn by the network, chosen together so that they do not overlap.

Each residue has R candidate side chains. Their overlaps with the backbone and with the candidates of neighbours are
computed once; Gibbs sampling over the residues then draws from the network's distribution times
exp(-overlap energy). Residues that touch never change at the same time, all others do.

Shapes: F frames, N residues, M residues with side-chain atoms beyond CB that can turn, S such atoms, X fixed atoms,
R candidates, P pairs of residues. Lengths in angstrom, energies in units of kT.
"""

import functools

import torch

from ..chemistry import elements
from ..geometry.neighbours import minimum_image
from .contacts import FURTHER, classes, nearness
from .disulfides import Bridges, worth

STIFFNESS = 20.0
"""Energy of an overlap of one angstrom (it grows with the square)."""
_BONDED = 2.0  # nearest that two S that may be bonded come at no cost
_ACROSS = 2.9  # the same for the S of one and the CB of the other of two cysteines that may be bonded
LARGEST = float(elements.VDW_RADII[3] + elements.VDW_RADII[0])
_PAIRS = 1_000_000  # pairs of residues whose distances are in memory at a time
_IN_CACHE = 200_000  # numbers
_FELT = 0.05  # kT; pairs of residues whose energy never exceeds this are left out
_UNBEARABLE = 20.0  # kT; cap of the energy of two candidates
_DAMPING, _TINY = 0.3, 1e-30
_GOLDEN = 0.6180339887498949


def allowed_distances(elements_a, elements_b, touch=0.0):
    """
    Smallest distance (...) of two atoms without cost, from their elements (...) as indices into "CNOS".

    `touch` is the overlap of van der Waals spheres, in angstrom, that costs nothing.
    """
    return _allowed(touch).to(elements_a.device)[elements_a, elements_b]


@functools.cache
def _allowed(touch):
    return torch.from_numpy(elements.allowed_distances(touch)).float()


def _expand(first, count):
    """Rows of many runs, one after another: (run, row)."""
    run = torch.arange(len(count), device=count.device).repeat_interleave(count)
    return run, torch.arange(len(run), device=count.device) + (first - count.cumsum(0) + count)[run]


def _energy_(allowed, distance, stiffness, gain):
    """Energies of overlaps and of contacts, which `gain` so much (None: nothing), in the memory of the distances."""
    off = distance.sub_(allowed)
    near = None if gain is None else nearness(off)
    energy = off.clamp_max_(0).square_().mul_(stiffness)
    return energy if near is None else energy.addcmul_(near, gain, value=-1)


def _distances(first, second):
    """Distances (p, A, B) of points (p, 3, A) from points (p, 3, B): for few points faster than `cdist`."""
    x, y, z = (
        (one.unsqueeze(-1), two.unsqueeze(-2)) for one, two in zip(first.unbind(-2), second.unbind(-2), strict=True)
    )
    total = (x[0] - x[1]).square_()
    apart = y[0] - y[1]
    total.addcmul_(apart, apart)
    torch.sub(*z, out=apart)
    return total.addcmul_(apart, apart).sqrt_()


def _blocks(n_pairs, n_numbers, device):
    """Slices of pairs, `n_numbers` each, that fit the caches of a CPU."""
    size = max(1, _IN_CACHE // n_numbers if device.type == "cpu" else n_pairs)
    return [slice(start, start + size) for start in range(0, n_pairs, size)]


def _rows(values, frames, index):
    """`values[frames, index]` of a tensor (F, n, ...) without holes, several times as fast."""
    return values.flatten(0, 1).index_select(0, frames * values.shape[1] + index)


def _where(mask, *values):
    """`value[mask]` of each of the values."""
    chosen = mask.nonzero()[:, 0]
    return [value.index_select(0, chosen) for value in values]


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
    touch : float
        Overlap of van der Waals spheres that costs nothing, in angstrom; below 0, atoms are kept further apart.
    bridges : Bridges, optional
        Which cysteines may be bonded, where it is known already.
    stiffness : float
        Energy of an overlap of one angstrom.
    contacts : torch.Tensor (K, K), optional
        What contacts of atoms of two classes are worth (`contacts.CLASSES`), in kT; nothing if None.

    Attributes
    ----------
    own : (F * M, R)
        Energy of each candidate with the fixed atoms.
    left, right : (2 P,) int64
        Pairs of residues that may overlap, both ways round, as rows of `own`.
    pair : (2 P, R, R)
        Energy of each candidate of `left` with each of `right`.
    """

    def __init__(self, movable, atoms, box=None, touch=0.0, bridges=None, stiffness=STIFFNESS, contacts=None):
        self.movable, self.box, self.touch, self.stiffness, self.contacts = movable, box, touch, stiffness, contacts
        self.reach = LARGEST - touch  # no pair of atoms further apart than this overlaps
        if contacts is not None:
            self.reach += FURTHER
            kinds = classes().to(atoms.device)[movable.types].flatten()
            self._turning_class, self._fixed_class = kinds[movable.turning], kinds[movable.fixed]
        n_frames, self.n_candidates = atoms.shape[:2]
        self.turning = atoms[:, :, movable.turning].permute(0, 2, 3, 1).contiguous()  # (F, S, 3, R)
        self.fixed = atoms[:, 0, movable.fixed]  # (F, X, 3)
        self.trace = atoms[:, 0, 1::14]  # (F, N, 3)
        self.betas = atoms[:, 0, 4::14]  # (F, N, 3)
        self.bridges = bridges or Bridges(movable.types, self.betas, box)
        self.centre = self.turning.mean(3)  # (F, S, 3)
        self.spread = _distances(self.turning, self.centre.unsqueeze(3)).amax((2, 3))  # (F, S)
        self._spheres(n_frames)
        self.own = self._with_fixed(n_frames)
        self.left, self.right, self.pair = self._with_each_other()

    def energies(self):
        """Of the first candidate of each residue among the first ones of the others, (F * M,)."""
        return self.own[:, 0].index_add(0, self.left, self.pair[:, 0, 0])

    def _spheres(self, n_frames):
        """A sphere around each residue's turning atoms, all candidates."""
        owner, n_movable = self.movable.owner, len(self.movable.residues)
        middle = self.centre.new_zeros(n_frames, n_movable, 3).index_add(1, owner, self.centre)
        self.middle = middle / self.movable.count[:, None]
        reach = (self.centre - self.middle[:, owner]).norm(dim=-1) + self.spread
        index = owner.expand(n_frames, -1)
        self.radius = reach.new_zeros(n_frames, n_movable).scatter_reduce(1, index, reach, "amax")

    def _near(self, a, b, reach_a, reach_b):
        """Frames, rows of `a` (F, A, 3) and of `b` (F, B, 3) nearer than their reaches; some rows at a time."""
        found, few = [], max(1, _PAIRS // (b.shape[0] * b.shape[1]))
        for start in range(0, a.shape[1], few):
            part = slice(start, start + few)
            if self.box is None:
                distance = torch.cdist(a[:, part], b, compute_mode="donot_use_mm_for_euclid_dist")
            else:
                distance = minimum_image(b.unsqueeze(1) - a[:, part].unsqueeze(2), self.box[:, None, None]).norm(dim=-1)
            index = (distance < reach_a[:, part, None] + reach_b[:, None]).nonzero()
            found.append(index + index.new_tensor([0, start, 0]))
        return torch.cat(found).unbind(1)

    def _closer(self, between, frames, reach, further):
        """Whether nearest images of points that are `between` (p, 3) apart in `frames` are within a reach (p,)."""
        between = between if self.box is None else minimum_image(between, self.box[frames])
        return between.norm(dim=-1) < reach + further

    def _with_fixed(self, n_frames):
        movable = self.movable
        around = 2.6 + self.reach
        frames, mine, other = self._near(
            self.middle, self.trace, self.radius, torch.full_like(self.trace[..., 0], around)
        )
        pair, a = _expand(movable.first[mine], movable.count[mine])
        at, mine, other = frames[pair], mine[pair], other[pair]
        between = _rows(self.trace, at, other) - _rows(self.centre, at, a)
        at, mine, other, a = _where(self._closer(between, at, _rows(self.spread, at, a), around), at, mine, other, a)
        pair, b = _expand(movable.fixed_first[other], movable.fixed_count[other])
        at, mine, other, a = at[pair], mine[pair], other[pair], a[pair]
        met = (movable.residues[mine] != other) | movable.meets[a, movable.fixed[b] % 14]
        centre, target = _rows(self.centre, at, a), _rows(self.fixed, at, b)
        if self.box is not None:
            target = target + _image_shift(target - centre, at, self.box)
        met &= (target - centre).norm(dim=-1) < _rows(self.spread, at, a) + self.reach
        at, a, b, target = _where(met, at, a, b, target)
        across = self._bonded(at, a, b, movable.thiol_bearing, movable.fixed)
        allowed = allowed_distances(movable.turning_element[a], movable.fixed_element[b], self.touch)
        allowed = allowed.index_fill(0, across, _ACROSS).unsqueeze(1)
        gain = None if self.contacts is None else self.contacts[self._turning_class[a], self._fixed_class[b]]
        gain = gain if gain is None else gain.index_fill(0, across, 0.0).unsqueeze(1)
        rows = at * len(movable.residues) + movable.owner[a]
        total = target.new_zeros(n_frames * len(movable.residues), self.n_candidates)
        for part in _blocks(len(at), 4 * self.n_candidates, target.device):
            distance = _distances(_rows(self.turning, at[part], a[part]), target[part].unsqueeze(2)).squeeze(2)
            energy = _energy_(allowed[part], distance, self.stiffness, gain if gain is None else gain[part])
            total.index_add_(0, rows[part], energy)  # (pairs, R)
        return total

    def _with_each_other(self):
        movable, n_movable = self.movable, len(self.movable.residues)
        frames, i, j = self._near(self.middle, self.middle, self.radius + self.reach, self.radius)
        frames, i, j = _where(i < j, frames, i, j)
        pair, a = _expand(movable.first[i], movable.count[i])
        at, other = frames[pair], j[pair]
        between = _rows(self.middle, at, other) - _rows(self.centre, at, a)
        reach = _rows(self.spread, at, a) + _rows(self.radius, at, other)
        at, other, a, pair = _where(self._closer(between, at, reach, self.reach), at, other, a, pair)
        within, b = _expand(movable.first[other], movable.count[other])
        at, a, pair = at[within], a[within], pair[within]
        between = _rows(self.centre, at, b) - _rows(self.centre, at, a)
        shift = None if self.box is None else _image_shift(between, at, self.box)
        between = between if shift is None else between + shift
        close = between.norm(dim=-1) < _rows(self.spread, at, a) + _rows(self.spread, at, b) + self.reach
        at, a, b, pair, between = _where(close, at, a, b, pair, between if shift is None else shift)
        bridges = torch.zeros_like(at, dtype=torch.bool).index_fill(
            0, self._bonded(at, a, b, movable.thiol, movable.turning), True
        )
        total = self.own.new_zeros(len(i), self.n_candidates, self.n_candidates)
        for part in _blocks(len(at), self.n_candidates**2, total.device):
            rows = [values[part] for values in (at, a, b, bridges)]
            energy = self._of_atoms(*rows, None if shift is None else between[part])
            total.index_add_(0, pair[part], energy)
        touching = total.flatten(1).abs().amax(1) > _FELT
        left, right = frames[touching] * n_movable + i[touching], frames[touching] * n_movable + j[touching]
        total = total[touching]
        both = torch.cat([total, total.transpose(1, 2)])
        return torch.cat([left, right]), torch.cat([right, left]), both

    def _of_atoms(self, frames, a, b, bridges, shift):
        """Energies (p, R, R) of pairs of turning atoms, the second one shifted by (p, 3)."""
        first, second = _rows(self.turning, frames, a), _rows(self.turning, frames, b)
        shift = None if shift is None else shift.unsqueeze(2)
        second = second if shift is None else second + shift
        distance = _distances(first, second)
        allowed = allowed_distances(self.movable.turning_element[a], self.movable.turning_element[b], self.touch)
        bound = bridges.nonzero()[:, 0]
        allowed = allowed.index_fill(0, bound, _BONDED)
        contact = None
        if self.contacts is not None:
            contact = self.contacts[self._turning_class[a], self._turning_class[b]].index_fill(0, bound, 0.0)
            contact = contact[:, None, None]
        energy = _energy_(allowed[:, None, None], distance, self.stiffness, contact)
        if len(bound):
            sulfurs = (values[bound] for values in (frames, a, b, first, second))
            energy.index_add_(0, bound, -self._gains(*sulfurs, None if shift is None else shift[bound]))
        return energy

    def _gains(self, frames, a, b, first, second, shift):
        """What bonds of sulfurs (n, 3, R), of atoms `a` and `b`, are worth, (n, R, R); the second are shifted."""
        here, there = (self.betas[frames, self.movable.turning[rows] // 14, :, None] for rows in (a, b))
        there = there if shift is None else there + shift
        across = (first - there).norm(dim=1).unsqueeze(2), (second - here).norm(dim=1).unsqueeze(1)
        return worth(_distances(first, second), *across)

    def _bonded(self, frames, a, b, kinds, atoms):
        """Which of the pairs of SG and such `kinds` of `atoms` are of cysteines whose C-betas lie as in a disulfide."""
        pairs = (self.movable.thiol[a] & kinds[b]).nonzero()[:, 0]
        one, two = self.movable.turning[a[pairs]] // 14, atoms[b[pairs]] // 14
        return pairs[self.bridges(frames[pairs], one, two)]


def choose(overlaps, log_weights, uniform, n_steps=48):
    """
    One candidate for each residue, by annealed Gibbs sampling.

    Parameters
    ----------
    overlaps : Overlaps
    log_weights : torch.Tensor (F * M, R)
        Log of what each candidate weighs besides its overlaps.
    uniform : torch.Tensor (F * M,), optional
        Numbers in (0, 1) that the choice depends on; without them the best candidate is taken in each step.
    n_steps : int
        In a step each residue is sampled whose turn it is among those it touches.

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
    state = torch.zeros_like(rows) if uniform is not None else log_weights.argmax(1)
    by_right = overlaps.pair.transpose(1, 2).flatten(0, 1)  # (2 P R, R): candidates of `left` for each of `right`
    edges = torch.arange(len(overlaps.left), device=rows.device) * log_weights.shape[1]

    def energies(state):
        met = by_right.index_select(0, edges + state.index_select(0, overlaps.right))  # (2 P, R)
        return overlaps.own.index_add(0, overlaps.left, met)

    for step in range(n_steps):
        strength = min(1.0, 0.1 + 1.2 * step / n_steps)
        priority = torch.remainder(turn + step * 0.7548776662466927 + turn * step, 1.0)
        rival = torch.zeros_like(priority).scatter_reduce(0, overlaps.left, priority[overlaps.right], "amax")
        moves = priority > rival
        logits = log_weights - strength * energies(state)
        if uniform is None:
            drawn = logits.argmax(1)
        else:
            level = torch.remainder(uniform + step * _GOLDEN, 1.0)
            drawn = (torch.softmax(logits, 1).cumsum(1) < level.unsqueeze(1)).sum(1).clamp_max(logits.shape[1] - 1)
        state = torch.where(moves, drawn, state)
    return state, energies(state)[rows, state]


def marginals(overlaps, n_steps=8):
    """
    Marginal probability of each candidate, by belief propagation.

    Candidates are equally likely before their energies count: they are draws. It is exact where the graph of residues
    that touch has no loops.

    Parameters
    ----------
    overlaps : Overlaps
    n_steps : int
        Rounds of messages between all residues that touch.

    Returns
    -------
    torch.Tensor (F * M, R)
        Sums to 1 over the candidates.
    """
    left, right, half = overlaps.left, overlaps.right, len(overlaps.left) // 2
    weights = overlaps.pair.clamp(-_UNBEARABLE, _UNBEARABLE).neg_().exp_()  # (2 P, R, R)
    told = torch.zeros_like(weights[:, 0])  # logs (2 P, R): messages from `right` to `left`
    for step in range(n_steps):
        beliefs = torch.index_add(-overlaps.own, 0, left, told)
        besides = torch.softmax(beliefs[right] - told.roll(half, 0), 1)  # of `right`, without the message from `left`
        telling = (weights @ besides.unsqueeze(-1)).squeeze(-1).clamp_min(_TINY).log()
        telling = telling - telling.amax(1, keepdim=True)
        told = telling if step == 0 else _DAMPING * told + (1 - _DAMPING) * telling
    return torch.softmax(torch.index_add(-overlaps.own, 0, left, told), 1)
