"""
Steps of a relaxation as a compiled loop over frames and residues; `relaxation` and `slopes` say what it does.

Shapes: R residues, P springs of a frame. Float64 throughout.
"""

import math

import numpy as np

from ..geometry.compiling import compiled

_MIDDLE = 0.75  # no unit; cited: weight of the nearest point in a quadratic B-spline (de Boor 1978)


@compiled
def _read(table, begin, strides, sizes, periodic, at, out):
    """Value and three derivatives of a table at three places `at`, into `out` (4,) (`splines.SmoothTables`)."""
    share = np.empty(3)
    for k in range(3):
        value = at[k] if periodic[k] else min(max(at[k], 0.0), sizes[k] - 1.0)
        nearest = math.floor(value + 0.5)
        share[k] = value - nearest
        begin += (int(nearest) % sizes[k]) * strides[k]
    s, t, u = share
    x0, x1, x2 = 0.5 * (0.5 - s) ** 2, _MIDDLE - s * s, 0.5 * (0.5 + s) ** 2
    y0, y1, y2 = 0.5 * (0.5 - t) ** 2, _MIDDLE - t * t, 0.5 * (0.5 + t) ** 2
    z0, z1, z2 = 0.5 * (0.5 - u) ** 2, _MIDDLE - u * u, 0.5 * (0.5 + u) ** 2
    out[:] = 0.0
    for i in range(3):
        w, dw = (x0, s - 0.5) if i == 0 else ((x1, -2.0 * s) if i == 1 else (x2, s + 0.5))
        value, by_y, by_z = 0.0, 0.0, 0.0
        for j in range(3):
            v, dv = (y0, t - 0.5) if j == 0 else ((y1, -2.0 * t) if j == 1 else (y2, t + 0.5))
            k = begin + i * strides[0] + j * strides[1]
            low, middle, high = table[k], table[k + 1], table[k + 2]
            row = z0 * low + z1 * middle + z2 * high
            value += v * row
            by_y += dv * row
            by_z += v * ((u - 0.5) * low - 2.0 * u * middle + (u + 0.5) * high)
        out[0] += w * value
        out[1] += dw * value
        out[2] += w * by_y
        out[3] += w * by_z


@compiled
def _cross(a, b, out):
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


@compiled
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def _angles(x, known, limits, ahead, normal, measures):
    """Unit vectors and normals (R, 3), and `measures` (5, R): length, sine, bend, angle, torsion (`TraceAngles`)."""
    n, (length, sine, bend, angle, torsion) = len(x), measures
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        for c in range(3):
            ahead[r, c] = x[following, c] - x[r, c]
        length[r] = max(math.sqrt(_dot(ahead[r], ahead[r])), limits[0])
        for c in range(3):
            ahead[r, c] /= length[r]
    for r in range(n):
        _cross(ahead[r - 1], ahead[r], normal[r])
        sine[r] = max(math.sqrt(_dot(normal[r], normal[r])), limits[1])
        bend[r] = _dot(ahead[r - 1], ahead[r])
        angle[r] = math.atan2(sine[r], -bend[r])
    for r in range(n):
        following = normal[r + 1 if r + 1 < n else 0]
        found = math.atan2(_dot(ahead[r - 1], following), _dot(normal[r], following))
        torsion[r] = known[r] if known[r] == known[r] else found


@compiled
def _bent(sine, limits):
    share = min(max((sine - limits[2]) / (limits[3] - limits[2]), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@compiled
def _forces(ahead, normal, measures, on, limits, slope):
    """Add derivatives to `slope` (R, 3), from those `on` (3, R) lengths, angles and torsions (`TraceAngles.forces`)."""
    n, (length, sine, bend, _, _), (on_length, on_angle, on_torsion) = len(ahead), measures, on
    one, four = np.empty(3), np.empty(3)
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        for c in range(3):
            pull = ahead[r, c] * on_length[r]
            slope[r, c] -= pull
            slope[following, c] += pull
        if on_angle[r] != 0.0:
            _cross(ahead[r - 1], normal[r], one)
            _cross(ahead[r], normal[r], four)
            before, after = on_angle[r] / (sine[r] * length[r - 1]), on_angle[r] / (sine[r] * length[r])
            for c in range(3):
                slope[r - 1, c] += before * one[c]
                slope[r, c] -= before * one[c] + after * four[c]
                slope[following, c] += after * four[c]
        if on_torsion[r] != 0.0:
            turn = on_torsion[r] * _bent(sine[r], limits) * _bent(sine[following], limits)
            first, last = -turn / (length[r - 1] * sine[r] ** 2), turn / (length[following] * sine[following] ** 2)
            along_one, along_four = length[r - 1] * bend[r] / length[r], length[following] * bend[following] / length[r]
            final = following + 1 if following + 1 < n else 0
            for c in range(3):
                begin, end = first * normal[r, c], last * normal[following, c]
                across = along_four * end - along_one * begin
                slope[r - 1, c] += begin
                slope[r, c] += across - begin
                slope[following, c] -= across + end
                slope[final, c] += end


@compiled
def _crowd(x, sided, beta, ends, shift, springs, shortest, sites, pulls, slope):
    """Add derivatives of the springs between sites to `slope` (R, 3) (`Crowd.slopes`); `springs` (3, P)."""
    n, (rest, stiffness, stretched), (first, second) = len(x), springs, ends
    back, ahead, cross = np.empty(3), np.empty(3), np.empty(3)
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        back[:], ahead[:] = x[r] - x[r - 1], x[following] - x[r]
        _cross(back, ahead, cross)
        for c in range(3):
            sites[r, c] = x[r, c]
            sites[n + r, c] = x[r, c] + sided[r] * (beta[0] * (back[c] - ahead[c]) + beta[1] * cross[c])
    for p in range(len(first)):
        i, j = first[p], second[p]
        dx = sites[j, 0] - sites[i, 0] + shift[0, p]
        dy = sites[j, 1] - sites[i, 1] + shift[1, p]
        dz = sites[j, 2] - sites[i, 2] + shift[2, p]
        distance = max(math.sqrt(dx * dx + dy * dy + dz * dz), shortest)
        change = distance - rest[p]
        pull = 2.0 * (stretched[p] if change > 0.0 else stiffness[p]) * change / distance
        pulls[i, 0] -= pull * dx
        pulls[i, 1] -= pull * dy
        pulls[i, 2] -= pull * dz
        pulls[j, 0] += pull * dx
        pulls[j, 1] += pull * dy
        pulls[j, 2] += pull * dz
    for r in range(n):
        following, on_beta = r + 1 if r + 1 < n else 0, pulls[n + r]
        for c in range(3):
            slope[r, c] += pulls[r, c] + on_beta[c]
            on_beta[c] *= sided[r]
        back[:], ahead[:] = x[r] - x[r - 1], x[following] - x[r]
        _cross(ahead, on_beta, cross)
        for c in range(3):
            on_back = beta[0] * on_beta[c] + beta[1] * cross[c]
            slope[r, c] += on_back
            slope[r - 1, c] -= on_back
        _cross(on_beta, back, cross)
        for c in range(3):
            on_ahead = beta[1] * cross[c] - beta[0] * on_beta[c]
            slope[r, c] -= on_ahead
            slope[following, c] += on_ahead


@compiled
def _energies(measures, turns, joint, tables, on, on_turns):
    """
    Fill in derivatives `on` (3, R) and `on_turns` (R,) of a table's energies: of backbones if `joint`, else the prior.

    `grid` is strides, sizes and which axes are circles, (3, 3); `places` scale and offset of arguments, (2, 3).
    """
    n, (_, _, _, angle, torsion), (_, on_angle, on_torsion) = len(turns), measures, on
    table, begins, grid, places, counts, weight, floor = tables
    at, out = np.empty(3), np.empty(4)
    on_angle[:] = 0.0
    on_torsion[:] = 0.0
    on_turns[:] = 0.0
    for r in range(n):
        if counts[r] == 0.0:
            continue
        following = r + 1 if r + 1 < n else 0
        if joint:
            at[0], at[1], at[2] = angle[r], turns[r - 1] - torsion[r - 1], turns[r]
        else:
            at[0], at[1], at[2] = angle[r], torsion[r], angle[following]
        for k in range(3):
            at[k] = at[k] * places[0, k] + places[1, k]
        _read(table, begins[r], grid[0], grid[1], grid[2], at, out)
        share = weight * counts[r] * min(max(out[0] - floor, 0.0), 1.0)
        on_angle[r] += share * out[1] * places[0, 0]
        by_second, by_third = share * out[2] * places[0, 1], share * out[3] * places[0, 2]
        if joint:
            on_turns[r - 1] += by_second
            on_turns[r] += by_third
            on_torsion[r - 1] -= by_second
        else:
            on_torsion[r] += by_second
            on_angle[following] += by_third


@compiled
def _workspace(n):
    """Arrays that are filled anew for each frame."""
    return np.empty((n, 3)), np.empty((n, 3)), np.empty((5, n)), np.empty((3, n)), np.empty((2 * n, 3))


@compiled
def _slopes(f, x, turns, start, restraint, molecule, tables, crowd, limits, joint, work, slope, on_turns):
    """Derivatives of frame `f` into `slope` (R, 3) and `on_turns` (R,) (`Slopes`)."""
    bonded, rest, sided, known, bond = molecule
    offsets, first, second, shift, springs, beta, shortest = crowd
    ahead, normal, measures, on, sites = work
    pulls, (a, b) = np.zeros_like(sites), offsets[f : f + 2]
    _angles(x[f], known, limits, ahead, normal, measures)
    _energies(measures, turns[f], joint, tables, on, on_turns)
    for r in range(len(slope)):
        on[0, r] = 2.0 * bond * (measures[0, r] - rest[r]) * bonded[r]
        if known[r] == known[r]:  # no bead before it decides this torsion
            on[2, r] = 0.0
        for c in range(3):
            slope[r, c] = restraint[f] * (x[f, r, c] - start[f, r, c])
    ends = first[a:b], second[a:b]
    _crowd(x[f], sided, beta, ends, shift[:, a:b], springs[:, a:b], shortest, sites, pulls, slope)
    _forces(ahead, normal, measures, on, limits, slope)


@compiled
def slopes(x, turns, start, restraint, molecule, tables, crowd, limits, joint):
    """Derivatives on beads (F, R, 3) and turns (F, R) (`Slopes.of_backbones`; of_traces, if not `joint`)."""
    on_beads, on_turns, work = np.empty_like(x), np.empty_like(turns), _workspace(x.shape[1])
    for f in range(len(x)):
        parts = molecule, tables, crowd, limits, joint, work
        _slopes(f, x, turns, start, restraint, *parts, on_beads[f], on_turns[f])
    return on_beads, on_turns


@compiled
def descend(x, velocity, turns, turning, start, allowed, pace, restraint, molecule, tables, crowd, limits, joint):
    """
    Take steps, as many as `allowed` (n, F) has rows, in place: beads (F, R, 3), turns (F, R) and both velocities.

    `pace` is rate, momentum and longest step. `molecule`, `tables` and `crowd` are tuples that `Slopes` makes.
    """
    n, work = x.shape[1], _workspace(x.shape[1])
    slope, on_turns, (rate, momentum, longest) = np.empty((n, 3)), np.empty(n), pace
    square = 1.0 / longest**2
    for f in range(len(x)):
        for step in range(len(allowed)):
            _slopes(f, x, turns, start, restraint, molecule, tables, crowd, limits, joint, work, slope, on_turns)
            away = 0.0
            for r in range(n):
                if joint:
                    turn = momentum * turning[f, r] + rate * on_turns[r]
                    turning[f, r] = turn / math.sqrt(1.0 + turn * turn * square)
                    turns[f, r] -= turning[f, r]
                v = velocity[f, r]
                for c in range(3):
                    v[c] = momentum * v[c] + rate * slope[r, c]
                shorter = 1.0 / math.sqrt(1.0 + _dot(v, v) * square)
                for c in range(3):
                    v[c] *= shorter
                    x[f, r, c] -= v[c]
                    away += (x[f, r, c] - start[f, r, c]) ** 2
            scale = allowed[step, f] / max(math.sqrt(away / n), 1e-6)
            if scale < 1.0:
                x[f] = start[f] + (x[f] - start[f]) * scale


@compiled
def put_right(x, low, high, bonded, reach, shortest, sweeps):
    """Neighbours of beads (F, R, 3) moved to distances in their range, in place (`Strain.put_right`)."""
    n_frames, n, _ = x.shape
    for f in range(n_frames):
        for sweep in range(2 * sweeps):
            for r in range(sweep % 2, n - 1, 2):
                dx, dy, dz = x[f, r + 1, 0] - x[f, r, 0], x[f, r + 1, 1] - x[f, r, 1], x[f, r + 1, 2] - x[f, r, 2]
                length = max(math.sqrt(dx * dx + dy * dy + dz * dz), shortest)
                if bonded[r] == 0.0 or not reach[0] < length < reach[1]:
                    continue
                share = 0.5 * (min(max(length, low[r]), high[r]) / length - 1.0)
                x[f, r, 0] -= share * dx
                x[f, r, 1] -= share * dy
                x[f, r, 2] -= share * dz
                x[f, r + 1, 0] += share * dx
                x[f, r + 1, 1] += share * dy
                x[f, r + 1, 2] += share * dz
