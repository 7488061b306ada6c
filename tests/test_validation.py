"""Measurements on held-out chains."""

import numpy as np
import pytest
import torch

from mdbackmap.checkpoint import load
from mdbackmap.commit import commit
from mdbackmap.data.known import Generator, read_chains
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.metrics.protocol import evaluate
from mdbackmap.training import validation
from mdbackmap.training.config import ValidationConfig
from mdbackmap.training.validation import METRICS, Validation, sampled_chains


@pytest.fixture(scope="module")
def data():
    data = Structures.read(VALIDATION)
    data.chains["split"][:] = [-1] * 80 + [1] * 5
    return data


@pytest.fixture(scope="module")
def model():
    return load("genzprot")[0]


def test_metrics_are_those_of_the_protocol(data, model):
    config = ValidationConfig(chains=1, residues=0, temperatures=(0.0,), best_by="T0_rmsd")
    measure = Validation(data, model.config.n_neighbours, config, 500)
    row = measure(model)
    chain = next(chain for chain in read_chains(VALIDATION) if chain.name == measure.chains[0].name)
    generated = Generator(model, chain)(chain.beads, temperature=0.0)
    expected = evaluate(generated, chain.positions, *chain.known)
    assert list(row) == measure.columns == [f"T0_{name}" for name in METRICS]
    for name in METRICS:
        assert row[f"T0_{name}"] == pytest.approx(expected[name], abs=1e-6), name


def test_the_likelihood_does_not_depend_on_the_batches_but_for_its_draws(data, model):
    config = ValidationConfig(chains=0, residues=10**6)
    rows = [Validation(data, model.config.n_neighbours, config, size)(model) for size in (200, 200, 10**6)]
    assert rows[0] == rows[1]
    assert rows[0]["valid_kl"] == pytest.approx(rows[2]["valid_kl"], rel=1e-3, abs=1e-5)
    assert rows[0]["valid_torsion"] == pytest.approx(rows[2]["valid_torsion"], rel=0.02)
    assert rows[0]["valid_nats"] == pytest.approx(rows[0]["valid_torsion"] + rows[0]["valid_kl"])


def test_measuring_leaves_no_trace_in_random_numbers(data, model):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Validation(data, model.config.n_neighbours, ValidationConfig(chains=1, residues=100), 200)(model)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("valid_nats", (2.0, 1.0, 1.5), [True, True, False]),
        ("T0_rama_favoured", (2.0, 1.0, 3.0), [True, False, True]),
        ("valid_nats", (np.nan, 1.0, np.nan), [True, True, False]),
    ],
)
def test_what_is_better(data, name, values, expected):
    measure = Validation(data, 8, ValidationConfig(chains=1, residues=100, best_by=name), 200)
    best, found = None, []
    for value in values:
        found.append(measure.best({name: value}, best))
        best = {name: value} if found[-1] else best
    assert found == expected
    assert not measure.best({"epoch": 2}, best)


def test_chains_are_complete_and_of_good_length_where_there_are_such(data):
    lengths = np.diff(data.chains["offset"])
    chains = sampled_chains(data, 3)
    assert [len(chain.types) in lengths[80:] for chain in chains] == [True] * 3
    poor = Structures.read(VALIDATION)
    poor.chains["complete"][:] = 0.5
    assert len(sampled_chains(poor, 3)) == 3


def test_commit_of_a_folder_without_history(tmp_path):
    assert commit(tmp_path) is None


def test_validation_knows_no_chain_without_split(data):
    nothing = Structures.read(VALIDATION)
    nothing.chains["split"][:] = 0
    measure = validation.Validation(nothing, 8, ValidationConfig(), 200)
    assert measure.columns == [] and measure(None) == {} and measure.best({}, {})
