"""
Files in, a Universe out; and what is wrong with files, in plain words.
"""

import re
from pathlib import Path


def open_files(files):
    """
    The Universe of a topology and its trajectories.

    Parameters
    ----------
    files : sequence of path-like
        The topology first.

    Returns
    -------
    Universe

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Files that MDAnalysis cannot read, or that do not belong together; the message says which and why.

    Examples
    --------
    >>> from mdbackmap.datafiles import GO_PDB, GO_XTC
    >>> len(open_files([GO_PDB, GO_XTC]).atoms)
    56
    """
    import MDAnalysis as mda

    files = [str(name) for name in files]
    for name in files:
        if not Path(name).exists():
            raise FileNotFoundError(f"no such file: {name}")
        if Path(name).is_file() and not Path(name).stat().st_size:
            raise ValueError(f"{name} is empty (0 bytes): was it written to the end?")
    try:
        return mda.Universe(*files)
    except Exception as error:
        raise ValueError(_unread(files, " ".join(str(error).split()) or type(error).__name__)) from error


def _unread(files, why):
    """Why MDAnalysis cannot read files, from what it says itself."""
    numbers = re.search(r"Topology number of atoms (\d+) Trajectory: (.*) Number of atoms (\d+)", why)
    if numbers:
        n_topology, trajectory, n_trajectory = numbers.groups()
        return (
            f"{trajectory} has {n_trajectory} particles a frame, {files[0]} has {n_topology}: expected equal numbers; "
            "name the topology that belongs to this trajectory"
        )
    if "out of bounds for axis 0 with size 0" in why:
        return f"MDAnalysis finds no atoms in {files[0]}: is it such a file as its name says, and complete?"
    unparsed = re.match(r"Failed to construct topology from file .* with parser <.*>\. Error: (.*)", why)
    if unparsed:
        return f"MDAnalysis cannot read {files[0]} as what its name says it is: {unparsed[1]}"
    return f"MDAnalysis cannot read {' with '.join(files)}: {re.split(r'[.!] ', why)[0]}"
