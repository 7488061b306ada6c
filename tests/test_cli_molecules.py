"""The command line with a model of one molecule: train, coarsen, convert, evaluate."""

import json

import MDAnalysis as mda
import numpy as np
import pytest
from molecules import SMALL, alkane, frames

from mdbackmap.cli import main
from mdbackmap.universes.universe import universe_of

SIZES = "\n".join(f"{key} = {value}" for key, value in SMALL.items())
TOML = f"""
[model]
family = "cgvae"
{SIZES}
[data]
topology = "aa.pdb"
trajectory = ["aa.xtc"]
mapping = "blocks:2"
[training]
folder = "run"
epochs = 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    topology = alkane(6)
    u = universe_of(topology)
    u.load_new(frames(topology, 20))
    u.atoms.write("aa.pdb")
    u.atoms.write("aa.xtc", frames="all")
    (tmp_path / "mine.toml").write_text(TOML)
    return tmp_path


@pytest.fixture
def model(folder):
    assert main(["train", "mine.toml", "--quiet"]) == 0
    return "run/model.pt"


def failed(capsys, *arguments):
    assert main([*arguments]) == 1
    return capsys.readouterr().err


def test_atoms_to_beads_and_back(model, folder, capsys):
    assert main(["coarsen", "aa.pdb", "aa.xtc", "--mapping", model, "-o", "cg.xtc"]) == 0
    assert "wrote 20 frames of 3 beads to cg.xtc" in capsys.readouterr().out
    assert main(["convert", "cg.pdb", "cg.xtc", "--model", model, "-o", "back.xtc", "--n-samples", "2"]) == 0
    assert "wrote 40 frames of 20 atoms" in capsys.readouterr().out
    fine, made, beads = mda.Universe("aa.pdb"), mda.Universe("back.pdb", "back.xtc"), mda.Universe("cg.pdb", "cg.xtc")
    assert made.atoms.names.tolist() == fine.atoms.names.tolist()
    assert made.atoms.resnames.tolist() == fine.atoms.resnames.tolist()
    mean = np.mean([made.atoms[made.atoms.resids == k].positions.mean(0) for k in (1, 2)], axis=0)
    assert np.linalg.norm(mean - beads.atoms.positions[0]) < 1.0
    assert main(["convert", "cg.pdb", "cg.xtc", "--model", model, "-o", "back.pdb", "--overwrite", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("mapping", "n_beads"), [("residue", 6), ("atoms:5", 4), ("graph:3", 3), ("beads:2", 2), ("mine.json", 2)]
)
def test_coarsen_by_any_mapping(folder, mapping, n_beads):
    (folder / "mine.json").write_text("[[0, 1], [4]]")
    assert (
        main(["coarsen", "aa.pdb", "aa.xtc", "--mapping", mapping, "-o", "cg.xtc", "--weights", "mass", "--quiet"]) == 0
    )
    cg, atoms = mda.Universe("cg.pdb", "cg.xtc"), mda.Universe("aa.pdb", "aa.xtc").atoms
    assert (cg.atoms.n_atoms, len(cg.trajectory)) == (n_beads, 20)
    if mapping == "residue":
        expected = [residue.atoms.center_of_mass() for residue in atoms.residues]
        np.testing.assert_allclose(cg.atoms.positions, expected, atol=0.02)


def test_beads_in_xyz_have_names(folder):
    """Beads have no elements: MDAnalysis' XYZ writer would leave the names of all atoms out."""
    assert main(["coarsen", "aa.pdb", "-o", "cg.xyz", "--mapping", "atoms:5", "--quiet"]) == 0
    names = [line.split()[0] for line in (folder / "cg.xyz").read_text().splitlines()[2:6]]
    assert names == mda.Universe("cg.pdb").atoms.names.tolist()


def test_coarsen_what_is_wrong(model, folder, capsys):
    command = ["coarsen", "aa.pdb", "aa.xtc", "-o", "cg.xtc", "--mapping"]
    assert "is not known" in failed(capsys, *command, "residues")
    assert "was trained on 20, hydrogens included" in failed(capsys, *command, model, "--select", "element C")


def test_evaluate_the_held_out_frames(model, folder, capsys):
    command = ["evaluate", "--cgvae", model, "aa.pdb", "aa.xtc"]
    assert main([*command, "--json", "found.json", "--n-samples", "2"]) == 0
    out = capsys.readouterr().out
    assert "4 held-out frames (blocks of 50, gaps of 5) of the trajectory that it was trained on; 2 samples" in out
    assert "linear lift" in out and "graph difference, heavy" in out and "samples/s" in out
    content = json.loads((folder / "found.json").read_text())
    assert content["table"]["sample"]["rmsd_heavy"] > content["table"]["linear lift"]["rmsd_heavy"] * 0.1
    assert set(content["nats"]) == {"elbo", "log_density", "kl"} and content["dihedrals"] == {}
    assert main([*command, "--all-frames"]) == 0
    assert "20 frames of the trajectory that it was trained on" in capsys.readouterr().out


def test_evaluate_on_another_trajectory(model, folder, capsys):
    u = mda.Universe("aa.pdb", "aa.xtc")
    u.atoms.write("other.xtc", frames=u.trajectory[5:10])
    assert main(["evaluate", "--cgvae", model, "aa.pdb", "other.xtc", "--plots", "plots"]) == 0
    captured = capsys.readouterr()
    assert "5 frames of other files than it was trained on" in captured.out
    assert "no phi and psi" in captured.err


def test_evaluate_what_is_wrong(model, folder, capsys):
    assert "is a genzprot model" in failed(capsys, "evaluate", "--cgvae", "genzprot", "aa.pdb", "aa.xtc")
    assert "no such file: bb.pdb" in failed(capsys, "evaluate", "--cgvae", model, "bb.pdb")
    with pytest.raises(SystemExit):
        main(["evaluate", "--cgvae", model])
    assert "needs a topology" in capsys.readouterr().err


def test_examples_are_what_train_reads(folder, capsys):
    from mdbackmap.training.runs import read

    for family, kind in (([], "Run"), (["genzprot"], "Run"), (["cgvae"], "MoleculeRun")):
        assert main(["train", "--example", *family]) == 0
        (folder / "example.toml").write_text(capsys.readouterr().out)
        assert type(read("example.toml")).__name__ == kind
