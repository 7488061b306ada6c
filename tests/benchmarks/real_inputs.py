"""
Real inputs from `convert` to `check`: what the validity report says of each, three frames, at T = 0 and T = 1.

    python tests/benchmarks/real_inputs.py [--only crambin ...] [--keep FOLDER]

A disordered protein (CALVADOS), two helices among lipids (Martini 3, lipids and ions carried along), crambin (three
disulfides), two chains wrapped singly over their box, an assembly past 99,999 atoms (copies of crambin on a lattice),
and an antibody with insertion codes. Frames of crystals are the C-alphas, and the same with 0.03 A of noise.
Printed is a row of a table for each: scores, and what is beyond its limit (`mdbackmap.metrics.limits`).
"""

import argparse
import json
import tempfile
import warnings
from itertools import product
from pathlib import Path

import MDAnalysis as mda
import numpy as np

from mdbackmap import datafiles
from mdbackmap.cli import main

NOISE = 0.03  # angstrom; chosen: by hand, C-alphas two apart vibrate by 0.04 A along their bond in simulations
COPIES = 160  # of crambin with 642 atoms; chosen: more than 99,999 atoms
APART = 40.0  # angstrom between copies on the lattice; chosen: crambin is 30 A wide
SHOWN = {
    "rama_favoured": "Rama. fav. %",
    "rama_outliers": "Rama. out. %",
    "rotamer_outliers": "rotamer out. %",
    "clashscore_all": "clashscore",
    "bonds": "bonds %",
    "angles": "angles %",
    "twisted": "twisted %",
    "pierced": "rings pierced",
    "mirrored_ca": "mirrored CA",
}


def vibrating(atoms, folder, name, box=None, topology=".pdb"):
    """C-alphas as a topology file and three frames in an XTC file: as they are, then with noise."""
    draw = np.random.default_rng(0)
    atoms.dimensions = box
    files = [str(folder / f"{name}_ca{suffix}") for suffix in (topology, ".xtc")]
    atoms.write(files[0])
    places = atoms.positions.copy()
    with mda.Writer(files[1], len(atoms)) as writer:
        for frame in range(3):
            atoms.positions = places + draw.normal(scale=NOISE if frame else 0.0, size=places.shape)
            if box is not None:
                atoms.wrap(inplace=True)
            writer.write(atoms)
    return files


def wrapped(folder):
    """Barnase and barstar about a corner of their box, every bead wrapped into it singly."""
    alphas = mda.Universe(datafiles.COMPLEX_PDB).select_atoms("name CA")
    alphas.translate(-alphas.center_of_geometry())
    return vibrating(alphas, folder, "wrapped", [90.0, 85.0, 95.0, 90.0, 90.0, 90.0])


def assembly(folder):
    """Copies of crambin on a lattice, in a GRO file, which names no chains."""
    one = mda.Universe(datafiles.CRAMBIN_PDB).atoms
    n, side = COPIES * len(one), int(np.ceil(COPIES ** (1 / 3)))
    lattice = APART * np.array(list(product(range(side), repeat=3)))[:COPIES]
    many = mda.Universe.empty(n, n, atom_resindex=np.arange(n), trajectory=True)
    for name, values in (("names", one.names), ("resnames", one.resnames), ("resids", one.resids)):
        many.add_TopologyAttr(name, list(values) * COPIES)
    many.atoms.positions = (one.positions - one.center_of_geometry() + lattice[:, None]).reshape(-1, 3)
    return vibrating(many.atoms, folder, "assembly", [*[side * APART] * 3, 90, 90, 90], ".gro")


def crystal(name, path):
    """A function that gives the files of a crystal's C-alphas."""
    return lambda folder: vibrating(mda.Universe(path).atoms, folder, name)


CASES = {
    "disordered": (lambda _: [datafiles.CALVADOS_PDB, datafiles.CALVADOS_XTC], ["--frames", "0,12,24"]),
    "membrane": (lambda _: [datafiles.MEMBRANE_GRO, datafiles.MEMBRANE_XTC], ["--passthrough"]),
    "crambin": (crystal("crambin", datafiles.CRAMBIN_PDB), []),
    "wrapped": (wrapped, []),
    "antibody": (crystal("antibody", datafiles.ANTIBODY_PDB), []),
    "assembly": (assembly, []),
}


def judged(name, temperature, folder):
    """The report of `mdbackmap check` on what `mdbackmap convert` makes of a case."""
    files, more = CASES[name][0](folder), CASES[name][1]
    out = str(folder / f"{name}_{temperature}.xtc")
    if main(["convert", *files, "-o", out, "--temperature", str(temperature), "--overwrite", "--quiet", *more]):
        raise SystemExit(f"{name}: convert failed")
    topology = next(str(path) for path in Path(out).parent.glob(f"{name}_{temperature}.[pc][di][bf]"))
    report = str(folder / f"{name}_{temperature}_check.json")
    if main(["check", topology, out, "--json", report, "--quiet"]):
        raise SystemExit(f"{name}: check failed")
    return json.loads(Path(report).read_text())["structures"][0]


def table(folder, names):
    """Print a row of the table for each case."""
    print("| input | T | " + " | ".join(SHOWN.values()) + " | beyond limits |")
    print("|---" * (len(SHOWN) + 3) + "|")
    for name, temperature in product(names, (0, 1)):
        report = judged(name, temperature, folder)
        scores = [f"{report['mean'].get(key, float('nan')):.3g}" for key in SHOWN]
        bad = "; ".join(f"frame {row['frame']}: {', '.join(row['what'])}" for row in report["beyond_limits"]) or "none"
        print(f"| {name} | {temperature} | " + " | ".join(scores) + f" | {bad} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--keep", help="folder for the files")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(args.keep or folder)
        kept.mkdir(exist_ok=True)
        table(kept, args.only)
