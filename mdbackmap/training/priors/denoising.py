"""
Training of the denoiser of traces that comes with the package.

``python -m mdbackmap.training.priors.denoising FOLDER MINUTES DENOISER.npz PACK ...`` trains it on crystal
structures with smooth noise on their C-alphas, and goes on with what is in FOLDER. The clock sets the
schedule, so no two runs are the same to the bit.
"""

import sys

import numpy as np
import torch

from ...data.dataset import Batches, cut_units
from ...data.layouts import TRAIN, VALIDATION
from ...data.structures import Structures
from ...models.denoiser import Denoiser
from ..config import TrainingConfig
from ..loop import fit, new_model
from ..losses import LossWeights
from ..tasks import OfBatches

NOISE, BLUR = 0.7, 0.15  # angstrom, largest RMS of the noise on one half and on the other; chosen: by hand
_VALIDATED = {"noisy": 0.42, "clean": 0.0}  # angstrom RMS
_UNITS = 120  # entries to validate on; chosen: by hand


class Denoising(OfBatches):
    """
    Chains with noise on their beads; the loss is the square of what a bead is still off.

    Parameters
    ----------
    data : Structures
    n_neighbours : int
    config : TrainingConfig
    """

    shown = ("positions",)

    def __init__(self, data, n_neighbours, config):
        self.config, self.data, self.sources, self.every = config, data, data.sources, config.validation.every
        sizes = n_neighbours, config.batch_size
        self.batches = Batches(data, cut_units(data, TRAIN), *sizes, config.noise, config.blur, fresh=True)
        units = cut_units(data, VALIDATION)[:_UNITS]
        self.held_out = {  # noise of one size, and none
            name: Batches(data, units, *sizes, size, size, even=True, fresh=True) for name, size in _VALIDATED.items()
        }

    def terms(self, model, example, generator):
        """Mean squared distance of inner beads from their true places, and their number."""
        with torch.autocast(example.atoms.device.type, dtype=torch.bfloat16, enabled=self.config.bfloat16):
            shifts = model(example.batch)
        inner = ~(example.batch.first | example.batch.last)
        missing = (example.atoms[:, 1] - example.batch.ca - shifts)[inner].square().sum(-1)
        return {"positions": missing.mean()}, inner.sum()

    @torch.no_grad()
    def validate(self, model, device):
        """RMS distance in angstrom of beads from their places, before and after, for each size of the noise."""
        model.eval()
        row = {}
        for name, batches in self.held_out.items():
            before = after = count = 0.0
            for number, part in enumerate(batches.plan(torch.Generator().manual_seed(0))):
                example = batches.collate(part, torch.Generator().manual_seed(number)).to(device)
                inner = ~(example.batch.first | example.batch.last)
                missing = (example.atoms[:, 1] - example.batch.ca)[inner]
                before += float(missing.square().sum())
                after += float((missing - model(example.batch)[inner]).square().sum())
                count += int(inner.sum())
            row |= {f"valid_{name}_before": (before / count) ** 0.5, f"valid_{name}": (after / count) ** 0.5}
        return row

    def best(self, row, before):
        """Whether noisy beads are nearer to their true places."""
        return "valid_noisy" in row and (before is None or row["valid_noisy"] <= before["valid_noisy"])


def build(folder, minutes, filename, *packs):
    """
    Train the network and write its weights.

    Parameters
    ----------
    folder : path-like
        Of the run: log and checkpoints.
    minutes : float
    filename : path-like
        The ``.npz`` to write, in half precision.
    *packs : path-like
        Training packs.
    """
    loss = LossWeights(torsion=0, kl=0, positions=1)
    rate = {"learning_rate": 3e-3, "warmup": 0.03, "weight_decay": 0.01, "ema": 0.998, "kl_warmup": 0.0}
    config = TrainingConfig(
        str(folder), epochs=1000, minutes=float(minutes), **rate, noise=NOISE, blur=BLUR, bfloat16=True, loss=loss
    )
    model = new_model(lambda _: Denoiser(), None, config.seed)
    task = Denoising(Structures.read(*packs), model.config.n_neighbours, config)
    best, _ = fit(model, task, config)
    np.savez_compressed(filename, **{name: value.half().numpy() for name, value in best.state_dict().items()})


if __name__ == "__main__":
    build(*sys.argv[1:])
