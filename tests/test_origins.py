"""Numbers that steer results have a unit and an origin (`origins`)."""

from pathlib import Path

import pytest
from origins import ROOMS, modules, numbers_without_origin

import mdbackmap

PACKAGE = Path(mdbackmap.__file__).parent


@pytest.mark.parametrize("room", ROOMS)
def test_numbers_have_an_origin(room):
    places = [
        f"{path.relative_to(PACKAGE)}:{line}: {value}"
        for path in modules(PACKAGE, [room])
        for line, value in numbers_without_origin(path.read_text())
    ]
    assert not places, "\n".join(places)


def test_rooms_are_there():
    assert all(modules(PACKAGE, [room]) for room in ROOMS)


CASES = {
    "a constant": ("RATE = 0.12\n", [0.12]),
    "with an origin on its line": ("RATE = 0.12  # radians; chosen: by hand\n", []),
    "above it": ("# Radians a step; chosen: by hand.\nRATE = 0.12\n", []),
    "below it": ('RATE = 0.12\n"""Radians a step; chosen: by hand."""\n', []),
    "further above": ("# Radians; chosen: by hand.\nX = 1\nRATE = 0.12\n", [0.12]),
    "without a unit": ("RATE = 0.12  # chosen: by hand\n", [0.12]),
    "a count needs none": ("STEPS = 20  # chosen: by hand\n", []),
    "a comment that is no origin": ("RATE = 0.12  # radians, chosen well\n", [0.12]),
    "in a function": ("def f(x):\n    return 0.12 * x  # radians; chosen: by hand\n", [0.12]),
    "as a default": ("def f(x=7.0):\n    return x\n", [7.0]),
    "trivial ones": ("def f(x):\n    return 0.5 * x[..., 4] + 2 - x.sum(-1).clamp_min(1e-6) + x.view(5, 14)\n", []),
    "an index that is calculated": ("def f(x):\n    return x[4 * x]\n", [4]),
    "percent": ("def f(x):\n    return 100 * x, x + 100\n", [100]),
    "a field": ("@dataclass(frozen=True)\nclass A:\n    rate: float = 0.12\n", [0.12]),
    "a field with an origin": (
        "@dataclass(frozen=True)\nclass A:\n    rate: float = 0.12  # radians; fitted: x.py\n    more: int = 9\n", [9]
    ),
    "a class that is none of data": ("class A:\n    rate = 0.12  # radians; chosen: by hand\n", [0.12]),
    "several lines": ("A = dict(\n    x=0.12,  # radians; chosen: by hand\n    y=0.13,\n)\n", [0.13]),
    "a negative one": ("def f(x):\n    return x * -0.7\n", [0.7]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_rule_can_fail(case):
    text, expected = CASES[case]
    assert [value for _, value in numbers_without_origin(text)] == expected


def test_a_number_put_into_a_room_is_noticed():
    text = (PACKAGE / "traces" / "settings.py").read_text()
    assert not list(numbers_without_origin(text))
    more = text.replace("    swelling:", "    forgotten: float = 7.5\n    swelling:")
    assert [value for _, value in numbers_without_origin(more)] == [7.5]
