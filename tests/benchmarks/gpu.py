"""
What a GPU does: its atoms beside the processor's, frames a second by batch, memory, and where the time goes.

    python tests/benchmarks/gpu.py                        # "cuda"; less than 8 minutes
    python tests/benchmarks/gpu.py --device cpu --minutes 1       # a try on a machine without one
    python tests/benchmarks/gpu.py --device pretended --minutes 1 # of `tests/pretended.py`: for tensors left behind

Each part begins only if there is time for it, by how long those before it took; parts that were left out are named. So
the command ends about when its minutes are over. Compiling loops on the processor, once ever, may add one minute. With
``--device pretended`` times say nothing.
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import MDAnalysis as mda
import numpy as np
import pretended
import torch

import mdbackmap as mdb
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC, GO_PDB, GO_XTC, MARTINI_GRO, MARTINI_XTC, VALIDATION
from mdbackmap.generation import pipeline
from mdbackmap.packing.candidates import Candidates

BATCHES = (1, 4, 16, 64, 256)
N_COMPARED = 4  # frames of each input whose atoms are compared
NEAR = (0.001, 0.01, 0.1)  # angstrom
LENGTH = 150  # residues of the chain that is timed
SHAKEN = 0.03  # angstrom of noise on its beads

STAGES = {  # by name: where the function is looked up, and what it is called there
    "beads relaxed": (pipeline, "relax"),
    "network": (pipeline, "_decoded"),
    "peptides": (pipeline, "draw_backbone"),
    "candidates": (Candidates, "draw"),
    "chosen": (pipeline, "choose_candidates"),
    "relieved": (pipeline, "relieve_chosen"),
    "replaced": (pipeline, "replace_clashing"),
    "settled": (pipeline, "settle"),
    "all of the pipeline": (pipeline, "generate"),
}


class Machine:
    """
    A device: waits for it, and asks for its memory.

    Parameters
    ----------
    name : str
    minutes : float
        In which all has to be done.
    """

    def __init__(self, name, minutes):
        self.name, self._ends = name, time.monotonic() + 60 * minutes
        self.cuda = name.startswith("cuda")
        self.around = pretended.pretend() if name == pretended.NAME else contextlib.nullcontext()

    def has(self, seconds=0.0):
        """Whether so many seconds are left."""
        return self._ends - time.monotonic() > seconds

    def wait(self):
        """Until all that was asked for is computed."""
        if self.cuda:
            torch.cuda.synchronize()

    def timed(self, function):
        """What a function gives, and the seconds that it took."""
        self.wait()
        began = time.perf_counter()
        found = function()
        self.wait()
        return found, time.perf_counter() - began

    def peak(self):
        """Most memory in use since the last question, in GB; NaN where nobody counts."""
        if not self.cuda:
            return float("nan")
        peak = torch.cuda.max_memory_allocated() / 1e9
        torch.cuda.reset_peak_memory_stats()
        return peak


def inputs():
    """Atoms of beads and their frames (F, N, 3), boxes (F, 6) or None, by name."""
    files = {
        "Go model": (GO_PDB, GO_XTC, "all"),
        "CALVADOS": (CALVADOS_PDB, CALVADOS_XTC, "all"),
        "Martini, in a box": (MARTINI_GRO, MARTINI_XTC, "name BB SC*"),
    }
    for name, (topology, trajectory, chosen) in files.items():
        u = mda.Universe(topology, trajectory)
        frames = [(ts.positions.copy(), ts.dimensions) for ts in u.trajectory[:N_COMPARED]]
        places, boxes = zip(*frames, strict=True)
        yield name, u.select_atoms(chosen), np.stack(places), None if boxes[0] is None else np.stack(boxes)


def compare(machine, n_frames):
    """Rows: input, temperature, shares of atoms that are as near to the processor's as `NEAR`, and the furthest."""
    rows, longest = [], 0.0
    for name, atoms, places, boxes in inputs():
        if rows and not machine.has(2 * longest):  # inputs differ by less than that; the first is always compared
            return
        made, began = {}, time.monotonic()
        for device in ("cpu", machine.name):
            model = mdb.load_model("genzprot", atoms, device=device)
            beads, boxed = places[:n_frames, model.indices], None if boxes is None else boxes[:n_frames]
            for temperature in (0.0, 1.0):
                keys = {"temperature": temperature, "dimensions": boxed}
                made[device, temperature] = model.sample(beads, range(len(beads)), **keys)
        for temperature in (0.0, 1.0):
            off = np.linalg.norm(made["cpu", temperature] - made[machine.name, temperature], axis=-1)
            shares = [float((off < near).mean()) for near in NEAR]
            rows.append({"input": name, "T": temperature, "within": shares, "furthest": float(off.max())})
        longest = max(longest, time.monotonic() - began)
        yield rows[-2:]


def timed_chain():
    """A model maker for a crystal chain of about `LENGTH` residues, and its beads, shaken."""
    chain = min(read_chains(VALIDATION), key=lambda chain: abs(len(chain.types) - LENGTH))
    coarse = chain.trace()
    u = mda.Universe.empty(coarse.n_atoms, coarse.n_atoms, atom_resindex=np.arange(coarse.n_atoms), trajectory=True)
    for name, values in (("names", coarse.names), ("resnames", coarse.resnames), ("resids", coarse.resids)):
        u.add_TopologyAttr(name, values)
    u.atoms.positions = chain.beads[0]
    rng = np.random.default_rng(0)
    shape = (max(BATCHES), coarse.n_atoms, 3)
    return u.atoms, (chain.beads[:1] + rng.normal(scale=SHAKEN, size=shape)).astype(np.float32)


def batches(machine, model, beads):
    """Rows: frames of a batch, temperature, frames and residues a second, peak memory."""
    pace = 0.0  # seconds a frame
    for n in BATCHES:
        for temperature in (0.0, 1.0):
            if not machine.has(3 * n * pace):
                return
            machine.peak()
            keys = {"temperature": temperature}
            _, first = machine.timed(lambda keys=keys, n=n: model.sample(beads[:n], range(n), **keys))
            pace = first / n
            if not machine.has(2 * first):
                return
            times = [machine.timed(lambda keys=keys, n=n: model.sample(beads[:n], range(n), **keys))[1] for _ in "12"]
            rate, pace = n / min(times), min(times) / n
            row = {"frames": n, "T": temperature, "frames_a_second": rate, "peak_gb": machine.peak()}
            yield row | {"residues_a_second": rate * beads.shape[1]}


@contextlib.contextmanager
def watched(machine):
    """A context that adds up the seconds of each stage, in a dict."""
    seconds, before = dict.fromkeys(STAGES, 0.0), {}

    def watching(name, function):
        def stage(*args, **kwargs):
            found, took = machine.timed(lambda: function(*args, **kwargs))
            seconds[name] += took
            return found

        return stage

    users = {"all of the pipeline": [sys.modules["mdbackmap.generation.bound"]]}
    for name, (home, called) in STAGES.items():
        for place in [home, *users.get(name, [])]:
            before[place, called] = getattr(place, called)
            setattr(place, called, watching(name, getattr(place, called)))
    try:
        yield seconds
    finally:
        for (place, called), function in before.items():
            setattr(place, called, function)


def stages(machine, model, beads, n):
    """Milliseconds a frame by stage, and of the whole, at temperature 1."""
    model.sample(beads[:n], range(n))
    with watched(machine) as seconds:
        _, whole = machine.timed(lambda: model.sample(beads[:n], range(n)))
    known = {name: 1000 * value / n for name, value in seconds.items()}
    return known | {"whole, with hydrogens and copies": 1000 * whole / n}


def main():
    """Run all parts, print them, and write them to a JSON file if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=6.0, help="in which all has to be done (default: 6)")
    parser.add_argument("--frames", type=int, default=N_COMPARED, help="whose atoms are compared, of each input")
    parser.add_argument("--json", help="write the figures to this file, too")
    args = parser.parse_args()
    machine, found = Machine(args.device, args.minutes), {"compared": [], "batches": [], "stages": {}}
    named = torch.cuda.get_device_name() if machine.cuda else args.device
    print(f"{named}, torch {torch.__version__}; the processor has {torch.get_num_threads()} threads", flush=True)
    with machine.around:
        atoms, beads = timed_chain()
        model = mdb.load_model("genzprot", atoms, device=machine.name)
        print(f"\natoms beside the processor's, share within {', '.join(map(str, NEAR))} A, and the furthest (A)")
        for row in (row for rows in compare(machine, args.frames) for row in rows):
            found["compared"].append(row)
            shares = " ".join(f"{100 * share:6.2f}%" for share in row["within"])
            print(f"  {row['input']:<18} T = {row['T']:g}  {shares}  {row['furthest']:.4f}", flush=True)
        print(f"\na chain of {beads.shape[1]} residues, beads kept, with hydrogens")
        for row in batches(machine, model, beads):
            found["batches"].append(row)
            rates = f"{row['frames_a_second']:8.1f} frames/s {row['residues_a_second']:10.0f} residues/s"
            print(f"  {row['frames']:4d} frames, T = {row['T']:g}: {rates}  {row['peak_gb']:.2f} GB", flush=True)
        slowest = {row["frames"]: row["frames"] / row["frames_a_second"] for row in found["batches"]}
        fitting = [n for n, seconds in slowest.items() if machine.has(3 * seconds)]
        if fitting:
            n = max(fitting)
            found["stages"] = stages(machine, model, beads, n)
            print(f"\nms a frame in batches of {n}, T = 1; a stage waits for the device at its end")
            for name, value in found["stages"].items():
                print(f"  {name:<34}{value:9.2f}", flush=True)
    expected = {"compared": 6, "batches": 2 * len(BATCHES), "stages": len(STAGES) + 1}
    missing = {name: n - len(found[name]) for name, n in expected.items() if len(found[name]) < n}
    print(f"\nleft out for want of time: {missing}" if missing else "\nall parts were run")
    if args.json:
        Path(args.json).write_text(json.dumps({"device": named, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
