"""
Denoiser: removes noise from C-alphas, as a network learned from crystals with noise on them.

Coarse models and averaging leave traces whose angles are a protein's and whose C-alphas are still off by a few tenths
of an angstrom, several residues in a row. The network predicts the displacement in the local frame of each residue.
What is minimised in training is a mean square error, so it tends to move beads too little. The displacements of
crystals are small. Frames with displacements below a threshold are left as they are (`QUIET`).

Shapes: F frames, R residues, n residues in all. Angstrom.
"""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..geometry.vectors import bisector_frame, smooth_step
from .batch import Batch, passes
from .features import Features
from .layers import interactions, normed_perceptron

WEIGHTS = Path(__file__).with_name("denoiser.npz")
QUIET = 0.18, 0.22
"""
Displacements (RMS over a frame, angstrom) up to the first count as none, from the second on they count in full.

Chosen: by hand, near the largest of crystals (0.19, `traces.scores.CRYSTALS`).
"""
FEWEST = 30
"""Stretches of fewer beads stay; measured: docs/measurements.md, Denoising (peptides would move by 0.3 to 0.5 A)."""

_HIDDEN = 256  # features before the last layer; chosen: by hand


@dataclasses.dataclass(frozen=True)
class DenoiserConfig:
    """Sizes of the network; those of the shipped one."""

    n_features: int = 96  # scalar features of a residue; chosen: by hand
    n_neighbours: int = 20  # nearest C-alphas that a residue sees in each round; chosen: by hand
    n_layers: int = 3  # rounds of messages
    n_channels: int = 8  # channels of each l of the equivariant densities; chosen: by hand
    n_basis: int = 16  # radial functions of a distance; chosen: by hand
    dropout: float = 0.05  # share of the features hidden in training; chosen: by hand
    anonymous: float = 0.0  # share of the residues whose type is hidden in training


class Denoiser(nn.Module):
    """
    The network.

    Parameters
    ----------
    config : DenoiserConfig, optional

    Examples
    --------
    >>> sum(p.numel() for p in Denoiser().parameters()) > 1000
    True
    """

    family = "denoiser"

    def __init__(self, config=None):
        super().__init__()
        self.config = config = config or DenoiserConfig()
        width = config.n_features
        self.inputs = Features(config, measured=True)
        self.layers = interactions(config, self.inputs.n_edge_features)
        self.out = normed_perceptron(width, _HIDDEN, 3)

    def forward(self, batch):
        """Displacements (n, 3) that take the beads of a `Batch` to where they belong; none of first and last ones."""
        features, around = self.inputs(batch)
        for layer in self.layers:
            features = layer(features, around)
        local = self.out(features).float()
        frame = bisector_frame(batch.before, batch.ca, batch.after)
        inner = ~(batch.first | batch.last)
        return (local.unsqueeze(-2) @ frame).squeeze(-2) * inner.unsqueeze(-1)

    def denoise(self, internal, beads, box=None):
        """
        Beads (F, R, 3) of frames with noise, put where they belong; those of quiet frames stay.

        Parameters
        ----------
        internal : InternalCoordinates
        beads : torch.Tensor, shape (F, R, 3)
        box : torch.Tensor, shape (F, 3, 3), optional

        Returns
        -------
        torch.Tensor, shape (F, R, 3)
        """
        shift = self._displacements(internal, beads, box)
        share = smooth_step(_size(shift), *QUIET)
        return beads + (share[:, None, None] * shift).to(beads)

    def noise(self, internal, beads, box=None):
        """RMS (F,) of how far beads (F, R, 3) are off in angstrom, as `denoise` judges by."""
        return _size(self._displacements(internal, beads, box))

    def _displacements(self, internal, beads, box):
        """Those (F, R, 3) of all frames; none of short stretches."""
        lengths = internal.last - internal.first + 1
        long = (lengths >= FEWEST).repeat_interleave(lengths)  # (R,)
        if not long.any():
            return torch.zeros_like(beads)
        near = (beads - beads.mean(1, keepdim=True)).float()
        parts = passes(near)
        shift = torch.cat([self._shift(internal, near[part], None if box is None else box[part]) for part in parts])
        return shift * long.unsqueeze(-1)

    def _shift(self, internal, beads, box):
        return self(Batch.from_frames(internal, beads, self.config.n_neighbours, box)).view_as(beads)


def _size(shift):
    return shift.square().sum(-1).mean(-1).sqrt()


@functools.cache
def bundled(device="cpu"):
    """The network with the weights that come with the package."""
    with torch.inference_mode(False), np.load(WEIGHTS) as packed:  # whoever asks first
        model = Denoiser()
        model.load_state_dict({name: torch.tensor(packed[name].astype(np.float32)) for name in packed.files})
        return model.eval().requires_grad_(False).to(device)
