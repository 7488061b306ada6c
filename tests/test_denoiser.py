"""The denoiser: it turns with the beads, leaves crystals alone, takes noise off, and can be trained."""

import numpy as np
import pytest
import torch
from traces import internal_of, rotation, topology

from mdbackmap import load_model
from mdbackmap.data.known import read_chains
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.benchmark import noisy_beads
from mdbackmap.models.denoiser import Denoiser, DenoiserConfig, bundled
from mdbackmap.training.config import TrainingConfig, ValidationConfig
from mdbackmap.training.loop import fit
from mdbackmap.training.losses import LossWeights
from mdbackmap.training.priors.denoising import Denoising
from mdbackmap.universes.universe import universe_of

NOISE = 0.42


@pytest.fixture(scope="module")
def chains():
    return read_chains(VALIDATION, limit=12)


def of(chain):
    return internal_of(chain.trace())


def rms(shift):
    return float(np.sqrt((np.asarray(shift, dtype=float) ** 2).sum(-1).mean()))


def test_it_turns_with_the_beads(chains):
    chain, turn = chains[0], rotation(1)[0]
    beads = torch.tensor(noisy_beads(chain, NOISE))
    here = bundled().denoise(of(chain), beads)
    there = bundled().denoise(of(chain), beads @ turn.T + 100.0)
    assert (here - beads).norm(dim=-1).max() > 0.1
    assert torch.allclose(there, here @ turn.T + 100.0, atol=2e-3)


def test_crystals_stay(chains):
    """To the bit, but for a doubtful one, which moves by less than 0.05 A."""
    shifts = [rms(bundled().denoise(of(chain), torch.tensor(chain.beads)).numpy() - chain.beads) for chain in chains]
    assert max(shifts) < 0.05
    assert sum(shift == 0 for shift in shifts) >= len(chains) - 1


def test_noise_is_taken_off(chains):
    """Never further from the truth, nearer on the average, and moved by less than the noise."""
    left = []
    for chain in chains:
        noisy = noisy_beads(chain, NOISE)
        found = bundled().denoise(of(chain), torch.tensor(noisy)).numpy()
        left.append(rms(found - chain.beads))
        assert rms(found - noisy) < NOISE
    assert max(left) <= NOISE + 1e-3
    assert np.mean(left) < 0.95 * NOISE


def test_peptides_stay(chains):
    noisy = torch.tensor(noisy_beads(chains[0], NOISE))[:, :20]
    internal = internal_of(topology("A" * 20))
    assert torch.equal(bundled().denoise(internal, noisy), noisy)


def test_frames_do_not_matter_to_each_other(chains):
    chain = chains[1]
    beads = torch.tensor(np.concatenate([noisy_beads(chain, NOISE, seed) for seed in range(3)] + [chain.beads]))
    alone = torch.cat([bundled().denoise(of(chain), beads[k : k + 1]) for k in range(4)])
    assert torch.allclose(bundled().denoise(of(chain), beads), alone, atol=1e-4)
    assert torch.equal(alone[3], beads[3])


def test_only_auto_denoises(chains):
    """A journey: noisy beads through the bundled model; neighbours end at their distance."""
    chain = chains[0]
    trace, noisy = chain.trace(), noisy_beads(chain, NOISE)
    model = load_model("genzprot", universe_of(trace).load_new(noisy).atoms)
    cas = model.mapping.fine.names == "CA"
    auto, kept = (model.sample(noisy, [0], bead_tolerance=tolerance)[:, cas] for tolerance in ("auto", 0))
    assert np.array_equal(kept, noisy)
    assert rms(auto - chain.beads) < 0.97 * NOISE
    lengths = np.linalg.norm(np.diff(auto[0], axis=0), axis=-1)[~trace.ends[:-1] & ~trace.cis[:-1]]
    assert np.abs(lengths - 3.8).max() < 0.1


@pytest.mark.slow
def test_training(tmp_path):
    """On one chain, that chain's noise is learned, and what is measured on others is written down."""
    data = Structures.read(VALIDATION)
    data.chains["split"][:] = [0, 1, *[-1] * 83]
    loss = LossWeights(torsion=0, kl=0, positions=1)
    config = TrainingConfig(
        str(tmp_path / "run"),
        epochs=30,
        noise=0.7,
        learning_rate=5e-3,
        loss=loss,
        validation=ValidationConfig(every=30),
    )
    model = Denoiser(DenoiserConfig(n_features=16, n_layers=1, n_neighbours=8))
    best, row = fit(model, Denoising(data, 8, config), config)
    assert isinstance(best, Denoiser) and np.isfinite(row["valid_clean"])
    assert row["valid_noisy"] < 1.1 * row["valid_noisy_before"]


def test_quiet_trajectories_are_told_by_the_frames_looked_at(chains):
    """Noise that comes later is left alone then; bead by bead the same as without a tolerance."""
    chain = chains[0]
    noisy = noisy_beads(chain, NOISE)
    model = load_model("genzprot", universe_of(chain.trace()).load_new(chain.beads.astype(np.float32)).atoms)
    cas = model.mapping.fine.names == "CA"
    assert np.array_equal(model.sample(noisy, [0])[:, cas], noisy)
