"""Clashes of all atoms: exact distances, bonds between, and a slow twin."""

import itertools
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from built import CB, N, O, full_mask, one_chain, types_of

from mdbackmap.chemistry.residues import ATOMS, BONDS, RESIDUE_NAMES
from mdbackmap.datafiles import TRPCAGE_PDB
from mdbackmap.evaluation.judgement import judge_alone
from mdbackmap.evaluation.proteins import part, read_protein
from mdbackmap.metrics.hydrogens import AllAtoms, Hydrogens, all_atom_clashscore

C = 2


def slot(letter, atom):
    return ATOMS[RESIDUE_NAMES[types_of(letter)[0]]].index(atom)


def scattered(sequence, bound, ends=None):
    """A molecule whose atoms are far from each other, with hydrogens on the given (residue, slot)."""
    types = types_of(sequence)
    parents = np.array([14 * row + place for row, place in bound], dtype=int)
    molecule = AllAtoms(full_mask(types), types, np.ones(len(types), bool) if ends is None else ends, parents)
    return molecule, 10.0 * np.arange(molecule.n_atoms)[:, None] * [1.0, 0, 0]


def atom(molecule, row, place):
    return molecule.heavy.tolist().index(14 * row + place)


def hydrogen(molecule, k):
    return len(molecule.heavy) + k


def clash(molecule, atoms, i, j, distance):
    atoms = atoms.copy()
    atoms[j] = atoms[i] + [0, 0, distance]
    found = molecule.clashing_pairs(atoms).tolist()
    assert found in ([], [sorted((i, j))])
    return bool(found)


@pytest.mark.parametrize(
    ("letters", "first", "second", "touch"),
    [
        ("AA", CB, CB, 1.22 + 1.22 - 0.4),  # two methyls
        ("FA", slot("F", "CZ"), CB, 1.05 + 1.22 - 0.4),  # aromatic
        ("HA", slot("H", "CE1"), CB, 1.05 + 1.22 - 0.4),
        ("SA", slot("S", "OG"), CB, 1.05 + 1.22 - 0.4),  # polar
        ("KK", slot("K", "NZ"), slot("K", "NZ"), 1.05 + 1.05 - 0.4),
    ],
)
def test_two_hydrogens(letters, first, second, touch):
    molecule, atoms = scattered(letters, [(0, first), (1, second)])
    one, other = hydrogen(molecule, 0), hydrogen(molecule, 1)
    assert clash(molecule, atoms, one, other, touch - 0.01) and not clash(molecule, atoms, one, other, touch + 0.01)


@pytest.mark.parametrize(
    ("letters", "donor", "heavy", "touch"),
    [
        ("AA", CB, CB, 1.22 + 1.70 - 0.4),
        ("AA", CB, C, 1.22 + 1.65 - 0.4),  # carbonyl
        ("AD", CB, slot("D", "CG"), 1.22 + 1.65 - 0.4),
        ("AF", CB, slot("F", "CG"), 1.22 + 1.70 - 0.4),
        ("AA", CB, O, 1.22 + 1.40 - 0.4),  # no donor
        ("AC", CB, slot("C", "SG"), 1.22 + 1.80 - 0.4),
        ("AA", N, O, 1.05 + 1.40 - 0.6 - 0.4),
        ("AC", N, slot("C", "SG"), 1.05 + 1.80 - 0.6 - 0.4),
        ("AA", N, N, 1.05 + 1.55 - 0.4),  # no acceptor
        ("AH", N, slot("H", "NE2"), 1.05 + 1.55 - 0.6 - 0.4),
        ("KD", slot("K", "NZ"), slot("D", "OD2"), 1.05 + 1.40 - 0.8 - 0.4),
        ("RE", slot("R", "NE"), slot("E", "OE1"), 1.05 + 1.40 - 0.8 - 0.4),
        ("KA", slot("K", "NZ"), O, 1.05 + 1.40 - 0.6 - 0.4),  # one of them charged
        ("AD", N, slot("D", "OD1"), 1.05 + 1.40 - 0.6 - 0.4),
    ],
)
def test_hydrogen_and_heavy_atom(letters, donor, heavy, touch):
    molecule, atoms = scattered(letters, [(0, donor)])
    one, other = hydrogen(molecule, 0), atom(molecule, 1, heavy)
    assert clash(molecule, atoms, one, other, touch - 0.01) and not clash(molecule, atoms, one, other, touch + 0.01)


def test_hydrogens_decide_what_is_charged():
    nd1, ne2 = slot("H", "ND1"), slot("H", "NE2")
    for bound, acceptor, allowed in (
        ([(0, nd1), (0, ne2)], slot("D", "OD1"), 0.8),  # both nitrogens: charged
        ([(0, nd1)], slot("D", "OD1"), 0.6),
        ([(0, N), (0, N)], slot("D", "OD1"), 0.8),  # a terminal N
        ([(0, N), (1, slot("D", "OD2"))], slot("D", "OD1"), 0.6),  # neutral aspartic acid
    ):
        molecule, atoms = scattered("HD", bound)
        one, other, touch = hydrogen(molecule, 0), atom(molecule, 1, acceptor), 1.05 + 1.40 - allowed - 0.4
        assert clash(molecule, atoms, one, other, touch - 0.01) and not clash(molecule, atoms, one, other, touch + 0.01)
    molecule, atoms = scattered("AH", [(0, N), (1, ne2)])  # NE2 with H accepts nothing
    assert clash(molecule, atoms, hydrogen(molecule, 0), atom(molecule, 1, ne2), 1.05 + 1.55 - 0.41)


def test_four_bonds_are_left_out_and_five_are_not():
    molecule, atoms = scattered("GGG", [(0, 1), (1, N), (1, 1), (2, 1)], one_chain(types_of("GGG")))
    four = hydrogen(molecule, 0), hydrogen(molecule, 1)  # H-CA-C-N-H
    five = hydrogen(molecule, 0), hydrogen(molecule, 2)  # H-CA-C-N-CA-H
    assert not clash(molecule, atoms, *four, 0.5) and clash(molecule, atoms, *five, 0.5)


def test_a_disulfide_is_a_bond():
    sg = slot("C", "SG")
    molecule, atoms = scattered("CC", [(0, CB), (1, CB)])
    sulfurs, hydrogens = (atom(molecule, 0, sg), atom(molecule, 1, sg)), (hydrogen(molecule, 0), atom(molecule, 1, CB))
    assert not clash(molecule, atoms, *sulfurs, 2.05) and clash(molecule, atoms, *sulfurs, 2.5)
    assert clash(molecule, atoms, *hydrogens, 2.0)
    atoms[sulfurs[1]] = atoms[sulfurs[0]] + [0, 2.05, 0]
    assert not clash(molecule, atoms, *hydrogens, 2.0)  # H-CB-SG-SG-CB


def test_score_counts_all_atoms_that_are_there():
    types, ends = types_of("AA"), np.array([True, True])
    mask = full_mask(types)
    positions = np.zeros((2, 2, 14, 3))
    positions[:] = 10.0 * np.arange(28).reshape(2, 14, 1) * [1.0, 0, 0]
    bound = Hydrogens(positions[:, [0, 1], CB] + [0, 1.0, 0], np.array([CB, 14 + CB]))
    bound.positions[1, 1] = bound.positions[1, 0] + [0, 1.9, 0]
    assert all_atom_clashscore(positions, mask, types, ends, bound).tolist() == pytest.approx([0.0, 1000 / 12])
    mask[1, CB] = False  # and its hydrogen with it
    assert AllAtoms(mask, types, ends, bound.parents).n_atoms == 10
    assert all_atom_clashscore(positions, mask, types, ends, bound).tolist() == [0.0, 0.0]


def test_a_slow_twin():
    """Random atoms; pairs by breadth-first search over bonds and by names."""
    rng = np.random.default_rng(2)
    sequence = "KDWHMFA"
    types, ends = types_of(sequence), one_chain(types_of(sequence))
    names = [(row, name) for row, kind in enumerate(types) for name in ATOMS[RESIDUE_NAMES[kind]]]
    bound = [k for k in range(0, len(names), 2)]
    places = [14 * row + ATOMS[RESIDUE_NAMES[types[row]]].index(name) for row, name in names]
    molecule = AllAtoms(full_mask(types), types, ends, np.array([places[k] for k in bound]))
    atoms = rng.uniform(0, 7.5, (molecule.n_atoms, 3))
    expected = _slow(names, bound, types, atoms)
    assert len(expected) > 100 and sorted(map(tuple, molecule.clashing_pairs(atoms).tolist())) == expected


def _slow(names, bound, types, atoms):
    n = len(names)
    joined = {k: set() for k in range(n + len(bound))}
    index = {name: k for k, name in enumerate(names)}
    for row, kind in enumerate(types):
        pairs = [((row, a), (row, b)) for a, b in BONDS[RESIDUE_NAMES[kind]]]
        pairs += [((row, "C"), (row + 1, "N"))] * (row + 1 < len(types))
        for a, b in pairs:
            joined[index[a]].add(index[b]), joined[index[b]].add(index[a])
    for h, k in enumerate(bound):
        joined[n + h].add(k), joined[k].add(n + h)
    sulfurs = [k for k, (_, name) in enumerate(names) if name[0] == "S"]
    assert len(sulfurs) == 1
    what = [_kind(types, *name, sum(names[b] == name for b in bound), names, bound) for name in names]
    what += [_hydrogen(types, *names[k], what[k]) for k in bound]
    found = []
    for i, j in itertools.combinations(range(len(what)), 2):
        near, edge = {i}, {i}
        for _ in range(4):
            edge = {b for a in edge for b in joined[a]}
            near |= edge
        (r, roles), (s, others) = what[i], what[j]
        allowed = 0.4
        if ("donor" in roles and "acceptor" in others) or ("acceptor" in roles and "donor" in others):
            allowed += 0.8 if "charged" in roles and "charged" in others else 0.6
        if j not in near and r + s - np.linalg.norm(atoms[i] - atoms[j]) >= allowed:
            found.append((i, j))
    return found


def _kind(types, row, name, n_bound, names, bound):
    """Radius and roles of a heavy atom."""
    residue = RESIDUE_NAMES[types[row]]
    carbonyl = name == "C" or (residue, name) in {("ASP", "CG"), ("GLU", "CD"), ("ASN", "CG"), ("GLN", "CD")}
    radius = 1.65 if carbonyl else {"C": 1.70, "N": 1.55, "O": 1.40, "S": 1.80}[name[0]]
    roles = {"acceptor"} if name[0] in "OS" else set()
    if residue == "HIS" and name in ("ND1", "NE2") and not n_bound:
        roles.add("acceptor")
    if residue == "ASP" and name in ("OD1", "OD2") and not any(names[k] in {(row, "OD1"), (row, "OD2")} for k in bound):
        roles.add("charged")
    return radius, roles


def _hydrogen(types, row, name, parent):
    residue = RESIDUE_NAMES[types[row]]
    ring = residue in ("HIS", "PHE", "TRP") and name[0] == "C" and name not in ("C", "CA", "CB")
    roles = {"donor"} if name[0] != "C" else set()
    if (residue, name) == ("LYS", "NZ"):
        roles.add("charged")
    return (1.05 if ring or name[0] != "C" else 1.22), roles


def add_hydrogens(lines):
    """After the lines of a residue an H on its N (but the first's and proline's), in the first also a 2HB on CB."""
    for residue, group in itertools.groupby(lines, lambda line: int(line[22:26])):
        group = list(group)
        place = {line[12:16].strip(): np.array([float(line[k : k + 8]) for k in (30, 38, 46)]) for line in group}
        made = [(" H  ", place["N"] + [0, 0, 1.0])] * (residue > 1 and group[0][17:20] != "PRO")
        if residue == 1:
            outwards = (place["CB"] - place["CA"]) / np.linalg.norm(place["CB"] - place["CA"])
            made = [("2HB ", place["CB"] + 1.1 * outwards)]
        yield from group
        for name, xyz in made:
            yield group[0][:12] + name + group[0][16:30] + "{:8.3f}{:8.3f}{:8.3f}".format(*xyz) + "  1.00  0.00"


def test_hydrogens_are_read_and_bound(tmp_path):
    lines = [line for line in Path(TRPCAGE_PDB).read_text().splitlines() if line.startswith("ATOM")]
    (tmp_path / "hydrogens.pdb").write_text("\n".join([*add_hydrogens(lines), "END", ""]))
    chain = read_protein(mda.Universe(tmp_path / "hydrogens.pdb").atoms)
    bare = read_protein(mda.Universe(TRPCAGE_PDB).atoms)
    assert bare.hydrogens is None and np.array_equal(chain.positions, bare.positions)
    rows, slots = np.divmod(chain.hydrogens.parents, 14)
    on_nitrogens = [(k, N) for k in range(1, 20) if RESIDUE_NAMES[chain.types[k]] != "PRO"]
    assert list(zip(rows.tolist(), slots.tolist(), strict=True)) == [(0, CB), *on_nitrogens]
    found, without = judge_alone(chain), judge_alone(bare)
    assert "clashscore_all" in found.mean and "clashscore_all" not in without.mean
    assert found.mean["clashscore"] == without.mean["clashscore"]
    assert found.validity.hydrogens == "nuclear" and "MolProbity" in found.validity.convention  # N-H of 1 A
    assert without.validity.hydrogens == "" and "heavy atoms" in without.validity.convention
    some = part(chain, np.arange(5, 20)).hydrogens
    assert np.array_equal(some.parents, chain.hydrogens.parents[rows >= 5] - 5 * 14)
    assert np.array_equal(some.positions, chain.hydrogens.positions[:, rows >= 5])


def test_lengths_of_hydrogens_do_not_matter_and_are_named():
    types = types_of("AKSFC")
    rng = np.random.default_rng(1)
    positions = np.zeros((1, 5, 14, 3))
    positions[0] = 4.0 * rng.normal(size=(5, 14, 3))
    slots = [(0, CB), (1, slot("K", "NZ")), (1, slot("K", "NZ")), (1, slot("K", "NZ")), (2, slot("S", "OG"))]
    slots += [(3, slot("F", "CZ")), (4, slot("C", "SG")), (2, N)]
    parents = np.array([14 * row + place for row, place in slots])
    known = full_mask(types), types, one_chain(types)
    molecule = AllAtoms(*known, parents)
    directions = rng.normal(size=(len(slots), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    on = positions.reshape(1, -1, 3)[:, parents]
    lengths = {
        "electron-cloud": [0.97, 0.89, 0.89, 0.89, 0.84, 0.93, 1.20, 0.86],
        "nuclear": [1.09, 1.04, 1.04, 1.04, 0.98, 1.08, 1.30, 1.02],
    }
    made = {name: on + np.array(values)[:, None] * directions for name, values in lengths.items()}
    assert all(molecule.convention(positions, hydrogens) == name for name, hydrogens in made.items())
    flat = [molecule.flat(positions, hydrogens) for hydrogens in made.values()]
    assert np.allclose(*flat) and np.allclose(flat[0][:, len(molecule.heavy) :], made["electron-cloud"])


def test_clashes_with_periodic_images_count():
    molecule, atoms = scattered("AA", [(0, CB), (1, CB)])
    one, other = hydrogen(molecule, 0), atom(molecule, 1, O)
    box = np.array([[400.0, 0, 0], [90.0, 300.0, 0], [50.0, -70.0, 350.0]])
    atoms[one] = atoms[other] + [0, 1.5, 0] + np.array([1, -1, 1]) @ box
    assert len(molecule.clashing_pairs(atoms)) == 0
    assert molecule.clashing_pairs(atoms, box).tolist() == [sorted((one, other))]
