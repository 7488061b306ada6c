"""Files written aside and put in their places when they are complete, and what they hold."""

import hashlib
import os
from pathlib import Path


class replacing:
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

    def __init__(self, target):
        self.target = Path(target)
        self.aside = self.target.with_name(f"{self.target.name}.part")

    def __enter__(self):
        return self.aside

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                os.replace(self.aside, self.target)
        finally:
            self.aside.unlink(missing_ok=True)


def digest(filename):
    """The SHA-256 of a file in hexadecimal digits, by which provenances know it."""
    return hashlib.sha256(Path(filename).read_bytes()).hexdigest()
