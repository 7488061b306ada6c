"""Journeys along the command line, most through `main`, some as real processes."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap import checkpoint, datafiles
from mdbackmap.checkpoint import bundled
from mdbackmap.cli import build_parser, main, set_threads
from mdbackmap.cli.values import breaks, fasta, frames, sequence
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig

COMMAND = Path(sys.executable).with_name("mdbackmap")
XTC = 0.006  # angstrom: what the XTC format rounds to, and a little


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Twelve frames of the bundled Go trajectory, as file names."""
    folder = tmp_path_factory.mktemp("short")
    u = mda.Universe(GO_PDB, GO_XTC)
    u.trajectory[1]  # one whose beads can all be repaired
    u.atoms.write(str(folder / "ca.pdb"))
    u.atoms.write(str(folder / "ca.xtc"), frames=u.trajectory[1:13])
    return str(folder / "ca.pdb"), str(folder / "ca.xtc")


@pytest.fixture(scope="module")
def converted(short, tmp_path_factory):
    """The same, converted by the command line: topology and trajectory."""
    output = tmp_path_factory.mktemp("converted") / "aa.xtc"
    assert main(["convert", *short, "-o", str(output), "--quiet"]) == 0
    return str(output.with_suffix(".pdb")), str(output)


@pytest.fixture(scope="module")
def kept(short, tmp_path_factory):
    """The same with all beads where they were."""
    output = tmp_path_factory.mktemp("kept") / "aa.xtc"
    assert main(["convert", *short, "-o", str(output), "--quiet", "--bead-tolerance", "0"]) == 0
    return str(output.with_suffix(".pdb")), str(output)


def positions(*files):
    u = mda.Universe(*map(str, files))
    return np.array([u.atoms.positions for _ in u.trajectory])


def names(folder):
    """Files of a folder, without those in which MDAnalysis keeps the offsets of frames that it read."""
    return sorted(file.name for file in folder.iterdir() if "_offsets." not in file.name)


def refused(capsys, *arguments, status=1):
    """Run a command that has to fail, and return its one line of explanation."""
    assert main([str(argument) for argument in arguments]) == status
    lines = capsys.readouterr().err.strip().splitlines()
    errors = [line for line in lines if line.startswith("mdbackmap: error: ")]
    assert len(errors) == 1 and errors[0] == lines[-1], lines
    assert "Traceback" not in "".join(lines)
    return errors[0]


def write_trace(folder, resnames, beads, names="CA"):
    """A PDB of one chain of lone beads."""
    n = len(resnames)
    u = mda.Universe.empty(n, n_residues=n, atom_resindex=np.arange(n), trajectory=True)
    u.add_TopologyAttr("names", [names] * n)
    u.add_TopologyAttr("resnames", resnames)
    u.add_TopologyAttr("resids", np.arange(1, n + 1))
    u.add_TopologyAttr("chainIDs", ["A"] * n)
    u.atoms.positions = beads
    u.atoms.write(str(folder / "trace.pdb"))
    return folder / "trace.pdb"


@pytest.fixture
def helix():
    """C-alpha positions of a helix of eight residues, in angstrom."""
    turn = np.radians(100) * np.arange(8)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(8)], axis=1)


class TestConvert:
    def test_keeps_frames_times_and_beads(self, short, kept):
        cg, aa = mda.Universe(*short), mda.Universe(*kept)
        assert aa.trajectory.n_frames == cg.trajectory.n_frames == 12
        for coarse, fine in zip(cg.trajectory, aa.trajectory, strict=True):
            assert fine.time == pytest.approx(coarse.time, abs=1e-3)
            assert np.abs(aa.select_atoms("name CA").positions - cg.atoms.positions).max() <= XTC

    def test_same_seed_same_atoms_as_in_python(self, short, converted):
        import mdbackmap as mdb

        u = mdb.backmap(mda.Universe(*short), seed=0)
        for generated, written in zip(u.trajectory, positions(*converted), strict=True):
            assert np.abs(generated.positions - written).max() <= XTC

    def test_seed_decides(self, short, converted, tmp_path):
        assert main(["convert", *short, "-o", str(tmp_path / "aa.xtc"), "--quiet", "--seed", "1"]) == 0
        other = positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
        assert np.abs(other - positions(*converted)).max() > 0.5

    @pytest.mark.parametrize(
        ("arguments", "chosen"),
        [
            (["--frames", "3,7-9"], [3, 7, 8, 9]),
            (["--start", "2", "--stop", "9", "--step", "3"], [2, 5, 8]),
            (["--start", "-2"], [10, 11]),
        ],
    )
    def test_frames(self, short, converted, tmp_path, arguments, chosen):
        assert main(["convert", *short, "-o", str(tmp_path / "aa.xtc"), "--quiet", *arguments]) == 0
        part = positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
        assert np.abs(part - positions(*converted)[chosen]).max() <= 2 * XTC

    def test_samples_come_frame_by_frame(self, short, converted, tmp_path):
        arguments = ["--n-samples", "3", "--stop", "4", "--batch-size", "5"]
        assert main(["convert", *short, "-o", str(tmp_path / "aa.xtc"), "--quiet", *arguments]) == 0
        samples = positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc")
        samples = samples.reshape(4, 3, *samples.shape[1:])
        assert np.abs(samples[:, 0] - positions(*converted)[:4]).max() <= 2 * XTC
        assert (np.abs(samples[:, 1] - samples[:, 2]).max(axis=(1, 2)) > 0.5).all()

    def test_trajectory_may_follow_an_option(self, short, tmp_path, capsys):
        assert main(["convert", short[0], "-o", str(tmp_path / "aa.xtc"), short[1], "--stop", "2"]) == 0
        assert "2 frames" in capsys.readouterr().out

    def test_says_what_it_wrote_unless_quiet(self, short, tmp_path, capsys):
        output = tmp_path / "aa.xtc"
        assert main(["convert", *short, "-o", str(output), "--stop", "2"]) == 0
        shown = capsys.readouterr()
        assert str(output) in shown.out and str(tmp_path / "aa.pdb") in shown.out and "100%" in shown.err
        assert main(["convert", *short, "-o", str(output), "--stop", "2", "--quiet", "--overwrite"]) == 0
        assert capsys.readouterr() == ("", "")

    def test_topology_with_these_atoms_stays_and_is_told(self, short, tmp_path, capsys):
        arguments = ["convert", *short, "-o", str(tmp_path / "aa.xtc"), "--stop", "1"]
        assert main(arguments) == 0
        first = (tmp_path / "aa.pdb").read_bytes()
        (tmp_path / "aa.xtc").unlink(), (tmp_path / "aa.json").unlink()
        capsys.readouterr()
        assert main([*arguments, "--seed", "3"]) == 0
        assert "aa.pdb was there" in capsys.readouterr().err and (tmp_path / "aa.pdb").read_bytes() == first
        assert main([*arguments, "--seed", "3", "--overwrite"]) == 0
        assert "REMARK     conversion.seed: 3" in (tmp_path / "aa.pdb").read_text()
        assert np.abs(positions(tmp_path / "aa.pdb") - positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc")).max() < XTC

    def test_selection(self, short, tmp_path):
        chosen = ["--select", "resid 2:21"]
        assert main(["convert", *short, "-o", str(tmp_path / "aa.xtc"), "--stop", "1", "--quiet", *chosen]) == 0
        assert mda.Universe(str(tmp_path / "aa.pdb")).residues.n_residues == 20

    def test_sequence_overrules_the_names(self, helix, tmp_path):
        trace = write_trace(tmp_path, ["UNK"] * 8, helix)
        told = ["--sequence", "ACDEFGHI", "--no-hydrogens", "--quiet"]
        assert main(["convert", str(trace), "-o", str(tmp_path / "aa.pdb"), *told]) == 0
        names = mda.Universe(str(tmp_path / "aa.pdb")).residues.resnames
        assert names.tolist() == ["ALA", "CYS", "ASP", "GLU", "PHE", "GLY", "HIS", "ILE"]


class TestBadInput:
    def test_missing_file(self, capsys, tmp_path):
        assert "nowhere.pdb" in refused(capsys, "convert", "nowhere.pdb", "-o", tmp_path / "aa.xtc")

    def test_missing_folder(self, capsys, short, tmp_path):
        assert "absent" in refused(capsys, "convert", *short, "-o", tmp_path / "absent" / "aa.xtc")

    def test_unknown_format_to_write(self, capsys, short, tmp_path):
        refused(capsys, "convert", *short, "-o", tmp_path / "aa.nonsense")
        assert names(tmp_path) == []

    def test_existing_output_is_kept(self, capsys, short, tmp_path):
        output = tmp_path / "aa.xtc"
        output.write_text("precious")
        assert "--overwrite" in refused(capsys, "convert", *short, "-o", output)
        assert output.read_text() == "precious"

    def test_complete_output_is_not_resumed(self, capsys, short, tmp_path):
        output = tmp_path / "aa.xtc"
        output.write_text("mine")
        assert "nothing to resume" in refused(capsys, "convert", *short, "-o", output, "--resume")
        assert output.read_text() == "mine"

    def test_resuming_what_is_complete_is_no_error(self, capsys, short, tmp_path):
        output = tmp_path / "aa.xtc"
        command = ["convert", *short, "-o", str(output), "--stop", "3", "--resume"]
        assert main(command) == 0
        written, _ = output.read_bytes(), capsys.readouterr()
        assert main(command) == 0
        assert capsys.readouterr().out == f"{output} is complete: there is nothing to resume\n"
        assert "other settings" in refused(capsys, *command, "--seed", "1")
        assert output.read_bytes() == written

    def test_box_smaller_than_a_chain(self, capsys, tmp_path):
        u = mda.Universe(GO_PDB)
        for edge, told in ((15.0, True), (90.0, False)):
            u.dimensions = [edge, edge, edge, 90, 90, 90]
            u.atoms.write(str(tmp_path / "boxed.pdb"))
            assert main(["convert", str(tmp_path / "boxed.pdb"), "-o", str(tmp_path / f"{edge:.0f}.pdb")]) == 0
            assert ("its box 15 A at most" in capsys.readouterr().err) == told

    def test_output_that_is_the_input(self, capsys, short):
        before = Path(short[1]).read_bytes()
        refused(capsys, "convert", *short, "-o", short[1], "--overwrite")
        assert Path(short[1]).read_bytes() == before

    def test_topology_beside_the_output_that_is_the_input(self, capsys, short):
        before = Path(short[0]).read_bytes()
        refused(capsys, "convert", *short, "-o", Path(short[0]).with_suffix(".h5md"), "--overwrite")
        assert Path(short[0]).read_bytes() == before

    def test_unknown_residue_is_named_and_an_alias_helps(self, capsys, helix, tmp_path):
        trace = write_trace(tmp_path, ["ALA"] * 7 + ["XYZ"], helix)
        assert "XYZ" in refused(capsys, "convert", trace, "-o", tmp_path / "aa.pdb")
        assert not (tmp_path / "aa.pdb").exists()
        assert main(["convert", str(trace), "-o", str(tmp_path / "aa.pdb"), "--alias", "XYZ=SER", "--quiet"]) == 0
        assert mda.Universe(str(tmp_path / "aa.pdb")).residues.resnames[-1] == "SER"

    def test_nanometres(self, capsys, helix, tmp_path):
        trace = write_trace(tmp_path, ["ALA"] * 8, helix / 10)
        assert "--scale 10" in refused(capsys, "convert", trace, "-o", tmp_path / "aa.pdb")
        assert "--scale 10" in refused(capsys, "check", "--trace", trace)
        kept = ["--bead-tolerance", "0", "--quiet"]
        assert main(["convert", str(trace), "-o", str(tmp_path / "aa.pdb"), "--scale", "10", *kept]) == 0
        ca = mda.Universe(str(tmp_path / "aa.pdb")).select_atoms("name CA")
        assert abs(ca.positions - helix).max() < 0.01
        assert main(["check", "--trace", str(trace), "--scale", "10"]) == 0

    def test_not_finite(self, capsys, short, tmp_path):
        u = mda.Universe(*short)
        with mda.Writer(str(tmp_path / "bad.dcd"), u.atoms.n_atoms) as writer:
            for ts in u.trajectory[:6]:
                if ts.frame == 4:
                    ts.positions[3] = np.nan
                writer.write(u.atoms)
        message = refused(capsys, "convert", short[0], tmp_path / "bad.dcd", "-o", tmp_path / "aa.xtc")
        assert "frame 4" in message
        assert not (tmp_path / "aa.xtc").exists()

    @pytest.mark.slow
    @pytest.mark.parametrize(("frame", "chosen"), [(0, ["--start", "1"]), (5, ["--stop", "5"])])
    def test_not_finite_frames_may_be_left_out(self, capsys, short, tmp_path, frame, chosen):
        u = mda.Universe(*short)
        with mda.Writer(str(tmp_path / "bad.dcd"), u.atoms.n_atoms) as writer:
            for ts in u.trajectory[:6]:
                if ts.frame == frame:
                    ts.positions[3] = np.nan
                writer.write(u.atoms)
        arguments = ["convert", short[0], str(tmp_path / "bad.dcd"), "-o", str(tmp_path / "aa.xtc"), "--quiet"]
        assert f"frame {frame}:" in refused(capsys, *arguments)
        assert main([*arguments, *chosen]) == 0

    def test_cut_off_trajectory(self, capsys, short, tmp_path):
        (tmp_path / "cut.xtc").write_bytes(Path(short[1]).read_bytes()[:-100])
        arguments = ["convert", short[0], str(tmp_path / "cut.xtc"), "-o", str(tmp_path / "aa.xtc"), "--quiet"]
        message = refused(capsys, *arguments)
        assert "cut.xtc cannot be read" in message and "frame 11 of" in message
        assert not (tmp_path / "aa.xtc").exists()
        assert main([*arguments, "--stop", "11", "--overwrite"]) == 0
        arguments = ["coarsen", short[0], str(tmp_path / "cut.xtc"), "-o", str(tmp_path / "less.xtc"), "--quiet"]
        assert "frame 11 of 12" in refused(capsys, *arguments) and not (tmp_path / "less.xtc").exists()

    def test_empty_file(self, capsys, short, tmp_path):
        (tmp_path / "none.xtc").touch()
        assert "is empty" in refused(capsys, "convert", short[0], tmp_path / "none.xtc", "-o", tmp_path / "aa.xtc")

    def test_output_that_is_a_folder(self, capsys, short, tmp_path):
        for verb, name in (("convert", "aa.xtc"), ("convert", "aa.h5md"), ("coarsen", "aa.xtc"), ("coarsen", "aa.gro")):
            (tmp_path / name).mkdir(exist_ok=True)
            message = refused(capsys, verb, *short, "-o", tmp_path / name, "--overwrite", "--stop", "1")
            assert "is a folder" in message
        assert names(tmp_path) == ["aa.gro", "aa.h5md", "aa.xtc"]

    def test_unknown_format_to_coarsen_to(self, capsys, short, tmp_path):
        for name in ("ca", "ca.nonsense"):
            assert "MDAnalysis writes no such" in refused(capsys, "coarsen", *short, "-o", tmp_path / name)
        assert names(tmp_path) == []

    def test_coarsen_to_another_name_of_the_input(self, capsys, short, tmp_path):
        before = Path(short[1]).read_bytes()
        os.link(short[1], tmp_path / "hard.xtc")
        assert "is an input" in refused(capsys, "coarsen", *short, "-o", tmp_path / "hard.xtc", "--overwrite")
        assert Path(short[1]).read_bytes() == before and names(tmp_path) == ["hard.xtc"]

    @pytest.mark.slow
    @pytest.mark.parametrize("ending", ["xtc", "trr"])
    def test_number_of_beads_changes_on_the_way(self, capsys, short, tmp_path, ending):
        u = mda.Universe(*short)
        u.atoms.write(str(tmp_path / f"a.{ending}"), frames=u.trajectory[:4])
        u.atoms[:50].write(str(tmp_path / f"b.{ending}"), frames=u.trajectory[:4])
        joined = tmp_path / f"joined.{ending}"
        joined.write_bytes(b"".join((tmp_path / f"{x}.{ending}").read_bytes() for x in "ab"))
        arguments = ["convert", short[0], str(joined), "-o", str(tmp_path / "aa.xtc"), "--quiet"]
        assert "frame 4 of 8" in (message := refused(capsys, *arguments)) and "50 atoms" in message
        assert not (tmp_path / "aa.xtc").exists()
        assert main([*arguments, "--stop", "4", "--overwrite"]) == 0

    def test_not_a_structure(self, capsys, tmp_path):
        (tmp_path / "notes.md").write_text("not a structure")
        message = refused(capsys, "convert", tmp_path / "notes.md", "-o", tmp_path / "aa.xtc")
        assert "notes.md" in message and len(message) < 300

    def test_empty_selection(self, capsys, short, tmp_path):
        assert "none of the 56" in refused(capsys, "convert", *short, "-o", tmp_path / "a.xtc", "--select", "name QQ")

    def test_no_frames_chosen(self, capsys, short, tmp_path):
        refused(capsys, "convert", *short, "-o", tmp_path / "aa.xtc", "--start", "12")
        assert not (tmp_path / "aa.xtc").exists()

    def test_other_number_of_beads(self, capsys, short, helix, tmp_path):
        trace = write_trace(tmp_path, ["ALA"] * 8, helix)
        message = refused(capsys, "convert", trace, short[1], "-o", tmp_path / "aa.xtc")
        assert "ca.xtc has 56" in message and "trace.pdb has 8" in message

    def test_unknown_model(self, capsys, short, tmp_path):
        assert "genzprot" in refused(capsys, "convert", *short, "-o", tmp_path / "aa.xtc", "--model", "oracle")

    def test_debug_shows_where(self, capsys):
        assert main(["convert", "nowhere.pdb", "-o", "aa.xtc", "--debug"]) == 1
        shown = capsys.readouterr().err
        assert "Traceback" in shown and "open_universe" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "ca.pdb"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--n-samples", "0"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--temperature", "-1"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--temperature", "nan"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--batch-size", "many"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--alias", "XYZ"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--frames", "1,b"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--frames", "1", "--step", "2"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--step", "0"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--resume", "--overwrite"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--workers", "2", "--threads", "2"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--workers", "0"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--scale", "0"],
        ["check", "aa.pdb", "--scale", "10"],
        ["convert", "ca.pdb", "-o", "aa.xtc", "--colour", "red"],
        ["models", "surplus"],
        ["models", "genzprot", "--names"],
        ["transmogrify"],
    ],
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_cascades_are_judged_by_either_word():
    args = build_parser().parse_args(["evaluate", "aa.pdb", "--chain", "one.pt", "--cascade", "two.pt"])
    assert args.chain == ["one.pt", "two.pt"]


def test_no_verb_shows_help(capsys):
    assert main([]) == 2
    assert "convert" in capsys.readouterr().err


def test_help_of_each_verb_has_an_explanation_for_each_option():
    verbs = build_parser()._subparsers._group_actions[0].choices
    assert {"convert", "coarsen", "check", "evaluate", "demo", "models"} <= set(verbs)
    for verb in verbs.values():
        assert verb.description
        assert all(action.help for action in verb._actions)
        assert verb.format_help()


def test_coarsen_gives_back_the_beads(short, kept, tmp_path, capsys):
    output = tmp_path / "ca.xtc"
    assert main(["coarsen", *kept, "--mapping", "ca", "-o", str(output), "--step", "2"]) == 0
    assert "6 frames of 56 beads" in capsys.readouterr().out
    assert np.abs(positions(tmp_path / "ca.pdb", output) - positions(*short)[::2]).max() <= 2 * XTC
    assert names(tmp_path) == ["ca.pdb", "ca.xtc"]
    assert "--overwrite" in refused(capsys, "coarsen", *kept, "-o", output)


def test_coarsen_real_atoms(tmp_path, capsys):
    assert main(["coarsen", TRPCAGE_PDB, TRPCAGE_XTC, "-o", str(tmp_path / "ca.xtc"), "--quiet"]) == 0
    atoms = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    ca = np.array([atoms.select_atoms("name CA").positions for _ in atoms.trajectory])
    assert np.abs(positions(tmp_path / "ca.pdb", tmp_path / "ca.xtc") - ca).max() <= XTC
    beads = mda.Universe(str(tmp_path / "ca.pdb"))
    assert beads.residues.resnames.tolist() == atoms.select_atoms("name CA").resnames.tolist()
    refused(capsys, "coarsen", TRPCAGE_PDB, TRPCAGE_XTC, "-o", tmp_path / "other.xtc", "--mapping", "martini4")
    refused(capsys, "coarsen", TRPCAGE_PDB, "-o", tmp_path / "none.xtc", "--start", "5")
    assert names(tmp_path) == ["ca.pdb", "ca.xtc"]


def test_coarsen_one_frame_into_a_format_for_one(tmp_path):
    assert main(["coarsen", COMPLEX_PDB, "-o", str(tmp_path / "ca.gro"), "--quiet"]) == 0
    beads = mda.Universe(str(tmp_path / "ca.gro"))
    assert beads.atoms.n_atoms == 194
    chains = mda.Universe(str(tmp_path / "ca.pdb")).atoms.chainIDs
    assert sorted(set(chains)) == ["A", "D"]


def test_coarsen_refuses_to_replace_its_input(converted, capsys):
    before = Path(converted[0]).read_bytes()
    refused(capsys, "coarsen", converted[0], "-o", converted[0], "--overwrite")
    assert Path(converted[0]).read_bytes() == before


def test_models_one_a_line(capsys):
    assert main(["models", "--quiet"]) == 0
    heads, *lines = capsys.readouterr().out.splitlines()
    assert heads.split()[:3] == ["model", "family", "for"]
    assert [line.split()[0] for line in lines] == sorted(bundled())
    assert "any protein" in lines[-1] and "10 beads to 93 atoms" in lines[1] and "4040 frames" in lines[1]
    assert all(len(line) < 150 and " MB " in line and "{" not in line for line in lines)


def test_models_for_c_alphas_alone_say_so(tmp_path, capsys):
    checkpoint.save(tmp_path / "old.pt", GenZProt(GenZProtConfig(n_features=8, n_layers=1)), {})
    assert main(["models", str(tmp_path / "old.pt")]) == 0
    assert "any protein, C-alphas to atoms" in capsys.readouterr().out


def test_models_that_are_named_in_full(tmp_path, capsys):
    copy = shutil.copy(bundled()["genzprot"], tmp_path / "mine.pt")
    assert main(["models", "cgvae-chignolin", str(copy)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("  sha256 ") == 2 and str(copy) in shown and "  training " in shown
    assert main(["models", "genzprot", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert found["genzprot"]["family"] == "genzprot" and len(found["genzprot"]["sha256"]) == 64


@pytest.mark.slow
def test_demo(tmp_path, capsys):
    from matplotlib.image import imread

    assert main(["demo", "-o", str(tmp_path / "demo")]) == 0
    shown = capsys.readouterr().out
    assert "Ramachandran" in shown and "frames/s" in shown
    picture = imread(tmp_path / "demo" / "beads-and-atoms.png")
    for panel in np.array_split(picture, 3, axis=1):
        assert (panel[..., :3] < 0.9).any(axis=-1).mean() > 0.05
    cg = mda.Universe(GO_PDB, GO_XTC)
    atoms = mda.Universe(str(tmp_path / "demo" / "aa.pdb"), str(tmp_path / "demo" / "aa.xtc"))
    assert atoms.trajectory.n_frames == cg.trajectory.n_frames


def interruptible():
    """A shell that starts the tests in the background makes them, and what they start, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
class TestProcess:
    """The installed command, in a process of its own."""

    def run(self, *arguments, **options):
        command = [COMMAND, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, **options)

    def test_workers(self, short, kept, tmp_path):
        """The same atoms, and a progress bar, from two processes; here by ``python -m``."""
        command = [sys.executable, "-m", "mdbackmap", "convert", *short, "-o", str(tmp_path / "aa.xtc")]
        command += ["--workers", "2", "--bead-tolerance", "0"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "12/12" in done.stderr and "Traceback" not in done.stderr
        assert np.abs(positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc") - positions(*kept)).max() <= 2 * XTC

    def test_convert(self, short, kept, tmp_path):
        done = self.run("convert", *short, "-o", tmp_path / "aa.xtc", "--bead-tolerance", "0")
        assert done.returncode == 0, done.stderr
        assert "12 frames" in done.stdout and "Warning" not in done.stderr
        assert np.abs(positions(tmp_path / "aa.pdb", tmp_path / "aa.xtc") - positions(*kept)).max() <= 2 * XTC

    def test_status_and_message_of_a_refusal(self, tmp_path):
        done = self.run("convert", "nowhere.pdb", "-o", "aa.xtc", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "mdbackmap: error: no such file: nowhere.pdb\n"

    def test_only_our_own_words(self, short, tmp_path):
        (tmp_path / "noise.xtc").write_bytes(b"noise" * 100)
        done = self.run("convert", short[0], tmp_path / "noise.xtc", "-o", tmp_path / "aa.xtc")
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
        done = self.run("convert", short[0], "-o", tmp_path / "aa.xtc")
        assert done.returncode == 0 and "warning" not in done.stderr.lower(), done.stderr

    @pytest.mark.parametrize("verb", ["convert", "coarsen"])
    @pytest.mark.parametrize("ending", ["h5md", "xtc", "dcd"])
    def test_file_that_cannot_grow(self, tmp_path, verb, ending):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

        output = tmp_path / f"aa.{ending}"
        quick = ["--bead-tolerance", "0"] if verb == "convert" else []
        done = self.run(verb, GO_PDB, GO_XTC, "-o", output, "--quiet", *quick, preexec_fn=small)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.splitlines()[-1].startswith("mdbackmap: error: cannot write ")
        assert list(tmp_path.iterdir()) == []

    def test_idle_threads_sleep(self):
        code = "import os, mdbackmap.cli as c, sys; c.main(['models', '--names']); print(os.environ['OMP_WAIT_POLICY'])"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
        assert done.stdout.splitlines()[-1] == "passive"

    def test_interrupted_then_resumed(self, short, tmp_path):
        whole, broken = tmp_path / "whole", tmp_path / "broken"
        whole.mkdir(), broken.mkdir()
        arguments = ["convert", *short, "--n-samples", "8", "--batch-size", "8", "--bead-tolerance", "0"]
        assert self.run(*arguments, "-o", whole / "aa.xtc").returncode == 0
        command = [COMMAND, *map(str, arguments), "-o", str(broken / "aa.xtc")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=interruptible)
        deadline = time.monotonic() + 300
        while not list(broken.rglob("????????????-????????????-*.xtc")) and time.monotonic() < deadline:  # whole
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 130, said
        assert "are complete and kept: resume=True (--resume) goes on from there" in said and "Traceback" not in said
        assert not (broken / "aa.xtc").exists()
        assert self.run(*arguments, "-o", broken / "aa.xtc", "--resume").returncode == 0
        one, other = (positions(folder / "aa.pdb", folder / "aa.xtc") for folder in (whole, broken))
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= 2 * XTC


def test_interrupt_has_its_status(monkeypatch, capsys):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("mdbackmap.cli.models.run", stop)
    assert main(["models"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.slow
def test_reader_that_leaves_is_no_error():
    """As under `| head`."""
    process = subprocess.Popen([COMMAND, "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=120) == 141 and said == ""


def test_threads_asked_for_come_first():
    environ = {"OMP_NUM_THREADS": "2", "SLURM_CPUS_PER_TASK": "3"}
    assert set_threads(5, dict(environ)) == 5
    assert set_threads(None, dict(environ)) == 2
    assert set_threads(None, {"SLURM_CPUS_PER_TASK": "3"}) == 3
    assert set_threads(None, {}) == len(os.sched_getaffinity(0))
    assert set_threads(None, {"OMP_NUM_THREADS": "nonsense", "SLURM_CPUS_PER_TASK": "0"}) >= 1


def test_a_wait_policy_of_the_user_stays():
    environ = {"OMP_WAIT_POLICY": "active"}
    set_threads(None, environ)
    assert environ["OMP_WAIT_POLICY"] == "active"


def test_option_values():
    assert frames("0,5,10-12") == [0, 5, 10, 11, 12]
    assert frames("-1") == [-1]
    assert breaks("auto") == "auto"
    assert breaks("41,B:17") == [41, ("B", 17)]
    assert sequence("mkv") == "MKV"


def test_fasta(tmp_path):
    file = tmp_path / "chains.fasta"
    file.write_text(">one\nMKV\nLLG*\n>two\nGG\n")
    assert fasta(file) == ["MKVLLG", "GG"] == sequence(str(file))


def test_provenance_beside_the_output(converted):
    notes = [file for file in Path(converted[1]).parent.iterdir() if file.suffix == ".json"]
    assert len(notes) == 1
    assert json.loads(notes[0].read_text())["conversion"]["seed"] == 0


class TestMessages:
    """One short line of what happened; details with --verbose, nothing but warnings with --quiet."""

    COMMAND = ("convert", GO_PDB, GO_XTC, "--frames", "0")

    def shown(self, capsys, tmp_path, *more):
        assert main([*self.COMMAND, "-o", str(tmp_path / "aa.xtc"), "--overwrite", *more]) == 0
        return capsys.readouterr()

    def test_one_short_line_of_beads_that_may_move(self, capsys, tmp_path):
        (line,) = (x for x in self.shown(capsys, tmp_path).err.splitlines() if "may move" in x)
        assert len(line) < 160 and "nats" not in line and "--bead-tolerance 0" in line

    def test_details_with_verbose(self, capsys, tmp_path):
        shown = self.shown(capsys, tmp_path, "--verbose")
        assert "nats a residue (crystals:" in shown.err and "Traceback" not in shown.err
        assert "CA-CA distances" in shown.out and "CA-CA distances" not in self.shown(capsys, tmp_path).out

    def test_nothing_with_quiet(self, capsys, tmp_path):
        assert self.shown(capsys, tmp_path, "--quiet") == ("", "")

    def test_no_notice_where_nothing_is_left_to_do(self, capsys, tmp_path):
        command = [*self.COMMAND, "-o", str(tmp_path / "aa.xtc")]
        assert main([*command, "--quiet"]) == 0 and main([*command, "--resume"]) == 0
        shown = capsys.readouterr()
        assert "nothing to resume" in shown.out and "may move" not in shown.err

    def test_quiet_and_verbose_contradict(self, capsys, tmp_path):
        with pytest.raises(SystemExit):
            main([*self.COMMAND, "-o", str(tmp_path / "aa.xtc"), "--quiet", "--verbose"])


class TestDatafiles:
    def test_listed(self, capsys):
        assert main(["datafiles"]) == 0
        listed = capsys.readouterr().out
        files = {Path(getattr(datafiles, name)).name for name in datafiles.__all__}
        assert all(name in listed for name in files)
        assert {Path(file).name for _, found in datafiles.described().values() for file in found} == files

    def test_copied_and_left_where_they_are_the_same(self, capsys, tmp_path):
        for _ in range(2):
            assert main(["datafiles", "go", "--copy", str(tmp_path / "new")]) == 0
        assert sorted(x.name for x in (tmp_path / "new").iterdir()) == ["go_protein_g.pdb", "go_protein_g.xtc"]
        assert (tmp_path / "new" / "go_protein_g.xtc").read_bytes() == Path(GO_XTC).read_bytes()

    def test_another_file_of_that_name_is_kept(self, capsys, tmp_path):
        (tmp_path / "go_protein_g.xtc").write_text("mine")
        assert "--overwrite" in refused(capsys, "datafiles", "go", "--copy", tmp_path)
        assert [x.name for x in tmp_path.iterdir()] == ["go_protein_g.xtc"]
        assert (tmp_path / "go_protein_g.xtc").read_text() == "mine"
        assert main(["datafiles", "go", "--copy", str(tmp_path), "--overwrite", "--quiet"]) == 0
        assert (tmp_path / "go_protein_g.xtc").read_bytes() == Path(GO_XTC).read_bytes()

    def test_unknown_name(self, capsys):
        with pytest.raises(SystemExit):
            main(["datafiles", "gone"])
        assert "trpcage" in capsys.readouterr().err


def test_coarsen_models_of_a_pdb_file_to_h5md(short, tmp_path):
    """PDB files have no unit of time, and B-factors in each frame: MDAnalysis cannot read its H5MD files of that."""
    cg = mda.Universe(*short)
    cg.atoms.write(tmp_path / "models.pdb", frames=cg.trajectory[:3])
    assert main(["coarsen", str(tmp_path / "models.pdb"), "-o", str(tmp_path / "cg.h5md"), "--quiet"]) == 0
    written = mda.Universe(tmp_path / "cg.pdb", tmp_path / "cg.h5md")
    for there, here in zip(written.trajectory, cg.trajectory[:3], strict=True):
        np.testing.assert_allclose(there.positions, here.positions, atol=1e-3)


@pytest.mark.parametrize("seed", [2**63, 10**30])
def test_seeds_of_any_length_in_h5md(short, tmp_path, seed):
    arguments = ["convert", *short, "-o", str(tmp_path / "aa.h5md"), "--stop", "1", "--seed", str(seed), "--quiet"]
    assert main(arguments) == 0
    assert main([*arguments, "--resume"]) == 0
