"""Ends of chains: where OXT goes, in order, in bonds and in space, and that nothing else changes."""

import dataclasses

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from molecules import model_of
from numpy.testing import assert_allclose, assert_array_equal
from traces import tiny, topology

import mdbackmap as mdb
from mdbackmap.checkpoint import load
from mdbackmap.cli import main
from mdbackmap.completion.complete import Completion
from mdbackmap.completion.ends import terminal_oxygen
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC, TRPCAGE_PDB
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.models.cascade import Cascade
from mdbackmap.molecule.grouping import group_mapping
from mdbackmap.molecule.kinds import groups_of
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.molecule.topology import Topology
from mdbackmap.options import Keys, Tolerance


def trace(resnames, ends=None):
    n = len(resnames)
    numbered = [range(n), resnames, range(1, n + 1), [""] * n, ["A"] * n, [""] * n]
    return Topology(["CA"] * n, [""] * n, *numbered, ends=ends)


def test_terminal_oxygen_mirrors_the_other():
    alpha, carbon, oxygen = np.random.default_rng(0).normal(size=(3, 50, 3))
    placed = terminal_oxygen(alpha, carbon, oxygen)
    assert_allclose(np.linalg.norm(placed - carbon, axis=-1), 1.25)
    axis, bonds = alpha - carbon, np.stack([oxygen - carbon, placed - carbon])
    bonds /= np.linalg.norm(bonds, axis=-1, keepdims=True)
    assert_allclose((axis * bonds[0]).sum(-1), (axis * bonds[1]).sum(-1), atol=1e-12)  # the same angle with CA-C
    assert_allclose(np.linalg.det(np.stack([axis, *bonds], 1)), 0, atol=1e-12)  # in one plane
    assert (np.linalg.norm(bonds[0] - bonds[1], axis=-1) > 0.01).all()


def test_order_bonds_and_beads():
    """Two stretches, the second one of a single glycine."""
    inner = Mapping.ca(trace(["ALA", "SER", "GLY"], [False, True, True]))
    whole = Completion(inner).mapping
    fine = whole.fine
    assert fine.names.tolist() == [*"N CA C O CB".split(), *"N CA C O CB OG OXT".split(), *"N CA C O OXT".split()]
    assert "".join(fine.elements) == "NCCOC" + "NCCOCOO" + "NCCOO"
    assert fine.residue_of_atom.tolist() == [0] * 5 + [1] * 7 + [2] * 5
    assert_array_equal(whole.bead_of_atom, fine.residue_of_atom)
    assert fine.names[whole.atoms].tolist() == ["CA"] * 3
    bonds = {frozenset((f"{fine.names[i]}{i}", f"{fine.names[j]}{j}")) for i, j in fine.bonds}
    assert {frozenset(("C7", "OXT11")), frozenset(("C14", "OXT16"))} <= bonds
    kept = [k for k, name in enumerate(fine.names) if name != "OXT"]
    old = {(kept[i], kept[j]) for i, j in inner.fine.bonds}
    assert {tuple(bond) for bond in fine.bonds.tolist()} == old | {(7, 11), (14, 16)}
    beads = np.random.default_rng(0).normal(size=(2, 3, 3))
    assert_array_equal(whole.project(whole.lift(beads)), beads)


def test_atoms_stay_and_oxygens_come():
    completion = Completion(Mapping.ca(trace(["ALA", "SER", "GLY"], [False, True, True])))
    atoms = np.random.default_rng(1).normal(size=(4, 15, 3)).astype(np.float32)
    whole = completion(atoms)
    fine = completion.mapping.fine
    added = fine.names == "OXT"
    assert whole.dtype == np.float32
    assert_array_equal(whole[:, ~added], atoms)
    for at, (alpha, carbon, oxygen) in zip(np.flatnonzero(added), [(6, 7, 8), (12, 13, 14)], strict=True):
        assert_array_equal(fine.names[~added][[alpha, carbon, oxygen]], ["CA", "C", "O"])
        assert_allclose(whole[:, at], terminal_oxygen(*atoms[:, [alpha, carbon, oxygen]].swapaxes(0, 1)))


def test_other_molecules_have_no_oxygens_added():
    inner = Mapping.ca(trace(["ALA", "SER"])).beside(Mapping.passengers(Mapping.ca(trace(["GLY"])).fine))
    assert np.flatnonzero(Completion(inner).mapping.fine.names == "OXT").tolist() == [11]


def test_what_is_complete_stays():
    once = Completion(Mapping.ca(trace(["ALA", "GLY"]))).mapping
    again = Completion(once)
    assert again.mapping is once
    atoms = np.zeros((1, once.n_atoms, 3))
    assert again(atoms) is atoms


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_network_atoms_and_ends_of_all_chains(temperature):
    cg = mda.Universe(COMPLEX_PDB)
    model = mdb.load_model("genzprot", cg.atoms, hydrogens=False)
    fine = model.mapping.fine
    made = model.sample(cg.atoms.positions[model.indices][None], [0], temperature=temperature)
    network = load("genzprot")[0]
    inner = network.mapping(model.mapping.coarse)
    assert inner.n_atoms + fine.ends.sum() == model.n_atoms
    _, counts = np.unique(fine.residue_of_atom[fine.names == "OXT"], return_counts=True)
    assert_array_equal(np.flatnonzero(fine.ends), fine.residue_of_atom[fine.names == "OXT"])
    assert (counts == 1).all() and fine.ends.sum() >= 2
    u = model.universe()
    for residue in np.flatnonzero(fine.ends):
        rows = {fine.names[k]: made[0, k] for k in np.flatnonzero(fine.residue_of_atom == residue)}
        assert np.linalg.norm(rows["OXT"] - rows["C"]) == pytest.approx(1.25, abs=1e-3)
        assert 2.1 < np.linalg.norm(rows["OXT"] - rows["O"]) < 2.3
        assert "OXT" in {a.name for a in u.residues[residue].atoms}
    assert len(u.atoms.fragments) == fine.ends.sum()


def test_cascade_ends_complete():
    alphas = topology("ACDEFGHIKLMNPQRSTVWYACDE", chains="A" * 16 + "B" * 8)
    first = np.flatnonzero(~alphas.ends)
    alphas = dataclasses.replace(alphas, bonds=np.stack([first, first + 1], axis=1))
    upper = model_of(group_mapping(alphas, groups_of("blocks:4", alphas)))
    cascade = Cascade.of([upper, tiny()])
    assert cascade.open_ends and not Cascade.of([upper]).open_ends
    model = mdb.Backmapper(cascade, cascade.molecule, np.arange(cascade.molecule.n_beads), {"model": "mine"})
    beads = np.random.default_rng(0).normal(size=(2, model.n_beads, 3)).astype(np.float32) * 8
    fine, made = model.mapping.fine, model.sample(beads, [0, 1])
    bound, tolerance = bind(cascade, cascade.molecule), Tolerance.of("auto")
    drawn = bound.sample(torch.tensor(beads), Noise(), Keys.first(2), tolerance=tolerance).numpy()
    assert drawn.shape[1] + 2 == made.shape[1] == model.n_atoms
    assert_allclose(made[:, fine.names != "OXT"], drawn, atol=1e-3)  # angstrom: turning to standard form rounds
    assert fine.residue_of_atom[fine.names == "OXT"].tolist() == [15, 23]


def test_crystal_reads_back_the_same():
    """Trp-cage has its OXT in the file; the rebuilt one has the same atoms in all residues."""
    crystal = mda.Universe(TRPCAGE_PDB).select_atoms("not name H*")
    u = mdb.backmap(mda.Universe(TRPCAGE_PDB), temperature=0.0, hydrogens=False)
    assert [set(r.atoms.names) for r in u.residues] == [set(r.atoms.names) for r in crystal.residues]


@pytest.mark.slow
@pytest.mark.parametrize("files", [(GO_PDB, GO_XTC), (COMPLEX_PDB,)])
def test_openmm_takes_the_output_as_it_is(tmp_path, files):
    """The file as it is; without hydrogens, those that OpenMM adds."""
    app = pytest.importorskip("openmm.app")
    command = ["convert", *map(str, files), "-o", str(tmp_path / "aa.pdb"), "--stop", "1", "--quiet"]
    field = app.ForceField("amber14-all.xml", "implicit/gbn2.xml")
    assert main(command) == 0
    whole = app.PDBFile(str(tmp_path / "aa.pdb")).topology
    assert field.createSystem(whole).getNumParticles() == whole.getNumAtoms()
    assert main([*command, "--no-hydrogens", "--overwrite"]) == 0
    pdb = app.PDBFile(str(tmp_path / "aa.pdb"))
    modeller = app.Modeller(pdb.topology, pdb.positions)
    modeller.addHydrogens(field)
    system = field.createSystem(modeller.topology)
    assert system.getNumParticles() == modeller.topology.getNumAtoms() > 1.8 * pdb.topology.getNumAtoms()
