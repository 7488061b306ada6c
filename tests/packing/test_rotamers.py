"""What crystals say of side chains: the table, and that it reaches the side chains on beads that no crystal has."""

import math

import MDAnalysis as mda
import numpy as np
import pytest
import torch

import mdbackmap as mdb
from mdbackmap import checkpoint
from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import GO_PDB, GO_XTC, VALIDATION
from mdbackmap.metrics.top8000 import rotamer_score
from mdbackmap.packing.rotamers import TABLES, RotamerPrior
from mdbackmap.training.loop import with_config
from mdbackmap.training.priors.byte_tables import STEP
from mdbackmap.training.priors.rotamer_prior import build, rotamer_energies


def test_energies_are_shares():
    structures = Structures.read(VALIDATION)
    torsions, known = (values.numpy() for values in structures.torsions)
    energies = rotamer_energies(torsions, known, structures.types.numpy())
    assert energies.shape == (4, 20, 36, 72)
    np.testing.assert_allclose(np.exp(-energies).sum(-1), 1.0, atol=2e-3)
    serine = energies[0, TYPE_OF_NAME["SER"], 0]
    assert serine[[24, 36 + 12]].min() < serine[[12 + 12, 36]].min() + 1.0  # -60 or +60, against 0
    assert np.ptp(energies[:, TYPE_OF_NAME["GLY"]]) == 0


def test_built_and_shipped_tables(tmp_path, monkeypatch):
    monkeypatch.setattr("mdbackmap.training.priors.rotamer_prior.TRAIN", 1)  # the bundled chains are for validation
    build(VALIDATION, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as made, np.load(TABLES) as shipped:
        assert made["chi"].shape == shipped["chi"].shape and made["step"] == shipped["step"] == STEP
        counted = [TYPE_OF_NAME[name] for name in ("LEU", "VAL", "ILE", "LYS", "GLU", "SER", "THR")]
        one, other = (np.exp(-STEP * part["chi"][0, counted, 0]) for part in (made, shipped))
    assert (np.minimum(one, other).sum(1) > 0.85).all()  # overlap of two distributions of chi 1
    assert TABLES.stat().st_size < 60_000


@pytest.mark.parametrize(("name", "chis"), [("LEU", (-65, 175)), ("VAL", (175,)), ("LYS", (-67, 180, 180, 180))])
def test_common_rotamers_cost_least(name, chis):
    prior = RotamerPrior(torch.tensor([TYPE_OF_NAME[name]]), torch.tensor([1.0, 0.0]))
    before = 0.0
    for k, chi in enumerate(chis, 1):
        energies = prior(k, torch.tensor([0]), torch.full((2, 3, 1), math.radians(before)))
        assert energies.shape == (2, 3, 1, 72) and (energies[1] == 0).all()
        bin_of = round(chi / 5) % 72 + 36
        assert energies[0, 0, 0, bin_of % 72] < energies[0, 0, 0].min() + 0.5
        before = chi


_LAST = {"SER": "OG", "THR": "OG1", "VAL": "CG1"}  # residues with one chi, and the last of its atoms


def _outliers(atoms):
    """Percent of the side chains with one chi that are rotamer outliers in an all-atom Universe, and their number."""
    scores = []
    for _ in atoms.universe.trajectory[::5]:
        for residue in atoms.residues:
            if residue.resname in _LAST:
                names = ("N", "CA", "CB", _LAST[residue.resname])
                four = [residue.atoms.select_atoms(f"name {name}").positions[0] for name in names]
                chi = np.full((1, 1, 4), np.nan)
                chi[0, 0, 0] = mda.lib.distances.calc_dihedrals(*four)
                scores.append(rotamer_score(chi, np.array([TYPE_OF_NAME[residue.resname]]))[0, 0])
    return 100 * (np.array(scores) < 0.003).mean(), len(scores)


@pytest.mark.slow
def test_fewer_outliers_on_beads_that_no_crystal_has(tmp_path):
    coarse = mda.Universe(GO_PDB, GO_XTC)
    network, provenance = checkpoint.load("genzprot")
    checkpoint.save(tmp_path / "without.pt", with_config(network, rotamers=0.0), provenance)
    (found, count), (without, _) = (
        _outliers(mdb.backmap(coarse, mdb.load_model(name, coarse.atoms), temperature=1.0).atoms)
        for name in ("genzprot", tmp_path / "without.pt")
    )
    assert count > 50 and found < 0.7 * without
