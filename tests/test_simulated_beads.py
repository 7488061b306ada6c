"""Beads of simulations: told from projected ones, made whole, and atoms that look like a protein near them."""

import logging
from dataclasses import replace

import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.backmapper import Backmapper
from mdbackmap.checkpoint import load
from mdbackmap.chemistry.residues import SLOT_OF_ATOM
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import MARTINI_GRO, MARTINI_XTC, TRPCAGE_PDB, TRPCAGE_XTC, VALIDATION
from mdbackmap.metrics.dihedrals import atom14
from mdbackmap.metrics.protocol import evaluate_geometry
from mdbackmap.molecule.bead_models import BEAD_MODELS
from mdbackmap.molecule.boxes import box_vectors, whole
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.molecule.named import protein_mapping
from mdbackmap.options import SamplingOptions, Tolerance
from mdbackmap.recognition.soundness import check_beads
from mdbackmap.sampling.bead_kind import BeadKind
from mdbackmap.sampling.standard_form import StandardForm
from mdbackmap.sampling.treatment import TraceTreatment
from mdbackmap.transformation import Backmap
from mdbackmap.universes.coarse import coarse_universe
from mdbackmap.universes.frames import of_residues
from mdbackmap.universes.protein import protein_atoms


def projected(name, chain):
    """The mapping of a bundled chain by a bead model, and its beads (1, N, 3)."""
    fine = protein_topology(chain.trace())
    residue = fine.residue_of_atom
    slots = [SLOT_OF_ATOM[pair] for pair in zip(fine.resnames[residue].tolist(), fine.names.tolist(), strict=True)]
    mapping = Mapping.of(BEAD_MODELS[name], BEAD_MODELS[name].topology(fine), fine)
    return mapping, mapping.project(chain.positions[:, residue, slots])


@pytest.fixture(scope="module")
def chains():
    return read_chains(VALIDATION, limit=6)


@pytest.fixture(scope="module")
def simulated():
    """A Martini 3 simulation: mapping, beads as mdrun left them, boxes."""
    u = mda.Universe(MARTINI_GRO, MARTINI_XTC)
    model = mdb.load_model("genzprot", u.atoms, mapping="martini3")
    beads, boxes = zip(*((ts.positions[model.indices], ts.dimensions.copy()) for ts in u.trajectory), strict=True)
    return u, model, np.stack(beads), np.stack(boxes)


def made_whole(simulated):
    _, model, beads, boxes = simulated
    mapping = model.mapping
    return whole(beads, box_vectors(boxes, len(beads)), mapping.coarse, mapping.chain)


class TestWhole:
    def test_side_chains_go_by_their_anchors(self, simulated):
        mapping, beads = simulated[1].mapping, made_whole(simulated)
        trace = mapping.trace(beads)
        assert np.linalg.norm(np.diff(simulated[2][:, mapping.anchors], axis=1), axis=-1).max() > 30
        assert np.linalg.norm(np.diff(trace, axis=1), axis=-1).max() < 4.6
        assert np.linalg.norm(beads - trace[:, mapping.residue_of_bead], axis=-1).max() < 11

    def test_broken_frames(self, simulated):
        mapping, beads = simulated[1].mapping, made_whole(simulated)
        check_beads(mapping, beads, range(len(beads)))
        with pytest.raises(MappingError, match="whole frame is broken.*neighbouring residues"):
            check_beads(mapping, 10 * beads, range(len(beads)))
        with pytest.raises(MappingError, match="never written"):
            check_beads(mapping, 0 * beads, range(len(beads)))


class TestKind:
    @pytest.mark.parametrize("name", ["martini3", "martini22", "elnedyn"])
    @pytest.mark.parametrize("noise", [0.0, 0.1, 0.2])
    def test_projected(self, chains, name, noise):
        rng = np.random.default_rng(0)
        for chain in chains:
            mapping, beads = projected(name, chain)
            assert BeadKind(mapping).evidence(beads + noise * rng.normal(size=beads.shape)) < 0

    def test_simulated(self, simulated):
        kind, beads = BeadKind(simulated[1].mapping), made_whole(simulated)
        assert all(kind.evidence(beads[k : k + 1]) > 50 for k in range(len(beads)))
        shrunk = kind.shrunk(beads)
        assert kind.evidence(shrunk) < 0 and kind.longer(beads) > 0.3 > abs(kind.longer(shrunk))

    def test_models_of_unknown_lengths_say_nothing(self, chains):
        mapping, beads = projected("com", chains[0])
        kind = BeadKind(mapping)
        assert not kind.known and kind.evidence(beads) == 0


def of_dynamics(name):
    """Beads of the frames of an all-atom simulation, at 300 and 450 K, and their model."""
    atoms, fine = protein_atoms(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms)
    beads = coarse_universe(atoms, protein_mapping(name, fine)).atoms
    model = mdb.load_model("genzprot", beads, mapping=name)
    return model, np.stack([beads.positions[model.indices] for _ in beads.universe.trajectory])


class TestDynamicsOfAtoms:
    @pytest.mark.parametrize("name", ["martini3", "martini22", "elnedyn", "com", "ca_sc", "bb"])
    def test_are_told_as_projected(self, name):
        """Bonds and angles of atoms fluctuate, too: beads of every frame are those of atoms."""
        model, beads = of_dynamics(name)
        kind = BeadKind(model.mapping)
        assert (
            not model._reconstruction.trace.simulated
            and not model._reconstruction.trace.tolerance(SamplingOptions()).simulated
        )
        if kind.known:
            assert all(kind.evidence(beads[k : k + 1]) < -15 for k in range(len(beads)))

    def test_many_frames_at_once(self):
        """More frames than caches hold at a time; T = 1 to see that each has its own noise."""
        model, beads = of_dynamics("martini3")
        many, frames = np.tile(beads, (8, 1, 1)), list(range(160))
        whole = model.with_threads(1).sample(many, frames, temperature=1)
        for k in (0, 79, 159):
            alone = model.sample(many[k : k + 1], [k], temperature=1)
            assert (np.abs(whole[k] - alone[0]).max(-1) > 0.01).mean() < 0.02
        assert np.abs(whole[0] - whole[20]).max() > 1


class TestTreatment:
    def test_projected_beads_are_kept(self, chains, caplog):
        mapping, beads = projected("martini3", chains[0])
        treatment = TraceTreatment(mapping, beads, True)
        with caplog.at_level(logging.INFO):
            assert treatment.tolerance(SamplingOptions()) == Tolerance()
        assert "they are kept" in caplog.text

    def test_simulated_beads_are_relaxed(self, simulated, caplog):
        treatment = TraceTreatment(simulated[1].mapping, made_whole(simulated), True)
        with caplog.at_level(logging.INFO):
            assert treatment.tolerance(SamplingOptions()) == Tolerance(0.9, simulated=True)
            treatment.tolerance(SamplingOptions())
        assert caplog.text.count("those of a simulation") == 1
        assert treatment.tolerance(SamplingOptions(bead_tolerance=0)).keeps
        assert treatment.tolerance(SamplingOptions(bead_tolerance=0.5)) == Tolerance(0.5, simulated=True)

    def test_single_beads(self, chains, simulated):
        """Backbone beads alone: told by the C-alphas that are found from them."""
        network, provenance = load("genzprot")
        mapping, beads = projected("bb", chains[0])
        model = Backmapper(network, mapping, np.arange(mapping.n_beads), provenance, looked=beads)
        assert not model._reconstruction.trace.simulated
        fine = protein_topology(simulated[1].mapping.coarse)
        mapping = Mapping.of(BEAD_MODELS["bb"], BEAD_MODELS["bb"].topology(fine))
        beads = simulated[1].mapping.trace(made_whole(simulated))
        model = Backmapper(network, mapping, np.arange(mapping.n_beads), provenance, looked=beads)
        assert model._reconstruction.trace.simulated

    def test_hand(self, chains):
        mapping, beads = projected("martini3", chains[0])
        assert TraceTreatment(mapping, -beads, True).scores.mirrored
        rng = np.random.default_rng(0)
        steps = rng.normal(size=(10, mapping.n_beads, 3))
        coil = np.cumsum(2 * steps / np.linalg.norm(steps, axis=-1, keepdims=True), axis=1)
        for hand in (coil, -coil):
            treatment = TraceTreatment(mapping, hand, True)
            assert treatment.of_right_hand(hand, "error") is hand


class TestAtoms:
    def test_look_like_a_protein(self, simulated):
        _, model, beads, boxes = simulated
        atoms = model.sample(beads[::4], [0, 4], dimensions=boxes[::4], temperature=0)
        moved = model.displacements(beads[::4], atoms, boxes[::4])
        assert np.sqrt((moved[:, model.mapping.anchors] ** 2).mean()) < 0.7
        positions, mask = atom14(model.mapping.fine, atoms)
        coarse = model.mapping.coarse
        found = evaluate_geometry(positions.astype(np.float32), mask, coarse.types, coarse.ends)
        assert found["rama_favoured"] > 91 and found["rama_outliers"] < 1.8 and found["clashscore"] < 12
        assert found["bonds"] > 99.9 and found["twisted"] == 0

    @pytest.mark.parametrize("temperature", [0, 1])
    def test_frames_do_not_know_of_each_other(self, simulated, temperature):
        _, model, beads, boxes = simulated
        options = {"temperature": temperature}
        whole = model.sample(beads[:3], [0, 1, 2], dimensions=boxes[:3], **options)
        alone = model.sample(beads[1:2], [1], dimensions=boxes[1:2], **options)
        assert (np.linalg.norm(whole[1] - alone[0], axis=-1) > 0.01).mean() < 0.02

    @pytest.mark.parametrize("temperature", [0, 1])
    @pytest.mark.parametrize("tolerance", [0, "auto"])
    def test_chains_across_the_boundary_of_a_triclinic_box(self, simulated, tolerance, temperature):
        """The same atoms as without a box, up to box vectors: no image is near."""
        _, model, beads, boxes = simulated
        options = {"temperature": temperature, "bead_tolerance": tolerance}
        vectors = box_vectors(boxes[:1], 1)[0]
        chain = made_whole(simulated)[:1]
        there = chain - chain.mean(axis=1, keepdims=True)  # about a corner: each bead goes into the cell
        cut = there - np.floor(there @ np.linalg.inv(vectors)) @ vectors
        assert boxes[0, 3] < 61 and np.abs(cut - there).max() > 20
        boxed = model.sample(cut.astype(np.float32), [0], dimensions=boxes[:1], **options)
        alone = model.sample(there.astype(np.float32), [0], **options)
        moved = boxed[0] - alone[0]
        steps = np.round(moved[0] @ np.linalg.inv(vectors)) @ vectors
        assert (np.linalg.norm(moved - steps, axis=-1) > 0.01).mean() < 0.02

    def test_displacements_of_beads_and_residues(self, simulated, tmp_path):
        u, model, *_ = simulated
        run = mdb.BackmapTrajectory(u.atoms, model, tmp_path / "aa.h5md", n_samples=2).run(stop=2)
        moved = run.results.displacements
        assert moved.shape == (4, 166) and run.results.residue_displacements.shape == (4, 76)
        owner = model.mapping.residue_of_bead
        for residue in (0, 30):
            expected = np.sqrt((moved[:, owner == residue] ** 2).mean(1))
            np.testing.assert_allclose(run.results.residue_displacements[:, residue], expected, atol=1e-5)
        stored = mda.Universe(run.results.topology, run.results.filename).trajectory[3].data
        np.testing.assert_allclose(stored["displacements"], moved[3], atol=1e-4)
        np.testing.assert_allclose(stored["residue_displacements"], run.results.residue_displacements[3], atol=1e-4)

    def test_on_the_fly_after_a_shift(self, simulated):
        """A transformation before `Backmap` moves lifted atoms; the beads are found under them."""
        u, model, *_ = simulated
        lifted = model.lift(u)
        lifted.trajectory.add_transformations(Backmap(model, temperature=0))
        shifted = model.lift(u)

        def shift(ts):
            ts.positions = ts.positions + 5.0
            return ts

        shifted.trajectory.add_transformations(shift, Backmap(model, temperature=0))
        off = np.abs(shifted.atoms.positions - lifted.atoms.positions - 5.0)  # beads are rounded anew
        assert np.median(off) < 0.001 and np.quantile(off, 0.9) < 0.01
        assert shifted.trajectory.ts.data["displacements"].shape == (166,)


def test_batches_go_by_residues(simulated):
    one = simulated[1].with_threads(1)
    assert one.batch_size() == 2400 // 76


def test_standard_form_puts_chains_in_order(chains):
    mapping, beads = projected("martini3", chains[0])
    n, reordered = mapping.coarse.n_residues, 0
    ids = np.where(np.arange(n) < 90, "A", "B")
    coarse = replace(mapping.coarse, chainIDs=ids, ends=mapping.coarse.ends | (np.arange(n) == 89))
    mapping, (network, _) = Mapping.of(BEAD_MODELS["martini3"], coarse), load("genzprot")
    for order in (np.arange(n), np.r_[90:n, :90]):
        given, there = mapping.take(order), beads[:, coarse.atoms_of(order)].astype(np.float32)
        form = StandardForm(given, network)
        near, centre = form.beads(there)
        reordered += not np.array_equal(form.mapping.coarse.chainIDs, given.coarse.chainIDs)
        atoms = form.atoms(form.mapping.lift(near), centre, there)
        np.testing.assert_allclose(atoms, given.lift(there), atol=1e-4)
    assert reordered == 1


def test_of_residues():
    coarse = protein_topology(read_chains(VALIDATION, limit=1)[0].trace())
    mapping = Mapping.identity(coarse)
    moved = np.ones((2, mapping.n_beads), dtype=np.float32)
    assert of_residues(moved, mapping).shape == (2, coarse.n_residues)
    np.testing.assert_allclose(of_residues(moved, mapping), 1.0)
