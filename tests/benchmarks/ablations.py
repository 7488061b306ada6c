"""
What each step of sampling is worth: the benchmark with one of them switched off, as a table for docs/measurements.md.

    python tests/benchmarks/ablations.py [chains]
"""

import dataclasses
import math
import sys

from mdbackmap.backbone.settings import BackboneSettings, CollisionSettings
from mdbackmap.checkpoint import load
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.benchmark import benchmark
from mdbackmap.generation.settings import Settings
from mdbackmap.packing.settings import DRAWN, LIKELIEST, OverlapSettings, PackingSettings

COLUMNS = ("rmsd", "rmsd_backbone", "chi1", "chi12", "rama_favoured", "rotamer_outliers", "clashscore", "ged", "angles")


def packing(**stages):
    """`Settings` whose stages of packing have other values in some fields: a dict for each stage."""
    before = PackingSettings()
    changed = {name: dataclasses.replace(getattr(before, name), **fields) for name, fields in stages.items()}
    return Settings(packing=dataclasses.replace(before, **changed))


def draws(**fields):
    """Fields of candidates that have other values at temperature 0 and above."""
    both = {"likeliest": LIKELIEST, "drawn": DRAWN}
    return {name: dataclasses.replace(draw, **fields) for name, draw in both.items()}


SOFT, CLOSE = OverlapSettings(stiffness=0.0), OverlapSettings(touch=0.2)
NO_STRAIN = BackboneSettings(rounds=0, bend=math.pi, proline_turn=math.pi)
NOTHING = {
    "candidates": draws(overlap=SOFT, judged=SOFT, tight=math.inf),
    "relief": {"overlap": SOFT},
    "disulfides": {"gain": 0.0, "pulled": 0.0},
    "contacts": {"strength": 0.0},
}
ABLATIONS = {
    "all of it": Settings(),
    "no strain energy, no peptide drawn again": Settings(backbone=NO_STRAIN),
    "no Ramachandran maps on kept beads": Settings(backbone=BackboneSettings(maps=0.0)),
    "no clashes of peptides": Settings(backbone=BackboneSettings(CollisionSettings(touching=0.0))),
    "no minimisation of overlaps": packing(candidates=draws(tight=math.inf), disulfides={"pulled": 0.0}),
    "no side chain sampled again": packing(replacing={"clash": math.inf}),
    "no margin in the overlaps of candidates": packing(
        candidates={"drawn": dataclasses.replace(DRAWN, overlap=CLOSE, judged=CLOSE, tight=LIKELIEST.tight)}
    ),
    "cysteines not drawn together": packing(disulfides={"together": False}),
    "no disulfides": packing(disulfides={"gain": 0.0, "pulled": 0.0}),
    "no contact energies": packing(contacts={"strength": 0.0}),
    "no overlaps, contacts or minimisation": packing(**NOTHING),
}


def row(temperature, changed, means):
    return f"| {temperature} | {changed} | " + " | ".join(f"{means[name]:.3g}" for name in COLUMNS) + " |"


def main(limit=None):
    model, chains = load("genzprot")[0], read_chains(VALIDATION, limit=limit)
    print("| T | changed | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for title, settings in ABLATIONS.items():
        table = benchmark(model, chains, temperatures=(0.0, 1.0), n_samples=1, noise=0, settings=settings)
        for temperature in (0, 1):
            print(row(temperature, title, table[f"T={temperature}"]["mean"]), flush=True)
    table = benchmark(model, chains, temperatures=(0.01,), n_samples=1, noise=0)
    print(row(0.01, "the most probable torsions, one after another", table["T=0.01"]["mean"]), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
