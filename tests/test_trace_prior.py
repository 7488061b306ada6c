"""The tables behind `mdbackmap.traces`: what they count, that they are densities, that the shipped ones are these."""

import numpy as np
import torch
from traces import topology, trace

from mdbackmap.datafiles import VALIDATION
from mdbackmap.traces.angles import TraceAngles
from mdbackmap.traces.energies import TABLES, tables
from mdbackmap.training.priors.byte_tables import STEP
from mdbackmap.training.priors.trace_prior import ANGLES, TURNS, build, trace_cells, trace_energies


def test_cells_are_those_of_the_angles():
    coarse = topology("AGPAVLKSTE", "A" * 6 + "B" * 4)
    beads = trace(10, 3, 3.75, 3.85, dtype=torch.float64)[0]
    rows, (first, second, angle, torsion, following) = trace_cells(beads.numpy(), coarse.types, coarse.ends)
    assert rows.tolist() == [0, 1, 2, 6]
    assert first.tolist() == [1, 2, 0, 0] and second.tolist() == [2, 0, 0, 0]
    found, at = TraceAngles(beads), rows + 1
    low, high, bins = ANGLES
    bin_of = lambda v: ((np.degrees(v.numpy()) - low) / (high - low) * bins).astype(int)  # noqa: E731
    np.testing.assert_array_equal(angle, bin_of(found.angle[at]))
    np.testing.assert_array_equal(following, bin_of(found.angle[at + 1]))
    turns = np.floor((np.degrees(found.torsion[at].numpy()) + 180) / 360 * TURNS).astype(int)
    np.testing.assert_array_equal(torsion, turns)


def test_energies_are_densities():
    cells = tuple(np.array([v] * 50) for v in (0, 1, 5, 20, 7))
    share = np.exp(-trace_energies(cells)) * np.radians(360 / TURNS) * np.radians((ANGLES[1] - ANGLES[0]) / ANGLES[2])
    np.testing.assert_allclose(share.sum((3, 4)), 1.0)
    assert np.unravel_index(share[0, 1].argmax(), share.shape[2:])[1:] == (20, 7)


def test_built_and_shipped_tables(tmp_path):
    build(VALIDATION, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as made, np.load(TABLES) as shipped:
        assert set(made) == set(shipped) and made["trace"].shape == shipped["trace"].shape == (3, 3, 24, 36, 24)
        assert np.abs(made["rama"].astype(int) - shipped["rama"]).max() <= 1 and made["step"] == shipped["step"]
    assert TABLES.stat().st_size < 200_000 and tables()["rama"].max() <= 255 * STEP


def test_helices_and_strands_are_likely_and_their_mirror_images_are_not():
    table = tables()["trace"][0, 0]
    helix, mirrored = table[6, 22:24].min(), table[6, 12:14].min()  # 90-95 degrees, +-50
    assert helix == 0 and mirrored > 3.5
