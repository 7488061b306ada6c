"""
The tables behind `mdbackmap.recognition.centres`: distances of C-alphas and centres of mass in crystals.

`build` writes them:

    python -m mdbackmap.training.priors.centre_prior structures.h5 mdbackmap/recognition/centres.npz

Means and standard deviations in angstrom by residue type; `recognition.centres.Tables` says which. Type 20 is any.
"""

import sys

import numpy as np

from ...chemistry import residues
from ...chemistry.elements import MASSES
from ...data.layouts import TRAIN
from ...data.structures import Structures

_ANY = len(residues.ALPHABET)  # the row of any residue
_LIKE_ANY = 20.0  # residues or pairs of any type that count in the moments of each; chosen: by hand
_AT_A_TIME = 50_000  # residues; chosen: by hand, for memory
_LEAST = 0.05  # angstrom, least standard deviation; chosen: by hand


def moments(values, *types):
    """
    Means and standard deviations by residue type, with those of all types where there are few.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    *types : ndarray of int, shape (n,)
        One type, or those of a pair.

    Returns
    -------
    ndarray of float32, shape (21, 2) or (21, 21, 2)

    Examples
    --------
    >>> moments(np.array([1.0, 3.0]), np.array([0, 0]))[0].tolist()
    [2.0, 1.0]
    """
    shape = (_ANY + 1,) * len(types)
    sums = np.zeros((3, *shape))
    powers = np.stack([np.ones_like(values), values, values**2])
    for choice in np.ndindex(*(2,) * len(types)):  # each pair counts in its own place, and where one or both are any
        place = tuple(np.where(any_, _ANY, kind) for any_, kind in zip(choice, types, strict=True))
        for total, power in zip(sums, powers, strict=True):
            np.add.at(total, place, power)
    everything = sums[(slice(None), *(_ANY,) * len(types))]
    sums += (_LIKE_ANY * everything / everything[0]).reshape(3, *(1,) * len(types))
    mean = sums[1] / sums[0]
    spread = np.sqrt(np.maximum(sums[2] / sums[0] - mean**2, _LEAST**2))
    return np.stack([mean, spread], axis=-1).astype(np.float32)


def build(pack, filename):
    """
    Learn the tables and write them.

    Parameters
    ----------
    pack : path-like
        Structures; residues of the training part with all their atoms count.
    filename : path-like
        The ``.npz`` to write.

    Examples
    --------
    >>> build("structures.h5", "centres.npz")  # doctest: +SKIP
    """
    structures = Structures.read(pack)
    types, ends = structures.types.numpy(), structures.ends.numpy()
    alphas, masses, sides, whole = _centres(structures)
    counted = (structures.chains["split"][structures.chain.numpy()] == TRAIN) & whole
    pair = counted[:-1] & counted[1:] & ~ends[:-1]
    one, two = types[:-1][pair], types[1:][pair]

    def next_to(first, second):
        return np.linalg.norm(second[1:][pair] - first[:-1][pair], axis=1)

    def within(other):
        return np.linalg.norm(other[counted] - alphas[counted], axis=1)

    np.savez_compressed(
        filename,
        centres=moments(next_to(masses, masses), one, two),
        to_centre=moments(next_to(alphas, masses), two),
        from_centre=moments(next_to(masses, alphas), one),
        side=moments(within(sides), types[counted]),
        mass=moments(within(masses), types[counted]),
    )


def _centres(structures):
    """C-alphas, centres of mass of residues and side chains (R, 3; C-alphas without any), and which are complete."""
    atoms_of = np.zeros((_ANY, residues.MAX_ATOMS))
    for (resname, atom), slot in residues.SLOT_OF_ATOM.items():
        atoms_of[residues.TYPE_OF_NAME[resname], slot] = MASSES[atom[0]]
    types = structures.types.numpy()
    whole = (structures.mask.numpy() == (atoms_of > 0)[types]).all(axis=1)
    alphas, masses, sides = (np.zeros((len(types), 3)) for _ in range(3))
    for rows in np.array_split(np.arange(len(types)), 1 + len(types) // _AT_A_TIME):
        atoms, weights = structures.atoms(rows).numpy().astype(np.float64), atoms_of[types[rows], :, None]
        beyond = weights.copy()
        beyond[:, :4] = 0.0  # N, CA, C, O
        alphas[rows] = atoms[:, residues.CA]
        masses[rows] = (atoms * weights).sum(1) / weights.sum(1)
        total = beyond.sum(1)
        sides[rows] = np.where(total > 0, (atoms * beyond).sum(1) / np.maximum(total, 1.0), alphas[rows])
    return alphas, masses, sides, whole


if __name__ == "__main__":
    build(*sys.argv[1:])
