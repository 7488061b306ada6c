"""A few hundred cases of the fuzzer, and that it finds faults where there are some."""

import argparse
import logging

import numpy as np
import pytest
from fuzz import cases, judging, running
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import chain

from mdbackmap.cli import values
from mdbackmap.writing import products

SEED, CHUNK, N_CHUNKS = 0, 100, 3  # of the cases that CI runs; `python -m fuzz` runs more
_OF_THE_LIBRARY = "MDAnalysis/coordinates/XDR.py"  # its C code reads beyond its memory for some damaged XTC files


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_cases(chunk):
    """In a process of their own: C libraries keep what damaged files of other tests did to their memory."""
    report = running.run_apart(SEED, chunk * CHUNK, CHUNK)
    assert sum(report.kinds.values()) == CHUNK
    for fault in report.faults:
        print(f"case {fault['number']}: {fault['what']}", *fault["about"], sep="\n    ")
    ours = [fault for fault in report.faults if _OF_THE_LIBRARY not in fault["what"]]
    assert not ours, f"{len(ours)} faults; see them by python -m fuzz --case NUMBER, in tests"


def test_a_case_is_a_function_of_its_number(tmp_path):
    about = []
    for name in "ab":
        (tmp_path / name).mkdir()
        made = running.run_one(SEED, 3, tmp_path / name)
        about.append([line.replace(str(tmp_path / name), "") for line in made.about if not line.startswith("status")])
    assert about[0] == about[1]


def number_of(kind, end):
    """The first case of that kind that ends so."""
    for number in range(200):
        report = running.run_range(SEED, [number])
        if report.kinds == {f"{kind}: {end}": 1}:
            return number
    raise AssertionError(f"no such case: {kind}, {end}")


class TestFindsFaults:
    @pytest.fixture(scope="class")
    def converted(self):
        return number_of("convert", "status 0")

    @pytest.fixture(scope="class")
    def refused(self):
        return number_of("convert", "status 1")

    def fault(self, number):
        (fault,) = running.run_range(SEED, [number]).faults
        return fault["what"]

    @pytest.mark.parametrize(
        "counts, found", [((3, 2), "not finite"), ((4, 2), "4 asked for"), ((3, 5), "the input has 5")]
    )
    def test_outputs(self, tmp_path, counts, found):
        cg = chain(n_beads=2, n_frames=3, box=False)
        cg.trajectory.get_array()[1, 1] = np.nan if found == "not finite" else 0.0
        cg.atoms.write(tmp_path / "aa.trr", frames="all")
        cg.atoms[:2].write(tmp_path / "aa.pdb", frames=[0])
        with pytest.raises(judging.Broken, match=found):
            judging.written(tmp_path / "aa.pdb", tmp_path / "aa.trr", *counts)

    def test_frames_that_vanish(self, converted, monkeypatch):
        monkeypatch.setattr(cases, "_asked", lambda *_: 77)
        assert "77 asked for" in self.fault(converted)

    def test_words_of_python(self, refused, monkeypatch):
        monkeypatch.setattr("mdbackmap.cli.sentence", lambda error: "the list index out of range")
        assert "a word of Python, 'list index'" in self.fault(refused)

    def test_what_a_failure_leaves(self, converted, monkeypatch):
        def publish(self, *_, **__):
            self.trajectory.write_bytes(b"half")
            raise ValueError("the disk is on fire today")

        monkeypatch.setattr(products.Products, "publish", publish)
        assert "changed by a failure" in self.fault(converted)

    def test_other_exceptions(self, converted, monkeypatch):
        monkeypatch.setattr("mdbackmap.cli.convert.report", lambda *_: {}["x"])
        assert "KeyError" in self.fault(converted)


@pytest.mark.parametrize(
    "text, found",
    [
        ("list index out of range", "list index"),
        ("'NoneType' object has no attribute 'x'", "NoneType"),
        ("index 5 is out of bounds for axis 0 with size 3", "out of bounds for axis"),
        ("MDAnalysis cannot read x: could not convert string to float: 'a'", "could not convert"),
        ("KeyError: 'positions'", "KeyError"),
        ("[Errno 2] No such file", "[Errno"),
        ("No", "no sentence"),
        ("word " * 400, "characters"),
    ],
)
def test_what_is_no_sentence(text, found):
    with pytest.raises(judging.Broken, match=found.replace("[", r"\[")):
        judging.sentence(text)


def test_a_sentence():
    judging.sentence("frame 3: the position of LEU 7 is NaN or infinite; leave the frame out (--frames 0-2)")


VALUES = st.text(max_size=12) | st.from_regex(r"[-+]?[0-9.,:\-eE_ A-Z]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    "parse",
    [values.frames, values.breaks, values.alias, values.sequence, values.positive, values.natural]
    + [values.not_negative, values.above_zero, values.batch_size, values.tolerance],
    ids=lambda parse: parse.__name__,
)
@given(text=VALUES)
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_values_of_options(parse, text):
    """Any text is a value, or refused with a sentence."""
    try:
        parse(text)
    except argparse.ArgumentTypeError as error:
        judging.sentence(str(error).replace(repr(text), "it"))


def test_the_log_is_left_as_it_was():
    before = logging.getLogger("mdbackmap").level
    running.run_range(SEED, range(3))
    assert logging.getLogger("mdbackmap").level == before


def test_a_crash_says_where():
    """What ends the process is found in what Python says last, so that crashes of others are told from ours."""
    said = (
        'Fatal Python error\n\nCurrent thread 0x1 (most recent call first):\n  File "a/MDAnalysis/coordinates/XDR.py"\n'
    )
    (fault,) = running._crash(3, argparse.Namespace(returncode=-11, stderr=said + "\nExtension modules: numpy\n"))[
        "faults"
    ]
    assert fault["number"] == 3 and "MDAnalysis/coordinates/XDR.py" in fault["what"] and "numpy" not in fault["what"]
