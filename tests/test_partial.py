"""Partial output, what lies under it and what feeds it: nothing is lost, nothing is written over a gap."""

import threading
import time

import pytest
from standin import chain

from mdbackmap.conversion.stage_threads import DEPTH, Stages
from mdbackmap.reading.xdr import count_frames
from mdbackmap.writing.partial import Partial, format_suffix


@pytest.fixture
def partial(tmp_path):
    partial = Partial(tmp_path / "aa.xtc")
    partial.open({"seed": 1}, resume=False, overwrite=False)
    return partial


def segment(partial, start, stop, content):
    partial.scratch(start).write_bytes(content)
    return partial.keep(partial.scratch(start), start, stop)


def reopened(partial):
    partial.close()
    partial.open({"seed": 1}, resume=True, overwrite=False)
    return [(x.start, x.stop, x.path.read_bytes()) for x in partial.segments()]


class TestPartial:
    def test_complete_segments_survive(self, partial):
        segment(partial, 10, 20, b"b")
        segment(partial, 0, 10, b"a")
        partial.scratch(20).write_bytes(b"half")
        assert reopened(partial) == [(0, 10, b"a"), (10, 20, b"b")]
        assert not partial.scratch(20).exists()

    def test_append(self, partial):
        whole = partial.append(segment(partial, 0, 10, b"aa"), segment(partial, 10, 20, b"b"))
        assert (whole.start, whole.stop, whole.size) == (0, 20, 3)
        assert reopened(partial) == [(0, 20, b"aab")]

    def test_an_append_that_was_cut_short_is_undone(self, partial):
        first = segment(partial, 0, 10, b"aa")
        segment(partial, 10, 20, b"bbbb")
        with open(first.path, "ab") as file:
            file.write(b"bb")
        assert reopened(partial) == [(0, 10, b"aa"), (10, 20, b"bbbb")]

    def test_an_append_that_ended_before_its_source_was_removed(self, partial):
        segment(partial, 0, 20, b"aabb")
        segment(partial, 10, 20, b"bb")
        assert reopened(partial) == [(0, 20, b"aabb")]

    def test_a_segment_that_lost_its_end_is_not_trusted(self, partial):
        kept = segment(partial, 0, 10, b"aaaa")
        kept.path.write_bytes(b"aa")
        assert reopened(partial) == []

    def test_other_settings(self, partial):
        segment(partial, 0, 10, b"a")
        partial.close()
        with pytest.raises(ValueError, match="seed was 1, is 2"):
            partial.open({"seed": 2}, resume=True, overwrite=False)

    def test_suffixes(self):
        assert [format_suffix(x) for x in ("a.b.xtc", "aa.pdb.gz", "aa", ".hidden")] == [".xtc", ".pdb.gz", "", ""]


class TestPipeline:
    def test_nothing_is_written_after_a_failure(self):
        written = []

        def generate(job):
            if job == 3:
                raise RuntimeError("job 3")
            return job

        with (
            pytest.raises(RuntimeError, match="job 3"),
            Stages(generate, lambda job, made: written.append(job)) as stages,
        ):
            for job in range(50):
                stages.submit(job)
        assert written == [0, 1, 2]

    def test_bounded(self):
        under_way, most = [0], [0]
        lock = threading.Lock()

        def count(change):
            with lock:
                under_way[0] += change
                most[0] = max(most[0], under_way[0])

        def write(job, made):
            time.sleep(0.005)
            count(-1)

        with Stages(lambda job: job, write) as stages:
            for job in range(40):
                count(+1)
                stages.submit(job)
        assert DEPTH <= most[0] <= DEPTH + 2

    def test_stages_overlap(self):
        """Each job is written while the next one is made: its writer waits for that, in vain if it cannot be."""
        begun, met = [threading.Event() for _ in range(6)], []
        with Stages(lambda job: begun[job].set(), lambda job, made: met.append(begun[job + 1].wait(30))) as stages:
            for job in range(5):
                stages.submit(job)
            begun[5].set()  # nothing comes after the last
        assert met == [True] * 5

    def test_threads_end_when_the_caller_fails(self):
        before = threading.active_count()
        with pytest.raises(KeyboardInterrupt), Stages(lambda job: job, lambda job, made: None) as stages:
            stages.submit(1)
            raise KeyboardInterrupt
        assert threading.active_count() == before


@pytest.mark.parametrize("suffix", [".xtc", ".trr"])
@pytest.mark.parametrize("n_beads", [1, 9, 10, 50])
def test_frames_are_counted_and_cuts_are_seen(tmp_path, suffix, n_beads):
    path = tmp_path / f"ca{suffix}"
    chain(n_beads, 7).atoms.write(path, frames="all")
    assert count_frames(path) == 7
    whole = path.read_bytes()
    for cut in (1, 4, 40):
        path.write_bytes(whole[:-cut])
        with pytest.raises(OSError, match="cut off"):
            count_frames(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(OSError, match="cut off"):
        count_frames(path)
