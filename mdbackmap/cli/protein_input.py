"""Which proteins the arguments of ``evaluate`` and ``check`` name: files into groups, groups into arrays."""

import os
from pathlib import Path

from ..checks import require
from ..chemistry.residues import RESIDUE_NAMES
from ..files import save_json
from ..reading.formats import parser_of
from . import options, values

FRAMES_SHOWN = 20  # of one structure, at most; chosen: by hand
ENERGY_STEPS = 50  # of L-BFGS; chosen: by hand


def add_reading(parser):
    """Options that say what is read from the files."""
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--top", metavar="FILE", help="topology of trajectories that come without one, as for dcd or xtc"
    )
    options.add_reading(group, "atoms")


def add_energy(parser):
    """The option for energies."""
    parser.add_argument(
        "--energy",
        type=values.natural,
        nargs="?",
        const=ENERGY_STEPS,
        metavar="N",
        help=f"minimise every structure N steps ({ENERGY_STEPS}) by OpenMM (amber14, implicit solvent), and give its "
        "energy. It takes minutes for a large protein. Without N, name it after the files",
    )


def require_energy(args):
    """Refuse ``--energy`` before any work is done if OpenMM is not installed."""
    if args.energy is not None:
        require("openmm", "energies need")


def add_writing(parser):
    """Options that say where results go."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE", help="write every number to this file")
    group.add_argument(
        "--plots", metavar="DIR", help="draw Ramachandran maps, chi histograms and errors by residue in this folder"
    )
    group.add_argument(
        "--report", metavar="FILE", help="write a page with scores, pictures and the worst residues: report.html"
    )
    group.add_argument(
        "--worst", type=values.natural, default=5, metavar="N", help="residues to name, the worst first (default: 5)"
    )


def check_writing(args, inputs=()):
    """
    Refuse places where ``--json``, ``--report`` and ``--plots`` cannot write, before any work is done.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_writing`.
    inputs : sequence of str
        Files that are read.

    Raises
    ------
    OSError
        No such folder, a folder in place of a file or a file in place of a folder, or no permission.
    ValueError
        If the JSON file is an input.
    """
    for option in ("json", "report"):
        if getattr(args, option) is not None:
            check_file(f"--{option}", Path(getattr(args, option)), inputs)
    if args.plots:
        folder = Path(args.plots).absolute()
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if not nearest.is_dir():
            raise NotADirectoryError(f"--plots {args.plots}: {nearest} is a file, expected a folder; give another name")
        _require_writable(nearest, f"--plots {args.plots}")


def check_file(option, file, inputs=()):
    """
    Refuse a file that cannot be written.

    Parameters
    ----------
    option : str
        That names it, for messages.
    file : Path
    inputs : sequence of str
        Files that are read, and not to be overwritten.
    """
    folder = file.absolute().parent
    if file.is_dir():
        raise IsADirectoryError(f"{option} {file} is a folder, expected the name of a file: add one to it")
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder for {option} {file}: create {folder} first")
    if file.exists() and any(Path(name).exists() and file.samefile(name) for name in inputs):
        raise ValueError(f"{option} {file} is an input and would be overwritten: give it another name")
    _require_writable(folder, f"{option} {file}")


def _require_writable(folder, what):
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{what}: no permission to write into {folder}; give another folder")


def has_topology(filename):
    """Whether MDAnalysis reads a topology from a file of this name, or of this content."""
    from MDAnalysis import _PARSERS

    return parser_of(filename) not in (None, _PARSERS["MINIMAL"])


def grouped(files, top=None):
    """
    Files as proteins: each one with a topology begins a protein, trajectories after it belong to it.

    Parameters
    ----------
    files : sequence of str
    top : str, optional
        Topology of every trajectory; each is then a separate protein.

    Returns
    -------
    list of list of str
        For each protein what `MDAnalysis.Universe` takes.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If there is a trajectory without a topology.

    Examples
    --------
    >>> from mdbackmap.datafiles import GO_PDB, GO_XTC
    >>> len(grouped([GO_PDB, GO_PDB, GO_XTC])), len(grouped([GO_XTC, GO_XTC], top=GO_PDB))
    (2, 2)
    """
    groups = []
    for name in [top] * (top is not None) + list(files):
        if not Path(name).exists():
            raise FileNotFoundError(f"no such file: {name}")
    for name in files:
        if has_topology(name):
            groups.append([name])
        elif top is not None:
            groups.append([top, name])
        elif groups:
            groups[-1].append(name)
        else:
            raise ValueError(f"{name} is a trajectory: name its topology before it, or with --top FILE")
    return groups


def read(group, args):
    """
    One protein as a `Chain`, and the numbers of its frames.

    Parameters
    ----------
    group : list of str
        From `grouped`.
    args : argparse.Namespace
        With the options of `add_reading` and of the frames.

    Returns
    -------
    Chain
    list of int
    """
    from ..evaluation.proteins import read_protein

    _, atoms = options.open_universe(args, group)
    numbers = chosen(len(atoms.universe.trajectory), args)
    return read_protein(atoms, numbers, name=group[-1], aliases=dict(args.alias)), numbers


def chosen(n_frames, args):
    """Frame numbers that the frame options choose."""
    from ..universes.chosen import numbers_of

    if args.frames is not None:
        return numbers_of(args.frames, n_frames).tolist()
    numbers = list(range(n_frames))[args.start : args.stop : args.step]
    if not numbers:
        raise ValueError(f"no frames to judge: the trajectory has {n_frames}, and --start, --stop, --step leave none")
    return numbers


def print_worst(heading, judgement, n):
    """Print lines that name the worst residues, if there are any."""
    from ..metrics.faults import FAULTS, worst_residues

    lines = [heading]
    for row, total, kinds in worst_residues(judgement.faults, n):
        what = ", ".join(f"{FAULTS[name]} x {mean:.3g}" for name, mean in sorted(kinds.items(), key=lambda k: -k[1]))
        error = "" if judgement.errors is None else f", {judgement.errors[row]:.2f} A off"
        lines.append(f"  {RESIDUE_NAMES[judgement.types[row]]} {judgement.labels[row]:<8} {total:.3g}{error}: {what}")
    if lines != [heading]:
        print(*lines, sep="\n")


def save(args, judgements, mean=None, spread=None):
    """The files that the output options ask for; `spread` of samples (R,) goes into the report."""
    if args.json:
        content = {"structures": [judgement.content() for judgement in judgements]}
        save_json({"mean": mean, **content} if mean else content, args.json)
    if args.plots:
        from ..evaluation.plots import save_plots

        for judgement, stem in zip(judgements, _stems(judgements), strict=True):
            save_plots(judgement, args.plots, stem)
    if args.report:
        from ..evaluation.report_page import save_report

        save_report(judgements, args.report, spread=spread)


def _stems(judgements):
    """Names of the judged files without folder and suffix; those that occur twice are numbered from 1."""
    stems = [Path(judgement.name).stem for judgement in judgements]
    return [f"{stem}-{k}" if stems.count(stem) > 1 else stem for k, stem in enumerate(stems, 1)]
