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
        ahead = beads.roll(-1, -2) - beads  # of the last one back to the first: it means nothing
        self.length = ahead.norm(dim=-1).clamp_min(_LEAST)
        self.ahead = ahead / self.length.unsqueeze(-1)  # u_i
        self.back = self.ahead.roll(1, -2)  # u_i-1
        self.normal = torch.cross(self.back, self.ahead, dim=-1)  # of the plane i-1, i, i+1; its length is sin(angle)
        self.sine = self.normal.norm(dim=-1).clamp_min(_STRAIGHT)
        self.angle = torch.atan2(self.sine, -(self.back * self.ahead).sum(-1))
        following = self.normal.roll(-1, -2)
        self.torsion = torch.atan2((self.back * following).sum(-1), (self.normal * following).sum(-1))

    def forces(self, on_length, on_angle, on_torsion):
        """
        Derivatives (..., R, 3) with respect to the beads from those with respect to lengths, angles and torsions.

        Each (..., R), 0 where a chain has no such coordinate.
        """
        unit = self.normal / self.sine.unsqueeze(-1)
        # turning u_i away from u_i-1 opens a torsion's neighbours: derivatives with respect to the unit vectors' ends
        first = torch.cross(self.back, unit, dim=-1) / self.length.roll(1, -1).unsqueeze(-1)  # d angle_i / d x_i-1
        last = torch.cross(self.ahead, unit, dim=-1) / self.length.unsqueeze(-1)  # d angle_i / d x_i+1
        on_angle = on_angle.unsqueeze(-1)
        first, last = first * on_angle, last * on_angle
        out = -(first + last)
        out = out + first.roll(-1, -2) + last.roll(1, -2)
        stretch = self.ahead * on_length.unsqueeze(-1)
        out = out - stretch + stretch.roll(1, -2)
        bent = smooth_step(self.sine, *_BENT)
        return out + self._twist(unit, (on_torsion * bent * bent.roll(-1, -1)).unsqueeze(-1))

    def _twist(self, unit, on_torsion):
        """The same for torsions (Blondel & Karplus 1996)."""
        following, sine, length = unit.roll(-1, -2), self.sine.unsqueeze(-1), self.length.unsqueeze(-1)
        before, after = length.roll(1, -2), length.roll(-1, -2)
        one = -unit / (before * sine) * on_torsion  # on i-1
        four = following / (after * sine.roll(-1, -2)) * on_torsion  # on i+2
        cos_here = (self.back * self.ahead).sum(-1, keepdim=True)  # minus the cosine of the angle
        cos_next = cos_here.roll(-1, -2)
        # torque balance about the bond i, i+1
        along_one, along_four = before * cos_here / length, after * cos_next / length
        two = -one - along_one * one + along_four * four
        three = -four - along_four * four + along_one * one
        return one.roll(-1, -2) + two + three.roll(1, -2) + four.roll(2, -2)
