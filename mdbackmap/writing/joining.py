"""
One output file from its segments, marked with where it came from.

Segments that are plain sequences of frames are joined by their bytes; H5MD data sets are extended;
any other format is read and written once more.
"""

from __future__ import annotations

import json
import shutil
from functools import reduce
from pathlib import Path

import MDAnalysis as mda
import numpy as np
from MDAnalysis.coordinates import core

from .output import GROWING, H5MD, PDB, check_written
from .partial import Partial
from .pdb import ending, header

_BLOCK = 256
_STAMP = "parameters/mdbackmap"


def join(partial: Partial, n_frames, make_universe) -> Path:
    """
    Make one file of all segments.

    Parameters
    ----------
    partial : Partial
        With segments that cover all frames.
    n_frames : int
        Output frames that they must cover, and that the file must then hold.
    make_universe : callable
        Gives a Universe with the fine topology.

    Returns
    -------
    Path
        In the folder of the partial output.

    Raises
    ------
    RuntimeError
        Frames that are in no segment.
    """
    segments = partial.segments()
    _check_cover(segments, n_frames)
    if partial.suffix in GROWING:
        return reduce(partial.append, segments).path
    segments = [segment for segment in segments if segment.size]  # of others all frames were left out
    if len(segments) == 1 and partial.suffix not in H5MD:  # more is written into these: the segment stays as it is
        return segments[0].path
    path = partial.folder / f"joined{partial.suffix}"
    merge(path, segments, make_universe, partial.n_kept(0, n_frames))
    return path


def merge(path, segments, make_universe, n_frames):
    """
    Write one file of several segments, of a format whose files cannot be joined by their bytes.

    Parameters
    ----------
    path : Path
    segments : list of Segment
        In order.
    make_universe : callable
        As `join` has it.
    n_frames : int
        That they hold.

    Raises
    ------
    OSError
        If not all of it reached the disk.
    """
    if path.suffix in H5MD:
        _join_h5md(path, [x.path for x in segments])
    else:
        _rewrite(path, segments, make_universe())
    check_written(path, n_frames)


def _check_cover(segments, n_frames):
    reached = 0
    for segment in segments:
        if segment.start != reached:
            break
        reached = segment.stop
    if reached != n_frames:
        raise RuntimeError(f"frames from {reached} on (of {n_frames} in the output) were lost: please report this")


def _join_h5md(path, parts):
    """Copy the first part and extend its data sets by those of the others."""
    import h5py

    shutil.copyfile(parts[0], path)
    with h5py.File(path, "r+") as whole:
        names = _growing_datasets(whole)
        for part in parts[1:]:
            with h5py.File(part, "r") as file:
                for name in names:
                    _extend(whole[name], file[name], rising=name.endswith("/step"))


def _growing_datasets(file):
    """Names of the data sets with a row a frame; hard links (time and step are shared) once."""
    found = {}

    def visit(name, item):
        if getattr(item, "maxshape", ())[:1] == (None,):
            found.setdefault(item.id.__hash__(), name)

    file.visititems(visit)
    return list(found.values())


def _extend(target, source, rising):
    start, n = len(target), len(source)
    shift = int(target[-1]) + 1 - int(source[0]) if rising and source[0] < target[-1] else 0
    target.resize(start + n, axis=0)
    for i in range(0, n, _BLOCK):
        rows = source[i : i + _BLOCK]
        target[start + i : start + i + len(rows)] = rows + shift if rising else rows


def _rewrite(path, segments, universe):
    """Read the segments and write them as one."""
    n_atoms = universe.atoms.n_atoms
    with mda.Writer(str(path), n_atoms, multiframe=True) as writer:
        for segment in segments:
            universe.trajectory = core.reader(str(segment.path), n_atoms=n_atoms)
            for number, ts in enumerate(universe.trajectory, segment.start):
                ts.frame = number  # some formats store it
                writer.write(universe)
            universe.trajectory.close()


def stamp(path, provenance, topology):
    """
    Mark a complete file with its provenance, if the format can hold it.

    Parameters
    ----------
    path : path-like
        An H5MD file gets attributes of the groups ``/parameters/mdbackmap/conversion`` and ``.../model``; a PDB file
        is ended.
    provenance : dict of dict
        JSON-able.
    topology : Topology
        Of its atoms.
    """
    path = Path(path)
    if path.suffix in H5MD:
        import h5py

        with h5py.File(path, "r+") as file:
            for level, entries in as_stamp(provenance).items():
                file.require_group(f"{_STAMP}/{level}").attrs.update(entries)
    elif path.suffix in PDB:
        left_out = [f"skipped.{key}: {why}" for key, why in provenance.get("skipped", {}).items()]
        with open(path, "a", encoding="ascii") as file:
            file.write(header(left_out) + ending(topology))


def as_stamp(provenance) -> dict:
    """A provenance as attributes of an H5MD file: numbers and strings as they are, all else as JSON."""

    def plain(value):
        fits = np.isscalar(value) and not (isinstance(value, int) and abs(value) >= 2**63)  # seeds may be longer
        return value if fits else json.dumps(value)

    return {level: {key: plain(value) for key, value in entries.items()} for level, entries in provenance.items()}


def read_stamp(path) -> dict:
    """The attributes that `stamp` gave an H5MD file, by group; none if it is no such file."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return {level: dict(group.attrs) for level, group in file[_STAMP].items()} if _STAMP in file else {}
    except OSError:
        return {}
