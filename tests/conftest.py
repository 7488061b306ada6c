"""What tests of the networks share. (That this file is here also puts `tests` on the path of `tests/models`.)"""

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is loaded: processes that share a machine take a thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest
import torch
from packs import read_chains

from mdbackmap.datafiles import VALIDATION

# pytest-xdist's workers catch SIGTERM; a pool could not end its forked processes then, and would wait for ever.
os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))

_SLOW = Path(__file__).with_name("slow.txt")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that `times.py` has found to take more than 0.7 seconds of processor time are marked slow."""
    listed = set(_SLOW.read_text().splitlines())
    for item in items:
        if item.nodeid in listed:
            item.add_marker("slow")


def pytest_collection_finish():
    """MDAnalysisTests asks for duecredit's report when it is imported: the processes that tests start shall not."""
    os.environ.pop("DUECREDIT_ENABLE", None)


@pytest.fixture(autouse=True)
def _threads():
    """Torch's number of threads is global: a test that sets it must not slow down or speed up the others."""
    before = torch.get_num_threads()
    yield
    if torch.get_num_threads() != before:
        torch.set_num_threads(before)


@pytest.fixture(scope="session")
def natives():
    """The validation chains as atom14 arrays: positions, mask, types, ends."""
    chains = read_chains(VALIDATION)
    for part in (array for chain in chains for array in chain):
        part.setflags(write=False)
    return chains


@pytest.fixture(scope="session")
def native(natives):
    """The shortest of them."""
    return min(natives, key=lambda chain: len(chain[2]))


@pytest.fixture
def cg(tmp_path):
    """A C-alpha trace in files; conversions of it go to the folder above."""
    from conversions import in_files  # what brings MDAnalysis along

    return in_files(tmp_path / "in")
