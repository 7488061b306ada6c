"""What to cite: `CITATION.cff`, duecredit, and a site whose pages and names are complete."""

import re
import subprocess
import sys

import pytest
import yaml
from pages import DOCS, ROOT

import mdbackmap
from mdbackmap.citations import PAPERS, cite

SCRIPT = """
import MDAnalysis as mda
import mdbackmap as mdb
from mdbackmap.datafiles import GO_PDB
mdb.load_model("genzprot", mda.Universe(GO_PDB).atoms)
"""


def test_citation_file_has_this_version_and_all_papers():
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert found["cff-version"] == "1.2.0" and found["version"] == mdbackmap.__version__ and found["license"] == "MIT"
    values = {identifier["value"] for paper in found["references"] for identifier in paper.get("identifiers", [])}
    assert values == {re.sub(r"10\.48550/arXiv\.", "arXiv:", doi) for doi, _ in PAPERS.values()}
    assert all(paper["authors"] and paper["title"] and paper["year"] for paper in found["references"])


@pytest.mark.slow
def test_duecredit_lists_the_paper_of_the_model_that_was_used(tmp_path):
    pytest.importorskip("duecredit")
    (tmp_path / "script.py").write_text(SCRIPT)
    run = [sys.executable, "-m", "duecredit", "script.py"]
    told = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert PAPERS["genzprot"][1] in told.stdout and PAPERS["cgvae"][1] not in told.stdout


def test_duecredit_is_not_loaded_unless_asked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "duecredit", raising=False)
    monkeypatch.delenv("DUECREDIT_ENABLE", raising=False)
    assert not cite("genzprot") and "duecredit" not in sys.modules
    monkeypatch.setitem(sys.modules, "duecredit", None)  # importing it fails
    assert not cite("genzprot")


def test_the_site_has_every_page_notebook_and_public_name():
    index = (ROOT / "docs" / "index.rst").read_text()
    pages = [str(page.relative_to(ROOT / "docs").with_suffix("")) for page in DOCS]
    pages += [f"/tutorials/{notebook.stem}" for notebook in (ROOT / "tutorials").glob("*.ipynb")]
    assert [page for page in pages if f"   {page}\n" not in index] == []
    api = (ROOT / "docs" / "api.rst").read_text()
    assert {name for name in mdbackmap.__all__ if f":: {name}\n" not in api} == {"__version__"}
