"""
Training of the network that finds C-alphas from other beads, inside a checkpoint of GenZProt.

``python -m mdbackmap.training.placement_training FOLDER MINUTES MODEL.pt INIT PACK ...`` trains it for the checkpoint
INIT (a bundled name or a file), starting from its rounds of messages. It goes on with what is in FOLDER, and writes
INIT with it. The clock sets the schedule, so no two runs are the same to the bit.
"""

import dataclasses
import sys
from pathlib import Path

import torch

from .. import checkpoint
from ..data.bead_batches import BeadBatches
from ..data.bead_draws import RANDOM, BeadDraws
from ..data.dataset import cut_units
from ..data.layouts import TRAIN, VALIDATION
from ..data.structures import Structures
from ..models.genzprot import GenZProt
from ..models.placement import Placement
from ..molecule.bead_models import BEAD_MODELS
from .config import TrainingConfig
from .loop import fit, new_model
from .losses import LossWeights
from .tasks import OfBatches

MODELS = ("martini3", "martini3", "martini22", "com", "bb", RANDOM)  # drawn from evenly; chosen: by hand
_VALIDATED = ("martini3", "martini22", "com", "bb")
_UNITS = 60  # entries to validate on; chosen: by hand
_DROPOUT = 0.1  # share of the features hidden in training; chosen: by hand
_LAYERS = 4  # rounds of messages, as many as GenZProt has; chosen: by hand


class Placing(OfBatches):
    """
    Chains seen through bead models drawn at random; the loss is the likelihood of C-alphas and of cis peptides.

    Parameters
    ----------
    data : Structures
    config : TrainingConfig
    n_neighbours : int
    """

    aside = ("rms", "cis")
    shown = ("positions", "rms")

    def __init__(self, data, config, n_neighbours):
        self.config, self.data, self.sources, self.beads = config, data, data.sources, MODELS
        self.every = config.validation.every
        sizes, dropout = (n_neighbours, config.batch_size), config.neighbour_dropout
        draws = BeadDraws([BEAD_MODELS.get(name, name) for name in MODELS])
        self.batches = BeadBatches(data, cut_units(data, TRAIN), *sizes, draws, dropout)
        units = cut_units(data, VALIDATION)[:_UNITS]
        self.held_out = {
            name: BeadBatches(data, units, *sizes, BeadDraws([BEAD_MODELS[name]]), noisy=False) for name in _VALIDATED
        }

    def terms(self, model, example, generator):
        """Negative log density of C-alphas, exp(-distance / scale), and of cis peptides; weights of the residues."""
        with torch.autocast(example.cis.device.type, dtype=torch.bfloat16, enabled=self.config.bfloat16):
            found, log_scales, cis = model(example.batch, example.beads)
        at, weights = example.scored, example.weights[example.scored]
        missing = (found - example.displacements)[at].square().sum(-1)
        density = (missing + 1e-4).sqrt() * (-log_scales[at]).exp() + 3 * log_scales[at]
        inner = example.inner
        bent = torch.nn.functional.binary_cross_entropy_with_logits(cis[inner], example.cis[inner].float())
        placed = (density * weights).sum() / weights.sum() + bent
        return {"positions": placed, "rms": missing.mean().sqrt(), "cis": bent}, weights.sum()

    @torch.no_grad()
    def validate(self, model, device):
        """RMS and median distance of C-alphas in angstrom; shares of cis peptides found, and of others called cis."""
        model.eval()
        row = {}
        for name, batches in self.held_out.items():
            missing, bent, is_cis = [], [], []
            for part in batches.plan(torch.Generator().manual_seed(0)):
                example = batches.collate(part).to(device)
                found, _, cis = model(example.batch, example.beads)
                missing.append((found - example.displacements)[example.scored].square().sum(-1))
                bent.append(cis[example.inner] > 0)
                is_cis.append(example.cis[example.inner])
            missing, bent, is_cis = map(torch.cat, (missing, bent, is_cis))
            measured = {"": missing.mean().sqrt(), "_median": missing.median().sqrt()}
            measured |= {"_cis": bent[is_cis].float().mean(), "_false_cis": bent[~is_cis].float().mean()}
            row |= {f"valid_{name}{what}": float(value) for what, value in measured.items()}
        return {**row, "valid_nats": sum(row[f"valid_{name}"] for name in self.held_out)}

    def best(self, row, before):
        """Whether C-alphas are nearer to their true places."""
        return "valid_nats" in row and (before is None or row["valid_nats"] <= before["valid_nats"])


def new_placement(model):
    """A new `Placement` for a GenZProt, whose rounds of messages are a copy of the model's own."""
    config = dataclasses.replace(model.config, n_placement_layers=_LAYERS, dropout=_DROPOUT, anonymous=0.0)
    placement, known = new_model(Placement, config, 0), model.state_dict()
    own = placement.state_dict()
    for name in own:
        other = name.replace("layers.", "prior_layers.", 1) if name.startswith("layers.") else name
        if other in known and name.startswith(("layers.", "inputs.")):
            own[name] = known[other]
    placement.load_state_dict(own)
    return placement


def with_placement(model, placement):
    """The same GenZProt with this `Placement`."""
    larger = GenZProt(dataclasses.replace(model.config, n_placement_layers=_LAYERS))
    larger.load_state_dict({**model.state_dict(), **{f"placement.{k}": v for k, v in placement.state_dict().items()}})
    return larger


def build(folder, minutes, filename, init, *packs):
    """
    Train the network and write the checkpoint with it.

    Parameters
    ----------
    folder : path-like
        Of the run: log and checkpoints.
    minutes : float
    filename : path-like
        The ``.pt`` to write.
    init : str or path-like
        The model that it is made for.
    *packs : path-like
        Training packs.
    """
    rate = {"learning_rate": 1.5e-3, "warmup": 0.03, "weight_decay": 0.02, "ema": 0.998, "kl_warmup": 0.0}
    loss = LossWeights(torsion=0, kl=0, positions=1)
    sizes = {"epochs": 1000, "minutes": float(minutes), "batch_size": 2000}
    config = TrainingConfig(str(folder), **sizes, **rate, neighbour_dropout=0.1, bfloat16=True, loss=loss)
    model, origin = checkpoint.load(init)
    placement = new_placement(model) if model.placement is None else model.placement
    task = Placing(Structures.read(*packs), config, model.config.n_placement_neighbours)
    best, _ = fit(placement, task, config, origin=origin)
    made = torch.load(Path(folder) / "model.pt", weights_only=True)["provenance"]
    origin = {name: value for name, value in origin.items() if name not in ("model", "sha256")}
    checkpoint.save(filename, with_placement(model, best), {**origin, "placement": made}, half=True)


if __name__ == "__main__":
    build(*sys.argv[1:])
