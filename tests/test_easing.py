"""Hydrogens that lie within other atoms are bent away, others are not touched."""

import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.hydrogen.easing import Easing
from mdbackmap.molecule.bonds import pairs_within
from mdbackmap.universes.universe import universe_of

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def made():
    """A chain of the validation set: its topology, atoms (1, A, 3) and what bends hydrogens."""
    chain = min(read_chains(VALIDATION), key=lambda chain: len(chain.types))
    u = universe_of(chain.trace())
    u.load_new(chain.beads.astype(np.float32))
    model = mdb.load_model("genzprot", u.atoms, threads=1)
    fine = model.mapping.fine
    return fine, model.sample(chain.beads, [0], temperature=0.0), Easing.of(fine, np.flatnonzero(fine.elements == "H"))


def meeting(fine, atoms, gap):
    """Put an oxygen so near a hydrogen of carbon, straight ahead but for some degrees; both, and the atoms."""
    bonded = fine.bonds[(fine.elements[fine.bonds] == [["C", "H"]]).all(1)]
    carbon, light = bonded[len(bonded) // 2]
    oxygen = np.flatnonzero((fine.names == "O") & (fine.residue_of_atom > fine.residue_of_atom[light] + 5))[-1]
    way = atoms[0, light] - atoms[0, carbon]
    aside = np.cross(way, [0.3, 0.5, 0.8])
    moved = atoms.copy()
    moved[0, oxygen] = atoms[0, light] + gap * (way / np.linalg.norm(way) + 0.5 * aside / np.linalg.norm(aside)) / 1.12
    return carbon, light, oxygen, moved


def test_a_hydrogen_within_an_oxygen_is_bent(made):
    fine, atoms, easing = made
    carbon, light, oxygen, before = meeting(fine, atoms, 1.3)
    after = before.copy()
    easing(after)
    there = np.linalg.norm(after[0, light] - after[0, oxygen])
    assert np.linalg.norm(before[0, light] - before[0, oxygen]) < 1.31 and there > 1.45
    way, old = (x[0, light] - x[0, carbon] for x in (after, before))
    assert np.linalg.norm(way) == pytest.approx(1.09, abs=0.01)
    assert np.degrees(np.arccos(way @ old / np.linalg.norm(way) / np.linalg.norm(old))) < 35.1
    heavy = fine.elements != "H"
    np.testing.assert_array_equal(after[:, heavy], before[:, heavy])


def test_images_of_atoms_count(made):
    fine, atoms, easing = made
    *_, oxygen, before = meeting(fine, atoms, 1.3)
    box, shifted = np.array([[90.0, 0, 0], [20, 80, 0], [10, -20, 70]], dtype=np.float32), before.copy()
    shifted[0, oxygen] += box[1] - box[2]
    easing(before)
    after = shifted.copy()
    easing(after, box[None])
    light = fine.elements == "H"
    np.testing.assert_allclose(after[0, light], before[0, light], atol=1e-3)
    assert np.abs(after - shifted).max() > 0.1


def test_what_is_not_too_near_stays_to_the_bit(made):
    fine, atoms, easing = made
    *_, before = meeting(fine, atoms, 1.75)
    after = before.copy()
    easing(after)
    np.testing.assert_array_equal(after[0, fine.elements == "H"], before[0, fine.elements == "H"])


def test_no_hydrogen_lies_within_another_atom(made):
    fine, atoms, _ = made
    gaps = np.linalg.norm(atoms[0, :, None] - atoms[0], axis=-1)
    apart = np.ones_like(gaps, dtype=bool)
    apart[tuple(pairs_within(fine.n_atoms, fine.bonds, 3).T)] = False
    light = fine.elements == "H"
    assert gaps[np.triu(apart, 1) & light[:, None] & light].min() > 1.3
