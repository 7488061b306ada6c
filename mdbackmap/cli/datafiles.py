"""``mdbackmap datafiles``: the small real inputs that come with the package, listed or copied."""

import filecmp
import shutil
from pathlib import Path

from ..datafiles import described
from ..files import replacing
from . import options


def add_parser(verbs):
    """Declare the options of ``datafiles``."""
    parser = verbs.add_parser(
        "datafiles",
        help="list the example files that come with the package, or copy them",
        description="List the small real trajectories and structures that come with the package, or copy them into a "
        "folder. In Python their paths are in mdbackmap.datafiles.",
        epilog="Examples: mdbackmap datafiles; mdbackmap datafiles --copy; mdbackmap datafiles go trpcage --copy data",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"{', '.join(described())} (default: all)")
    parser.add_argument(
        "--copy", nargs="?", const=".", metavar="DIR", help="copy the files into this folder (default: the current one)"
    )
    parser.add_argument("--overwrite", **options.FLAG, help="replace files of these names that differ")
    return parser


def check(args):
    """What is wrong with the usage, or None."""
    unknown = [name for name in args.name if name not in described()]
    if unknown:
        return f"no example {unknown[0]!r}: expected {', '.join(described())}"
    if args.overwrite and args.copy is None:
        return "--overwrite belongs to --copy"
    return None


def run(args):
    """List the files, or copy them and say which."""
    chosen = {name: described()[name] for name in dict.fromkeys(args.name or described())}
    if args.copy is None:
        for name, (what, files) in chosen.items():
            print(f"{name:<12}{what}\n{'':<12}{'  '.join(Path(file).name for file in files)}")
        if not args.quiet:
            print("'mdbackmap datafiles --copy' copies the files into the current folder")
        return
    sources = [Path(file) for _, files in chosen.values() for file in files]
    copy(sources, Path(args.copy), args.overwrite)
    if not args.quiet:
        print(f"copied {options.count(len(sources), 'file')} to {args.copy}: {', '.join(x.name for x in sources)}")


def copy(sources, folder, overwrite=False):
    """
    Copy files into a folder, which is made; each appears when it is complete.

    Parameters
    ----------
    sources : list of Path
    folder : Path
    overwrite : bool
        Replace files of these names that differ.

    Raises
    ------
    FileExistsError
        A file of that name is there and differs; nothing is copied then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [source for source in sources if not _same(source, folder / source.name)]
    differing = [str(folder / source.name) for source in wanted if (folder / source.name).exists()]
    if differing and not overwrite:
        raise FileExistsError(
            f"{differing[0]} exists already and differs: give --copy another folder, or --overwrite to replace it"
        )
    for source in wanted:
        with replacing(folder / source.name) as aside:
            shutil.copyfile(source, aside)


def _same(source, target):
    return target.is_file() and filecmp.cmp(source, target, shallow=False)
