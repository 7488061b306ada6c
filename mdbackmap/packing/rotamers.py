"""
Rotamer frequencies of crystals, for beads that are unlike those that the network was trained on.

Shapes: F frames, K candidates, n residues, B bins.
"""

import functools
import math
from pathlib import Path

import numpy as np
import torch

from ..traces.energies import BINS
from ..traces.viterbi import resampled

TABLES = Path(__file__).with_name("rotamers.npz")


@functools.cache
def _table():
    """-log shares (4, 20, 36, 72) in nats; `training.priors.rotamer_prior` says of what."""
    with np.load(TABLES) as packed:
        return torch.from_numpy(packed["chi"].astype(np.float32) * float(packed["step"]))


class RotamerPrior:
    """
    -log p(chi k | residue type, chi k-1), up to a constant.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
        Residue types, indices into `residues.ALPHABET`.
    strength : torch.Tensor, shape (F,)
        What the energies of each frame are multiplied by.
    n_bins : int
        Points of the circle, from -180 degrees on.

    Examples
    --------
    >>> from mdbackmap.chemistry.residues import TYPE_OF_NAME
    >>> prior = RotamerPrior(torch.tensor([TYPE_OF_NAME["VAL"]]), torch.ones(1))
    >>> energies = prior(1, torch.tensor([0]), torch.zeros(1, 1, 1))
    >>> int(energies[0, 0, 0].argmin()) * 5 - 180  # degrees: the common rotamer t
    175
    """

    def __init__(self, types, strength, n_bins=BINS):
        self.types, self.strength = types, strength
        self.table = resampled(_table(), n_bins).to(types.device)

    def __call__(self, k, at, before):
        """Energies (F, K, n, B) of chi `k` (1 to 4) of residues `at` (n,), those before it being `before` (F, K, n)."""
        n_before = self.table.shape[2]
        if k == 1:
            found = self.table[0, self.types[at], 0].expand(*before.shape, -1)
        else:
            cells = torch.remainder((before / (2 * math.pi) * n_before).floor().long() + n_before // 2, n_before)
            found = self.table[k - 1][self.types[at].expand_as(cells), cells]
        return found.to(before) * self.strength.to(before)[:, None, None, None]
