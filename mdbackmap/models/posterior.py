"""
`Encoder`: the posterior of the latents, from the atoms.

Shapes: n residues in all, K neighbours, M channels, D latent size. Lengths in angstrom.
"""

import torch
from torch import nn

from ..chemistry import residues
from .layers import Density, harmonics, perceptron, radial_basis

_ATOM = 32  # features of an atom; chosen: by hand
_RADIAL = 8  # radial functions of an atom's distance from its C-alpha; chosen: by hand
_LONGEST = 7.0  # angstrom of these; chosen: by hand, side chains are hardly longer
_NEAR = 8  # neighbours whose atoms are seen; chosen: by hand
_PART = 4  # of the features that densities make, one in so many; chosen: by hand


class Encoder(nn.Module):
    """Posterior q(z | atoms, beads): equivariant densities of each residue's atoms and of its neighbours' atoms."""

    def __init__(self, config):
        super().__init__()
        channels, hidden = 2 * config.n_channels, config.n_features
        self.atom = nn.Embedding(len(residues.ALPHABET) * residues.MAX_ATOMS, _ATOM)
        self.atom_gate = perceptron(_ATOM + _RADIAL, _ATOM, channels)
        self.edge_gate = nn.Linear(2 * hidden + config.n_basis, channels)
        self.own, self.around = Density(channels, hidden // _PART), Density(channels, hidden // _PART)
        self.out = perceptron(hidden + 2 * 3 * (hidden // _PART), hidden, 2 * config.n_latent)
        self.n_basis = config.n_basis
        self.n_near = min(_NEAR, config.n_neighbours)

    def forward(self, batch, features, atoms, mask):
        """
        Mean and log variance (n, D) of the posterior.

        `atoms` (n, 14, 3) in angstrom, `mask` (n, 14) bool, `features` (n, C) of the prior.
        """
        relative = (atoms - batch.ca.unsqueeze(1)) * mask.unsqueeze(-1)
        slot = batch.types.unsqueeze(1) * residues.MAX_ATOMS + torch.arange(residues.MAX_ATOMS, device=atoms.device)
        radial = radial_basis(relative.norm(dim=-1), _RADIAL, 0.0, _LONGEST)
        gates = self.atom_gate(torch.cat([self.atom(slot), radial], dim=-1)) * mask.unsqueeze(-1)
        own = self.own.gather(gates, harmonics(relative))  # (n, M * 9)
        near = batch.neighbours[:, : self.n_near]
        distance = batch.displacements[:, : self.n_near].norm(dim=-1)
        pair = torch.cat([features.unsqueeze(1).expand(-1, near.shape[1], -1), features[near]], dim=-1)
        weight = self.edge_gate(torch.cat([pair, radial_basis(distance, self.n_basis)], dim=-1))
        weight = weight * batch.present[:, : self.n_near, None]
        # The channels' weights for each of their components.
        weight = torch.cat([weight.repeat_interleave(width, dim=-1) for width in (1, 3, 5)], dim=-1)
        around = (own[near] * weight).mean(1)
        invariants = torch.cat([self.own(own, own), self.around(own, around), features], dim=-1)
        return self.out(invariants).chunk(2, dim=-1)
