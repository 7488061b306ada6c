"""``mdbackmap pack``: structure files and all-atom MD become a file to train on."""

import argparse
from pathlib import Path

from . import options, values


def add_parser(verbs):
    """Declare the options of ``pack``."""
    parser = verbs.add_parser(
        "pack",
        help="make a training pack of structures and MD",
        description="Read PDB and mmCIF files and all-atom trajectories, and write their protein chains to one HDF5 "
        "file for 'train'. Chains are split into training and validation by sequence. Files that cannot be used are "
        "listed and left out.",
        epilog="Example: mdbackmap pack pdb/ --md protein.pdb run1.xtc -o pack.h5",
    )
    group = parser.add_argument_group("input")
    group.add_argument("paths", nargs="*", metavar="PATH", help="PDB and mmCIF files (.gz too), and folders of them")
    group.add_argument(
        "--md",
        nargs="+",
        metavar="FILE",
        **options.MANY,
        help="topology of an all-atom system and its trajectories, in any format of MDAnalysis; may be repeated",
    )
    options.add_formats(group)
    names = "name of each --md, in order (default: its file's name)"
    group.add_argument("--name", metavar="NAME", **options.MANY, help=names)
    group.add_argument(
        "--models", choices=("first", "all"), default="first", help="models of NMR files (default: first)"
    )
    group.add_argument("--min-residues", **options.COUNT, default=4, help="leave out shorter chains (4)")
    options.add_range(parser, "frames of each --md")
    _add_split(parser)
    group = options.add_output(parser, "pack.h5")
    group.add_argument(
        "--ensembles", **options.FLAG, help="a group a system with all its frames, instead of an entry a frame"
    )
    return parser


def _add_split(parser):
    group = parser.add_argument_group("split")
    group.add_argument(
        "--validation",
        type=share,
        default=0.1,
        metavar="SHARE",
        help="share of the residues to hold out (default: 0.1)",
    )
    group.add_argument(
        "--hold-out", metavar="NAME", **options.MANY, help="hold out what is named so (*, ? allowed), and only that"
    )
    group.add_argument(
        "--clusters",
        choices=("auto", "mmseqs", "words"),
        default="auto",
        help="how relatives are found: mmseqs2, or shared words of five residues (default: mmseqs2 if installed)",
    )
    group.add_argument(
        "--seed", type=values.natural, default=0, metavar="N", help="which groups are held out (default: 0)"
    )


def share(text):
    """
    A share in [0, 1).

    Examples
    --------
    >>> share("0.1")
    0.1
    """
    value = values.not_negative(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"expected a share below 1, not {text!r}")
    return value


def check(args):
    """What is wrong with the options, or None."""
    if not args.paths and not args.md:
        return "nothing to pack: name files or folders, or --md TOPOLOGY TRAJECTORY"
    if args.name and len(args.name) != len(args.md):
        return f"--name is given {len(args.name)} times, --md {len(args.md)} times"
    return options.check_step(args)


def run(args):
    """Write the pack, and say what is in it and what is not."""
    output = Path(args.output)
    if output.exists() and not args.overwrite:
        raise FileExistsError(f"{output} exists already: give another name, or --overwrite to replace it")
    options.check_folder(output)
    from tqdm import tqdm

    from ..data.packs import pack

    report = pack(
        output,
        args.paths,
        systems(args),
        layout="ensembles" if args.ensembles else "structures",
        method=args.clusters,
        **options.keywords(args, "models", "validation", "hold_out", "min_residues", "seed"),
        progress=lambda items, desc: tqdm(items, desc=desc, disable=args.quiet),
    )
    if not args.quiet:
        for name, reason in report.left_out:
            print(f"left out: {name}: {reason}")
        print(f"wrote {output}: {report}")


def systems(args):
    """The trajectories that ``--md`` names."""
    from ..data.sources import System
    from ..universes.opening import open_files

    packed = []
    for k, files in enumerate(args.md):
        universe = open_files(files, **options.formats(args))
        name = args.name[k] if args.name else Path(files[-1]).stem
        if name in [system.name for system in packed]:
            raise ValueError(f"two systems are named {name}: tell them apart with --name")
        packed.append(System(name, universe, args.start, args.stop, args.step, source=Path(files[-1]).name))
    return packed
