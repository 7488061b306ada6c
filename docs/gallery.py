"""
Draw the pictures of docs/gallery.md from the bundled files: `python docs/gallery.py [FOLDER]`, about three minutes.

The crystal chain is 1VFY, one of the validation chains that no network was trained on (docs/figures.py).
"""

import io
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import MDAnalysis as mda
import numpy as np
from figures import crystal
from PIL import Image

import mdbackmap as mdb
from mdbackmap.cli import main as command
from mdbackmap.datafiles import (
    CALVADOS_PDB,
    CALVADOS_XTC,
    DIPEPTIDE_PDB,
    DIPEPTIDE_XTC,
    GO_PDB,
    GO_XTC,
    MARTINI_GRO,
    MARTINI_XTC,
)
from mdbackmap.evaluation import plots
from mdbackmap.evaluation.judgement import judge
from mdbackmap.evaluation.peptide_torsions import phi_psi
from mdbackmap.evaluation.picture import beads_and_atoms
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.training.log import training_curves

DPI = {"structure": 75, "other": 80}  # pixels an inch; chosen: by hand, so that files are small
COLOURS = 128  # of a picture, at most; chosen: by hand, so that files are small
EPOCHS = 20  # of the training that is shown; chosen: by hand, so that it takes a minute
N_SAMPLES = 10  # of each structure; chosen: by hand


def converted(atoms, folder, name, frames=slice(None), **options):
    """A conversion (BackmapTrajectory that has run), and the Universe of what it wrote."""
    model = mdb.load_model("genzprot", atoms)
    file = folder / f"{name}.xtc"
    conversion = mdb.BackmapTrajectory(atoms, model, filename=str(file), **options)
    conversion.run(start=frames.start, stop=frames.stop, step=frames.step)
    return conversion, model, mda.Universe(str(file.with_suffix(".pdb")), str(file))


def structures(folder):
    """Beads and atoms of a Martini system, and of a disordered chain."""
    for name, title, files in (
        ("martini", "Ubiquitin in Martini 3", (MARTINI_GRO, MARTINI_XTC)),
        ("synuclein", "Alpha-synuclein in CALVADOS-2", (CALVADOS_PDB, CALVADOS_XTC)),
    ):
        cg = mda.Universe(*files)
        _, model, u = converted(cg.atoms, folder, name, slice(0, 1), temperature=0)
        own = model.mapping.project(u.atoms.positions[None])[0]
        yield f"structure-{name}", beads_and_atoms(model.mapping, own, u.atoms.positions, title=title)


def simulated_beads(folder):
    """What a Go model and CALVADOS give: Ramachandran map, clashes, displacements."""
    _, _, folded = converted(mda.Universe(GO_PDB, GO_XTC).atoms, folder, "go", slice(0, None, 2))
    yield "ramachandran", plots.ramachandran_map(folded.atoms)
    yield "clashes", plots.clash_map(folded.atoms)
    cg = mda.Universe(CALVADOS_PDB, CALVADOS_XTC)
    conversion, model, _ = converted(cg.atoms, folder, "moved", slice(0, None, 2))
    labels = [f"{name} {number}" for name, number in zip(cg.residues.resnames, cg.residues.resids, strict=True)]
    yield "displacements", plots.displacement_along_chain(conversion.results.displacements, labels)


def known_atoms(folder):
    """Samples of the C-alphas of a crystal against its atoms."""
    names, atoms = crystal()
    owner = [residue for residue, _ in atoms]
    true = mda.Universe.empty(len(atoms), len(names), atom_resindex=owner, trajectory=True)
    for attribute, values in (
        ("names", [name for _, name in atoms]),
        ("elements", [name[0] for _, name in atoms]),
        ("resnames", names),
        ("resids", range(1, len(names) + 1)),
        ("chainIDs", ["A"] * len(atoms)),
    ):
        true.add_TopologyAttr(attribute, list(values))
    true.atoms.positions = list(atoms.values())
    conversion, _, made = converted(true.select_atoms("name CA"), folder, "crystal", n_samples=N_SAMPLES)
    judgement = judge(read_protein(made.atoms, name="samples"), read_protein(true.atoms, name="1VFY"))
    yield "rotamers", plots.chi_histograms(judgement)
    yield "errors", plots.residue_errors(judgement)
    labels = [f"{name} {number}" for number, name in enumerate(names, 1)]
    spread = conversion.results.spread[0]
    yield "uncertainty", plots.uncertainty_along_chain(spread, labels, errors=judgement.errors)


def one_molecule(folder):
    """A short training on alanine dipeptide, and the bundled model, which was trained for hours."""
    toml = folder / "molecule.toml"
    toml.write_text(
        f'[model]\nfamily = "cgvae"\n[data]\ntopology = "{DIPEPTIDE_PDB}"\ntrajectory = ["{DIPEPTIDE_XTC}"]\n'
        f'mapping = "residue"\n[training]\nfolder = "{folder}/run"\nepochs = {EPOCHS}\n[validation]\nevery = 2\n'
    )
    command(["train", str(toml), "--quiet"])
    yield "training", training_curves(folder / "run")
    true, quintets = mda.Universe(DIPEPTIDE_PDB, DIPEPTIDE_XTC), np.array([[4, 6, 8, 14, 16]])  # C, N, CA, C, N
    name = "cgvae-alanine-dipeptide"
    command(f"coarsen {DIPEPTIDE_PDB} {DIPEPTIDE_XTC} --mapping {name} -o {folder}/beads.xtc --quiet".split())
    command(f"convert {folder}/beads.pdb {folder}/beads.xtc --model {name} -o {folder}/atoms.xtc --quiet".split())
    made = mda.Universe(f"{folder}/atoms.pdb", f"{folder}/atoms.xtc")
    positions = {
        what: np.array([u.atoms.positions for _ in u.trajectory])
        for what, u in (("simulation", true), ("samples", made))
    }
    yield "ensemble", plots.dihedral_maps({what: phi_psi(frames, quintets) for what, frames in positions.items()})


def save(figure, file):
    """As a PNG of few colours."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=DPI["structure" if "structure" in file.name else "other"])
    Image.open(stream).convert("RGB").quantize(COLOURS).save(file, optimize=True)


def main(folder):
    """Draw all of them."""
    warnings.filterwarnings("ignore", module="MDAnalysis|mdbackmap")
    plt.rcdefaults()  # not those of the other figures
    logging.getLogger("mdbackmap").setLevel("ERROR")
    folder.mkdir(exist_ok=True)
    for draw in (structures, simulated_beads, known_atoms, one_molecule):
        with tempfile.TemporaryDirectory() as scratch:
            for name, figure in draw(Path(scratch)):
                save(figure, folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "gallery")
