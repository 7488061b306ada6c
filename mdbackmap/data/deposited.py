"""
Atoms as files and Universes have them: PDB files read by MDAnalysis, mmCIF files by gemmi.

Lengths in angstrom. Neither package is loaded before a file is read.
"""

import gzip
import re
import warnings

import numpy as np

from ..checks import require
from ..molecule.attributes import attribute
from ..universes.opening import open_files
from .polymers import Atoms

_RESOLUTION = re.compile(r"^REMARK   2 RESOLUTION\.\s+([\d.]+)\s+ANGSTROM", re.MULTILINE)


def read_pdb(filename, models):
    """What the header says, then atoms and positions of each model."""
    from ..universes.access import read_frame

    yield _header(filename)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = open_files([filename], topology_format="PDB", format="PDB")
        atoms = of_universe(universe.atoms)
        for number in range(universe.trajectory.n_frames if models == "all" else 1):
            read_frame(universe.trajectory, number)
            yield atoms, universe.atoms.positions.astype(float)


def _header(filename):
    """Identifier, method and resolution of a PDB file, as far as it tells."""
    opened = gzip.open if str(filename).lower().endswith(".gz") else open
    try:
        with opened(filename, "rt", errors="replace") as stream:
            text = stream.read()
    except OSError as error:
        raise ValueError(f"cannot be read: {error}") from error
    lines = text.splitlines()
    if not any(line.startswith(("ATOM", "HETATM")) for line in lines):
        raise ValueError("no ATOM record in it")
    head = next((line for line in lines if line.startswith("HEADER")), "")
    method = next((line[10:].strip() for line in lines if line.startswith("EXPDTA")), "")
    resolution = _RESOLUTION.search(text)
    return {"pdb_id": head[62:66].strip(), "method": method, "resolution": float(resolution[1]) if resolution else 0.0}


def read_cif(filename, models):
    """What the header says, then atoms and positions of each model."""
    require("gemmi", "mmCIF files are read by")
    import gemmi

    try:
        structure = gemmi.read_structure(str(filename), format=gemmi.CoorFormat.Mmcif)
    except (ValueError, RuntimeError, OSError, IndexError) as error:
        raise ValueError(f"gemmi cannot read it: {' '.join(str(error).split())}") from error
    method = structure.info["_exptl.method"] if "_exptl.method" in structure.info else ""
    yield {"pdb_id": structure.name[:4].upper(), "method": method, "resolution": float(structure.resolution)}
    if not len(structure):
        raise ValueError("no model in it")
    for model in list(structure)[: None if models == "all" else 1]:
        yield _of_gemmi(model)


def _of_gemmi(model):
    """`Atoms` of a gemmi Model, and their positions."""
    every = [(chain.name, residue, atom) for chain in model for residue in chain for atom in residue]

    def text(values):
        return np.array([value.strip("\0 ") for value in values], dtype=object)

    texts = (
        (atom.name for _, _, atom in every),
        (residue.name for _, residue, _ in every),
        (chain for chain, _, _ in every),
        (residue.seqid.icode for _, residue, _ in every),
        (atom.altloc for _, _, atom in every),
    )
    numbers = [(residue.seqid.num, atom.occ, atom.b_iso, *atom.pos.tolist()) for _, residue, atom in every]
    numbers = np.array(numbers, dtype=float).reshape(-1, 6)
    return Atoms(*map(text, texts), *numbers[:, :3].T), numbers[:, 3:]


def of_universe(atoms):
    """`Atoms` of an AtomGroup; what it does not tell is blank, chains are segments where there are no chain names."""
    chains = attribute(atoms, "chainIDs", "")
    chains = np.where(chains == "", attribute(atoms, "segids", ""), chains)
    texts = (attribute(atoms, name, "") for name in ("icodes", "altLocs"))
    resids = getattr(atoms, "resids", atoms.resindices + 1)
    usual = {"occupancies": 1.0, "tempfactors": 0.0}
    numbers = (np.asarray(getattr(atoms, k, np.full(len(atoms), v)), dtype=float) for k, v in usual.items())
    return Atoms(attribute(atoms, "names", ""), attribute(atoms, "resnames", ""), chains, *texts, resids, *numbers)
