"""PDB and mmCIF: read back with MDAnalysis and gemmi; chains end where the topology says so."""

import re

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.topology import Topology
from mdbackmap.writing.pdb import PDBLayout, fits_pdb, write_topology


def molecule(n=6, chains="AAABBB", resids=(1, 2, 2, 1, 2, 9), icodes=("", "", "A", "", "", ""), ends=(2, 4, 5)):
    """Six residues: an insertion code, two chains, and a gap in the second."""
    coarse = Topology(
        names=["CA"] * n,
        elements=[""] * n,
        residue_of_atom=np.arange(n),
        resnames=(["GLY", "TRP", "SER"] * n)[:n],
        resids=resids,
        icodes=icodes,
        chainIDs=list(chains),
        segids=[""] * n,
        ends=np.isin(np.arange(n), ends),
    )
    fine = protein_topology(coarse)
    return fine, np.random.default_rng(0).uniform(-50, 50, (fine.n_atoms, 3))


@pytest.mark.parametrize("suffix", [".pdb", ".cif"])
def test_read_back(tmp_path, suffix):
    fine, positions = molecule()
    write_topology(tmp_path / f"aa{suffix}", fine, positions, [50, 60, 70, 90, 80, 70], ["made by a test"])
    u = mda.Universe(tmp_path / f"aa{suffix}")
    assert_allclose(u.atoms.positions, positions, atol=0.00051)
    assert_allclose(u.dimensions, [50, 60, 70, 90, 80, 70])
    for name in ("names", "elements"):
        assert_array_equal(getattr(u.atoms, name), getattr(fine, name))
    assert_array_equal(u.atoms.chainIDs, fine.chainIDs[fine.residue_of_atom])
    for name in ("resnames", "resids", "icodes"):
        assert_array_equal(getattr(u.residues, name), getattr(fine, name))
    assert "made by a test" in (tmp_path / f"aa{suffix}").read_text()


def test_ter_after_each_stretch(tmp_path):
    fine, positions = molecule()
    write_topology(tmp_path / "aa.pdb", fine, positions)
    lines = (tmp_path / "aa.pdb").read_text().splitlines()
    assert [line[17:27] for line in lines if line.startswith("TER")] == ["SER A   2A", "TRP B   2", "SER B   9"]
    serials = [int(line[6:11]) for line in lines if line.startswith(("ATOM", "TER"))]
    assert serials == list(range(1, fine.n_atoms + 4))


def test_each_stretch_is_a_subchain_in_mmcif(tmp_path):
    gemmi = pytest.importorskip("gemmi")
    fine, positions = molecule()
    write_topology(tmp_path / "aa.cif", fine, positions)
    model = gemmi.read_structure(str(tmp_path / "aa.cif"))[0]
    assert [chain.name for chain in model] == ["A", "B"]
    assert [len(x) for x in model.subchains()] == [3, 2, 1]


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"resids": (1, 2, 2, 1, 2, 10_000)}, False),
        ({"resids": (-999, 2, 2, 1, 2, 9999)}, True),
        ({"chains": ["A", "A", "A", "BB", "BB", "BB"]}, False),
    ],
)
def test_what_fits(change, fits):
    fine, _ = molecule(**change)
    assert fits_pdb(fine) == fits
    if not fits:
        with pytest.raises(ValueError, match="do not fit a PDB file"):
            PDBLayout(fine)


def test_more_atoms_than_pdb_holds(tmp_path):
    pytest.importorskip("gemmi")
    n = 15_000
    fine, positions = molecule(n, "A" * n, np.arange(n) % 9000, [""] * n, [n - 1])
    assert fine.n_atoms > 99_999 and not fits_pdb(fine)
    write_topology(tmp_path / "aa.cif", fine, positions)
    assert mda.Universe(tmp_path / "aa.cif").atoms.n_atoms == fine.n_atoms


@pytest.mark.parametrize("far", [-1000.0, 10_000.0, np.nan])
def test_coordinates_beyond_the_columns(far):
    fine, positions = molecule()
    positions[5, 1] = far
    with pytest.raises(ValueError, match="do not fit a PDB file"):
        PDBLayout(fine).atoms(positions)


def test_columns_never_run_together():
    fine, positions = molecule(resids=(-999, 2, 2, 1, 2, 9999))
    for line in PDBLayout(fine).atoms(np.full_like(positions, -999.999)).splitlines():
        assert len(line) <= 80
        if line.startswith("ATOM"):
            assert [float(line[i : i + 8]) for i in (30, 38, 46)] == [-999.999] * 3


def test_far_from_the_origin(tmp_path):
    """Moved as a whole to where the columns can hold it, and a remark says by what."""
    fine, positions = molecule()
    far = positions + np.array([2e4, -3e3, 0])
    write_topology(tmp_path / "far.pdb", fine, far, remarks=["by: hand"])
    text = (tmp_path / "far.pdb").read_text()
    found = mda.Universe(str(tmp_path / "far.pdb")).atoms.positions
    assert_allclose(found - found[0], far - far[0], atol=2e-3)
    x, y, z = (float(word) for word in re.search(r"moved by: (\S+) (\S+) (\S+) A", text).groups())
    assert_allclose(found, far + [x, y, z], atol=1e-3)
    with pytest.raises(ValueError, match="do not fit a PDB file"):
        write_topology(tmp_path / "huge.pdb", fine, positions * 1e5)
