"""Journeys through ``mdbackmap evaluate`` and ``mdbackmap check``."""

import json
import shutil
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from traces import tiny

from mdbackmap import checkpoint
from mdbackmap.cli import main, options
from mdbackmap.cli.protein_input import grouped, has_topology
from mdbackmap.datafiles import (
    CHIGNOLIN_PDB,
    CHIGNOLIN_XTC,
    COMPLEX_PDB,
    DIPEPTIDE_PDB,
    DIPEPTIDE_XTC,
    GO_PDB,
    GO_XTC,
    TRPCAGE_PDB,
    TRPCAGE_XTC,
)
from mdbackmap.files import save_json


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Shaken copies of trp-cage: one frame (one.pdb), all frames (all.xtc), two samples of each (samples.xtc)."""
    folder = tmp_path_factory.mktemp("generated")
    u = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    rng = np.random.default_rng(0)
    free = u.atoms.names != "CA"
    with (
        mda.Writer(str(folder / "all.xtc"), len(u.atoms)) as once,
        mda.Writer(str(folder / "samples.xtc"), len(u.atoms)) as twice,
    ):
        for _ in u.trajectory:
            true = u.atoms.positions
            for copy in range(2):
                u.atoms.positions = true + 0.2 * rng.normal(size=true.shape) * free[:, None]
                twice.write(u.atoms)
                if copy == 0:
                    once.write(u.atoms)
    one = mda.Universe(TRPCAGE_PDB)
    one.atoms.positions += 0.2 * rng.normal(size=true.shape) * free[:, None]
    one.atoms.write(str(folder / "one.pdb"))
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A checkpoint of a tiny untrained network."""
    filename = tmp_path_factory.mktemp("weights") / "tiny.pt"
    checkpoint.save(filename, tiny(), {"data": "none"})
    return str(filename)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def refused(capsys, *arguments, status=1):
    assert run(*arguments) == status
    return capsys.readouterr().err.strip().splitlines()[-1]


def value(out, label):
    line = next(line for line in out.splitlines() if line.startswith(label))
    return [float(word) for word in line[len(label) :].split() if word.lstrip("-")[:1].isdigit()]


def test_one_structure(files, tmp_path, capsys):
    assert run("evaluate", TRPCAGE_PDB, files / "one.pdb", "--json", tmp_path / "out.json") == 0
    out = capsys.readouterr().out
    assert "20 residues, 1 frame" in out and "worst residues" in out
    rmsd = value(out, "RMSD, all heavy atoms            A")[0]
    assert 0.2 < rmsd < 0.45
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["structures"][0]["mean"]["rmsd"] == pytest.approx(rmsd, abs=6e-4)
    assert content["mean"]["rmsd"] == content["structures"][0]["mean"]["rmsd"]


def test_several_structures_and_their_mean(files, capsys):
    arguments = [TRPCAGE_PDB, TRPCAGE_PDB, files / "one.pdb", "--worst", "0"]
    assert run("evaluate", *arguments) == 0
    out = capsys.readouterr().out
    heads = next(line for line in out.splitlines() if line.endswith("mean")).split()
    assert heads == ["trpcage_heavy", "one", "mean"]
    first, second, mean = value(out, "RMSD, all heavy atoms            A")
    assert first == 0 and mean == pytest.approx(second / 2, abs=1e-3)
    assert "worst" not in out


def test_trajectories_frame_by_frame_and_in_part(files, tmp_path, capsys):
    generated = [TRPCAGE_PDB, files / "all.xtc"]
    assert run("evaluate", TRPCAGE_PDB, TRPCAGE_XTC, *generated, "--json", tmp_path / "all.json") == 0
    assert "phi distributions" in capsys.readouterr().out
    frames = json.loads((tmp_path / "all.json").read_text())["structures"][0]["frames"]
    assert len(frames) == 20 and max(frame["bead_deviation"] for frame in frames) < 0.02
    some = ["--frames", "3,7", "--json", tmp_path / "some.json", "--quiet"]
    assert run("evaluate", TRPCAGE_PDB, TRPCAGE_XTC, *generated, *some) == 0
    assert capsys.readouterr().out == ""
    part = json.loads((tmp_path / "some.json").read_text())["structures"][0]["frames"]
    assert [frame["rmsd"] for frame in part] == [frames[3]["rmsd"], frames[7]["rmsd"]]


def test_samples_with_a_topology_for_all(files, tmp_path, capsys):
    arguments = [
        "--top",
        TRPCAGE_PDB,
        TRPCAGE_XTC,
        files / "samples.xtc",
        "--step",
        "10",
        "--plots",
        tmp_path / "plots",
    ]
    assert run("evaluate", *arguments) == 0
    out = capsys.readouterr().out
    assert "2 frames, 2 samples of each" in out and value(out, "largest shift of a CA            A")[0] < 0.02
    assert value(out, "RMSD, best of the samples        A")[0] < value(out, "RMSD, all heavy atoms            A")[0]
    assert sorted(file.name for file in (tmp_path / "plots").iterdir()) == [
        f"samples-{what}.png" for what in ("chis", "clashes", "ramachandran", "residues")
    ]


def test_folders_are_compared_by_name(files, tmp_path, capsys):
    for folder, name, file in (("a", "x.pdb", TRPCAGE_PDB), ("a", "y.pdb", COMPLEX_PDB), ("a", "only.pdb", GO_PDB)):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / folder / name)
    (tmp_path / "b").mkdir()
    shutil.copy(files / "one.pdb", tmp_path / "b" / "x.pdb")
    shutil.copy(COMPLEX_PDB, tmp_path / "b" / "y.pdb")
    assert run("evaluate", tmp_path / "a", tmp_path / "b") == 0
    out, err = capsys.readouterr()
    assert f"only in {tmp_path / 'a'}, not judged: only.pdb" in err and f"only in {tmp_path / 'b'}" not in err
    first, second, mean = value(out, "RMSD, all heavy atoms            A")
    assert first > 0 and second == 0 and mean == pytest.approx(first / 2, abs=1e-3)
    assert "expected two folders" in refused(capsys, "evaluate", tmp_path / "a", files / "one.pdb")


def test_many_files_in_one_folder_only_are_counted(tmp_path, capsys):
    for folder, names in (("a", "xbcdefgh"), ("b", "x")):
        (tmp_path / folder).mkdir()
        for name in names:
            shutil.copy(TRPCAGE_PDB, tmp_path / folder / f"{name}.pdb")
    assert run("evaluate", tmp_path / "a", tmp_path / "b", "--quiet") == 0
    assert "not judged: b.pdb, c.pdb, d.pdb, e.pdb, f.pdb and 2 more" in capsys.readouterr().err


def test_residues_that_the_generated_protein_lacks(tmp_path, capsys):
    with open(COMPLEX_PDB, "rb") as whole:
        (tmp_path / "cut.pdb").write_bytes(whole.read(60000))
    assert run("evaluate", COMPLEX_PDB, tmp_path / "cut.pdb", "--json", tmp_path / "cut.json") == 0
    out, err = capsys.readouterr()
    assert "lacks 99 of the 194 residues of" in err and "in chain A, 87 of 87 in chain D" in err
    assert "95 residues of the reference's 194" in out
    assert json.loads((tmp_path / "cut.json").read_text())["structures"][0]["missing_residues"] == 99
    assert run("evaluate", tmp_path / "cut.pdb", COMPLEX_PDB) == 0
    assert "lacks" not in capsys.readouterr().err


def test_refusals(files, tmp_path, capsys):
    assert "no such file" in refused(capsys, "evaluate", TRPCAGE_PDB, "nowhere.pdb")
    assert "nothing to compare" in refused(capsys, "evaluate", TRPCAGE_PDB)
    assert "is a trajectory" in refused(capsys, "evaluate", TRPCAGE_XTC, TRPCAGE_PDB)
    assert "no other backbone atoms" in refused(capsys, "check", GO_PDB)
    assert "frame 99" in refused(capsys, "check", TRPCAGE_PDB, TRPCAGE_XTC, "--frames", "99")
    assert "1 frame and" in refused(capsys, "evaluate", TRPCAGE_PDB, TRPCAGE_XTC, files / "one.pdb")
    for wrong in (
        ["evaluate"],
        ["evaluate", "--benchmark", "--pack", "x"],
        ["evaluate", "--pack", "x", TRPCAGE_PDB],
        ["evaluate", "--benchmark", TRPCAGE_PDB],
        ["evaluate", "--benchmark", "--ensembles", "x"],
    ):
        with pytest.raises(SystemExit) as caught:
            run(*wrong)
        assert caught.value.code == 2


@pytest.mark.parametrize("verb", [["check"], ["check", "--trace"], ["evaluate", TRPCAGE_PDB]])
def test_places_that_cannot_be_written_to_are_refused_first(verb, tmp_path, capsys, monkeypatch):
    def read(*_):
        raise AssertionError("read before the places were looked at")

    monkeypatch.setattr(options, "open_universe", read)
    (tmp_path / "file").write_text("mine")
    file = shutil.copy(TRPCAGE_PDB, tmp_path / "in.pdb")
    for option, place, words in (
        ("--json", tmp_path, "is a folder, expected the name of a file"),
        ("--json", tmp_path / "none" / "x.json", "no such folder for --json"),
        ("--json", tmp_path / "file" / "x.json", "no such folder for --json"),
        ("--json", file, "is an input"),
        ("--plots", tmp_path / "file", "is a file, expected a folder"),
        ("--plots", tmp_path / "file" / "plots", "is a file, expected a folder"),
    ):
        assert words in refused(capsys, *verb, file, option, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in.pdb"]
    assert (tmp_path / "file").read_text() == "mine"


def test_json_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        save_json({"rmsd": 1.0}, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_check_a_trajectory(tmp_path, capsys):
    arguments = ["--step", "5", "--json", tmp_path / "out.json", "--plots", tmp_path / "plots", "--worst", "2"]
    assert run("check", TRPCAGE_PDB, TRPCAGE_XTC, *arguments) == 0
    out = capsys.readouterr().out
    assert "20 residues, 4 frames" in out and "RMSD" not in out
    assert value(out, "bonds within 10%                 %") == [100.0]
    listed = out[out.index("frames:") : out.index("worst")].splitlines()[2:]
    assert len(listed) == 4 and len(out[out.index("worst") :].splitlines()) == 3
    content = json.loads((tmp_path / "out.json").read_text())["structures"][0]
    assert "beyond limits: 0 of 4 structures" in out and "clashes: heavy atoms" in out
    assert content["limits"]["pierced"] == "at most 0" and content["beyond_limits"] == []
    assert (tmp_path / "plots" / f"{Path(TRPCAGE_XTC).stem}-validity.png").stat().st_size > 10_000
    assert content["n_frames"] == 4 and len(content["by_residue"]["faults"]["angles"]) == 20


def test_files_that_are_not_what_their_names_say(tmp_path, capsys):
    for name in ("junk.pdb", "junk.gro", "junk.h5"):
        (tmp_path / name).write_text("hello world, this is garbage\nand more of it\n")
    said = refused(capsys, "check", tmp_path / "junk.pdb")
    assert f"finds no atoms in {tmp_path / 'junk.pdb'}" in said and "out of bounds" not in said
    said = refused(capsys, "check", tmp_path / "junk.gro")
    assert f"cannot read {tmp_path / 'junk.gro'} as what its name says" in said and "GROParser" not in said
    for option in ("--ensembles", "--pack"):
        said = refused(capsys, "evaluate", option, tmp_path / "junk.h5")
        assert f"{tmp_path / 'junk.h5'} is no HDF5 file: expected a file of 'mdbackmap pack'" in said
        assert "no such file: none.h5" in refused(capsys, "evaluate", option, "none.h5")
        assert "is a folder" in refused(capsys, "evaluate", option, tmp_path)


def test_coordinates_that_are_no_numbers(tmp_path, capsys):
    lines = Path(TRPCAGE_PDB).read_text().splitlines()
    wrong = [line[12:16].strip() in ("CE", "NZ") and line[22:26].strip() == "8" for line in lines]
    lines = [line[:30] + 3 * "     nan" + line[54:] if bad else line for line, bad in zip(lines, wrong, strict=True)]
    (tmp_path / "nan.pdb").write_text("\n".join(lines))
    for command in (["check"], ["evaluate", TRPCAGE_PDB]):
        said = refused(capsys, *command, tmp_path / "nan.pdb")
        assert "nan.pdb: frame 0" in said and "LYS 8 CE and 1 more are NaN or infinite" in said
        assert "mask" not in said


def test_check_says_where_a_structure_is_broken(tmp_path, capsys):
    u = mda.Universe(TRPCAGE_PDB)
    u.select_atoms("resid 8 and name CE").positions += [0, 0, 1.5]
    u.atoms.write(str(tmp_path / "broken.pdb"))
    assert run("check", tmp_path / "broken.pdb", "--worst", "1") == 0
    out = capsys.readouterr().out
    assert value(out, "bonds within 10%                 %")[0] < 100
    assert "LYS A 8" in out.splitlines()[-1] and "bond off" in out.splitlines()[-1]
    assert "beyond limits: 1 of 1 structures\n  frame 0: bonds within 10%" in out
    assert "1 of 1 frames are beyond the limits; frame 0: bonds" in refused(
        capsys, "check", tmp_path / "broken.pdb", "--strict"
    )
    assert run("check", TRPCAGE_PDB, "--strict", "--quiet") == 0


def test_files_into_proteins():
    assert [len(group) for group in grouped([TRPCAGE_PDB, TRPCAGE_XTC, GO_PDB, GO_XTC, COMPLEX_PDB])] == [2, 2, 1]
    assert grouped([TRPCAGE_XTC], top=TRPCAGE_PDB) == [[TRPCAGE_PDB, TRPCAGE_XTC]]
    assert has_topology("x.gro") and has_topology("x.psf") and not has_topology("x.dcd") and not has_topology("x.h5md")


@pytest.mark.slow
def test_benchmark(weights, tmp_path, capsys):
    options = [
        "--model",
        weights,
        "--limit",
        "2",
        "--n-samples",
        "2",
        "--temperature",
        "1",
        "--json",
        tmp_path / "b.json",
    ]
    assert run("evaluate", "--benchmark", *options) == 0
    out = capsys.readouterr().out
    assert "tiny, crystal: means over 2 chains" in out and "nats per residue" in out
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["model"]["sha256"] and content["n_samples"] == 2
    assert set(content["crystal"]) - {"PULCHRA"} == {"native", "T=1", "T=1, noisy beads", "T=1, noisy, auto"}
    assert len(content["crystal"]["T=1"]["chains"]) == 2 and content["nats"]["nats"] > 0


def test_a_model_of_one_molecule_is_not_judged_on_many(tmp_path, capsys):
    for run_of in (["--benchmark"], ["--pack", "x.h5"], ["--ensembles", "x.h5"]):
        said = refused(capsys, "evaluate", *run_of, "--model", "cgvae-chignolin")
        assert "cgvae model of one molecule" in said and "--cgvae MODEL or --chain MODEL" in said


def test_a_bundled_model_of_one_protein_among_chains(tmp_path, capsys):
    file = tmp_path / "found.json"
    options = ["--step", "200", "--temperature", "0", "--elbo", "--json", file]
    assert run("evaluate", "--chain", "cgvae-chignolin", CHIGNOLIN_PDB, CHIGNOLIN_XTC, *options) == 0
    assert "frames (of other files than it was trained on" in capsys.readouterr().out
    (found,) = json.loads(file.read_text())["models"].values()
    assert 0.3 < found["mean"]["rmsd"] < 2.5 and found["bounds"][0]["level"] == "atoms"
    said = refused(capsys, "evaluate", "--chain", "cgvae-chignolin", TRPCAGE_PDB, TRPCAGE_XTC)
    assert "cgvae-chignolin.pt was trained on 93" in said
    said = refused(capsys, "evaluate", "--chain", "cgvae-alanine-dipeptide", DIPEPTIDE_PDB, DIPEPTIDE_XTC)
    assert "no amino acids (ACE, NME)" in said and "use --cgvae cgvae-alanine-dipeptide" in said


@pytest.mark.slow
def test_own_chains(weights, tmp_path, capsys):
    (tmp_path / "structures").mkdir()
    shutil.copy(COMPLEX_PDB, tmp_path / "structures")
    pack = tmp_path / "own.h5"
    assert run("pack", tmp_path / "structures", "-o", pack, "--quiet") == 0
    options = ["--model", weights, "--n-samples", "2", "--temperature", "1", "--json", tmp_path / "own.json"]
    assert run("evaluate", "--pack", pack, *options) == 0
    out = capsys.readouterr().out
    assert "tiny, pack: means over 2 chains" in out and "independent" in out
    content = json.loads((tmp_path / "own.json").read_text())
    assert content["nats"]["nats"] > 0 and "chi1_in_50" in content["pack"]["T=1"]["mean"]
    assert run("evaluate", "--pack", TRPCAGE_PDB, *options) == 1


def test_ensembles_are_shown_one_by_one(weights, tmp_path, capsys):
    file = tmp_path / "ensembles.h5"
    assert run("pack", "--md", TRPCAGE_PDB, TRPCAGE_XTC, "--name", "cage", "--ensembles", "-o", file, "--quiet") == 0
    options = ["--model", weights, "--n-samples", "2", "--temperature", "1", "--per-system", "20"]
    assert run("evaluate", "--ensembles", file, *options) == 0
    out = capsys.readouterr().out
    assert "for each system" in out and any(line.split()[:3] == ["cage", "20", "20"] for line in out.splitlines())
    assert value(out, "chi1, half v. the other half     nats") and value(out, "true psi in the likeliest 90%    %")
    assert "nothing is left to judge" in refused(capsys, "evaluate", "--ensembles", file, *options, "--largest", "10")


def test_frames_keep_their_numbers(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert run("check", TRPCAGE_PDB, TRPCAGE_XTC, "--frames", "3,7", "--json", file) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("frames"))
    assert [line.split()[0] for line in lines[start + 2 : start + 4]] == ["3", "7"]
    assert json.loads(file.read_text())["structures"][0]["frame_numbers"] == [3, 7]
    said = refused(capsys, "check", TRPCAGE_PDB, "--frames", "7")
    assert "frame 7 was asked for, but the trajectory has 0 to 0" in said
    assert "none" in refused(capsys, "check", TRPCAGE_PDB, TRPCAGE_XTC, "--start", "5000")


def test_residues_of_a_trace_may_be_told(tmp_path, capsys):
    u = mda.Universe(GO_PDB)
    letters = "A" * len(u.residues)
    u.residues.resnames = "NGP"  # as AWSEM writes them
    u.atoms.write(str(tmp_path / "ca.pdb"))
    assert "--sequence" in refused(capsys, "check", "--trace", tmp_path / "ca.pdb")
    assert run("check", "--trace", tmp_path / "ca.pdb", "--sequence", letters, "--breaks", "topology") == 0
    assert f"{len(letters)} residues" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "aa.pdb", "--sequence", "MKV"],
        ["check", "aa.pdb", "--breaks", "10"],
        ["evaluate", "--benchmark", "--plots", "plots"],
    ],
)
def test_options_that_do_nothing_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2 and arguments[-2] in capsys.readouterr().err
