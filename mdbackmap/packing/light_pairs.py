"""
Pairs of atoms, hydrogens among them, of which one turns with a side chain.

Most atoms are hydrogens, and most of these are near none that they could overlap with. So heavy atoms are compared
first, each as far out as its hydrogens reach, and atoms are listed only where two heavy ones come that close.

Shapes: F frames, R residues, S slots (`light_atoms`), Q side chains, P pairs of atoms. Lengths in angstrom.
"""

import torch

from ..chemistry.residues import MAX_ATOMS
from .light_atoms import FAR, HEAVY, LIGHT, SLOTS, light_tables, nearest_allowed
from .pairs import expand, group_pairs, groups_of, where


class LightPairs:
    """
    What lists pairs of atoms of one molecule.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
    ends : torch.Tensor of bool, shape (R,)
        Last residues of stretches.
    real : torch.Tensor of bool, shape (R, S)
        Which slots hold an atom.
    touch : float
        Overlap of spheres, in angstrom, that costs nothing.
    """

    def __init__(self, types, ends, real, touch):
        self.types, self.ends, self.real, self.touch = types, ends, real, touch
        self.tables = light_tables(real.device)
        self.moved = self.tables.moved[:, 0]
        self._heavy = self._groups(real[:, :MAX_ATOMS])
        self._carrying = self._groups(self.tables.carries[types])

    @staticmethod
    def _groups(mask):
        """Heavy atoms of a frame (a,) as residue * 14 + slot, and the first and number of each residue's, (R,)."""
        count = mask.sum(1)
        return mask.flatten().nonzero()[:, 0], count.cumsum(0) - count, count

    def __call__(self, atoms, chosen, margin, box=None):
        """
        Atoms of side chains and those near them: up to `margin` further apart than allowed.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, R, S, 3)
        chosen : torch.Tensor of bool, shape (F, R)
            The side chains.
        margin : float
        box : torch.Tensor, shape (F, 3, 3), optional

        Returns
        -------
        own, other : torch.Tensor of int64, shape (P,)
            Atoms, as (frame * R + residue) * S + slot.
        shift : torch.Tensor, shape (P, 3), or None without a box
            Of the latter to their nearest images.
        allowed : torch.Tensor, shape (P,)
        """
        size = len(self.types)
        home, a, away, b, shift = self._suspects(atoms, chosen, margin, box)
        pair, a, b = self._members(home % size, a, away % size, b)
        home, away = home[pair], away[pair]
        own, other, places = home * SLOTS + a, away * SLOTS + b, atoms.reshape(-1, 3)
        gap = places.index_select(0, own) - places.index_select(0, other)
        shift = None if shift is None else shift[pair]
        distance = (gap if shift is None else gap - shift).norm(dim=-1)
        one, residue = home % size, away % size
        classes, table = self.tables.kind, nearest_allowed(self.touch, atoms.device)
        allowed = table[classes[self.types[one], a], classes[self.types[residue], b]]
        near = (distance < allowed + margin) & self.moved[self.types[one], a] & self.real[residue, b]
        found = where(near, own, other, shift, allowed, one, a, residue, b)
        return where(~self._bonded(*found[4:]), *found[:4])

    def _suspects(self, atoms, chosen, margin, box):
        """
        Heavy atoms whose own atoms may be near enough.

        Residues (of all frames) and slots of both, and shifts of the second.
        """
        heavy = atoms[:, :, :MAX_ATOMS].flatten(1, 2)
        reach = self.tables.reach[self.types].flatten().to(atoms).expand(len(atoms), -1)
        parts, whole = (
            groups_of(heavy[:, at], first, count, reach[:, at]) for at, first, count in (self._carrying, self._heavy)
        )
        parts = parts._replace(radius=torch.where(chosen.flatten(), parts.radius, -torch.inf))
        home, away, pair, a, b, _, shift = group_pairs(parts, whole, len(atoms), margin - self.touch, box)
        a, b = (at[rows % len(at)] % MAX_ATOMS for (at, *_), rows in ((self._carrying, a), (self._heavy, b)))
        home, away = home[pair], away[pair]
        meet = (home != away) | self.tables.inside[self.types[home % len(self.types)], a, b]
        return where(meet, home, a, away, b, shift)

    def _members(self, one, a, other, b):
        """Each pair of heavy atoms as pairs (P,) of them and their hydrogens: which pair, and slots of both."""
        tables, kind, second = self.tables, self.types[one], self.types[other]
        n_own, n_other = tables.hydrogens[kind, a] + 1, tables.hydrogens[second, b] + 1
        pair, k = expand(torch.zeros_like(n_own), n_own * n_other)
        n_other = n_other[pair]
        own = torch.div(k, n_other, rounding_mode="floor")
        both = (own, a, tables.first[kind, a]), (k - own * n_other, b, tables.first[second, b])
        return pair, *(torch.where(k == 0, heavy[pair], first[pair] + k - 1) for k, heavy, first in both)

    def _bonded(self, one, a, other, b):
        """Pairs (P,) that do not count: too few bonds between them."""
        tables, kind, second = self.tables, self.types[one], self.types[other]
        same = (one == other) & ~tables.apart[kind, a, b]
        most = torch.where((a >= MAX_ATOMS) | (b >= MAX_ATOMS), LIGHT, HEAVY)
        after = (other - one == 1) & ~self.ends[one]
        before = (one - other == 1) & ~self.ends[other]
        bonds = torch.where(after, tables.from_carbon[kind, a] + tables.from_nitrogen[second, b], FAR)
        bonds = torch.where(before, tables.from_nitrogen[kind, a] + tables.from_carbon[second, b], bonds)
        return same | (bonds + 1 <= most)
