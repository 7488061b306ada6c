"""Beads of every bead model, recognised by names and distances: projected from bundled chains, then made harder."""

import dataclasses
import json
import logging
import warnings

import MDAnalysis as mda
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC, VALIDATION
from mdbackmap.molecule.bead_definition import BeadModel
from mdbackmap.molecule.bead_models import BEAD_MODELS
from mdbackmap.molecule.heavy_atoms import protein_topology
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.molecule.topology import Topology
from mdbackmap.recognition import centres
from mdbackmap.recognition.all_beads import alphas_of
from mdbackmap.recognition.recognise import recognise
from mdbackmap.universes.universe import universe_of


def complete(chain):
    """Whether a chain is in one piece, with all heavy atoms."""
    return chain.ends.sum() == 1 and chain.mask.sum(1).tolist() == [len(ATOMS[RESIDUE_NAMES[k]]) for k in chain.types]


WHOLE = [chain for chain in read_chains(VALIDATION) if complete(chain)]
CHAIN = next(chain for chain in WHOLE if 90 < len(chain.types) < 140 and len(set(chain.types)) == 20)


def atoms_of(chain, rows=slice(None)):
    """Topology of a chain's heavy atoms, and their positions (A, 3)."""
    coarse = chain.trace()
    fine = protein_topology(coarse.take(np.arange(coarse.n_residues)[rows]))
    positions, mask = chain.positions[0][rows], chain.mask[rows]
    return fine, positions[mask]


def beads(model, rows=slice(0, 80), chain=CHAIN):
    """A universe of a chain's beads, and their positions."""
    fine, positions = atoms_of(chain, rows)
    coarse = model.topology(fine)
    u = universe_of(coarse)
    found = Mapping.of(model, coarse, fine).project(positions)
    u.load_new(found.astype(np.float32)[None])
    return u


def quietly(atoms, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return recognise(atoms, **options)


def bare(u, **attributes):
    """A copy with names, residue names and numbers alone, or with these attributes."""
    residue = np.unique(u.atoms.resindices, return_inverse=True)[1]
    new = mda.Universe.empty(len(u.atoms), n_residues=residue.max() + 1, atom_resindex=residue)
    given = {"names": u.atoms.names, "resnames": u.residues.resnames, "resids": u.residues.resids} | attributes
    for name, values in given.items():
        new.add_TopologyAttr(name, list(values))
    new.load_new(u.atoms.positions[None])
    return new


def more(u, names, resnames, positions):
    """A universe with further beads behind, each a residue of its own."""
    n, old = len(names), u.atoms.resindices
    new = mda.Universe.empty(
        len(old) + n, n_residues=len(u.residues) + n, atom_resindex=np.append(old, len(u.residues) + np.arange(n))
    )
    new.add_TopologyAttr("names", [*u.atoms.names, *names])
    new.add_TopologyAttr("resnames", [*u.residues.resnames, *resnames])
    new.add_TopologyAttr("resids", [*u.residues.resids, *range(1, n + 1)])
    new.load_new(np.concatenate([u.atoms.positions, positions]).astype(np.float32)[None])
    return new


# ---------------------------------------------------------------- every model under its own names


@pytest.mark.parametrize("name", BEAD_MODELS)
def test_every_model_is_recognised(name):
    u = beads(BEAD_MODELS[name])
    for how in ({}, {"mapping": name}):
        indices, coarse, model = quietly(u.atoms, **how)
        assert model is BEAD_MODELS[name]
        assert_array_equal(indices, np.arange(len(u.atoms)))
        assert_array_equal(coarse.names, u.atoms.names if coarse.n_atoms > 80 else coarse.names)
        assert coarse.n_residues == 80
        assert coarse.ends.tolist() == [False] * 79 + [True]
        Mapping.of(model, coarse)  # its beads are those of the model


@pytest.mark.parametrize("name", ["ca", "ca_sc", "elnedyn", "primo", "awsem", "backbone", "martini3_ncaco"])
def test_cis_peptides_are_found_where_c_alphas_are_beads(name):
    chain = next(chain for chain in WHOLE if chain.trace().cis.sum())
    at = int(np.flatnonzero(chain.trace().cis)[0])
    rows = slice(max(0, at - 15), at + 15)
    assert quietly(beads(BEAD_MODELS[name], rows, chain).atoms)[1].cis.sum() == chain.trace().cis[rows][:-1].sum()


def test_all_atoms_are_c_alphas_unless_the_user_says_otherwise():
    fine, positions = atoms_of(CHAIN)
    u = universe_of(fine)
    u.load_new(positions.astype(np.float32)[None])
    indices, _, model = quietly(u.atoms)
    assert model.name == "ca"
    assert set(u.atoms[indices].names) == {"CA"}
    indices, coarse, model = recognise(u.atoms, mapping="backbone")
    assert model.name == "backbone"
    assert coarse.n_atoms == 4 * coarse.n_residues


@pytest.mark.parametrize("atoms", [["N", "CA", "C"], ["N", "CA", "C", "O"], ["N", "CA", "C", "O", "CB"]])
def test_backbones_keep_what_they_have(atoms):
    fine, positions = atoms_of(CHAIN, slice(0, 40))
    u = universe_of(fine)
    u.load_new(positions.astype(np.float32)[None])
    _, coarse, model = quietly(u.atoms[np.isin(u.atoms.names, atoms)])
    assert set(coarse.names) == set(atoms)
    assert Mapping.of(model, coarse).name.startswith("backbone")


def test_a_backbone_with_centroids():
    fine, positions = atoms_of(CHAIN, slice(0, 40))
    side = BEAD_MODELS["ca_sc"]
    table = {
        name: {"N": {"N": 1.0}, "CA": {"CA": 1.0}, "C": {"C": 1.0}}
        | ({"CE": side.residues[name]["SC"]} if "SC" in side.residues[name] else {})
        for name in RESIDUE_NAMES
    }
    model = BeadModel("cgdms", "CA", table)
    coarse = model.topology(fine)
    u = universe_of(coarse)
    u.load_new(Mapping.of(model, coarse, fine).project(positions).astype(np.float32)[None])
    _, found, recognised = quietly(u.atoms)
    assert recognised.name == "backbone_sc_no_o"
    assert_allclose(
        Mapping.of(recognised, found, fine).project(positions), u.atoms.positions[recognise(u.atoms)[0]], atol=1e-4
    )


# ---------------------------------------------------------------- names that say little, or something else


@pytest.mark.parametrize("name", ["CA", "B", "BB", "AA"])
@pytest.mark.parametrize("model", ["ca", "com", "bb"])
def test_single_beads_under_any_name(model, name):
    u = bare(beads(BEAD_MODELS[model], slice(None)))
    u.atoms.names = [name] * len(u.atoms)
    assert quietly(u.atoms)[2].name == model


@pytest.mark.parametrize("model", ["ca_sc", "ca_cm"])
@pytest.mark.parametrize("name", ["SC", "CM", "CB", "S1"])
def test_a_second_bead_under_any_name(model, name):
    u = bare(beads(BEAD_MODELS[model]))
    u.atoms.names = np.where(u.atoms.names == "CA", "CA", name)
    _, coarse, found = recognise(u.atoms)
    assert found is BEAD_MODELS[model]
    Mapping.of(found, coarse)


def test_c_alpha_and_c_beta():
    fine, positions = atoms_of(CHAIN, slice(0, 60))
    u = universe_of(fine)
    u.load_new(positions.astype(np.float32)[None])
    _, coarse, model = quietly(u.atoms[np.isin(u.atoms.names, ["CA", "CB"])])
    assert model.residues["LEU"] == {"CA": {"CA": 1.0}, "CB": {"CB": 1.0}}
    assert_array_equal(coarse.names, fine.names[np.isin(fine.names, ["CA", "CB"])])


def test_residue_names_of_awsem_need_a_sequence():
    u = bare(beads(BEAD_MODELS["awsem"]))
    sequence = "".join(quietly(u.atoms)[1].sequence)
    u.residues.resnames = [{"G": "IGL", "P": "IPR"}.get(letter, "NGP") for letter in sequence]
    with pytest.raises(MappingError, match="names of AWSEM.*sequence="):
        recognise(u.atoms)
    _, coarse, model = quietly(u.atoms, sequence=sequence)
    assert model.name == "awsem"
    assert coarse.sequence == sequence


def test_what_is_found_is_said_with_how_to_overrule_it(caplog):
    with caplog.at_level(logging.INFO, logger="mdbackmap"):
        recognise(beads(BEAD_MODELS["martini3"]).atoms)
    assert "'martini3' (neighbouring BB lie 3." in caplog.text
    assert "--mapping NAME" in caplog.text


# ---------------------------------------------------------------- Martini as files have it


@pytest.mark.parametrize("name", ["martini3", "martini22", "elnedyn"])
def test_martini_in_its_box(name):
    """Water, ions, calcium called CA, Go sites behind all beads, no chain ids, other numbers, 2.2p's charges."""
    u = bare(beads(BEAD_MODELS[name]))
    backbone = u.select_atoms("name BB")
    far = np.random.default_rng(0).uniform(60, 90, size=(9, 3))
    u = more(u, ["CA"] * len(backbone), backbone.resnames, backbone.positions)
    u = more(u, ["W"] * 4 + ["NA", "CL", "CA", "CA", "PO4"], ["W"] * 4 + ["ION"] * 3 + ["CA", "POPC"], far)
    with pytest.warns(UserWarning) as caught:
        indices, coarse, model = recognise(u.atoms)
    assert model.name == name
    assert set(u.atoms[indices].names) <= {"BB", "SC1", "SC2", "SC3", "SC4", "SC5"}
    assert coarse.n_residues == 80
    said = " ".join(str(warning.message) for warning in caught)
    assert "left out as no part of the protein: 9 atoms (4 W, 3 ION" in said
    assert "80 CA" in said


def test_charges_of_martini_22p():
    u = bare(beads(BEAD_MODELS["martini22"], slice(0, 30)))
    lysine = u.select_atoms("resname LYS and name SC2")
    u = more(u, ["SCP"] * len(lysine), ["LYS"] * len(lysine), lysine.positions + 1.0)
    u.residues[-len(lysine) :].resids = lysine.resids
    with pytest.warns(UserWarning, match=r"SCP \(virtual sites\)"):
        assert recognise(u.atoms)[2].name == "martini22"


@pytest.mark.parametrize("name", ["martini3", "ca_sc", "backbone"])
def test_beads_of_a_residue_may_lie_anywhere_in_the_file(name):
    u = bare(beads(BEAD_MODELS[name]))
    order = np.argsort(u.atoms.names, kind="stable")
    shuffled = mda.Universe.empty(len(order), n_residues=len(order), atom_resindex=np.arange(len(order)))
    for attribute in ("names", "resnames", "resids"):
        shuffled.add_TopologyAttr(attribute, list(getattr(u.atoms, attribute)[order]))
    shuffled.load_new(u.atoms.positions[order][None])
    indices, coarse, model = quietly(shuffled.atoms)
    assert model.name == name
    assert_array_equal(shuffled.atoms[indices].positions, u.atoms.positions)


def test_histidine_called_hid_has_other_beads():
    fine, positions = atoms_of(CHAIN, slice(0, 80))
    variants = np.where(fine.resnames == "HIS", "HID", fine.variants)
    fine = dataclasses.replace(fine, variants=variants)
    model = BEAD_MODELS["martini3"]
    coarse = model.topology(fine)
    u = universe_of(dataclasses.replace(coarse, resnames=np.where(coarse.resnames == "HIS", "HID", coarse.resnames)))
    u.load_new(Mapping.of(model, coarse, fine).project(positions).astype(np.float32)[None])
    indices, found, model = quietly(u.atoms)
    assert_allclose(Mapping.of(model, found, fine).project(positions), u.atoms.positions[indices], atol=1e-4)


def two_chains(run_on):
    """Martini 3 beads of a complex, its two chains nameless and numbered through, or each from 1."""
    aa = mda.Universe(COMPLEX_PDB)
    residues = aa.select_atoms("protein and name CA").residues
    fine = protein_topology(recognise(aa.select_atoms("protein"))[1])
    model = BEAD_MODELS["martini3"]
    place = {(int(r), str(a.name)): a.position for r, x in enumerate(residues) for a in x.atoms}
    positions = np.array([place[int(r), str(n)] for r, n in zip(fine.residue_of_atom, fine.names, strict=True)])
    coarse = model.topology(fine)
    u = bare(universe_of_at(coarse, Mapping.of(model, coarse, fine).project(positions)))
    if run_on:
        u.residues.resids = np.arange(1, len(u.residues) + 1)
    return u, coarse


def universe_of_at(coarse, positions):
    u = universe_of(coarse)
    u.load_new(positions.astype(np.float32)[None])
    return u


@pytest.mark.parametrize("run_on", [False, True])
def test_chains_without_names_get_letters(run_on, caplog):
    u, coarse = two_chains(run_on)
    with caplog.at_level(logging.INFO, logger="mdbackmap"):
        _, found, _ = quietly(u.atoms)
    assert_array_equal(found.ends, coarse.ends)
    pieces = np.append(0, np.cumsum(coarse.ends)[:-1])
    chains = pieces if run_on else np.unique(coarse.chainIDs, return_inverse=True)[1]
    assert_array_equal(found.chainIDs, np.array(list("ABC"))[chains])
    assert "the file names no chains: by breaks and numbers they are A, B" in caplog.text


def test_springs_of_an_elastic_network_join_nothing():
    u, coarse = two_chains(run_on=True)
    backbone = u.select_atoms("name BB")
    apart = np.linalg.norm(backbone.positions[:, None] - backbone.positions[None], axis=-1)
    one, two = np.nonzero(np.triu((apart > 5.0) & (apart < 9.0), 2))
    last = int(np.flatnonzero(coarse.ends)[0])
    u.add_TopologyAttr("bonds", backbone.indices[np.append(np.stack([one, two], axis=1), [[last, last + 1]], axis=0)])
    _, found, _ = quietly(u.atoms)
    assert_array_equal(found.ends, coarse.ends)


@pytest.mark.parametrize("name", ["martini3", "martini22", "elnedyn", "com", "ca_sc"])
def test_beads_wrapped_singly_in_a_triclinic_box(name):
    u = bare(beads(BEAD_MODELS[name]))
    alone = quietly(u.atoms)
    u.dimensions = [70, 70, 70, 60, 60, 90]
    u.atoms.positions = u.atoms.positions + 30.0
    u.atoms.wrap(compound="atoms")
    indices, coarse, model = quietly(u.atoms)
    assert model.name == alone[2].name == name
    assert_array_equal(indices, alone[0])
    assert_array_equal(coarse.ends, alone[1].ends)


# ---------------------------------------------------------------- what the user names


def test_a_json_file_of_a_model(tmp_path):
    table = {
        name: {"P": {"N": 1.0, "C": 1.0}} | ({"Q": {"CB": 1.0}} if "CB" in ATOMS[name] else {})
        for name in RESIDUE_NAMES
    }
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"models": {"mine": {"anchor": "P", "weights": "equal", "residues": table}}}))
    fine, positions = atoms_of(CHAIN, slice(0, 30))
    model = BeadModel("mine", "P", table, by_mass=False)
    coarse = model.topology(fine)
    u = universe_of_at(coarse, Mapping.of(model, coarse, fine).project(positions))
    for mapping in (path, str(path), f"{path}:mine", model):
        indices, found, recognised = quietly(u.atoms, mapping=mapping)
        assert recognised.name == "mine"
        assert_array_equal(found.names, coarse.names)
    assert_allclose(Mapping.of(recognised, found, fine).project(positions), u.atoms.positions[indices], atol=1e-4)


@pytest.mark.parametrize("mapping", ["com", "bb", "ca"])
def test_the_user_may_overrule_what_single_beads_are(mapping):
    u = beads(BEAD_MODELS["com" if mapping == "com" else "ca"])
    if mapping == "bb":
        u = beads(BEAD_MODELS["martini3"])
        assert recognise_with_warning(u, mapping)[1].n_atoms == 80
        return
    assert quietly(u.atoms, mapping=mapping)[2].name == mapping


def recognise_with_warning(u, mapping):
    with pytest.warns(UserWarning, match="left out as no beads of the bead model 'bb'"):
        return recognise(u.atoms, mapping=mapping)


# ---------------------------------------------------------------- refused


def test_missing_beads_are_named():
    u = beads(BEAD_MODELS["martini3"], slice(0, 30))
    lost = u.select_atoms("name SC1")[3]
    with pytest.raises(
        MappingError, match=f"1 of 30 residues lack beads.*{lost.resname} {lost.resid} of chain A has BB"
    ):
        recognise(u.atoms - lost.universe.atoms[[lost.index]])


def test_an_older_model_is_none_of_these():
    """Beads CA, CB and CG, neighbours 3.65 A apart: neither C-alphas nor Martini's."""
    u = bare(beads(BEAD_MODELS["ca_sc"]))
    u.atoms.names = np.where(u.atoms.names == "CA", "CA", "CB")
    u.atoms.positions = u.atoms.positions * 0.962
    with pytest.raises(MappingError, match=r"no C-alphas: neighbouring CA lie 3.6\d .*FILE.json"):
        recognise(u.atoms)


def test_units_are_told():
    u = bare(beads(BEAD_MODELS["martini3"]))
    u.atoms.positions = u.atoms.positions / 10
    with pytest.raises(MappingError, match="nanometres.*--scale 10"):
        recognise(u.atoms)


# ---------------------------------------------------------------- CALVADOS


def calvados(chain, rng, noise=0.0):
    """C-alphas in linkers, centres of mass in domains, every bead called CA; and which are which."""
    fine, positions = atoms_of(chain)
    n, domain, start, centre = fine.n_residues, np.zeros(fine.n_residues, dtype=bool), 0, bool(rng.integers(2))
    while start < n:
        length = int(rng.integers(40, 120) if centre else rng.integers(8, 40))
        domain[start : start + length] = centre
        start, centre = start + length, not centre
    two = [Mapping.of(x, x.topology(fine), fine).project(positions) for x in (BEAD_MODELS["ca"], BEAD_MODELS["com"])]
    found = np.where(domain[:, None], two[1], two[0] + rng.normal(scale=noise, size=(n, 3)))
    return universe_of_at(BEAD_MODELS["ca"].topology(fine), found), domain


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.99), (0.1, 0.97)])
def test_centres_of_mass_and_c_alphas_are_told_apart_residue_by_residue(noise, least):
    rng, right, total = np.random.default_rng(1), 0, 0
    for chain in [chain for chain in WHOLE if len(chain.types) > 120][:12]:
        u, domain = calvados(chain, rng, noise)
        indices, coarse, model = quietly(u.atoms)
        found = getattr(model, "part_of", np.full(len(domain), model.name == "com"))
        right, total = right + np.count_nonzero(found == domain), total + len(domain)
        mapping = Mapping.of(model, coarse)
        counts = np.bincount(mapping.beads)
        assert_array_equal(counts > 1, np.asarray(found, dtype=bool))
    assert right > least * total


def test_the_user_may_say_calvados():
    u, domain = calvados(CHAIN, np.random.default_rng(0))
    model = quietly(u.atoms, mapping="calvados")[2]
    assert model.name == "calvados"
    assert np.mean(model.part_of == domain) > 0.95


def test_soft_c_alphas_stay_c_alphas():
    u = mda.Universe(GO_PDB, GO_XTC)
    for _ in u.trajectory[::5]:
        assert quietly(u.atoms)[2].name == "ca"
    rng = np.random.default_rng(0)
    for scatter in (0.1, 0.2, 0.3):
        lengths = 3.8 + rng.normal(scale=scatter, size=400)
        assert centres.kinds(lengths, np.full(401, -1), np.ones(400, dtype=bool))[0] == "ca"


# ---------------------------------------------------------------- C-alphas among beads


@pytest.mark.parametrize("name", ["ca", "elnedyn", "primo", "backbone", "martini3_ncaco"])
def test_c_alphas_among_beads(name):
    u = beads(BEAD_MODELS[name])
    indices, coarse = alphas_of(*quietly(u.atoms))
    assert isinstance(coarse, Topology)
    assert coarse.n_atoms == coarse.n_residues == 80
    fine, positions = atoms_of(CHAIN, slice(0, 80))
    assert_allclose(u.atoms[indices].positions, positions[fine.names == "CA"], atol=1e-4)


def test_no_c_alphas_among_beads():
    with pytest.raises(MappingError, match="expected C-alphas.*'martini3'"):
        alphas_of(*quietly(beads(BEAD_MODELS["martini3"]).atoms))


def test_a_backbone_of_a_generator_gets_its_sequence():
    """Residues are all called GLY or UNK until the user says what they are."""
    for name in ("GLY", "UNK"):
        u = bare(beads(BEAD_MODELS["backbone"]))
        sequence = quietly(u.atoms)[1].sequence
        u.residues.resnames = [name] * len(u.residues)
        _, coarse, model = quietly(u.atoms, sequence=sequence)
        assert coarse.sequence == sequence
        assert coarse.n_atoms == 4 * coarse.n_residues
        assert model.name == "backbone"


def test_a_segment_of_several_chains():
    u, coarse = two_chains(run_on=False)
    u.add_TopologyAttr("segids", ["seg_0_molecule_0"])
    _, found, _ = quietly(u.atoms)
    assert len(set(found.chainIDs)) == 2
    assert_array_equal(found.ends, coarse.ends)


def test_a_ligand_with_an_atom_bb_is_no_martini():
    fine, positions = atoms_of(CHAIN, slice(0, 30))
    u = more(universe_of_at(fine, positions), ["BB", "SC1"], ["LIG", "LIG"], np.full((2, 3), 80.0))
    with pytest.warns(UserWarning, match="2 LIG"):
        assert recognise(u.atoms)[2].name == "ca"


# ---------------------------------------------------------------- the user names another model than it is


@pytest.mark.parametrize(
    ("model", "mapping", "said"),
    [
        ("martini3", "martini22", "of 'martini3' .*ALA BB"),
        ("elnedyn", "martini22", "of 'elnedyn' .*ALA BB"),
        ("elnedyn", "bb", "of 'elnedyn' .*ALA BB"),
        ("ca", "com", "of 'ca' .*neighbours lie 3.8"),
        ("ca_sc", "com", "of 'ca' .*ALA CA"),
        ("primo", "bb", "of 'ca' .*ALA BB"),
    ],
)
def test_what_speaks_against_the_model_that_the_user_names_is_said(model, mapping, said):
    with pytest.warns(UserWarning, match=f"of the model '{mapping}', as mapping= .*{said}"):
        assert recognise(beads(BEAD_MODELS[model]).atoms, mapping=mapping)[2].name == mapping


@pytest.mark.parametrize("mapping", ["ca", "com", "primo", "backbone", "calvados"])
def test_beads_that_are_not_called_as_the_model_has_them(mapping):
    with pytest.raises(MappingError, match=f"no beads called CA, which .* '{mapping}'; found are 80 BB"):
        recognise(beads(BEAD_MODELS["martini3"]).atoms, mapping=mapping)


@pytest.mark.parametrize("mapping", ["ca_sc", "ca_cm"])
def test_the_one_other_bead_has_any_name_where_the_user_names_the_model(mapping):
    u = beads(BEAD_MODELS[mapping])
    u.atoms.names = np.where(u.atoms.names == "CA", "CA", "CEN")
    indices, _, model = quietly(u.atoms, mapping=mapping)
    assert (len(indices), model.name) == (len(u.atoms), mapping)


def test_side_chain_beads_alone_are_no_residues():
    u = beads(BEAD_MODELS["ca_sc"])
    only = bare(u).select_atoms("name SC")
    with pytest.raises(MappingError, match="those called SC lie elsewhere.*FILE.json"):
        recognise(only)


def test_c_alphas_beside_beads_of_no_model_are_taken_only_if_the_user_says_so():
    u = bare(beads(BEAD_MODELS["ca_sc"]))
    u.atoms.names = np.where(u.atoms.names == "CA", "CA", np.where(u.atoms.resids % 2, "CG", "CD"))
    with pytest.raises(MappingError, match="no known bead model; neighbouring CA lie 3.8.*mapping='ca'"):
        recognise(u.atoms)
    assert quietly(u.atoms, mapping="ca")[1].n_residues == 80


def test_a_chain_of_c_alphas_beside_one_of_all_atoms():
    fine, positions = atoms_of(CHAIN, slice(0, 20))
    all_atoms = universe_of(fine)
    all_atoms.load_new(positions.astype(np.float32)[None])
    trace = beads(BEAD_MODELS["ca"], slice(30, 70))
    both = mda.Merge(trace.atoms, all_atoms.atoms)
    both.residues[40:].resids = np.arange(101, 121)
    _, coarse, model = quietly(both.atoms)
    assert (model.name, coarse.n_residues, coarse.ends.sum()) == ("ca", 60, 2)


# ---------------------------------------------------------------- beads that are not as they should be


def test_beads_far_from_their_residues_are_named():
    u = beads(BEAD_MODELS["martini3"])
    one = u.select_atoms("name SC1")[5]
    one.position += [40, 0, 0]
    with pytest.raises(MappingError, match=f"1 beads lie far from the BB .*SC1 of {one.resname} {one.resid} "):
        recognise(u.atoms)
    u.dimensions = [40, 40, 40, 90, 90, 90]  # one box further
    assert quietly(u.atoms)[1].n_atoms == len(u.atoms)


def test_a_residue_that_a_json_file_lacks_is_named(tmp_path):
    table = {name: own for name, own in BEAD_MODELS["martini3"].residues.items() if name != "LYS"}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"models": {"mine": {"anchor": "BB", "weights": "mass", "residues": table}}}))
    with pytest.raises(MappingError, match="LYS .* has no beads in the bead model 'mine': add it"):
        recognise(beads(BEAD_MODELS["martini3"]).atoms, mapping=path)


def test_a_chain_of_c_alphas_beside_martini_is_left_out_with_a_warning():
    u = mda.Merge(beads(BEAD_MODELS["martini3"], slice(0, 30)).atoms, beads(BEAD_MODELS["ca"], slice(40, 60)).atoms)
    last = u.atoms[-20:]
    last.chainIDs, last.segments.segids = "B", "B"
    with pytest.warns(UserWarning, match=r"left out, as they have no BB: .*\(only CA\)"):
        assert recognise(u.atoms)[1].n_residues == 30
