"""The readers here pass MDAnalysis' own tests of readers and writers, over files of five formats and joined files."""

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.coordinates.core import reader as open_reader
from MDAnalysis.coordinates.DCD import DCDWriter
from MDAnalysis.coordinates.H5MD import H5MDWriter
from MDAnalysis.coordinates.PDB import PDBWriter
from MDAnalysis.coordinates.TRR import TRRWriter
from MDAnalysis.coordinates.XTC import XTCWriter
from MDAnalysisTests.coordinates.base import BaseReference, BaseWriterTest, MultiframeReaderTest

from mdbackmap.molecule.mapping import Mapping
from mdbackmap.molecule.topology import Topology
from mdbackmap.universes.coarse import CoarseReader
from mdbackmap.universes.frames import CoarseFrame
from mdbackmap.universes.reader import LiftedReader
from mdbackmap.universes.universe import universe_of
from mdbackmap.writing.output import PDBFrames

pytestmark = pytest.mark.filterwarnings("ignore")  # what the writers and parsers of MDAnalysis say of missing names

N_FRAMES = 5
WRITERS = {"xtc": XTCWriter, "trr": TRRWriter, "dcd": DCDWriter, "h5md": H5MDWriter, "pdb": PDBWriter}
KINDS = ["xtc", "joined", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("trr", "dcd", "h5md", "pdb"))]
BOX = np.array([81.1, 82.2, 83.3, 75, 80, 85])  # that of the reference; it grows
GROWTH = np.array([1, 1, 1, 0.1, 0.1, 0.1])


def topology(n_atoms):
    """One residue for each atom, without bonds."""
    names, empty, residues = [f"C{i}" for i in range(n_atoms)], [""] * n_atoms, np.arange(n_atoms)
    return Topology(names, ["C"] * n_atoms, residues, ["ALA"] * n_atoms, residues + 1, empty, empty, empty)


def mapping(owners):
    """Beads that are the means of the atoms that they own: `owners` (A,) has the bead of each."""
    weights = 1 / np.bincount(owners)[owners]
    beads, atoms = topology(max(owners) + 1), topology(len(owners))
    return Mapping(beads, atoms, "tests", owners, np.arange(len(owners)), weights, owners)


def write(path, positions, numbers):
    """Write the frames with these numbers of a trajectory that starts at 0 ps, 1 ps apart."""
    if path.suffix == ".pdb":
        return write_pdb(path, positions, numbers)
    u = universe_of(topology(len(positions)))
    u.load_new(np.zeros((1, *positions.shape)))
    options = {".dcd": {"istart": 0}, ".h5md": {"lengthunit": "Angstrom", "timeunit": "ps"}}.get(path.suffix, {})
    with mda.Writer(str(path), len(positions), **options) as out:
        for number in numbers:
            u.atoms.positions = 2.0**number * positions
            u.dimensions = BOX + number * GROWTH
            u.trajectory.ts.frame, u.trajectory.ts.time = number, float(number)
            out.write(u.atoms)
    return str(path)


def write_pdb(path, positions, numbers):
    """The same, as this package writes it: MDAnalysis' own writer gives the first model a box only, outside it."""
    out = PDBFrames(path, topology(len(positions)), len(numbers), ())
    for number in numbers:
        frame = CoarseFrame(number, float(number), positions, BOX + number * GROWTH)
        out.write(2.0**number * positions, frame, 0, number)
    out.close()
    path.write_text(path.read_text() + "END\n")
    return str(path)


class ModelsWriter(PDBWriter):
    """MDAnalysis' writer of PDB, with the arguments that its test of writers has."""

    def __init__(self, filename, n_atoms=None):
        super().__init__(filename, multiframe=True)


class Reference(BaseReference):
    """What MDAnalysis' tests ask for: positions of 5 atoms, doubled from frame to frame."""

    def __init__(self, kind, folder, positions, made, reader):
        super().__init__()
        self.ext = "xtc" if kind == "joined" else kind  # two files, one after the other
        self.plain = lambda name: open_reader(name, format=None if isinstance(name, list) else self.ext.upper())
        self.reader = lambda name: reader(self.plain(name))
        self.writer, self.container_format = WRITERS[self.ext], kind == "pdb"
        self.changing_dimensions, self.prec = True, 3
        parts = [(0, 1), (2, 3, 4)] if kind == "joined" else [range(N_FRAMES)]
        files = [write(folder / f"{i}.{self.ext}", positions, numbers) for i, numbers in enumerate(parts)]
        self.trajectory = files if kind == "joined" else files[0]
        for frame in (self.first_frame, self.second_frame, self.last_frame, self.jump_to_frame):
            frame.positions = 2.0**frame.frame * made


LIFTING = mapping(np.array([0, 1, 1, 2, 3]))
COARSENING = mapping(np.array([0, 0, 1, 1, 2, 2, 2, 3, 4]))


@pytest.fixture(params=KINDS)
def lifted_ref(request, tmp_path):
    beads = np.arange(12.0).reshape(4, 3)
    made = LIFTING.lift(beads)
    return Reference(request.param, tmp_path, beads, made, lambda source: LiftedReader(source, LIFTING))


@pytest.fixture(params=KINDS)
def coarse_ref(request, tmp_path):
    atoms = 3.0 * np.arange(27.0).reshape(9, 3)
    made = COARSENING.project(atoms)
    return Reference(request.param, tmp_path, atoms, made, lambda x: CoarseReader(x, COARSENING, np.arange(9)))


class Readers(MultiframeReaderTest):
    """The contract, and what MDAnalysis does not ask for."""

    def test_get_writer_1(self, ref, reader, tmp_path):
        with reader.Writer(tmp_path / f"own.{ref.ext}") as out:
            assert isinstance(out, ref.writer)
            assert ref.ext == "pdb" or out.n_atoms == reader.n_atoms  # a PDB file may hold any number

    def test_get_writer_2(self, ref, reader, tmp_path):
        with reader.Writer(tmp_path / f"own.{ref.ext}", n_atoms=100) as out:
            assert isinstance(out, ref.writer)
            assert ref.ext == "pdb" or out.n_atoms == 100

    def test_no_writer(self, reader, tmp_path):
        with pytest.raises(TypeError, match="No trajectory or frame writer"):
            reader.Writer(tmp_path / "own.unknown")

    def test_reads_on_after_close(self, ref, reader):
        for read in (lambda: reader[3], lambda: next(iter(reader)), lambda: list(reader)):
            reader.close()
            read()
        reader.close()
        assert [ts.positions[2].tolist() for ts in reader] == [ref.iter_ts(i).positions[2].tolist() for i in range(5)]

    def test_other_writer(self, ref, reader, tmp_path):
        name = str(tmp_path / f"other.{ref.ext}")
        with reader.OtherWriter(name) as out:
            assert isinstance(out, ref.writer)
            assert ref.ext == "pdb" or out.n_atoms == reader.n_atoms

    def test_what_a_writer_of_its_own_writes(self, ref, reader, tmp_path):
        u = universe_of(topology(5))
        u.trajectory = reader
        with reader.Writer(str(tmp_path / f"own.{ref.ext}")) as out:
            for _ in u.trajectory:
                out.write(u.atoms)
        written = ref.plain(str(tmp_path / f"own.{ref.ext}"))
        assert written.n_frames == N_FRAMES and written.dt == pytest.approx(1)
        for i, ts in enumerate(written):
            np.testing.assert_allclose(ts.positions, ref.iter_ts(i).positions, atol=1e-2)

    def test_a_universe_is_copied_wherever_it_stands(self, ref, reader):
        u = universe_of(topology(5))
        u.trajectory = reader
        for frame in (4, 0, 2):
            u.trajectory[frame]
            new = u.copy()
            assert new.trajectory.frame == frame
            np.testing.assert_array_equal(new.trajectory.ts.aux.lowf, ref.aux_lowf_data[frame])
            for i, ts in enumerate(new.trajectory):
                np.testing.assert_allclose(ts.positions, ref.iter_ts(i).positions, atol=1e-3)
            assert u.trajectory.frame == frame
            np.testing.assert_allclose(u.atoms.positions, ref.iter_ts(frame).positions, atol=1e-3)

    def test_the_source_may_stand_anywhere(self, ref):
        source = ref.plain(ref.trajectory)
        wrap = type(ref.reader(ref.trajectory))
        for frame in (4, 1, 3):
            source[frame]
            there = source.ts.positions.copy()
            made = LiftedReader(source, LIFTING) if wrap is LiftedReader else wrap(source, COARSENING, np.arange(9))
            for i, ts in enumerate(made):
                np.testing.assert_allclose(ts.positions, ref.iter_ts(i).positions, atol=1e-3)
            assert source.frame == frame
            np.testing.assert_array_equal(source.ts.positions, there)
        assert [ts.frame for ts in source] == list(range(N_FRAMES))


class TestLiftedReader(Readers):
    @staticmethod
    @pytest.fixture
    def ref(lifted_ref):
        return lifted_ref


class TestCoarseReader(Readers):
    @staticmethod
    @pytest.fixture
    def ref(coarse_ref):
        return coarse_ref


class Writers(BaseWriterTest):
    """Frames of these readers, written by MDAnalysis and read back."""

    @staticmethod
    @pytest.fixture
    def universe(ref):
        u = universe_of(topology(5))
        u.trajectory = ref.reader(ref.trajectory)
        return u

    @staticmethod
    @pytest.fixture
    def reader(ref):
        reader = ref.reader(ref.trajectory)
        ref.reader = ref.plain  # what was written is read as it is
        ref.writer = ModelsWriter if ref.ext == "pdb" else ref.writer
        return reader

    @pytest.fixture(autouse=True)
    def _plain_files(self, universe, reader):
        """In this order: `ref.reader` opens what tests have written."""

    def test_write_different_box(self, ref, universe, tmpdir):
        if ref.ext != "pdb":  # MDAnalysis writes the box of the first model only
            super().test_write_different_box(ref, universe, tmpdir)

    def test_write_none(self, ref, tmpdir):
        if ref.ext != "pdb":  # another error there
            super().test_write_none(ref, tmpdir)


class TestLiftedWriter(Writers):
    @staticmethod
    @pytest.fixture
    def ref(lifted_ref):
        return lifted_ref


class TestCoarseWriter(Writers):
    @staticmethod
    @pytest.fixture
    def ref(coarse_ref):
        return coarse_ref
