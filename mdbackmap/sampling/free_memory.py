"""Memory: how much this process may still take, and whether frames of a system fit into it."""

import logging
import pathlib

logger = logging.getLogger(__name__)

_A_RESIDUE = {False: 12_000, True: 15_000}  # bytes; measured: at most, after loading, of 100,100 residues
"""What sampling takes for a residue of one frame beside the loaded model, without and with hydrogens."""
_KB, _GB = 1024, 1e9  # bytes; cited: units of proc(5), and of SI
_WITHOUT = ", do without hydrogens (hydrogens=False, --no-hydrogens)"
_LIMITS = {"memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), "": ("/sys/fs/cgroup", "memory.max")}


def memory_left():
    """
    Bytes that this process may still take: of what the machine has left, and of what its control group allows.

    Returns
    -------
    int or None
        None where the system does not say it (it is Linux that does).

    Examples
    --------
    >>> memory_left() is None or memory_left() > 0
    True
    """
    try:
        left = _kilobytes("/proc/meminfo", "MemAvailable")
        groups = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
        used = _kilobytes("/proc/self/status", "VmRSS")
    except (OSError, StopIteration):
        return None
    limits = [limit for group in groups for limit in _limits(*group.split(":", 2)[1:])]
    return max(0, min([left, *(limit - used for limit in limits)]))


def _kilobytes(file, name):
    """A number of kB in a file of `name: number kB`, in bytes."""
    lines = pathlib.Path(file).read_text().splitlines()
    return next(_KB * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _limits(kind, path):
    """Limits in bytes of a control group and of those around it."""
    if kind not in _LIMITS:
        return
    root, file = _LIMITS[kind]
    for folder in (path, *map(str, pathlib.PurePosixPath(path).parents)):
        try:
            yield int((pathlib.Path(root + folder) / file).read_text())
        except (OSError, ValueError):  # none here, or "max"
            continue


def tell_if_large(n_residues, hydrogens, device):
    """Warn if a frame of so many residues is expected to take more memory than there is; on a GPU torch says it."""
    if device.type != "cpu":
        return
    left, needed = memory_left(), n_residues * _A_RESIDUE[bool(hydrogens)]
    if left is None or needed <= left:
        return
    logger.warning(
        "a frame of %d residues takes about %.1f GB of memory, and %.1f GB are left: the system may end this process; "
        "take a machine with more memory%s, or convert the chains in several selections",
        *(n_residues, needed / _GB, left / _GB, _WITHOUT * bool(hydrogens)),
    )
