"""
Processor time of conversions by the mdbackmap that Python finds, old versions included: `test_throughput` starts it.

``python tests/benchmarks/rates.py ca.pdb ca.xtc aa.xtc`` prints JSON: milliseconds a frame by temperature, one thread,
heavy atoms alone, from file to file. ``--flops`` prints the floating-point operations of the network for a frame
instead, and the processor milliseconds that the machine's matrix products take for as many.
"""

import inspect
import json
import sys
import time
import warnings

import MDAnalysis as mda
import numpy as np
import torch

import mdbackmap as mdb

N_FRAMES, N_WARMING = 15, 2  # a batch, and what is converted before
TEMPERATURES = (0.0, 1.0)
SIDE = 1024  # of the square matrices that are multiplied
FRAMES = 8  # whose arithmetic is counted


def load(atoms):
    """The model without hydrogens; versions that make none know no such option."""
    known = inspect.signature(mdb.load_model).parameters
    heavy = {"hydrogens": False} if "hydrogens" in known else {}
    return mdb.load_model("genzprot", atoms, threads=1, **heavy)


def processor_seconds(function):
    """Of one call."""
    began = time.process_time()
    function()
    return time.process_time() - began


def convert(topology, trajectory, output):
    """Milliseconds a frame by temperature."""
    atoms = mda.Universe(topology, trajectory).atoms
    model, found = load(atoms), {}
    for temperature in TEMPERATURES:

        def run(stop, temperature=temperature):
            how = {"filename": output, "temperature": temperature, "overwrite": True}
            mdb.BackmapTrajectory(mda.Universe(topology, trajectory).atoms, model, **how).run(stop=stop)

        run(N_WARMING)
        found[f"{temperature:g}"] = 1000 * processor_seconds(lambda run=run: run(N_FRAMES)) / N_FRAMES
    return found


def arithmetic(topology, trajectory):
    """Operations of the network for a frame, and the milliseconds of a matrix product of as many."""
    from torch.utils.flop_counter import FlopCounterMode

    from mdbackmap.generation import pipeline

    u, decoded, operations = mda.Universe(topology, trajectory), pipeline._decoded, []
    model = load(u.atoms)

    def counting(*arguments):
        with FlopCounterMode(display=False) as counter:
            found = decoded(*arguments)
        operations.append(counter.get_total_flops())
        return found

    pipeline._decoded = counting
    beads = np.stack([ts.positions[model.indices] for ts in u.trajectory[:FRAMES]])
    model.sample(beads, range(FRAMES), bead_tolerance=0)
    a, b = torch.randn(2, SIDE, SIDE)
    rate = 2 * SIDE**3 / min(processor_seconds(lambda: a @ b) for _ in range(10))
    flops = sum(operations) / FRAMES
    return {"gflop": flops / 1e9, "gflop_a_second": rate / 1e9, "ms": 1000 * flops / rate}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arguments = [word for word in sys.argv[1:] if word != "--flops"]
    print(json.dumps((arithmetic if "--flops" in sys.argv else convert)(*arguments)))
