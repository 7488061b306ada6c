"""
Unfinished output: a hidden folder beside the file to come.

Frames are written in segments. A segment that is complete gets a name that says so,
``<start>-<stop>-<bytes>.xtc`` (output frames, counted from 0), by a rename, and that is all the
book-keeping there is: whatever ends a conversion, Ctrl-C, a full disk or a power cut, what lies
there under such a name is whole, and `resume` goes on from it. ``settings.json`` tells what the
segments belong to. When all is there, segments are joined and the result is moved to its final name.

Segments of formats that are a plain sequence of frames (XTC, TRR, PDB models) grow by appending the bytes
of the next one, so they never take twice the space. The size in the name tells where an append
that was cut short began.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

PUBLISHING = "publishing"
"""Name of the mark that companion files have begun to move to their names."""

_SETTINGS = "settings.json"
_NAME = re.compile(r"(\d{12})-(\d{12})-(\d+)(\..+)")


@dataclass(frozen=True)
class Segment:
    """
    A complete piece of the output: coarse frames `start` to `stop` (of those chosen) in a file of `size` bytes.
    """

    start: int
    stop: int
    size: int
    path: Path


def format_suffix(filename) -> str:
    """The ending that decides the format, with that of a compression: ``.xtc``, ``.pdb.gz``."""
    suffixes = Path(filename).suffixes
    return "".join(suffixes[-2:] if suffixes[-1:] in ([".gz"], [".bz2"]) else suffixes[-1:])


class Partial:
    """
    The folder with what is complete of an output file.

    Parameters
    ----------
    filename : path-like
        The output file.

    Examples
    --------
    >>> Partial("run/aa.xtc").folder.as_posix()
    'run/.aa.xtc.partial'
    """

    def __init__(self, filename):
        filename = Path(filename)
        self.filename = filename
        self.suffix = format_suffix(filename)
        self.folder = filename.with_name(f".{filename.name}.partial")

    def open(self, settings, resume, overwrite):
        """
        Start, or go on with, an output.

        Parameters
        ----------
        settings : dict
            What the output depends on, JSON-able.
        resume, overwrite : bool
            Keep what is there, or discard it.

        Raises
        ------
        FileExistsError
            Something is there, and neither was asked for.
        ValueError
            Something is there that was made with other settings.
        """
        settings = json.loads(json.dumps(settings))
        if self.folder.exists():
            if resume:
                self._compare(settings)
            elif overwrite:
                self.discard()
            else:
                raise FileExistsError(
                    f"an interrupted conversion to {self.filename} is kept in {self.folder}: go on with it "
                    "(resume=True, --resume), or discard it and start again (overwrite=True, --overwrite)"
                )
        self.folder.mkdir(exist_ok=True)
        self._tidy()
        note = self.folder / _SETTINGS
        note.with_suffix(".new").write_text(json.dumps(settings))
        os.replace(note.with_suffix(".new"), note)

    def _compare(self, settings):
        try:
            before = json.loads((self.folder / _SETTINGS).read_text())
        except FileNotFoundError:
            return  # it had not even begun
        differing = [k for k in sorted({*before, *settings}) if before.get(k) != settings.get(k)]
        if differing:
            words = "; ".join(f"{k} was {_short(before.get(k))}, is {_short(settings.get(k))}" for k in differing)
            raise ValueError(
                f"cannot resume {self.filename}: the interrupted conversion was another one ({words}); resume it with "
                "its own settings, or start again with overwrite=True (--overwrite, without --resume)"
            )

    @property
    def publishing(self) -> bool:
        """Whether all was complete but for moving the files to their names."""
        return (self.folder / PUBLISHING).exists()

    def segments(self) -> list[Segment]:
        """The complete segments, in order."""
        found = []
        for path in self.folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                found.append(Segment(*(int(x) for x in match.groups()[:3]), path))
        return sorted(found, key=lambda x: (x.start, -x.stop))

    @property
    def n_complete(self) -> int:
        """Coarse frames in the complete segments."""
        return sum(segment.stop - segment.start for segment in self.segments())

    def _tidy(self):
        """Remove what was being written when all ended, undo appends that were cut short."""
        known, reached = {x.path: x for x in self.segments()}, 0
        for path in self.folder.iterdir():
            if path not in known and path.name not in (_SETTINGS, PUBLISHING):
                path.unlink()
        for segment in known.values():
            if segment.stop <= reached or segment.path.stat().st_size < segment.size:  # appended already, or damaged
                segment.path.unlink()
                continue
            os.truncate(segment.path, segment.size)
            reached = segment.stop

    def scratch(self, start) -> Path:
        """Where to write the segment that starts at that frame."""
        return self.folder / f"writing-{start:012d}{self.suffix}"

    def keep(self, path, start, stop) -> Segment:
        """Give a segment that was written and closed its proper name."""
        size = os.path.getsize(path)
        named = self.folder / f"{start:012d}-{stop:012d}-{size}{self.suffix}"
        os.replace(path, named)
        return Segment(start, stop, size, named)

    def append(self, first, second) -> Segment:
        """Add the bytes of a segment to the one before it."""
        with open(first.path, "ab") as target, open(second.path, "rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
        if os.path.getsize(first.path) != first.size + second.size:
            raise OSError(f"{first.path} did not take all of {second.path}")
        joined = self.keep(first.path, first.start, second.stop)
        second.path.unlink()
        return joined

    def discard(self):
        """Remove the folder and all in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
