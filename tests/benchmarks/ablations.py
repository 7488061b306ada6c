"""
What each step of sampling is worth: the benchmark with one of them switched off, as a table for docs/measurements.md.

    python tests/benchmarks/ablations.py [chains]
"""

import contextlib
import math
import sys

import torch

from mdbackmap.backbone.settings import BackboneSettings, CollisionSettings
from mdbackmap.checkpoint import load
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.benchmark import benchmark
from mdbackmap.generation.settings import Settings
from mdbackmap.packing import candidates, disulfides, relief
from mdbackmap.packing.contacts import CLASSES

COLUMNS = ("rmsd", "rmsd_backbone", "chi1", "chi12", "rama_favoured", "rotamer_outliers", "clashscore", "ged", "angles")
NO_STRAIN = BackboneSettings(rounds=0, bend=math.pi, proline_turn=math.pi)
NO_RELIEF = [(candidates, "_TIGHT", (math.inf, math.inf)), (disulfides, "NEAR", 0.0)]
NO_CONTACTS = [(candidates, "learned", lambda: torch.zeros(len(CLASSES), len(CLASSES)))]
NO_OVERLAPS = [(candidates, "_STIFFNESS", (0.0, 0.0)), (relief, "STIFFNESS", 0.0), (disulfides, "BRIDGE", 0.0)]
ABLATIONS = {
    "all of it": [],
    "no strain energy, no peptide drawn again": Settings(backbone=NO_STRAIN),
    "no Ramachandran maps on kept beads": Settings(backbone=BackboneSettings(maps=0.0)),
    "no clashes of peptides": Settings(backbone=BackboneSettings(CollisionSettings(touching=0.0))),
    "no minimisation of overlaps": NO_RELIEF,
    "no side chain sampled again": [(candidates, "UNBEARABLE", math.inf)],
    "no margin in the overlaps of candidates": [(candidates, "_TOUCH", (0.2, 0.2)), (candidates, "_TIGHT", (0.3, 0.3))],
    "cysteines not drawn together": [(candidates, "_draw_bridges", lambda *_: None)],
    "no disulfides": [(disulfides, "BRIDGE", 0.0), (disulfides, "NEAR", 0.0), (relief, "NEAR", 0.0)],
    "no contact energies": NO_CONTACTS,
    "no overlaps, contacts or minimisation": [*NO_OVERLAPS, *NO_CONTACTS, *NO_RELIEF],
}


@contextlib.contextmanager
def changed(settings):
    """Constants of modules with other values for a while."""
    before = [(module, name, getattr(module, name)) for module, name, _ in settings]
    try:
        for module, name, value in settings:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def row(temperature, changed, means):
    return f"| {temperature} | {changed} | " + " | ".join(f"{means[name]:.3g}" for name in COLUMNS) + " |"


def main(limit=None):
    model, chains = load("genzprot")[0], read_chains(VALIDATION, limit=limit)
    print("| T | changed | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for title, ablation in ABLATIONS.items():
        settings, constants = (ablation, []) if isinstance(ablation, Settings) else (None, ablation)
        with changed(constants):
            table = benchmark(model, chains, temperatures=(0.0, 1.0), n_samples=1, noise=0, settings=settings)
        for temperature in (0, 1):
            print(row(temperature, title, table[f"T={temperature}"]["mean"]), flush=True)
    table = benchmark(model, chains, temperatures=(0.01,), n_samples=1, noise=0)
    print(row(0.01, "the most probable torsions, one after another", table["T=0.01"]["mean"]), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
