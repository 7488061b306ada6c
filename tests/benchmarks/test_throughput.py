"""
How fast a whole conversion is - reading, generating, writing - against PULCHRA and against the XTC writer, in one run.

The figures are printed (``pytest -m benchmark -s``); no time is asserted, since machines differ and are busy.
"""

import os
import time

import MDAnalysis as mda
import numpy as np
import pytest

import mdbackmap as mdb
from mdbackmap.cli import keep_memory, set_threads

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

N_FRAMES = 100
REPEATS = 3


def best(function):
    """Frames a second, and processor milliseconds a frame, of the quickest of a few runs; the first only warms up."""
    runs = []
    for _ in range(REPEATS + 1):
        wall, processor = time.perf_counter(), time.process_time()
        function()
        runs.append((time.perf_counter() - wall, time.process_time() - processor))
    seconds, busy = (min(column) for column in zip(*runs[1:], strict=True))
    return N_FRAMES / seconds, 1000 * busy / N_FRAMES


def test_conversion_against_pulchra(trajectory, tmp_path, capsys):
    pypulchra = pytest.importorskip("pypulchra", reason="pip install pypulchra gives the peer")
    pdb, xtc = trajectory(N_FRAMES)
    threads = set_threads()
    keep_memory()
    began = time.perf_counter()
    model = mdb.load_model("genzprot", mda.Universe(pdb, xtc).atoms, threads=threads, hydrogens=False)
    loading = time.perf_counter() - began

    def convert():
        cg = mda.Universe(pdb, xtc)
        mdb.BackmapTrajectory(cg.atoms, model, filename=str(tmp_path / "aa.xtc"), overwrite=True).run()

    def pulchra():
        cg = mda.Universe(pdb, xtc)
        lines = [line for line in open(pdb) if line.startswith("ATOM")]
        with open(tmp_path / "pulchra.pdb", "w") as out:
            for ts in cg.trajectory:
                rows = zip(lines, ts.positions, strict=True)
                text = "".join(f"{line[:30]}{x:8.3f}{y:8.3f}{z:8.3f}{line[54:]}" for line, (x, y, z) in rows)
                out.write(f"MODEL     {ts.frame + 1}\n{pypulchra.run_from_pdb_str(text).pdb_str}ENDMDL\n")

    ours, theirs = best(convert), best(pulchra)
    written = mda.Universe(str(tmp_path / "aa.pdb"), str(tmp_path / "aa.xtc"))
    atoms = np.array([written.atoms.positions for _ in written.trajectory])

    def writer():
        with mda.Writer(str(tmp_path / "again.xtc"), written.atoms.n_atoms) as out:
            for positions in atoms:
                written.trajectory.ts.positions = positions
                out.write(written.atoms)

    writing = best(writer)
    (rate, busy), (peer, peer_busy), (ceiling, ceiling_busy) = ours, theirs, writing
    with capsys.disabled():
        print(f"\n{N_FRAMES} frames of {model.n_beads} residues, {model.n_atoms} atoms; {threads} threads, ", end="")
        print(f"{os.cpu_count()} processors; the quickest of {REPEATS} runs after one to warm up; in brackets,")
        print("processor time a frame, which a busy machine changes less")
        print(f"  mdbackmap   {rate:8.1f} frames/s ({busy:6.2f} ms), and {loading:.1f} s once, to load the model")
        print(f"  PULCHRA     {peer:8.1f} frames/s ({peer_busy:6.2f} ms): mdbackmap is ", end="")
        print(f"{rate / peer:.1f} times as fast ({peer_busy / busy:.1f} by processor time)")
        print(f"  XTC writer  {ceiling:8.1f} frames/s ({ceiling_busy:6.2f} ms): ", end="")
        print(f"mdbackmap reaches {100 * rate / ceiling:.1f}%")
    assert written.trajectory.n_frames == N_FRAMES
    rebuilt = mda.Universe(str(tmp_path / "pulchra.pdb"))
    assert rebuilt.trajectory.n_frames == N_FRAMES and rebuilt.atoms.n_atoms > 5 * model.n_beads
