"""The guesser of beads: masses of known proteins, elements, bonds, and how MDAnalysis calls it."""

import copy

import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.guesser.base import get_guesser

import mdbackmap
from mdbackmap import BeadGuesser, MappingError
from mdbackmap.datafiles import GO_PDB, MARTINI_GRO, TRPCAGE_PDB
from mdbackmap.molecule.bead_models import bead_model
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.molecule.topology import Topology

pytestmark = pytest.mark.filterwarnings("ignore:masses of")
ALL = ["types", "masses", "elements", "bonds"]
UBIQUITIN = 8564.8  # u, average mass of P0CG48 1-76


@pytest.fixture(scope="module")
def martini():
    return mda.Universe(MARTINI_GRO, context="beads", to_guess=ALL)


def test_the_context_is_registered_by_its_module_alone():
    assert isinstance(get_guesser("beads"), BeadGuesser) and isinstance(get_guesser(BeadGuesser), BeadGuesser)
    assert "BeadGuesser" in mdbackmap.__all__


def test_masses_of_martini_beads_sum_to_the_protein(martini):
    protein = martini.select_atoms("name BB SC*")
    assert protein.masses.sum() == pytest.approx(UBIQUITIN, abs=0.5)
    assert np.unique(martini.select_atoms("name W").masses).round(2).tolist() == [72.06]
    assert np.isnan(martini.select_atoms("name NA CL").masses).all()
    assert set(protein.elements) == {""} and set(protein.types) == {"BB", "SC1", "SC2", "SC3", "SC4"}


def test_bonds_are_between_beads_of_bonded_atoms(martini):
    names = {frozenset(zip(bond.atoms.names, bond.atoms.resids, strict=True)) for bond in martini.bonds}
    assert frozenset({("BB", 1), ("BB", 2)}) in names and frozenset({("BB", 1), ("SC1", 1)}) in names
    assert not any("W" in name for pair in names for name, _ in pair)
    assert len(martini.select_atoms("name BB SC*").fragments) == 1


def test_water_and_lipids_without_a_protein():
    u = mda.Universe(MARTINI_GRO, to_guess=())
    rest = mda.Merge(u.select_atoms("name W NA"))
    rest.guess_TopologyAttrs(context="beads", to_guess=["bonds"], force_guess=["masses", "elements", "types"])
    assert set(rest.select_atoms("name W").masses.round(2)) == {72.06} and set(rest.atoms.types) == {"W", "NA"}
    assert np.isnan(rest.select_atoms("name NA").masses).all() and set(rest.atoms.elements) == {""}
    assert len(rest.bonds) == 0


def test_all_atoms_are_refused_and_beads_without_names_have_no_types():
    u = mda.Universe(TRPCAGE_PDB, to_guess=())
    with pytest.raises(MappingError, match="these are all atoms .154 in 20 residues., expected beads"):
        u.guess_TopologyAttrs(context="beads", to_guess=["masses"])
    with pytest.raises(ValueError, match="add the attribute 'names'"):
        mda.Universe.empty(3, trajectory=True).guess_TopologyAttrs(context="beads", to_guess=["types"])


def test_beads_of_unknown_mass_are_named():
    with pytest.warns(
        UserWarning, match="masses of 2 kinds of beads are not known and are NaN: CL, NA; give them by masses_of={'CL'"
    ):
        mda.Universe(MARTINI_GRO, context="beads")
    u = mda.Universe(MARTINI_GRO, context="beads", masses_of={"NA": 22.99, "CL": 35.45})
    assert np.isfinite(u.atoms.masses).all() and u.select_atoms("name CL").masses[0] == 35.45


def test_calphas_are_carbons_with_the_mass_of_their_residue():
    u = mda.Universe(GO_PDB)
    assert set(u.atoms.masses.round(2)) == {12.01}
    u.guess_TopologyAttrs(context="beads", to_guess=["elements", "bonds"], force_guess=["masses"])
    assert set(u.atoms.elements) == {"C"} and len(u.bonds) == 55
    glycine = u.select_atoms("resname GLY and not resid 2 57").masses
    assert np.allclose(glycine, 57.05, atol=0.01)
    assert u.atoms[-1].mass - u.select_atoms("resname GLU and not resid 57").masses[0] == pytest.approx(15.999)


def test_all_bead_models_of_one_protein_have_its_mass():
    """Beads of PRIMO or of a backbone leave atoms out: those rest on the nearest bead."""
    atoms = mda.Universe(TRPCAGE_PDB).atoms
    fine = Topology.from_atoms(atoms)
    masses = []
    for name in ("ca", "martini3", "martini22", "com", "ca_cm"):
        coarse = bead_model(name).topology(fine)
        residues = coarse.residue_of_atom
        n = coarse.n_residues
        u = mda.Universe.empty(
            coarse.n_atoms, n, atom_resindex=residues, residue_segindex=np.zeros(n, int), trajectory=True
        )
        for attribute, values in (("names", coarse.names), ("resnames", coarse.resnames), ("resids", coarse.resids)):
            u.add_TopologyAttr(attribute, values.tolist())
        u.atoms.positions = Mapping.of(bead_model(name), coarse, fine).project(atoms.positions[None])[0]
        u.guess_TopologyAttrs(context="beads", to_guess=["masses"], mapping=name)
        masses.append(u.atoms.masses.sum())
    assert np.allclose(masses, 2170.4, atol=1.5), masses  # u, NLYIQWLKDGGPSSGRPPPS


def test_only_empty_values_are_filled_unless_asked():
    u = mda.Universe(GO_PDB)
    u.add_TopologyAttr("elements", ["N"] * 56)
    u.atoms.masses = [np.nan, *[5.0] * 55]
    u.guess_TopologyAttrs(context="beads", to_guess=["elements", "masses"])
    assert u.atoms.masses[:2].round(1).tolist() == [116.1, 5.0] and set(u.atoms.elements) == {"N"}
    u.guess_TopologyAttrs(context="beads", force_guess=["elements", "masses"])
    assert set(u.atoms.elements) == {"C"} and u.atoms.masses[1] > 100
    u.guess_TopologyAttrs(context="beads", force_guess=["bonds"])
    u.guess_TopologyAttrs(context="beads", force_guess=["bonds"])
    assert len(u.bonds) == 55


def test_universes_with_the_context_are_copied_and_know_their_own_beads(martini):
    other = martini.copy()
    assert np.array_equal(other.atoms.masses, martini.atoms.masses, equal_nan=True)
    guesser = BeadGuesser()
    go = mda.Universe(GO_PDB)
    go.guess_TopologyAttrs(context=guesser, force_guess=["masses"])
    other.guess_TopologyAttrs(context=guesser, force_guess=["masses"])
    assert other.atoms.n_atoms == martini.atoms.n_atoms and copy.deepcopy(guesser.copy()._kwargs)["mapping"] is None
    assert np.array_equal(other.atoms.masses, martini.atoms.masses, equal_nan=True)


def test_what_is_no_bead_is_refused():
    u = mda.Universe.empty(3, atom_resindex=[0, 0, 0], trajectory=True)
    u.add_TopologyAttr("names", ["O", "H1", "H2"])
    with pytest.raises(MappingError):
        u.guess_TopologyAttrs(context="beads", to_guess=["masses"])
    with pytest.raises(ValueError, match="can not guess"):
        mda.Universe(GO_PDB).guess_TopologyAttrs(context="beads", to_guess=["charges"])
