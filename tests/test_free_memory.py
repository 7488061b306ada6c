"""Memory that is left, and the warning before frames that do not fit into it."""

import logging

import pytest
import torch

from mdbackmap.sampling import free_memory as memory

CPU = torch.device("cpu")


def test_what_is_left_is_less_than_there_is():
    left = memory.memory_left()
    if left is None:
        pytest.skip("this system does not say it")
    assert 0 <= left < memory._kilobytes("/proc/meminfo", "MemTotal")


@pytest.mark.parametrize("kind", ["memory", ""])
def test_limits_of_all_groups_around_count(tmp_path, monkeypatch, kind):
    file = memory._LIMITS[kind][1]
    inner = tmp_path / "job" / "step"
    inner.mkdir(parents=True)
    for folder, text in ((tmp_path, "max"), (inner.parent, "1000"), (inner, "2000")):
        (folder / file).write_text(f"{text}\n")
    monkeypatch.setitem(memory._LIMITS, kind, (str(tmp_path), file))
    assert list(memory._limits(kind, "/job/step")) == [2000, 1000]
    assert list(memory._limits(kind, "/elsewhere")) == []
    assert list(memory._limits("cpu", "/job/step")) == []


@pytest.mark.parametrize(
    "left, device, told", [(2e9, "cpu", True), (2e12, "cpu", False), (None, "cpu", False), (2e9, "cuda", False)]
)
def test_large_frames_are_told(monkeypatch, caplog, left, device, told):
    monkeypatch.setattr(memory, "memory_left", lambda: left)
    with caplog.at_level(logging.WARNING):
        memory.tell_if_large(1_000_000, True, torch.device(device))
    assert ("a frame of 1000000 residues" in caplog.text and "2.0 GB are left" in caplog.text) == told
    assert ("--no-hydrogens" in caplog.text) == told


def test_small_ones_are_not(monkeypatch, caplog):
    monkeypatch.setattr(memory, "memory_left", lambda: 1e9)
    memory.tell_if_large(150, True, CPU)
    assert not caplog.text
