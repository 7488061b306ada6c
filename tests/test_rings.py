"""Rings that bonds pass through: found from any side, in any frame and box, and nowhere in crystals."""

import MDAnalysis as mda
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mdbackmap import pierced_rings
from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import COMPLEX_PDB, TRPCAGE_PDB, VALIDATION
from mdbackmap.metrics.covalent import Covalent
from mdbackmap.metrics.rings import find_rings, piercings
from mdbackmap.molecule.nearby import near

BOX = np.array([[30.0, 0, 0], [8.0, 28.0, 0], [-6.0, 9.0, 27.0]])  # triclinic
DIMENSIONS = mda.lib.mdamath.triclinic_box(*BOX)


def polygon(n):
    """A flat ring of n atoms, bonds of 1.4 A, and those bonds."""
    turn = 2 * np.pi * np.arange(n) / n
    radius = 0.7 / np.sin(np.pi / n)
    ring = radius * np.stack([np.cos(turn), np.sin(turn), np.zeros(n)], axis=1)
    return ring, [[k, (k + 1) % n] for k in range(n)]


def pierced(n, centre, direction, length=1.5):
    ring, bonds = polygon(n)
    half = 0.5 * length * np.array(direction) / np.linalg.norm(direction)
    atoms = np.concatenate([ring, [centre - half, centre + half]])
    return atoms, np.array([*bonds, [n, n + 1]])


@pytest.mark.parametrize("n", range(3, 8))
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), u=st.floats(0, 0.8), tilt=st.floats(0, 0.9))
def test_a_bond_through_a_ring_is_found_from_any_direction(n, seed, u, tilt):
    rng = np.random.default_rng(seed)
    ring, _ = polygon(n)
    apothem = 0.7 / np.tan(np.pi / n)
    angle, lean = rng.uniform(0, 2 * np.pi, 2)
    at = u * apothem * np.array([np.cos(angle), np.sin(angle), 0])
    direction = [tilt * np.cos(lean), tilt * np.sin(lean), rng.choice([-1.0, 1.0])]
    atoms, bonds = pierced(n, at, direction)
    turn = Rotation.random(random_state=seed)
    (found,) = pierced_rings(turn.apply(atoms) + rng.uniform(-50, 50, 3), bonds=bonds)
    assert found.bond == (n, n + 1) and sorted(found.ring) == list(range(n))
    shifted = turn.apply(atoms) + rng.integers(-2, 3, (n + 2, 3)) @ BOX  # each atom in an image of its own
    assert pierced_rings(shifted, DIMENSIONS, bonds=bonds) == [found]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 7))
def test_a_bond_beside_or_above_a_ring_is_none(seed, n):
    rng = np.random.default_rng(seed)
    radius, angle = 0.7 / np.sin(np.pi / n), rng.uniform(0, 2 * np.pi)
    beside = (radius + 0.05) * np.array([np.cos(angle), np.sin(angle), 0])
    for centre, direction in ((beside, [0, 0, 1.0]), ([0, 0, 0.8], [0, 0, 1.0]), (beside * 3, beside)):
        atoms, bonds = pierced(n, np.array(centre), direction)
        turned = Rotation.random(random_state=seed).apply(atoms) + rng.uniform(-9, 9, 3)
        assert pierced_rings(turned, bonds=bonds) == []


def test_frames_are_judged_each_on_its_own():
    through, bonds = pierced(6, np.zeros(3), [0, 0, 1.0])
    apart = through + np.concatenate([np.zeros((6, 3)), [[9.0, 0, 0]] * 2])
    assert [x.frame for x in pierced_rings(np.stack([apart, through, apart, through]), bonds=bonds)] == [1, 3]


def test_arrays_need_bonds_and_finite_numbers():
    through, bonds = pierced(6, np.zeros(3), [0, 0, 1.0])
    with pytest.raises(ValueError, match="bonds"):
        pierced_rings(through)
    with pytest.raises(ValueError, match="finite"):
        pierced_rings(through * [1, np.nan, 1], bonds=bonds)


def test_rings_of_amino_acids():
    sizes = {}
    for kind, name in enumerate(RESIDUE_NAMES):
        covalent = Covalent.of(np.array([kind]), np.ones((1, 14), bool), np.array([True]))
        rings = find_rings(covalent.n_atoms, covalent.bonds)
        sizes[name] = sorted(len(ring) for ring in rings)
        assert all("CB" not in [ATOMS[name][k] for k in ring] or name == "PRO" for ring in rings)
    assert {name: found for name, found in sizes.items() if found} == {
        "HIS": [5], "PHE": [6], "PRO": [5], "TRP": [5, 6], "TYR": [6]
    }  # fmt: skip


def test_large_rings_are_left_out():
    _, bonds = polygon(8)
    assert find_rings(8, bonds) == [] and len(find_rings(8, bonds, largest=8)) == 1


def test_no_native_chain_has_one():
    for chain in read_chains(VALIDATION)[::4]:
        covalent = Covalent.of(chain.types, chain.mask, chain.ends)
        rings = find_rings(covalent.n_atoms, covalent.bonds)
        assert not len(piercings(covalent.flat(chain.positions), rings, covalent.bonds)), chain.name


@pytest.mark.parametrize("file", [TRPCAGE_PDB, COMPLEX_PDB])
def test_a_bond_put_through_a_ring_of_a_protein_is_named(file):
    universe = mda.Universe(file)
    assert pierced_rings(universe) == []
    ring = universe.select_atoms("resname TYR and name CG CD1 CE1 CZ CE2 CD2").residues[0].atoms
    ring = ring.select_atoms("name CG CD1 CE1 CZ CE2 CD2")
    other = [r for r in universe.select_atoms("name CD1 and resname LEU").residues if r != ring[0].residue][0]
    pair = other.atoms.select_atoms("name CG CD1")
    x, y = ring.positions - ring.positions.mean(0), pair
    normal = np.linalg.svd(x)[2][2]
    y.positions = ring.positions.mean(0) + np.outer([-0.75, 0.75], normal)
    found = pierced_rings(universe)
    at = dict(zip(pair.names, pair.ix.tolist(), strict=True))
    assert (at["CG"], at["CD1"]) in [piercing.bond for piercing in found]
    assert {tuple(sorted(piercing.ring)) for piercing in found} == {tuple(sorted(ring.ix.tolist()))}


def test_frames_of_a_trajectory_and_molecules_of_other_kinds():
    atoms, bonds = pierced(6, np.zeros(3), [0, 0, 1.0])
    universe = mda.Universe.empty(8, 2, atom_resindex=[0] * 6 + [1] * 2, trajectory=True)
    universe.add_TopologyAttr("names", ["C"] * 8)
    universe.add_TopologyAttr("resnames", ["BNZ", "LIP"])
    universe.load_new(np.stack([atoms, atoms + 20 * (np.arange(8) > 5)[:, None]]))
    assert [x.bond for x in pierced_rings(universe, frames=[0, 1])] == [(6, 7)]  # bonds by distance
    universe.add_TopologyAttr("bonds", [tuple(bond) for bond in bonds])
    assert [(x.frame, x.bond) for x in pierced_rings(universe.atoms, frames=[1, 0])] == [(0, (6, 7))]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), cutoff=st.floats(0.5, 9.0))
def test_near_pairs_are_those_of_brute_force(seed, cutoff):
    rng = np.random.default_rng(seed)
    one, other = rng.uniform(-60, 60, (2, 25, 3))
    pairs, distances = near(one, other, cutoff, BOX)
    images = np.stack(np.meshgrid(*[range(-2, 3)] * 3), axis=-1).reshape(-1, 3) @ BOX
    folded = (one[:, None] - other) - np.round((one[:, None] - other) @ np.linalg.inv(BOX)) @ BOX
    true = np.linalg.norm(folded[:, :, None] + images, axis=-1).min(-1)
    assert pairs.tolist() == np.argwhere(true < cutoff).tolist()
    assert np.allclose(distances, true[true < cutoff])
