"""Packs of both layouts, read and joined."""

import h5py
import numpy as np
import pytest

from mdbackmap.chemistry.residues import ALPHABET, ATOMS, RESIDUE_NAMES
from mdbackmap.data.layouts import LEFT_OUT, TRAIN, read_pack, read_packs, sequences
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION


def write_system(file, name, sequence, n_frames=3, seed=0, chain=None, **attrs):
    """A system of random coordinates, CA 3.8 angstrom apart; returns them in angstrom."""
    rng = np.random.default_rng(seed)
    n = len(sequence)
    ca = np.cumsum(np.broadcast_to([3.8, 0, 0], (n_frames, n, 3)), axis=1) + np.arange(n_frames)[:, None, None]
    relative = rng.normal(size=(n_frames, n, 14, 3))
    relative[:, :, 1] = 0
    types = np.array([ALPHABET.index(letter) for letter in sequence])
    group = file.create_group(name)
    group["ca"], group["rel"] = np.rint(ca * 1000).astype(np.int32), np.rint(relative * 1000).astype(np.int16)
    group["seq"], group["resnum"] = types.astype(np.int8), np.arange(n)
    group["mask"] = np.array([2 ** len(ATOMS[RESIDUE_NAMES[kind]]) - 1 for kind in types], np.uint16)
    group["brk"], group["chain"] = np.zeros(n, np.uint8), np.array(chain if chain is not None else np.zeros(n, int))
    group.attrs.update({"kind": "MD", "split": 0, "score": 1, "cluster30": [5], **attrs})
    return ca, relative


@pytest.fixture
def ensembles(tmp_path):
    filename = tmp_path / "ensembles.h5"
    with h5py.File(filename, "w") as file:
        file.attrs["alphabet"] = ALPHABET
        positions = write_system(file, "md_one", "MKVLAAGIVG", chain=[0] * 6 + [1] * 4, cluster30=[5, 6])
        write_system(file, "nmr_two", "WWDPEHRSTNQY", n_frames=2, seed=1, kind="NMR", split=1, cluster30=[7])
    return filename, positions


def test_every_frame_is_an_entry(ensembles):
    filename, (ca, relative) = ensembles
    data = Structures.read(filename)
    assert len(data.types) == 3 * 10 + 2 * 12
    assert data.chains["entry"].tolist() == [0, 0, 1, 1, 2, 2, 3, 4]
    assert data.chains["split"].tolist() == [0] * 6 + [1] * 2
    assert data.chains["cluster30"].tolist() == [5, 6] * 3 + [7] * 2
    assert data.chains["cluster90"].tolist() == [0, 1] * 3 + [2] * 2
    assert data.ends.nonzero()[:, 0].tolist() == [5, 9, 15, 19, 25, 29, 41, 53]
    for frame in range(3):
        found = data.atoms(slice(10 * frame, 10 * frame + 10)).numpy()
        assert np.abs(found - ca[frame][:, None] - relative[frame]).max() < 0.0011
    assert data.chains["complete"].tolist() == [1.0] * 8


@pytest.mark.parametrize(("include", "n"), [(["NMR"], 24), (["md_one"], 30), (["nmr_*", "md_one"], 54), (None, 54)])
def test_systems_are_chosen_by_kind_or_name(ensembles, include, n):
    assert len(Structures.read(ensembles[0], include=include).types) == n


def test_nothing_that_matches(ensembles):
    with pytest.raises(ValueError, match=r"none of the 2 systems .* kinds: MD, NMR"):
        Structures.read(ensembles[0], include=["X-RAY"])


def test_several_packs_are_one(ensembles):
    alone, other = Structures.read(VALIDATION), Structures.read(ensembles[0])
    both = Structures.read(VALIDATION, ensembles[0])
    n = len(alone.types)
    assert both.step == 0.001
    assert (both.types[:n] == alone.types).all() and (both.types[n:] == other.types).all()
    assert (both.atoms(slice(0, n)) - alone.atoms(slice(0, n))).abs().max() < 1e-4
    assert (both.atoms(slice(n, None)) - other.atoms(slice(0, None))).abs().max() < 1e-4
    assert (both.mask[:n] == alone.mask).all() and (both.ends[:n] == alone.ends).all()
    assert both.entry[n] == both.entry[n - 1] + 1
    assert not set(both.chains["cluster90"][:85]) & set(both.chains["cluster90"][85:])
    assert [source["file"] for source in both.sources] == ["validation.h5", "ensembles.h5"]


def test_include_leaves_structures_alone(ensembles):
    assert len(Structures.read(VALIDATION, ensembles[0], include=["NMR"]).types) == 15589 + 24


def test_relatives_of_another_files_validation_chains_are_left_out(tmp_path, caplog):
    known = sequences(*read_pack(VALIDATION)[:2])[3]
    filename = tmp_path / "more.h5"
    with h5py.File(filename, "w") as file:
        file.attrs["alphabet"] = ALPHABET
        write_system(file, "relative", known[: len(known) // 2], n_frames=2)
        write_system(file, "stranger", "MKVLAAGIVGWWDPEHRSTNQY")
    _, chain, _ = read_packs([VALIDATION, filename])
    assert chain["split"][85:].tolist() == [LEFT_OUT] * 2 + [TRAIN] * 3
    assert "2 of 5 entries are left out of training" in caplog.text


def test_atoms_that_a_finer_step_cannot_hold_count_as_missing(ensembles, tmp_path):
    with h5py.File(VALIDATION) as source, h5py.File(tmp_path / "far.h5", "w") as file:
        for name in source:
            source.copy(name, file)
        file.attrs.update(source.attrs)
        values = file["residue/rel"][:]
        values[0, 3] = 10_000  # 50 angstrom
        file["residue/rel"][:] = values
    both = Structures.read(tmp_path / "far.h5", ensembles[0])
    assert both.mask[0, :5].tolist() == [True, True, True, False, True]


def test_files_that_are_no_packs(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["something"] = 1
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["alphabet"] = "ABC"
        write_system(file, "x", "MKV")
    with pytest.raises(ValueError, match="no HDF5 file"):
        read_pack(tmp_path / "text.h5")
    with pytest.raises(ValueError, match="no structure pack.*found something"):
        read_pack(tmp_path / "empty.h5")
    with pytest.raises(ValueError, match="numbers residue types as ABC"):
        read_pack(tmp_path / "other.h5")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_pack(tmp_path / "nowhere.h5")
    with pytest.raises(ValueError, match="no structure pack given"):
        Structures.read()
