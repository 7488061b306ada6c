"""
Pairs of atoms, hydrogens among them, of which one turns with a side chain.

Most atoms are hydrogens, and most of these are near none that they could overlap with. So heavy atoms are compared
first, each as far out as its hydrogens reach, and atoms are listed only where two heavy ones come that close.

Shapes: F frames, R residues, S slots (`light_atoms`), Q side chains, P pairs of atoms. Lengths in angstrom.
"""

import torch

from ..chemistry.residues import MAX_ATOMS
from ..geometry.spheres import meeting_spheres
from .light_atoms import FAR, HEAVY, LIGHT, SLOTS, light_tables, nearest_allowed
from .pairs import distances, expand, groups_of, near_groups, where


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
        self.types, self.ends, self.touch = types, ends, touch
        self.tables = light_tables(real.device)
        self._turning, self._real = self.tables.moved[types, 0].flatten(), real.flatten()
        allowed = nearest_allowed(touch, real.device)
        self._kind, self._n_kinds, self._allowed = self.tables.kind[types].flatten(), len(allowed), allowed.flatten()
        self._heavy = self._groups(real[:, :MAX_ATOMS])
        carries = self.tables.carries[types]
        self._carrying = self._groups(carries)
        self._reach = torch.where(real[:, :MAX_ATOMS], self.tables.reach[types], -torch.inf)
        self._bound = (self.tables.inside[types] & carries.unsqueeze(2)).nonzero().unbind(1)

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
        home, away = home.index_select(0, pair), away.index_select(0, pair)
        own, other = home * SLOTS + a, away * SLOTS + b
        shift = None if shift is None else shift.index_select(0, pair)
        distance = apart(atoms, own, other, shift)
        one, residue = home % size, away % size
        in_frame = one * SLOTS + a, residue * SLOTS + b
        row, column = (self._kind.index_select(0, rows) for rows in in_frame)
        allowed = self._allowed.index_select(0, row * self._n_kinds + column)
        may = self._turning.index_select(0, in_frame[0]) & self._real.index_select(0, in_frame[1])
        near = (distance < allowed + margin) & may
        found = where(near, own, other, shift, allowed, one, a, residue, b)
        return where(~self._bonded(*found[4:]), *found[:4])

    def _suspects(self, atoms, chosen, margin, box):
        """
        Heavy atoms whose own atoms may be near enough.

        Residues (of all frames) and slots of both, and shifts of the second.
        """
        n_frames, size = chosen.shape
        heavy, slack = atoms[:, :, :MAX_ATOMS].flatten(1, 2), margin - self.touch
        reach = self._reach.to(atoms).expand(n_frames, -1, -1).flatten(1, 2)
        parts, whole = (groups_of(heavy[:, at], *runs, reach[:, at]) for at, *runs in (self._carrying, self._heavy))
        middle, around = (part.middle.view(n_frames, size, 3) for part in (parts, whole))
        radius = torch.where(chosen, parts.radius.view(n_frames, size), -torch.inf)
        frames, rows, columns = meeting_spheres(middle, around, radius + slack, whole.radius.view(n_frames, size), box)
        frames, rows, columns = where(rows != columns, frames, rows, columns)
        rows, columns = frames * size + rows, frames * size + columns
        cells = None if box is None else box[frames]
        pair, at, away, shift = near_groups(parts, whole, rows, columns, slack, cells)
        home = rows.index_select(0, pair)
        place = parts.place.index_select(0, at)
        place = place if shift is None else place - shift
        others = heavy.view(-1, MAX_ATOMS, 3).mT.contiguous().index_select(0, away)  # (q, 3, 14)
        room = reach.reshape(-1, MAX_ATOMS).index_select(0, away) + (parts.spread.index_select(0, at) + slack)[:, None]
        near, b = (distances(place.unsqueeze(2), others)[:, 0] < room).nonzero().unbind(1)
        at, away = at.index_select(0, near), away.index_select(0, near)
        between = home.index_select(0, near), self._carrying[0][at % len(self._carrying[0])] % MAX_ATOMS, away, b
        within = self._inside(heavy, chosen, slack)
        shift = None if shift is None else torch.cat([shift[near], shift.new_zeros(len(within[0]), 3)])
        return *map(torch.cat, zip(between, within, strict=True)), shift

    def _inside(self, heavy, chosen, slack):
        """The same of heavy atoms (F, R * 14, 3) of one residue, which are bonded."""
        residue, a, b = self._bound
        one, other = (residue * MAX_ATOMS + slot for slot in (a, b))
        room = self._reach.flatten()[one] + self._reach.flatten()[other] + slack
        near = (heavy[:, one] - heavy[:, other]).norm(dim=-1) < room
        frame, row = (near & chosen[:, residue]).nonzero().unbind(1)
        home = frame * len(self.types) + residue[row]
        return home, a[row], home, b[row]

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


def apart(atoms, own, other, shift=None):
    """
    Distances of atoms.

    Parameters
    ----------
    atoms : torch.Tensor, shape (F, R, S, 3)
    own, other, shift
        As `LightPairs` gives them.

    Returns
    -------
    torch.Tensor, shape (P,)
    """
    places = atoms.reshape(-1, 3)
    gap = places.index_select(0, own) - places.index_select(0, other)
    x, y, z = (gap if shift is None else gap - shift).unbind(1)
    return (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()
