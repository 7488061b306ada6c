"""Options as frozen objects: one place for defaults, wrong values refused with words, keys cut as frames are."""

import dataclasses
import inspect
import pickle

import numpy as np
import pytest

from mdbackmap import Backmap, BackmapTrajectory
from mdbackmap.backmapper import Backmapper
from mdbackmap.options import Keys, SamplingOptions, Tolerance

OPTIONS = {field.name: field.default for field in dataclasses.fields(SamplingOptions)}


@pytest.mark.parametrize("door", [Backmapper.sample, Backmap, BackmapTrajectory], ids=lambda door: door.__name__)
def test_all_doors_have_the_same_options_and_defaults(door):
    parameters = inspect.signature(door).parameters
    assert {name: parameters[name].default for name in OPTIONS} == OPTIONS


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("seed", -1, "seed=-1: expected an integer of 0 or more"),
        ("seed", True, "seed=True: expected an integer"),
        ("temperature", "warm", "temperature='warm': expected a number of 0 or more"),
        ("correlation_time", np.inf, "correlation_time=inf: expected a number of 0 or more"),
        ("bead_tolerance", -0.1, 'bead_tolerance=-0.1: expected "auto", or angstroms'),
        ("bead_tolerance", "quiet", "bead_tolerance='quiet': expected \"auto\""),
        ("mirror", "turn", "mirror='turn': expected \"error\""),
    ],
)
def test_wrong_values_are_refused(name, value, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        SamplingOptions(**{name: value})


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="temprature"):
        SamplingOptions(temprature=1)


def test_values_are_plain():
    options = SamplingOptions(np.int64(3), 1, np.float32(0.5), 2, "fix")
    values = tuple(options.as_dict().values())
    assert values == (3, 1.0, 0.5, 2.0, "fix", "whole")
    assert [type(x) for x in values] == [int, float, float, float, str, str]
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.seed = 4


def test_tolerance():
    assert SamplingOptions().tolerance == Tolerance(0.9, judged=True, denoised=True)
    assert SamplingOptions(bead_tolerance=0.3).tolerance == Tolerance(0.3)
    assert Tolerance.of(0).keeps and Tolerance().keeps and not Tolerance.of("auto").keeps


class TestKeys:
    def test_parts(self):
        keys = Keys.of(np.array([3, 4, 5]), np.array([0, 1, 0]), [0.0, 2.0, 4.0])
        assert list(keys[1:]) == [(4, 1, 2.0), (5, 0, 4.0)] and len(keys[:1]) == 1
        assert Keys.of([3, 4], 2) == Keys((3, 4), (2, 2), (0.0, 0.0))
        assert Keys.first(2) == Keys.of([0, 1])
        assert hash(keys) == hash(keys[:])

    @pytest.mark.parametrize(
        "arguments, words",
        [
            (([1.5],), "frames=1.5: expected an integer"),
            (([0], -1), "samples=-1: expected an integer"),
            (([0, 1], [0]), "samples: 1 for 2 frames"),
            (([0, 1], 0, [0.0]), "times: 1 for 2 frames"),
        ],
    )
    def test_wrong_keys_are_refused(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            Keys.of(*arguments)
