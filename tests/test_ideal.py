"""The table of ideal geometry."""

import numpy as np

from mdbackmap.metrics import covalent, ideal


def test_ideal_values_are_those_of_crystals(natives):
    lengths, angles = [], []
    for positions, mask, types, ends in natives[:20]:
        graph = covalent.Covalent.of(types, mask, ends)
        atoms = graph.flat(positions)
        expected = ideal.ideal_values(graph, types)
        lengths.extend((covalent.bond_lengths(atoms, graph) - expected[0]).ravel())
        angles.extend(np.degrees(covalent.bond_angles(atoms, graph) - expected[1]).ravel())
    assert abs(np.median(lengths)) < 0.003 and np.std(lengths) < 0.03
    assert abs(np.median(angles)) < 0.3 and np.std(angles) < 3.0
