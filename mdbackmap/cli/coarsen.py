"""``mdbackmap coarsen``: an all-atom trajectory becomes a coarse one."""

import errno
import re
from pathlib import Path

from . import options


def add_parser(verbs):
    """Declare the options of ``coarsen``."""
    parser = verbs.add_parser(
        "coarsen",
        help="cut the beads out of an all-atom trajectory",
        description="Read an all-atom trajectory and write its beads (so far: the C-alpha atoms), with a PDB of them "
        "beside it. 'convert' takes the result.",
        epilog="Example: mdbackmap coarsen aa.pdb aa.xtc --mapping ca -o ca.xtc",
    )
    options.add_input(parser, "the atoms")
    options.add_frames(parser)
    options.add_output(parser, "ca.xtc")
    parser.set_defaults(check=options.check_frames)
    return parser


def run(args):
    """Write the beads of each frame, and say what was written."""
    universe, atoms = options.open_universe(args)
    from ..recognition.recognise import recognise

    indices, coarse = recognise(atoms, mapping=args.mapping, aliases=dict(args.alias) or None)
    beads = universe.atoms[indices]
    output = Path(args.output)
    topology = output.with_suffix(".pdb")
    for file in {output, topology}:
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder, expected the name of a file: give -o another name")
        if file.exists() and any(file.samefile(name) for name in (args.topology, *args.trajectory)):
            raise ValueError(f"{file} is an input: give -o another name")
        if file.exists() and not args.overwrite:
            raise FileExistsError(f"{file} exists already: give another name, or --overwrite to replace it")
    n_frames = write(beads, output, topology, verbose=not args.quiet, **options.frame_range(args))
    if not args.quiet:
        what = f"{options.count(n_frames, 'frame')} of {options.count(len(beads), 'bead')}"
        print(f"wrote {what} to {output} (topology: {topology})")


def write(beads, output, topology, *, start=None, stop=None, step=None, frames=None, verbose=False):
    """
    Write beads aside, then put both files in their places.

    Parameters
    ----------
    beads : MDAnalysis AtomGroup
        What to write.
    output, topology : Path
        The trajectory and the PDB of its first frame; one file if both are the same.
    start, stop, step, frames
        As in ``AnalysisBase.run``.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    ValueError
        If there is no frame to write, or one that cannot be read.
    OSError
        If the files cannot be written.
    """
    import MDAnalysis as mda
    from MDAnalysis.lib.log import ProgressBar

    from ..frames import read_frame
    from ..writing.output import check_format, check_written, close_hdf5
    from ..writing.stream import choose_frames

    trajectory = beads.universe.trajectory
    chosen = choose_frames(trajectory, start, stop, step, frames)
    check_format(output, len(chosen))
    aside = output.with_name(f".{output.stem}.part{output.suffix}")
    aside_topology = output.with_name(f".{output.stem}.part.topology.pdb")
    try:
        with mda.Writer(str(aside), n_atoms=len(beads), multiframe=len(chosen) > 1 or None) as writer:
            for number in ProgressBar(chosen, verbose=verbose):
                read_frame(trajectory, int(number))
                writer.write(beads)
            close_hdf5(writer)
        check_written(aside, len(chosen))
        if topology != output:
            read_frame(trajectory, int(chosen[0]))
            beads.write(str(aside_topology))
            aside_topology.replace(topology)
        aside.replace(output)
    except (OSError, RuntimeError) as error:  # h5py raises either
        why = re.split(r" [(]|: time", " ".join(str(getattr(error, "strerror", None) or error).split()))[0]
        raise OSError(errno.EIO, f"cannot write {output}: {why} (a full disk, or a quota?); nothing is kept") from error
    finally:
        aside.unlink(missing_ok=True)
        aside_topology.unlink(missing_ok=True)
    return len(chosen)
