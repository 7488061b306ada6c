"""
Parts of one conversion that were made on their own, as by the jobs of an array: each in a hidden folder of its own.

``aa.xtc`` in 40 parts has the folders ``.aa.xtc.part-0001-of-0040`` to ``.aa.xtc.part-0040-of-0040`` beside it. What
goes on with the whole takes over what is complete in them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from ..checks import whole_number
from .partial import COMMAND, JOINED, Partial

_MARK = re.compile(rf"{JOINED}(\d+)-of-(\d+)")


def check_part(part):
    """
    Which part of how many, as two whole numbers.

    Parameters
    ----------
    part : (int, int)
        Counted from 1.

    Raises
    ------
    ValueError
        No such part.

    Examples
    --------
    >>> check_part((3, 40))
    (3, 40)
    """
    try:
        number, of = part
    except (TypeError, ValueError):
        raise ValueError(f"part={part!r}: expected two whole numbers, as (3, 40) for the third of forty") from None
    number, of = whole_number("part", number, 1), whole_number("part", of, 1)
    if number > of:
        raise ValueError(f"part {number} of {of}: parts are counted from 1 to {of}")
    return number, of


class Parts:
    """
    The parts that there are of an output file.

    Parameters
    ----------
    filename : path-like
    """

    def __init__(self, filename):
        self.filename = filename = Path(filename)
        named = re.compile(rf"\.{re.escape(filename.name)}\.part-(\d+)-of-(\d+)")
        folders = filename.parent.iterdir() if filename.parent.is_dir() else ()
        found = (named.fullmatch(path.name) for path in folders if path.is_dir())
        self.numbers = sorted((int(name[1]), int(name[2])) for name in found if name)

    def __bool__(self):
        return bool(self.numbers)

    def __iter__(self):
        return (Partial(self.filename, part) for part in self.numbers)

    def take_over(self, whole, settings):
        """
        Move what is complete in them into the folder of the whole, which is locked.

        Parameters
        ----------
        whole : Partial
        settings : dict
            Of the whole: those of the parts must be the same.

        Raises
        ------
        InUse
            A part that a process works on.
        ValueError
            Parts of another conversion.
        """
        for part in self:  # all, before anything moves
            if part.interrupted:
                part.compare(settings)
        for part in self:
            part.lock.take()
            try:
                part.tidy()
                whole.take_over(part)
                (whole.folder / "{}{:04d}-of-{:04d}".format(JOINED, *part.part)).touch()
                if (command := part.folder / COMMAND).exists():
                    os.replace(command, whole.folder / COMMAND)
                part.discard()
            finally:
                part.lock.release()

    def discard(self):
        """Remove them; `InUse` if a process works on one."""
        for part in self:
            part.lock.take()
            part.discard()

    def command(self) -> dict:
        """
        How the parts were made, if all are complete.

        Returns
        -------
        dict
            "argv": list of str, and "folder": str.

        Raises
        ------
        FileNotFoundError
            No parts.
        ValueError
            Parts that are missing or incomplete, or were not made by the command line.
        """
        whole = Partial(self.filename)
        marks = (_MARK.fullmatch(path.name) for path in whole.folder.iterdir()) if whole.folder.is_dir() else ()
        joined = [(int(mark[1]), int(mark[2])) for mark in marks if mark]
        if not self.numbers and not joined:
            there = f"{self.filename} is here, and " if self.filename.exists() else ""
            raise FileNotFoundError(
                f"{there}no parts of {self.filename} are here: mdbackmap convert --part 1/N makes the first"
            )
        numbers = sorted({of for _, of in (*self.numbers, *joined)})
        if len(numbers) > 1:
            raise ValueError(
                f"parts of several conversions to {self.filename} are here, of {numbers}: remove the others"
            )
        commands = {part: Partial(self.filename, part).folder / COMMAND for part in self.numbers}
        complete = {number for (number, _), path in commands.items() if path.exists()} | {k for k, _ in joined}
        missing = [k for k in range(1, numbers[0] + 1) if k not in complete]
        if missing:
            named = ", ".join(map(str, missing[:20])) + (", ..." if len(missing) > 20 else "")
            raise ValueError(
                f"{len(missing)} of {numbers[0]} parts are missing or incomplete ({named}): run each with --part "
                f"{missing[0]}/{numbers[0]} --resume, and so on"
            )
        for path in (whole.folder / COMMAND, *commands.values()):
            if path.exists():
                return json.loads(path.read_text())
        raise ValueError("the parts were not made by the command line: make the whole with resume=True")
