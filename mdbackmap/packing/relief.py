"""
Relief: overlaps of side chains minimised in their torsions; beads, bonds, angles and backbone are fixed.

The energy is that of `overlaps`, plus a restraint to the torsions as drawn. Its gradient with respect to a torsion is
the torque about the torsion's bond, so nothing is differentiated automatically and only the residues in question move.

Shapes: F frames, R residues, Q residues in question, P pairs of atoms. Lengths in angstrom, angles in radians, energies
in kT.
"""

import functools
from typing import NamedTuple

import torch

from ..chemistry import residues
from ..chemistry.residues import CA, CB, DISULFIDE, MAX_ATOMS, SG, TURNING
from ..geometry.vectors import full_precision
from ..torsions.movable import apart, present
from .atom_energies import allowed_distances, overlap_energy
from .contacts import classes
from .disulfides import Bridges
from .kernels import reference
from .pairs import Groups, atom_pairs, close_rows, near, where

_CYS = residues.TYPE_OF_NAME["CYS"]


@functools.cache
def _tables():
    """Atoms (20, 4, 14) that torsions of each residue type move, and slots (20, 4, 2) of the torsions' bonds."""
    moved = torch.zeros(len(residues.ATOMS), 4, MAX_ATOMS, dtype=torch.bool)
    axis = torch.zeros(len(residues.ATOMS), 4, 2, dtype=torch.int64)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        atoms = residues.ATOMS[name]
        for k, torsion in enumerate(residues.CHIS[name] if name != "PRO" else ()):
            axis[kind, k] = torch.tensor([atoms.index(torsion[1]), atoms.index(torsion[2])])
            for atom, (group, *_) in residues.IDEAL_ATOMS[name].items():
                moved[kind, k, atoms.index(atom)] = group > k
    return moved, axis


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
    moved, axis = (table.to(atoms.device)[kinds] for table in _tables())
    return atoms[frames, rows], axis, moved


def bridges_of(types, atoms, packing, box=None):
    """`Bridges` of atoms as they are: C-betas stay where they are. None if residues differ between frames."""
    return Bridges.of(types, atoms[:, :, CB], packing.disulfides, box) if types.dim() == 1 else None


@full_precision
def relieve(types, atoms, chosen, packing, box=None):
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
        turned, around = _descend(types, atoms, chosen[rows], packing, bridges, box)
        after = overlap(types, around, chosen[rows], packing, bridges, box)
        better = after < energies[rows]
        angles[rows] = torch.where(better.unsqueeze(1), turned, 0.0)
        energies[rows] = energies[rows].minimum(after)
        stayed = chosen[rows[~better]]
        if len(stayed):  # others may have turned into them
            around[stayed.unbind(1)] = atoms[stayed.unbind(1)]
            places, others = (atoms[part[:, 0], part[:, 1], CA] for part in (chosen, stayed))
            close = close_rows(places, chosen[:, 0], others, stayed[:, 0], settings.meeting, box)
            met = close.any(1).nonzero()[:, 0]
            energies[met] = overlap(types, around, chosen[met], packing, bridges, box)
    return angles, energies


def _descend(types, atoms, chosen, packing, bridges, box):
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
        state = reference.relieve(*chains, around, rows, pairs[:6], state, steps, settings.steps, settings)
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
    energy = overlap_energy(pairs.allowed, pairs.distance, pairs.stiffness, pairs.held)
    return atoms.new_zeros(len(chosen)).index_add(0, pairs.slot // MAX_ATOMS, energy)


class SideChainPairs(NamedTuple):
    """
    Atoms of side chains, and those near them; the first six as `kernels.reference.relieve` takes them.

    Attributes
    ----------
    slot : torch.Tensor of int64, shape (P,)
        Atoms of the side chains in question, as row * 14 + slot.
    other : torch.Tensor of int64, shape (P,)
        Atoms near them, as (frame * R + residue) * 14 + slot.
    shift : torch.Tensor, shape (P, 3), or None without a box
        Of the latter to their nearest images.
    allowed : torch.Tensor, shape (P,)
        Distance from which on they do not overlap.
    stiffness : torch.Tensor, shape (P,)
    held : torch.Tensor of bool, shape (P,)
        Pairs of a disulfide, held at the distance allowed.
    distance : torch.Tensor, shape (P,)
    """

    slot: torch.Tensor
    other: torch.Tensor
    shift: torch.Tensor
    allowed: torch.Tensor
    stiffness: torch.Tensor
    held: torch.Tensor
    distance: torch.Tensor


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
    SideChainPairs
    """
    settings, types, kind = packing.relief, types.expand(atoms.shape[:2]), classes().to(atoms.device)
    reach = max(settings.overlap.reach - settings.overlap.touch + margin, packing.disulfides.pulled)
    row, residue, a, b, gap, shift = _near_atoms(types, atoms, chosen, reach, box)
    frames, one = chosen[row].unbind(1)
    own, kinds, distance = types[frames, one], types[frames, residue], gap.norm(dim=-1)
    allowed = allowed_distances(settings.overlap.touch).to(atoms.device)[kind[own, a], kind[kinds, b]]
    thiols = (own == _CYS) & (kinds == _CYS) & (a == SG) & (b >= CB) & (one != residue)
    close = distance < torch.where(thiols, (allowed + margin).clamp_min(packing.disulfides.pulled), allowed + margin)
    close &= (residue != one) | apart().to(atoms.device)[own, a, b]
    row, frames, one, residue, a, b, distance, allowed, thiols = where(
        close, row, frames, one, residue, a, b, distance, allowed, thiols
    )
    shift = None if shift is None else where(close, shift)[0]
    held = _bonded(thiols, atoms, bridges, frames, one, residue, shift, packing.disulfides)
    allowed = torch.where(held, torch.where(b == SG, DISULFIDE["SG-SG"], DISULFIDE["CB-SG"]), allowed)
    stiffness = torch.where(b == SG, packing.disulfides.bond, packing.disulfides.bend)
    stiffness = torch.where(held, stiffness, settings.overlap.stiffness)
    other = (frames * atoms.shape[1] + residue) * MAX_ATOMS + b
    return SideChainPairs(row * MAX_ATOMS + a, other, shift, allowed, stiffness, held, distance)


def _near_atoms(types, atoms, chosen, reach, box):
    """
    Atoms of the side chains within reach of others, sorted by side chain and residue.

    Rows of `chosen`, residues, slots of both atoms (P,), gap (P, 3) between them and shifts (P, 3) of the second.
    """
    (frames, _), (own, _, moved) = chosen.unbind(1), side_chains(types, atoms, chosen)
    turning, trace, real = moved[:, 0], atoms[:, :, CA], present().to(atoms.device)[types]
    tip = (own * turning.unsqueeze(-1)).sum(1) / turning.sum(1, keepdim=True).clamp_min(1)
    radius = ((own - tip.unsqueeze(1)).norm(dim=-1) * turning).amax(1)
    far = ((atoms - trace.unsqueeze(2)).norm(dim=-1) * real).amax(2)  # (F, R)
    index = torch.arange(max(far.numel(), len(chosen)), device=atoms.device) * MAX_ATOMS
    everything = trace.flatten(0, 1), far.flatten(), index[: far.numel()], real.sum(2).flatten(), atoms.flatten(0, 2)
    parts = tip, radius, index[: len(chosen)] + TURNING, turning.sum(1), own.flatten(0, 1)
    cells = None if box is None else box[frames]
    row, _, residue = near(tip.unsqueeze(1), trace[frames], (radius + reach).unsqueeze(1), far[frames], cells)
    groups, cells = frames[row] * atoms.shape[1] + residue, None if box is None else cells[row]
    pair, b, a, gap, shift = atom_pairs(Groups(*everything), Groups(*parts), groups, row, reach, cells)
    return row[pair], residue[pair], a % MAX_ATOMS, b % MAX_ATOMS, gap, None if shift is None else -shift


def _bonded(thiols, atoms, bridges, frames, one, other, shift, settings):
    """Which of the pairs (P,) of `thiols`, SG and SG, or SG and CB, lie as in a disulfide."""
    if bridges is None:
        return torch.zeros_like(thiols)
    pairs = thiols.nonzero()[:, 0]
    frames, one, other = frames[pairs], one[pairs], other[pairs]
    gap = atoms[frames, one, SG] - atoms[frames, other, SG]
    gap = gap if shift is None else gap - shift[pairs]
    bonded = (gap.norm(dim=-1) < settings.pulled) & bridges(frames, one, other)
    return torch.zeros_like(thiols).index_fill(0, pairs[bonded], True)
