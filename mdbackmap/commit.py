"""Which commit of the source code is running: for files that say how they were made."""

import functools
import json
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_GIT_SECONDS = 20  # how long git may take (chosen: network disks are slow)


@functools.cache
def commit(folder=None):
    """
    The commit of the source tree that the package is run from, or of the repository that pip installed it from.

    Parameters
    ----------
    folder : path-like, optional
        Where to look; the package's own folder by default.

    Returns
    -------
    str or None
        The hash; ``+changes`` follows where files of the package differ from it. None if it is not known.
    """
    here = Path(__file__).parent if folder is None else Path(folder)
    head = _git(here, "rev-parse", "HEAD")
    if head is None or not _git(here, "ls-files", "."):
        return _installed_from() if folder is None else None
    return head + ("+changes" if _git(here, "status", "--porcelain", "--untracked-files=no", ".") else "")


def _git(folder, *arguments):
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _installed_from():
    """The commit that pip noted when it installed from a repository."""
    try:
        noted = distribution("mdbackmap").read_text("direct_url.json")
        return json.loads(noted or "{}").get("vcs_info", {}).get("commit_id")
    except (PackageNotFoundError, ValueError, AttributeError):
        return None
