"""The spread over samples: what it is, that it is the same wherever it is computed, and that errors follow it."""

import MDAnalysis as mda
import numpy as np
import pytest
from conversions import interrupt_at, quick
from numpy.testing import assert_allclose, assert_array_equal
from standin import standin

from mdbackmap import Topology
from mdbackmap.chemistry.elements import SLOTS
from mdbackmap.datafiles import TRPCAGE_PDB, VALIDATION
from mdbackmap.metrics.spread import Spread, b_factors, rank_correlation, spread_and_error

ASKED = {"n_samples": 3, "batch_size": 4, "seed": 5}


@pytest.fixture
def trpcage():
    atoms = mda.Universe(TRPCAGE_PDB).atoms
    return Topology.from_atoms(atoms), atoms.positions.astype(float)


def test_it_is_the_rms_distance_from_the_mean(trpcage):
    topology, atoms = trpcage
    samples = atoms + np.random.default_rng(0).normal(size=(4, *atoms.shape))
    plain = [name not in ("ASP", "GLU", "PHE", "TYR", "ARG") for name in topology.resnames]
    squares = ((samples - samples.mean(0)) ** 2).sum(-1).mean(0)
    expected = [np.sqrt(squares[topology.residue_of_atom == r].mean()) for r in range(topology.n_residues)]
    assert_allclose(Spread(topology)(samples)[plain], np.array(expected)[plain])
    assert np.isnan(Spread(topology)(samples[:1])).all()


def test_names_of_equivalent_atoms_do_not_matter(trpcage):
    topology, atoms = trpcage
    exchanged = atoms.copy()
    for one, other in (("CD1", "CD2"), ("CE1", "CE2")):
        rows = [np.flatnonzero((topology.names == name) & (topology.residue_of_atom == 2))[0] for name in (one, other)]
        exchanged[rows] = atoms[rows[::-1]]
    assert topology.resnames[2] == "TYR" and not Spread(topology)(np.stack([atoms, exchanged])).any()


def test_hydrogens_are_not_counted(trpcage):
    topology, atoms = trpcage
    whole, order = topology.with_atoms(["H"], ["H"], [0])
    samples = np.concatenate([np.stack([atoms, atoms + 0.3]), np.array([[[0.0, 0, 0]], [[50.0, 0, 0]]])], axis=1)
    assert_allclose(Spread(whole)(samples[:, order]), Spread(topology)(samples[:, : len(atoms)]))


@pytest.mark.parametrize("suffix", [".xtc", ".h5md", ".dcd"])
def test_files_have_it_resumed_and_in_parts(cg, tmp_path, monkeypatch, suffix):
    memory = quick(cg.atoms, standin(cg.atoms), **ASKED).run(stop=8).results
    assert memory.spread.shape == (8, 20) and (memory.spread > 0.3).any()
    whole = quick(cg.atoms, standin(cg.atoms), tmp_path / f"a{suffix}", **ASKED).run(stop=8).results
    assert_allclose(whole.spread, memory.spread, atol=0.01)
    interrupt_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        quick(cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", **ASKED).run(stop=8)
    resumed = quick(cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", resume=True, **ASKED).run(stop=8).results
    parts = quick(cg.atoms, standin(cg.atoms), tmp_path / f"c{suffix}", **ASKED)
    parts = parts.run(stop=8, backend="multiprocessing", n_workers=2).results
    for other in (resumed, parts):
        assert_array_equal(other.spread, whole.spread)
    companion = mda.Universe(whole.topology)
    first = companion.residues.atoms.tempfactors[[r.atoms.ix[0] for r in companion.residues]]
    assert_allclose(first, b_factors(whole.spread), atol=0.006)
    if suffix == ".h5md":
        u = mda.Universe(whole.topology, whole.filename)
        read = np.stack([ts.data["spread"] for ts in u.trajectory])
        assert_array_equal(read, np.repeat(whole.spread, 3, axis=0))


def test_one_sample_has_none(cg, tmp_path):
    run = quick(cg.atoms, standin(cg.atoms), tmp_path / "a.xtc").run(stop=2).results
    assert run.spread is None and not mda.Universe(run.topology).atoms.tempfactors.any()


def test_errors_follow_it():
    """Samples about the truth, of a width that differs from residue to residue."""
    rng = np.random.default_rng(1)
    types = np.full(60, 10)
    mask, truth = SLOTS[types], 5.0 * rng.normal(size=(1, 60, 14, 3))
    width = rng.uniform(0.1, 2.0, 60)[:, None, None]
    samples = truth + width * rng.normal(size=(8, 60, 14, 3))
    assert rank_correlation(*spread_and_error(samples, truth, mask, types)) > 0.9
    even = truth + rng.normal(size=(8, 60, 14, 3))
    assert abs(rank_correlation(*spread_and_error(even, truth, mask, types))) < 0.3
    assert np.isnan(rank_correlation(np.ones((1, 5)), np.arange(5.0)[None]))


@pytest.mark.slow
def test_errors_of_the_bundled_model_follow_it():
    from mdbackmap.checkpoint import load
    from mdbackmap.data.known import Generator, read_chains

    model = load("genzprot")[0]
    found = []
    for chain in read_chains(VALIDATION, limit=5):
        samples = Generator(model, chain)(chain.beads, n_samples=8)
        found.append(rank_correlation(*spread_and_error(samples, chain.positions, chain.mask, chain.types)))
    assert np.mean(found) > 0.5


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(3)
    from scipy.stats import spearmanr

    for _ in range(5):
        x, y = rng.integers(0, 6, (2, 1, 30)).astype(float)
        assert rank_correlation(x, y) == pytest.approx(spearmanr(x[0], y[0]).statistic)


def test_samples_may_lie_in_several_images(trpcage):
    topology, atoms = trpcage
    samples = atoms + np.random.default_rng(0).normal(size=(3, *atoms.shape))
    box = np.array([[50.0, 0, 0], [10, 45, 0], [-8, 12, 48]])
    moved = samples + np.array([[0, 0, 0], [1, 0, -1], [0, 2, 1]])[:, None] @ box
    assert_allclose(Spread(topology)(moved, box), Spread(topology)(samples), atol=1e-9)
