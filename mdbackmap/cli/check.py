"""``mdbackmap check``: geometry and clashes of a structure or trajectory, without a reference."""

from ..metrics.table import table
from . import check_traces, options, protein_input
from .protein_input import FRAMES_SHOWN

COLUMNS = ("bonds", "angles", "clashscore", "rama_outliers", "rotamer_outliers", "twisted", "mirrored_ca")
HEADS = ("bonds", "angles", "clashes", "Rama out", "rotamer out", "twisted", "mirrored")


def add_parser(verbs):
    """Declare the options of ``check``."""
    parser = verbs.add_parser(
        "check",
        help="judge an all-atom structure or trajectory on its own",
        description="Judge bonds and angles against ideal ones, contacts and clashes, Ramachandran, rotamers, cis and "
        "twisted peptides, handedness. Shown are means, frames, and the worst residues. Where there are hydrogens, "
        "clashes of all atoms are counted, too. Frames beyond stated limits (docs/evaluation.md) are named.",
        epilog="Examples: mdbackmap check aa.pdb aa.xtc --step 10 --report report.html; mdbackmap check --trace ca.pdb "
        "ca.xtc --plots plots",
    )
    group = parser.add_argument_group("input")
    group.add_argument("topology", help="PDB, GRO, ... whatever MDAnalysis reads")
    group.add_argument("trajectory", nargs="*", help="trajectory files, read one after the other")
    group.add_argument(
        "--trace",
        **options.FLAG,
        help="judge the C-alpha trace instead of the atoms: a coarse trajectory before atoms are generated",
    )
    group.add_argument("--strict", **options.FLAG, help="end with status 1 if a frame is beyond the limits")
    group.add_argument(
        "--mapping", metavar="NAME", help="with --trace: which beads they are, as of convert (default: recognised)"
    )
    options.add_chains(group, "with --trace: ")
    protein_input.add_energy(parser)
    protein_input.add_reading(parser)
    options.add_frames(parser)
    protein_input.add_writing(parser)
    return parser


def check(args):
    """What is wrong with the usage, or None."""
    for name in ("sequence", "breaks", "mapping"):
        if getattr(args, name) is not None and not args.trace:
            return f"--{name} belongs to --trace: atoms say what they are and where chains end"
    if args.strict and args.trace:
        return "--strict belongs to atoms: leave it out with --trace"
    if args.report and args.trace:
        return "--report belongs to atoms: leave it out with --trace, which has --plots"
    if args.scale is not None and not args.trace:
        return "--scale belongs to --trace: atoms are expected in angstrom"
    return options.check_frames(args)


def run(args):
    """Judge, and show what was found."""
    protein_input.check_writing(args, [args.topology, *args.trajectory])
    if args.trace:
        return check_traces.run(args)
    from ..evaluation.judgement import judge_alone

    protein_input.require_energy(args)
    files = [args.topology, *args.trajectory]
    chain, numbers = protein_input.read([args.top, *files] if args.top else files, args)
    judgement = judge_alone(chain, energy_steps=args.energy, numbers=numbers)
    protein_input.save(args, [judgement], spread=_spread(args, judgement.labels) if args.report else None)
    if not args.quiet:
        _show(judgement, numbers, args.worst)
    if args.strict:
        _refuse(judgement.validity)


def _spread(args, labels):
    """What B factors of the topology say of the spread of samples, by residue (R,) in angstrom; None without them."""
    import numpy as np

    from ..metrics.spread import spread_of_b_factors
    from ..molecule.attributes import attribute

    _, atoms = options.open_universe(args, [args.topology])
    alphas = atoms.select_atoms("name CA")
    factors = np.asarray(getattr(alphas, "tempfactors", np.zeros(len(alphas))), dtype=float)
    if not factors.any():
        return None
    words = (attribute(alphas, name, "") for name in ("chainIDs", "resids", "icodes"))
    known = {f"{c} {n}{i}".strip(): b for c, n, i, b in zip(*words, factors, strict=True)}
    return spread_of_b_factors(np.array([known.get(label, np.nan) for label in labels]))


def _show(judgement, numbers, n_worst):
    """Print what was found."""
    n_frames = options.count(len(judgement.frames), "frame")
    atoms = "heavy atoms" if judgement.generated.hydrogens is None else "heavy atoms, hydrogens in clashes"
    print(f"{judgement.name}: {options.count(len(judgement.types), 'residue')}, {n_frames}, {atoms}")
    print(table({"": judgement.mean}))
    print("\n".join(judgement.validity.verdict_lines()))
    if len(judgement.frames) > 1:
        print("\n".join(frame_lines(judgement.frames, numbers)))
    protein_input.print_worst("worst residues, faults a frame:", judgement, n_worst)


def _refuse(validity):
    """ValueError that names the first frame beyond the limits, if there is one."""
    bad = validity.beyond_limits()
    if bad:
        frame, _, what = bad[0]
        many = f"{len(bad)} of {len(validity)} frames are beyond the limits"
        raise ValueError(f"{many}; frame {frame}: {'; '.join(what)}")


def frame_lines(frames, numbers):
    """A line for each frame, of such numbers, or for the worst ones (by clashes, then by bonds) of many."""
    shown = range(len(frames))
    if len(frames) > FRAMES_SHOWN:
        shown = sorted(shown, key=lambda k: (-frames[k]["clashscore"], frames[k]["bonds"]))[:FRAMES_SHOWN]
    lines = [f"frames{', the worst' if len(frames) > FRAMES_SHOWN else ''}:", "  frame" + _row(HEADS)]
    lines += [f"  {numbers[k]:5d}" + _row([f"{frames[k][name]:.2f}" for name in COLUMNS]) for k in shown]
    return lines


def _row(cells):
    return "".join(cell.rjust(12) for cell in cells)
