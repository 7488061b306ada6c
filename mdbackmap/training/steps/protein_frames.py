"""
Frames of a protein as its C-alpha trace, or as the heavy atoms that `protein_topology` lists, in that order.

MDAnalysis is imported when a function runs.
"""

import numpy as np

from ...data.known import spread
from ...molecule.heavy_atoms import protein_topology
from ..molecules.molecule_frames import MoleculeFrames, chosen_frames, molecule_frames, open_molecule, runs_of

_LOOKED_AT = 10  # frames in which chain ends and cis peptides are looked for


def read_frames(data, fine):
    """
    Frames at one level.

    Parameters
    ----------
    data : MoleculeData
    fine : {"atoms", "protein", "ca"}
        All atoms that are selected, the heavy atoms of the protein, or its C-alphas.

    Returns
    -------
    MoleculeFrames

    Raises
    ------
    FileNotFoundError, ValueError
        As of `molecules.molecule_frames.read_molecule`; an atom of the protein that is not there.
    """
    atoms, sources = open_molecule(data)
    if fine == "atoms":
        return molecule_frames(atoms, data.frames, data.runs, sources)
    from ...recognition.recognise import recognise
    from ...universes.universe import universe_of
    from ...universes.whole import read_whole, selector

    numbers = chosen_frames(data.frames, len(atoms.universe.trajectory))
    looked_at = numbers[spread(len(numbers), _LOOKED_AT)]
    everything = atoms.universe.atoms
    indices, topology, _ = recognise(atoms, "ca", frames=lambda ix: read_whole(everything[ix], [], looked_at))
    if fine == "protein":
        topology = protein_topology(topology)
        indices = _atoms_of(atoms, everything.resindices[indices], topology)
    positions = read_whole(everything[indices], topology.bonds, numbers)
    select = selector(universe_of(topology).atoms)
    runs = runs_of(atoms.universe.trajectory, data.runs)[numbers]
    return MoleculeFrames(topology, positions, runs, numbers, sources, select)


def _atoms_of(atoms, resindices, topology):
    """Index of every atom of a topology in the universe, by residue and name."""
    index_of_atom = {}
    for index, resindex, name in zip(atoms.ix, atoms.resindices, np.char.upper(atoms.names.astype(str)), strict=True):
        index_of_atom.setdefault((int(resindex), str(name)), int(index))
    wanted = [(int(resindices[r]), str(n)) for r, n in zip(topology.residue_of_atom, topology.names, strict=True)]
    missing = [k for k, key in enumerate(wanted) if key not in index_of_atom]
    if missing:
        at = missing[0]
        label = topology.label(int(topology.residue_of_atom[at]))
        raise ValueError(
            f"{label} has no atom {topology.names[at]} ({len(missing)} atoms are missing): expected all heavy atoms "
            'of the protein; complete them, or train on the C-alphas, fine = "ca"'
        )
    return np.array([index_of_atom[key] for key in wanted])
