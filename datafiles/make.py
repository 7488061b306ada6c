"""
Make the files of this folder from the project's reference data.

    python datafiles/make.py ../shared

Frames are evenly spaced over their trajectories and keep their times; structures are copied as they are.
"""

import csv
import logging
import shutil
import sys
from pathlib import Path

import h5py
import MDAnalysis as mda
import numpy as np

from mdbackmap.chemistry.residues import ATOMS, RESIDUE_NAMES
from mdbackmap.datafiles import (
    ANTIBODY_PDB,
    CALVADOS_PDB,
    CALVADOS_XTC,
    CHIGNOLIN_PDB,
    CHIGNOLIN_XTC,
    COMPLEX_PDB,
    CRAMBIN_PDB,
    DIPEPTIDE_PDB,
    DIPEPTIDE_XTC,
    GO_PDB,
    GO_XTC,
    MARTINI_GRO,
    MARTINI_XTC,
    MEMBRANE_GRO,
    MEMBRANE_XTC,
    TRPCAGE_PDB,
    TRPCAGE_XTC,
    VALIDATION,
)
from mdbackmap.training.molecules.holdout import HELD_OUT, hold_out

logger = logging.getLogger(__name__)

KEPT_ATTRIBUTES = (
    "alphabet",
    "atom14",
    "bfactor",
    "brk",
    "cluster30",
    "format",
    "mask",
    "split",
    "step",
    "tier",
    "units",
)


def cut(topology, trajectory, pdb, xtc, n_frames):
    """Copy a topology, and evenly spaced frames of its trajectory with their times."""
    shutil.copyfile(topology, pdb)
    universe = mda.Universe(str(topology), str(trajectory))
    step = len(universe.trajectory) // n_frames
    universe.atoms.write(xtc, frames=universe.trajectory[: step * n_frames : step])


def cut_held_out(topology, trajectory, pdb, xtc, runs):
    """Copy a topology, and the frames of its trajectory that training holds out: blocks of the first, joined `runs`."""
    shutil.copyfile(topology, pdb)
    universe = mda.Universe(str(topology), str(trajectory))
    use = hold_out(np.repeat(np.arange(len(runs)), runs))
    universe.atoms.write(xtc, frames=universe.trajectory[np.flatnonzero(use == HELD_OUT)])


def pack_chains(structures, chains, filename):
    """Copy some chains of a structure pack, one by one, into a pack of the same layout."""
    with h5py.File(structures) as source, h5py.File(filename, "w") as target:
        for name in KEPT_ATTRIBUTES:
            target.attrs[name] = source.attrs[name]
        offsets = source["chain/offset"][:]
        entries, entry_of_chain = np.unique(source["chain/entry"][:][chains], return_inverse=True)
        rows = np.concatenate([np.arange(offsets[c], offsets[c + 1]) for c in chains])
        _copy(source["residue"], target.create_group("residue"), rows)
        _copy(source["chain"], target.create_group("chain"), chains, without=("offset", "entry"))
        _copy(source["entry"], target.create_group("entry"), entries)
        target["chain/offset"] = np.append(0, np.cumsum(np.diff(offsets)[chains]))
        target["chain/entry"] = entry_of_chain.astype(np.int32)
        target["entry/n_chains"][...] = np.bincount(entry_of_chain)  # of those that are here


def _copy(source, target, rows, without=()):
    for name in source:
        if name not in without:
            target.create_dataset(
                name, data=source[name][:][rows], compression="gzip", compression_opts=9, shuffle=True
            )


def write_entry(structures, pdb_id, filename):
    """Write one entry of a structure pack as a PDB file, chain by chain."""
    lines, serial = [], 0
    with h5py.File(structures) as pack:
        entry = list(pack["entry/pdb_id"][:]).index(pdb_id.encode())
        offsets = pack["chain/offset"][:]
        for chain in np.flatnonzero(pack["chain/entry"][:] == entry):
            rows = slice(offsets[chain], offsets[chain + 1])
            name = pack["chain/chain_id"][chain].decode()
            for line in _chain_lines({key: pack["residue"][key][rows] for key in pack["residue"]}, name):
                serial += 1
                lines.append(line.format(serial=serial % 100_000))
    Path(filename).write_text("\n".join([*lines, "END", ""]))


def _chain_lines(residues, chain, step=0.005):
    for r, kind in enumerate(residues["seq"]):
        name, number = RESIDUE_NAMES[kind], residues["resnum"][r]
        for slot, atom in enumerate(ATOMS[name]):
            if residues["mask"][r] >> slot & 1:
                x, y, z = (residues["ca"][r] + residues["rel"][r, slot]) * step
                yield (
                    f"ATOM  {{serial:5d}}  {atom:<3} {name} {chain}{number:4d}    "
                    f"{x:8.3f}{y:8.3f}{z:8.3f}{1:6.2f}{residues['b'][r]:6.2f}          {atom[0]:>2}  "
                )
    yield f"TER   {{serial:5d}}      {name} {chain}{number:4d}"


def write_trace(structures, pdb_id, chains, filename):
    """Write the C-alphas of an entry's chains as a PDB file; residues with the number of the one before get letters."""
    lines = []
    with h5py.File(structures) as pack:
        entry = list(pack["entry/pdb_id"][:]).index(pdb_id.encode())
        offsets, names = pack["chain/offset"][:], pack["chain/chain_id"][:].astype(str)
        for chain in np.flatnonzero((pack["chain/entry"][:] == entry) & np.isin(names, list(chains))):
            letter, last = "", None
            for r in range(offsets[chain], offsets[chain + 1]):
                number, name = int(pack["residue/resnum"][r]), RESIDUE_NAMES[pack["residue/seq"][r]]
                letter = (chr(ord(letter) + 1) if letter else "A") if number == last else ""
                x, y, z = pack["residue/ca"][r] * 0.005
                last, place = number, f"{x:8.3f}{y:8.3f}{z:8.3f}{1:6.2f}{0:6.2f}           C  "
                row = f"{name} {names[chain]}{number:4d}{letter:1}"
                lines.append(f"ATOM  {len(lines) + 1:5d}  CA  {row}   {place}")
    Path(filename).write_text("\n".join([*lines, "END", ""]))


def main(shared):
    """Make every file; `shared` is the folder that holds ``data``."""
    data = Path(shared) / "data"
    cut(data / "cg/go_proteing/topology.pdb", data / "cg/go_proteing/traj.xtc", GO_PDB, GO_XTC, 50)
    cut(data / "cg/asyn_calvados2/topology.pdb", data / "cg/asyn_calvados2/traj.xtc", CALVADOS_PDB, CALVADOS_XTC, 25)
    cut(data / "md/trpcage/topology_heavy.pdb", data / "md/trpcage/traj_heavy.xtc", TRPCAGE_PDB, TRPCAGE_XTC, 20)
    martini = data / "martini/md/ubiquitin_m3_en"
    cut(martini / "start.gro", martini / "traj.xtc", MARTINI_GRO, MARTINI_XTC, 8)
    dipeptide, chignolin = data / "md/alanine_dipeptide", data / "md/chignolin"
    cut_held_out(dipeptide / "topology.pdb", dipeptide / "traj.xtc", DIPEPTIDE_PDB, DIPEPTIDE_XTC, [1500] * 3)
    runs = [950, 1000, 1000, 1090]
    cut_held_out(chignolin / "topology_heavy.pdb", chignolin / "traj_heavy.xtc", CHIGNOLIN_PDB, CHIGNOLIN_XTC, runs)
    membrane = mda.Universe(*(str(data / "martini/md/integrin_tm_m3_popc" / x) for x in ("start.gro", "traj.xtc")))
    near = "name BB SC1 SC2 SC3 SC4 SC5 or (resname POPC ION NA CL and byres around 14 (name BB SC*))"
    near = membrane.select_atoms(near)
    frames = membrane.trajectory[:: len(membrane.trajectory) // 3][:3]
    near.write(MEMBRANE_XTC, frames=frames)
    membrane.trajectory[0]
    near.write(MEMBRANE_GRO, reindex=False)
    write_trace(data / "structures2.h5", "6X97", "HL", ANTIBODY_PDB)
    lines = (Path(shared) / "cases/micro-1ejg/1ejg.pdb").read_text().splitlines(keepends=True)
    alphas = [line for line in lines if line.startswith("ATOM") and line[12:16] == " CA " and line[16] in " A"]
    Path(CRAMBIN_PDB).write_text("".join([*(line[:16] + " " + line[17:] for line in alphas), "END\n"]))
    write_entry(data / "structures.h5", "1BRS", COMPLEX_PDB)
    with open(data / "validation.csv", newline="") as table:
        chains = np.array([int(row["chain"]) for row in csv.DictReader(table)])
    pack_chains(data / "structures.h5", chains, VALIDATION)
    for filename in sorted(Path(VALIDATION).parent.iterdir()):
        logger.info("%9d bytes  %s", filename.stat().st_size, filename.name)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    logger.setLevel(logging.INFO)
    main(*sys.argv[1:])
