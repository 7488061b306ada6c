"""
Files in, a Universe out; and what is wrong with files, in plain words.
"""

import logging
import re
from pathlib import Path

from . import formats

logger = logging.getLogger(__name__)

_LONGEST = 300  # characters of what MDAnalysis says


def open_files(files, *, topology_format=None, format=None, options=None):
    """
    The Universe of a topology and its trajectories, with every frame that the files hold.

    Parameters
    ----------
    files : sequence of path-like
        The topology first.
    topology_format, format : str, optional
        Format of the topology, and of the trajectories, where their names do not say it, as MDAnalysis names them.
    options : dict, optional
        For MDAnalysis' readers and topology parsers: ``{"convert_units": False}``.

    Returns
    -------
    Universe
        GRO and PDB files of several frames and mmCIF files of several models are read whole. H5MD files without units
        are taken to be in angstrom and ps.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Files that MDAnalysis cannot read, or that do not belong together; the message says which and why. An option
        that none of their readers knows.

    Examples
    --------
    >>> from mdbackmap.datafiles import GO_PDB, GO_XTC
    >>> len(open_files([GO_PDB, GO_XTC]).atoms)
    56
    """
    files, options = [str(name) for name in files], options or {}
    for name in files:
        if not Path(name).exists():
            raise FileNotFoundError(f"no such file: {name}")
        if Path(name).is_file() and not Path(name).stat().st_size:
            raise ValueError(f"{name} is empty (0 bytes): was it written to the end?")
    formats.check_format(topology_format, topology=True)
    formats.check_format(format)
    topology, *trajectories = files
    told = {name: formats.format_of(name) for name in files}
    if not trajectories and formats.is_topology(format):  # one file is both
        topology_format = topology_format or format
    topology_format = topology_format or told[topology]
    parser = formats.parser_of(topology, topology_format)
    readers = {name: formats.reader_of(name, format or told[name]) for name in trajectories}
    readers = readers or {topology: formats.reader_of(topology, topology_format)}
    formats.check_options(options, _classes(parser, readers))
    try:
        universe = _open(topology, parser, readers, options)
    except Exception as error:
        raise ValueError(_unread(files, readers, error)) from error
    for name in [name for name, found in told.items() if found]:
        logger.info("%s is read as %s, by its content", name, told[name])
    _check_frames(universe, files)
    return universe


def _check_frames(universe, files):
    """Refuse files without frames, and say which are cut off."""
    from MDAnalysis.coordinates.base import StreamReaderBase

    from .cut import warn_of_cut

    trajectory = getattr(universe, "_trajectory", None)  # the property would raise
    if trajectory is None:
        raise ValueError(f"{files[0]} has no coordinates: name a trajectory after it")
    if not isinstance(trajectory, StreamReaderBase) and trajectory.n_frames == 0:
        raise ValueError(f"{' with '.join(files[1:] or files)} holds no whole frame: was it written to the end?")
    warn_of_cut(trajectory)


def _classes(parser, readers):
    from MDAnalysis.coordinates.chain import ChainReader

    found = [parser, *readers.values(), *([ChainReader] if len(readers) > 1 else [])]
    return list(dict.fromkeys(one for one in found if one is not None))


def _open(topology, parser, readers, options):
    """A Universe by these classes, or by others that read all frames."""
    import MDAnalysis as mda
    from MDAnalysis.lib.util import NamedStream

    from .text_frames import first_frame

    chosen = [(name, _whole_reader(name, reader, options)) for name, reader in readers.items() if reader is not None]
    text = first_frame(topology, parser)
    source = topology if text is None else NamedStream(text, topology)
    many = {"format": chosen[0][1]} if len(chosen) == 1 else {}
    coordinates = [chosen[0][0]] if len(chosen) == 1 else [chosen] if chosen else []
    return mda.Universe(source, *coordinates, topology_format=parser, **many, **options)


def _whole_reader(filename, reader, options):
    """The reader to use: one that reads all frames, and lengths without units."""
    from MDAnalysis.coordinates.H5MD import H5MDReader

    from .text_frames import READERS, count_frames

    n_frames = count_frames(filename, reader)
    if n_frames > 1:
        logger.info("%s holds %d frames, of which MDAnalysis' %s reads one: all are read", filename, n_frames,
                    reader.__name__)  # fmt: skip
        return READERS[reader]
    if reader is H5MDReader and options.get("convert_units", True):
        from .unitless import H5MDFrames, missing_units

        missing = missing_units(filename)
        if missing:
            logger.warning("%s has no units of %s: taken as angstrom and ps (else: --scale)", filename, missing)
            return H5MDFrames
    return reader


def select(universe, text, option="--select"):
    """
    The atoms of a selection, or a sentence that says what is wrong with it.

    Parameters
    ----------
    universe : Universe
    text : str
        In MDAnalysis' selection language.
    option : str
        What the message calls it.

    Returns
    -------
    AtomGroup

    Raises
    ------
    ValueError
        Not MDAnalysis' language, something that the files do not say, or no atom.
    """
    from MDAnalysis.exceptions import NoDataError, SelectionError

    where = universe.filename or "the universe"
    try:
        atoms = universe.select_atoms(text)
    except (NoDataError, AttributeError) as error:
        lacking = re.search(r"has no attribute:? '?(\w+)", str(error))
        what = lacking[1] if lacking else "something"
        raise ValueError(f"{option} {text!r} asks for {what}, which {where} does not tell: leave it out") from error
    except (SelectionError, ValueError, TypeError, IndexError) as error:
        why = _first_words(error)
        raise ValueError(f"{option} {text!r} is not in MDAnalysis' selection language: {why}") from error
    if not len(atoms):
        raise ValueError(f"{option} {text!r} selects none of the {len(universe.atoms)} particles of {where}")
    return atoms


def _unread(files, readers, error):
    """Why MDAnalysis cannot read files, from what it says itself."""
    why = " ".join(str(error).split()) or type(error).__name__
    numbers = re.search(r"Topology number of atoms (\d+) Trajectory: (.*) Number of atoms (\d+)", why)
    if numbers:
        n_topology, trajectory, n_trajectory = numbers.groups()
        return (
            f"{trajectory} has {n_trajectory} particles a frame, {files[0]} has {n_topology}: expected equal numbers; "
            "name the topology that belongs to this trajectory"
        )
    if "out of bounds for axis 0 with size 0" in why:
        return f"MDAnalysis finds no atoms in {files[0]}: is it such a file as its name says, and complete?"
    unparsed = re.match(r"Failed to (?:construct topology from|load from the topology) file .* with parser <.*>\.", why)
    if unparsed:
        reason = why[unparsed.end() :].removeprefix(" Error:").strip()
        return f"MDAnalysis cannot read {files[0]} as what its name says it is: {_short(reason)}"
    if "topology format" in why or "coordinate reader" in why or "trajectory format" in why:
        return _unknown(files, readers)
    return _damaged(files, readers, error)


def _unknown(files, readers):
    """Words for a file of which MDAnalysis does not know the format."""
    name = next((name for name, reader in readers.items() if reader is None), files[0])
    option = "--topology-format" if name == files[0] else "--format"
    return (
        f"MDAnalysis does not know the format of {name} by its name: say which it is by {option} "
        "(PDB, GRO, PSF, DATA, LAMMPSDUMP, XTC, DCD, H5MD, ...)"
    )


def _damaged(files, readers, error):
    """Words for a file that cannot be read: the first one whose own reader fails, and what that says."""
    for name, reader in readers.items():
        reason = _failure(name, reader)
        if reason:
            return f"MDAnalysis cannot read {name} ({reason}): {_advice(name, reader)}"
    return f"MDAnalysis cannot read {' with '.join(files)}: {_first_words(error)}"


def _failure(name, reader):
    """What a reader on its own says, if it fails. (The error itself would keep the reader alive.)"""
    try:
        reader(name).close()
    except Exception as error:  # any reader, any error
        return _first_words(error)
    return ""


def _advice(name, reader):
    """What may be wrong with a file."""
    from MDAnalysis.coordinates.DCD import DCDReader

    from .cut import dcd_frames

    if reader is DCDReader:
        try:
            n_frames, _, promised = dcd_frames(name)
        except Exception:  # no header to go by
            return "it has no whole header of a DCD file; is it one, and was it written to the end?"
        return f"its header names {promised} frames, it holds {n_frames} whole ones; was it written to the end?"
    return "is it of the format that its name says (else --format), and complete?"


def _first_words(error):
    """What an error says, on one line, or its name."""
    if isinstance(error, StopIteration):
        return "it has no frame"
    return _short(" ".join(str(error).split()) or type(error).__name__)


def _short(text):
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
