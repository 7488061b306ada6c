"""
The kernels of packing as loops over plain arrays, compiled where numba is installed; `reference` says what they give.

Numbers that steer them come as an array of the type of the others, so single precision stays single.

Shapes: as in `reference`.
"""

import numpy as np

from ...geometry.compiling import compiled


@compiled
def pair_energies(one, other, a, b, into, shift, allowed, gain, numbers, total):
    """
    Add energies of pairs of atoms to `total` (n_rows, K, L).

    `numbers` are stiffness, best, 1 / width and 1 (see `reference.pair_energies`). A `shift` or `gain` of length 0
    is none.
    """
    stiffness, best, steep, whole = numbers
    none, boxed, gained = whole - whole, len(shift) > 0, len(gain) > 0
    for p in range(len(a)):
        i, j, row, least = a[p], b[p], into[p], allowed[p]
        worth = gain[p] if gained else none
        for k in range(one.shape[2]):
            x, y, z = one[i, 0, k], one[i, 1, k], one[i, 2, k]
            if boxed:
                x, y, z = x - shift[p, 0], y - shift[p, 1], z - shift[p, 2]
            for m in range(other.shape[2]):
                dx, dy, dz = other[j, 0, m] - x, other[j, 1, m] - y, other[j, 2, m] - z
                off = np.sqrt(dx * dx + dy * dy + dz * dz) - least
                short, away = min(off, none), (off - best) * steep
                total[row, k, m] += stiffness * short * short - worth * max(whole - away * away, none)


@compiled
def marginal_logs(own, left, right, weights, rounds, numbers):
    """
    Logs of the marginals (G, K), to be normalised, by belief propagation.

    `weights` (E, K, K) are exponentials of the energies of pairs; `numbers` are damping, the smallest message and 1.
    """
    damping, least, whole = numbers
    shape = (2, len(left), own.shape[1])
    messages, fresh, total = np.zeros(shape, own.dtype), np.zeros(shape, own.dtype), -own
    for step in range(rounds):
        for e in range(len(left)):
            _pass_on(total[left[e]], total[right[e]], weights[e], messages[:, e], fresh[:, e], least)
        stays = damping if step > 0 else whole - whole
        total = -own
        for e in range(len(left)):
            for k in range(own.shape[1]):
                for side in range(2):
                    messages[side, e, k] = stays * messages[side, e, k] + (whole - stays) * fresh[side, e, k]
                total[left[e], k] += messages[0, e, k]
                total[right[e], k] += messages[1, e, k]
    return total


@compiled
def _pass_on(left, right, weights, messages, fresh, least):
    """Fill `fresh` (2, K) with the next messages to the left and to the right one of a pair, undamped."""
    from_left, from_right, none = left - messages[0], right - messages[1], least - least
    _normalise(from_left)
    _normalise(from_right)
    fresh[:] = none
    for k in range(len(left)):
        said = none
        for m in range(len(left)):
            said += weights[k, m] * from_right[m]
            fresh[1, m] += weights[k, m] * from_left[k]
        fresh[0, k] = said
    for side in range(2):
        most = max(fresh[side].max(), least)
        for k in range(len(left)):
            fresh[side, k] = np.log(max(fresh[side, k], least) / most)


@compiled
def _normalise(logs):
    """Softmax of logs (K,), in place."""
    most = logs.max()
    total = most - most
    for k in range(len(logs)):
        logs[k] = np.exp(logs[k] - most)
        total += logs[k]
    for k in range(len(logs)):
        logs[k] /= total


@compiled
def redraw(own, left, right, pair, noise, priority, state):
    """Draw residues again, step by step (S, G), whose priority is above that of all that they touch; `state` (G,)."""
    energy, rival = np.empty_like(own), np.empty_like(priority[0])
    for step in range(len(priority)):
        turn = priority[step]
        rival[:] = 0
        energy[:] = own
        for e in range(len(left)):
            i, j = left[e], right[e]
            rival[i], rival[j] = max(rival[i], turn[j]), max(rival[j], turn[i])
        for e in range(len(left)):
            i, j = left[e], right[e]
            if turn[i] > rival[i]:
                for k in range(own.shape[1]):
                    energy[i, k] += pair[e, k, state[j]]
            elif turn[j] > rival[j]:
                for k in range(own.shape[1]):
                    energy[j, k] += pair[e, state[i], k]
        for row in range(len(own)):
            if turn[row] > rival[row]:
                state[row] = np.argmax(noise[row] - energy[row])


@compiled
def relieve(chains, around, rows, pairs, pulls, state, schedule, numbers):
    """
    Turn side chains out of overlaps, step by step; `around` (G, 14, 3) and the `state`, three of (Q, 4), change.

    Arrays are those of `reference.relieve`, those of no `shift` and no `pulls` of length 0. The `schedule` (S, 3) has
    the length of each step and what the running means are short by. `numbers` are mean, square, restraint, damping,
    nearest, and 1.
    """
    (atoms, axis, moved), (angles, mean, square), whole = chains, state, numbers[5]
    gradient = np.empty_like(atoms)
    for step in range(len(schedule)):
        size, short_of_mean, short_of_square = schedule[step]
        gradient[:] = 0
        _push(around, rows, pairs, gradient.reshape(-1, 3), numbers[4], whole)
        _pull(around, rows, pulls, gradient)
        for q in range(len(rows)):
            here = around[rows[q]]
            for t in range(angles.shape[1]):
                if not moved[q, t].any():
                    continue
                slope = _torque(here, axis[q, t], moved[q, t], gradient[q])
                slope += (whole + whole) * numbers[2] * angles[q, t]
                mean[q, t] = numbers[0] * mean[q, t] + (whole - numbers[0]) * slope
                square[q, t] = numbers[1] * square[q, t] + (whole - numbers[1]) * slope * slope
                spread = np.sqrt(square[q, t] / short_of_square) + numbers[3]
                angles[q, t] -= size * (mean[q, t] / short_of_mean) / spread
            _turn(atoms[q], axis[q], moved[q], angles[q], here, whole)


@compiled
def _push(around, rows, pairs, gradient, nearest, whole):
    """Add the slopes of overlaps to the `gradient` (Q * 14, 3)."""
    slot, other, shift, allowed, stiffness, held = pairs
    places, size = around.reshape(-1, 3), around.shape[1]
    for p in range(len(slot)):
        i, j = rows[slot[p] // size] * size + slot[p] % size, other[p]
        x, y, z = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1], places[i, 2] - places[j, 2]
        if len(shift) > 0:
            x, y, z = x - shift[p, 0], y - shift[p, 1], z - shift[p, 2]
        distance = max(np.sqrt(x * x + y * y + z * z), nearest)
        short = allowed[p] - distance
        if short > 0 or held[p]:
            push = -(whole + whole) * stiffness[p] * short / distance
            gradient[slot[p], 0] += push * x
            gradient[slot[p], 1] += push * y
            gradient[slot[p], 2] += push * z


@compiled
def _pull(around, rows, pulls, gradient):
    """Add the slopes of beads that are missed to the `gradient` (Q, 14, 3)."""
    weights, goal, precision = pulls
    for q in range(len(weights)):
        for j in range(weights.shape[1]):
            for axis in range(3):
                off = -goal[q, j, axis]
                for atom in range(weights.shape[2]):
                    off += weights[q, j, atom] * around[rows[q], atom, axis]
                for atom in range(weights.shape[2]):
                    gradient[q, atom, axis] += weights[q, j, atom] * off * precision[q, j]


@compiled
def _torque(atoms, axis, moved, gradient):
    """Derivative with respect to a torsion about the bond `axis` (2,) that turns the atoms `moved` (14,)."""
    start, pivot = atoms[axis[0]], atoms[axis[1]]
    x, y, z = _unit(pivot[0] - start[0], pivot[1] - start[1], pivot[2] - start[2])
    total = x - x
    for s in range(len(moved)):
        if moved[s]:
            u, v, w = atoms[s, 0] - pivot[0], atoms[s, 1] - pivot[1], atoms[s, 2] - pivot[2]
            f, g, h = gradient[s, 0], gradient[s, 1], gradient[s, 2]
            total += x * (v * h - w * g) + y * (w * f - u * h) + z * (u * g - v * f)
    return total


@compiled
def _unit(x, y, z):
    """A vector of length one."""
    length = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-8))
    return x / length, y / length, z / length


@compiled
def _turn(atoms, axis, moved, angles, turned, whole):
    """Fill `turned` (14, 3) with atoms (14, 3) as drawn, each torsion turned by its angle, the outer ones first."""
    turned[:] = atoms
    for t in range(len(angles) - 1, -1, -1):
        if not moved[t].any():
            continue
        start, pivot = atoms[axis[t, 0]], atoms[axis[t, 1]]
        x, y, z = _unit(pivot[0] - start[0], pivot[1] - start[1], pivot[2] - start[2])
        cos, sin = np.cos(angles[t]), np.sin(angles[t])
        for s in range(len(moved[t])):
            if moved[t, s]:
                u, v, w = turned[s, 0] - pivot[0], turned[s, 1] - pivot[1], turned[s, 2] - pivot[2]
                along = (x * u + y * v + z * w) * (whole - cos)
                turned[s, 0] = pivot[0] + cos * u + sin * (y * w - z * v) + along * x
                turned[s, 1] = pivot[1] + cos * v + sin * (z * u - x * w) + along * y
                turned[s, 2] = pivot[2] + cos * w + sin * (x * v - y * u) + along * z
