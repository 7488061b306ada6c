"""Hydrogens that are added: which, where, in which order and under which names, and that other programs take them."""

import importlib.util
import shutil
import subprocess

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from traces import topology

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.chemistry.bound_hydrogens import FORMS, hydrogens_of, written_form, written_names
from mdbackmap.chemistry.residues import ATOMS
from mdbackmap.chemistry.terminal_caps import ATOMS as CAPS
from mdbackmap.cli import main
from mdbackmap.completion.complete import Completion
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import DIPEPTIDE_PDB, GO_PDB, GO_XTC, TRPCAGE_PDB, VALIDATION
from mdbackmap.hydrogen.adding import Hydrogens
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.options import HydrogenOptions
from mdbackmap.universes.coarse import coarse_universe
from mdbackmap.universes.universe import universe_of
from mdbackmap.writing.pdb import write_topology


def whole(chain, **options):
    """A chain's topology and atoms (1, A, 3) with hydrogens."""
    completion = Completion(Mapping.ca(chain.trace()), HydrogenOptions(True, **options))
    fine = completion.mapping.fine
    atoms = completion(chain.positions[:, chain.mask])
    return fine, Hydrogens.of(fine, completion.hydrogens)(atoms)


@pytest.fixture(scope="module")
def native():
    return whole(read_chains(VALIDATION)[2])


def numbered(names, **options):
    coarse = topology(names)
    return Completion(Mapping.ca(coarse), HydrogenOptions(True, **options)).mapping.fine


def of(fine, residue):
    return fine.names[(fine.residue_of_atom == residue) & (fine.elements == "H")].tolist()


def test_names_are_those_of_amber():
    """All atoms of all forms, against the force field that OpenMM has."""
    app = pytest.importorskip("openmm.app")
    known = app.ForceField("amber14/protein.ff14SB.xml")._templates
    for form in FORMS.keys() - CAPS.keys() - {"TYM"}:  # which ff14SB has not
        atoms = {*ATOMS[FORMS[form][0]], *(name for names in hydrogens_of(form).values() for name in names)}
        assert atoms == {atom.name for atom in known[form].atoms}, form


@pytest.mark.parametrize(("convention", "folder"), [("gromacs", "amber99sb-ildn.ff"), ("charmm", "charmm27.ff")])
def test_names_are_those_of_gromacs(convention, folder):
    """The same against the topologies that come with GROMACS."""
    gmx = shutil.which("gmx")
    if gmx is None:
        pytest.skip("no GROMACS")
    words = subprocess.run([gmx, "--version"], capture_output=True, text=True, check=True).stdout
    prefix = next((line.split(":")[1].strip() for line in words.splitlines() if line.startswith("Data prefix")), "")
    with open(f"{prefix}/share/gromacs/top/{folder}/aminoacids.rtp", encoding="ascii", errors="replace") as file:
        known, block, name = {}, None, None
        for line in file:
            words = line.split(";")[0].split()
            if words[:1] == ["["]:
                block = words[1]
                name = name if block in ("atoms", "bonds", "impropers", "cmap", "dihedrals", "angles") else block
            elif block == "atoms" and words:
                known.setdefault(name, set()).add(words[0])
    for form in FORMS.keys() - CAPS.keys() - {"TYM"} - ({"CYM"} if convention == "charmm" else set()):
        atoms = [*ATOMS[FORMS[form][0]], *(name for names in hydrogens_of(form).values() for name in names)]
        name = "CYS2" if convention == "charmm" and form == "CYX" else written_form(form, convention)
        assert set(written_names(atoms, form, convention)) == known[name], form


def test_lengths_and_angles(native):
    """Every hydrogen at Amber's length from its atom, and at tetrahedral or trigonal angles to the others."""
    fine, atoms = native
    hydrogen, other = np.sort(fine.bonds[(fine.elements[fine.bonds] == "H").any(1)])[:, ::-1].T
    lengths = np.linalg.norm(atoms[0, hydrogen] - atoms[0, other], axis=-1)
    for element, expected in {"N": [1.01], "O": [0.96], "S": [1.336], "C": [1.08, 1.09]}.items():
        of_element = lengths[fine.elements[other] == element]
        assert (abs(of_element[:, None] - expected).min(1) < 1e-4).all(), element
    neighbours = {k: [] for k in range(fine.n_atoms)}
    for i, j in fine.bonds.tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    for h, atom in zip(hydrogen, other, strict=True):
        for near in set(neighbours[atom]) - {h}:
            a, b = atoms[0, h] - atoms[0, atom], atoms[0, near] - atoms[0, atom]
            angle = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
            assert 95 < angle < 132, (fine.names[h], fine.names[near], angle)


def test_hands_of_pairs(native):
    """HB2 and HB3 as IUPAC has them (Markley et al. 1998)."""
    fine, atoms = native
    for residue in np.flatnonzero(fine.resnames == "SER"):
        at = {fine.names[k]: atoms[0, k] for k in np.flatnonzero(fine.residue_of_atom == residue)}
        arms = [at[name] - at["CB"] for name in ("OG", "CA", "HB2")]
        assert np.linalg.det(arms) > 0  # HB2 is pro-S: OG, CA, HB2 anticlockwise, seen with HB3 behind


def test_residues_begin_with_heavy_atoms(native):
    fine, atoms = native
    assert np.isfinite(atoms).all()
    light = fine.elements == "H"
    inside = fine.residue_of_atom[1:] == fine.residue_of_atom[:-1]
    assert not (light[:-1] & ~light[1:] & inside).any()
    degrees = np.bincount(fine.bonds.ravel(), minlength=fine.n_atoms)
    assert (degrees[light] == 1).all()


def test_forms_by_ph_names_and_options():
    peptide = "HDKCG"
    assert of(numbered(peptide), 0) == "H1 H2 H3 HA HB2 HB3 HD2 HE1 HE2".split()
    assert numbered(peptide).variants.tolist() == ["HIE", "ASP", "LYS", "CYS", "GLY"]
    assert numbered(peptide, ph=3).variants.tolist() == ["HIP", "ASH", "LYS", "CYS", "GLY"]
    assert numbered(peptide, ph=12).variants.tolist() == ["HIE", "ASP", "LYN", "CYM", "GLY"]
    told = numbered(peptide, protonation={"1": "HSD", "A:4": "cyx"})
    assert told.variants.tolist()[0::3] == ["HID", "CYX"]
    assert "HD1" in of(told, 0) and "HE2" not in of(told, 0) and "HG" not in of(told, 3)
    neutral = numbered(peptide, ends="neutral")
    assert of(neutral, 0)[:2] == ["H1", "H2"] and of(neutral, 4)[-1] == "HXT"
    assert of(numbered("PP"), 0)[:2] == ["H2", "H3"] and "H" not in of(numbered("PP"), 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"B:1": "HIP"}, "no residue"),
        ({"A:1": "LYN"}, "a form of HIS: HID, HIE, HIP"),
        ({"A:1": "HIS"}, "a form of HIS"),
    ],
)
def test_protonation_that_cannot_be(told, words):
    with pytest.raises(MappingError, match=words):
        numbered("HG", protonation=told)


def test_options_are_checked():
    for given in ({"ends": "open"}, {"names": "opls"}, {"hydrogens": 2}, {"hydrogens": False, "ph": 4}):
        with pytest.raises(ValueError, match="expected|add hydrogens=True"):
            HydrogenOptions(**given)


def test_a_model_of_one_molecule_makes_the_atoms_that_it_was_trained_on():
    cg = mda.Universe(DIPEPTIDE_PDB)
    beads = coarse_universe(cg.atoms, checkpoint.load("cgvae-alanine-dipeptide")[0].molecule)
    model = mdb.load_model("cgvae-alanine-dipeptide", beads.atoms)
    assert not model.hydrogens.on and model.n_atoms == cg.atoms.n_atoms
    with pytest.raises(MappingError, match="trained on"):
        mdb.load_model("cgvae-alanine-dipeptide", cg.atoms, hydrogens=True)


def test_backbones_stay_and_side_chains_make_room():
    """With hydrogens backbones are those of before, and beads are projected as before."""
    cg = mda.Universe(GO_PDB, GO_XTC)
    without, model = (mdb.load_model("genzprot", cg.atoms, hydrogens=on) for on in (False, True))
    beads = np.stack([ts.positions[model.indices] for ts in cg.trajectory[:3]])
    bare, full = (one.sample(beads, [0, 1, 2]) for one in (without, model))
    light = model.mapping.fine.elements == "H"
    stays = np.isin(model.mapping.fine.names[~light], ["N", "CA", "C", "O", "CB"])
    assert_array_equal(full[:, ~light][:, stays], bare[:, stays])
    assert np.isfinite(full).all() and (full[:, ~light] != bare).any()
    assert_array_equal(model.displacements(beads, full), without.displacements(beads, bare))
    full[:, ~light] = bare
    together = model._reconstruction.hydrogens(full.copy())
    alone = [model._reconstruction.hydrogens(full[k : k + 1].copy()) for k in range(3)]
    assert_array_equal(np.concatenate(alone), together)


def test_kept_atoms_get_hydrogens():
    pdb = mda.Universe(TRPCAGE_PDB)
    model = mdb.load_model("genzprot", pdb.atoms, hydrogens=True, keep=pdb.atoms)
    atoms = model.sample(pdb.select_atoms("name CA").positions[None], [0])
    fine = model.mapping.fine
    assert np.isfinite(atoms).all() and (fine.elements == "H").sum() > 100
    heavy = (fine.elements != "H") & (fine.names != "OXT")
    names = [f"{r} {n}" for r, n in zip(fine.residue_of_atom[heavy], fine.names[heavy], strict=True)]
    given = {f"{a.resindex} {a.name}": a.position for a in pdb.atoms}
    assert_allclose(atoms[0, heavy], [given[name] for name in names], atol=1e-6)


def test_a_box_and_a_shift_change_nothing(native):
    chain = read_chains(VALIDATION)[2]
    completion = Completion(Mapping.ca(chain.trace()), HydrogenOptions(True))
    moved = completion(chain.positions[:, chain.mask] + [100.0, -50.0, 20.0])
    moved = Hydrogens.of(completion.mapping.fine, completion.hydrogens)(moved)
    assert_allclose(moved - [100.0, -50.0, 20.0], native[1], atol=1e-4)


def test_disulfides_and_tautomers_are_found_from_beads(tmp_path):
    """Lysozyme (1A2Y): four disulfides, as in the crystal; nothing is said of its histidine."""
    chain = next(chain for chain in read_chains(VALIDATION) if chain.name == "1A2Y_C")
    coarse = chain.trace()
    u = universe_of(coarse)
    u.load_new(chain.beads[:1].astype(np.float32))
    model = mdb.load_model("genzprot", u.atoms, hydrogens=True)
    fine, cysteines = model.mapping.fine, np.flatnonzero(coarse.resnames == "CYS")
    sulfur = chain.positions[0, cysteines, 5]
    near = np.linalg.norm(sulfur[:, None] - sulfur, axis=-1) < 2.3
    native = cysteines[np.argwhere(np.triu(near, 1))]
    assert_array_equal(fine.disulfides, native)
    assert len(native) == 4 and (fine.variants[cysteines] == "CYX").all()
    bonds = fine.names[fine.bonds]
    assert (bonds == "SG").all(1).sum() == 4 and "HG" not in fine.names[np.isin(fine.residue_of_atom, cysteines)]
    atoms = model.sample(np.repeat(chain.beads[:1], 3, 0), [0, 1, 2])
    rows = {(r, name): k for k, (r, name) in enumerate(zip(fine.residue_of_atom, fine.names, strict=True))}
    beta, sulfur = (atoms[:, [[rows[r, name] for r in pair] for pair in native]] for name in ("CB", "SG"))
    assert_allclose(np.linalg.norm(sulfur[:, :, 0] - sulfur[:, :, 1], axis=-1), 2.05, atol=0.03)
    assert_allclose(np.linalg.norm(sulfur - beta, axis=-1), 1.81, atol=0.03)
    across = np.linalg.norm(sulfur - beta[:, :, ::-1], axis=-1)  # 3.05 is an angle of 104 degrees
    assert across.min() > 2.8 and across.max() < 3.3
    path = tmp_path / "disulfides.pdb"
    write_topology(path, model.topology, atoms[0])
    assert path.read_text().count("CONECT") == 8
    if importlib.util.find_spec("openmm"):
        from openmm.app import ForceField, PDBFile

        ForceField("amber14-all.xml").createSystem(PDBFile(str(path)).topology)
    histidines = fine.variants[coarse.resnames == "HIS"].tolist()
    assert len(histidines) == 1 and histidines[0] in ("HID", "HIE")
    assert mdb.load_model("genzprot", u.atoms, hydrogens=True, protonation={"15": "HIP"}).mapping.fine.variants[14] == (
        "HIP"
    )


def converted(tmp_path, *options):
    """Two frames of protein G, converted by the command line, as MDAnalysis reads them."""
    out = tmp_path / "aa.xtc"
    assert main(["convert", str(GO_PDB), str(GO_XTC), "-o", str(out), "--stop", "2", "--quiet", *options]) == 0
    return mda.Universe(str(out.with_suffix(".pdb")), str(out))


def test_conversions_have_hydrogens(tmp_path):
    """All of them, without being asked for, each bonded to one heavy atom; heavy atoms alone where that is said."""
    u = converted(tmp_path)
    light = u.select_atoms("element H")
    assert (u.atoms.n_atoms, len(light), u.trajectory.n_frames) == (850, 412, 2)
    lysine = u.select_atoms("resname LYS").residues[0].atoms
    assert lysine.names[lysine.elements == "H"].tolist() == ("H HA HB2 HB3 HG2 HG3 HD2 HD3 HE2 HE3 HZ1 HZ2 HZ3".split())
    for _ in u.trajectory:
        distances = mda.lib.distances.distance_array(light, u.select_atoms("not element H"))
        assert (distances.min(axis=1) > 0.9).all() and (distances.min(axis=1) < 1.4).all()
    bare = converted(tmp_path, "--no-hydrogens", "--overwrite")
    assert bare.atoms.n_atoms == 438 and "H" not in bare.atoms.elements


def test_a_conversion_without_them_is_not_resumed_with_them(tmp_path, capsys):
    converted(tmp_path, "--no-hydrogens")
    before = (tmp_path / "aa.xtc").read_bytes()
    command = ["convert", str(GO_PDB), str(GO_XTC), "-o", str(tmp_path / "aa.xtc"), "--stop", "2", "--resume"]
    assert main(command) == 1
    assert "other settings" in capsys.readouterr().err
    assert main([*command, "--no-hydrogens"]) == 0
    assert (tmp_path / "aa.xtc").read_bytes() == before


def test_processes_make_the_same(tmp_path):
    one = converted(tmp_path)
    expected = np.stack([ts.positions.copy() for ts in one.trajectory])
    two = converted(tmp_path, "--workers", "2", "--overwrite")
    assert_allclose([ts.positions.copy() for ts in two.trajectory], expected, atol=0.011)  # XTC rounds to 0.01 A


def test_martini_beads_come_back(tmp_path):
    """Atoms with hydrogens have the beads that they were made of, as `coarsen` finds them."""
    beads, atoms, again = (str(tmp_path / f"{name}.pdb") for name in ("beads", "atoms", "again"))
    for verb, *arguments in (
        ("coarsen", TRPCAGE_PDB, "--mapping", "martini3", "-o", beads),
        ("convert", beads, "-o", atoms, "--bead-tolerance", "0", "--temperature", "0"),
        ("coarsen", atoms, "--mapping", "martini3", "-o", again),
        ("check", atoms),
        ("evaluate", TRPCAGE_PDB, atoms),
    ):
        assert main([verb, *map(str, arguments), "--quiet"]) == 0
    assert (mda.Universe(atoms).atoms.elements == "H").sum() > 100
    first, second = mda.Universe(beads), mda.Universe(again)
    assert_array_equal(first.atoms.names, second.atoms.names)
    assert np.sqrt(np.square(first.atoms.positions - second.atoms.positions).sum(-1).mean()) < 0.2


def written(tmp_path, names):
    out = tmp_path / f"{names}.pdb"
    main(["convert", TRPCAGE_PDB, "--names", names, "--temperature", "0", "-o", str(out), "--quiet"])
    return out


def test_openmm_takes_the_file(tmp_path):
    app = pytest.importorskip("openmm.app")
    pdb = app.PDBFile(str(written(tmp_path, "amber")))
    system = app.ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem(pdb.topology)
    assert system.getNumParticles() == pdb.topology.getNumAtoms() > 300


def test_gromacs_takes_the_file(tmp_path):
    if shutil.which("gmx") is None:
        pytest.skip("no GROMACS")
    command = "gmx pdb2gmx -ff amber99sb-ildn -water none -f".split()
    run = subprocess.run([*command, str(written(tmp_path, "gromacs"))], cwd=tmp_path, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()[-500:]
