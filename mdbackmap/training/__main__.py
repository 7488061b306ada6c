"""Train the transferable C-alpha model on a structure pack: `python -m mdbackmap.training structures.h5 --help`."""

import argparse
import dataclasses
import logging

import torch

from ..models.genzprot import GenZProt, GenZProtConfig
from .dataset import Batches, Structures, cut_units
from .loop import TrainingConfig, loss_terms, train


def _options(parser, config, title):
    group = parser.add_argument_group(title)
    for field in dataclasses.fields(config):
        kind = field.type if isinstance(field.type, type) else {"int": int, "float": float, "str": str}.get(field.type)
        flag = "--" + field.name.replace("_", "-")
        if field.type in (bool, "bool"):
            group.add_argument(flag, action="store_true", default=field.default)
        else:
            group.add_argument(flag, type=kind, default=field.default, help=f"default: {field.default}")


def _pick(config, arguments):
    return config(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(config)})


def main(argv=None):
    """Read the pack, train, and leave `checkpoint.pt` and `log.csv` in the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("pack", help="structure pack (HDF5)")
    parser.add_argument("--threads", type=int, default=1)
    _options(parser, TrainingConfig, "training")
    _options(parser, GenZProtConfig, "network")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    config, sizes = _pick(TrainingConfig, arguments), _pick(GenZProtConfig, arguments)
    structures = Structures.read(arguments.pack)
    batches = Batches(structures, cut_units(structures, 0), sizes.n_neighbours, config.batch_size, config.noise)
    held_out = Batches(structures, cut_units(structures, 1), sizes.n_neighbours, config.batch_size)
    torch.manual_seed(config.seed)
    train(GenZProt(sizes), batches, config, lambda model: validate(model, held_out, config.device))


@torch.no_grad()
def validate(model, held_out, device="cpu", n_units=40):
    """Loss terms on the first units of the held-out chains, without noise, in nats per residue."""
    example = held_out.collate(held_out.units[:n_units])
    generator = torch.Generator().manual_seed(0)
    terms, _ = loss_terms(model, tuple(part.to(device) for part in example), generator)
    return {f"valid_{name}": float(value) for name, value in terms.items()}


if __name__ == "__main__":
    main()
