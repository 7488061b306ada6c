"""Caps of chains: which, where, in which order and under which names, and that other programs take them."""

import dataclasses
import shutil
import subprocess

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from traces import topology

import mdbackmap as mdb
from mdbackmap.chemistry import terminal_caps as chemistry
from mdbackmap.chemistry.bound_hydrogens import written_form, written_names
from mdbackmap.completion.caps import Caps, placed, torsion, wanted
from mdbackmap.completion.complete import Completion
from mdbackmap.datafiles import MARTINI_GRO, TRPCAGE_PDB
from mdbackmap.metrics.protein_judge import ProteinJudge
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.options import HydrogenOptions
from mdbackmap.writing.pdb import write_topology

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cage():
    return mda.Universe(TRPCAGE_PDB)


@pytest.fixture(scope="module")
def capped(cage):
    """Trp-cage with caps, and its atoms (A, 3)."""
    model = mdb.load_model("genzprot", cage.atoms, caps=True)
    return model, made(model, cage)


def made(model, u, **options):
    return model.sample(u.atoms.positions[model.indices][None], [0], temperature=0.0, **options)[0]


def rows(fine, residue):
    first, stop = np.searchsorted(fine.residue_of_atom, [residue, residue + 1])
    return {str(fine.names[k]): k for k in range(first, stop)}


def completed(coarse, **options):
    return Completion(Mapping.ca(coarse), HydrogenOptions(True, **options)).mapping.fine


def test_atoms_are_those_of_amber():
    app = pytest.importorskip("openmm.app")
    known = app.ForceField("amber14/protein.ff14SB.xml")._templates
    for name, heavy in chemistry.ATOMS.items():
        light = [h for names in chemistry.HYDROGENS[name].values() for h in names.split()]
        form = written_form(name, "amber")
        assert {*heavy, *light} == {atom.name for atom in known[form].atoms}, name


def test_order_numbers_and_bonds():
    """Two pieces with one residue missing between, and numbers that follow on each other across a break."""
    fine = completed(topology("AGAAGA", gaps=[1, 3], resids=[4, 5, 7, 8, 9, 10]), caps=True)
    assert fine.resnames.tolist() == [*"ACE ALA GLY NME ACE ALA ALA NME ACE GLY ALA NME".split()]
    assert fine.ends.tolist() == [False, False, False, True] * 3
    assert fine.resids.tolist() == [3, 4, 5, 6, 6, 7, 8, 9, 8, 9, 10, 11]
    numbers = list(zip(fine.resids.tolist(), fine.icodes.tolist(), strict=True))
    assert len(set(numbers)) == len(numbers) and not fine.icodes[fine.types >= 0].any()
    assert "OXT" not in fine.names and "H3" not in fine.names
    near = {(fine.resnames[a], fine.resnames[b]) for a, b in fine.residue_of_atom[fine.bonds] if a != b}
    assert near == {("ACE", "ALA"), ("ALA", "GLY"), ("GLY", "NME"), ("ALA", "ALA"), ("ALA", "NME")} | {
        ("ACE", "GLY"),
        ("GLY", "ALA"),
    }
    assert [*rows(fine, 0)] == [*"CH3 C O HH31 HH32 HH33".split()]
    assert [*rows(fine, 3)] == [*"N CH3 H HH31 HH32 HH33".split()]


def test_default_is_what_the_input_has():
    coarse = dataclasses.replace(topology("AGA"), caps=[["ACE", ""], ["", ""], ["", "NHE"]])
    assert completed(coarse).resnames.tolist() == ["ACE", "ALA", "GLY", "ALA", "NH2"]
    assert [*rows(completed(coarse), 4)] == ["N", "HN1", "HN2"]
    none = completed(coarse, caps=False)
    assert none.resnames.tolist() == ["ALA", "GLY", "ALA"] and {"H3", "OXT"} <= {*none.names}
    one = dataclasses.replace(coarse, caps=[["FOR", ""], ["", ""], ["", "NMA"]])  # formyl is not built
    assert wanted(one, None).tolist() == [["", ""], ["", ""], ["", "NME"]]
    assert wanted(one, True).tolist() == [["ACE", ""], ["", ""], ["", "NME"]]
    assert completed(topology("AGA")).resnames.tolist() == ["ALA", "GLY", "ALA"]


def test_geometry_is_ideal(capped):
    model, atoms = capped
    fine = model.mapping.fine
    assert model.n_atoms == len(atoms) and np.isfinite(atoms).all()
    assert fine.resnames[[0, -1]].tolist() == ["ACE", "NME"] and fine.resids[[0, -1]].tolist() == [0, 21]
    ace, first = (({k: atoms[v] for k, v in rows(fine, r).items()}) for r in (0, 1))
    last, nme = (({k: atoms[v] for k, v in rows(fine, r).items()}) for r in (20, 21))
    turns = {
        "omega before": torsion(ace["CH3"], ace["C"], first["N"], first["CA"]),
        "O before": torsion(ace["O"], ace["C"], first["N"], first["H"]),
        "omega behind": torsion(last["CA"], last["C"], nme["N"], nme["CH3"]),
        "H behind": torsion(last["O"], last["C"], nme["N"], nme["H"]),
        "plane behind": torsion(last["CA"], last["O"], nme["N"], last["C"]) + 180,
    }
    for name, turn in turns.items():
        assert abs(turn) > 179 or name == "plane behind" and abs((turn + 180) % 360 - 180) < 1, name
    lengths = [(ace["C"], first["N"], 1.33), (ace["C"], ace["CH3"], 1.522), (ace["C"], ace["O"], 1.232)]
    lengths += [(last["C"], nme["N"], 1.33), (nme["N"], nme["CH3"], 1.449), (last["C"], last["O"], 1.232)]
    lengths += [(ace["CH3"], ace["HH31"], 1.09), (nme["CH3"], nme["HH33"], 1.09), (nme["N"], nme["H"], 1.01)]
    for one, two, length in lengths:
        assert np.linalg.norm(one - two) == pytest.approx(length, abs=2e-3)
    assert min(abs(torsion(ace["C"], first["N"], first["CA"], first["C"]) - x) for x in chemistry.PHI) < 0.1
    assert min(abs(torsion(last["N"], last["CA"], last["C"], nme["N"]) - x) for x in chemistry.PSI) < 0.1


def test_nothing_else_moves(cage, capped):
    plain = mdb.load_model("genzprot", cage.atoms)
    (model, atoms), fine, mine = capped, plain.mapping.fine, capped[0].mapping.fine
    inside = (fine.elements != "H") & ~np.isin(fine.names, ["OXT"])
    last = (fine.residue_of_atom == 19) & (fine.names == "O")
    same = (mine.elements != "H") & (mine.types >= 0)[mine.residue_of_atom]
    assert_array_equal(fine.names[inside], mine.names[same])
    assert_allclose(made(plain, cage)[inside & ~last], atoms[same][~last[inside]], atol=1e-4)
    assert_array_equal(model.mapping.project(atoms), cage.atoms.positions[model.indices])


def test_caps_keep_away_from_others():
    """What lies where a cap would be makes it turn; the first of equal torsions is taken."""
    fine = Mapping.ca(topology("AAA")).fine
    atoms = np.zeros((1, fine.n_atoms, 3))
    at = rows(fine, 0)
    atoms[0, at["CA"]], atoms[0, at["C"]] = [0, 0, 0], [1.5, 0, 0]
    atoms[0, at["N"]], atoms[0, at["CB"]] = [-0.5, 1.4, 0], [-0.5, -0.7, 1.2]
    atoms[0, fine.residue_of_atom > 0] = 50.0 + np.arange(np.count_nonzero(fine.residue_of_atom > 0))[:, None]
    caps = Caps.of(fine, np.array([["ACE", ""], ["", ""], ["", ""]]))

    def phi(**options):
        found = caps.place(atoms.copy(), **options)[0]
        return float(torsion(found[1], *atoms[0, [at["N"], at["CA"], at["C"]]]))

    assert phi() == pytest.approx(chemistry.PHI[0])
    near = placed(*atoms[0, [at["C"], at["CA"], at["N"]]], chemistry.C_N, chemistry.C_N_CA, chemistry.PHI[0])
    near = near + 1.2 * (near - atoms[0, at["N"]])
    assert abs(phi(around=near[None, None]) - chemistry.PHI[0]) > 30
    box = np.eye(3)[None] * 300
    assert phi(around=near[None, None] + 300, boxes=box) == pytest.approx(phi(around=near[None, None]))


def test_oxygens_that_stay_do_not_turn():
    mapping = Mapping.ca(topology("AAA"))
    completion = Completion(mapping, HydrogenOptions(False, caps=True))
    atoms = np.random.default_rng(0).normal(size=(2, mapping.n_atoms, 3)) * 20
    row = completion.own[np.flatnonzero(mapping.fine.names == "O")[-1]]
    before = atoms.copy()
    stays = completion(atoms, still=[row])
    assert_array_equal(atoms, before)
    fine = completion.mapping.fine
    last, nme = rows(fine, 3), rows(fine, 4)
    turn = torsion(*(stays[:, k] for k in (last["CA"], last["O"], nme["N"], last["C"])))
    assert_allclose(np.abs((turn + 90) % 180 - 90), 0, atol=1e-3)  # one plane
    completion(atoms)
    assert (np.abs(atoms - before).max(axis=(0, 2)) > 0).nonzero()[0].tolist() == [mapping.n_atoms - 2]


def test_beads_that_hold_the_oxygen(tmp_path):
    u = mda.Universe(MARTINI_GRO)
    model = mdb.load_model("genzprot", u.atoms, caps=True)
    plain = mdb.load_model("genzprot", u.atoms)
    moved, beads = made(model, u)[None], u.atoms.positions[model.indices][None]
    assert_allclose(model.displacements(beads, moved), plain.displacements(beads, made(plain, u)[None]), atol=1e-3)


def test_names_of_force_fields():
    ace, nme = [*"CH3 C O HH31 HH32 HH33".split()], [*"N CH3 H HH31 HH32 HH33".split()]
    assert written_names(ace, "ACE", "gromacs") == ace and written_names(nme, "NME", "amber") == nme
    assert written_names(ace, "ACE", "charmm") == [*"CAY CY OY HY1 HY2 HY3".split()]
    assert written_names(nme, "NME", "charmm") == [*"NT CAT HNT HT1 HT2 HT3".split()]
    assert [written_form("NME", names) for names in ("amber", "charmm", "gromacs")] == ["NME", "NMA", "NME"]
    assert written_form("NH2", "gromacs") == "NHE" and written_names(["HN1"], "NH2", "gromacs") == ["H1"]


def test_caps_of_the_input_and_of_another_topology(cage, capped, tmp_path):
    """A capped structure read again has its caps; its atoms under other names, in another order, too."""
    model, atoms = capped
    write_topology(tmp_path / "capped.pdb", model.topology, atoms)
    u = mda.Universe(tmp_path / "capped.pdb")
    with pytest.warns(UserWarning, match="caps are built anew"):
        again = mdb.load_model("genzprot", u.atoms)
    assert_array_equal(again.topology.names, model.topology.names)
    assert mdb.load_model("genzprot", u.atoms, caps=False).n_atoms == mdb.load_model("genzprot", cage.atoms).n_atoms
    shuffled = np.concatenate([residue.atoms.ix[::-1] for residue in u.residues])
    other = mda.Merge(u.atoms[shuffled])
    other.select_atoms("resname NME and name CH3").names = "C"
    for k in (1, 2, 3):
        other.select_atoms(f"resname NME and name HH3{k}").names = f"H{k}"
        other.select_atoms(f"resname ACE and name HH3{k}").names = f"{k}HH3"
    other.atoms.write(tmp_path / "other.pdb")
    like = mdb.load_model("genzprot", cage.atoms, like=tmp_path / "other.pdb")
    assert_array_equal(like.topology.names, other.atoms.names)
    assert_allclose(made(like, cage), atoms[shuffled], atol=0.02)
    assert {"ACE", "NME"} <= {*like.topology.resnames} and not like.topology.hetero.any()
    bare = mdb.load_model("genzprot", u.atoms, like=mda.Universe(TRPCAGE_PDB).atoms)
    assert not {"ACE", "NME"} & {*bare.topology.resnames}


def test_kept_caps(cage, capped, tmp_path):
    model, atoms = capped
    write_topology(tmp_path / "capped.pdb", model.topology, atoms)
    u = mda.Universe(tmp_path / "capped.pdb")
    keep = u.select_atoms("resid 0:4 19:21")
    with pytest.raises(MappingError, match="ACE 0, a cap that the chain does not get: add caps=True"):
        mdb.load_model("genzprot", cage.atoms, keep=keep)
    kept = mdb.load_model("genzprot", cage.atoms, keep=keep, caps=True)
    fine, found = kept.mapping.fine, made(kept, cage)
    assert kept.n_atoms == model.n_atoms
    heavy = np.isin(fine.resids, [0, 1, 2, 3, 4, 19, 20, 21])[fine.residue_of_atom] & (fine.elements != "H")
    assert_array_equal(found[heavy], u.atoms.positions[heavy])


def test_what_it_may_be():
    with pytest.raises(ValueError, match="caps=2: expected True or False"):
        HydrogenOptions(caps=2)


def test_openmm_and_validity(capped, tmp_path):
    app = pytest.importorskip("openmm.app")
    model, atoms = capped
    write_topology(tmp_path / "aa.pdb", model.topology, atoms)
    pdb = app.PDBFile(str(tmp_path / "aa.pdb"))
    system = app.ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem(pdb.topology)
    assert system.getNumParticles() == model.n_atoms
    judged = ProteinJudge(model.mapping.fine)(atoms[None]).rows()[0]
    assert judged["bonds"] == 100 and judged["pierced"] == 0 and judged["cis"] == 0


@pytest.mark.slow
def test_gromacs(cage, tmp_path):
    gmx = shutil.which("gmx")
    if gmx is None:
        pytest.skip("no GROMACS")
    model = mdb.load_model("genzprot", cage.atoms, caps=True, names="gromacs")
    write_topology(tmp_path / "aa.pdb", model.topology, made(model, cage))
    command = [gmx, "pdb2gmx", "-f", "aa.pdb", "-ff", "amber99sb-ildn", "-water", "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert mda.Universe(tmp_path / "conf.gro").atoms.n_atoms == model.n_atoms


def test_residues_that_stand_alone(tmp_path):
    """One residue between two gaps, a piece of two, and one that is a chain: whole, and with caps for OpenMM."""
    app = pytest.importorskip("openmm.app")
    u = mda.Universe.empty(8, n_residues=8, atom_resindex=range(8), trajectory=True)
    u.add_TopologyAttr("names", ["CA"] * 8)
    u.add_TopologyAttr("resnames", [*"ALA GLY SER LYS PRO TRP VAL CYS".split()])
    u.add_TopologyAttr("resids", [1, 2, 3, 10, 20, 21, 22, 30])
    places = mda.Universe(TRPCAGE_PDB).select_atoms("name CA").positions
    u.atoms.positions = np.concatenate([places[:3], places[8:9], places[11:14], places[19:20] + 8])
    for caps in (False, True):
        model = mdb.load_model("genzprot", u.atoms, caps=caps)
        fine, atoms = model.mapping.fine, made(model, u)
        judged = ProteinJudge(fine)(atoms[None]).rows()[0]
        assert judged["bonds"] == 100 and judged["angles"] > 98 and judged["mirrored_ca"] == 0
    path = str(tmp_path / "lone.pdb")
    write_topology(path, model.topology, atoms)
    whole = app.PDBFile(path).topology
    system = app.ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem(whole)
    assert system.getNumParticles() == model.n_atoms
