"""Proteins judged against references, alone, with samples, and in part."""

import json
from dataclasses import replace

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap import MappingError
from mdbackmap.datafiles import COMPLEX_PDB, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.evaluation.judgement import judge, judge_alone
from mdbackmap.evaluation.plots import save_plots
from mdbackmap.evaluation.proteins import part, read_protein
from mdbackmap.files import save_json
from mdbackmap.metrics.protocol import evaluate
from mdbackmap.metrics.samples import evaluate_samples


@pytest.fixture(scope="module")
def trpcage():
    return read_protein(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms, name="trpcage.xtc")


def some(chain, *frames):
    return replace(chain, positions=chain.positions[list(frames)])


def shaken(chain, scale=0.2, seed=0):
    noise = np.random.default_rng(seed).normal(scale=scale, size=chain.positions.shape)
    noise[:, :, 1] = 0
    return replace(chain, positions=chain.positions + noise)


def test_a_protein_is_itself(trpcage):
    found = judge(trpcage, trpcage)
    assert found.mean["rmsd"] == found.mean["ged"] == found.mean["jsd_phi"] == 0
    assert found.mean["bonds"] == found.mean["chi1"] == 100
    assert not found.errors.any() and len(found.frames) == 20


def test_frames_are_paired(trpcage):
    reference, generated = some(trpcage, 2, 5), shaken(some(trpcage, 2, 5))
    found = judge(generated, reference)
    each = [evaluate(generated.positions[[k]], reference.positions[[k]], *reference.known) for k in range(2)]
    assert [frame["rmsd"] for frame in found.frames] == [row["rmsd"] for row in each]
    assert found.mean["rmsd"] == pytest.approx(np.mean([row["rmsd"] for row in each]))
    square = found.errors**2 @ reference.mask.sum(1) / reference.mask.sum()
    assert np.sqrt(square) == pytest.approx(found.mean["rmsd"], rel=0.02)


def test_samples_follow_their_frame(trpcage):
    reference = some(trpcage, 0, 9)
    generated = shaken(some(trpcage, 0, 0, 0, 9, 9, 9))
    found = judge(generated, reference)
    assert found.n_samples == 3 and len(found.frames) == 2
    first = evaluate_samples(generated.positions[:3], reference.positions[0], *reference.known)
    assert found.frames[0] == pytest.approx(first, nan_ok=True)
    assert 0 < found.mean["rmsd_best"] < found.mean["rmsd"] < 0.5
    with pytest.raises(ValueError, match="5 frames and trpcage.xtc 2"):
        judge(some(generated, 0, 1, 2, 3, 4), reference)


def test_only_shared_residues_and_atoms_are_judged():
    whole = read_protein(mda.Universe(COMPLEX_PDB).atoms, name="1brs")
    rows = np.r_[120:140, 142:150]
    fewer = part(whole, rows)
    fewer = replace(fewer, mask=fewer.mask & (np.arange(14) != 4))
    found = judge(fewer, whole)
    assert found.labels.tolist() == whole.labels[rows].tolist() and found.mean["rmsd"] == 0
    assert found.mean["bonds"] == 100 and found.generated.ends[19]
    other = replace(fewer, types=(fewer.types + 1) % 20)
    with pytest.raises(MappingError, match="28 such"):
        judge(other, whole)


def test_legacy_lets_bonds_cancel(trpcage):
    reference = some(trpcage, 0)
    generated = replace(reference, positions=reference.positions.copy())
    generated.positions[0, 5, 13] += 8.0  # CH2 of TRP 6 leaves two bonds
    strict, legacy = (judge(generated, reference, legacy=flag).mean["ged"] for flag in (False, True))
    assert strict > 0 and legacy <= strict


def test_moved_beads_are_said(trpcage):
    elsewhere = replace(trpcage, positions=trpcage.positions + 3.0)
    with pytest.warns(UserWarning, match="up to 5.2 A"):
        judge(elsewhere, trpcage)


def test_alone(trpcage):
    found = judge_alone(some(trpcage, 0, 16))
    assert found.errors is None and "rmsd" not in found.mean
    assert found.mean["twisted"] == np.mean([frame["twisted"] for frame in found.frames]) > 0


def test_content_is_json_and_plots_are_drawn(trpcage, tmp_path):
    found = judge(shaken(some(trpcage, 0, 1)), some(trpcage, 0, 1))
    save_json(found.content(), tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    assert content["mean"]["cis_kept"] is None and len(content["by_residue"]["rmsd"]) == content["residues"] == 20
    for judgement in (found, judge_alone(some(trpcage, 0))):
        files = save_plots(judgement, tmp_path / "plots")
        names = ["ramachandran", "chis", "residues", "clashes"] + ["validity"] * (judgement is not found)
        assert [file.name for file in files] == [f"trpcage-{x}.png" for x in names]
        assert all(file.stat().st_size > 5000 for file in files)
