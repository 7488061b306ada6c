"""Frames that are those of no molecule: one check of coordinates, and every verb that makes it."""

from pathlib import Path

import h5py
import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors

import mdbackmap
from mdbackmap.cli import main
from mdbackmap.datafiles import GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.molecule.boxes import box_vectors, real_box
from mdbackmap.molecule.mapping import MappingError
from mdbackmap.recognition.soundness import broken, check_frames, check_whole, leave_out, sound
from mdbackmap.recognition.spacing import bond_lengths

CASES = Path(__file__).parent / "cases"
LEFT_OUT = "--frames 0-22,24-29; in Python frames=[*range(23), *range(24, 30)]"


def one_end(n):
    return np.arange(n) == n - 1


def trace(n=30):
    return np.cumsum(np.full((n, 3), 3.8 / 3**0.5), axis=0)


def test_the_limit_is_between_molecules_and_numbers_that_are_none():
    assert sound([[9e5, -9e5, 0.0]]).all()
    assert not sound([[1e7, 0, 0], [0, -1e30, 0], [0, 0, np.inf], [np.nan, 0, 0]]).any()


@pytest.mark.parametrize("value, words", [(np.nan, "NaN or infinite"), (-np.inf, "NaN or infinite"), (1e7, "1e+07 A")])
def test_frame_and_residue_are_named(value, words):
    frames = np.stack([trace()] * 3)
    frames[1, 4:6, 2] = value
    with pytest.raises(MappingError) as raised:
        check_frames(frames, 30, [5, 6, 7], "residue {}".format)
    assert "frame 6: the positions of residue 4 and 1 more are" in str(raised.value) and words in str(raised.value)


@pytest.mark.parametrize("share, whole", [(0.2, False), (0.5, True), (1.0, True)])
def test_a_frame_written_in_part_is_broken_from_a_third_on(share, whole):
    beads = trace()
    beads[: round(share * 30)] = 0.0
    assert broken(bond_lengths(beads), one_end(30)).any() == whole


def test_one_chain_of_ten_is_enough():
    beads = np.concatenate([trace(20) + 100 * k for k in range(10)])
    ends = np.tile(one_end(20), 10)
    assert not broken(bond_lengths(beads), ends).any()
    beads[60:80] = 0.0
    assert broken(bond_lengths(beads), ends).sum() == 19


def test_a_dipeptide_that_is_cut_breaks_no_frame():
    beads, ends = trace(200) + np.repeat(np.arange(100), 2)[:, None] * 100.0, np.tile([False, True], 100)
    beads[7] += 300.0
    check_whole(beads[None], [0], ends)
    with pytest.raises(MappingError, match="1 of 1 distances"):
        check_whole(beads[None, 6:8], [0], ends[6:8])


def test_what_is_broken_and_why():
    beads, ends = np.concatenate([trace(20) + 100 * k for k in range(10)]), np.tile(one_end(20), 10)
    beads[60:80] = 0.0
    with pytest.raises(MappingError, match="frame 4: a chain is broken .never written.*: 19 of 190 distances"):
        check_whole(beads[None], [4], ends)
    with pytest.raises(MappingError, match="frame 4: the whole frame is broken .of a simulation that blew up, or cut"):
        check_whole(10 * trace()[None], [4], one_end(30))


def test_blown_up_frames_are_broken_and_soft_bonds_are_not():
    rng = np.random.default_rng(0)
    soft = trace(300)[None] + rng.normal(0, 0.5, (50, 300, 3))  # distances scatter by 0.7 A: more than any model's
    assert not broken(bond_lengths(soft), one_end(300)).any()
    blown = trace(300)[None] + rng.normal(0, 10.0, (50, 300, 3))
    assert broken(bond_lengths(blown), one_end(300)).any(axis=1).all()


def test_frames_of_a_go_model_are_whole():
    go = mda.Universe(GO_PDB, GO_XTC)
    beads = np.stack([go.atoms.positions.copy() for _ in go.trajectory])
    check_whole(beads, range(len(beads)), one_end(beads.shape[1]))


def test_how_a_frame_is_left_out():
    assert "--start 1; in Python start=1" in leave_out(0, 5)
    assert "--stop 4; in Python stop=4" in leave_out(4, 5)
    assert "--frames 0,2-4;" in leave_out(1, 5)


def test_what_is_a_box_is_mdanalysis_rule():
    for none in ([0] * 6, [100, 100, 100, 0, 0, 0], [100, 100, 100, 170, 170, 170], [100, -1, 100, 90, 90, 90],
                 [100, 100, np.nan, 90, 90, 90], [np.inf, 9, 9, 90, 90, 90], [50, 50, 50, 90, 90, 180]):  # fmt: skip
        assert real_box(none) is None and box_vectors([none], 1) is None
        np.testing.assert_allclose(bond_lengths([[0, 0, 0], [99, 0, 0]], none), 99)
    assert real_box([1, 1, 1, 90, 90, 90]) is not None
    assert box_vectors([[1, 1, 1, 90, 90, 90]], 1) is None  # a dummy
    assert box_vectors([[100, 30, 100, 90, 90, 170]], 1) is None  # 5 A wide


@pytest.mark.parametrize("angles", [(90, 90, 90), (60, 60, 90), (71, 83, 109.5), (90, 90, 120), (60, 60, 130)])
def test_box_vectors_are_those_of_mdanalysis(angles):
    box = np.array([61.5, 70.25, 80.1, *angles])
    expected = triclinic_vectors(box, dtype=np.float64)
    found = box_vectors([box], 1)
    assert np.array_equal(found[0], expected) if expected.any() else found is None
    np.testing.assert_allclose(bond_lengths([[0, 0, 0], [99, 0, 0]], [100, 100, 100, 60, 60, 90]), 1)


@pytest.mark.parametrize("verb", [["convert", "--temperature", "0"], ["check", "--trace"], ["coarsen"]])
@pytest.mark.parametrize(
    "case, words", [("nan-frame", ("frame 23", "LYS 6")), ("zero-frame", ("frame 23", "75 of 75 distances"))]
)
def test_every_verb_names_the_frame(case, words, verb, tmp_path, capsys):
    files = [str(CASES / case / "ca.pdb"), str(CASES / case / "ca.dcd")]
    out = [] if verb[0] == "check" else ["-o", str(tmp_path / "out.xtc")]
    assert main([verb[0], *files, *verb[1:], *out]) == 1
    said = capsys.readouterr().err
    assert all(word in said for word in (*words, LEFT_OUT)), said
    assert not list(tmp_path.iterdir())


def test_the_advice_works(tmp_path):
    files = [str(CASES / "zero-frame" / name) for name in ("ca.pdb", "ca.dcd")]
    assert main(["coarsen", *files, "--frames", "0-22,24-29", "-o", str(tmp_path / "ca.xtc"), "--quiet"]) == 0
    assert mda.Universe(str(tmp_path / "ca.pdb"), str(tmp_path / "ca.xtc")).trajectory.n_frames == 29


@pytest.mark.slow
@pytest.mark.parametrize("frame, bad", [(0, 0.0), (4, 1e8), (4, 0.0), (9, np.nan), (9, 1e30)])
def test_in_python_a_bad_frame_is_named_and_its_neighbours_are_read(bad, frame):
    cg = mda.Universe(GO_PDB, GO_XTC, in_memory=True, in_memory_step=5)
    positions = cg.trajectory.get_array()
    positions[frame, (slice(None) if bad == 0.0 else 7)] = bad
    model = mdbackmap.load_model("genzprot", cg.atoms)
    u = mdbackmap.backmap(cg, model, temperature=0) if frame else None
    if u is not None:
        others = [u.trajectory[k].frame for k in (frame - 3, frame - 2, frame - 1)]  # read on: the bad one is foreseen
        assert others == [frame - 3, frame - 2, frame - 1] and np.isfinite(u.atoms.positions).all()
        with pytest.raises(ValueError, match=f"frame {frame}"):
            u.trajectory[frame]
    with pytest.raises(ValueError, match=f"frame {frame}.*leave the frame out"):
        mdbackmap.BackmapTrajectory(cg.atoms, model).run()


@pytest.mark.slow
def test_judging_atoms_and_training_refuse_it_too(tmp_path, capsys):
    u = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC, in_memory=True)
    u.trajectory.get_array()[3] = 0.0
    u.trajectory.get_array()[5, 9] = 1e8
    with mda.Writer(str(tmp_path / "aa.trr"), len(u.atoms)) as writer:
        for _ in u.trajectory[:8]:
            writer.write(u.atoms)
    files = [TRPCAGE_PDB, str(tmp_path / "aa.trr")]
    assert main(["check", *files]) == 1
    assert "frame 5: the position of" in capsys.readouterr().err
    assert main(["check", *files, "--stop", "5"]) == 1
    assert "frame 3: the whole frame is broken" in capsys.readouterr().err
    assert main(["pack", "--md", *files, "-o", str(tmp_path / "pack.h5"), "--validation", "0"]) == 0
    said = capsys.readouterr().out
    assert "left out: aa: frame 3: all" in said and "frame 5: the position" in said and "6 entries" in said
    toml = tmp_path / "train.toml"
    toml.write_text(
        f'[model]\nfamily = "cgvae"\n[data]\ntopology = "{files[0]}"\ntrajectory = ["{files[1]}"]\n'
        f'[training]\nfolder = "{tmp_path / "run"}"\nepochs = 1\n'
    )
    assert main(["train", str(toml), "--quiet"]) == 1
    assert "frame 5: the position of" in capsys.readouterr().err
    assert main(["coarsen", *files, "--mapping", "residue", "-o", str(tmp_path / "cg.xtc"), "--quiet"]) == 1
    assert "frame 3" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["check", "--trace"], ["coarsen", "-o", "ca.dcd"]])
def test_every_verb_says_so(verb, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*verb, *(str(CASES / "box-zero-angles-dcd" / name) for name in ("ca.pdb", "ca.dcd")), "--quiet"]) == 0
    assert capsys.readouterr().err.count("the box 100 100 100 0 0 0 is none by MDAnalysis' rule") == 1


def test_angles_of_zero_are_no_box_and_it_is_said(tmp_path, capsys):
    case = CASES / "box-zero-angles-dcd"
    out = tmp_path / "aa.h5md"
    options = ["-o", str(out), "--temperature", "0", "--no-hydrogens"]
    assert main(["convert", str(case / "ca.pdb"), str(case / "ca.dcd"), *options]) == 0
    assert capsys.readouterr().err.count("the box 100 100 100 0 0 0 is none by MDAnalysis' rule") == 1
    with h5py.File(out) as file:
        assert "edges" not in file["particles/trajectory/box"]
        assert file["particles/trajectory/position/value"].shape == (3, 602, 3)
