"""Proteins out of files of all kinds, and the residues that two of them share."""

import MDAnalysis as mda
import numpy as np
import pytest
from packs import read_chains

from mdbackmap import MappingError
from mdbackmap.data.known import Chain
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, TRPCAGE_PDB, TRPCAGE_XTC, VALIDATION
from mdbackmap.evaluation.proteins import common, part, read_protein


def lines(filename):
    with open(filename) as file:
        return [line for line in file if line.startswith(("ATOM", "TER"))]


def universe(tmp_path, text):
    (tmp_path / "some.pdb").write_text("".join(text))
    return mda.Universe(str(tmp_path / "some.pdb"))


@pytest.fixture(scope="module")
def trpcage():
    return read_protein(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms, name="trp-cage")


@pytest.fixture(scope="module")
def barnase():
    return read_protein(mda.Universe(COMPLEX_PDB).atoms, name="1brs")


def test_every_atom_lands_in_its_slot(trpcage):
    u = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    assert trpcage.mask.sum() == len(u.select_atoms("not name OXT"))
    u.trajectory[7]
    assert np.allclose(trpcage.positions[7, 5, 4], u.select_atoms("resid 6 and name CB").positions[0])
    assert trpcage.labels[5] == "A 6" and trpcage.ends.tolist() == [False] * 19 + [True]


def test_chains_and_gaps(barnase):
    assert len(barnase.types) == 194
    assert barnase.labels[np.flatnonzero(barnase.ends)].tolist() == ["A 109", "D 63", "D 89"]


def test_chosen_frames(trpcage):
    some = read_protein(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms, [3, 1])
    assert np.array_equal(some.positions, trpcage.positions[[3, 1]])
    with pytest.raises(ValueError, match="no frame"):
        read_protein(mda.Universe(TRPCAGE_PDB).atoms, [])


def test_alternate_locations_the_first_is_taken(tmp_path, trpcage):
    text = []
    for line in lines(TRPCAGE_PDB):
        if line[12:16].strip() in ("CA", "CB") and line[22:26].strip() == "6":
            text += [line[:16] + "A" + line[17:], line[:16] + "B" + line[17:30] + "   0.000" + line[38:]]
        else:
            text.append(line)
    chain = read_protein(universe(tmp_path, text).atoms)
    single = read_protein(mda.Universe(TRPCAGE_PDB).atoms)
    assert np.allclose(chain.positions, single.positions)


def test_names_of_other_programs_and_hydrogens(tmp_path):
    text = [line.replace(" CD1 ILE", " CD  ILE") for line in lines(TRPCAGE_PDB)]
    text = [line[:12] + " OT1" + line[16:] if line[12:26] == f" O   {line[17:20]} A  20" else line for line in text]
    hydrogen = text[0][:12] + " H1 " + text[0][16:]
    chain, plain = (
        read_protein(universe(tmp_path, [hydrogen, *text]).atoms),
        read_protein(mda.Universe(TRPCAGE_PDB).atoms),
    )
    assert np.array_equal(chain.mask, plain.mask)


def test_missing_atoms_and_residues_without_ca(tmp_path):
    text = [line for line in lines(TRPCAGE_PDB) if not (line[22:26].strip() == "9" and line[12:16].strip() == "CA")]
    text = [line for line in text if not (line[22:26].strip() == "4" and line[12:16].strip() == "CB")]
    with pytest.warns(UserWarning, match="1 amino acids without a CA"):
        chain = read_protein(universe(tmp_path, text).atoms)
    assert len(chain.types) == 19 and not chain.mask[3, 4]
    assert chain.ends[7]


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="no other backbone atoms"):
        read_protein(mda.Universe(GO_PDB).atoms)
    u = mda.Universe(TRPCAGE_PDB)
    u.dimensions = [60, 60, 60, 90, 90, 90]
    u.select_atoms("resid 11:20").positions += [60.0, 0, 0]
    u.atoms.write(str(tmp_path / "torn.pdb"))
    with pytest.raises(ValueError, match="residues A 10 and A 11 .* periodic boundary"):
        read_protein(mda.Universe(str(tmp_path / "torn.pdb")).atoms)


def test_common_by_sequence_by_label_and_not_at_all(barnase, trpcage):
    chains = read_chains(VALIDATION)
    positions, mask, types, ends = chains[0]
    unlabelled = Chain("a", positions, mask, types, ends)
    assert common(unlabelled, unlabelled)[0].tolist() == list(range(len(types)))
    second = read_protein(mda.Universe(COMPLEX_PDB).select_atoms("chainID D and not resid 10"), name="part")
    ours, theirs = common(barnase, second)
    assert np.array_equal(barnase.labels[ours], second.labels[theirs]) and len(ours) == 86
    cut = part(barnase, ours)
    assert cut.ends[np.flatnonzero(cut.labels == "D 9")[0]]
    with pytest.raises(MappingError, match="in trp-cage and .* in 1brs|share no residue"):
        common(barnase, trpcage)
