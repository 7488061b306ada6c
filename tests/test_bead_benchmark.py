"""Known chains seen through the beads of several models: with a tiny network, on short chains."""

import json
from dataclasses import replace

import numpy as np
import pytest
from traces import tiny

from mdbackmap.chemistry.elements import ELEMENT_SLOTS, ELEMENTS, MASSES
from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.cli import main
from mdbackmap.cli.evaluate_beads import usable
from mdbackmap.data.known import Chain, Generator, read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation import bead_benchmark as bead_benchmark_module
from mdbackmap.evaluation.bead_benchmark import bead_benchmark, completed, judge_beads, rms
from mdbackmap.metrics.dihedrals import atom14, flat_atoms
from mdbackmap.metrics.table import LABELS
from mdbackmap.molecule.bead_models import BEAD_MODELS, CA

WEIGHTS = np.array([MASSES[element] for element in ELEMENTS])


def chain(which=0, n=25):
    """The first residues of a crystal chain, all of whose atoms are there."""
    known = read_chains(VALIDATION, limit=2)[which]
    ends = np.arange(n) == n - 1
    return Chain(f"short{which}", known.positions[:, :n], known.mask[:n], known.types[:n], ends)


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bead_benchmark_module, "FRAMES_TIMED", 2)
        yield judged()


def judged():
    beads = [BEAD_MODELS["ca_sc"], CA]
    chains = [chain(), chain(1)]
    return bead_benchmark(tiny(), chains, beads, temperatures=(0.0, 1.0), n_samples=3)


def test_conditions_and_numbers(result):
    assert list(result) == ["native", "ca, T=0", "ca, T=1", "ca_sc, T=0", "ca_sc, T=1"]
    native, alphas, both, warm = (result[name]["mean"] for name in ("native", "ca, T=0", "ca_sc, T=0", "ca_sc, T=1"))
    assert native["rmsd"] == 0 and "bead_mismatch" not in native and "short1" in result["native"]["chains"]
    assert alphas["bead_mismatch"] == pytest.approx(0, abs=1e-4) and 0 < both["bead_mismatch"] < 1.0
    assert both["rmsd"] < alphas["rmsd"]
    assert 0 <= both["moved"] <= 100 and alphas["seconds_ratio_ca"] == 1 and both["seconds_ratio_ca"] > 0.5
    assert "chi1_in_50" in warm and "chi1_in_50" not in both
    assert {"bead_mismatch", "moved", "seconds_ratio_ca"} <= set(LABELS)


def test_mismatch_is_that_of_the_beads():
    known, beads = chain(), BEAD_MODELS["ca_sc"]
    generate = Generator(tiny(), known, beads=beads)
    mapping = generate.bound.mapping
    atoms = generate(mapping.project(flat_atoms(mapping.fine, known.positions)), temperature=0.0)
    assert np.array_equal(atom14(mapping.fine, flat_atoms(mapping.fine, atoms))[0], atoms)
    row, has = judge_beads(generate, known, 0.0), known.types != TYPE_OF_NAME["GLY"]
    masses = np.where(known.mask, WEIGHTS[ELEMENT_SLOTS[known.types]], 0.0)[has, 4:, None]
    true, made = ((x[0][has, 4:] * masses).sum(1) / masses.sum(1) for x in (known.positions, atoms))
    n_beads = len(has) + has.sum()  # C-alphas are met
    assert row["bead_mismatch"] == pytest.approx(rms(made - true) * (has.sum() / n_beads) ** 0.5, rel=1e-4)
    assert rms(np.array([[3.0, 0, 0], [0, 4.0, 0]])) == pytest.approx(12.5**0.5)


def test_oxt_counts_in_the_last_backbone_bead_and_cis_is_not_told():
    known = chain()
    martini, exact = known.seen_through(BEAD_MODELS["martini3"]), known.seen_through(BEAD_MODELS["ca_sc"])
    last = martini.beads == martini.anchors[-1]
    assert martini.weights[last].min() < 0 and martini.weights[~last].min() > 0
    bent = replace(known, positions=known.positions * np.where(np.arange(25) == 5, 0.9, 1.0)[None, :, None, None])
    assert not bent.seen_through(BEAD_MODELS["martini3"]).coarse.cis.any()
    assert np.array_equal(exact.coarse.cis, known.trace().cis)


def test_atoms_that_are_missing_are_made_but_not_judged():
    known = chain()
    row = np.flatnonzero(known.mask[:, 6])[3]
    mask = known.mask & ~((np.arange(25) == row)[:, None] & (np.arange(14) == 6))
    lacking = replace(known, mask=mask, positions=np.where(mask[..., None], known.positions, 0.0))
    whole = completed(lacking, tiny())
    assert np.array_equal(whole.mask, mask) and np.array_equal(whole.positions[:, mask], known.positions[:, mask])
    assert np.linalg.norm(whole.positions[0, row, 6] - whole.positions[0, row, 1]) < 5
    assert completed(known, tiny()) is known


def test_models_that_a_network_cannot_use(caplog):
    names = [beads.name for beads in usable(tiny(), chain(), ["all"])]
    assert names == [
        "ca",
        "ca_sc",
        "ca_cm",
        "elnedyn",
        "primo",
        "awsem",
        "backbone",
        "backbone_cb",
        "martini3_ncaco",
        "martini3_next",
    ]
    assert "left out: martini3" in caplog.text
    assert [beads.name for beads in usable(tiny(), chain(), ["CA+SC"])] == ["ca_sc"]
    with pytest.raises(ValueError, match="not known"):
        usable(tiny(), chain(), ["martini4"])
    with pytest.raises(ValueError, match="no chains"):
        bead_benchmark(tiny(), [], [CA])


def test_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bead_benchmark_module, "FRAMES_TIMED", 2)
    output = tmp_path / "found.json"
    arguments = ["--benchmark", "--mapping", "elnedyn", "--limit", "1", "--temperature", "0", "--json", str(output)]
    assert main(["evaluate", *arguments]) == 0
    assert "elnedyn, T=0" in (shown := capsys.readouterr().out) and "beads missed by, RMS" in shown
    assert list(json.loads(output.read_text())["crystal"]) == ["native", "ca, T=0", "elnedyn, T=0"]
    with pytest.raises(SystemExit):
        main(["evaluate", "a.pdb", "b.pdb", "--mapping", "com"])
    assert "--mapping belongs to" in capsys.readouterr().err
