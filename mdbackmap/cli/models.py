"""``mdbackmap models``: the bundled weights and where they come from."""

import json
from pathlib import Path

from ..files import plain
from ..metrics.table import aligned
from ..weights.bundled import bundled

_MANY = 4  # bead models that are counted instead of named in the list; chosen: by hand
HEADS = ("model", "family", "for", "trained on", "size", "date", "version")


def add_parser(verbs):
    """Declare the options of ``models``."""
    parser = verbs.add_parser(
        "models",
        help="list the bundled models",
        description="List the models whose weights come with the package, one a line. With names, print all that is "
        "known of these models: data, settings, metrics.",
        epilog="Examples: mdbackmap models; mdbackmap models genzprot; mdbackmap models runs/mine/model.pt --json",
    )
    parser.add_argument("model", nargs="*", metavar="MODEL", help="a bundled model or a .pt file (default: list all)")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--names", action="store_true", help="their names only, one a line")
    group.add_argument("--json", action="store_true", help="all that is known of them as JSON, by name")
    return parser


def check(args):
    """What is wrong with the usage, or None."""
    if args.model and args.names:
        return "--names lists the bundled models: name none"
    unknown = [name for name in args.model if name not in bundled() and not Path(name).is_file()]
    known = ", ".join(bundled()) or "none"
    return f"no model {unknown[0]!r}: expected a bundled one ({known}) or a .pt file" if unknown else None


def run(args):
    """Print one line a model, or all that is known of each."""
    if args.names:
        print(*bundled(), sep="\n")
        return
    known = {name: read(name) for name in dict.fromkeys(args.model or bundled())}
    if args.json:
        print(json.dumps(plain({name: about(*known[name]) for name in known}), indent=1))
    elif args.model:
        for name in known:
            print("\n".join(lines(name, about(*known[name]))))
    else:
        rows = [row(name, *known[name]) for name in known]
        print(*(cells.rstrip() for cells in aligned([HEADS, *rows], gap="  ", left=len(HEADS))), sep="\n")
        if not args.quiet:
            print("'mdbackmap models MODEL' tells all that is known of one")


def read(name):
    """A model, what its checkpoint says about itself, and the size of the file in MB."""
    from ..checkpoint import find, load

    return *load(name), find(name).stat().st_size / 1e6


def about(model, provenance, size):
    """All that is known of a model, as plain values."""
    return {"family": model.family, "for": purpose(model), "megabytes": round(size, 1), **provenance}


def purpose(model):
    """
    What a model is for, in a few words.

    Examples
    --------
    >>> purpose(read("cgvae-chignolin")[0])
    'one molecule, 10 beads to 93 atoms'
    """
    if model.molecule is None:
        alphas_alone = model.family == "genzprot" and not model.config.n_placement_layers
        return f"any protein, {'C-alphas' if alphas_alone else 'beads'} to atoms"
    return f"one molecule, {model.molecule.n_beads} beads to {model.molecule.n_atoms} atoms"


def row(name, model, provenance, size):
    """
    The cells of one line of the list, as `HEADS` names them.

    Parameters
    ----------
    name : str
    model : Model
    provenance : dict
    size : float
        Of the file, MB.

    Returns
    -------
    list of str
    """
    data = str(provenance.get("structures", "-")).strip("<>").removeprefix("Structures: ").split(";")[0]
    beads = list(dict.fromkeys(provenance.get("beads", [])))
    if set(beads) - {"ca"}:
        data += f", as {', '.join(beads) if len(beads) < _MANY else f'{len(beads)} bead models'}"
    version = [str(provenance.get(key, "-")) for key in ("date", "version")]
    return [name, model.family, purpose(model), data, f"{size:.1f} MB", *version]


def lines(name, content):
    """Lines with all that is known of a model."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in content.items()}
    return [name, *(f"  {key:<14} {text}" for key, text in texts.items())]
