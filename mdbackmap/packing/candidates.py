"""
Side chains: candidates drawn by the network, each torsion given the ones before it, and one chosen for each residue.

Above temperature 0 one is sampled (annealed Gibbs sampling, `overlaps.choose`). At 0 it is the candidate of least
expected error under the marginals of belief propagation (`overlaps.marginals`).

Shapes: F frames, R candidates, N residues, M of them with side chains that can turn, C features. Angstrom and radians.
"""

import dataclasses
import functools
import math

import torch

from ..backbone.peptides import levels_of
from ..chemistry import residues
from ..geometry.neighbours import image_shifts
from ..geometry.vectors import wrap
from ..torsions.circular import fourier
from ..torsions.internal import TORSIONS, InternalCoordinates
from ..torsions.movable import elements
from .contacts import learned
from .disulfides import Bridges, loose, sulfur_places, worth
from .overlaps import STIFFNESS, Overlaps, allowed_distances, choose, marginals
from .relief import relieve
from .replacing import UNBEARABLE, Stuck

N_CANDIDATES = 10
"""Side chains drawn for each residue, of which one is chosen."""
N_CANDIDATES_AT_ZERO = 20
"""The same at temperature 0, where the density of candidates stands for their probability."""
CHIS = (1, 2, 3, 4)
N_RANDOM = len(CHIS) * N_CANDIDATES + 1
"""Uniform numbers of a residue that `draw_sidechains` takes above temperature 0."""
_PEPTIDE = 0
_CB = 4  # slot
_AROUND = 32  # residues near a cysteine, whose backbones count
_GLY, _SULFUR = residues.TYPE_OF_NAME["GLY"], "CNOS".index("S")
_PROLINE, _PUCKER = residues.TYPE_OF_NAME["PRO"], math.radians(60)  # no ring of crystals is bent further (62)
# At temperature 0, and above:
_TOUCH = 0.2, -0.1  # overlap of spheres that costs nothing; draws that keep a distance are nearer to the truth
_STIFFNESS = 16.0, 20.0  # kT for an overlap of an angstrom, squared, beside contacts
_TIGHT = 0.3, 1.0  # overlap energy in kT above which a side chain is turned out of the way
_LEAST_SPREAD = 0.7  # candidates are not drawn colder than this, or they would all be the same
_ALIKE = math.radians(35)  # torsions this close count as the same rotamer, softly
_PER_SQUARE = 0.015  # worth of a squared angstrom of an atom, against that of a right rotamer
_ROOM = 0.15  # worth of a kT of overlap


def draw_sidechains(model, internal, beads, hidden, torsions, uniform, temperature, box=None, prior=None):
    """
    Torsions with those of the side chains filled in.

    Parameters
    ----------
    model : GenZProt
    internal : InternalCoordinates
    beads : torch.Tensor (F, N, 3)
    hidden : torch.Tensor (F, N, C)
        Decoder features.
    torsions : torch.Tensor (F, N, 6)
        Those of peptides and ends are there.
    uniform : torch.Tensor (F, N, 4 N_CANDIDATES + 1)
        Numbers in (0, 1); not used at temperature 0.
    temperature : float
    box : torch.Tensor (F, 3, 3), optional
    prior : RotamerPrior, optional
        Counts besides the network.

    Returns
    -------
    torsions : torch.Tensor (F, N, 6)
    stuck : Stuck
        Side chains that still overlap after relief.
    """
    drawn = temperature > 0
    if drawn:
        levels = uniform[..., :-1].unflatten(-1, (-1, len(CHIS))).transpose(1, 2)  # (F, R, N, 4)
    else:
        levels = even_levels(internal).to(uniform).expand(len(beads), -1, -1, -1)
    found = Candidates.draw(model, internal, beads, hidden, torsions, levels, temperature or 1.0, box, prior)
    if len(internal.movable.residues) == 0:
        return found.torsions[:, 0], Stuck.none(found.torsions)
    overlaps = found.met(drawn)
    if drawn:
        at = internal.movable.residues
        weights = found.log_weights[:, :, at].transpose(1, 2).flatten(0, 1)  # (F M, R)
        state, _ = choose(overlaps, weights, uniform[:, at, -1].flatten())
    else:
        state = _least_error(found, overlaps)
    chosen = found.only(state)
    tight = chosen.overlaps(_TOUCH[drawn]).energies() > _TIGHT[drawn]
    return _settled(found, chosen, tight)


def even_levels(internal):
    """Uniform numbers (R, N, 4) of candidates whose density stands for their probability."""
    return levels_of(N_CANDIDATES_AT_ZERO, len(internal.types), len(CHIS))


@dataclasses.dataclass(frozen=True)
class Candidates:
    """
    Side chains that may be chosen, all on the same backbone.

    Attributes
    ----------
    internal : InternalCoordinates
    beads : torch.Tensor (F, N, 3)
    backbone : tuple of torch.Tensor
        As `InternalCoordinates.backbone` gives it.
    bridges : Bridges
    torsions : torch.Tensor (F, R, N, 6)
    log_weights : torch.Tensor (F, R, N)
        That candidates need for the temperature asked for.
    box : torch.Tensor (F, 3, 3) or None
    """

    internal: InternalCoordinates
    beads: torch.Tensor
    backbone: tuple
    bridges: Bridges
    torsions: torch.Tensor
    log_weights: torch.Tensor
    box: torch.Tensor | None = None

    @classmethod
    def draw(cls, model, internal, beads, hidden, torsions, levels, temperature=1.0, box=None, prior=None):
        """From what `draw_sidechains` is given, and uniform numbers `levels` (F, R, N, 4)."""
        backbone = internal.backbone(beads, torsions)
        placed = internal.to_cartesian(beads, torsions, backbone)
        bridges = Bridges(internal.types, placed[:, :, _CB], box)
        torsions = torsions.unsqueeze(1).repeat(1, levels.shape[1], 1, 1)
        log_weights = _draw(model, internal, hidden, torsions, levels, temperature, bridges, placed, prior)
        return cls(internal, beads, backbone, bridges, torsions, log_weights, box)

    @functools.cached_property
    def atoms(self):
        """Positions (F, R, N, 14, 3)."""
        shape = (-1, self.torsions.shape[1], -1, -1)
        beads, *backbone = (part.unsqueeze(1).expand(shape) for part in (self.beads, *self.backbone))
        return self.internal.to_cartesian(beads, self.torsions, backbone)

    def overlaps(self, touch, *energies):
        """Their `Overlaps`."""
        return Overlaps(self.internal.movable, self.atoms.flatten(2, 3), self.box, touch, self.bridges, *energies)

    def met(self, drawn, contacts=None):
        """Their `Overlaps` and contacts as they count in draws and, not `drawn`, at temperature 0."""
        contacts = learned() if contacts is None else contacts
        return self.overlaps(_TOUCH[drawn], _STIFFNESS[drawn], contacts.to(self.beads))

    def only(self, state):
        """One of each residue: those chosen (F M,)."""
        state = state.unflatten(0, (len(self.torsions), 1, -1, 1)).expand(-1, -1, -1, len(TORSIONS))
        at = self.internal.movable.residues
        chosen = self.torsions[:, :1].index_copy(2, at, self.torsions[:, :, at].gather(1, state))
        return dataclasses.replace(self, torsions=chosen)


def _draw(model, internal, hidden, torsions, uniform, temperature, bridges, placed, prior):
    """
    Fill in the side-chain torsions of the candidates (F, R, N, 6), each given the ones before it.

    Cysteines that may be bonded are drawn together; `placed` (F, N, 14, 3) has their N, CA and CB.
    Returns the log weights (F, R, N) that candidates need for the temperature asked for.
    """
    spread = max(temperature, _LEAST_SPREAD)  # temperature at which candidates are drawn
    order, n_candidates = model.order, torsions.shape[1]
    peptides = torsions[:, 0, :, _PEPTIDE]
    before = fourier(peptides.roll(1, dims=1), (~internal.starts).expand(peptides.shape), order)
    own = fourier(peptides, torch.ones_like(peptides, dtype=torch.bool), order)
    seen = torch.cat([before, own], dim=-1).unsqueeze(1).expand(-1, n_candidates, -1, -1)
    log_weights = torsions.new_zeros(torsions.shape[:3])
    for k in CHIS:
        at = internal.defined[:, k].nonzero()[:, 0]
        if len(at) == 0:
            break
        head, given = model.chis[k - 1], seen[:, :1] if k == 1 else seen  # chi1 depends on nothing that was drawn
        logits = head.after(head.features(hidden[:, at]).unsqueeze(1), given[:, :, at])
        if prior is not None:
            logits = logits - prior(k, at, torsions[:, : logits.shape[1], at, k - 1])
        levels = uniform[:, :, at, k - 1]
        if k == 1:
            angles = model.bins.draw_several(logits[:, 0], levels.transpose(1, 2), spread).transpose(1, 2)
            limit = torch.where(internal.types[at] == _PROLINE, _PUCKER, torch.inf)
            angles = angles.clamp(-limit, limit)
            _draw_bridges(model, bridges, placed, at, logits[:, 0], angles, uniform, spread)
        else:
            angles = model.bins.draw(logits, levels, spread)
        if temperature < spread:
            angles[:, 0] = model.bins.draw(logits[:, 0], levels[:, 0], temperature)
            sharpen = 1 / max(temperature, 0.1) - 1 / spread
            log_weights[:, :, at] += sharpen * model.bins.log_density(logits.expand(*angles.shape, -1), angles)
        torsions[:, :, at, k] = angles
        known = internal.defined[:, k].expand(torsions.shape[:3])
        seen = torch.cat([seen, fourier(torsions[..., k], known, order)], dim=-1)
    return log_weights


def _draw_bridges(model, bridges, placed, at, logits, angles, uniform, temperature):
    """
    Fill in chi1, in place, of cysteines that may be bonded: pairs from the network's distributions times the bond's.

    `angles` (F, R, n) and `logits` (F, n, B) are those of residues `at` (n,); each candidate is a pair that fits.
    """
    frames, one, other, gap = bridges.pairs()
    if len(frames) == 0:
        return
    centres = model.bins.centres(logits)
    left, right = (torch.searchsorted(at, residue) for residue in (one, other))
    first, second = (torch.log_softmax(logits[frames, k] / temperature, -1) for k in (left, right))
    here, there = (sulfur_places(placed[frames, residue], centres) for residue in (one, other))  # from either CB
    first = first - _in_backbones(bridges, placed, frames, one, other, here)
    second = second - _in_backbones(bridges, placed, frames, other, one, there)
    there = there + gap.unsqueeze(1)
    distance = torch.cdist(here, there, compute_mode="donot_use_mm_for_euclid_dist")
    across = (here - gap.unsqueeze(1)).norm(dim=-1).unsqueeze(2), there.norm(dim=-1).unsqueeze(1)
    joint = first.unsqueeze(2) + second.unsqueeze(1) + worth(distance, *across)  # (P, B, B)
    shape, rows = (-1, uniform.shape[1], -1), torch.arange(len(frames), device=at.device)
    drawn = model.bins.draw(joint.logsumexp(2).unsqueeze(1).expand(shape), uniform[frames, :, one, 0])
    nearest = ((drawn + math.pi) / model.bins.width).round().long() % len(centres)
    angles[frames, :, left] = drawn
    angles[frames, :, right] = model.bins.draw(joint[rows.unsqueeze(1), nearest], uniform[frames, :, other, 0])


def _in_backbones(bridges, placed, frames, residue, partner, places):
    """
    Overlap energy with backbones, (P, B) in kT, of sulfurs at `places` (P, B, 3) from the CB of `residue` (P,).

    Backbones are those of `placed` (F, N, 14, 3), but for the residue's own and that of the `partner` (P,) that it may
    be bonded to; in boxes their nearest images.
    """
    types = bridges.types
    beta = placed[frames, residue, _CB]
    gap = placed[frames, :, _CB - 3] - beta.unsqueeze(1)  # to C-alphas
    shifts = image_shifts(gap, None if bridges.box is None else bridges.box[frames].unsqueeze(1))
    distance = (gap + shifts).norm(dim=-1)
    pairs = torch.arange(len(frames), device=frames.device)
    distance[pairs, residue] = distance[pairs, partner] = torch.inf
    near = distance.topk(min(_AROUND, len(types) - 2), largest=False).indices  # (P, k)
    around = placed[frames.unsqueeze(1), near, : _CB + 1] + shifts[pairs.unsqueeze(1), near].unsqueeze(2)
    around = (around - beta[:, None, None]).flatten(1, 2)  # (P, 5 k, 3)
    kinds = elements().to(types.device)[types[near], : _CB + 1]
    allowed = allowed_distances(kinds, torch.full_like(kinds, _SULFUR), _TOUCH[0])
    allowed[..., _CB] = torch.where(types[near] == _GLY, 0.0, allowed[..., _CB])
    gap = torch.cdist(places, around, compute_mode="donot_use_mm_for_euclid_dist")  # (P, B, 5 k)
    return STIFFNESS * (allowed.flatten(1).unsqueeze(1) - gap).clamp_min(0).square().sum(-1)


def _least_error(candidates, overlaps):
    """Candidates (F M,) nearest to all the others, weighed by how likely those are."""
    shares = marginals(overlaps)  # (F M, R)
    at = candidates.internal.movable.residues
    places = candidates.atoms[:, :, at] - candidates.atoms[:, :, at, 1:2]
    places = places.transpose(1, 2).flatten(0, 1).flatten(2)  # (F M, R, 14 * 3)
    torsions = candidates.torsions[:, :, at].transpose(1, 2).flatten(0, 1)
    likeness = alike(candidates.internal, torsions) - _PER_SQUARE * _apart(places)
    expected = (shares.unsqueeze(1) * likeness).sum(-1)
    return choose(overlaps, expected / _ROOM, None, n_steps=24)[0]


def _apart(points):
    """Square distances (q, R, R) of points (q, R, d)."""
    squares = points.square().sum(-1)
    return torch.baddbmm(squares.unsqueeze(2) + squares.unsqueeze(1), points, points.transpose(1, 2), alpha=-2)


def alike(internal, torsions):
    """How much alike candidates (q, R, 6) are, (q, R, R): in chi1, in chi1 and chi2, in all, averaged; q = F M."""
    at = internal.movable.residues
    defined = internal.defined[at, 1:5].to(torsions)  # (M, 4)
    turns = torch.ones_like(defined)  # 2 where half a turn changes nothing
    for name, k in residues.SYMMETRIC_CHIS.items():
        turns[internal.types[at] == residues.TYPE_OF_NAME[name], k] = 2
    repeats = len(torsions) // max(1, len(defined))
    sizes, turns = ((v.repeat(repeats, 1).unsqueeze(1)) for v in (defined / turns / _ALIKE, turns))  # (q, 1, 4)
    chis = torsions[..., 1:5] * turns
    points = torch.stack([chis.cos() * sizes, chis.sin() * sizes], -1).flatten(2)  # (q, R, 8)
    parts = [_apart(points[..., part]).mul_(-0.5) for part in (slice(0, 2), slice(2, 4), slice(4, 8))]
    total = parts[0].exp()
    total += parts[1].add_(parts[0]).exp()
    return total.add_(parts[2].add_(parts[1]).exp_()).div_(3)


def _settled(found, chosen, tight):
    """
    Torsions (F, N, 6) of the `chosen` of the candidates `found`; where they are `tight` (F M,), overlaps are relieved.

    Besides, the `Stuck` for which that was not enough; bonded cysteines are not among them.
    """
    internal, atoms, torsions = chosen.internal, chosen.atoms[:, 0], chosen.torsions[:, 0].clone()
    turned = loose(chosen.bridges, atoms)
    turned[:, internal.movable.residues] |= tight.unflatten(0, (len(atoms), -1))
    frames, rows = turned.nonzero().unbind(1)
    angles, left = relieve(internal.types, atoms, torch.stack([frames, rows], 1), box=chosen.box)
    torsions[frames, rows, 1:5] += angles
    stuck = (left > UNBEARABLE) & ~found.bridges.partners()[frames, rows]
    frames, rows = frames[stuck], rows[stuck]
    return torsions, Stuck(frames, rows, found.torsions[frames, :, rows, 1:5])


def fold_symmetric(types, torsions):
    """
    Torsions (..., N, 6) in [-pi, pi), those of symmetric groups (ASP, GLU, PHE, TYR) in [-pi/2, pi/2).

    The latter names equivalent atoms as IUPAC does.
    """
    torsions = wrap(torsions)
    for name, at in residues.SYMMETRIC_CHIS.items():
        rows = (types == residues.TYPE_OF_NAME[name]).nonzero()[:, 0]
        angles = torsions[..., rows, 1 + at]
        torsions[..., rows, 1 + at] = torch.remainder(angles + torch.pi / 2, torch.pi) - torch.pi / 2
    return torsions
