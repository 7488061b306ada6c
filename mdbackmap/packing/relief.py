"""
Relief: overlaps of side chains minimised in their torsions; beads, bonds, angles and backbone are fixed.

The energy is that of `overlaps`, plus a restraint to the torsions as drawn. Its gradient with respect to a torsion is
the torque about the torsion's bond, so nothing is differentiated automatically and only the residues in question move.

Shapes: F frames, R residues, Q residues in question, P pairs of atoms. Lengths in angstrom, angles in radians, energies
in kT.
"""

import dataclasses
import functools

import torch

from ..chemistry import residues
from ..chemistry.residues import CA, CB, DISULFIDE, MAX_ATOMS, SG, TURNING
from ..geometry.spheres import spheres_around
from ..geometry.vectors import full_precision
from ..torsions.movable import apart, present
from . import kernels
from .atom_energies import allowed_distances, overlap_energy
from .contacts import classes
from .disulfides import Bridges
from .pairs import Groups, atom_pairs, close_rows, where

_CYS = residues.TYPE_OF_NAME["CYS"]


@functools.cache
def turning_tables():
    """Atoms (n, 4, 14) that torsions of each residue type move, and slots (n, 4, 2) of the torsions' bonds."""
    moved = torch.zeros(len(present()), 4, MAX_ATOMS, dtype=torch.bool)
    axis = torch.zeros(len(present()), 4, 2, dtype=torch.int64)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        atoms = residues.ATOMS[name]
        for k, torsion in enumerate(residues.CHIS[name] if name != "PRO" else ()):
            axis[kind, k] = torch.tensor([atoms.index(torsion[1]), atoms.index(torsion[2])])
            for atom, (group, *_) in residues.IDEAL_ATOMS[name].items():
                moved[kind, k, atoms.index(atom)] = group > k
    return moved, axis


@dataclasses.dataclass(frozen=True)
class Pulls:
    """
    Beads that hold side chains in their places.

    Attributes
    ----------
    weights : torch.Tensor, shape (Q, J, 14)
        Of the atoms of a side chain's residue in each bead.
    goal : torch.Tensor, shape (Q, J, 3)
        Where these are to lie, in angstrom.
    precision : torch.Tensor, shape (Q, J)
        kT per square angstrom.
    """

    weights: torch.Tensor
    goal: torch.Tensor
    precision: torch.Tensor

    @classmethod
    def join(cls, parts):
        """Those of several ones, one after another."""
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in ("weights", "goal", "precision")))

    def __getitem__(self, rows):
        """Those of some side chains."""
        return Pulls(self.weights[rows], self.goal[rows], self.precision[rows])

    def energy(self, atoms):
        """In kT, (Q,), for atoms (Q, 14, 3)."""
        return 0.5 * ((self.weights @ atoms - self.goal).square().sum(-1) * self.precision).sum(-1)

    def slopes(self, atoms):
        """Derivatives (Q, 14, 3) of the energy."""
        return self.weights.transpose(1, 2) @ ((self.weights @ atoms - self.goal) * self.precision.unsqueeze(-1))


def side_chains(types, atoms, chosen):
    """
    Side chains as `rigid.SideChains` takes them.

    Parameters
    ----------
    types, atoms, chosen
        As in `relieve`.

    Returns
    -------
    atoms : torch.Tensor, shape (Q, 14, 3)
    axis : torch.Tensor of int64, shape (Q, 4, 2)
    moved : torch.Tensor of bool, shape (Q, 4, 14)
    """
    frames, rows = chosen.unbind(1)
    kinds = types.expand(atoms.shape[:2])[frames, rows]
    moved, axis = (table.to(atoms.device)[kinds] for table in turning_tables())
    return atoms[frames, rows], axis, moved


def bridges_of(types, atoms, packing, box=None):
    """`Bridges` of atoms as they are: C-betas stay where they are. None if residues differ between frames."""
    return Bridges.of(types, atoms[:, :, CB], packing.disulfides, box) if types.dim() == 1 else None


@full_precision
def relieve(types, atoms, chosen, packing, box=None, pulls=None):
    """
    Minimise the overlaps of side chains in their torsions.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,) or (F, R)
        If residues differ between frames (F, R), no sulfurs are bonded.
    atoms : torch.Tensor, shape (F, R, 14, 3)
        Chains whole.
    chosen : torch.Tensor of int64, shape (Q, 2)
        Frame and residue of the side chains that may move.
    packing : PackingSettings
        `relief` and `disulfides` count.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows: atoms meet the nearest images of others.
    pulls : Pulls, optional
        Of beads on the side chains: their energy counts, too.

    Returns
    -------
    angles : torch.Tensor, shape (Q, 4)
        By how much each torsion is turned, in radians.
    energies : torch.Tensor, shape (Q,)
        Overlap of each side chain if all turn so, in kT.
    """
    angles, settings = atoms.new_zeros(len(chosen), 4), packing.relief
    bridges = bridges_of(types, atoms, packing, box)
    energies = overlap(types, atoms, chosen, packing, bridges, box)
    rows = (energies > settings.least).nonzero()[:, 0]
    if len(rows):
        held = None if pulls is None else pulls[rows]
        turned, around = _descend(types, atoms, chosen[rows], packing, bridges, box, held)
        after = overlap(types, around, chosen[rows], packing, bridges, box)
        at = chosen[rows].unbind(1)
        cost = 0.0 if held is None else held.energy(around[at]) - held.energy(atoms[at])
        better = after + cost < energies[rows]
        angles[rows] = torch.where(better.unsqueeze(1), turned, 0.0)
        energies[rows] = torch.where(better, after, energies[rows])
        stayed = chosen[rows[~better]]
        if len(stayed):  # others may have turned into them
            around[stayed.unbind(1)] = atoms[stayed.unbind(1)]
            places, others = (atoms[part[:, 0], part[:, 1], CA] for part in (chosen, stayed))
            met = close_rows(places, chosen[:, 0], others, stayed[:, 0], settings.meeting, box)[0].unique()
            energies[met] = overlap(types, around, chosen[met], packing, bridges, box)
    return angles, energies


def _descend(types, atoms, chosen, packing, bridges, box, pulls=None):
    """
    `relieve` for side chains that overlap with something.

    Besides the angles (Q, 4), all the atoms (F, R, 14, 3) then.
    """
    settings, chains = packing.relief, side_chains(types, atoms, chosen)
    around, rows = atoms.flatten(0, 1).clone(), chosen[:, 0] * atoms.shape[1] + chosen[:, 1]
    state = (atoms.new_zeros(len(chosen), 4),) * 3
    half = settings.steps // 2
    for steps in (range(1, half + 1), range(half + 1, settings.steps + 1)):  # what was far may have come near
        pairs = side_chain_pairs(types, around.view_as(atoms), chosen, packing, bridges, settings.listed, box)
        state = kernels.relieve(*chains, around, rows, pairs[:6], state, steps, settings.steps, settings, pulls)
    return state[0], around.view_as(atoms)


def overlap(types, atoms, chosen, packing, bridges=None, box=None):
    """
    Overlap energies of side chains; sulfurs of a disulfide count by how far they are off its length.

    Parameters
    ----------
    types, atoms, chosen, packing, box
        As in `relieve`.
    bridges : Bridges, optional
        Of these atoms, where they are known already.

    Returns
    -------
    torch.Tensor, shape (Q,)
        In kT.
    """
    bridges = bridges or bridges_of(types, atoms, packing, box)
    pairs = side_chain_pairs(types, atoms, chosen, packing, bridges, 0.0, box)
    slot, _, _, allowed, stiffness, held, distance = pairs
    energy = overlap_energy(allowed, distance, stiffness, held)
    return atoms.new_zeros(len(chosen)).index_add(0, slot // MAX_ATOMS, energy)


def side_chain_pairs(types, atoms, chosen, packing, bridges, margin, box=None):
    """
    Atoms of side chains and those near them: up to `margin` further apart than allowed.

    Those of cysteines, which may belong together, are listed up to `DisulfideSettings.pulled`.

    Parameters
    ----------
    types, atoms, chosen, packing, box
        As in `relieve`.
    bridges : Bridges or None
    margin : float

    Returns
    -------
    slot : torch.Tensor of int64, shape (P,)
        Atoms of the side chains in question, as row * 14 + slot; with all but the last as `reference.relieve` takes it.
    other : torch.Tensor of int64, shape (P,)
        Atoms near them, as (frame * R + residue) * 14 + slot.
    shift : torch.Tensor, shape (P, 3), or None without a box
        Of the latter to their nearest images.
    allowed, stiffness : torch.Tensor, shape (P,)
        Distance from which on they do not overlap, and kT per square angstrom.
    held : torch.Tensor of bool, shape (P,)
        Pairs of a disulfide, held at the distance allowed.
    distance : torch.Tensor, shape (P,)
    """
    touch, bond, (frames, rows) = packing.relief.overlap.touch, packing.disulfides, chosen.unbind(1)
    types, home = types.expand(atoms.shape[:2]).flatten(), frames * atoms.shape[1] + rows
    reach = max(packing.relief.overlap.reach - touch + margin, bond.pulled)
    slot, other, gap, shift = _near_atoms(types, atoms, chosen, reach, box)
    one, residue, a, b = home[slot // MAX_ATOMS], other // MAX_ATOMS, slot % MAX_ATOMS, other % MAX_ATOMS
    own, kinds, distance = types[one], types[residue], gap.norm(dim=-1)
    kind = classes().to(atoms.device)
    allowed = allowed_distances(touch).to(atoms.device)[kind[own, a], kind[kinds, b]]
    thiols = (own == _CYS) & (kinds == _CYS) & (a == SG) & (b >= CB) & (one != residue)
    close = distance < torch.where(thiols, (allowed + margin).clamp_min(bond.pulled), allowed + margin)
    close &= (residue != one) | apart().to(atoms.device)[own, a, b]
    kept = where(close, slot, other, shift, allowed, distance, thiols, one, residue)
    slot, other, shift, allowed, distance, thiols, one, residue = kept
    held, sulfurs = _bonded(thiols, atoms, bridges, one, residue, shift, bond.pulled), other % MAX_ATOMS == SG
    allowed = torch.where(held, torch.where(sulfurs, DISULFIDE["SG-SG"], DISULFIDE["CB-SG"]), allowed)
    stiffness = torch.where(sulfurs, bond.bond, bond.bend)
    stiffness = torch.where(held, stiffness, packing.relief.overlap.stiffness)
    return slot, other, shift, allowed, stiffness, held, distance


def _near_atoms(types, atoms, chosen, reach, box):
    """
    Atoms of the side chains, and others within reach, sorted by side chain and residue.

    Both (P,) as `side_chain_pairs` has them; from the second to the first (P, 3), and shifts (P, 3) of the second.
    """
    (frames, _), (own, _, moved) = chosen.unbind(1), side_chains(types.view(atoms.shape[:2]), atoms, chosen)
    turning, trace, real = moved[:, 0], atoms[:, :, CA], present().to(atoms.device)[types]
    tip = (own * turning.unsqueeze(-1)).sum(1) / turning.sum(1, keepdim=True).clamp_min(1)
    radius = ((own - tip.unsqueeze(1)).norm(dim=-1) * turning).amax(1)
    far = ((atoms - trace.unsqueeze(2)).norm(dim=-1) * real.view(atoms.shape[:3])).amax(2)  # (F, R)
    first = torch.arange(len(types) + len(own), device=atoms.device) * MAX_ATOMS
    everything = Groups(trace.flatten(0, 1), far.flatten(), first[: len(types)], real.sum(1), atoms.flatten(0, 2))
    parts = Groups(tip, radius, first[: len(own)] + TURNING, turning.sum(1), own.flatten(0, 1))
    row, residue = spheres_around(tip, frames, trace, radius + reach, far, box)
    residue, cells = frames[row] * atoms.shape[1] + residue, None if box is None else box[frames[row]]
    _, other, slot, gap, shift = atom_pairs(everything, parts, residue, row, reach, cells)
    return slot, other, gap, None if shift is None else -shift


def _bonded(thiols, atoms, bridges, one, other, shift, pulled):
    """Which of the pairs (P,) of `thiols`, SG and SG, or SG and CB, lie as in a disulfide."""
    if bridges is None:
        return torch.zeros_like(thiols)
    pairs, sulfurs = thiols.nonzero()[:, 0], atoms[:, :, SG].flatten(0, 1)
    one, other = one[pairs], other[pairs]
    gap = sulfurs[one] - sulfurs[other] - (0.0 if shift is None else shift[pairs])
    return torch.zeros_like(thiols).index_fill(0, pairs[(gap.norm(dim=-1) < pulled) & bridges(one, other)], True)
