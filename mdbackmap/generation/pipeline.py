"""
The pipeline from C-alphas to atoms: relax, draw the backbone, draw and choose side chains, relieve, settle.

A `Conformation` goes from stage to stage; none of them changes it, each returns another one.

Shapes: F frames, R residues, C features, D latent size. Angstrom and radians.
"""

import dataclasses
import functools

import torch

from ..backbone.peptides import draw_backbone
from ..fitting.joint import fit_whole
from ..fitting.side_chains import onto_beads
from ..fitting.targets import tells_apart
from ..models.batch import Batch, BeadInputs, passes
from ..models.denoiser import bundled as denoiser_on
from ..options import Keys, Tolerance
from ..packing.candidates import Candidates
from ..packing.choosing import choose_candidates, relieve_chosen
from ..packing.light_relief import make_room
from ..packing.replacing import Clashing, replace_clashing
from ..packing.rotamers import RotamerPrior
from ..packing.settling import settle
from ..torsions.borders import bent
from .conformation import Conformation
from .noise import Noise

KEPT = Tolerance()


@dataclasses.dataclass(frozen=True)
class RandomNumbers:
    """
    The random numbers of each residue, and the temperature at which they are used.

    Attributes
    ----------
    latent : torch.Tensor, shape (F, R, D)
        Standard normal.
    peptides, ends : torch.Tensor, shape (F, R)
        Uniform in (0, 1).
    side_chains : torch.Tensor, shape (F, R, n)
        Uniform in (0, 1).
    temperature : float
        0 for one structure, the best guess; 1 for the ensemble.
    held : torch.Tensor, shape (F, R, 4), optional
        Side-chain torsions that are kept, in place of what numbers decide.
    """

    latent: torch.Tensor
    peptides: torch.Tensor
    ends: torch.Tensor
    side_chains: torch.Tensor
    temperature: float
    held: torch.Tensor | None = None

    @classmethod
    def of(cls, noise, keys, beads, n_latent, packing):
        """
        As many as beads, shape (F, R, 3), a latent of `n_latent` numbers and `PackingSettings` need.

        At temperature 0 they are the same for all frames and samples: atoms depend on the beads alone.
        """
        if noise.temperature == 0:
            noise, keys = Noise(temperature=0), Keys.of([0] * len(beads))
        normal = noise.normal(keys, (beads.shape[1], n_latent + 2 + packing.candidates.n_random))
        normal = torch.from_numpy(normal).to(beads)
        uniform = torch.special.ndtr(normal[..., n_latent:]).clamp(1e-6, 1 - 1e-6)
        parts = normal[..., :n_latent], uniform[..., 0], uniform[..., 1], uniform[..., 2:]
        return cls(*parts, noise.temperature)

    def __getitem__(self, frames):
        """Those of some of the frames."""
        parts = (self.latent, self.peptides, self.ends, self.side_chains)
        held = None if self.held is None else self.held[frames]
        return RandomNumbers(*(part[frames] for part in parts), self.temperature, held)


def generate(
    model, relaxation, beads, random, settings, box=None, tolerance=KEPT, targets=None, given=None, fitting=None
):
    """
    Atoms of a protein for C-alphas.

    Parameters
    ----------
    model : GenZProt
    relaxation : Relaxation
        Of the molecule.
    beads : torch.Tensor, shape (F, R, 3)
        C-alphas in angstrom, chains whole.
    random : RandomNumbers
    settings : Settings
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows, in angstrom.
    tolerance : Tolerance
        How far beads may move.
    targets : BeadTargets, optional
        Beads that atoms are brought onto.
    given : Given, optional
        Atoms that are known beforehand: the rest is built around them.
    fitting : torch.Tensor of bool, shape (F,), optional
        Frames whose given atoms lie on the very beads: these are not bent towards them.

    Returns
    -------
    Conformation
        Groups of other atoms, if any are given, lie behind the residues.
    """
    internal, packing = relaxation.internal, settings.packing
    if given is not None:
        towards = bent(internal, beads, given)
        beads = towards if fitting is None else torch.where(fitting[:, None, None], beads, towards)
    relaxed, tolerances, guide = relax(relaxation, beads, tolerance, box, given)
    conformation = Conformation.of(internal, relaxed.to(beads), box, given)
    maps = _maps(relaxation, conformation, random.temperature, settings.backbone.maps, guide)
    conformation, features = backbones(model, conformation, random, settings.backbone, maps, targets)
    frames = torch.arange(len(beads), device=beads.device)
    pack = functools.partial(_packed, model, features, random, settings, guide, targets)
    conformation = pack(conformation, frames)
    room = functools.partial(make_room, packing=packing, targets=_held(targets, settings))
    if guide is None:
        return room(conformation).folded(_told(internal, targets))
    slopes = relaxation.slopes(beads, tolerances, box, packing.settling.firmness)
    for number in range(packing.settling.packings):
        conformation = conformation.without_others(internal)
        if number > 0:  # on the backbones that atoms have pushed apart
            moved = pack(conformation[slopes.frames], slopes.frames, fits=False).without_others(internal)
            conformation = conformation.replaced(slopes.frames, moved)
        start = relaxed if targets is None and number == 0 else conformation.beads.double()  # fitted, or settled
        settled = settle(slopes, start, conformation.torsions, packing, conformation.given, targets)
        conformation = conformation.moved(*settled, conformation.tilt)
    return room(conformation.with_others())


def _held(targets, settings):
    """Targets as firm as they are while overlaps are relieved, or None."""
    return None if targets is None else dataclasses.replace(targets, held=settings.fitting.held)


def _told(internal, targets):
    """Residues (R,) whose beads say which of two equivalent atoms is which, or None."""
    return None if targets is None else tells_apart(internal.types, targets.table.weights)


def _packed(model, features, random, settings, guide, targets, conformation, frames, fits=True):
    """
    The conformation with side chains chosen on its backbone and relieved.

    It has the `frames` (f,) of what else is given. `fits` says whether its backbone is fitted to beads, too.
    """
    internal, packing, relieved = conformation.internal, settings.packing, []
    parts = passes(conformation.beads)
    for part in parts:  # as many frames at a time as caches hold candidates of
        of = frames[part]
        prior = _rotamers(model, internal, guide, of, packing.candidates.rotamers)
        draw = functools.partial(_chosen, model, features[of], random[of], packing, prior)
        fitted = draw if targets is None else functools.partial(_fitted, draw, targets[of], settings, fits=fits)
        relieved.append(relieve_chosen(*fitted(conformation[part]), random.temperature))
    conformations, clashing = zip(*relieved, strict=True)
    clashing = Clashing.join(clashing, [part.start for part in parts])
    conformation = replace_clashing(Conformation.join(conformations), clashing, packing)
    return conformation.folded(_told(internal, targets))


def _chosen(model, features, random, packing, prior, conformation, refine=None):
    """Candidates of side chains on a backbone, refined if that is asked for, and those chosen of them."""
    candidates = Candidates.draw(model.heads, conformation.with_others(), features, random, packing, prior)
    candidates = candidates if refine is None else refine(candidates)
    chosen = choose_candidates(candidates, random) if random.held is None else candidates.held(random.held)
    return candidates, chosen


def _fitted(draw, targets, settings, conformation, fits=True):
    """The same, on a backbone and C-alphas that are fitted to beads together with the side chains, if it `fits`."""
    refine = functools.partial(onto_beads, targets=targets, settings=settings.fitting)
    if not fits:
        return draw(conformation, refine)
    fitted = start = targets.on_given(conformation)
    for _ in range(1 if targets.given.all() else settings.fitting.rounds):
        candidates, chosen = draw(fitted, refine)
        fitted = fit_whole(chosen.only_one().without_others(start.internal), targets, settings.fitting, start)
    return candidates, chosen.placed(fitted.with_others())


def relax(relaxation, beads, tolerance, box=None, given=None):
    """Relaxed beads (F, R, 3), how far each frame may move (F,), and the `Guide` on them; both None where all stay."""
    if tolerance.keeps:
        return beads, None, None
    denoise = functools.partial(denoiser_on(beads.device).denoise, relaxation.internal)
    held = None if given is None else given.held(relaxation.internal)
    return relaxation(beads, tolerance, box, denoise, held)


def _maps(relaxation, conformation, temperature, least, guide):
    """
    The `Guide` that peptides are drawn by: above temperature 0 it counts in all frames, if only a little.

    Where there are D-residues it counts in full: the network has not seen any.
    """
    if relaxation.internal.mirrored.any():
        least = 1.0
    elif temperature == 0:
        return guide
    if guide is None:
        beads = conformation.beads
        return relaxation.strain.guide(beads.double(), beads.new_full(beads.shape[:1], least))
    return dataclasses.replace(guide, strength=guide.strength.clamp_min(least))


def backbones(model, conformation, random, settings, guide=None, targets=None):
    """
    The conformation with its backbone drawn, and the decoder's features that its side chains are drawn from.

    Parameters
    ----------
    model : GenZProt
    conformation : Conformation
        Its beads count.
    random : RandomNumbers
    settings : BackboneSettings
    guide : Guide, optional
    targets : BeadTargets, optional

    Returns
    -------
    Conformation
    torch.Tensor, shape (F, R, C)
    """
    parts = passes(conformation.beads)  # as many frames at a time as caches hold
    features = torch.cat(
        [_decoded(model, conformation[part], random[part], targets and targets[part]) for part in parts]
    )
    return draw_backbone(model.heads, conformation, features, random, settings, guide), features


def _decoded(model, conformation, random, targets):
    """Features (F, R, C) of the decoder, latents drawn from the prior."""
    few, beads = model.config.n_neighbours, conformation.beads
    batch = Batch.from_frames(conformation.internal, beads, few, conformation.box)
    if targets is not None and model.inside is not None:
        batch.inside = BeadInputs.from_frames(targets.table, targets.positions.to(beads), beads).beside_alphas()
    return model.draw(batch, random.latent.flatten(0, 1), random.temperature).unflatten(0, beads.shape[:2])


def _rotamers(model, internal, guide, part, times):
    """Rotamers of crystals count in frames whose beads were moved; None where only the network does."""
    if guide is None or not model.config.rotamers:
        return None
    return RotamerPrior(internal.types, times * model.config.rotamers * guide.strength[part], model.config.n_bins)
