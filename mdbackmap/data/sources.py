"""
Where packed structures come from: PDB files (read by MDAnalysis), mmCIF files (by gemmi), all-atom Universes.

Each reader gives `Entry` objects: the chains of one structure or of one frame. Reading a pack and training do without
MDAnalysis.

Shapes: A atoms, R residues. Lengths in angstrom.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..recognition.soundness import check_atoms
from .deposited import of_universe, read_cif, read_pdb
from .polymers import Polymer, polymers

logger = logging.getLogger(__name__)

PDB_SUFFIXES, CIF_SUFFIXES = (".pdb", ".ent"), (".cif", ".mmcif")


@dataclass(eq=False)
class Entry:
    """
    Chains that belong together: a structure, or a frame of a trajectory.

    Attributes
    ----------
    name : str
    chains : list of (Polymer, atom14, mask)
        `atom14` (R, 14, 3) float, `mask` (R, 14) bool, as `Polymer.place` gives them.
    system : str
        Frames and models of one system have the same; it is the name for a structure.
    pdb_id, method, source : str
    resolution : float
        Angstrom; 0 if not known.
    """

    name: str
    chains: list
    system: str = ""
    pdb_id: str = ""
    method: str = ""
    source: str = ""
    resolution: float = 0.0

    @property
    def lengths(self):
        """Number of residues of each chain."""
        return [len(polymer) for polymer, _, _ in self.chains]

    @property
    def sequences(self):
        """One-letter codes of each chain."""
        return [polymer.sequence for polymer, _, _ in self.chains]


@dataclass(frozen=True)
class System:
    """
    An all-atom trajectory to be packed.

    Attributes
    ----------
    name : str
    universe : MDAnalysis Universe or AtomGroup
        Of an AtomGroup, only its atoms are looked at.
    start, stop, step : int, optional
        Which frames.
    kind, licence, source, note : str
        Kept in a file of ensembles.
    """

    name: str
    universe: object
    start: int | None = None
    stop: int | None = None
    step: int | None = None
    kind: str = "MD"
    licence: str = ""
    source: str = ""
    note: str = ""


def structure_files(paths):
    """
    PDB and mmCIF files, those of folders included.

    Parameters
    ----------
    paths : sequence of path-like
        Files, and folders that are searched with all that is below them.

    Returns
    -------
    list of Path
        Sorted within each folder; each file once.

    Raises
    ------
    FileNotFoundError
        No such file or folder.
    """
    every = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        every |= {file: None for file in files if file.is_file() and (not path.is_dir() or kind_of(file))}
    return list(every)


def kind_of(filename):
    """
    "pdb", "cif" or None, by the end of a file's name; ``.gz`` may follow.

    Examples
    --------
    >>> kind_of("1abc.pdb"), kind_of("1abc.cif.gz"), kind_of("notes.txt")
    ('pdb', 'cif', None)
    """
    suffix = Path(str(filename).lower().removesuffix(".gz")).suffix
    return "pdb" if suffix in PDB_SUFFIXES else "cif" if suffix in CIF_SUFFIXES else None


def read_structure(filename, models="first"):
    """
    Read a PDB or mmCIF file.

    Parameters
    ----------
    filename : path-like
    models : {"first", "all"}
        Which models of an NMR entry; each is an `Entry`.

    Returns
    -------
    list of Entry

    Raises
    ------
    ValueError
        Neither format, damaged, or without a protein; the message says which.
    ImportError
        mmCIF without gemmi.

    Examples
    --------
    >>> from mdbackmap.datafiles import COMPLEX_PDB
    >>> [chain[0].chain_id for chain in read_structure(COMPLEX_PDB)[0].chains]
    ['A', 'D']
    """
    filename = Path(filename)
    kind = kind_of(filename)
    if kind is None:
        raise ValueError(f"neither PDB nor mmCIF by its name, expected one of {', '.join(PDB_SUFFIXES + CIF_SUFFIXES)}")
    name = filename.name.lower().removesuffix(".gz").rsplit(".", 1)[0]
    parts = (read_pdb if kind == "pdb" else read_cif)(filename, models)
    about, frames = next(parts), []
    for number, (atoms, positions) in enumerate(parts):
        chains = _placed(polymers(atoms), positions)
        label = name if models == "first" else f"{name}_{number + 1}"
        frames.append(Entry(label, chains, system=name, source=filename.name, **about))
    if not any(entry.chains for entry in frames):
        raise ValueError("no amino acid with a C-alpha atom")
    return frames


def read_system(system, progress=iter, left_out=None):
    """
    The frames of a trajectory, one after another; molecules that a periodic box cuts are made whole.

    Parameters
    ----------
    system : System
    progress : callable
        Wraps the frames, as tqdm does.
    left_out : list, optional
        Gets (name, reason) of frames that cannot be read or are broken; without it they are errors.

    Yields
    ------
    Entry

    Raises
    ------
    ValueError
        No protein in the universe, no frame chosen, or (without `left_out`) a frame that is broken.
    """
    from ..universes.access import read_frame

    atoms = system.universe.atoms
    chains_of_system = polymers(of_universe(atoms))
    if not chains_of_system:
        raise ValueError(f"{system.name}: no amino acid with a C-alpha atom among {len(atoms)} atoms")
    trajectory = atoms.universe.trajectory
    numbers = range(len(trajectory))[system.start : system.stop : system.step]
    if not len(numbers):
        raise ValueError(f"{system.name}: none of the {len(trajectory)} frames was chosen")
    needed = atoms[np.unique(np.concatenate([polymer.atoms[polymer.atoms >= 0] for polymer in chains_of_system]))]
    for number in progress(numbers):
        try:
            step = read_frame(trajectory, number)
            check_atoms(needed.positions[None], needed, [number], advice=lambda _: "the frame is left out")
        except ValueError as error:
            if left_out is None:
                raise
            left_out.append((system.name, str(error)))
            continue
        chains = _placed(chains_of_system, _whole(chains_of_system, atoms.positions.astype(float), step.dimensions))
        yield Entry(f"{system.name}_{number}", chains, system=system.name, method=system.kind, source=system.source)


def _placed(chains, positions):
    """(Polymer, atom14, mask) of each chain; residues whose CA has no finite position are left out."""
    placed = []
    for polymer in chains:
        finite = np.isfinite(positions[polymer.atoms[:, 1]]).all(1)
        if finite.any():
            if not finite.all():
                parts = (polymer.types, polymer.resids, polymer.atoms, polymer.b)
                polymer = Polymer(polymer.chain_id, *(values[finite] for values in parts))
            placed.append((polymer, *polymer.place(positions)))
    return placed


def _whole(chains, positions, box):
    """Positions with each chain whole, and each chain at the image nearest to the first one."""
    from ..molecule.boxes import real_box

    if real_box(box) is None:
        return positions
    from MDAnalysis.lib.distances import minimize_vectors

    def nearest(vectors):
        return minimize_vectors(vectors.astype(np.float32), box).astype(float)

    positions, centre = positions.copy(), None
    for polymer in chains:
        slots = polymer.atoms
        ca = positions[slots[:, 1]]
        if len(ca) > 1:
            ca = ca[0] + np.vstack([np.zeros(3), np.cumsum(nearest(np.diff(ca, axis=0)), axis=0)])
        middle = ca.mean(0)
        if centre is None:
            centre = middle
        ca = ca + (nearest((middle - centre)[None])[0] - (middle - centre))
        relative = nearest((positions[slots] - positions[slots[:, 1]][:, None]).reshape(-1, 3)).reshape(*slots.shape, 3)
        filled = slots >= 0
        positions[slots[filled]] = (ca[:, None] + relative)[filled]
    return positions
