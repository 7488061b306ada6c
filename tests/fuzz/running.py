"""
Many cases: with a stand-in for the network, and a share with the network itself.

`run_range` runs cases in this process; `run_apart` in others, so that a crash of one (as of a reader in C) is a fault
that is told, and not the end.
"""

import contextlib
import functools
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mdbackmap import bound_model, checkpoint

from . import cases, judging

REAL_SHARE = 5  # one case in so many has the true network; chosen
LIMIT = 90  # seconds that one case may take; chosen: the slowest sound ones take 5


@dataclass
class Report:
    """
    What a run of cases found.

    Attributes
    ----------
    kinds : dict
        How many cases of each kind ran, and how they ended.
    faults : list of dict
        `number`, `what`, `about`.
    """

    kinds: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other):
        """Count another report in."""
        self.kinds = dict(Counter(self.kinds) + Counter(other["kinds"]))
        self.faults += other["faults"]
        self.seconds += other["seconds"]


class StandinSampler(bound_model.Sampler):
    """Atoms at small offsets from their beads, keyed by frame and sample; no network."""

    def __call__(self, beads, noise, keys, boxes, tolerance, kept=None, held=None):
        atoms = self.bound.mapping.lift(np.asarray(beads, dtype=np.float32))
        for out, frame, sample in zip(atoms, keys.frames, keys.samples, strict=True):
            rng = np.random.default_rng([int(frame), int(sample)])
            offset = rng.uniform(-0.5, 0.5, out.shape).astype(np.float32)
            offset[self.bound.mapping.atoms] = 0.0
            out += offset
        return atoms


@contextlib.contextmanager
def prepared(real):
    """The weights are loaded once; without `real` no network is asked."""
    load, sampler = checkpoint.load, bound_model.Sampler
    checkpoint.load = _load
    if not real:
        bound_model.Sampler = StandinSampler
    try:
        yield
    finally:
        checkpoint.load, bound_model.Sampler = load, sampler


_original = checkpoint.load


@functools.cache
def _bundled(name):
    return _original(name)


def _load(name):
    return _bundled(name) if name == "genzprot" else _original(name)


def run_one(seed, number, folder):
    """One case in an empty folder."""
    with prepared(real=number % REAL_SHARE == 0), _limit(LIMIT):
        return cases.run_case(seed, number, folder)


@contextlib.contextmanager
def _limit(seconds):
    """`judging.Broken` if it takes longer."""

    def late(*_):
        raise judging.Broken(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_range(seed, numbers, tell=lambda number, report: None) -> Report:
    """Cases in this process; `tell` is called before each, with its number and what was found so far."""
    report, began = Report(), time.perf_counter()
    for number in numbers:
        tell(number, report)
        folder = Path(tempfile.mkdtemp(prefix="fuzz"))
        kind, end = "unknown", "sound"
        try:
            case = run_one(seed, number, folder)
            kind, end = case.kind, _end(case)
        except judging.Broken as broken:
            case = getattr(broken, "case", None)
            kind, end = case.kind if case else "unknown", "fault"
            about = [line.replace(str(folder), "") for line in case.about] if case else []
            report.faults.append({"number": number, "what": str(broken).replace(str(folder), ""), "about": about})
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        report.kinds[f"{kind}: {end}"] = report.kinds.get(f"{kind}: {end}", 0) + 1
        report.seconds = time.perf_counter() - began
    return report


def _end(case):
    """How a sound case ended: done, or refused with a sentence."""
    statuses = [line.split(":")[0] for line in case.about if line.startswith("status ")]
    if statuses:
        return statuses[-1]
    return "done" if case.about[-1].startswith("BackmapTrajectory") else "refused"


def run_apart(seed, first, n_cases, chunk=100, tell=print) -> Report:
    """Cases in processes of their own, `chunk` at a time."""
    total, at, stop = Report(), first, first + n_cases
    while at < stop:
        known = len(total.faults)
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state.json"
            arguments = ["--seed", seed, "--first", at, "--cases", min(chunk, stop - at), "--state", state]
            tests = Path(__file__).parents[1]  # there may be a package called tests elsewhere
            done = subprocess.run(
                [sys.executable, "-X", "faulthandler", "-m", "fuzz", *map(str, arguments)],
                cwd=tests,
                capture_output=True,
                text=True,
            )
            if not state.exists():
                raise RuntimeError(f"no case was run: {done.stderr[-1000:]}")
            found = json.loads(state.read_text())
        total.add(found["report"])
        if found["number"] is None:
            at += min(chunk, stop - at)
        else:
            at = found["number"] + 1
            total.add(_crash(found["number"], done))
        for fault in total.faults[known:]:
            tell(f"case {fault['number']}: {fault['what'][:300]}")
        tell(f"{at - first} of {n_cases} cases, {len(total.faults)} faults")
    return total


def _crash(number, done):
    """The report of a case in which the process ended; memory may have been destroyed some cases before."""
    where = re.search(r"Current thread.*\n((?:  File .*\n){1,3})", done.stderr)
    told = where[1] if where else done.stderr[-300:]
    what = f"the process ended with {done.returncode}, here or by what a case before did: {told}"
    return {"kinds": {"unknown: crash": 1}, "faults": [{"number": number, "what": what, "about": []}], "seconds": 0.0}
