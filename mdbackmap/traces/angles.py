"""
Angles and torsions along C-alpha traces with their derivatives, written out for speed.

Shapes: `...` leading dimensions (frames), R residues. Lengths in angstrom, angles in radians. A value belongs to the
residue it is centred on: the angle at i is that of i-1, i, i+1; the torsion of i that of i-1, i, i+1, i+2.
"""

import torch

from ..geometry.vectors import smooth_step

_LEAST = 1e-4
_BENT = 0.05, 0.4  # sines of angles; chosen: by hand, torsions about straight ones mean little
_STRAIGHT = 0.02  # sine of an angle; chosen: by hand, straighter ones have no plane
LIMITS = _LEAST, _STRAIGHT, *_BENT
"""Shortest length, and sines of angles: the straightest, and those from which on torsions begin to count, and count."""


class TraceAngles:
    """
    Distances, angles and torsions of traces, and what forces on them mean for the beads.

    Parameters
    ----------
    beads : torch.Tensor, shape (..., R, 3)

    Attributes
    ----------
    length : torch.Tensor, shape (..., R)
        From each bead to the next.
    angle, torsion : torch.Tensor, shape (..., R)
        Where a chain has no such angle, values that mean nothing.

    Examples
    --------
    >>> beads = torch.tensor([[0.0, 1, 0], [0, 0, 0], [1, 0, 0], [1, 0, 1]])
    >>> TraceAngles(beads).torsion[1].rad2deg().round()
    tensor(90.)
    """

    def __init__(self, beads):
        x = coordinates(beads)
        ahead = x.roll(-1, -1) - x  # of the last one back to the first: it means nothing
        self.length = _norm(ahead).clamp_min(_LEAST)
        self._ahead = ahead / self.length  # u_i; as all vectors here, shape (3, ..., R)
        self._back = self._ahead.roll(1, -1)  # u_i-1
        self._normal = torch.cross(self._back, self._ahead, dim=0)  # of the plane i-1, i, i+1; as long as sin(angle)
        self.sine = _norm(self._normal).clamp_min(_STRAIGHT)
        self._bend = _dot(self._back, self._ahead)  # minus the cosine of the angle
        self.angle = torch.atan2(self.sine, -self._bend)
        following = self._normal.roll(-1, -1)
        self.torsion = torch.atan2(_dot(self._back, following), _dot(self._normal, following))

    def forces(self, on_length, on_angle, on_torsion):
        """
        Derivatives (..., R, 3) with respect to the beads from those with respect to lengths, angles and torsions.

        Each (..., R), 0 where a chain has no such coordinate.
        """
        unit = self._normal / self.sine
        # turning u_i away from u_i-1 opens a torsion's neighbours: derivatives with respect to the unit vectors' ends
        last = torch.cross(self._ahead, unit, dim=0).mul_(on_angle / self.length)  # d angle_i / d x_i+1
        first = torch.cross(self._back, unit, dim=0).mul_(on_angle / self.length.roll(1, -1))  # d angle_i / d x_i-1
        bent = smooth_step(self.sine, *_BENT)
        one, two, three, four = self._twist(unit, on_torsion * bent * bent.roll(-1, -1))
        stretch = self._ahead * on_length
        here = two.sub_(first).sub_(last).sub_(stretch)
        ahead = three.add_(last).add_(stretch)
        out = here.add_(first.add_(one).roll(-1, -1)).add_(ahead.roll(1, -1)).add_(four.roll(2, -1))
        return out.movedim(0, -1)

    def _twist(self, unit, on_torsion):
        """The same for torsions, on i-1, i, i+1 and i+2, each (3, ..., R) (Blondel & Karplus 1996)."""
        length, before, after = self.length, self.length.roll(1, -1), self.length.roll(-1, -1)
        one = unit * (-on_torsion / (before * self.sine))
        four = unit.roll(-1, -1).mul_(on_torsion / (after * self.sine.roll(-1, -1)))
        # torque balance about the bond i, i+1
        along_one, along_four = before * self._bend / length, after * self._bend.roll(-1, -1) / length
        across = along_four * four - along_one * one
        return one, across - one, -across - four, four


def coordinates(points):
    """
    Points (..., 3) as their coordinates, each in one piece, (3, ...).

    Operations on these are several times as fast, as they run along what lies side by side in memory.
    """
    return points.movedim(-1, 0).contiguous()


def _dot(a, b):
    """Scalar products (...) of vectors (3, ...)."""
    return (a * b).sum(0)


def _norm(vectors):
    """Lengths (...) of vectors (3, ...)."""
    return vectors.square().sum(0).sqrt_()
