"""Files that users have: every frame of them is read, or a sentence says what is wrong."""

import bz2
import gzip
import struct
from pathlib import Path

import gemmi
import gsd.hoomd
import h5py
import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap
from mdbackmap.cli import main
from mdbackmap.datafiles import GO_PDB, GO_XTC, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.reading.cut import dcd_frames
from mdbackmap.reading.formats import check_options, format_of
from mdbackmap.universes.opening import open_files, select

CASES = Path(__file__).parent / "cases"
CA = str(CASES / "nan-frame" / "ca.pdb")
N = 76


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """A folder with six frames of ubiquitin's C-alphas, 0.02 A apart, in formats that MDAnalysis writes."""
    folder = tmp_path_factory.mktemp("traces")
    beads = mda.Universe(CA).atoms.positions
    u = mda.Universe(CA, np.stack([beads + 0.02 * k for k in range(6)]).astype("f4"), dt=10.0)
    u.trajectory.dimensions_array[:] = [80, 80, 80, 90, 90, 90]
    for suffix in ("xtc", "trr", "dcd", "xyz", "pdb", "ncdf"):
        with mda.Writer(str(folder / f"t.{suffix}"), N, multiframe=True) as writer:
            for _ in u.trajectory:
                writer.write(u.atoms)
    return folder


def coarsened(tmp_path, *arguments):
    """Frames that `coarsen` writes, and its exit status."""
    out = tmp_path / "out.xtc"
    status = main(["coarsen", *map(str, arguments), "--mapping", "ca", "-o", str(out), "--quiet"])
    return (mda.Universe(str(out.with_suffix(".pdb")), str(out)) if out.exists() else None), status


def last_frame(u):
    u.trajectory[-1]
    return u.atoms.positions


class TestCases:
    def convert(self, tmp_path, *arguments):
        options = ["--temperature", "0", "--no-hydrogens"]
        assert main(["convert", *map(str, arguments), "-o", str(tmp_path / "aa.xtc"), *options]) == 0
        return mda.Universe(str(tmp_path / "aa.pdb"), str(tmp_path / "aa.xtc"))

    def test_gro(self, tmp_path):
        u = self.convert(tmp_path, CASES / "frames-gro" / "ca.gro")
        assert len(u.atoms) == 602 and [ts.time for ts in u.trajectory] == [0, 10, 20, 30]

    def test_pdb_with_end(self, tmp_path):
        u = self.convert(tmp_path, CASES / "frames-vmd-end" / "ca.pdb")
        assert (len(u.atoms), len(u.trajectory)) == (602, 5)

    def test_h5md_without_units(self, tmp_path, capsys):
        u = self.convert(tmp_path, CASES / "h5md-no-units" / "ca.pdb", CASES / "h5md-no-units" / "ca.h5md")
        assert (len(u.atoms), len(u.trajectory)) == (602, 4)
        assert "names no units: taken as time in ps, length in angstrom" in capsys.readouterr().err

    def test_lammpstrj(self, tmp_path):
        case = CASES / "lammps-lammpstrj"
        u = self.convert(tmp_path, case / "hps.data", case / "hps.lammpstrj", "--sequence", case / "sequence.fasta")
        assert (len(u.atoms), len(u.trajectory)) == (1204, 4)
        ca = u.select_atoms("name CA")
        assert "".join(ca.chainIDs) == 76 * "A" + 76 * "B" and ca.resids.tolist() == 2 * list(range(1, 77))


class TestFramesOfTextFiles:
    def write(self, tmp_path, kind, n=3):
        u = mda.Universe(CA)
        if kind == "cif":
            structure = gemmi.read_pdb(CA)
            for k in range(1, n):
                model = structure[0].clone()
                model.num = k + 1
                for atom in (atom for chain in model for residue in chain for atom in residue):
                    atom.pos = gemmi.Position(*[x + 0.02 * k for x in atom.pos.tolist()])
                structure.add_model(model)
            structure.setup_entities()
            structure.make_mmcif_document().write_file(str(tmp_path / "t.cif"))
            return tmp_path / "t.cif"
        lines = []
        for k in range(n):
            lines += [f"MODEL     {k + 1:4d}"] if kind == "pdbqt" else []
            for i, atom in enumerate(u.atoms):
                at = [f"{x:8.3f}" for x in atom.position + 0.02 * k]
                begin = f"ATOM  {i + 1:5d}  CA  {atom.resname} A"
                if kind == "pqr":
                    lines.append(f"{begin} {atom.resid:4d}    {' '.join(at)} 0.00 1.90")
                else:
                    lines.append(f"{begin}{atom.resid:4d}    {''.join(at)}  1.00  0.00    +0.000 C ")
            lines.append("ENDMDL" if kind == "pdbqt" else "END")
        (tmp_path / f"t.{kind}").write_text("\n".join(lines) + "\n")
        return tmp_path / f"t.{kind}"

    @pytest.mark.parametrize("kind", ["pqr", "pdbqt", "cif", "pdb"])
    @pytest.mark.parametrize("with_topology", [False, True])
    def test_all_are_read(self, tmp_path, kind, with_topology):
        path = self.write(tmp_path, kind)
        u, status = coarsened(tmp_path, *([CA] if with_topology else []), path)
        assert status == 0 and (len(u.atoms), len(u.trajectory)) == (N, 3)
        np.testing.assert_allclose(last_frame(u), mda.Universe(CA).atoms.positions + 0.04, atol=0.011)

    @pytest.mark.parametrize("packed, suffix", [(gzip.compress, ".gz"), (bz2.compress, ".bz2")])
    def test_compressed_and_joined(self, tmp_path, packed, suffix, traces):
        path = tmp_path / f"ca.gro{suffix}"
        path.write_bytes(packed((CASES / "frames-gro" / "ca.gro").read_bytes()))
        assert len(open_files([path]).trajectory) == 4
        joined = open_files([CA, path, traces / "t.xtc", self.write(tmp_path, "cif")])
        assert len(joined.trajectory) == 4 + 6 + 3
        assert len(list(joined.trajectory)) == 13

    def test_a_reader_of_them_is_copied_and_pickled(self):
        import pickle

        u = open_files([CASES / "frames-gro" / "ca.gro"])
        u.trajectory[2]
        for other in (u.copy(), pickle.loads(pickle.dumps(u))):
            assert other.trajectory.frame == 2 and other.trajectory.time == 20.0
            np.testing.assert_array_equal(other.atoms.positions, u.atoms.positions)
        assert u.trajectory.dt == 10.0 and [ts.frame for ts in u.trajectory[::-2]] == [3, 1]

    def test_other_atoms_are_refused(self, tmp_path):
        text = (CASES / "frames-vmd-end" / "ca.pdb").read_text().splitlines(keepends=True)
        del text[200]
        (tmp_path / "ca.pdb").write_text("".join(text))
        u = open_files([tmp_path / "ca.pdb"])
        with pytest.raises(ValueError, match="frame 2 of 5 in .* cannot be read .it has 75 atoms, expected 76"):
            mdbackmap.BackmapTrajectory(u.atoms, mdbackmap.load_model("genzprot", u.atoms)).run()

    def test_models_of_other_atoms_are_refused(self, tmp_path):
        structure = gemmi.read_structure(str(self.write(tmp_path, "cif")))
        del structure[1][0][5]
        structure.make_mmcif_document().write_file(str(tmp_path / "t.cif"))
        with pytest.raises(ValueError, match="model 2 of .* has other atoms than model 1 .75 and 76."):
            open_files([tmp_path / "t.cif"])

    @pytest.mark.parametrize("kind", ["gro", "cif"])
    def test_a_universe_that_leaves_some_unread_is_told_of(self, tmp_path, kind, caplog):
        path = CASES / "frames-gro" / "ca.gro" if kind == "gro" else self.write(tmp_path, kind)
        u = mda.Universe(str(path))
        model = mdbackmap.load_model("genzprot", u.atoms)
        mdbackmap.backmap(u, model)
        n = 4 if kind == "gro" else 3
        said = f"holds {n} frames, of which this Universe has 1"
        assert caplog.text.count(said) == 1


class TestCutFiles:
    @pytest.mark.parametrize(
        "suffix, kept, words",
        [
            ("xtc", 4, "bytes behind its 4 frames"),
            ("dcd", 4, "91 bytes behind its 4 frames (its header names 6)"),
            ("xyz", 4, "lines behind its 4 frames"),
        ],
    )
    def test_what_is_lost_is_told(self, traces, tmp_path, capsys, suffix, kept, words):
        whole = (traces / f"t.{suffix}").read_bytes()
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(whole[: int(len(whole) * 0.7)])
        u, status = coarsened(tmp_path, CA, path)
        said = capsys.readouterr().err
        assert status == 0 and len(u.trajectory) == kept and said.count("is cut off") == 1 and words in said

    @pytest.mark.parametrize("suffix", ["xtc", "trr"])
    def test_a_last_frame_that_lacks_bytes_is_told(self, traces, tmp_path, capsys, suffix):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes((traces / f"t.{suffix}").read_bytes()[:-5])
        assert coarsened(tmp_path, CA, path) == (None, 1)
        said = capsys.readouterr().err
        assert "the last of its 6 frames lacks 5 bytes; --stop 5 leaves it out" in said and "frame 5 of 6" in said
        assert coarsened(tmp_path, CA, path, "--stop", "5")[1] == 0

    @pytest.mark.parametrize("says, words", [(100, "holds 6 frames (its header names 100)"), (0, ""), (3, "")])
    def test_the_count_of_a_dcd_header(self, traces, tmp_path, capsys, says, words):
        content = bytearray((traces / "t.dcd").read_bytes())
        content[8:12] = struct.pack("<i", says)
        (tmp_path / "t.dcd").write_bytes(content)
        u, status = coarsened(tmp_path, CA, tmp_path / "t.dcd")
        said = capsys.readouterr().err
        assert status == 0 and len(u.trajectory) == 6 and words in said and bool(said) == bool(words)
        assert dcd_frames(tmp_path / "t.dcd") == (6, 0, says)

    def test_dumps_and_gro_files(self, tmp_path, capsys):
        case = CASES / "lammps-lammpstrj"
        text = (case / "hps.lammpstrj").read_text()
        (tmp_path / "cut.dump").write_text(text[: int(len(text) * 0.8)])
        assert len(open_files([case / "hps.data", tmp_path / "cut.dump"]).trajectory) == 3
        text = (CASES / "frames-gro" / "ca.gro").read_text()
        (tmp_path / "cut.gro").write_text(text[:-1500])
        assert coarsened(tmp_path, tmp_path / "cut.gro")[0].trajectory.n_frames == 3
        assert "bytes behind its 3 frames" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "suffix, keep, words",
        [
            ("dcd", 60, "no whole header of a DCD file"),
            ("dcd", 600, "its header names 6 frames, it holds 0 whole ones"),
            ("xtc", 60, "is it of the format that its name says"),
            ("trr", 60, "is it of the format that its name says"),
            ("xyz", 60, "is it of the format that its name says"),
            ("ncdf", 4000, "is it of the format that its name says"),
            ("xtc", 0, "empty (0 bytes)"),
        ],
    )
    def test_files_without_a_whole_frame(self, traces, tmp_path, capsys, suffix, keep, words):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes((traces / f"t.{suffix}").read_bytes()[:keep])
        assert coarsened(tmp_path, CA, path) == (None, 1)
        said = capsys.readouterr().err
        assert words in said and str(path) in said and "StopIteration" not in said and said.count("\n") == 1

    @pytest.mark.parametrize("damage", ["number", "atom", "end"])
    def test_pdb_trajectories(self, traces, tmp_path, capsys, damage):
        lines = (traces / "t.pdb").read_text().splitlines(keepends=True)
        atoms = [k for k, line in enumerate(lines) if line.startswith("ATOM")]
        at = atoms[3 * N + 4]
        lines[at] = {"number": lines[at][:32] + "ab.cde" + lines[at][38:], "atom": "", "end": lines[at]}[damage]
        (tmp_path / "t.pdb").write_text("".join(lines[:at] if damage == "end" else lines))
        assert coarsened(tmp_path, tmp_path / "t.pdb") == (None, 1)
        said = capsys.readouterr().err
        assert (
            "frame 3 of" in said
            and "cannot be read" in said
            and "leave the frame out (--frames 0-2,4-" in said
            or "leave the frame out (--stop 3" in said
        )
        assert coarsened(tmp_path, tmp_path / "t.pdb", "--stop", "3")[0].trajectory.n_frames == 3

    def test_a_file_that_fails_when_its_frames_are_counted(self, traces, tmp_path, capsys):
        content = bytearray((traces / "t.xyz").read_bytes())
        content[-300] = 255
        (tmp_path / "t.xyz").write_bytes(content)
        assert coarsened(tmp_path, CA, tmp_path / "t.xyz") == (None, 1)
        assert f"MDAnalysis cannot read {tmp_path / 't.xyz'} (" in capsys.readouterr().err

    def test_a_damaged_header_of_xtc_is_no_crash(self, traces, tmp_path, capsys):
        content = bytearray((traces / "t.xtc").read_bytes())
        length = len(content) // 6
        content[2 * length + 88 : 2 * length + 92] = struct.pack(">i", 2**28)  # bytes of the third frame
        (tmp_path / "t.xtc").write_bytes(content)
        assert coarsened(tmp_path, CA, tmp_path / "t.xtc")[1] == 1
        assert "frame 2 of 3 in" in capsys.readouterr().err

    def test_in_python_too(self, traces, tmp_path, caplog):
        path = tmp_path / "cut.dcd"
        path.write_bytes((traces / "t.dcd").read_bytes()[:-5])
        u = mda.Universe(CA, str(path))
        mdbackmap.load_model("genzprot", u.atoms).lift(u)
        assert caplog.text.count("is cut off: 987 bytes behind its 5 frames") == 1


class TestFormats:
    def test_content_tells_where_names_do_not(self, tmp_path):
        dump = CASES / "lammps-lammpstrj" / "hps.lammpstrj"
        (tmp_path / "a.traj").write_bytes(dump.read_bytes())
        (tmp_path / "a.lammpstrj.gz").write_bytes(gzip.compress(dump.read_bytes()))
        (tmp_path / "a.h5").write_bytes((CASES / "h5md-no-units" / "ca.h5md").read_bytes())
        (tmp_path / "a.what").write_text("what\n")
        found = [format_of(tmp_path / name) for name in ("a.traj", "a.lammpstrj.gz", "a.h5", "a.what")]
        assert found == ["LAMMPSDUMP", "LAMMPSDUMP", "H5MD", None]
        assert format_of(GO_PDB) is None and format_of(GO_XTC) is None
        assert len(open_files([CA, tmp_path / "a.h5"]).trajectory) == 4

    def test_unknown_names_of_trajectories_and_folders_are_refused(self, traces, tmp_path, capsys):
        (tmp_path / "t.what").write_bytes((traces / "t.xtc").read_bytes())
        assert coarsened(tmp_path, CA, tmp_path / "t.what") == (None, 1)
        assert "does not know the format of" in capsys.readouterr().err
        assert coarsened(tmp_path, CA, tmp_path) == (None, 1)
        assert "is a folder, expected a file" in capsys.readouterr().err

    def test_extended_pdb_and_styles_of_lammps_data(self, tmp_path):
        case = CASES / "lammps-lammpstrj"
        (tmp_path / "t.xpdb").write_bytes((CASES / "frames-vmd-end" / "ca.pdb").read_bytes())
        assert len(open_files([tmp_path / "t.xpdb"]).trajectory) == 5
        lines = (case / "hps.data").read_text().splitlines()
        start = next(k for k, line in enumerate(lines) if line.startswith("Atoms")) + 2
        rows = [line.split() for line in lines[start : start + 152]]
        lines[start : start + 152] = [" ".join([*row[:3], *row[-3:], "0.0"]) for row in rows]
        (tmp_path / "hps.lmp").write_text("\n".join(lines) + "\n")
        files = [tmp_path / "hps.lmp", case / "hps.lammpstrj"]
        u = open_files(files, topology_format="DATA", options={"atom_style": "id resid type x y z charge"})
        assert (len(u.atoms), len(u.residues), len(u.trajectory)) == (152, 2, 4)

    def test_a_file_named_twice_is_read_twice(self, traces):
        assert len(open_files([CA, traces / "t.xtc", traces / "t.xtc"]).trajectory) == 12

    @pytest.mark.parametrize("unit", ["sigma", "nanometer"])
    def test_units_of_h5md_that_nobody_knows(self, tmp_path, unit, capsys):
        path = tmp_path / "t.h5md"
        path.write_bytes((CASES / "h5md-no-units" / "ca.h5md").read_bytes())
        with h5py.File(path, "r+") as file:
            next(iter(file["particles"].values()))["position/value"].attrs["unit"] = unit
        assert coarsened(tmp_path, CA, path) == (None, 1)
        assert f"its unit of length is {unit!r}, which MDAnalysis does not know" in capsys.readouterr().err
        assert coarsened(tmp_path, CA, path, "--reader-option", "convert_units=False")[1] == 0

    def test_h5md_with_bytes_for_units_and_no_times(self, tmp_path):
        path = tmp_path / "t.h5md"
        path.write_bytes((CASES / "h5md-no-units" / "ca.h5md").read_bytes())
        with h5py.File(path, "r+") as file:
            position = next(iter(file["particles"].values()))["position"]
            position["value"].attrs["unit"] = np.bytes_("nm")
            del position["time"]
        np.testing.assert_allclose(
            open_files([CA, path]).atoms.positions,
            10 * open_files([CA, CASES / "h5md-no-units" / "ca.h5md"]).atoms.positions,
            rtol=1e-5,
        )

    def test_models_without_endmdl(self, traces, tmp_path):
        (tmp_path / "t.pdb").write_text((traces / "t.pdb").read_text().replace("ENDMDL\n", ""))
        u = open_files([tmp_path / "t.pdb"])
        assert (len(u.atoms), len(u.trajectory)) == (N, 6)

    def test_options_tell(self, tmp_path, traces, capsys):
        for name, suffix in (("top.a", "pdb"), ("one.b", "dcd"), ("two.b", "dcd")):
            (tmp_path / name).write_bytes((traces / f"t.{suffix}").read_bytes())
        files = [tmp_path / name for name in ("top.a", "one.b", "two.b")]
        assert coarsened(tmp_path, *files) == (None, 1)
        assert "does not know the format of" in capsys.readouterr().err
        formats = ["--topology-format", "pdb", "--format", "DCD"]
        u, status = coarsened(tmp_path, *files, *formats, "--reader-option", "dt=7")
        assert status == 0 and len(u.trajectory) == 12 and u.trajectory.dt == 7
        assert coarsened(tmp_path, *files, "--format", "FOO")[1] == 1
        assert "--format FOO: no format of MDAnalysis, which has ARC, " in capsys.readouterr().err

    @pytest.mark.slow
    def test_every_verb_takes_them(self, tmp_path):
        for name, file in (("aa.a", TRPCAGE_PDB), ("aa.b", TRPCAGE_XTC)):
            (tmp_path / name).write_bytes(Path(file).read_bytes())
        files = [str(tmp_path / "aa.a"), str(tmp_path / "aa.b")]
        formats = ["--topology-format", "PDB", "--format", "XTC"]
        assert main(["check", *files, *formats, "--stop", "1", "--quiet"]) == 0
        assert main(["check", "--trace", *files, *formats, "--stop", "1", "--quiet"]) == 0
        assert main(["evaluate", TRPCAGE_PDB, files[1], "--top", files[0], *formats, "--stop", "1", "--quiet"]) == 0
        assert main(["pack", "--md", *files, *formats, "--stop", "1", "-o", str(tmp_path / "p.h5"), "--quiet"]) == 0
        toml = tmp_path / "train.toml"
        toml.write_text(
            f'[model]\nfamily = "cgvae"\n[data]\ntopology = "{files[0]}"\ntrajectory = ["{files[1]}"]\n'
            f'topology_format = "PDB"\nformat = "XTC"\nreader_options = ["dt=5"]\nmapping = "residue"\n'
            f'[training]\nfolder = "{tmp_path / "run"}"\nepochs = 1\n'
        )
        assert main(["train", str(toml), "--quiet"]) == 0

    def test_reader_options(self, traces, tmp_path, capsys):
        assert coarsened(tmp_path, CA, traces / "t.trr", "--reader-option", "convert_units=False")[1] == 1
        assert "this looks like nanometres" in capsys.readouterr().err
        assert coarsened(tmp_path, CA, traces / "t.trr", "--reader-option", "convert_unit=False")[1] == 1
        said = capsys.readouterr().err
        assert "reader option convert_unit: none of the files' readers (PDBParser, TRRReader) knows it" in said
        with pytest.raises(SystemExit):
            main(["coarsen", CA, "-o", "x.xtc", "--reader-option", "dt"])
        check_options({"atom_style": "id type x y z"}, [mda.coordinates.LAMMPS.DATAReader])

    def test_gsd(self, tmp_path, capsys):
        u = mda.Universe(CA)
        with gsd.hoomd.open(str(tmp_path / "ca.gsd"), "w") as file:
            for k in range(3):
                frame = gsd.hoomd.Frame()
                frame.particles.N, frame.configuration.step = N, 100 * k
                frame.particles.position = (u.atoms.positions + 0.02 * k) / 10
                frame.particles.types = sorted(set(u.atoms.resnames))
                frame.particles.typeid = [frame.particles.types.index(name) for name in u.atoms.resnames]
                frame.configuration.box = [20, 20, 20, 0, 0, 0]
                file.append(frame)
        arguments = ["check", "--trace", str(tmp_path / "ca.gsd"), "--quiet"]
        assert main([*arguments, "--scale", "10"]) == 0
        assert main(arguments) == 1
        assert "--scale 10" in capsys.readouterr().err

    def test_a_topology_alone(self, tmp_path, capsys):
        (tmp_path / "a.psf").write_text(
            "PSF\n\n       1 !NTITLE\n\n       1 !NATOM\n       1 A    1    ALA  CA   CT1    0.0  12.011  0\n"
        )
        assert coarsened(tmp_path, tmp_path / "a.psf") == (None, 1)
        assert "has no coordinates: name a trajectory after it" in capsys.readouterr().err


class TestSelections:
    @pytest.mark.parametrize(
        "text, words",
        [
            ("name CA and", "is not in MDAnalysis' selection language: it ends too early"),
            ("resid 1 to", "is not in MDAnalysis' selection language"),
            ("nome CA", "is not in MDAnalysis' selection language"),
            ("name (", "is not in MDAnalysis' selection language"),
            ("name XX", "selects none of the 76 particles"),
        ],
    )
    def test_on_a_pdb(self, text, words, tmp_path, capsys):
        assert coarsened(tmp_path, CA, "--select", text) == (None, 1)
        said = capsys.readouterr().err
        assert words in said and repr(text) in said and said.count("\n") == 1

    @pytest.mark.parametrize("text", ["protein", "backbone", "segid A", "resname ALA", "chainID A"])
    def test_what_a_file_does_not_tell(self, text, traces):
        u = open_files([traces / "t.xyz"])
        try:
            select(u, text)
        except ValueError as error:
            assert "does not tell" in str(error) or "selects none" in str(error)
        else:
            pytest.fail("nothing was refused")


class TestFrames:
    @pytest.mark.parametrize(
        "asked, words",
        [
            ("0,99", "frame 99 was asked for, but the trajectory has 0 to 5"),
            ("0,99,101", "frames 99 and 101 were asked for"),
            ("0-40", "frames 6, 7, 8 and 32 more were asked for"),
        ],
    )
    def test_only_those_that_are_not_there_are_named(self, asked, words, traces, tmp_path, capsys):
        assert coarsened(tmp_path, CA, traces / "t.xtc", "--frames", asked) == (None, 1)
        assert words in capsys.readouterr().err
        assert main(["check", "--trace", CA, str(traces / "t.xtc"), "--frames", asked]) == 1
        assert words in capsys.readouterr().err

    @pytest.mark.parametrize("frames", [["a"], [1.5], [None], "abc", 3, [[1, 2]], [True, False]])
    def test_in_python(self, frames):
        cg = mda.Universe(GO_PDB, GO_XTC)
        model = mdbackmap.load_model("genzprot", cg.atoms)
        with pytest.raises(ValueError, match="frames"):
            mdbackmap.BackmapTrajectory(cg.atoms, model).run(frames=frames)


def test_joined_files_of_another_topology(tmp_path):
    u = mda.Universe(GO_PDB, GO_XTC)
    u.atoms[:10].write(tmp_path / "ca.pdb")
    with pytest.raises(ValueError) as caught:
        open_files([tmp_path / "ca.pdb", GO_XTC, GO_XTC])
    assert str(caught.value).startswith(f"each of {GO_XTC}, {GO_XTC} has 56 particles a frame, ")


def test_a_short_line_of_a_pdb_file(tmp_path):
    lines = open(GO_PDB).read().splitlines()
    atom = next(i for i, line in enumerate(lines) if line.startswith("ATOM"))
    lines[atom + 2] = lines[atom + 2][:18]
    (tmp_path / "ca.pdb").write_text("\n".join(lines))
    atoms = mda.Universe(tmp_path / "ca.pdb", GO_XTC).atoms
    assert mdbackmap.load_model("genzprot", atoms, sequence="A" * 56).n_beads == 56
