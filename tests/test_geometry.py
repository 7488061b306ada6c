"""Vectors, frames, angles and the peptide template."""

import math

import numpy as np
import pytest
import torch
from traces import rotation

from mdbackmap.chemistry.peptide_geometry import BACKBONE_BONDS
from mdbackmap.geometry.vectors import (
    PeptideTemplate,
    angle,
    axis_frame,
    bisector_frame,
    dihedral,
    perpendicular,
    place,
    turn_about_x,
    unit,
    wrap,
)


@pytest.fixture
def points():
    return torch.tensor(np.random.default_rng(0).normal(0, 3, (4, 200, 3)))


def slow_dihedral(a, b, c, d):
    """Angle between the planes abc and bcd by their normals, signed by the side on which d lies (Allen-Tildesley)."""
    n1, n2 = np.cross(b - a, c - b), np.cross(c - b, d - c)
    cos = n1 @ n2 / np.linalg.norm(n1) / np.linalg.norm(n2)
    return math.copysign(math.acos(np.clip(cos, -1, 1)), n1 @ (d - c))


def test_dihedral_is_that_of_the_textbook(points):
    slow = [slow_dihedral(*(p[i].numpy() for p in points)) for i in range(points.shape[1])]
    assert torch.allclose(wrap(dihedral(*points) - torch.tensor(slow)), torch.zeros(200, dtype=points.dtype), atol=1e-6)


def test_place_gives_bond_angle_and_torsion(points):
    a, b, c, d = points
    bond, bend, torsion = (d - c).norm(dim=-1), angle(b, c, d), dihedral(a, b, c, d)
    assert torch.allclose(place(a, b, c, bond, bend, torsion), d, atol=1e-9)


def test_angle_at_its_limits():
    a, b = torch.tensor([1.0, 0.0, 0.0]), torch.zeros(3)
    assert angle(a, b, 2 * a) == 0
    assert torch.isclose(angle(a, b, -a), torch.tensor(math.pi))
    assert torch.isclose(angle(a, b, torch.tensor([0.0, 3.0, 0.0])), torch.tensor(math.pi / 2))


@pytest.mark.parametrize("frame", [axis_frame, bisector_frame])
def test_frames_are_right_handed_rotations_and_turn_along(frame, points):
    a, b, c, _ = points
    rows = frame(a, b, c)
    turn, shift = rotation(1, torch.float64)
    assert torch.allclose(rows @ rows.transpose(-1, -2), torch.eye(3, dtype=rows.dtype).expand_as(rows), atol=1e-9)
    assert torch.allclose(torch.linalg.det(rows), torch.ones(200, dtype=rows.dtype))
    assert torch.allclose(frame(*(p @ turn + shift for p in (a, b, c))), rows @ turn, atol=1e-9)


@pytest.mark.parametrize("angles", [(180.0, 180.0), (0.0, 0.0), (180.0, 0.0)], ids=["straight", "folded", "mixed"])
@pytest.mark.parametrize("frame", [axis_frame, bisector_frame])
def test_frames_of_points_on_a_line(frame, angles):
    for axis in torch.eye(3):
        a = torch.stack([(2.0 if bend == 0.0 else -2.0) * axis for bend in angles])
        rows = frame(a, torch.zeros(2, 3), (3.8 * axis).expand(2, 3))
        assert torch.allclose(rows @ rows.transpose(-1, -2), torch.eye(3).expand(2, 3, 3), atol=1e-5)


def test_perpendicular_and_unit_of_nothing():
    axis = unit(torch.tensor([[1.0, 2.0, 3.0]]))
    for vector in (torch.zeros(1, 3), 5 * axis, -axis):
        found = perpendicular(vector, axis)
        assert torch.allclose(found.norm(dim=-1), torch.ones(1))
        assert abs((found * axis).sum()) < 1e-5
    assert (unit(torch.zeros(3)) == 0).all()


def test_turn_about_x_is_right_handed():
    y, z = torch.tensor([7.0, 1.0, 0.0]), torch.tensor([7.0, 0.0, 1.0])
    assert torch.allclose(turn_about_x(y, torch.tensor(math.pi / 2)), z, atol=1e-6)


def test_wrap():
    angles = torch.linspace(-20, 20, 1001, dtype=torch.float64)
    wrapped = wrap(angles)
    assert (wrapped >= -math.pi).all() and (wrapped < math.pi).all()
    assert torch.allclose(wrapped.sin(), angles.sin()) and torch.allclose(wrapped.cos(), angles.cos())


def peptide_bonds(template, distances):
    """CA-C, C-O, C-N and N-CA (d, 4), and the angles CA-C-N and C-N-CA (d, 2) in degrees."""
    c, o, n = template(distances).unbind(-2)
    first = torch.zeros_like(c)
    second = torch.stack([distances, first[..., 0], first[..., 0]], dim=-1)
    bonds = [(c - first), (o - c), (n - c), (second - n)]
    return torch.stack([b.norm(dim=-1) for b in bonds], -1), torch.stack(
        [angle(first, c, n), angle(c, n, second)], -1
    ).rad2deg()


IDEAL = torch.tensor([BACKBONE_BONDS[bond] for bond in ("CA-C", "C-O", "C-N", "N-CA")])


@pytest.mark.parametrize("cis", [False, True])
def test_template_keeps_all_bonds_over_its_range(cis):
    template = PeptideTemplate(cis)
    bonds, _ = peptide_bonds(template, torch.linspace(template.shortest + 0.01, template.longest - 0.01, 400))
    assert ((bonds / IDEAL - 1).abs() < 0.003).all()


def test_template_covers_what_design_asks_for():
    trans, cis = PeptideTemplate(False), PeptideTemplate(True)
    assert trans.shortest < 3.4 and trans.longest > 4.15
    assert cis.shortest < 2.6 and cis.longest > 3.3
    _, angles = peptide_bonds(trans, torch.tensor([3.70, 3.89]))
    assert ((angles - torch.tensor([116.63, 121.48])).abs() < 7).all()


def test_template_shares_what_angles_cannot_give():
    bonds, _ = peptide_bonds(PeptideTemplate(False), torch.tensor([2.0, 5.0]))
    assert torch.allclose(bonds[:, 1:3], IDEAL[1:3].expand(2, 2), atol=2e-3)
    assert (bonds[1, [0, 3]] > IDEAL[[0, 3]] + 0.2).all()
    assert torch.isfinite(bonds).all()


def test_template_lies_in_a_plane_and_is_trans_or_cis():
    for cis, distance in ((False, 3.8), (True, 2.95)):
        c, o, n = PeptideTemplate(cis)(torch.tensor(distance))
        assert max(abs(float(p[2])) for p in (c, o, n)) < 1e-6
        assert o[1] > c[1] > 0
        second = torch.tensor([distance, 0.0, 0.0])
        omega = dihedral(torch.zeros(3), c, n, second).abs()
        assert torch.isclose(omega, torch.tensor(0.0 if cis else math.pi), atol=1e-3)
