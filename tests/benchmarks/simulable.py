"""
What simulation programs say of generated atoms: on bundled chains and trajectories, or on files of your own.

    python tests/benchmarks/simulable.py [--limit 10] [--energies 10] [--refine 14]
    python tests/benchmarks/simulable.py --files cg.pdb cg.xtc

Every structure (T = 0 and T = 1; three frames of a trajectory) goes as a PDB file through OpenMM's
`ForceField("amber14-all.xml", "implicit/gbn2.xml").createSystem` and, where `gmx` is installed, through `gmx pdb2gmx
-ff amber99sb-ildn` (names of GROMACS, no `-ignh`). Forces are those before anything is minimised. `--energies`: the
energy of so many chains of up to 300 residues after 100 steps, beside that of native heavy atoms with hydrogens added.
`--refine`: so many chains with and without `refine="openmm"`. Forces and energies are with a cutoff of 1 nm.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import openmm
import torch
from hydrogens import completed
from openmm import app, unit

import mdbackmap as mdb
from mdbackmap.chemistry.elements import SLOTS
from mdbackmap.data.known import read_chains, spread
from mdbackmap.datafiles import (
    CALVADOS_PDB,
    CALVADOS_XTC,
    COMPLEX_PDB,
    GO_PDB,
    GO_XTC,
    MARTINI_GRO,
    MARTINI_XTC,
    VALIDATION,
)
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.metrics.hydrogens import all_atom_clashscore
from mdbackmap.metrics.protocol import evaluate
from mdbackmap.molecule.written import written
from mdbackmap.universes.universe import universe_of
from mdbackmap.writing.pdb import write_topology

LARGEST = 1e5  # kJ/mol/nm
STEPS, RESIDUES, FRAMES = 100, 300, 3
KCAL = 4.184  # kJ; cited: the thermochemical calorie
BUNDLED = ((COMPLEX_PDB,), (GO_PDB, GO_XTC), (CALVADOS_PDB, CALVADOS_XTC), (MARTINI_GRO, MARTINI_XTC))
FIELD = app.ForceField("amber14-all.xml", "implicit/gbn2.xml")


class Judge:
    """Puts structures through both programs, and keeps what they say."""

    def __init__(self, folder):
        self.folder, self.rows, self.gmx = Path(folder), {}, shutil.which("gmx")

    def __call__(self, what, fine, atoms, name, n_steps=0):
        """Judge atoms (A, 3) of a topology that has hydrogens, under a heading."""
        row, path = {"residues": int((~fine.hetero).sum())}, self.folder / "x.pdb"
        write_topology(path, written(fine, hydrogens=True), atoms)
        try:
            row |= {"openmm": 100.0} | self._forces(app.PDBFile(str(path)).topology, fine, atoms, n_steps, name)
        except ValueError as error:
            row["openmm"] = 0.0
            print(f"{name}, {what}: OpenMM: {str(error)[:150]}", file=sys.stderr)
        if self.gmx:
            row["pdb2gmx"] = 100.0 if self._taken(fine, atoms, f"{name}, {what}") else 0.0
        self.rows.setdefault(what, []).append(row)

    def _forces(self, topology, fine, atoms, n_steps, name):
        cut = {"nonbondedMethod": app.CutoffNonPeriodic, "nonbondedCutoff": 1.0 * unit.nanometer}
        platform = openmm.Platform.getPlatformByName("CPU")
        system, integrator = FIELD.createSystem(topology, **cut), openmm.VerletIntegrator(0.001)
        context = openmm.Context(system, integrator, platform, {"Threads": "1"})
        context.setPositions(0.1 * np.asarray(atoms, dtype=float))
        forces = context.getState(getForces=True).getForces(asNumpy=True)._value
        sizes = np.linalg.norm(forces, axis=1)
        row, at = {"force": float(np.nan_to_num(sizes.max(), nan=np.inf))}, np.argsort(-sizes)[:2]
        if not row["force"] < LARGEST:
            owner = fine.residue_of_atom[at]
            words = ", ".join(f"{fine.names[k]} of {fine.label(r)}" for k, r in zip(at, owner, strict=True))
            print(f"{name}: {row['force']:.2g} kJ/mol/nm at {words}", file=sys.stderr)
        if n_steps:
            openmm.LocalEnergyMinimizer.minimize(context, maxIterations=n_steps)
            total = context.getState(getEnergy=True).getPotentialEnergy()._value
            row["energy"] = total / KCAL / topology.getNumResidues()
        return row

    def _taken(self, fine, atoms, name):
        path = self.folder / "g.pdb"
        write_topology(path, written(fine, "gromacs", hydrogens=True), atoms)
        command = [self.gmx, "-quiet", "pdb2gmx", "-f", path, "-ff", "amber99sb-ildn", "-water", "none"]
        done = subprocess.run([*command, "-o", "g.gro"], cwd=self.folder, capture_output=True, text=True, check=False)
        for rest in self.folder.glob("[#gtp]*.[!p]*"):
            rest.unlink()
        if done.returncode:
            print(f"{name}: pdb2gmx: {' '.join(done.stderr.split())[-300:]}", file=sys.stderr)
        return done.returncode == 0

    def table(self):
        """What was found, as a table in Markdown."""
        lines = [
            "| | structures | OpenMM takes | pdb2gmx takes | no force above 1e5 | largest force, median | kcal/mol |"
        ]
        lines += ["|" + "---|" * 7]
        for what, rows in self.rows.items():
            some = {key: [row[key] for row in rows if key in row] for key in ("openmm", "pdb2gmx", "force", "energy")}
            shares = [f"{np.mean(some[key]):.1f}%" if some[key] else "" for key in ("openmm", "pdb2gmx")]
            below = f"{100 * np.mean(np.array(some['force']) < LARGEST):.1f}% | {np.median(some['force']):.2g}"
            energy = f"{np.median(some['energy']):.1f} ({len(some['energy'])} chains)" if some["energy"] else ""
            lines.append(f"| {what} | {len(rows)} | {' | '.join(shares)} | {below} | {energy} |")
        return "\n".join(lines)


def trace(chain):
    """The C-alphas of a chain as a Universe."""
    u = universe_of(chain.trace())
    return u.load_new(chain.beads.astype(np.float32))


def sampled(model, atoms, temperature, n_frames=FRAMES):
    """Atoms of some frames, spread over the trajectory, shape (F, A, 3)."""
    frames = spread(atoms.universe.trajectory.n_frames, n_frames)
    return mdb.BackmapTrajectory(atoms, model, temperature=temperature).run(frames=frames).results.positions


def judge_chains(judge, chains, with_energy):
    """All chains at both temperatures; some with energies."""
    for chain in chains:
        atoms, n_steps = trace(chain).atoms, STEPS if chain.name in with_energy else 0
        model = mdb.load_model("genzprot", atoms, threads=1)
        for temperature in (0.0, 1.0):
            for found in sampled(model, atoms, temperature):
                judge(f"T = {temperature:g}", model.mapping.fine, found, chain.name, n_steps)
        if n_steps:
            fine, hydrogens, native = completed(chain)
            judge("native", fine, hydrogens(native)[0], chain.name, n_steps)
            last = {what: round(rows[-1].get("energy", np.nan), 1) for what, rows in judge.rows.items()}
            print(f"{chain.name}, {len(chain.types)} residues, kcal/mol a residue: {last}", file=sys.stderr)


def judge_files(judge, files):
    """Three frames of a trajectory at both temperatures."""
    universe, name = mda.Universe(*files), Path(files[-1]).name
    model = mdb.load_model("genzprot", universe.atoms, threads=1)
    for temperature in (0.0, 1.0):
        for found in sampled(model, universe.atoms, temperature):
            judge(f"{name}, T = {temperature:g}", model.mapping.fine, found, name)


def scores(model, atoms, chain):
    """Numbers of a structure (1, A, 3)."""
    u = model.universe()
    u.load_new(atoms)
    found = read_protein(u.atoms)
    score = evaluate(found.positions, chain.positions, *chain.known)
    clashes = all_atom_clashscore(found.positions, found.mask, found.types, found.ends, found.hydrogens)
    return score | {"clashscore": float(clashes[0])}


def refined(chains):
    """Chains with and without refinement, as a table in Markdown."""
    rows, seconds = {}, []
    for chain in chains:
        atoms = trace(chain).atoms
        model = mdb.load_model("genzprot", atoms, threads=1)
        refining, ca = model.refining("openmm"), model.mapping.fine.names == "CA"
        for temperature in (0.0, 1.0):
            plain = sampled(model, atoms, temperature)
            began = time.process_time()
            found = sampled(refining, atoms, temperature)
            seconds.append((time.process_time() - began) / len(chain.types))
            moved = {"CA moved": float(np.linalg.norm((found - plain)[0, ca], axis=-1).max())}
            rows.setdefault(f"T = {temperature:g}", []).append(scores(model, plain, chain) | {"CA moved": 0.0})
            rows.setdefault(f"T = {temperature:g}, refined", []).append(scores(model, found, chain) | moved)
        print(f"{chain.name}: clashscore", *(f"{v[-1]['clashscore']:.1f}" for v in rows.values()), file=sys.stderr)
    keys = ["rama_favoured", "rama_outliers", "rotamer_outliers", "chi1", "chi12", "rmsd", "CA moved"]
    lines = ["| | clashscore, median | " + " | ".join(keys) + " |", "|" + "---|" * (len(keys) + 2)]
    for what, found in rows.items():
        means = [f"{np.nanmean([row.get(key, np.nan) for row in found]):.2f}" for key in keys]
        lines.append(f"| {what} | {np.median([row['clashscore'] for row in found]):.1f} | {' | '.join(means)} |")
    return "\n".join([*lines, f"{len(chains)} chains, {100 * np.mean(seconds):.1f} s of one core for 100 residues"])


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--limit", type=int, help="chains, all by default")
    parser.add_argument("--energies", type=int, default=0)
    parser.add_argument("--refine", type=int)
    parser.add_argument("--files", nargs="+", help="a topology and trajectories, in place of what is bundled")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chains = read_chains(VALIDATION, args.limit)
    small = [x for x in chains if len(x.types) <= RESIDUES and (x.mask == SLOTS[x.types]).all()]
    if args.refine is not None:
        print(refined([small[k] for k in spread(len(small), args.refine)]))
        return
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(folder)
        for files in [args.files] if args.files else BUNDLED:
            judge_files(judge, files)
        if not args.files:
            judge_chains(judge, chains, {small[k].name for k in spread(len(small), args.energies)})
        print(judge.table())


if __name__ == "__main__":
    main()
