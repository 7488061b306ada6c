"""
One of the candidates of each side chain is chosen, and overlaps that are left are relieved.

Both ways begin with the marginals of belief propagation. Above temperature 0 one is sampled. At 0 it is the candidate
of least expected error. A long chain of decisions would be thrown about by small changes of the input.

Shapes: F frames, K candidates, R residues, M of them with side chains that can turn, C features. Angstrom and radians.
"""

import functools

import torch

from ..chemistry.residues import CA, SYMMETRIC_CHIS, TYPE_OF_NAME
from ..geometry.chunks import in_chunks
from .contacts import learned
from .disulfides import broken
from .kernels import choose, marginals
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
    if random.temperature == 0:
        torsions = candidates.torsions[:, :, at].transpose(1, 2).flatten(0, 1)
        merge = functools.partial(_apart_and_merged, candidates, packing.choosing.told_apart)
        apart, kept, owner = in_chunks(merge, len(torsions), at.device)
        energies = candidates.with_misfit(candidates.energies(settings.overlap, gains, kept).times(settings.share))
        shares = shares_of_all(energies, owner, kept.shape[1], packing.choosing)
        return candidates.only(least_error(candidates.internal, shares, apart, torsions, packing.choosing))
    energies = candidates.with_misfit(candidates.energies(settings.overlap, gains).times(settings.share))
    weights = candidates.log_weights[:, :, at].transpose(1, 2).flatten(0, 1)  # (F M, K)
    uniform = random.side_chains[:, at, -weights.shape[1] :].flatten(0, 1)
    noise = -(-uniform.log()).log()  # Gumbel
    weighed = energies._replace(own=energies.own - weights)
    return candidates.only(choose(*weighed, noise, len(at), packing.choosing))


def merged(apart, n_kept):
    """
    Candidates that stand for all: of the two nearest to each other, again and again, one goes to the other.

    Parameters
    ----------
    apart : torch.Tensor, shape (q, K, K)
        Square distances of candidates.
    n_kept : int
        How many stay, k, at most.

    Returns
    -------
    kept : torch.Tensor of int64, shape (q, k)
        Which candidates stay.
    owner : torch.Tensor of int64, shape (q, K)
        Which of these stands for each candidate.
    """
    rows, count = torch.arange(len(apart), device=apart.device), apart.shape[1]
    gaps = apart.nan_to_num(0.0) + torch.zeros_like(apart[0]).fill_diagonal_(torch.inf)
    owner, members = torch.arange(count, device=apart.device).repeat(len(apart), 1), torch.ones_like(apart[:, 0])
    for _ in range(max(0, count - n_kept)):
        nearest = gaps.flatten(1).argmin(1)
        one, other = nearest // count, nearest % count
        fewer = members[rows, one] < members[rows, other]
        gone, stays = torch.where(fewer, one, other), torch.where(fewer, other, one)
        gaps[rows, gone], gaps[rows, :, gone] = torch.inf, torch.inf
        owner = torch.where(owner == gone.unsqueeze(1), stays.unsqueeze(1), owner)
        members[rows, stays] += members[rows, gone]
        members[rows, gone] = 0
    there = members > 0
    kept = there.nonzero()[:, 1].view(len(apart), -1)
    return kept, (there.cumsum(1) - 1).gather(1, owner)


def shares_of_all(energies, owner, n_kept, settings):
    """
    Marginal probability of each candidate, where some stand for others among other residues.

    Parameters
    ----------
    energies : PairEnergies
        `own` (q, K) of all candidates, `pair` (E, k, k) of those that stand for them.
    owner : torch.Tensor of int64, shape (q, K)
        Which of these stands for each candidate.
    n_kept : int
        k
    settings : ChoosingSettings

    Returns
    -------
    torch.Tensor, shape (q, K)
    """
    least = energies.own.amin(1, keepdim=True)
    weight = (least - energies.own).exp().clamp_min(settings.least)
    total = weight.new_zeros(len(weight), n_kept).scatter_add(1, owner, weight)
    shares = marginals(*energies._replace(own=least - total.log()), settings)
    return (shares / total).gather(1, owner) * weight


def _apart_and_merged(candidates, n_kept, rows):
    """Square distances (q, K, K) of candidates of some of the side chains (F M,) that can turn, and how they merge."""
    at = candidates.internal.movable.residues
    which = torch.arange(len(candidates.atoms) * len(at), device=at.device)[rows]
    atoms = candidates.atoms[which // len(at), :, at[which % len(at)]]  # (q, K, 14, 3)
    apart = _apart((atoms - atoms[:, :, CA, None]).flatten(2))
    return apart, *merged(apart, n_kept)


def least_error(internal, shares, apart, torsions, settings):
    """
    Candidates nearest to all the others, weighed by how likely those are.

    Parameters
    ----------
    internal : InternalCoordinates
    shares : torch.Tensor, shape (F * M, K)
        How likely each is.
    apart : torch.Tensor, shape (F * M, K, K)
        Square distances of them, summed over atoms.
    torsions : torch.Tensor, shape (F * M, K, 6)
    settings : ChoosingSettings

    Returns
    -------
    torch.Tensor of int64, shape (F * M,)
    """
    at = internal.movable.residues
    at = at.repeat(len(torsions) // max(1, len(at)))

    def best(rows):
        likeness = alike(internal, at[rows], torsions[rows], settings.alike) - settings.per_square * apart[rows]
        return ((shares[rows].unsqueeze(1) * likeness).sum(-1).argmax(1),)

    return in_chunks(best, len(at), at.device)[0]


def _apart(points):
    """Square distances (q, K, K) of points (q, K, d)."""
    squares = points.square().sum(-1)
    return torch.baddbmm(squares.unsqueeze(2) + squares.unsqueeze(1), points, points.transpose(1, 2), alpha=-2)


def alike(internal, at, torsions, width):
    """
    How much alike candidates are: in chi1, in chi1 and chi2, in all, averaged.

    Parameters
    ----------
    internal : InternalCoordinates
    at : torch.Tensor of int64, shape (q,)
        Residues.
    torsions : torch.Tensor, shape (q, K, 6)
    width : float
        Radians: torsions this close count as the same, softly.

    Returns
    -------
    torch.Tensor, shape (q, K, K)
        0 to 1.
    """
    defined = internal.defined[at, 1:5].to(torsions)  # (q, 4)
    turns = torch.ones_like(defined)  # 2 where half a turn changes nothing
    for name, k in SYMMETRIC_CHIS.items():
        turns[internal.types[at] == TYPE_OF_NAME[name], k] = 2
    sizes, turns = (values.unsqueeze(1) for values in (defined / turns / width, turns))  # (q, 1, 4)
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
