"""
Last relief of side chains: overlaps of all atoms, hydrogens too, are minimised in their torsions.

Heavy atoms that keep their distance may still leave no room for hydrogens. Those of methyls and amines count where
they are staggered, those of hydroxyls and thiols not at all: they turn away later.

Shapes: F frames, R residues, S slots (`light_atoms`), Q side chains, P pairs of atoms. Lengths in angstrom.
"""

import torch

from ..chemistry.residues import CB, MAX_ATOMS
from ..geometry.neighbours import meeting_spheres
from ..geometry.vectors import full_precision
from .atom_energies import overlap_energy
from .disulfides import Bridges
from .kernels import reference
from .light_atoms import FAR, HEAVY, LIGHT, SLOTS, light_tables, nearest_allowed, with_hydrogens
from .pairs import Groups, atom_pairs, groups_of, where
from .relief import Pulls


def make_room(conformation, packing, targets=None):
    """
    Turn side chains so that there is room for hydrogens.

    Parameters
    ----------
    conformation : Conformation
    packing : PackingSettings
        `hydrogens` and `disulfides` count; without `hydrogens` nothing turns.
    targets : BeadTargets, optional
        Beads that hold side chains in their places.

    Returns
    -------
    Conformation
    """
    settings, internal = packing.hydrogens, conformation.internal
    if settings is None or not len(internal.movable.residues):
        return conformation
    chosen = _free(conformation, packing).nonzero()
    for _ in range(settings.rounds):
        atoms, real = with_hydrogens(internal.types, internal.starts, conformation.atoms)
        crowd = Crowd(internal, real, conformation.box, settings.relief)
        pulls = None if targets is None else _padded(targets.pulls(*chosen.unbind(1)))
        angles, left = crowd.relieve(atoms, chosen, pulls)
        torsions = conformation.torsions.clone()
        torsions[chosen[:, 0], chosen[:, 1], 1:5] += angles
        conformation = conformation.with_side_chains(torsions, conformation.tilt)
        chosen = chosen[left > settings.relief.least]
        if not len(chosen):
            break
    return conformation


def _free(conformation, packing):
    """Side chains (F, R) that may turn: not those of cysteines that may be bonded, and none that is given."""
    internal, atoms = conformation.internal, conformation.atoms
    may = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    may[:, internal.movable.residues] = True
    may &= ~Bridges.of(internal.types, atoms[:, :, CB], packing.disulfides, conformation.box).partners()
    return may if conformation.given is None else may & conformation.given.turnable(internal)


def _padded(pulls):
    """The same `Pulls` on atoms with hydrogens behind them."""
    return Pulls(torch.nn.functional.pad(pulls.weights, (0, SLOTS - MAX_ATOMS)), pulls.goal, pulls.precision)


class Crowd:
    """
    All atoms of some frames, among which side chains turn.

    Parameters
    ----------
    internal : InternalCoordinates
    real : torch.Tensor of bool, shape (R, S)
    box : torch.Tensor, shape (F, 3, 3), or None
    settings : ReliefSettings
    """

    def __init__(self, internal, real, box, settings):
        self.types, self.ends, self.real = internal.types, internal.ends, real
        self.box, self.settings, self.tables = box, settings, light_tables(real.device)

    @full_precision
    def relieve(self, atoms, chosen, pulls=None):
        """
        Turn side chains that overlap with anything.

        Pairs of atoms are listed once: what comes from further away than `ReliefSettings.listed` is seen in the next
        round.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, R, S, 3)
        chosen : torch.Tensor of int64, shape (Q, 2)
            Frames and residues of those that may turn.
        pulls : Pulls, optional

        Returns
        -------
        angles : torch.Tensor, shape (Q, 4)
        energies : torch.Tensor, shape (Q,)
            Overlaps that are left, in kT.
        """
        settings, angles = self.settings, atoms.new_zeros(len(chosen), 4)
        pairs = self.pairs(atoms, chosen, settings.listed)
        energies = self._energies(atoms, atoms, chosen, pairs)
        rows = (energies > settings.least).nonzero()[:, 0]
        if len(rows) == 0:
            return angles, energies
        place = torch.full_like(chosen[:, 0], -1).index_put((rows,), torch.arange(len(rows), device=rows.device))
        row, some = place[pairs[0] // SLOTS], chosen[rows]
        slot, other, shift, allowed = where(row >= 0, row * SLOTS + pairs[0] % SLOTS, *pairs[1:])
        around, at = atoms.flatten(0, 1).clone(), some.unbind(1)
        home, kinds = at[0] * atoms.shape[1] + at[1], self.types[at[1]]
        chains, held = (atoms[at], self.tables.axis[kinds], self.tables.moved[kinds]), pulls and pulls[rows]
        pairs, state = (slot, other, shift, allowed), (atoms.new_zeros(len(some), 4),) * 3
        given = (*pairs, settings.overlap.stiffness, None), state, range(1, settings.steps + 1), settings.steps
        turned = reference.relieve(*chains, around, home, *given, settings, held)[0]
        around = around.view_as(atoms)
        after = self._energies(around, around, some, pairs)
        cost = 0.0 if held is None else held.energy(around[at]) - held.energy(atoms[at])
        better = after + cost < energies[rows]
        angles[rows] = torch.where(better.unsqueeze(1), turned, 0.0)
        return angles, energies.index_copy(0, rows, torch.where(better, after, energies[rows]))

    def _energies(self, own, around, chosen, pairs):
        """Overlap (Q,), in kT, of side chains `chosen` (Q, 2): frames and residues."""
        slot, other, shift, allowed = pairs
        gap = own[chosen[:, 0], chosen[:, 1]].view(-1, 3)[slot] - around.view(-1, 3)[other]
        distance = (gap if shift is None else gap - shift).norm(dim=-1)
        energy = overlap_energy(allowed, distance, self.settings.overlap.stiffness)
        return own.new_zeros(len(chosen)).index_add(0, slot // SLOTS, energy)

    def pairs(self, atoms, chosen, margin):
        """
        Atoms of side chains and those near them: up to `margin` further apart than allowed.

        Returns
        -------
        slot, other : torch.Tensor of int64, shape (P,)
            Row * S + slot, and (frame * R + residue) * S + slot.
        shift : torch.Tensor, shape (P, 3), or None without a box
            Of the latter to their nearest images.
        allowed : torch.Tensor, shape (P,)
        """
        slot, other, distance, shift = self._near(atoms, chosen, self.settings.overlap.reach + margin)
        size = len(self.types)
        one, residue, a, b = chosen[slot // SLOTS, 1], other // SLOTS % size, slot % SLOTS, other % SLOTS
        allowed = nearest_allowed(self.types, one, a, residue, b, self.settings.overlap.touch)
        near = distance < allowed + margin
        slot, other, shift, allowed, one, a, residue, b = where(near, slot, other, shift, allowed, one, a, residue, b)
        return where(~self._bonded(one, a, residue, b), slot, other, shift, allowed)

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

    def _near(self, atoms, chosen, reach):
        """Atoms of side chains and others within reach of them, as `pairs` gives them."""
        (frames, residues), n_frames, size = chosen.unbind(1), len(atoms), len(self.types)
        count = self.real.sum(1)
        everything = self.real.flatten().nonzero()[:, 0]
        whole = groups_of(atoms.flatten(1, 2)[:, everything], count.cumsum(0) - count, count)
        own, turning = atoms[frames, residues], self.tables.moved[self.types[residues], 0]
        turning = turning & self.real[residues]
        n_turning, at = turning.sum(1), turning.flatten().nonzero()[:, 0]
        middle = (own * turning.unsqueeze(-1)).sum(1) / n_turning.clamp_min(1).unsqueeze(1)
        radius = ((own - middle.unsqueeze(1)).norm(dim=-1) * turning).amax(1)
        parts = Groups(middle, radius, n_turning.cumsum(0) - n_turning, n_turning, own.flatten(0, 1)[at])
        spheres = whole.middle.view(n_frames, size, 3)[frames], whole.radius.view(n_frames, size)[frames]
        cells = None if self.box is None else self.box[frames]
        row, _, residue = meeting_spheres(
            middle.unsqueeze(1), spheres[0], (radius + reach).unsqueeze(1), spheres[1], cells
        )
        cells = None if cells is None else cells[row]
        _, a, b, gap, shift = atom_pairs(parts, whole, row, frames[row] * size + residue, reach, cells)
        n_atoms = len(everything)
        other = b // n_atoms * (size * SLOTS) + everything[b % n_atoms]
        return at[a], other, gap.norm(dim=-1), shift
