"""Devices other than the processor, on machines that have none: see `pretended`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.utils.backend_registration", reason="this torch knows no devices made in Python")

BEADS = ["simulated Martini beads", "projected Martini beads"]
TRIED = ["genzprot, T=1", "genzprot, T=0", *BEADS, "cgvae", "training"]


@pytest.mark.slow
@pytest.mark.parametrize("what", TRIED)
def test_no_tensor_is_left_on_the_processor(tried, what):
    """Sampled and trained on a device whose tensors refuse to meet the processor's, with the same result."""
    assert float(tried[what]) < 1e-4


@pytest.mark.slow
def test_the_pretended_device_refuses(tried):
    assert "same device" in tried["refused"]


@pytest.fixture(scope="module")
def tried():
    """What the script says, by what was tried."""
    script = str(Path(__file__).with_name("pretended.py"))
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
