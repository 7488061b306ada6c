"""
Peers on other beads than C-alphas, by the same metrics in the same run: CG2AT-lite on Martini 3, FASPR on backbones.

    python -m pytest -m benchmark -s tests/benchmarks/test_peers.py

CG2AT-lite (``pip install cg2at-lite``) needs GROMACS; FASPR comes with ``pip install pyfaspr``. A peer that is not
installed is skipped. Beads are projected from crystals. Figures are printed; it is only asserted that all atoms came
out. Times are of one frame at a time, on one thread; ``MDBACKMAP_MODEL`` names other weights than the bundled ones.
"""

import importlib.util
import os
import resource
import shutil
import subprocess
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.checkpoint import load
from mdbackmap.chemistry.elements import SLOTS
from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES, SLOT_OF_ATOM
from mdbackmap.data.known import Generator, read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.bead_benchmark import completed, rms
from mdbackmap.evaluation.benchmark import RESIDUES_TIMED, one_thread
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.metrics.dihedrals import flat_atoms
from mdbackmap.metrics.protocol import evaluate, summarise
from mdbackmap.metrics.table import table
from mdbackmap.molecule.bead_models import BEAD_MODELS
from mdbackmap.molecule.kept import superposed

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

MODEL = os.environ.get("MDBACKMAP_MODEL", "genzprot")
N_PROTEINS, N_CHAINS = 3, int(os.environ.get("MDBACKMAP_CHAINS", 85))  # for CG2AT-lite, for FASPR
MARGIN = 40.0  # angstrom of box beyond the protein: CG2AT-lite wants a box, and puts the protein into its middle


def processor_seconds():
    """Of this process and of those that it has waited for."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in times)


def timed(n_residues, function, *arguments, **options):
    """What a function returns, and the processor time that it took, as for 159 residues."""
    before = processor_seconds()
    made = function(*arguments, **options)
    return made, {"seconds": (processor_seconds() - before) * RESIDUES_TIMED / n_residues}


def smallest_whole(n):
    """The smallest chains of the benchmark that lack no atoms."""
    whole = [chain for chain in read_chains(VALIDATION) if (chain.mask == SLOTS[chain.types]).all()]
    return sorted(whole, key=lambda chain: len(chain.types))[:n]


def beads_of(generate, chain):
    """Positions (1, N, 3) of the beads of a chain."""
    mapping = generate.bound.mapping
    return mapping.project(flat_atoms(mapping.fine, chain.positions))


def pdb(names, resnames, resids, positions, box=None):
    """Particles as PDB text, in one chain."""
    lines = [] if box is None else [f"CRYST1{box:9.3f}{box:9.3f}{box:9.3f}  90.00  90.00  90.00 P 1           1"]
    rows = zip(names, resnames, resids, positions, strict=True)
    for k, (name, resname, resid, place) in enumerate(rows, start=1):
        x, y, z = place
        written = f" {name:<3}" if len(name) < 4 else name
        lines.append(f"ATOM  {k:5d} {written} {resname} A{resid:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00")
    return "\n".join([*lines, "TER", "END", ""])


def show(capsys, heading, columns):
    """Print a table of means over proteins; `columns` has the rows of each."""
    with capsys.disabled():
        print(f"\n{heading}\n{table({name: summarise(rows) for name, rows in columns.items()})}")


def cg2at(beads, mapping, folder, output):
    """Run CG2AT-lite on Martini 3 beads (N, 3), and read the protein that it makes."""
    folder.mkdir()
    coarse, box = mapping.coarse, np.ptp(beads, axis=0).max() + MARGIN
    middle, owner = beads - beads.mean(0) + 0.5 * box, coarse.residue_of_atom
    (folder / "cg.pdb").write_text(pdb(coarse.names, coarse.resnames[owner], coarse.resids[owner], middle, box))
    command = ["cg2at_lite", "-silent", "-c", "cg.pdb", "-ff", "charmm36-cg2at", "-fg", "martini_3-0_charmm36"]
    command += ["-w", "tip3p", "-o", output, "-loc", "out"]
    options = {"env": os.environ | {"OMP_NUM_THREADS": "1"}, "stdin": subprocess.DEVNULL, "timeout": 1800}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return read_protein(mda.Universe(str(folder / "out" / "FINAL" / "final_cg2at_de_novo.pdb")).atoms)


def on_beads(made, mapping, beads):
    """Atoms (1, R, 14, 3) of a protein whose program moved it, superposed on the beads (1, N, 3)."""
    theirs = mapping.project(flat_atoms(mapping.fine, made.positions))
    return superposed(made.positions.reshape(1, -1, 3), theirs, beads).reshape(made.positions.shape)


def judged(atoms, chain, mapping, beads):
    """Metrics of atoms (1, R, 14, 3), and by how much beads are missed."""
    missed = rms(mapping.project(flat_atoms(mapping.fine, atoms)) - beads)
    return evaluate(atoms, chain.positions, *chain.known) | {"bead_mismatch": missed}


@pytest.mark.timeout(3600)
def test_cg2at_on_martini_3(tmp_path, capsys):
    if shutil.which("cg2at_lite") is None or shutil.which("gmx") is None:
        pytest.skip("pip install cg2at-lite, and GROMACS, give the peer")
    model, columns, chains = load(MODEL)[0], {}, smallest_whole(N_PROTEINS)
    with one_thread():
        for chain in chains:
            generate, n = Generator(model, chain, beads=BEAD_MODELS["martini3"]), len(chain.types)
            mapping, beads = generate.bound.mapping, beads_of(generate, chain)
            columns.setdefault("native", []).append(judged(chain.positions, chain, mapping, beads))
            generate(beads, temperature=0.0)  # tables of the molecule are made once
            atoms, seconds = timed(n, generate, beads, temperature=0.0)
            columns.setdefault("mdbackmap, T = 0", []).append(judged(atoms, chain, mapping, beads) | seconds)
            for name, output in (("CG2AT, minimised", "none"), ("CG2AT, 5 ps", "de_novo")):
                made, seconds = timed(n, cg2at, beads[0], mapping, tmp_path / f"{chain.name}-{output}", output)
                assert np.array_equal(made.types, chain.types) and (made.mask == chain.mask).all()
                atoms = on_beads(made, mapping, beads)
                columns.setdefault(name, []).append(judged(atoms, chain, mapping, beads) | seconds)
    sizes = ", ".join(f"{chain.name} {len(chain.types)}" for chain in chains)
    show(capsys, f"Martini 3 beads of {N_PROTEINS} chains (residues: {sizes})", columns)


def faspr(backbone, types, folder):
    """Run FASPR on N, CA, C and O (R, 4, 3); heavy atoms (1, R, 14, 3). Its program alone: the wrapper takes longer."""
    names, resnames = list(ATOMS["GLY"]) * len(types), np.repeat([RESIDUE_NAMES[kind] for kind in types], 4)
    text = pdb(names, resnames, np.repeat(np.arange(1, len(types) + 1), 4), backbone.reshape(-1, 3))
    (folder / "backbone.pdb").write_text(text)
    program = Path(importlib.util.find_spec("pyfaspr").origin).parent / "bin" / "FASPR"
    subprocess.run([program, "-i", "backbone.pdb", "-o", "packed.pdb"], cwd=folder, check=True, capture_output=True)
    atoms = np.zeros((1, len(types), 14, 3))
    for line in (folder / "packed.pdb").read_text().splitlines():
        slot = SLOT_OF_ATOM.get((line[17:20], line[12:16].strip()))
        if line.startswith("ATOM") and slot is not None:
            atoms[0, int(line[22:26]) - 1, slot] = [float(line[k : k + 8]) for k in (30, 38, 46)]
    return atoms


@pytest.mark.timeout(3600)
def test_faspr_on_backbones(tmp_path, capsys):
    if importlib.util.find_spec("pyfaspr") is None:
        pytest.skip("pip install pyfaspr gives the peer")
    model, columns = load(MODEL)[0], {}
    with one_thread():
        for chain in read_chains(VALIDATION, limit=N_CHAINS):
            whole, n = completed(chain, model), len(chain.types)
            generate = Generator(model, chain, beads=BEAD_MODELS["backbone"])
            beads = beads_of(generate, whole)
            columns.setdefault("native", []).append(evaluate(chain.positions, chain.positions, *chain.known))
            generate(beads, temperature=0.0)  # tables of the molecule are made once
            atoms, seconds = timed(n, generate, beads, temperature=0.0)
            columns.setdefault("mdbackmap, T = 0", []).append(evaluate(atoms, chain.positions, *chain.known) | seconds)
            made, seconds = timed(n, faspr, whole.positions[0, :, :4], chain.types, tmp_path)
            assert made[0][SLOTS[chain.types]].any(-1).all()
            columns.setdefault("FASPR", []).append(evaluate(made, chain.positions, *chain.known) | seconds)
    show(capsys, f"native backbones (N, CA, C, O) of {N_CHAINS} chains", columns)
