"""The verbs `pack` and `train`, from the shell's point of view."""

import h5py
import pytest

from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.training import Structures


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrong(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    assert stopped.value.code == 2
    return capsys.readouterr().err


def failed(capsys, *arguments):
    assert main([*arguments]) == 1
    return capsys.readouterr().err


def test_pack_of_files_and_md(folder, capsys):
    (folder / "bad.pdb").write_text("nothing\n")
    files = [COMPLEX_PDB, "bad.pdb", "--md", TRPCAGE_PDB, TRPCAGE_XTC, "--md", TRPCAGE_PDB, TRPCAGE_XTC]
    more = ["--name", "early", "--name", "late", "--step", "5", "--hold-out", "early_*"]
    assert main(["pack", *files, *more, "-o", "pack.h5"]) == 0
    out, err = capsys.readouterr()
    assert "left out: bad.pdb: no ATOM record in it" in out
    assert "wrote pack.h5: 9 entries, 10 chains, 354 residues (80 to validate on); 1 left out" in out
    assert "files: 100%" in err
    assert Structures.read("pack.h5").chains["split"].tolist() == [0, 0] + [1] * 4 + [0] * 4


def test_pack_of_ensembles_in_silence(folder, capsys):
    command = ["pack", "--md", TRPCAGE_PDB, TRPCAGE_XTC, "--ensembles", "-o", "pack.h5", "--quiet", "--validation", "0"]
    assert main(command) == 0
    assert capsys.readouterr() == ("", "")
    with h5py.File("pack.h5") as file:
        (name,) = file
        assert file[name]["ca"].shape == (20, 20, 3) and file[name].attrs["kind"] == "MD"


def test_pack_does_not_replace_a_file_unasked(folder, capsys):
    (folder / "pack.h5").write_text("mine")
    assert "pack.h5 exists already" in failed(capsys, "pack", COMPLEX_PDB, "-o", "pack.h5")
    assert (folder / "pack.h5").read_text() == "mine"
    assert main(["pack", COMPLEX_PDB, "-o", "pack.h5", "--overwrite", "--quiet"]) == 0
    assert len(Structures.read("pack.h5").types) == 194


def test_pack_without_mmseqs_names_the_option(folder, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    assert "--clusters words" in failed(capsys, "pack", COMPLEX_PDB, "-o", "pack.h5", "--clusters", "mmseqs")


def test_pack_used_wrongly(folder, capsys):
    assert "nothing to pack" in wrong(capsys, "pack", "-o", "pack.h5")
    assert "--name is given 1 times" in wrong(capsys, "pack", "a.pdb", "--name", "x", "-o", "pack.h5")
    assert "share below 1" in wrong(capsys, "pack", "a.pdb", "--validation", "1", "-o", "pack.h5")
    assert "no such file or folder: a.pdb" in failed(capsys, "pack", "a.pdb", "-o", "pack.h5")
    assert "no such file: b.xtc" in failed(capsys, "pack", "--md", COMPLEX_PDB, "b.xtc", "-o", "pack.h5")
    assert "two systems are named" in failed(capsys, "pack", "--md", COMPLEX_PDB, "--md", COMPLEX_PDB, "-o", "pack.h5")
    assert "no such folder" in failed(capsys, "pack", COMPLEX_PDB, "-o", "nowhere/pack.h5")
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_train_on_a_pack_and_convert_with_the_model(folder, capsys):
    assert main(["pack", COMPLEX_PDB, "--md", TRPCAGE_PDB, "-o", "pack.h5", "--quiet", "--hold-out", "trp*"]) == 0
    (folder / "train.toml").write_text(
        '[data]\npacks = ["pack.h5"]\n[model]\nn_features = 8\nn_layers = 1\nn_neighbours = 4\n'
        '[training]\nfolder = "run"\nepochs = 1\n[validation]\nchains = 1\ntemperatures = [0.0]\n'
    )
    assert main(["train", "train.toml", "--threads", "1", "--plot", "drawn.svg"]) == 0
    assert "epoch" in (folder / "drawn.svg").read_text()
    out, err = capsys.readouterr()
    assert "wrote run/model.pt: weights after epoch 1" in out and "T0_rmsd" in out
    assert "epoch 1: torsion" in err and "100%" in err
    assert main(["convert", TRPCAGE_PDB, "-o", "aa.pdb", "--model", "run/model.pt", "--quiet"]) == 0
    assert (folder / "aa.pdb").exists()


def test_train_says_what_is_wrong(folder, capsys):
    assert "expected one TOML file, or --example" in wrong(capsys, "train")
    assert "no such file: a.toml" in failed(capsys, "train", "a.toml")
    (folder / "a.toml").write_text('[data]\npacks = ["a.h5"]\n[training]\nepoch = 1\n')
    assert "unknown key 'epoch' in [training]: did you mean 'epochs'?" in failed(capsys, "train", "a.toml")
    (folder / "a.toml").write_text('[data]\npacks = ["a.h5"]\n')
    assert "no such file: a.h5" in failed(capsys, "train", "a.toml")
    (folder / "a.toml").write_text('[data]\npacks = ["a.h5"]\n[model]\ninit = "nothing"\n')
    assert "no model 'nothing'" in failed(capsys, "train", "a.toml")


@pytest.mark.parametrize("name", ["mine.txt", "mine.txt/run"])
@pytest.mark.parametrize("family", ["genzprot", "cgvae", "chain"])
def test_train_into_a_file(folder, capsys, family, name):
    (folder / "mine.txt").write_text("mine")
    assert main(["pack", COMPLEX_PDB, "-o", "pack.h5", "--quiet", "--validation", "0"]) == 0
    files = f'[data]\ntopology = "{TRPCAGE_PDB}"\ntrajectory = ["{TRPCAGE_XTC}"]\n'
    data = '[data]\npacks = ["pack.h5"]\n' if family == "genzprot" else files
    steps = '[[steps]]\nmapping = "beads:5"\n[[steps]]\ninit = "genzprot"\n' if family == "chain" else ""
    (folder / "mine.toml").write_text(f'[model]\nfamily = "{family}"\n{data}[training]\nfolder = "{name}"\n{steps}')
    assert "mine.txt is a file, expected a folder" in failed(capsys, "train", "mine.toml")


def test_train_refuses_a_plot_before_it_trains(folder, capsys):
    files = f'[data]\ntopology = "{TRPCAGE_PDB}"\ntrajectory = ["{TRPCAGE_XTC}"]\n'
    (folder / "mine.toml").write_text(f'[model]\nfamily = "cgvae"\n{files}mapping = "residue"\n')
    assert "ends in .png, .pdf, .svg" in failed(capsys, "train", "mine.toml", "--plot", "curves.txt")
    assert "no such folder: nowhere" in failed(capsys, "train", "mine.toml", "--plot", "nowhere/curves.png")
    steps = '[[steps]]\nmapping = "beads:5"\n[[steps]]\ninit = "genzprot"\n'
    (folder / "steps.toml").write_text(f'[model]\nfamily = "chain"\n{files}{steps}')
    assert "curves.png in the folder of each step" in failed(capsys, "train", "steps.toml", "--plot", "curves.png")
    assert "--plot belongs to a run" in wrong(capsys, "train", "--example", "--plot", "curves.png")
    assert sorted(file.name for file in folder.iterdir()) == ["mine.toml", "steps.toml"]


def test_train_prints_an_example(capsys):
    assert main(["train", "--example"]) == 0
    assert capsys.readouterr().out.startswith("[data]\npacks =")
