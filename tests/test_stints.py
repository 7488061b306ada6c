"""Training in stints: what a run was trained on is checked, and all that it needs is in one file."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from test_loop import SIZES, rows_of, small_pack, train
from test_loop import small as small_data

from mdbackmap import checkpoint
from mdbackmap.cli.models import row as cells
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.training import loop, placement_training, runs
from mdbackmap.training.validation import Validation

TOML = """
[data]
packs = ["pack.h5"]
beads = {beads}
[model]
{model}
[training]
folder = "{folder}"
epochs = {epochs}
batch_size = 150
[validation]
chains = 0
residues = 400
"""
SMALL = "n_features = 16\nn_layers = 1\nn_neighbours = 6\nn_channels = 2\ninside = true"


@pytest.fixture(scope="module")
def data():
    return small_data()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_pack(tmp_path / "pack.h5")
    return tmp_path


def run(beads, model=SMALL, folder="run", epochs=1):
    with open("train.toml", "w") as file:
        file.write(TOML.format(beads=json.dumps(beads), model=model, folder=folder, epochs=epochs))
    return runs.run("train.toml")


def test_the_beads_of_a_run_are_known_and_checked(here):
    run(["martini3", "ca", "martini3"])
    model, about = checkpoint.load("run/model.pt")
    assert about["beads"] == ["martini3", "ca", "martini3"]
    assert "as martini3, ca" in cells("run", model, about, 1.0)[3]
    assert json.loads((here / "run/config.json").read_text())["beads"] == about["beads"]
    run(["martini3", "ca", "martini3"])
    for other in (["martini3", "ca"], ["ca"], ["com"]):
        with pytest.raises(
            ValueError, match="another choice of beads: martini3, ca, martini3, now " + ", ".join(other)
        ):
            run(other)


def test_beads_that_the_model_does_not_see(here):
    with pytest.raises(ValueError, match="sees C-alphas alone: expected inside = true"):
        run(["ca", "martini3"], model="n_features = 8\nn_layers = 1")
    with pytest.raises(ValueError, match="martni3"):
        run(["martni3"])


def test_the_model_to_go_on_from_is_checked_and_its_name_is_not(here):
    for name in ("one", "two"):
        checkpoint.save(f"{name}.pt", loop.new_model(GenZProt, SIZES, len(name) + ord(name[0])), {})
    shutil.copy("one.pt", "same.pt")
    run(["ca"], 'init = "one.pt"')
    assert checkpoint.load("run/model.pt")[1]["init"]["model"] == "one"
    run(["ca"], 'init = "same.pt"')
    with pytest.raises(ValueError, match="another model to go on from: sha256 was"):
        run(["ca"], 'init = "two.pt"')


@pytest.fixture
def heard():
    """SIGINT is heard, although a shell that starts tests in the background makes them deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_killed_while_the_last_epoch_is_measured(data, tmp_path, monkeypatch, heard):
    _, expected = train(tmp_path / "unbroken", data, epochs=1)
    with monkeypatch.context() as patched:
        patched.setattr(Validation, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", data, epochs=1)
    _, found = train(tmp_path / "run", data, epochs=1)
    assert found["valid_nats"] == expected["valid_nats"]
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "unbroken")


def test_the_folder_of_an_older_version_goes_on(data, tmp_path):
    model, row = train(tmp_path, data, epochs=2)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(saved.pop("best"), tmp_path / "best.pt")
    for name in ("beads", "init"):
        del saved["settings"][name]
    torch.save(saved, tmp_path / "checkpoint.pt")
    again, same = train(tmp_path, data, epochs=2)
    assert same == row
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


STINT = """
import sys, time
from mdbackmap.training import placement_training, tasks
from mdbackmap.data.bead_batches import BeadBatches
sys.path.insert(0, {tests!r})
from test_stints import prepared
collate = BeadBatches.collate
def slowly(*args):
    time.sleep(0.05)
    return collate(*args)
BeadBatches.collate = slowly
prepared(placement_training)
placement_training.build("run", 0.15, "out.pt", "init.pt", "pack.h5")
"""


def prepared(module):
    """Small batches, a checkpoint after each, few chains to measure."""
    usual = module.TrainingConfig

    def config(*args, **options):
        return usual(*args, **{**options, "batch_size": 150, "checkpoint_minutes": 0.0, "bfloat16": False})

    module.TrainingConfig, module._UNITS = config, 1


@pytest.mark.slow
def test_placement_goes_on_after_a_kill_elsewhere(here, tmp_path_factory, monkeypatch):
    sizes = GenZProtConfig(n_features=16, n_layers=1, n_decoder_layers=1, n_placement_neighbours=6)
    checkpoint.save("init.pt", loop.new_model(GenZProt, sizes, 0), {})
    process = subprocess.Popen([sys.executable, "-c", STINT.format(tests=os.path.dirname(__file__))])
    try:
        stopped = wait_for_steps(here / "run", process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(here, elsewhere, dirs_exist_ok=True)
    shutil.rmtree(here / "run")
    monkeypatch.chdir(elsewhere)
    for name in ("_UNITS", "TrainingConfig"):
        monkeypatch.setattr(placement_training, name, getattr(placement_training, name))
    prepared(placement_training)
    begun = []
    restore = loop.restore
    monkeypatch.setattr(loop, "restore", lambda *args: begun.append(restore(*args)) or begun[-1])
    moments = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *args: moments.append(max(s["step"] for s in self.state.values())) or step(self, *args),
    )
    placement_training.build(elsewhere / "run", 0.15, "out.pt", "init.pt", "pack.h5")
    assert begun[0][0]["step"] >= stopped["step"] > 0 and begun[0][0]["seconds"] >= stopped["seconds"] > 0
    assert moments[0] >= stopped["step"]
    made = checkpoint.load("out.pt")[1]["placement"]
    assert made["beads"] == list(placement_training.MODELS) and made["steps"] > stopped["step"]


def wait_for_steps(folder, process):
    for _ in range(1200):
        time.sleep(0.05)
        assert process.poll() is None, "the run ended before it could be killed"
        if (folder / "checkpoint.pt").exists():
            state = torch.load(folder / "checkpoint.pt", weights_only=True)["state"]
            if state["step"] >= 3:
                return state
    raise AssertionError("the run did not get to its third step")
