"""
Side chains drawn by the network as candidates, each torsion given the ones before it, all on the same backbone.

Shapes: F frames, K candidates, R residues, M of them with side chains that can turn, C features, B bins. Angstrom and
radians.
"""

import dataclasses
import math

import torch

from ..chemistry.residues import CA, CB, MAX_ATOMS, SYMMETRIC_CHIS, TYPE_OF_NAME
from ..geometry.chunks import chunk_size
from ..geometry.periodic import image_shifts
from ..geometry.spheres import spheres_around
from ..geometry.vectors import wrap
from ..torsions.circular import fourier, levels_of
from ..torsions.internal import CHIS, PEPTIDE
from ..torsions.movable import present
from .atom_energies import allowed_distances, bond_gain, overlap_energy
from .contacts import CLASSES, classes
from .disulfides import Bridges, sulfur_places
from .overlaps import candidate_energies
from .pairs import where
from .settings import PackingSettings

_PROLINE = TYPE_OF_NAME["PRO"]
_NEVER = -1e4  # nats; chosen: by hand, what is as good as impossible
_SULFUR = CLASSES.index("sulfur")


@dataclasses.dataclass(frozen=True)
class Candidates:
    """
    Side chains that may be chosen, all on the same backbone.

    Attributes
    ----------
    conformation : Conformation
        With the backbone; its side chains do not count.
    bridges : Bridges
    torsions : torch.Tensor, shape (F, K, R, 6)
    atoms : torch.Tensor, shape (F, K, R, 14, 3)
    log_weights : torch.Tensor, shape (F, K, R)
        That candidates need for the temperature asked for.
    packing : PackingSettings
    tilt : torch.Tensor, shape (F, K, R, 3), optional
        By which side chains are turned about their CA.
    misfit : torch.Tensor, shape (F, K, R), optional
        Energies of their own, in kT: of beads that they miss.
    targets : BeadTargets, optional
        These beads.
    """

    conformation: "Conformation"  # noqa: F821, of `generation`, which this room does not import
    bridges: Bridges
    torsions: torch.Tensor
    atoms: torch.Tensor
    log_weights: torch.Tensor
    packing: PackingSettings
    tilt: torch.Tensor | None = None
    misfit: torch.Tensor | None = None
    targets: "BeadTargets | None" = None  # noqa: F821, of `fitting`, which this room does not import

    @classmethod
    def draw(cls, heads, conformation, features, random, packing, prior=None):
        """
        Draw candidates.

        Parameters
        ----------
        heads : TorsionHeads
        conformation : Conformation
            With the backbone.
        features : torch.Tensor, shape (F, R, C)
            Of the decoder.
        random : RandomNumbers
        packing : PackingSettings
        prior : RotamerPrior, optional
            Counts besides the network.

        Returns
        -------
        Candidates
        """
        internal, placed, levels = conformation.internal, conformation.atoms, _levels(random, packing)
        bridges = Bridges.of(internal.types, placed[:, :, CB], packing.disulfides, conformation.box)
        torsions = conformation.torsions.unsqueeze(1).repeat(1, levels.shape[1], 1, 1)
        given = levels, random.temperature or 1.0, bridges, placed, packing, prior
        log_weights = _draw(heads, internal, features, torsions, *given, conformation.known)
        beads, *backbone = (part.unsqueeze(1) for part in (conformation.beads, *conformation.backbone))
        atoms = _built(internal, beads, torsions, backbone, conformation.given)
        return cls(conformation, bridges, torsions, atoms, log_weights, packing)

    @property
    def internal(self):
        """The `InternalCoordinates` of the molecule."""
        return self.conformation.internal

    def energies(self, overlap, gains=None, kept=None):
        """
        Their `PairEnergies` under `OverlapSettings`, and with contacts if `gains` (T, T) are given.

        Only those `kept` (F M, k) have energies of pairs, if these are given.
        """
        given = self.internal.movable, self.atoms, self.bridges, overlap, self.packing
        return candidate_energies(*given, gains, self.conformation.box, kept)

    def with_misfit(self, energies):
        """`PairEnergies` and what candidates miss their beads by."""
        if self.misfit is None:
            return energies
        own = self.misfit[:, :, self.internal.movable.residues].transpose(1, 2).flatten(0, 1)
        return energies._replace(own=energies.own + own)

    def only(self, state):
        """One of each residue: those chosen (F M,)."""
        which = torch.zeros_like(self.log_weights[:, :1], dtype=torch.int64)
        at = self.internal.movable.residues
        which[:, 0, at] = state.view(len(which), len(at))
        chosen = {name: getattr(self, name) for name in ("torsions", "atoms", "tilt", "misfit")}
        chosen = {name: taken(values, which) for name, values in chosen.items() if values is not None}
        return dataclasses.replace(self, **chosen)

    def only_one(self):
        """The `Conformation` of candidates of which there is one for each residue."""
        tilt = None if self.tilt is None else self.tilt[:, 0]
        return self.conformation.with_side_chains(self.torsions[:, 0], tilt)

    def held(self, chis):
        """One candidate of each residue: those of torsions (F, r, 4) of the first r residues, where none are known."""
        conformation = self.conformation
        torsions = conformation.torsions.clone()
        torsions[:, : chis.shape[1], list(CHIS)] = chis.to(torsions)
        if conformation.known is not None:
            torsions = torch.where(conformation.known, conformation.torsions, torsions)
        return self.placed(conformation.with_side_chains(torsions))

    def placed(self, conformation):
        """One candidate of each residue: those of a `Conformation`."""
        tilt = None if conformation.tilt is None else conformation.tilt.unsqueeze(1)
        places = {"torsions": conformation.torsions.unsqueeze(1), "atoms": conformation.atoms.unsqueeze(1)}
        return dataclasses.replace(self, conformation=conformation, tilt=tilt, **places)


def _built(internal, beads, torsions, backbone, given):
    """Atoms (F, K, R, 14, 3) of torsions (F, K, R, 6), of large frames for few candidates at a time."""
    few = max(1, chunk_size(torsions.device) // torsions[:, 0, :, 0].numel())
    if few >= torsions.shape[1]:
        return internal.to_cartesian(beads, torsions, backbone, given)
    atoms = torsions.new_empty(*torsions.shape[:3], MAX_ATOMS, 3)
    for start in range(0, torsions.shape[1], few):
        at = slice(start, start + few)
        atoms[:, at] = internal.to_cartesian(beads, torsions[:, at], backbone, given)
    return atoms


def taken(values, which):
    """Of values (F, K, R, ...) those of the candidates `which` (F, k, R) of each residue, (F, k, R, ...)."""
    which = which.view(*which.shape, *[1] * (values.dim() - 3))
    return values.gather(1, which.expand(-1, -1, -1, *values.shape[3:]))


def _levels(random, packing):
    """Uniform numbers (F, K, R, 4); at temperature 0 the density of the candidates stands for their probability."""
    uniform = random.side_chains
    if random.temperature > 0:
        count = packing.candidates.drawn.count
        return uniform[..., : count * len(CHIS)].unflatten(-1, (count, len(CHIS))).transpose(1, 2)
    levels = levels_of(packing.candidates.likeliest.count, uniform.shape[1], len(CHIS)).to(uniform)
    return levels.expand(len(uniform), -1, -1, -1)


def _draw(heads, internal, hidden, torsions, uniform, temperature, bridges, placed, packing, prior, known=None):
    """
    Fill in the side-chain torsions of the candidates (F, K, R, 6), each given the ones before it.

    Cysteines that may be bonded are drawn together; `placed` (F, R, 14, 3) has their N, CA and CB. Torsions that are
    `known` (R, 6) stay.
    Returns the log weights (F, K, R) that candidates need for the temperature asked for.
    """
    settings, order, bins = packing.candidates, heads.order, heads.bins
    spread = max(temperature, settings.least_spread)  # temperature at which candidates are drawn
    sharpen = 1 / max(temperature, settings.coldest) - 1 / spread
    peptides = torsions[:, 0, :, PEPTIDE]
    before = fourier(peptides.roll(1, dims=1), (~internal.starts).expand(peptides.shape), order)
    flanks = torch.cat([before, fourier(peptides, torch.ones_like(peptides, dtype=torch.bool), order)], dim=-1)
    log_weights = torsions.new_zeros(torsions.shape[:3])
    for k, at in _chis_in_turn(internal, len(torsions)):
        inner = torsions[:, : 1 if k == 1 else None, at, 1:k]  # chi1 depends on nothing that was drawn
        inner = fourier(inner, torch.ones_like(inner, dtype=torch.bool), order).flatten(-2)
        logits = heads.chis[k - 1].after(heads.chis[k - 1].begun(hidden[:, at], flanks[:, at]).unsqueeze(1), inner)
        if prior is not None:
            logits = logits - prior(k, at, torsions[:, : logits.shape[1], at, k - 1])
        levels = uniform[:, :, at, k - 1]
        if k == 1:
            angles = bins.draw_several(logits[:, 0], levels.transpose(1, 2), spread).transpose(1, 2)
            limit = torch.where(internal.types[at] == _PROLINE, settings.pucker, torch.inf)
            angles = angles.clamp(-limit, limit)
            if packing.disulfides.together:
                fixed = None if known is None else (known[:, k], torsions[:, 0, :, k])
                _draw_bridges(bins, bridges, placed, at, logits[:, 0], angles, uniform, spread, packing, fixed)
        else:
            angles = bins.draw(logits, levels, spread)
        if temperature < spread:
            angles[:, 0] = bins.draw(logits[:, 0], levels[:, 0], temperature)
            log_weights[:, :, at] += sharpen * bins.log_density(logits.expand(*angles.shape, -1), angles)
        torsions[:, :, at, k] = angles if known is None else torch.where(known[at, k], torsions[:, :, at, k], angles)
    return log_weights


def _chis_in_turn(internal, n_frames):
    """Each chi and residues that have it; of chi1 all at once, as bonded cysteines are drawn together."""
    size = max(1, chunk_size(internal.types.device) // n_frames)
    for k in CHIS:
        at = internal.defined[:, k].nonzero()[:, 0]
        for part in at.split(max(1, len(at)) if k == 1 else size):
            if len(part):
                yield k, part


def _draw_bridges(bins, bridges, placed, at, logits, angles, uniform, temperature, packing, fixed=None):
    """
    Fill in chi1, in place, of cysteines that may be bonded.

    Pairs are drawn from the network's distributions times the bond's; each candidate is a pair that fits. `angles`
    (F, K, n) and `logits` (F, n, B) are those of residues `at` (n,); `fixed` says which chi1 (R,) are known, and (F, R)
    what they are.
    """
    frames, one, other, gap = bridges.pairs()
    if len(frames) == 0:
        return
    centres = bins.centres(logits)
    left, right = (torch.searchsorted(at, residue) for residue in (one, other))
    first, second = (torch.log_softmax(logits[frames, k] / temperature, -1) for k in (left, right))
    sulfur, partner = (sulfur_places(placed[frames, residue], centres) for residue in (one, other))  # from either CB
    if fixed is not None:
        which, chi1 = fixed
        first, second = (
            torch.where(which[residue, None] & ~bins.holds(centres, chi1[frames, residue, None]), _NEVER, shares)
            for residue, shares in ((one, first), (other, second))
        )
    first = first - backbone_overlaps(bridges, placed, frames, one, other, sulfur, packing)
    second = second - backbone_overlaps(bridges, placed, frames, other, one, partner, packing)
    partner = partner + gap.unsqueeze(1)
    distance = torch.cdist(sulfur, partner, compute_mode="donot_use_mm_for_euclid_dist")
    across = (sulfur - gap.unsqueeze(1)).norm(dim=-1).unsqueeze(2), partner.norm(dim=-1).unsqueeze(1)
    gain = bond_gain(distance, *across, settings=packing.disulfides)
    joint = first.unsqueeze(2) + second.unsqueeze(1) + gain  # (P, B, B)
    shape, rows = (-1, uniform.shape[1], -1), torch.arange(len(frames), device=at.device)
    drawn = bins.draw(joint.logsumexp(2).unsqueeze(1).expand(shape), uniform[frames, :, one, 0])
    nearest = ((drawn + math.pi) / bins.width).round().long() % len(centres)
    angles[frames, :, left] = drawn
    angles[frames, :, right] = bins.draw(joint[rows.unsqueeze(1), nearest], uniform[frames, :, other, 0])


def backbone_overlaps(bridges, placed, frames, residue, partner, places, packing):
    """
    Overlap energies of sulfurs with backbones, in kT.

    Parameters
    ----------
    bridges : Bridges
    placed : torch.Tensor, shape (F, R, 14, 3)
        Its backbones count, but for the residue's own and the partner's; in boxes their nearest images.
    frames, residue, partner : torch.Tensor of int64, shape (P,)
        Cysteines, and those that they may be bonded to.
    places : torch.Tensor, shape (P, B, 3)
        Sulfurs, from the CB of `residue`.
    packing : PackingSettings
        `relief.overlap` counts.

    Returns
    -------
    torch.Tensor, shape (P, B)
    """
    overlap, types, beta = packing.relief.overlap, bridges.types, placed[frames, residue, CB]
    trace, size, box = placed[:, :, CA], CB + 1, bridges.box
    table = allowed_distances(overlap.touch).to(types.device)[:, _SULFUR]
    spread = (placed[:, :, :size] - trace.unsqueeze(2)).norm(dim=-1).amax(2) + table.max()
    pair, other = spheres_around(beta, frames, trace, places.norm(dim=-1).amax(1), spread, box)
    pair, other = where((other != residue[pair]) & (other != partner[pair]), pair, other)
    around = placed[frames[pair], other, :size] - beta[pair].unsqueeze(1)  # (p, 5, 3)
    around = around + image_shifts(around[:, CA], None if box is None else box[frames[pair]]).unsqueeze(1)
    allowed = table[classes().to(types.device)[types[other], :size]]
    allowed = torch.where(present().to(types.device)[types[other], :size], allowed, 0.0)
    distance = torch.cdist(places[pair], around, compute_mode="donot_use_mm_for_euclid_dist")  # (p, B, 5)
    energy = overlap_energy(allowed.unsqueeze(1), distance, overlap.stiffness).sum(-1)
    return torch.zeros_like(places[..., 0]).index_add(0, pair, energy)


def fold_symmetric(types, torsions):
    """
    Fold angles of symmetric groups, so that equivalent atoms are named as IUPAC does.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
    torsions : torch.Tensor, shape (..., R, 6)

    Returns
    -------
    torch.Tensor, shape (..., R, 6)
        In [-pi, pi), those of symmetric groups (ASP, GLU, PHE, TYR) in [-pi/2, pi/2).
    """
    torsions = wrap(torsions)
    for name, at in SYMMETRIC_CHIS.items():
        rows = (types == TYPE_OF_NAME[name]).nonzero()[:, 0]
        angles = torsions[..., rows, 1 + at]
        torsions[..., rows, 1 + at] = torch.remainder(angles + torch.pi / 2, torch.pi) - torch.pi / 2
    return torsions
