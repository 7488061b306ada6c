"""What errors of readers mean, in plain words; and words of Python in no message."""

import h5py
import numpy as np
import pytest

from mdbackmap.cli import main
from mdbackmap.datafiles import GO_PDB, GO_XTC
from mdbackmap.reading.reasons import reason


def error_of(function):
    with pytest.raises(Exception) as caught:
        function()
    return caught.value


@pytest.mark.parametrize(
    "function, meaning",
    [
        (lambda: float("1.0x"), "'1.0x' is no number"),
        (lambda: np.array(["1.0", " CA "]).astype(float), "' CA ' is no number"),
        (lambda: np.array([b"1 2"]).astype(float), "'1 2' is no number"),
        (lambda: float(np.str_("x'y")), '"x\'y" is no number'),
        (lambda: int("3#\n"), "'3#\\n' is no whole number"),
        (lambda: b"\xf4".decode(), "it is not text"),
        (lambda: (lambda a, b: 0)(*[1, 2]) or [a for a, b in [(1, 2, 3)]], "a line has too many values"),
        (lambda: [a for a, b in [(1,)]], "a line has too few values"),
        (lambda: [][0], "it ends early, or a line is too short"),
        (lambda: np.zeros(3)[5], "it ends early, or a line is too short"),
        (lambda: np.zeros(7).reshape(-1, 3), "it has another number of values than it says"),
        (lambda: np.zeros(3) + np.zeros(4), "it has another number of values than it says"),
        (lambda: np.zeros(0).max(), "it has no frame"),
        (lambda: next(iter([])), "it has no frame"),
        (lambda: int(float("nan")), "a number in it is not finite"),
        (lambda: {}["particles"], "it has no 'particles'"),
        (lambda: None.positions, "it is not as such a file has to be"),
        (lambda: len(None), "it is not as such a file has to be"),
        (lambda: 1 / 0, "it is not as such a file has to be"),
        (lambda: np.array([1, "a"], dtype=object) < 0, "it is not as such a file has to be"),
    ],
)
def test_errors_of_python_and_numpy(function, meaning):
    assert reason(error_of(function)) == meaning


@pytest.mark.parametrize("text", ["Cannot find the 'particles' group", "XTC read error = b'end of file'"])
def test_other_words_stay(text):
    assert reason(OSError(text)) == reason(KeyError(text)) == text


def test_one_short_line():
    assert reason(ValueError("two\n  lines")) == "two lines"
    assert len(reason(ValueError("word " * 500))) < 310
    assert reason(EOFError()) == "it is not as such a file has to be"


def test_an_h5md_file_without_particles(tmp_path, capsys):
    with h5py.File(tmp_path / "ca.h5md", "w") as file:
        file.create_group("h5md").attrs["version"] = (1, 1)
    assert main(["convert", str(GO_PDB), str(tmp_path / "ca.h5md"), "-o", str(tmp_path / "aa.xtc")]) == 1
    assert "Error" not in capsys.readouterr().err.split("error: ", 1)[1]


def test_streams_on_the_command_line(tmp_path, capsys):
    assert main(["convert", str(GO_PDB), "imd://localhost:8888", "-o", str(tmp_path / "aa.xtc")]) == 1
    assert "imd://localhost:8888 is a live stream, which has no length" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["x", "nan", "0", "-2", "True", "[1]"])
def test_times_of_readers_are_numbers(value, tmp_path, capsys):
    arguments = [str(GO_PDB), str(GO_XTC), "-o", str(tmp_path / "aa.xtc"), "--reader-option", f"dt={value}"]
    assert main(["convert", *arguments]) == 1
    assert "expected a number of ps above 0" in capsys.readouterr().err
