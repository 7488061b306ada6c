"""LiftedReader: the reader contract of MDAnalysis, at all-atom size."""

import pickle

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.coordinates.base import StreamReaderBase
from MDAnalysis.transformations import translate
from numpy.testing import assert_array_equal
from standin import chain, standin

from mdbackmap.molecule.mapping import Mapping
from mdbackmap.molecule.topology import Topology
from mdbackmap.universes.access import copy_trajectory
from mdbackmap.universes.frames import CoarseFrames
from mdbackmap.universes.reader import LiftedReader, bead_indices

N_FRAMES = 11
EVEN = np.arange(N_FRAMES) % 2 == 0


def written(cg, folder, suffix):
    """The Universe of `cg` read back from a file of that format."""
    cg.atoms.write(folder / "ca.pdb")
    cg.atoms.write(folder / f"ca{suffix}", frames="all")
    return mda.Universe(folder / "ca.pdb", folder / f"ca{suffix}", dt=2.0)


@pytest.fixture(params=["memory", ".xtc", ".trr", ".dcd", ".pdb", ".xyz", "joined"])
def cg(request, tmp_path):
    cg = chain(n_frames=N_FRAMES)
    if request.param == "memory":
        return cg
    if request.param == "joined":
        cg.atoms.write(tmp_path / "ca.pdb")
        cg.atoms.write(tmp_path / "1.xtc", frames=cg.trajectory[:4])
        cg.atoms.write(tmp_path / "2.xtc", frames=cg.trajectory[4:])
        return mda.Universe(tmp_path / "ca.pdb", [tmp_path / "1.xtc", tmp_path / "2.xtc"])
    if request.param == ".pdb":
        cg.atoms.write(tmp_path / "all.pdb", frames="all")
        return mda.Universe(tmp_path / "all.pdb")
    return written(cg, tmp_path, request.param)


@pytest.fixture
def mapping(cg):
    return Mapping.ca(Topology.from_atoms(cg.atoms))


@pytest.fixture
def reader(cg, mapping):
    return LiftedReader(cg.trajectory, mapping)


@pytest.fixture
def expected(cg, mapping):
    """(F, A, 3): what each frame should hold."""
    return np.stack([mapping.lift(ts.positions.copy()) for ts in cg.trajectory])


class TestContract:
    def test_size(self, reader, mapping):
        assert (reader.n_atoms, reader.n_frames, len(reader)) == (mapping.n_atoms, N_FRAMES, N_FRAMES)

    def test_first_frame_is_loaded(self, reader, expected):
        assert reader.ts.frame == 0
        assert_array_equal(reader.ts.positions, expected[0])

    def test_iteration_twice(self, reader, expected):
        for _ in range(2):
            assert_array_equal([ts.positions.copy() for ts in reader], expected)
        assert reader.ts.frame == 0

    def test_times_and_boxes(self, cg, reader):
        ours = [(ts.frame, ts.time, np.copy(ts.dimensions)) for ts in reader]
        theirs = [(ts.frame, ts.time, np.copy(ts.dimensions)) for ts in cg.trajectory]
        for a, b in zip(ours, theirs, strict=True):
            assert a[:2] == b[:2]
            assert_array_equal(a[2], b[2])

    @pytest.mark.parametrize("frame", [0, 5, N_FRAMES - 1, -1, -N_FRAMES])
    def test_random_access(self, reader, expected, frame):
        assert_array_equal(reader[frame].positions, expected[frame])

    @pytest.mark.parametrize("frame", [N_FRAMES, -N_FRAMES - 1])
    def test_beyond_the_end(self, reader, frame):
        with pytest.raises(IndexError):
            reader[frame]

    @pytest.mark.parametrize(
        "chosen", [slice(None, None, 3), slice(8, 2, -2), [5, 1, 1, 9], np.arange(N_FRAMES) % 2 == 0]
    )
    def test_slices(self, reader, expected, chosen):
        assert_array_equal([ts.positions.copy() for ts in reader[chosen]], expected[chosen])

    def test_next_and_rewind(self, reader, expected):
        reader[3]
        assert_array_equal(reader.next().positions, expected[4])
        reader.rewind()
        assert reader.frame == 0

    def test_stops_at_the_end(self, reader):
        reader[N_FRAMES - 1]
        with pytest.raises(StopIteration):
            reader.next()

    def test_copy_is_independent(self, reader, expected):
        reader[4]
        new = reader.copy()
        reader[7]
        assert new.frame == 4
        assert_array_equal(new.ts.positions, expected[4])
        assert_array_equal(new[9].positions, expected[9])
        assert reader.frame == 7

    def test_pickle(self, reader, expected):
        reader[4]
        new = pickle.loads(pickle.dumps(reader))
        assert new.frame == 4
        assert_array_equal(new.ts.positions, expected[4])
        assert_array_equal(new.next().positions, expected[5])
        assert_array_equal([ts.positions.copy() for ts in new], expected)

    def test_timeseries(self, reader, expected):
        assert_array_equal(reader.timeseries(step=2), expected[::2])

    def test_original_is_left_alone(self, cg, reader):
        cg.trajectory[2]
        reader[6]
        assert cg.trajectory.frame == 2

    def test_beads_travel_with_the_frame(self, cg, reader):
        cg.trajectory[6]
        kept = reader[6].copy()
        reader[7]
        assert_array_equal(kept.beads, cg.atoms.positions)
        assert "beads" not in kept.data

    def test_numpy_integer_frames(self, reader, expected):
        assert_array_equal(reader[np.int64(3)].positions, expected[3])


def test_transformations_of_the_beads_are_kept():
    cg = chain(n_frames=5)
    plain = LiftedReader(cg.trajectory, Mapping.ca(Topology.from_atoms(cg.atoms)))[3].positions.copy()
    cg.trajectory.add_transformations(translate([1, 2, 3]))
    moved = LiftedReader(cg.trajectory, plain_mapping(cg))[3].positions
    np.testing.assert_allclose(moved, plain + np.float32([1, 2, 3]), atol=1e-5)


def plain_mapping(cg):
    return Mapping.ca(Topology.from_atoms(cg.atoms))


def test_a_selection_of_a_larger_universe():
    cg = chain(n_beads=30, n_frames=4)
    part = cg.select_atoms("resid 8:17")
    reader = LiftedReader(cg.trajectory, plain_mapping(part), part.ix)
    assert_array_equal(reader[2].beads, cg.trajectory[2].positions[7:17])


def test_per_bead_data_and_words_are_left_out(tmp_path):
    cg = chain(n_beads=6, n_frames=3)

    def annotate(ts):
        ts.data.update(energy=1.5 * ts.frame, word="x", charge=np.zeros(6), pressure=np.eye(3))
        return ts

    cg.atoms.write(tmp_path / "ca.xtc", frames="all")
    cg.load_new(str(tmp_path / "ca.xtc"))
    cg.trajectory.add_transformations(annotate)
    ts = LiftedReader(cg.trajectory, plain_mapping(cg))[2]
    assert set(ts.data) == {"time", "dt", "step", "energy", "pressure"}
    assert ts.data["energy"] == 3.0


class TestErrors:
    def test_other_molecule(self):
        with pytest.raises(ValueError, match="has 20 beads, but the model was bound to a molecule of 30"):
            LiftedReader(chain(20, 2).trajectory, plain_mapping(chain(30, 2)))

    def test_too_few_particles(self):
        with pytest.raises(ValueError, match="has 20 particles, but the model's beads reach up to number 30"):
            LiftedReader(chain(20, 2).trajectory, plain_mapping(chain(20, 2)), np.arange(10, 30))

    def test_stream(self):
        class Stream(StreamReaderBase):
            units = {"time": None, "length": None}

            def _read_frame(self, frame):
                raise EOFError

            def close(self):
                pass

        with pytest.raises(ValueError, match="write it to a file first"):
            copy_trajectory(Stream("nowhere"))

    def test_damaged_file_does_not_end_early(self, tmp_path):
        cg = written(chain(n_beads=500, n_frames=12), tmp_path, ".xtc")
        reader = LiftedReader(cg.trajectory, plain_mapping(cg))
        with open(tmp_path / "ca.xtc", "r+b") as file:
            file.seek(cg.trajectory._xdr.offsets[9])
            file.write(b"\xff" * 8)
        with pytest.warns(UserWarning), pytest.raises(ValueError, match="frame 9 of .* in .* cannot be read"):
            list(reader)

    def test_atoms_without_the_beads(self):
        cg = chain(n_beads=30, n_frames=2)
        model = standin(cg.atoms[:20])
        assert_array_equal(bead_indices(cg, model), np.arange(20))
        assert_array_equal(bead_indices(cg.atoms[10:], model), np.arange(10, 30))
        with pytest.raises(ValueError, match="does not hold the model's 20 beads"):
            bead_indices(cg.atoms[25:], model)


class TestPace:
    """What is read ahead."""

    def frames(self, n_frames=60):
        cg = chain(n_beads=3, n_frames=n_frames)
        return CoarseFrames(cg.trajectory, np.arange(3))

    def visit(self, frames, chosen, limit=8):
        return [[x.frame for x in (frames.read(i), frames.expected(limit))[1]] for i in chosen]

    def test_grows_while_steady(self):
        assert self.visit(self.frames(), [0, 1, 2, 3]) == [[], [2], [3, 4], [4, 5, 6]]

    def test_limited(self):
        assert len(self.visit(self.frames(), range(30), limit=4)[-1]) == 4

    def test_strides(self):
        assert self.visit(self.frames(), [0, 10, 20, 30])[-1] == [40, 50]

    def test_backwards(self):
        assert self.visit(self.frames(), [30, 28, 26])[-1] == [24]

    def test_jumps_foresee_nothing(self):
        assert self.visit(self.frames(), [5, 40, 3, 17, 50]) == [[]] * 5

    def test_ends_with_the_trajectory(self):
        assert self.visit(self.frames(12), range(11))[-1] == [11]

    def test_each_frame_is_read_once(self):
        frames, asked = self.frames(), []
        fetch = frames._fetch
        frames._fetch = lambda i: (asked.append(i), fetch(i))[1]
        self.visit(frames, range(40))
        assert sorted(asked) == sorted(set(asked))
