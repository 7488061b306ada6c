"""How like a protein a trace is, and which hand it has: `traces.scores`, `treatment`, `evaluation.trace_report`."""

import json
import logging

import MDAnalysis as mda
import numpy as np
import pytest
import torch
from test_relaxation import coarse_frames
from traces import topology, trace

import mdbackmap as mdb
from mdbackmap.cli import main
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC, COMPLEX_PDB, GO_PDB, GO_XTC, VALIDATION
from mdbackmap.evaluation.benchmark import noisy_beads
from mdbackmap.evaluation.trace_report import judge_trace
from mdbackmap.models.denoiser import bundled
from mdbackmap.molecule.boxes import distances_moved, reflected
from mdbackmap.molecule.mapping import Mapping, MappingError
from mdbackmap.options import SamplingOptions, Tolerance
from mdbackmap.sampling.treatment import TraceTreatment
from mdbackmap.traces.scores import CRYSTALS, TraceScores, score_traces


@pytest.fixture(scope="module")
def crystals():
    return [(chain.trace(), chain.beads) for chain in read_chains(VALIDATION, limit=9)]


class TestScores:
    def test_crystals_are_like_proteins_and_within_their_range(self, crystals):
        for coarse, beads in crystals:
            found = score_traces(coarse, beads, bundled().noise)
            assert found.protein_like and not found.mirrored
            for name, (least, _, largest) in CRYSTALS.items():
                assert least - 0.01 <= getattr(found, name).nanmean() <= largest + 0.01

    def test_mirror_images_of_crystals_are_told(self, crystals):
        assert all(score_traces(coarse, -beads).mirrored for coarse, beads in crystals)

    @pytest.mark.parametrize("files", [(GO_PDB, GO_XTC), (CALVADOS_PDB, CALVADOS_XTC)])
    @pytest.mark.parametrize("n_frames", [1, 5])
    def test_simulations_are_not_refused(self, files, n_frames):
        coarse, beads = coarse_frames(*files, n_frames)
        found = score_traces(coarse, beads)
        assert not found.mirrored and not found.protein_like

    def test_noise_and_scatter_tell_together(self):
        """As on traces of Go models near a native structure; crystals and MD have one of the two."""
        chains = [chain for chain in read_chains(VALIDATION) if 100 < len(chain.types) < 160][:10]
        alike = {"smooth": 0, "rough": 0, "both": 0}
        for number, chain in enumerate(chains):
            rough = np.random.default_rng(number).normal(0, 0.045, chain.beads.shape)
            smooth = noisy_beads(chain, 0.42, number)
            for what, beads in ("smooth", smooth), ("rough", chain.beads + rough), ("both", smooth + rough):
                alike[what] += score_traces(chain.trace(), beads, bundled().noise).protein_like
        assert alike["smooth"] >= 8 and alike["rough"] >= 8 and alike["both"] <= 4, alike

    def test_parts_together_are_the_whole(self):
        coarse, beads = coarse_frames(GO_PDB, GO_XTC, 4)
        whole = score_traces(coarse, beads, bundled().noise)
        parts = [score_traces(coarse, beads[part], bundled().noise) for part in (slice(1), slice(1, 4))]
        both = TraceScores.together(parts)
        for name in ("trace", "backbone", "scatter", "noise", "excess"):
            torch.testing.assert_close(getattr(both, name), getattr(whole, name), equal_nan=True)

    def test_a_disordered_chain_has_no_hand(self):
        """Random torsions, and their mirror images; strands as straight as strands can be."""
        coarse = topology("AVKSTELQNG" * 6)
        beads = trace(60, 3, 3.8, 3.8, frames=4)
        assert not score_traces(coarse, beads).mirrored and not score_traces(coarse, -beads).mirrored
        flat = torch.tensor([[3.3 * k, 0.95 * (-1) ** k, 0.0] for k in range(60)])[None]
        assert not score_traces(coarse, flat).mirrored

    def test_small_peptides_are_too_few_to_tell(self):
        coarse, beads = topology("AVKSTE"), trace(6, 3, 3.8, 3.8)
        assert not any(score_traces(coarse, sign * beads).mirrored for sign in (1, -1))

    def test_a_chain_cut_by_the_box_is_judged_where_it_is_whole(self, crystals):
        coarse, beads = crystals[0]
        cut = beads.copy()
        cut[:, 60:] += 80.0
        one, other = (score_traces(coarse, x).backbone for x in (beads, cut))
        assert torch.isnan(other[0, 59:61]).all()
        near = slice(0, 50)
        torch.testing.assert_close(one[:, near], other[:, near], equal_nan=True, rtol=1e-3, atol=1e-3)


class TestTreatment:
    def test_mirror(self, crystals, caplog):
        coarse, beads = crystals[0]
        treatment = TraceTreatment(Mapping.ca(coarse), -beads, relaxes=True)
        with pytest.raises(MappingError, match="mirror image of a protein.*--mirror fix"):
            treatment.of_right_hand(-beads, "error")
        assert treatment.of_right_hand(beads, "ignore") is beads
        with caplog.at_level(logging.WARNING):
            fixed = treatment.of_right_hand(-beads, "fix")
            treatment.of_right_hand(-beads, "fix")
        assert caplog.text.count("reflected first") == 1
        np.testing.assert_allclose(fixed - fixed[:, :1], beads - beads[:, :1], atol=1e-9)
        right = TraceTreatment(Mapping.ca(coarse), beads, relaxes=True)
        assert all(right.of_right_hand(beads, mirror) is beads for mirror in ("error", "fix", "ignore"))

    def test_tolerance(self, crystals):
        coarse, beads = crystals[0]
        crystal, simulation = (TraceTreatment(Mapping.ca(coarse), x, True) for x in (beads, beads + noise(beads)))
        auto, number, kept = (SamplingOptions(bead_tolerance=value) for value in ("auto", 0.3, 0))
        assert crystal.tolerance(auto) == Tolerance(0.9, judged=True, denoised=False)
        assert crystal.tolerance(number) == simulation.tolerance(number) == Tolerance(0.3)
        assert simulation.tolerance(auto) == Tolerance(0.9) and simulation.tolerance(kept).keeps
        assert TraceTreatment(Mapping.ca(coarse), None, relaxes=True).tolerance(auto) == auto.tolerance
        assert TraceTreatment(Mapping.ca(coarse), None, relaxes=False).tolerance(auto) == Tolerance()

    def test_reflection_goes_with_the_box(self):
        beads = np.random.default_rng(0).normal(size=(2, 5, 3)) * 8
        box = np.array([20.0, 25.0, 30.0, 90, 90, 90])
        wrapped = beads - np.floor(beads / box[:3]) * box[:3]
        moved = distances_moved(reflected(beads), reflected(wrapped), [box] * 2)
        apart = distances_moved(beads[:, :1], wrapped[:, :1], [box] * 2)
        assert moved.max() < 1e-3 and apart.max() < 1e-3


def noise(beads):
    return 0.8 * np.random.default_rng(1).normal(size=beads.shape)


@pytest.fixture(scope="module")
def go_model():
    u = mda.Universe(GO_PDB, GO_XTC)
    return u, mdb.load_model("genzprot", u.atoms)


class TestUse:
    def test_tolerances(self, go_model):
        u, model = go_model
        beads = np.stack([ts.positions for ts in u.trajectory[:3]])
        kept = model.sample(beads, range(3), bead_tolerance=0)
        np.testing.assert_array_equal(model.mapping.project(kept), beads)
        for tolerance in (0.2, "auto"):
            atoms = model.sample(beads, range(3), bead_tolerance=tolerance)
            moved = model.displacements(beads, atoms)
            np.testing.assert_allclose(moved, np.linalg.norm(model.mapping.project(atoms) - beads, axis=-1), atol=1e-5)
            rms = np.sqrt((moved**2).mean(1))
            assert (rms <= (0.9 if tolerance == "auto" else 0.2) + 1e-4).all() and (rms > 0.1).all()

    def test_displacements_in_ts_data_and_results(self, go_model, tmp_path):
        u, model = go_model
        run = mdb.BackmapTrajectory(u.atoms, model, tmp_path / "aa.h5md", n_samples=2, bead_tolerance=0.3).run(stop=3)
        found = run.results
        assert found.frame_displacements.shape == (6,) and (found.frame_displacements <= 0.3 + 1e-4).all()
        assert found.displacements.shape == found.residue_displacements.shape == (6, 56)
        assert found.unrepaired.shape == (56,)
        aa = mda.Universe(found.topology, found.filename)
        stored = np.stack([ts.data["displacements"] for ts in aa.trajectory])
        np.testing.assert_allclose(stored, found.displacements, atol=1e-4)
        np.testing.assert_allclose(np.sqrt((stored**2).mean(1)), found.frame_displacements, atol=1e-4)
        of_residues = np.stack([ts.data["residue_displacements"] for ts in aa.trajectory])
        np.testing.assert_allclose(of_residues, found.residue_displacements, atol=1e-4)
        fly = mdb.backmap(u, model, bead_tolerance=0.3)
        np.testing.assert_allclose(fly.trajectory[1].data["displacements"], stored[2], atol=1e-3)
        none = mdb.backmap(u, model, bead_tolerance=0)
        assert "displacements" not in none.trajectory[1].data

    def test_crystal_traces_stay_to_the_last_bit(self):
        u = mda.Universe(COMPLEX_PDB)
        model = mdb.load_model("genzprot", u.atoms)
        beads = u.atoms.positions[model.indices][None]
        np.testing.assert_array_equal(model.mapping.project(model.sample(beads, [0])), beads)

    def test_mirror_images(self):
        u = mda.Universe(COMPLEX_PDB)
        right = mdb.load_model("genzprot", u.atoms, hydrogens=False)  # an amine may turn
        beads = u.atoms.positions[right.indices][None]
        u.atoms.positions = -u.atoms.positions
        model = mdb.load_model("genzprot", u.atoms, hydrogens=False)
        with pytest.raises(MappingError, match="mirror image"):
            model.sample(-beads, [0])
        with pytest.raises(MappingError, match="mirror image"):
            mdb.BackmapTrajectory(u.atoms, model).run()
        fixed = model.sample(-beads, [0], mirror="fix", temperature=0)
        shift = -2 * beads[:, :1]
        np.testing.assert_allclose(fixed, right.sample(beads, [0], temperature=0) + shift, atol=0.05)
        assert model.displacements(-beads, fixed, mirror="fix").max() == 0
        ignored = model.sample(-beads, [0], mirror="ignore", bead_tolerance=0)
        np.testing.assert_array_equal(model.mapping.project(ignored), -beads)


class TestCheckTrace:
    def test_report(self, crystals):
        coarse, beads = crystals[0]
        report = judge_trace("x", coarse, np.concatenate([beads, beads + noise(beads)]), [4, 7])
        frames = report.by_frame
        assert frames["backbone"][1] > 2 * frames["backbone"][0] and frames["unlikely"][1] > frames["unlikely"][0]
        assert np.isnan(report.by_residue["backbone"][0]) and report.frames.tolist() == [4, 7]

    def test_command(self, tmp_path, capsys):
        arguments = ["--stop", "30", "--step", "10", "--json", str(tmp_path / "t.json"), "--plots", str(tmp_path)]
        assert main(["check", "--trace", CALVADOS_PDB, CALVADOS_XTC, *arguments]) == 0
        shown = capsys.readouterr().out
        assert "unlike a protein" in shown and "3 frames" in shown and "crystals 1.10 to 3.04" in shown
        (found,) = json.loads((tmp_path / "t.json").read_text())["traces"]
        assert found["by_frame"]["frame"] == [0, 10, 20] and len(found["by_residue"]["trace"]) == 140
        assert len(list(tmp_path.glob("*-trace.png"))) == 1

    def test_atoms_will_do(self, capsys):
        assert main(["check", "--trace", COMPLEX_PDB]) == 0
        assert "on the whole: like a protein" in capsys.readouterr().out
