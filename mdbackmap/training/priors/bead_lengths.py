"""
The lengths of `molecule.bead_models`: distances of beads as force fields have them, and as crystals do.

Lengths of force fields are data. This adds what the weighted means of the atoms of structures have:

    python -m mdbackmap.training.priors.bead_lengths structures.h5

rewrites them in ``mdbackmap/molecule/bead_models.json``; the first two numbers of each pair stay.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from ...chemistry.elements import SLOTS
from ...data.known import read_chains
from ...metrics.dihedrals import flat_atoms
from ...molecule import bead_models
from ...molecule.bead_models import BEAD_MODELS
from ...molecule.heavy_atoms import protein_topology
from ...molecule.mapping import Mapping
from ...sampling.bead_kind import pairs_of

FILE = Path(bead_models.__file__).with_suffix(".json")


def measure(chains):
    """
    Lengths with means and standard deviations of what structures have.

    Parameters
    ----------
    chains : list of Chain

    Returns
    -------
    dict
        By the name of the bead model, as `BeadModel.lengths`.
    """
    lengths = {name: json.loads(json.dumps(model.lengths)) for name, model in BEAD_MODELS.items() if model.lengths}
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
    for (name, residue, pair), values in found.items():
        lengths[name][residue][pair][2:] = [round(float(np.mean(values)), 2), round(float(np.std(values)), 2)]
    return lengths


def replaced(text, lengths):
    """
    The text of the file of bead models with other lengths, a residue a line; all else is as it was.

    Parameters
    ----------
    text : str
    lengths : dict
        From `measure`.

    Returns
    -------
    str
    """
    for name, residues in lengths.items():
        table = '"residues": '
        at = text.index(table, text.index('"lengths": ', text.index(f'\n  "{name}": '))) + len(table)
        _, end = json.JSONDecoder().raw_decode(text, at)
        rows = ",\n".join(f"     {json.dumps(residue)}: {json.dumps(pairs)}" for residue, pairs in residues.items())
        text = f"{text[:at]}{{\n{rows}\n    }}{text[end:]}"
    return text


if __name__ == "__main__":
    FILE.write_text(replaced(FILE.read_text(), measure(read_chains(sys.argv[1]))))
