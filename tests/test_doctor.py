"""`mdbackmap doctor` on this installation and on pretended broken ones, and completion in real shells."""

import configparser
import json
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mdbackmap
from mdbackmap.cli import build_parser, completion, doctor, installation, main

ROOT = Path(mdbackmap.__file__).parent.parent


@pytest.fixture(scope="module")
def report():
    return installation.examine()


def test_this_installation_is_sound(report, capsys):
    assert doctor.problems_of(report) == []
    found = {package.name: package for package in report["packages"]}
    assert found["torch"].version and found["torch"].extra == "" and found["numba"].extra == "fast"
    text = "\n".join(doctor.lines(report, 3))
    assert "threads   3" in text and "genzprot" in text and "cpu" in text
    extras = set(metadata.metadata("mdbackmap").get_all("Provides-Extra")) & set(installation.ABSENT) - {"energy"}
    assert extras and all(f"[{extra}]" in text for extra in extras)


def test_json_is_the_same(report, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: report)
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mdbackmap"] == mdbackmap.__version__ and len(found["packages"]) == len(report["packages"])


def test_every_extra_says_what_its_absence_costs():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = set(config["options.extras_require"]) - {"test", "docs"}
    assert extras == set(installation.ABSENT)


def test_absent_extras_are_no_fault_and_absent_packages_are(report, capsys, monkeypatch):
    monkeypatch.setattr(installation, "version_of", lambda name: "" if name in ("numba", "h5py") else "99.0")
    monkeypatch.setattr(installation, "tried", lambda tasks: [{"cuda": None, "gpus": []}, *[{}] * (len(tasks) - 1)])
    assert main(["doctor"]) == 1
    shown = capsys.readouterr()
    assert "not installed: the same atoms, more slowly" in shown.out and 'pip install "mdbackmap[fast]"' in shown.out
    assert "h5py" in shown.err and 'pip install "h5py>=' in shown.err and "numba" not in shown.err


@pytest.mark.parametrize(
    "error, cause",
    [
        ("ImportError: numpy.core.multiarray failed to import", "another numpy"),
        ("OSError: _C.so: undefined symbol: _ZN3c10", "another torch"),
        ("ImportError: libcudart.so.12: cannot open shared object file", "libraries of CUDA"),
        ("ImportError: /lib/libm.so.6: version `GLIBC_2.38' not found", "newer Linux"),
        ("ModuleNotFoundError: No module named 'opt_einsum'", "a package that it needs"),
    ],
)
def test_broken_packages_are_explained(error, cause):
    need = Requirement("e3nn>=0.5.6")
    problem = installation.problem_of(need, "", "0.6.0", error)
    assert cause in problem and error in problem and 'pip install --force-reinstall "e3nn>=0.5.6"' in problem
    assert "is not >=0.5.6" in installation.problem_of(need, "", "0.4.0", "")
    assert installation.problem_of(need, "", "0.6.0", "") == ""


def test_a_package_that_crashes_does_not_end_the_report(tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "leaving.py").write_text("import os; os._exit(3)")
    (tmp_path / "chatty.py").write_text("print('hello')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = ["chatty", "crashing", "json", "leaving", "missing"]
    found = installation.tried([("import", name) for name in names])
    assert found[0] == found[2] == {} and signal.SIGSEGV.name in found[1]["error"]
    assert "status 3" in found[3]["error"] and "No module named" in found[4]["error"]


def test_weights_and_drivers_that_do_not_work_are_named(report, tmp_path, monkeypatch):
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"version https://git-lfs")
    answer = installation.tried([("weights", str(bad))])[0]
    assert answer["error"]
    broken = {**report, "weights": {"genzprot": answer["error"]}, "device": {"error": "OSError: libcudart.so.12"}}
    assert "weights of genzprot cannot be read" in doctor.problems_of(broken)[0]
    text = "\n".join(doctor.lines(broken, 1))
    assert "libraries of CUDA are missing" in text and "broken: genzprot" in text
    assert "built for CUDA 13.0" in doctor.device_line({"cuda": "13.0", "gpus": []})
    assert doctor.device_line({"cuda": "13.0", "gpus": ["cuda:0 H200"]}) == "cpu; cuda:0 H200"


def completed(words):
    """What bash completes after these words."""
    verbs = build_parser()._subparsers._group_actions[0].choices
    line = " ".join(words)
    script = f"""{completion.bash(verbs)}
COMP_WORDS=({line}{" ''" if line.endswith("mdbackmap") else ""}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _mdbackmap
printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    "words, expected",
    [
        (["mdbackmap"], ["convert", "doctor", "train"]),
        (["mdbackmap", "co"], ["convert", "coarsen", "completion"]),
        (["mdbackmap", "convert", "--temp"], ["--temperature"]),
        (["mdbackmap", "convert", "--names", "gro"], ["gromacs"]),
        (["mdbackmap", "completion", "f"], ["fish"]),
        (["mdbackmap", "convert", "ca.p"], []),
    ],
)
def test_bash_completes(words, expected):
    found = completed(words)
    assert set(expected) <= set(found) and (len(words) == 1 or sorted(expected) == sorted(found))


@pytest.mark.parametrize("shell", list(completion.HOW))
def test_scripts_are_sound(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "doctor" in script and completion.HOW[shell] in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", "/dev/stdin"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
@pytest.mark.parametrize("before", ["", "autoload -Uz compinit && compinit -u; "])
def test_zsh_takes_the_script_with_and_without_its_own_completion(before, tmp_path, monkeypatch):
    monkeypatch.setenv("ZDOTDIR", str(tmp_path))  # where zsh keeps a list of its functions
    script = completion.bash(build_parser()._subparsers._group_actions[0].choices, "zsh")
    command = ["zsh", "-f", "-c", f"{before}source /dev/stdin; print ${{_comps[mdbackmap]}}"]
    done = subprocess.run(command, input=script, capture_output=True, text=True)
    assert done.returncode == 0 and "_mdbackmap" in done.stdout, done.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
def test_fish_completes(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    script = completion.fish(build_parser()._subparsers._group_actions[0].choices)
    (tmp_path / "script").write_text(script)
    command = ["fish", "-c", "source ~/script; complete -C 'mdbackmap convert --names g'"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["gromacs"], done.stderr
