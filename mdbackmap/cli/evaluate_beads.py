"""``mdbackmap evaluate --benchmark --mapping NAME``: a model on known chains, through other beads than C-alphas."""

import logging

from ..files import save_json
from ..metrics.table import table
from . import options

logger = logging.getLogger(__name__)

EVERY = "all"


def run_beads(model, provenance, chains, args):
    """Judge a model through the beads that are asked for, and show the table."""
    from ..evaluation.bead_benchmark import bead_benchmark

    wanted = usable(model, chains[0], args.mapping)
    sampling = {"temperatures": args.temperature, "n_samples": args.n_samples, "seed": args.seed}
    content = {"model": provenance, **sampling}
    for kind in dict.fromkeys(chain.kind for chain in chains):
        some = [chain for chain in chains if chain.kind == kind]
        content[kind] = result = bead_benchmark(model, some, wanted, **sampling, verbose=not args.quiet)
        if not args.quiet:
            n_residues = sum(len(chain.types) for chain in some)
            print(f"{provenance['model']}, {kind}: {options.count(len(some), 'chain')}, {n_residues} residues")
            print(table({name: condition["mean"] for name, condition in result.items()}))
    if args.json:
        save_json(content, args.json)


def usable(model, chain, names):
    """Bead models by name; of "all" those that the model can use."""
    from ..molecule.bead_models import BEAD_MODELS, bead_model
    from ..molecule.mapping import MappingError

    if EVERY not in names:
        return [bead_model(name) for name in names]
    from ..data.known import Generator

    found = []
    for beads in BEAD_MODELS.values():
        try:
            Generator(model, chain, beads=beads)
            found.append(beads)
        except MappingError as error:
            logger.warning("left out: %s: %s", beads.name, error)
    return found
