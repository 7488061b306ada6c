"""Bead models as a table: several beads a residue, molecules beside the protein, and all of it through files."""

import dataclasses
import json

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mdbackmap.chemistry.elements import MASSES
from mdbackmap.chemistry.residues import RESIDUE_NAMES
from mdbackmap.completion.complete import Completion
from mdbackmap.molecule.bead_definition import BeadModel
from mdbackmap.molecule.bead_models import BEAD_MODELS, CA, SYNONYMS, bead_model, chain_ends, read_bead_models
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.molecule.topology import Topology
from mdbackmap.training.priors import bead_lengths
from mdbackmap.universes.coarse import coarse_universe
from mdbackmap.universes.reader import LiftedReader
from mdbackmap.universes.universe import universe_of
from mdbackmap.writing.pdb import write_topology

BACKBONE = {"N": 1.0, "CA": 1.0, "C": 1.0, "O": 1.0}
DEFINITIONS = {
    "format": "bead definitions v1",
    "models": {
        "two": {
            "anchor": "BB",
            "weights": "mass",
            "residues": {
                "GLY": {"BB": BACKBONE},
                "SER": {"BB": BACKBONE, "SC1": {"CB": 1.0, "OG": 1.0}},
                "HIS": {"BB": BACKBONE, "SC1": {"CB": 1.0, "CG": 1.0}, "SC2": {"CD2": 1.0, "NE2": 1.0}},
            },
            "variants": {"HIS": {"HID (of one force field)": {"BB": BACKBONE, "SC1": {"CB": 1.0}}}},
            "other_beads": {"VS": "a virtual site; not an atom", "SCP, SCN": "charges"},
            "ends": "in words",
        },
        "shares": {
            "anchor": "CA",
            "weights": "equal",
            "residues": {"SER": {"CA": {"CA": 1.0}, "SC": {"CB": 0.5, "OG": 1.0}, "SD": {"CB": 0.5}}},
        },
    },
}


@pytest.fixture
def models(tmp_path):
    (tmp_path / "beads.json").write_text(json.dumps(DEFINITIONS))
    return read_bead_models(tmp_path / "beads.json")


def protein(resnames=("GLY", "SER", "HIS", "SER"), **changed):
    n = len(resnames)
    fields = {"variants": None} | changed
    return protein_topology(
        Topology(["CA"] * n, [""] * n, range(n), resnames, range(1, n + 1), [""] * n, ["A"] * n, [""] * n, **fields)
    )


def ions():
    """Two ions and a water of three atoms, all in one chain."""
    return Topology(
        ["ZN", "CA", "OW", "HW1", "HW2"],
        ["Zn", "Ca", "O", "H", "H"],
        [0, 1, 2, 2, 2],
        ["ZN", "CA", "HOH"],
        [1, 2, 3],
        [""] * 3,
        ["I"] * 3,
        [""] * 3,
        bonds=[[2, 3], [2, 4]],
    )


def frames(n_particles, n_frames=3):
    return np.random.default_rng(0).uniform(0, 40, (n_frames, n_particles, 3)).astype(np.float32)


def test_the_table_begins_with_c_alphas():
    assert next(iter(BEAD_MODELS.items())) == ("ca", CA)
    fine = protein()
    mapping = Mapping.of(CA, CA.topology(fine), fine)
    same = Mapping.ca(mapping.coarse)
    for name in ("beads", "atoms", "weights", "bead_of_atom"):
        assert_array_equal(getattr(mapping, name), getattr(same, name))
    assert_array_equal(mapping.bead_of_atom, fine.residue_of_atom)
    assert mapping.coarse.bonds.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert mapping.name == "ca"


def test_models_of_a_file(models):
    assert list(models) == ["two", "shares"]
    assert models["two"].anchor == "BB" and models["two"].others == ("VS", "SCP", "SCN")
    assert list(models["two"].residues) == ["GLY", "SER", "HIS", "HID"]
    assert not models["shares"].by_mass


def test_every_model_knows_every_residue_and_its_anchor():
    names = (
        "ca ca_sc ca_cm com martini3 martini22 elnedyn primo awsem backbone backbone_cb bb martini3_ncaco martini3_next"
    )
    assert set(BEAD_MODELS) == set(names.split()) and set(SYNONYMS.values()) <= set(BEAD_MODELS)
    fine = protein(RESIDUE_NAMES)
    for model in BEAD_MODELS.values():
        mapping = Mapping.of(model, model.topology(fine))
        assert mapping.coarse.names[mapping.anchors].tolist() == [model.anchor] * 20, model.name
        assert_allclose(np.bincount(mapping.beads, mapping.weights), 1.0)
        for resname, lengths in model.lengths.items():
            assert {bead for pair in lengths for bead in pair.split("-")} <= set(model.residues[resname])


def test_lengths_of_a_file(tmp_path):
    """Four numbers, or three without the standard deviation in the force field."""
    residues = {"GLY": {"BB": {"CA": 1.0}}, "ALA": {"BB": {"CA": 1.0}, "SC1": {"CB": 1.0}}}
    entry = {"anchor": "BB", "weights": "mass", "residues": residues}

    def read(numbers):
        content = {"models": {"mine": {**entry, "lengths": {"residues": {"ALA": {"BB-SC1": numbers}}}}}}
        (tmp_path / "mine.json").write_text(json.dumps(content))
        return read_bead_models(tmp_path / "mine.json")["mine"].lengths["ALA"]["BB-SC1"]

    assert read([2.7, 0.02, 2.14, 0.09]) == [2.7, 0.02, 2.14, 0.09]
    assert read([2.7, 2.14, 0.09]) == [2.7, 0.09, 2.14, 0.09]
    for wrong in ([2.7, 2.14], ["2.7", 0.02, 2.14, 0.09]):
        with pytest.raises(ValueError, match="'mine': the length of ALA BB-SC1 is .*expected mean"):
            read(wrong)


def test_lengths_are_written_where_they_were():
    lengths = {name: model.lengths for name, model in BEAD_MODELS.items() if model.lengths}
    assert list(lengths) == ["martini3", "martini22", "elnedyn"]
    text = bead_lengths.FILE.read_text()
    assert bead_lengths.replaced(text, lengths) == text
    text = bead_lengths.replaced(text, {"elnedyn": {"ALA": {"BB-SC1": [1.0, 2.0, 3.0, 4.0]}}})
    assert json.loads(text)["models"]["elnedyn"]["lengths"]["residues"] == {"ALA": {"BB-SC1": [1.0, 2.0, 3.0, 4.0]}}


def test_weights_of_martini_3():
    fine = protein(["PHE"])
    mapping = Mapping.of(BEAD_MODELS["martini3"], BEAD_MODELS["martini3"].topology(fine), fine)
    shares = [{} for _ in range(mapping.n_beads)]
    for bead, atom, weight in zip(mapping.beads, mapping.atoms, mapping.weights, strict=True):
        shares[bead][str(fine.names[atom])] = weight
    assert mapping.coarse.names.tolist() == ["BB", "SC1", "SC2", "SC3"]
    mass = MASSES["N"] + 2 * MASSES["C"] + MASSES["O"]
    assert shares[0] == pytest.approx({name: MASSES[name[0]] / mass for name in BACKBONE})
    assert shares[1] == pytest.approx({"CB": 0.375, "CG": 0.375, "CD1": 0.125, "CD2": 0.125}, abs=1e-4)  # thirds


@pytest.mark.parametrize("name", ["martini3", "martini22", "bb", "com", "ca_cm"])
def test_oxt_counts_at_the_end_of_a_chain_as_a_sum_of_other_atoms(name):
    model = BEAD_MODELS[name]
    inner = protein(["SER", "GLY"])
    without = Mapping.of(model, model.topology(inner), inner)
    mapping = Mapping.of(model, without.coarse)
    whole = Completion(without).mapping.fine  # with OXT as an atom
    told = Mapping.of(model, model.topology(whole), whole)
    positions = frames(inner.n_atoms)
    alpha, carbon, oxygen = (positions[:, 6 + k] for k in (1, 2, 3))
    with_oxt = np.concatenate([positions, (2.77 * carbon - 0.77 * alpha - oxygen)[:, None]], axis=1)
    assert whole.names.tolist()[-1] == "OXT"
    assert_allclose(mapping.project(positions), told.project(with_oxt), atol=1e-4)
    moved = np.linalg.norm(mapping.project(positions) - without.project(positions), axis=-1) > 0
    assert_array_equal(
        moved,
        np.broadcast_to(mapping.residue_of_bead == 1, moved.shape)
        & (np.isin(mapping.coarse.names, list(model.end_atoms.values()))),
    )
    assert_allclose(np.bincount(mapping.beads, mapping.weights), 1.0)
    assert mapping.anchors.tolist() == without.anchors.tolist()


def test_chain_ends_are_no_breaks():
    n = 6
    coarse = Topology(
        ["BB"] * n,
        [""] * n,
        range(n),
        ["GLY"] * n,
        [1, 2, 7, 8, 1, 1],
        [""] * n,
        list("AAAAAB"),
        [""] * n,
        ends=[False, True, False, True, True, True],
    )
    assert chain_ends(coarse).tolist() == [False, False, False, True, True, True]
    capped = dataclasses.replace(coarse, caps=[["", ""]] * 5 + [["", "NME"]])
    assert chain_ends(capped).tolist() == [False, False, False, True, True, False]
    model = BEAD_MODELS["bb"]
    closed = Mapping.of(model, coarse, carboxylates=np.zeros(n, dtype=bool))
    assert closed.weights.min() > 0 > Mapping.of(model, coarse).weights.min()


def test_hydrogens_count_where_a_structure_has_them():
    names = {
        "GLY": ["N", "CA", "C", "O", "HN", "HA1", "HA2"],
        "SER": ["N", "CA", "C", "O", "CB", "OG", "H", "HB2", "HG"],
    }
    flat = sum(names.values(), [])
    fine = Topology(
        flat, [name[0] for name in flat], [0] * 7 + [1] * 9, list(names), [1, 2], [""] * 2, ["A"] * 2, [""] * 2
    )

    def counted(name, bead):
        mapping = Mapping.of(BEAD_MODELS[name], BEAD_MODELS[name].topology(fine), fine)
        return fine.names[mapping.atoms[mapping.beads == bead]].tolist()

    assert counted("martini3", 0) == ["N", "CA", "C", "O", "HN"]
    assert counted("martini3", 2) == ["CB", "OG", "HG"]
    assert counted("com", 1) == names["SER"]
    assert counted("ca_sc", 2) == ["CB", "OG"]


def test_bead_models_by_name(tmp_path, models):
    file = tmp_path / "beads.json"
    assert bead_model("CA+SC") is BEAD_MODELS["ca_sc"] and bead_model("Martini2.2") is BEAD_MODELS["martini22"]
    assert bead_model("elnedyn") is BEAD_MODELS["elnedyn"] and bead_model(models["two"]) is models["two"]
    assert bead_model(f"{file}:shares").name == "shares"
    with pytest.raises(ValueError, match="'martini4' is not known: expected one of ca, .*martini3.*or a JSON file"):
        bead_model("martini4")
    with pytest.raises(ValueError, match=r"several bead models: expected .*beads.json:NAME with one of two, shares"):
        bead_model(file)
    with pytest.raises(ValueError, match="no bead model 'three': expected"):
        bead_model(f"{file}:three")
    file.write_text(json.dumps({"models": {"shares": DEFINITIONS["models"]["shares"]}}))
    assert bead_model(file).name == "shares"


def test_several_beads_a_residue(models):
    fine = protein()
    coarse = models["two"].topology(fine)
    mapping = Mapping.of(models["two"], coarse, fine)
    assert coarse.names.tolist() == ["BB", "BB", "SC1", "BB", "SC1", "SC2", "BB", "SC1"]
    assert mapping.residue_of_bead.tolist() == [0, 1, 1, 2, 2, 2, 3, 3]
    assert coarse.bonds.tolist() == [[0, 1], [1, 2], [1, 3], [3, 4], [3, 5], [3, 6], [4, 5], [6, 7]]
    positions = frames(fine.n_atoms)
    beads = mapping.project(positions)
    own = (fine.residue_of_atom == 1) & np.isin(fine.names, ["CB", "OG"])
    masses = np.array([MASSES["C"], MASSES["O"]])
    assert_allclose(beads[:, 2], (positions[:, own] * masses[:, None]).sum(1) / masses.sum(), rtol=1e-5)
    assert_allclose(mapping.project(mapping.lift(beads)), beads, rtol=1e-5)
    assert mapping.anchors.tolist() == [0, 1, 3, 6]
    assert_array_equal(mapping.trace(beads), beads[:, [0, 1, 3, 6]])


def test_every_atom_rests_on_a_bead_of_its_residue(models):
    fine = protein()
    mapping = Mapping.of(models["two"], models["two"].topology(fine), fine)
    assert_array_equal(mapping.residue_of_bead[mapping.bead_of_atom], fine.residue_of_atom)
    ring = fine.residue_of_atom == 2  # ND1 and CE1 are in no bead
    assert dict(zip(fine.names[ring], mapping.coarse.names[mapping.bead_of_atom[ring]], strict=True)) == {
        **dict.fromkeys(["N", "CA", "C", "O", "ND1", "CE1"], "BB"),
        **dict.fromkeys(["CB", "CG"], "SC1"),
        **dict.fromkeys(["CD2", "NE2"], "SC2"),
    }


def test_an_atom_may_count_in_two_beads(models):
    fine = protein(["SER"])
    mapping = Mapping.of(models["shares"], models["shares"].topology(fine), fine)
    assert mapping.weights.round(3).tolist() == [1.0, 0.333, 0.667, 1.0]
    assert mapping.coarse.names[mapping.bead_of_atom].tolist() == ["CA", "CA", "CA", "CA", "SC", "SC"]


def test_variants_have_beads_of_their_own(models):
    fine = protein(["HIS", "HIS"], variants=["HID", "HIE"])
    coarse = models["two"].topology(fine)
    assert coarse.names.tolist() == ["BB", "SC1", "BB", "SC1", "SC2"]
    assert coarse.variants.tolist() == ["HID", "HIE"]


def test_beads_are_taken_by_name_and_others_own_no_atom(models):
    fine = protein(["SER", "GLY"])
    coarse = models["two"].topology(fine)
    other = dataclasses.replace(
        coarse, names=["VS", "SC1", "BB", "BB"], elements=[""] * 4, residue_of_atom=[0, 0, 0, 1], bonds=None
    )
    mapping = Mapping.of(models["two"], other, fine)
    positions = frames(fine.n_atoms)
    beads, expected = mapping.project(positions), Mapping.of(models["two"], coarse, fine).project(positions)
    assert np.isnan(beads[:, 0]).all()
    assert_array_equal(beads[:, [2, 1, 3]], expected)
    assert mapping.anchors.tolist() == [2, 3]


def test_other_beads_are_refused(models):
    fine = protein(["SER"])
    wrong = dataclasses.replace(models["two"].topology(fine), names=["BB", "SC2"])
    with pytest.raises(MappingError, match="SER 1 has 2 beads .BB, SC2., expected BB, SC1, those of the bead model"):
        Mapping.of(models["two"], wrong, fine)
    with pytest.raises(MappingError, match="ALA 1 has no beads in the bead model 'two'"):
        Mapping.of(models["two"], protein(["ALA"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not understood"),
        ({"models": {"x": {"anchor": "BB"}}}, "expected bead models"),
        ({"models": {"x": {"anchor": "BB", "weights": "volume", "residues": {}}}}, "volume"),
        ([1], "no models by name"),
        ({"models": {"x": {"residues": {}}}}, "model x has no anchor"),
        ({"models": {"x": {"anchor": "BB", "weights": "mass", "residues": {}}}}, "no table of beads by residue name"),
        (
            {"models": {"x": {"anchor": "BB", "weights": "mass", "residues": {"GLY": {"BB": ["N", "CA"]}}}}},
            "bead BB of GLY in model x is no table of shares",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_bead_models(path)


@pytest.mark.parametrize(
    ("beads", "message"),
    [
        ({"SC1": {"CB": 1.0}}, "GLY has no bead BB, its anchor"),
        ({"BB": {"CB": 1.0}}, "bead BB of GLY"),
        ({"BB": {"CA": 0.0}}, "share other than 0"),
        ({"BB": {"CA": 1.0, "C": -1.0}}, "sum above 0"),
        ({"BB": {}}, "sum above 0"),
    ],
)
def test_tables_that_make_no_sense_are_refused(beads, message):
    with pytest.raises(ValueError, match=message):
        BeadModel("x", "BB", {"GLY": beads})


def test_a_model_of_several_beads_through_universe_and_reader(models, tmp_path):
    fine = protein()
    aa = universe_of(fine)
    aa.load_new(frames(fine.n_atoms), order="fac")
    mapping = Mapping.of(models["two"], models["two"].topology(fine), fine)
    cg = coarse_universe(aa.atoms, mapping)
    cg.atoms.write(tmp_path / "cg.pdb")
    cg.atoms.write(tmp_path / "cg.xtc", frames="all")
    again = mda.Universe(tmp_path / "cg.pdb", tmp_path / "cg.xtc")
    assert again.atoms.names.tolist() == mapping.coarse.names.tolist()
    assert again.residues.resnames.tolist() == fine.resnames.tolist()
    lifted = universe_of(fine)
    lifted.trajectory = LiftedReader(again.trajectory, mapping)
    assert lifted.trajectory.ts.beads.shape == (8, 3)
    for ts, expected in zip(lifted.trajectory, frames(fine.n_atoms), strict=True):
        assert_allclose(mapping.project(ts.positions), mapping.project(expected), atol=0.02)
    assert Mapping.of(models["two"], Topology.from_atoms(again.atoms)).n_atoms == fine.n_atoms


def test_molecules_beside_a_protein(models):
    protein_part = Mapping.of(models["two"], models["two"].topology(protein()))
    mapping = protein_part.beside(Mapping.passengers(ions()))
    assert (mapping.n_beads, mapping.n_atoms) == (8 + 5, protein_part.n_atoms + 5)
    beads = frames(13)
    atoms = mapping.lift(beads)
    assert_array_equal(atoms[:, -5:], beads[:, -5:])
    assert_allclose(mapping.project(atoms), beads, rtol=1e-5)
    assert mapping.anchors.tolist() == [0, 1, 3, 6]  # calcium is no C-alpha
    assert mapping.fine.hetero.tolist() == [False] * 4 + [True] * 3
    assert mapping.fine.ends.tolist() == [False] * 3 + [True] * 4
    assert [8 + 2, 8 + 3] in mapping.coarse.bonds.tolist()


def test_molecules_beside_a_protein_through_files(tmp_path):
    mapping = Mapping.ca(CA.topology(protein())).beside(Mapping.passengers(ions()))
    cg = universe_of(mapping.coarse)
    cg.load_new(frames(mapping.n_beads), order="fac")
    aa = universe_of(mapping.fine)
    aa.trajectory = LiftedReader(cg.trajectory, mapping)
    write_topology(tmp_path / "aa.pdb", mapping.fine, aa.atoms.positions)
    aa.atoms.write(tmp_path / "aa.xtc", frames="all")
    aa.atoms.write(tmp_path / "mda.pdb")
    text = (tmp_path / "aa.pdb").read_text().splitlines()
    assert [line[:6].strip() for line in text[-7:]] == ["TER", *["HETATM"] * 5, "END"]
    assert [line[17:26] for line in text[-6:-1:2]] == [" ZN I   1", "HOH I   3", "HOH I   3"]
    for name in ("aa.pdb", "mda.pdb"):
        again = mda.Universe(tmp_path / name, tmp_path / "aa.xtc")
        assert again.atoms.record_types.tolist() == ["ATOM"] * (mapping.n_atoms - 5) + ["HETATM"] * 5
        assert again.atoms.names.tolist() == mapping.fine.names.tolist()
        assert again.residues.resnames.tolist() == mapping.fine.resnames.tolist()
    for ts, beads in zip(again.trajectory, frames(mapping.n_beads), strict=True):
        assert_allclose(ts.positions, mapping.lift(beads), atol=0.006)


def test_molecules_beside_a_protein_in_mmcif(tmp_path):
    gemmi = pytest.importorskip("gemmi")
    mapping = Mapping.ca(CA.topology(protein(["GLY"]))).beside(Mapping.passengers(ions()))
    write_topology(tmp_path / "aa.cif", mapping.fine, frames(mapping.n_atoms)[0])
    kinds = [(r.name, r.het_flag) for chain in gemmi.read_structure(str(tmp_path / "aa.cif"))[0] for r in chain]
    assert kinds == [("GLY", "A"), ("ZN", "H"), ("CA", "H"), ("HOH", "H")]


def test_a_name_of_four_letters_keeps_the_columns(tmp_path):
    lipid = Topology(["PO4"], ["P"], [0], ["POPC"], [7], [""], ["L"], [""])
    write_topology(tmp_path / "lipid.pdb", Mapping.passengers(lipid).fine, [[1.0, 2.0, 3.0]])
    u = mda.Universe(tmp_path / "lipid.pdb")
    assert (u.residues[0].resname, u.atoms[0].chainID, u.residues[0].resid) == ("POPC", "L", 7)
