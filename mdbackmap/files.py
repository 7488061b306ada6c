"""Files written aside and put in their places when they are complete, and what they hold."""

import contextlib
import hashlib
import json
import math
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


def save_json(content, filename):
    """
    Write plain values as JSON, NaN as null; the file appears under its name when it is complete.

    Parameters
    ----------
    content : dict
    filename : str or Path

    Examples
    --------
    >>> save_json({"rmsd": float("nan")}, "metrics.json")  # doctest: +SKIP
    """
    with replacing(filename) as aside:
        aside.write_text(json.dumps(plain(content), indent=1, allow_nan=False) + "\n")


def plain(value):
    """A nest of dicts and lists with numpy's values as Python's, and None for NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
