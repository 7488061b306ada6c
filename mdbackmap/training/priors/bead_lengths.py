"""
The table behind `mdbackmap.sampling.bead_kind`: distances of beads as force fields have them, and as crystals do.

Equilibrium lengths of force fields are data. `measure` adds what centres of mass in structures have:

    python -m mdbackmap.training.priors.bead_lengths structures.h5

rewrites ``mdbackmap/sampling/lengths.json``, of which the first two numbers of each pair stay.
"""

import json
import sys
from collections import defaultdict

import numpy as np

from ...chemistry.elements import SLOTS
from ...data.known import read_chains
from ...metrics.dihedrals import flat_atoms
from ...molecule.bead_models import BEAD_MODELS
from ...molecule.heavy_atoms import protein_topology
from ...molecule.mapping import Mapping
from ...sampling.bead_kind import FILE, pairs_of, read_lengths


def measure(chains, lengths):
    """
    Lengths (see `sampling.bead_kind.read_lengths`) with means and deviations of what structures have.

    Parameters
    ----------
    chains : list of Chain
    lengths : dict

    Returns
    -------
    dict
    """
    found = defaultdict(list)
    for chain in chains:
        fine = protein_topology(chain.trace())
        atoms, known = flat_atoms(fine, chain.positions), (chain.mask | ~SLOTS[chain.types]).all(1)
        for name in lengths:
            mapping = Mapping.of(BEAD_MODELS[name], BEAD_MODELS[name].topology(fine), fine)
            beads = mapping.project(atoms)
            for (one, other), (owner, pair), _ in pairs_of(mapping.coarse, lengths[name]):
                if known[owner]:
                    apart = np.linalg.norm(beads[:, one] - beads[:, other], axis=-1)
                    found[name, str(fine.resnames[owner]), pair].extend(apart.tolist())
    measured = json.loads(json.dumps(lengths))
    for (name, residue, pair), values in found.items():
        entry = measured[name][residue][pair]
        entry[2:] = [round(float(np.mean(values)), 2), round(float(np.std(values)), 2)]
    return measured


if __name__ == "__main__":
    content = json.loads(FILE.read_text())
    content["models"] = measure(read_chains(sys.argv[1]), read_lengths())
    FILE.write_text(json.dumps(content) + "\n")
