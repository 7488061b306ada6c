"""Atoms are a function of the shape: not of where a molecule lies, nor of the order of chains or of tiny noise."""

import json
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap import load_model
from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC
from mdbackmap.molecule.boxes import box_vectors
from mdbackmap.sampling.standard_form import chain_order

SHIFT = np.array([7.3, -3.1, 12.7])
BOX = np.array([48.0, 46.0, 50.0, 75.0, 80.0, 70.0], dtype=np.float32)  # the complex meets its images


@pytest.fixture(scope="module")
def go():
    u = mda.Universe(GO_PDB, GO_XTC)
    beads = np.stack([u.atoms.positions for _ in u.trajectory[[3, 18, 27, 40]]])
    return load_model("genzprot", u.atoms), beads


@pytest.fixture(scope="module")
def dimer():
    beads = mda.Universe(COMPLEX_PDB).select_atoms("name CA")
    return load_model("genzprot", beads), beads


def furthest(model, one, other):
    """How far the atom of each residue that moves most is moved, (F R,), in angstrom."""
    moved, rows = np.linalg.norm(one - other, axis=-1), model.mapping.fine.residue_of_atom
    worst = np.zeros((len(moved), rows.max() + 1))
    np.maximum.at(worst, (slice(None), rows), moved)
    return worst.ravel()


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("tolerance", [0.0, "auto"])
def test_shifts(go, tolerance, temperature):
    model, beads = go
    options = {"temperature": temperature, "bead_tolerance": tolerance}
    before = model.sample(beads, range(4), **options)
    after = model.sample((beads + SHIFT).astype(np.float32), range(4), **options) - SHIFT
    assert (furthest(model, before, after) > 0.01).mean() <= 0.001


@pytest.mark.parametrize("temperature", [0, 1])
def test_shifts_and_wraps_in_boxes(dimer, temperature):
    """Chains cut at the boundary, and each in an image of its own."""
    model, atoms = dimer
    vectors = box_vectors(BOX[None], 1)[0]

    def made(beads):
        options = {"temperature": temperature, "bead_tolerance": 0.5, "dimensions": BOX[None]}
        return model.sample(beads[None].astype(np.float32), [0], **options)

    there = atoms.positions.astype(np.float64) + 3 * SHIFT
    wrapped = there - np.floor(there @ np.linalg.inv(vectors)) @ vectors
    assert np.abs(wrapped - there).max() > 10
    moved = made(wrapped) - 3 * SHIFT - made(atoms.positions)
    moved -= np.round(moved @ np.linalg.inv(vectors)) @ vectors
    assert (furthest(model, moved, np.zeros_like(moved)) <= 0.01).all()


@pytest.mark.parametrize("tolerance", [0.0, "auto"])
def test_noise_that_is_nothing(go, tolerance):
    """Of 0.0001 angstrom: a thirtieth of what XTC files round off."""
    model, beads = go
    noise = np.random.default_rng(1).normal(0, 1e-4, beads.shape)
    before, after = (
        model.sample(x.astype(np.float32), range(4), bead_tolerance=tolerance) for x in (beads, beads + noise)
    )
    assert (furthest(model, before, after) > 0.3).mean() < 0.02


@pytest.mark.parametrize("temperature", [0, 1])
def test_order_of_chains(dimer, temperature):
    found = []
    for order in ("AD", "DA"):
        groups = [dimer[1].select_atoms(f"chainID {chain}") for chain in order]
        u = mda.Merge(*groups)
        model = load_model("genzprot", u.atoms)
        atoms = model.sample(u.atoms.positions[None], [0], temperature=temperature)[0]
        assert (atoms[model.mapping.atoms] == u.atoms.positions).all()
        fine = model.mapping.fine
        rows = fine.residue_of_atom
        labels = zip(fine.chainIDs[rows], fine.resids[rows], fine.names, strict=True)
        found.append(dict(zip(labels, atoms, strict=True)))
    assert found[0].keys() == found[1].keys()
    assert max(np.abs(found[0][key] - found[1][key]).max() for key in found[0]) < 1e-3


def test_far_from_the_origin(go):
    """As far as single precision says where beads are."""
    model, beads = go
    far = (beads[:1].astype(np.float64) + 2.0**15).astype(np.float32)
    near = (far.astype(np.float64) - 2.0**15).astype(np.float32)
    before, after = (model.sample(x, [0], bead_tolerance=0.0).astype(np.float64) for x in (near, far))
    fine, after = model.mapping.fine, after - 2.0**15
    turned = (fine.elements == "H") | np.isin(fine.resnames[fine.residue_of_atom], ["ASN", "GLN", "HIS"])
    # half a step of single precision there
    np.testing.assert_allclose(after[:, ~turned], before[:, ~turned], atol=0.005)
    # hydrogens are placed from atoms that are rounded, which may turn one that has two places nearly as good
    off = np.linalg.norm(after - before, axis=-1)[:, turned]
    assert (off < 0.02).mean() > 0.98


def test_topologies_in_another_order_and_back(dimer):
    coarse = dimer[0].mapping.coarse
    n_first = np.count_nonzero(coarse.chainIDs == "A")
    order = np.roll(np.arange(coarse.n_residues), -n_first)
    other = coarse.take(order)
    assert other.chainIDs[0] == "D" and other.resnames[-1] == coarse.resnames[n_first - 1]
    assert chain_order(coarse).tolist() == order[chain_order(other)].tolist()
    back = other.take(np.argsort(order))
    for name in ("names", "resnames", "resids", "icodes", "chainIDs", "ends", "cis"):
        assert np.array_equal(getattr(back, name), getattr(coarse, name)), name
    assert {tuple(bond) for bond in back.bonds.tolist()} == {tuple(bond) for bond in coarse.bonds.tolist()}


def test_beads_kept_are_the_very_same(dimer):
    model, atoms = dimer
    beads = (atoms.positions + np.float32(1000.3))[None]
    made = model.sample(beads, [0], bead_tolerance=0.0)
    assert (made[:, model.mapping.atoms] == beads).all()


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 1, 0.3)])
def test_straight_chains_bend(axis):
    """Start structures of many disordered proteins: on a line no force says to which side beads should go."""
    n, axis = 40, np.array(axis) / np.linalg.norm(axis)
    u = mda.Universe.empty(n, n, atom_resindex=range(n), trajectory=True)
    u.add_TopologyAttr("names", ["CA"] * n)
    u.add_TopologyAttr("resnames", [("SER", "GLY", "GLN", "TYR")[k % 4] for k in range(n)])
    u.add_TopologyAttr("resids", range(1, n + 1))
    u.atoms.positions = 3.8 * np.arange(n)[:, None] * axis
    model = load_model("genzprot", u.atoms)
    made = model.sample(u.atoms.positions[None], [0], temperature=0)
    alphas = made[0, model.mapping.atoms]
    back, ahead = alphas[:-2] - alphas[1:-1], alphas[2:] - alphas[1:-1]
    cosine = (back * ahead).sum(-1) / np.linalg.norm(back, axis=-1) / np.linalg.norm(ahead, axis=-1)
    angles = np.degrees(np.arccos(cosine))
    assert np.median(angles) < 155  # extended chains of proteins: 120 to 150


def test_a_straight_start_structure(tmp_path):
    """163 residues of FUS on a line; `tests/cases/straight-line/README.md` says what is right."""
    case, out = Path(__file__).parent / "cases" / "straight-line" / "ca.pdb", tmp_path / "aa.pdb"
    assert main(["convert", str(case), "-o", str(out)]) == 0
    assert main(["check", str(out), "--json", str(tmp_path / "check.json")]) == 0
    found = json.loads((tmp_path / "check.json").read_text())["structures"][0]["mean"]
    assert found["rama_favoured"] >= 75 and found["rama_outliers"] <= 12 and found["clashscore"] <= 15
    beads, alphas = mda.Universe(str(case)).atoms, mda.Universe(str(out)).select_atoms("name CA")
    moved = np.linalg.norm(alphas.positions - beads.positions, axis=1)
    assert 0.1 < np.sqrt((moved**2).mean()) <= 0.9
