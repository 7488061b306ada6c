"""
What small noise on the beads changes in the atoms, and whether it matters where a molecule lies and how it is turned.

    python tests/benchmarks/conditioning.py [FRAMES]

Prints, for crystal chains and frames of a Go model and of CALVADOS, beads kept and moved, at T = 0 and T = 1 (same
random numbers): the share of the residues of which some atom moves by more than 0.3 angstrom (in brackets: 1 angstrom)
if Gaussian noise is laid on the beads; and by more than 0.01 angstrom if all are shifted or turned.
"""

import sys

import MDAnalysis as mda
import numpy as np
import torch

from mdbackmap import datafiles, load_model
from mdbackmap.data.known import read_chains
from mdbackmap.universes.universe import universe_of

NOISE = (1e-4, 1e-3, 1e-2)  # angstrom; an XTC rounds off 0.003
SHIFTS = ((7.3, -3.1, 12.7), (150.0, 220.0, -90.0))  # angstrom


def trace_of(topology, beads):
    """A Universe of C-alphas in some frames (F, N, 3)."""
    u = universe_of(topology)
    return u.load_new(np.asarray(beads, dtype=np.float32), order="fac")


def inputs(n_frames):
    """Pairs of a name and a list of (C-alphas, beads (F, N, 3)), for kept and moved beads alike."""
    chains = read_chains(datafiles.VALIDATION, limit=n_frames)
    crystals = [(trace_of(chain.trace(), chain.beads).atoms, np.asarray(chain.beads)) for chain in chains]
    yield "crystals", crystals, (0.0,)
    for name, files in (
        ("Go", (datafiles.GO_PDB, datafiles.GO_XTC)),
        ("CALVADOS", (datafiles.CALVADOS_PDB, datafiles.CALVADOS_XTC)),
    ):
        u = mda.Universe(*files)
        numbers = np.unique(np.linspace(0, u.trajectory.n_frames - 1, n_frames).astype(int))
        beads = np.stack([u.atoms.positions for _ in u.trajectory[numbers]])
        yield name, [(u.atoms, beads)], (0.0, "auto")


def furthest(model, atoms, other):
    """How far the atom of each residue that moves most is moved, (F, R), in angstrom."""
    moved, residues = np.linalg.norm(atoms - other, axis=-1), model.mapping.fine.residue_of_atom
    worst = np.zeros((len(atoms), residues.max() + 1))
    np.maximum.at(worst, (slice(None), residues), moved)
    return worst


def rotation(rng):
    """A rotation matrix (3, 3), drawn."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.linalg.det(q)


def changes(model, beads, options, rng):
    """What becomes of residues, (F R,) in angstrom each: by noise, by shifts, by turns."""
    numbers = np.arange(len(beads))
    before = model.sample(beads, numbers, **options)

    def after(changed, back=lambda atoms: atoms):
        return furthest(model, before, back(model.sample(changed.astype(np.float32), numbers, **options))).ravel()

    found = {f"noise {size:g}": after(beads + rng.normal(0, size, beads.shape)) for size in NOISE}
    for shift in SHIFTS:
        found[f"shift {max(map(abs, shift)):g}"] = after(beads + np.array(shift), lambda atoms, s=shift: atoms - s)
    turn, centre = rotation(rng), beads.mean(1, keepdims=True)
    found["turned"] = after((beads - centre) @ turn + centre, lambda atoms: (atoms - centre) @ turn.T + centre)
    return found


def main():
    """Print the table."""
    torch.set_num_threads(1)
    n_frames = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    print(f"{'':28s} {'noise 0.3 (1) A, %':>40s} {'moved by more than 0.01 A, %':>36s}")
    for name, systems, tolerances in inputs(n_frames):
        for tolerance in tolerances:
            for temperature in (0, 1):
                found, rng = {}, np.random.default_rng(1)
                for atoms, beads in systems:
                    options = {"temperature": temperature, "bead_tolerance": tolerance, "seed": 1}
                    model = load_model("genzprot", atoms, hydrogens=False)
                    for key, values in changes(model, beads, options, rng).items():
                        found.setdefault(key, []).append(values)
                found = {key: np.concatenate(values) for key, values in found.items()}
                row = [
                    f"{100 * (v > 0.3).mean():5.2f} ({100 * (v > 1).mean():5.2f})"
                    for k, v in found.items()
                    if k[0] == "n"
                ]
                row += [f"{k} {100 * (v > 0.01).mean():5.2f}" for k, v in found.items() if k[0] != "n"]
                kept = "kept" if tolerance == 0 else "moved"
                print(f"{name + ', ' + kept:20s} T = {temperature}  {'  '.join(row)}", flush=True)


if __name__ == "__main__":
    main()
