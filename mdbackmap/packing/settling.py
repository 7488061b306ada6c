"""
Settling: overlaps of atoms push beads apart, and turn peptides and side chains.

Only frames whose beads may move take part. Atoms move along with their residue's bead, those of a peptide with both of
its beads. They turn with the peptides on either side. Beads and peptide angles go downhill in the energies of
`traces` and of the overlaps. Then side chains are relieved, and all of it is done once more.

Shapes: F frames, R residues, P pairs of atoms. Lengths in angstrom, energies in nats.
"""

import functools

import torch

from ..chemistry.residues import CB, MAX_ATOMS, TURNING, TYPE_OF_NAME, C, N, O
from ..geometry.compiling import array, suits
from ..geometry.vectors import full_precision
from ..torsions.movable import bonds_from_backbone, present
from ..traces.descent import Descent, within
from .atom_energies import allowed_distances, overlap_slopes
from .contacts import classes
from .pairs import group_pairs, groups_of, where
from .relief import relieve
from .settling_compiled import pushed

_PROLINE, _CYSTEINE = TYPE_OF_NAME["PRO"], TYPE_OF_NAME["CYS"]


@full_precision
def settle(slopes, beads, torsions, packing, given=None, targets=None):
    """
    Move beads, peptides and side chains so that atoms overlap less.

    Parameters
    ----------
    slopes : Slopes
        Of the frames that may move, from `Relaxation.slopes` (with `SettlingSettings.firmness`).
    beads : torch.Tensor, shape (F, R, 3)
        As they are now.
    torsions : torch.Tensor, shape (F, R, 6)
    packing : PackingSettings
        `settling`, `relief` and `disulfides` count.
    given : Given, optional
        Atoms that stay where they are.
    targets : BeadTargets, optional
        Beads of other kinds than C-alphas: the first one of each residue, its anchor, draws on its atoms.

    Returns
    -------
    beads : torch.Tensor, shape (F, R, 3)
    torsions : torch.Tensor, shape (F, R, 6)
        Both in the dtype of `torsions`; computed in float64, as the relaxation is.
    """
    frames, box = slopes.frames, None if slopes.box is None else slopes.box.double()
    moved, turned = (values[frames].double() for values in (beads, torsions))
    given = None if given is None else given[frames]
    targets = None if targets is None else targets[frames]
    for _ in range(packing.settling.rounds):
        moved, turned = push_apart(slopes, moved, turned, packing.settling, box, given, targets)
        turned = _turn_aside(slopes.internal, moved, turned, packing, box, given)
    moved, turned = moved.to(torsions), turned.to(torsions)
    return beads.to(torsions).index_copy(0, frames, moved), torsions.index_copy(0, frames, turned)


def _placed(internal, beads, torsions, given):
    """Atoms (F, R, 14, 3), those with groups of other atoms that are given behind them, and the tables of all."""
    if given is None:
        atoms = internal.to_cartesian(beads, torsions)
        return atoms, atoms, internal
    atoms = given.atoms(internal, beads, torsions)
    if given.others is None:
        return atoms, atoms, internal
    return atoms, torch.cat([atoms, given.others.to(atoms)], 1), internal.beside(given.kinds)


def push_apart(slopes, beads, torsions, settings, box=None, given=None, targets=None):
    """Beads (F, R, 3) and torsions (F, R, 6) after a round of steps of beads and peptides; as in `settle`."""
    internal = slopes.internal
    atoms, every, everyone = _placed(internal, beads, torsions, given)
    one, other, apart, allowed = residue_pairs(everyone, every, settings, box)
    slopes_of_turns = levers(internal, beads, torsions, atoms, settings.turn, given)
    carried = settings.carried, None if given is None else given.mask
    anchored = None if targets is None else Anchored(internal, targets, atoms, slopes_of_turns, settings, carried)
    more = every.shape[1] - atoms.shape[1]  # groups of other atoms, which neither move nor turn
    if more:
        slopes_of_turns = [torch.nn.functional.pad(lever, (0, 0, 0, 0, 0, more)) for lever in slopes_of_turns]
    first, second = (CarriedAtoms(everyone, slopes_of_turns, at, *carried) for at in (one, other))
    turns, allowed = torsions[..., 0], allowed + settings.margin
    moved, turned, pace = beads, turns, (slopes.relaxing.pace * settings.rate, settings.momentum)
    steps, turning = Descent(beads, *pace), Descent(turns, *pace)
    for _ in range(settings.steps):
        slope, on_turns = slopes.of_backbones(moved, turned)
        shifts = _behind(moved - beads, more).flatten(0, 1), _behind(turned - turns, more).flatten()
        both = pushes(first, second, apart, allowed, shifts, settings)
        on_beads, on_peptides = (each.unflatten(0, (len(beads), -1))[:, : beads.shape[1]] for each in both)
        if anchored is not None:
            slope, on_turns = anchored.collect(moved - beads, turned - turns, slope, on_turns)
        moved = slopes.strain.put_right(moved - steps(slope + on_beads))
        moved = within(slopes.start, moved, slopes.tolerances)
        turned = turned - turning(on_turns + settings.peptides * on_peptides)
        if given is not None:
            moved = torch.where(given.held(internal)[:, None], beads, moved)
            turned = torch.where(given.peptides(internal), turns, turned)
    turned = torch.where(internal.ends, turns, turned)
    return moved, torch.cat([turned.unsqueeze(-1), torsions[..., 1:]], -1)


def pushes(first, second, apart, allowed, shifts, settings):
    """
    Derivatives of overlaps with respect to beads and peptides.

    Parameters
    ----------
    first, second : CarriedAtoms
        Of each pair.
    apart : torch.Tensor, shape (P, 3)
        From the second to the first, before anything moved.
    allowed : torch.Tensor, shape (P,)
        Nearer ones are pushed.
    shifts : tuple of torch.Tensor, shape (F * R, 3) and (F * R,)
        By how much beads have moved and peptides turned.
    settings : SettlingSettings

    Returns
    -------
    on_beads, on_turns : torch.Tensor, shape (F * R, 3) and (F * R,)
    """
    if suits(apart, *shifts):
        pairs = array(apart), array(allowed.to(apart)), first.arrays, second.arrays
        found = pushed(*pairs, *map(array, shifts), settings.overlap.stiffness, settings.nearest)
        return tuple(map(torch.from_numpy, found))
    gap = apart + first.shift(*shifts) - second.shift(*shifts)
    near = (gap.square().sum(-1) < allowed.square()).nonzero()[:, 0]
    push = overlap_slopes(gap[near], allowed[near], settings.overlap.stiffness, settings.nearest)
    return second.collect(*first.collect(*map(torch.zeros_like, shifts), push, near), -push, near)


def _behind(values, more):
    """Values (F, R, ...) with zeros for `more` groups of other atoms behind them."""
    return torch.cat([values, values.new_zeros(len(values), more, *values.shape[2:])], 1) if more else values


def _turn_aside(internal, beads, torsions, packing, box, given=None):
    """Torsions (F, R, 6) after side chains that overlap with anything have been relieved."""
    _, atoms, everyone = _placed(internal, beads, torsions, given)
    one, other, gap, allowed = residue_pairs(everyone, atoms, packing.settling, box)
    short = torch.cat([one, other])[(gap.norm(dim=-1) < allowed).repeat(2)]
    tight = torch.zeros(atoms.shape[:2], dtype=torch.bool, device=atoms.device)
    tight.view(-1)[short[short % MAX_ATOMS >= TURNING] // MAX_ATOMS] = True
    turnable = internal.defined[:, 1] if given is None else given.turnable(internal)
    tight = (tight[:, : beads.shape[1]] & turnable & (internal.types != _PROLINE)).nonzero()
    if len(tight):
        torsions[tight[:, 0], tight[:, 1], 1:5] += relieve(everyone.types, atoms, tight, packing, box)[0]
    return torsions


def residue_pairs(internal, atoms, settings, box=None):
    """
    Pairs of atoms up to `settings.listed` further apart than allowed.

    Parameters
    ----------
    internal : InternalCoordinates
    atoms : torch.Tensor, shape (F, R, 14, 3)
    settings : SettlingSettings
    box : torch.Tensor, shape (F, 3, 3), optional

    Returns
    -------
    one, other : torch.Tensor of int64, shape (P,)
        Atoms as (frame * R + residue) * 14 + slot, more than three bonds apart. Of cysteines, which may be bonded, only
        pairs with an atom of the backbone.
    gap : torch.Tensor, shape (P, 3)
        From the second atom to the first one (nearest images in a periodic box).
    allowed : torch.Tensor, shape (P,)
        Distance from which on they do not overlap.
    """
    real, size = present().to(atoms.device)[internal.types], len(internal.types) * MAX_ATOMS
    which, count = real.flatten().nonzero()[:, 0], real.sum(1)
    groups = groups_of(atoms.flatten(1, 2)[:, which], count.cumsum(0) - count, count)
    table = allowed_distances(settings.overlap.touch)
    *_, a, b, gap, _ = group_pairs(groups, groups, len(atoms), float(table.max()) + settings.listed, box)
    one, other = (at // len(which) * size + which[at % len(which)] for at in (a, b))
    kind = classes().to(atoms.device)[internal.types].flatten()
    allowed = table.to(atoms.device)[kind[one % size], kind[other % size]]
    (left, a), (right, b) = ((at % size // MAX_ATOMS, at % MAX_ATOMS) for at in (one, other))
    close = gap.norm(dim=-1) < allowed + settings.listed
    cysteine = internal.types == _CYSTEINE
    close &= ~(cysteine[left] & cysteine[right] & (a >= CB) & (b >= CB))  # they may be bonded
    close &= ~_bonded(internal, left, a, right, b)
    return where(close, one, other, -gap, allowed)


def _bonded(internal, i, a, j, b):
    """Which atoms, slots `a` of residues `i` and `b` of `j` > `i` (P,), have three bonds or fewer between them."""
    from_carbon, from_nitrogen = (bonds.to(i.device) for bonds in bonds_from_backbone())
    beside = (j - i == 1) & ~internal.ends[i]
    return beside & (from_carbon[internal.types[i], a] + 1 + from_nitrogen[internal.types[j], b] <= 3)


def levers(internal, beads, torsions, atoms, turn, given=None):
    """Derivatives, two (F, R, 14, 3), of `atoms` with respect to the peptide angles after and before their residue."""
    odd = torch.arange(beads.shape[1], device=beads.device) % 2 == 1
    slopes = []
    for chosen in (odd, ~odd):  # never both peptides of a residue at once
        turned = torsions.clone()
        turned[..., 0] += turn * (chosen & ~internal.ends)
        slopes.append((_placed(internal, beads, turned, given)[0] - atoms) / turn)
    odd = odd[:, None, None]
    return torch.where(odd, *slopes), torch.where(odd, *slopes[::-1])


class Anchored:
    """
    Anchors that draw on the atoms that they stand for, which move as `CarriedAtoms` do.

    Parameters
    ----------
    internal : InternalCoordinates
    targets : BeadTargets
    atoms : torch.Tensor, shape (F, R, 14, 3)
    levers : tuple of torch.Tensor, shape (F, R, 14, 3)
    settings : SettlingSettings
    carried : tuple
        Shares and mask, as `CarriedAtoms` takes them.
    """

    def __init__(self, internal, targets, atoms, levers, settings, carried):
        weights, firm = targets.table.weights[:, 0], targets.precision[:, 0].clamp_max(settings.anchored)
        counts = (weights != 0) & (firm > 0).unsqueeze(1)
        at = counts.expand(len(atoms), -1, -1).flatten().nonzero()[:, 0]
        self.carried, self.row = CarriedAtoms(internal, levers, at, *carried), at // MAX_ATOMS
        self.weights = weights.flatten()[at % weights.numel()].to(atoms).unsqueeze(1)
        self.off = targets.misfit(atoms)[:, :, 0].flatten(0, 1)  # (F * R, 3)
        self.firm = firm.to(atoms).repeat(len(atoms)).unsqueeze(1)

    def collect(self, shifts, turns, on_beads, on_turns):
        """
        Add derivatives of the anchors' energy to those with respect to beads and peptides.

        Parameters
        ----------
        shifts, turns : torch.Tensor, shape (F, R, 3) and (F, R)
            By how much beads have moved and peptides turned.
        on_beads, on_turns : torch.Tensor, shape (F, R, 3) and (F, R)

        Returns
        -------
        on_beads, on_turns : torch.Tensor
        """
        moved = self.carried.shift(shifts.flatten(0, 1), turns.flatten())
        off = self.off.index_add(0, self.row, self.weights * moved)
        on_atoms = (self.firm * off).index_select(0, self.row) * self.weights
        beads, peptides = self.carried.collect(on_beads.flatten(0, 1), on_turns.flatten(), on_atoms)
        return beads.view_as(on_beads), peptides.view_as(on_turns)


class CarriedAtoms:
    """
    How atoms (P,) move with two beads and turn with two peptides, each a row of a flat list.

    Parameters
    ----------
    internal : InternalCoordinates
    levers : tuple of torch.Tensor, shape (F, R, 14, 3)
    atoms : torch.Tensor of int64, shape (P,)
        As (frame * R + residue) * 14 + slot.
    carried : tuple of float
        Shares of N, C and O in the motion of the other bead of their peptide.
    fixed : torch.Tensor of bool, shape (R, 14), optional
        Atoms that go with their own bead alone.
    """

    def __init__(self, internal, levers, atoms, carried, fixed=None):
        row, residue = atoms // MAX_ATOMS, atoms // MAX_ATOMS % len(internal.types)
        other, share = row, torch.zeros_like(row, dtype=torch.float64)
        for atom, side, part in zip((N, C, O), (-1, 1, 1), carried, strict=True):
            edge = (internal.starts if side < 0 else internal.ends)[residue]
            here = (atoms % MAX_ATOMS == atom) & ~edge
            here = here if fixed is None else here & ~fixed[residue.clamp_max(len(fixed) - 1), atom]
            other, share = torch.where(here, row + side, other), torch.where(here, part, share)
        self.beads = (row, (1 - share).unsqueeze(1)), (other, share.unsqueeze(1))
        peptides, levers = (row, (row - 1).clamp_min(0)), [lever.flatten(0, 2)[atoms] for lever in levers]
        self.peptides = tuple(zip(peptides, levers, strict=True))
        self._arrays = row, other, share, peptides[1], *levers

    @functools.cached_property
    def arrays(self):
        """Rows of both beads, the share of the second, rows of the other peptide, and both levers, as arrays."""
        return tuple(map(array, self._arrays))

    def shift(self, shifts, turns):
        """By how much atoms move (P, 3) if beads do by `shifts` (F * R, 3) and peptides turn by `turns` (F * R,)."""
        ridden = sum(shifts.index_select(0, row) * share for row, share in self.beads)
        return ridden + sum(turns.index_select(0, row).unsqueeze(1) * lever for row, lever in self.peptides)

    def collect(self, on_beads, on_turns, on_atoms, at=None):
        """Add derivatives (P, 3), of atoms `at` if not of all, to those with respect to beads and peptides."""
        taken = (lambda values: values) if at is None else (lambda values: values.index_select(0, at))
        for row, share in self.beads:
            on_beads = on_beads.index_add(0, taken(row), on_atoms * taken(share))
        for row, lever in self.peptides:
            on_turns = on_turns.index_add(0, taken(row), (on_atoms * taken(lever)).sum(-1))
        return on_beads, on_turns
