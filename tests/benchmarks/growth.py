"""
What a residue costs in ever larger systems: processor time, and memory, with a picture.

    python tests/benchmarks/growth.py [--chains 1 7 56 715] [--hydrogens] [--picture docs/growth.png]
    python tests/benchmarks/growth.py --search

Copies of the bundled alpha-synuclein of CALVADOS (140 residues), other frames, each turned at random, stand on a cubic
lattice in a periodic box. One chain alone is converted in batches of as many frames as its trajectory has. Every case
runs in a process of its own, on one thread. With ``--search``: from how many points on search trees are quicker than
all pairs. Lengths in angstrom.
"""

import argparse
import functools
import json
import resource
import subprocess
import sys
import time
import timeit
import warnings

import MDAnalysis as mda
import numpy as np
import torch
from scipy.spatial.transform import Rotation

import mdbackmap as mdb
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC
from mdbackmap.geometry import neighbours, searching, spheres

SPACING = 75.0  # of chains, whose radii are 50 to 100: coils that go through each other, as in a condensate
TOLERANCES = {"beads kept": 0.0, "beads moved": "auto"}


def condensate(n_chains):
    """A Universe of so many chains in a box, and their beads (1, N, 3); of one chain all frames (F, N, 3)."""
    chain = mda.Universe(CALVADOS_PDB, CALVADOS_XTC)
    frames = np.array([ts.positions.copy() for ts in chain.trajectory])
    frames -= frames.mean(axis=1, keepdims=True)
    if n_chains == 1:
        return chain, frames, [[400.0] * 3 + [90.0] * 3] * len(frames)
    n, side = chain.atoms.n_atoms, int(np.ceil(n_chains ** (1 / 3)))
    turns = Rotation.random(n_chains, random_state=0).as_matrix()
    places = np.array(np.unravel_index(np.arange(n_chains), [side] * 3)).T * SPACING
    beads = np.concatenate([frames[k % len(frames)] @ turns[k] + places[k] for k in range(n_chains)])
    owner = np.repeat(np.arange(n_chains), n)
    universe = mda.Universe.empty(
        len(beads), len(beads), n_chains, atom_resindex=np.arange(len(beads)), residue_segindex=owner, trajectory=True
    )
    universe.add_TopologyAttr("names", ["CA"] * len(beads))
    for name in ("resnames", "resids"):
        universe.add_TopologyAttr(name, np.tile(getattr(chain.residues, name), n_chains))
    universe.add_TopologyAttr("segids", [f"S{k}" for k in range(n_chains)])
    universe.atoms.positions, universe.dimensions = beads, [side * SPACING] * 3 + [90.0] * 3
    return universe, universe.atoms.positions[None], [universe.dimensions]


def measured(n_chains, tolerance, hydrogens):
    """Residues, microseconds of processor time a residue, gigabytes, seconds to load."""
    universe, beads, dimensions = condensate(n_chains)
    before = time.process_time()
    model = mdb.load_model("genzprot", universe.atoms, threads=1, hydrogens=hydrogens)
    loading, few = time.process_time() - before, model.batch_size()

    def convert(seed):
        began = time.process_time()
        for start in range(0, len(beads), few):
            part = slice(start, start + few)
            frames = range(start, min(start + few, len(beads)))
            boxes = dimensions[part]
            model.sample(beads[part, model.indices], frames, dimensions=boxes, bead_tolerance=tolerance, seed=seed)
        return time.process_time() - began

    if n_chains < 100:
        convert(0)  # the first only warms up
    best = min(convert(seed) for seed in range(3 if n_chains < 10 else 1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return beads.shape[1], 1e6 * best / beads[..., 0].size, memory, loading


def table(sizes, hydrogens):
    """Rows of `measured` for both treatments of beads, each in a process of its own."""
    found = {}
    for name, tolerance in TOLERANCES.items():
        for n_chains in sizes:
            case = json.dumps([n_chains, tolerance, hydrogens])
            run = subprocess.run(
                [sys.executable, __file__, "--case", case], stdout=subprocess.PIPE, text=True, check=True
            )
            row = json.loads(run.stdout.splitlines()[-1])
            found.setdefault(name, []).append(row)
            ratio = row[1] / found[name][0][1]
            print(
                f"{name:12s} {row[0]:7d} residues: {row[1]:7.0f} us a residue, {ratio:4.2f} times that of one chain; ",
                end="",
            )
            print(f"{row[2]:5.2f} GB; loaded in {row[3]:.1f} s", flush=True)
    return found


def drawn(found, path):
    """The table as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    times, memory = figure.subplots(1, 2)
    for name, rows in found.items():
        residues, cost, size, _ = np.array(rows).T
        times.plot(residues, cost, "o-", label=name)
        memory.plot(residues, size, "o-", label=name)
    times.set(xlabel="residues", ylabel="microseconds of one core, a residue", xscale="log", ylim=(0, None))
    memory.set(xlabel="residues", ylabel="memory, GB", xscale="log", ylim=(0, None))
    times.legend(frameon=False)
    figure.savefig(path, dpi=110)


def searches():
    """Milliseconds by all pairs and by a tree, for spheres that meet and nearest neighbours, in uniform density."""
    for boxed in (False, True):
        for n in (300, 600, 1200, 1800, 2500, 4000):
            side = (n * 130.0) ** (1 / 3)  # cubic angstrom a residue; cited: density of proteins, 1.35 g/ml
            points = torch.tensor(np.random.default_rng(0).uniform(0, side, (1, n, 3)), dtype=torch.float32)
            radii, box = torch.full((1, n), 6.0), torch.eye(3)[None] * side if boxed else None
            calls = (
                functools.partial(spheres.meeting_spheres, points, points, radii, radii, box),
                functools.partial(neighbours.nearest, points, 20, (8.0, 12.0), box),
            )
            spent = []
            for limit in (10**12, 0):
                searching.MANY = dict.fromkeys(searching.MANY, limit)
                spent += [1000 * min(timeit.repeat(call, time.process_time, number=1, repeat=7)) for call in calls]
            where = "box " if boxed else "open"
            print(
                f"{where} {n:5d} points: spheres {spent[0]:6.1f} and {spent[2]:6.1f} ms, nearest {spent[1]:6.1f} and ",
                end="",
            )
            print(f"{spent[3]:6.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--chains", type=int, nargs="+", default=[1, 7, 56, 715])
    parser.add_argument("--hydrogens", action="store_true")
    parser.add_argument("--picture")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if args.case:
        print(json.dumps(measured(*json.loads(args.case))))
    elif args.search:
        searches()
    else:
        found = table(args.chains, args.hydrogens)
        if args.picture:
            drawn(found, args.picture)


if __name__ == "__main__":
    main()
