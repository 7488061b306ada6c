"""
Heads: the distributions of torsions that a network has, each given the torsions before it.

What draws torsions takes a `TorsionHeads`, and knows nothing of the network that the features come from.
"""

import dataclasses

import torch
from torch import nn

from .circular import CircularBins


class TorsionHead(nn.Module):
    """
    Logits of one torsion from features and from the torsions drawn before it.

    Parameters
    ----------
    n_inputs : int
        Features.
    n_known : int
        Torsions before it.
    config : GenZProtConfig
        Its `n_features`, `order` and `n_bins` count.
    """

    def __init__(self, n_inputs, n_known, config):
        super().__init__()
        self.features = nn.Linear(n_inputs, config.n_features)
        self.known = nn.Linear(n_known * (2 * config.order + 1), config.n_features, bias=False)
        self.out = nn.Linear(config.n_features, config.n_bins)

    def forward(self, features, known):
        """
        Logits.

        Parameters
        ----------
        features : torch.Tensor, shape (..., n_inputs)
        known : torch.Tensor, shape (..., n_known * (2 order + 1))
            The torsions before it, as `fourier` gives them.

        Returns
        -------
        torch.Tensor, shape (..., B)
        """
        return self.after(self.features(features), known)

    def begun(self, features, known):
        """What the head makes of features, and of the first torsions before it: all that many draws share."""
        return self.features(features) + nn.functional.linear(known, self.known.weight[:, : known.shape[-1]])

    def after(self, hidden, known):
        """Logits from `self.features(features)`, or from what is `begun`, and from the torsions that are left."""
        left = known.shape[-1]
        if left:
            hidden = hidden + nn.functional.linear(known, self.known.weight[:, self.known.in_features - left :])
        return self.out(nn.functional.silu(hidden, inplace=left > 0 and not torch.is_grad_enabled()))


@dataclasses.dataclass(frozen=True)
class TorsionHeads:
    """
    The heads of all torsions of a residue; a view of a network's weights.

    Attributes
    ----------
    peptide : TorsionHead
        Angle of a peptide, from the features of both of its residues and the angle of the peptide before.
    phi : TorsionHead
        phi of the last residue of a stretch.
    end : TorsionHead
        What places N of the first and O of the last residue of a stretch.
    chis : sequence of TorsionHead
        chi1 to chi4, from the peptide angles on either side and the chis before.
    bins : CircularBins
        What logits mean.
    order : int
        Fourier order in which a torsion is shown to the next ones.
    """

    peptide: TorsionHead
    phi: TorsionHead
    end: TorsionHead
    chis: nn.ModuleList
    bins: CircularBins
    order: int
