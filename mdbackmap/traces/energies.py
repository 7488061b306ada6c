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

from .. import residues
from ..geometry import PeptideTemplate, angle, axis_frame, bisector_frame, dihedral, place, turn_about_x

TABLES = Path(__file__).with_name("tables.npz")
BINS = 72
_LOW, _HIGH = math.radians(60.0), math.radians(180.0)  # C-alpha angles
_N_ANGLES = 31
_TAU, _SPREAD = math.radians(111.0), math.radians(3.5)
_TAU_CAP = 4.0  # standard deviations beyond which the energy of N-CA-C rises in a straight line
CA_CA = {False: 3.80, True: 2.95}
"""Distances in angstrom of neighbouring C-alphas, trans and cis."""
RAMA_KINDS = ("general", "glycine", "isoleucine-valine", "pre-proline", "trans-proline", "cis-proline")
_RADII = {"C": 1.7, "N": 1.55, "O": 1.4}
_STIFF = 60.0  # nats per squared angstrom of overlap
_LOCAL_PAIRS = (("O-", "C"), ("O-", "O"), ("O-", "N+"), ("C-", "O"), ("C-", "N+"), ("CA-", "C"), ("N", "CA+"))
_CB_PAIRS = (("O-", "CB"), ("CA-", "CB"), ("CB", "CA+"))
_CD_PAIRS = (("N", "CD+"), ("CB", "CD+"))


@functools.cache
def tables():
    """The arrays of ``tables.npz`` in nats, as float64 tensors; `training.trace_prior` says what they are."""
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


def _trilinear(table, base, index, share, sizes, periodic):
    """
    Values and derivatives (per grid step) of flat tables.

    Parameters
    ----------
    table : torch.Tensor (n,)
    base : torch.Tensor (...) int64
        Where each element's own three-dimensional table begins.
    index, share : three tensors (...)
    sizes : three ints
    periodic : three bools
    """
    strides = (sizes[1] * sizes[2], sizes[2], 1)
    low = [i * s for i, s in zip(index, strides, strict=True)]
    high = [
        (torch.where(i + 1 == n, 0, i + 1) if turns else i + 1) * s
        for i, s, n, turns in zip(index, strides, sizes, periodic, strict=True)
    ]
    x, y, z = share

    def line(a, b):
        start = base + a + b
        near, far = (table.index_select(0, (start + c).flatten()).view(start.shape) for c in (low[2], high[2]))
        return near + z * (far - near), far - near

    (v00, d00), (v01, d01) = line(low[0], low[1]), line(low[0], high[1])
    (v10, d10), (v11, d11) = line(high[0], low[1]), line(high[0], high[1])
    v0, v1 = v00 + y * (v01 - v00), v10 + y * (v11 - v10)
    d0, d1 = d00 + y * (d01 - d00), d10 + y * (d11 - d10)
    along_y = (v01 - v00) + x * ((v11 - v10) - (v01 - v00))
    return v0 + x * (v1 - v0), v1 - v0, along_y, d0 + x * (d1 - d0)


class TracePrior:
    """
    -log p(torsion of i, angle of i+1 | angle of i) in nats, density per squared radian.

    Parameters
    ----------
    types : torch.Tensor (N,) int64
        Residue types, indices into `residues.ALPHABET`.
    """

    def __init__(self, types):
        table = tables()["trace"].to(types.device)
        self.sizes = table.shape[2:]
        glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
        kind = glycine.long() + 2 * proline.long()
        self.base = (kind * 3 + kind.roll(-1)) * math.prod(self.sizes)
        self.table = table.flatten()

    def __call__(self, angle, torsion, following):
        """Energies (..., N) and their derivatives with respect to the three arguments (..., N)."""
        n, m, _ = self.sizes
        wide, turn = (_HIGH - _LOW) / n, 2 * math.pi / m
        cells = [
            _cell(angle, _LOW + wide / 2, wide, n),
            _cell(torsion, -math.pi + turn / 2, turn, m, periodic=True),
            _cell(following, _LOW + wide / 2, wide, n),
        ]
        index, share = zip(*cells, strict=True)
        base = self.base.expand(angle.shape)
        value, a, t, f = _trilinear(self.table, base, index, share, self.sizes, (False, True, False))
        return value, a / wide, t / turn, f / wide


def residue_atoms(cis_before, cis_after):
    """
    Atoms of and around a residue, each broadcastable to (31, 72, 72, 3), by name: those of the residue before end in -,
    those of the one after in +.

    Indices are the C-alpha angle, from 60 to 180 degrees, and how far the peptides before and after are turned: the
    one before about CA(i-1)->CA(i) from the side of CA(i+1), the one after about CA(i)->CA(i+1) from the side of
    CA(i-1), as `internal` has it.
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
    atoms["CD+"] = place(atoms["CA"], atoms["C"], atoms["N+"], 1.47, math.radians(125.5), 0.0)  # of a proline
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
    total = 0.0
    for a, b in pairs:
        polar = a[0] in "NO" and b[0] in "NO"
        least = 2.6 if polar else _RADII[a[0]] + _RADII[b[0]] - 0.3
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
        self.thinned = {}  # the table with fewer turns after, by their number

    def __call__(self, angle, before, after):
        """Energies (..., N) and their derivatives with respect to angle and turns (..., N)."""
        wide, turn = (_HIGH - 0.01 - _LOW) / (_N_ANGLES - 1), 2 * math.pi / BINS
        cells = [
            _cell(angle, _LOW, wide, _N_ANGLES),
            _cell(before, -math.pi, turn, BINS, periodic=True),
            _cell(after, -math.pi, turn, BINS, periodic=True),
        ]
        index, share = zip(*cells, strict=True)
        base = (self.variant * math.prod(self.sizes)).expand(angle.shape)
        value, a, b, c = _trilinear(self.flat, base, index, share, self.sizes, (False, True, True))
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

    def matrices(self, angle, torsion_before, at, bins):
        """
        Energies of residues `at` (n,) for all turns of the peptides on both sides, on `bins` points of the circle each.

        Parameters
        ----------
        angle, torsion_before : torch.Tensor (F, N)
            Of the residue, and of the residue before it.
        at : torch.Tensor (n,) int64
        bins : int
            A divisor of 72.

        Returns
        -------
        torch.Tensor (F, n, bins, bins)
            Rows: peptide before, in its own turn (from the side of the C-alpha before it); columns: peptide after.
        """
        wide, every = (_HIGH - 0.01 - _LOW) / (_N_ANGLES - 1), BINS // bins
        level = ((angle[:, at] - _LOW) / wide).round().clamp(0, _N_ANGLES - 1).long()  # (F, n)
        shift = (torsion_before[:, at] / (2 * math.pi) * BINS).round().long()
        # turn from the side of CA(i+1) = own turn - torsion, in bins; both are counted from -180 degrees
        rows = torch.arange(0, BINS, every, device=angle.device)
        rows = torch.remainder(rows - shift.unsqueeze(-1), BINS)  # (F, n, bins)
        first = ((self.variant[at] * _N_ANGLES + level).unsqueeze(-1) * BINS + rows).flatten()
        if bins not in self.thinned:
            self.thinned[bins] = self.table[..., ::every].reshape(-1, bins)
        return self.thinned[bins].index_select(0, first).view(*level.shape, bins, bins)


def _kinds(types, ends, cis_before):
    """Which of the six Ramachandran maps each residue goes by, in the order of the Top8000 module."""
    glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
    branched = (types == residues.TYPE_OF_NAME["ILE"]) | (types == residues.TYPE_OF_NAME["VAL"])
    kinds = torch.where(branched, 2, 0)
    kinds = torch.where(proline.roll(-1) & ~ends, 3, kinds)
    kinds = torch.where(proline, torch.where(cis_before, 5, 4), kinds)
    return torch.where(glycine, 1, kinds)
