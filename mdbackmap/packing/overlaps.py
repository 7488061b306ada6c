"""
Energies of candidate side chains: with what stays, and with each other.

Shapes: F frames, R residues, M residues with side-chain atoms beyond CB that can turn, S such atoms, X fixed atoms,
K and L candidates, E pairs of residues, P pairs of atoms. Lengths in angstrom, energies in kT.
"""

from typing import NamedTuple

import torch

from ..chemistry import residues
from .atom_energies import allowed_distances, bond_gain
from .contacts import classes
from .kernels import pair_energies
from .pairs import Groups, distances, group_pairs_in_turn, groups_of, where


class PairEnergies(NamedTuple):
    """
    Energies of candidates, as `choose` and `marginals` take them.

    Attributes
    ----------
    own : torch.Tensor, shape (F * M, K)
        Of each candidate with the fixed atoms.
    left, right : torch.Tensor of int64, shape (E,)
        Pairs of residues that may overlap, each once, as rows of `own`.
    pair : torch.Tensor, shape (E, K, K)
        Of each candidate of `left` with each of `right`.
    """

    own: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    pair: torch.Tensor

    def times(self, share):
        """A share of all of them."""
        return self if share == 1 else self._replace(own=share * self.own, pair=share * self.pair)

    def of_first(self):
        """Of the first candidate of each residue among the first ones of the others, (F * M,)."""
        pair = self.pair[:, 0, 0].repeat(2)
        return self.own[:, 0].index_add(0, torch.cat([self.left, self.right]), pair)


def candidate_energies(movable, atoms, bridges, overlap, packing, gains=None, box=None, kept=None):
    """
    Energies of candidate side chains.

    Parameters
    ----------
    movable : MovableAtoms
    atoms : torch.Tensor, shape (F, K, R, 14, 3)
        Every atom, for each candidate of the side chains; backbones are those of candidate 0.
    bridges : Bridges
        Which cysteines may be bonded.
    overlap : OverlapSettings
    packing : PackingSettings
        Contacts, disulfides and `choosing.negligible` count.
    gains : torch.Tensor, shape (T, T), optional
        Energies gained by contacts of two classes of atoms, in kT; none without.
    box : torch.Tensor, shape (F, 3, 3), optional
    kept : torch.Tensor of int64, shape (F * M, k), optional
        Candidates of each residue that have energies of pairs; by default all.

    Returns
    -------
    PairEnergies
    """
    turning, fixed = _turning(movable, atoms), _fixed(movable, atoms)
    gains = None if gains is None else torch.nn.functional.pad(gains.to(atoms), (0, 1, 0, 1))  # none with metal ions
    reach = overlap.reach - overlap.touch + (0.0 if gains is None else packing.contacts.further)
    given = bridges, overlap, packing, gains
    own = _own(movable, turning, fixed, len(atoms), reach, box, given)
    turning = turning if kept is None else _turning(movable, atoms, kept)
    return PairEnergies(own, *_pairs(turning, len(atoms), reach, box, given))


def _own(movable, turning, fixed, n_frames, reach, box, given):
    """Energies (F * M, K) of candidates with what stays."""
    own = []
    for first, count, *found in group_pairs_in_turn(turning.groups, fixed.groups, n_frames, reach, box):
        rows, _, pair, a, b, _, shift = found
        meet = (turning.residue[a] != fixed.residue[b]) | movable.meets[a % len(movable.turning), fixed.slot[b]]
        a, b, into, shift = where(meet, a, b, rows[pair] - first, shift)
        own.append(_summed(turning, fixed, a, b, into, shift, count, *given).squeeze(2))
    return torch.cat(own)


def _pairs(turning, n_frames, reach, box, given):
    """Pairs of residues (E,) whose candidates have energies that count, and these (E, K, K)."""
    _, _, packing, _ = given
    counting = []
    for _, _, *found in group_pairs_in_turn(turning.groups, turning.groups, n_frames, reach, box):
        left, right, pair, a, b, _, shift = found
        energies = _summed(turning, turning, a, b, pair, shift, len(left), *given)
        touching = energies.flatten(1).abs().amax(1) > packing.choosing.negligible
        counting.append(where(touching, left, right, energies))
    return [torch.cat(parts) for parts in zip(*counting, strict=True)]


class _Atoms(NamedTuple):
    """Atoms of all frames, as groups, and (A, 3, K) in each candidate; residues are those of all frames, flat."""

    groups: Groups
    places: torch.Tensor
    kind: torch.Tensor  # (A,) class
    residue: torch.Tensor  # (A,)
    slot: torch.Tensor  # (A,)
    bonding: torch.Tensor  # (A,) bool: SG that turn, CB of cysteines that stay
    betas: torch.Tensor  # (F R, 3)


def _turning(movable, atoms, kept=None):
    places = atoms.flatten(2, 3)[:, :, movable.turning].permute(0, 2, 3, 1).contiguous()  # (F, S, 3, K)
    if kept is not None:
        of_atoms = kept.unflatten(0, (len(atoms), -1)).repeat_interleave(movable.count, 1)  # (F, S, k)
        places = places.gather(3, of_atoms.unsqueeze(2).expand(-1, -1, 3, -1))
    centre = places.mean(3)
    spread = distances(places, centre.unsqueeze(3)).amax((2, 3))
    groups = groups_of(centre, movable.first, movable.count, spread)
    return _Atoms(groups, places.flatten(0, 1), *_tables(movable, movable.turning, movable.thiol, atoms))


def _fixed(movable, atoms):
    places = atoms[:, 0].flatten(1, 2)[:, movable.fixed]  # (F, X, 3)
    groups = groups_of(places, movable.fixed_first, movable.fixed_count)
    tables = _tables(movable, movable.fixed, movable.thiol_bearing, atoms)
    return _Atoms(groups, groups.place.unsqueeze(2), *tables)


def _tables(movable, which, bonding, atoms):
    """What `_Atoms` says of atoms `which` (a,) of each frame."""
    n_frames, n_residues, size = len(atoms), len(movable.types), residues.MAX_ATOMS
    kind = classes().to(atoms.device)[movable.types].flatten()[which]
    frames = torch.arange(n_frames, device=atoms.device).unsqueeze(1)
    residue = (frames * n_residues + which // size).flatten()
    repeated = (values.repeat(n_frames) for values in (which % size, bonding))
    return kind.repeat(n_frames), residue, *repeated, atoms[:, 0, :, residues.CB].flatten(0, 1)


def _summed(one, other, a, b, into, shift, n_rows, bridges, overlap, packing, gains):
    """Energies (n_rows, K, L) of pairs of atoms `a` and `b` (P,), added to rows `into` (P,)."""
    allowed = allowed_distances(overlap.touch).to(a.device)[one.kind[a], other.kind[b]]
    gain = None if gains is None else gains[one.kind[a], other.kind[b]]
    bonded = (one.bonding[a] & other.bonding[b]).nonzero()[:, 0]
    first, second = one.residue[a[bonded]], other.residue[b[bonded]]
    bonded, first, second = where(bridges(first, second), bonded, first, second)
    bond = packing.disulfides
    allowed = allowed.index_fill(0, bonded, bond.sulfurs if one is other else bond.across)
    gain = None if gain is None else gain.index_fill(0, bonded, 0.0)
    given = allowed, gain, n_rows, overlap.stiffness, packing.contacts.best, packing.contacts.width
    energy = pair_energies(one.places, other.places, a, b, into, shift, *given)
    if one is other and len(bonded):
        sulfurs = one.places[a[bonded]], one.places[b[bonded]]
        betas = one.betas[first, :, None], one.betas[second, :, None]
        if shift is not None:
            there = shift[bonded].unsqueeze(2)
            sulfurs, betas = (sulfurs[0], sulfurs[1] + there), (betas[0], betas[1] + there)
        across = distances(sulfurs[0], betas[1]), distances(betas[0], sulfurs[1])
        energy.index_add_(0, into[bonded], -bond_gain(distances(*sulfurs), *across, settings=bond))
    return energy
