"""The benchmark on a few chains with a tiny network, its peer, and the likelihood."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from built import build, full_mask, one_chain, types_of
from packs import read_chain
from traces import tiny

from mdbackmap.chemistry.residues import ALPHABET
from mdbackmap.data.known import Chain, Generator, read_chains, read_ensembles, spread
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation import pulchra
from mdbackmap.evaluation.benchmark import benchmark, noisy_beads, rebuilt, score
from mdbackmap.evaluation.likelihood import independent_torsions, nats_per_residue
from mdbackmap.metrics.protocol import evaluate, summarise
from mdbackmap.metrics.table import LABELS, behind, systems, table


@pytest.fixture(scope="module")
def chains():
    return sorted(read_chains(VALIDATION), key=lambda chain: len(chain.types))[:2]


@pytest.fixture(scope="module")
def result(chains):
    return benchmark(tiny(), chains, temperatures=(0.0, 1.0), n_samples=3)


@pytest.fixture
def ensembles(tmp_path):
    """A file of two systems: one chain in 24 frames, and two chains in one frame."""
    with h5py.File(VALIDATION) as pack, h5py.File(tmp_path / "some.h5", "w") as file:
        file.attrs["alphabet"] = ALPHABET
        for name, n_frames, kind, split in (("one", 24, "MD", 0), ("two", 1, "NMR", 1)):
            rows = slice(*pack["chain/offset"][[2, 3]])
            ca, relative = pack["residue/ca"][rows] * 5, pack["residue/rel"][rows] * 5
            group = file.create_group(name)
            group.attrs.update(kind=kind, split=split)
            group["ca"], group["rel"] = np.repeat(ca[None], n_frames, 0), np.repeat(relative[None], n_frames, 0)
            group["seq"], group["mask"] = pack["residue/seq"][rows], pack["residue/mask"][rows]
            group["brk"] = np.zeros(len(ca), dtype=np.uint8)
            group["chain"] = (np.arange(len(ca)) > len(ca) // 2) * (name == "two")
    return tmp_path / "some.h5"


def test_chains_are_those_of_the_pack():
    chains = read_chains(VALIDATION)
    assert len(chains) == 85 and sum(len(chain.types) for chain in chains) == 15589
    with h5py.File(VALIDATION) as pack:
        positions, mask, types, ends = read_chain(pack, 7)
    chain = chains[7]
    assert np.abs(chain.positions - positions)[:, mask].max() < 1e-3
    assert (chain.mask == mask).all() and (chain.types == types).all() and (chain.ends == ends).all()
    assert len(read_chains(VALIDATION, split=1)) == 85 and not read_chains(VALIDATION, split=0)
    assert [chain.name for chain in read_chains(VALIDATION, 2)] == [chains[0].name, chains[-1].name]


def test_spread():
    assert spread(5, 9) == [0, 1, 2, 3, 4] and spread(9, 1) == [0] and len(set(spread(100, 7))) == 7


def test_conditions_and_numbers(result, chains):
    noisy = [f"T={temperature}, noisy{how}" for how in (" beads", ", auto") for temperature in (0, 1)]
    conditions = ["native", "T=0", "T=1", *noisy]
    assert [name for name in result if name != "PULCHRA"] == conditions
    native, cold, warm = (result[name]["mean"] for name in ("native", "T=0", "T=1"))
    assert native["rmsd"] == 0 and native["chi12"] == 100 and native["clashscore"] < 40
    assert cold["bead_deviation"] < 1e-3 and cold["twisted"] == 0 and cold["rmsd"] > 0.5
    assert "rmsd_best" not in cold and warm["rmsd_best"] < warm["rmsd"] and np.isfinite(warm["div"])
    assert cold["seconds"] > 0 and result["T=0, noisy beads"]["mean"]["bead_deviation"] > 0.5
    kept, auto = (result[f"T=0, {name}"]["mean"]["rmsd_ca"] for name in ("noisy beads", "noisy, auto"))
    assert auto <= kept == pytest.approx(0.42, abs=0.01)
    assert set(result["T=1"]["chains"]) == {chain.name for chain in chains}
    mean = np.mean([row["rmsd"] for row in result["T=1"]["chains"].values()])
    assert warm["rmsd"] == pytest.approx(mean)


def test_samples_are_calibrated_or_not(result):
    assert 0 <= result["T=1"]["mean"]["chi1_in_50"] <= result["T=1"]["mean"]["chi1_in_90"] <= 100
    assert "chi1_in_50" not in result["T=0"]["mean"] and "energy" not in result["native"]["mean"]


def test_energies_of_complete_chains():
    pytest.importorskip("openmm")
    types = types_of("GAVLASD")
    whole = Chain("whole", build("GAVLASD"), full_mask(types), types, one_chain(types))
    lacking = replace(whole, name="lacking", mask=whole.mask & (np.arange(14) != 4))
    found = benchmark(tiny(), [whole, lacking], temperatures=(0.0,), noise=0, energy_steps=1)
    for name in ("native", "T=0"):
        assert (
            np.isfinite(found[name]["chains"]["whole"]["energy"]) and "energy" not in found[name]["chains"]["lacking"]
        )


def test_same_seed_same_atoms(chains):
    generate = Generator(tiny(), chains[0])
    first, again = (generate(chains[0].beads, n_samples=2, seed=3) for _ in range(2))
    assert np.array_equal(first, again) and np.abs(first[0] - first[1]).max() > 0.1
    assert np.abs(generate(chains[0].beads, seed=3)[0] - first[0]).max() < 0.01
    assert np.array_equal(first[0][:, 1], chains[0].beads[0].astype(np.float32))


def test_score_of_the_truth(chains):
    chain = chains[0]
    assert score(chain.positions, chain, 1)["rmsd"] == 0
    thrice = score(np.repeat(chain.positions, 3, axis=0) + [0, 0, 0.5], chain, 3)
    assert thrice["rmsd"] == pytest.approx(0.5) and thrice["best_gain"] == pytest.approx(0)


def test_noise_is_smooth_and_keeps_distances(chains):
    chain = chains[1]
    beads = noisy_beads(chain, 0.42)
    moved = beads - chain.beads
    assert np.sqrt((moved**2).sum(-1).mean()) == pytest.approx(0.42, abs=0.01)
    lengths, before = (np.linalg.norm(np.diff(x, axis=1), axis=-1) for x in (beads, chain.beads))
    assert np.abs(lengths - before).max() < 0.05
    step = np.linalg.norm(np.diff(moved, axis=1), axis=-1)
    assert np.sqrt((step**2).mean()) < 0.42 * np.sqrt(2) * 0.75
    assert np.array_equal(noisy_beads(chain, 0.42), beads) and not np.array_equal(noisy_beads(chain, 0.42, 1), beads)


def test_means_leave_out_what_is_lacking():
    assert summarise([{"a": 1.0, "b": np.nan}, {"a": 3.0, "c": 5.0}])["a"] == 2.0
    assert np.isnan(summarise([{"a": 1.0, "b": np.nan}])["b"])


def test_no_chains():
    with pytest.raises(ValueError, match="no chains"):
        benchmark(tiny(), [])


def test_ensembles(ensembles):
    one, two = read_ensembles(ensembles, n_frames=20)
    assert len(one.positions) == 20 and one.ends.sum() == 1 and two.ends.sum() == 2 and two.kind == "NMR"
    with h5py.File(VALIDATION) as pack:
        assert np.abs(one.positions[3] - read_chain(pack, 2)[0][0])[one.mask].max() < 1e-3
    assert [chain.name for chain in read_ensembles(ensembles, split=1)] == ["two"]
    row = score(one.positions, one, 1)
    assert row["jsd_psi"] == row["jsd_psi_half"] == 0 and "jsd_psi" not in score(two.positions, two, 1)
    with pytest.raises(ValueError, match="no ensembles"):
        read_ensembles(VALIDATION)


class TestPulchra:
    def test_it_places_every_atom_near_its_bead(self, chains):
        pytest.importorskip("pypulchra")
        atoms, mask = pulchra.rebuild(chains[0].beads[0], chains[0].types, chains[0].ends)
        assert (mask >= chains[0].mask).all()
        assert evaluate(atoms[None], chains[0].positions, *chains[0].known)["rmsd"] < 3.0
        atoms, mask = rebuilt(chains[0])
        assert score(atoms, chains[0], 1, mask)["bead_deviation"] < 1.0

    def test_chains_stay_apart(self, chains):
        pytest.importorskip("pypulchra")
        beads, types = np.concatenate([chains[0].beads[0], chains[0].beads[0] + 50]), np.tile(chains[0].types, 2)
        atoms, mask = pulchra.rebuild(beads, types, np.tile(chains[0].ends, 2))
        n = len(chains[0].types)
        assert np.median(np.abs(atoms[n:] - atoms[:n] - 50)[mask[:n]]) < 0.01  # some side chains turn by rounding
        assert not pulchra.rebuild(beads[:2], types[:2], np.array([False, True]))[1].any()

    def test_text_there_and_back(self, chains):
        chain = chains[0]
        atoms, mask = pulchra.read(pulchra.write(chain.beads[0], chain.types), chain.types)
        assert np.abs(atoms[:, 1] - chain.beads[0]).max() <= 0.0006 and mask.sum() == len(chain.types)


class TestLikelihood:
    def test_terms_add_up(self):
        terms = nats_per_residue(tiny(), VALIDATION, limit=2, n_draws=1)
        assert terms["nats"] == pytest.approx(terms["nats_torsions"] + terms["nats_kl"])
        assert terms["nats_kl"] >= 0 and np.isfinite(terms["nats_independent"])

    def test_splits(self):
        held_out, both = (nats_per_residue(tiny(), VALIDATION, limit=1, splits=s, n_draws=1) for s in ((1,), (0, 1)))
        assert held_out == both  # the file has no chains to train on
        with pytest.raises(ValueError, match="no chains to score"):
            nats_per_residue(tiny(), VALIDATION, splits=(0,))

    def test_independent_torsions_know_only_other_chains(self):
        structures = Structures.read(VALIDATION)
        n = len(structures.types)
        known = torch.zeros(n, 6, dtype=torch.bool)
        known[:, 1] = True
        torsions = torch.full((n, 6), 0.1)
        torsions[structures.chain == 3] = 2.0
        density = independent_torsions(structures, torsions, known)
        own, others = density[structures.chain == 3, 1], density[structures.chain != 3, 1]
        assert own.max() < others.min() and (density[:, 0] == 0).all()
        assert others.max() < np.log(36 / (2 * np.pi))

    def test_flat_torsions_cost_the_logarithm_of_a_turn(self):
        structures = Structures.read(VALIDATION)
        n = len(structures.types)
        torsions = torch.rand(n, 6, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
        density = independent_torsions(structures, torsions, torch.ones(n, 6, dtype=torch.bool))
        assert density[:, 2].mean() == pytest.approx(-np.log(2 * np.pi), abs=0.1)


def test_systems_and_what_is_worse(result, chains):
    lines = systems(result, chains, keys=("rmsd",)).splitlines()
    assert len(lines) == 4 and lines[1].split()[:4] == [
        "residues",
        "frames",
        "native",
        *(["PULCHRA"] * ("PULCHRA" in result) or ["T=0"]),
    ]
    assert lines[2].split()[:4] == [chains[0].name, str(len(chains[0].types)), "1", "0.000"]
    assert behind({"rmsd": 1.0, "chi1": 60.0}, {"rmsd": 1.5, "chi1": 60.0, "ged": 0.0}) == []
    assert behind({"clashscore": 2.0, "bonds": 99.0}, {"clashscore": 1.0, "bonds": 99.5}) == [
        "bonds within 10% (99.00 v. 99.50)",
        "clashes per 1000 heavy atoms (2.0 v. 1.0)",
    ]
    assert behind({"rmsd": float("nan")}, {"rmsd": 1.0}) == []


def test_table():
    text = table({"": {"rmsd": 1.23456, "cis_kept": float("nan")}}).splitlines()
    assert len(text) == 2 and text[0].endswith("1.235") and text[1].endswith("-")
    assert list(LABELS)[0] == "rmsd" and len(table({"a": {}, "b": {"ged": 1.0}}).splitlines()) == 2
