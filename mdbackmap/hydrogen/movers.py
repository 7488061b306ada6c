"""
Groups of atoms that can turn, and the places that they can turn to.

Hydroxyls and thiols turn about their bond, amines by less than a third of a turn, amides and imidazoles by half a
turn. Groups of one kind have as many atoms (the last one is listed again) and as many candidates.

Shapes: F frames, A atoms, M groups, S atoms of each, K candidates. Lengths in angstrom.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import torch

from ..chemistry import bound_hydrogens as chemistry
from ..geometry.vectors import unit
from ..molecule.bonds import adjacency
from .parents import Lists, carriers

_STEP = 15.0  # degrees between candidates; chosen: by hand, an H moves by 0.25 angstrom

_REACH = {"O": 1.0, "S": 1.4, "N": 1.1, "ASN": 2.2, "GLN": 2.2, "HIS": 3.3}
"""Angstrom from the last atom of the axis, of hydrogens on an element and of flips; measured: on what is built."""


@dataclasses.dataclass(frozen=True, eq=False)
class Movers:
    """
    Groups of one kind.

    Attributes
    ----------
    sites : torch.Tensor of int64, shape (M, S)
        Atoms that turn.
    there : torch.Tensor of bool, shape (M, S)
        False where one is listed again.
    axis : torch.Tensor of int64, shape (M, 2)
        The bond that they turn about.
    turns : torch.Tensor, shape (K,)
        Radians; the first is 0.
    reach : torch.Tensor, shape (M,)
        Angstrom: how far from the second atom of the axis they may come.
    cost : torch.Tensor, shape (M, K)
        What the rotation itself costs.
    """

    sites: torch.Tensor
    there: torch.Tensor
    axis: torch.Tensor
    turns: torch.Tensor
    reach: torch.Tensor
    cost: torch.Tensor

    def __len__(self):
        return len(self.sites)

    def candidates(self, atoms):
        """
        Places of the atoms after each turn.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)

        Returns
        -------
        torch.Tensor, shape (F, M, S, K, 3)
        """
        origin = atoms[:, self.axis[:, 1]].unsqueeze(2)
        along = unit(origin - atoms[:, self.axis[:, 0]].unsqueeze(2))
        arm = atoms[:, self.sites] - origin
        level = (arm * along).sum(-1, keepdim=True) * along
        out = arm - level
        side = torch.cross(along.expand_as(out), out, dim=-1)
        cos, sin = self.turns.cos().unsqueeze(1), self.turns.sin().unsqueeze(1)
        return (origin + level).unsqueeze(3) + out.unsqueeze(3) * cos + side.unsqueeze(3) * sin


def movers_of(fine, rows, still, settings, device=None):
    """
    All groups of a molecule that can turn, kind by kind.

    Parameters
    ----------
    fine : Topology
    rows : sequence of int
        Atoms that are hydrogens of amino acids.
    still : ndarray of bool, shape (A,)
        Heavy atoms that stay where they are: amides and imidazoles of these do not turn.
    settings : ScoringSettings
    device : torch.device or str, optional

    Returns
    -------
    list of Movers
    """
    neighbours, light, mine = adjacency(fine.n_atoms, fine.bonds), fine.elements == "H", set(np.asarray(rows).tolist())
    carrying, light, read = np.unique(carriers(fine)[light]).tolist(), light.tolist(), Lists.of(fine)
    hydrogens = {atom: [k for k in neighbours[atom] if light[k]] for atom in carrying if atom >= 0}
    singles, amines = [], []
    for atom, own in hydrogens.items():
        parents = [k for k in neighbours[atom] if not light[k]]
        if not mine.issuperset(own) or len(parents) != 1:
            continue
        residue, element = read.residue_of_atom[atom], read.elements[atom]
        kind = chemistry.kind_of(read.resnames[residue], read.variants[residue], read.names[atom])
        _, _, bend = chemistry.turn_of(*kind)
        if element in ("O", "S"):
            planar = bend == chemistry.ACID_HYDROXYL
            acid = planar and kind != ("TYR", "OH")
            singles.append(_Group(parents[0], atom, own, _REACH[element], 2 if planar else 3, acid))
        elif element == "N" and bend == chemistry.TETRAHEDRAL:
            amines.append(_Group(parents[0], atom, own, _REACH["N"], 3))
    n_whole = round(360 / _STEP)
    kinds = [(singles, n_whole), (amines, n_whole // 3), (_flips(fine, still, hydrogens, mine), 2)]
    return [_of_kind(groups, n, settings, device) for groups, n in kinds if groups]


def _flips(fine, still, hydrogens, mine):
    """Amides and imidazoles that may flip."""
    starts, found = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1)), []
    flipping = np.isin(fine.resnames, list(chemistry.FLIPS)) & ~np.isin(fine.variants, list(chemistry.MODIFIED))
    for residue in np.flatnonzero(flipping & ~fine.hetero):
        name = str(fine.resnames[residue])
        at = {str(fine.names[k]): k for k in range(*starts[residue : residue + 2])}
        axis, names = chemistry.FLIPS[name]
        if not at.keys() >= {*axis, *names} or still[[at[atom] for atom in names]].any():
            continue
        heavy = [at[atom] for atom in names]
        own = [h for atom in heavy for h in hydrogens.get(atom, [])]
        if own and mine.issuperset(own):
            found.append(_Group(at[axis[0]], at[axis[1]], heavy + own, _REACH[name], 0))
    return found


class _Group(NamedTuple):
    """A group that turns: its axis, its atoms, how far they reach, the minima of its rotation, whether an acid's."""

    before: int
    atom: int
    turning: list
    reach: float
    fold: int
    acid: bool = False


def _of_kind(groups, n_candidates, settings, device):
    """Groups of one kind."""
    widest = max(len(group.turning) for group in groups)
    step = math.pi if groups[0].fold == 0 else math.radians(_STEP)
    turns = step * np.arange(n_candidates)
    cost = []
    for group in groups:
        if group.fold == 0:
            cost.append(settings.flip * (turns > 0))
        elif group.fold == 2:
            cost.append(settings.planar * (np.sin(turns) ** 2 + group.acid * (1 - np.cos(turns))))
        else:
            cost.append(settings.staggered * (1 - np.cos(3 * turns)) / 2)

    def tensor(values, dtype):
        return torch.tensor(np.array(values, dtype=dtype), device=device)

    turning = [group.turning for group in groups]
    return Movers(
        sites=tensor([atoms + [atoms[-1]] * (widest - len(atoms)) for atoms in turning], np.int64),
        there=tensor([[k < len(atoms) for k in range(widest)] for atoms in turning], bool),
        axis=tensor([(group.before, group.atom) for group in groups], np.int64),
        turns=tensor(turns, np.float32),
        reach=tensor([group.reach for group in groups], np.float32),
        cost=tensor(cost, np.float32),
    )
