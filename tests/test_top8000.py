"""The contour grids: values of the original tables, interpolation, choice of map."""

import numpy as np
import pytest
from built import build, full_mask, one_chain, types_of

from mdbackmap import metrics
from mdbackmap.metrics import top8000


def test_grid_values_survive_packing():
    centre = np.radians([-179.0])  # first lines of the general and glycine tables
    assert top8000.ramachandran_score(centre, centre, np.array([0]))[0] == pytest.approx(0.005560270, rel=5e-4)
    assert top8000.ramachandran_score(centre, centre, np.array([1]))[0] == pytest.approx(0.486237981, rel=5e-4)


def test_grids_are_interpolated_and_periodic():
    phi, psi = np.radians([-179.0, -179.0, -179.0]), np.radians([-179.0, -178.0, -177.0])
    score = top8000.ramachandran_score(phi, psi, np.zeros(3, int))
    assert score[1] == pytest.approx(score[[0, 2]].mean())
    around = top8000.ramachandran_score(phi + 2 * np.pi, psi - 2 * np.pi, np.zeros(3, int))
    assert around == pytest.approx(score)


def test_maps_by_residue():
    types = types_of("AGIVPPLP")
    cis = np.array([False, False, False, True, False, False, False, False])
    kinds = top8000.ramachandran_kind(types, one_chain(types), cis)
    names = [top8000.RAMA_KINDS[kind] for kind in kinds]
    branched, before = "isoleucine-valine", "pre-proline"
    assert names == ["general", "glycine", branched, before, "cis-proline", "trans-proline", before, "trans-proline"]
    apart = top8000.ramachandran_kind(types, np.array([0, 0, 0, 1, 0, 0, 0, 1], bool), cis)
    assert top8000.RAMA_KINDS[apart[3]] == branched


@pytest.mark.parametrize(
    ("phi", "psi", "favoured", "outliers"),
    [(-63, -43, 100, 0), (-120, 130, 100, 0), (0, 60, 0, 100), (-155, 60, 0, 0)],
)
def test_ramachandran_regions(phi, psi, favoured, outliers):
    types = types_of("AAAAAA")
    row = metrics.ramachandran(build("AAAAAA", phi, psi), full_mask(types), types, one_chain(types))
    assert (row["rama_favoured"], row["rama_outliers"]) == (favoured, outliers)
    assert sum(row.values()) == pytest.approx(100.0)


def test_glycine_may_be_where_alanine_may_not():
    phi, psi = np.radians([80.0, 80.0]), np.radians([-170.0, -170.0])
    alanine, glycine = top8000.ramachandran_score(phi, psi, np.array([0, 1]))
    assert alanine < top8000.RAMA_ALLOWED[0] < top8000.RAMA_FAVOURED < glycine


@pytest.mark.parametrize(
    ("letter", "chi", "verdict"),
    [
        ("V", 175, "fav"),
        ("V", 151, "out"),
        ("V", 153, ""),
        ("V", 158, ""),
        ("V", 160, "fav"),
        ("L", -66, "fav"),
        ("L", 120, "out"),
    ],
)
def test_rotamers(letter, chi, verdict):
    types = types_of(letter)
    row = metrics.evaluate_geometry(build(letter, chi=(chi, 174.0)), full_mask(types), types, one_chain(types))
    assert row["rotamer_favoured"] == 100.0 * (verdict == "fav")
    assert row["rotamer_outliers"] == 100.0 * (verdict == "out")


def test_rotamers_with_half_turn_symmetry_and_without_a_grid():
    chi = np.full((1, 4, 4), np.nan)
    chi[0, :2, :2] = np.radians([[-69.0, -29.0], [-69.0, 151.0]])
    chi[0, 2:] = np.radians(180.0)
    score = top8000.rotamer_score(chi, types_of("DDKR"))[0]
    assert score[0] == pytest.approx(score[1]) and score[0] > top8000.ROTAMER_FAVOURED
    assert np.isnan(score[2:]).all()
