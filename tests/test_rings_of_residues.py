"""Closed chains: a peptide joins the last residue and the first one, as good as any other."""

import pickle
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from traces import topology

import mdbackmap as mdb
from mdbackmap.completion.complete import Completion
from mdbackmap.datafiles import TRPCAGE_PDB
from mdbackmap.evaluation.judgement import judge_alone
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.generation.ring import half_turned
from mdbackmap.metrics.dihedrals import atom14, backbone_torsions
from mdbackmap.metrics.protein_judge import ProteinJudge
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.options import HydrogenOptions
from mdbackmap.writing.pdb import write_topology

CYCLIC = Path(__file__).parent / "cases" / "cyclic-5vav" / "ca.pdb"

pytestmark = pytest.mark.filterwarnings("ignore")


def quiet(*files):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mda.Universe(*files)


def closed(sequence, **options):
    coarse = topology(sequence, **options)
    last = np.zeros(len(sequence), dtype=bool)
    last[np.flatnonzero(coarse.ends)[:1]] = True
    fields = {name: getattr(coarse, name) for name in ("names", "elements", "residue_of_atom")}
    return type(coarse)(**fields, **(coarse.of_residues(slice(None)) | {"closed": last}))


@pytest.fixture(scope="module")
def ring():
    u = quiet(CYCLIC)
    model = mdb.load_model("genzprot", u.atoms)
    return u, model, sampled(model, u, range(3), temperature=1.0, bead_tolerance=0)


def sampled(model, u, frames, **options):
    beads = np.repeat(u.atoms.positions[model.indices][None], len(frames), axis=0)
    return model.sample(beads, list(frames), **options)


def row(fine, residue, name):
    return int(np.flatnonzero((fine.residue_of_atom == residue) & (fine.names == name))[0])


def test_topology_of_a_ring():
    coarse = closed("AGAAGPA", chains="AAAAABB")
    assert coarse.rings.tolist() == [[0, 4]]
    assert coarse.open_ends.T.astype(int).tolist() == [[0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]]
    fine = Completion(Mapping.ca(coarse), HydrogenOptions(True, caps=True)).mapping.fine
    assert fine.resnames.tolist() == [*"ALA GLY ALA ALA GLY ACE PRO ALA NME".split()]
    assert [row(fine, 0, "N"), row(fine, 4, "C")] in fine.bonds.tolist()
    assert fine.names[fine.residue_of_atom == 0].tolist() == [*"N CA C O CB H HA HB1 HB2 HB3".split()]
    assert "OXT" not in fine.names
    assert fine.take([5, 6, 7, 0, 1, 2, 3, 4]).rings.tolist() == [[3, 7]]  # chains in another order
    assert not fine.take([1, 2, 3, 4]).closed.any() and not fine.take([1, 2, 3, 4, 0]).closed.any()
    assert fine.beside(fine).rings.tolist() == [[0, 4], [9, 13]]


def test_half_turned():
    order, ends, built = half_turned(closed("AGAAGPALLLVV", chains="AAAAAAAAAABB"))
    assert order.tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 10, 11]
    assert np.flatnonzero(ends).tolist() == [9, 11]
    assert order[built].tolist() == [7, 8, 9, 0, 1, 2]
    assert half_turned(closed("AGAAG"))[2].tolist() == [False, True, True, True, True]


def test_the_seam_is_as_any_other_peptide(ring):
    u, model, made = ring
    fine = model.mapping.fine
    assert model.mapping.coarse.rings.tolist() == [[0, 13]] and "OXT" not in fine.names
    assert_array_equal(model.mapping.project(made[0]), u.atoms.positions[model.indices])
    places = {
        name: made[:, row(fine, *name)] for name in [(13, "CA"), (13, "C"), (13, "O"), (0, "N"), (0, "CA"), (0, "H")]
    }
    last, oxygen, first = places[13, "C"], places[13, "O"], places[0, "N"]
    assert_allclose(np.linalg.norm(last - first, axis=-1), 1.33, atol=0.01)
    for one, middle, other, angle in [
        (places[13, "CA"], last, first, 116.6),
        (oxygen, last, first, 122.9),
        (last, first, places[0, "CA"], 121.5),
        (last, first, places[0, "H"], 119.3),
    ]:
        a, b = one - middle, other - middle
        cos = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        assert_allclose(np.degrees(np.arccos(cos)), angle, atol=8)  # the seam's C-alphas lie 3.70 A apart
    judge = ProteinJudge(fine)
    atoms, mask = atom14(fine, made)
    phi, psi, omega = backbone_torsions(atoms, mask, fine.ends, fine.rings)
    assert np.isfinite(phi).all() and np.isfinite(psi).all()
    assert (np.abs(omega[:, 13]) > np.radians(175)).all()
    for scores in judge(made).rows():
        assert scores["bonds"] == 100 and scores["angles"] > 98 and scores["clashscore_all"] < 60
    faults = dict(zip(("first", "last"), judge(made).counts[:, :, [0, 13]].sum(axis=(0, 1)), strict=True))
    assert max(faults.values()) <= 3


def test_judged_without_the_bond_the_seam_clashes(ring):
    """The report knows the bond: cut, the same atoms clash."""
    _, model, made = ring
    fine = model.mapping.fine
    cut = ProteinJudge(type(fine)(**{name: getattr(fine, name) for name in vars(fine) if name != "closed"}))
    whole = ProteinJudge(fine)
    more = cut(made).scores - whole(made).scores
    assert (np.nanmax(more, axis=1) > 10).all()
    measure = whole.measure.covalent
    assert len(measure.bonds) == len(cut.measure.covalent.bonds) + 1
    assert len(measure.angles) == len(cut.measure.covalent.angles) + 3


def test_frames_and_processes_agree(ring):
    u, model, made = ring
    one = sampled(model, u, [1], temperature=1.0, bead_tolerance=0)
    assert_allclose(one[0], made[1], atol=1e-4)
    again = pickle.loads(pickle.dumps(model))
    assert_allclose(sampled(again, u, [1], temperature=1.0, bead_tolerance=0)[0], made[1], atol=1e-4)


def test_beside_an_open_chain(ring):
    cage = quiet(TRPCAGE_PDB).select_atoms("name CA")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = mda.Merge(cage, quiet(CYCLIC).atoms)
    both.add_TopologyAttr("chainIDs", ["X"] * 20 + ["A"] * 14)
    both.atoms[20:].translate([40.0, 0, 0])
    both.add_TopologyAttr("bonds", [(20, 33)])
    model = mdb.load_model("genzprot", both.atoms)
    fine = model.mapping.fine
    assert model.mapping.coarse.rings.tolist() == [[20, 33]]
    made = sampled(model, both, [0], temperature=0.0)
    scores = ProteinJudge(fine)(made).rows()[0]
    assert scores["bonds"] == 100 and (fine.names == "OXT").sum() == 1
    alone = mdb.load_model("genzprot", cage)
    mine = made[0, fine.residue_of_atom < 20]
    assert np.linalg.norm(mine - sampled(alone, cage.universe, [0], temperature=0.0)[0], axis=1).mean() < 0.5


def test_kept_atoms_of_a_ring(ring):
    u, model, made = ring
    whole = model.universe()
    whole.load_new(made[:1])
    keep = whole.select_atoms("resid 4:6 or (resid 14 and not name H*)")
    kept = mdb.load_model("genzprot", u.atoms, keep=keep)
    found = sampled(kept, u, [0], temperature=0.0)
    rows = np.isin(kept.mapping.fine.resids, [4, 5, 6, 14])[kept.mapping.fine.residue_of_atom]
    rows &= kept.mapping.fine.elements != "H"
    assert_array_equal(found[0, rows], made[0, rows])
    fine = kept.mapping.fine
    apart = np.linalg.norm(found[0, row(fine, 13, "C")] - found[0, row(fine, 0, "N")])
    assert apart == pytest.approx(1.33, abs=0.02)


def test_other_programs_take_it(ring, tmp_path):
    app = pytest.importorskip("openmm.app")
    _, model, made = ring
    write_topology(tmp_path / "aa.pdb", model.topology, made[0])
    assert (tmp_path / "aa.pdb").read_text().count("CONECT") == 4  # the ring, and the disulfide
    pdb = app.PDBFile(str(tmp_path / "aa.pdb"))
    system = app.ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem(pdb.topology)
    assert system.getNumParticles() == model.n_atoms
    again = quiet(tmp_path / "aa.pdb")
    read = read_protein(again.select_atoms("protein"))
    assert read.rings == ((0, 13),)
    assert judge_alone(read).mean["clashscore"] == pytest.approx(
        ProteinJudge(model.mapping.fine)(again.atoms.positions[None]).rows()[0]["clashscore"]
    )
    with pytest.raises(ValueError, match="closed chain"):
        judge_alone(read, energy_steps=1)


def test_beads_of_a_noisy_ring_stay_if_they_have_to(ring):
    """Beads at distances that no peptide has: neither pass moves them, and the seam is as long as other peptides."""
    u, model, _ = ring
    beads = u.atoms.positions[model.indices] + np.random.default_rng(1).normal(0, 0.1, (4, 14, 3))
    beads = beads.astype(np.float32)
    made = model.sample(beads, range(4), temperature=0.0, bead_tolerance=0)
    assert_array_equal(model.mapping.project(made), beads)
    fine = model.mapping.fine
    bonds = np.linalg.norm(made[:, row(fine, 13, "C")] - made[:, row(fine, 0, "N")], axis=1)
    assert_allclose(bonds, 1.33, atol=0.01)
    free = model.sample(beads, range(4), temperature=0.0, bead_tolerance=0.4)
    moved = np.sqrt((np.linalg.norm(model.mapping.project(free) - beads, axis=-1) ** 2).mean(axis=1))
    assert (moved > 0.01).all() and (moved < 0.6).all()
