"""
Energies of C-alpha traces and of the backbones that they carry, as tables with derivatives.

* `TracePrior`: -log p(torsion, angle | angle before) of C-alpha traces, learned from crystal structures.
* `Backbone`: what peptides on both sides of a residue make of it: its place on the Ramachandran map of its kind, and
  its angle N-CA-C. Both follow from the C-alpha angle and from how the two peptides are turned about their axes.

Energies are in nats, angles in radians. Shapes: `...` leading dimensions (frames), N residues, B bins of a peptide.
"""

import functools
import math
from pathlib import Path

import numpy as np
import torch

from ..chemistry import peptide_geometry, residues
from ..chemistry.elements import ELEMENTS, allowed_distances
from ..chemistry.peptide_geometry import CA_CA
from ..geometry.vectors import PeptideTemplate, angle, axis_frame, bisector_frame, dihedral, place, turn_about_x

TABLES = Path(__file__).with_name("tables.npz")
BINS = 72
_LOW, _HIGH = math.radians(60.0), math.radians(180.0)  # C-alpha angles
_N_ANGLES = 31
_TAU, _SPREAD = math.radians(peptide_geometry.N_CA_C_MEAN), math.radians(peptide_geometry.N_CA_C_SPREAD)
_TAU_CAP = 4.0  # standard deviations beyond which the energy of N-CA-C rises in a straight line
RAMA_KINDS = ("general", "glycine", "isoleucine-valine", "pre-proline", "trans-proline", "cis-proline")
_PROLINE_CD = peptide_geometry.PROLINE_N_CD, math.radians(peptide_geometry.PROLINE_C_N_CD)
_STIFF = 60.0  # nats per squared angstrom of overlap
_LOCAL_PAIRS = (("O-", "C"), ("O-", "O"), ("O-", "N+"), ("C-", "O"), ("C-", "N+"), ("CA-", "C"), ("N", "CA+"))
_CB_PAIRS = (("O-", "CB"), ("CA-", "CB"), ("CB", "CA+"))
_CD_PAIRS = (("N", "CD+"), ("CB", "CD+"))


@functools.cache
def tables():
    """The arrays of ``tables.npz`` in nats, as float64 tensors; `training.priors.trace_prior` says what they are."""
    with np.load(TABLES) as packed:
        step = float(packed["step"])
        return {name: torch.tensor(packed[name].astype(np.float64) * step) for name in ("trace", "rama")}


def _cell(values, low, width, size, periodic=False):
    """Left grid point (...), int64, and the share of the way to the next, for `values` (...)."""
    at = (values - low) / width
    if periodic:
        left = at.floor()
        return torch.remainder(left, size).long(), at - left
    at = at.clamp(0, size - 1.0001)
    left = at.floor()
    return left.long(), at - left


@functools.cache
def _trace_tables(blur=None):
    """The trace prior's tables (3, 3, 24, 36, 24), under a Gaussian of some grid steps along the last three axes."""
    table = tables()["trace"]
    for axis, width, turns in zip((2, 3, 4), blur or (0, 0, 0), (False, True, False), strict=True):
        table = _blurred(table, axis, width, turns) if width else table
    return table


def _blurred(table, axis, width, periodic):
    """A table under a Gaussian of `width` grid steps along one axis."""
    steps = range(-math.ceil(4 * width), math.ceil(4 * width) + 1)
    weights = [math.exp(-0.5 * (step / width) ** 2) for step in steps]
    n, total = table.shape[axis], 0.0
    for step, weight in zip(steps, weights, strict=True):
        at = torch.arange(n) + step
        at = torch.remainder(at, n) if periodic else at.clamp(0, n - 1)
        total = total + weight / sum(weights) * table.index_select(axis, at)
    return total


class SmoothTables:
    """
    Tables on a grid as quadratic B-splines: their derivatives have no jumps, so that small noise stays small.

    Between grid points values are a little smoother than the table itself.

    Parameters
    ----------
    tables : torch.Tensor (V, x, y, z)
        One three-dimensional table a variant.
    periodic : three bools
        Which axes are circles.
    """

    def __init__(self, tables, periodic):
        self.sizes, self.periodic = tables.shape[1:], periodic
        for axis, turns in enumerate(periodic, 1):
            first, last = tables.narrow(axis, 0, 1), tables.narrow(axis, tables.shape[axis] - 1, 1)
            tables = torch.cat([last if turns else first, tables, first if turns else last], axis)
        _, x, y, z = tables.shape
        self.size, self.strides = x * y * z, (y * z, z, 1)
        self.rows = tables.reshape(-1).unfold(0, 3, 1)  # (n - 2, 3): three neighbours along z each
        steps = torch.arange(3, device=tables.device)
        self.around = (steps[:, None] * self.strides[0] + steps * self.strides[1]).flatten()  # (9,)

    def __call__(self, variant, at):
        """
        Values (...) and three derivatives (...) by grid step.

        Parameters
        ----------
        variant : torch.Tensor (...) int64
        at : three tensors (...)
            Positions in grid steps from the first point.
        """
        start, shares = variant * self.size, []
        for value, size, stride, turns in zip(at, self.sizes, self.strides, self.periodic, strict=True):
            value = value if turns else value.clamp(0, size - 1)
            nearest = (value + 0.5).floor()
            index = torch.remainder(nearest, size) if turns else nearest
            start = start + index.long() * stride
            shares.append(_parabolas(value - nearest))
        rows = (start.unsqueeze(-1) + self.around).flatten()
        found = self.rows.index_select(0, rows).view(-1, 3, 3, 3)
        (x, dx), (y, dy), (z, dz) = ([v.reshape(-1, 3, 1) for v in pair] for pair in shares)
        plane = torch.matmul(found.flatten(1, 2), torch.cat([z, dz], -1)).unflatten(1, (3, 3))  # (n, 3, 3, 2)
        across = torch.cat([y, dy], -1).transpose(1, 2).unsqueeze(1) @ plane  # (n, 3, 2, 2): y, dy by z, dz
        along = torch.cat([x, dx], -1).transpose(1, 2) @ across.flatten(2)  # (n, 2, 4)
        value, by_z, by_y, by_x = along[:, 0, 0], along[:, 0, 1], along[:, 0, 2], along[:, 1, 0]
        return tuple(v.view(variant.shape) for v in (value, by_x, by_y, by_z))


def _parabolas(share):
    """Weights (..., 3) of the grid points around the nearest one, `share` (...) of a step off, and derivatives."""
    low, high = 0.5 - share, 0.5 + share
    return (
        torch.stack([0.5 * low * low, 0.75 - share * share, 0.5 * high * high], -1),
        torch.stack([-low, -2 * share, high], -1),
    )


class TracePrior:
    """
    -log p(torsion of i, angle of i+1 | angle of i) in nats, density per squared radian.

    Parameters
    ----------
    types : torch.Tensor (N,) int64
        Residue types, indices into `residues.ALPHABET`.
    """

    def __init__(self, types, blur=None):
        table = _trace_tables(blur).to(types.device)
        self.sizes = table.shape[2:]
        glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
        kind = glycine.long() + 2 * proline.long()
        self.variant = kind * 3 + kind.roll(-1)
        self.tables = SmoothTables(table.flatten(0, -4), (False, True, False))

    def __call__(self, angle, torsion, following):
        """Energies (..., N) and their derivatives with respect to the three arguments (..., N)."""
        n, m, _ = self.sizes
        wide, turn = (_HIGH - _LOW) / n, 2 * math.pi / m
        at = (angle - _LOW) / wide - 0.5, (torsion + math.pi) / turn - 0.5, (following - _LOW) / wide - 0.5
        value, a, t, f = self.tables(self.variant.expand(angle.shape), at)
        return value, a / wide, t / turn, f / wide


def residue_atoms(cis_before, cis_after):
    """
    Atoms of and around a residue, each broadcastable to (31, 72, 72, 3), by name.

    Names of the residue before end in -, those of the one after in +. Indices are the C-alpha angle, from 60 to 180
    degrees, and how far the peptides before and after are turned: the one before about CA(i-1)->CA(i) from the side of
    CA(i+1), the one after about CA(i)->CA(i+1) from the side of CA(i-1), as `internal` has it.
    """
    wide = torch.linspace(_LOW, _HIGH - 0.01, _N_ANGLES, dtype=torch.float64)
    turns = torch.arange(BINS, dtype=torch.float64) * (2 * math.pi / BINS) - math.pi
    zero = torch.zeros_like(wide)
    here = torch.stack([zero, zero, zero], -1)
    back = here - torch.tensor([CA_CA[cis_before], 0.0, 0.0], dtype=torch.float64)
    ahead = CA_CA[cis_after] * torch.stack([-wide.cos(), wide.sin(), zero], -1)
    first = _turned(cis_before, back, here, ahead, turns)
    last = _turned(cis_after, here, ahead, back, turns)
    atoms = {"CA": here[:, None, None], "CA-": back[:, None, None], "CA+": ahead[:, None, None]}
    atoms |= {name: at[:, :, None] for name, at in zip(("C-", "O-", "N"), first, strict=True)}  # (31, 72, 1, 3)
    atoms |= {name: at[:, None] for name, at in zip(("C", "O", "N+"), last, strict=True)}
    n, ca, c = torch.broadcast_tensors(atoms["N"], atoms["CA"], atoms["C"])
    beta = torch.tensor(residues.IDEAL_ATOMS["ALA"]["CB"][1:], dtype=torch.float64)
    atoms["CB"] = ca + beta @ bisector_frame(n, ca, c)
    atoms["CD+"] = place(atoms["CA"], atoms["C"], atoms["N+"], *_PROLINE_CD, 0.0)  # of a proline
    return atoms


def _turned(cis, origin, tip, reference, turns):
    """C, O and N (angles, turns, 3) of a peptide from `origin` to `tip`, turned from the side of `reference`."""
    local = PeptideTemplate(cis)(torch.tensor(CA_CA[cis], dtype=torch.float64))
    local = turn_about_x(local[None], turns[:, None])  # (72, 3, 3)
    frame = axis_frame(origin, tip, reference)
    return (origin[:, None, None] + local @ frame[:, None]).unbind(-2)


def _ramachandran(kind, phi, psi):
    """Energies (...) on one of the six maps."""
    rama = tables()["rama"][kind]
    size = rama.shape[0]
    width = 2 * math.pi / size
    (i, s), (j, t) = (_cell(v, -math.pi, width, size, periodic=True) for v in (phi, psi))
    k, m = (i + 1) % size, (j + 1) % size
    return (1 - s) * ((1 - t) * rama[i, j] + t * rama[i, m]) + s * ((1 - t) * rama[k, j] + t * rama[k, m])


def _overlaps(kind, atoms):
    """Energies (31, 72, 72) of atoms of neighbouring residues that are too near, four bonds and more apart."""
    names = RAMA_KINDS[kind]
    pairs = [*_LOCAL_PAIRS, *(_CB_PAIRS if names != "glycine" else ()), *(_CD_PAIRS if names == "pre-proline" else ())]
    total, allowed = 0.0, allowed_distances(0.3)
    for a, b in pairs:
        least = allowed[ELEMENTS.index(a[0]), ELEMENTS.index(b[0])]
        total = total + _STIFF * (least - (atoms[a] - atoms[b]).norm(dim=-1)).clamp_min(0).square()
    return total


def backbone_angles(cis_before, cis_after):
    """phi, psi and N-CA-C (31, 72, 72) of `residue_atoms`."""
    atoms = residue_atoms(cis_before, cis_after)
    names = ("C-", "N", "CA", "C", "N+")
    before, n, ca, c, after = torch.broadcast_tensors(*(atoms[name] for name in names))
    return dihedral(before, n, ca, c), dihedral(n, ca, c, after), angle(n, ca, c)


@functools.cache
def _backbone_table(kind, cis_before, cis_after):
    """Energies (31, 72, 72) of one kind of residue."""
    phi, psi, tau = backbone_angles(cis_before, cis_after)
    energy = _ramachandran(kind, phi, psi) + _overlaps(kind, residue_atoms(cis_before, cis_after))
    off = (tau - _TAU).abs() / _SPREAD
    bend = torch.where(off < _TAU_CAP, 0.5 * off**2, _TAU_CAP * off - 0.5 * _TAU_CAP**2)
    return energy + bend


class Backbone:
    """
    Energies of residues by C-alpha angle and the turns of both peptides.

    Parameters
    ----------
    types, ends, cis : torch.Tensor (N,)
        As `internal.InternalCoordinates` has them.
    """

    def __init__(self, types, ends, cis):
        before = cis.roll(1) & ~ends.roll(1)
        kinds = _kinds(types, ends, before)
        variants = torch.stack([kinds, before.long(), (cis & ~ends).long()], 1)
        found, which = torch.unique(variants, dim=0, return_inverse=True)
        parts = [_backbone_table(kind, bool(a), bool(b)) for kind, a, b in found.tolist()]
        self.table = torch.stack(parts).to(types.device)  # (variants, 31, 72, 72)
        self.variant = which
        self.sizes = self.table.shape[1:]
        self.flat = self.table.flatten()
        self.smooth = SmoothTables(self.table, (False, True, True))
        self.thinned = {}  # the table with fewer turns after, by their number

    def __call__(self, angle, before, after):
        """Energies (..., N) and their derivatives with respect to angle and turns (..., N)."""
        wide, turn = (_HIGH - 0.01 - _LOW) / (_N_ANGLES - 1), 2 * math.pi / BINS
        at = (angle - _LOW) / wide, (before + math.pi) / turn, (after + math.pi) / turn
        value, a, b, c = self.smooth(self.variant.expand(angle.shape), at)
        return value, a / wide, b / turn, c / turn

    def rows(self, angle, before, at):
        """
        Energies (F, n, 72) of residues `at` (n,) for all turns of the peptide after, that before turned as it is.

        `angle` and `before` (F, n) are the C-alpha angle and the turn of the peptide before, as in a call.
        """
        wide, turn = (_HIGH - 0.01 - _LOW) / (_N_ANGLES - 1), 2 * math.pi / BINS
        (i, x), (j, y) = _cell(angle, _LOW, wide, _N_ANGLES), _cell(before, -math.pi, turn, BINS, periodic=True)
        base = (self.variant[at] * _N_ANGLES + i) * BINS
        table, right = self.flat.view(-1, BINS), torch.where(j + 1 == BINS, 0, j + 1)
        corners = [(base + j, (1 - x) * (1 - y)), (base + right, (1 - x) * y)]
        corners += [(base + BINS + j, x * (1 - y)), (base + BINS + right, x * y)]
        index, weight = (torch.stack(parts, -1) for parts in zip(*corners, strict=True))  # (F, n, 4)
        parts = table.index_select(0, index.flatten()).view(*index.shape, BINS)
        return (weight.to(parts).unsqueeze(-2) @ parts).squeeze(-2)

    def matrices(self, angle, at, bins):
        """
        Energies of residues `at` (n,) for all turns of the peptides on both sides, on `bins` points of the circle each.

        Parameters
        ----------
        angle : torch.Tensor (F, N)
        at : torch.Tensor (n,) int64
        bins : int
            A divisor of 72.

        Returns
        -------
        torch.Tensor (F, n, bins, bins)
            Rows: peptide before, from the side of the C-alpha after the residue; columns: peptide after.
        """
        if bins not in self.thinned:
            every = BINS // bins
            self.thinned[bins] = self.table[:, :, ::every, ::every].flatten(0, 1)
        low, share = _cell(angle[:, at], _LOW, (_HIGH - 0.01 - _LOW) / (_N_ANGLES - 1), _N_ANGLES)
        first = (self.variant[at] * _N_ANGLES + low).flatten()
        near, far = (self.thinned[bins].index_select(0, first + k) for k in (0, 1))
        return torch.lerp(near, far, share.flatten()[:, None, None]).unflatten(0, share.shape)


def _kinds(types, ends, cis_before):
    """Which of the six Ramachandran maps each residue goes by, in the order of the Top8000 module."""
    glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
    branched = (types == residues.TYPE_OF_NAME["ILE"]) | (types == residues.TYPE_OF_NAME["VAL"])
    kinds = torch.where(branched, 2, 0)
    kinds = torch.where(proline.roll(-1) & ~ends, 3, kinds)
    kinds = torch.where(proline, torch.where(cis_before, 5, 4), kinds)
    return torch.where(glycine, 1, kinds)
