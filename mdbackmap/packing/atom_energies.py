"""
The energy of packing: overlaps, contacts and disulfides, for all that chooses, turns and moves side chains.

Two atoms of classes k and l, more than three bonds apart, at a distance d have the energy

    stiffness * max(0, allowed[k, l] - d)^2 - gain[k, l] * nearness(d - allowed[k, l])

Cysteines that may be bonded are an exception: their sulfurs and C-betas have distances of their own and no contact, but
the energy of the bond.

Shapes: T classes of atoms (`contacts.CLASSES`), P pairs of atoms. Angstrom and kT.
"""

import functools

import numpy as np
import torch

from ..chemistry import elements, other_atoms
from ..chemistry.residues import DISULFIDE
from .contacts import ELEMENTS


@functools.cache
def allowed_distances(touch):
    """
    Smallest distances of atoms of two classes at no cost.

    Parameters
    ----------
    touch : float
        Overlap of van der Waals spheres, in angstrom, that costs nothing; below 0 a gap that atoms keep.

    Returns
    -------
    torch.Tensor, shape (T + 1, T + 1)
        In angstrom; the last row is that of metal ions.
    """
    at = [elements.ELEMENTS.index(letter) for letter in ELEMENTS]
    table = elements.allowed_distances(touch)[np.ix_(at, at)]
    metal = [other_atoms.METAL_DISTANCES[letter] for letter in (*ELEMENTS, "metal")]
    return torch.from_numpy(np.block([[table, np.array(metal[:-1])[:, None]], [np.array(metal)]])).float()


def overlap_energy(allowed, distance, stiffness, held=None):
    """
    Energy of atoms nearer than allowed.

    Parameters
    ----------
    allowed, distance : torch.Tensor, shapes that broadcast
        In angstrom.
    stiffness : float or torch.Tensor
        kT per square angstrom.
    held : torch.Tensor of bool, optional
        Pairs for which more than the allowed distance costs as much.

    Returns
    -------
    torch.Tensor
        In kT.

    Examples
    --------
    >>> overlap_energy(torch.tensor(3.4), torch.tensor([3.0, 3.9]), 20.0)
    tensor([3.2000, 0.0000])
    """
    return _short(allowed, distance, held).square() * stiffness


def overlap_slopes(gap, allowed, stiffness, nearest, held=None):
    """
    Derivatives of `overlap_energy` with respect to the first atoms.

    Parameters
    ----------
    gap : torch.Tensor, shape (P, 3)
        From the second atoms to the first.
    allowed, stiffness, held
        As in `overlap_energy`.
    nearest : float
        Angstrom: nearer atoms are treated as if this far apart.

    Returns
    -------
    torch.Tensor, shape (P, 3)
    """
    distance = gap.norm(dim=-1).clamp_min(nearest)
    return gap * (-2 * stiffness * _short(allowed, distance, held) / distance).unsqueeze(-1)


def _short(allowed, distance, held):
    short = allowed - distance
    return short.clamp_min(0) if held is None else torch.where(held, short, short.clamp_min(0))


def nearness(off, best, width):
    """
    Share of a contact's energy, (...) from 0 to 1.

    Parameters
    ----------
    off : torch.Tensor, shape (...)
        How much further apart atoms are than their allowed distance.
    best, width : float
        Where that share is 1, and how far from there it is 0.

    Examples
    --------
    >>> nearness(torch.tensor([-0.5, 1.2, 2.0, 2.9]), 1.2, 1.6)
    tensor([0.0000, 1.0000, 0.7500, 0.0000])
    """
    return (off - best).mul_(1 / width).square_().neg_().add_(1).clamp_min_(0)


def bond_gain(distance, *across, settings):
    """
    Energy gained by two sulfurs of a disulfide.

    Parameters
    ----------
    distance : torch.Tensor, shape (...)
        Of the sulfurs.
    *across : torch.Tensor, shape (...)
        From each sulfur to the other one's C-beta; the energy is less if these are off.
    settings : DisulfideSettings

    Returns
    -------
    torch.Tensor, shape (...)
        In kT.
    """
    off = (distance - DISULFIDE["SG-SG"]).square()
    off = off + sum((gap - DISULFIDE["CB-SG"]).square() for gap in across)
    return settings.gain * torch.exp(-off / settings.width**2)
