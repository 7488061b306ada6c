"""Golden outputs: atoms are those that were stored, so that no change of them goes unseen."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

_FILE = Path(__file__).parent / "golden" / "make.py"


@pytest.fixture(scope="module")
def golden():
    specification = importlib.util.spec_from_file_location("golden_make", _FILE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(golden, tmp_path_factory):
    """How far the residues of each case are from the stored ones."""
    return golden.distances(golden.outputs(tmp_path_factory.mktemp("steps")), np.load(golden.OUTPUTS))


def test_every_stored_case_is_made(golden, found):
    assert set(found) == set(np.load(golden.OUTPUTS).files)


def test_atoms_are_those_that_were_stored(golden, found):
    near = {name: (distances < golden.ELSEWHERE).mean() for name, distances in found.items()}
    residues = np.concatenate([distances.ravel() for distances in found.values()])
    assert (residues < golden.ELSEWHERE).mean() >= golden.SHARE, near


def test_a_changed_output_is_seen(golden, found):
    """The rule is not met by a structure whose side chains are other samples."""
    stored = np.load(golden.OUTPUTS)
    atoms, other = stored["go-kept-T0"], stored["go-kept-T1"]
    assert (np.linalg.norm(atoms - other, axis=-1) < golden.ELSEWHERE).mean() < golden.SHARE
