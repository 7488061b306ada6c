"""Large frames in parts: the size of a part changes nothing."""

import numpy as np
import pytest
import torch

from mdbackmap.checkpoint import load
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.generation.bound import bind
from mdbackmap.generation.noise import Noise
from mdbackmap.geometry import chunks
from mdbackmap.geometry.chunks import in_chunks
from mdbackmap.options import Keys, Tolerance
from mdbackmap.packing.pairs import in_turn


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(chunks.CHUNK, "cpu", 40)


def test_with_gradients_all_are_worked_on_at_once(small):
    values = torch.arange(100.0, requires_grad=True)
    sizes = []
    made = in_chunks(lambda at: (sizes.append(at), values[at].square())[1:], 100, values.device)[0]
    made.sum().backward()
    assert sizes == [slice(0, 100)]
    torch.testing.assert_close(values.grad, 2 * values.detach())


@pytest.mark.parametrize("n_rows", [0, 1, 40, 41, 80, 95])
def test_each_pair_has_its_turn_once(small, n_rows):
    """Whatever their order; rows without pairs are there, too."""
    rng = np.random.default_rng(n_rows)
    rows = torch.tensor(rng.integers(0, max(1, n_rows), 3 * n_rows), dtype=torch.int64)
    near = [torch.zeros_like(rows), rows, torch.arange(len(rows))]
    turns = list(in_turn(near, n_rows))
    assert [first for first, *_ in turns] == list(range(0, max(1, n_rows), 40))
    assert sum(count for _, count, _ in turns) == n_rows
    assert sorted(torch.cat([part[2] for *_, part in turns]).tolist()) == list(range(len(rows)))
    for first, count, (_, part, columns) in turns:
        assert ((part >= first) & (part < first + count)).all() and torch.equal(rows[columns], part)


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("limit", [0.0, 0.5])
def test_a_frame_in_parts_has_the_same_atoms(monkeypatch, temperature, limit):
    chain = read_chains(VALIDATION, limit=1)[0]
    model = load("genzprot")[0]
    bound = bind(model, model.mapping(chain.trace()))
    beads = torch.tensor(chain.beads, dtype=torch.float32)
    box = 60.0 * torch.eye(3)[None]

    def atoms():
        return bound.sample(beads, Noise(temperature=temperature), Keys.first(1), box, Tolerance(limit))

    whole = atoms()
    monkeypatch.setitem(chunks.CHUNK, "cpu", 40)
    torch.testing.assert_close(atoms(), whole, atol=1e-3, rtol=0)  # measured: 0, but for what a library's loops round
