"""The walls between MDAnalysis and torch, read from the sources and tried with the other package blocked."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mdbackmap

ROOT = Path(mdbackmap.__file__).parent

# Walls between folders. `MDANALYSIS_WHEN_RUN` are imports inside functions.
NEITHER = {"chemistry", "cli", "completion", "molecule", "recognition", "refinement", "weights"}
NO_TORCH = {"conversion", "reading", "universes", "writing"}
"""Every other folder is torch's, and knows nothing of MDAnalysis."""
DOOR = "both"
HALL = {  # the files in the top folder
    "__init__": NEITHER, "__main__": NEITHER, "checks": NEITHER, "citations": NEITHER,
    "commit": NEITHER, "files": NEITHER, "options": NEITHER,
    "reporter": NO_TORCH, "guesser": NO_TORCH, "trajectory": NO_TORCH, "transformation": NO_TORCH,
    "backmapper": DOOR, "bound_model": DOOR, "loading": DOOR, "checkpoint": "torch",
}  # fmt: skip
NO_TORCH_EITHER = [
    f"data.{name}" for name in ("clusters", "deposited", "layouts", "pack_files", "packs", "polymers", "sources")
]
NO_TORCH_EITHER += ["generation.noise", "training.log"]
MDANALYSIS_WHEN_RUN = {
    *("cli.coarsen", "cli.demo", "cli.protein_input", "data.sources"),
    *("training.steps.levels", "training.steps.protein_frames"),
}


def room(name):
    """The folder that a module lies in, or itself in the hall."""
    return name.split(".")[0]


def side(name):
    first = room(name)
    return HALL.get(name) or next((walls for walls in (NEITHER, NO_TORCH) if first in walls), "torch")


def modules():
    names = (path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))
    return sorted(".".join(parts) for parts in names)


def on(wanted):
    return [name for name in modules() if side(name) is wanted]


def torch_side():
    return [name for name in modules() if side(name) == "torch"]


def imported(name):
    """Absolute names of everything that a module's source imports, at whatever depth."""
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    package = ("mdbackmap", *name.split(".")[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def roots(name):
    return {target.split(".")[0] for target in imported(name)}


def python(code, *blocked):
    """Run code in a fresh interpreter in which some packages cannot be imported."""
    block = "".join(f"sys.modules[{name!r}] = None\n" for name in blocked)
    done = subprocess.run([sys.executable, "-c", f"import sys\n{block}{code}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def import_all(names):
    return "\n".join(f"import mdbackmap.{name}".removesuffix(".__init__") for name in names)


def arrows(of=lambda name: name):
    """Which modules, or rooms, import which others, at whatever depth of a function."""
    known, graph = set(modules()), {}
    for name in known:
        for target in imported(name):
            target = target.removeprefix("mdbackmap").removeprefix(".")
            target = target if target in known else f"{target}.__init__".removeprefix(".")
            own = target.endswith("__init__") and name.startswith(target.removesuffix("__init__"))  # from . import x
            if target in known and not own and of(target) != of(name):
                graph.setdefault(of(name), set()).add(of(target))
    return graph


def circle(graph):
    """Names along a circle of a graph, or an empty list."""
    done = set()

    def walk(name, path):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (walk(target, [*path, name]) for target in sorted(graph.get(name, ())))), [])
        done.add(name)
        return found

    return next(filter(None, (walk(name, []) for name in sorted(graph))), [])


def floors(graph):
    """Names by floor, from 0: each above all that it imports."""
    names = set(graph).union(*graph.values())

    def floor(name):
        return max((floor(target) + 1 for target in graph.get(name, ())), default=0)

    by_floor = {}
    for name in sorted(names):
        by_floor.setdefault(floor(name), []).append(name)
    return dict(sorted(by_floor.items(), reverse=True))


def drawing():
    """The floors as ARCHITECTURE.md shows them: `python tests/test_imports.py` prints them."""
    return "\n".join(f"{floor:5d}  {'  '.join(names)}" for floor, names in floors(arrows(room)).items())


def test_files_of_the_hall():
    assert {name for name in modules() if "." not in name} == set(HALL)


@pytest.mark.parametrize("of", [lambda name: name, room], ids=["modules", "folders"])
def test_no_circle(of):
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert not circle(arrows(of))


def test_names_occur_once():
    """But for verbs, which are called what users type, and the settings and compiled kernels of each room."""
    names = [part for name in modules() if not name.startswith("cli.") for part in [name.split(".")[-1]]]
    names += [folder.name for folder in ROOT.rglob("*") if folder.is_dir() and (folder / "__init__.py").exists()]
    twice = {name for name in names if names.count(name) > 1 and not name.startswith("__")}
    assert twice <= {"settings", "compiled"}


def test_no_folder_is_too_large():
    sizes = {}
    for name in modules():
        lines = ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text().count("\n")
        sizes[room(name)] = sizes.get(room(name), 0) + lines
    assert max(sizes.values()) < 0.16 * sum(sizes.values()), sorted(sizes.items(), key=lambda item: -item[1])[:3]


@pytest.mark.parametrize("name", on(NEITHER))
def test_numpy_modules_import_neither(name):
    allowed = {"MDAnalysis"} if name in MDANALYSIS_WHEN_RUN else set()
    assert roots(name) & {"MDAnalysis", "torch", "e3nn"} <= allowed


@pytest.mark.parametrize("name", torch_side())
def test_torch_modules_do_not_import_mdanalysis(name):
    assert "MDAnalysis" not in roots(name) or name in MDANALYSIS_WHEN_RUN


@pytest.mark.parametrize("name", on(NO_TORCH))
def test_mdanalysis_modules_do_not_import_torch(name):
    assert not roots(name) & {"torch", "e3nn"}


def test_numpy_modules_run_without_either():
    python(import_all(on(NEITHER)), "torch", "e3nn", "MDAnalysis")


def test_torch_side_runs_without_mdanalysis():
    python(import_all(torch_side()), "MDAnalysis", "openmm")


def test_openmm_stands_behind_few_modules():
    users = {name for name in modules() if "openmm" in roots(name)}
    in_refinement = {"refinement.amber", "refinement.minimising", "refinement.restraints"}
    assert users == {"evaluation.energy", "reporter"} | in_refinement


def test_mdanalysis_side_and_packing_run_without_torch():
    python(import_all([*on(NO_TORCH), *NO_TORCH_EITHER]), "torch", "e3nn")


@pytest.mark.slow
def test_training_runs_without_mdanalysis(tmp_path):
    code = f"""
from mdbackmap.datafiles import VALIDATION
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.training import Structures, train
from mdbackmap.training.config import TrainingConfig, ValidationConfig
data = Structures.read(VALIDATION)
data.chains["split"][:] = [0, 1] + [-1] * 83
config = TrainingConfig({str(tmp_path)!r}, epochs=1, validation=ValidationConfig(chains=1, temperatures=(0.0,)))
model, row = train(GenZProt(GenZProtConfig(n_features=8, n_layers=1)), data, config)
assert row["T0_rmsd"] < 10 and "MDAnalysis" in sys.modules and sys.modules["MDAnalysis"] is None
"""
    python(code, "MDAnalysis")


def test_only_the_door_and_those_behind_it_know_the_backmapper():
    users = {name for name in modules() if {"mdbackmap.backmapper", "mdbackmap.loading"} & set(imported(name))}
    assert users <= {"loading", "reporter", "transformation", "cli.convert", "cli.demo"}


def test_nothing_imports_the_command_line_and_only_it_the_training():
    for name in modules():
        targets = set(imported(name))
        if not name.startswith("cli.") and name != "__main__":
            assert not any(target.startswith("mdbackmap.cli") for target in targets), name
        if not name.startswith(("cli.", "training.")):
            assert not any(target.startswith("mdbackmap.training") for target in targets), name


def test_import_loads_nothing_that_takes_long():
    code = """
import mdbackmap, mdbackmap.cli
slow = {"torch", "MDAnalysis", "e3nn", "h5py", "matplotlib", "scipy", "openmm", "gemmi"}
assert not slow & set(sys.modules), sorted(slow & set(sys.modules))
"""
    python(code)


def test_public_names_are_listed_and_found():
    assert set(mdbackmap.__all__) <= set(dir(mdbackmap))
    for name in mdbackmap.__all__:
        found = getattr(mdbackmap, name)
        if name == "__version__":
            assert re.fullmatch(r"\d+\.\d+\.\d+\S*", found)
        else:
            assert found.__name__ == name and found.__module__.split(".")[0] == "mdbackmap"
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mdbackmap.nonsense


def test_public_names_have_documentation():
    for name in set(mdbackmap.__all__) - {"__version__"}:
        assert (getattr(mdbackmap, name).__doc__ or "").strip(), name


def test_architecture_draws_the_floors():
    assert floors({"a": {"b", "c"}, "b": {"c"}}) == {2: ["a"], 1: ["b"], 0: ["c"]}
    assert drawing() in (ROOT.parent / "ARCHITECTURE.md").read_text()


def test_architecture_names_every_module():
    """Each in the row of its folder."""
    text = (ROOT.parent / "ARCHITECTURE.md").read_text()
    rows = [row.split("|")[1:3] for row in text.splitlines() if row.startswith(("| `", "| the hall"))]
    listed = {(place.strip(" `/"), module) for place, names in rows for module in re.findall(r"`(\w+)`", names)}
    for name in modules():
        *folders, leaf = name.split(".")
        if leaf not in ("__init__", "__main__"):
            assert ("/".join(folders) or "the hall", leaf) in listed, name


def test_tables_of_rooms_are_complete():
    """Where the docstring of a folder has a table of modules, it has all of them."""
    for file in ROOT.rglob("__init__.py"):
        table = re.search(r"^module .*\n=+ =+\n(.*?)^=+ =+$", file.read_text(), flags=re.MULTILINE | re.DOTALL)
        if table:
            named = {row.split()[0] for row in table[1].splitlines() if not row.startswith(" ")}
            assert named == {path.stem for path in file.parent.glob("*.py")} - {"__init__"}, file.parent.name


if __name__ == "__main__":
    print(drawing())
