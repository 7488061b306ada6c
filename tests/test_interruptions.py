"""Conversions that meet others, are killed or find no space: nothing is lost, and what is said is true."""

import contextlib
import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conversions import N_FRAMES, QUICK, interrupt_at, interruptible, left, positions, quick
from numpy.testing import assert_array_equal
from standin import chain, standin

from mdbackmap.trajectory import BackmapTrajectory
from mdbackmap.writing import output
from mdbackmap.writing.destination import Destination
from mdbackmap.writing.failure import why_not_written
from mdbackmap.writing.lock import InUse, Lock
from mdbackmap.writing.partial import Partial
from mdbackmap.writing.products import AlreadyComplete


def interrupted(cg, output, monkeypatch, frame=30, **options):
    """A conversion that Ctrl-C ends when that frame is read."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, frame)
        quick(cg.atoms, standin(cg.atoms), output, **options).run()


_CONVERSION = textwrap.dedent(
    """
    import sys, warnings
    warnings.simplefilter("ignore")
    import MDAnalysis as mda
    from standin import standin
    from conversions import quick
    if __name__ == "__main__":
        folder, name, backend = sys.argv[1:]
        cg = mda.Universe(folder + "/in/ca.pdb", folder + "/in/ca.xtc")
        run = quick(cg.atoms, standin(cg.atoms, delay=0.5), folder + "/" + name, batch_size=3)
        parallel = {} if backend == "serial" else {"backend": backend, "n_workers": 2}
        run.run(**parallel)
    """
)


def started(folder, name, backend="serial"):
    """A slow conversion in a process of its own, with something complete."""
    here = Path(__file__).parent
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    script = folder / "in" / "conversion.py"
    script.write_text(_CONVERSION)
    command = [sys.executable, str(script), str(folder), name, backend]
    process = subprocess.Popen(command, env=environ, preexec_fn=interruptible)
    partial = folder / f".{name}.partial"
    deadline = time.monotonic() + 60
    while not list(partial.glob("0*-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


class TestTwo:
    """Two conversions to one output."""

    def test_in_one_process(self, cg, tmp_path):
        slow, results = standin(cg.atoms, delay=0.2), []
        thread = threading.Thread(
            target=lambda: results.append(BackmapTrajectory(cg.copy().atoms, slow, tmp_path / "aa.xtc").run().results)
        )
        thread.start()
        while not (tmp_path / ".aa.xtc.partial" / "settings.json").exists():
            time.sleep(0.01)
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(InUse, match="this process, or a worker of it, is writing"):
                BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc", **options).run()
        thread.join()
        alone = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "bb.xtc").run().results
        assert_array_equal(positions(results[0]), positions(alone))
        assert left(tmp_path) == ["aa.json", "aa.pdb", "aa.xtc", "bb.json", "bb.pdb", "bb.xtc"]

    @pytest.mark.parametrize("backend", ["serial", "multiprocessing"])
    def test_in_two_processes_one_of_which_is_killed(self, cg, tmp_path, backend):
        unbroken = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "a.xtc", batch_size=3).run().results
        process = started(tmp_path, "b.xtc", backend)
        again = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "b.xtc", resume=True, batch_size=3)
        with pytest.raises(InUse, match=f"process {process.pid} is writing this output: wait"):
            again.run()
        process.kill()
        process.wait()
        results = again.run().results  # at once: workers of the one that was killed may still be there
        assert 0 < results.resumed < N_FRAMES
        assert_array_equal(positions(results), positions(unbroken))
        assert (tmp_path / "a.xtc").read_bytes() == (tmp_path / "b.xtc").read_bytes()
        assert not [x for x in left(tmp_path) if x.startswith(".")]

    def test_workers_end_with_the_process_that_started_them(self, cg, tmp_path):
        process = started(tmp_path, "b.xtc", "multiprocessing")
        children = [int(x) for x in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while any(map(_runs, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children and not any(map(_runs, children))

    def test_one_ends_while_the_other_begins(self, cg, tmp_path, monkeypatch):
        """What came under the name after the first look is not replaced."""
        take = Lock.take

        def taking(self):
            (tmp_path / "aa.xtc").write_text("mine")
            take(self)

        monkeypatch.setattr(Lock, "take", taking)
        with pytest.raises(FileExistsError, match="exists already"):
            BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc").run()
        assert left(tmp_path) == ["aa.xtc"] and (tmp_path / "aa.xtc").read_text() == "mine"

    def test_a_file_that_comes_while_it_runs_is_not_replaced(self, cg, tmp_path):
        model = standin(cg.atoms)
        sample = model.sample

        def sampling(*arguments, **options):
            (tmp_path / "aa.xtc").write_text("mine")
            return sample(*arguments, **options)

        model.sample = sampling
        with pytest.raises(FileExistsError, match="exists already"):
            quick(cg.atoms, model, tmp_path / "aa.xtc").run()
        assert (tmp_path / "aa.xtc").read_text() == "mine"
        (tmp_path / "aa.xtc").rename(tmp_path / "mine.xtc")
        model.sample = sample
        assert quick(cg.atoms, model, tmp_path / "aa.xtc", resume=True).run().results.resumed == N_FRAMES


def _runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_file_system_without_locks(tmp_path, monkeypatch, caplog):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock = Lock(tmp_path / ".aa.xtc.partial")
    lock.take()
    lock.remove()
    assert list(tmp_path.iterdir()) == []


class TestResuming:
    def test_what_was_to_be_replaced_is_replaced(self, cg, tmp_path, monkeypatch):
        (tmp_path / "aa.xtc").write_text("old")
        interrupted(cg, tmp_path / "aa.xtc", monkeypatch, overwrite=True)
        assert (tmp_path / "aa.xtc").read_text() == "old"
        results = quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc", resume=True).run().results
        assert results.resumed and len(positions(results)) == N_FRAMES

    @pytest.mark.parametrize("suffix", [".xtc", ".dcd"])
    def test_killed_after_the_last_rename(self, cg, tmp_path, monkeypatch, suffix):
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(Partial, "discard", _raise(RuntimeError()))
            quick(cg.atoms, standin(cg.atoms), tmp_path / f"aa{suffix}").run()
        before = (tmp_path / f"aa{suffix}").read_bytes()
        assert left(tmp_path)[0] == f".aa{suffix}.partial"
        with pytest.raises(AlreadyComplete):
            quick(cg.atoms, standin(cg.atoms), tmp_path / f"aa{suffix}", resume=True).run()
        assert (tmp_path / f"aa{suffix}").read_bytes() == before
        assert left(tmp_path)[0] == f"aa{suffix}" or left(tmp_path)[0] == "aa" + min(".json", suffix)

    def test_killed_while_the_folder_is_removed(self, cg, tmp_path, monkeypatch):
        """Wherever that ends, the output is complete."""
        unlink, n_left = Path.unlink, [0]

        def unlinking(self, *arguments, **options):
            if self.parent.name.endswith(".partial") and (tmp_path / "aa.dcd").exists():
                n_left[0] -= 1
                if n_left[0] < 0:
                    raise KeyboardInterrupt
            unlink(self, *arguments, **options)

        def conversion(**options):
            return quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.dcd", **options)

        for n in range(8):
            n_left[0] = n
            with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
                patch.setattr(Path, "unlink", unlinking)
                patch.setattr(Destination, "give_up", _unlocked)
                conversion(overwrite=True).run()
            with pytest.raises(AlreadyComplete):
                conversion(resume=True).run()
            assert left(tmp_path) == ["aa.dcd", "aa.json", "aa.pdb"]

    def test_other_residues_of_as_many_atoms(self, cg, tmp_path, monkeypatch):
        interrupted(cg, tmp_path / "aa.xtc", monkeypatch)
        other = cg.copy()
        other.residues[7].resname = "ILE"  # it was LEU
        with pytest.raises(ValueError, match="cannot resume .*topology_sha256 was"):
            quick(other.atoms, standin(other.atoms), tmp_path / "aa.xtc", resume=True).run()

    @pytest.mark.parametrize("suffix", [".h5md", ".dcd", ".xyz"])
    def test_segments_stay_few(self, cg, tmp_path, monkeypatch, suffix):
        options = {"batch_size": 2, "n_samples": 2}
        merging = dataclasses.replace(QUICK, merged=3)
        interrupted(cg, tmp_path / f"b{suffix}", monkeypatch, frame=38, settings=merging, **options)
        segments = Partial(tmp_path / f"b{suffix}").segments()
        assert segments[-1].stop >= 60 and len(segments) <= 6
        resumed = quick(
            cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", resume=True, settings=merging, **options
        ).run()
        slow = dataclasses.replace(QUICK, segment_seconds=60.0)
        alone = quick(cg.atoms, standin(cg.atoms), tmp_path / f"a{suffix}", settings=slow, **options).run()
        assert_array_equal(positions(resumed.results), positions(alone.results))
        if suffix != ".h5md":
            assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def _unlocked(destination, *_):
    """What the end of a process does."""
    destination.partial.lock.release()


def _raise(error):
    def raising(*_, **__):
        raise error

    return raising


class TestMessages:
    def convert(self, *arguments, capsys):
        from mdbackmap.cli import main

        status = main(["convert", *map(str, arguments), "--quiet"])
        return status, capsys.readouterr().err.splitlines()

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG])
    def test_a_folder_that_takes_nothing(self, cg, tmp_path, monkeypatch, capsys, number):
        mkdir = Path.mkdir

        def refusing(self, *arguments, **options):
            if self.name.endswith(".partial"):
                raise OSError(number, os.strerror(number), str(self))
            mkdir(self, *arguments, **options)

        monkeypatch.setattr(Path, "mkdir", refusing)
        from mdbackmap.datafiles import GO_PDB

        status, lines = self.convert(GO_PDB, "-o", tmp_path / "aa.xtc", capsys=capsys)
        errors = [line for line in lines if "error" in line]
        assert status == 1 and len(errors) == 1
        assert errors[0].startswith(f"mdbackmap: error: cannot write {tmp_path / 'aa.xtc'}: ")
        assert left(tmp_path) == []

    @pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write anywhere")
    def test_a_folder_without_permission(self, cg, tmp_path):
        (tmp_path / "out").mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="cannot write .*aa.xtc: no permission to create files in its folder"):
            BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "out" / "aa.xtc").run()

    def test_a_file_where_the_folder_is_to_be(self, cg, tmp_path):
        (tmp_path / ".aa.xtc.partial").write_text("mine")
        with pytest.raises(FileExistsError, match="is no folder.*remove it"):
            BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc").run()
        assert (tmp_path / ".aa.xtc.partial").read_text() == "mine"

    @pytest.mark.parametrize("when", ["at once", "later", "in the end"])
    def test_a_full_disk_is_told_once(self, cg, tmp_path, monkeypatch, caplog, when):
        full = _raise(OSError(errno.ENOSPC, "No space left on device"))
        write, n = output.TrajectoryFrames.write, [0]

        def writing(self, *arguments):
            n[0] += 1
            if n[0] > {"at once": 0, "later": 20, "in the end": 1000}[when]:
                full()
            write(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(output.TrajectoryFrames, "write", writing)
            if when == "in the end":
                patch.setattr("mdbackmap.writing.products.write_topology", full)
            with pytest.raises(OSError, match="cannot write .*aa.xtc: no space left on the disk; ") as error:
                quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc").run()
        kept = {"at once": 0, "later": 16, "in the end": N_FRAMES}[when]
        told = f"{kept} of {N_FRAMES} frames are complete and kept" if kept else "no frames were complete"
        assert told in str(error.value) and "complete" not in caplog.text
        assert left(tmp_path) == ([".aa.xtc.partial"] if kept else [])
        results = quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc", resume=True).run().results
        assert results.resumed == kept

    def test_errors_of_the_input_say_nothing_of_segments(self, tmp_path, caplog):
        cg = chain(n_frames=20)
        cg.trajectory.get_array()[17, 2] = np.nan
        with pytest.raises(ValueError, match="frame 17"):
            BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc").run()
        assert "complete" not in caplog.text
        assert left(tmp_path) == []

    def test_a_hidden_folder_that_was_removed(self, cg, tmp_path):
        model = standin(cg.atoms)
        sample = model.sample

        def sampling(beads, frames, **options):
            while 20 in frames and (tmp_path / ".aa.xtc.partial").exists():  # the writer may be at work there
                shutil.rmtree(tmp_path / ".aa.xtc.partial", ignore_errors=True)
            return sample(beads, frames, **options)

        model.sample = sampling
        with pytest.raises(OSError, match="removed meanwhile"):
            BackmapTrajectory(cg.atoms, model, tmp_path / "aa.xtc").run()
        assert left(tmp_path) == []

    @pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
    def test_signals_leave_what_is_complete(self, cg, tmp_path, kind):
        process = started(tmp_path, "b.xtc")
        process.send_signal(kind)
        assert process.wait(60) != 0
        results = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "b.xtc", resume=True, batch_size=3).run()
        assert 0 < results.results.resumed < N_FRAMES


@pytest.mark.parametrize(
    ("error", "free", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 1e9, "no space left"),
        (RuntimeError("Slist already enabled?"), 1e3, "no space left"),
        (RuntimeError("out of luck"), 1e9, None),
        (OSError("XTC write error = 11"), 1e9, "quota"),
        (OSError(errno.EFBIG, "File too large"), 1e9, "limit on the size of files"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 1e9, None),
        (FileExistsError("aa.xtc exists already"), 1e9, None),
        (ValueError("frame 3"), 1e3, None),
    ],
    ids=str,
)
def test_why_not_written(tmp_path, monkeypatch, error, free, reason):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    found = why_not_written(error, tmp_path)
    assert (found is None) if reason is None else (reason in found)


class TestWide:
    """Structures that the columns of a PDB file cannot hold."""

    def far(self, by, frame):
        u = chain(n_beads=20, n_frames=5, box=False)
        u.trajectory.get_array()[frame, 10:] += by
        return u

    def test_a_topology_file_of_chains_that_lie_far_apart(self, tmp_path):
        gemmi = pytest.importorskip("gemmi")
        u = self.far(20_000, 0)
        results = BackmapTrajectory(u.atoms, standin(u.atoms), tmp_path / "aa.xtc").run().results
        assert left(tmp_path) == ["aa.cif", "aa.json", "aa.xtc"]
        atoms = [atom for found in gemmi.read_structure(results.topology)[0].all() for atom in [found.atom]]
        assert len(atoms) == results.n_atoms and max(atom.pos.x for atom in atoms) > 19_000

    def test_without_gemmi_it_is_refused_before_anything_is_made(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "gemmi", None)
        u = self.far(20_000, 0)
        model = standin(u.atoms)
        with pytest.raises(ImportError, match=r"needs gemmi, .*mdbackmap\[mmcif\]"):
            BackmapTrajectory(u.atoms, model, tmp_path / "aa.xtc").run()
        assert left(tmp_path) == [] and model.calls == []

    def test_a_structure_that_lies_far_out_is_moved_in_the_topology_file(self, tmp_path):
        u = chain(n_beads=20, n_frames=5, box=False)
        u.trajectory.get_array()[:] += 50_000
        results = BackmapTrajectory(u.atoms, standin(u.atoms), tmp_path / "aa.trr").run().results
        assert left(tmp_path) == ["aa.json", "aa.pdb", "aa.trr"]
        assert positions(results).mean() > 49_000

    @pytest.mark.parametrize("frame", [0, 3])
    def test_a_pdb_trajectory_is_refused_before_anything_is_made(self, tmp_path, frame):
        u = self.far(12_000, frame)
        model = standin(u.atoms)
        with pytest.raises(ValueError, match=f"frame {frame}: coordinates from .* do not fit a PDB file"):
            BackmapTrajectory(u.atoms, model, tmp_path / "aa.pdb").run()
        assert left(tmp_path) == [] and model.calls == []
