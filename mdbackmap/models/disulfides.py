"""
Disulfides: which cysteines are bonded, told by their C-betas, and what the bond is worth.

Of pairs of cysteines in crystals whose C-betas lie 3.4-4.2 angstrom apart, 90% are bonded; of those 4.5 or more apart,
hardly any.

Shapes: F frames, N residues. Lengths in angstrom, energies in kT.
"""

import torch

from .. import residues

LENGTH = 2.05
"""Length of the bond of two sulfurs."""
BRIDGE = 12.0
"""What the bond is worth."""
_BETAS = 2.6, 4.5
_WIDTH = 0.6  # how far from its length the worth of a bond falls off
_MADE = 0.18  # how far from its length a bond counts as made
NEAR = 3.6  # sulfurs further apart than this are not pulled together
_CYS, _CB, _SG = residues.TYPE_OF_NAME["CYS"], 4, 5


def may_bond(apart):
    """Whether vectors (..., 3) from C-beta to C-beta are those of a disulfide."""
    distance = apart.norm(dim=-1)
    return (distance > _BETAS[0]) & (distance < _BETAS[1])


def worth(distance):
    """What two sulfurs at a distance (...) gain, in kT."""
    return BRIDGE * torch.exp(-(((distance - LENGTH) / _WIDTH) ** 2))


def loose(types, atoms):
    """
    Cysteines whose sulfurs should be bonded, but are not quite.

    Parameters
    ----------
    types : torch.Tensor (N,) int64
    atoms : torch.Tensor (F, N, 14, 3)

    Returns
    -------
    torch.Tensor (F, N) bool
    """
    found = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    at = (types == _CYS).nonzero()[:, 0]
    own = atoms[:, at]
    beta, sulfur = own[:, :, _CB], own[:, :, _SG]
    distance = (sulfur.unsqueeze(2) - sulfur.unsqueeze(1)).norm(dim=-1)
    pairs = may_bond(beta.unsqueeze(2) - beta.unsqueeze(1)) & (distance < NEAR)
    bonded = (distance > 0) & ((distance - LENGTH).abs() < _MADE)
    found[:, at] = pairs.any(2) & ~bonded.any(2)
    return found
