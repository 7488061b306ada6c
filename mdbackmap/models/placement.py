"""
`Placement`: C-alphas from beads that lie elsewhere, such as centres of mass.

One bead of each residue is its anchor. The trace of the anchors goes through the same rounds of messages as C-alphas do
in `GenZProt`. A bead encoder adds what the beads of each residue say: their places in the residue's frame, and the
shares of the 14 atoms in each. So any linear map from atoms to beads is an input, and no list of bead models is built
in.

Shapes: n residues in all, J beads of a residue at most, C features. Angstrom.
"""

import dataclasses

import torch
from torch import nn

from ..chemistry import residues
from ..geometry.vectors import bisector_frame
from .features import Features
from .layers import interactions, normed_perceptron, radial_basis

_HIDDEN = 256, 64  # features before the last layers of place and cis; chosen: by hand
_TYPE = 32  # features of a residue type in the bead encoder; chosen: by hand
_FARTHEST = 7.0  # angstrom from anchor to bead that the radial functions cover; chosen: by hand, side chains' length
_LENGTH, _DISTANCE, _SHARE = 2.0, 3.0, 0.5  # angstrom, angstrom, shares: about 1 after division; chosen: by hand
LOG_SCALES = -5.0, 3.0  # of errors in angstrom (a power of e); chosen: by hand, beyond nothing is learned


class BeadEncoder(nn.Module):
    """
    Features of a residue from its beads: a sum over beads, 0 before training.

    Parameters
    ----------
    width : int
        Features C.
    n_basis : int
        Radial functions of a distance.
    bias : bool
        Of the last layer; without one, a residue that has no beads gets no features.
    """

    def __init__(self, width, n_basis, bias=True):
        super().__init__()
        self.n_basis = n_basis
        self.residue = nn.Embedding(len(residues.ALPHABET), _TYPE)
        inputs = 3 + 1 + n_basis + residues.MAX_ATOMS + _TYPE
        self.each = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out = nn.Linear(width, width, bias=bias)
        for weights in self.out.parameters():
            nn.init.zeros_(weights)

    def forward(self, beads, frame, types):
        """
        Features (n, C).

        Parameters
        ----------
        beads : BeadInputs
        frame : torch.Tensor, shape (n, 3, 3)
            Axes of each residue as rows.
        types : torch.Tensor of int64, shape (n,)
        """
        local = beads.vectors @ frame.transpose(-1, -2)
        distance = local.norm(dim=-1)
        named = self.residue(types).unsqueeze(1).expand(-1, local.shape[1], -1)
        basis = radial_basis(distance, self.n_basis, 0.0, _FARTHEST)
        scaled = local / _LENGTH, distance.unsqueeze(-1) / _DISTANCE, basis, beads.weights / _SHARE, named
        each = self.each(torch.cat(scaled, dim=-1))
        return self.out((each * beads.present.unsqueeze(-1)).sum(1))


class Placement(nn.Module):
    """
    The network.

    Parameters
    ----------
    config : GenZProtConfig
        With `n_placement_layers` and `n_placement_neighbours`.

    Examples
    --------
    >>> from mdbackmap.models.genzprot import GenZProtConfig
    >>> sum(p.numel() for p in Placement(GenZProtConfig(n_placement_layers=2)).parameters()) > 1000
    True
    """

    family = "placement"

    def __init__(self, config):
        super().__init__()
        self.config, width = config, config.n_features
        self.inputs = Features(config, measured=True)
        self.beads = BeadEncoder(width, config.n_basis)
        rounds = dataclasses.replace(config, n_layers=config.n_placement_layers)
        self.layers = interactions(rounds, self.inputs.n_edge_features)
        self.place = normed_perceptron(2 * width, _HIDDEN[0], 3 + 1)
        self.cis = normed_perceptron(2 * width, _HIDDEN[1], 1)

    def forward(self, batch, beads):
        """
        Where C-alphas are.

        Parameters
        ----------
        batch : Batch
            Of the anchors' trace.
        beads : BeadInputs
            Seen from the anchors.

        Returns
        -------
        displacements : torch.Tensor, shape (n, 3)
            From anchors to C-alphas, in angstrom.
        log_scales : torch.Tensor, shape (n,)
            Logarithm of the scale of their error in angstrom: errors fall off as exp(-distance / scale).
        cis : torch.Tensor, shape (n,)
            Logits of a cis peptide to the next residue.
        """
        frame = bisector_frame(batch.before, batch.ca, batch.after)
        seen = self.beads(beads, frame, batch.types)
        features, around = self.inputs(batch)
        features = features + seen
        for layer in self.layers:
            features = layer(features, around)
        found = self.place(torch.cat([features, seen], dim=-1)).float()
        displacements = (found[:, None, :3] @ frame).squeeze(1)
        cis = self.cis(torch.cat([features, features.roll(-1, 0)], dim=-1))[:, 0].float()
        return displacements, found[:, 3].clamp(*LOG_SCALES), cis
