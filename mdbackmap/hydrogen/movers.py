"""
Groups of atoms that can turn, and the places that they can turn to.

Hydroxyls and thiols turn about their bond, amines by less than a third of a turn, amides and imidazoles by half a
turn. Groups of one kind have as many atoms (the last one is listed again) and as many candidates.

Shapes: F frames, A atoms, M groups, S atoms of each, K candidates. Lengths in angstrom.
"""

import dataclasses
import math

import numpy as np
import torch

from ..chemistry import bound_hydrogens as chemistry
from ..geometry.vectors import unit

_STEP = 15.0  # degrees between candidates; chosen: by hand, an H moves by 0.25 angstrom


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
    atoms_of = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
    children, parents = {}, {}
    for one, other in fine.bonds.tolist():
        for h, atom in ((one, other), (other, one)):
            if fine.elements[h] == "H":
                children.setdefault(atom, []).append(h)
            elif fine.elements[atom] != "H":
                parents.setdefault(atom, []).append(h)
    singles, amines, flips = [], [], []
    mine = set(np.asarray(rows).tolist())
    for atom, hydrogens in children.items():
        if not mine.issuperset(hydrogens) or len(parents.get(atom, [])) != 1:
            continue
        before = parents[atom][0]
        residue = fine.residue_of_atom[atom]
        kind = chemistry.kind_of(str(fine.resnames[residue]), str(fine.variants[residue]), str(fine.names[atom]))
        _, _, bend = chemistry.turn_of(*kind)
        if fine.elements[atom] in ("O", "S"):
            planar = bend == chemistry.ACID_HYDROXYL
            acid = planar and kind != ("TYR", "OH")
            singles.append((before, atom, hydrogens, 2 if planar else 3, acid))
        elif fine.elements[atom] == "N" and bend == chemistry.TETRAHEDRAL:
            amines.append((before, atom, hydrogens, 3, False))
    flipping = np.isin(fine.resnames, list(chemistry.FLIPS)) & ~np.isin(fine.variants, list(chemistry.MODIFIED))
    for residue in np.flatnonzero(flipping & ~fine.hetero):
        at = {str(fine.names[k]): k for k in range(*atoms_of[residue : residue + 2])}
        axis, names = chemistry.FLIPS[str(fine.resnames[residue])]
        if not at.keys() >= {*axis, *names} or still[[at[name] for name in names]].any():
            continue
        heavy = [at[name] for name in names]
        turning = heavy + [h for atom in heavy for h in children.get(atom, [])]
        if mine.issuperset(turning[len(heavy) :]) and len(turning) > len(heavy):
            flips.append((at[axis[0]], at[axis[1]], turning, 0, False))
    n_whole = round(360 / _STEP)
    kinds = [(singles, n_whole), (amines, n_whole // 3), (flips, 2)]
    return [_of_kind(groups, n, settings, device) for groups, n in kinds if groups]


def _of_kind(groups, n_candidates, settings, device):
    """Groups of one kind, each its axis, its atoms, how many minima its rotation has, and whether it is an acid's."""
    widest = max(len(atoms) for _, _, atoms, _, _ in groups)
    step = math.pi if groups[0][3] == 0 else math.radians(_STEP)
    turns = step * np.arange(n_candidates)
    cost = []
    for *_, fold, acid in groups:
        if fold == 0:
            cost.append(settings.flip * (turns > 0))
        elif fold == 2:
            cost.append(settings.planar * np.sin(turns) ** 2 + acid * settings.planar * (1 - np.cos(turns)))
        else:
            cost.append(settings.staggered * (1 - np.cos(3 * turns)) / 2)
    reach = [_REACH[min(len(atoms), 4)] for _, _, atoms, _, _ in groups]

    def tensor(values, dtype):
        return torch.tensor(np.array(values, dtype=dtype), device=device)

    return Movers(
        sites=tensor([atoms + [atoms[-1]] * (widest - len(atoms)) for _, _, atoms, _, _ in groups], np.int64),
        there=tensor([[k < len(atoms) for k in range(widest)] for _, _, atoms, _, _ in groups], bool),
        axis=tensor([(before, atom) for before, atom, *_ in groups], np.int64),
        turns=tensor(turns, np.float32),
        reach=tensor(reach, np.float32),
        cost=tensor(cost, np.float32),
    )


_REACH = {1: 1.4, 2: 1.1, 3: 1.1, 4: 3.3}
"""Angstrom from the last atom of the axis by number of atoms; measured: bond lengths, S-H; NE2-H of imidazole."""
