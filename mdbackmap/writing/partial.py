"""
Unfinished output: a hidden folder beside the file to come.

Frames are written in segments. A segment that is complete gets a name that says so,
``<start>-<stop>-<bytes>.xtc`` (output frames, counted from 0), by a rename, and that is all the
book-keeping there is: whatever ends a conversion, Ctrl-C, a full disk or a power cut, what lies
there under such a name is whole, and `resume` goes on from it. ``settings.json`` tells what the
segments belong to. When all is there, segments are joined and the result is moved to its final name.
A lock (`mdbackmap.writing.lock`) keeps other conversions out while one is running.

What was found of the structures of a segment (``validity``) lies beside it as ``notes-<start>-<stop>.npz``, also which
of them were left out: these count in the segment's name, but are not in its file.

Segments of formats that are a plain sequence of frames (XTC, TRR, PDB models) grow by appending the bytes
of the next one, so they never take twice the space. The size in the name tells where an append
that was cut short began.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..metrics.protein_judge import Judged
from .lock import NAME as LOCK
from .lock import InUse, Lock

PUBLISHING = "publishing"
"""Name of the mark that companion files have begun to move to their names; it says which file is the trajectory."""

_REPLACING = "replacing"  # the mark that what is there under the final names may be replaced
_SETTINGS = "settings.json"
COMMAND = "command.json"
"""Name of the file that says that a part is complete, and how the command line made it."""
JOINED = "joined-"
"""How names begin of marks of parts that were taken over."""
_LAYOUT = 2  # of the folder: segments are counted in output frames
_NOTES = "notes-"
_NOTE_NAME = re.compile(rf"{_NOTES}(\d{{12}})-(\d{{12}})\.npz")
_NAMED = 4  # settings that an error names at most
_NAME = re.compile(r"(\d{12})-(\d{12})-(\d+)(\..+)")


@dataclass(frozen=True)
class Segment:
    """A complete piece of the output: its frames `start` to `stop`, counted from 0, in a file of `size` bytes."""

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
    part : (int, int), optional
        Which part of how many has the folder.

    Examples
    --------
    >>> Partial("run/aa.xtc").folder.as_posix()
    'run/.aa.xtc.partial'
    >>> Partial("run/aa.xtc", (3, 40)).folder.name
    '.aa.xtc.part-0003-of-0040'
    """

    def __init__(self, filename, part=None):
        self.filename, self.part = Path(filename), part
        self.suffix = format_suffix(filename)
        ending = "partial" if part is None else "part-{:04d}-of-{:04d}".format(*part)
        self.folder = self.filename.with_name(f".{self.filename.name}.{ending}")
        self.lock = Lock(self.folder)

    def __getstate__(self):
        """Worker processes may run in another folder."""
        return self.__dict__ | {"filename": self.filename.absolute(), "folder": self.folder.absolute()}

    def open(self, settings, resume, overwrite):
        """
        Start, or go on with, an output, and lock it until `close` or `discard`.

        Parameters
        ----------
        settings : dict
            What the output depends on, JSON-able.
        resume, overwrite : bool
            Keep what is there, or discard it.

        Raises
        ------
        FileExistsError
            Something is there, and neither was asked for; `InUse` while another process works on it.
        ValueError
            Something is there that was made with other settings.
        OSError
            The folder cannot be made or written to.
        """
        settings = json.loads(json.dumps(settings | {"layout": _LAYOUT}))
        with self._named_errors():
            self.lock.take()
        try:
            self._begin(settings, resume, overwrite)
        except BaseException:
            self.close()
            raise

    def _begin(self, settings, resume, overwrite):
        if self.interrupted and resume:
            self.compare(settings)
        elif self.interrupted and not overwrite:
            raise FileExistsError(
                f"an interrupted conversion to {self.filename} is kept in {self.folder}: go on with it "
                "(resume=True, --resume), or discard it and start again (overwrite=True, --overwrite)"
            )
        with self._named_errors():
            self.tidy(everything=not resume)
            note = self.folder / _SETTINGS
            note.with_suffix(".new").write_text(json.dumps(settings))
            if overwrite:
                (self.folder / _REPLACING).touch()
            os.replace(note.with_suffix(".new"), note)

    @contextlib.contextmanager
    def _named_errors(self):
        """Errors of the folder's files name the output that was asked for."""
        try:
            yield
        except FileExistsError as error:
            if error.errno is None:  # our own words
                raise
            raise FileExistsError(f"{self.folder} is no folder, but unfinished frames go there: remove it") from error
        except OSError as error:
            words = f"cannot write {self.filename}: {_reason(error)} (unfinished frames go to {self.folder})"
            raise type(error)(error.errno, words) from error

    @property
    def interrupted(self) -> bool:
        """Whether a conversion has left complete frames here."""
        return bool(self.segments())

    @property
    def replaces(self) -> bool:
        """Whether the conversion that was interrupted had leave to replace what is there under its names."""
        return (self.folder / _REPLACING).exists()

    def close(self):
        """Let others have the folder; remove it if nothing in it is complete."""
        if self.interrupted:
            self.lock.release()
        else:
            self.discard()

    def compare(self, settings):
        """
        Refuse to go on with what was made with other settings.

        Raises
        ------
        ValueError
        """
        settings = json.loads(json.dumps(settings | {"layout": _LAYOUT}))
        note = self.folder / _SETTINGS
        before = json.loads(note.read_text()) if note.exists() else {}
        before, settings = _flat(before), _flat(settings)
        differing = [k for k in sorted({*before, *settings}) if before.get(k) != settings.get(k)]
        if differing:
            named = differing[:_NAMED]
            words = "; ".join(f"{k} was {_short(before.get(k))}, is {_short(settings.get(k))}" for k in named)
            more = len(differing) - len(named)
            words += f"; and {more} more" if more else ""
            raise ValueError(
                f"cannot resume {self.filename}: the interrupted conversion was another one ({words}); resume it with "
                "its own settings, or start again with overwrite=True (--overwrite, without --resume)"
            )

    @property
    def publishing(self) -> bool:
        """Whether all was complete but for moving the files to their names."""
        return (self.folder / PUBLISHING).exists()

    def begin_publishing(self, path):
        """Mark that files move to their names now, and which file is to be the trajectory."""
        (self.folder / PUBLISHING).write_text(_identity(path))

    @property
    def published(self) -> bool:
        """Whether the trajectory has moved to its name, and only this folder is left to be removed."""
        try:
            return (self.folder / PUBLISHING).read_text() == _identity(self.filename) != ""
        except OSError:
            return False

    def segments(self) -> list[Segment]:
        """The complete segments, in order."""
        named = ((path, _NAME.fullmatch(path.name)) for path in self._files())
        complete = [Segment(*(int(x) for x in name.groups()[:3]), path) for path, name in named if name]
        return sorted(complete, key=lambda x: (x.start, -x.stop))

    def _files(self):
        try:
            return list(self.folder.iterdir())
        except FileNotFoundError:
            return []

    @property
    def n_complete(self) -> int:
        """Output frames in the complete segments."""
        return sum(segment.stop - segment.start for segment in self.segments())

    def tidy(self, everything=False):
        """Remove what was being written when all ended, undo appends that were cut short; or remove `everything`."""
        known, reached = {} if everything else {x.path: x for x in self.segments()}, 0
        for path, first, last in self._notes():
            if any(x.start <= first and last <= x.stop for x in known.values()):
                known[path] = None
        spared = (LOCK,) if everything else (LOCK, _SETTINGS, PUBLISHING, _REPLACING, COMMAND)
        for path in sorted(self._files(), key=lambda path: path.name == PUBLISHING):  # last: it says what is published
            if path not in known and path.name not in spared and (everything or not path.name.startswith(JOINED)):
                path.unlink()
        for segment in filter(None, known.values()):
            if segment.stop <= reached or segment.path.stat().st_size < segment.size:  # appended already, or damaged
                segment.path.unlink()
                continue
            os.truncate(segment.path, segment.size)
            reached = segment.stop

    def forget(self, start, stop, done):
        """Remove what was completed of output frames `start` to `stop` but for what was `done` (F,) before."""
        named = ((x.path, x.start, x.stop) for x in self.segments())
        for path, first, last in (*named, *self._notes()):
            if start <= first and last <= stop and not done[first:last].all():
                path.unlink(missing_ok=True)

    def take_over(self, other):
        """
        Move here what is complete of another one. Of segments that overlap one stays: what covers the other.

        Parameters
        ----------
        other : Partial
            Of the same output, locked and tidy, as this one is.
        """
        if other.replaces:
            (self.folder / _REPLACING).touch()
        for segment in other.segments():
            start, stop = segment.start, segment.stop
            met = [x for x in self.segments() if x.start < stop and start < x.stop]
            if any(x.start < start or stop < x.stop for x in met):
                continue
            for x in met:
                self.forget(x.start, x.stop, np.zeros(x.stop, dtype=bool))
            for path, first, last in other._notes():  # copied, and first: no kill may leave a segment without its notes
                if start <= first and last <= stop:
                    shutil.copyfile(path, self.folder / path.name)
            os.replace(segment.path, self.folder / segment.path.name)

    def note(self, start, stop, judged):
        """Keep what is known of the output frames `start` to `stop`, which are about to become a segment."""
        path = self.folder / f"{_NOTES}{start:012d}-{stop:012d}.npz"
        judged.save(path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    def judged(self, start=0, stop=None) -> Judged | None:
        """What was noted of the output frames `start` to `stop`; None if nothing was."""
        notes = [path for path, first, last in self._notes() if first >= start and (stop is None or last <= stop)]
        return Judged.joined([Judged.load(path) for path in notes]) if notes else None

    def n_kept(self, start, stop) -> int:
        """How many of the output frames `start` to `stop` were not left out."""
        found = self.judged(start, stop)
        return stop - start - (0 if found is None else int(np.count_nonzero(found.why != "")))

    def _notes(self):
        """Notes: their files, and the output frames that each is of."""
        named = ((path, _NOTE_NAME.fullmatch(path.name)) for path in self._files())
        return sorted((path, *map(int, name.groups())) for path, name in named if name)

    def note_command(self, argv):
        """Mark a part as complete, and note how the command line made it, in which folder."""
        self.folder.mkdir(exist_ok=True)  # a part without frames has left none
        path = self.folder / COMMAND
        path.with_suffix(".new").write_text(json.dumps({"argv": argv, "folder": os.getcwd()}))
        os.replace(path.with_suffix(".new"), path)

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

    def sweep(self):
        """Remove the folder if a conversion that was killed as it ended has left nothing else of it."""
        if self.folder.exists() and not self.interrupted:
            with contextlib.suppress(InUse):
                self.lock.take()
                self.discard()

    def discard(self):
        """Remove the folder and all in it."""
        with contextlib.suppress(OSError):
            self.tidy(everything=True)
        self.lock.remove()


def _identity(path) -> str:
    """What stays the same when a file is moved."""
    found = os.stat(path)
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _reason(error):
    """Why, in plain words, without the full name of the hidden folder."""
    if isinstance(error, PermissionError):
        return "no permission to create files in its folder"
    return (error.strerror or str(error)).lower()


def _flat(settings):
    """The settings of the conversion, and those of the model under names that say so."""
    found = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    found |= settings.get("conversion", {})
    return found | {f"the model's {key}": value for key, value in settings.get("model", {}).items()}


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
