"""``mdbackmap models``: the bundled weights and where they come from."""

import json
from importlib.resources import files


def add_parser(verbs):
    """Declare the options of ``models``."""
    parser = verbs.add_parser(
        "models", help="list the bundled models", description="List the models whose weights come with the package."
    )
    parser.add_argument("--names", action="store_true", help="their names only, one a line")
    return parser


def run(args):
    """Print each bundled model with its provenance."""
    for file in bundled():
        name = file.name.removesuffix(".pt")
        if args.names:
            print(name)
            continue
        provenance = read_provenance(file)
        print(f"{name}  ({file.stat().st_size / 1e6:.1f} MB)")
        for key, value in provenance.items():
            text = value if isinstance(value, str) else json.dumps(value)
            print(f"  {key:<14} {text}")


def bundled():
    """The weight files of the package, by name."""
    return sorted(
        (file for file in files("mdbackmap").joinpath("weights").iterdir() if file.name.endswith(".pt")), key=str
    )


def read_provenance(file):
    """What a checkpoint says about itself, and its hash."""
    from ..checkpoint import load

    return load(str(file))[1]
