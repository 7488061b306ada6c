"""
The four kernels of packing in torch: plain tensors in and out.

`pair_energies` has the energies of candidates, `choose` draws one of each residue, `marginals` says how likely each is,
`relieve` turns side chains out of overlaps. Whatever else computes them must give the same.

Shapes: A and B atoms, K and L candidates, G residues (of all frames), E pairs of residues, P pairs of atoms, Q side
chains. Angstrom, radians and kT.
"""

import math

import torch

from ..atom_energies import overlap_slopes
from ..pairs import distances
from ..rigid import SideChains

_IN_CACHE = 200_000  # numbers that fit the caches of a CPU; chosen: by hand
_FEWEST = 4  # atoms that a block is sized for, at least; chosen: by hand


def pair_energies(one, other, a, b, into, shift, allowed, gain, n_rows, stiffness, best, width):
    """
    Energies between candidates, summed over pairs of their atoms.

    Parameters
    ----------
    one, other : torch.Tensor, shapes (A, 3, K) and (B, 3, L)
        Atoms in each candidate.
    a, b, into : torch.Tensor of int64, shape (P,)
        Pairs of atoms, and the row that their energy is added to.
    shift : torch.Tensor, shape (P, 3), or None
        Added to the second atoms: their nearest images in a box.
    allowed : torch.Tensor, shape (P,)
        Distance from which on a pair does not overlap.
    gain : torch.Tensor, shape (P,), or None
        Energy that a contact gains.
    n_rows : int
    stiffness : float
        kT per square angstrom of overlap.
    best, width : float
        As in `atom_energies.nearness`.

    Returns
    -------
    torch.Tensor, shape (n_rows, K, L)
    """
    total, scale = one.new_zeros(n_rows, one.shape[2], other.shape[2]), math.sqrt(stiffness)
    one, other, far, steep = one * scale, other * scale, best * scale, -1 / (stiffness * width**2)
    edge, whole = (allowed if gain is None else allowed + best) * scale, one.new_ones(())
    size = _IN_CACHE // (one.shape[2] * max(_FEWEST, other.shape[2])) if total.device.type == "cpu" else len(a)
    for start in range(0, len(a), max(1, size)):
        part = slice(start, start + max(1, size))
        second = other.index_select(0, b[part])
        second = second if shift is None else second + scale * shift[part].unsqueeze(2)
        off = distances(one.index_select(0, a[part]), second).sub_(edge[part, None, None])
        if gain is None:
            energy = off.clamp_max_(0).square_()
        else:  # as in `atom_energies`, in fewer passes over memory
            contact = torch.addcmul(whole, off, off, value=steep).clamp_min_(0)
            energy = off.clamp_max_(-far).add_(far).square_().addcmul_(contact, gain[part, None, None], value=-1)
        total.index_add_(0, into[part], energy)
    return total


def choose(own, left, right, pair, noise, per_frame, settings):
    """
    One candidate for each residue, drawn.

    Each is drawn from its marginal, then some times again given the others, by the same numbers. Each draw takes the
    largest of log probability plus noise. So small changes of the energies rarely change a choice.

    Parameters
    ----------
    own : torch.Tensor, shape (G, K)
        Energy of each candidate with what stays.
    left, right : torch.Tensor of int64, shape (E,)
        Pairs of residues, each once.
    pair : torch.Tensor, shape (E, K, K)
        Energy of each candidate of `left` with each of `right`.
    noise : torch.Tensor, shape (G, K)
        Numbers from the standard Gumbel distribution.
    per_frame : int
        Residues of a frame: whose turn it is depends on their places in it.
    settings : ChoosingSettings

    Returns
    -------
    torch.Tensor of int64, shape (G,)
        The candidates.
    """
    shares, priorities = marginals(own, left, right, pair, settings), turns(len(noise), per_frame, settings, own.device)
    state, ends = (shares.clamp_min(settings.least).log() + noise).argmax(1), torch.cat([left, right])
    others = torch.cat([right, left])
    steps, behind = (priorities[:, others] >= priorities[:, ends]).nonzero().unbind(1)
    waits = torch.zeros_like(priorities, dtype=torch.bool)
    waits[steps, ends[behind]] = True
    for waiting in waits:  # residues that touch never change in the same step
        now = (~waiting[ends]).nonzero()[:, 0]
        to_left, to_right = now[now < len(left)], now[now >= len(left)] - len(left)
        given = pair[to_left, :, state[right[to_left]]], pair[to_right, state[left[to_right]]]
        energy = own.index_add(0, ends[now], torch.cat(given))
        state = torch.where(waiting, state, (noise - energy).argmax(1))
    return state


def turns(n_rows, per_frame, settings, device=None):
    """Whose turn it is, (steps, n_rows): of residues that touch, those of the largest numbers are drawn again."""
    turn = torch.arange(n_rows, device=device) % per_frame + 1
    turn, step = torch.remainder(turn * settings.golden, 1.0), torch.arange(settings.steps, device=device).unsqueeze(1)
    return torch.remainder(turn + step * settings.plastic + turn * step, 1.0)


def marginals(own, left, right, pair, settings):
    """
    Marginal probability of each candidate, by belief propagation.

    Candidates are equally likely before their energies count: they are draws. It is exact where the graph of residues
    that touch has no loops.

    Parameters
    ----------
    own, left, right, pair
        As in `choose`.
    settings : ChoosingSettings

    Returns
    -------
    torch.Tensor, shape (G, K)
        Sums to 1 over the candidates.
    """
    ends, others, kept = torch.cat([left, right]), torch.cat([right, left]), weights(pair, settings)
    messages = own.new_zeros(2, *pair.shape[:2])  # logs: to `left`, to `right`
    for step in range(settings.rounds):
        beliefs = torch.index_add(-own, 0, ends, messages.flatten(0, 1))
        besides = beliefs[others].view_as(messages) - messages.flip(0)  # of the other one, but for what it was told
        besides = torch.softmax(besides, 2).to(kept)
        fresh = torch.stack([(kept @ besides[0].unsqueeze(2)).squeeze(2), (besides[1].unsqueeze(1) @ kept).squeeze(1)])
        fresh = fresh.to(own).clamp_min(settings.least).log()
        fresh = fresh - fresh.amax(2, keepdim=True)
        messages = fresh if step == 0 else settings.damping * messages + (1 - settings.damping) * fresh
    return torch.softmax(torch.index_add(-own, 0, ends, messages.flatten(0, 1)), 1)


def weights(pair, settings):
    """What energies of two candidates (E, K, K) are worth in belief propagation."""
    return pair.clamp(-settings.cap, settings.cap).neg_().exp_()


def relieve(atoms, axis, moved, around, rows, pairs, state, steps, n_steps, settings, pulls=None):
    """
    Some steps of minimising overlaps of side chains in their torsions.

    Parameters
    ----------
    atoms : torch.Tensor, shape (Q, 14, 3)
        Where all torsions are as drawn.
    axis, moved : torch.Tensor of int64 and bool, shapes (Q, 4, 2) and (Q, 4, 14)
        Of each torsion, the slots of its bond, and the atoms that it moves.
    around : torch.Tensor, shape (G, 14, 3)
        All residues, changed in place: those of the side chains are as `state` has them.
    rows : torch.Tensor of int64, shape (Q,)
        Which of them have the side chains.
    pairs : tuple of torch.Tensor, each of length P
        Atom of a side chain (14 * row + slot), and of `around`; shift (P, 3) of the latter in a box, or None; distance
        allowed, stiffness (kT per square angstrom), and whether the pair is held at that distance.
    state : tuple of torch.Tensor, shape (Q, 4)
        Angles turned by, and running means of slopes and of their squares; zeros at first.
    steps : range
        Numbers of the steps to take, of 1 to `n_steps`.
    n_steps : int
    settings : ReliefSettings
    pulls : Pulls, optional
        Of beads on the side chains.

    Returns
    -------
    tuple of torch.Tensor, shape (Q, 4)
        The state after these steps.
    """
    chains, (angles, mean, square) = SideChains(atoms, axis, moved), state
    slot, other, shift, allowed, stiffness, held = pairs
    can, current, everything = moved.any(2), around[rows], around.view(-1, 3)
    for step in steps:
        gap = current.view(-1, 3).index_select(0, slot) - everything.index_select(0, other)
        gap = gap if shift is None else gap - shift
        push = overlap_slopes(gap, allowed, stiffness, settings.nearest, held)
        gradient = torch.zeros_like(current).view(-1, 3).index_add_(0, slot, push).view_as(current)
        gradient = gradient if pulls is None else gradient + pulls.slopes(current)
        slope = chains.torques(current, gradient) + 2 * settings.restraint * angles
        mean = settings.mean * mean + (1 - settings.mean) * slope
        square = settings.square * square + (1 - settings.square) * slope**2
        size = settings.rate * (1 - step / (n_steps + 1))
        spread = (square / (1 - settings.square**step)).sqrt() + settings.damping
        angles = torch.where(can, angles - size * (mean / (1 - settings.mean**step)) / spread, 0.0)
        current = chains.turned(angles)
        around[rows] = current
    return angles, mean, square
