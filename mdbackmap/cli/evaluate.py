"""``mdbackmap evaluate``: generated structures against known ones, and the benchmark of a model."""

from . import options


def add_parser(verbs):
    """Declare the options of ``evaluate``."""
    parser = verbs.add_parser(
        "evaluate",
        help="judge a model on known structures",
        description="Run a model on the C-alphas of the bundled validation chains, or of an ensemble file, and judge "
        "its atoms beside the native ones and, where pypulchra is installed, PULCHRA's.",
        epilog="Example: mdbackmap evaluate --benchmark --limit 10",
    )
    group = parser.add_argument_group("benchmark")
    group.add_argument("--benchmark", action="store_true", help="run a model on the 85 bundled validation chains")
    group.add_argument(
        "--ensembles", metavar="FILE", help="run it on the ensembles of this HDF5 file instead"
    )
    group.add_argument("--model", default="genzprot", help="a bundled model or a .pt file (default: %(default)s)")
    group.add_argument(
        "--temperature",
        type=options.not_negative,
        nargs="+",
        default=[0.0, 1.0],
        metavar="T",
        help="temperatures to sample at (default: 0 1)",
    )
    group.add_argument(
        "--n-samples", type=options.positive, default=5, metavar="N", help="samples above temperature 0 (default: 5)"
    )
    group.add_argument("--limit", type=options.positive, metavar="N", help="only N of the chains, evenly spread")
    group.add_argument("--seed", type=options.natural, default=0, help="same seed, same atoms (default: 0)")
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE", help="write every number, chain by chain, to this file")
    parser.set_defaults(check=check)
    return parser


def check(args):
    """What is wrong with the usage, or None."""
    return None if args.benchmark or args.ensembles else "expected --benchmark or --ensembles FILE"


def run(args):
    """Judge, and show the table."""
    run_benchmark(args)


def run_benchmark(args):
    """Judge a model on bundled chains or on ensembles."""
    from ..checkpoint import load
    from ..datafiles import VALIDATION
    from ..training.benchmark import benchmark
    from ..training.chains import read_chains, read_ensembles
    from ..training.table import save_json, table

    model, provenance = load(args.model)
    chains = read_ensembles(args.ensembles, limit=args.limit) if args.ensembles else read_chains(VALIDATION, args.limit)
    result = benchmark(
        model,
        chains,
        temperatures=args.temperature,
        n_samples=args.n_samples,
        seed=args.seed,
        verbose=not args.quiet,
    )
    if args.json:
        save_json({"model": provenance, "seed": args.seed, "conditions": result}, args.json)
    if not args.quiet:
        n_residues = sum(len(chain.types) for chain in chains)
        print(f"{provenance['model']}: means over {options.count(len(chains), 'chain')}, {n_residues} residues")
        print(table({name: condition["mean"] for name, condition in result.items()}))
