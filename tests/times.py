"""
Which tests take more than 0.7 seconds of processor time.

    python tests/times.py                # all tests, in this process: `slow.txt` lists those
    python tests/times.py -m "not slow"  # of the quick selection alone: those found are added

`conftest.py` marks the tests of `slow.txt` as slow. Where a fixture of a module is slow, the test that comes first pays
for it, so that the second command may find others; it is run until it finds none.
"""

import os
import sys
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("slow.txt")
LONGEST = 0.7  # seconds of processor time, of the process and of those that it started


class Times:
    """A plugin of pytest that keeps the processor time of each test, with its fixtures."""

    def __init__(self):
        self.seconds, self.known = {}, set()

    def pytest_collection_modifyitems(self, items):
        """Keep the names of all tests, before any is left out."""
        self.known = {item.nodeid for item in items}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        """Time a test."""
        before = sum(os.times()[:4])
        result = yield
        self.seconds[item.nodeid] = sum(os.times()[:4]) - before
        return result


def main(arguments):
    """Run tests, and write the list."""
    times = Times()
    pytest.main(["-q", "-n0", *arguments], plugins=[times])
    listed = set(LIST.read_text().splitlines()) & times.known - times.seconds.keys()
    listed |= {name for name, seconds in times.seconds.items() if seconds > LONGEST}
    LIST.write_text("".join(f"{name}\n" for name in sorted(listed)))
    print(f"{sum(times.seconds.values()):.0f} s of processor time; {len(listed)} tests in {LIST}")


if __name__ == "__main__":
    main(sys.argv[1:])
