"""
MD beside samples on its C-alphas, with and without `correlation_time`: do side chains move alike?

    python tests/benchmarks/coherence.py MD [--times 0 60 200 500] [--temperature 1] [--picture docs/coherence.png]

MD is a folder of runs: `trpcage`, `bba` and `chignolin`, each with `topology_heavy.pdb`, `traj_heavy.xtc` and
`frames.csv`, which has the times. Printed are the autocorrelation of chi1 at a lag of 10 ps (8 ps where frames are 8 ps
apart), jumps of rotamers a residue and nanosecond (without proline, whose ring puckers), and clashes.
"""

import argparse
import csv
import logging
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np

import mdbackmap as mdb
from mdbackmap.metrics.coherence import autocorrelation, rotamer_jumps
from mdbackmap.metrics.dihedrals import atom14, side_chain_torsions

RUNS = {"trpcage": ("300_native", 1), "bba": ("300_native", 1), "chignolin": ("300_folded", 4)}  # a run, and a step
LAG = 10.0  # ps


def read(folder, tag, step):
    """C-alphas as a Universe with times, positions (F, A, 3), times (F,) and topology of one run."""
    atoms = mda.Universe(str(folder / "topology_heavy.pdb"), str(folder / "traj_heavy.xtc"))
    with open(folder / "frames.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    frames = [k for k, row in enumerate(rows) if row["tag"] == tag][::step]
    times = np.array([float(rows[k]["time_ps"]) for k in frames])
    positions = np.stack([atoms.trajectory[k].positions.copy() for k in frames])
    alphas = atoms.select_atoms("name CA")
    beads = mda.Universe.empty(len(alphas), len(alphas), atom_resindex=range(len(alphas)), trajectory=True)
    for name in ("names", "resnames", "resids"):
        beads.add_TopologyAttr(name, list(getattr(alphas, name)))
    beads.load_new(positions[:, alphas.ix], order="fac", dt=times[1] - times[0])
    return beads, positions, times, mdb.Topology.from_atoms(atoms.atoms)


def chi1(fine, positions):
    """chi1 (F, r) of residues that have one, but of proline."""
    found = side_chain_torsions(*atom14(fine, positions), fine.types)[..., 0]
    return found[:, np.isfinite(found).all(0) & (fine.resnames != "PRO")]


def measured(folder, tag, step, correlation_times, temperature):
    """Rows: what, autocorrelation, jumps, clashscore; and autocorrelations at all lags, for a picture."""
    beads, positions, times, fine = read(folder, tag, step)
    model = mdb.load_model("genzprot", beads, hydrogens=False)
    lag, rows, curves = round(LAG / (times[1] - times[0])), [], {}
    for asked in ("MD", *correlation_times):
        clashes, shown, of = float("nan"), positions, fine
        if asked != "MD":
            options = {"correlation_time": asked, "temperature": temperature, "validity": True}
            run = mdb.BackmapTrajectory(beads, model, **options).run().results
            clashes, shown, of = run.validity.mean["clashscore"], run.positions, model.topology
        angles = chi1(of, shown)
        rows.append((asked, autocorrelation(angles, lag), rotamer_jumps(angles, times), clashes))
        lags = np.arange(1, len(times) // 3)
        curves[asked] = (lags * (times[1] - times[0]), [autocorrelation(angles, k) for k in lags])
    return rows, curves


def draw(curves, filename):
    """A picture of autocorrelations, a panel for each molecule."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    panels = figure.subplots(1, len(curves), sharey=True)
    for panel, (name, of) in zip(panels, curves.items(), strict=True):
        for asked, (lags, values) in of.items():
            words = "MD" if asked == "MD" else f"{asked:g} ps"
            panel.plot(lags, values, label=words, color="black" if asked == "MD" else None)
        panel.set(title=name, xlabel="lag, ps", ylim=(0, 1))
    panels[0].set_ylabel("mean cosine of turns of chi1")
    panels[-1].legend(title="correlation_time")
    figure.savefig(filename, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", nargs="+", type=float, default=[0.0, 60.0, 200.0, 500.0])
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--picture")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("mdbackmap").setLevel(logging.ERROR)
    drawn, every = {}, []
    print("| molecule | correlation_time, ps | autocorrelation | jumps / ns | clashscore |\n|---|---|---|---|---|")
    for molecule, (tag, step) in RUNS.items():
        rows, drawn[molecule] = measured(args.folder / molecule, tag, step, args.times, args.temperature)
        every.append([row[1:3] for row in rows])
        for asked, *values in rows:
            print(f"| {molecule} | {asked} | " + " | ".join(f"{x:.3g}" for x in values) + " |", flush=True)
    for asked, values in zip(("MD", *args.times), np.mean(every, axis=0), strict=True):
        print(f"| mean | {asked} | " + " | ".join(f"{x:.3g}" for x in values) + " | |")
    if args.picture:
        draw(drawn, args.picture)
