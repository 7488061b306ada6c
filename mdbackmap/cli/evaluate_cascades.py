"""``mdbackmap evaluate --chain``: cascades of models, and single models, compared on held-out frames."""

import dataclasses
from pathlib import Path

from ..files import save_json
from . import options
from .evaluate_molecules import data_of, parts


def run_cascade(args):
    """Judge them, and show the tables."""
    from ..checkpoint import load
    from ..evaluation.cascades.held_out import judge_model
    from ..evaluation.cascades.report import bounds_table, picture, table
    from ..evaluation.plots import save_figure

    judgements, elbos, files = {}, {}, {}
    temperatures = list(dict.fromkeys(args.temperature))
    for name in args.chain:
        model, provenance = options.on_device(*load(name), args.device)
        if model.molecule is None:
            raise ValueError(f"{name} is a {model.family} model for any protein: --chain judges models of one molecule")
        refuse_others(name, model.molecule.fine)
        true, what = held_out(model, provenance, args)
        if files and what != next(iter(files.values())):
            first = next(iter(files))
            raise ValueError(f"{name} is judged on {what}, {first} on {files[first]}: expected the same frames for all")
        files[name] = what
        for temperature in temperatures:
            sampling = {"n_samples": args.n_samples if temperature else 1, "temperature": temperature}
            asked = args.elbo and temperature == temperatures[0]
            judged = judge_model(model, provenance, true, elbo=asked, seed=args.seed, **sampling)
            judgements[label(name) + (f" T={temperature:g}" if len(temperatures) > 1 else "")] = judged
            if asked:
                elbos[label(name)] = judged
    if args.json:
        models = {name: dataclasses.asdict(judgement) for name, judgement in judgements.items()}
        save_json({"frames": what, "n_samples": args.n_samples, "seed": args.seed, "models": models}, args.json)
    if args.plots:
        title = f"{Path(args.files[-1]).parent.name or 'samples'}: {what}"
        save_figure(picture(judgements, title), args.plots, "steps.png")
    if not args.quiet:
        above = f", {args.n_samples} of each above T = 0" if args.n_samples > 1 else ""
        print(f"{what}; samples from the prior{above}, nothing superposed")
        print(table(judgements))
        if args.elbo:
            print("\nevidence lower bound, nats a frame; compare only rows of one measure that lead to the same level")
            print(bounds_table(elbos))


def label(name):
    """A short name of a model: its file, or its folder where the file's name says nothing."""
    path = Path(name)
    return path.parent.name if path.stem == "model" else f"{path.parent.name}:{path.stem}" if path.suffix else path.stem


def refuse_others(name, fine):
    """Refuse a model of another molecule than a protein: all that is measured here is of amino acids."""
    others = sorted(set(fine.resnames[fine.types < 0].tolist()))
    if others:
        from ..molecule.attributes import listed

        raise ValueError(
            f"{name} is a model of a molecule with residues that are no amino acids ({listed(others, 5)}): --chain "
            f"judges models of proteins; use --cgvae {name}"
        )


def is_listed(fine):
    """Whether a topology has just the heavy atoms that every amino acid has, in the usual order."""
    from ..chemistry.residues import ATOMS

    return fine.names.tolist() == [atom for resname in fine.resnames for atom in ATOMS[resname]]


def held_out(model, provenance, args):
    """True frames at the finest level of a model that the files have, and a line that says which they are."""
    from ..evaluation.cascades.held_out import whole_mapping
    from ..molecule.named import named_mapping
    from ..training.molecules.holdout import HELD_OUT, split
    from ..training.molecules.molecule_frames import open_molecule
    from ..training.steps.protein_frames import read_frames

    data, same = data_of(provenance, args)
    atoms, _ = open_molecule(data)
    fine = model.molecule.fine
    has_atoms = {"N", "CA", "C", "O"} <= set(atoms.names)
    level = "ca" if not has_atoms or (fine.names == "CA").all() else "protein" if is_listed(fine) else "atoms"
    frames = read_frames(data, level)
    if level == "atoms":
        named_mapping(f"{provenance['model']}.pt", frames.topology, load=lambda _: model.molecule)  # or an explanation
    whole_mapping(model, frames.topology.n_atoms)
    positions, kind = frames.positions, "frame"
    where = "all that there are" if same else "of other files than it was trained on, whose frames may be among them"
    if same and not args.all_frames:
        use = split(data, frames.runs)
        positions = positions[use == HELD_OUT]
        where, kind = parts(data), "held-out frame"
    positions = positions[slice(args.start, args.stop, args.step)]
    return positions, f"{options.count(len(positions), kind)} ({where})"
