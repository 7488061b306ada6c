"""like=: the output has the atoms of another topology, in its order and with its names."""

import logging
import shutil
import subprocess

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.lib.distances import calc_bonds
from MDAnalysisTests.datafiles import DCD, PRM, PSF, TPR, TRJ, XTC

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, CRAMBIN_PDB, GO_PDB, GO_XTC, MARTINI_GRO, MARTINI_XTC
from mdbackmap.molecule.mapping import MappingError

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def go():
    return mda.Universe(GO_PDB, GO_XTC)


@pytest.fixture(scope="module")
def go_atoms(go, tmp_path_factory):
    """The protein's atoms by default: a PDB file."""
    path = tmp_path_factory.mktemp("like") / "aa.pdb"
    mdb.BackmapTrajectory(go, mdb.load_model("genzprot", go), path).run(stop=1)
    return path


def keys(atoms):
    return list(zip(atoms.chainIDs, atoms.resids, atoms.names, strict=True))


def test_atoms_in_another_order_with_other_names(go, go_atoms, tmp_path):
    u = mda.Universe(go_atoms)
    order = np.concatenate([residue.atoms.ix[::-1] for residue in u.residues])
    other = mda.Merge(u.atoms[order])
    other.atoms.select_atoms("resname ILE and name CD1").names = "CD"
    other.atoms.select_atoms("name O and resid 57").names = "OT1"
    other.atoms.select_atoms("name OXT").names = "OT2"
    other.atoms.write(tmp_path / "mine.pdb")
    plain, model = mdb.load_model("genzprot", go), mdb.load_model("genzprot", go, like=tmp_path / "mine.pdb")
    assert model.topology.names.tolist() == other.atoms.names.tolist()
    mdb.BackmapTrajectory(go, model, tmp_path / "aa.xtc").run(stop=2)
    mine, expected = mda.Universe(tmp_path / "mine.pdb", tmp_path / "aa.xtc"), mdb.backmap(go, plain)
    for one, two in zip(mine.trajectory, expected.trajectory, strict=False):
        np.testing.assert_allclose(one.positions, two.positions[order], atol=0.05)
    live = mdb.backmap(go, model)
    np.testing.assert_allclose(live.trajectory[1].positions, expected.trajectory[1].positions[order], atol=0.05)
    assert live.trajectory.ts.data["displacements"].shape == (56,)


def test_chains_in_another_order():
    native = mda.Universe(COMPLEX_PDB)
    first, second = (native.select_atoms(f"segid {name}") for name in native.segments.segids)
    swapped = mda.Merge(second, first)
    swapped.del_TopologyAttr("chainIDs")
    beads = native.select_atoms("name CA")
    model = mdb.load_model("genzprot", beads, like=swapped)
    own = model.topology
    assert own.names.tolist() == swapped.atoms.names.tolist()
    assert own.resids[own.residue_of_atom].tolist() == swapped.atoms.resids.tolist()
    atoms = mdb.BackmapTrajectory(beads, model, temperature=0).run().results.positions[0]
    alphas = own.names == "CA"
    np.testing.assert_array_equal(atoms[alphas], swapped.select_atoms("name CA").positions)
    assert np.median(np.linalg.norm(atoms - swapped.atoms.positions, axis=1)) < 0.5


def test_hydrogens_and_forms_are_those_of_the_topology():
    psf = mda.Universe(PSF, DCD)
    model = mdb.load_model("genzprot", psf.select_atoms("name CA"), like=PSF)
    assert model.topology.names.tolist() == psf.atoms.names.tolist()
    assert model.topology.resnames.tolist() == psf.residues.resnames.tolist()
    variants = model.converted.fine.variants
    assert set(variants[model.converted.fine.resnames == "HIS"]) == {"HID"}  # HSD
    without = mdb.load_model("genzprot", psf.select_atoms("name CA"), like=psf.select_atoms("not name H* 1H* 2H*"))
    assert not without.hydrogens.on and without.n_atoms == len(psf.select_atoms("not name H*"))


def test_a_solvated_system_goes_with_its_own_topology(tmp_path):
    aa = mda.Universe(TPR, XTC)
    model = mdb.load_model("genzprot", aa, like=TPR, passthrough=True)
    run = mdb.BackmapTrajectory(aa, model, tmp_path / "aa.xtc", temperature=0).run(stop=1)
    again = mda.Universe(TPR, tmp_path / "aa.xtc")
    own = again.select_atoms("protein").n_atoms
    np.testing.assert_allclose(again.atoms.positions[own:], aa.atoms.positions[own:], atol=6e-3)
    heavy = again.select_atoms("protein and not name H*").ix
    assert np.median(np.linalg.norm(again.atoms.positions - aa.atoms.positions, axis=1)[heavy]) < 0.7
    bound = again.select_atoms("protein and name HA HB1 HG1").ix
    owners = [again.atoms[i].bonded_atoms[0].ix for i in bound]
    lengths = np.linalg.norm(again.atoms.positions[bound] - again.atoms.positions[owners], axis=1)
    assert 0.9 < lengths.min() and lengths.max() < 1.15  # the TPR's bonds
    assert run.results.provenance["conversion"]["like"] == "adk_oplsaa.tpr"


def test_molecules_of_one_side_only(go, go_atoms, caplog):
    u = mda.Universe(go_atoms)
    ion = mda.Merge(u.atoms[:2])
    for name, values in (("names", ["NA", "NA"]), ("resnames", ["NA"]), ("resids", [900])):
        ion.add_TopologyAttr(name, values)
    both = mda.Merge(u.atoms, ion.atoms)
    with caplog.at_level(logging.WARNING):
        model = mdb.load_model("genzprot", go, like=both)
    assert "not in the output are molecules of like=: 1 NA, so it has 850 of the 852 atoms" in caplog.text
    assert model.n_atoms == len(u.atoms)
    martini = mda.Universe(MARTINI_GRO, MARTINI_XTC)
    plain = mdb.load_model("genzprot", martini)
    with caplog.at_level(logging.WARNING):
        model = mdb.load_model("genzprot", martini, passthrough="resname NA", like=plain.universe())
    assert "16 particles that are carried along are not in like=" in caplog.text
    assert model.n_atoms == plain.n_atoms


def test_a_topology_without_a_terminal_oxygen():
    martini = mda.Universe(MARTINI_GRO, MARTINI_XTC)
    plain = mdb.load_model("genzprot", martini)
    model = mdb.load_model("genzprot", martini, like=plain.universe().select_atoms("not name OXT"))
    assert model.n_atoms == plain.n_atoms - 1
    runs = [mdb.BackmapTrajectory(martini, m, temperature=0).run(stop=1).results for m in (plain, model)]
    rows = plain.mapping.fine.names != "OXT"
    np.testing.assert_allclose(runs[0].positions[:, rows], runs[1].positions, atol=1e-4)
    np.testing.assert_allclose(runs[0].displacements[:, :-3], runs[1].displacements[:, :-3], atol=1e-4)
    assert np.isfinite(runs[1].displacements).all()


def test_words_for_what_differs(go, go_atoms, tmp_path):
    u = mda.Universe(go_atoms)
    with pytest.raises(MappingError, match="ends before chain A, GLU 57|ends before chain A, [A-Z]{3} 57"):
        mdb.load_model("genzprot", go, like=u.select_atoms("not resid 57"))
    with pytest.raises(MappingError, match="like= has chain A, [A-Z]{3} 2 where the beads have chain A, [A-Z]{3} 3"):
        mdb.load_model("genzprot", go.select_atoms("resid 3:57"), like=u)
    with pytest.raises(MappingError, match="1 amino acids that the beads do not have, the first chain A, [A-Z]{3} 57"):
        mdb.load_model("genzprot", go.select_atoms("resid 2:56"), like=u)
    with pytest.raises(MappingError, match="1 residue.s. have other atoms in like=: chain A, [A-Z]{3} 10 lacks CB"):
        mdb.load_model("genzprot", go, like=u.select_atoms("not (resid 10 and name CB)"))
    u.select_atoms("resid 10 and name CB").names = "QX"
    with pytest.raises(MappingError, match="10 has QX, which chain A, [A-Z]{3} 10 does not get and lacks CB"):
        mdb.load_model("genzprot", go, like=u)
    with pytest.raises(FileNotFoundError, match="nothing.psf"):
        mdb.load_model("genzprot", go, like="nothing.psf")
    (tmp_path / "a.psf").write_text("nonsense")
    with pytest.raises(ValueError, match="MDAnalysis cannot read the topology"):
        mdb.load_model("genzprot", go, like=tmp_path / "a.psf")
    with pytest.raises(TypeError, match="like=3"):
        mdb.load_model("genzprot", go, like=3)


def hydrogens_lie_on_their_atoms(atoms):
    """Whether the heavy atom nearest to each hydrogen is of its residue, and one bond away."""
    light = np.char.startswith(np.char.lstrip(atoms.names.astype(str), "0123456789"), "H")
    heavy = atoms[~light]
    apart = np.linalg.norm(atoms[light].positions[:, None] - heavy.positions, axis=-1)
    own = atoms[light].resindices == heavy.resindices[apart.argmin(1)]
    return light.any() and own.all() and 0.9 < apart.min(1).min() and apart.min(1).max() < 1.4


@pytest.mark.parametrize(
    ("topology", "trajectory", "some"),
    [(PRM, TRJ, "all"), (PSF, DCD, "resid 120-140"), (TPR, XTC, "resid 120-140")],
    ids=["PRMTOP", "PSF", "TPR"],
)
def test_topologies_of_amber_charmm_and_gromacs(topology, trajectory, some, tmp_path):
    u = mda.Universe(topology, trajectory)
    part = u.select_atoms(f"protein and {some}")
    alphas = part.select_atoms("name CA")
    if some != "all":  # ends are in the middle of chains, and have no charges
        part = part[~np.isin(part.names, ["HT1", "HT2", "HT3", "H1", "H2", "H3"])]
    model = mdb.load_model("genzprot", alphas, like=part)
    made = mdb.BackmapTrajectory(alphas, model).run(stop=1).results.positions[0]
    assert model.topology.names.tolist() == part.names.tolist()
    assert model.topology.resnames.tolist() == part.residues.resnames.tolist()
    u.trajectory[0]
    part = mda.Merge(part)
    assert calc_bonds(made[part.atoms.names == "CA"], alphas.positions, box=u.dimensions).max() < 0.01
    part.atoms.positions = made
    assert hydrogens_lie_on_their_atoms(part.atoms)
    wrong = mda.Merge(part.atoms)
    wrong.residues[3].resname = "GLY" if wrong.residues[3].resname != "GLY" else "TRP"
    with pytest.raises(MappingError, match="has .* 4 where the beads have .*|has .* 123 where the beads have"):
        mdb.load_model("genzprot", alphas, like=wrong)


def test_first_hydrogens_as_openmm_names_them(go, go_atoms):
    other = mda.Universe(go_atoms)
    other.residues[0].atoms.select_atoms("name H1").names = "H"
    assert mdb.load_model("genzprot", go, like=other).topology.names.tolist() == other.atoms.names.tolist()


def test_gro_and_tpr_of_a_protein_with_disulfides(tmp_path):
    """From our atoms by pdb2gmx and grompp, and back."""
    if shutil.which("gmx") is None:
        pytest.skip("no GROMACS")
    alphas = mda.Universe(CRAMBIN_PDB).atoms
    mdb.BackmapTrajectory(alphas, mdb.load_model("genzprot", alphas, names="gromacs"), tmp_path / "aa.pdb").run()
    (tmp_path / "em.mdp").write_text("integrator = steep\nnsteps = 1\n")
    for words in (
        "pdb2gmx -f aa.pdb -o aa.gro -ff amber99sb-ildn -water none",
        "editconf -f aa.gro -o box.gro -d 1.5",
        "grompp -f em.mdp -c box.gro -p topol.top -o aa.tpr -maxwarn 5",
    ):
        subprocess.run(["gmx", "-quiet", *words.split()], cwd=tmp_path, check=True, capture_output=True)
    for name in ("aa.gro", "aa.tpr"):
        given = mda.Universe(tmp_path / name)
        model = mdb.load_model("genzprot", alphas, like=tmp_path / name)
        assert model.topology.names.tolist() == given.atoms.names.tolist()
        assert model.topology.resnames.tolist() == given.residues.resnames.tolist()
        given.load_new(model.sample(alphas.positions[None], [0], temperature=0), order="fac")
        assert hydrogens_lie_on_their_atoms(given.atoms)
        sulfurs = given.select_atoms("name SG").positions
        apart = np.linalg.norm(sulfurs[:, None] - sulfurs, axis=-1)[np.triu_indices(6, 1)]
        assert np.sort(apart)[:3] == pytest.approx([2.05] * 3, abs=0.1)


def test_on_the_command_line(go_atoms, tmp_path):
    words = ["convert", GO_PDB, GO_XTC, "--stop", "1", "--quiet", "--like", str(go_atoms)]
    assert main([*words, "-o", str(tmp_path / "new.xtc")]) == 0
    assert keys(mda.Universe(tmp_path / "new.pdb").atoms) == keys(mda.Universe(go_atoms).atoms)
    assert main([*words, "--overwrite", "-o", str(go_atoms.with_suffix(".xtc"))]) == 1  # aa.pdb would be overwritten
