"""
The table of ideal bond lengths and angles, ``mdbackmap/metrics/ideal.npz``: medians over crystal structures.

    python tests/benchmarks/ideal_geometry.py PACK FILE.npz

PACK is a file of 'mdbackmap pack'; its training chains are counted.
"""

import sys

import numpy as np

from mdbackmap.data.known import read_chains
from mdbackmap.data.layouts import TRAIN
from mdbackmap.metrics.covalent import Covalent, bond_angles, bond_lengths
from mdbackmap.metrics.ideal import term_names


def measure(structures):
    """
    Medians of bond lengths and angles over structures.

    Parameters
    ----------
    structures : iterable of (ndarray of float (F, R, 14, 3), Covalent, ndarray of int (R,))
        Positions, covalent structure and residue types of each.

    Returns
    -------
    lengths, angles : dict of str to float
        Angstrom and radians, by name, as `ideal_geometry` has them.
    """
    lengths, angles = {}, {}
    for positions, covalent, types in structures:
        atoms = covalent.flat(positions)
        for values, table, by_name in (
            (bond_lengths(atoms, covalent), covalent.bonds, lengths),
            (bond_angles(atoms, covalent), covalent.angles, angles),
        ):
            for name, column in zip(term_names(table, covalent, types), values.T, strict=True):
                by_name.setdefault(name, []).extend(column)
    return tuple({name: float(np.median(v[name])) for name in sorted(v)} for v in (lengths, angles))


def main(pack, filename):
    """Measure the chains of a pack and write the table."""
    chains = read_chains(pack, split=TRAIN)
    lengths, angles = measure((x.positions, Covalent.of(x.types, x.mask, x.ends), x.types) for x in chains)
    np.savez_compressed(
        filename,
        bonds=np.array(list(lengths)),
        lengths=np.array(list(lengths.values()), dtype=np.float32),
        triples=np.array(list(angles)),
        angles=np.array(list(angles.values()), dtype=np.float32),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
