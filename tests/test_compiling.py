"""Compiled loops are kept on disk where something can be written, and work where nothing can."""

import logging

import numpy as np
import pytest
import torch

from mdbackmap.geometry import compiling

pytestmark = pytest.mark.skipif(not compiling.available(), reason="numba compiles these kernels")
SOURCE = """
def added(values, more):
    total = more
    for value in values:
        total += value
    return total
"""


@pytest.fixture
def added(tmp_path, monkeypatch):
    """A function of a file that is nowhere: numba has no folder to keep it in."""
    monkeypatch.setattr(compiling, "_uncompiled", [])
    names = {"__name__": "nowhere"}
    exec(compile(SOURCE, "<nowhere>", "exec"), names)
    return names["added"]


def test_what_cannot_be_kept_is_compiled_all_the_same(added):
    assert compiling.compiled(added)(np.arange(4.0), 1.0) == 7
    assert compiling._uncompiled == ["added"]


def test_compiling_is_told_once(added, caplog):
    compiling.compiled(added)
    with caplog.at_level(logging.INFO):
        assert compiling.suits(torch.zeros(1)) and compiling.suits(torch.zeros(1), None)
    assert [record.getMessage()[:18] for record in caplog.records] == ["loops are compiled"]


def test_nothing_is_compiled_where_nobody_waits_for_it(added):
    compiling.compiled(added)
    with compiling.as_kept() as kept:
        assert not kept() and not compiling.suits(torch.zeros(1))
    assert compiling.suits(torch.zeros(1))
    with compiling.as_kept() as kept:
        assert kept() and compiling.suits(torch.zeros(1)), "all that there are were compiled"


def test_gradients_go_to_the_reference():
    asked = torch.zeros(1, requires_grad=True)
    assert not compiling.suits(asked)
    with torch.no_grad():
        assert compiling.suits(asked)
