"""Options that several verbs share: which beads, which frames, which files; and what is opened by them."""

import argparse
from pathlib import Path

from ..options import ENDS, KEEP_TOLERANCE, NAMES, PH
from ..universes.opening import open_files, select
from . import values

RANGE = ("start", "stop", "step")
COUNT = {"type": values.positive, "metavar": "N"}
FLAG = {"action": "store_true"}
MANY = {"action": "append", "default": []}
"""What options have in common that take a number, nothing, or may be repeated."""


def add_input(parser, what, mapping):
    """The topology and the trajectories to read, and which part of them; `mapping` is the help of ``--mapping``."""
    group = parser.add_argument_group("input")
    group.add_argument("topology", help=f"topology of {what}: PDB, GRO, PSF, ... whatever MDAnalysis reads")
    group.add_argument(
        "trajectory", nargs="*", help="trajectory files, read one after the other (default: the topology's own frames)"
    )
    group.add_argument("--mapping", help=mapping)
    add_reading(group, "beads or atoms")
    return group


def add_reading(group, what):
    """Which part of files is read, and how they are read whose names do not say it."""
    again = "residue XYZ is to be treated as ALA; may be given several times"
    group.add_argument("--select", metavar="TEXT", help=f"only these {what}, in MDAnalysis' selection language")
    group.add_argument("--alias", metavar="XYZ=ALA", type=values.alias, **MANY, help=again)
    add_formats(group)


def add_formats(group):
    """How files are read whose names do not say it."""
    group.add_argument(
        "--topology-format", metavar="NAME", help="format of the topology, as MDAnalysis names it: DATA, PSF, PDB, ..."
    )
    group.add_argument(
        "--format", metavar="NAME", help="format of the trajectories, as MDAnalysis names it: LAMMPSDUMP, H5MD, ..."
    )
    what = "an option of MDAnalysis' readers, such as dt=10 or atom_style='id resid type x y z'; may be repeated"
    group.add_argument("--reader-option", metavar="NAME=VALUE", type=values.reader_option, **MANY, help=what)


def formats(args):
    """The options of `add_formats` as keywords of `open_files`."""
    return {**keywords(args, "topology_format", "format"), "options": dict(args.reader_option)}


def molecule_reading(args):
    """What the options say of how files are read, by the names of `MoleculeData`."""
    reading = keywords(args, "topology_format", "format", "select")
    reading["reader_options"] = tuple(f"{name}={value!r}" for name, value in args.reader_option)
    return {name: value for name, value in reading.items() if value}


def add_chains(group, when=""):
    """What the residues are, where chains end, and what lengths have to be multiplied by."""
    group.add_argument(
        "--sequence",
        type=values.sequence,
        metavar="LETTERS",
        help=f"{when}one-letter sequence, in place of the residue names: MKV; MKV,GG for two chains; or a "
        ".fasta file; one serves all chains of its length",
    )
    group.add_argument(
        "--breaks",
        type=values.breaks,
        metavar="WHERE",
        help=f"{when}where chains end: auto (by topology and distances; the default), topology, or the last residues: "
        "41,B:17 (bead from 0, or CHAIN:RESID)",
    )
    group.add_argument(
        "--scale",
        type=values.above_zero,
        metavar="FACTOR",
        help=f"{when}multiply lengths and boxes by this: 10 for GSD or LAMMPS files in nm. Formats that have units are "
        "converted without it",
    )


def add_kept(parser):
    """Atoms that are known already."""
    group = parser.add_argument_group("atoms that are known already")
    group.add_argument(
        "--keep",
        metavar="FILE",
        **MANY,
        help="atoms that come out as they are; the rest is built around them. A structure is superposed on its beads "
        "in every frame. A topology and, by --keep again, a trajectory of as many frames are taken as they are",
    )
    group.add_argument(
        "--keep-select",
        metavar="TEXT",
        **MANY,
        help="only these of them, in MDAnalysis' selection language; given again, another part that moves on its own",
    )
    group.add_argument(
        "--keep-tolerance",
        type=values.above_zero,
        default=KEEP_TOLERANCE,
        metavar="A",
        help="how far they may be from their beads, in angstrom (default: %(default)g)",
    )


def add_hydrogens(parser):
    """Hydrogens, protons and names."""
    group = parser.add_argument_group("hydrogens and names")
    what = "--no-hydrogens: heavy atoms alone (default: proteins get hydrogens)"
    group.add_argument("--hydrogens", action=argparse.BooleanOptionalAction, default=None, help=what)
    group.add_argument(
        "--ph", type=values.not_negative, default=PH, help="residues have the protons of this pH (default: %(default)g)"
    )
    group.add_argument(
        "--protonation",
        type=values.protonation,
        metavar="A:57=HIP",
        **MANY,
        help="the form of a residue, by chain and number: HID, HIE, HIP, ASH, GLH, LYN, CYM, CYX or TYM; may be given "
        "several times. Such names of residues in the input count, too. propka asks PROPKA (an extra) for all others",
    )
    group.add_argument(
        "--ends", choices=ENDS, default=ENDS[0], help="first and last residues of chains (default: %(default)s)"
    )
    what = "ACE and NME at the ends of all unbroken stretches; --no-caps: none (default: where the input has caps)"
    group.add_argument("--caps", action=argparse.BooleanOptionalAction, default=None, help=what)
    group.add_argument(
        "--names", choices=NAMES, default=NAMES[0], help="whose names atoms and residues get (default: %(default)s)"
    )


def hydrogens(args):
    """What `add_hydrogens` asks for, as keywords of `load_model`."""
    return {**keywords(args, "hydrogens", "ph", "ends", "names", "caps"), "protonation": dict(args.protonation) or None}


def add_passthrough(parser):
    """Molecules that are carried along."""
    group = parser.add_argument_group("other molecules")
    group.add_argument(
        "--passthrough",
        nargs="?",
        const=True,
        metavar="TEXT",
        help="molecules that are not converted come out as they are, behind the protein: ions, ligands, beads of "
        "lipids and water. All of them, or these, in MDAnalysis' selection language: 'resname ION ZN'. Name it after "
        "the files",
    )


def add_like(parser):
    """A topology that the output has to have."""
    group = parser.add_argument_group("topology of the output")
    group.add_argument(
        "--like",
        metavar="FILE",
        help="the output has the atoms of this topology, in its order and with its names, hydrogens included: PDB, "
        "PRMTOP, PSF, GRO, TPR, whatever MDAnalysis reads. Its ions, ligands and water come from --passthrough",
    )


def check_passthrough(args):
    """What is wrong with the option, or None."""
    if isinstance(args.passthrough, str) and Path(args.passthrough).is_file():
        return f"--passthrough took {args.passthrough} for a selection: name it after the files"
    return None


def kept(args):
    """The groups of atoms that `add_kept` asks for, or None."""
    if not args.keep:
        return None
    universe = open_files(args.keep)
    return [select(universe, text, "--keep-select") for text in args.keep_select] or universe.atoms


def check_kept(args):
    """What is wrong with these options, or None."""
    return "--keep-select picks atoms of --keep: name its file" if args.keep_select and not args.keep else None


def add_range(parser, title):
    """The first frame, the last one, and every how many."""
    group = parser.add_argument_group(title)
    group.add_argument("--start", type=int, metavar="N", help="first frame (default: 0)")
    group.add_argument("--stop", type=int, metavar="N", help="frame to stop before (default: the end)")
    group.add_argument("--step", type=int, metavar="N", help="every Nth frame")
    return group


def add_frames(parser):
    """The frames to work on."""
    group = add_range(parser, "frames")
    group.add_argument("--frames", type=values.frames, metavar="N,N,...", help="just these frames, instead of a range")
    return group


def add_output(parser, example):
    """The file to write."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=True, metavar="FILE", help=f"file to write, such as {example}")
    group.add_argument("--overwrite", **FLAG, help="replace an output file that exists")
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
    if output is not None:
        check_folder(output)
    files = (args.topology, *args.trajectory) if files is None else files
    universe = open_files(files, **formats(args))
    if getattr(args, "scale", None) is not None:
        from ..universes.scaling import Scale

        universe.trajectory.add_transformations(Scale(args.scale))
    return universe, select(universe, args.select) if args.select else universe.atoms


def check_folder(output):
    """Refuse an output file without a folder."""
    if not Path(output).absolute().parent.is_dir():
        raise FileNotFoundError(f"no such folder for the output: {Path(output).parent}")


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
    return {name: value for name, value in keywords(args, *RANGE).items() if value is not None}


def on_device(model, provenance, device):
    """A network on the device of that name, which is tried first, and its provenance."""
    from ..sampling.machine import usable_device

    return model.to(usable_device(device)), provenance


def keywords(args, *names):
    """Options as keywords of the same names."""
    return {name: getattr(args, name) for name in names}


def check_frames(args):
    """What is wrong with the frame options, or None."""
    if args.frames is not None and any(value is not None for value in keywords(args, *RANGE).values()):
        return "--frames cannot be combined with --start, --stop or --step"
    return check_step(args)


def check_step(args):
    """What is wrong with ``--step``, or None."""
    return "--step must not be 0" if args.step == 0 else None
