"""
Golden outputs: atoms that a change of the code must not change unless its commit says so.

    python tests/golden/make.py                  # writes outputs.npz beside this file
    python tests/golden/make.py --out before.npz # elsewhere: before a change of code ...
    python tests/golden/make.py --against before.npz  # ... and after it: how far atoms are from those

Across machines, decisions between near ties fall differently: 98% of the residues within 0.05 A is what
`tests/test_golden.py` asks for. On one machine, before and after a refactoring, all atoms are within 0.001 A.
"""

import argparse
import sys
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import torch

from mdbackmap import checkpoint, datafiles, load_model
from mdbackmap.models.cascade import Cascade
from mdbackmap.molecule.boxes import box_vectors

OUTPUTS = Path(__file__).with_name("outputs.npz")
ELSEWHERE = 0.05  # angstrom: what atoms may differ by on another machine ...
SHARE = 0.98  # ... in this share of the residues of a case
BOX = [31.0, 30.0, 34.0, 75.0, 80.0, 70.0]  # triclinic, smaller than protein G's images are apart: they are neighbours


def frames_of(*files, numbers=(0,)):
    """Universe of files and its beads (F, N, 3) in some frames, of C-alphas where there are others."""
    u = mda.Universe(*files)
    beads = u.select_atoms("name CA")
    return beads, np.stack([beads.positions for _ in u.trajectory[list(numbers)]])


def wrapped(beads, box):
    """Beads (F, N, 3), each in the primary image of a box."""
    vectors = box_vectors(np.tile(np.float32(box), (len(beads), 1)), len(beads))
    shares = np.floor(beads @ np.linalg.inv(vectors))
    return (beads - shares @ vectors).astype(np.float32)


def steps(folder):
    """A checkpoint of two steps, the first from a bead for two C-alphas of protein G (`step.toml`), and its mapping."""
    first, _ = checkpoint.load(Path(__file__).with_name("step.pt"))
    genzprot, provenance = checkpoint.load("genzprot")
    file = Path(folder) / "steps.pt"
    checkpoint.save(file, Cascade.of([first, genzprot]), {**provenance, "model": "golden steps"})
    return file, first.molecule


def proteins():
    """Heavy atoms of GenZProt, by the name of the case."""
    cases = {
        "go": (datafiles.GO_PDB, datafiles.GO_XTC),
        "calvados": (datafiles.CALVADOS_PDB, datafiles.CALVADOS_XTC),
        "complex": (datafiles.COMPLEX_PDB,),
        "trpcage": (datafiles.TRPCAGE_PDB, datafiles.TRPCAGE_XTC),
    }
    numbers = {"go": (3, 40), "calvados": (7,), "complex": (0,), "trpcage": (5,)}
    for name, files in cases.items():
        atoms, beads = frames_of(*files, numbers=numbers[name])
        model = load_model("genzprot", atoms, hydrogens=False)
        for temperature in (0, 1):
            for tolerance in ("auto", 0.0) if name == "go" else ("auto",):
                kept = "-kept" if tolerance == 0 else ""
                sampled = model.sample(beads, numbers[name], temperature=temperature, bead_tolerance=tolerance, seed=3)
                yield f"{name}{kept}-T{temperature}", model, sampled
        if name == "go":
            boxes = np.tile(np.float32(BOX), (len(beads), 1))
            boxed = model.sample(wrapped(beads, BOX), numbers[name], dimensions=boxes, bead_tolerance=0.0, seed=3)
            yield "go-box-kept-T1", model, boxed


def hydrogens():
    """Atoms of GenZProt with hydrogens: a fold, and a complex with histidines between its chains."""
    for name, files, number, temperatures in (
        ("go", (datafiles.GO_PDB, datafiles.GO_XTC), 3, (0, 1)),
        ("complex", (datafiles.COMPLEX_PDB,), 0, (0,)),
    ):
        atoms, beads = frames_of(*files, numbers=(number,))
        model = load_model("genzprot", atoms)
        for temperature in temperatures:
            sampled = model.sample(beads, [number], temperature=temperature, seed=3)
            yield f"{name}-hydrogens-T{temperature}", model, sampled


def chained(folder):
    """Atoms of two steps, the bundled model the last."""
    _, beads = frames_of(datafiles.GO_PDB, datafiles.GO_XTC, numbers=(3,))
    file, mapping = steps(folder)
    coarse = mda.Universe.empty(mapping.n_beads, mapping.n_beads, atom_resindex=range(mapping.n_beads), trajectory=True)
    coarse.atoms.positions = mapping.project(beads)[0]
    for attribute, values in (("names", mapping.coarse.names), ("resnames", mapping.coarse.resnames)):
        coarse.add_TopologyAttr(attribute, [str(value) for value in values])
    model = load_model(file, coarse.atoms, hydrogens=False)
    yield "steps-T0", model, model.sample(mapping.project(beads), [3], temperature=0, seed=3)


def molecules():
    """Atoms of the bundled models of one molecule."""
    for name, files in (
        ("cgvae-alanine-dipeptide", (datafiles.DIPEPTIDE_PDB, datafiles.DIPEPTIDE_XTC)),
        ("cgvae-chignolin", (datafiles.CHIGNOLIN_PDB, datafiles.CHIGNOLIN_XTC)),
    ):
        u = mda.Universe(*files)
        network, _ = checkpoint.load(name)
        fine = np.stack([u.atoms.positions for _ in u.trajectory[[10, 300]]])
        mapping = network.molecule
        coarse = mda.Universe.empty(
            mapping.n_beads, mapping.coarse.n_residues, atom_resindex=mapping.coarse.residue_of_atom, trajectory=True
        )
        coarse.add_TopologyAttr("names", [str(x) for x in mapping.coarse.names])
        coarse.add_TopologyAttr("resnames", [str(x) for x in mapping.coarse.resnames])
        coarse.atoms.positions = mapping.project(fine)[0]
        model = load_model(name, coarse.atoms)
        for temperature in (0, 1):
            sampled = model.sample(mapping.project(fine), [10, 300], temperature=temperature, seed=3)
            yield f"{name}-T{temperature}", model, sampled


def outputs(folder):
    """Atoms (F, A, 3) and residues (A,) of every case: ``{name: (atoms, residue of each atom)}``."""
    torch.set_num_threads(1)
    made = [*proteins(), *hydrogens(), *chained(folder), *molecules()]
    return {name: (atoms, model.mapping.fine.residue_of_atom) for name, model, atoms in made}


def distances(made, before):
    """How far residues are from where they were, ``{name: (F, R) array in angstrom}``, the furthest atom of each."""
    found = {}
    for name, (atoms, residues) in made.items():
        moved = np.linalg.norm(atoms - before[name], axis=-1)
        worst = np.zeros((len(atoms), residues.max() + 1))
        np.maximum.at(worst, (slice(None), residues), moved)
        found[name] = worst
    return found


def main():
    """Write the outputs, or hold them against others."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--out", default=OUTPUTS, type=Path, help="where to write them")
    parser.add_argument("--against", type=Path, help="outputs of before: write nothing, print how far atoms are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = outputs(folder)
    if options.against is None:
        np.savez_compressed(options.out, **{name: atoms.astype(np.float32) for name, (atoms, _) in made.items()})
        print(f"{len(made)} cases, {sum(len(r) for _, r in made.values())} atoms a frame: {options.out}")
        return 0
    worst = 0.0
    for name, found in distances(made, np.load(options.against)).items():
        worst = max(worst, found.max())
        near = 100 * (found < ELSEWHERE).mean()
        print(f"{name:30s} furthest {found.max():8.4f} A, residues within {ELSEWHERE} A {near:6.2f}%")
    return int(worst > 0.001)


if __name__ == "__main__":
    sys.exit(main())
