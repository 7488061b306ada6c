"""
The bond graph of a molecule cut into connected parts of about equal size.

Shapes: A atoms, b bonds. Atoms with a single bond, as hydrogens, stay with the atom they are bonded to.
"""

from __future__ import annotations

import numpy as np

from .bonds import adjacency, molecules, walk

_ROUNDS = 200  # of sharing out borders at most; chosen: by hand


def partition(n_atoms, bonds, n_parts) -> list:
    """
    Connected parts of about equal size: seeds far from each other grow in turn, then share out their borders.

    Parameters
    ----------
    n_atoms : int
    bonds : ndarray of int, shape (b, 2)
    n_parts : int

    Returns
    -------
    list of ndarray of int64, shape (n,)
        Atoms of each part, ascending; parts in order of their first atoms. Separate molecules share no part.

    Raises
    ------
    ValueError
        Fewer parts than molecules, or more than atoms.

    Examples
    --------
    >>> chain = [[i, i + 1] for i in range(5)]
    >>> [part.tolist() for part in partition(6, chain, 2)]
    [[0, 1, 2], [3, 4, 5]]
    """
    label = molecules(n_atoms, bonds)
    sizes = np.bincount(label)
    if not len(sizes) <= n_parts <= n_atoms:
        raise ValueError(
            f"{n_parts} beads for {n_atoms} atoms in {len(sizes)} molecules: expected at least one a molecule and at "
            "most one an atom"
        )
    neighbours, parts = adjacency(n_atoms, bonds), []
    for number, share in enumerate(shares_of(sizes, n_parts)):
        atoms = np.flatnonzero(label == number).tolist()
        parts.extend(_parts(atoms, neighbours, share))
    return sorted((np.array(sorted(part), dtype=np.int64) for part in parts), key=lambda part: part[0])


def shares_of(sizes, n_parts) -> list:
    """How many parts each of some molecules gets: at least one, then always the one with the largest parts."""
    sizes = np.asarray(sizes)
    shares = np.ones(len(sizes), dtype=np.int64)
    for _ in range(n_parts - len(sizes)):
        shares[np.argmax(np.where(shares < sizes, sizes / shares, -1.0))] += 1
    return shares.tolist()


def _parts(atoms, neighbours, n_parts):
    """Parts of one molecule: of its skeleton, with the atoms that hang on it."""
    hanging = {i: neighbours[i][0] for i in atoms if len(neighbours[i]) == 1 and len(neighbours[neighbours[i][0]]) > 1}
    nodes = [i for i in atoms if i not in hanging]
    if len(nodes) < n_parts:
        hanging, nodes = {}, atoms
    weight = {i: 1 for i in nodes}
    for base in hanging.values():
        weight[base] += 1
    linked = {i: [j for j in neighbours[i] if j in weight] for i in nodes}
    owner = _grow(nodes, linked, weight, _seeds(nodes, linked, n_parts))
    _balance(nodes, linked, weight, owner, n_parts)
    owner |= {i: owner[base] for i, base in hanging.items()}
    return [[i for i in atoms if owner[i] == part] for part in range(n_parts)]


def _distances(start, linked):
    """Numbers of bonds from the atoms `start`."""
    distances = dict.fromkeys(start, 0)
    for atom, reached_from in walk(start, linked):
        distances[atom] = distances[reached_from] + 1
    return distances


def _seeds(nodes, linked, n_parts):
    """Atoms far from each other; the first is an end of the molecule."""
    seeds = []
    while len(seeds) < n_parts:
        away = _distances(seeds or nodes[:1], linked)
        seeds.append(max(nodes, key=lambda i: (away[i], -i)))
    return seeds


def _grow(nodes, linked, weight, seeds):
    """Owner of every atom: the smallest part that can grow takes the next one."""
    owner = {seed: part for part, seed in enumerate(seeds)}
    size = [weight[seed] for seed in seeds]
    front = [[j for j in linked[seed]] for seed in seeds]
    while len(owner) < len(nodes):
        for part in np.argsort(size, kind="stable"):
            front[part] = [j for j in front[part] if j not in owner]
            if front[part]:
                atom = front[part].pop(0)
                owner[atom] = int(part)
                size[part] += weight[atom]
                front[part] += linked[atom]
                break
    return owner


def _balance(nodes, linked, weight, owner, n_parts):
    """Move atoms on borders from larger to smaller parts as long as that evens them out; parts stay connected."""
    for _ in range(_ROUNDS):
        size = np.bincount([owner[i] for i in nodes], [weight[i] for i in nodes], n_parts)
        moves = [
            (size[owner[i]] - size[owner[j]] - weight[i], i, owner[j])
            for i in nodes
            for j in linked[i]
            if owner[j] != owner[i] and size[owner[i]] - size[owner[j]] > weight[i]
        ]
        for _, atom, part in sorted(moves, reverse=True):
            if _stays_connected(atom, nodes, linked, owner):
                owner[atom] = part
                break
        else:
            return


def _stays_connected(atom, nodes, linked, owner):
    rest = [i for i in nodes if owner[i] == owner[atom] and i != atom]
    inner = {i: [j for j in linked[i] if j in set(rest)] for i in rest}
    return bool(rest) and len(_distances(rest[:1], inner)) == len(rest)
