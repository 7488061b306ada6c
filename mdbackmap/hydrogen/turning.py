"""
`turned`: rotors, amines, amides and imidazoles turned to where they clash least and make hydrogen bonds.

Each group begins where it gains most with the atoms that stay. Then, some times over, groups whose gain is the largest
of all groups around them turn to the best place beside the others. Nothing is drawn.

Shapes: F frames, A atoms, M groups, S atoms of each, K candidates, P pairs of a group and an atom.
"""

import dataclasses

import torch

from ..geometry.periodic import image_shifts
from ..geometry.spheres import meeting_spheres
from ..geometry.vectors import full_precision
from .scoring import energies


@dataclasses.dataclass(frozen=True, eq=False)
class _Found:
    """
    Groups of one kind in some frames.

    Attributes
    ----------
    movers : Movers
    places : torch.Tensor, shape (F, M, S, K, 3)
    still : torch.Tensor, shape (F * M, K)
        Energy with the atoms that stay.
    near : _Listed
        Pairs with atoms of other groups.
    """

    movers: object
    places: torch.Tensor
    still: torch.Tensor
    near: object


@full_precision
def turned(atoms, kinds, roles, settings, box=None, ignored=None):
    """
    Atoms with all groups turned.

    Parameters
    ----------
    atoms : torch.Tensor, shape (F, A, 3)
        Changed in place.
    kinds : list of Movers
    roles : Roles
    settings : ScoringSettings
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows.
    ignored : torch.Tensor of bool, shape (A,), optional
        Atoms that do not count.

    Returns
    -------
    list of torch.Tensor, each of shape (F, M)
        Energies of the groups of each kind.
    """
    if not kinds:
        return []
    n_frames, mobile = len(atoms), torch.cat([kind.sites[kind.there] for kind in kinds])
    stays = torch.ones(atoms.shape[1], dtype=torch.bool, device=atoms.device).index_fill(0, mobile, False)
    stays = (stays if ignored is None else stays & ~ignored).nonzero()[:, 0]
    centre = torch.cat([atoms[:, kind.axis[:, 1]] for kind in kinds], 1)
    reach = torch.cat([kind.reach for kind in kinds])
    largest = torch.cat([roles.radius[kind.sites].amax(1) for kind in kinds])
    pairs = _around(atoms, centre, reach + largest, stays, roles.needs(settings), box)
    between = _between(centre, reach, settings, box)
    found, start = [], 0
    for kind in kinds:
        own = slice(start, start + len(kind))
        places = kind.candidates(atoms)
        energy = kind.cost.repeat(n_frames, 1)
        _Listed.of(kind, places, atoms, roles, settings, _of_kind(pairs, own)).add(energy, atoms, settings)
        near = _Listed.of(kind, places, atoms, roles, settings, _with_sites(_of_kind(between, own), kinds))
        found.append(_Found(kind, places, energy, near))
        start += len(kind)
    state = [one.still.argmin(1) for one in found]
    for one, chosen in zip(found, state, strict=True):
        _put(atoms, one, chosen)
    touch = _graph(between, len(reach))
    for _ in range(settings.rounds):
        state = _again(atoms, found, state, touch, settings)
    return [
        _energies(atoms, one, settings).gather(1, chosen.unsqueeze(1)).view(n_frames, -1)
        for one, chosen in zip(found, state, strict=True)
    ]


def _energies(atoms, one, settings):
    """Energies (F * M, K) of the groups of a kind, the others as they are."""
    energy = one.still.clone()
    one.near.add(energy, atoms, settings)
    return energy


def _again(atoms, found, state, touch, settings):
    """One round of choosing again; the choices after it."""
    gains, best = [], []
    for one, chosen in zip(found, state, strict=True):
        energy = _energies(atoms, one, settings)
        least, at = energy.min(1)
        gains.append((energy.gather(1, chosen.unsqueeze(1))[:, 0] - least).view(len(atoms), -1))
        best.append(at)
    gain = torch.cat(gains, 1).flatten()
    rival = torch.zeros_like(gain).scatter_reduce(0, touch[0], gain[touch[1]], "amax")
    moves = (gain > _LEAST_GAIN) & (gain > rival)
    moves = moves.view(len(atoms), -1).split([len(one.movers) for one in found], 1)
    fresh = []
    for one, chosen, at, move in zip(found, state, best, moves, strict=True):
        fresh.append(torch.where(move.flatten(), at, chosen))
        _put(atoms, one, fresh[-1])
    return fresh


_LEAST_GAIN = 1e-3  # energy; chosen: by hand, beyond rounding


def _around(atoms, centre, radii, stays, needs, box):
    """Pairs of a group and an atom that stays: frame, group, atom (P,) each, and shift (P, 3) of the atom or None."""
    there, spheres = atoms.index_select(1, stays), (radii, needs[stays])
    radii, others = (radius.expand(len(atoms), -1) for radius in spheres)
    frame, group, column = meeting_spheres(centre, there, radii, others, box)
    shift = None
    if box is not None:
        gap = there[frame, column] - centre[frame, group]
        shift = image_shifts(gap, box[frame].to(gap))
    return frame, group, stays[column], shift


def _between(centre, reach, settings, box):
    """Pairs of groups whose atoms may meet, both ways round: frame, group, group, and shift of the second or None."""
    radii = (reach + settings.reach / 2).expand(centre.shape[:2])
    frame, one, other = meeting_spheres(centre, centre, radii, radii, box)
    frame, one, other = (values[one != other] for values in (frame, one, other))
    shift = None
    if box is not None:
        gap = centre[frame, other] - centre[frame, one]
        shift = image_shifts(gap, box[frame].to(gap))
    return frame, one, other, shift


def _graph(between, n_groups):
    """Groups around each, as places among those of all frames, both ways round."""
    frame, one, other, _ = between
    return frame * n_groups + one, frame * n_groups + other


def _of_kind(pairs, own):
    """Those of the pairs whose group is of one kind, numbered within it."""
    frame, group, other, shift = pairs
    mine = (group >= own.start) & (group < own.stop)
    return frame[mine], group[mine] - own.start, other[mine], None if shift is None else shift[mine]


def _with_sites(between, kinds):
    """Pairs of groups as pairs of a group and each atom of the other."""
    frame, one, other, shift = between
    widest = max(kind.sites.shape[1] for kind in kinds)
    fill = [(0, widest - kind.sites.shape[1]) for kind in kinds]
    sites = torch.cat([torch.nn.functional.pad(kind.sites, pad) for kind, pad in zip(kinds, fill, strict=True)])
    there = torch.cat([torch.nn.functional.pad(kind.there, pad) for kind, pad in zip(kinds, fill, strict=True)])
    pair, slot = there[other].nonzero().unbind(1)
    return frame[pair], one[pair], sites[other[pair], slot], None if shift is None else shift[pair]


@dataclasses.dataclass(frozen=True, eq=False)
class _Listed:
    """
    Pairs of an atom of a group and another atom, P of them.

    Attributes
    ----------
    into : torch.Tensor of int64, shape (P,)
        The group, of all frames.
    places : torch.Tensor, shape (3, P, K)
        Of its atom, less `shift`.
    partner : torch.Tensor of int64, shape (P,)
        The other atom, of all frames.
    touching, bond : torch.Tensor, shape (P, 1)
        See `Roles.contacts`.
    """

    into: torch.Tensor
    places: torch.Tensor
    partner: torch.Tensor
    touching: torch.Tensor
    bond: torch.Tensor

    @classmethod
    def of(cls, kind, places, atoms, roles, settings, pairs):
        """Those of pairs of a group and an atom that count."""
        frame, group, other, shift = pairs
        sites = kind.sites[group]
        counts = kind.there[group] & roles.apart(sites, other.unsqueeze(1))
        pair, slot = counts.nonzero().unbind(1)
        frame, group, other = frame[pair], group[pair], other[pair]
        into = frame * len(kind) + group
        own = places.flatten(0, 2).index_select(0, into * kind.sites.shape[1] + slot)  # (P, K, 3)
        own = own if shift is None else own - shift[pair].unsqueeze(1)
        contacts = roles.contacts(sites[pair, slot], other, settings)
        return cls(into, own.movedim(2, 0).contiguous(), frame * atoms.shape[1] + other, *contacts)

    def add(self, energy, atoms, settings):
        """Add theirs to the energies (F * M, K) of the groups."""
        partner = atoms.reshape(-1, 3).index_select(0, self.partner)
        gaps = (one - two.unsqueeze(1) for one, two in zip(self.places, partner.unbind(1), strict=True))
        distance = sum(gap.square_() for gap in gaps).sqrt_()
        energy.index_add_(0, self.into, energies(distance, self.touching, self.bond, settings))


def _put(atoms, one, chosen):
    """Put the chosen candidates (F * M,) of groups into atoms."""
    kind, shape = one.movers, one.places.shape
    index = chosen.view(shape[0], shape[1], 1, 1, 1).expand(-1, -1, shape[2], 1, 3)
    places = one.places.gather(3, index)[:, :, :, 0]
    atoms[:, kind.sites[kind.there]] = places[:, kind.there]
