"""Options that several verbs share: which beads, which frames, which files; and the values they are turned into."""

import argparse
import math
from pathlib import Path

from ..reading.formats import option_of
from ..universes.opening import open_files, select

RANGE = ("start", "stop", "step")
_MOST_FRAMES = 10**6  # that --frames may name; chosen: a list of them takes 40 MB


def add_input(parser, what, mapping):
    """The topology and the trajectories to read, and which part of them; `mapping` is the help of ``--mapping``."""
    group = parser.add_argument_group("input")
    group.add_argument("topology", help=f"topology of {what}: PDB, GRO, PSF, ... whatever MDAnalysis reads")
    group.add_argument(
        "trajectory", nargs="*", help="trajectory files, read one after the other (default: the topology's own frames)"
    )
    group.add_argument("--select", metavar="TEXT", help="only these beads or atoms, in MDAnalysis' selection language")
    group.add_argument("--mapping", help=mapping)
    group.add_argument(
        "--alias",
        metavar="XYZ=ALA",
        type=alias,
        action="append",
        default=[],
        help="residue XYZ is to be treated as ALA; may be given several times",
    )
    add_formats(group)
    return group


def add_formats(group):
    """How files are read whose names do not say it."""
    group.add_argument(
        "--topology-format", metavar="NAME", help="format of the topology, as MDAnalysis names it: DATA, PSF, PDB, ..."
    )
    group.add_argument(
        "--format", metavar="NAME", help="format of the trajectories, as MDAnalysis names it: LAMMPSDUMP, H5MD, ..."
    )
    group.add_argument(
        "--reader-option",
        metavar="NAME=VALUE",
        type=reader_option,
        action="append",
        default=[],
        help="an option of MDAnalysis' readers, such as dt=10 or atom_style='id resid type x y z'; may be repeated",
    )


def formats(args):
    """The options of `add_formats` as keywords of `open_files`."""
    names = {"topology_format": args.topology_format, "format": args.format}
    return {**names, "options": dict(args.reader_option)}


def molecule_reading(args):
    """What the options say of how files are read, by the names of `MoleculeData`."""
    given = {"topology_format": args.topology_format, "format": args.format, "select": args.select}
    given["reader_options"] = tuple(f"{name}={value!r}" for name, value in args.reader_option)
    return {name: value for name, value in given.items() if value}


def add_chains(group, when=""):
    """What the residues are, and where chains end."""
    group.add_argument(
        "--sequence",
        type=sequence,
        metavar="LETTERS",
        help=f"{when}one-letter sequence, in place of the residue names: MKV; MKV,GG for two chains; or a "
        ".fasta file; one serves all chains of its length",
    )
    group.add_argument(
        "--breaks",
        type=breaks,
        metavar="WHERE",
        help=f"{when}where chains end: auto (by topology and distances; the default), topology, or the last residues: "
        "41,B:17 (bead from 0, or CHAIN:RESID)",
    )


def add_scale(group, when=""):
    """What lengths have to be multiplied by."""
    group.add_argument(
        "--scale",
        type=above_zero,
        metavar="FACTOR",
        help=f"{when}multiply lengths and boxes by this: 10 for GSD or LAMMPS files in nm. Formats that have units are "
        "converted without it",
    )


def add_weights(parser):
    """What beads are the centres of."""
    parser.add_argument(
        "--weights",
        choices=("geometry", "mass"),
        default="geometry",
        help="beads at centres of geometry or of mass (default: %(default)s; a model has its own)",
    )


def add_frames(parser):
    """The frames to work on."""
    group = parser.add_argument_group("frames")
    group.add_argument("--start", type=int, metavar="N", help="first frame (default: 0)")
    group.add_argument("--stop", type=int, metavar="N", help="frame to stop before (default: the end)")
    group.add_argument("--step", type=int, metavar="N", help="every Nth frame")
    group.add_argument("--frames", type=frames, metavar="N,N,...", help="just these frames, instead of a range")
    return group


def add_output(parser, example):
    """The file to write."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=True, metavar="FILE", help=f"file to write, such as {example}")
    group.add_argument("--overwrite", action="store_true", help="replace an output file that exists")
    return group


def open_universe(args, files=None):
    """
    The Universe and the selected AtomGroup that the input options ask for.

    Parameters
    ----------
    args : argparse.Namespace
    files : list of str, optional
        Topology and trajectories, if they are not those of `args`.

    Raises
    ------
    FileNotFoundError
        If an input file, or the folder of the output, does not exist.
    ValueError
        If MDAnalysis cannot read the files, or the selection is empty.
    """
    output = getattr(args, "output", None)
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise FileNotFoundError(f"no such folder for the output: {Path(output).parent}")
    files = (args.topology, *args.trajectory) if files is None else files
    universe = open_files(files, **formats(args))
    if getattr(args, "scale", None) is not None:
        from ..universes.scaling import Scale

        universe.trajectory.add_transformations(Scale(args.scale))
    return universe, select(universe, args.select) if args.select else universe.atoms


def count(n, what):
    """
    A number of things in words.

    Examples
    --------
    >>> count(1, "frame"), count(2, "frame")
    ('1 frame', '2 frames')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def frame_range(args):
    """The frame options as keywords of ``AnalysisBase.run``."""
    if args.frames is not None:
        return {"frames": args.frames}
    return {name: getattr(args, name) for name in RANGE if getattr(args, name) is not None}


def check_frames(args):
    """What is wrong with the frame options, or None."""
    if args.frames is not None and any(getattr(args, name) is not None for name in RANGE):
        return "--frames cannot be combined with --start, --stop or --step"
    if args.step == 0:
        return "--step must not be 0"
    return None


def alias(text):
    """
    ``XYZ=ALA`` as a pair.

    Examples
    --------
    >>> alias("MSE=MET")
    ('MSE', 'MET')
    """
    name, sign, known = (part.strip() for part in text.partition("="))
    if not (name and sign and known):
        raise argparse.ArgumentTypeError(f"expected a pair such as XYZ=ALA, not {text!r}")
    return name, known


def reader_option(text):
    """
    ``NAME=VALUE`` as a pair.

    Examples
    --------
    >>> reader_option("convert_units=False")
    ('convert_units', False)
    """
    try:
        return option_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def frames(text):
    """
    Frame numbers and ranges (ends included) as a list.

    Examples
    --------
    >>> frames("0,5,10-12")
    [0, 5, 10, 11, 12]
    """
    numbers = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().rpartition("-")
            found = range(int(first), int(last) + 1) if dash and first else [int(part)]
            if len(numbers) + len(found) > _MOST_FRAMES:
                raise argparse.ArgumentTypeError(f"{text!r} is over {_MOST_FRAMES} frames: use --start, --stop, --step")
            numbers.extend(found)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected frame numbers such as 0,5,10-20, not {text!r}") from None
    if not numbers:
        raise argparse.ArgumentTypeError(f"{text!r} names no frame")
    return numbers


def breaks(text):
    """
    ``auto``, ``topology``, or where chains end: bead numbers (from 0) and CHAIN:RESID, separated by commas.

    Examples
    --------
    >>> breaks("41,B:17")
    [41, ('B', 17)]
    """
    if text in ("auto", "topology"):
        return text
    from ..recognition.breaks import parse_breaks

    try:
        return parse_breaks(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, topology, or ends such as 41,B:17, not {text!r}") from None


def sequence(text):
    """
    A one-letter sequence, one a chain separated by commas, or the name of a FASTA file.

    Examples
    --------
    >>> sequence("MKV")
    'MKV'
    >>> sequence("MKV,GG")
    ['MKV', 'GG']
    """
    if Path(text).suffix.lower() in (".fasta", ".fa", ".faa"):
        return fasta(text)
    chains = [part.strip() for part in text.upper().split(",")]
    if not all(part.isalpha() for part in chains):
        raise argparse.ArgumentTypeError(f"expected one-letter sequences such as MKV,GG or a .fasta file, not {text!r}")
    return chains if len(chains) > 1 else chains[0]


def fasta(filename):
    """The sequences of a FASTA file, in order; each knows the chains that its header names."""
    from ..recognition.fasta import parse_fasta

    try:
        return parse_fasta(Path(filename).read_text())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{filename} is no text: expected a FASTA file") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{filename}: {error}") from None


def positive(text):
    """A whole number of at least 1."""
    return _number(text, int, lambda x: x >= 1, "a whole number of at least 1")


def natural(text):
    """A whole number of at least 0."""
    return _number(text, int, lambda x: x >= 0, "a whole number of at least 0")


def not_negative(text):
    """A finite number of at least 0."""
    return _number(text, float, lambda x: math.isfinite(x) and x >= 0, "a number of at least 0")


def above_zero(text):
    """A finite number above 0."""
    return _number(text, float, lambda x: math.isfinite(x) and x > 0, "a number above 0")


def batch_size(text):
    """``auto`` or a whole number of at least 1."""
    return text if text == "auto" else positive(text)


def _number(text, kind, fits, expected):
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, not {text!r}")
    return value


def tolerance(text):
    """
    ``auto``, or how far beads may move.

    Examples
    --------
    >>> tolerance("auto"), tolerance("0.5")
    ('auto', 0.5)
    """
    return text if text == "auto" else not_negative(text)
