"""What contacts of side chains are worth: learned from chains that are new to the network."""

import numpy as np
import pytest
import torch

from mdbackmap.checkpoint import load
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.packing.contacts import CLASSES
from mdbackmap.training.priors import contact_prior


@pytest.fixture(scope="module")
def model():
    return load("genzprot")[0]


@pytest.fixture(scope="module")
def chains():
    return sorted(read_chains(VALIDATION), key=lambda chain: len(chain.types))[:4]


def misfit(model, chains, worth):
    with torch.no_grad():
        return sum(
            float(contact_prior._misfit(torch.from_numpy(worth), *contact_prior.examples(model, c))) for c in chains
        )


def test_true_side_chains_get_likelier(model, chains):
    """Fitted to some chains, the worths explain them better than those that the fit starts from."""
    worth = contact_prior.fit_contacts(model, chains, n_epochs=3)
    assert np.array_equal(worth, worth.T)
    assert np.isfinite(worth).all()
    start = np.full((len(CLASSES), len(CLASSES)), contact_prior._START, dtype=np.float32)
    assert misfit(model, chains, worth) < misfit(model, chains, start)


def test_likeness_is_that_of_the_true_torsions(model, chains):
    candidates, likeness, known = contact_prior.examples(model, chains[0])
    at = candidates.internal.movable.residues
    assert likeness.shape == (len(at), candidates.torsions.shape[1])
    assert likeness.shape[0] == len(known) and bool(known.any())
    assert 0 <= float(likeness.min()) and float(likeness.max()) <= 1.0001
    assert float(likeness[known].amax(1).mean()) > 0.8  # one of the candidates is nearly right, mostly


def test_chains_that_judge_models_do_not_count(tmp_path):
    with pytest.raises(ValueError, match="no held-out chains"):
        contact_prior.build(VALIDATION, tmp_path / "contacts.npz")
    assert not (tmp_path / "contacts.npz").exists()
