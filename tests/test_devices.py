"""Devices other than the processor, on machines that have none: see `pretended`."""

import json
import subprocess
import sys
from pathlib import Path

import MDAnalysis as mda
import pytest

from mdbackmap import datafiles, load_model
from mdbackmap.cli import main
from mdbackmap.cli.train import example

pytest.importorskip("torch.utils.backend_registration", reason="this torch knows no devices made in Python")

BEADS = ["simulated Martini beads", "projected Martini beads"]
ROUNDING = 5e-3  # angstrom; the processor's compiled loops and search trees compute in another order
JUDGED = ["a protein model judged", "a cascade judged"]
TRIED = ["genzprot, T=1", "genzprot, T=0", *BEADS, "known atoms in a box", *JUDGED, "cgvae", "training"]


@pytest.mark.slow
@pytest.mark.parametrize("what", TRIED)
def test_no_tensor_is_left_on_the_processor(tried, what):
    """Sampled and trained on a device whose tensors refuse to meet the processor's, with the same result."""
    assert float(tried[what]) < ROUNDING


@pytest.mark.slow
def test_the_pretended_device_refuses(tried):
    assert "same device" in tried["refused"]


@pytest.fixture(scope="module")
def tried():
    """What the script says, by what was tried."""
    script = str(Path(__file__).with_name("pretended.py"))
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


@pytest.mark.parametrize(
    "verb",
    [
        ["convert", "GO_PDB", "-o", "aa.pdb"],
        ["convert", "GO_PDB", "-o", "aa.xtc", "--part", "1/2"],
        ["evaluate", "--benchmark", "--limit", "1"],
        ["evaluate", "--cgvae", "cgvae-alanine-dipeptide", "DIPEPTIDE_PDB", "DIPEPTIDE_XTC"],
        ["evaluate", "--chain", "cgvae-chignolin", "CHIGNOLIN_PDB", "CHIGNOLIN_XTC"],
        ["train", "train.toml"],
    ],
    ids=lambda verb: " ".join(verb[:2]),
)
def test_verbs_that_compute_take_a_device(tmp_path, monkeypatch, capsys, verb):
    """One that is not there is named, and so are those that are."""
    monkeypatch.chdir(tmp_path)
    Path("train.toml").write_text(example("genzprot"))
    words = [getattr(datafiles, word, word) for word in verb]
    assert main([*words, "--device", "cuda:99"]) == 1
    assert "device 'cuda:99' cannot be used here" in capsys.readouterr().err


@pytest.mark.slow
def test_the_benchmark_of_gpus_runs(tmp_path):
    """On the processor, as far as it comes in a few seconds."""
    script = Path(__file__).parent / "benchmarks" / "gpu.py"
    command = [sys.executable, "-W", "ignore", script, "--device", "cpu", "--minutes", "0.1", "--frames", "1"]
    done = subprocess.run([*command, "--json", tmp_path / "found.json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["compared"] and all(row["within"] == [1.0, 1.0, 1.0] for row in found["compared"])


def test_the_benchmark_of_gpus_knows_the_stages(monkeypatch):
    """Each function that it times is there and used, and is as it was afterwards."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "benchmarks")
    import gpu

    u = mda.Universe(datafiles.GO_PDB)
    model, before = load_model("genzprot", u.atoms, device="cpu", threads=1), gpu.pipeline.relax
    known = gpu.stages(gpu.Machine("cpu", 1), model, u.atoms.positions[None], 1)
    assert gpu.pipeline.relax is before and not {name for name in known if known[name] == 0} - {"settled"}
    assert known["network"] < known["all of the pipeline"] < known["whole, with hydrogens and copies"]
