"""Chains out of atoms: alternate locations, names, gaps, missing atoms."""

import numpy as np
import pytest

from mdbackmap.chemistry.residues import ALPHABET, ATOMS
from mdbackmap.data.polymers import Atoms, breaks, polymers

COLUMNS = ("names", "resnames", "chains", "icodes", "altlocs", "resids", "occupancies", "b")


def table(*rows, **usual):
    """Atoms from (name, resname, resid) rows; keywords of a row's fourth item, or of all, say the rest."""
    filled = []
    for name, resname, resid, *more in rows:
        row = {"chains": "A", "icodes": "", "altlocs": "", "occupancies": 1.0, "b": 20.0, **usual, **dict(*more)}
        filled.append({"names": name, "resnames": resname, "resids": resid, **row})
    return Atoms(*(np.array([row[column] for row in filled]) for column in COLUMNS))


def backbone(resname, resid, **more):
    return [(name, resname, resid, more) for name in ("N", "CA", "C", "O")]


def test_chains_and_insertion_codes_are_told_apart():
    rows = [*backbone("GLY", 1), *backbone("GLY", 1, icodes="A"), *backbone("GLY", 1, chains="B")]
    found = polymers(table(*rows))
    assert [(x.chain_id, x.sequence, x.resids.tolist()) for x in found] == [("A", "GG", [1, 1]), ("B", "G", [1])]


def test_the_alternate_location_with_the_highest_occupancy_is_taken_whole():
    rows = backbone("SER", 1)
    for label, occupancy in (("A", 0.4), ("B", 0.6)):
        rows += [(name, "SER", 1, {"altlocs": label, "occupancies": occupancy}) for name in ("CB", "OG")]
    found = polymers(table(*rows))[0]
    assert found.atoms[0, 4:6].tolist() == [6, 7]


def test_of_equal_occupancies_the_first_location_is_taken():
    rows = [*backbone("ALA", 1), *(("CB", "ALA", 1, {"altlocs": x, "occupancies": 0.5}) for x in "BA")]
    assert polymers(table(*rows))[0].atoms[0, 4] == 4


def test_two_residue_types_at_one_number():
    rows = [*backbone("SER", 1, altlocs="A", occupancies=0.3), *backbone("THR", 1, altlocs="B", occupancies=0.7)]
    found = polymers(table(*rows))
    assert [x.sequence for x in found] == ["T"]
    assert found[0].atoms[0, :4].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("resname", "atom", "letter", "slot"),
    [("MSE", "SE", "M", "SD"), ("ILE", "CD", "I", "CD1"), ("HSD", "ND1", "H", "ND1"), ("CYX", "SG", "C", "SG")],
)
def test_names_of_other_dialects(resname, atom, letter, slot):
    found = polymers(table(*backbone(resname, 1), (atom, resname, 1)))[0]
    known = {"M": "MET", "I": "ILE", "H": "HIS", "C": "CYS"}[letter]
    assert found.sequence == letter
    assert found.atoms[0, ATOMS[known].index(slot)] == 4


def test_the_last_carbonyl_of_charmm():
    rows = [(name, "GLY", 1) for name in ("N", "CA", "C", "OT1", "OT2")]
    assert polymers(table(*rows))[0].atoms[0, :4].tolist() == [0, 1, 2, 3]


def test_water_ligands_caps_hydrogens_and_residues_without_ca_are_left_out():
    rows = [
        ("C", "ACE", 0),
        *backbone("GLY", 1),
        ("HA2", "GLY", 1),
        ("OXT", "GLY", 1),
        ("N", "ALA", 2),
        ("CA", "CA", 3),
        ("O", "HOH", 4),
    ]
    found = polymers(table(*rows))
    assert [x.sequence for x in found] == ["G"]
    assert (found[0].atoms >= 0).sum() == 4


def test_missing_and_misplaced_atoms_are_marked():
    found = polymers(table(*backbone("ALA", 1), ("CB", "ALA", 1)))[0]
    positions = np.zeros((5, 3))
    positions[4] = 99.0
    assert found.place(positions)[1][0, :5].tolist() == [True] * 4 + [False]
    positions[4] = np.nan
    atom14, mask = found.place(positions)
    assert not mask[0, 4] and np.isfinite(atom14).all()
    assert polymers(table(*backbone("ALA", 1)))[0].place(positions)[1].sum() == 4


def test_breaks_by_distance_of_ca_and_by_the_peptide_bond():
    atom14, mask = np.zeros((4, 14, 3)), np.zeros((4, 14), bool)
    atom14[:, 1, 0] = [0.0, 3.8, 9.0, 12.8]
    mask[:, 1] = True
    assert breaks(atom14, mask).tolist() == [0, 0, 1, 0]
    atom14[0, 2], atom14[1, 0] = [1.0, 0, 0], [3.6, 0, 0]
    mask[0, 2] = mask[1, 0] = True
    assert breaks(atom14, mask).tolist() == [0, 1, 1, 0]


def test_every_letter_is_known():
    rows = [row for k, name in enumerate(ATOMS) for row in backbone(name, k)]
    assert sorted(polymers(table(*rows))[0].sequence) == sorted(ALPHABET)
