"""``mdbackmap check --trace``: how like a protein a coarse trajectory is."""

import functools

from ..files import save_json
from ..metrics.table import number
from . import options, protein_input
from .protein_input import FRAMES_SHOWN

NUMBERS = {
    "trace": "trace, nats a residue",
    "backbone": "best backbone on it, nats a residue",
    "scatter": "scatter of CA-CA distances, A",
    "noise": "noise, as a network sees it, A",
}


def run(args):
    """Judge the trace, and show what was found."""
    from ..evaluation.trace_report import judge_trace, save_plot

    report = judge_trace(*read(args))
    if args.json:
        save_json({"traces": [report.content()]}, args.json)
    picture = save_plot(report, args.plots) if args.plots else None
    if args.quiet:
        return
    print("\n".join(lines(report, args.worst)))
    if picture is not None:
        print(f"picture: {picture}")


def read(args):
    """Name, coarse Topology, beads (F, N, 3) made whole, and numbers of the frames that the arguments choose."""
    import numpy as np

    from ..molecule.attributes import atom_label
    from ..molecule.boxes import box_vectors, whole
    from ..recognition.all_beads import alphas_of
    from ..recognition.recognise import recognise
    from ..recognition.soundness import check_frames, check_whole, leave_out
    from ..universes.access import read_frame
    from ..universes.frames import CoarseFrame

    files = [args.topology, *args.trajectory]
    universe, atoms = options.open_universe(args, [args.top, *files] if args.top else files)
    trajectory = universe.trajectory
    numbers = protein_input.chosen(len(trajectory), args)
    advice = functools.partial(leave_out, n_frames=len(trajectory))
    frames = {}

    def look(indices):
        frames_read = [CoarseFrame.of(read_frame(trajectory, k), indices) for k in numbers]
        names = universe.atoms[indices]
        frames["all"] = np.stack([frame.beads for frame in frames_read])
        frames["boxes"] = [np.zeros(6) if frame.dimensions is None else frame.dimensions for frame in frames_read]
        check_frames(frames["all"], len(indices), numbers, lambda k: atom_label(names[k]), advice)
        frames["indices"] = indices
        return frames["all"][:: max(1, len(numbers) // 10)]

    told = {"sequence": args.sequence, "aliases": dict(args.alias) or None, "breaks": args.breaks}
    indices, coarse = alphas_of(*recognise(atoms, mapping=args.mapping, **told, frames=look, closed=True))
    if not np.array_equal(frames.get("indices"), indices):
        look(indices)
    beads, boxes = frames["all"], box_vectors(frames["boxes"], len(numbers))
    beads = beads if boxes is None else whole(beads, boxes, coarse)
    check_whole(beads, numbers, coarse.ends, advice=advice)
    return files[-1], coarse, beads, numbers


def lines(report, n_worst):
    """What is shown: the whole beside crystals, frames, and the worst residues."""
    import numpy as np

    from ..traces.scores import CRYSTALS, UNLIKELY

    frames, residues = report.by_frame, report.by_residue
    n_frames = options.count(len(report.frames), "frame")
    shown = [f"{report.name}: {options.count(len(report.labels), 'residue')}, {n_frames}, C-alpha trace"]
    for name, what in NUMBERS.items():
        least, middle, largest = CRYSTALS[name]
        mean = f"{number(frames[name].mean(), 2)}"
        shown.append(f"{what:36}{mean:>8}   crystals {least:.2f} to {largest:.2f}, median {middle:.2f}")
    shown.append(f"{f'residues above {UNLIKELY:g} nats, %':36}{frames['unlikely'].mean():8.1f}")
    shown.append(f"{'likelier than its mirror image by':36}{report.scores.hand:8.2f}   proteins 1 to 4, achiral 0")
    like = "like a protein" if report.scores.protein_like else "unlike a protein"
    verdict = "a mirror image" if report.scores.mirrored else like
    shown.append(f"on the whole: {verdict}")
    if len(report.frames) > 1:
        shown += ["  frame      trace   backbone unlikely %    scatter      noise"]
        rows = _few(len(report.frames))
        shown += [f"  {report.frames[k]:5d}" + "".join(f"{number(v[k], 2):>11}" for v in frames.values()) for k in rows]
    order = np.argsort(-residues["backbone"], kind="stable")
    worst = order[residues["unlikely"][order] > 0][:n_worst]
    if len(worst):
        shown.append("worst residues, best backbone in nats and % of frames in which it is unlike a protein:")
        shown += [
            f"  {report.labels[k]:<16}{number(residues['backbone'][k], 2):>7}{residues['unlikely'][k]:8.0f}%"
            for k in worst
        ]
    return shown


def _few(n):
    """At most `FRAMES_SHOWN` of `n` rows, evenly spread."""
    shown = min(n, FRAMES_SHOWN)
    return sorted({round(k * (n - 1) / max(1, shown - 1)) for k in range(shown)})
