"""Stored outputs of the notebooks and pictures of the gallery: small, whole, and of no particular machine."""

import json
import re

import pytest
from pages import ROOT

NOTEBOOKS = sorted((ROOT / "tutorials").glob("*.ipynb"))
GALLERY = ROOT / "docs" / "gallery.md"


def outputs(notebook):
    """(kind, text) of what cells of code have left."""
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    return [(output["output_type"], "".join(output.get("text", []))) for cell in cells for output in cell["outputs"]]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_were_run_to_the_end_and_are_small(notebook):
    kinds, texts = zip(*outputs(notebook), strict=True)
    assert "error" not in kinds
    assert not re.search(r"site-packages|/tmp/|/home/|/root/|\|#+\||█", "".join(texts))
    assert notebook.stat().st_size < 600_000


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_say_when_not_to_and_their_links_lead_somewhere(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "When not to do this" in prose
    for target in re.findall(r"\]\(([^)#]+)", prose):
        assert target.startswith("http") or (notebook.parent / target).exists(), target


def test_pictures_of_the_gallery_are_small_and_all_of_them_are_shown():
    files = set((GALLERY.parent / "gallery").glob("*.png"))
    shown = {GALLERY.parent / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", GALLERY.read_text())}
    assert files == shown and len(files) >= 8
    assert all(file.stat().st_size < 150_000 for file in files)
