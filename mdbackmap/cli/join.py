"""``mdbackmap join``: the parts of a conversion become one file."""

import os
from pathlib import Path


def add_parser(verbs):
    """Declare the options of ``join``."""
    parser = verbs.add_parser(
        "join",
        help="make one file of parts that were converted on their own",
        description="Make one file of the parts of a conversion (mdbackmap convert --part K/N), which lie in hidden "
        "folders beside it, with the options that they were made with. It is the same file as without parts.",
        epilog="Example: mdbackmap join aa.xtc",
    )
    parser.add_argument("output", help="the file that the parts are of")
    return parser


def run(args):
    """Join what is complete; say which parts are missing."""
    from ..writing.parts import Parts
    from . import build_parser, convert, parse

    command = Parts(args.output).command()
    before, target = os.getcwd(), Path(args.output).resolve()
    if not os.path.isdir(command["folder"]):
        raise FileNotFoundError(
            f"the parts were made in {command['folder']}, which is not there: join them where it is"
        )
    os.chdir(command["folder"])
    try:
        again = parse(build_parser(), command["argv"])
        if Path(again.output).resolve() != target:
            raise ValueError(
                f"the parts of {args.output} were moved: they are those of {again.output}, in {os.getcwd()}"
            )
        again.part, again.resume, again.overwrite = None, True, False
        again.quiet, again.verbose, again.threads = args.quiet, args.verbose, args.threads
        convert.run(again)
    finally:
        os.chdir(before)
