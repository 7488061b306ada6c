"""TOML files of runs: what is read, what is refused."""

import math

import pytest

from mdbackmap.cli.train import example
from mdbackmap.models.genzprot import GenZProtConfig
from mdbackmap.training.config import DataConfig, TrainingConfig, parse
from mdbackmap.training.runs import read

PACKS = '[data]\npacks = ["a.h5"]\n'


@pytest.fixture
def read_text(tmp_path):
    def reader(text):
        (tmp_path / "train.toml").write_text(text)
        return read(tmp_path / "train.toml")

    return reader


def test_what_is_left_out_is_usual(read_text):
    run = read_text(PACKS)
    assert run.data == DataConfig(("a.h5",))
    assert (run.init, run.model, run.training) == (None, GenZProtConfig(), TrainingConfig())
    assert run.training.minutes == math.inf


def test_every_table_is_read(read_text):
    run = read_text(
        PACKS + 'include = ["NMR", "ngl_md"]\n[model]\nn_layers = 2\n[training]\nfolder = "x"\nminutes = 3\nnoise = 0\n'
        "[loss]\nclash = 0.5\n[validation]\ntemperatures = [0, 0.5]\nchains = 2\n"
    )
    assert run.data.include == ("NMR", "ngl_md")
    assert run.model.n_layers == 2
    assert (run.training.folder, run.training.minutes, run.training.noise) == ("x", 3.0, 0.0)
    assert run.training.loss.clash == 0.5
    assert run.training.validation.temperatures == (0.0, 0.5)


def test_the_example_of_the_command_line_is_valid(read_text):
    run = read_text(example("genzprot"))
    assert run.init == "genzprot" and run.model is None


def test_what_training_hides_may_change_where_it_goes_on(read_text):
    run = read_text(PACKS + '[model]\ninit = "genzprot"\ndropout = 0.2\nanonymous = 0.1\n')
    assert run.init == "genzprot" and run.model is None and run.changes == {"dropout": 0.2, "anonymous": 0.1}
    assert read_text(PACKS + "[model]\ndropout = 0.2\n").changes == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\n", "no data: expected"),
        (PACKS + "[training]\nepoch = 3\n", r"unknown key 'epoch' in \[training\]: did you mean 'epochs'"),
        (PACKS + "[loss]\nbeta = 3\n", r"unknown key 'beta' in \[loss\]: known are torsion, kl, bond"),
        (PACKS + "[network]\nx = 3\n", "unknown key 'network' in the file"),
        (PACKS + "[training.loss]\nkl = 1\n", r"unknown key 'loss'|expected a table of its own"),
        (PACKS + "[training]\nepochs = 1.5\n", r"epochs in \[training\] must be of type int, not 1.5"),
        (PACKS + "[training]\nseed = true\n", "must be of type int, not True"),
        (PACKS + "[training]\nbfloat16 = 1\n", "must be of type bool"),
        (PACKS + "[training]\nepochs = 0\n", "epochs must be above 0"),
        (PACKS + "[training]\nema = 1.0\n", r"ema and warmup must be in \[0, 1\)"),
        (PACKS + "[loss]\nkl = -1\n", "weight of the loss term 'kl' must be 0 or more"),
        (PACKS + '[model]\ninit = "genzprot"\nn_layers = 2\n', "has init and sizes"),
        (PACKS + '[model]\ninit = "genzprot"\ndropout = "much"\n', r"dropout in \[model\] must be of type float"),
        (PACKS + "[model]\ndropout = 1.5\n", r"dropout and anonymous must be in \[0, 1\)"),
        (PACKS + '[model]\ninit = "genzprot"\nanonymous = -1\n', r"dropout and anonymous must be in \[0, 1\)"),
        ('[data]\npacks = "a.h5"\n', r"packs in \[data\] must be a list"),
        ("data = 3\n", "data must be a table"),
        ("[data\n", "is no TOML file"),
    ],
)
def test_what_is_wrong_is_named(read_text, text, message):
    with pytest.raises(ValueError, match=message):
        read_text(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(tmp_path / "nowhere.toml")


def test_a_table_that_is_none():
    with pytest.raises(ValueError, match="loss must be a table"):
        parse({"data": {"packs": ["a"]}, "loss": 3})
