"""Files as simulation programs write them, made of the bundled examples: what users of docs/sources/*.md begin with."""

from pathlib import Path

import gsd.hoomd
import MDAnalysis as mda
import numpy as np

from mdbackmap.chemistry.residues import NAME_OF_LETTER
from mdbackmap.cli import main
from mdbackmap.datafiles import (
    CALVADOS_PDB,
    CALVADOS_XTC,
    CHIGNOLIN_PDB,
    CHIGNOLIN_XTC,
    GO_PDB,
    GO_XTC,
    TRPCAGE_PDB,
    TRPCAGE_XTC,
)

ONE_LETTER = {name: letter for letter, name in NAME_OF_LETTER.items()}
AWSEM_NAMES = {"GLY": "IGL", "PRO": "IPR"}  # all others are NGP
N_FRAMES = 3


def calvados():
    """`top.pdb` and `SYSNAME.dcd` of CALVADOS' `run.py`."""
    _write(mda.Universe(CALVADOS_PDB, CALVADOS_XTC).atoms, "top.pdb", "asyn.dcd")


def go():
    """`smog.gro` of SMOG 2 (no chains), and the trajectory of GROMACS."""
    _write(mda.Universe(GO_PDB, GO_XTC).atoms, "smog.gro", "traj_comp.xtc")


def awsem():
    """`movie.pdb` of OpenAWSEM: N, CA, C, O, CB of residues that are called NGP, IGL, IPR, and its FASTA file."""
    u = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC)
    sequence = "".join(ONE_LETTER[name] for name in u.residues.resnames)
    Path("crystal_structure.fasta").write_text(f">CRYSTAL_STRUCTURE:A|PDBID|CHAIN|SEQUENCE\n{sequence}\n")
    sites = u.select_atoms("name N CA C O CB")
    sites.residues.resnames = [AWSEM_NAMES.get(name, "NGP") for name in u.residues.resnames]
    with mda.Writer("movie.pdb", multiframe=True) as movie:
        for _ in u.trajectory[:N_FRAMES]:
            movie.write(sites)


def torchmd():
    """A PSF file of C-alphas, as moleculekit writes it, and the (atoms, 3, frames) array of TorchMD."""
    beads = mda.Universe(CHIGNOLIN_PDB, CHIGNOLIN_XTC).select_atoms("name CA")
    lines = ["PSF\n\n       1 !NTITLE\n REMARKS C-alphas\n", f"{len(beads):8d} !NATOM"]
    for number, atom in enumerate(beads, 1):
        kind = f"CA{ONE_LETTER[atom.resname]}"
        lines.append(
            f"{number:8d} P    {number:<4d} {atom.resname:4s} CA   {kind:4s}   0.000000       12.0000           0"
        )
    ends = [number for pair in zip(range(1, len(beads)), range(2, len(beads) + 1), strict=True) for number in pair]
    lines += ["", f"{len(beads) - 1:8d} !NBOND: bonds"]
    lines += ["".join(f"{number:8d}" for number in ends[k : k + 8]) for k in range(0, len(ends), 8)]
    Path("chignolin_ca_top.psf").write_text("\n".join(lines) + "\n")
    frames = [beads.positions.copy() for _ in beads.universe.trajectory[:N_FRAMES]]
    np.save("output_0.npy", np.stack(frames, axis=2))


def hps():
    """A GSD file of HOOMD in nm, and data file, dump and sequence of LAMMPS in angstrom."""
    beads = mda.Universe(CALVADOS_PDB, CALVADOS_XTC).atoms
    types = sorted(set(beads.resnames))
    kinds = [types.index(name) for name in beads.resnames]
    edge = 1000.0
    with gsd.hoomd.open("production.gsd", "w") as out:
        for step, _ in enumerate(beads.universe.trajectory[:N_FRAMES]):
            frame = gsd.hoomd.Frame()
            frame.configuration.step, frame.configuration.box = step, [edge / 10] * 3 + [0, 0, 0]
            frame.particles.N, frame.particles.types, frame.particles.typeid = len(beads), types, kinds
            frame.particles.position = (beads.positions - beads.center_of_geometry()) / 10
            frame.bonds.N, frame.bonds.types = len(beads) - 1, ["AA_bond"]
            frame.bonds.group = [(i, i + 1) for i in range(len(beads) - 1)]
            out.append(frame)
    Path("sequence.fasta").write_text(f">asyn\n{''.join(ONE_LETTER[name] for name in beads.resnames)}\n")
    _lammps(beads, kinds, types, edge)


def _lammps(beads, kinds, types, edge):
    head = f"HPS\n\n{len(beads)} atoms\n{len(beads) - 1} bonds\n{len(types)} atom types\n1 bond types\n\n"
    head += "".join(f"{-edge / 2} {edge / 2} {axis}lo {axis}hi\n" for axis in "xyz")
    masses = "".join(f"{k} {100 + k}.0\n" for k, _ in enumerate(types, 1))
    atoms = "".join(
        f"{k} 1 {kind + 1} 0.0 {x:.4f} {y:.4f} {z:.4f}\n"
        for k, (kind, (x, y, z)) in enumerate(zip(kinds, beads.positions, strict=True), 1)
    )
    bonds = "".join(f"{k} 1 {k} {k + 1}\n" for k in range(1, len(beads)))
    Path("input.data").write_text(f"{head}\nMasses\n\n{masses}\nAtoms # full\n\n{atoms}\nBonds\n\n{bonds}")
    with open("out.lammpstrj", "w") as out:
        for step, _ in enumerate(beads.universe.trajectory[:N_FRAMES]):
            out.write(
                f"ITEM: TIMESTEP\n{step * 1000}\nITEM: NUMBER OF ATOMS\n{len(beads)}\nITEM: BOX BOUNDS pp pp pp\n"
            )
            out.write(f"{-edge / 2} {edge / 2}\n" * 3 + "ITEM: ATOMS id type x y z\n")
            for k, (kind, (x, y, z)) in enumerate(zip(kinds, beads.positions, strict=True), 1):
                out.write(f"{k} {kind + 1} {x:.4f} {y:.4f} {z:.4f}\n")


def martini2():
    """Beads of Martini 2.2 in one file of several frames."""
    assert main(["coarsen", TRPCAGE_PDB, TRPCAGE_XTC, "--mapping", "martini22", "-o", "md.xtc", "--quiet"]) == 0
    Path("md.pdb").rename("protein.pdb")


def backbones():
    """`topology.pdb` and `samples.xtc` of BioEmu: N, CA, C, O, CB."""
    atoms = mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).select_atoms("name N CA C O CB")
    _write(atoms, "topology.pdb", "samples.xtc")


WRITTEN = {
    "calvados.md": calvados,
    "go-models.md": go,
    "awsem-openabc.md": awsem,
    "torchmd-cg.md": torchmd,
    "hps.md": hps,
    "martini2.md": martini2,
    "backbones.md": backbones,
}


def _write(atoms, topology, trajectory):
    atoms.write(topology)
    with mda.Writer(trajectory, len(atoms)) as out:
        for _ in atoms.universe.trajectory[:N_FRAMES]:
            out.write(atoms)
