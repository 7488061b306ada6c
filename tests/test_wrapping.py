"""wrap=: where molecules of the output lie in a periodic box, and atoms across its borders."""

import warnings

import MDAnalysis as mda
import numpy as np
import pytest
from scipy.spatial import cKDTree

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC, MARTINI_GRO, MARTINI_XTC
from mdbackmap.molecule.boxes import box_vectors
from mdbackmap.molecule.images import together

pytestmark = pytest.mark.filterwarnings("ignore")

DODECAHEDRON = [90.0, 90.0, 90.0, 60.0, 60.0, 90.0]
BOXES = {"cube": [90.0, 90.0, 90.0, 90.0, 90.0, 90.0], "dodecahedron": DODECAHEDRON}


def vectors(dimensions):
    return box_vectors([dimensions], 1)[0]


def fractions(points, dimensions):
    return points @ np.linalg.inv(vectors(dimensions))


def cut(atoms, dimensions, shift):
    """Atoms moved, and each of them then put into the box by itself, as mdrun does it."""
    box = vectors(dimensions)
    moved = atoms.positions + np.asarray(shift, dtype=np.float32)
    inside = moved - np.floor(moved @ np.linalg.inv(box)) @ box
    u = mda.Merge(atoms)
    u.load_new(inside[None].astype(np.float32), order="fac", dimensions=np.array(dimensions, dtype=np.float32))
    return u


@pytest.fixture(scope="module", params=BOXES)
def complex_in_box(request):
    """Two chains and water around them, cut by the box; and the two chains as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        native = mda.Universe(COMPLEX_PDB).select_atoms("name CA")
    n, dimensions = 200, BOXES[request.param]
    water = mda.Universe.empty(n, n, atom_resindex=range(n), trajectory=True)
    for name, values in (("names", ["W"] * n), ("resnames", ["W"] * n), ("resids", range(1, n + 1))):
        water.add_TopologyAttr(name, list(values))
    water.atoms.positions = np.random.default_rng(0).uniform(0, 1, (n, 3)) @ vectors(dimensions)
    both = mda.Merge(native, water.atoms)
    return cut(both.atoms, dimensions, [40, 55, 70]), native.positions, dimensions


def made(cg, wrap, **options):
    model = mdb.load_model("genzprot", cg, passthrough=True)
    run = mdb.BackmapTrajectory(cg, model, temperature=0, bead_tolerance=0, wrap=wrap, **options).run()
    return model, run.results.positions[0]


def inner_distances(points):
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_molecules_are_moved_as_wholes(complex_in_box):
    cg, _, dimensions = complex_in_box
    model, whole = made(cg, "whole")
    own = model.mapping.fine.chainIDs[model.mapping.fine.residue_of_atom]
    for wrap in ("wrapped", "centred"):
        _, found = made(cg, wrap)
        box = vectors(dimensions)
        shift = found - whole
        shift -= shift[0]
        turns = shift @ np.linalg.inv(box)  # the same as before, but for box vectors
        assert np.abs(turns - turns.round()).max() < 1e-4
        for chain in sorted(set(own[: model.converted.n_atoms])):
            rows = np.flatnonzero(own == chain)
            np.testing.assert_allclose(inner_distances(found[rows]), inner_distances(whole[rows]), atol=1e-3)


def test_each_centre_is_in_the_box(complex_in_box):
    cg, _, dimensions = complex_in_box
    model, found = made(cg, "wrapped")
    fine, water = model.mapping.fine, found[-200:]
    own = fine.chainIDs[fine.residue_of_atom]
    own = np.where(fine.names == "CA", own, "")
    middles = [found[own == chain].mean(0) for chain in sorted(set(own) - {""})]
    middles = np.concatenate([middles, water])
    inside = fractions(middles, dimensions)
    assert inside.min() > -1e-5 and inside.max() < 1 + 1e-5


def test_the_protein_is_in_the_middle_and_its_chains_touch(complex_in_box):
    cg, native, dimensions = complex_in_box
    model, found = made(cg, "centred")
    alphas = found[model.mapping.fine.names == "CA"]
    np.testing.assert_allclose(alphas.mean(0), vectors(dimensions).sum(0) / 2, atol=1e-3)
    np.testing.assert_allclose(inner_distances(alphas), inner_distances(native), atol=2e-2)
    inside = fractions(found[-200:], dimensions)
    assert inside.min() > -1e-5 and inside.max() < 1 + 1e-5


def test_beads_are_not_said_to_have_moved():
    cg = mda.Universe(MARTINI_GRO, MARTINI_XTC)
    model = mdb.load_model("genzprot", cg)
    moved = [
        mdb.BackmapTrajectory(cg, model, wrap=wrap).run(stop=2).results for wrap in ("whole", "wrapped", "centred")
    ]
    for other in moved[1:]:
        np.testing.assert_allclose(moved[0].displacements, other.displacements, atol=2e-3)
    live = mdb.backmap(cg, model, wrap="centred")
    np.testing.assert_allclose(live.trajectory[1].positions, moved[2].positions[1], atol=0.7)  # another batch
    assert np.abs(live.trajectory[1].data["displacements"] - moved[2].displacements[1]).max() < 0.7


def test_frames_without_a_box_are_refused():
    cg = mda.Universe(GO_PDB)
    model = mdb.load_model("genzprot", cg)
    with pytest.raises(ValueError, match="frame 0 has no box"):
        mdb.BackmapTrajectory(cg, model, wrap="wrapped").run()
    with pytest.raises(ValueError, match="expected whole, wrapped, centred"):
        mdb.Backmap(model, wrap="inside")


def test_on_the_command_line(tmp_path):
    words = ["convert", MARTINI_GRO, MARTINI_XTC, "-o", str(tmp_path / "aa.xtc"), "--stop", "1", "--quiet"]
    assert main([*words, "--wrap", "centred", "--passthrough", "resname NA"]) == 0
    u = mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
    middle = u.select_atoms("protein").center_of_geometry()
    assert np.abs(middle - vectors(u.dimensions).sum(0) / 2).max() < 1.5  # of atoms, not of beads


def test_three_chains_in_a_row_come_together():
    points = np.array([[1.0, 0, 0], [14.0, 0, 0], [18.0, 0, 0], [5.0, 18.0, 0]])  # 18 is near 1, 14 is near 18
    shifts = together(points, np.array([0, 1, 2, 3]), np.eye(3) * 20)
    np.testing.assert_allclose(points + shifts, [[1, 0, 0], [-6, 0, 0], [-2, 0, 0], [5, -2, 0]])


@pytest.mark.parametrize("dimensions", BOXES.values(), ids=BOXES)
def test_atoms_keep_away_from_periodic_images(dimensions):
    """A box in which the C-alphas of two images come as near as those of two chains do."""
    go = mda.Universe(GO_PDB, GO_XTC)
    go.trajectory[0]
    beads, size = go.atoms.positions, None
    for length in np.arange(24.0, 60.0, 0.5):
        box = vectors([length] * 3 + dimensions[3:])
        apart = nearest_other_image(beads, box)
        if apart > 5.0:
            size = length
            break
    cg = mda.Merge(go.atoms)
    cg.load_new(beads[None], order="fac", dimensions=np.array([size] * 3 + dimensions[3:]))
    model = mdb.load_model("genzprot", cg, hydrogens=False)
    without = mda.Merge(go.atoms)
    without.load_new(beads[None], order="fac")
    found = [mdb.BackmapTrajectory(u, model, n_samples=4).run().results.positions for u in (cg, without)]
    near = [sum(contacts_with_images(atoms, box) for atoms in some) for some in found]
    assert near[0] < near[1] / 2


def images(box):
    return [np.array(k) @ box for k in np.ndindex(3, 3, 3) for k in [np.array(k) - 1] if np.any(k)]


def nearest_other_image(points, box):
    tree = cKDTree(points)
    return min(tree.query(points + shift)[0].min() for shift in images(box))


def contacts_with_images(atoms, box, cutoff=2.6):
    tree = cKDTree(atoms)
    return sum(len(found) for shift in images(box) for found in tree.query_ball_point(atoms + shift, cutoff)) // 2
