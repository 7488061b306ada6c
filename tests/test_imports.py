"""The walls between MDAnalysis and torch, read from the sources and tried with the other package blocked."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mdbackmap

ROOT = Path(mdbackmap.__file__).parent

# Every module stands on one side. A new one has to be put somewhere, or `test_every_module_has_its_side` fails.
NEITHER = """__init__ __main__ attributes bundled commit completing formats mapping opening picture placing reasons
residues standard_form topology
cli.__init__ cli.check cli.coarsen cli.convert cli.datafiles cli.demo cli.evaluate cli.models cli.options cli.pack
cli.chains cli.molecules cli.proteins cli.traces cli.train
mappings.__init__ mappings.binding mappings.bonds mappings.grouping mappings.kinds mappings.named mappings.partition
mappings.plain
recognition.__init__ recognition.assembly recognition.beads recognition.breaks recognition.conformers recognition.fasta
recognition.numbers recognition.order recognition.recognise recognition.sequence recognition.soundness recognition.trace
writing.__init__ writing.failure writing.lock writing.origin writing.pace writing.partial writing.pdb writing.pipeline
writing.xdr""".split()
TORCH = "batch checkpoint geometry internal movable neighbours sampling".split()
TORCH_PACKAGES = ("evaluation", "models", "traces", "training", "weights")
MDANALYSIS = """boxes coarse cut frames live molecule reader scaling text_frames trajectory transformation universe
unitless writing.destination writing.joining writing.moved writing.output writing.products writing.progress
writing.stream""".split()
BOTH = ["backmapper", "treatment"]

NO_TORCH_EITHER = [f"training.{name}" for name in ("clusters", "layouts", "log", "packing", "polymers", "sources")]
MDANALYSIS_WHEN_RUN = {  # imported inside functions
    *("cli.coarsen", "cli.demo", "cli.proteins", "formats", "opening", "training.sources"),
    *("training.iterative.levels", "training.iterative.reading"),
}


def modules():
    names = (path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))
    return sorted(".".join(parts) for parts in names)


def torch_side():
    return [name for name in modules() if name in TORCH or name.split(".")[0] in TORCH_PACKAGES]


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


def test_every_module_has_its_side():
    sides = [*NEITHER, *torch_side(), *MDANALYSIS, *BOTH]
    assert sorted(sides) == modules()


@pytest.mark.parametrize("name", NEITHER)
def test_numpy_modules_import_neither(name):
    allowed = {"MDAnalysis"} if name in MDANALYSIS_WHEN_RUN else set()
    assert roots(name) & {"MDAnalysis", "torch", "e3nn"} <= allowed


@pytest.mark.parametrize("name", torch_side())
def test_torch_modules_do_not_import_mdanalysis(name):
    assert "MDAnalysis" not in roots(name) or name in MDANALYSIS_WHEN_RUN


@pytest.mark.parametrize("name", MDANALYSIS)
def test_mdanalysis_modules_do_not_import_torch(name):
    assert not roots(name) & {"torch", "e3nn"}


def test_numpy_modules_run_without_either():
    python(import_all(NEITHER), "torch", "e3nn", "MDAnalysis")


def test_torch_side_runs_without_mdanalysis():
    python(import_all(torch_side()), "MDAnalysis", "openmm")


def test_openmm_stands_behind_one_module():
    assert {name for name in modules() if "openmm" in roots(name)} == {"evaluation.energy"}


def test_mdanalysis_side_and_packing_run_without_torch():
    python(import_all([*MDANALYSIS, *NO_TORCH_EITHER]), "torch", "e3nn")


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
    users = {name for name in modules() if "mdbackmap.backmapper" in set(imported(name))}
    assert users <= {"transformation", "cli.convert", "cli.demo", *BOTH}


def test_nothing_imports_the_command_line_and_few_the_training():
    for name in modules():
        targets = set(imported(name))
        if not name.startswith("cli.") and name != "__main__":
            assert not any(target.startswith("mdbackmap.cli") for target in targets), name
        if not name.startswith(("cli.", "evaluation.", "training.")):
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


def test_architecture_names_every_module():
    """Its table names each module in the row of its folder; `training/iterative/` counts as `iterative/`, too."""
    text = (ROOT.parent / "ARCHITECTURE.md").read_text()
    rows = [set(re.findall(r"`([\w./]+)`", row.split("|")[1])) for row in text.splitlines() if row.startswith("| `")]
    for name in modules():
        *folders, leaf = name.split(".")
        if leaf not in ("__init__", "__main__"):
            places = {"/".join(folders) + "/", *(f"{folder}/" for folder in folders[-1:])}
            assert any(leaf in row and (not folders or places & row) for row in rows), name
