"""Checkpoints: there and back, and files that are none."""

import dataclasses
import os
import pickle
import zipfile

import pytest
import torch
from traces import TINY, tiny

from mdbackmap.checkpoint import CheckpointError, bundled, find, load, save

PROVENANCE = {"data": "made up", "metrics": {"nll": 1.5, "list": [1, 2]}, "date": "2026-01-01"}


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "mine.pt", tiny(), PROVENANCE)
    return tmp_path / "mine.pt"


def test_there_and_back(path):
    model, provenance = load(path)
    assert not model.training
    assert model.config == TINY
    original = tiny().state_dict()
    assert original.keys() == model.state_dict().keys()
    assert all(torch.equal(value, original[name]) for name, value in model.state_dict().items())
    assert PROVENANCE.items() <= provenance.items()
    assert provenance["model"] == "mine" and len(provenance["sha256"]) == 64


def test_hash_follows_the_content(path, tmp_path):
    save(tmp_path / "other.pt", tiny(seed=1), PROVENANCE)
    assert load(path)[1]["sha256"] != load(tmp_path / "other.pt")[1]["sha256"]
    assert load(path)[1]["sha256"] == load(str(path))[1]["sha256"]


def test_half_precision(path, tmp_path):
    save(tmp_path / "half.pt", tiny(), PROVENANCE, half=True)
    model, _ = load(tmp_path / "half.pt")
    original = tiny().state_dict()
    for name, value in model.state_dict().items():
        assert value.dtype != torch.float16
        torch.testing.assert_close(value, original[name], rtol=1e-3, atol=1e-4)
    assert os.path.getsize(tmp_path / "half.pt") < 0.8 * os.path.getsize(path)


def test_saving_leaves_nothing_aside_and_no_half_file(path, monkeypatch):
    assert [p.name for p in path.parent.iterdir()] == ["mine.pt"]
    before = path.read_bytes()

    def fail(content, aside):
        aside.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save(path, tiny(seed=1), {})
    assert path.read_bytes() == before


def test_bundled_names(monkeypatch, tmp_path, path):
    monkeypatch.setattr("mdbackmap.weights.bundled.WEIGHTS", path.parent)
    assert bundled() == {"mine": path}
    assert find("mine") == path and load("mine")[1]["model"] == "mine"


@pytest.mark.parametrize("name", ["no-such-model", "no/such/file.pt", "."])
def test_unknown_names(name):
    with pytest.raises(FileNotFoundError, match="expected a bundled model"):
        load(name)


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, trap):
        self.trap = trap

    def __reduce__(self):
        return (os.mkdir, (str(self.trap),))


@pytest.mark.parametrize("where", ["whole", "entry", "plain pickle"])
def test_no_code_is_run(path, tmp_path, where):
    trap = tmp_path / "trap"
    content = torch.load(path, weights_only=True)
    if where == "plain pickle":
        path.write_bytes(pickle.dumps(Evil(trap), protocol=2))
    else:
        torch.save(Evil(trap) if where == "whole" else {**content, "provenance": {"x": Evil(trap)}}, path)
    with pytest.raises(CheckpointError, match="no mdbackmap checkpoint"):
        load(path)
    assert not trap.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="mine.pt"):
        load(path)


def test_why_a_file_is_no_checkpoint(path, tmp_path):
    """In words of our own: those of torch advise to let the file run code."""
    whole = path.read_bytes()
    torch.save(Evil(tmp_path / "trap"), tmp_path / "objects.pt")
    for content, words in (
        (b"", "is empty"),
        (b"junk\n", "does not begin like one"),
        (b"PK junk", "does not begin like one"),
        (whole[: len(whole) // 2], "damaged or cut off"),
        ((tmp_path / "objects.pt").read_bytes(), "more than plain values and tensors"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=f"mine.pt is no mdbackmap checkpoint: .*{words}") as caught:
            load(path)
        assert "weights_only" not in str(caught.value) and "\n" not in str(caught.value)


def test_other_files(tmp_path):
    path = tmp_path / "other.pt"
    path.write_text("ATOM      1  CA  ALA A   1\n")
    with pytest.raises(CheckpointError):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello", "world")
    with pytest.raises(CheckpointError):
        load(path)
    for content in ({}, [1, 2], torch.zeros(3), tiny().state_dict()):
        torch.save(content, path)
        with pytest.raises(CheckpointError, match="expected the entries"):
            load(path)


CONFIG = dataclasses.asdict(TINY)
BAD = {
    "newer format": ({"format": 99}, "format 99"),
    "unknown family": ({"family": "magic"}, "magic.*genzprot"),
    "family of another type": ({"family": ["genzprot"]}, "family"),
    "unknown key": ({"config": {**CONFIG, "n_wings": 2}}, "n_wings"),
    "other sizes": ({"config": {**CONFIG, "n_features": 32}}, "do not fit"),
    "size of another type": ({"config": {**CONFIG, "n_features": "many"}}, "do not fit"),
    "negative size": ({"config": {**CONFIG, "n_features": -4}}, "do not fit"),
    "config no dict": ({"config": 3}, "do not fit"),
    "no weights": ({"state_dict": {}}, "do not fit"),
    "weights no dict": ({"state_dict": [1.0]}, "do not fit"),
    "weights no tensors": ({"state_dict": {"norm.weight": "one"}}, "do not fit"),
    "provenance no dict": ({"provenance": "mine"}, "provenance"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_content_that_does_not_fit(path, change, message):
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(CheckpointError, match=f"(?s){message}"):
        load(path)
