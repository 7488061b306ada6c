"""Training: it learns, goes on bit for bit after a kill, keeps the best, and says where the weights come from."""

import csv
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from mdbackmap import checkpoint
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.training import loop, runs, tasks
from mdbackmap.training.config import TrainingConfig, ValidationConfig
from mdbackmap.training.losses import LossWeights
from mdbackmap.training.validation import Validation, sampled_chains

SIZES = GenZProtConfig(n_features=16, n_layers=1, n_neighbours=6, n_channels=2)
NO_SAMPLES = ValidationConfig(chains=0, residues=400)

RUN = """
import sys, time, torch
from mdbackmap.training import loop, runs, tasks
sys.path.insert(0, {tests!r})
from test_loop import SIZES, settings, small
torch.set_num_threads(1)
slow, collate = {delay}, tasks.Batches.collate
def slowly(*args):
    time.sleep(slow)
    return collate(*args)
tasks.Batches.collate = slowly
loop.train(loop.new_model(loop_family(), SIZES, 0), small(), settings({folder!r}))
"""


def small():
    """Chains to train on and to validate on, of 50-150 residues."""
    data = Structures.read(VALIDATION)
    lengths = np.diff(data.chains["offset"])
    order = np.argsort(lengths, kind="stable")
    data.chains["split"][:] = -1
    data.chains["split"][order[:10]], data.chains["split"][order[10:13]] = 0, 1
    return data


def settings(folder, **options):
    usual = {"epochs": 3, "batch_size": 150, "checkpoint_minutes": 0.0, "validation": NO_SAMPLES}
    return TrainingConfig(str(folder), **{**usual, **options})


def train(folder, data, *, model=None, **options):
    model = loop.new_model(GenZProt, SIZES, 0) if model is None else model
    return loop.train(model, data, settings(folder, **options))


@pytest.fixture(scope="module")
def data():
    return small()


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model, row = train(folder, data)
    torch.set_num_threads(threads)
    return folder, model, row


def rows_of(folder):
    """The log, without the time."""
    rows = json.loads((folder / "log.json").read_text())
    return [{name: value for name, value in row.items() if name != "minutes"} for row in rows]


def test_it_learns(unbroken):
    first, *_, last = rows_of(unbroken[0])
    assert last["torsion"] + last["kl"] < first["torsion"] + first["kl"] - 0.05
    assert last["valid_nats"] < first["valid_nats"]
    assert last["skipped"] == 0 and last["epoch"] == 3


def test_what_a_run_leaves(unbroken):
    folder, model, row = unbroken
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("model.pt", "checkpoint.pt", "config.json"),
        *("log.csv", "log.json", "curves.png"),
    }
    loaded, about = checkpoint.load(folder / "model.pt")
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))
    assert about["data"][0]["file"] == "validation.h5" and len(about["data"][0]["sha256"]) == 64
    assert about["seed"] == 0 and about["training"]["epochs"] == 3 and about["minutes"] >= 0
    assert about["metrics"] == pytest.approx(row)
    with open(folder / "log.csv") as stream:
        assert [int(line["epoch"]) for line in csv.DictReader(stream)] == [1, 2, 3]
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(unbroken, data, tmp_path, monkeypatch):
    code = RUN.format(tests=os.path.dirname(__file__), delay=0.15, folder=str(tmp_path))
    code = code.replace("loop_family()", "__import__('mdbackmap.models.genzprot', fromlist=['x']).GenZProt")
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        stopped = wait_for_middle_of_second_epoch(tmp_path, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert stopped["epoch"] == 1 and stopped["batch"] > 0
    assert not (tmp_path / "model.pt").exists()

    torch.set_num_threads(1)
    steps = []
    collate = tasks.Batches.collate
    monkeypatch.setattr(tasks.Batches, "collate", lambda *args: steps.append(0) or collate(*args))
    model, row = train(tmp_path, data)
    folder, expected, _ = unbroken
    assert rows_of(tmp_path) == rows_of(folder)
    for name, value in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    parts = [torch.load(f / "checkpoint.pt", weights_only=True) for f in (tmp_path, folder)]
    for one, two in zip(*(part["optimizer"]["state"].values() for part in parts), strict=True):
        assert torch.equal(one["exp_avg_sq"], two["exp_avg_sq"])
    n_validations = 2 * len(Validation(data, 6, NO_SAMPLES, 150).groups)
    last = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]["step"]
    assert 0 < len(steps) - n_validations <= last - stopped["step"]


def wait_for_middle_of_second_epoch(folder, process):
    for _ in range(1200):
        time.sleep(0.05)
        assert process.poll() is None, "the run ended before it could be killed"
        if (folder / "checkpoint.pt").exists():
            state = torch.load(folder / "checkpoint.pt", weights_only=True)["state"]
            if state["epoch"] == 1 and state["batch"] >= 2:
                return state
    raise AssertionError("the run did not get to its second epoch")


def test_the_seed_decides(data, tmp_path):
    values = [train(tmp_path / str(k), data, epochs=1, seed=seed)[1]["torsion"] for k, seed in enumerate((5, 5, 6))]
    assert values[0] == values[1] != values[2]


def test_a_finished_run_is_left_as_it_is(unbroken, data, tmp_path):
    folder, model, row = unbroken
    again, same = train(folder, data)
    assert same == row
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_folder_of_another_run_is_refused(unbroken, data):
    with pytest.raises(ValueError, match="another training: learning_rate was 0.002, now 0.1"):
        train(unbroken[0], data, learning_rate=0.1)
    with pytest.raises(ValueError, match="another model: n_features was 16, now 24"):
        train(unbroken[0], data, model=GenZProt(dataclasses.replace(SIZES, n_features=24)))


def test_weight_0_of_kl_and_terms_of_atoms(data, tmp_path):
    """Terms of weight 0 are not computed; the others are, and are those of structures that are not perfect."""
    names = ("clash", "positions", "bond", "angle", "graph")
    loss = LossWeights(kl=0.0, clash=0.1, positions=0.1, bond=1.0, angle=0.1, graph=1.0)
    rows = [train(tmp_path / str(k), data, epochs=1, loss=x)[1] for k, x in enumerate((loss, LossWeights(bond=1.0)))]
    assert all(0 < rows[0][name] < 100 for name in names)
    assert [name for name in names if name in rows[1]] == ["bond"] and rows[0]["kl"] > 0


def test_the_best_by_validation_is_kept(data, tmp_path, monkeypatch):
    values = iter([3.0, 1.0, 2.0, 1.5])
    kept = []
    monkeypatch.setattr(
        Validation,
        "__call__",
        lambda self, model, device: (
            kept.append({k: v.clone() for k, v in model.state_dict().items()}) or {"valid_nats": next(values)}
        ),
    )
    model, row = train(tmp_path, data, epochs=4)
    assert row["epoch"] == 2 and row["valid_nats"] == 1.0
    assert all(torch.equal(value, kept[1][name]) for name, value in model.state_dict().items())


def test_without_validation_chains_the_last_weights_are_kept(data, tmp_path, caplog):
    alone = small()
    alone.chains["split"][alone.chains["split"] == 1] = -1
    _, row = train(tmp_path, alone, epochs=2)
    assert row["epoch"] == 2 and "valid_nats" not in row
    assert "nothing is validated" in caplog.text


def test_the_last_weights_are_kept_where_nothing_was_measured_in_time(data, tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "best", lambda *_: False)
    _, row = train(tmp_path, data, epochs=2)
    assert row["epoch"] == 2 and (tmp_path / "model.pt").exists()


def test_no_chain_to_train_on(data, tmp_path):
    with pytest.raises(ValueError, match="no chain to train on"):
        train(tmp_path, Structures.read(VALIDATION))


def test_a_column_that_is_not_measured(data, tmp_path):
    with pytest.raises(ValueError, match="best_by is 'rmsd', expected one of valid_torsion"):
        train(tmp_path, data, validation=ValidationConfig(chains=0, residues=400, best_by="rmsd"))


def test_steps_that_are_not_finite_are_skipped(data, tmp_path, monkeypatch):
    terms = tasks.terms

    def broken(model, example, *rest):
        named, total = terms(model, example, *rest)
        return {**named, "torsion": named["torsion"] * float("nan")}, total

    monkeypatch.setattr(tasks, "terms", broken)
    model, row = train(tmp_path, data, epochs=1)
    assert row["skipped"] == row["step"] > 0
    fresh = loop.new_model(GenZProt, SIZES, 0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))


def test_going_on_from_weights_by_toml(unbroken, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packed = small_pack(tmp_path / "pack.h5")
    (tmp_path / "train.toml").write_text(
        f'[data]\npacks = ["{packed.name}"]\n[model]\ninit = "{unbroken[0] / "model.pt"}"\nanonymous = 0.25\n'
        '[training]\nfolder = "fine"\nepochs = 1\nlearning_rate = 1e-9\nbatch_size = 150\n'
        "[validation]\nchains = 1\ntemperatures = [0.0]\nresidues = 400\n"
    )
    model, row = runs.run(tmp_path / "train.toml")
    for a, b in zip(model.parameters(), unbroken[1].parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert model.config.anonymous == 0.25
    about = checkpoint.load("fine/model.pt")[1]
    assert about["init"]["model"] == "model" and len(about["init"]["sha256"]) == 64
    assert 0 < row["T0_rmsd"] < 10 and row["valid_nats"] < 10


def small_pack(filename):
    """The chains of `small`, as a file."""
    import h5py

    data = small()
    with h5py.File(VALIDATION) as source, h5py.File(filename, "w") as target:
        for name in source:
            source.copy(name, target)
        target.attrs.update(source.attrs)
        del target["chain/split"]
        target["chain/split"] = data.chains["split"]
    return filename


def test_several_threads_do_not_race(data, tmp_path):
    torch.set_num_threads(2)
    sizes = GenZProtConfig(n_features=64, n_layers=2)
    runs = [
        train(tmp_path / str(k), data, model=loop.new_model(GenZProt, sizes, 0), epochs=2, batch_size=900)[0]
        for k in range(3)
    ]
    assert not torch.are_deterministic_algorithms_enabled()
    for other in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(runs[0].parameters(), other.parameters(), strict=True))


def test_every_batch_has_numbers_of_its_own():
    keys = [(s, e, b) for s in (0, 1, 2**40) for e in (0, 1, 600) for b in (None, 0, 1)]
    assert len({float(torch.rand(1, generator=loop._generator(*key), dtype=torch.float64)) for key in keys}) == len(
        keys
    )


def test_schedule_and_weight_of_kl():
    assert loop._schedule(0.0, 0.1) == pytest.approx(0.02)
    assert loop._schedule(0.05, 0.1) == pytest.approx(0.5)
    assert loop._schedule(0.1, 0.1) == pytest.approx(1.0)
    assert loop._schedule(1.0, 0.1) == pytest.approx(0.01)
    config = TrainingConfig(kl_warmup=0.2, loss=LossWeights(kl=0.5))
    assert [loop._weights(config, x)["kl"] for x in (0.0, 0.1, 0.2, 1.0)] == pytest.approx([0.0, 0.25, 0.5, 0.5])


def test_the_moving_average_forgets_its_start():
    average = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(1, 1), multi_avg_fn=loop._moving_average(0.9))
    model, seen = torch.nn.Linear(1, 1), []
    for step in range(200):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.update_parameters(model)
        expected = float(step) if not seen else seen[-1] + (1 - min(0.9, (1 + step) / (10 + step))) * (step - seen[-1])
        seen.append(expected)
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-4)


def test_time_can_end_a_run(data, tmp_path, monkeypatch):
    """By a clock on which every look takes a second: a run of 6 s ends early, a long one by its epochs."""
    clock = itertools.count()
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(clock)))
    rows = {}
    for minutes in (0.1, 100.0):
        folder = tmp_path / str(minutes)
        train(folder, data, epochs=6, minutes=minutes)
        rows[minutes] = json.loads((folder / "log.json").read_text())[-1]
    assert rows[0.1]["epoch"] < rows[100.0]["epoch"] == 6
    assert 0.1 <= rows[0.1]["minutes"] < 0.2


def test_sampled_chains_are_of_different_clusters(data):
    chains = sampled_chains(Structures.read(VALIDATION), 5)
    assert len(chains) == 5 and len({chain.name for chain in chains}) == 5
    related = small()
    related.chains["cluster30"][:] = 3
    assert len(sampled_chains(related, 5)) == 1
