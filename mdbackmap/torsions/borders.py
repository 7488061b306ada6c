"""
Where C-alphas of built residues have to be so that peptides join them to atoms that are given.

A given backbone says where the next C-alpha lies. Where a bead lies elsewhere, the built chain bends towards there.

Shapes: F frames, R residues, b borders. Lengths in angstrom, angles in radians.
"""

import math

import torch

from ..chemistry.peptide_geometry import BACKBONE_BONDS, CA_CA, CIS_BRIDGED, PEPTIDE_ANGLES, TRANS_BRIDGED
from ..chemistry.residues import CA, C, N, O
from ..geometry.vectors import bridge, full_precision, place

_REACH = 5  # residues over which a built chain bends towards given atoms, at most; chosen: by hand
_NATURAL = 0.3  # angstrom that a C-alpha may be off ideal geometry; measured: 96% of peptides in crystals are within
_OPEN = 0.08  # angstrom of that along the bond angle at C or N; chosen: by hand, about 7 degrees
_SWEEPS = 20  # in which distances along the chain are put right; chosen: by hand


@full_precision
def bent(internal, ca, given):
    """
    C-alphas with those that are given, and built chains bent towards them.

    A built C-alpha that is bonded to given atoms may lie where the template has it, give or take what is natural. The
    way to there fades along the chain, and distances along the chain are put right.

    Parameters
    ----------
    internal : InternalCoordinates
    ca : torch.Tensor, shape (F, R, 3)
    given : Given

    Returns
    -------
    torch.Tensor, shape (F, R, 3)
    """
    ca, (ahead, behind) = given.alphas(ca), given.borders(internal.ends)
    moved, touched = ca, torch.zeros_like(internal.ends)
    after = ahead + 1
    sides = (after, _following(internal, ca, given, ahead), 1), (behind, _preceding(internal, ca, given, behind), -1)
    for border, (wanted, alpha, beside), step in sides:
        way = wanted - ca[:, border]
        length = way.norm(dim=-1, keepdim=True)
        near = ca[:, border] + way * ((length - _NATURAL).clamp_min(0) / length.clamp_min(_NATURAL))
        way = _near_distances(near, wanted, alpha, beside) - ca[:, border]
        at, row, weight = _fading(border.tolist(), step, internal, given.mask[:, CA])
        moved = moved.index_add(1, at, weight.to(ca).unsqueeze(-1) * way[:, row])
        touched[at] = True
    return _spaced(internal, moved, ca, touched, given.held(internal))


def _near_distances(near, wanted, alpha, beside):
    """Points (F, b, 3) `near` brought to about the distances of `wanted` from a given C-alpha, and C or N."""
    distances = []
    for centre, (below, above) in ((alpha, (CA_CA[False] - TRANS_BRIDGED[0], TRANS_BRIDGED[1] - CA_CA[False])),
                                   (beside, (_OPEN, _OPEN))):  # fmt: skip
        ideal = (wanted - centre).norm(dim=-1, keepdim=True)
        now = (near - centre).norm(dim=-1, keepdim=True)
        distances.append(now.clamp(ideal - below, ideal + above))
    return bridge(near, alpha, beside, *distances)


def _fading(borders, step, internal, known):
    """Residues (n,) along the chain from each border, the row of that border (n,), and its share of the way (n,)."""
    stop, at, rows, weights = (internal.ends if step > 0 else internal.starts).tolist(), [], [], []
    known = known.tolist()
    for row, first in enumerate(borders):
        run = [first]
        while len(run) < _REACH and not stop[run[-1]] and not known[run[-1] + step]:
            run.append(run[-1] + step)
        closed = not stop[run[-1]] and known[run[-1] + step]  # the other end of the run is a border, too
        span, alone = max(1, len(run) - closed), 0.5 if closed and len(run) == 1 else 1.0
        at, rows = at + run, rows + [row] * len(run)
        weights += [alone * max(0.0, 1 - k / span) for k in range(len(run))]
    device = internal.ends.device
    at, rows = (torch.tensor(values, dtype=torch.int64, device=device) for values in (at, rows))
    return at, rows, torch.tensor(weights, device=device)


def _of_either(internal, at, build):
    """What `build` makes of the angles of a trans or a cis peptide behind residues `at`."""
    trans, cis = (build({k: math.radians(v) for k, v in PEPTIDE_ANGLES[kind].items()}, kind == "cis")
                  for kind in ("trans", "cis"))  # fmt: skip
    return torch.where(internal.cis[at, None], cis, trans)


def _following(internal, ca, given, at):
    """Where the template has the C-alphas (F, b, 3) behind residues `at`, by their CA, C and O; these CA and C."""
    alpha, carbon, oxygen = (given.places[:, at, k].to(ca) for k in (CA, C, O))
    bonds = BACKBONE_BONDS

    def build(angles, cis):
        from_carbon = _across(bonds["C-N"], bonds["N-CA"], angles["C-N-CA"])
        free = bridge(ca[:, at + 1], alpha, carbon, CA_CA[cis], from_carbon)
        nitrogen = place(oxygen, alpha, carbon, bonds["C-N"], angles["CA-C-N"], math.pi)
        wanted = place(alpha, carbon, nitrogen, bonds["N-CA"], angles["C-N-CA"], 0.0 if cis else math.pi)
        return torch.where(given.mask[at, O, None], wanted, free)

    return _of_either(internal, at, build), alpha, carbon


def _preceding(internal, ca, given, at):
    """Where the template has the C-alphas (F, b, 3) of residues `at`, by the CA and N behind; these CA and N."""
    nitrogen, alpha = (given.places[:, at + 1, k].to(ca) for k in (N, CA))

    def build(angles, cis):
        from_nitrogen = _across(BACKBONE_BONDS["CA-C"], BACKBONE_BONDS["C-N"], angles["CA-C-N"])
        return bridge(ca[:, at], alpha, nitrogen, CA_CA[cis], from_nitrogen)

    return _of_either(internal, at, build), alpha, nitrogen


def _across(one, other, bend):
    """The third side of a triangle, from two sides and the angle between them."""
    return math.sqrt(one**2 + other**2 - 2 * one * other * math.cos(bend))


def _spaced(internal, moved, before, touched, held):
    """C-alphas (F, R, 3) whose distances along the chain, where `touched`, are natural, or what they were."""
    first = ((touched | touched.roll(-1)) & ~internal.ends).nonzero()[:, 0]
    low, high = (torch.where(internal.cis[first], CIS_BRIDGED[k], TRANS_BRIDGED[k]).to(moved) for k in (0, 1))
    length = (before[:, first + 1] - before[:, first]).norm(dim=-1)
    low, high, free = torch.minimum(low, length), torch.maximum(high, length), (~held).to(moved)
    share = free[first] / (free[first] + free[first + 1]).clamp_min(1)
    other = free[first + 1] / (free[first] + free[first + 1]).clamp_min(1)
    for sweep in range(2 * _SWEEPS):  # no C-alpha is in two pairs of a half
        row = (first % 2 == sweep % 2).nonzero()[:, 0]
        one = first[row]
        along = moved[:, one + 1] - moved[:, one]
        now = along.norm(dim=-1).clamp_min(1e-3)
        change = (now.clamp(low[:, row], high[:, row]) / now - 1).unsqueeze(-1) * along
        moved = moved.index_add(1, one, -share[row, None] * change).index_add(1, one + 1, other[row, None] * change)
    return moved
