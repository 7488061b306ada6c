"""What the package is distributed by: one version, typed names, the conda recipe, the MDAKit, the Dockerfile."""

import ast
import configparser
import dataclasses
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from public import public

import mdbackmap
from mdbackmap.cli import main

ROOT = Path(mdbackmap.__file__).parent.parent
PACKAGING = ROOT / ".packaging"
FUNCTIONS = [(name, found) for name, found in public() if inspect.isfunction(found)]
CLASSES = [getattr(mdbackmap, name) for name in mdbackmap.__all__ if inspect.isclass(getattr(mdbackmap, name))]
FUNCTIONS += [
    (f"{found.__name__}.{name}", vars(found)[name])
    for found in CLASSES
    for name in ("__init__", "__call__")
    if inspect.isfunction(vars(found).get(name)) and not dataclasses.is_dataclass(found)
]
CONDA = {"torch": "pytorch", "MDAnalysis": "mdanalysis"}


@pytest.fixture(scope="module")
def config():
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg")
    return found


@pytest.fixture(scope="module")
def recipe():
    text = (PACKAGING / "conda" / "meta.yaml").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return yaml.safe_load(environment.from_string(text).render(PYTHON="python"))


def requirements(text):
    """By conda's names."""
    found = [Requirement(line) for line in text.strip().splitlines() if line]
    return {CONDA.get(need.name, need.name): need.specifier for need in found}


def conda(lines):
    split = (line.partition(" ") for line in lines)
    return {name: SpecifierSet(asked) for name, _, asked in split}


def test_the_version_has_one_place(config, recipe, capsys):
    assert config["metadata"]["version"] == "attr: mdbackmap.__version__"
    assert recipe["package"]["version"] == mdbackmap.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == mdbackmap.__version__
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1]
    assert changes == mdbackmap.__version__
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"mdbackmap {mdbackmap.__version__}\n"


def test_the_conda_recipe_asks_for_what_setup_asks_for(config, recipe):
    assert config["options"]["python_requires"] == str(conda(recipe["requirements"]["run"]).pop("python"))
    run = conda(recipe["requirements"]["run"])
    del run["python"]
    assert run == requirements(config["options"]["install_requires"])
    extras = config["options.extras_require"]
    for name, asked in conda(recipe["requirements"]["run_constrained"]).items():
        assert any(requirements(text).get(name) == asked for extra, text in extras.items() if extra != "test"), name
    assert (
        f"mdbackmap = {recipe['build']['entry_points'][0].split(' = ')[1]}"
        in config["options.entry_points"]["console_scripts"]
    )
    assert (ROOT / recipe["about"]["license_file"]).exists()
    for name in recipe["test"]["imports"]:
        assert importlib.util.find_spec(name)


def test_the_mdakit_has_what_the_registry_asks_for(config):
    kit = yaml.safe_load((PACKAGING / "mdakit" / "metadata.yaml").read_text())
    required = "project_name authors maintainers description keywords license project_home documentation_home"
    assert all(kit.get(key) for key in [*required.split(), "documentation_type"])
    assert all(isinstance(kit[key], list) for key in ("authors", "maintainers", "keywords", "src_install", "run_tests"))
    assert (
        kit["license"] == config["metadata"]["license"]
        and kit["python_requires"] == config["options"]["python_requires"]
    )
    assert kit["mdanalysis_requires"] == str(requirements(config["options"]["install_requires"])["mdanalysis"])
    assert f"Development Status :: {kit['development_status']}" in config["metadata"]["classifiers"]
    assert importlib.util.find_spec(kit["import_name"])


def test_the_dockerfile_is_what_its_script_can_run(monkeypatch):
    spec = importlib.util.spec_from_file_location("run_dockerfile", PACKAGING / "run_dockerfile.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found = script.instructions((PACKAGING / "Dockerfile").read_text())
    assert [word for word, _ in found if word == "RUN"] == ["RUN"] * 3 and found[0][0] == "FROM"
    assert 'ENTRYPOINT ["mdbackmap"]' in (PACKAGING / "Dockerfile").read_text()
    with pytest.raises(ValueError, match="instructions of one line"):
        script.instructions("RUN a \\\n  && b")


def test_the_release_checklist_names_all_that_is_to_be_filled_in():
    texts = [path.read_text() for path in sorted(PACKAGING.rglob("*.yaml"))]
    words = set(re.findall(r"\b(?:PROJECT_HOME|[A-Z0-9]+(?:_[A-Z0-9]+){3,})\b", " ".join(texts)))
    assert words == {"PROJECT_HOME", "SHA256_OF_THE_RELEASE", "GITHUB_NAME_OF_THE_MAINTAINER"}
    checklist = (ROOT / "CONTRIBUTING.md").read_text().split("## A release")[1]
    assert [word for word in sorted(words) if f"`{word}`" not in checklist] == []


def test_importing_takes_no_time():
    """Least of several: 0.1 s is the limit, and torch alone takes more than a second."""
    code = "import time; a = time.perf_counter(); import mdbackmap; print(time.perf_counter() - a)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(5)
    ]
    assert min(times) < 0.1


def test_the_package_says_that_it_is_typed(config):
    assert (ROOT / "mdbackmap" / "py.typed").read_text() == ""
    assert "py.typed" in config["options.package_data"]["mdbackmap"]


@pytest.mark.parametrize("name, function", FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_public_functions_have_types(name, function):
    signature = inspect.signature(function)
    names = [x for x in signature.parameters.values() if x.name not in ("self", "cls")]
    names = [x for x in names if x.kind not in (x.VAR_KEYWORD, x.VAR_POSITIONAL)]
    assert [x.name for x in names if x.annotation is inspect.Parameter.empty] == []
    assert signature.return_annotation is not inspect.Signature.empty


def test_names_can_be_seen_by_type_checkers(config):
    """What `__getattr__` finds when it is asked, type checkers read from the stub beside it."""
    tree = ast.parse((ROOT / "mdbackmap" / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname: node.module for node in imports for alias in node.names} == mdbackmap._HOME
    assert "*.pyi" in config["options.package_data"]["mdbackmap"]
