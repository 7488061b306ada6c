"""
How long the frames of XTC and TRR files are, without decoding them.

Both are plain sequences of frames (big-endian, each with its own header), so files can be joined
by their bytes, and a file that was cut off, by a full disk say, ends within a frame. Writers
that buffer do not always tell: this does.
"""

from __future__ import annotations

import os
import struct

_XTC_MAGIC, _TRR_MAGIC = 1995, 1993
_XTC_UNCOMPRESSED = 9


def count_frames(path) -> int:
    """
    Number of frames of an XTC or TRR file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    int

    Raises
    ------
    OSError
        A file that ends within a frame or holds anything else.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix=".xtc") as empty:
    ...     count_frames(empty.name)
    0
    """
    size, at, n = os.path.getsize(path), 0, 0
    with open(path, "rb") as file:
        while at < size:
            at += _frame_length(file, at, path)
            n += 1
    if at != size:
        raise OSError(f"{path} is cut off: its last frame should end at byte {at}, the file at {size}")
    return n


def bytes_after(path, at) -> int:
    """
    Bytes of an XTC or TRR file beyond the frame that starts at byte `at`: what is left of one that was cut off.

    Raises
    ------
    OSError
        No such frame there.
    """
    with open(path, "rb") as file:
        return os.path.getsize(path) - at - _frame_length(file, at, path)


def _frame_length(file, at, path):
    """Bytes of the frame that starts at byte `at`."""
    file.seek(at)
    head = file.read(128)
    try:
        (magic,) = struct.unpack_from(">i", head)
        return {_XTC_MAGIC: _xtc_length, _TRR_MAGIC: _trr_length}[magic](head)
    except (struct.error, KeyError):
        raise OSError(f"{path} is cut off or damaged at byte {at}") from None


def _xtc_length(head):
    (n_atoms,) = struct.unpack_from(">i", head, 4)
    if n_atoms <= _XTC_UNCOMPRESSED:
        return 56 + 12 * n_atoms
    (n_bytes,) = struct.unpack_from(">i", head, 88)
    return 92 + (n_bytes + 3) // 4 * 4


def _trr_length(head):
    sizes = struct.unpack_from(">13i", head, 24)  # ir e box vir pres top sym x v f n_atoms step nre
    n_atoms = sizes[10]
    double = sizes[2] == 72 or (n_atoms > 0 and max(sizes[7:10]) == 24 * n_atoms)
    return 24 + 52 + (16 if double else 8) + sum(sizes[:10])
