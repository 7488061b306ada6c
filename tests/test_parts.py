"""Conversions in parts that are made on their own, and joined."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import MDAnalysis as mda
import numpy as np
import pytest
from conversions import N_FRAMES, QUICK, in_files, interrupt_at, left, positions, quick
from standin import standin

from mdbackmap import BackmapTrajectory
from mdbackmap.cli import main
from mdbackmap.writing.lock import InUse
from mdbackmap.writing.parts import Parts
from mdbackmap.writing.products import AlreadyComplete

QUIETLY = ["--no-hydrogens", "--quiet"]
FORMATS = [".xtc", ".h5md", ".pdb", ".dcd"]


@pytest.fixture
def cg(tmp_path):
    return in_files(tmp_path / "in")


def converted(cg, path, **options):
    options = {"batch_size": 3, "n_samples": 2, "settings": QUICK} | options
    return BackmapTrajectory(cg.atoms, standin(cg.atoms), path, **options).run().results


@pytest.mark.parametrize("suffix", FORMATS)
def test_parts_joined_are_the_whole(cg, tmp_path, suffix):
    whole, path = converted(cg, tmp_path / f"whole{suffix}"), tmp_path / f"parts{suffix}"
    found = [converted(cg, path, part=(k, 7)) for k in (3, 1, 2, 7, 5, 6, 4)]
    assert sum(part.n_frames for part in found) == 2 * N_FRAMES and found[0].filename is None
    assert not path.exists()
    joined = converted(cg, path, resume=True)
    np.testing.assert_array_equal(positions(joined), positions(whole))
    np.testing.assert_array_equal(joined.frames, whole.frames)
    if suffix != ".h5md":
        assert path.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert not [name for name in left(tmp_path) if "part" in name and name.startswith(".")]


def test_a_part_tells_of_its_own_frames(cg, tmp_path):
    whole = converted(cg, None)
    part = converted(cg, tmp_path / "aa.xtc", part=(2, 3), validity=True)
    assert part.frames.tolist() == np.repeat(np.arange(15, 30), 2).tolist() and part.resumed == 0
    np.testing.assert_array_equal(part.times, whole.times[30:60])
    np.testing.assert_array_equal(part.displacements, whole.displacements[30:60])
    assert len(part.validity.scores["clashscore"]) == 30
    again = converted(cg, tmp_path / "aa.xtc", part=(2, 3), validity=True, resume=True)
    assert again.resumed == 15


def test_parts_that_are_missing_are_made_by_what_goes_on(cg, tmp_path):
    converted(cg, tmp_path / "whole.xtc")
    for k in (1, 3):
        converted(cg, tmp_path / "aa.xtc", part=(k, 3))
    with pytest.raises(FileExistsError, match="2 parts of a conversion to .*aa.xtc are kept beside it: join them"):
        converted(cg, tmp_path / "aa.xtc")
    assert len(Parts(tmp_path / "aa.xtc").numbers) == 2
    found = converted(cg, tmp_path / "aa.xtc", resume=True)
    assert found.resumed == N_FRAMES - 15
    assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()
    with pytest.raises(AlreadyComplete):
        converted(cg, tmp_path / "aa.xtc", part=(1, 3), resume=True)


@pytest.mark.parametrize("parts", [[(1, 3), (2, 4), (4, 7)], [(4, 7), (2, 4), (1, 2)], "a whole that was interrupted"])
def test_what_overlaps_is_taken_once(cg, tmp_path, monkeypatch, parts):
    """Parts of other numbers of parts, and what a conversion of the whole has left."""
    whole = converted(cg, tmp_path / "whole.xtc", n_samples=1, validity=True)
    if isinstance(parts, str):
        interrupt_at(monkeypatch, 10)
        with pytest.raises(KeyboardInterrupt):
            converted(cg, tmp_path / "aa.xtc", n_samples=1, validity=True)
        parts = [(1, 3), (2, 3)]
    for part in parts:
        converted(cg, tmp_path / "aa.xtc", n_samples=1, validity=True, part=part)
    found = converted(cg, tmp_path / "aa.xtc", n_samples=1, validity=True, resume=True)
    assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()
    np.testing.assert_array_equal(found.validity.scores["clashscore"], whole.validity.scores["clashscore"])
    assert 15 < found.resumed < N_FRAMES


@pytest.mark.parametrize(("number", "moved"), [(1, False), (1, True), (2, True)])
def test_taking_over_that_was_killed(cg, tmp_path, number, moved):
    """Between any two moves of files nothing is lost, nor counted twice: neither frames nor what was judged of them."""
    options, replace = {"n_samples": 1, "validity": True}, os.replace
    whole = converted(cg, tmp_path / "whole.xtc", **options)
    for k in (1, 2):
        converted(cg, tmp_path / "aa.xtc", part=(k, 2), **options)
    left_to_move = [number]

    def replacing(old, new):
        left_to_move[0] -= ".part-" in str(old)
        if left_to_move[0] == 0:
            _ = moved and replace(old, new)
            os._exit(9)
        replace(old, new)

    if (child := os.fork()) == 0:
        os.replace = replacing
        try:
            converted(cg, tmp_path / "aa.xtc", resume=True, **options)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    found = converted(cg, tmp_path / "aa.xtc", resume=True, **options)
    assert found.resumed == N_FRAMES
    np.testing.assert_array_equal(found.validity.scores["clashscore"], whole.validity.scores["clashscore"])
    assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()


def test_parts_of_another_conversion_are_refused_before_any_is_taken(cg, tmp_path):
    for k in (1, 2):
        converted(cg, tmp_path / "aa.xtc", part=(k, 3))
    converted(cg, tmp_path / "aa.xtc", part=(3, 3), seed=5)
    with pytest.raises(ValueError, match="seed was 5, is 0"):
        converted(cg, tmp_path / "aa.xtc", resume=True)
    assert len(Parts(tmp_path / "aa.xtc").numbers) == 3
    converted(cg, tmp_path / "aa.xtc", part=(3, 3), overwrite=True)
    assert converted(cg, tmp_path / "aa.xtc", resume=True).resumed == N_FRAMES


def test_parts_of_other_trajectories_or_beads_are_refused(cg, tmp_path):
    """Also where names, numbers and the first frame are the same: runs of one structure, or other beads by name."""
    (tmp_path / "in" / "again").mkdir()
    with mda.Writer(str(tmp_path / "in" / "again" / "ca.xtc")) as writer:
        for ts in cg.trajectory:
            ts.positions[:, 0] += 0.1 * ts.frame
            writer.write(cg.atoms)
    other = mda.Universe(tmp_path / "in" / "ca.pdb", tmp_path / "in" / "again" / "ca.xtc")
    converted(cg, tmp_path / "aa.xtc", part=(1, 2))
    converted(other, tmp_path / "aa.xtc", part=(2, 2))
    with pytest.raises(ValueError, match="last_beads_sha256 was"):
        converted(cg, tmp_path / "aa.xtc", resume=True)
    model = standin(cg.atoms)
    beads = replace(model.mapping.coarse, names=["SC1"] * 20)
    model.mapping = replace(model.mapping, coarse=beads)
    with pytest.raises(ValueError, match="mapping_sha256 was"):
        quick(cg.atoms, model, tmp_path / "aa.xtc", batch_size=3, n_samples=2, part=(1, 2), resume=True).run()


def test_overwriting_discards_parts(cg, tmp_path):
    converted(cg, tmp_path / "aa.xtc", part=(1, 3), seed=5)
    with pytest.raises(ValueError, match="seed was 5, is 0"):
        converted(cg, tmp_path / "aa.xtc", resume=True)
    assert len(Parts(tmp_path / "aa.xtc").numbers) == 1
    converted(cg, tmp_path / "aa.xtc", overwrite=True)
    assert not Parts(tmp_path / "aa.xtc")


def test_a_part_that_is_being_made(cg, tmp_path):
    converted(cg, tmp_path / "aa.xtc", part=(1, 3))
    (part,) = Parts(tmp_path / "aa.xtc")
    part.lock.take()
    for options in ({"resume": True}, {"part": (1, 3), "resume": True}, {"overwrite": True}):
        with pytest.raises(InUse):
            converted(cg, tmp_path / "aa.xtc", **options)
    part.lock.release()
    converted(cg, tmp_path / "aa.xtc", resume=True)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((0, 3), "part=0: expected an integer of 1 or more"),
        ((4, 3), "part 4 of 3: parts are counted from 1 to 3"),
        ("3/40", "expected two whole numbers"),
        (3, "expected two whole numbers"),
    ],
)
def test_what_is_no_part(cg, tmp_path, part, message):
    with pytest.raises(ValueError, match=message):
        converted(cg, tmp_path / "aa.xtc", part=part)
    assert left(tmp_path) == []


def test_more_parts_than_groups(cg, tmp_path):
    """Some have no frames."""
    converted(cg, tmp_path / "whole.xtc")
    assert [converted(cg, tmp_path / "aa.xtc", part=(k, 20)).n_frames for k in range(1, 21)].count(0) == 6
    converted(cg, tmp_path / "aa.xtc", resume=True)
    assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_is_there_is_replaced_if_the_parts_had_leave_to(cg, tmp_path, overwrite):
    for k in (1, 2):
        converted(cg, tmp_path / "aa.xtc", part=(k, 2), overwrite=overwrite)
        (tmp_path / "aa.xtc").write_text("mine")
        if not overwrite and k == 1:
            (tmp_path / "aa.xtc").unlink()
    if not overwrite:
        with pytest.raises(FileExistsError, match="aa.xtc exists already"):
            converted(cg, tmp_path / "aa.xtc", resume=True)
        assert (tmp_path / "aa.xtc").read_text() == "mine" and len(Parts(tmp_path / "aa.xtc").numbers) == 2
    else:
        assert converted(cg, tmp_path / "aa.xtc", resume=True).resumed == N_FRAMES


def test_parts_need_a_file(cg):
    with pytest.raises(ValueError, match="part= needs a filename"):
        converted(cg, None, part=(1, 2))


class TestCommandLine:
    @pytest.fixture
    def convert(self, tmp_path, monkeypatch):
        from mdbackmap.datafiles import GO_PDB, GO_XTC

        monkeypatch.chdir(tmp_path)

        def run(*more, output="aa.xtc"):
            return main(["convert", GO_PDB, GO_XTC, "-o", output, "--stop", "5", "--batch-size", "2", *QUIETLY, *more])

        return run

    def test_join(self, convert, tmp_path, capsys, monkeypatch):
        assert convert(output="whole.xtc") == 0
        for k in (1, 3):
            assert convert("--part", f"{k}/3") == 0
        assert main(["join", "aa.xtc"]) == 1
        assert (
            "1 of 3 parts are missing or incomplete (2): run each with --part 2/3 --resume" in capsys.readouterr().err
        )
        assert convert("--part", "2/3") == 0 and convert("--part", "2/3", "--resume") == 0
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")  # where they are joined does not count
        assert main(["join", "../aa.xtc"]) == 0
        assert "wrote 5 frames" in capsys.readouterr().out and os.getcwd() == str(tmp_path / "elsewhere")
        for suffix in ("xtc", "pdb"):
            assert (tmp_path / f"aa.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()
        notes = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("aa", "whole")]
        assert notes[0] == notes[1]
        assert main(["join", "../aa.xtc"]) == 1
        assert "../aa.xtc is here, and no parts of ../aa.xtc are here" in capsys.readouterr().err

    def test_parts_without_frames(self, convert, tmp_path):
        assert convert(output="whole.xtc") == 0
        assert [convert("--part", f"{k}/5") for k in range(1, 6)] == [0] * 5
        assert main(["join", "aa.xtc"]) == 0 and not Parts("aa.xtc")
        assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()

    def test_moved_parts(self, convert, tmp_path, capsys):
        assert convert("--part", "1/1") == 0
        (tmp_path / "new").mkdir()
        shutil.move(tmp_path / ".aa.xtc.part-0001-of-0001", tmp_path / "new")
        assert main(["join", "new/aa.xtc"]) == 1
        assert "the parts of new/aa.xtc were moved: they are those of aa.xtc" in capsys.readouterr().err

    def test_a_join_that_was_killed_goes_on(self, convert, tmp_path, monkeypatch):
        from mdbackmap.writing import destination

        assert convert(output="whole.xtc") == 0
        for k in (1, 2):
            assert convert("--part", f"{k}/2") == 0
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(destination, "join", lambda *_: exit(9))
            main(["join", "aa.xtc"])
        assert not Parts("aa.xtc") and not os.path.exists("aa.xtc")
        assert main(["join", "aa.xtc"]) == 0
        assert (tmp_path / "aa.xtc").read_bytes() == (tmp_path / "whole.xtc").read_bytes()

    def test_usage(self, convert, capsys):
        for text in ("0/3", "4/3", "3", "a/b"):
            with pytest.raises(SystemExit):
                convert("--part", text)
            assert "expected a part such as 3/40" in capsys.readouterr().err

    @pytest.mark.slow
    def test_the_script_for_slurm(self, tmp_path, monkeypatch):
        from mdbackmap.datafiles import GO_PDB, GO_XTC

        monkeypatch.chdir(tmp_path)
        script = str(Path(__file__).parent.parent / "tutorials" / "scripts" / "slurm.sh")
        for task in ("1", "2"):
            environ = os.environ | {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_MAX": task, "PARTS": "2"}
            subprocess.run(["bash", script, GO_PDB, GO_XTC, "aa.xtc"], check=True, env=environ)
        subprocess.run(["bash", script, "join", "aa.xtc"], check=True)
        assert mda.Universe("aa.pdb", "aa.xtc").trajectory.n_frames == 50

    @pytest.mark.slow
    def test_the_script_for_snakemake(self, tmp_path, monkeypatch):
        """The shell lines of its rules, as snakemake fills them in; where it is installed, snakemake itself."""
        from mdbackmap.datafiles import GO_PDB, GO_XTC

        monkeypatch.chdir(tmp_path)
        cg = mda.Universe(GO_PDB, GO_XTC)
        cg.atoms.write("ca.pdb")
        cg.atoms.write("ca.xtc", frames=cg.trajectory[:4])
        script = Path(__file__).parent.parent / "tutorials" / "scripts" / "Snakefile"
        if shutil.which("snakemake"):
            config = ["topology=ca.pdb", "trajectory=ca.xtc", "parts=2"]
            subprocess.run(["snakemake", "-s", script, "--cores", "1", "--config", *config], check=True)
        else:
            names = {"config": {"parts": 2}}
            exec(re.search(r"^N = .*$", script.read_text(), re.MULTILINE)[0], names)
            rules = [rule for rule in script.read_text().split("\nrule ") if "shell:" in rule]
            lines = {rule.split(":")[0]: eval(rule.split("shell:\n")[1].strip(), names) for rule in rules}
            assert list(lines) == ["part", "join"]
            parts = [SimpleNamespace(part=k) for k in (1, 2)]
            filled = [lines["part"].format(input="ca.pdb ca.xtc", wildcards=part, threads=1) for part in parts]
            for command in (*filled, lines["join"]):
                subprocess.run(command, shell=True, check=True)
        assert mda.Universe("aa.pdb", "aa.xtc").trajectory.n_frames == 4
