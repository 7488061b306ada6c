"""``mdbackmap demo``: the whole way on a bundled trajectory, with a report and a picture."""


def add_parser(verbs):
    """Declare the options of ``demo``."""
    parser = verbs.add_parser("demo", help="backmap a bundled trajectory and look at the result")
    return parser


def run(args):
    """Run it."""
    raise NotImplementedError
