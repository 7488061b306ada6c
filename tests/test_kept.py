"""keep=: atoms that are known come out as they are, and the rest is built around them."""

import json
import pickle
import warnings

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import mdbackmap as mdb
from mdbackmap.chemistry import other_atoms
from mdbackmap.datafiles import COMPLEX_PDB, MARTINI_GRO, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.metrics.samples import superposed_rmsd
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.molecule.named import protein_mapping
from mdbackmap.torsions.given import Given
from mdbackmap.torsions.internal import InternalCoordinates
from mdbackmap.universes.universe import universe_of
from mdbackmap.universes.whole import read_topology

TURN = Rotation.from_euler("xyz", [40, -70, 110], degrees=True).as_matrix()


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mda.Universe(*arguments, **options)


@pytest.fixture(scope="module")
def native():
    return quiet(COMPLEX_PDB)


@pytest.fixture(scope="module")
def beads(native):
    return native.select_atoms("chainID D and name CA")


@pytest.fixture(scope="module")
def plain(beads):
    return mdb.load_model("genzprot", beads)


def ligand(atoms, resid=900):
    """Atoms as a molecule of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u = mda.Merge(atoms)
    u.add_TopologyAttr("resnames", ["LIG"] * len(u.residues))
    u.add_TopologyAttr("resids", [resid] * len(u.residues))
    u.add_TopologyAttr("chainIDs", ["L"] * len(u.atoms))
    return u


def made(model, beads, keep=None, **options):
    model = model if keep is None else model.keeping(keep, beads)
    return model, model.sample(beads.positions[None], [0], **{"temperature": 0, "bead_tolerance": 0} | options)[0]


def kept_places(model, atoms):
    """What came out for the atoms of the only piece, and their places among those of the group."""
    return atoms[model.kept.rows], model.kept.pieces[0].own


def joints(model, atoms):
    """Lengths of C-N bonds, and angles CA-C-N and C-N-CA in degrees, by the residue before them."""
    fine, found = model.mapping.fine, {}
    rows = {(r, name): k for k, (r, name) in enumerate(zip(fine.residue_of_atom.tolist(), fine.names, strict=True))}
    for r in np.flatnonzero(~fine.ends):
        ca, c, n, after = (atoms[rows[at]] for at in ((r, "CA"), (r, "C"), (r + 1, "N"), (r + 1, "CA")))
        found[r] = np.linalg.norm(c - n), angle(ca, c, n), angle(c, n, after)
    return found


def angle(a, b, c):
    u, v = a - b, c - b
    return np.rad2deg(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))


def test_a_core_comes_out_as_it_is_and_is_joined(native, beads, plain):
    core = native.select_atoms("chainID D and resid 10:30")
    model, atoms = made(plain, beads, core)
    found, own = kept_places(model, atoms)
    np.testing.assert_array_equal(found, core.positions[own])
    assert atoms.dtype == np.float32 and len(own) == len(core)
    numbers = model.mapping.fine.resids
    for r, (length, at_c, at_n) in joints(model, atoms).items():
        assert abs(length - 1.33) < 0.05, numbers[r]
        assert 105 < at_c < 128 and 108 < at_n < 135, numbers[r]
    _, without = made(plain, beads)
    assert np.abs(atoms - without).max() > 1
    np.testing.assert_array_equal(model.mapping.project(atoms)[:5], beads.positions[:5])


def check_lengths(model, atoms):
    a, b = model.mapping.fine.bonds.T
    lengths, light = np.linalg.norm(atoms[a] - atoms[b], axis=-1), model.mapping.fine.elements[b] == "H"
    assert lengths[~light].min() > 1.1 and lengths.max() < 1.95
    assert lengths[light].min() > 0.95 and lengths[light].max() < 1.35
    assert light.sum() == (model.mapping.fine.elements == "H").sum() > 0


def test_side_chains_on_a_fixed_backbone(native, beads, plain):
    backbone = native.select_atoms("chainID D and backbone")
    model, atoms = made(plain, beads, backbone)
    found, own = kept_places(model, atoms)
    np.testing.assert_array_equal(found, backbone.positions[own])
    check_lengths(model, atoms)


@pytest.mark.parametrize("names", [("OT", None), ("OT1", "OT2"), ("OC1", "OC2"), ("O1", "O2")])
def test_oxygens_of_the_last_residue_by_other_names(beads, plain, names):
    u = plain.universe()
    u.load_new(made(plain, beads)[1])
    tail = u.residues[-5:].atoms
    for name, other in zip(("O", "OXT"), names, strict=True):
        atom = tail.select_atoms(f"name {name}")[-1:]
        atom.names = other or name
        tail = tail if other else tail - atom
    model, _ = made(plain, beads, tail)
    kept = model.mapping.fine.names[model.kept.rows]
    tail = tail.select_atoms("not element H")
    assert len(kept) == len(tail) and sum(kept == "O") == 5 and sum(kept == "OXT") == (names[1] is not None)


def test_an_unfinished_side_chain_goes_on_from_where_it_is(native, beads, plain):
    some = native.select_atoms("chainID D and (backbone or name CB CG*)")
    model, atoms = made(plain, beads, some, temperature=1)
    found, own = kept_places(model, atoms)
    np.testing.assert_array_equal(found, some.positions[own])
    check_lengths(model, atoms)


def test_a_frame_elsewhere_is_superposed(native, beads, plain):
    core = native.select_atoms("chainID D and resid 10:30")
    moved = core.positions @ TURN.T.astype(np.float32) + np.float32([30, -5, 80])
    elsewhere = mda.Merge(core)
    elsewhere.atoms.positions = moved
    model, atoms = made(plain, beads, elsewhere)
    found, own = kept_places(model, atoms)
    np.testing.assert_allclose(found, core.positions[own], atol=2e-3)
    _, there = made(plain, beads, core)
    assert np.percentile(np.linalg.norm(atoms - there, axis=-1), 90) < 0.05


def test_pieces_are_superposed_each_by_itself(native, beads, plain):
    first, second = (native.select_atoms(f"chainID D and resid {span}") for span in ("5:20", "40:55"))
    turned = mda.Merge(second)
    turned.atoms.positions = second.positions @ TURN.T.astype(np.float32)
    model, atoms = made(plain, beads, [first, turned.atoms])
    assert len(model.kept.pieces) == 2
    np.testing.assert_array_equal(atoms[model.kept.pieces[0].rows], first.positions[model.kept.pieces[0].own])
    own = model.kept.pieces[1].own
    np.testing.assert_allclose(atoms[model.kept.pieces[1].rows], second.positions[own], atol=2e-3)
    one = mda.Merge(first, turned.atoms)
    with pytest.raises(MappingError, match="a list of groups"):
        made(plain, beads, one)


def met(atoms, others):
    """Which other atoms an atom comes nearer to than 2.3 A: so near is CG where another atom takes the place of OE1."""
    return (np.linalg.norm(atoms[:, None] - others, axis=-1) < 2.3).any(0)


@pytest.mark.parametrize("temperature", [0, 1])
def test_side_chains_give_way_to_a_ligand(beads, plain, temperature):
    _, before = made(plain, beads, temperature=temperature)
    fine = plain.mapping.fine
    tips = np.flatnonzero(np.isin(fine.names, ["NZ", "NE", "OE1"]))
    u = mda.Universe.empty(len(tips), len(tips), atom_resindex=range(len(tips)), trajectory=True)
    u.add_TopologyAttr("names", ["C1"] * len(tips))
    u.add_TopologyAttr("elements", ["C"] * len(tips))
    u.add_TopologyAttr("resnames", ["LIG"] * len(tips))
    u.add_TopologyAttr("resids", range(1, len(tips) + 1))
    u.atoms.positions = before[tips]
    model, atoms = made(plain, beads, u, temperature=temperature)
    assert model.n_atoms == plain.n_atoms + len(tips)
    np.testing.assert_array_equal(atoms[-len(tips) :], u.atoms.positions)
    heavy = np.flatnonzero(fine.elements != "H")
    was, now = (met(found[heavy], u.atoms.positions) for found in (before, atoms))
    assert was.all() and not now.any()


def test_a_ligand_goes_with_its_core(native, beads, plain):
    core = native.select_atoms("chainID D and resid 10:30")
    molecule = ligand(native.select_atoms("chainID A and resid 41 and not backbone"))
    both = mda.Merge(core, molecule.atoms)
    both.atoms.positions = both.atoms.positions @ TURN.T.astype(np.float32) + np.float32([3, 4, 5])
    model, atoms = made(plain, beads, both)
    np.testing.assert_allclose(atoms[-len(molecule.atoms) :], molecule.atoms.positions, atol=2e-3)
    u = model.universe()
    assert set(u.select_atoms("resname LIG").record_types) == {"HETATM"}
    assert len(u.select_atoms("resname LIG").bonds) >= len(molecule.atoms) - 1


def test_metal_ions_may_be_bound(beads, plain):
    u = mda.Universe.empty(1, 1, atom_resindex=[0], trajectory=True)
    for name, value in {"names": "ZN", "resnames": "ZN"}.items():
        u.add_TopologyAttr(name, [value])
    u.atoms.positions = beads.positions.mean(0, keepdims=True) + [[40, 0, 0]]
    model, atoms = made(plain, beads, u)
    assert model.mapping.fine.elements[-1] == "Zn" and model.kept.kinds.tolist() == [other_atoms.type_of(4, 1)]
    np.testing.assert_array_equal(atoms[-1:], u.atoms.positions)
    np.testing.assert_allclose(atoms[:-1], made(plain, beads)[1], rtol=0, atol=1e-3)  # far away: rounding at most


def test_batches_do_not_matter(native, beads, plain):
    core = mda.Merge(
        native.select_atoms("chainID D and resid 10:30"), ligand(native.select_atoms("chainID A and resid 40")).atoms
    )
    model = plain.keeping(core, beads)
    rng = np.random.default_rng(0)
    frames = beads.positions + rng.normal(scale=0.05, size=(3, 1, 3)).astype(np.float32)
    together = model.sample(frames, range(3), seed=4)
    alone = np.concatenate([model.sample(frames[[k]], [k], seed=4) for k in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    again = pickle.loads(pickle.dumps(model)).sample(frames, range(3), seed=4)
    np.testing.assert_array_equal(together, again)


def test_relaxed_beads_leave_kept_atoms_alone(native, beads, plain):
    rng = np.random.default_rng(1)
    noisy = beads.positions[None] + rng.normal(scale=0.3, size=(1, len(beads), 3)).astype(np.float32)
    core = mda.Merge(
        native.select_atoms("chainID D and resid 10:30"), ligand(native.select_atoms("chainID A and resid 40")).atoms
    )
    model = plain.keeping(core, beads)
    atoms = model.sample(noisy, [0], bead_tolerance=0.5)[0]
    rows, own = model.kept.rows, model.kept.pieces[0].own
    found, given = atoms[rows], core.atoms.positions[own]
    inner = np.linalg.norm(found[:, None] - found, axis=-1) - np.linalg.norm(given[:, None] - given, axis=-1)
    assert np.abs(inner).max() < 1e-3
    assert max(abs(length - 1.33) for length, *_ in joints(model, atoms).values()) < 0.1


def test_frame_by_frame():
    u = quiet(TRPCAGE_PDB, TRPCAGE_XTC)
    beads, backbone = u.select_atoms("name CA"), u.select_atoms("backbone")
    model = mdb.load_model("genzprot", beads, keep=backbone)
    found = mdb.BackmapTrajectory(beads, model).run(frames=[7, 2]).results.positions
    for atoms, frame in zip(found, (7, 2), strict=True):
        u.trajectory[frame]
        np.testing.assert_array_equal(atoms[model.kept.rows], backbone.positions[model.kept.pieces[0].own])
    with pytest.raises(ValueError, match="frame 20 of the beads"):
        model.sample(beads.positions[None], [20])


def renamed(atoms, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        u = mda.Merge(atoms)
    for name, change in changes.items():
        u.add_TopologyAttr(name, change(getattr(u.atoms.residues, name)))
    return u


WRONG = {
    "other numbers": (lambda a: renamed(a, resids=lambda x: x + 300), "chain D, .* 310, which the beads do not have"),
    "other names": (lambda a: renamed(a, resnames=lambda x: ["TRP"] * len(x)), "chain D, TRP 10, but the beads have"),
    "no nitrogens": (lambda a: a.select_atoms("not name N"), "without N: expected all of a residue, its backbone"),
    "side chains alone": (lambda a: a.select_atoms("not backbone"), "without N, CA, C"),
    "a residue twice": (lambda a: [a, a[:5]], "in two groups"),
    "no atoms": (lambda a: a[:0], "no atoms"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(native, beads, plain, case):
    change, words = WRONG[case]
    with pytest.raises(MappingError, match=words):
        plain.keeping(change(native.select_atoms("chainID D and resid 10:30")), beads)


def test_another_number_of_frames(beads, plain):
    with pytest.raises(MappingError, match="has 20 frames, the beads have 1: expected one"):
        plain.keeping(quiet(TRPCAGE_PDB, TRPCAGE_XTC), beads)


def test_what_is_no_group(beads, plain):
    with pytest.raises(TypeError, match="keep='core.pdb'"):
        plain.keeping("core.pdb", beads)


@pytest.fixture(scope="module", params=["martini3", "ca_sc", "backbone", "com"])
def seen(native, request):
    """Beads of a chain that a bead model has, and the model of these."""
    atoms = native.select_atoms("chainID D")
    mapping = protein_mapping(request.param, read_topology(atoms))
    u = universe_of(mapping.coarse)
    u.load_new(mapping.project(atoms.positions)[None].astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return u, mdb.load_model("genzprot", u.atoms)


def rigid(found, atoms):
    """RMSD of what came out for kept atoms after superposition."""
    return superposed_rmsd(found[None], atoms[None])[0]


def test_a_core_among_beads_of_other_models(native, seen):
    u, plain = seen
    core = native.select_atoms("chainID D and resid 10:30")
    model, atoms = made(plain, u.atoms, core)
    found, own = kept_places(model, atoms)
    assert len(own) == len(core) and rigid(found, core.positions[own]) < 2e-3
    assert np.abs(found - core.positions[own]).max() < 0.1  # superposed on its beads
    for r, (length, at_c, at_n) in joints(model, atoms).items():
        assert abs(length - 1.33) < 0.1, model.mapping.fine.resids[r]
        assert 100 < at_c < 133 and 105 < at_n < 140, model.mapping.fine.resids[r]
    check_lengths(model, atoms)


def test_side_chains_on_a_fixed_backbone_by_beads_of_other_models(native, seen):
    u, plain = seen
    backbone = native.select_atoms("chainID D and backbone")
    model, atoms = made(plain, u.atoms, backbone)
    found, own = kept_places(model, atoms)
    assert rigid(found, backbone.positions[own]) < 2e-3
    check_lengths(model, atoms)


def test_side_chains_of_other_models_give_way_to_a_ligand(seen):
    u, plain = seen
    fine, _, before = plain.mapping.fine, *made(plain, u.atoms)
    tips = np.flatnonzero(np.isin(fine.names, ["NZ"]))[1:4]  # the backbone of the first residue may move
    other = mda.Universe.empty(len(tips), len(tips), atom_resindex=range(len(tips)), trajectory=True)
    for name, values in {"names": ["C1"], "elements": ["C"], "resnames": ["LIG"]}.items():
        other.add_TopologyAttr(name, values * len(tips))
    other.add_TopologyAttr("resids", range(1, len(tips) + 1))
    other.atoms.positions = before[tips]
    model, atoms = made(plain, u.atoms, other)
    np.testing.assert_array_equal(atoms[-len(tips) :], other.atoms.positions)
    heavy = np.flatnonzero(fine.elements != "H")
    was, now = (met(found[heavy], other.atoms.positions) for found in (before, atoms))
    assert was.all() and not now.any()


def test_a_core_on_beads_of_a_simulation():
    """Its own frame put through the library: side chains follow their beads loosely, kept atoms are rigid."""
    u = quiet(MARTINI_GRO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = mdb.load_model("genzprot", u.atoms)
        model, atoms = plain, plain.sample(u.atoms.positions[None][:, plain.indices], [0], temperature=0)[0]
        whole = model.universe()
        whole.load_new(atoms[None])
        core = whole.select_atoms("protein and resid 23:34")
        kept = plain.keeping(core, u.atoms, 4.0)
        found = kept.sample(u.atoms.positions[None][:, kept.indices], [0], temperature=0)[0]
    assert rigid(found[kept.kept.rows], core.positions[kept.kept.pieces[0].own]) < 2e-3
    check_lengths(kept, found)


def test_atoms_far_from_their_beads_are_named(native, beads, plain):
    core = mda.Merge(native.select_atoms("chainID D and resid 10:30"))
    core.select_atoms("resid 20").positions += 5
    model = plain.keeping(core, beads)
    with pytest.raises(MappingError, match=r"chain D, \w+ 20 lies \d\.\d A from its bead CA in frame 3, expected 2 A"):
        model.sample(beads.positions[None], [3])
    made(plain, beads)
    wide = plain.keeping(core, beads, tolerance=10)
    assert np.isfinite(wide.sample(beads.positions[None], [3])).all()


def test_too_few_beads_to_superpose(native, beads, plain):
    two = mda.Merge(native.select_atoms("chainID D and resid 10:11"))
    two.atoms.positions += 3
    with pytest.raises(MappingError, match="expected 3 beads or more"):
        made(plain, beads, two)


def test_chains_of_other_names(native, beads, plain):
    core = native.select_atoms("chainID D and resid 10:30")
    other = mda.Merge(core)
    other.add_TopologyAttr("chainIDs", ["Q"] * len(core))
    model, atoms = made(plain, beads, other)
    np.testing.assert_array_equal(kept_places(model, atoms)[0], core.positions)
    partner = native.select_atoms("chainID A and resid 30:40")  # another protein beside
    model, atoms = made(plain, beads, partner)
    np.testing.assert_array_equal(atoms[-len(partner) :], partner.positions)
    assert model.n_atoms == plain.n_atoms + len(partner)


def test_models_of_one_molecule_keep_nothing():
    from mdbackmap.datafiles import CHIGNOLIN_PDB

    u = quiet(CHIGNOLIN_PDB)
    bundled = mdb.load_model("cgvae-chignolin", u.select_atoms("name CA"))
    with pytest.raises(MappingError, match="models of proteins keep some"):
        bundled.keeping(u, u)


def test_atoms_in_a_box(native, beads, plain):
    """What is given frame by frame may be wrapped in another way than its beads."""
    box = [70, 70, 70, 90, 90, 90]
    backbone = native.select_atoms("chainID D and backbone")
    u = mda.Merge(backbone)
    u.load_new(np.stack([backbone.positions + [70, 0, -140]] * 2).astype(np.float32))
    cg = mda.Merge(beads)
    cg.load_new(np.stack([beads.positions] * 2))
    model = mdb.load_model("genzprot", cg, keep=u)
    atoms = model.sample(beads.positions[None], [0], dimensions=[box])[0]
    np.testing.assert_allclose(atoms[model.kept.rows], backbone.positions[model.kept.pieces[0].own], atol=1e-3)


def test_given_atoms_stay_through_every_torsion():
    torch.manual_seed(0)
    types = torch.randint(0, 20, (12,))
    ends = torch.arange(12) == 11
    internal = InternalCoordinates(types, ends, torch.zeros(12, dtype=torch.bool))
    ca = torch.randn(2, 12, 3).cumsum(1) * 2.2
    true = internal.to_cartesian(ca, torch.rand(2, 12, 6) * 6)
    mask = torch.zeros(12, 14, dtype=torch.bool)
    mask[3:6], mask[8, :4] = True, True
    given = Given(true, mask)
    built = given.atoms(internal, ca, torch.rand(2, 12, 6) * 6)
    assert (built[:, mask] == true[:, mask]).all()
    found, known = given.torsions(internal, ca)
    again = given.atoms(internal, ca, found)
    assert known[3:6][internal.defined[3:6]].all() and not known[0, 1:].any()
    assert (again[:, 4] - true[:, 4]).abs().max() < 1e-3


@pytest.fixture
def in_files(native, tmp_path):
    """A trace of three frames, a core that lies elsewhere, and a ligand in it."""
    beads = native.select_atoms("chainID D and name CA and resid 1:40")
    rng = np.random.default_rng(2)
    cg = mda.Merge(beads)
    cg.load_new(beads.positions + rng.normal(scale=0.02, size=(3, len(beads), 3)).astype(np.float32))
    core = mda.Merge(native.select_atoms("chainID D and resid 10:30"), ligand(native.select_atoms("resid 41")).atoms)
    core.atoms.positions = core.atoms.positions @ TURN.T.astype(np.float32)
    other = mda.Merge(core.atoms)
    other.atoms.positions += np.float32([0, 0, 0.3]) * (np.arange(len(core.atoms)) % 2)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cg.atoms.write(tmp_path / "cg.pdb")
        cg.atoms.write(tmp_path / "cg.xtc", frames="all")
        core.atoms.write(tmp_path / "core.pdb")
        other.atoms.write(tmp_path / "other.pdb")
    return tmp_path


def command(folder, *arguments):
    from mdbackmap.cli import main

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return main(["convert", "cg.pdb", "cg.xtc", "--seed", "3", *arguments])


def test_from_the_command_line(in_files, monkeypatch, capsys):
    monkeypatch.chdir(in_files)
    assert command(in_files, "--keep", "core.pdb", "-o", "aa.xtc", "--keep-tolerance", "1.5") == 0
    u, core = quiet("aa.pdb", "aa.xtc"), quiet("core.pdb").atoms
    assert len(u.trajectory) == 3 and len(u.select_atoms("resname LIG")) == len(core.select_atoms("resname LIG"))
    assert set(u.select_atoms("resname LIG").record_types) == {"HETATM"}
    inner = np.linalg.norm(core.positions[:, None] - core.positions, axis=-1)
    for _ in u.trajectory:
        there = u.select_atoms("(resid 10:30 and not element H) or resname LIG")
        assert there.names.tolist() == core.names.tolist()
        found = np.linalg.norm(there.positions[:, None] - there.positions, axis=-1)
        np.testing.assert_allclose(found, inner, atol=0.03)
    kept = json.loads((in_files / "aa.json").read_text())["conversion"]["keep"]
    assert kept["input"] == ["core.pdb"] and kept["n_atoms"] == [len(core)] and kept["tolerance"] == 1.5
    assert command(in_files, "--keep", "core.pdb", "-o", "aa.xtc", "--keep-tolerance", "1.5", "--resume") == 0
    assert "nothing to resume" in capsys.readouterr().out
    assert command(in_files, "--keep", "other.pdb", "-o", "aa.xtc", "--keep-tolerance", "1.5", "--resume") != 0
    assert "not what was asked for now" in capsys.readouterr().err


def test_parts_from_the_command_line(in_files, monkeypatch):
    monkeypatch.chdir(in_files)
    parts = "--keep-select", "resid 10:18", "--keep-select", "resid 20:30 and backbone"
    assert command(in_files, "--keep", "core.pdb", *parts, "-o", "aa.pdb") == 0
    assert not len(quiet("aa.pdb").select_atoms("resname LIG"))
    with pytest.raises(SystemExit):
        command(in_files, "--keep-select", "resid 10:18", "-o", "ab.pdb")
    assert command(in_files, "--keep", "core.pdb", "-o", "core.pdb", "--overwrite") != 0


def test_in_python_in_one_call(in_files, monkeypatch):
    monkeypatch.chdir(in_files)
    cg, core = quiet("cg.pdb", "cg.xtc"), quiet("core.pdb")
    u = mdb.backmap(cg, keep=core, seed=3)
    model = mdb.load_model("genzprot", cg)
    found = mdb.BackmapTrajectory(cg, model, keep=core, seed=3).run().results
    for ts in u.trajectory:
        np.testing.assert_allclose(ts.positions, found.positions[ts.frame], atol=1e-3)
    assert found.provenance["conversion"]["keep"]["frames"] == [1]
