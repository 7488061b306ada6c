"""
Energies of C-alpha traces and of the backbones that they carry, as tables with derivatives.

* `TracePrior`: -log p(torsion, angle | angle before) of C-alpha traces, learned from crystal structures.
* `Backbone`: what peptides on both sides of a residue make of it: its place on the Ramachandran map of its kind, and
  its angle N-CA-C. Both follow from the C-alpha angle and from how the two peptides are turned about their axes.

Energies are in nats, angles in radians. Shapes: `...` leading dimensions (frames), R residues, B bins of a peptide.
"""

import functools
import math
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import nn

from ..chemistry import peptide_geometry, residues
from ..chemistry.elements import ELEMENTS, allowed_distances
from ..geometry.vectors import PeptideTemplate, angle, axis_frame, bisector_frame, dihedral, place, turn_about_x
from .settings import DEFAULTS
from .splines import SmoothTables

TABLES = Path(__file__).with_name("tables.npz")
BINS = 72  # points of the circle for turns of peptides; chosen: by hand, every 5 degrees as the Ramachandran maps
N_ANGLES = 31  # points for C-alpha angles; chosen: by hand, every 4 degrees
_LOW, _HIGH = math.radians(60.0), math.radians(180.0)  # radians, C-alpha angles; chosen: by hand, all that occur
_WIDEST = _HIGH - 0.01  # radians; chosen: by hand, a straight angle has no plane
_WIDE, _TURN = (_WIDEST - _LOW) / (N_ANGLES - 1), 2 * math.pi / BINS
_PLACES = (1 / _WIDE, 1 / _TURN, 1 / _TURN), (-_LOW / _WIDE, math.pi / _TURN, math.pi / _TURN)  # as `_read` takes them
_TAU, _SPREAD = math.radians(peptide_geometry.N_CA_C_MEAN), math.radians(peptide_geometry.N_CA_C_SPREAD)
_GENERAL, _GLYCINE, _BRANCHED, _PRE_PROLINE, _TRANS_PROLINE, _CIS_PROLINE, _MIRRORED = range(7)
RAMA_KINDS = ("general", "glycine", "isoleucine-valine", "pre-proline", "trans-proline", "cis-proline")
_PROLINE_CD = peptide_geometry.PROLINE_N_CD, math.radians(peptide_geometry.PROLINE_C_N_CD)
_LOCAL_PAIRS = (("O-", "C"), ("O-", "O"), ("O-", "N+"), ("C-", "O"), ("C-", "N+"), ("CA-", "C"), ("N", "CA+"))
_CB_PAIRS = (("O-", "CB"), ("CA-", "CB"), ("CB", "CA+"))
_CD_PAIRS = (("N", "CD+"), ("CB", "CD+"))


@functools.cache
def tables():
    """The arrays of ``tables.npz`` in nats, as float64 tensors; `training.priors.trace_prior` says what they are."""
    with np.load(TABLES) as packed:
        step = float(packed["step"])
        return {name: torch.tensor(packed[name].astype(np.float64) * step) for name in ("trace", "rama")}


def _cell(places):
    """Grid points (...), int64, to the left of `places` (...) in grid steps, and the share of the way to the next."""
    left = places.floor()
    return left.long(), places - left


def _angle_cell(angle):
    """The same for C-alpha angles (...) in radians."""
    return _cell(((angle - _LOW) / _WIDE).clamp(0, N_ANGLES - 1 - 1e-4))


def _read(tables, variant, places, arguments):
    """Values (..., R) of `SmoothTables` at three arguments (..., R), by scale and offset of each, and derivatives."""
    scale, offset = places
    at = [value * by + off for value, by, off in zip(arguments, scale, offset, strict=True)]
    value, *slopes = tables(variant.expand(arguments[0].shape), at)
    return value, *(slope * by for slope, by in zip(slopes, scale, strict=True))


@functools.cache
def _trace_tables(blur=None):
    """The trace prior's tables (3, 3, 24, 36, 24), under a Gaussian of some grid steps along the last three axes."""
    table, edges = tables()["trace"].numpy(), ("nearest", "nearest", "nearest", "wrap", "nearest")
    return torch.from_numpy(gaussian_filter(table, (0, 0, *blur), mode=edges) if blur else table)


class TracePrior:
    """
    -log p(torsion of i, angle of i+1 | angle of i) in nats, density per squared radian.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
        Residue types, indices into `residues.ALPHABET`.
    blur : tuple of three floats, optional
        Grid steps of a Gaussian over the tables along angle, torsion and next angle.
    mirrored : torch.Tensor of bool, shape (R,), optional
        D-residues: two in a row have the other sign of the torsion.
    """

    def __init__(self, types, blur=None, mirrored=None):
        table = _trace_tables(blur).to(types.device)
        self.sizes = table.shape[2:]
        glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
        kind = glycine.long() + 2 * proline.long()
        self.variant, table = kind * 3 + kind.roll(-1), table.flatten(0, -4)
        if mirrored is not None and mirrored.any():
            self.variant = torch.where(mirrored & mirrored.roll(-1), len(table), self.variant)
            table = torch.cat([table, table[:1].flip(2)])
        self.tables = SmoothTables(table, (False, True, False))
        n, m, _ = self.sizes
        scale = n / (_HIGH - _LOW), m / (2 * math.pi), n / (_HIGH - _LOW)
        offset = -_LOW * scale[0] - 0.5, math.pi * scale[1] - 0.5, -_LOW * scale[2] - 0.5
        self.places = scale, offset  # make points of the grid of the arguments of a call

    @functools.cached_property
    def grid(self):
        """`SmoothTables.grid` for the arguments of a call."""
        return self.tables.grid(self.variant, self.places)

    def __call__(self, angle, torsion, following):
        """Energies (..., R) and their derivatives with respect to the three arguments (..., R)."""
        return _read(self.tables, self.variant, self.places, (angle, torsion, following))


def residue_atoms(cis_before, cis_after):
    """
    Atoms of and around a residue, each broadcastable to (31, 72, 72, 3), by name.

    Names of the residue before end in -, those of the one after in +. Indices are the C-alpha angle, from 60 to 180
    degrees, and how far the peptides before and after are turned: the one before about CA(i-1)->CA(i) from the side of
    CA(i+1), the one after about CA(i)->CA(i+1) from the side of CA(i-1), as `internal` has it.
    """
    wide = torch.linspace(_LOW, _WIDEST, N_ANGLES, dtype=torch.float64)
    turns = torch.arange(BINS, dtype=torch.float64) * _TURN - math.pi
    zero = torch.zeros_like(wide)
    centre = torch.stack([zero, zero, zero], -1)
    back = centre - torch.tensor([peptide_geometry.CA_CA[cis_before], 0.0, 0.0], dtype=torch.float64)
    ahead = peptide_geometry.CA_CA[cis_after] * torch.stack([-wide.cos(), wide.sin(), zero], -1)
    first = _turned(cis_before, back, centre, ahead, turns)
    last = _turned(cis_after, centre, ahead, back, turns)
    atoms = {"CA": centre[:, None, None], "CA-": back[:, None, None], "CA+": ahead[:, None, None]}
    atoms |= {name: at[:, :, None] for name, at in zip(("C-", "O-", "N"), first, strict=True)}  # (31, 72, 1, 3)
    atoms |= {name: at[:, None] for name, at in zip(("C", "O", "N+"), last, strict=True)}
    n, ca, c = torch.broadcast_tensors(atoms["N"], atoms["CA"], atoms["C"])
    beta = torch.tensor(residues.IDEAL_ATOMS["ALA"]["CB"][1:], dtype=torch.float64)
    atoms["CB"] = ca + beta @ bisector_frame(n, ca, c)
    atoms["CD+"] = place(atoms["CA"], atoms["C"], atoms["N+"], *_PROLINE_CD, 0.0)  # of a proline
    return atoms


def _turned(cis, origin, tip, reference, turns):
    """C, O and N (angles, turns, 3) of a peptide from `origin` to `tip`, turned from the side of `reference`."""
    local = PeptideTemplate(cis)(torch.tensor(peptide_geometry.CA_CA[cis], dtype=torch.float64))
    local = turn_about_x(local[None], turns[:, None])  # (72, 3, 3)
    frame = axis_frame(origin, tip, reference)
    return (origin[:, None, None] + local @ frame[:, None]).unbind(-2)


@functools.cache
def ramachandran_tables(device):
    """The six Ramachandran maps as `SmoothTables`; the first of their three axes is constant, with 1 in its middle."""
    return SmoothTables(tables()["rama"].unsqueeze(1).repeat(1, 3, 1, 1).to(device), (False, True, True))


def _ramachandran(kind, phi, psi):
    """Energies (...) on one of the six maps, or of D-residues: the general one mirrored."""
    if kind == _MIRRORED:
        return _ramachandran(_GENERAL, -phi, -psi)
    rama = tables()["rama"][kind].numpy()
    places = (torch.stack([phi, psi]) + math.pi) * (len(rama) / (2 * math.pi))
    return torch.from_numpy(map_coordinates(rama, places.numpy(), order=1, mode="grid-wrap"))


def _overlaps(kind, atoms, settings):
    """Energies (31, 72, 72) of atoms of neighbouring residues that are too near, four bonds and more apart."""
    names = "glycine" if kind == _MIRRORED else RAMA_KINDS[kind]  # CB of D-residues is elsewhere
    pairs = [*_LOCAL_PAIRS, *(_CB_PAIRS if names != "glycine" else ()), *(_CD_PAIRS if names == "pre-proline" else ())]
    total, allowed = 0.0, allowed_distances(settings.touch)
    for a, b in pairs:
        least = allowed[ELEMENTS.index(a[0]), ELEMENTS.index(b[0])]
        total = total + settings.stiffness * (least - (atoms[a] - atoms[b]).norm(dim=-1)).clamp_min(0).square()
    return total


def backbone_angles(cis_before, cis_after):
    """phi, psi and N-CA-C (31, 72, 72) of `residue_atoms`."""
    atoms = residue_atoms(cis_before, cis_after)
    names = ("C-", "N", "CA", "C", "N+")
    before, n, ca, c, after = torch.broadcast_tensors(*(atoms[name] for name in names))
    return dihedral(before, n, ca, c), dihedral(n, ca, c, after), angle(n, ca, c)


@functools.cache
def _backbone_table(kind, cis_before, cis_after, settings):
    """Energies (31, 72, 72) of one kind of residue."""
    phi, psi, tau = backbone_angles(cis_before, cis_after)
    energy = _ramachandran(kind, phi, psi) + _overlaps(kind, residue_atoms(cis_before, cis_after), settings)
    off, cap = (tau - _TAU).abs() / _SPREAD, settings.cap
    bend = torch.where(off < cap, 0.5 * off**2, cap * off - 0.5 * cap**2)
    return energy + bend


class Backbone:
    """
    Energies of residues by C-alpha angle and the turns of both peptides.

    Parameters
    ----------
    types, ends, cis : torch.Tensor, shape (R,)
        As `InternalCoordinates` has them.
    settings : TraceSettings
        Of these, the energies, and the points of the circle that `maps` is asked for.
    mirrored : torch.Tensor of bool, shape (R,), optional
        D-residues.
    """

    def __init__(self, types, ends, cis, settings=DEFAULTS, mirrored=None):
        before = cis.roll(1) & ~ends.roll(1)
        kinds = residue_kinds(types, ends, before)
        kinds = kinds if mirrored is None else torch.where(mirrored, _MIRRORED, kinds)
        variants = torch.stack([kinds, before.long(), (cis & ~ends).long()], 1)
        distinct, self.variant = torch.unique(variants, dim=0, return_inverse=True)
        parts = [_backbone_table(kind, bool(a), bool(b), settings.backbone) for kind, a, b in distinct.tolist()]
        table = torch.stack(parts).to(types.device)  # (variants, 31, 72, 72)
        self.smooth, self.table = SmoothTables(table, (False, True, True)), table.float()  # grids decide nothing finer
        turning = settings.turning
        every = {n: BINS // n for n in (turning.bins, turning.rough_bins, turning.sum_bins)}
        # With fewer turns, by their number; behind these tables, the same across.
        thinned = {n: self.table[:, :, ::step, ::step].flatten(0, 1) for n, step in every.items()}
        self.thinned = {n: torch.cat([table, table.mT]) for n, table in thinned.items()}

    @functools.cached_property
    def grid(self):
        """`SmoothTables.grid` for the arguments of a call."""
        return self.smooth.grid(self.variant, _PLACES)

    def __call__(self, angle, before, after):
        """Energies (..., R) and their derivatives with respect to angle and turns (..., R)."""
        return _read(self.smooth, self.variant, _PLACES, (angle, before, after))

    def begun(self, angle):
        """Rows of turns that residues' maps begin at, for C-alpha angles (F, R), and shares of the way on, (R, F)."""
        low, share = self.cells(angle.T.contiguous())
        return (low + (self.variant * N_ANGLES).unsqueeze(1)) * BINS, share

    def turned(self, rows, shares, before):
        """
        Energies (..., 72) of residues for all turns of the peptide after, that before turned as it is.

        `rows` and `shares` (...) are those of `begun`, `before` (...) the turn of the peptide before, as in a call.
        """
        left, share = _cell((before + math.pi) / _TURN)
        left, share = torch.remainder(left, BINS), share.to(self.table)
        turns = torch.stack([left, torch.where(left == BINS - 1, 0, left + 1)], -1) + rows.unsqueeze(-1)
        weights, shares = torch.stack([1 - share, share], -1), shares.unsqueeze(-1)
        index = torch.cat([turns, turns + BINS], -1).view(-1, 4)
        weights = torch.cat([weights * (1 - shares), weights * shares], -1).view(-1, 4)
        table = self.table.view(-1, BINS)
        energies = nn.functional.embedding_bag(index, table, mode="sum", per_sample_weights=weights)
        return energies.view(*before.shape, BINS)

    def maps(self, angle, bins):
        """`Maps` for C-alpha angles (F, R), on one of the numbers of points that tables were made for."""
        low, share = self.cells(angle.T.contiguous())
        rows = low + (self.variant * N_ANGLES).unsqueeze(1)
        return Maps(self.thinned[bins].flatten(1), rows, share, bins)

    def cells(self, angle):
        """Rows of tables to the left of C-alpha angles (...), and the share of the way to the next."""
        low, share = _angle_cell(angle)
        return low, share.to(self.table)


class Maps:
    """
    Energies of residues for all turns of the peptides on both sides, read some residues at a time.

    Parameters
    ----------
    table : torch.Tensor, shape (2 V, B * B)
        Of each kind of residue and C-alpha angle; then the same across.
    rows : torch.Tensor of int64, shape (R, F)
        To the left of each angle.
    shares : torch.Tensor, shape (R, F)
        Of the way to the next row.
    bins : int
        Points of the circle, B.
    """

    def __init__(self, table, rows, shares, bins):
        self.table, self.bins = table, bins
        self.rows, self.shares = torch.cat([rows, rows + len(table) // 2]), torch.cat([shares, shares])[..., None, None]

    def __call__(self, at):
        """
        Energies (n, F, B, B) of residues `at` (n,), peptide before by peptide after; from R on, the same across.

        Both are turned from the side of the third C-alpha, as in `residue_atoms`.
        """
        rows = self.rows.index_select(0, at)
        near, far = (
            self.table.index_select(0, (rows + k).flatten()).view(*rows.shape, self.bins, self.bins) for k in (0, 1)
        )
        return near.lerp_(far, self.shares.index_select(0, at))


def residue_kinds(types, ends, cis_before):
    """Which of the six Ramachandran maps each residue goes by, in the order of the Top8000 module."""
    glycine, proline = types == residues.TYPE_OF_NAME["GLY"], types == residues.TYPE_OF_NAME["PRO"]
    branched = (types == residues.TYPE_OF_NAME["ILE"]) | (types == residues.TYPE_OF_NAME["VAL"])
    kinds = torch.where(branched, _BRANCHED, _GENERAL)
    kinds = torch.where(proline.roll(-1) & ~ends, _PRE_PROLINE, kinds)
    kinds = torch.where(proline, torch.where(cis_before, _CIS_PROLINE, _TRANS_PROLINE), kinds)
    return torch.where(glycine, _GLYCINE, kinds)
