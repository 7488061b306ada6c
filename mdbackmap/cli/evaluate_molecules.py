"""``mdbackmap evaluate --cgvae``: a model of one molecule, judged on frames that were held out from its training."""

import dataclasses
import json
import logging
from pathlib import Path

from ..files import digest
from ..metrics.table import known_labels, read_labels
from . import options

logger = logging.getLogger(__name__)


def run_molecule(args):
    """Judge a model of one molecule, and show the tables."""
    from ..checkpoint import load
    from ..evaluation.molecule_report import judge_molecule

    model, provenance = options.on_device(*load(args.cgvae), args.device)
    if model.molecule is None:
        raise ValueError(
            f"{args.cgvae} is a {model.family} model: --cgvae judges models of one molecule; try --benchmark"
        )
    held, trained, what = frames_of(model, provenance, args)
    sampling = {"n_samples": args.n_samples, "seed": args.seed, "temperature": args.temperature[-1]}
    judgement = judge_molecule(model, held, trained, legacy=args.legacy, **sampling)
    if args.plots:
        save_map(judgement, provenance["model"], args.plots, args.quiet)
    if args.json:
        content = {"model": provenance, "frames": what, **sampling, **dataclasses.asdict(judgement)}
        content.pop("angles")
        Path(args.json).write_text(json.dumps(content, indent=1, default=str) + "\n")
    if not args.quiet:
        print(f"{provenance['model']}: {model.molecule}")
        print(f"{what}; {options.count(args.n_samples, 'sample')} of each, nothing superposed, all samples counted")
        report(judgement)


def report(judgement):
    """Print the tables of a judgement."""
    columns = judgement.table
    print(" " * 26 + "".join(f"{name:>16}" for name in columns))
    for key, label in known_labels(read_labels("molecules"), columns):
        cells = (f"{row[key]:16.4f}" if key in row else f"{'-':>16}" for row in columns.values())
        print(f"{label:<26}" + "".join(cells))
    if judgement.dihedrals:
        sample, halves = judgement.dihedrals["sample"], judgement.dihedrals["halves"]
        print(f"(phi, psi): divergence of samples from MD {sample:.4f} nats, of two halves of that MD {halves:.4f}")
    nats = "{elbo:.1f} nats a frame (reconstruction {log_density:.1f}, KL {kl:.1f})"
    print("evidence lower bound:", nats.format(**judgement.nats))
    print(f"{judgement.frames_per_second:.0f} samples/s")


def frames_of(model, provenance, args):
    """Held-out frames, training frames (None if these are other files), and a line that says which they are."""
    from ..molecule.named import named_mapping
    from ..training.molecules.holdout import HELD_OUT, TRAIN, split
    from ..training.molecules.molecule_frames import read_molecule

    data, same = data_of(provenance, args)
    frames = read_molecule(data)
    named_mapping(args.cgvae, frames.topology, load=lambda _: model.molecule)  # the same atoms, or an explanation
    if same and not args.all_frames:
        use = split(data, frames.runs)
        held, trained = (frames.positions[use == kind] for kind in (HELD_OUT, TRAIN))
        if not len(held):
            raise ValueError(
                f"{args.cgvae} was trained on all frames of this trajectory: --all-frames judges it on them"
            )
        return held, trained, f"{len(held)} held-out frames ({parts(data)}) of the trajectory that it was trained on"
    held = frames.positions[slice(args.start, args.stop, args.step)]
    source = "the trajectory that it was trained on" if same else "other files than it was trained on"
    return held, None, f"{options.count(len(held), 'frame')} of {source}"


def data_of(provenance, args):
    """What is read from the files, as `MoleculeData`, and whether a model of this provenance was trained on them."""
    from ..training.molecules.molecule_config import MoleculeData

    for name in args.files:
        if not Path(name).is_file():
            raise FileNotFoundError(f"no such file: {name}")
    *sources, settings = provenance.get("data") or [{}]
    known = {field.name for field in dataclasses.fields(MoleculeData)} - {"mapping", "weights"}
    settings = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items() if key in known}
    same = [file["sha256"] for file in sources] == [digest(name) for name in args.files]
    if not same:
        settings |= {"frames": "", "runs": ()}
    topology, *trajectory = args.files
    files = {"topology": topology, "trajectory": tuple(trajectory)}
    return MoleculeData(**settings | files | options.molecule_reading(args)), same


def parts(data):
    """Which frames are held out, in words."""
    return f"runs {list(data.hold_out)}" if data.hold_out else f"blocks of {data.block}, gaps of {data.gap}"


def save_map(judgement, name, folder, quiet=False):
    """
    Draw phi and psi of MD beside those of the samples.

    Parameters
    ----------
    judgement : MoleculeJudgement
    name : str
        Of the model.
    folder : str or Path
        Made if there is none.
    quiet : bool
        Do not say which file it is.
    """
    from ..evaluation.plots import dihedral_maps, save_figure

    if not judgement.angles:
        logger.warning("the molecule has no phi and psi: no map is drawn")
        return
    file = save_figure(dihedral_maps(judgement.angles, name), folder, f"{name}-phi-psi.png")
    if not quiet:
        print(f"wrote {file}")
