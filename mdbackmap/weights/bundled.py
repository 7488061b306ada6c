"""Which models come with the package. Nothing is imported for it, so that lists of their names cost nothing."""

from pathlib import Path

WEIGHTS = Path(__file__).parent


def bundled():
    """
    Names and files of the weights that come with the package.

    >>> "genzprot" in bundled()
    True
    """
    return {path.stem: path for path in sorted(WEIGHTS.glob("*.pt"))}
