"""The bundled inputs: names match files, files hold what README says."""

import warnings
from pathlib import Path

import h5py
import MDAnalysis as mda
import numpy as np
import pytest
from packs import read_chains

from mdbackmap import datafiles
from mdbackmap.chemistry.residues import ALPHABET, ATOMS, RESIDUE_NAMES

FOLDER = Path(datafiles.__file__).parent
DATA_SUFFIXES = {".gro", ".pdb", ".xtc", ".h5"}


def universe(*files):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mda.Universe(*files)


def test_all_lists_every_name():
    names = {name for name in vars(datafiles) if name.isupper()}
    assert sorted(names) == sorted(datafiles.__all__) == list(datafiles.__all__)


def test_names_and_files_agree():
    named = {Path(getattr(datafiles, name)) for name in datafiles.__all__}
    there = {path for path in FOLDER.iterdir() if path.suffix in DATA_SUFFIXES}
    assert named == there


def test_names_are_absolute_strings():
    assert all(isinstance(getattr(datafiles, name), str) for name in datafiles.__all__)
    assert all(Path(getattr(datafiles, name)).is_absolute() for name in datafiles.__all__)


def test_readme_describes_every_name():
    text = (FOLDER / "README.md").read_text()
    assert [name for name in datafiles.__all__ if f"`{name}`" not in text] == []


def test_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 3e6
    assert Path(datafiles.VALIDATION).stat().st_size < 1e6


def test_martini_is_a_whole_system_wrapped_bead_by_bead():
    u = universe(datafiles.MARTINI_GRO, datafiles.MARTINI_XTC)
    protein = u.select_atoms("not resname W NA CL")
    assert (u.atoms.n_atoms, protein.n_atoms, protein.n_residues) == (1336, 166, 76)
    assert np.allclose([ts.time for ts in u.trajectory], 3000 * np.arange(8))
    assert np.allclose(u.dimensions[3:], (60, 60, 90), atol=0.01)
    widest = [np.ptp(protein.positions, axis=0).max() for _ in u.trajectory]
    assert max(widest) > 40  # angstrom; the protein is 35 long


@pytest.mark.parametrize(
    ("stem", "n_atoms", "n_frames", "spacing"),
    [("GO", 56, 50, 1200), ("CALVADOS", 140, 25, 400), ("TRPCAGE", 154, 20, 15)],
)
def test_trajectories(stem, n_atoms, n_frames, spacing):
    u = universe(getattr(datafiles, f"{stem}_PDB"), getattr(datafiles, f"{stem}_XTC"))
    assert (u.atoms.n_atoms, len(u.trajectory)) == (n_atoms, n_frames)
    assert np.allclose([ts.time for ts in u.trajectory], spacing * np.arange(n_frames))
    ca = u.select_atoms("name CA")
    steps = np.concatenate([np.linalg.norm(np.diff(ca.positions, axis=0), axis=1) for _ in u.trajectory])
    assert 2.8 < steps.min() and steps.max() < 4.6


@pytest.mark.parametrize("stem", ["GO", "CALVADOS"])
def test_coarse_traces_have_one_bead_a_residue(stem):
    u = universe(getattr(datafiles, f"{stem}_PDB"))
    assert u.atoms.n_atoms == u.residues.n_residues
    assert set(u.atoms.names) == {"CA"}


def test_go_folds_and_unfolds():
    u = universe(datafiles.GO_PDB, datafiles.GO_XTC)
    gyration = [u.atoms.radius_of_gyration() for _ in u.trajectory]
    assert min(gyration) < 11.0 and max(gyration) > 18.0


def test_complex_has_two_chains_and_a_gap():
    u = universe(datafiles.COMPLEX_PDB)
    assert u.segments.segids.tolist() == ["A", "D"]
    steps = np.diff(u.segments[1].residues.resids)
    assert np.flatnonzero(steps != 1).size == 1 and steps.max() == 3
    ca = u.segments[1].atoms.select_atoms("name CA").positions
    assert (np.linalg.norm(np.diff(ca, axis=0), axis=1) > 4.5).sum() == 1
    for residue in u.residues:
        assert set(residue.atoms.names) == set(ATOMS[residue.resname])


def test_validation_chains():
    chains = read_chains(datafiles.VALIDATION)
    lengths = [len(types) for _, _, types, _ in chains]
    assert (len(chains), sum(lengths), min(lengths) >= 40, max(lengths) <= 400) == (85, 15_589, True, True)
    for positions, mask, types, ends in chains:
        assert ends.sum() == 1 and mask[:, 1].all()
        expected = np.array(
            [[slot < len(ATOMS[name]) for slot in range(14)] for name in [RESIDUE_NAMES[kind] for kind in types]]
        )
        assert not (mask & ~expected).any() and mask.sum() >= 0.99 * expected.sum()
        bonds = np.linalg.norm(positions[0, :-1, 2] - positions[0, 1:, 0], axis=-1)
        assert np.median(bonds) == pytest.approx(1.33, abs=0.04)  # some were refined to other targets


def test_validation_pack_is_consistent():
    with h5py.File(datafiles.VALIDATION) as pack:
        assert pack.attrs["alphabet"] == ALPHABET
        assert pack["chain/offset"][-1] == len(pack["residue/seq"]) == 15_589
        assert (
            set(pack["chain/split"][:]) == {1}
            and set(pack["chain/tier"][:]) == {0}
            and set(pack["chain/score"][:]) == {1}
        )
        entries = pack["chain/entry"][:]
        assert (pack["entry/pdb_id"][:][entries] == pack["chain/pdb_id"][:]).all()
        assert (np.bincount(entries) == pack["entry/n_chains"][:]).all()
        assert len(set(pack["chain/cluster30"][:])) == 85
