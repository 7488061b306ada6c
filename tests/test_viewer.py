"""Interactive views: what py3Dmol and nglview are handed, and what happens where neither is installed."""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.datafiles import TRPCAGE_PDB
from mdbackmap.evaluation.viewer import view


@pytest.fixture(scope="module")
def atoms():
    return mda.Universe(TRPCAGE_PDB).atoms


@pytest.fixture
def absent(monkeypatch):
    """Neither package, whether installed or not."""
    for name in ("py3Dmol", "nglview"):
        monkeypatch.setitem(sys.modules, name, None)


def test_py3dmol_gets_the_atoms_as_pdb_and_the_beads_as_xyz(atoms, absent, monkeypatch):
    shown = MagicMock()
    monkeypatch.setitem(sys.modules, "py3Dmol", SimpleNamespace(view=lambda **size: shown))
    cas = atoms.select_atoms("name CA")
    assert view(atoms, cas) is shown
    (pdb, kind, kept), (xyz, _) = (call.args for call in shown.addModel.call_args_list)
    assert kind == "pdb" and kept == {"keepH": True}
    lines = [line for line in pdb.splitlines() if line.startswith("ATOM")]
    found = [[float(line[at : at + 8]) for at in (30, 38, 46)] for line in lines]
    np.testing.assert_allclose(found, atoms.positions, atol=1e-3)
    assert [line[12:16].strip() for line in lines] == list(atoms.names)
    rows = np.array([line.split()[1:] for line in xyz.splitlines()[2:]], float)
    np.testing.assert_allclose(rows, cas.positions, atol=1e-3)
    assert "sphere" in shown.setStyle.call_args.args[1]


def test_nglview_is_taken_where_py3dmol_is_not(atoms, absent, monkeypatch):
    package = MagicMock()
    monkeypatch.setitem(sys.modules, "nglview", package)
    assert view(atoms.universe, np.zeros((3, 3))) is package.NGLWidget.return_value
    assert [call.kwargs["ext"] for call in package.TextStructure.call_args_list] == ["pdb", "xyz"]


def test_without_either_the_picture_is_shown_or_a_sentence_says_what_to_install(atoms, absent):
    assert view(atoms, otherwise="picture") == "picture"
    with pytest.raises(ImportError, match=r'pip install "mdbackmap\[view\]"'):
        view(atoms)


def test_a_viewer_that_is_broken_is_not_taken_for_absent(atoms, absent, monkeypatch, tmp_path):
    (tmp_path / "py3Dmol.py").write_text("import a_package_that_is_not_there")
    monkeypatch.delitem(sys.modules, "py3Dmol")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
        view(atoms, otherwise="picture")


def test_beads_have_three_coordinates(atoms, absent):
    with pytest.raises(ValueError, match=r"shape \(N, 3\), not \(4, 2\)"):
        view(atoms, np.zeros((4, 2)), otherwise="picture")


def test_the_view_of_an_installed_py3dmol(atoms):
    pytest.importorskip("py3Dmol")
    html = view(atoms, atoms.select_atoms("name CA")).write_html()
    assert "3Dmol" in html and html.count("addModel") == 2 and "ATOM" in html
