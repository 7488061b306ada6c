"""Modified residues and D-residues: which atoms they get, where, under which names, and that files have them right."""

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mdbackmap as mdb
from mdbackmap.chemistry.bound_hydrogens import hydrogens_of
from mdbackmap.chemistry.modified_residues import D_FORMS, MODIFIED
from mdbackmap.chemistry.residues import ATOMS
from mdbackmap.cli import main
from mdbackmap.datafiles import GO_PDB, GO_XTC
from mdbackmap.hydrogen.grown import Grown
from mdbackmap.metrics.faults import FAULTS
from mdbackmap.metrics.protein_judge import SCORES, ProteinJudge
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.universes.protein import protein_atoms

CCD = {
    "MSE": "CB CG SE CE",
    "SEC": "CB SE",
    "SEP": "CB OG P O1P O2P O3P",
    "TPO": "CB CG2 OG1 P O1P O2P O3P",
    "PTR": "CB CG CD1 CD2 CE1 CE2 CZ OH P O1P O2P O3P",
    "TYS": "CB CG CD1 CD2 CE1 CE2 CZ OH S O1 O2 O3",
    "PHD": "CB CG OD1 OD2 P OP1 OP2 OP3",
    "NEP": "CB CG ND1 CD2 CE1 NE2 P O1P O2P O3P",
    "HYP": "CB CG CD OD1",
    "PCA": "CB CG CD OE",
    "CGU": "CB CG CD1 CD2 OE11 OE12 OE21 OE22",
    "CSO": "CB SG OD",
    "CSD": "CB SG OD1 OD2",
    "OCS": "CB SG OD1 OD2 OD3",
    "CSS": "CB SG SD",
    "SMC": "CB SG CS",
    "SCH": "CB SG SD CE",
    "CME": "CB SG SD CE CZ OH",
    "OCY": "CB SG CD CE OZ",
    "YCM": "CB SG CD CE OZ1 NZ2",
    "MLZ": "CB CG CD CE NZ CM",
    "MLY": "CB CG CD CE NZ CH1 CH2",
    "M3L": "CB CG CD CE NZ CM1 CM2 CM3",
    "ALY": "OH CH CH3 NZ CE CD CG CB",
    "KCX": "CB CG CD CE NZ CX OQ1 OQ2",
    "LYZ": "CB CG CD CE NZ OH",
    "FME": "CN O1 CB CG SD CE",
    "SME": "CB CG S OE CE",
    "OMT": "CB CG SD CE OD1 OD2",
    "NLE": "CB CG CD CE",
    "HIC": "CB CG ND1 CD2 CE1 NE2 CZ",
    "MHS": "CB CG ND1 CD2 CE1 NE2 CM",
    "CIR": "C3 C4 C5 N6 C7 O7 N8",
    "2MR": "CB CG CD NE CZ NH1 CQ1 NH2 CQ2",
    "DA2": "C1 C2 CB CG CD NE CZ NH2 NH1",
    "NIY": "CB CG CD1 CD2 CE1 CE2 CZ OH NN O1 O2",
    "DAH": "CB CG CD1 CD2 CE1 CE2 CZ OE2 OH",
    "AIB": "CB1 CB2",
    "ABA": "CB CG",
    "NVA": "CB CG CD",
}
"""Heavy atoms of side chains; the Chemical Component Dictionary."""
VALENCE = {"C": 4, "N": 3, "O": 2, "S": 2, "Se": 2, "P": 5}
SITES = {4: "SEP", 7: "MSE", 16: "PTR", 17: "TPO", 28: "KCX", 50: "MLY", 23: "DAL", 34: "DPN", 52: "HYP"}


def renamed(sites, files=(GO_PDB,)):
    """The C-alphas of protein G with other residues at some places."""
    u = mda.Universe(*files)
    u.residues.resnames = [sites.get(k, name) for k, name in enumerate(u.residues.resnames)]
    return u


def made(sites, temperature=0.0, n=1, **options):
    """A model of such a protein, its atoms as files have them, and their places (n, A, 3)."""
    u = renamed(sites)
    model = mdb.load_model("genzprot", u.atoms, **options)
    beads = np.repeat(u.atoms.positions[model.indices][None], n, axis=0)
    return model, model.topology, model.sample(beads, range(n), temperature=temperature)


@pytest.fixture(scope="module")
def whole():
    return made(SITES)


def rows_of(topology, residue):
    return {str(topology.names[k]): k for k in np.flatnonzero(topology.residue_of_atom == residue)}


def test_atoms_are_those_of_the_dictionary():
    assert CCD.keys() == MODIFIED.keys() - D_FORMS.keys()
    for name, modified in MODIFIED.items():
        own = {atom for bond in modified.bonds for atom in bond} - {"N", "CA", "C", "O"}
        assert own == set(ATOMS[D_FORMS[name]][4:] if name in D_FORMS else CCD[name].split()), name


def test_rows_stand_on_atoms_that_are_there():
    for name, modified in MODIFIED.items():
        there = {modified.renamed.get(atom, atom) for atom in ATOMS[modified.parent]}
        bonds = {frozenset(bond) for bond in modified.bonds}
        for atom, three, length, bend, torsion, *rotor in modified.rows:
            near = three.split()
            assert len(set(near)) == 3 and there >= set(near), (name, atom)
            assert name in D_FORMS or frozenset((atom, near[0])) in bonds, (name, atom)
            assert 1.1 < length < 4.5 and 60 < bend <= 180, (name, atom)
            assert torsion == "own" or not rotor or rotor[0] < len(modified.rotors), (name, atom)
            there.add(atom)
        assert modified.rotors == () or {row[5] for row in modified.rows if len(row) > 5} == {
            *range(len(modified.rotors))
        }


def test_hydrogens_fill_valences():
    """Atoms with single bonds only: sp3 carbons, and sulfur, selenium, hydroxyls, ammonium."""
    for name in (
        "MSE",
        "SEC",
        "HYP",
        "CSO",
        "SMC",
        "SCH",
        "CME",
        "OCY",
        "MLZ",
        "MLY",
        "M3L",
        "LYZ",
        "NLE",
        "AIB",
        "NVA",
    ):
        modified, bound = MODIFIED[name], hydrogens_of(name)
        atoms = {atom for bond in modified.bonds for atom in bond} - {"N", "CA", "C", "O"}
        for atom in atoms:
            element = {"SE": "Se"}.get(atom, atom[0])
            n = sum(atom in bond for bond in modified.bonds) + len(bound.get(atom, ()))
            assert n == VALENCE[element] + (element == "N"), (name, atom)  # amines are charged


def test_names_and_elements(whole):
    _, topology, atoms = whole
    assert np.isfinite(atoms).all()
    for place, name in SITES.items():
        assert topology.resnames[place] == name
        rows, modified = rows_of(topology, place), MODIFIED[name]
        heavy = {atom for bond in modified.bonds for atom in bond}
        assert rows.keys() == heavy | {h for names in hydrogens_of(name).values() for h in names}
    assert [topology.elements[rows_of(topology, 7)["SE"]], topology.elements[rows_of(topology, 4)["P"]]] == ["Se", "P"]
    assert topology.masses[rows_of(topology, 7)["SE"]] == pytest.approx(78.971)
    degrees = np.bincount(topology.bonds.ravel(), minlength=topology.n_atoms)
    assert (degrees[topology.elements == "H"] == 1).all() and degrees[rows_of(topology, 4)["P"]] == 4


def test_bonds_and_angles_are_those_of_the_table(whole):
    _, topology, atoms = whole
    for place, name in SITES.items():
        rows = rows_of(topology, place)
        for atom, three, length, bend, *_ in MODIFIED[name].rows:
            near, second, _ = (atoms[0, rows[x]] for x in three.split())
            one, other = atoms[0, rows[atom]] - near, second - near
            found = np.linalg.norm(one), np.linalg.norm(other)
            assert found[0] == pytest.approx(length, abs=2e-3), (name, atom)
            angle = np.degrees(np.arccos((one @ other / found[0] / found[1]).clip(-1, 1)))
            assert angle == pytest.approx(bend, abs=0.5), (name, atom)


def test_every_bond_is_as_long_as_bonds_are():
    """All kinds in turn along a chain, at both temperatures; rings of D-residues are closed."""
    for temperature in (0.0, 1.0):
        for first in range(0, len(MODIFIED), 25):
            names = list(MODIFIED)[first : first + 25]
            _, topology, atoms = made({3 + 2 * k: name for k, name in enumerate(names)}, temperature)
            heavy = topology.bonds[(topology.elements[topology.bonds] != "H").all(axis=1)]
            lengths = np.linalg.norm(atoms[0, heavy[:, 0]] - atoms[0, heavy[:, 1]], axis=-1)
            assert lengths.min() > 1.15 and lengths.max() < 2.1
            light = topology.bonds[(topology.elements[topology.bonds] == "H").any(axis=1)]
            lengths = np.linalg.norm(atoms[0, light[:, 0]] - atoms[0, light[:, 1]], axis=-1)
            assert lengths.min() > 0.95 and lengths.max() < 1.57


def test_torsions_of_parents_stay():
    """Selenomethionine has the torsions that methionine had."""
    sites = {7: "MSE"}
    _, topology, atoms = made(sites, hydrogens=False)
    _, plain, native = made({7: "MET"}, hydrogens=False)
    new, old = rows_of(topology, 7), rows_of(plain, 7)
    assert_allclose(atoms[0, new["CG"]], native[0, old["CG"]], atol=1e-4)
    for names in (("CA", "CB", "CG", "SE"), ("CB", "CG", "SE", "CE")):
        before = [name.replace("SE", "SD") for name in names]
        one = mda.lib.distances.calc_dihedrals(*(atoms[:, new[name]] for name in names))
        other = mda.lib.distances.calc_dihedrals(*(native[:, old[name]] for name in before))
        assert_allclose(np.cos(one - other), 1, atol=1e-4)


def test_hydroxyproline_has_its_hand(whole):
    """4R: seen from H, substituents O, CD, CB of CG run clockwise (O before CD, which has N, before CB)."""
    _, topology, atoms = whole
    rows = rows_of(topology, 52)
    arms = [atoms[0, rows[name]] - atoms[0, rows["CG"]] for name in ("OD1", "CD", "CB")]
    assert np.linalg.det(arms) < 0


def overlaps(topology, atoms):
    """Overlap of phosphates with other residues: angstroms below 3.2 of heavy atoms, summed."""
    added = np.isin(topology.names, ["P", "O1P", "O2P", "O3P"])
    other = np.flatnonzero((topology.elements != "H") & ~added)
    distance = np.linalg.norm(atoms[0, added][:, None] - atoms[0, other], axis=-1)
    same = topology.residue_of_atom[added][:, None] == topology.residue_of_atom[other]
    return (3.2 - np.where(same, 9, distance)).clip(0).sum()


def test_free_groups_keep_away(monkeypatch):
    """They clash far less than where they start."""
    sites = {11: "TPO", 17: "TPO", 24: "TPO", 48: "TPO", 2: "PTR", 32: "PTR", 12: "TPO", 51: "PTR"}
    _, topology, atoms = made(sites)
    monkeypatch.setattr(Grown, "turn", lambda *_: None)
    assert overlaps(topology, atoms) < 0.4 * overlaps(*made(sites)[1:])


def test_nothing_depends_on_the_batch():
    model, _, atoms = made(SITES, temperature=1.0, n=3)
    u = renamed(SITES)
    beads = u.atoms.positions[model.indices][None]
    for frame in range(3):
        assert_allclose(model.sample(beads, [frame], temperature=1.0)[0], atoms[frame], atol=1e-3)


def test_the_rest_of_the_protein_sees_the_parent():
    """Heavy atoms of all other residues are where they are beside the parents."""
    _, topology, atoms = made({4: "SEP", 17: "TPO"}, hydrogens=False)
    _, plain, native = made({4: "SER"}, hydrogens=False)
    added = np.isin(topology.names, ["P", "O1P", "O2P", "O3P"])
    assert_array_equal(topology.names[~added], plain.names)
    assert_array_equal(atoms[:, ~added], native)


def test_aliases_give_parents():
    _, topology, _ = made({4: "SEP", 7: "MSE"}, aliases={"SEP": "SER", "mse": "MET"})
    assert topology.resnames[[4, 7]].tolist() == ["SER", "MET"]
    assert "SD" in rows_of(topology, 7) and "P" not in topology.names


def test_known_residues_without_a_table_are_told():
    with pytest.warns(UserWarning, match=r"derive from: LYS 6 of chain A \(LLP\)"):
        _, topology, _ = made({4: "LLP"}, hydrogens=False)
    assert topology.resnames[4] == "LYS"


@pytest.mark.parametrize("names", ["charmm", "gromacs"])
def test_names_of_force_fields(names):
    """The backbone follows the force field; atoms of modified residues keep the names of the dictionary."""
    _, topology, _ = made({4: "SEP", 55: "MSE"}, names=names)
    amide = "HN" if names == "charmm" else "H"
    assert rows_of(topology, 4).keys() == {*"N CA C O CB OG P O1P O2P O3P HA HB2 HB3".split(), amide}
    assert rows_of(topology, 55).keys() >= {"SE", "OT1" if names == "charmm" else "OXT"}
    assert topology.resnames[[4, 55]].tolist() == ["SEP", "MSE"]


def test_first_residues():
    """Pyroglutamate and formylmethionine have an amide there, hydroxyproline two hydrogens."""
    for name, amine in (("PCA", {"H"}), ("FME", {"H"}), ("HYP", {"H2", "H3"}), ("MSE", {"H1", "H2", "H3"})):
        _, topology, atoms = made({0: name})
        assert {n for n in rows_of(topology, 0) if n in ("H", "H1", "H2", "H3")} == amine, name
        assert np.isfinite(atoms).all()


def test_protonation_of_a_modified_residue_is_refused():
    with pytest.raises(MappingError, match=r"SEP 6 'SER': expected a form of SEP: SEP"):
        made({4: "SEP"}, protonation={"A:6": "SER"})


# D-residues -----------------------------------------------------------------------------------------------------


def mirror_image(u):
    u = mda.Merge(u.atoms)
    u.atoms.positions = u.atoms.positions * [-1, 1, 1]
    return u


def all_d(u):
    mirrored = {name: d for d, name in D_FORMS.items()}
    u.residues.resnames = [mirrored.get(name, name) for name in u.residues.resnames]
    return u


def hands(topology, atoms):
    """(N - CA) x (C - CA) . (CB - CA) of residues with CB, above 0 for L-residues."""
    found = []
    for residue in range(topology.n_residues):
        rows = rows_of(topology, residue)
        if "CB" in rows:
            n, c, beta = (atoms[0, rows[name]] - atoms[0, rows["CA"]] for name in ("N", "C", "CB"))
            found.append(np.cross(n, c) @ beta)
    return np.array(found)


def test_a_protein_of_d_residues():
    """A mirror image is not refused, phi is above 0 as it is below 0 in the protein, and all centres are D."""
    u = all_d(mirror_image(mda.Universe(GO_PDB)))
    aa = mdb.backmap(u, temperature=0.0, mirror="error")
    phi = np.array([r.phi_selection() and r.phi_selection().dihedral.value() for r in aa.residues[1:]])
    assert (phi > 0).mean() > 0.85
    model = mdb.load_model("genzprot", u.atoms)
    fine, topology = model.mapping.fine, model.topology
    atoms = aa.atoms.positions[None]
    assert set(topology.resnames) <= {*D_FORMS, "GLY"} and (hands(topology, atoms) < 0).all()
    residue = int(np.flatnonzero(topology.resnames == "DTH")[0])
    rows = rows_of(topology, residue)
    arms = [atoms[0, rows[name]] - atoms[0, rows["CB"]] for name in ("CA", "OG1", "CG2")]
    assert np.linalg.det(arms) < 0  # of L-threonine above 0
    assert (
        np.cross(*(atoms[0, rows[x]] - atoms[0, rows["CA"]] for x in ("N", "C")))
        @ (atoms[0, rows["HA"]] - atoms[0, rows["CA"]])
        > 0
    )
    judged = ProteinJudge(fine)(atoms)
    assert dict(zip(SCORES, judged.scores[0], strict=True))["mirrored_ca"] == 0


def test_l_threonine_has_the_other_hand():
    """The sign that the test above goes by."""
    _, topology, atoms = made({})
    rows = rows_of(topology, 1)
    arms = [atoms[0, rows[name]] - atoms[0, rows["CB"]] for name in ("CA", "OG1", "CG2")]
    assert topology.resnames[1] == "THR" and np.linalg.det(arms) > 0 and (hands(topology, atoms) > 0).all()


def test_a_mirror_image_of_l_residues_is_still_refused():
    u = mirror_image(renamed({23: "DAL"}))
    with pytest.raises(MappingError, match="mirror image"):
        mdb.backmap(u, temperature=0.0)


def test_d_residues_through_other_beads_are_told():
    u = mda.Universe(mdb.datafiles.MARTINI_GRO)
    u.residues.resnames = ["DVA" if name == "VAL" else name for name in u.residues.resnames]
    with pytest.warns(UserWarning, match=r"D-residues that are built as L-residues: VAL 5 .*'martini3'"):
        model = mdb.load_model("genzprot", u.atoms, hydrogens=False)
    assert "VAL" in model.topology.resnames and "DVA" not in model.topology.resnames


# validity -------------------------------------------------------------------------------------------------------


def test_validity_counts_what_is_wrong_with_added_atoms(whole):
    model, topology, atoms = whole
    judge = ProteinJudge(model.mapping.fine)

    def faults(places, kind):
        counts = judge(places).counts[0, list(FAULTS).index(kind)]
        return {topology.resnames[k] for k in np.flatnonzero(counts) if k in SITES}

    assert faults(atoms, "bonds") == set()
    longer, bent, turned = atoms.copy(), atoms.copy(), atoms.copy()
    rows = rows_of(topology, 4)
    longer[0, rows["O1P"]] += 0.3 * (atoms[0, rows["O1P"]] - atoms[0, rows["P"]])
    assert faults(longer, "bonds") == {"SEP"}
    assert judge(longer).scores[0, SCORES.index("bonds")] < judge(atoms).scores[0, SCORES.index("bonds")]
    bent[0, rows["O1P"]] = atoms[0, rows["O2P"]] + 0.4
    assert "SEP" in faults(bent, "angles")
    onto = atoms.copy()
    onto[0, rows["O1P"]] = atoms[0, rows_of(topology, 40)["CA"]] + 0.5
    assert {"SEP"} <= faults(onto, "clashes") - faults(atoms, "clashes")
    assert judge(onto).scores[0, SCORES.index("clashscore")] > judge(atoms).scores[0, SCORES.index("clashscore")]
    rows = rows_of(topology, 23)
    n, c = (atoms[0, rows[name]] - atoms[0, rows["CA"]] for name in ("N", "C"))
    normal = np.cross(n, c) / np.linalg.norm(np.cross(n, c))
    arm = atoms[0, rows["CB"]] - atoms[0, rows["CA"]]
    turned[0, rows["CB"]] -= 2 * (arm @ normal) * normal
    assert faults(turned, "mirrored") == {"DAL"} and faults(atoms, "mirrored") == set()


# keep, like, files ----------------------------------------------------------------------------------------------


def test_kept_atoms_stay(tmp_path):
    """What was made is kept as a whole, and a phosphorus without its oxygens, which are put on it."""
    cg = renamed(SITES)
    model = mdb.load_model("genzprot", cg.atoms, hydrogens=False)
    beads, topology = cg.atoms.positions[model.indices][None], model.topology
    atoms = model.sample(beads, [5], temperature=1.0, bead_tolerance=0)
    u = model.universe()
    u.load_new(atoms)
    chosen = u.select_atoms("resid 6 9 19 54")
    again = mdb.load_model("genzprot", cg.atoms, keep=chosen, hydrogens=False)
    kept = again.sample(beads, [5], temperature=1.0)
    assert_array_equal(kept[0, chosen.ix], atoms[0, chosen.ix])
    some = u.select_atoms("resid 6 and name N CA C O CB OG P")
    again = mdb.load_model("genzprot", cg.atoms, keep=some, hydrogens=False)
    kept, rows = again.sample(beads, [5], temperature=1.0), rows_of(topology, 4)
    assert_array_equal(kept[0, some.ix], atoms[0, some.ix])
    arms = np.linalg.norm(kept[0, [rows[x] for x in ("O1P", "O2P", "O3P")]] - kept[0, rows["P"]], axis=-1)
    assert_allclose(arms, 1.517, atol=2e-3)


def test_a_topology_with_modified_residues(whole):
    model, topology, atoms = whole
    u = model.universe()
    shuffled = mda.Merge(u.atoms)
    cg = renamed(SITES)
    again = mdb.load_model("genzprot", cg.atoms, like=shuffled)
    assert_array_equal(again.topology.names, topology.names)
    assert_array_equal(again.topology.resnames, topology.resnames)
    beads = cg.atoms.positions[again.indices][None]
    assert_allclose(again.sample(beads, [0], temperature=0.0), atoms, atol=1e-5)


def test_files_of_a_trajectory_read_back(tmp_path, capsys):
    """Converted from the command line; MDAnalysis and gemmi read the same residues, in one chain."""
    gemmi = pytest.importorskip("gemmi")
    sites = {4: "SEP", 7: "MSE", 23: "DAL", 0: "PCA"}
    u = renamed(sites, (GO_PDB, GO_XTC))
    u.atoms.write(str(tmp_path / "ca.pdb"))
    out = tmp_path / "aa.pdb"
    assert main(["convert", str(tmp_path / "ca.pdb"), GO_XTC, "-o", str(tmp_path / "aa.xtc"), "--stop", "3"]) == 0
    aa = mda.Universe(str(out), str(tmp_path / "aa.xtc"))
    assert aa.trajectory.n_frames == 3
    lines = out.read_text().splitlines()
    records = {line[17:20]: line[:6].strip() for line in lines if line.startswith(("ATOM", "HETATM"))}
    assert {records[name] for name in sites.values()} == {"HETATM"} and records["VAL"] == "ATOM"
    selenium = next(line for line in lines if line[12:16] == "SE  ")
    assert selenium[17:20] == "MSE" and selenium[76:78].upper() == "SE"
    assert aa.select_atoms("resname SEP and name P").elements.tolist() == ["P"]
    for ts in aa.trajectory:
        middle = aa.select_atoms("resname SEP and name P").positions[0]
        arms = aa.select_atoms("resname SEP and name O1P O2P O3P OG").positions - middle
        assert np.linalg.norm(arms, axis=1).max() < 1.63, ts.frame
    structure = gemmi.read_structure(str(out))
    structure.setup_entities()
    polymer = structure[0]["A"].get_polymer()
    assert len(polymer) == 56 and [polymer[k].name for k in sites] == list(sites.values())
    assert gemmi.Element(polymer[7]["SE"][0].element.name).name == "Se"
    assert main(["check", str(out), "--quiet"]) == 0
    atoms, fine = protein_atoms(mda.Universe(str(out)).atoms)
    assert len(atoms) == len(aa.atoms) and fine.names[fine.variants[fine.residue_of_atom] == "DAL"].tolist()[:5] == [
        *("N", "CA", "C", "O", "CB")
    ]
    degrees = np.bincount(fine.bonds.ravel(), minlength=fine.n_atoms)
    assert degrees.min() > 0 and degrees[fine.names == "P"] == 4
    again = tmp_path / "again"
    assert main(["coarsen", str(out), "--mapping", "ca", "-o", f"{again}.pdb", "--quiet"]) == 0
    assert_allclose(mda.Universe(f"{again}.pdb").atoms.positions, aa.select_atoms("name CA").positions, atol=6e-3)
    assert mda.Universe(f"{again}.pdb").residues.resnames[list(sites)].tolist() == list(sites.values())
