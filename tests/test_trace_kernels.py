"""Compiled loops over traces give what their references in torch give."""

import dataclasses

import pytest
import torch
from traces import internal_of, topology, trace

from mdbackmap.geometry import compiling
from mdbackmap.options import Tolerance
from mdbackmap.traces import relaxation, slopes, strain, viterbi
from mdbackmap.traces.settings import DEFAULTS
from mdbackmap.traces.strain import Strain

pytestmark = pytest.mark.skipif(not compiling.available(), reason="numba compiles these kernels")
MOLECULES = {
    "two chains": ("AVGPSKLWPA", "AAAAABBBBB"),
    "short pieces": ("AAVGKPW", "ABCCDDD"),
    "one residue": ("A", "A"),
}


@pytest.fixture(params=MOLECULES)
def case(request):
    """The strain of a molecule, and five frames of it: one of them on a line, one with two beads on one place."""
    molecule = topology(*MOLECULES[request.param])
    n = molecule.n_residues
    beads = torch.cat([trace(n, seed, dtype=torch.float64) for seed in range(5)])
    beads[1] = torch.arange(n)[:, None] * torch.tensor([3.8, 0.0, 0.0], dtype=torch.float64)
    beads[2, -1] = beads[2, 0]
    return Strain(internal_of(molecule)), beads


@pytest.fixture
def plain(monkeypatch):
    """Calls something as it is without numba."""

    def called(function, *arguments):
        with monkeypatch.context() as patch:
            for module in (relaxation, slopes, strain, viterbi):
                patch.setattr(module, "suits", lambda *_: False)
            return function(*arguments)

    return called


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_best_turns(case, plain, frames):
    strain, beads = case
    angles, bins = strain.angles(beads[:frames]), strain.settings.turning.bins
    own = torch.rand(*angles.angle.shape, bins, generator=torch.Generator().manual_seed(0))
    offset = (angles.torsion * bins).float()
    arguments = strain.internal, strain.backbone, angles, own, offset
    torch.testing.assert_close(viterbi.compiled_energies(*arguments), viterbi.least_energies(*arguments))
    torch.testing.assert_close(strain.best_turns(angles), plain(strain.best_turns, angles), atol=1e-3, rtol=0)


def test_guide(case, plain):
    strain, beads = case
    found, expected = (call(strain.guide, beads, torch.ones(5)) for call in (lambda f, *given: f(*given), plain))
    torch.testing.assert_close(found.messages, expected.messages, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("boxed", [False, True])
def test_slopes(case, plain, boxed):
    strain, beads = case
    box = 9.0 * torch.eye(3).expand(len(beads), 3, 3) if boxed else None
    allowed = torch.tensor([0.5, 1.0, 0.0, 2.0, 0.3], dtype=torch.float64)
    made = relaxation.Relaxation(strain.internal).slopes(beads, allowed, box)
    moved = made.start + 0.1 * torch.rand(made.start.shape, generator=torch.Generator().manual_seed(0))
    turns = torch.linspace(-4, 4, moved[..., 0].numel(), dtype=torch.float64).view(moved.shape[:2])
    for found, expected in zip(made.of_backbones(moved, turns), plain(made.of_backbones, moved, turns), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-8, rtol=1e-8)


def test_neighbours_put_right(case, plain):
    strain, beads = case
    torch.testing.assert_close(strain.put_right(beads), plain(strain.put_right, beads))
    assert strain.put_right(beads[:0].float()).shape == beads[:0].shape


@pytest.mark.parametrize("steps", [(40, 0), (0, 10), (3, 12)], ids=["prior", "peptides", "both"])
def test_relaxation(case, plain, steps):
    strain, beads = case
    relaxing = dataclasses.replace(DEFAULTS.relaxing, prior_steps=steps[0], joint_steps=steps[1], rescans=(0, 5))
    moving = relaxation.Relaxation(strain.internal, dataclasses.replace(DEFAULTS, relaxing=relaxing))
    relaxed = [call(moving, beads, Tolerance(0.8))[0] for call in (lambda f, *given: f(*given), plain)]
    torch.testing.assert_close(*relaxed, atol=1e-4, rtol=0)
    assert (relaxed[0] - beads).abs().max() > 0.01 or beads.shape[1] < 3
