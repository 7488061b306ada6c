"""``mdbackmap train``: a model learns from structure packs, or from the trajectory of one molecule."""

from pathlib import Path

from . import options

FAMILIES = ("genzprot", "cgvae", "chain")


def add_parser(verbs):
    """Declare the options of ``train``."""
    parser = verbs.add_parser(
        "train",
        help="train a model, from random weights or from those of another",
        description="Train as a TOML file says. Started again, a run goes on where it was stopped. Its folder gets the "
        "log, curves, and model.pt, which 'convert --model' takes.",
        epilog="Start with: mdbackmap train --example > train.toml, or for a model of your own molecule: mdbackmap "
        "train --example cgvae > cgvae.toml",
    )
    parser.add_argument("config", nargs="?", help="TOML file that describes the run")
    parser.add_argument(
        "--example",
        nargs="?",
        const="genzprot",
        choices=FAMILIES,
        metavar="FAMILY",
        help="print such a file: genzprot (the default), cgvae or chain",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the curves of the run here, too: curves.png, .pdf or .svg")
    parser.add_argument("--threads", **options.COUNT, help="threads of torch (default: those of the machine)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: what the file says)")
    parser.set_defaults(after_interrupt="; the same command goes on from the last checkpoint")
    return parser


def check(args):
    """What is wrong with the options, or None."""
    if (args.config is None) == (args.example is None):
        return "expected one TOML file, or --example"
    if args.plot and args.example:
        return "--plot belongs to a run: leave it out with --example"
    return None


def example(family):
    """A commented TOML file that describes a run."""
    return Path(__file__).with_name("examples").joinpath(f"{family}.toml").read_text()


def check_plot(file, plan, endings):
    """Refuse, before hours of training, a picture that cannot be drawn at their end."""
    if hasattr(plan, "steps"):
        raise ValueError(
            f"--plot {file}: a run of several steps has curves.png in the folder of each step; leave --plot out"
        )
    if file.suffix.lower() not in endings:
        raise ValueError(f"--plot {file}: expected a file that ends in {', '.join(endings)}")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"--plot {file}: no such folder: {file.parent}")


def run(args):
    """Train, and say where the model is and how good it is."""
    if args.example:
        print(example(args.example), end="")
        return
    from ..training import log, runs

    plan = runs.read(args.config, args.device)
    if args.plot:
        check_plot(Path(args.plot), plan, log.PICTURES)
    model, row = runs.run(args.config, verbose=not args.quiet, threads=args.threads, device=args.device)
    folder = plan.training.folder
    if args.plot:
        log.save_curves(folder, args.plot)
    if not args.quiet:
        parts = f"weights after epoch {row['epoch']} of {folder}/log.csv" if "epoch" in row else repr(model)
        print(f"wrote {folder}/model.pt: {parts}")
        for name in row:
            if name.startswith(("valid_", "sample_", "T")) or "_valid_" in name or "_sample_" in name:
                print(f"  {name:<22} {row[name]:.4g}")
