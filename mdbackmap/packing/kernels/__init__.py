"""
Kernels of packing: functions of plain tensors, compiled where that can be; `reference` says what they give.

Shapes: as in `reference`.
"""

import torch

from ...geometry.compiling import array, suits
from . import packing_compiled, reference


def pair_energies(one, other, a, b, into, shift, allowed, gain, n_rows, stiffness, best, width):
    """As `reference.pair_energies`."""
    if not suits(one, other, shift, allowed, gain):
        given = a, b, into, shift, allowed, gain, n_rows, stiffness, best, width
        return reference.pair_energies(one, other, *given)
    total = one.new_zeros(n_rows, one.shape[2], other.shape[2])
    if other.shape[2] == 1:  # the inner loop is that of the second one's candidates
        one, other, a, b, shift = other, one, b, a, None if shift is None else -shift
    pairs = *map(array, (a, b, into)), _array(shift, one, 0, 3), array(allowed), _array(gain, one, 0)
    numbers, energies = _array((stiffness, best, 1 / width, 1.0), one), total.view(-1, one.shape[2], other.shape[2])
    packing_compiled.pair_energies(array(one), array(other), *pairs, numbers, energies.numpy())
    return total


def choose(own, left, right, pair, noise, per_frame, settings):
    """As `reference.choose`."""
    if not suits(own, pair, noise):
        return reference.choose(own, left, right, pair, noise, per_frame, settings)
    shares = marginals(own, left, right, pair, settings)
    state = (shares.clamp_min(settings.least).log() + noise).argmax(1)
    turns = reference.turns(len(noise), per_frame, settings, noise.device)
    packing_compiled.redraw(*map(array, (own, left, right, pair, noise, turns, state)))
    return state


def marginals(own, left, right, pair, settings):
    """As `reference.marginals`."""
    if not suits(own, pair):
        return reference.marginals(own, left, right, pair, settings)
    weights, numbers = reference.weights(pair, settings), _array((settings.damping, settings.least, 1.0), own)
    logs = packing_compiled.marginal_logs(*map(array, (own, left, right, weights.to(own))), settings.rounds, numbers)
    return torch.softmax(torch.from_numpy(logs), 1)


def relieve(atoms, axis, moved, around, rows, pairs, state, steps, n_steps, settings, pulls=None):
    """As `reference.relieve`."""
    if not (suits(atoms, around) and around.is_contiguous()):
        given = rows, pairs, state, steps, n_steps, settings, pulls
        return reference.relieve(atoms, axis, moved, around, *given)
    slot, other, shift, allowed, stiffness, held = pairs
    stiffness = torch.as_tensor(stiffness).to(allowed).expand_as(allowed)
    held = torch.zeros_like(allowed, dtype=torch.bool) if held is None else held
    pairs = array(slot), array(other), _array(shift, atoms, 0, 3), *map(array, (allowed, stiffness, held))
    pulls = (None,) * 3 if pulls is None else (pulls.weights, pulls.goal, pulls.precision)
    pulls = tuple(_array(one, atoms, *size) for one, size in zip(pulls, ((0, 0, 0), (0, 0, 3), (0, 0)), strict=True))
    state = tuple(values.clone() for values in state)
    lengths = [settings.rate * (1 - step / (n_steps + 1)) for step in steps]
    short = [[1 - mean**step for step in steps] for mean in (settings.mean, settings.square)]
    schedule = _array((lengths, *short), atoms).T.copy()
    numbers = settings.mean, settings.square, settings.restraint, settings.damping, settings.nearest, 1.0
    chains, places = tuple(map(array, (atoms, axis, moved))), (around.numpy(), array(rows))
    packing_compiled.relieve(chains, *places, pairs, pulls, tuple(map(array, state)), schedule, _array(numbers, atoms))
    return state


def _array(values, like, *none):
    """An array of the type of the tensor `like`; without values one of the shape `none`."""
    return array(like.new_zeros(none) if values is None else torch.as_tensor(values, dtype=like.dtype))
