"""Packs made of real structure files and trajectories, read back."""

import json
import shutil
from pathlib import Path

import h5py
import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.data.packs import split
from mdbackmap.data.polymers import Polymer
from mdbackmap.data.sources import Entry, System, read_structure, read_system, structure_files
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, TRPCAGE_PDB, TRPCAGE_XTC, VALIDATION
from mdbackmap.training import Structures, pack

gemmi = pytest.importorskip("gemmi")


def write_chain(filename, data, k, **residue_of):
    """A chain of a pack as a PDB or mmCIF file, by gemmi."""
    rows = range(int(data.chains["offset"][k]), int(data.chains["offset"][k + 1]))
    structure, model, chain = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("A")
    structure.name = data.chains["pdb_id"][k].decode()
    for number, row in enumerate(rows):
        residue = gemmi.Residue()
        residue.name, residue.seqid = RESIDUE_NAMES[data.types[row]], gemmi.SeqId(number + 1, " ")
        atoms = data.atoms([row])[0]
        for slot, name in enumerate(ATOMS[residue.name]):
            if data.mask[row, slot]:
                atom = gemmi.Atom()
                atom.name, atom.element, atom.occ = name, gemmi.Element(name[0]), 1.0
                atom.pos, atom.b_iso = gemmi.Position(*atoms[slot].tolist()), float(data.b[row])
                residue.add_atom(atom)
        chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_entities()
    if str(filename).endswith(".pdb"):
        structure.write_pdb(str(filename))
    else:
        structure.make_mmcif_document().write_file(str(filename))


@pytest.fixture(scope="module")
def validation():
    return Structures.read(VALIDATION)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, validation):
    folder = tmp_path_factory.mktemp("structures")
    (folder / "sub").mkdir()
    for k in range(6):
        write_chain(folder / f"c{k}.pdb" if k % 2 else folder / "sub" / f"c{k}.cif", validation, k)
    shutil.copy(folder / "c1.pdb", folder / "d1.pdb")  # the same sequence once more
    (folder / "bad.pdb").write_text("no structure\n")
    (folder / "bad.cif").write_text("data_x\nloop_\n_atom_site.id\n1 2")
    (folder / "water.pdb").write_text(f"{'HETATM    1  O   HOH A   1':30}   0.000   0.000   0.000  1.00  0.00\nEND\n")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def test_files_come_back_as_they_were(folder, validation, tmp_path):
    report = pack(tmp_path / "pack.h5", [folder], validation=0.3)
    assert (report.n_entries, report.n_chains) == (7, 7)
    read = Structures.read(tmp_path / "pack.h5")
    with h5py.File(tmp_path / "pack.h5") as file:
        names = [name.decode() for name in file["entry/name"]]
    for k in range(6):
        a, b = validation.chains["offset"][k : k + 2]
        c, d = read.chains["offset"][[names.index(f"c{k}"), names.index(f"c{k}") + 1]]
        assert (read.types[c:d] == validation.types[a:b]).all() and (read.mask[c:d] == validation.mask[a:b]).all()
        assert (read.ends[c:d] == validation.ends[a:b]).all() and (read.cis[c:d] == validation.cis[a:b]).all()
        shift = (read.atoms(slice(c, d)) - validation.atoms(slice(a, b))).abs()[read.mask[c:d]]
        assert shift.max() < 0.0101  # a step of rounding for the CA and one for the atom
        assert (read.b[c:d] - validation.b[a:b]).abs().max() <= 1


def test_bad_files_are_listed_with_the_reason(folder, tmp_path):
    report = pack(tmp_path / "pack.h5", [folder])
    reasons = dict(report.left_out)
    assert set(reasons) == {"bad.pdb", "bad.cif", "water.pdb"}
    assert reasons["bad.pdb"] == "no ATOM record in it"
    assert reasons["water.pdb"] == "no amino acid with a C-alpha atom"
    with h5py.File(tmp_path / "pack.h5") as file:
        assert dict(json.loads(file.attrs["left_out"])) == reasons


def test_chains_of_c_alphas_alone_are_left_out(tmp_path):
    universe = mda.Universe(COMPLEX_PDB)
    universe.select_atoms("chainID A or name CA").write(str(tmp_path / "half.pdb"))
    report = pack(tmp_path / "pack.h5", [tmp_path / "half.pdb", GO_PDB], validation=0)
    assert report.n_chains == 1 and Structures.read(tmp_path / "pack.h5").chains["chain_id"].tolist() == [b"A"]
    reasons = dict(report.left_out)
    assert set(reasons) == {"half chain D", "go_protein_g chain A"}
    assert reasons["half chain D"].startswith("87 C-alphas and no other backbone atoms")
    with pytest.raises(ValueError, match="nothing to pack: go_protein_g chain A: 56 C-alphas"):
        pack(tmp_path / "none.h5", [GO_PDB])
    assert not (tmp_path / "none.h5").exists()


def test_related_entries_are_on_one_side_and_the_share_is_kept(folder, tmp_path):
    for seed in range(4):
        pack(tmp_path / "pack.h5", [folder], validation=0.4, seed=seed)
        read = Structures.read(tmp_path / "pack.h5")
        split, cluster = read.chains["split"], read.chains["cluster30"]
        assert not set(cluster[split == 0]) & set(cluster[split == 1])
        assert len(set(cluster)) == 6
        held = np.diff(read.chains["offset"])[split == 1].sum()
        assert 0 < held <= 0.4 * len(read.types)


def test_nothing_to_pack_says_why_and_leaves_no_file(folder, tmp_path):
    with pytest.raises(ValueError, match="nothing to pack: bad.pdb: no ATOM record"):
        pack(tmp_path / "pack.h5", [folder / "bad.pdb"])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pack(tmp_path / "pack.h5", [tmp_path / "nowhere"])
    assert list(tmp_path.iterdir()) == []


def test_chains_gap_and_header_of_a_complex(tmp_path):
    pack(tmp_path / "pack.h5", [COMPLEX_PDB], validation=0)
    read = Structures.read(tmp_path / "pack.h5")
    assert read.chains["chain_id"].tolist() == [b"A", b"D"]
    assert read.entry.unique().tolist() == [0]
    universe = mda.Universe(COMPLEX_PDB)
    jumps = np.flatnonzero(np.diff(universe.select_atoms("name CA and chainID D").resids) != 1)
    assert read.ends[107:-1].nonzero()[:, 0].tolist() == jumps.tolist()


def test_gzipped_files_and_models(tmp_path):
    import gzip

    universe = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    universe.atoms.write(tmp_path / "nmr.pdb", frames=universe.trajectory[:3])
    with gzip.open(tmp_path / "nmr2.pdb.gz", "wb") as stream:
        stream.write((tmp_path / "nmr.pdb").read_bytes())
    (tmp_path / "nmr.pdb").unlink()
    assert [path.name for path in structure_files([tmp_path])] == ["nmr2.pdb.gz"]
    assert len(read_structure(tmp_path / "nmr2.pdb.gz")) == 1
    assert [entry.name for entry in read_structure(tmp_path / "nmr2.pdb.gz", "all")] == ["nmr2_1", "nmr2_2", "nmr2_3"]


@pytest.fixture
def trpcage():
    return System("trpcage", mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC), step=2)


@pytest.mark.parametrize("layout", ["structures", "ensembles"])
def test_frames_of_a_trajectory(trpcage, layout, tmp_path):
    report = pack(tmp_path / "pack.h5", systems=[trpcage], layout=layout, validation=0)
    assert (report.n_entries, report.n_residues) == (10, 200)
    read = Structures.read(tmp_path / "pack.h5", include=["MD"])
    universe = trpcage.universe
    for k, step in enumerate(universe.trajectory[::2]):
        rows = slice(20 * k, 20 * (k + 1))
        heavy = universe.select_atoms("not name H* OXT")
        assert read.mask[rows].sum() == len(heavy)
        shift = read.atoms(rows)[read.mask[rows]].numpy() - heavy.positions
        assert np.abs(shift).max() < 0.011, step.frame
    assert read.chains["cluster90"].tolist() == [0] * 10


def test_names_held_out_by_hand(trpcage, tmp_path):
    other = System("late", trpcage.universe, start=10)
    report = pack(tmp_path / "pack.h5", systems=[trpcage, other], hold_out=["late"])
    assert report.n_validation == 200
    with pytest.raises(ValueError, match="none of the entries matches"):
        pack(tmp_path / "pack.h5", systems=[trpcage], hold_out=["nothing*"])


def test_one_group_of_sequences_is_not_held_out(trpcage, tmp_path, caplog):
    assert pack(tmp_path / "pack.h5", systems=[trpcage], validation=0.5).n_validation == 0
    assert "nothing is held out" in caplog.text


def test_molecules_cut_by_a_box_are_made_whole(trpcage):
    universe = trpcage.universe
    whole = next(read_system(trpcage)).chains[0][1].copy()
    universe.trajectory[0]
    box = [21.0, 22.0, 23.0, 80.0, 90.0, 100.0]

    def cut(step):
        step.dimensions = box
        step.positions = mda.lib.distances.apply_PBC(step.positions, step.dimensions)
        return step

    universe.trajectory.add_transformations(cut)
    _, found, mask = next(read_system(trpcage)).chains[0]
    distances = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (whole[mask], found[mask])]
    assert np.abs(distances[0] - distances[1]).max() < 1e-3


def test_a_universe_without_protein_is_left_out(tmp_path):
    water = System("water", mda.Universe.empty(3, trajectory=True))
    with pytest.raises(ValueError, match="water: no amino acid"):
        pack(tmp_path / "pack.h5", systems=[water])


def test_split_keeps_chains_of_entries_together():
    def entry(name, *lengths):
        parts = [
            Polymer("A", *(np.zeros(n, int) for _ in range(2)), np.zeros((n, 14), int), np.zeros(n)) for n in lengths
        ]
        return Entry(name, [(polymer, None, None) for polymer in parts])

    entries = [entry("a", 10), entry("b", 10, 10), entry("c", 10), entry("d", 10)]
    cluster = np.array([0, 0, 1, 1, 2])  # a and b share a cluster, b and c another
    for seed in range(5):
        sides = split(entries, cluster, 0.5, seed=seed)
        assert len(set(sides[:3])) == 1
    assert {tuple(split(entries, cluster, 0.5, seed=seed)) for seed in range(5)} >= {(0, 0, 0, 1)}


def test_wrong_arguments():
    with pytest.raises(ValueError, match="expected structures or ensembles"):
        pack("pack.h5", layout="table")


def test_frames_ended_by_end_are_models(tmp_path):
    lines = [line for line in Path(TRPCAGE_PDB).read_text().splitlines(keepends=True) if line.startswith("ATOM")]
    (tmp_path / "frames.pdb").write_text("".join([*lines, "END\n"] * 3))
    assert [len(read_structure(tmp_path / "frames.pdb", models)) for models in ("first", "all")] == [1, 3]
