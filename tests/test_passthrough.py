"""passthrough=: molecules that are not converted come out as they are, and atoms are packed around ions and ligands."""

import json
import logging

import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, MARTINI_GRO, MARTINI_XTC, TRPCAGE_PDB
from mdbackmap.molecule.images import molecule_bonds
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.molecule.topology import Topology
from mdbackmap.universes import passengers
from mdbackmap.writing.pdb import PDBLayout, ending, fits_pdb

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def martini():
    return mda.Universe(MARTINI_GRO, MARTINI_XTC)


@pytest.fixture(scope="module")
def whole_system(martini):
    return mdb.load_model("genzprot", martini, passthrough=True)


def beside(model):
    """Rows of what is carried along."""
    return slice(model.converted.n_atoms, None)


def test_all_that_is_no_protein_is_carried_along(martini, whole_system):
    fine, others = whole_system.mapping.fine, martini.select_atoms("resname W NA CL")
    assert whole_system.mapping.n_atoms == whole_system.converted.n_atoms + len(others)
    assert fine.names[beside(whole_system)].tolist() == others.names.tolist()
    assert fine.resids[fine.hetero].tolist() == others.residues.resids.tolist()
    assert fine.resnames[fine.hetero].tolist() == others.residues.resnames.tolist()
    assert not set(fine.chainIDs[fine.hetero]) & set(fine.chainIDs[~fine.hetero])  # GRO names no chains
    assert set(fine.elements[beside(whole_system)]) == {"", "Na", "Cl"}
    assert len(whole_system.system.passengers.around) == 32  # ions, but not beads of water


@pytest.mark.parametrize("name", ["aa.xtc", "aa.h5md", "aa.pdb"])
def test_places_and_boxes_of_each_frame_through_files(martini, whole_system, tmp_path, name):
    run = mdb.BackmapTrajectory(martini, whole_system, tmp_path / name).run(stop=3)
    assert run.results.displacements.shape == (3, whole_system.converted.n_beads)
    if name == "aa.xtc":
        assert json.loads((tmp_path / "aa.json").read_text())["conversion"]["passthrough"]["packed_around"] == 32
    again = mda.Universe(run.results.topology, tmp_path / name)
    assert again.atoms.names.tolist() == whole_system.mapping.fine.names.tolist()
    assert again.atoms.record_types[beside(whole_system)].tolist() == ["HETATM"] * 1170
    live = mdb.backmap(martini, whole_system)
    for cg, aa, at_once in zip(martini.trajectory, again.trajectory, live.trajectory, strict=False):
        if cg.frame == 3:
            break
        indices = whole_system.system.passengers.indices
        np.testing.assert_allclose(aa.positions[beside(whole_system)], cg.positions[indices], atol=6e-3)
        np.testing.assert_array_equal(at_once.positions[beside(whole_system)], cg.positions[indices])
        np.testing.assert_allclose(aa.dimensions, cg.dimensions, atol=6e-3)
        assert at_once.data["displacements"].shape == (whole_system.converted.n_beads,)


def test_spread_is_that_of_the_protein(martini, tmp_path):
    model = mdb.load_model("genzprot", martini, passthrough="resname NA")
    run = mdb.BackmapTrajectory(martini, model, tmp_path / "aa.pdb", n_samples=2, wrap="wrapped").run(stop=1)
    assert run.results.spread.shape == (1, 76) and 0 < run.results.spread.max() < 10
    assert model.system.of_residues(np.ones(76)).tolist() == [1.0] * 76 + [0.0] * 16


def test_a_selection_and_a_group_of_the_protein(martini, caplog):
    protein = martini.select_atoms("protein")
    with caplog.at_level(logging.WARNING):
        model = mdb.load_model("genzprot", protein, passthrough="resname NA CL or resid 5")
    assert "residues that are converted are not carried" in caplog.text
    assert set(model.mapping.fine.resnames[model.mapping.fine.hetero]) >= {"NA", "CL"}
    run = mdb.BackmapTrajectory(protein, model).run(stop=1)
    rows = model.system.passengers.indices
    np.testing.assert_array_equal(run.results.positions[0, beside(model)], martini.trajectory[0].positions[rows])


def test_words_for_what_cannot_be_carried(martini, whole_system):
    with pytest.raises(ValueError, match="--passthrough 'resname XYZ' selects none"):
        mdb.load_model("genzprot", martini, passthrough="resname XYZ")
    with pytest.raises(MappingError, match="another Universe"):
        mdb.load_model("genzprot", martini, passthrough=mda.Universe(GO_PDB))
    with pytest.raises(TypeError, match="passthrough=3"):
        mdb.load_model("genzprot", martini, passthrough=3)
    with pytest.raises(MappingError, match="given twice"):
        whole_system.carrying(True, martini)


def go_with(others, names, resnames):
    """A C-alpha trace with single particles beside it."""
    go = mda.Universe(GO_PDB).atoms
    u = mda.Universe.empty(len(others), len(others), atom_resindex=range(len(others)), trajectory=True)
    for attribute, values in (("names", names), ("resnames", resnames), ("resids", range(1, len(others) + 1))):
        u.add_TopologyAttr(attribute, list(values))
    u.atoms.positions = np.array(others)
    return mda.Merge(go, u.atoms)


def test_sites_of_a_go_model_are_named_and_left(caplog):
    cg = mda.Universe(MARTINI_GRO)
    beads = cg.select_atoms("protein")
    sites = mda.Merge(beads.select_atoms("name BB"))
    sites.add_TopologyAttr("names", ["CA"] * len(sites.atoms))
    both = mda.Merge(beads, sites.atoms)
    with caplog.at_level(logging.WARNING):
        model = mdb.load_model("genzprot", both, passthrough=True)
    assert "virtual sites of a Go model" in caplog.text
    assert model.mapping.n_beads == model.converted.n_beads


def test_a_frame_with_water_that_is_nan_is_refused():
    cg = go_with([[50.0, 0, 0], [60.0, 0, 0]], ["W", "W"], ["W", "W"])
    model = mdb.load_model("genzprot", cg, passthrough=True)
    cg.atoms[-1].position = [np.nan] * 3
    with pytest.raises(MappingError, match="W 2 is NaN"):
        mdb.BackmapTrajectory(cg, model).run()


def test_of_many_ions_the_nearest_in_each_frame_count(monkeypatch, caplog):
    protein, n = mda.Universe(TRPCAGE_PDB).select_atoms("name CA"), 300
    monkeypatch.setattr(passengers, "_LEAST", 20)
    resnames = [*protein.resnames, *["CL"] * n]
    both = mda.Universe.empty(20 + n, 20 + n, atom_resindex=range(20 + n), trajectory=True)
    for name, values in {
        "names": ["CA"] * 20 + ["CL"] * n,
        "resnames": resnames,
        "resids": [*range(1, 21), *range(1, n + 1)],
        "elements": ["C"] * 20 + ["Cl"] * n,
        "chainIDs": ["A"] * 20 + ["I"] * n,
    }.items():
        both.add_TopologyAttr(name, values)
    ways = np.random.default_rng(0).normal(size=(n, 3))
    far = protein.positions.mean(0) + 60 * ways / np.linalg.norm(ways, axis=1)[:, None]
    both.atoms.positions = np.concatenate([protein.positions, far])
    both.dimensions = [200, 200, 200, 90, 90, 90]
    with caplog.at_level(logging.INFO):
        model = mdb.load_model("genzprot", both, passthrough=True)
    assert "around 20 of them, ions and atoms of ligands, the nearest of 300 in each frame" in caplog.text
    alone = mdb.load_model("genzprot", both.atoms[:20])
    asked = {"temperature": 0, "dimensions": both.dimensions[None]}
    free, names = alone.sample(protein.positions[None], [0], **asked)[0], alone.topology.names
    without = model.sample(both.atoms.positions[None], [0], **asked)[0]
    assert np.abs(without[: len(free)] - free).max() < 0.01
    tip = free[np.flatnonzero(names == "NZ")[0]]
    near = both.atoms.positions
    near[20 + 287] = tip + [0, 0, 200]  # another image
    beads = np.stack([both.atoms.positions, near])
    made = model.sample(beads, [0, 1], temperature=0, dimensions=np.repeat(asked["dimensions"], 2, 0))
    assert np.abs(made[0] - without).max() < 1e-3 and np.abs(made[1, len(free) :] - near[20:]).max() < 1e-4
    apart = np.linalg.norm(made[1, : len(free)] - tip, axis=-1)[model.topology.elements[: len(free)] != "H"]
    assert apart.min() > 2.4


@pytest.fixture(scope="module")
def crystal():
    """C-alphas of barstar, with a ligand where side chains would be, and a zinc."""
    beads = mda.Universe(COMPLEX_PDB).select_atoms("chainID D and name CA")
    model = mdb.load_model("genzprot", beads)
    made = model.universe()
    made.load_new(mdb.BackmapTrajectory(beads, model, temperature=0).run().results.positions, order="fac")
    at = made.select_atoms("resname LYS and name NZ")[0].resid
    ligand = mda.Merge(made.select_atoms(f"resid {at} and name CD CE NZ"))
    zinc = mda.Merge(made.select_atoms(f"resid {at} and name NZ"))
    zinc.atoms.positions += np.float32([0, 0, 30])
    for u, name, number in ((ligand, "LIG", 900), (zinc, "ZN", 901)):
        u.add_TopologyAttr("resnames", [name])
        u.add_TopologyAttr("resids", [number])
    for attribute, value in (("names", "ZN"), ("elements", "Zn")):
        zinc.add_TopologyAttr(attribute, [value])
    return mda.Merge(beads, ligand.atoms, zinc.atoms)


def test_a_ligand_and_a_zinc_stay_and_side_chains_give_way(crystal, tmp_path):
    plain, model = mdb.load_model("genzprot", crystal), mdb.load_model("genzprot", crystal, passthrough=True)
    others = crystal.select_atoms("resname LIG ZN")
    runs = [mdb.BackmapTrajectory(crystal, m, temperature=0).run().results.positions[0] for m in (plain, model)]
    np.testing.assert_array_equal(runs[1][beside(model)], others.positions)
    fine = plain.mapping.fine
    side = np.flatnonzero(~np.isin(fine.names, ["N", "CA", "C", "O", "OXT"]) & (fine.elements != "H"))
    nearest = [np.linalg.norm(x[side][:, None] - others.positions, axis=-1).min() for x in runs]
    assert nearest[0] < 0.01 and nearest[1] > 2.5
    assert len(model.mapping.fine.bonds) - len(plain.mapping.fine.bonds) == len(others) - 2  # of the ligand: no ring
    mdb.BackmapTrajectory(crystal, model, tmp_path / "aa.pdb").run()
    again = mda.Universe(tmp_path / "aa.pdb")
    assert again.select_atoms("resname ZN").elements.tolist() == ["Zn"]
    assert len(again.select_atoms("resname LIG").bonds) == len(others) - 2


def test_kept_molecules_come_out_once(crystal, caplog):
    ligand = crystal.select_atoms("resname LIG")
    with caplog.at_level(logging.WARNING):
        model = mdb.load_model("genzprot", crystal, keep=ligand, passthrough=True)
    assert "come out once" in caplog.text
    assert model.mapping.fine.resnames[model.mapping.fine.hetero].tolist() == ["LIG", "ZN"]
    atoms = mdb.BackmapTrajectory(crystal, model).run().results.positions[0]
    np.testing.assert_array_equal(atoms[-len(ligand) - 1 : -1], ligand.positions)


def test_a_lipid_cut_by_the_box_is_made_whole_and_others_keep_their_numbers():
    cg = go_with([[1.0, 0, 0], [99.0, 0, 0], [50.0, 1, 2]], ["A", "B", "W"], ["LIP", "LIP", "W"])
    cg.add_TopologyAttr("bonds", [(len(cg.atoms) - 3, len(cg.atoms) - 2)])
    cg.dimensions = [100, 100, 100, 90, 90, 90]
    model = mdb.load_model("genzprot", cg, passthrough=True)
    atoms = mdb.BackmapTrajectory(cg, model).run().results.positions[0, beside(model)]
    np.testing.assert_allclose(atoms, [[1, 0, 0], [-1, 0, 0], [50, 1, 2]], atol=1e-5)


def test_more_atoms_than_a_pdb_file_holds(tmp_path):
    pytest.importorskip("gemmi")
    n = 100_000
    cg = go_with(np.random.default_rng(0).uniform(0, 200, (n, 3)), ["W"] * n, ["W"] * n)
    model = mdb.load_model("genzprot", cg, passthrough=True)
    assert model.batch_size() < 20
    run = mdb.BackmapTrajectory(cg, model, tmp_path / "aa.xtc").run()
    assert run.results.topology.endswith("aa.cif")
    with mda.coordinates.XTC.XTCReader(tmp_path / "aa.xtc") as reader:
        np.testing.assert_allclose(reader.ts.positions[-n:], cg.atoms.positions[-n:], atol=6e-3)
    with pytest.raises(ValueError, match="do not fit a PDB file"):
        mdb.BackmapTrajectory(cg, model, tmp_path / "aa.pdb").run()


def test_numbers_of_other_molecules_begin_again_in_pdb_files():
    water = Topology(["W"] * 2, [""] * 2, [0, 1], ["W"] * 2, [9_999, 10_001], [""] * 2, ["W"] * 2, [""] * 2)
    water = mdb.Mapping.passengers(water).fine
    assert fits_pdb(water)
    assert [start[22:26] for start, _ in PDBLayout(water).lines] == ["9999", "   1"]


def test_molecules_without_bonds_are_residues_but_not_large_ones():
    n = 400
    bath = Topology(["W"] * n, [""] * n, [0] * n, ["SYS"], [1], [""], [""], [""])
    assert len(molecule_bonds(bath)) == 0
    assert ending(bath) == "END\n"


def test_on_the_command_line(tmp_path, capsys):
    words = ["convert", MARTINI_GRO, MARTINI_XTC, "-o", str(tmp_path / "aa.xtc"), "--stop", "1", "--quiet"]
    assert main([*words, "--passthrough", "resname NA CL"]) == 0
    assert len(mda.Universe(tmp_path / "aa.pdb").select_atoms("resname NA CL")) == 32
    assert main([*words, "--passthrough", "--overwrite"]) == 0
    assert len(mda.Universe(tmp_path / "aa.pdb").select_atoms("resname W")) == 1138
    with pytest.raises(SystemExit):
        main(["convert", "-o", str(tmp_path / "a.xtc"), "--passthrough", MARTINI_GRO, MARTINI_XTC])
    assert "name it after the files" in capsys.readouterr().err


def beside_protein(path, residues):
    """Protein G and a chain B of beads behind it: names of residues, and of the beads of each."""
    lines = [line for line in open(GO_PDB) if line.startswith("ATOM")]
    for k, (resname, names) in enumerate(residues):
        for j, name in enumerate(names):
            place = f"{60 + 5.4 * k:8.3f}{5.0 * j:8.3f}{0:8.3f}  1.00  0.00           C\n"
            lines.append(f"ATOM  {len(lines) + 1:5d} {name:^4s} {resname:>3s} B{k + 1:4d}    {place}")
    path.write_text("".join(lines) + "END\n")
    return mda.Universe(path)


def test_rna_and_lipids_as_calvados_writes_them(tmp_path):
    rna = beside_protein(tmp_path / "rna.pdb", [("r", ["rP", "rN"])] * 3 + [("a", ["aP", "aN"])])
    model = mdb.load_model("genzprot", rna, passthrough=True)
    assert model.converted.coarse.n_residues == 56 and model.topology.names[beside(model)].tolist()[:2] == ["rP", "rN"]
    lipids = beside_protein(tmp_path / "lipids.pdb", [("B", ["CA"]), ("Z", ["CA"]), ("Z", ["CA"])])
    with pytest.raises(MappingError, match="unknown residue names among the beads: B, Z"):
        mdb.load_model("genzprot", lipids)
    assert mdb.load_model("genzprot", lipids.select_atoms("not resname B Z")).n_beads == 56
