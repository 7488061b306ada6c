"""More inputs of kinds that were misread: numbers, order, bonds, alternate locations, names, rings, FASTA."""

import gzip
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.chemistry.residues import ALPHABET, RESIDUE_NAMES
from mdbackmap.cli import main
from mdbackmap.molecule.attributes import canonical_resnames
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.recognition.fasta import assign, parse_fasta
from mdbackmap.recognition.numbers import Row, decode
from mdbackmap.recognition.recognise import recognise

CASES = Path(__file__).parent / "cases"
FAR = np.array([60.0, 0.0, 0.0])


def _ubiquitin():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = mda.Universe(str(CASES / "altloc-no-a" / "ca.pdb")).select_atoms(
            "not altloc C and not (altloc B and resid 41)"
        )
    return atoms.positions.astype(float), atoms.resnames.tolist()


POSITIONS, NAMES = _ubiquitin()
N = len(NAMES)
LETTERS = "".join(ALPHABET[RESIDUE_NAMES.index(name)] for name in NAMES)


def line(k, chain="A", number=None, icode=" ", altloc=" ", name=None, shift=0.0, occupancy=1.0, element="C"):
    """One CA of ubiquitin as a line of a PDB file."""
    number = str(k + 1) if number is None else number
    xyz = "".join(f"{x:8.3f}" for x in POSITIONS[k] + shift)
    residue = f"{altloc}{name or NAMES[k]:>3s} {chain:1s}{number:>4s}{icode}"
    return f"ATOM  {{:5d}}  CA {residue}   {xyz}{occupancy:6.2f}  0.00          {element:>2s}"


@pytest.fixture
def read(tmp_path):
    """Lines of a PDB file, recognised: places in the file, topology, and what was said."""

    def function(lines, *records, **options):
        path = tmp_path / "ca.pdb"
        path.write_text("\n".join([*(x.format(k + 1) for k, x in enumerate(lines)), *records, "END", ""]))
        return said(mda.Universe(str(path)), **options)

    return function


def said(universe, **options):
    """What is recognised in a universe, and the warnings about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        indices, coarse, _ = recognise(universe.atoms, **options)
    own = [str(x.message) for x in caught if x.filename == __file__]
    return indices, coarse, own


def hexadecimal(number):
    """As VMD writes them: decimal up to 9999."""
    return str(number) if number < 10_000 else f"{number:x}"


def hybrid36(number):
    if number < 10_000:
        return str(number)
    digits, value = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", number - 10_000 + 10 * 36**3
    return "".join(digits[value // 36**k % 36] for k in (3, 2, 1, 0))


def stars(number):
    return str(number) if number < 10_000 else "****"


def wrapped(number):
    return str(number % 10_000)


# ---------------------------------------------------------------- residue numbers


@pytest.mark.filterwarnings("ignore:PDB file is missing resid")
@pytest.mark.parametrize("write", [hexadecimal, hybrid36, stars, wrapped])
def test_numbers_beyond_four_digits(read, write):
    _, coarse, told = read([line(k, number=write(9_970 + k)) for k in range(N)])
    assert coarse.stretches() == ["A 9970-10045"]
    assert coarse.resids.tolist() == list(range(9_970, 10_046))
    assert not told


@pytest.mark.parametrize("write", [hexadecimal, hybrid36])
def test_gaps_beyond_four_digits(read, write):
    _, coarse, _ = read([line(k, number=write(9_970 + k)) for k in range(N) if not 41 <= k < 50])
    assert coarse.stretches() == ["A 9970-10010", "A 10020-10045"]


def test_a_compressed_file_is_read_again(tmp_path):
    text = "\n".join([*(line(k, number=hybrid36(9_970 + k)).format(k + 1) for k in range(N)), "END", ""])
    with gzip.open(tmp_path / "ca.pdb.gz", "wt") as file:
        file.write(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u = mda.Universe(str(tmp_path / "ca.pdb.gz"))
    assert said(u)[1].stretches() == ["A 9970-10045"]
    assert said(u.select_atoms("index 20:50"))[1].stretches() == ["A 9990-10020"]


def test_without_the_file_unread_numbers_are_no_alternate_locations(tmp_path):
    """The file is gone: numbers are read as 1 from 10000 on, and what follows each other stays so."""
    path = tmp_path / "ca.pdb"
    path.write_text("\n".join([*(line(k, number=hybrid36(9_970 + k)).format(k + 1) for k in range(N)), "END", ""]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u = mda.Universe(str(path))
    path.unlink()
    _, coarse, told = said(u)
    assert coarse.n_residues == N and len(coarse.stretches()) == 1
    assert told == ["46 residues have one number, from GLN 1 of chain A on: could the file's numbers not be read?"]


def test_equal_numbers_are_told():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u = mda.Universe(str(CASES / "order-hetatm-last" / "ca.pdb")).select_atoms("resid 38:60")
    u.residues.resids = np.where(np.arange(23) < 10, u.residues.resids, 1)
    _, coarse, told = said(u)
    assert len(coarse.stretches()) == 1
    assert told == ["13 residues have one number, from LYS 1 of chain A on: could the file's numbers not be read?"]


def test_five_columns_are_no_insertion_codes(read):
    numbers = [f"{9_970 + k:<4d} "[:5] if 9_970 + k < 10_000 else str(9_970 + k) for k in range(N)]
    _, coarse, _ = read([line(k, number=x[:4].strip(), icode=x[4]) for k, x in enumerate(numbers)])
    assert coarse.stretches() == ["A 9970-10045"]


def test_a_second_chain_has_its_own_numbers(read):
    _, coarse, _ = read(
        [line(k, number=hybrid36(9_970 + k)) for k in range(N)] + [line(k, "B", shift=FAR) for k in range(N)]
    )
    assert coarse.stretches() == ["A 9970-10045", "B 1-76"]


@pytest.mark.filterwarnings("ignore:PDB file is missing resid")
@pytest.mark.parametrize("number", ["", "****"])
def test_no_numbers_at_all(read, number):
    _, coarse, _ = read([line(k, number=number, name="ALA") for k in range(N)])
    assert coarse.stretches() == ["A 1-76"]


def test_all_numbers_in_hybrid36(read):
    _, coarse, _ = read([line(k, number=hybrid36(20_000 + k)) for k in range(N)])
    assert coarse.stretches() == ["A 20000-20075"]


def test_numbers_below_one_and_insertion_codes(read):
    assert read([line(k, number=str(k - 20)) for k in range(N)])[1].stretches() == ["A -20-55"]
    labels = (
        [(str(k + 1), " ") for k in range(52)] + [("52", x) for x in "ABC"] + [(str(k), " ") for k in range(53, 74)]
    )
    _, coarse, told = read([line(k, number=number, icode=icode) for k, (number, icode) in enumerate(labels)])
    assert coarse.stretches() == ["A 1-73"] and not told
    assert coarse.icodes[50:56].tolist() == ["", "", "A", "B", "C", ""]


def test_lost_insertion_codes():
    """A PSF file keeps no insertion codes: two residues of one name and number become one."""
    residue = np.array([k - (k > 20) for k in range(40)])
    u = mda.Universe.empty(40, n_residues=39, atom_resindex=residue, trajectory=True)
    u.add_TopologyAttr("names", ["CA"] * 40)
    u.add_TopologyAttr("resnames", ["LEU"] * 39)
    u.add_TopologyAttr("resids", np.arange(1, 40))
    u.atoms.positions = POSITIONS[:40]
    _, coarse, told = said(u)
    assert coarse.n_residues == 40 and len(coarse.stretches()) == 1 and not told


def test_columns_are_decoded_in_order():
    def numbers(*texts):
        return decode([Row("A", "", text, "", "GLY", "CA", "") for text in texts])[1].tolist()

    assert numbers("9998", "9999", "2710", "2711") == [9998, 9999, 10_000, 10_001]
    assert numbers("9999", "0", "1") == [9999, 10_000, 10_001]
    assert numbers("15", "16", "22", "16") == [15, 16, 22, 16]  # no hexadecimal below 9999
    assert numbers("270f", "2710") == [9999, 10_000]
    assert numbers("-2", "-1", "0", "1") == [-2, -1, 0, 1]


# ---------------------------------------------------------------- order


@pytest.mark.parametrize(
    "order",
    [
        [k for k in range(N) if k not in (10, 35)] + [10, 35],
        [*range(20, 40), *range(20), *range(40, N)],  # a rigid part first
        list(range(N))[::-1],
        np.random.default_rng(0).permutation(N).tolist(),
    ],
)
def test_order_in_the_file(read, order):
    indices, coarse, told = read([line(k) for k in order])
    assert coarse.stretches() == ["A 1-76"] and coarse.sequence == LETTERS
    assert [order[i] for i in indices] == list(range(N))
    assert len(told) == 1 and "order of their residue numbers" in told[0]


@pytest.mark.parametrize("names", ["AB", "  "])
@pytest.mark.parametrize("shift", [FAR, FAR / 10])
def test_chains_whose_beads_alternate(read, names, shift):
    lines = [x for k in range(N) for x in (line(k, names[0]), line(k, names[1], shift=shift))]
    indices, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76", "B 1-76"]
    assert indices.tolist() == [*range(0, 2 * N, 2), *range(1, 2 * N, 2)]
    assert len(told) == 1


def test_residues_of_the_first_chain_behind_the_second(read):
    chosen = [k for k in range(N) if k not in (10, 35)]
    lines = [line(k) for k in chosen] + [line(k, "B", shift=FAR) for k in range(N)] + [line(k) for k in (10, 35)]
    _, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76", "B 1-76"] and len(told) == 1


@pytest.mark.parametrize(
    ("numbers", "stretches"),
    [
        ([*range(100, 130), *range(1, 21), *range(500, 526)], ["A 100-525"]),  # numbers of domains, the chain is one
        ([*range(1, 31), *range(41, 87)], ["A 1-86"]),
    ],
)
def test_an_order_that_fits_stays(read, numbers, stretches):
    indices, coarse, told = read([line(k, number=str(number)) for k, number in enumerate(numbers)])
    assert coarse.stretches() == stretches and not told
    assert indices.tolist() == list(range(N))


def test_a_chain_name_that_is_used_again_stays(read):
    lines = [line(k, chain, shift=i * FAR) for i, chain in enumerate("ABA") for k in range(N)]
    indices, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76", "B 1-76", "A 1-76"] and not told
    assert indices.tolist() == list(range(3 * N))


def nameless(positions, names, bonds=None, residue=None):
    """A universe as of HOOMD or LAMMPS: names in the name field, all beads in one residue."""
    residue = np.zeros(len(positions), dtype=int) if residue is None else residue
    u = mda.Universe.empty(len(positions), n_residues=max(residue) + 1, atom_resindex=residue, trajectory=True)
    u.add_TopologyAttr("names", names)
    u.add_TopologyAttr("resids", np.arange(max(residue) + 1))
    if bonds is not None:
        u.add_TopologyAttr("bonds", bonds)
    u.atoms.positions = positions
    return u


def test_order_by_bonds():
    """Beads of two nameless chains in turn: the bonds say which belong together."""
    alternating = np.arange(2 * N).reshape(2, N).T.ravel()
    place = np.argsort(alternating)
    bonds = [(place[c * N + k], place[c * N + k + 1]) for c in range(2) for k in range(N - 1)]
    positions = np.concatenate([POSITIONS, POSITIONS + FAR])[alternating]
    names = np.array(list(LETTERS * 2))[alternating]
    indices, coarse, told = said(nameless(positions, names, bonds))
    assert coarse.stretches() == ["A 1-76", "B 1-76"] and coarse.sequence == LETTERS * 2
    assert np.array_equal(indices, place)
    assert "the bonds between them" in told[0]
    with pytest.raises(MappingError, match="nearest bead of each 3.* order is not that of the chain"):
        recognise(nameless(positions, names))


def test_an_order_that_nothing_tells_is_warned_of():
    """A rigid part first, without numbers or bonds: its ends lie beside those of the other pieces."""
    order = [*range(20, 40), *range(20), *range(40, N)]
    _, coarse, told = said(nameless(POSITIONS[order], ["1"] * N), sequence="A" * N)
    assert len(coarse.stretches()) == 3
    assert "is its order that of the chain" in told[0]
    _, _, told = said(nameless(np.concatenate([POSITIONS, POSITIONS + FAR]), ["1"] * 2 * N), sequence="A" * 2 * N)
    assert not told


def test_rigid_bodies_are_no_chains():
    """HOOMD: rigid bodies are residues of MDAnalysis, the rest is one more; no bonds within bodies."""
    body = np.zeros(N, dtype=int)
    body[10:30], body[50:60] = 1, 2
    bonds = [(k, k + 1) for k in range(N - 1) if not (body[k] and body[k] == body[k + 1])]
    for known in (bonds, None):
        _, coarse, told = said(nameless(POSITIONS, list(LETTERS), known, body))
        assert coarse.stretches() == ["A 1-76"] and not told


def test_molecules_whose_beads_alternate():
    positions = np.stack([POSITIONS, POSITIONS + FAR], axis=1).reshape(-1, 3)
    _, coarse, told = said(nameless(positions, ["1"] * 2 * N, residue=np.arange(2 * N) % 2), sequence=LETTERS)
    assert coarse.stretches() == ["A 1-76", "B 1-76"] and coarse.sequence == 2 * LETTERS
    assert "their molecules" in told[0]


def test_indices_out_of_order_reach_the_beads(tmp_path):
    """The model of a file in disorder: beads, atoms and displacements are in the order of the chain."""
    import mdbackmap

    u = mda.Universe(str(CASES / "order-hetatm-last" / "ca.pdb"))
    with pytest.warns(UserWarning, match="order"):
        model = mdbackmap.load_model("genzprot", u)
    assert np.any(np.diff(model.indices) < 0)
    lifted = mdbackmap.backmap(u, model=model, temperature=0.0, bead_tolerance=0)
    beads = u.atoms[model.indices].positions
    np.testing.assert_allclose(lifted.select_atoms("name CA").positions, beads, atol=1e-4)
    np.testing.assert_allclose(model.mapping.project(lifted.atoms.positions), beads, atol=1e-4)
    other = mda.Universe(str(CASES / "order-hetatm-last" / "ca.pdb"))  # the same file once more: the same order
    again = mdbackmap.backmap(mda.Merge(other.atoms), model=model, temperature=0.0, bead_tolerance=0)
    np.testing.assert_allclose(again.atoms.positions, lifted.atoms.positions, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_a_file_in_disorder_gives_the_atoms_of_the_one_in_order(tmp_path):
    """Beads that move: atoms, and how far each bead was moved, do not depend on the order of the file."""
    import mdbackmap

    noisy = np.random.default_rng(0).normal(0.0, 0.25, (N, 3))
    found = []
    for name, order in (("ordered", range(24)), ("moved", [*range(10), *range(11, 24), 10])):
        path = tmp_path / f"{name}.pdb"
        path.write_text("\n".join([*(line(k, shift=noisy[k]).format(i + 1) for i, k in enumerate(order)), "END", ""]))
        u = mdbackmap.backmap(mda.Universe(str(path)), temperature=0.0, bead_tolerance=0.9)
        found.append((u.atoms.positions, u.trajectory.ts.data["displacements"]))
    (atoms, moved), (others, moved_there) = found
    np.testing.assert_array_equal(atoms, others)
    np.testing.assert_array_equal(moved, moved_there)
    assert moved.max() > 0.1


# ---------------------------------------------------------------- alternate locations


def test_the_conformer_of_highest_occupancy(read):
    lines = [line(k) for k in range(N)]
    lines[20:21] = [line(20, occupancy=0.3), line(20, altloc="A", shift=0.3, occupancy=0.7)]
    indices, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76"] and 21 in indices and 20 not in indices
    assert told == ["alternate locations: of each residue the one of highest occupancy is taken, ASP 21 of chain A (A)"]


def test_a_conformer_at_the_end_of_the_file(read):
    """MET and MSE at one number, MSE as HETATM behind all others."""
    lines = [line(k) for k in range(N)]
    lines[20] = line(20, altloc="A", name="MET", occupancy=0.4)
    indices, coarse, told = read([*lines, line(20, altloc="B", name="MSE", occupancy=0.6, shift=0.2)])
    assert coarse.stretches() == ["A 1-76"] and indices[20] == N and len(told) == 2


@pytest.mark.parametrize("name", [None, "PRO"])
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.7])
def test_alternate_locations_without_labels(read, name, shift):
    lines = [line(k) for k in range(N)]
    lines.insert(21, line(20, name=name, shift=shift))
    indices, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76"] and 21 not in indices
    assert "ASP 21 of chain A" in told[0]


@pytest.mark.parametrize("blocks", [True, False])
def test_two_conformers_of_everything(read, blocks):
    both = [[line(k, altloc=x, shift=0.4 * (x == "B"), occupancy=0.5) for k in range(N)] for x in "AB"]
    lines = sum(both, []) if blocks else [x for pair in zip(*both, strict=True) for x in pair]
    _, coarse, told = read(lines)
    assert coarse.stretches() == ["A 1-76"]
    assert told[0].endswith("LEU 8 of chain A (A) and 68 more")


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("HISE HISD HISH HIS1 HISA HISB HISP NHISE CHID", "HIS"),
        ("LYSH LYP LYN NLYS CLYSH LYSN", "LYS"),
        ("ASPH ASH NASP CASPH", "ASP"),
        ("GLUH GLH CGLU NGLUH", "GLU"),
        ("ARGN NARG", "ARG"),
        ("CYSH CYS2 CYM NCYX CCYS2", "CYS"),
        ("NMET MSE NMSE NLE FME", "MET"),
        ("CSO CME CSX", "CYS"),
        ("DLE DPN", "GLY"),
        ("CGLY NGLY", "GLY"),
        ("CALA NALA", "ALA"),
        ("VAL395 VAL1", "VAL"),
    ],
)
def test_names_of_force_fields(names, found):
    assert set(canonical_resnames(names.split()).tolist()) == {found}


def test_names_that_only_look_like_terminal_ones():
    others = [
        "NAG",
        "NAD",
        "CHOL",
        "NMA",
        "NH2",
        "CYT",
        "NSOL",
        "CXYZ",
        "XALA",
        "UNK1",
        "C12",
        "A1",
        "CL2",
    ]
    assert canonical_resnames(others).tolist() == others
    assert canonical_resnames(["CXYZ", "XYZ"], {"XYZ": "ALA"}).tolist() == ["ALA", "ALA"]


def test_unknown_names_are_listed_in_full():
    names = [*"ZBX", "SEQ", *(f"Q{k}" for k in range(12)), *LETTERS[16:]]
    with pytest.raises(MappingError, match=r"Z, B, X, SEQ, Q0, Q1.*Q11 \(16 beads.*aliases=\{'Z': NAME\}"):
        recognise(nameless(POSITIONS, names))
    names = ["XSP", "B", *LETTERS[2:]]
    assert said(nameless(POSITIONS, names), aliases={"XSP": "SER", "B": "D"})[1].sequence == "SD" + LETTERS[2:]


@pytest.mark.parametrize("names", [["C", "H", "N", "S"], ["A", "C", "G", "T"]])
def test_names_that_may_be_elements_or_bases(names):
    u = nameless(POSITIONS, names * (N // 4))
    with pytest.raises(MappingError, match="elements, nucleotides or amino acids.*--sequence"):
        recognise(u)
    assert said(u, sequence=LETTERS)[1].sequence == LETTERS


@pytest.mark.parametrize("name", [None, "UNK"])
def test_elements_guessed_from_ca(read, name):
    lines = [line(k, element="CA", name=name) for k in range(N)]
    assert read(lines, sequence=LETTERS)[1].sequence == LETTERS


# ---------------------------------------------------------------- closed chains


def ring(tmp_path, *records, shift=0.0, name="ring.pdb"):
    """The cyclic peptide of PDB 5VAV, its last bead shifted, with such CONECT records."""
    lines = (CASES / "cyclic-5vav" / "ca.pdb").read_text().splitlines()
    atoms = [x for x in lines if x.startswith("ATOM")]
    xyz = "".join(f"{float(atoms[-1][i : i + 8]) + shift:8.3f}" for i in (30, 38, 46))
    atoms[-1] = f"{atoms[-1][:30]}{xyz}{atoms[-1][54:]}"
    path = tmp_path / name
    path.write_text("\n".join([*atoms, *records, "END", ""]))
    return mda.Universe(str(path))


CLOSING = "CONECT    1   14"


@pytest.mark.parametrize("records", [[CLOSING], [f"CONECT{k:5d}{k + 1:5d}" for k in range(1, 14)] + [CLOSING]])
def test_a_ring_is_closed_unless_its_end_is_named(tmp_path, records):
    u = ring(tmp_path, *records)
    for breaks in (None, "auto", "topology"):
        assert recognise(u, breaks=breaks)[1].rings.tolist() == [[0, 13]]
    coarse = said(u, breaks=["A:14"])[1]
    assert coarse.stretches() == ["A 1-14"] and not coarse.closed.any()


def test_a_ring_that_is_none_in_some_frames_is_refused(tmp_path):
    u = ring(tmp_path, CLOSING)
    frames = np.repeat(u.atoms.positions[None], 3, axis=0)
    assert recognise(u, frames=frames)[1].closed.any()
    frames[1, -1] += 3.0
    with pytest.raises(MappingError, match=r"closed: ASP 14 of chain A is bonded to GLY 1.*breaks=\['A:14'\]"):
        recognise(u, frames=frames)
    with pytest.raises(MappingError, match="closed: .*Expected C-alphas"):
        recognise(u, mapping="com")


def test_a_ring_of_bonds_is_closed_however_it_lies():
    bonds = [(k, k + 1) for k in range(N - 1)] + [(0, N - 1)]
    with pytest.raises(MappingError, match="chain A is closed: GLY 76 of chain A is bonded to MET 1"):
        recognise(nameless(POSITIONS, list(LETTERS), bonds))
    network = [(i, j) for i in range(N) for j in range(i + 1, N) if np.linalg.norm(POSITIONS[i] - POSITIONS[j]) < 8]
    assert said(nameless(POSITIONS, list(LETTERS), [*network, (0, N - 1)]))[1].stretches() == ["A 1-76"]


def test_ends_that_meet_by_accident_are_no_ring(tmp_path):
    assert said(ring(tmp_path))[1].stretches() == ["A 1-14"]
    assert said(ring(tmp_path, CLOSING, shift=1.8))[1].stretches() == ["A 1-14"]  # a disulfide of the ends


def test_a_ring_can_be_judged_and_coarsened(tmp_path):
    path = tmp_path / "ring.pdb"
    ring(tmp_path, CLOSING)
    assert main(["check", "--trace", str(path), "--quiet"]) == 0
    assert main(["coarsen", str(path), "-o", str(tmp_path / "ca.xtc"), "--quiet"]) == 0


# ---------------------------------------------------------------- sequences


def copies(n):
    return nameless(np.concatenate([POSITIONS + k * FAR for k in range(n)]), ["1"] * n * N)


def test_one_sequence_for_many_nameless_copies():
    _, coarse, _ = said(copies(5), sequence=LETTERS)
    assert coarse.sequence == 5 * LETTERS and coarse.stretches()[-1] == "E 1-76"


@pytest.mark.parametrize("sequence", [LETTERS[:38], [LETTERS[:38]]])
def test_a_part_of_a_sequence_is_no_repeat(sequence):
    with pytest.raises(MappingError, match="sequence has 38 residues.*expected 76"):
        recognise(copies(1), sequence=sequence)


@pytest.mark.parametrize(
    ("text", "sizes", "chains", "found"),
    [
        (">1_1|Chains A, C|x\nMK\n>1_2|Chains B, D|y\nGG\n", [2, 2, 2, 2], "ABCD", ["MK", "GG", "MK", "GG"]),
        (">1_1|Chains A[auth X], B[auth Y]|x\nMK\n>1_2|Chain C[auth A]|y\nGG\n", [2, 2, 2], "AXY", ["GG", "MK", "MK"]),
        (">1ABC:A|PDBID|CHAIN|SEQUENCE\nMK\n>1ABC:B|PDBID\nGG\n", [2, 2], "AB", ["MK", "GG"]),
        (">1_1|Chain A|x\nMK\n>1_2|Chain B|dna\nACGT\n", [2], "A", ["MK"]),  # the other chain is not there
        (">a\nMKV\n>b\nGG\n", [2, 3, 3], "ABC", ["GG", "MKV", "MKV"]),
        (">a\nMKV\n>b\nGGG\n", [3, 3, 3], "ABC", None),  # two of one length: nobody knows which
        (">a\nMKV\n>b\nGGGG\n", [3, 3], "AB", None),  # one is left over
    ],
)
def test_records_of_chains(text, sizes, chains, found):
    assert assign(parse_fasta(text), sizes, list(chains), [""] * len(sizes)) == found


@pytest.mark.parametrize("text", ["", "MKV", ">only a header\n", ">a\nMK\n>b\n"])
def test_no_fasta(tmp_path, capsys, text):
    path = tmp_path / "x.fasta"
    path.write_text(text)
    with pytest.raises(SystemExit):
        main(["convert", "ca.pdb", "-o", "aa.xtc", "--sequence", str(path)])
    assert "no FASTA record" in capsys.readouterr().err


# ---------------------------------------------------------------- what is left out, and what stands alone


def test_several_residues_without_ca_are_named():
    u = mda.Universe(str(CASES / "micro-1ejg" / "1ejg.pdb"))
    kept = u.select_atoms("not (resid 5 30 31 and name CA)")
    indices, coarse, told = said(kept)
    assert coarse.n_residues == 43
    bare = [x for x in told if "no CA" in x]
    assert "PRO 5 of chain A (only N, C, O, CB and" in bare[0]
    assert "THR 30" in bare[0] and "GLY 31" in bare[0]


def test_several_residues_alone_are_counted(read):
    chosen = [k for k in range(N) if k % 3 == 0 and k < 36] + list(range(36, N))
    _, _, told = read([line(k) for k in chosen])
    assert "MET 1 of chain A" in told[0] and "and 4 more" in told[0]


def test_names_of_chains_that_tear_a_trace_apart(read):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    with pytest.raises(MappingError, match="60 of 60 residues are bonded to no other.*bead lies 3.* names of chain"):
        read([line(k, letters[k]) for k in range(60)])
    _, coarse, told = read([line(k, letters[k], shift=k * FAR) for k in range(60)])  # 60 amino acids
    assert len(coarse.stretches()) == 60 and "and 52 more" in told[0]
