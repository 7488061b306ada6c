"""README and docs/: what they show runs as it stands, what they name exists, sentences are short."""

import importlib
import importlib.util
import re
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from pages import DOCS, README, ROOT, blocks, cells, n_words, run_page, sentences
from written_inputs import WRITTEN

import mdbackmap
from mdbackmap.cli import build_parser

CARDS = [ROOT / "mdbackmap" / "weights" / "README.md", ROOT / "datafiles" / "README.md"]
OTHERS = [ROOT / f"{name}.md" for name in ("CONTRIBUTING", "ARCHITECTURE", "CHANGELOG")]
PAGES = [README, *DOCS, *CARDS, *OTHERS]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
SHOWN = [page for page in DOCS if blocks(page, "python", "console")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def n_frames(*files):
    return len(mda.Universe(*files).trajectory)


@pytest.mark.slow
def test_readme_runs_from_top_to_bottom(folder):
    assert len(blocks(README, "python")) >= 3 and len(blocks(README, "console")) >= 3
    names = run_page(README)
    assert names["u"].atoms.n_atoms == names["model"].n_atoms == 850
    assert names["conversion"].results.n_frames == n_frames("samples.pdb", "samples.xtc") == 25
    assert n_frames("aa.pdb", "aa.xtc") == 50 and n_frames("three.pdb", "three.xtc") == 30
    assert n_frames("back.pdb", "back.xtc") == 20


@pytest.mark.slow
@pytest.mark.parametrize("page", SHOWN, ids=[page.name for page in SHOWN])
def test_pages_of_docs_run(folder, page):
    if page.name in WRITTEN:
        WRITTEN[page.name]()
    run_page(page)


def test_readme_shows_what_it_does_first():
    """Install, convert a bundled file, convert your own; one picture, and three lines of Python below the imports."""
    first = README.read_text().split("\n## ")[0]
    code, commands = (re.search(rf"```{name}\n(.*?)```", first, re.DOTALL)[1] for name in ("python", "console"))
    lines = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) == 3 and "mdbackmap convert" in commands and "![" in first
    typed = [line.split("  ")[0] for _, block in blocks(README, "sh")[:1] for line in block.splitlines()]
    assert typed == [
        "pip install -c constraints.txt .",
        "mdbackmap demo",
        "mdbackmap convert mine.pdb mine.xtc -o aa.xtc",
    ]
    assert len(README.read_text().splitlines()) < 200


def test_every_command_of_the_table_exists():
    verbs = build_parser()._subparsers._group_actions[0].choices
    shown = re.findall(r"^\| `mdbackmap (\w+)", README.read_text(), flags=re.MULTILINE)
    assert set(shown) == set(verbs)


def test_set_up_lines():
    """Those of CONTRIBUTING are what CI runs."""
    install, run = " && ".join(blocks(ROOT / "CONTRIBUTING.md", "sh")[0][1].splitlines()).split(" && ")[-2:]
    script = (ROOT / ".ci" / "run").read_text()
    assert run == "python -m pytest -n 2" and run.removesuffix(" 2") in script
    assert install.removeprefix("pip install ") in script
    assert (ROOT / "constraints.txt").exists()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_pages_name_exist(page):
    for name in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not name.startswith("http"):
            assert (page.parent / name).exists(), name


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=str)
def test_modules_that_pages_name_exist(page):
    """Dotted names are modules, or what is in them; paths of files of the package exist, too."""
    text = page.read_text()
    for name in set(re.findall(r"\bmdbackmap\.[\w.]*\w", text)):
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last) or importlib.util.find_spec(name), name
    for name in set(re.findall(r"\b(?:mdbackmap|tests)/[\w/]+\.(?:py|npz|pt)\b", text)):
        assert (ROOT / name).exists(), name


def test_every_page_of_docs_is_in_readme():
    assert {str(page.relative_to(ROOT)) for page in DOCS} <= set(re.findall(r"\]\((docs/[^)]+)\)", README.read_text()))


def test_version_is_in_the_changelog():
    assert f"## {mdbackmap.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_figures_of_readme_are_those_of_the_benchmarks():
    summary = README.read_text().split("<!-- summary: begin -->")[1].split("<!-- summary: end -->")[0]
    assert set(summary.strip().splitlines()) <= set((ROOT / "docs" / "benchmarks.md").read_text().splitlines())


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_sentences_are_short(page):
    lengths = {sentence: n_words(sentence) for sentence in sentences(page)}
    assert [sentence for sentence, n in lengths.items() if n > 30] == []
    assert np.median([n for n in lengths.values() if n > 3]) <= 16


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_cell_has_one_number(page):
    assert [cell for cell in cells(page) if re.search(r"\d[%A]? / -?\d", cell)] == []


def test_long_sentences_and_crowded_cells_are_seen(tmp_path):
    page = Path(tmp_path, "page.md")
    text = f"Short one. And{' and' * 31} end. Last,\nover two lines.\n\n| a | 1.0 / 2.0 |\n|---|---|\n"
    page.write_text(f"# Head\n\n{text}")
    assert [n_words(sentence) for sentence in sentences(page)] == [2, 33, 4, 1, 2]
    assert "1.0 / 2.0" in cells(page)


def test_help_is_in_short_sentences():
    found = []
    for verb, parser in build_parser()._subparsers._group_actions[0].choices.items():
        texts = [parser.description, *(action.help for action in parser._actions)]
        parts = [part for text in filter(None, texts) for part in re.split(r"(?<=[.?!]) (?=[A-Z-])", text)]
        found += [(verb, part) for part in parts if n_words(part) > 30]
    assert found == []
