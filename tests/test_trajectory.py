"""BackmapTrajectory: the same atoms as on the fly, in files that are whole or not there at all."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from conversions import N_FRAMES, interrupt_at, interruptible, left, positions, quick
from MDAnalysis.analysis.backends import BackendBase, BackendMultiprocessing, BackendSerial
from MDAnalysis.transformations import translate
from numpy.testing import assert_allclose, assert_array_equal
from standin import chain, standin

from mdbackmap.datafiles import GO_PDB, GO_XTC
from mdbackmap.loading import load_model
from mdbackmap.options import HydrogenOptions
from mdbackmap.trajectory import BackmapTrajectory
from mdbackmap.transformation import backmap
from mdbackmap.writing.products import AlreadyComplete

FORMATS = [".xtc", ".trr", ".h5md", ".dcd", ".pdb", ".xyz"]
TOLERANCE = {".xtc": 0.0051, ".trr": 1e-5, ".pdb": 0.0006, ".xyz": 0.0001}


@pytest.fixture
def model(cg):
    return standin(cg.atoms)


@pytest.fixture
def expected(cg, model):
    """(F, A, 3): on the fly."""
    return np.stack([ts.positions.copy() for ts in backmap(cg, model).trajectory])


@pytest.fixture
def interrupt(monkeypatch):
    """Ctrl-C when frame `n` is read, once."""
    return functools.partial(interrupt_at, monkeypatch)


def documented():
    """Names and shapes, in letters, of the results that the page of options lists."""
    page = (Path(__file__).parent.parent / "docs" / "options.md").read_text()
    table = re.search(r"^\| `results` .*?\n\n", page, re.M | re.S)[0].strip().splitlines()[2:]
    shapes = {}
    for _, names, _, shape, *_ in (line.split("|") for line in table):
        letters = re.match(r"\(([A-Z0-9, ]+)\)", shape.strip())
        shapes |= dict.fromkeys(re.findall(r"`(\w+)`", names), letters and re.findall(r"\w+", letters[1]))
    return shapes


@pytest.mark.parametrize("filename", [None, "aa.h5md"])
def test_the_docs_have_every_result_and_its_shape(cg, model, tmp_path, filename):
    results = BackmapTrajectory(cg.atoms, model, filename and tmp_path / filename, n_samples=2).run(stop=3).results
    sizes = {"F": 6, "C": 3, "N": model.n_beads, "R": model.mapping.coarse.n_residues, "A": model.n_atoms}
    table = documented()
    for name, value in results.items():
        expected = None if table[name] is None else tuple(sizes.get(letter) or int(letter) for letter in table[name])
        assert getattr(value, "shape", None) == expected, name
    assert filename is None or set(table) - set(results) <= {"positions", "validity", "skipped"}


class TestFiles:
    @pytest.mark.parametrize("suffix", FORMATS)
    def test_same_atoms_as_on_the_fly(self, cg, model, expected, tmp_path, suffix):
        results = BackmapTrajectory(cg.atoms, model, tmp_path / f"aa{suffix}").run().results
        assert_allclose(positions(results), expected, rtol=0, atol=TOLERANCE.get(suffix, 0.0))
        assert results.n_frames == N_FRAMES and results.n_atoms == model.n_atoms

    @pytest.mark.parametrize("suffix", [".xtc", ".trr", ".h5md", ".dcd"])
    def test_times_boxes_and_beads(self, cg, model, tmp_path, suffix):
        results = BackmapTrajectory(cg.atoms, model, tmp_path / f"aa{suffix}").run(start=4, step=2).results
        u = mda.Universe(results.topology, results.filename)
        ca = u.select_atoms("name CA")
        for a, b in zip(u.trajectory, cg.trajectory[4::2], strict=True):
            assert a.time == pytest.approx(b.time, rel=1e-6)
            assert_allclose(a.dimensions, b.dimensions, rtol=1e-5)
            assert_allclose(ca.positions, cg.atoms.positions, rtol=0, atol=0.0051 if suffix == ".xtc" else 1e-4)

    def test_pdb_models_keep_their_boxes(self, cg, model, tmp_path):
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.pdb").run(stop=3)
        u = mda.Universe(tmp_path / "aa.pdb")
        assert [ts.dimensions[0] for ts in u.trajectory] == [90, 91, 92]

    @pytest.mark.parametrize(
        "choice",
        [
            {"start": 5, "stop": 30, "step": 4},
            {"step": -3},
            {"frames": [7, 3, 3, -1]},
            {"frames": np.arange(N_FRAMES) % 9 == 2},
        ],
    )
    @pytest.mark.parametrize("suffix", [".xtc", ".h5md"])
    def test_chosen_frames_in_their_order(self, cg, model, expected, tmp_path, choice, suffix):
        chosen = (
            np.arange(N_FRAMES)[choice["frames"]] if "frames" in choice else np.arange(N_FRAMES)[slice(*_slice(choice))]
        )
        results = BackmapTrajectory(cg.atoms, model, tmp_path / f"aa{suffix}").run(**choice).results
        assert_array_equal(results.frames, chosen)
        assert_array_equal(results.times, 2.0 * chosen)
        assert_allclose(positions(results), expected[chosen], rtol=0, atol=0.0051)

    @pytest.mark.parametrize("batch_size", [1, 4, 7, "auto"])
    def test_samples_are_frame_major(self, cg, model, tmp_path, batch_size):
        run = BackmapTrajectory(cg.atoms, model, tmp_path / "aa.h5md", n_samples=5, batch_size=batch_size).run(step=10)
        expected = [
            backmap(cg, model, sample=s).trajectory[f].positions.copy()
            for f in range(0, N_FRAMES, 10)
            for s in range(5)
        ]
        assert_array_equal(positions(run.results), expected)
        u = mda.Universe(run.results.topology, run.results.filename)
        assert [(ts.data["cg_frame"], ts.data["sample"], ts.time) for ts in u.trajectory] == [
            (f, s, 2.0 * f) for f in range(0, N_FRAMES, 10) for s in range(5)
        ]
        assert_array_equal(run.results.samples, list(range(5)) * 5)

    def test_without_a_file(self, cg, model, expected):
        results = BackmapTrajectory(cg.atoms, model).run(step=4).results
        assert_array_equal(results.positions, expected[::4])
        assert results.filename is None

    def test_a_selection_and_transformations_of_the_user(self, tmp_path):
        cg = chain(n_beads=30, n_frames=5)
        part = cg.select_atoms("resid 6:20")
        cg.trajectory.add_transformations(translate([1, 2, 3]))
        model = standin(part)
        results = BackmapTrajectory(part, model, tmp_path / "aa.h5md").run().results
        assert_array_equal(model.mapping.project(positions(results)[3]), cg.trajectory[3].positions[5:20])

    def test_joined_trajectories_in_h5md(self, cg, model, tmp_path):
        joined = mda.Universe(tmp_path / "in" / "ca.pdb", [tmp_path / "in" / "ca.xtc"] * 2)
        results = BackmapTrajectory(joined.atoms, model, tmp_path / "aa.h5md").run().results
        assert len(positions(results)) == 2 * N_FRAMES

    def test_topology_and_provenance(self, cg, model, tmp_path):
        results = BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc", seed=7).run(stop=3).results
        assert left(tmp_path) == ["aa.json", "aa.pdb", "aa.xtc"]
        note = json.loads((tmp_path / "aa.json").read_text())
        assert note == json.loads(json.dumps(results.provenance))
        assert set(note) == {"conversion", "model"}
        assert (note["conversion"]["seed"], note["model"]["model"]) == (7, "standin")
        text = (tmp_path / "aa.pdb").read_text()
        assert text.count("\nTER ") == 1 and "seed: 7" in text

    def test_provenance_in_h5md(self, cg, model, tmp_path):
        import h5py

        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.h5md", seed=7).run(stop=3)
        assert left(tmp_path) == ["aa.h5md", "aa.pdb"]
        with h5py.File(tmp_path / "aa.h5md") as file:
            assert file["parameters/mdbackmap/conversion"].attrs["seed"] == 7
            assert file["parameters/mdbackmap/model"].attrs["model"] == "standin"
            assert file["particles/trajectory/position/value"].attrs["unit"] == "Angstrom"

    def test_strained_peptides_are_counted(self, model, tmp_path):
        cg = chain(n_frames=10)
        cg.trajectory.get_array()[3:7, 12:] += 5.0
        run = BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run()
        assert run.results.strained.tolist() == [4 if i == 11 else 0 for i in range(20)]
        with pytest.raises(ValueError, match="frame 3: 1 CA-CA distances .* after chain ., [A-Z]+ 12;"):
            BackmapTrajectory(cg.atoms, model, tmp_path / "bb.xtc", strict=True).run()

    def test_progress_bar(self, cg, model, tmp_path, capsys):
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc", n_samples=2).run(verbose=True)
        assert f"{N_FRAMES}/{N_FRAMES}" in capsys.readouterr().err


def _slice(choice):
    return choice.get("start"), choice.get("stop"), choice.get("step")


class _Threads(BackendBase):
    """A backend of a user: the parts in threads of one process."""

    def apply(self, func, computations):
        with ThreadPoolExecutor(self.n_workers) as pool:
            return list(pool.map(func, computations))


class TestParallel:
    @pytest.mark.parametrize("suffix", [".xtc", ".h5md", ".pdb"])
    @pytest.mark.parametrize("n_parts", [2, 5])
    def test_equals_serial(self, cg, model, tmp_path, suffix, n_parts):
        serial = BackmapTrajectory(cg.atoms, model, tmp_path / f"a{suffix}", n_samples=2).run(step=2).results
        parallel = BackmapTrajectory(cg.atoms, model, tmp_path / f"b{suffix}", n_samples=2)
        parallel = parallel.run(step=2, backend="multiprocessing", n_workers=2, n_parts=n_parts).results
        assert_array_equal(positions(parallel), positions(serial))
        for key in ("frames", "times", "samples", "strained"):
            assert_array_equal(parallel[key], serial[key])
        if suffix != ".h5md":
            assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()

    def test_in_memory(self, cg, model, expected):
        run = BackmapTrajectory(cg.atoms, model).run(backend="multiprocessing", n_workers=2)
        assert_array_equal(run.results.positions, expected)

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:n_workers is ignored", "ignore:Analysis not making use")
    @pytest.mark.parametrize("name", [None, "aa.xtc"])
    @pytest.mark.parametrize(
        "how",
        [
            {"n_workers": 2},
            {"n_parts": 3},
            {"backend": "serial", "n_workers": 3, "n_parts": 2},
            {"backend": BackendSerial(1), "n_parts": 4},
            {"backend": "multiprocessing"},
            {"backend": "multiprocessing", "n_parts": 4},
            {"backend": "multiprocessing", "n_workers": 2, "n_parts": 1},
            {"backend": BackendMultiprocessing(2), "unsupported_backend": True},
            {"backend": "threads", "n_parts": 3, "unsupported_backend": True},
            {"backend": "dask", "n_workers": 2},
        ],
        ids=lambda options: re.sub(r"<.*\.(\w+) object at \w+>", r"\1", str(options)),  # the same in all processes
    )
    def test_any_backend_and_number_of_parts(self, cg, model, expected, tmp_path, how, name):
        if how.get("backend") == "dask":
            pytest.importorskip("dask")
        how = how | ({"backend": _Threads(2)} if how.get("backend") == "threads" else {})
        run = BackmapTrajectory(cg.atoms, model, None if name is None else tmp_path / name, n_samples=2).run(**how)
        found = run.results.positions if name is None else positions(run.results)
        assert_allclose(found[::2], expected, atol=0.0051 if name else 0)
        assert_array_equal(run.results.frames, np.repeat(np.arange(N_FRAMES), 2))
        assert len(run.results.displacements) == 2 * N_FRAMES

    @pytest.mark.parametrize(
        ("how", "message"),
        [
            ({"n_parts": 0}, "n_parts=0"),
            ({"n_parts": 1.5, "backend": "multiprocessing"}, "n_parts=1.5"),
            ({"n_workers": 0, "backend": "multiprocessing"}, "n_workers"),
            ({"backend": "none"}, "backend"),
            ({"backend": "multiprocessing", "gpu": True}, "worker processes run on CPUs.*cuda"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_made(self, cg, model, tmp_path, how, message):
        if how.pop("gpu", False):
            model.device = torch.device("cuda:0")
        with pytest.raises(ValueError, match=message):
            BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run(**how)
        assert left(tmp_path) == [] and model.calls == []

    def test_progress_of_workers(self, cg, model, tmp_path, capsys):
        for name in (tmp_path / "aa.xtc", None):
            BackmapTrajectory(cg.atoms, model, name, n_samples=2).run(
                verbose=True, backend="multiprocessing", n_workers=2, progressbar_kwargs={"desc": "working"}
            )
            err = capsys.readouterr().err
            assert (f"{N_FRAMES}/{N_FRAMES}" in err and "working" in err) == (name is not None)

    def test_an_error_in_a_worker(self, model, tmp_path):
        cg = chain(n_frames=20)
        cg.trajectory.get_array()[15, 2] = np.nan
        with pytest.raises(ValueError, match="frame 15"):
            BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run(backend="multiprocessing", n_workers=2)
        assert "aa.xtc" not in left(tmp_path)


class TestResume:
    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("n_samples", [1, 3, 8])
    def test_ends_with_the_same_frames(self, cg, model, tmp_path, interrupt, suffix, n_samples):
        def conversion(name, **options):
            return quick(cg.atoms, model, tmp_path / name, n_samples=n_samples, batch_size=6, **options)

        unbroken = conversion(f"a{suffix}").run().results
        for frame in (20, 33):
            interrupt(frame)
            with pytest.raises(KeyboardInterrupt):
                conversion(f"b{suffix}", resume=frame > 20).run()
            assert f"b{suffix}" not in left(tmp_path)
        model.calls.clear()
        resumed = conversion(f"b{suffix}", resume=True).run().results
        assert resumed.resumed >= 24
        there = int(np.isnan(resumed.displacements).all(1).sum())
        assert resumed.resumed == there // n_samples
        assert sum(model.calls) == N_FRAMES * n_samples - there + 1  # and the first, for the topology
        assert_array_equal(positions(resumed), positions(unbroken))
        assert_array_equal(resumed.times, unbroken.times)
        assert not [x for x in left(tmp_path) if x.endswith(".partial")]
        if suffix != ".h5md":
            assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()

    def test_what_was_interrupted_is_not_discarded_by_mistake(self, cg, model, tmp_path, interrupt):
        interrupt(30)
        with pytest.raises(KeyboardInterrupt):
            quick(cg.atoms, model, tmp_path / "aa.xtc").run()
        with pytest.raises(FileExistsError, match="resume=True.*overwrite=True"):
            quick(cg.atoms, model, tmp_path / "aa.xtc").run()
        results = quick(cg.atoms, model, tmp_path / "aa.xtc", overwrite=True).run().results
        assert results.resumed == 0

    @pytest.mark.parametrize("change", [{"seed": 1}, {"temperature": 0.5}, {"n_samples": 2}, {"batch_size": 8}])
    def test_only_with_the_same_settings(self, cg, model, tmp_path, interrupt, change):
        interrupt(30)
        with pytest.raises(KeyboardInterrupt):
            quick(cg.atoms, model, tmp_path / "aa.xtc").run()
        (key,) = change
        with pytest.raises(ValueError, match=f"cannot resume .*{key} was"):
            quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True, **change).run()
        with pytest.raises(ValueError, match="cannot resume .*frames was"):
            quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run(stop=35)
        other = chain(n_frames=N_FRAMES, seed=5)
        with pytest.raises(ValueError, match="cannot resume .*first_beads_sha256 was"):
            quick(other.atoms, standin(other.atoms), tmp_path / "aa.xtc", resume=True).run()
        model.hydrogens = HydrogenOptions(True)
        with pytest.raises(ValueError, match="cannot resume .*hydrogens was false, is true"):
            quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run()
        model.hydrogens = HydrogenOptions(False, names="gromacs")
        with pytest.raises(ValueError, match='cannot resume .*names was null, is "gromacs"'):
            quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run()

    def test_nothing_to_resume(self, cg, model, expected, tmp_path):
        results = quick(cg.atoms, model, tmp_path / "aa.dcd", resume=True).run().results
        assert_array_equal(positions(results), expected)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_complete(self, cg, model, tmp_path, suffix):
        output = tmp_path / f"aa{suffix}"
        quick(cg.atoms, model, output).run(stop=5)
        before = {path.name: path.read_bytes() for path in tmp_path.glob("aa.*")}
        with pytest.raises(AlreadyComplete, match="nothing to resume"):
            quick(cg.atoms, model, output, resume=True).run(stop=5)
        other = chain(n_frames=N_FRAMES, seed=5)
        for atoms, bound, change, stop in (
            (cg.atoms, model, {"seed": 1}, 5),
            (cg.atoms, model, {"temperature": 0.0}, 5),
            (cg.atoms, model, {}, 6),
            (other.atoms, standin(other.atoms), {}, 5),
        ):
            with pytest.raises(FileExistsError, match="not what was asked for") as refusal:
                quick(atoms, bound, output, resume=True, **change).run(stop=stop)
            assert not isinstance(refusal.value, AlreadyComplete)
        assert {path.name: path.read_bytes() for path in tmp_path.glob("aa.*")} == before

    @pytest.mark.parametrize(("suffix", "missing"), [(".xtc", "aa.json"), (".xtc", "aa.pdb"), (".h5md", "aa.pdb")])
    def test_complete_but_for_a_companion(self, cg, model, tmp_path, suffix, missing):
        quick(cg.atoms, model, tmp_path / f"aa{suffix}").run(stop=5)
        (tmp_path / missing).unlink()
        with pytest.raises(FileExistsError, match="not what was asked for"):
            quick(cg.atoms, model, tmp_path / f"aa{suffix}", resume=True).run(stop=5)

    def test_parallel_after_serial(self, cg, model, tmp_path, interrupt):
        unbroken = quick(cg.atoms, model, tmp_path / "a.xtc").run().results
        interrupt(30)
        with pytest.raises(KeyboardInterrupt):
            quick(cg.atoms, model, tmp_path / "b.xtc").run()
        run = quick(cg.atoms, model, tmp_path / "b.xtc", resume=True)
        run.run(backend="multiprocessing", n_workers=2)
        assert run.results.resumed == 16
        assert_array_equal(positions(run.results), positions(unbroken))

    def test_interrupted_while_files_are_published(self, cg, model, tmp_path, monkeypatch):
        replace = os.replace

        def interrupted(source, target):
            if Path(target).name == "aa.xtc":
                raise KeyboardInterrupt
            replace(source, target)

        monkeypatch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            quick(cg.atoms, model, tmp_path / "aa.xtc").run()
        monkeypatch.setattr(os, "replace", replace)
        results = quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run().results
        assert results.resumed == N_FRAMES
        assert left(tmp_path) == ["aa.json", "aa.pdb", "aa.xtc"]

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
    @pytest.mark.parametrize("suffix", [".xtc", ".h5md"])
    def test_a_real_signal(self, cg, model, tmp_path, kind, suffix):
        unbroken = quick(cg.atoms, model, tmp_path / f"a{suffix}").run().results
        command = [sys.executable, "-c", _SLOW, str(tmp_path), f"b{suffix}"]
        process = subprocess.Popen(command, env=_environment(), preexec_fn=interruptible)
        folder = tmp_path / f".b{suffix}.partial"
        deadline = time.monotonic() + 60
        while not (folder.exists() and list(folder.glob("0*-*"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(kind)
        assert process.wait(60) != 0
        assert f"b{suffix}" not in left(tmp_path)
        results = quick(cg.atoms, model, tmp_path / f"b{suffix}", resume=True).run().results
        assert 0 < results.resumed < N_FRAMES
        assert_array_equal(positions(results), positions(unbroken))


_SLOW = textwrap.dedent(
    """
    import sys, warnings
    warnings.simplefilter("ignore")
    import MDAnalysis as mda
    from conversions import quick
    from standin import standin
    folder, name = sys.argv[1:]
    cg = mda.Universe(folder + "/in/ca.pdb", folder + "/in/ca.xtc")
    quick(cg.atoms, standin(cg.atoms, delay=0.5), folder + "/" + name).run()
    """
)


def _environment():
    here = Path(__file__).parent
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}


class TestErrors:
    """One clear error, and nothing half-written."""

    def fails(self, atoms, model, folder, error, message, run=None, **options):
        before = left(folder)
        with pytest.raises(error, match=message):
            BackmapTrajectory(atoms, model, folder / options.pop("name", "aa.xtc"), **options).run(**(run or {}))
        assert left(folder) == before

    def test_existing_output(self, cg, model, tmp_path):
        (tmp_path / "aa.xtc").write_text("mine")
        self.fails(cg.atoms, model, tmp_path, FileExistsError, "aa.xtc exists already.*overwrite=True")
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc", overwrite=True).run()
        assert mda.Universe(tmp_path / "aa.pdb", tmp_path / "aa.xtc").trajectory.n_frames == N_FRAMES

    def test_existing_topology_of_another_molecule(self, cg, model, tmp_path):
        cg.atoms.write(tmp_path / "aa.pdb")
        self.fails(cg.atoms, model, tmp_path, FileExistsError, "aa.pdb exists already")

    def test_existing_topology_of_the_same_molecule_stays(self, cg, model, tmp_path):
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run()
        before = (tmp_path / "aa.pdb").read_bytes()
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.h5md", seed=3).run()
        assert (tmp_path / "aa.pdb").read_bytes() == before

    @pytest.mark.parametrize("name", ["ca.xtc", "ca.pdb", "ca.h5md"])
    def test_output_that_is_the_input(self, cg, model, tmp_path, name):
        before = (tmp_path / "in" / "ca.xtc").read_bytes(), (tmp_path / "in" / "ca.pdb").read_bytes()
        self.fails(cg.atoms, model, tmp_path / "in", ValueError, "is an input", name=name, overwrite=True)
        assert before == ((tmp_path / "in" / "ca.xtc").read_bytes(), (tmp_path / "in" / "ca.pdb").read_bytes())

    def test_no_such_folder(self, cg, model, tmp_path):
        self.fails(cg.atoms, model, tmp_path, FileNotFoundError, "there is no folder", name="no/aa.xtc")

    @pytest.mark.parametrize(
        ("name", "message"), [("aa.docx", "no such format"), ("aa", "no such format"), ("aa.gro", "one")]
    )
    def test_formats(self, cg, model, tmp_path, name, message):
        self.fails(cg.atoms, model, tmp_path, ValueError, message, name=name)

    def test_a_single_frame_in_a_single_frame_format(self, cg, model, expected, tmp_path):
        BackmapTrajectory(cg.atoms, model, tmp_path / "aa.gro").run(frames=[3])
        assert_allclose(mda.Universe(tmp_path / "aa.gro").atoms.positions, expected[3], atol=0.006)

    @pytest.mark.parametrize(
        ("run", "message"),
        [
            ({"start": 10, "stop": 10}, "no frames chosen: the trajectory has 41"),
            ({"frames": []}, "no frames"),
            ({"frames": [3, 99]}, "frame 99 was asked for, but the trajectory has 0 to 40"),
            ({"frames": [3], "step": 2}, "cannot be combined"),
        ],
    )
    def test_frames(self, cg, model, tmp_path, run, message):
        self.fails(cg.atoms, model, tmp_path, ValueError, message, run=run)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("frame", [0, 13])
    def test_coordinates_that_are_no_numbers(self, model, tmp_path, bad, frame):
        cg = chain(n_frames=20)
        cg.trajectory.get_array()[frame, 4, 1] = bad
        self.fails(
            cg.atoms, model, tmp_path, ValueError, f"frame {frame}: the position of chain ., VAL 5 is NaN or infinite"
        )

    def test_frames_that_are_complete_survive_a_bad_one(self, model, tmp_path):
        cg = chain(n_frames=40)
        cg.trajectory.get_array()[38, 4, 1] = np.nan
        with pytest.raises(ValueError, match="frame 38"):
            quick(cg.atoms, model, tmp_path / "aa.xtc", batch_size=4).run()
        cg.trajectory.get_array()[38] = cg.trajectory.get_array()[37]
        results = quick(cg.atoms, model, tmp_path / "aa.xtc", batch_size=4, resume=True).run().results
        assert results.resumed > 0 and results.n_frames == 40

    def test_damaged_trajectory(self, tmp_path):
        source = chain(n_beads=500, n_frames=12)
        source.atoms.write(tmp_path / "ca.pdb")
        source.atoms.write(tmp_path / "ca.xtc", frames="all")
        cg = mda.Universe(tmp_path / "ca.pdb", tmp_path / "ca.xtc")
        with open(tmp_path / "ca.xtc", "r+b") as file:
            file.seek(cg.trajectory._xdr.offsets[9])
            file.write(b"\xff" * 8)
        self.fails(cg.atoms, standin(cg.atoms), tmp_path, ValueError, "frame 9 of .* cannot be read")

    @pytest.mark.parametrize("change", [-1, 1])
    def test_number_of_beads_changes(self, tmp_path, change):
        with open(tmp_path / "ca.pdb", "w") as file:
            for model in range(6):
                file.write(f"MODEL {model + 1:8d}\n")
                for i in range(20 + change * (model == 3)):
                    file.write(f"ATOM  {i + 1:5d}  CA  ALA A{i + 1:4d}    {3.8 * i:8.3f}   0.000   0.000  1.00  0.00\n")
                file.write("ENDMDL\n")
        cg = mda.Universe(tmp_path / "ca.pdb")
        self.fails(cg.atoms, standin(cg.atoms), tmp_path, ValueError, "frame 3")
        with pytest.raises(ValueError, match="frame 3"):
            list(backmap(cg, standin(cg.atoms)).trajectory)

    def test_other_molecule(self, cg, model, tmp_path):
        self.fails(chain(n_beads=12).atoms, model, tmp_path, ValueError, "does not hold the model's 20 beads")

    def test_n_samples(self, cg, model):
        with pytest.raises(ValueError, match="n_samples=0"):
            BackmapTrajectory(cg.atoms, model, n_samples=0)

    def test_a_model_that_fails(self, cg, model, expected, tmp_path):
        sample = model.sample

        def failing(beads, frames, **options):
            if 20 in frames:
                raise RuntimeError("out of luck")
            return sample(beads, frames, **options)

        model.sample = failing
        with pytest.raises(RuntimeError, match="out of luck"):
            BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run()
        assert left(tmp_path) == [".aa.xtc.partial"]  # the first batch
        model.sample = sample
        results = BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run().results
        assert results.resumed == 16
        assert_allclose(positions(results), expected, rtol=0, atol=0.0051)

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [".xtc", ".trr", ".h5md", ".dcd", ".pdb"])
    def test_a_disk_that_fills_up(self, tmp_path, suffix):
        """A limit on the size of files stands in for it: writers see a write that fails."""
        process = subprocess.run(
            [sys.executable, "-c", _FULL, str(tmp_path / f"aa{suffix}")],
            env=_environment(),
            capture_output=True,
            text=True,
        )
        assert process.stdout.startswith("OSError [Errno 5] cannot write"), process.stdout + process.stderr
        assert "aa" + suffix not in left(tmp_path)


_FULL = textwrap.dedent(
    """
    import resource, signal, sys, warnings
    warnings.simplefilter("ignore")
    from standin import chain, standin
    from mdbackmap.trajectory import BackmapTrajectory
    cg = chain(n_beads=30, n_frames=300)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        BackmapTrajectory(cg.atoms, standin(cg.atoms), sys.argv[1]).run()
    except Exception as error:
        print(type(error).__name__, error)
    """
)


class TestMemoryAndOrder:
    def test_few_batches_are_under_way(self, model):
        """Reading waits for a slow model, so that memory stays bounded."""
        cg, read = chain(n_frames=200), []
        model.delay = 0.02
        run = BackmapTrajectory(cg.atoms, model, batch_size=5)
        sample = model.sample

        def watching(beads, frames, **options):
            read.append(cg.trajectory.frame - max(frames))
            return sample(beads, frames, **options)

        model.sample = watching
        run.run()
        assert 5 <= max(read) <= 5 * 6

    def test_frames_change_between_having_a_box_and_not(self, model, tmp_path):
        cg = chain(n_frames=9)
        cg.trajectory.dimensions_array[4] = 0.0
        results = BackmapTrajectory(cg.atoms, model, tmp_path / "aa.trr").run().results
        boxes = [ts.dimensions is None for ts in mda.Universe(results.topology, results.filename).trajectory]
        assert boxes == [i == 4 for i in range(9)]


def test_a_file_that_ends_within_a_frame(tmp_path, caplog):
    """MDAnalysis reads up to there in silence if it is the header of a frame that is cut."""
    whole = Path(GO_XTC).read_bytes()
    offsets = mda.Universe(GO_PDB, GO_XTC).trajectory._xdr.offsets
    (tmp_path / "cut.xtc").write_bytes(whole[: int(offsets[5]) + 28])
    for name, told in ((tmp_path / "cut.xtc", True), (GO_XTC, False)):
        caplog.clear()
        cg = mda.Universe(GO_PDB, str(name))
        BackmapTrajectory(cg.atoms, load_model("genzprot", cg.atoms), tmp_path / "aa.xtc", overwrite=True).run(stop=1)
        assert ("cut off: 28 bytes behind its 5 frames" in caplog.text) == told


def test_beads_that_are_no_c_alphas_whatever_their_names(caplog):
    """Kept beads at distances of no protein are named; if there are many, they may be no C-alphas."""
    kept = mda.Universe(GO_PDB, GO_XTC).trajectory.timeseries()[:1]
    shaken = kept + np.random.default_rng(0).normal(0, 0.3, kept.shape)
    for beads, told in ((shaken, True), (kept, False)):
        u = mda.Universe(GO_PDB, beads, order="fac")
        caplog.clear()
        BackmapTrajectory(u.atoms, load_model("genzprot", u.atoms), bead_tolerance=0.0).run()
        assert ("they may be other beads" in caplog.text) == told
        assert ("frame 0: C-alpha distances unlike those of proteins at chain A, " in caplog.text) == told


def test_times_of_dcd_files(cg, tmp_path, caplog):
    def written(name, **asked):
        frames = asked.pop("frames")
        run = quick(cg.atoms, standin(cg.atoms), tmp_path / f"{name}.dcd", **asked).run(frames=frames).results
        times = [ts.time for ts in mda.Universe(run.topology, run.filename).trajectory]
        return np.abs(times - run.times).max()

    cg.trajectory[0]
    assert written("steady", frames=[5, 8, 11]) < 1e-3 and written("one", frames=[7]) < 1e-3
    assert "DCD" not in caplog.text
    assert written("uneven", frames=[0, 1, 5]) > 1e-3 and written("samples", frames=[3, 4], n_samples=2) > 1e-3
    said = [r.getMessage() for r in caplog.records if "DCD" in r.getMessage()]
    assert len(said) == 2 and "off by up to" in said[0]


def test_a_pdb_file_that_cannot_hold_the_atoms_is_refused_at_once(cg, tmp_path, monkeypatch):
    monkeypatch.setattr("mdbackmap.writing.pdb.MAX_SERIAL", 100)
    model = standin(cg.atoms)
    monkeypatch.setattr(type(model), "sample", lambda *_, **__: pytest.fail("atoms were made"))
    with pytest.raises(ValueError, match="do not fit a PDB file .* mmCIF"):
        quick(cg.atoms, model, tmp_path / "aa.pdb").run(frames=[0])
    assert not left(tmp_path)
