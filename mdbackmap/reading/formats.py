"""
Which of MDAnalysis' formats a file has where its name does not say, and which options its readers know.

MDAnalysis is imported when a function runs.
"""

import ast
import inspect
import math
import re

_TIMES = {"dt", "time_offset"}  # options of all readers, in ps
_NO_OPTIONS = {"self", "filename", "filenames", "args", "kwargs", "n_atoms", "comm"}
_WHERE = ("__init__", "_read_first_frame", "parse", "_parseatoms")
_TAKEN = re.compile(r"""kwargs(?:\.get|\.pop|\.setdefault)?[\[(]\s*["'](\w+)["']""")


def format_of(filename):
    """
    The format of a file whose name does not tell it to MDAnalysis, by what the file begins with.

    Parameters
    ----------
    filename : path-like

    Returns
    -------
    str or None
        "LAMMPSDUMP" or "H5MD"; None if MDAnalysis knows the name, or the content is unknown.

    Examples
    --------
    >>> from mdbackmap.datafiles import GO_PDB
    >>> format_of(GO_PDB) is None
    True
    """
    if _class(filename, None, topology=False) or _class(filename, None, topology=True):
        return None
    return "LAMMPSDUMP" if _begins(filename, b"ITEM:") else "H5MD" if _is_h5md(filename) else None


def _begins(filename, start):
    from MDAnalysis.lib.util import anyopen

    try:
        with anyopen(str(filename), "rb") as file:
            return file.read(len(start)) == start
    except (OSError, EOFError):
        return False


def _is_h5md(filename):
    import h5py

    if not h5py.is_hdf5(filename):
        return False
    with h5py.File(filename, "r") as file:
        return "h5md" in file and "particles" in file


def _class(filename, format, topology):
    """The class by which MDAnalysis reads a file, or None if it has none."""
    from MDAnalysis.core import _get_readers

    find = _get_readers.get_parser_for if topology else _get_readers.get_reader_for
    try:
        return find(str(filename), format=format)
    except (ValueError, TypeError):
        return None


def reader_of(filename, format=None):
    """MDAnalysis' class of readers for a file, or None if it has none."""
    return _class(filename, format or format_of(filename), topology=False)


def parser_of(filename, format=None):
    """MDAnalysis' class of topology parsers for a file, or None if it has none."""
    return _class(filename, format or format_of(filename), topology=True)


def check_format(name, topology=False):
    """
    Refuse a format that MDAnalysis does not know.

    Parameters
    ----------
    name : str or None
    topology : bool
        Of topologies, not of trajectories.

    Raises
    ------
    ValueError
        With the formats that there are.
    """
    from MDAnalysis import _PARSERS, _READERS

    option, known = ("--topology-format", _PARSERS) if topology else ("--format", _READERS)
    if name is not None and name.upper() not in known:
        raise ValueError(f"{option} {name}: no format of MDAnalysis, which has {', '.join(sorted(known))}")


def is_topology(name):
    """Whether MDAnalysis reads topologies of this format."""
    from MDAnalysis import _PARSERS

    return name is not None and name.upper() in _PARSERS


def check_options(options, classes):
    """
    Refuse options that none of some readers and parsers knows: MDAnalysis would ignore them.

    Parameters
    ----------
    options : dict
    classes : sequence of type
        MDAnalysis' readers and topology parsers.

    Raises
    ------
    ValueError
        With the options that they know; or a time that is no number.

    Examples
    --------
    >>> from MDAnalysis.coordinates.LAMMPS import DumpReader
    >>> check_options({"lammps_coordinate_convention": "scaled"}, [DumpReader])
    """
    known = sorted(set().union(*(_options_of(one) for one in classes))) if options else []
    for name in options:
        if name not in known:
            raise ValueError(
                f"reader option {name}: none of the files' readers ({', '.join(one.__name__ for one in classes)}) "
                f"knows it; they know {', '.join(known)}"
            )
    for name in _TIMES & options.keys():
        value = options[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not number or (name == "dt" and value <= 0):
            expected = "a number of ps above 0" if name == "dt" else "a number of ps"
            raise ValueError(f"reader option {name}={value!r}: expected {expected}")


def _options_of(one):
    """Names of the options of a reader or parser: arguments, and what it takes from its keywords."""
    found = set(_TIMES)  # of all readers
    for cls in one.__mro__:
        if cls.__module__.startswith(("MDAnalysis", "mdbackmap")):
            for method in [vars(cls)[name] for name in _WHERE if name in vars(cls)]:
                found |= set(_TAKEN.findall(inspect.getsource(method))) | set(inspect.signature(method).parameters)
    return {name for name in found if not name.startswith("_")} - _NO_OPTIONS


def option_of(text):
    """
    An option of a reader as name and value; the value as Python reads it, else as text.

    Raises
    ------
    ValueError
        Not of the form NAME=VALUE.

    Examples
    --------
    >>> option_of("dt=10"), option_of("lengthunit=nm")
    (('dt', 10), ('lengthunit', 'nm'))
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name.isidentifier() and sign and value):
        raise ValueError(f"expected a pair such as dt=10, not {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
