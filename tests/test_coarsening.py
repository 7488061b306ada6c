"""Bead models of proteins: beads cut from atoms by `mdbackmap coarsen --mapping NAME`."""

import json

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose

from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.molecule.bead_models import BEAD_MODELS
from mdbackmap.molecule.bonds import molecules
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.recognition.recognise import recognise
from mdbackmap.universes.protein import protein_atoms

PDB_PRECISION = 0.0006  # angstrom, of a coordinate in a PDB file

PEPTIDE = """\
ATOM      1  N   MET A   1      12.000   1.000   0.000  1.00  0.00           N
ATOM      2  H1  MET A   1      12.500   1.900   0.100  1.00  0.00           H
ATOM      3  CA  MET A   1      13.400   0.700   0.300  1.00  0.00           C
ATOM      4  HA  MET A   1      13.500   0.900   1.400  1.00  0.00           H
ATOM      5  C   MET A   1      14.300   1.600  -0.500  1.00  0.00           C
ATOM      6  O   MET A   1      13.900   2.200  -1.500  1.00  0.00           O
ATOM      7  CB AMET A   1      13.700  -0.800   0.100  0.40  0.00           C
ATOM      8  CB BMET A   1      13.800  -0.700   0.000  0.60  0.00           C
ATOM      9  CG AMET A   1      13.000  -1.700   1.100  0.40  0.00           C
ATOM     10  CG BMET A   1      13.100  -1.800   1.000  0.60  0.00           C
ATOM     11  SD  MET A   1      13.500  -3.400   0.900  1.00  0.00           S
ATOM     12  CE  MET A   1      12.500  -4.200   2.100  1.00  0.00           C
ATOM     13  N   ALA A   2      15.600   1.700   0.000  1.00  0.00           N
ATOM     14  H   ALA A   2      15.900   1.200   0.800  1.00  0.00           H
ATOM     15  CA  ALA A   2      16.600   2.500  -0.700  1.00  0.00           C
ATOM     16  CB  ALA A   2      17.900   2.600   0.100  1.00  0.00           C
ATOM     17  C   ALA A   2      16.900   1.900  -2.100  1.00  0.00           C
ATOM     18  OT1 ALA A   2      16.700   0.700  -2.300  1.00  0.00           O
ATOM     19  OT2 ALA A   2      17.300   2.700  -3.000  1.00  0.00           O
HETATM   20  O   HOH A   3      30.000  30.000  30.000  1.00  0.00           O
END
"""


@pytest.fixture
def peptide(tmp_path):
    path = tmp_path / "peptide.pdb"
    path.write_text(PEPTIDE)
    return str(path)


def beads_of(mapping, *files, out="cg.pdb", tmp_path=None):
    path = tmp_path / out
    assert main(["coarsen", *map(str, files), "--mapping", mapping, "-o", str(path), "--quiet"]) == 0
    return mda.Universe(str(tmp_path / "cg.pdb"), str(path)) if out != "cg.pdb" else mda.Universe(str(path))


def mean(atoms, names, masses=True):
    chosen = atoms.select_atoms(f"name {names} and not altLoc A")
    weights = np.array([{"C": 12.011, "N": 14.007, "O": 15.999, "S": 32.06, "H": 1.008}[e] for e in chosen.elements])
    return np.average(chosen.positions, axis=0, weights=weights if masses else None)


FURTHEST = {"ca": 1.7, "bb": 1.6, "com": 1.2, "awsem": 1.2, "backbone": 1.2, "backbone_cb": 1.2}
"""Angstrom of RMSD, a third above what there is; of other bead models less than 0.8."""


def test_atoms_of_a_protein(peptide):
    atoms, fine = protein_atoms(mda.Universe(peptide).atoms)
    assert atoms.n_atoms == fine.n_atoms == 17  # one of two locations, no water
    assert set(atoms.altLocs) == {"", "B"}
    assert fine.names.tolist()[-2:] == ["O", "OXT"]
    bonds = {tuple(sorted(fine.names[pair].tolist())) for pair in fine.bonds}
    assert {("C", "OXT"), ("CA", "HA"), ("H1", "N"), ("C", "N"), ("CE", "SD")} <= bonds
    assert molecules(fine.n_atoms, fine.bonds).max() == 0


def test_martini_3_by_hand(peptide, tmp_path):
    atoms, beads = mda.Universe(peptide).atoms, beads_of("martini3", peptide, tmp_path=tmp_path)
    assert beads.atoms.names.tolist() == ["BB", "SC1", "BB", "SC1"]
    met, ala = atoms.select_atoms("resid 1"), atoms.select_atoms("resid 2")
    expected = [mean(met, "N H1 CA C O"), mean(met, "CB CG SD CE"), mean(ala, "N H CA C OT1 OT2"), mean(ala, "CB")]
    assert_allclose(beads.atoms.positions, expected, atol=PDB_PRECISION)


@pytest.mark.parametrize(
    ("mapping", "names", "last"),
    [
        ("com", ["CA", "CA"], "N H CA CB C OT1 OT2"),
        ("ca+sc", ["CA", "SC"] * 2, "CB"),
        ("ca_cm", ["CA", "CM"] * 2, "N H CA CB C OT1 OT2"),
        ("martini2", ["BB", "SC1", "BB"], "N H CA CB C OT1 OT2"),
        ("elnedyn", ["BB", "SC1", "BB"], "CA"),
        ("awsem", ["CA", "CB", "O"] * 2, "OT1"),
        ("backbone", ["N", "CA", "C", "O"] * 2, "OT1"),
        ("primo", ["N", "CA", "CO", "SC1", "SC2", "SC3", "N", "CA", "CO", "SC1"], "CB"),
        ("martini3_ncaco", ["N", "CA", "C", "O", "SC1"] * 2, "CB"),
        ("bb", ["BB", "BB"], "N H CA C OT1 OT2"),
        ("calpha", ["CA", "CA"], "CA"),
    ],
)
def test_each_bead_model(peptide, tmp_path, mapping, names, last):
    beads = beads_of(mapping, peptide, tmp_path=tmp_path)
    assert beads.atoms.names.tolist() == names
    own = mda.Universe(peptide).select_atoms("resid 2")
    assert_allclose(beads.atoms.positions[-1], mean(own, last), atol=PDB_PRECISION)


def test_a_trajectory_and_two_chains(tmp_path):
    beads = beads_of("martini3", TRPCAGE_PDB, TRPCAGE_XTC, out="cg.xtc", tmp_path=tmp_path)
    atoms = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    assert len(beads.trajectory) == len(atoms.trajectory)
    for ts, _ in zip(beads.trajectory, atoms.trajectory, strict=True):
        alanine = atoms.select_atoms("resid 4 and name N CA C O")
        assert_allclose(ts.positions[beads.atoms.resids == 4][0], mean(alanine, "N CA C O"), atol=0.011)
    (tmp_path / "cg.pdb").unlink()
    both = beads_of("com", COMPLEX_PDB, tmp_path=tmp_path)
    assert (both.atoms.n_atoms, sorted(set(both.atoms.chainIDs))) == (194, ["A", "D"])


@pytest.mark.parametrize("name", BEAD_MODELS)
def test_beads_are_recognised_again_and_lie_where_its_mapping_puts_them(name, tmp_path):
    whole, beads = mda.Universe(TRPCAGE_PDB).atoms, beads_of(name, TRPCAGE_PDB, tmp_path=tmp_path)
    indices, coarse, model = recognise(beads.atoms, mapping="bb" if name == "bb" else None)  # else BB would have SC1
    assert model.name == name
    mapping = Mapping.of(model, coarse)
    place = {(atom.resid, atom.name): atom.position for atom in whole}
    atoms = [
        place[pair] for pair in zip(mapping.fine.resids[mapping.fine.residue_of_atom], mapping.fine.names, strict=True)
    ]
    found, written = mapping.project(np.array(atoms, dtype=float)), beads.atoms[indices].positions
    ends = (mapping.residue_of_bead == coarse.n_residues - 1) & np.isin(coarse.names, list(model.end_atoms.values()))
    assert_allclose(found[~ends], written[~ends], atol=PDB_PRECISION)
    assert_allclose(found[ends], written[ends], atol=0.03)  # OXT as a sum of other atoms


@pytest.mark.parametrize("name", [*BEAD_MODELS, "ca+sc"])
def test_there_and_back(name, tmp_path):
    """From atoms to beads and to atoms again, by two commands."""
    cg, aa = tmp_path / "cg.pdb", tmp_path / "aa.pdb"
    assert main(["coarsen", TRPCAGE_PDB, "--mapping", name, "-o", str(cg), "--quiet"]) == 0
    assert main(["convert", str(cg), "-o", str(aa), "--temperature", "0", "--quiet"]) == 0
    atoms, again = mda.Universe(TRPCAGE_PDB).atoms, mda.Universe(str(aa))
    place = {(atom.resid, atom.name): atom.position for atom in again.atoms}
    off = np.array([place[atom.resid, atom.name] - atom.position for atom in atoms])
    assert np.sqrt((off**2).sum(-1).mean()) < FURTHEST.get(name, 0.8)


def test_centres_of_mass_know_a_gap_by_the_numbers(tmp_path, caplog):
    """In a GRO file, which has no chains and no bonds: the neighbours of two missing residues lie 4.9 A apart."""
    beads_of("com", COMPLEX_PDB, out="cg.gro", tmp_path=tmp_path)
    with caplog.at_level("INFO"):
        _, coarse, _ = recognise(mda.Universe(str(tmp_path / "cg.gro")).atoms)
    assert coarse.stretches() == ["A 3-109", "B 1-63", "B 66-89"]
    assert "the file names no chains: by breaks and numbers they are A, B" in caplog.text


def test_a_file_of_bead_models(peptide, tmp_path):
    residues = {name: {"P": {"N": 1.0, "C": 1.0}, "Q": {"CA": 2.0, "CB": 1.0}} for name in ("MET", "ALA")}
    models = {"mine": {"anchor": "Q", "weights": "equal", "residues": residues}, "no": {**residues, "anchor": "Q"}}
    (tmp_path / "one.json").write_text(json.dumps({"models": {"mine": models["mine"]}}))
    for name in ("one.json", "one.json:mine"):
        beads = beads_of(str(tmp_path / name), peptide, tmp_path=tmp_path)
        own = mda.Universe(peptide).select_atoms("resid 2")
        assert beads.atoms.names.tolist() == ["P", "Q"] * 2
        q = (2 * own.select_atoms("name CA").positions[0] + own.select_atoms("name CB").positions[0]) / 3
        assert_allclose(beads.atoms.positions[-2:], [mean(own, "N C", masses=False), q], atol=PDB_PRECISION)
        (tmp_path / "cg.pdb").unlink()


def test_what_is_wrong(peptide, tmp_path, capsys):
    def refused(*arguments):
        assert main(["coarsen", *arguments, "-o", str(tmp_path / "no.pdb")]) == 1
        return capsys.readouterr().err

    assert "expected one of residue" in (message := refused(peptide, "--mapping", "martini4")) and "elnedyn" in message
    incomplete = refused(peptide, "--mapping", "com", "--select", "not name SD")
    assert "1 residue(s) lack atoms of beads of 'com': chain A, MET 1 (SD)" in incomplete
    assert main(["coarsen", peptide, "--mapping", "bb", "--select", "not name SD", "-o", str(tmp_path / "bb.pdb")]) == 0
    with pytest.raises(SystemExit):
        main(["coarsen", peptide, "--mapping", "com", "--weights", "mass", "-o", str(tmp_path / "no.pdb")])
    assert "has weights of its own" in capsys.readouterr().err
    assert not (tmp_path / "no.pdb").exists()


def test_variants_with_beads_of_their_own_keep_their_names(tmp_path):
    lines = [line.replace("MET", "HID") for line in PEPTIDE.splitlines() if " SD " not in line and " CE " not in line]
    more = "ATOM     11  {:<4}HID A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           {}"
    ring = [("ND1", 1, 2, 3), ("CD2", 2, 3, 5), ("CE1", 4, 4, 4), ("NE2", 5, 1, 1)]
    rows = [more.format(name, x, y, z, name[0]) for name, x, y, z in ring]
    (tmp_path / "his.pdb").write_text("\n".join(lines[:10] + rows + lines[10:]))
    beads = beads_of("martini3", tmp_path / "his.pdb", tmp_path=tmp_path)
    assert beads.residues.resnames.tolist() == ["HID", "ALA"]
    assert list(BEAD_MODELS["martini3"].residues["HID"]["SC1"]) == ["CB"]
    own = mda.Universe(str(tmp_path / "his.pdb")).select_atoms("resid 1")
    assert_allclose(beads.atoms.positions[1], mean(own, "CB"), atol=PDB_PRECISION)
