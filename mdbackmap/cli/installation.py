"""
What is installed of all that mdbackmap needs, whether it works, and what is wrong where it does not.

Packages are imported in another process, so one that crashes is a line of the report and not its end.
"""

import json
import platform
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..weights.bundled import bundled

ABSENT = {
    "fast": "the same atoms, more slowly: loops are not compiled",
    "openmm": "no convert --refine openmm, and no evaluate or check --energy",
    "energy": "no evaluate or check --energy",
    "propka": "no --protonation propka: protons are those of --ph",
    "mmcif": "no mmCIF files, read or written",
    "gsd": "no GSD files of HOOMD-blue",
    "stream": "no conversion of a simulation while it runs (imd://)",
    "cluster": "nothing but time in training: neighbours are found by other code",
    "cite": "no list of papers to cite by duecredit: CITATION.cff and README name them",
    "view": "no molecules to turn in notebooks by evaluation.viewer.view: pictures stand still",
    "dask": "no DaskBackend: conversions stay on one machine",
    "benchmarks": "no PULCHRA beside the models in evaluate --benchmark",
}
"""What is missing without an extra."""
CAUSES = (
    (r"compiled using NumPy 1|numpy\.core\.multiarray|numpy\.dtype size changed", "it was built for another numpy"),
    (r"undefined symbol|torch\.ops|torch_library", "it was built for another torch"),
    (r"lib(cu|nv)\w*\.so", "it was built for CUDA, and libraries of CUDA are missing"),
    (r"GLIBC(XX)?_", "it was built for a newer Linux"),
    (r"No module named", "a package that it needs is missing"),
)
"""Patterns of error messages, and what they mean."""
_LONGEST = 300  # seconds that all imports may take; chosen: by hand
_TRY = """
import json, os, sys
sys.argv, said = sys.argv[:1], os.fdopen(os.dup(1), "w")
def gpus():
    import torch
    found = [torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count())]
    found = [f"cuda:{k} {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for k, gpu in enumerate(found)]
    return {"cuda": torch.version.cuda, "gpus": found}
def weights(name):
    from mdbackmap.checkpoint import load
    load(name)
os.dup2(2, 1)
for what, name in json.loads(sys.stdin.read()):
    try:
        answer = {"import": __import__, "weights": weights, "gpus": lambda _: gpus()}[what](name)
        answer = answer if isinstance(answer, dict) else {}
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=said, flush=True)
"""


@dataclass(frozen=True)
class Found:
    """
    What was found of one package.

    Attributes
    ----------
    name : str
        As pip calls it.
    asked : str
        Versions that are asked for, such as ">=2.11".
    version : str
        "" if it is not installed.
    problem : str
        What is wrong, and what to do; "" if nothing is.
    extra : str
        The extra it belongs to; "" if mdbackmap cannot do without.
    """

    name: str
    asked: str
    version: str
    problem: str = ""
    extra: str = ""


def examine():
    """
    All that is known of the installation.

    Returns
    -------
    dict
        `packages` (list of Found), `device` (CUDA and the GPUs of torch, or an error) and `weights` (errors by model),
        beside texts on Python and the place of the package.
    """
    wanted = requirements()
    versions = [version_of(need.name) for need, _ in wanted]
    there = [(need.name, version) for (need, _), version in zip(wanted, versions, strict=True) if version]
    tasks = [("gpus", ""), *(("import", module_of(name)) for name, _ in there), *(("weights", x) for x in bundled())]
    answers = dict(zip(tasks, tried(tasks), strict=True))
    packages = []
    for (need, extra), version in zip(wanted, versions, strict=True):
        error = answers.get(("import", module_of(need.name)), {}).get("error", "")
        packages.append(Found(need.name, str(need.specifier), version, problem_of(need, extra, version, error), extra))
    return {
        "mdbackmap": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "folder": str(Path(__file__).parents[1]),
        "device": answers["gpus", ""],
        "weights": {name: answers["weights", name].get("error", "") for name in bundled()},
        "packages": packages,
    }


def requirements():
    """
    Packages that are asked for: pairs of a requirement and its extra ("" for none), in the order of setup.cfg.

    Raises
    ------
    RuntimeError
        If mdbackmap is not installed, but run from its folder.
    """
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(text) for text in metadata.requires("mdbackmap") or ()]
    except metadata.PackageNotFoundError:
        raise RuntimeError(
            "mdbackmap is not installed, but imported from its folder: pip install . in the folder of setup.cfg"
        ) from None
    found = [(need, "") for need in declared if need.marker is None]
    for extra in (name for name in ABSENT if name != "energy"):  # openmm is the same package
        needs = [need for need in declared if need.marker and need.marker.evaluate({"extra": extra})]
        found += [(need, extra) for need in needs if need.name != "pytest"]
    return found


def version_of(name):
    """The version of a distribution that is installed, or ""."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def module_of(name):
    """The module that is imported of a distribution."""
    return name.replace("-", "_")


def problem_of(need, extra, version, error):
    """
    What is wrong with a package, and what to do.

    Parameters
    ----------
    need : packaging.requirements.Requirement
    extra : str
        "" if mdbackmap cannot do without it.
    version : str
        "" if it is not installed.
    error : str
        Of its import.

    Returns
    -------
    str
    """
    install = f"{need.name}{need.specifier}"
    if not version:
        return "" if extra else f'is not installed: pip install "{install}"'
    if not need.specifier.contains(version, prereleases=True):
        return f'is not {need.specifier}: pip install -U "{install}"'
    return f'cannot be imported: {explained(error)}; try pip install --force-reinstall "{install}"' if error else ""


def tried(tasks):
    """
    Do tasks in another process; if it crashes, those behind the one that did it in a further one.

    Parameters
    ----------
    tasks : list of (str, str)
        What, and of which: import a module, load the weights of a model, or look for GPUs.

    Returns
    -------
    list of dict
        The answer to each; with an "error" if it failed.

    Examples
    --------
    >>> tried([("import", "json"), ("import", "nonsense")])
    [{}, {'error': "ModuleNotFoundError: No module named 'nonsense'"}]
    """
    answers = []
    while len(answers) < len(tasks):
        command, rest = [sys.executable, "-c", _TRY], json.dumps(tasks[len(answers) :])
        try:
            done = subprocess.run(command, input=rest, capture_output=True, text=True, timeout=_LONGEST)
            said, why = done.stdout, f"it ends Python with status {done.returncode}"
            if done.returncode < 0:
                why = f"it crashes ({signal.Signals(-done.returncode).name})"
        except subprocess.TimeoutExpired as late:
            said, why = (late.stdout or b"").decode(), f"no answer in {_LONGEST} seconds"
        answers += [json.loads(line) for line in said.splitlines()]
        if len(answers) < len(tasks):
            answers.append({"error": why})
    return answers


def explained(error):
    """
    An error message, with its cause where it is a known one.

    Parameters
    ----------
    error : str

    Returns
    -------
    str

    Examples
    --------
    >>> explained("ModuleNotFoundError: No module named 'yaml'")
    "a package that it needs is missing (ModuleNotFoundError: No module named 'yaml')"
    """
    cause = next((meaning for pattern, meaning in CAUSES if re.search(pattern, error)), "")
    return f"{cause} ({error})" if cause else error
