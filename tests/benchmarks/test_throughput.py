"""
Processor time of whole conversions - reading, generating, writing - beside peers, an older version, and two limits.

    python -m pytest -m benchmark -s tests/benchmarks/test_throughput.py

Rows are printed; no time is asserted, since machines differ and are busy. All is of one thread, in turn. Peers are
PULCHRA (``pip install pypulchra``), and PULCHRA with side chains by FASPR (``pip install pyfaspr``). The older version
is the tree that ``MDBACKMAP_OLD`` names, such as a worktree of 86db364. The limits are the XTC writer's rate, and the
network's arithmetic at the rate of this machine's matrix products. What is not there is left out.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest
from test_peers import faspr, processor_seconds

from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC
from mdbackmap.evaluation import pulchra

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
OLD = os.environ.get("MDBACKMAP_OLD")
N_FRAMES, N_PEER = 15, 5  # frames that are converted, and that peers get
ROUNDS = 2  # in which versions take turns; the quickest counts


def sides():
    """Versions of mdbackmap by name: the folder on PYTHONPATH, and what the environment says."""
    found = {"mdbackmap": (ROOT, {})} if importlib.util.find_spec("numba") else {}
    found["mdbackmap without numba"] = ROOT, {"MDBACKMAP_COMPILED": "0"}
    return found | ({f"mdbackmap of {Path(OLD).name}": (Path(OLD), {})} if OLD else {})


def started(tree, environ, *arguments):
    """What `rates.py` prints with the mdbackmap of a tree."""
    others = [str(tree), os.environ.get("PYTHONPATH", "")]
    one = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": os.pathsep.join(filter(None, others))}
    command = [sys.executable, str(Path(__file__).with_name("rates.py")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | one | environ)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def cases(trajectory):
    """Topology and trajectory of beads that stay, and of beads that move."""
    return {"kept": trajectory(N_FRAMES), "moved": (CALVADOS_PDB, CALVADOS_XTC)}


def peers(topology, trajectory, folder):
    """Milliseconds a frame of PULCHRA, and of PULCHRA with FASPR, from beads to atoms."""
    atoms = mda.Universe(topology, trajectory).atoms
    types = np.array([TYPE_OF_NAME[name] for name in atoms.resnames])
    alone, packed = [], []
    for ts in atoms.universe.trajectory[:N_PEER]:
        began = processor_seconds()
        text = pulchra.run(pulchra.write(ts.positions, types))
        alone.append(processor_seconds() - began)
        if importlib.util.find_spec("pyfaspr") is not None:
            backbone = pulchra.read(text, types)[0][:, :4]
            began = processor_seconds()
            assert np.isfinite(faspr(backbone, types, folder)).all()
            packed.append(processor_seconds() - began + alone[-1])
    return {"PULCHRA": 1000 * np.median(alone)} | ({"PULCHRA + FASPR": 1000 * np.median(packed)} if packed else {})


def xtc_writer(topology, trajectory, folder):
    """Milliseconds a frame of MDAnalysis' XTC writer on atoms in memory."""
    u = mda.Universe(str(topology), str(trajectory))
    places, again = [u.atoms.positions for _ in u.trajectory], mda.Universe(str(topology))
    began = time.process_time()
    with mda.Writer(str(folder / "again.xtc"), u.atoms.n_atoms) as out:
        for positions in places:
            again.atoms.positions = positions
            out.write(again.atoms)
    return 1000 * (time.process_time() - began) / len(places)


@pytest.mark.timeout(7200)
def test_processor_time_of_a_frame(cases, tmp_path, capsys):
    rows = {}

    def note(name, column, value):
        row = rows.setdefault(name, {})
        row[column] = min(value, row.get(column, np.inf))

    for case, files in cases.items():
        for _ in range(ROUNDS):
            for name, side in sides().items():
                for temperature, value in started(*side, *files, tmp_path / f"{case}.xtc").items():
                    note(name, (case, temperature), value)
        limits = peers(*files, tmp_path) if pulchra.available() else {}
        limits["XTC writer"] = xtc_writer(tmp_path / f"{case}.pdb", tmp_path / f"{case}.xtc", tmp_path)
        counted = started(ROOT, {"MDBACKMAP_COMPILED": "0"}, *files, "--flops")
        limits["network's arithmetic"] = counted["ms"]
        for name, value in limits.items():
            for temperature in "01":
                note(name, (case, temperature), value)
        assert (
            mda.Universe(str(tmp_path / f"{case}.pdb"), str(tmp_path / f"{case}.xtc")).trajectory.n_frames >= N_FRAMES
        )
    columns = list(rows["mdbackmap without numba"])
    with capsys.disabled():
        print(
            f"\nprocessor ms a frame, the quickest of {ROUNDS} rounds; the network is {counted['gflop']:.2f} GFLOP a "
        )
        print(f"frame, matrix products run at {counted['gflop_a_second']:.0f} GFLOP/s\n")
        print("| |", " | ".join(f"{case}, T = {temperature}" for case, temperature in columns), "|")
        print("|---|" + "---|" * len(columns))
        for name, row in rows.items():
            print(f"| {name} |", " | ".join(f"{row[column]:.3g}" for column in columns), "|", flush=True)
