"""
Trajectory files of which MDAnalysis reads less than there should be, without a warning.

These are files that are cut off, files that hold fewer frames than they say, and text files of several frames of which
a Universe has the first.
"""

from __future__ import annotations

import logging
import os
import struct
import weakref

from MDAnalysis.coordinates.DCD import DCDReader
from MDAnalysis.coordinates.GRO import GROReader
from MDAnalysis.coordinates.LAMMPS import DumpReader
from MDAnalysis.coordinates.XYZ import XYZReader
from MDAnalysis.lib.util import anyopen

from .text_frames import READERS, GROFrames, count_frames
from .xdr import bytes_after

logger = logging.getLogger(__name__)

_LINES = {XYZReader: 2, DumpReader: 9}  # of a frame, besides those of its atoms
_TOLD, _UNREAD = weakref.WeakSet(), weakref.WeakSet()  # readers whose files were looked at


def warn_of_cut(trajectory):
    """
    Say, once for each reader, which files of a trajectory are cut off.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        XTC, TRR, DCD, XYZ, LAMMPS dumps and GRO files are looked at, each file of joined ones.
    """
    for reader in _new_readers(trajectory, _TOLD):
        try:
            words = _missing(reader)
        except (OSError, EOFError, struct.error, ValueError):  # a file of another kind: who reads it will say
            continue
        if words:
            logger.warning("%s %s", reader.filename, words)


def warn_of_unread(trajectory):
    """
    Say, once for each reader, which files of a trajectory hold more frames than are read.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        GRO, mmCIF, PQR and PDBQT files are looked at, each file of joined ones.
    """
    for reader in _new_readers(trajectory, _UNREAD):
        n_frames = count_frames(reader.filename, type(reader))
        if type(reader) in READERS and n_frames > reader.n_frames:
            logger.warning(
                "%s holds %d frames, of which this Universe has %d: mdbackmap.universes.opening.open_files([...]) "
                "reads all",
                reader.filename, n_frames, reader.n_frames,
            )  # fmt: skip


def _new_readers(trajectory, seen):
    """The readers of files of a trajectory that were not seen before; from then on they were."""
    for reader in getattr(trajectory, "readers", [trajectory]):
        if reader not in seen and os.path.isfile(str(getattr(reader, "filename", None))):
            seen.add(reader)
            yield reader


def _missing(reader):
    """What is missing from a file, in words, or None."""
    if isinstance(reader, DCDReader):
        return _missing_of_dcd(reader.filename)
    if isinstance(reader, (GROReader, GROFrames)):
        return _missing_of_gro(reader.filename)
    for kind, n_lines in _LINES.items():
        if isinstance(reader, kind):
            return _missing_of_lines(reader.filename, reader.n_atoms + n_lines)
    offsets = getattr(getattr(reader, "_xdr", None), "offsets", ())
    n = len(offsets)
    left = bytes_after(reader.filename, int(offsets[-1])) if n else 0
    if left < 0:
        return f"is cut off: the last of its {n} frames lacks {-left} bytes; --stop {n - 1} leaves it out"
    return f"is cut off: {left} bytes behind its {n} frames" if left else None


def _missing_of_dcd(filename):
    n_frames, left, promised = dcd_frames(filename)
    more = f" (its header names {promised})" if promised > n_frames else ""
    if left:
        return f"is cut off: {left} bytes behind its {n_frames} frames{more}"
    return f"holds {n_frames} frames{more}" if more else None


def _missing_of_gro(filename):
    with anyopen(str(filename), "rb") as file:
        spans = GROFrames.spans(file)
        file.seek(spans[-1][1] if spans else 0)
        left = len(file.read().strip())
    return f"is cut off: {left} bytes behind its {len(spans)} frames" if left and spans else None


def _missing_of_lines(filename, n_lines):
    n, last, blank = 0, b"\n", 0
    with anyopen(str(filename), "rb") as file:
        for line in file:
            n, blank = n + 1, 0 if line.strip() else blank + 1
            last = line if line.strip() else last
    frames, left = divmod(n - blank, n_lines)
    if left:
        return f"is cut off: {left} lines behind its {frames} frames"
    return None if last.endswith(b"\n") else "ends within a line: the last number may lack digits"


def dcd_frames(filename):
    """
    The frames of a DCD file, by its header and its size.

    Parameters
    ----------
    filename : path-like

    Returns
    -------
    n_frames : int
        Whole frames.
    left : int
        Bytes behind them.
    promised : int
        Frames that the header names: fewer, or 0, in files that were never closed.

    Raises
    ------
    ValueError
        No DCD header.

    Examples
    --------
    >>> from MDAnalysisTests.datafiles import DCD
    >>> dcd_frames(DCD)
    (98, 0, 500)
    """
    size = os.path.getsize(filename)
    with open(filename, "rb") as file:
        head = file.read(92)
        order = next((x for x in "<>" if len(head) == 92 and struct.unpack(x + "i", head[:4])[0] == 84), None)
        if order is None or head[4:8] not in (b"CORD", b"VELD"):
            raise ValueError(f"{filename} has no DCD header")
        control = struct.unpack(order + "20i", head[8:88])

        def record():
            (length,) = struct.unpack(order + "i", file.read(4))
            content = file.read(length)
            file.read(4)
            return content

        record()  # titles
        (n_atoms,) = struct.unpack(order + "i", record())
        n_free = n_atoms - control[8]
        if control[8]:
            record()
        start = file.tell()
    extra = 56 * (control[19] != 0 and control[10] != 0)  # the unit cell
    axes = 3 + (control[19] != 0 and control[11] != 0)
    first, others = (extra + axes * (8 + 4 * n) for n in (n_atoms, n_free))
    if size - start < first:
        return 0, max(0, size - start), control[0]
    n_more, left = divmod(size - start - first, others)
    return 1 + n_more, left, control[0]
