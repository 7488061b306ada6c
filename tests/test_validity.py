"""The report on what was written, and structures that are left out: the same resumed, in parallel, in any format."""

import json
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from conversions import interrupt_at, left, positions, quick
from numpy.testing import assert_array_equal
from standin import standin

from mdbackmap import Topology
from mdbackmap.cli import main
from mdbackmap.conversion.outcome import Skipped
from mdbackmap.datafiles import GO_PDB, GO_XTC, TRPCAGE_PDB
from mdbackmap.metrics import limits
from mdbackmap.metrics.faults import FAULTS
from mdbackmap.metrics.protein_judge import SCORES, Judged, ProteinJudge
from mdbackmap.metrics.validity import Validity
from mdbackmap.writing.products import AlreadyComplete

RUN = {"start": 0, "stop": 12}
ASKED = {"n_samples": 2, "batch_size": 4, "seed": 5}


def same(one, other):
    assert one.labels.tolist() == other.labels.tolist() and one.mean == other.mean
    for name in ("scores", "faults"):
        pairs = getattr(one, name), getattr(other, name)
        assert list(pairs[0]) == list(pairs[1])
        for key in pairs[0]:
            assert_array_equal(pairs[0][key], pairs[1][key])
    assert_array_equal(one.frames, other.frames)
    assert_array_equal(one.samples, other.samples)


@pytest.fixture
def half(cg, monkeypatch):
    """A limit that about half of the stand-in's structures do not keep; the run without limits."""
    free = quick(cg.atoms, standin(cg.atoms), validity=True, **ASKED).run(**RUN).results
    monkeypatch.setattr(
        limits, "LIMITS", {"clashscore": ("most", float(np.median(free.validity.scores["clashscore"])))}
    )
    return free


def test_the_report_is_that_of_each_structure(cg, tmp_path):
    run = quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.h5md", validity=True, **ASKED).run(**RUN).results
    report, fine = run.validity, standin(cg.atoms).mapping.fine
    assert len(report) == run.n_frames == 24 and set(report.scores) == set(SCORES) - {"clashscore_all"}
    assert set(report.faults) == set(FAULTS) and report.faults["bonds"].shape == (24, 20)
    memory = quick(cg.atoms, standin(cg.atoms), validity=True, **ASKED).run(**RUN).results
    same(report, memory.validity)
    judge = ProteinJudge(fine)
    boxes = [cg.trajectory[frame].dimensions.copy() for frame in memory.frames]
    for k in (0, 7, 23):
        alone = judge(memory.positions[k : k + 1], dimensions=boxes[k : k + 1])
        assert_array_equal(alone.counts[0], [report.faults[name][k] for name in FAULTS])
    assert quick(cg.atoms, standin(cg.atoms), **ASKED).run(stop=2).results.validity is None


@pytest.mark.parametrize("suffix", [".xtc", ".h5md", ".dcd", ".pdb"])
def test_skipped_structures_are_left_out_and_listed(cg, tmp_path, half, suffix):
    file = tmp_path / f"aa{suffix}"
    run = quick(cg.atoms, standin(cg.atoms), file, strict="skip", **ASKED).run(**RUN).results
    bad = half.validity.scores["clashscore"] > limits.LIMITS["clashscore"][1]
    assert 5 < bad.sum() < 19 and len(run.skipped) == bad.sum() and run.n_frames == (~bad).sum()
    assert [(x.frame, x.sample) for x in run.skipped] == list(zip(half.frames[bad], half.samples[bad], strict=True))
    assert isinstance(run.skipped[0], Skipped) and "clashes per 1000 heavy atoms" in run.skipped[0].why
    for name in ("frames", "samples", "times", "displacements"):
        assert_array_equal(run[name], half[name][~bad])
    assert len(run.validity) == run.n_frames and not run.validity.beyond_limits()
    assert np.abs(positions(run) - half.positions[~bad]).max() < 0.011
    shown = mda.Universe(run.topology).atoms.positions
    assert np.abs(shown - half.positions[~bad][0]).max() < 0.011
    if suffix in (".xtc", ".dcd"):
        note = json.loads((tmp_path / "aa.json").read_text())
        assert note["conversion"]["strict"] == "skip" and len(note["skipped"]) == bad.sum()
    if suffix == ".pdb":
        assert file.read_text().count("REMARK     skipped.frame") == bad.sum()
    with pytest.raises(AlreadyComplete):
        quick(cg.atoms, standin(cg.atoms), file, strict="skip", resume=True, **ASKED).run(**RUN)
    assert not [name for name in left(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("suffix", [".xtc", ".h5md"])
def test_resumed_and_parallel_runs_are_the_same(cg, tmp_path, half, monkeypatch, suffix):
    asked = {"strict": "skip", **ASKED}
    whole = quick(cg.atoms, standin(cg.atoms), tmp_path / f"a{suffix}", **asked).run(**RUN).results
    interrupt_at(monkeypatch, 9)
    with pytest.raises(KeyboardInterrupt):
        quick(cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", **asked).run(**RUN)
    with pytest.raises(ValueError, match="validity"):
        quick(cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", resume=True, **ASKED).run(**RUN)
    resumed = quick(cg.atoms, standin(cg.atoms), tmp_path / f"b{suffix}", resume=True, **asked).run(**RUN).results
    assert 0 < resumed.resumed < 12
    parts = quick(cg.atoms, standin(cg.atoms), tmp_path / f"c{suffix}", **asked)
    parts = parts.run(**RUN, backend="multiprocessing", n_workers=2).results
    memory = quick(cg.atoms, standin(cg.atoms), **asked).run(**RUN).results
    for other in (resumed, parts, memory):
        same(whole.validity, other.validity)
        assert other.skipped == whole.skipped and other.n_frames == whole.n_frames
    assert_array_equal(positions(whole), positions(resumed))
    assert_array_equal(positions(whole), positions(parts))
    assert not [name for name in left(tmp_path) if name.startswith(".")]


def test_whole_segments_may_be_left_out(cg, tmp_path, half, monkeypatch):
    for suffix in (".xtc", ".dcd", ".pdb"):
        bad = {(frame, sample) for frame in (0, 1, 2, 3, 6, 7, 11) for sample in (0, 1)}
        seen = list(zip(half.frames.tolist(), half.samples.tolist(), strict=True))
        scores = [1.0 if pair in bad else 0.0 for pair in seen]
        monkeypatch.setattr(limits, "LIMITS", {"clashscore": ("most", 0.5)})
        monkeypatch.setattr(ProteinJudge, "__call__", _told(ProteinJudge.__call__, scores))
        run = quick(cg.atoms, standin(cg.atoms), tmp_path / f"{suffix[1:]}{suffix}", strict="skip", **ASKED)
        run = run.run(**RUN).results
        monkeypatch.undo()
        assert len(run.skipped) == 14 and run.n_frames == 10 == len(positions(run))


def _told(judge, scores):
    """A judge that finds these clash scores, by place."""

    def told(self, positions, places=None, dimensions=None):
        found = judge(self, positions, places, dimensions)
        found.scores[:, SCORES.index("clashscore")] = np.array(scores)[found.places]
        return found

    return told


def test_strict_stops_at_the_first_structure_and_names_it(cg, tmp_path, half):
    bad = half.validity.scores["clashscore"] > limits.LIMITS["clashscore"][1]
    first = int(np.flatnonzero(bad)[0])
    named = f"frame {half.frames[first]}, sample {half.samples[first]}: clashes per 1000 heavy atoms"
    with pytest.raises(ValueError, match=named):
        quick(cg.atoms, standin(cg.atoms), tmp_path / "aa.xtc", strict=True, **ASKED).run(**RUN)
    with pytest.raises(ValueError, match='"skip"'):
        quick(cg.atoms, standin(cg.atoms), strict="stop")


def test_nothing_is_written_if_nothing_is_left(cg, tmp_path, half, monkeypatch):
    monkeypatch.setattr(limits, "LIMITS", {"clashscore": ("most", -1.0)})
    for suffix in (".xtc", ".pdb"):
        with pytest.raises(ValueError, match="all 24 structures"):
            quick(cg.atoms, standin(cg.atoms), tmp_path / f"aa{suffix}", strict="skip", **ASKED).run(**RUN)


@pytest.fixture
def trpcage():
    atoms = mda.Universe(TRPCAGE_PDB).atoms
    return Topology.from_atoms(atoms), atoms.positions.astype(float)


def report(trpcage, *changed):
    topology, atoms = trpcage
    judge = ProteinJudge(topology)
    n = len(changed)
    return Validity(judge(np.stack(changed)), judge.labels, np.arange(n), np.zeros(n, int), "trp-cage")


def test_limits_are_kept_by_crystals_and_not_by_what_is_broken(trpcage, tmp_path):
    topology, atoms = trpcage
    moved = atoms.copy()
    moved[topology.names == "CB"] += 1.0
    squeezed = atoms * 0.6
    found = report(trpcage, atoms, atoms * [1, 1, -1], moved, squeezed)
    bad = {frame: " ".join(what) for frame, _, what in found.beyond_limits()}
    assert list(bad) == [1, 2, 3] and "mirrored CA" in bad[1] and "bonds within 10%" in bad[2]
    assert "clashes" in bad[3] and found.scores["mirrored_ca"].tolist()[:2] == [0.0, 100.0]
    text = found.table()
    assert "beyond limits: 3 of 4 structures" in text and "heavy atoms" in text and "chain A, LEU 2" in text
    found.to_json(tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    assert [x["frame"] for x in content["beyond_limits"]] == [1, 2, 3]
    assert content["by_structure"]["mirrored_ca"] == found.scores["mirrored_ca"].tolist()
    found.plot(tmp_path / "found.png")
    assert (tmp_path / "found.png").stat().st_size > 10_000


def test_a_ring_and_the_bond_through_it_are_both_named(trpcage):
    topology, atoms = trpcage
    numbers = topology.resids[topology.residue_of_atom].tolist()
    at = {pair: k for k, pair in enumerate(zip(numbers, topology.names.tolist(), strict=True))}
    ring = atoms[[at[6, name] for name in ("CD2", "CE2", "CZ2", "CH2", "CZ3", "CE3")]]
    normal = np.linalg.svd(ring - ring.mean(0))[2][2]
    pierced = atoms.copy()
    pierced[[at[2, "CG"], at[2, "CD1"]]] = ring.mean(0) + np.outer([-0.75, 0.75], normal)
    found = report(trpcage, atoms, pierced)
    assert found.scores["pierced"].tolist() == [0.0, 1.0]
    assert np.flatnonzero(found.faults["pierced"][1]).tolist() == [1, 5] and not found.faults["pierced"][0].any()


def test_hydrogens_of_a_topology_are_judged_at_lengths_of_electron_clouds(trpcage):
    topology, atoms = trpcage
    nitrogens = np.flatnonzero((topology.names == "N") & (topology.resnames[topology.residue_of_atom] != "PRO"))[1:]
    whole, order = topology.with_atoms(["H"] * len(nitrogens), ["H"] * len(nitrogens), nitrogens)
    with_bonds = dict(vars(whole))
    carbons = [int(np.flatnonzero((topology.names == "C") & (topology.residue_of_atom == r))[0]) for r in
               topology.residue_of_atom[nitrogens] - 1]  # fmt: skip
    alphas = nitrogens + 1
    outwards = 2 * atoms[nitrogens] - atoms[carbons] - atoms[alphas]
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    judge = ProteinJudge(Topology(**with_bonds))
    scores, names = [], []
    for length in (0.86, 1.02):
        placed = np.concatenate([atoms, atoms[nitrogens] + length * outwards])[order]
        found = judge(placed[None])
        made = Validity(found, judge.labels, [0], [0])
        scores.append(made.scores["clashscore_all"][0])
        names.append(made.hydrogens)
    assert names == ["electron-cloud", "nuclear"] and scores[0] == scores[1]
    assert "at nuclear ones" in made.table() and "MolProbity" in made.table()


def test_molecules_without_amino_acids_are_refused():
    ion = Topology(["NA"], ["NA"], [0], ["NA"], [1], [""], ["A"], [""])
    with pytest.raises(ValueError, match="no amino acids"):
        ProteinJudge(ion)


def test_what_is_judged_is_saved_and_joined(trpcage, tmp_path):
    judge = ProteinJudge(trpcage[0])
    one, other = (judge(trpcage[1][None] * scale, [place]) for scale, place in ((0.9, 3), (1.1, 1)))
    other.save(tmp_path / "other.npz")
    both = Judged.joined([one, Judged.load(Path(tmp_path / "other.npz")), one])
    assert both.places.tolist() == [1, 3]
    assert_array_equal(both.taken([1]).counts, one.counts)


def test_the_manual_has_the_limits():
    page = (Path(__file__).parent.parent / "docs" / "evaluation.md").read_text()
    table = page[page.index("| what | limit |") :].split("\n\n")[0]
    numbers = [row.split("|")[2].strip().rstrip("%") for row in table.splitlines()[2:]]
    expected = [f"at {side} {limit:g}" if limit else "none" for side, limit in limits.LIMITS.values()]
    assert numbers == [*dict.fromkeys(expected[:-2]), "none", "none (`strict` only)"]


def test_the_command_line_prints_the_report_and_stops(tmp_path, capsys):
    asked = ["convert", GO_PDB, GO_XTC, "-o", str(tmp_path / "aa.xtc"), "--stop", "1"]
    assert main([*asked, "--validity"]) == 0
    assert "beyond limits: 0 of 1 structures" in capsys.readouterr().out
    assert main([*asked, "--overwrite", "--strict"]) == 1
    assert "frame 0: 14 CA-CA distances" in capsys.readouterr().err
    assert main([*asked, "--overwrite", "--strict", "skip"]) == 1
    assert "all 1 structures were left out" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [None, ".xtc", ".h5md", ".pdb"])
def test_broken_frames_are_left_out_and_listed(cg, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(limits, "LIMITS", {})
    spoiled = cg.atoms.universe.copy()
    with mda.Writer(str(tmp_path / "cg.dcd"), len(cg.atoms)) as writer:
        for ts in spoiled.trajectory[:12]:
            ts.positions[3:] *= np.nan if ts.frame in (0, 5) else 1.0
            ts.positions[:] = 0.0 if ts.frame == 11 else ts.positions
            writer.write(spoiled.atoms)
    spoiled.load_new(str(tmp_path / "cg.dcd"))
    file, model = None if suffix is None else tmp_path / f"aa{suffix}", standin(cg.atoms)
    with pytest.raises(ValueError, match="frame 0: the positions of .* are NaN or infinite; leave the frame out"):
        quick(spoiled.atoms, model, file, **ASKED).run()
    run = quick(spoiled.atoms, model, file, strict="skip", **ASKED).run().results
    assert [x[:2] for x in run.skipped] == [(frame, sample) for frame in (0, 5, 11) for sample in (0, 1)]
    assert run.skipped[0].why.endswith("are NaN or infinite") and "never written" in run.skipped[4].why
    sound = [frame for frame in range(12) if frame not in (0, 5, 11)]
    alone = quick(spoiled.atoms, model, **ASKED).run(frames=sound).results
    for name in ("frames", "samples", "times", "displacements", "strained"):
        assert_array_equal(run[name], alone[name])
    made = run.positions if suffix is None else positions(run)
    assert np.abs(made - alone.positions).max() < 0.011 and len(run.validity) == run.n_frames == 18
    parts = quick(spoiled.atoms, model, strict="skip", **ASKED)
    parts = parts.run(backend="multiprocessing", n_workers=3).results
    assert parts.skipped == run.skipped and len(parts.positions) == 18
    with pytest.raises(ValueError, match="none of the 2 frames can be backmapped; frame 0"):
        quick(spoiled.atoms, model, strict="skip", **ASKED).run(frames=[0, 5])
