"""What README shows is run: Python blocks one after another, commands, set-up lines against the files."""

import re
import shlex
from pathlib import Path

import MDAnalysis as mda
import pytest

import mdbackmap
from mdbackmap.cli import build_parser, main
from mdbackmap.cli.train import CHAIN_EXAMPLE
from mdbackmap.datafiles import DIPEPTIDE_PDB, DIPEPTIDE_XTC, GO_PDB, GO_XTC

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the files that README speaks of: ca.pdb and 12 frames of ca.xtc, a dipeptide, its TOML."""
    u = mda.Universe(GO_PDB, GO_XTC)
    u.atoms.write(str(tmp_path / "ca.pdb"))
    u.atoms.write(str(tmp_path / "ca.xtc"), frames=u.trajectory[:12])
    dipeptide = mda.Universe(DIPEPTIDE_PDB, DIPEPTIDE_XTC)
    dipeptide.atoms.write(str(tmp_path / "dipeptide.pdb"))
    dipeptide.atoms.write(str(tmp_path / "dipeptide.xtc"), frames=dipeptide.trajectory[:60])
    (toml,) = blocks("toml")
    assert "epochs = 200" in toml
    (tmp_path / "cgvae.toml").write_text(toml.replace("epochs = 200", "epochs = 1"))
    chain = CHAIN_EXAMPLE.replace("aa.", "ca.").replace("epochs = 200", "epochs = 1")
    (tmp_path / "chain.toml").write_text(chain)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_blocks(folder):
    found = blocks("python")
    assert len(found) >= 3
    names = {}
    for block in found:
        exec(compile(block, "README.md", "exec"), names)
    assert names["u"].atoms.n_atoms == names["model"].n_atoms
    assert names["conversion"].results.n_frames == 30
    assert (folder / "aa.h5md").exists() and (folder / "aa.pdb").exists()


def test_commands(folder):
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "mdbackmap"
        assert main([*arguments, "--quiet"]) == 0, line
    n_frames = {
        name: len(mda.Universe(*name.split()).trajectory) for name in ("aa.pdb aa.xtc", "samples.pdb samples.xtc")
    }
    assert n_frames == {"aa.pdb aa.xtc": 12, "samples.pdb samples.xtc": 18}
    assert mda.Universe("dipeptide-back.pdb", "dipeptide-back.xtc").atoms.n_atoms == 22
    assert (folder / "plots" / "model-phi-psi.png").exists()


def test_every_command_of_the_table_exists():
    verbs = build_parser()._subparsers._group_actions[0].choices
    shown = re.findall(r"^\| `mdbackmap (\w+)", README, flags=re.MULTILINE)
    assert set(shown) == set(verbs)


def test_set_up_lines():
    demo, tests = (line.split(" && ") for block in blocks("sh") for line in block.splitlines())
    assert demo[-1] == "mdbackmap demo"
    assert tests[-1] == "python -m pytest"
    script = (ROOT / ".ci" / "run").read_text()
    assert tests[-1] in script and tests[-2].removeprefix("pip install ") in script
    assert (ROOT / "constraints.txt").exists()


def test_files_that_readme_names_exist():
    for name in re.findall(r"\]\(([\w/.-]+)\)", README):
        if not name.startswith("http"):
            assert (ROOT / name).exists(), name


def test_version_is_in_the_changelog():
    assert f"## {mdbackmap.__version__}" in (ROOT / "CHANGELOG.md").read_text()
