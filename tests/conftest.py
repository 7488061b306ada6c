"""What tests of the networks share. (That this file is here also puts `tests` on the path of `tests/models`.)"""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is loaded: processes that share a machine take a thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch


@pytest.fixture(autouse=True)
def _threads():
    """Torch's number of threads is global: a test that sets it must not slow down or speed up the others."""
    before = torch.get_num_threads()
    yield
    if torch.get_num_threads() != before:
        torch.set_num_threads(before)
