"""Conversions by the workers of a dask.distributed cluster."""

import os
import signal
import threading
import time
import types

import MDAnalysis as mda
import numpy as np
import pytest
from conversions import QUICK, in_files, left, positions
from standin import standin

from mdbackmap import BackmapTrajectory, DaskBackend
from mdbackmap.conversion import cluster
from mdbackmap.writing.partial import Partial

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers,
        distributed.Client(workers) as client,
    ):
        client.run(os.sys.path.append, os.path.dirname(__file__))  # of the stand-in for a model
        yield client


@pytest.fixture
def cg(tmp_path):
    return in_files(tmp_path / "in")


def converted(cg, path, delay=0.0, **how):
    model = standin(cg.atoms, delay=delay)
    return BackmapTrajectory(cg.atoms, model, path, batch_size=3, settings=QUICK).run(**how).results


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xtc", ".h5md"])
def test_the_same_as_without(client, cg, tmp_path, suffix):
    one = converted(cg, tmp_path / f"one{suffix}")
    other = converted(cg, tmp_path / f"other{suffix}", backend=DaskBackend(client))
    assert np.array_equal(positions(one), positions(other))
    assert np.array_equal(one.displacements, other.displacements)
    if suffix == ".xtc":
        assert (tmp_path / "one.xtc").read_bytes() == (tmp_path / "other.xtc").read_bytes()
        assert (tmp_path / "one.pdb").read_bytes() == (tmp_path / "other.pdb").read_bytes()
    assert not [name for name in left(tmp_path) if name.endswith(".partial")]


@pytest.mark.slow
def test_in_memory(client, cg):
    one, other = (converted(cg, None, **how) for how in ({}, {"backend": DaskBackend(client, threads=1)}))
    assert np.array_equal(one.positions, other.positions)


@pytest.mark.slow
def test_a_worker_that_dies_loses_its_part_alone(client, cg, tmp_path):
    """It is killed when something is complete: its part is done again, and the bytes are those of a serial run."""
    one = converted(cg, tmp_path / "one.xtc")
    workers, partial = client.run(os.getpid), Partial(tmp_path / "other.xtc")

    def kill():
        while not partial.segments():
            time.sleep(0.05)
        os.kill(next(iter(workers.values())), signal.SIGKILL)

    killing = threading.Thread(target=kill, daemon=True)
    killing.start()
    other = converted(cg, tmp_path / "other.xtc", delay=0.2, backend=DaskBackend(client))
    killing.join(10)
    assert set(client.run(os.getpid).values()) != set(workers.values())
    assert (tmp_path / "one.xtc").read_bytes() == (tmp_path / "other.xtc").read_bytes()
    assert np.array_equal(one.displacements, other.displacements)  # of all frames, also those that were done again
    client.run(os.sys.path.append, os.path.dirname(__file__))


@pytest.mark.slow
def test_an_error_of_the_conversion_is_that_of_a_worker(client, cg, tmp_path):
    with mda.Writer(str(tmp_path / "in" / "broken.dcd"), cg.atoms.n_atoms) as writer:
        for ts in cg.trajectory:
            ts.positions[2] = np.nan if ts.frame == 30 else ts.positions[2]
            writer.write(cg.atoms)
    broken = mda.Universe(tmp_path / "in" / "ca.pdb", tmp_path / "in" / "broken.dcd")
    with pytest.raises(ValueError, match="frame 30"):
        converted(broken, tmp_path / "aa.xtc", backend=DaskBackend(client))
    assert "aa.xtc" not in left(tmp_path)


@pytest.mark.slow
def test_folders_that_workers_do_not_share(client, cg, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_seen", _blind)
    with pytest.raises(ValueError, match="worker tcp:.*does not see.*ca.*folders that all machines share"):
        converted(cg, tmp_path / "aa.xtc", backend=DaskBackend(client))
    assert left(tmp_path) == []


def _blind(files):
    from mdbackmap import __version__

    return __version__, "/", [path for path, _ in files]


@pytest.mark.slow
def test_another_version(client, cg, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "99.1")
    with pytest.raises(ValueError, match="has mdbackmap .*, this process 99.1: they must agree"):
        converted(cg, tmp_path / "aa.xtc", backend=DaskBackend(client))


@pytest.mark.slow
def test_a_cluster_that_goes_away(cg, tmp_path):
    """It is named, and what is complete is kept: the same bytes come out later."""
    converted(cg, tmp_path / "one.xtc")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as workers:
        client, partial = distributed.Client(workers), Partial(tmp_path / "aa.xtc")

        def leave():
            while not partial.segments():
                time.sleep(0.05)
            client.close()

        leaving = threading.Thread(target=leave, daemon=True)
        leaving.start()
        with pytest.raises(RuntimeError, match="the cluster is gone .*resume=True"):
            converted(cg, tmp_path / "aa.xtc", delay=0.2, backend=DaskBackend(client))
        leaving.join(10)
    with pytest.raises(ValueError, match="the client is closed: connect to the cluster again"):
        DaskBackend(client)
    again = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc", batch_size=3, resume=True).run().results
    assert again.resumed and (tmp_path / "one.xtc").read_bytes() == (tmp_path / "aa.xtc").read_bytes()


def test_functions_as_transformations_are_refused(cg, tmp_path):
    """They do not say whether workers can do them."""

    def shift(ts):
        return ts

    cg.trajectory.add_transformations(shift)
    with pytest.raises(ValueError, match="the transformation shift does not say whether workers can do it"):
        converted(cg, tmp_path / "aa.xtc", backend="multiprocessing", n_workers=2)


def test_what_is_no_cluster():
    with pytest.raises(TypeError, match="needs a dask.distributed.Client, not str"):
        DaskBackend("tcp://1.2.3.4:8786")
    client = types.SimpleNamespace(scatter=None, nthreads=dict)
    with pytest.raises(ValueError, match="no workers yet"):
        DaskBackend(client)


def test_what_is_left_of_a_part_is_forgotten(tmp_path):
    """Segments of a part that is done again, but not those that were there before, nor those of other parts."""
    partial = Partial(tmp_path / "aa.xtc")
    partial.folder.mkdir()
    for start, stop in ((0, 4), (4, 6), (6, 8), (8, 9)):
        path = partial.scratch(start)
        path.write_text("x")
        partial.keep(path, start, stop)
    partial.forget(4, 8, np.arange(9) < 6)
    assert [(x.start, x.stop) for x in partial.segments()] == [(0, 4), (4, 6), (8, 9)]
