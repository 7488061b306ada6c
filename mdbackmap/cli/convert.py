"""``mdbackmap convert``: a coarse trajectory becomes an all-atom one."""

from dataclasses import fields
from pathlib import Path

from ..checks import REFINES, SKIP
from ..options import MIRRORS, WRAPS, SamplingOptions
from ..universes.opening import open_files
from . import options, values
from .protein_input import check_file

_NAMED = 10  # structures that were left out that are named; chosen: by hand
_JUDGED = 200  # structures that a page is made of, at most; chosen: by hand


def add_parser(verbs):
    """Declare the options of ``convert``."""
    parser = verbs.add_parser(
        "convert",
        help="put the atoms back into a coarse trajectory",
        description="Read a coarse trajectory, generate its atoms, and write them to a file of any format that "
        "MDAnalysis writes. The topology goes beside it, under the same name: aa.xtc gets aa.pdb.",
        epilog="Example: mdbackmap convert ca.pdb ca.xtc -o aa.xtc --n-samples 5 --step 10",
    )
    group = options.add_input(
        parser,
        "the beads",
        "which beads they are: ca, com, ca_sc, ca_cm, martini3, martini22, elnedyn, primo, awsem, backbone, bb, "
        "calvados, or a JSON file of bead models. By default they are recognised, or are those that the model was "
        "trained on",
    )
    options.add_chains(group)
    options.add_kept(parser)
    options.add_hydrogens(parser)
    options.add_passthrough(parser)
    options.add_like(parser)
    options.add_frames(parser)
    group = options.add_output(parser, "aa.xtc or aa.h5md")
    group.add_argument(
        "--resume", **options.FLAG, help="go on with an interrupted conversion; leave one that is complete as it is"
    )
    group.add_argument(
        "--part",
        type=values.part,
        metavar="K/N",
        help="make part K of N only, as one job of an array does. mdbackmap join makes the file of all",
    )
    group = parser.add_argument_group("generation")
    for add in (_add_draws, _add_beads, _add_results, _add_machine):
        add(group)
    return parser


def _add_draws(group):
    """How atoms are drawn."""
    group.add_argument("--model", default="genzprot", help="a bundled model or a .pt file (default: %(default)s)")
    group.add_argument("--n-samples", **options.COUNT, default=1, help="all-atom frames for each coarse frame")
    group.add_argument(
        "--seed", type=values.natural, default=SamplingOptions.seed, help="same seed, same atoms (default: 0)"
    )
    group.add_argument(
        "--temperature",
        type=values.not_negative,
        default=SamplingOptions.temperature,
        metavar="T",
        help="how freely to draw: 1 as learned, 0 the one structure of least expected error (default: 1)",
    )
    group.add_argument(
        "--correlation-time",
        type=values.not_negative,
        default=SamplingOptions.correlation_time,
        metavar="PS",
        help="time for which side chains keep their rotamers (default: 0 ps, each frame on its own). 200 moves "
        "them about as in molecular dynamics",
    )


def _add_beads(group):
    """What becomes of the beads."""
    group.add_argument(
        "--bead-tolerance",
        type=values.tolerance,
        default=SamplingOptions.bead_tolerance,
        metavar="A",
        help="how far beads may move so that a protein backbone fits, RMS over a frame in angstrom. 0 keeps them. The "
        "default, auto, keeps those like crystals' and moves others by 0.9 at most",
    )
    group.add_argument(
        "--mirror",
        choices=MIRRORS,
        default=SamplingOptions.mirror,
        help="a trace that is the mirror image of a protein is refused, reflected first, or taken as it is (default: "
        "error)",
    )


def _add_results(group):
    """What becomes of the atoms."""
    group.add_argument(
        "--wrap",
        choices=WRAPS,
        default=SamplingOptions.wrap,
        help="where molecules lie in the box. By default (whole) chains are whole, where the beads are. Else the "
        "centre of each molecule is in the box (wrapped), or the protein is in the middle of it (centred)",
    )
    group.add_argument(
        "--refine",
        choices=REFINES,
        help="minimise the atoms of each frame at last, by OpenMM in Amber ff14SB with GBn2, beads restrained: some "
        "seconds a frame",
    )
    group.add_argument(
        "--strict",
        nargs="?",
        const=True,
        default=False,
        choices=[True, SKIP],
        metavar="skip",
        help="stop at a frame beyond the limits of docs/evaluation.md, and name it. --strict skip leaves them out "
        "and lists them. Name it after the files",
    )
    group.add_argument("--validity", **options.FLAG, help="judge each frame, and print a report (see check)")
    group.add_argument(
        "--report",
        metavar="FILE",
        help="read the output back, and write a page on it: scores, pictures, displacements of beads (report.html)",
    )


def _add_machine(group):
    """What it runs on."""
    group.add_argument(
        "--batch-size", type=values.batch_size, default="auto", metavar="N", help="frames at a time (default: auto)"
    )
    group.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is one)")
    group.add_argument(
        "--threads",
        **options.COUNT,
        help="processor threads (default: OMP_NUM_THREADS, SLURM_CPUS_PER_TASK, or all that may be used)",
    )
    group.add_argument(
        "--workers",
        **options.COUNT,
        default=1,
        help="processes of one thread each that share the frames (default: 1, with all threads). Faster than as many "
        "threads. Each needs the memory of one",
    )


def check(args):
    """What is wrong with the usage, or None."""
    if args.overwrite and args.resume:
        return "--overwrite starts again and --resume goes on: give one of them"
    if args.workers > 1 and args.threads is not None:
        return "--workers have one thread each: leave out --threads"
    if args.report and args.part is not None:
        return "--report belongs to the whole: leave it out with --part, and use mdbackmap check --report"
    return options.check_kept(args) or options.check_passthrough(args) or options.check_frames(args)


def run(args):
    """Convert, and say what was written."""
    if args.report is not None:
        check_file("--report", Path(args.report), [args.topology, *args.trajectory])
    _, atoms = options.open_universe(args)
    from .. import BackmapTrajectory, load_model
    from ..writing.products import AlreadyComplete

    loading = options.keywords(args, "mapping", "sequence", "breaks", "device", "threads", "keep_tolerance")
    loading |= options.keywords(args, "passthrough", "like", "refine") | options.hydrogens(args)
    loading["keep"] = options.kept(args)
    model = load_model(args.model, atoms, aliases=dict(args.alias) or None, **loading)
    names = [
        *(field.name for field in fields(SamplingOptions)),
        "n_samples",
        "batch_size",
        "overwrite",
        "resume",
        "part",
    ]
    names += ["strict", "validity"]
    analysis = BackmapTrajectory(atoms, model, args.output, **options.keywords(args, *names))
    parallel = {"backend": "multiprocessing", "n_workers": args.workers} if args.workers > 1 else {}
    try:
        analysis.run(**options.frame_range(args), **parallel, verbose=not args.quiet)
    except AlreadyComplete as done:
        if not args.quiet:
            print(done)
        return
    if args.part is not None:
        from ..writing.partial import Partial

        Partial(args.output, args.part).note_command(args.argv)
    if not args.quiet:
        report(analysis.results, model.converted.coarse, args.verbose, args.part)
    if args.report:
        write_page(analysis.results, args.report)


def write_page(results, filename):
    """Judge what was written, at most `_JUDGED` structures of it, and write a page of HTML on it."""
    import numpy as np

    from ..evaluation.judgement import judge_alone
    from ..evaluation.proteins import read_protein
    from ..evaluation.report_page import save_report

    files = dict.fromkeys((results.topology, results.filename))
    universe = open_files(list(map(str, files)))
    frames = np.unique(np.linspace(0, results.n_frames - 1, _JUDGED).astype(int)).tolist()
    judgement = judge_alone(read_protein(universe.atoms, frames, name=str(results.filename)), numbers=frames)
    spread = results.spread
    spread = spread if spread is not None and spread.shape[-1] == len(judgement.types) else None
    save_report(judgement, filename, spread=spread, displacements=results.displacements)


def report(results, coarse, verbose=False, part=None):
    """Print what a finished conversion wrote and faults of its C-alphas; `verbose`: those of the input."""
    from ..chemistry.peptide_geometry import CA_NEAREST, CIS_BRIDGED, IMPOSSIBLE_OFF, TRANS_BRIDGED

    what = f"{options.count(results.n_frames, 'frame')} of {options.count(results.n_atoms, 'atom')}"
    rate = f"in {results.seconds:.1f} s"
    rate += f", {results.frames_per_second:.3g} frames/s" if results.frames_per_second else ""  # else all were there
    topology = "" if results.topology == results.filename else f" (topology: {results.topology})"
    if part is None:
        print(f"wrote {what} to {results.filename}{topology} {rate}")
    else:
        print("part {} of {}: {what} {rate}; mdbackmap join makes the file of all".format(*part, what=what, rate=rate))
    if results.resumed:
        print(f"{options.count(results.resumed, 'coarse frame')} were there from an interrupted conversion")
    if results.skipped:
        print(f"left out: {options.count(len(results.skipped), 'structure')}")
        for frame, sample, why in results.skipped[:_NAMED]:
            print(f"  frame {frame}, sample {sample}: {why}")
    if results.validity is not None:
        print(results.validity.table())
    n_strained, n_left = int(results.strained.sum()), int(results.unrepaired.sum())
    if n_strained and verbose:
        n_peptides = len(set(results.frames.tolist())) * int((~coarse.ends).sum())
        trans, cis = ("{:.2f}-{:.2f}".format(*limits) for limits in (TRANS_BRIDGED, CIS_BRIDGED))
        share = f"{100 * n_strained / n_peptides:.1f}%"
        print(f"input: {n_strained} of {n_peptides} CA-CA distances ({share}) outside {trans} A (cis {cis} A)")
    if n_left:
        what = options.count(n_left, "C-alpha")
        far, near = f"over {IMPOSSIBLE_OFF} A off the distance to the next one", f"nearer than {CA_NEAREST} A"
        print(f"output: {what} {far}, or {near} to another one")
