"""``mdbackmap train``: a model learns from structure packs."""

from . import options

EXAMPLE = """\
[data]
packs = ["pack.h5"]        # files of 'mdbackmap pack'
# include = ["NMR"]        # of packs of ensembles, only these kinds or names

[model]
init = "genzprot"          # go on from these weights; leave it out to start anew

[training]
folder = "runs/mine"       # log, curves, checkpoint and model.pt go here
epochs = 10
learning_rate = 2e-4
# minutes = 60             # at most
# device = "cuda"

[loss]
# clash = 0.1

[validation]
chains = 8                 # that structures are sampled for after each epoch
"""


def add_parser(verbs):
    """Declare the options of ``train``."""
    parser = verbs.add_parser(
        "train",
        help="train a model, or go on with one",
        description="Train as a TOML file says. Started again, a run goes on where it was stopped. Its folder gets the "
        "log, curves, and model.pt, which 'convert --model' takes.",
        epilog="Start with: mdbackmap train --example > train.toml",
    )
    parser.add_argument("config", nargs="?", help="TOML file that describes the run")
    parser.add_argument("--example", action="store_true", help="print such a file")
    parser.add_argument(
        "--threads", type=options.positive, metavar="N", help="threads of torch (default: those of the machine)"
    )
    parser.set_defaults(check=check, after_interrupt="; the same command goes on from the last checkpoint")
    return parser


def check(args):
    """What is wrong with the options, or None."""
    if (args.config is None) != args.example:
        return "expected one TOML file, or --example"
    return None


def run(args):
    """Train, and say where the model is and how good it is."""
    if args.example:
        print(EXAMPLE, end="")
        return
    from ..training.config import read
    from ..training.loop import run as train

    _, row = train(args.config, verbose=not args.quiet, threads=args.threads)
    if not args.quiet:
        folder = read(args.config).training.folder
        print(f"wrote {folder}/model.pt: the weights after epoch {row['epoch']} of {folder}/log.csv")
        for name in row:
            if name.startswith(("valid_", "T")):
                print(f"  {name:<22} {row[name]:.4g}")
