"""
Vectors, frames and angles in torch: what internal coordinates are built from.

Shapes: `...` is any number of leading dimensions (frames, residues). Lengths in angstrom, angles in radians.
Every function is differentiable and moves with its input (rotations and translations carry over).
"""

import functools
import math

import torch

from ..chemistry.peptide_geometry import BACKBONE_BONDS, PEPTIDE_ANGLES

_TINY = 1e-8
_MAX_STRAIN = 30.0  # degrees; chosen: by hand, the most that angles at a peptide bond open or close
_N_STRAINS = 1201  # angles tried between; chosen: by hand, every 0.05 degrees
_STEP = 0.002  # angstrom between the distances of a template; chosen: by hand


def full_precision(function):
    """A function of positions that autocast leaves alone: lower precision is for networks."""

    @functools.wraps(function)
    def exact(*arguments, **options):
        if not (torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda")):
            return function(*arguments, **options)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*arguments, **options)

    return exact


def smooth_step(values, begin, full):
    """
    0 up to `begin`, 1 from `full` on, and a smooth rise (..., like `values`) in between.

    >>> smooth_step(torch.tensor([1.0, 2.5, 3.0, 5.0]), 2, 4)
    tensor([0.0000, 0.1562, 0.5000, 1.0000])
    """
    share = ((values - begin) / (full - begin)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def unit(vectors):
    """
    Vectors (..., 3) scaled to length one; a null vector stays null.

    >>> unit(torch.tensor([3.0, 0.0, 4.0]))
    tensor([0.6000, 0.0000, 0.8000])
    """
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(_TINY)


def perpendicular(vectors, axis):
    """
    Unit vectors (..., 3) along the part of `vectors` at right angles to the unit vectors `axis`.

    Where nothing is left (parallel vectors), a fixed direction at right angles to `axis` is taken instead.
    """
    rest = vectors - (vectors * axis).sum(-1, keepdim=True) * axis
    weak = rest.norm(dim=-1, keepdim=True) < 1e-3
    if weak.any():
        spare = torch.zeros_like(axis).scatter_(-1, axis.abs().argmin(-1, keepdim=True), 1.0)
        spare = spare - (spare * axis).sum(-1, keepdim=True) * axis
        rest = torch.where(weak, spare, rest)
    return unit(rest)


def axis_frame(origin, tip, reference):
    """
    Frames (..., 3, 3), rows x, y, z: x from `origin` to `tip`, y towards `reference` at right angles, z = x cross y.

    Parameters are positions (..., 3). A point with coordinates (a, b, c) in the frame lies at
    `origin + (a, b, c) @ frame`.
    """
    x = unit(tip - origin)
    y = perpendicular(reference - origin, x)
    return torch.stack([x, y, torch.cross(x, y, dim=-1)], dim=-2)


def bisector_frame(a, centre, b):
    """Frames (..., 3, 3), rows x, y, z, at `centre`: x away from the bisector of a-centre-b, z = (a - c) x (b - c)."""
    to_a, to_b = unit(a - centre), unit(b - centre)
    z = torch.cross(to_a, to_b, dim=-1)
    weak = z.norm(dim=-1, keepdim=True) < 1e-3  # a straight or folded angle has no plane: any one will do
    z = torch.where(weak, perpendicular(z, to_a), unit(z))
    bisector = to_a + to_b
    straight = bisector.norm(dim=-1, keepdim=True) < 1e-3
    x = -torch.where(straight, perpendicular(torch.zeros_like(z), z), unit(bisector))
    return torch.stack([x, torch.cross(z, x, dim=-1), z], dim=-2)


def turn_about_x(points, turn):
    """Points (..., 3) turned by `turn` (...) about the x axis, right-handed."""
    cos, sin = turn.cos(), turn.sin()
    x, y, z, cos, sin = torch.broadcast_tensors(*points.unbind(-1), cos, sin)
    return torch.stack([x, y * cos - z * sin, y * sin + z * cos], dim=-1)


def place(a, b, c, bond, bend, torsion):
    """
    Position (..., 3) of a fourth atom d after a, b, c from |c-d|, the angle b-c-d (`bend`) and the torsion a-b-c-d.

    Examples
    --------
    >>> a, b, c = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> d = place(a, b, c, 1.0, torch.tensor(torch.pi / 2), torch.tensor(0.0))
    >>> bool(torch.allclose(d, torch.tensor([1.0, 1.0, 0.0]), atol=1e-6))
    True
    """
    frame = axis_frame(b, c, a)
    bond, bend, torsion = (torch.as_tensor(v, dtype=c.dtype, device=c.device) for v in (bond, bend, torsion))
    local = torch.stack(torch.broadcast_tensors(-bond * bend.cos(), bond * bend.sin(), torch.zeros_like(bond)), -1)
    return c + (turn_about_x(local, torsion).unsqueeze(-2) @ frame).squeeze(-2)


def bridge(near, one, other, from_one, from_other):
    """
    Points (..., 3) at distances `from_one` of `one` and `from_other` of `other`, nearest to `near`.

    Where these are too far apart they are on the line between, both distances stretched alike.

    >>> bridge(*torch.tensor([[2.0, 9.0, 0.0], [0.0, 0.0, 0.0], [8.0, 0.0, 0.0]]), 5.0, 5.0)
    tensor([4., 3., 0.])
    """
    axis, gap = unit(other - one), (other - one).norm(dim=-1, keepdim=True).clamp_min(_TINY)
    along = (from_one**2 - from_other**2 + gap**2) / (2 * gap)
    radius = (from_one**2 - along**2).clamp_min(0).sqrt()
    stretch = (gap / (from_one + from_other)).clamp_min(1)
    along = torch.where(stretch > 1, stretch * from_one, along)
    return one + along * axis + radius * perpendicular(near - one, axis)


def dihedral(a, b, c, d):
    """
    Torsion angle (...) a-b-c-d in radians, IUPAC sign: 0 is cis, positive is clockwise seen along b to c.

    >>> a, b, c = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> dihedral(a, b, c, torch.tensor([1.0, 0.0, 1.0])).rad2deg()
    tensor(90.)
    """
    frame = axis_frame(b, c, a)
    local = (frame @ (d - c).unsqueeze(-1)).squeeze(-1)
    return torch.atan2(local[..., 2], local[..., 1])


def angle(a, b, c):
    """Angle (...) a-b-c in radians."""
    u, v = unit(a - b), unit(c - b)
    return torch.atan2(torch.cross(u, v, dim=-1).norm(dim=-1), (u * v).sum(-1))


def wrap(angles):
    """
    Angles in radians brought to [-pi, pi).

    >>> wrap(torch.tensor([3 * torch.pi / 2]))
    tensor([-1.5708])
    """
    return torch.remainder(angles + math.pi, 2 * math.pi) - math.pi


class PeptideTemplate:
    """
    Places of C, O and N between two C-alphas at any distance, in a plane, with all bond lengths kept.

    The frame is that of `axis_frame(CA_i, CA_i+1, .)` turned so that O lies in its xy plane. To meet the distance, the
    angles CA-C-N and C-N-CA open or close together, by at most `max_strain`; what is left beyond that is shared
    by shifting the group half-way, which stretches the bonds at both ends (nothing else can meet the distance).

    Parameters
    ----------
    cis : bool
        Cis or trans peptide.
    max_strain : float
        Largest change of each angle in degrees; 30 spans CA-CA distances of 3.27-4.22 angstrom (trans).

    Examples
    --------
    >>> template = PeptideTemplate(cis=False)
    >>> c, o, n = template(torch.tensor(3.80))
    >>> c.round(decimals=2)
    tensor([1.4300, 0.5300, 0.0000])
    """

    def __init__(self, cis, max_strain=_MAX_STRAIN):
        angles = PEPTIDE_ANGLES["cis" if cis else "trans"]
        strains = torch.linspace(-max_strain, max_strain, _N_STRAINS, dtype=torch.float64).deg2rad()
        places = self._build(angles, strains, cis)
        n = int(places[:, 3, 0].argmax()) + 1  # past the fully open peptide the distance falls again
        distances, places = places[:n, 3, 0].contiguous(), places[:n, :3]
        self.shortest, self.longest = float(distances[0]), float(distances[-1])
        grid = torch.arange(self.shortest, self.longest + _STEP, _STEP, dtype=torch.float64)
        right = torch.searchsorted(distances, grid).clamp(1, len(distances) - 1)
        weight = ((grid - distances[right - 1]) / (distances[right] - distances[right - 1])).clamp(0, 1)
        table = torch.lerp(places[right - 1], places[right], weight[:, None, None])
        self.table = table.to(torch.float32)  # (distances, 3 atoms, 3)

    @staticmethod
    def _build(angles, strains, cis):
        """Planar C, O, N and the second CA (strains, 4, 3) in the frame of the axis, O at positive y."""
        length = BACKBONE_BONDS
        at_c = math.radians(angles["CA-C-N"]) + strains
        at_n = math.radians(angles["C-N-CA"]) + strains
        at_o = math.radians(angles["CA-C-O"]) - strains / 2
        zero = torch.zeros_like(strains)
        ca = torch.stack([zero, zero, zero], -1)
        c = ca + torch.tensor([length["CA-C"], 0.0, 0.0], dtype=strains.dtype)
        side = c + torch.tensor([0.0, 1.0, 0.0], dtype=strains.dtype)
        n = place(side, ca, c, length["C-N"], at_c, zero + math.pi)
        o = place(n, ca, c, length["C-O"], at_o, zero + math.pi)
        second = place(ca, c, n, length["N-CA"], at_n, zero + (0.0 if cis else math.pi))
        frame = axis_frame(ca, second, o)
        return torch.stack([(frame @ p.unsqueeze(-1)).squeeze(-1) for p in (c, o, n, second)], dim=-2)

    def __call__(self, distances):
        """Coordinates (..., 3 atoms C O N, 3) for the CA-CA `distances` (...) in angstrom."""
        table = self.table.to(distances)
        at = ((distances - self.shortest) / _STEP).clamp(0, len(table) - 1 - 1e-3)
        left = at.detach().long()
        places = torch.lerp(table[left], table[left + 1], (at - left)[..., None, None])
        over = distances - distances.clamp(self.shortest, self.longest)
        shift = torch.zeros_like(places)
        shift[..., 0] = over[..., None] / 2
        return places + shift
