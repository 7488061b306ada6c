"""
What is measured on held-out chains while a model learns: its likelihood, and structures that it samples.

Structures are sampled from the prior at given temperatures and judged by the one protocol (`metrics`).
"""

import logging

import numpy as np
import torch

from ..data.dataset import Batches, cut_units, grouped
from ..data.known import Generator, chain_of, spread
from ..data.layouts import VALIDATION
from ..metrics.protocol import evaluate, summarise
from . import losses

logger = logging.getLogger(__name__)

METRICS = ("rmsd", "rmsd_backbone", "chi1", "chi12", "rama_favoured", "rama_outliers", "clashscore", "ged", "contacts")
"""What of `metrics.evaluate` goes into the log."""
HIGHER_IS_BETTER = ("chi1", "chi12", "rama_favoured")
_LIKELIHOOD = ("valid_torsion", "valid_kl", "valid_nats")
_LENGTHS = (30, 400)  # residues of chains that are sampled; chosen: by hand
_COMPLETE = 0.95  # share of the heavy atoms that they have; chosen: by hand


class Validation:
    """
    Measurements on the validation chains of a data set; the same chains and the same random numbers each time.

    Parameters
    ----------
    data : Structures
    n_neighbours : int
    config : ValidationConfig
    batch_size : int
        Residues in a batch, about.
    """

    def __init__(self, data, n_neighbours, config, batch_size):
        self.config = config
        units, total = [], 0
        for unit in cut_units(data, VALIDATION):
            if total < config.residues and unit.scored.any():
                units.append(unit)
                total += len(unit.rows)
        self.batches = Batches(data, units, n_neighbours, batch_size) if units else None
        self.groups = grouped(units, batch_size)
        self.chains = sampled_chains(data, config.chains) if config.chains else []
        if not self.columns:
            logger.warning("nothing is validated (no validation chains, or none asked for): the last weights are kept")
        elif config.best_by not in self.columns:
            raise ValueError(f"best_by is {config.best_by!r}, expected one of {', '.join(self.columns)}")

    @property
    def columns(self):
        """Names of what is measured."""
        names = [f"T{temperature:g}_{name}" for temperature in self.config.temperatures for name in METRICS]
        return [*(_LIKELIHOOD if self.groups else ()), *(names if self.chains else ())]

    def best(self, row, before):
        """Whether a row of the log is better than the best one before it (None: there is none)."""
        name = self.config.best_by
        if not self.columns or before is None:
            return not self.columns or name in row
        if name not in row or not np.isfinite(row[name]):
            return False
        if not np.isfinite(before[name]):
            return True
        return row[name] > before[name] if name.split("_", 1)[-1] in HIGHER_IS_BETTER else row[name] < before[name]

    def __call__(self, model, device="cpu"):
        """
        Measure a model.

        Parameters
        ----------
        model : Model
        device : str or torch.device
            Where it is.

        Returns
        -------
        dict of str to float
            ``valid_torsion``, ``valid_kl`` and their sum ``valid_nats``, in nats per residue, without noise on the
            beads; ``T0_rmsd`` and so on, for each temperature and each of `METRICS`. Empty without validation chains.
        """
        row = self._likelihood(model, device) if self.groups else {}
        for temperature in self.config.temperatures if self.chains else ():
            drawn = [Generator(model, chain)(chain.beads, temperature=temperature) for chain in self.chains]
            judged = zip(drawn, self.chains, strict=True)
            means = summarise([evaluate(atoms, chain.positions, *chain.known) for atoms, chain in judged])
            row |= {f"T{temperature:g}_{name}": means[name] for name in METRICS}
        return row

    @torch.no_grad()
    def _likelihood(self, model, device):
        model.eval()
        sums, weight = {"torsion": 0.0, "kl": 0.0}, 0.0
        for k, group in enumerate(self.groups):
            generator = torch.Generator().manual_seed(k)
            example = self.batches.collate(group).to(device)
            terms, total = losses.terms(model, example, generator, losses.LossWeights())
            weight += float(total)
            sums = {name: value + float(terms[name]) * float(total) for name, value in sums.items()}
        means = {f"valid_{name}": value / weight for name, value in sums.items()}
        return {**means, "valid_nats": sum(means.values())}


def sampled_chains(data, limit):
    """
    Validation chains to sample, one of each 30% cluster, spread evenly over the data.

    Parameters
    ----------
    data : Structures
    limit : int

    Returns
    -------
    list of Chain
        Of chains that are scored, deposited, complete and of 30-400 residues; where there are none, of any scored.
    """
    table = data.chains
    lengths = np.diff(table["offset"])
    scored = (table["split"] == VALIDATION) & (table["score"] > 0) & (lengths >= 4)
    good = scored & (table["tier"] == 0) & (table["complete"] >= _COMPLETE)
    good &= (lengths >= _LENGTHS[0]) & (lengths <= _LENGTHS[1])
    candidates = np.flatnonzero(good if good.any() else scored)
    related = np.where(table["cluster30"] >= 0, table["cluster30"], -1 - np.arange(len(lengths)))[candidates]
    candidates = candidates[np.sort(np.unique(related, return_index=True)[1])]
    return [chain_of(data, candidates[k]) for k in spread(len(candidates), limit)]
