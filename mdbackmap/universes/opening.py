"""Files in, a Universe out; and what is wrong with files, in plain words."""

import logging
import re
from pathlib import Path

from ..reading import formats
from ..reading.reasons import reason

logger = logging.getLogger(__name__)


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
    from MDAnalysis.coordinates.chain import ChainReader

    files, options = [str(name) for name in files], options or {}
    for name in files:
        _check_file(name)
    formats.check_format(topology_format, topology=True)
    formats.check_format(format)
    topology, *trajectories = files
    told = {name: formats.format_of(name) for name in files}
    if not trajectories and formats.is_topology(format):  # one file is both
        topology_format = topology_format or format
    topology_format = topology_format or told[topology]
    parser = formats.parser_of(topology, topology_format)
    readers = [(name, formats.reader_of(name, format or told[name])) for name in trajectories]
    for name, known in [(topology, parser), *readers]:
        if known is None:
            option = "--topology-format" if name == topology else "--format"
            raise ValueError(
                f"MDAnalysis does not know the format of {name} by its name: say which it is by {option} "
                "(PDB, GRO, PSF, DATA, LAMMPSDUMP, XTC, DCD, H5MD, ...)"
            )
    readers = readers or [(topology, formats.reader_of(topology, topology_format))]
    if readers == [(topology, None)]:
        raise ValueError(f"{topology} has no coordinates: name a trajectory after it")
    joining = [ChainReader] if len(readers) > 1 else []
    formats.check_options(options, dict.fromkeys([parser, *(reader for _, reader in readers), *joining]))
    try:
        readers = [(name, _whole_reader(name, reader)) for name, reader in readers]
        universe = _open(topology, parser, readers, options)
        n_frames = universe.trajectory.n_frames
    except Exception as error:
        raise ValueError(_unread(files, readers, options, error)) from error
    for name in [name for name, found in told.items() if found]:
        logger.info("%s is read as %s, by its content", name, told[name])
    if n_frames == 0:
        raise ValueError(f"{' with '.join(files[1:] or files)} holds no whole frame: was it written to the end?")
    _say(universe.trajectory)
    return universe


def _check_file(name):
    if name.startswith("imd://"):
        raise ValueError(
            f"{name} is a live stream, which has no length: the command line reads files only. In Python, loop "
            "over mdbackmap.backmap(MDAnalysis.Universe(topology, stream)).trajectory"
        )
    path = Path(name)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {name}")
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a folder, expected a file")
    if not path.stat().st_size:
        raise ValueError(f"{name} is empty (0 bytes): was it written to the end?")


def _say(trajectory):
    """Say which units were taken, which files are cut off, and what box is none."""
    from ..reading.cut import warn_of_cut
    from .access import warn_of_box

    for reader in getattr(trajectory, "readers", [trajectory]):
        if getattr(reader, "unsaid", ()):
            logger.warning("%s names no units: taken as %s (else: --scale)", reader.filename, ", ".join(reader.unsaid))
    warn_of_cut(trajectory)
    warn_of_box(trajectory)


def _open(topology, parser, readers, options):
    """A Universe by these classes."""
    import MDAnalysis as mda
    from MDAnalysis.lib.util import NamedStream

    from ..reading.text_frames import first_frame

    text = first_frame(topology, parser)
    source = topology if text is None else NamedStream(text, topology)
    if len(readers) == 1:
        ((name, reader),) = readers
        return mda.Universe(source, name, topology_format=parser, format=reader, **options)
    return mda.Universe(source, readers, topology_format=parser, **options)


def _whole_reader(filename, reader):
    """The reader to use instead of MDAnalysis' own: one that reads all frames, and H5MD files without units."""
    from MDAnalysis.coordinates.H5MD import H5MDReader

    from ..reading.text_frames import READERS, count_frames
    from ..reading.unitless import H5MDFrames

    n_frames = count_frames(filename, reader)
    if n_frames > 1:
        own = reader.__name__
        logger.info("%s holds %d frames, of which MDAnalysis' %s reads one: all are read", filename, n_frames, own)
        return READERS[reader]
    return H5MDFrames if reader is H5MDReader else reader


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
        why = "it ends too early" if "'None'" in str(error) else reason(error)
        raise ValueError(f"{option} {text!r} is not in MDAnalysis' selection language: {why}") from error
    if not len(atoms):
        raise ValueError(f"{option} {text!r} selects none of the {len(universe.atoms)} particles of {where}")
    return atoms


def _unread(files, readers, options, error):
    """Why MDAnalysis cannot read files, from what it says itself."""
    why = " ".join(str(error).split()) or type(error).__name__
    numbers = re.search(r"Topology number of atoms (\d+) Trajectory: (.*) Number of atoms (\d+)", why)
    if numbers:
        n_topology, trajectory, n_trajectory = numbers.groups()
        trajectory = f"each of {', '.join(files[1:])}" if len(files) > 2 else trajectory
        return (
            f"{trajectory} has {n_trajectory} particles a frame, {files[0]} has {n_topology}: expected equal numbers; "
            "name the topology that belongs to this trajectory"
        )
    if "out of bounds for axis 0 with size 0" in why and len(files) == 1:
        return f"MDAnalysis finds no atoms in {files[0]}: is it such a file as its name says, and complete?"
    unparsed = re.match(r"Failed to (?:construct topology from|load from the topology) file .* with parser <.*>\.", why)
    if unparsed:
        said = why[unparsed.end() :].removeprefix(" Error:").strip()
        said = f": {reason(said)}" if said else ", or it is damaged"
        return f"MDAnalysis cannot read {files[0]} as what its name says it is{said}"
    for name, reader in readers:
        said = _failure(name, reader, options)
        if said:
            return f"MDAnalysis cannot read {name} ({said}){_advice(name, reader, said)}"
    return f"MDAnalysis cannot read {' with '.join(files)}: {reason(error)}"


def _failure(name, reader, options):
    """What a reader on its own says, if it fails; the error itself would keep the reader alive."""
    try:
        opened = reader(name, **options)
        opened.n_frames  # noqa: B018 - some count their frames only when asked
        opened.close()
    except Exception as error:  # any reader, any error
        return reason(error).removesuffix(". Please raise")
    return ""


def _advice(name, reader, said):
    """What may be wrong with a file, as the end of a sentence."""
    from MDAnalysis.coordinates.DCD import DCDReader
    from MDAnalysis.coordinates.LAMMPS import DumpReader

    if "install" in said and "TNG" not in said:
        return f"; pip install 'mdbackmap[{'gsd' if reader.__name__ == 'GSDReader' else 'mmcif'}]'"
    if "install" in said or "--reader-option" in said:
        return ""
    if reader is DumpReader:
        return ": a frame begins with TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS, ATOMS and nothing else; is it complete?"
    if reader is DCDReader:
        return f": {_about_dcd(name)}"
    return ": is it of the format that its name says (else --format), and complete?"


def _about_dcd(name):
    from ..reading.cut import dcd_frames

    try:
        n_frames, _, promised = dcd_frames(name)
    except Exception:  # no header to go by
        return "it has no whole header of a DCD file; is it one, and was it written to the end?"
    return f"its header names {promised} frames, it holds {n_frames} whole ones; was it written to the end?"
