"""
Last relief of side chains: overlaps of all atoms, hydrogens too, are minimised in their torsions.

Heavy atoms that keep their distance may still leave no room for hydrogens. Those of methyls and amines count where
they are staggered, those of hydroxyls and thiols not at all: they turn away later.

Shapes: F frames, R residues, S slots (`light_atoms`), Q side chains, P pairs of atoms. Lengths in angstrom.
"""

import torch

from ..chemistry.residues import CB, MAX_ATOMS
from ..geometry.vectors import full_precision
from . import kernels
from .atom_energies import overlap_energy
from .disulfides import Bridges
from .light_atoms import SLOTS, with_hydrogens
from .light_pairs import LightPairs, apart
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
        self.types, self.box, self.settings = internal.types, box, settings
        self.pairs = LightPairs(internal.types, internal.ends, real, settings.overlap.touch)

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
        energies = self._energies(atoms, chosen, self._listed(atoms, chosen, 0.0))
        rows = (energies > settings.least).nonzero()[:, 0]
        if len(rows) == 0:
            return angles, energies
        some, held = chosen[rows], pulls and pulls[rows]
        own, other, shift, allowed = pairs = self._listed(atoms, some, settings.listed)
        around, at = atoms.flatten(0, 1).clone(), some.unbind(1)
        home, kinds, tables = at[0] * atoms.shape[1] + at[1], self.types[at[1]], self.pairs.tables
        place = torch.zeros_like(around[:, 0, 0], dtype=torch.int64)
        place[home] = torch.arange(len(home), device=home.device)
        slot = place[own // SLOTS] * SLOTS + own % SLOTS
        chains, state = (atoms[at], tables.axis[kinds], tables.moved[kinds]), (atoms.new_zeros(len(some), 4),) * 3
        given = (slot, other, shift, allowed, settings.overlap.stiffness, None), state
        turned = kernels.relieve(
            *chains, around, home, *given, range(1, settings.steps + 1), settings.steps, settings, held
        )[0]
        around, before = around.view_as(atoms), energies[rows]
        cost = 0.0 if held is None else held.energy(around[at]) - held.energy(atoms[at])
        better = self._energies(around, some, pairs) + cost < before
        kept, after = self._kept(atoms, around, some, better, before - cost, pairs)
        angles[rows] = torch.where(kept.unsqueeze(1), turned, 0.0)
        return angles, energies.index_copy(0, rows, after)

    def _kept(self, atoms, around, some, better, least, pairs):
        """
        Which side chains (q,) stay turned, of those that are better by the `pairs` that were listed; energies then.

        Others may have turned back, and pairs that were not listed may have met, if a side chain moved by half of what
        these were apart: none may be worse than `least` (q,).
        """
        at = some.unbind(1)
        far = (around[at] - atoms[at]).norm(dim=-1).amax(1) > self.settings.listed / 2
        while True:
            now = atoms.clone()
            now[at] = torch.where(better[:, None, None], around[at], atoms[at])
            after, rows = self._energies(now, some, pairs), (far & better).nonzero()[:, 0]
            if len(rows):
                after[rows] = self._energies(now, some[rows], self._listed(now, some[rows], 0.0))
            worse = better & (after >= least)
            if not worse.any():
                return better, after
            better = better & ~worse

    def _listed(self, atoms, chosen, margin):
        """Pairs of atoms of side chains `chosen` (Q, 2), up to `margin` further apart than allowed."""
        mask = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
        mask[chosen.unbind(1)] = True
        return self.pairs(atoms, mask, margin, self.box)

    def _energies(self, atoms, chosen, pairs):
        """Overlap (Q,), in kT, of side chains `chosen` (Q, 2)."""
        own, other, shift, allowed = pairs
        energy = overlap_energy(allowed, apart(atoms, own, other, shift), self.settings.overlap.stiffness)
        whole = atoms.new_zeros(atoms.shape[0] * atoms.shape[1]).index_add_(0, own // SLOTS, energy)
        return whole[chosen[:, 0] * atoms.shape[1] + chosen[:, 1]]
