"""
The frames of one molecule from files that MDAnalysis reads: topology with bonds, whole molecules, runs.

Shapes: F frames, A atoms. Positions in angstrom. MDAnalysis is imported when a function runs.
"""

import dataclasses
import re
import warnings
from pathlib import Path

import numpy as np

from ...files import digest
from ...molecule.topology import Topology
from ...reading.formats import option_of
from ...universes.opening import open_files, select


@dataclasses.dataclass(frozen=True, eq=False)
class MoleculeFrames:
    """
    The frames of one molecule.

    Attributes
    ----------
    topology : Topology
        A atoms, with bonds.
    positions : ndarray of float32, shape (F, A, 3)
        Molecules whole.
    runs : ndarray of int64, shape (F,)
        Run of each frame.
    numbers : ndarray of int64, shape (F,)
        Numbers of the frames in the trajectory.
    sources : list of dict
        Files: name, sha256.
    select : callable
        From a selection to places among these atoms.
    """

    topology: Topology
    positions: np.ndarray
    runs: np.ndarray
    numbers: np.ndarray
    sources: list
    select: object = None

    def __repr__(self):
        runs = len(np.unique(self.runs))
        return f"<{len(self.positions)} frames of {self.topology.n_atoms} atoms in {runs} run{'s' if runs > 1 else ''}>"


def read_molecule(data):
    """
    Read what `MoleculeData` names.

    Parameters
    ----------
    data : MoleculeData

    Returns
    -------
    MoleculeFrames

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Files that MDAnalysis cannot read, an empty selection, no frames, coordinates that are not finite, runs that do
        not add up.
    """
    atoms, sources = open_molecule(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return molecule_frames(atoms, data.frames, data.runs, sources)


def open_molecule(data):
    """The AtomGroup that `MoleculeData` names, and its files as plain values; arguments as of `read_molecule`."""
    files = [data.topology, *data.trajectory]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = open_files(
            files,
            topology_format=data.topology_format or None,
            format=data.format or None,
            options=dict(map(option_of, data.reader_options)),
        )
        atoms = select(universe, data.select, "select =")
    return atoms, [{"name": Path(name).name, "sha256": digest(name)} for name in files]


def molecule_frames(atoms, frames="", runs=(), sources=()):
    """
    The frames of an AtomGroup.

    Parameters
    ----------
    atoms : AtomGroup
    frames : str
        "start:stop:step"; all if empty.
    runs : sequence of int
        Numbers of frames of the runs that follow each other in the trajectory; by default its files are runs.
    sources : list of dict

    Returns
    -------
    MoleculeFrames
    """
    from ...universes.whole import read_topology, read_whole, selector

    trajectory = atoms.universe.trajectory
    numbers = chosen_frames(frames, len(trajectory))
    topology = read_topology(atoms)
    positions = read_whole(atoms, topology.bonds, numbers)
    return MoleculeFrames(
        topology, positions, runs_of(trajectory, runs)[numbers], numbers, list(sources), selector(atoms)
    )


def chosen_frames(frames, n_frames):
    """
    Numbers of the frames that "start:stop:step" names.

    Examples
    --------
    >>> chosen_frames("2::3", 10).tolist()
    [2, 5, 8]
    """
    if not re.fullmatch(r"-?\d*(:-?\d*){1,2}|", frames.strip()):
        raise ValueError(f"frames = {frames!r}: expected 'start:stop:step', such as '0:1000' or '::10'")
    parts = [int(part) if part.strip() else None for part in frames.split(":")] if frames.strip() else [None]
    numbers = np.arange(n_frames)[slice(*parts)] if len(parts) > 1 else np.arange(n_frames)
    if not len(numbers):
        raise ValueError(f"frames = {frames!r} names none of the {n_frames} frames")
    return numbers


def runs_of(trajectory, runs=()):
    """Run of every frame (F,), from numbers of frames of the runs; by default the files of a trajectory are runs."""
    n_frames = len(trajectory)
    if not len(runs):
        readers = getattr(trajectory, "readers", None)
        runs = [n_frames] if readers is None else [len(reader) for reader in readers]
    if sum(runs) != n_frames:
        raise ValueError(f"runs = {list(runs)} add up to {sum(runs)} frames, but the trajectory has {n_frames}")
    return np.repeat(np.arange(len(runs)), runs)
