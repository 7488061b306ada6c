"""Protons by PROPKA, once for a molecule; what is said of single residues wins."""

import sys

import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.cli.values import protonation
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB
from mdbackmap.options import HydrogenOptions


def forms(ph, asked, renamed=()):
    """Forms of barnase, chain A, by number."""
    u = mda.Merge(mda.Universe(COMPLEX_PDB).select_atoms("name CA and chainID A"))
    for number, name in dict(renamed).items():
        u.residues[u.residues.resids.tolist().index(number)].resname = name
    fine = mdb.load_model("genzprot", u.atoms, ph=ph, protonation=asked).mapping.fine
    return dict(zip(fine.resids.tolist(), fine.variants.tolist(), strict=True))


def test_propka_knows_the_structure():
    """GLU 73 of barnase, in its active site, holds its proton longer than in water."""
    pytest.importorskip("propka")
    plain, found = forms(5.5, None), forms(5.5, "propka")
    assert plain[73] == "GLU" and found[73] == "GLH"
    others = [number for number in plain if plain[number] != found[number]]
    assert len(others) < 6
    one = forms(5.5, {"*": "propka", "A:73": "GLU"}, {54: "ASH", 102: "HIP"})
    assert (one[73], one[54], one[102]) == ("GLU", "ASH", "HIP")
    assert set(forms(12.5, "propka").values()) >= {"LYN"}


def test_propka_is_missed_with_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "propka", None)
    monkeypatch.setitem(sys.modules, "propka.run", None)
    with pytest.raises(ImportError, match=r'needs PROPKA, which is not installed: pip install "mdbackmap\[propka\]"'):
        forms(7.0, "propka")
    assert main(["convert", GO_PDB, "-o", str(tmp_path / "aa.pdb"), "--protonation", "propka"]) == 1
    assert "needs PROPKA" in capsys.readouterr().err


def test_other_words_are_refused():
    for asked in ("pdb2pqr", {"*": "HIP"}):
        with pytest.raises(ValueError, match='expected "propka", or forms by residue'):
            HydrogenOptions(protonation=asked)
    options = HydrogenOptions(protonation=dict([protonation("propka"), protonation("A:57=HIP")]))
    assert options.propka and options.forms == {"A:57": "HIP"}
    assert not HydrogenOptions(protonation={"A:57": "HIP"}).propka and not HydrogenOptions().propka


def test_modified_residues_and_bonded_cysteines_keep_theirs():
    pytest.importorskip("propka")
    found = forms(9.5, "propka", {90: "PTR"})
    assert found[90] == "PTR" and np.all([form != "TYM" for number, form in found.items() if number == 90])
