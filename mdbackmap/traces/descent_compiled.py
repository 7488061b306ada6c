"""
Steps of a relaxation as a compiled loop over frames and residues; `relaxation` and `slopes` say what it does.

Shapes: R residues, P springs of a frame. Float64 throughout.
"""

import math

import numpy as np

from ..geometry.compiling import compiled

_MIDDLE = 0.75  # no unit; cited: weight of the nearest point in a quadratic B-spline (de Boor 1978)


@compiled
def _place(value, size, circle):
    """Nearest grid point and how far off `value` is, in steps."""
    value = value if circle else min(max(value, 0.0), size - 1.0)
    nearest = math.floor(value + 0.5)
    return int(nearest) % size, value - nearest


@compiled
def _read(table, begin, grid, x, y, z):
    """Value and three derivatives of a table (`splines.SmoothTables`)."""
    i, s = _place(x, grid[1, 0], grid[2, 0])
    j, t = _place(y, grid[1, 1], grid[2, 1])
    k, u = _place(z, grid[1, 2], grid[2, 2])
    deep, wide = grid[0, 0], grid[0, 1]
    begin += i * deep + j * wide + k
    x0, x1, x2 = 0.5 * (0.5 - s) ** 2, _MIDDLE - s * s, 0.5 * (0.5 + s) ** 2
    y0, y1, y2 = 0.5 * (0.5 - t) ** 2, _MIDDLE - t * t, 0.5 * (0.5 + t) ** 2
    z0, z1, z2 = 0.5 * (0.5 - u) ** 2, _MIDDLE - u * u, 0.5 * (0.5 + u) ** 2
    found, by_x, all_y, all_z = 0.0, 0.0, 0.0, 0.0
    for i in range(3):
        w, dw = (x0, s - 0.5) if i == 0 else ((x1, -2.0 * s) if i == 1 else (x2, s + 0.5))
        value, by_y, by_z = 0.0, 0.0, 0.0
        for j in range(3):
            v, dv = (y0, t - 0.5) if j == 0 else ((y1, -2.0 * t) if j == 1 else (y2, t + 0.5))
            k = begin + i * deep + j * wide
            low, middle, high = table[k], table[k + 1], table[k + 2]
            row = z0 * low + z1 * middle + z2 * high
            value += v * row
            by_y += dv * row
            by_z += v * ((u - 0.5) * low - 2.0 * u * middle + (u + 0.5) * high)
        found += w * value
        by_x += dw * value
        all_y += w * by_y
        all_z += w * by_z
    return found, by_x, all_y, all_z


@compiled
def _cross(a, i, b, j):
    """Of rows `i` and `j` of vectors (R, 3)."""
    x = a[i, 1] * b[j, 2] - a[i, 2] * b[j, 1]
    y = a[i, 2] * b[j, 0] - a[i, 0] * b[j, 2]
    return x, y, a[i, 0] * b[j, 1] - a[i, 1] * b[j, 0]


@compiled
def _dot(a, i, b, j):
    return a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2]


@compiled
def _angles(x, known, limits, ahead, normal, measures):
    """Unit vectors and normals (R, 3), and `measures` (5, R): length, sine, bend, angle, torsion (`TraceAngles`)."""
    n, (length, sine, bend, angle, torsion) = len(x), measures
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        for c in range(3):
            ahead[r, c] = x[following, c] - x[r, c]
        length[r] = max(math.sqrt(_dot(ahead, r, ahead, r)), limits[0])
        for c in range(3):
            ahead[r, c] /= length[r]
    for r in range(n):
        normal[r, 0], normal[r, 1], normal[r, 2] = _cross(ahead, r - 1, ahead, r)
        sine[r] = max(math.sqrt(_dot(normal, r, normal, r)), limits[1])
        bend[r] = _dot(ahead, r - 1, ahead, r)
        angle[r] = math.atan2(sine[r], -bend[r])
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        found = math.atan2(_dot(ahead, r - 1, normal, following), _dot(normal, r, normal, following))
        torsion[r] = known[r] if known[r] == known[r] else found


@compiled
def _bent(sine, limits):
    share = min(max((sine - limits[2]) / (limits[3] - limits[2]), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@compiled
def _forces(ahead, normal, measures, on, limits, slope):
    """Add derivatives to `slope` (R, 3), from those `on` (3, R) lengths, angles and torsions (`TraceAngles.forces`)."""
    n, (length, sine, bend, _, _), (on_length, on_angle, on_torsion) = len(ahead), measures, on
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        for c in range(3):
            pull = ahead[r, c] * on_length[r]
            slope[r, c] -= pull
            slope[following, c] += pull
        if on_angle[r] != 0.0:
            one, four = _cross(ahead, r - 1, normal, r), _cross(ahead, r, normal, r)
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
def _crowd(x, sided, beta, ends, shift, springs, shortest, back, sites, pulls, slope):
    """Add derivatives of the springs between sites to `slope` (R, 3) (`Crowd.slopes`); `springs` (3, P)."""
    n, (rest, stiffness, stretched), (first, second) = len(x), springs, ends
    for r in range(n):
        for c in range(3):
            back[r, c] = x[r, c] - x[r - 1, c]
    for r in range(n):
        following = r + 1 if r + 1 < n else 0
        cross = _cross(back, r, back, following)
        for c in range(3):
            sites[r, c] = x[r, c]
            beside = beta[0] * (back[r, c] - back[following, c]) + beta[1] * cross[c]
            sites[n + r, c] = x[r, c] + sided[r] * beside
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
        following = r + 1 if r + 1 < n else 0
        for c in range(3):
            slope[r, c] += pulls[r, c] + pulls[n + r, c]
            pulls[n + r, c] *= sided[r]
        with_ahead, with_back = _cross(back, following, pulls, n + r), _cross(pulls, n + r, back, r)
        for c in range(3):
            on_back = beta[0] * pulls[n + r, c] + beta[1] * with_ahead[c]
            on_ahead = beta[1] * with_back[c] - beta[0] * pulls[n + r, c]
            slope[r, c] += on_back - on_ahead
            slope[r - 1, c] -= on_back
            slope[following, c] += on_ahead


@compiled
def _energies(measures, turns, joint, tables, on, on_turns):
    """
    Fill in derivatives `on` (3, R) and `on_turns` (R,) of a table's energies: of backbones if `joint`, else the prior.

    `grid` is strides, sizes and which axes are circles, (3, 3); `places` scale and offset of arguments, (2, 3).
    """
    n, (_, _, _, angle, torsion), (_, on_angle, on_torsion) = len(turns), measures, on
    table, begins, grid, places, counts, weight, floor = tables
    on_angle[:] = 0.0
    on_torsion[:] = 0.0
    on_turns[:] = 0.0
    for r in range(n):
        if counts[r] == 0.0:
            continue
        following = r + 1 if r + 1 < n else 0
        if joint:
            x, y, z = angle[r], turns[r - 1] - torsion[r - 1], turns[r]
        else:
            x, y, z = angle[r], torsion[r], angle[following]
        x, y, z = x * places[0, 0] + places[1, 0], y * places[0, 1] + places[1, 1], z * places[0, 2] + places[1, 2]
        energy, by_x, by_y, by_z = _read(table, begins[r], grid, x, y, z)
        share = weight * counts[r] * min(max(energy - floor, 0.0), 1.0)
        on_angle[r] += share * by_x * places[0, 0]
        by_second, by_third = share * by_y * places[0, 1], share * by_z * places[0, 2]
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
    vectors = np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3))
    return *vectors, np.empty((5, n)), np.empty((3, n)), np.empty((2 * n, 3))


@compiled
def _slopes(f, x, turns, start, restraint, molecule, tables, crowd, limits, joint, work, slope, on_turns):
    """Derivatives of frame `f` into `slope` (R, 3) and `on_turns` (R,) (`Slopes`)."""
    bonded, rest, sided, known, bond = molecule
    offsets, first, second, shift, springs, beta, shortest = crowd
    ahead, normal, back, measures, on, sites = work
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
    _crowd(x[f], sided, beta, ends, shift[:, a:b], springs[:, a:b], shortest, back, sites, pulls, slope)
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
                for c in range(3):
                    velocity[f, r, c] = momentum * velocity[f, r, c] + rate * slope[r, c]
                speed = velocity[f, r, 0] ** 2 + velocity[f, r, 1] ** 2 + velocity[f, r, 2] ** 2
                shorter = 1.0 / math.sqrt(1.0 + speed * square)
                for c in range(3):
                    velocity[f, r, c] *= shorter
                    x[f, r, c] -= velocity[f, r, c]
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
