"""
Peptide angles, drawn along the chain: each given the one before it, from the network's distribution and strain energy.

Two peptides that meet at a C-alpha fix its angle N-CA-C and its phi. The network's distributions resolve that only to
their bins, and an angle is drawn before the next one. So strain costs energy, and where too much is left in the end the
two angles are drawn again, together.

Shapes: F frames, S draws of a chain, R residues, k residues of a step, Q strained residues, C features, B bins.
Angstrom and radians.
"""

import dataclasses
import functools

import numpy as np
import torch

from ..geometry.compiling import array, suits
from ..torsions.circular import fourier, levels_of
from ..torsions.compiled import TANH
from ..torsions.heads import TorsionHeads
from ..torsions.internal import END, PEPTIDE
from .bending import Strain
from .collisions import collisions, crowding
from .compiled import walk
from .settings import BackboneSettings


def draw_backbone(heads, conformation, features, random, settings, guide=None):
    """
    Draw what places the atoms of the backbone: the angles of peptides and chain ends.

    Parameters
    ----------
    heads : TorsionHeads
    conformation : Conformation
        Of its torsions those count that atoms fix that are given.
    features : torch.Tensor, shape (F, R, C)
        Of the decoder.
    random : RandomNumbers
        Not used at temperature 0.
    settings : BackboneSettings
    guide : Guide, optional
        As of `draw_peptides`.

    Returns
    -------
    Conformation
        Its side chains are not drawn yet.
    """
    peptides = draw_peptides(heads, conformation, features, random.peptides, random.temperature, settings, guide)
    torsions = torch.zeros_like(conformation.torsions)
    torsions[..., PEPTIDE] = peptides
    at = (conformation.internal.starts | conformation.internal.ends).nonzero()[:, 0]
    known = torch.ones_like(at, dtype=torch.bool).expand(len(torsions), -1)
    logits = heads.end(features[:, at], fourier(peptides[:, at], known, heads.order))
    torsions[:, at, END] = heads.bins.draw(logits, random.ends[:, at], random.temperature)
    if conformation.given is not None:
        torsions = torch.where(conformation.known, conformation.torsions, torsions)
    return conformation.moved(conformation.beads, torsions)


def draw_peptides(heads, conformation, features, uniform, temperature, settings, guide=None):
    """
    Peptide angles along each chain; phi of the last residues.

    Parameters
    ----------
    heads : TorsionHeads
    conformation : Conformation
        Of its torsions those count that atoms fix that are given.
    features : torch.Tensor, shape (F, R, C)
        Of the decoder.
    uniform : torch.Tensor, shape (F, R)
        Numbers in (0, 1); not used at temperature 0.
    temperature : float
        At 0 each angle is the peak of its own distribution, whatever the one before it: less wrong on average than the
        most probable chain of angles.
    settings : BackboneSettings
    guide : Guide, optional
        Angles are drawn from the network's distributions times the guide's to the power of its strength: 1 for frames
        whose beads were relaxed; at temperature 0 each is the most probable one there.

    Returns
    -------
    torch.Tensor, shape (F, R)
    """
    chains = _Chains.of(heads, conformation, features, settings)
    if temperature == 0 and guide is None:
        levels = levels_of(settings.draws, features.shape[1], 1)[..., 0].to(uniform)
        _, shares = chains.walk(levels.expand(len(features), -1, -1), 1.0)
        return chains.redrawn(heads.bins.peak(shares, settings.smoothing), shares, None)
    angles, shares = chains.walk(uniform.unsqueeze(1), temperature, guide)
    angles = angles.squeeze(1)
    if temperature > 0:
        return chains.redrawn(angles, shares, uniform, None if guide is None else guide.strength < 1)
    kept = (guide.strength < 1).nonzero()[:, 0]
    if len(kept) == 0:
        return angles
    drawn = draw_peptides(heads, conformation[kept], features[kept], uniform[kept], 0, settings)
    return angles.index_copy(0, kept, drawn)


@dataclasses.dataclass(frozen=True)
class _Chains:
    """
    The distributions of the peptide angles of some frames.

    Attributes
    ----------
    heads : TorsionHeads
    conformation : Conformation
    inputs : torch.Tensor, shape (F, R, C)
        What the heads make of the features, before they know the angle before.
    strain : Strain
    settings : BackboneSettings
    """

    heads: TorsionHeads
    conformation: "Conformation"  # noqa: F821, of `generation`, which this room does not import
    inputs: torch.Tensor
    strain: Strain
    settings: BackboneSettings

    @classmethod
    def of(cls, heads, conformation, features, settings):
        """Those of a `Conformation` and the decoder's features."""
        internal, width, head = conformation.internal, features.shape[-1], heads.peptide.features
        following = features.roll(-1, dims=1)
        inputs = features @ head.weight[:, :width].T + following @ head.weight[:, width:].T + head.bias
        inputs = inputs.index_copy(1, internal.last, heads.phi.features(features[:, internal.last]))
        return cls(heads, conformation, inputs, Strain(internal, conformation.beads, settings), settings)

    @property
    def centres(self):
        """Of the bins, (B,)."""
        return self.heads.bins.centres(self.inputs)

    def walk(self, uniform, temperature, guide=None):
        """Angles for uniform numbers, both (F, S, R), and the shares (F, R, B) of the bins, averaged over the draws."""
        whole = guide is None or guide.messages.shape[-1] == self.heads.bins.n_bins
        if suits(self.inputs, uniform) and self.inputs.dtype == torch.float32 and self.fixed is None and whole:
            return self._compiled_walk(uniform, temperature, guide)
        heads, internal = self.heads, self.conformation.internal
        inputs = self.inputs.transpose(0, 1).contiguous().unsqueeze(2)  # residues first: (R, F, 1, C)
        uniform = uniform.permute(2, 0, 1).contiguous()
        angles, bins, peak = torch.zeros_like(uniform), heads.bins, heads.bins.circulant(self.settings.peak, inputs)
        shares, bent = inputs.new_zeros(*inputs.shape[:2], bins.n_bins), self.strain.along(self.centres)
        guide = None if guide is None else guide.along(bins.n_bins, inputs)
        for number, at in enumerate(internal.walk):
            before, own = angles.index_select(0, (at - 1).clamp_min(0)), inputs.index_select(0, at)
            previous = fourier(before, torch.full_like(before, number > 0), heads.order)
            logits = heads.peptide.after(own, previous)
            ends = internal.ends.index_select(0, at)
            if ends.any():
                logits = torch.where(ends[:, None, None, None], heads.phi.after(own, previous), logits)
            logits -= self.strain.step(at, (before.cos(), before.sin()), bent)
            if guide is not None:
                logits += guide.bias(at, before)
            if self.fixed is not None:
                logits = torch.where(self.only[:, at].transpose(0, 1).unsqueeze(2), logits, _NEVER)
            own = torch.softmax((logits if temperature in (0, 1) else logits / temperature).float(), -1)
            shares.index_copy_(0, at, own.mean(2))
            if temperature > 0:
                drawn = bins.drawn(own, uniform.index_select(0, at).unsqueeze(-1), temperature).squeeze(-1)
            else:
                drawn = bins.top(own @ peak)
            angles.index_copy_(0, at, self.kept(drawn.permute(1, 2, 0), at).permute(2, 0, 1))
        return angles.permute(1, 2, 0), shares.transpose(0, 1)

    def _compiled_walk(self, uniform, temperature, guide):
        """The same, compiled."""
        heads, internal, inputs, strain = self.heads, self.conformation.internal, self.inputs, self.strain
        weights = [(head.known.weight.T, head.out.weight.T, head.out.bias) for head in (heads.peptide, heads.phi)]
        peptide, phi = (tuple(map(array, head)) for head in weights)
        circle = torch.stack([self.centres.cos(), self.centres.sin()])
        tables = internal.starts, internal.ends, strain.table, strain.pucker, strain.proline, circle, strain.constants
        none = inputs.new_zeros(0, 0), internal.walk[0].new_zeros(0, 0), *[inputs.new_zeros(0, 0)] * 2
        none = *none, inputs.new_zeros(0, 0, 0), inputs.new_zeros(0)
        maps = tuple(map(array, none if guide is None else guide.tables(inputs)))
        angles = inputs.new_zeros(uniform.shape)
        shares = inputs.new_zeros(*inputs.shape[:2], heads.bins.n_bins)
        drawing = uniform, heads.bins.circulant(self.settings.peak, inputs), angles, shares
        walk(
            array(inputs), peptide, phi, TANH, *map(array, tables), maps, np.float32(temperature), *map(array, drawing)
        )
        return angles, shares

    def redrawn(self, angles, shares, uniform, among=None):
        """
        Angles (F, R), those that strain a residue or collide drawn again; the best ones if `uniform` is None.

        Strain counts in frames `among` (F,) only.
        """
        angles = self._less_strained(self.kept(angles), shares, uniform, among)
        return self._apart(angles, shares, uniform)

    def kept(self, angles, at=slice(None)):
        """Angles (F, R) or (F, S, n) of residues `at`, those that are fixed as they are."""
        if self.fixed is None:
            return angles
        known = self.conformation.torsions[:, at, PEPTIDE]
        return torch.where(self.fixed[at], known if angles.dim() == known.dim() else known.unsqueeze(1), angles)

    @functools.cached_property
    def fixed(self):
        """Peptides (R,) whose angle atoms fix that are given; None if no atoms are."""
        conformation = self.conformation
        return None if conformation.given is None else conformation.known[:, PEPTIDE]

    @functools.cached_property
    def only(self):
        """Bins (F, R, B) that peptides may have: one, where their angle is fixed."""
        holds = self.heads.bins.holds(self.centres, self.conformation.torsions[..., PEPTIDE, None])
        return holds | ~self.fixed[:, None]

    def _less_strained(self, angles, shares, uniform, among):
        """Pairs of angles that strain a residue are drawn together; of neighbours, the one with more strain first."""
        n, centres = angles.shape[1], self.centres
        everyone = torch.arange(n, device=angles.device)
        allowed = True if among is None else among.unsqueeze(1)
        for _ in range(self.settings.rounds):
            energy = self.strain.of(slice(None), everyone, angles.roll(1, 1), angles, (-1,))
            worst = (energy > energy.roll(1, 1)) & (energy >= energy.roll(-1, 1)) & (energy > self.settings.strained)
            frames, at = (worst & allowed).nonzero().unbind(1)
            if len(at) == 0:
                break
            parts = zip(frames.split(_TOGETHER), at.split(_TOGETHER), strict=True)
            picked = torch.cat([self._pair(angles, shares, uniform, *part) for part in parts])
            angles[frames, at - 1], angles[frames, at] = centres[picked // len(centres)], centres[picked % len(centres)]
            angles = self.kept(angles)
        return angles

    def _pair(self, angles, shares, uniform, frames, at):
        """Bins (Q,), as ``first * B + second``, of the peptides before and after residues `at` in `frames` (Q,)."""
        n, centres = angles.shape[1], self.centres
        before = fourier(centres, torch.ones_like(centres, dtype=torch.bool), self.heads.order)
        grid = shares[frames, at - 1].clamp_min(1e-9).log().unsqueeze(2)  # (Q, B, 1)
        logits = self.heads.peptide.after(self.inputs[frames, at].unsqueeze(1), before)
        grid = grid + torch.log_softmax(logits, -1)
        first, second = centres[:, None], centres
        outer = angles[frames, (at - 2).clamp_min(0)], angles[frames, (at + 1).clamp_max(n - 1)]
        grid = grid - self.strain.of(frames, at, first, second, (-1, 1, 1))
        grid = grid - self.strain.of(frames, at - 1, outer[0][:, None, None], first, (-1, 1, 1))
        grid = grid - self.strain.of(frames, (at + 1) % n, second, outer[1][:, None, None], (-1, 1, 1))
        if self.fixed is not None:
            open_bins = self.only[frames, at - 1].unsqueeze(2) & self.only[frames, at].unsqueeze(1)
            grid = torch.where(open_bins, grid, _NEVER)
        return _pick(grid.flatten(1), None if uniform is None else uniform[frames, at])

    def _apart(self, angles, shares, uniform):
        """Angles of peptides that collide with another one are drawn again."""
        conformation, settings = self.conformation, self.settings.collisions
        internal, beads = conformation.internal, conformation.beads
        centres, frames = self.centres, torch.arange(len(angles), device=angles.device)
        for _ in range(self.settings.rounds):
            left = frames.unique()
            part = conformation[left]
            frames, at = collisions(internal, part.beads, angles[left], settings, part.box, self.fixed, part.given)
            frames = left[frames]
            if len(at) == 0:
                break
            own, following = centres.expand(len(at), -1), (at + 1) % angles.shape[1]
            behind, ahead = angles[frames, (at - 1).clamp_min(0), None], angles[frames, following, None]
            logits = shares[frames, at].clamp_min(1e-9).log()
            logits = logits - crowding(
                internal, beads, angles, frames, at, own, settings, conformation.box, conformation.given
            )
            logits = logits - self.strain.of(frames, at, behind, own, (-1, 1))
            logits = logits - self.strain.of(frames, following, own, ahead, (-1, 1))
            picked = _pick(logits, None if uniform is None else uniform[frames, at])
            angles = angles.index_put((frames, at), centres[picked])
        return angles


_TOGETHER = 128  # pairs of peptides drawn at a time; chosen: by hand, what fits the caches
_NEVER = -1e4  # nats; chosen: by hand, what is as good as impossible


def _pick(logits, uniform):
    """Indices (Q,) of the largest, or drawn by uniform numbers (Q,)."""
    if uniform is None:
        return logits.argmax(1)
    cumulative = torch.softmax(logits, 1).cumsum(1)
    return torch.searchsorted(cumulative, uniform.unsqueeze(1)).squeeze(1).clamp_max(logits.shape[1] - 1)
