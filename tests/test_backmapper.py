"""`load_model` and `Backmapper`: molecules of every shape, boxes, threads, processes, errors."""

import copy
import dataclasses
import multiprocessing
import pickle
import warnings
from types import SimpleNamespace

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from MDAnalysis.lib.mdamath import triclinic_vectors
from traces import TINY, bond_deviations, tiny, trace

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.checkpoint import CheckpointError
from mdbackmap.chemistry import residues
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC, COMPLEX_PDB, GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.metrics.dihedrals import atom14
from mdbackmap.molecule.boxes import whole

BOXES = {
    "cubic": [60, 60, 60, 90, 90, 90],
    "triclinic": [60, 65, 70, 70, 80, 60],
    "dodecahedron": [60] * 3 + [60, 60, 90],
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A checkpoint of a tiny untrained network."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    checkpoint.save(path, tiny(), {"data": "none"})
    return path


def universe(sequence, chains=None, resids=None, icodes=None, frames=2, seed=0, box=None, breaks=(), near=False):
    """A C-alpha trace in memory; stretches of different chains, and behind `breaks`, lie apart."""
    n = len(sequence)
    chains = list(chains or "A" * n)
    names = [residues.RESIDUE_NAMES[residues.ALPHABET.index(letter)] for letter in sequence]
    segments = sorted(set(chains))
    u = mda.Universe.empty(
        n,
        n,
        len(segments),
        atom_resindex=range(n),
        residue_segindex=[segments.index(c) for c in chains],
        trajectory=True,
    )
    u.add_TopologyAttr("names", ["CA"] * n)
    u.add_TopologyAttr("resnames", names)
    u.add_TopologyAttr("resids", range(1, n + 1) if resids is None else resids)
    u.add_TopologyAttr("icodes", [""] * n if icodes is None else icodes)
    u.add_TopologyAttr("chainIDs", chains)
    u.add_TopologyAttr("segids", segments)
    positions = trace(n, seed, 3.78, 3.82, frames).numpy()
    for i in range(1, n):
        if chains[i] != chains[i - 1] or i - 1 in breaks:
            positions[:, i:] += [0.0, 0.0, 12.0]
    dimensions = None if box is None else np.tile(np.array(box, dtype=np.float32), (frames, 1))
    u.load_new(positions, order="fac", dimensions=dimensions)
    return u


def beads_of(u, model):
    return np.stack([ts.positions[model.indices] for ts in u.trajectory])


def sampled(u, model, **options):
    beads = beads_of(u, model)
    return beads, model.sample(beads, range(len(beads)), **options)


def lengths(model, atoms):
    a, b = model.mapping.fine.bonds.T
    return np.linalg.norm(atoms[:, a] - atoms[:, b], axis=-1)


class TestMolecules:
    def check(self, u, model):
        beads, atoms = sampled(u, model, bead_tolerance=0)
        assert atoms.shape == (len(beads), model.n_atoms, 3) and atoms.dtype == np.float32
        assert np.isfinite(atoms).all()
        np.testing.assert_array_equal(model.mapping.project(atoms), beads)
        assert lengths(model, atoms).max() < 1.9
        return atoms

    def test_chains_of_equal_numbers(self, weights):
        u = universe("MKVLAGMKVLAGMKVLAG", "A" * 6 + "B" * 6 + "C" * 6, list(range(1, 7)) * 3)
        model = mdb.load_model(weights, u.atoms)
        assert model.mapping.coarse.ends.nonzero()[0].tolist() == [5, 11, 17]
        fine = model.universe()
        assert fine.select_atoms("chainID B and resid 1 and name CA").n_atoms == 1
        self.check(u, model)

    def test_insertion_codes(self, weights):
        u = universe("MKVLAGTSD", resids=[50, 51, 52, 52, 52, 53, 54, 55, 56], icodes=["", "", "", "A", "B"] + [""] * 4)
        model = mdb.load_model(weights, u.atoms)
        assert model.mapping.coarse.ends.nonzero()[0].tolist() == [8]
        fine = model.universe()
        assert fine.select_atoms("resid 52A").residues.resnames.tolist() == ["LEU"]
        assert fine.residues.icodes.tolist() == ["", "", "", "A", "B", "", "", "", ""]
        assert len(fine.residues) == 9
        self.check(u, model)

    def test_insertion_codes_read_from_a_pdb(self, weights, tmp_path):
        u = universe("MKVLAGTSD", resids=[50, 51, 52, 52, 52, 53, 54, 55, 56], icodes=["", "", "", "A", "B"] + [""] * 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            u.atoms.write(tmp_path / "ca.pdb")
            read = mda.Universe(str(tmp_path / "ca.pdb"))
        model = mdb.load_model(weights, read.atoms)
        assert model.mapping.coarse.icodes.tolist() == ["", "", "", "A", "B", "", "", "", ""]
        self.check(read, model)

    def test_gaps(self, weights):
        u = universe("MKVLAGTSDE", resids=[1, 2, 3, 4, 9, 10, 11, 12, 13, 14], breaks=(3,))
        model = mdb.load_model(weights, u.atoms)
        assert model.mapping.coarse.ends.nonzero()[0].tolist() == [3, 9]
        owners = model.mapping.fine.residue_of_atom[model.mapping.fine.bonds]
        assert not ((owners[:, 0] == 3) & (owners[:, 1] == 4)).any()
        self.check(u, model)

    def test_breaks_told(self, weights):
        u = universe("MKVLAGTSDE", breaks=(3,))
        model = mdb.load_model(weights, u.atoms, breaks=[3])
        assert model.mapping.coarse.ends.nonzero()[0].tolist() == [3, 9]
        self.check(u, model)

    def test_complex_with_a_gap(self, weights):
        u = mda.Universe(COMPLEX_PDB)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = mdb.load_model(weights, u.atoms)
        assert model.n_beads == 194 and model.mapping.coarse.ends.sum() == 3
        atoms = self.check(u, model)
        fine = model.universe()
        fine.load_new(atoms)
        assert fine.select_atoms("protein").n_atoms == fine.atoms.n_atoms == model.n_atoms

    def test_selection_of_a_larger_system(self, weights):
        protein = universe("MKVLAG")
        water = mda.Universe.empty(6, 2, 1, atom_resindex=[0] * 3 + [1] * 3, residue_segindex=[0, 0], trajectory=True)
        for name, values in (("names", ["OW", "HW1", "HW2"] * 2), ("resnames", ["SOL"] * 2), ("resids", [1, 2])):
            water.add_TopologyAttr(name, values)
        for name, values in (("icodes", [""] * 2), ("chainIDs", ["W"] * 6), ("segids", ["W"])):
            water.add_TopologyAttr(name, values)
        u = mda.Merge(water.atoms, protein.atoms)
        with pytest.warns(UserWarning, match="SOL"):
            model = mdb.load_model(weights, u.atoms)
        assert model.indices.tolist() == list(range(6, 12))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            selected = mdb.load_model(weights, u.select_atoms("name CA"))
        beads = u.atoms.positions[None, 6:]
        np.testing.assert_array_equal(model.sample(beads, [0]), selected.sample(beads, [0]))

    def test_sequence_and_aliases(self, weights):
        u = universe("GGGGGG")
        told = mdb.load_model(weights, u.atoms, sequence="MKVLAG")
        assert told.mapping.coarse.sequence == "MKVLAG"
        u.residues.resnames = ["MEX"] + ["GLY"] * 5
        with pytest.raises(mdb.MappingError, match="MEX"):
            mdb.load_model(weights, u.atoms)
        aliased = mdb.load_model(weights, u.atoms, aliases={"MEX": "MET"})
        assert aliased.mapping.coarse.sequence == "MGGGGG"

    def test_all_twenty_alone_and_together(self, weights):
        u = universe(residues.ALPHABET, breaks=range(19), chains="ABCDEFGHIJKLMNOPQRST")
        model = mdb.load_model(weights, u.atoms)
        atoms = self.check(u, model)
        slots = torch.tensor(atom14(model.mapping.fine, atoms)[0], dtype=torch.float32)
        assert bond_deviations(slots, model.mapping.coarse)[0].abs().max() < 0.03

    def test_one_residue(self, weights):
        u = universe("W")
        self.check(u, mdb.load_model(weights, u.atoms))


@pytest.fixture(scope="module")
def bound(weights):
    u = universe("MKVLAGPPWYTSDERHNQCIF", "A" * 12 + "B" * 9, frames=6)
    return u, mdb.load_model(weights, u.atoms)


class TestSample:
    @pytest.mark.slow
    def test_any_batch(self, bound):
        u, model = bound
        beads, atoms = sampled(u, model, seed=3)
        alone = np.concatenate([model.sample(beads[k : k + 1], [k], seed=3) for k in range(6)])
        np.testing.assert_allclose(alone, atoms, atol=1e-3)
        order = [4, 0, 5, 2, 1, 3]
        np.testing.assert_allclose(model.sample(beads[order], order, seed=3), atoms[order], atol=1e-3)

    def test_samples_may_be_mixed(self, bound):
        u, model = bound
        beads = beads_of(u, model)[[0, 0, 1]]
        mixed = model.sample(beads, [0, 0, 1], samples=[0, 1, 1])
        np.testing.assert_allclose(mixed[2:], model.sample(beads[2:], [1], samples=1), atol=1e-3)
        assert np.abs(mixed[0] - mixed[1]).max() > 0.5

    def test_input_is_left_alone_and_any_type_will_do(self, bound):
        u, model = bound
        beads = beads_of(u, model)
        beads.setflags(write=False)
        atoms = model.sample(beads, range(6))
        np.testing.assert_array_equal(model.sample(beads.astype(np.float64), np.arange(6)), atoms)
        np.testing.assert_array_equal(model.sample(beads.tolist(), np.arange(6, dtype=np.int32)), atoms)
        assert atoms.flags.writeable

    def test_no_frames(self, bound):
        _, model = bound
        assert model.sample(np.empty((0, 21, 3)), []).shape == (0, model.n_atoms, 3)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_frames_that_are_not_finite_are_named(self, bound, bad):
        u, model = bound
        beads = beads_of(u, model)
        beads[4, 7, 1] = bad
        with pytest.raises(ValueError, match="frame 104"):
            model.sample(beads, range(100, 106))

    def test_numbers_that_do_not_match(self, bound):
        u, model = bound
        beads = beads_of(u, model)
        with pytest.raises(ValueError, match="21 beads"):
            model.sample(beads[:, :20], range(6))
        with pytest.raises(ValueError, match="6 frames of beads for 5"):
            model.sample(beads, range(5))
        beads[5] = np.nan
        with pytest.raises(ValueError, match="6 frames of beads for 5"):
            model.sample(beads, range(5))
        with pytest.raises(ValueError, match=r"\(21, 3\).*expected"):
            model.sample(beads[0], [0])
        for bad in ({"samples": [0, 1]}, {"times": [0.0]}, {"dimensions": np.zeros((2, 6))}):
            with pytest.raises(ValueError, match=f"{next(iter(bad))}.*6"):
                model.sample(beads_of(u, model), range(6), **bad)

    def test_options_that_do_not_fit(self, bound):
        u, model = bound
        beads = beads_of(u, model)
        with pytest.raises(ValueError, match="bead_tolerance"):
            model.sample(beads, range(6), bead_tolerance=-0.5)
        with pytest.raises(ValueError, match="times"):
            model.sample(beads, range(6), correlation_time=10.0)
        with pytest.raises(ValueError, match="seed"):
            model.sample(beads, range(6), seed=-1)
        with pytest.raises(ValueError, match="temperature"):
            model.sample(beads, range(6), temperature=-1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": "hot"},
        {"temperature": None},
        {"seed": "a"},
        {"seed": 1.5},
        {"correlation_time": "x"},
        {"samples": 1.5},
        {"samples": "a"},
        {"bead_tolerance": [0.1]},
    ],
)
def test_arguments_of_a_wrong_type_are_named(bound, wrong):
    u, model = bound
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*expected"):
        model.sample(beads_of(u, model), range(6), **wrong)


@pytest.mark.parametrize("frames", [[0, "a"], None, [0, 1.5]])
def test_frame_numbers_are_integers(bound, frames):
    u, model = bound
    with pytest.raises(ValueError, match="frames=.*expected an integer"):
        model.sample(beads_of(u, model)[:2], frames)


def test_what_is_no_model_or_no_atoms_is_refused(bound):
    u, model = bound
    for wrong in (
        lambda: mdb.load_model(3, u.atoms),
        lambda: mdb.load_model("genzprot", 3),
        lambda: mdb.Backmap("genzprot"),
        lambda: mdb.BackmapTrajectory(model, u.atoms),
        lambda: mdb.BackmapTrajectory(u.atoms, 3),
    ):
        with pytest.raises(TypeError, match="expected a"):
            wrong()
    with pytest.raises(mdb.MappingError, match="expected a dict"):
        mdb.load_model("genzprot", u.atoms, aliases="SEP")
    with pytest.raises(mdb.MappingError, match="expected one-letter codes"):
        mdb.load_model("genzprot", u.atoms, sequence=5)


class TestBoxes:
    @pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
    def test_chains_are_made_whole(self, bound, box):
        """Beads wrapped into the box give whole chains; the beads are as they were, up to box vectors."""
        u, model = bound
        beads = beads_of(u, model)[:2]
        cell = triclinic_vectors(box).astype(np.float64)
        wrapped = (beads - np.floor(beads @ np.linalg.inv(cell)) @ cell).astype(np.float32)
        assert np.abs(np.diff(wrapped, axis=1)).max() > 10  # it is cut by the box
        atoms = model.sample(wrapped, [0, 1], dimensions=[box] * 2, bead_tolerance=0)
        assert lengths(model, atoms).max() < 1.9
        turns = (model.mapping.project(atoms) - wrapped) @ np.linalg.inv(cell)
        assert np.abs(turns - turns.round()).max() < 1e-5
        np.testing.assert_array_equal(model.mapping.project(atoms)[:, [0, 12]], wrapped[:, [0, 12]])

    def test_a_large_box_is_no_box(self, bound):
        u, model = bound
        beads = beads_of(u, model)
        boxed = model.sample(beads, range(6), dimensions=[[5000] * 3 + [90] * 3] * 6)
        np.testing.assert_allclose(boxed, model.sample(beads, range(6)), atol=1e-3)

    @pytest.mark.parametrize("none", [[0] * 6, [1, 1, 1, 90, 90, 90], [np.nan] * 6])
    def test_boxes_that_are_none(self, bound, none):
        u, model = bound
        beads = beads_of(u, model)
        plain = model.sample(beads, range(6))
        np.testing.assert_array_equal(model.sample(beads, range(6), dimensions=[none] * 6), plain)
        mixed = model.sample(beads, range(6), dimensions=[none] * 3 + [[5000] * 3 + [90] * 3] * 3)
        np.testing.assert_allclose(mixed, plain, atol=1e-3)

    def test_images_of_other_chains_are_seen(self, weights):
        """Two chains that touch across the wall are backmapped as the same two side by side."""
        u = universe("MKVLAGMKVLAG", "A" * 6 + "B" * 6, frames=1)
        model = mdb.load_model(weights, u.atoms)
        beads = u.atoms.positions[None]
        moved = beads.copy()
        moved[:, 6:] += [80.0, 0.0, 0.0]
        atoms = model.sample(moved, [0], dimensions=[[80.0, 200, 200, 90, 90, 90]])
        atoms[:, model.mapping.fine.residue_of_atom >= 6] -= np.float32([80.0, 0, 0])
        np.testing.assert_allclose(atoms, model.sample(beads, [0]), atol=1e-3)
        assert np.abs(model.sample(moved, [0])[:, :40] - atoms[:, :40]).max() > 0.01

    def test_whole_moves_by_whole_vectors_only(self, bound):
        _, model = bound
        rng = np.random.default_rng(0)
        beads = rng.uniform(0, 60, (3, 21, 3)).astype(np.float32)
        cell = np.stack([triclinic_vectors(box) for box in BOXES.values()]).astype(np.float64)
        moved = whole(beads, cell, model.mapping.coarse)
        turns = (moved - beads) @ np.linalg.inv(cell)
        assert np.abs(turns - turns.round()).max() < 1e-4
        steps = np.diff(moved, axis=1) @ np.linalg.inv(cell)
        steps[:, 11] = 0.0  # between the chains
        assert np.abs(steps).max() < 0.5 + 1e-5
        assert (moved[:, [0, 12]] == beads[:, [0, 12]]).all()


class TestCopies:
    @pytest.mark.parametrize(
        "how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
    )
    def test_copies_are_equal(self, bound, how):
        u, model = bound
        beads, atoms = sampled(u, model)
        other = how(model)
        np.testing.assert_array_equal(other.sample(beads, range(6)), atoms)
        assert repr(other) == repr(model) and other.provenance == model.provenance

    def test_bindings_share_nothing(self, weights):
        small, large = universe("MKV"), universe("MKVLAG")
        one, two = mdb.load_model(weights, small.atoms), mdb.load_model(weights, large.atoms)
        first = one.sample(beads_of(small, one), [0, 1])
        two.sample(beads_of(large, two), [0, 1])
        np.testing.assert_array_equal(one.sample(beads_of(small, one), [0, 1]), first)


def samples_with(model, sample):
    """Put a function in the place of the network."""
    sampler = dataclasses.replace(model._reconstruction.sampler, bound=SimpleNamespace(sample=sample))
    model._reconstruction = dataclasses.replace(model._reconstruction, sampler=sampler)


class TestSettings:
    def test_threads_are_restored(self, weights):
        u = universe("MKVLAG")
        before = torch.get_num_threads()
        model = mdb.load_model(weights, u.atoms, threads=before + 1)
        seen = []
        inner = model._reconstruction.sampler.bound.sample
        samples_with(model, lambda *a: seen.append(torch.get_num_threads()) or inner(*a))
        model.sample(u.atoms.positions[None], [0])
        assert seen == [before + 1] and torch.get_num_threads() == before
        seen.clear()
        sampled(u, model)  # two frames: shared out, never more threads than asked for
        assert len(seen) == 2 and sum(seen) <= before + 1 and torch.get_num_threads() == before
        samples_with(model, lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sampled(u, model)
        assert torch.get_num_threads() == before

    @pytest.mark.parametrize("bad", [0, -1])
    def test_bad_threads(self, weights, bad):
        with pytest.raises(ValueError, match="threads=.*expected an integer of 1 or more"):
            mdb.load_model(weights, universe("MKV").atoms, threads=bad)

    @pytest.mark.parametrize("bad", ["tpu9", "cuda:99", "xpu", "meta", 3.5])
    def test_bad_devices(self, weights, bad):
        with pytest.raises(ValueError, match="device.*'cpu' always works"):
            mdb.load_model(weights, universe("MKV").atoms, device=bad)

    def test_devices_that_work(self, weights):
        u = universe("MKV")
        assert mdb.load_model(weights, u.atoms, device=torch.device("cpu")).device.type == "cpu"

    def test_batch_size(self, bound):
        _, model = bound
        assert model.batch_size() == model.batch_size("auto") >= 1
        assert model.batch_size(7) == model.batch_size(np.int64(7)) == 7
        for bad in (0, -3, 2.5, "many", None, True):
            with pytest.raises(ValueError, match="batch_size must be"):
                model.batch_size(bad)

    def test_halving_when_memory_is_short(self, bound):
        u, model = bound
        beads, atoms = sampled(u, model, dimensions=[[90.0] * 6] * 6)
        inner = model._reconstruction.sampler.bound.sample

        def small(beads, *rest):
            if len(beads) > 2:
                raise torch.OutOfMemoryError("full")
            return inner(beads, *rest)

        def full(*_):
            raise torch.OutOfMemoryError("full")

        other = copy.deepcopy(model)
        samples_with(other, small)
        np.testing.assert_allclose(other.sample(beads, range(6), dimensions=[[90.0] * 6] * 6), atoms, atol=1e-3)
        samples_with(other, full)
        with pytest.raises(torch.OutOfMemoryError):
            other.sample(beads, range(6))


def in_child(model, beads, frames):
    return model.sample(beads, frames)


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_does_not_hang(weights):
    """The parent has run torch with several threads, which a forked child must not wait for (it would, forever)."""
    u = universe("MKVLAGPPWYTSDERHNQCIF" * 3, frames=4)
    model = mdb.load_model(weights, u.atoms, threads=4)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        torch.randn(400, 400) @ torch.randn(400, 400)
        beads, _ = sampled(u, model)
        atoms = mdb.load_model(weights, u.atoms, threads=1).sample(beads, range(4))  # a child has one thread, too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with multiprocessing.get_context("fork").Pool(1) as pool:
                result = pool.apply_async(in_child, (model, beads, range(4)))
                np.testing.assert_allclose(result.get(timeout=300), atoms, atol=1e-3)
    finally:
        torch.set_num_threads(before)


class TestUniverse:
    def test_attributes_are_complete(self, bound):
        u, model = bound
        fine = model.universe()
        assert fine.atoms.n_atoms == model.n_atoms
        for name in "names types elements masses occupancies tempfactors record_types altLocs chainIDs".split():
            assert len(getattr(fine.atoms, name)) == model.n_atoms
        assert set(fine.atoms.elements) == set("CHNOS")
        assert ((fine.atoms.masses > 10) == (fine.atoms.elements != "H")).all() and (fine.atoms.masses > 1).all()
        assert model.mapping.fine.resnames.tolist() == u.residues.resnames.tolist()
        assert fine.residues.resnames.tolist() == model.mapping.fine.variants.tolist()
        assert fine.residues.resnames[15] in ("HID", "HIE")
        assert fine.residues.resids.tolist() == u.residues.resids.tolist()
        assert fine.segments.segids.tolist() == ["A", "B"]
        assert fine.select_atoms("chainID B").residues.n_residues == 9
        np.testing.assert_array_equal(np.sort(fine.bonds.indices, axis=0), np.sort(model.mapping.fine.bonds, axis=0))
        assert fine.select_atoms("backbone").n_atoms == 4 * 21

    def test_writes_a_pdb(self, bound, tmp_path):
        u, model = bound
        _, atoms = sampled(u, model)
        fine = model.universe()
        fine.load_new(atoms)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fine.atoms.write(tmp_path / "aa.pdb")
            again = mda.Universe(str(tmp_path / "aa.pdb"))
        assert again.atoms.names.tolist() == model.mapping.fine.names.tolist()
        np.testing.assert_allclose(again.atoms.positions, atoms[0], atol=2e-3)

    def test_lift_rests_on_beads(self, bound):
        u, model = bound
        lifted = model.lift(u)
        beads = beads_of(u, model)
        for ts, frame in zip(lifted.trajectory, beads, strict=True):
            np.testing.assert_array_equal(ts.positions, frame[model.mapping.bead_of_atom])
        with pytest.raises(ValueError, match="3 atoms"):
            model.lift(universe("MKV"))


class TestOtherMolecules:
    """A model is bound to one molecule; beads of another are refused, however many there are."""

    @pytest.mark.parametrize("sequence", ["ACDEFGHIKV", "ACDEFGHIKLMN"])
    def test_lift_and_write(self, weights, tmp_path, sequence):
        model, other = mdb.load_model(weights, universe("ACDEFGHIKL").atoms), universe(sequence)
        if sequence == "ACDEFGHIKLMN":  # the very molecule first, others behind it
            assert model.lift(other).atoms.n_atoms == model.n_atoms
            other = universe("V" + sequence[1:])
        with pytest.raises(ValueError, match="another molecule: number [09] is 'VAL CA', the model's is"):
            model.lift(other)
        with pytest.raises(ValueError, match="another molecule"):
            mdb.BackmapTrajectory(other.atoms, model, filename=tmp_path / "aa.xtc").run()
        assert not list(tmp_path.iterdir())

    def test_a_model_of_one_molecule(self):
        beads = mda.Universe(GO_PDB, GO_XTC)
        model = mdb.load_model("genzprot", beads.atoms)
        with pytest.raises(ValueError, match="another molecule"):
            model.lift(mda.Universe(CALVADOS_PDB, CALVADOS_XTC))


class TestLoading:
    def test_needs_atoms(self, weights):
        with pytest.raises(TypeError, match="cg.atoms"):
            mdb.load_model(weights)

    def test_takes_a_universe_too(self, weights):
        u = universe("MKV")
        assert repr(mdb.load_model(weights, u)) == repr(mdb.load_model(weights, u.atoms))

    def test_no_model(self, tmp_path):
        u = universe("MKV")
        with pytest.raises(FileNotFoundError, match="genzprott.*expected a bundled model"):
            mdb.load_model("genzprott", u.atoms)
        (tmp_path / "x.pt").write_text("hello")
        with pytest.raises(CheckpointError):
            mdb.load_model(tmp_path / "x.pt", u.atoms)

    def test_repr_and_provenance(self, weights):
        model = mdb.load_model(weights, universe("MKVLAG").atoms)
        assert repr(model) == "Backmapper(tiny: 6 beads -> 94 atoms; 6 residues, A 1-6; cpu)"
        bare = mdb.load_model(weights, universe("MKVLAG").atoms, hydrogens=False)
        assert repr(bare) == "Backmapper(tiny: 6 beads -> 42 atoms; 6 residues, A 1-6; cpu)"
        assert {"model", "sha256", "data"} <= model.provenance.keys()
        assert model._reconstruction.sampler.bound.model.config == TINY

    def test_it_looks_at_several_frames(self, weights):
        """A bond that is long in one frame is no break, whichever frame is the current one."""
        u = universe("MKVLAGTSDE", frames=9)
        u.trajectory[3].positions[5:] += [2.0, 2.0, 2.0]
        model = mdb.load_model(weights, u.atoms)
        assert model.mapping.coarse.ends.sum() == 1
        assert u.trajectory.ts.frame == 3

    def test_frames_with_nan_are_named(self, weights):
        u = universe("MKV", frames=1)
        u.atoms.positions = [[0, 0, 0], [np.nan, 0, 0], [3, 3, 3]]
        with pytest.raises(ValueError, match="frame 0"):
            mdb.load_model(weights, u.atoms)

    def test_binding_does_not_move_the_trajectory(self, weights):
        u = mda.Universe(GO_PDB, GO_XTC)
        u.trajectory[7]
        mdb.load_model(weights, u.atoms)
        assert u.trajectory.ts.frame == 7


@pytest.mark.parametrize("files", [(GO_PDB, GO_XTC), (CALVADOS_PDB, CALVADOS_XTC), (TRPCAGE_PDB, TRPCAGE_XTC)])
def test_journey_with_the_bundled_weights(files):
    """Beads bit for bit; bonds within 3% wherever the trace lets them; one hand; nothing at the origin."""
    u = mda.Universe(*files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mdb.load_model("genzprot", u.atoms)
    beads = np.stack([ts.positions[model.indices] for ts in u.trajectory[:3]])
    atoms = model.sample(beads, range(3), bead_tolerance=0)
    np.testing.assert_array_equal(model.mapping.project(atoms), beads)
    coarse = model.mapping.coarse
    slots = torch.tensor(atom14(model.mapping.fine, atoms)[0], dtype=torch.float32)
    deviations, peptide = bond_deviations(slots, coarse)
    length = np.linalg.norm(np.diff(beads, axis=1), axis=-1)
    fits = np.pad((length >= 3.70) & (length <= 3.89), ((0, 0), (0, 2)), constant_values=True)[:, peptide]
    assert (deviations.abs().numpy()[fits] < 0.03).all()
    n, ca, c, cb = (slots[:, coarse.resnames != "GLY", k] for k in (0, 1, 2, 4))
    assert ((torch.cross(n - ca, c - ca, dim=-1) * (cb - ca)).sum(-1) > 0.1).all()
