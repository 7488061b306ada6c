"""Files written aside and put in their places when they are complete, and what they hold."""

import contextlib
import hashlib
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(target):
    """
    A context in which a file is written aside; it is put in its place on the way out, unless there was an error.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "a.txt")
    >>> with replacing(target) as aside:
    ...     _ = aside.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    aside = Path(target).with_name(f"{Path(target).name}.part")
    try:
        yield aside
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def digest(filename):
    """The SHA-256 of a file in hexadecimal digits, by which provenances know it."""
    return hashlib.sha256(Path(filename).read_bytes()).hexdigest()
