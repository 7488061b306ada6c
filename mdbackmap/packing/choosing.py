"""
One of the candidates of each side chain is chosen, and overlaps that are left are relieved.

Both ways begin with the marginals of belief propagation. Above temperature 0 one is sampled. At 0 it is the candidate
of least expected error. A long chain of decisions would be thrown about by small changes of the input.

Shapes: F frames, K candidates, R residues, M of them with side chains that can turn, C features. Angstrom and radians.
"""

import torch

from ..chemistry.residues import CA, SYMMETRIC_CHIS, TYPE_OF_NAME
from .contacts import learned
from .disulfides import broken
from .kernels.reference import choose, marginals
from .relief import relieve
from .replacing import Clashing


def choose_candidates(candidates, random):
    """
    Choose one candidate of each residue, so that they do not overlap.

    Parameters
    ----------
    candidates : Candidates
    random : RandomNumbers

    Returns
    -------
    Candidates
        Those chosen: K is 1.
    """
    packing, at = candidates.packing, candidates.internal.movable.residues
    if len(at) == 0:
        return candidates.only(at)
    settings, gains = packing.candidates.at(random.temperature), packing.contacts.strength * learned()
    energies = candidates.with_misfit(candidates.energies(settings.overlap, gains).times(settings.share))
    if random.temperature == 0:
        return candidates.only(least_error(candidates, energies, packing.choosing))
    weights = candidates.log_weights[:, :, at].transpose(1, 2).flatten(0, 1)  # (F M, K)
    uniform = random.side_chains[:, at, -weights.shape[1] :].flatten(0, 1)
    noise = -(-uniform.log()).log()  # Gumbel
    weighed = energies._replace(own=energies.own - weights)
    return candidates.only(choose(*weighed, noise, len(at), packing.choosing))


def least_error(candidates, energies, settings):
    """
    Candidates nearest to all the others, weighed by how likely those are.

    Parameters
    ----------
    candidates : Candidates
    energies : PairEnergies
    settings : ChoosingSettings

    Returns
    -------
    torch.Tensor of int64, shape (F * M,)
    """
    shares = marginals(*energies, settings)  # (F M, K)
    at = candidates.internal.movable.residues
    places = candidates.atoms[:, :, at] - candidates.atoms[:, :, at, CA, None]
    places = places.transpose(1, 2).flatten(0, 1).flatten(2)  # (F M, K, 14 * 3)
    torsions = candidates.torsions[:, :, at].transpose(1, 2).flatten(0, 1)
    likeness = alike(candidates.internal, torsions, settings.alike) - settings.per_square * _apart(places)
    expected = (shares.unsqueeze(1) * likeness).sum(-1)
    return expected.argmax(1)


def _apart(points):
    """Square distances (q, K, K) of points (q, K, d)."""
    squares = points.square().sum(-1)
    return torch.baddbmm(squares.unsqueeze(2) + squares.unsqueeze(1), points, points.transpose(1, 2), alpha=-2)


def alike(internal, torsions, width):
    """
    How much alike candidates are: in chi1, in chi1 and chi2, in all, averaged.

    Parameters
    ----------
    internal : InternalCoordinates
    torsions : torch.Tensor, shape (F * M, K, 6)
    width : float
        Radians: torsions this close count as the same, softly.

    Returns
    -------
    torch.Tensor, shape (F * M, K, K)
        0 to 1.
    """
    at = internal.movable.residues
    defined = internal.defined[at, 1:5].to(torsions)  # (M, 4)
    turns = torch.ones_like(defined)  # 2 where half a turn changes nothing
    for name, k in SYMMETRIC_CHIS.items():
        turns[internal.types[at] == TYPE_OF_NAME[name], k] = 2
    repeats = len(torsions) // max(1, len(defined))
    sizes, turns = ((v.repeat(repeats, 1).unsqueeze(1)) for v in (defined / turns / width, turns))  # (q, 1, 4)
    chis = torsions[..., 1:5] * turns
    points = torch.stack([chis.cos() * sizes, chis.sin() * sizes], -1).flatten(2)  # (q, K, 8)
    parts = [_apart(points[..., part]).mul_(-0.5) for part in (slice(0, 2), slice(2, 4), slice(4, 8))]
    total = parts[0].exp()
    total += parts[1].add_(parts[0]).exp()
    return total.add_(parts[2].add_(parts[1]).exp_()).div_(3)


def relieve_chosen(candidates, chosen, temperature):
    """
    Relieve the side chains that were chosen where they overlap too much.

    Parameters
    ----------
    candidates, chosen : Candidates
        All, and those chosen of them.
    temperature : float

    Returns
    -------
    conformation : Conformation
    clashing : Clashing
        Side chains for which that was not enough, but for bonded cysteines.
    """
    internal, packing, settings = chosen.internal, chosen.packing, chosen.packing.candidates.at(temperature)
    atoms, box, at = chosen.atoms[:, 0], chosen.conformation.box, internal.movable.residues
    torsions, turned = chosen.torsions[:, 0].clone(), broken(chosen.bridges, atoms, packing.disulfides)
    if len(at):
        tight = chosen.energies(settings.judged).of_first() > settings.tight
        turned[:, at] |= tight.view(len(atoms), len(at))
    if chosen.conformation.given is not None:
        turned &= chosen.conformation.given.turnable(internal)
    frames, rows = turned.nonzero().unbind(1)
    pulls = None if chosen.targets is None else chosen.targets.pulls(frames, rows)
    angles, left = relieve(internal.types, atoms, torch.stack([frames, rows], 1), packing, box, pulls)
    torsions[frames, rows, 1:5] += angles
    clash = (left > packing.replacing.clash) & ~chosen.bridges.partners()[frames, rows]
    frames, rows = frames[clash], rows[clash]
    pulls = None if pulls is None else pulls[clash]
    clashing = Clashing(frames, rows, candidates.torsions[frames, :, rows, 1:5], pulls)
    tilt = None if chosen.tilt is None else chosen.tilt[:, 0]
    return chosen.conformation.with_side_chains(torsions, tilt), clashing
