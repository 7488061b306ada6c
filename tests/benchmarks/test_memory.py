"""Peak memory of whole conversions, each by the command line in a process of its own."""

import subprocess
import sys

import MDAnalysis as mda
import pytest

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc"),
]

LIMIT = 1.5  # GB
CODE = """
import sys, time
from mdbackmap.cli import main
began = time.perf_counter()
status = main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("MEASURED", int(peak) * 1024 / 1e9, time.perf_counter() - began)
sys.exit(status)
"""


def convert(*arguments):
    """Peak memory in GB and seconds of one conversion."""
    command = [sys.executable, "-c", CODE, "convert", *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tuple(map(float, done.stdout.split("MEASURED")[1].split()))


def test_ten_thousand_frames(trajectory, tmp_path, capsys):
    pdb, few = trajectory(100)
    pdb, many = trajectory(10_000)
    small, _ = convert(pdb, few, "-o", str(tmp_path / "few.xtc"))
    peak, seconds = convert(pdb, many, "-o", str(tmp_path / "aa.xtc"))
    written = mda.Universe(str(tmp_path / "aa.pdb"), str(tmp_path / "aa.xtc"))
    with capsys.disabled():
        print(f"\n10,000 frames of {written.residues.n_residues} residues: {peak:.2f} GB at most ", end="")
        print(f"(100 frames: {small:.2f} GB), {seconds:.0f} s, {10_000 / seconds:.0f} frames/s with start-up")
    assert written.trajectory.n_frames == 10_000
    assert peak < LIMIT
    assert peak < small + 0.1


def test_a_complex_of_five_thousand_residues(complex_pdb, tmp_path, capsys):
    peak, seconds = convert(complex_pdb, "-o", str(tmp_path / "aa.pdb"))
    written = mda.Universe(str(tmp_path / "aa.pdb"))
    with capsys.disabled():
        print(f"\none frame of {written.residues.n_residues} residues, {written.atoms.n_atoms} atoms: ", end="")
        print(f"{peak:.2f} GB at most, {seconds:.0f} s with start-up")
    assert written.residues.n_residues >= 5000
    assert peak < LIMIT
