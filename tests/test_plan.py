"""A conversion is a plan and its parts: where and in what order these are converted changes no byte."""

import dataclasses
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from conversions import QUICK, left
from MDAnalysis.analysis.backends import BackendMultiprocessing, BackendSerial
from numpy.testing import assert_array_equal
from standin import standin

from mdbackmap.conversion.backends import Worker, convert_all
from mdbackmap.conversion.part import PartResult, convert
from mdbackmap.conversion.plan import plan_conversion
from mdbackmap.options import SamplingOptions
from mdbackmap.trajectory import BackmapTrajectory
from mdbackmap.universes.chosen import choose_frames

PARTS = [np.arange(14, 21), np.arange(7), np.arange(7, 14)]
"""Places of the frames of each part, in an order of their own."""


def plan_of(cg, filename, model=None, **options):
    asked = {"filename": filename, "n_samples": 2, "batch_size": 4, "overwrite": False, "resume": False}
    asked |= {"strict": False, "validity": False, "settings": QUICK}
    frames = choose_frames(cg.trajectory, step=2)
    return plan_conversion(cg.atoms, model or standin(cg.atoms), frames, SamplingOptions(seed=5), **asked | options)


def in_this_process(plan, trajectory):
    return [convert(plan, part, trajectory) for part in PARTS]


def in_new_processes(plan, trajectory):
    """Not forked: they know of the plan what was sent to them."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(Worker(plan, trajectory), PARTS))


@pytest.mark.parametrize("how", [in_this_process, in_new_processes])
@pytest.mark.parametrize("suffix", [".xtc", ".pdb", ".dcd"])
def test_parts_in_any_order_and_process_give_the_same_bytes(cg, tmp_path, how, suffix):
    options = {"n_samples": 2, "batch_size": 4, "seed": 5}
    alone = BackmapTrajectory(cg.atoms, standin(cg.atoms), tmp_path / f"a{suffix}", **options).run(step=2).results
    plan = pickle.loads(pickle.dumps(plan_of(cg, tmp_path / f"b{suffix}")))
    with plan.destination.opened() as done:
        plan = dataclasses.replace(plan, done=done)
        first = plan.structure(plan.first)
        whole = PartResult.joined(how(plan, cg.trajectory))
        plan.destination.publish(first, np.repeat(plan.frames, 2), np.repeat(whole.times, 2))
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert_array_equal(whole.places, range(21))
    for name in ("strained", "displacements", "unrepaired"):
        assert_array_equal(getattr(whole, name), alone[name])
    assert not [name for name in left(tmp_path) if name.startswith(".")]


def test_a_plan_checks_but_makes_nothing(cg, tmp_path):
    model = standin(cg.atoms)
    plan = plan_of(cg, tmp_path / "aa.xtc", model)
    assert left(tmp_path) == [] and model.calls == [] and not plan.done.any()
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.n_samples = 3
    with pytest.raises(ValueError, match="no such format"):
        plan_of(cg, tmp_path / "aa.docx")


@pytest.mark.parametrize(("backend", "single"), [(BackendSerial, False), (BackendMultiprocessing, True)])
def test_worker_processes_have_one_thread(cg, monkeypatch, backend, single):
    """Their parts are converted by a model with one thread; the model of the plan keeps its own."""
    model, other, sent = standin(cg.atoms), standin(cg.atoms), []
    model.with_threads = lambda threads: other if threads == 1 else 1 / 0
    plan = plan_of(cg, None, model)

    def apply(self, convert, parts):
        sent.append(convert._state[0].model)
        return [convert(part) for part in parts]

    monkeypatch.setattr(backend, "apply", apply)
    convert_all(plan, cg.trajectory, backend(n_workers=1))
    assert sent == [other if single else model] and other.calls and plan.model is model


@pytest.mark.parametrize("n_samples", [1, 2, 5])
@pytest.mark.parametrize("n_parts", [1, 2, 3, 50])
def test_cuts_are_between_groups(cg, n_samples, n_parts):
    plan = plan_of(cg, None, n_samples=n_samples, batch_size=3)
    parts = plan.cut(n_parts)
    assert len(parts) == n_parts and np.concatenate(parts).tolist() == list(range(21))
    assert all(part[0] * n_samples % plan.group == 0 for part in parts if len(part))


def test_structures_are_made_in_the_same_groups_by_any_number_of_threads(cg):
    """Jobs of several groups, of one, and those of a conversion that goes on in the middle of a job."""
    made = []
    for batch_size, done in ((4, 0), (16, 0), (16, 12), (5, 0)):
        model = standin(cg.atoms)
        model.batch_size = lambda requested="auto", size=batch_size: 4 if requested == "auto" else size
        plan = plan_of(cg, None, model, batch_size=batch_size)
        convert(dataclasses.replace(plan, done=np.arange(len(plan.done)) < done), np.arange(21), cg.trajectory)
        made.append(sorted(model.calls))
    assert made[0] == made[1] == made[3] == [2] + [4] * 10 and made[2] == [2] + [4] * 7


def test_frames_that_are_there_are_left_out(cg):
    plan = plan_of(cg, None)
    done = np.arange(len(plan.done)) < 6
    part = convert(dataclasses.replace(plan, done=done), np.arange(2, 5), cg.trajectory)
    assert len(part.positions) == 4 and np.isnan(part.displacements).all(1).tolist() == [True, True] + [False] * 4
