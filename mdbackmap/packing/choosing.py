"""
One of the candidates of each side chain is chosen, and overlaps that are left are relieved.

Above temperature 0 one is sampled (annealed Gibbs sampling). At 0 it is the candidate of least expected error under
the marginals of belief propagation.

Shapes: F frames, K candidates, R residues, M of them with side chains that can turn, C features. Angstrom and radians.
"""

import torch

from ..chemistry import residues
from ..chemistry.residues import CA
from ..torsions.internal import CHIS
from .atom_energies import contact_gains
from .candidates import Candidates, even_levels
from .disulfides import broken
from .kernels.reference import choose, marginals
from .relief import relieve
from .replacing import Clashing


def draw_sidechains(heads, internal, beads, hidden, torsions, uniform, temperature, packing, box=None, prior=None):
    """
    Torsions with those of the side chains filled in.

    Parameters
    ----------
    heads : TorsionHeads
    internal : InternalCoordinates
    beads : torch.Tensor, shape (F, R, 3)
    hidden : torch.Tensor, shape (F, R, C)
        Decoder features.
    torsions : torch.Tensor, shape (F, R, 6)
        Those of peptides and ends are there.
    uniform : torch.Tensor, shape (F, R, `CandidateSettings.n_random`)
        Numbers in (0, 1); not used at temperature 0.
    temperature : float
    packing : PackingSettings
    box : torch.Tensor, shape (F, 3, 3), optional
    prior : RotamerPrior, optional
        Counts besides the network.

    Returns
    -------
    torsions : torch.Tensor, shape (F, R, 6)
    clashing : Clashing
        Side chains that still overlap after relief.
    """
    if temperature > 0:
        levels = uniform[..., :-1].unflatten(-1, (-1, len(CHIS))).transpose(1, 2)  # (F, K, R, 4)
    else:
        levels = even_levels(internal, packing).to(uniform).expand(len(beads), -1, -1, -1)
    told = heads, internal, beads, hidden, torsions, levels, packing
    candidates = Candidates.draw(*told, temperature or 1.0, box, prior)
    if len(internal.movable.residues) == 0:
        nobody = torch.empty(0, dtype=torch.int64, device=beads.device)
        return candidates.torsions[:, 0], Clashing.among(candidates.torsions, nobody, nobody)
    settings = packing.candidates.at(temperature)
    energies = candidates.energies(settings.overlap, contact_gains(packing.contacts))
    if temperature > 0:
        at, given = internal.movable.residues, packing.choosing
        weights = candidates.log_weights[:, :, at].transpose(1, 2).flatten(0, 1)  # (F M, K)
        state, _ = choose(*energies, weights, uniform[:, at, -1].flatten(), len(at), given.steps, given)
    else:
        state = least_error(candidates, energies, packing.choosing)
    return _relieved(candidates, candidates.only(state), settings)


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
    return choose(*energies, expected / settings.room, None, len(at), settings.best_steps, settings)[0]


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
    for name, k in residues.SYMMETRIC_CHIS.items():
        turns[internal.types[at] == residues.TYPE_OF_NAME[name], k] = 2
    repeats = len(torsions) // max(1, len(defined))
    sizes, turns = ((v.repeat(repeats, 1).unsqueeze(1)) for v in (defined / turns / width, turns))  # (q, 1, 4)
    chis = torsions[..., 1:5] * turns
    points = torch.stack([chis.cos() * sizes, chis.sin() * sizes], -1).flatten(2)  # (q, K, 8)
    parts = [_apart(points[..., part]).mul_(-0.5) for part in (slice(0, 2), slice(2, 4), slice(4, 8))]
    total = parts[0].exp()
    total += parts[1].add_(parts[0]).exp()
    return total.add_(parts[2].add_(parts[1]).exp_()).div_(3)


def _relieved(candidates, chosen, settings):
    """
    Torsions (F, R, 6) of those chosen; where they overlap too much, that is relieved.

    Besides, the `Clashing` for which that was not enough; bonded cysteines are not among them.
    """
    internal, packing, atoms = chosen.internal, chosen.packing, chosen.atoms[:, 0]
    torsions, turned = chosen.torsions[:, 0].clone(), broken(chosen.bridges, atoms, packing.disulfides)
    tight = chosen.energies(settings.judged).of_first() > settings.tight
    turned[:, internal.movable.residues] |= tight.unflatten(0, (len(atoms), -1))
    frames, rows = turned.nonzero().unbind(1)
    angles, left = relieve(internal.types, atoms, torch.stack([frames, rows], 1), packing, chosen.box)
    torsions[frames, rows, 1:5] += angles
    clash = (left > packing.replacing.clash) & ~chosen.bridges.partners()[frames, rows]
    return torsions, Clashing.among(candidates.torsions, frames[clash], rows[clash])
