"""``mdbackmap evaluate``: generated structures against known ones, and the benchmark of a model."""

import logging
from dataclasses import replace
from pathlib import Path

from ..datafiles import VALIDATION
from ..files import save_json
from ..metrics.table import behind, systems, table
from . import evaluate_beads, evaluate_cascades, evaluate_molecules, options, protein_input, values

logger = logging.getLogger(__name__)

PULCHRA = "PULCHRA"
NAMES_SHOWN = 5  # of files that are in one folder only


def add_parser(verbs):
    """Declare the options of ``evaluate``."""
    parser = verbs.add_parser(
        "evaluate",
        help="judge generated structures, or a model, by known ones",
        description="Compare generated proteins with a reference, heavy atoms as they stand: nothing is superposed. A "
        "file that has a topology begins a protein, trajectories after it belong to it; the first protein is the "
        "reference. A generated protein may have several frames, as samples, for each of the reference's. Two folders "
        "are compared file by file, by name. --benchmark, --pack and --ensembles run a model on the C-alphas of known "
        "chains, --mapping on other beads of them. Native structures are judged beside it, and PULCHRA's where "
        "pypulchra is installed. --cgvae judges a "
        "model of one molecule on its trajectory: on frames held out from training, or on all frames of other files. "
        "--chain compares cascades of models with single steps in the same way.",
        epilog="Examples: mdbackmap evaluate reference.pdb generated.pdb; mdbackmap evaluate --benchmark --limit 10; "
        "mdbackmap evaluate --benchmark --mapping martini3; "
        "mdbackmap evaluate --cgvae mine.pt aa.pdb aa.xtc --plots plots",
    )
    parser.add_argument("files", nargs="*", help="reference, then one or more generated proteins; or two folders")
    parser.add_argument("--legacy", **options.FLAG, help="GED as the papers' code has it: missing and extra cancel")
    protein_input.add_energy(parser)
    protein_input.add_reading(parser)
    options.add_frames(parser)
    protein_input.add_writing(parser)
    _add_benchmark(parser)
    return parser


def _add_benchmark(parser):
    group = parser.add_argument_group("benchmark")
    group.add_argument("--benchmark", **options.FLAG, help="run a model on the 85 bundled validation chains")
    group.add_argument("--pack", metavar="FILE", help="run it on the chains of this pack, made by 'mdbackmap pack'")
    group.add_argument("--ensembles", metavar="FILE", help="run it on the ensembles of this HDF5 file")
    group.add_argument("--cgvae", metavar="MODEL", help="run this model of one molecule: a .pt file or a bundled one")
    group.add_argument(
        "--chain",
        "--cascade",
        action="append",
        metavar="MODEL",
        help="judge this cascade of models, or model of one step; give it again for each model to compare",
    )
    group.add_argument("--elbo", **options.FLAG, help="with --chain: the evidence lower bound, step by step")
    group.add_argument(
        "--all-frames", **options.FLAG, help="with --cgvae and --chain: all frames, those that were trained on, too"
    )
    group.add_argument(
        "--mapping",
        action="append",
        metavar="NAME",
        help="see the chains through the beads of this bead model: martini3, com, FILE.json:NAME, ...; all for every "
        "one; give it again for several",
    )
    group.add_argument("--held-out", **options.FLAG, help="only what was held out of training in that file")
    group.add_argument("--per-system", **options.COUNT, default=5, help="frames of each system (default: 5)")
    group.add_argument(
        "--largest", **options.COUNT, default=700, help="leave out systems of more residues (default: 700)"
    )
    group.add_argument("--model", default="genzprot", help="a bundled model or a .pt file (default: %(default)s)")
    group.add_argument(
        "--temperature",
        type=values.not_negative,
        nargs="+",
        default=[0.0, 1.0],
        metavar="T",
        help="temperatures to sample at (default: 0 1)",
    )
    group.add_argument("--n-samples", **options.COUNT, default=5, help="samples above temperature 0 (default: 5)")
    group.add_argument("--limit", **options.COUNT, help="only N of the chains, evenly spread")
    group.add_argument("--seed", type=values.natural, default=0, help="same seed, same atoms (default: 0)")
    group.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1: where models run (default: %(default)s)")


def check(args):
    """What is wrong with the usage, or None."""
    runs = [f"--{name}" for name in ("benchmark", "pack", "ensembles", "cgvae", "chain") if getattr(args, name)]
    if args.elbo and not args.chain:
        return "--elbo belongs to --chain"
    if args.mapping and not (args.benchmark or args.pack or args.ensembles):
        return "--mapping belongs to --benchmark, --pack and --ensembles"
    if runs:
        if len(runs) > 1:
            return f"{' and '.join(runs)} are {len(runs)} runs: give one of them"
        if args.report:
            return f"--report belongs to generated proteins: leave it out with {runs[0]}"
        if args.cgvae or args.chain:
            known = options.check_frames(args)
            return known if args.files else f"{runs[0]} needs a topology, and a trajectory: aa.pdb aa.xtc"
        if args.plots:
            return f"--plots belongs to generated proteins, --cgvae and --chain: leave it out with {runs[0]}"
        return "a benchmark takes no files: its structures are its own" if args.files else None
    if not args.files:
        return "expected a reference and a generated protein, --benchmark, --pack FILE, or --ensembles FILE"
    return options.check_frames(args)


def run(args):
    """Judge, and show the table."""
    protein_input.check_writing(args, [*args.files, *filter(None, (args.top, args.pack, args.ensembles))])
    protein_input.require_energy(args)
    if args.chain:
        evaluate_cascades.run_cascade(args)
    elif args.cgvae:
        evaluate_molecules.run_molecule(args)
    elif args.benchmark or args.pack or args.ensembles:
        run_benchmark(args)
    else:
        compare(args)


def compare(args):
    """Judge generated proteins against their references."""
    from ..evaluation.judgement import judge
    from ..metrics.protocol import summarise

    judgements = [
        judge(generated, reference, legacy=args.legacy, energy_steps=args.energy)
        for reference, generated in (read_pair(*pair, args) for pair in pairs(args))
    ]
    mean = summarise([judgement.mean for judgement in judgements])
    protein_input.save(args, judgements, mean)
    if args.quiet:
        return
    for judgement in judgements:
        frames = options.count(len(judgement.frames), "frame")
        samples = f", {judgement.n_samples} samples of each" if judgement.n_samples > 1 else ""
        residues = options.count(len(judgement.types), "residue")
        if judgement.missing:
            residues += f" of the reference's {len(judgement.types) + judgement.missing}"
        print(f"{judgement.name}: {residues}, {frames}{samples}")
    columns = {Path(judgement.name).stem: judgement.mean for judgement in judgements}
    if len(columns) < len(judgements):
        columns = {judgement.name: judgement.mean for judgement in judgements}
    print(table({**columns, "mean": mean} if len(judgements) > 1 else {"": mean}))
    for judgement in judgements:
        protein_input.print_worst(f"{judgement.name}: worst residues, faults a frame", judgement, args.worst)


def pairs(args):
    """(reference, generated) files, one pair for each generated protein."""
    folders = [Path(name) for name in args.files if Path(name).is_dir()]
    if folders:
        return _pairs_of_folders(folders, args)
    reference, *generated = protein_input.grouped(args.files, args.top)
    if not generated:
        raise ValueError(f"nothing to compare with {reference[-1]}: name a generated protein, or use 'mdbackmap check'")
    return [(reference, other) for other in generated]


def _pairs_of_folders(folders, args):
    from ..molecule.attributes import listed

    if len(folders) != 2 or len(args.files) != 2:
        raise ValueError(
            f"found {options.count(len(folders), 'folder')} among {len(args.files)} names: expected two folders"
        )
    first, second = ({path.name: str(path) for path in sorted(folder.iterdir())} for folder in folders)
    shared = [name for name in first if name in second and protein_input.has_topology(name)]
    if not shared:
        raise ValueError(
            f"{folders[0]} and {folders[1]} have no structure files of one name: expected such as 1abc.pdb"
        )
    for folder, files, others in ((folders[0], first, second), (folders[1], second, first)):
        alone = [name for name in files if name not in others and protein_input.has_topology(name)]
        if alone:
            logger.warning("only in %s, not judged: %s", folder, listed(alone, NAMES_SHOWN))
    return [([first[name]], [second[name]]) for name in shared]


def read_pair(reference, generated, args):
    """The reference and a generated protein: the frames that were chosen, with all their samples."""
    from ..evaluation.proteins import read_protein

    atoms = [options.open_universe(args, group)[1] for group in (reference, generated)]
    n_reference, n_generated = (len(group.universe.trajectory) for group in atoms)
    of_reference = [0] if n_reference == 1 else protein_input.chosen(n_reference, args)
    n_samples, extra = divmod(n_generated, n_reference)
    if n_reference == 1:
        of_generated = protein_input.chosen(n_generated, args)
    elif extra:
        raise ValueError(
            f"{generated[-1]} has {options.count(n_generated, 'frame')} and {reference[-1]} {n_reference}: expected "
            "equal numbers, or several generated frames for each of the reference"
        )
    else:
        of_generated = [frame * n_samples + sample for frame in of_reference for sample in range(n_samples)]
    wanted = zip(atoms, (of_reference, of_generated), (reference[-1], generated[-1]), strict=True)
    return [read_protein(group, frames, name=name, aliases=dict(args.alias)) for group, frames, name in wanted]


def run_benchmark(args):
    """Judge a model on bundled chains, on those of a pack, or on ensembles."""
    from ..checkpoint import load
    from ..evaluation.benchmark import benchmark

    model, provenance = options.on_device(*load(args.model), args.device)
    if model.molecule is not None:
        raise ValueError(
            f"--model {args.model} is a {model.family} model of one molecule and cannot be judged on many proteins; "
            "judge it on its own trajectory: --cgvae MODEL or --chain MODEL, with aa.pdb aa.xtc"
        )
    sampling = {"temperatures": args.temperature, "n_samples": args.n_samples, "seed": args.seed}
    known = known_chains(args)
    if not known:
        raise ValueError(
            f"nothing is left to judge in {args.ensembles or args.pack}: expected chains or systems that --held-out "
            "and --largest leave in"
        )
    if args.mapping:
        return evaluate_beads.run_beads(model, provenance, known, args)
    nats = {} if args.ensembles else likelihood(model, args)
    content = {"model": provenance, **sampling, **nats}
    for kind in dict.fromkeys(chain.kind for chain in known):
        some = [chain for chain in known if chain.kind == kind]
        result = benchmark(model, some, **sampling, energy_steps=args.energy, verbose=not args.quiet)
        content[kind] = result
        if not args.quiet:
            show(f"{provenance['model']}, {kind}", some, result, each=bool(args.ensembles))
    if nats and not args.quiet:
        terms = "{nats:.2f} (reconstruction {nats_torsions:.2f}, KL {nats_kl:.2f}); independent {nats_independent:.2f}"
        print("nats per residue, torsions per radian:", terms.format(**nats["nats"]))
    if args.json:
        save_json(content, args.json)


def known_chains(args):
    """The chains to judge by."""
    from ..data.known import read_chains, read_ensembles

    held_out = 1 if args.held_out else None
    if args.ensembles:
        some = {"split": held_out, "largest": args.largest}
        return read_ensembles(args.ensembles, args.per_system, args.limit, **some)
    known = read_chains(args.pack or VALIDATION, args.limit, split=held_out)
    return [replace(chain, kind="pack") for chain in known] if args.pack else known


def likelihood(model, args):
    """The nats per residue of packed chains."""
    from ..evaluation.likelihood import nats_per_residue

    splits = (0, 1) if args.pack and not args.held_out else (1,)
    chosen = {"splits": splits, "limit": args.limit, "seed": args.seed}
    return {"nats": nats_per_residue(model, args.pack or VALIDATION, **chosen)}


def show(heading, known, result, *, each):
    """
    Print the table of a benchmark, and where the model is behind PULCHRA.

    Parameters
    ----------
    heading : str
    known : list of Chain
    result : dict
        From `benchmark.benchmark`.
    each : bool
        A line for each system, too.
    """
    n_residues = sum(len(chain.types) for chain in known)
    print(f"{heading}: means over {options.count(len(known), 'chain')}, {n_residues} residues")
    print(table({name: condition["mean"] for name, condition in result.items()}))
    if each:
        print(systems(result, known))
    for name in [name for name in result if name.startswith("T=") and "noisy" not in name and PULCHRA in result]:
        worse = behind(result[name]["mean"], result[PULCHRA]["mean"])
        print(f"{name}, worse than {PULCHRA}: {'; '.join(worse) or 'nothing'}")
