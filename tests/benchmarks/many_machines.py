"""
A long trajectory converted in every way that there is: the same bytes?

    python tests/benchmarks/many_machines.py [--frames 10000] [--residues 10] [--parts 7] [--hydrogens]

Frames of the bundled chignolin (10 residues, or its first ones), each turned and with noise, are converted serially, as
parts on their own that are joined (``mdbackmap convert --part`` and ``mdbackmap join``), by two worker processes, and
by two workers of a dask.distributed cluster, of which one is killed in the middle the second time.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
from scipy.spatial.transform import Rotation

import mdbackmap as mdb
from mdbackmap.datafiles import CHIGNOLIN_PDB, CHIGNOLIN_XTC
from mdbackmap.writing.partial import Partial

NOISE = 0.02  # angstrom; chosen: by hand, no two frames are the same


def long_trajectory(folder, n_frames, n_residues):
    """Files of a C-alpha trace with so many frames."""
    chain = mda.Universe(CHIGNOLIN_PDB, CHIGNOLIN_XTC).select_atoms("name CA")[:n_residues]
    frames = np.array([chain.positions for _ in chain.universe.trajectory], dtype=np.float64)
    rng, paths = np.random.default_rng(0), (folder / "ca.pdb", folder / "ca.xtc")
    chain.write(paths[0])
    with mda.Writer(str(paths[1]), chain.n_atoms) as writer:
        for k, turn in enumerate(Rotation.random(n_frames, random_state=0).as_matrix()):
            beads = frames[k % len(frames)]
            chain.positions = (beads - beads.mean(0)) @ turn + NOISE * rng.standard_normal(beads.shape)
            chain.universe.trajectory.ts.time = float(k)
            writer.write(chain)
    return paths


def in_parts(paths, output, n_parts, options):
    """Each part by a process of its own, the last one first, and joined."""
    verb = [sys.executable, "-m", "mdbackmap"]
    for k in range(n_parts, 0, -1):
        command = [*verb, "convert", *map(str, paths), "-o", str(output), "--quiet", "--part", f"{k}/{n_parts}"]
        subprocess.run([*command, *options], check=True)
    subprocess.run([*verb, "join", str(output)], check=True, stdout=subprocess.DEVNULL)


def on_cluster(paths, output, hydrogens, killed=False):
    """By two workers of a cluster; if one is to be `killed`, when something is complete."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers,
        distributed.Client(workers) as client,
    ):
        before, partial = client.run(os.getpid), Partial(output)

        def kill():
            while not partial.segments():
                time.sleep(0.05)
            os.kill(next(iter(before.values())), signal.SIGKILL)

        if killed:
            threading.Thread(target=kill, daemon=True).start()
        converted(paths, output, hydrogens, backend=mdb.DaskBackend(client))
        if killed and set(client.run(os.getpid).values()) == set(before.values()):
            raise RuntimeError("no worker was killed: ask for more frames")


def converted(paths, output, hydrogens, **how):
    """In this process, or by what `run` is told."""
    cg = mda.Universe(*map(str, paths))
    model = mdb.load_model("genzprot", cg.atoms, threads=1, hydrogens=hydrogens)
    mdb.BackmapTrajectory(cg.atoms, model, str(output)).run(**how)


def digest(output):
    """What is in a trajectory and the topology beside it."""
    parts = [Path(output).with_suffix(suffix).read_bytes() for suffix in (".xtc", ".pdb")]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--residues", type=int, default=10)
    parser.add_argument("--parts", type=int, default=7)
    parser.add_argument("--hydrogens", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    options = [] if args.hydrogens else ["--no-hydrogens"]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        paths = long_trajectory(folder, args.frames, args.residues)
        ways = {
            "serial": lambda out: converted(paths, out, args.hydrogens),
            f"{args.parts} parts, joined": lambda out: in_parts(paths, out, args.parts, ["--threads", "1", *options]),
            "two processes": lambda out: converted(paths, out, args.hydrogens, backend="multiprocessing", n_workers=2),
            "cluster": lambda out: on_cluster(paths, out, args.hydrogens),
            "cluster, one killed": lambda out: on_cluster(paths, out, args.hydrogens, killed=True),
        }
        wanted, differ = None, []
        for name, convert in ways.items():
            began, out = time.perf_counter(), folder / f"{'_'.join(name.replace(',', '').split())}.xtc"
            convert(out)
            found = digest(out)
            wanted = wanted or found
            differ += [name] if found != wanted else []
            n_frames = mda.Universe(str(out.with_suffix(".pdb")), str(out)).trajectory.n_frames
            print(f"{name:22s} {n_frames} frames, {time.perf_counter() - began:6.1f} s, {found}", flush=True)
    print("all the same" if not differ else f"other bytes: {', '.join(differ)}")
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main())
