"""Compiled loops over traces give what their references in torch give."""

import pytest
import torch
from traces import internal_of, topology, trace

from mdbackmap.geometry import compiling
from mdbackmap.traces import viterbi
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
            patch.setattr(compiling, "available", lambda: False)
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
    assert compiling.suits(own)
    assert not plain(compiling.suits, own)
