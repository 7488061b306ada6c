"""
How the backbone and the beads move with C-alphas and peptides, by finite differences of every fifth residue at a time.

Shapes: F frames, R residues, J beads of a residue, n unknowns of a residue: x, y, z of its C-alpha where these move,
and its peptide and end angle. Angstrom, radians and nats.
"""

import dataclasses
import math

import torch

from ..chemistry import peptide_geometry
from ..chemistry.residues import CA, CB, C, N
from ..geometry.vectors import angle, bisector_frame, dihedral, wrap
from ..torsions.internal import END, PEPTIDE
from ..traces.energies import ramachandran_tables, residue_kinds
from .banded import REACH, WIDTH

_STEP = 0.01  # angstrom or radians of finite differences; chosen: by hand
_TURN = 2 * math.pi / 72  # radians between points of the Ramachandran maps; cited: `traces.energies`


@dataclasses.dataclass(frozen=True)
class Shape:
    """
    What of a backbone counts, for beads and by itself.

    Attributes
    ----------
    beads : torch.Tensor, shape (..., F, R, J, 3)
    phi, psi, bend, length : torch.Tensor, shape (..., F, R)
        Of the backbone; from each C-alpha to the next one.
    """

    beads: torch.Tensor
    phi: torch.Tensor
    psi: torch.Tensor
    bend: torch.Tensor
    length: torch.Tensor


class BackboneFit:
    """
    The part of the fit that belongs to backbones: made once for a molecule and its targets.

    Parameters
    ----------
    internal : InternalCoordinates
    targets : BeadTargets
    settings : FitSettings
    """

    def __init__(self, internal, targets, settings):
        self.internal, self.targets, self.settings = internal, targets, settings
        self.weights = targets.table.weights
        self.beyond = self.weights[..., CB:].sum(-1, keepdim=True)  # (R, J, 1)
        self.moves = targets.scale is not None and bool((targets.scale > 0).any())
        self.unknowns = range(0 if self.moves else 3, 5)
        starts, ends = internal.starts, internal.ends
        self.bonded, self.inner = ~ends, ~(starts | ends)
        cis = internal.cis & ~ends
        self.rest = torch.where(cis, peptide_geometry.CA_CA[True], peptide_geometry.CA_CA[False])
        self.maps = ramachandran_tables(ends.device)
        self.kinds = residue_kinds(internal.types, ends, internal.cis.roll(1) & ~ends.roll(1))
        index = torch.arange(len(ends), device=ends.device)
        steps = torch.arange(-REACH, REACH + 1, device=ends.device)
        self.colour = torch.remainder(index[:, None] + steps, WIDTH)  # (R, 5) of the residues around each
        self.chosen = torch.remainder(index, WIDTH) == torch.arange(WIDTH, device=ends.device)[:, None]  # (5, R)

    def prior(self, like):
        """One over the square of the width of each unknown, (F, R, n)."""
        settings, targets = self.settings, self.targets
        turns = like.new_tensor([settings.peptide, settings.end]).expand(*like.shape[:2], 2)
        if not self.moves:
            return turns.square().reciprocal()
        widths = targets.scale.clamp_min(settings.least).unsqueeze(-1).expand(-1, -1, 3)
        return torch.cat([widths, turns], -1).square().reciprocal()

    def values(self, beads, torsions):
        """The unknowns (F, R, n)."""
        turns = torsions[..., [PEPTIDE, END]]
        return torch.cat([beads, turns], -1) if self.moves else turns

    def stepped(self, beads, torsions, step):
        """C-alphas and torsions after a step (F, R, n) of the unknowns."""
        torsions = torsions.clone()
        torsions[..., PEPTIDE] += step[..., -2]
        torsions[..., END] += step[..., -1]
        if self.moves:
            beads = torch.where((self.targets.scale > 0).unsqueeze(-1), beads + step[..., :3], beads)
        return beads, torsions

    def shape(self, beads, torsions, local):
        """`Shape` of C-alphas and torsions; `local` (F, R, J, 3) are the side chains' shares, in the own frame."""
        n, c, o = self.targets.backbone(self.internal.backbone(beads, torsions))
        frame = bisector_frame(n, beads, c)
        placed = torch.stack([n, beads, c, o], -2)
        places = self.weights[..., :CB].to(placed) @ placed + self.beyond.to(placed) * beads.unsqueeze(-2)
        phi = dihedral(c.roll(1, -2), n, beads, c)
        psi = dihedral(n, beads, c, n.roll(-1, -2))
        length = (beads.roll(-1, -2) - beads).norm(dim=-1)
        return Shape(places + local @ frame, phi, psi, angle(n, beads, c), length)

    def local(self, atoms):
        """Shares of side chains in beads, (F, R, J, 3), in the frame of their backbone, from atoms (F, R, 14, 3)."""
        n, ca, c = (atoms[..., k, :] for k in (N, CA, C))
        levers = self.weights[..., CB:].to(atoms) @ (atoms[..., CB:, :] - ca.unsqueeze(-2))
        return levers @ bisector_frame(n, ca, c).transpose(-1, -2)

    def residuals(self, shape):
        """
        What is off, each in multiples of its width, (F, R, m), and by what of a `Shape` it changes.

        Returns
        -------
        torch.Tensor, shape (F, R, m)
        function
            Of changes of a `Shape` (..., F, R), to those of the former (..., F, R, m).
        """
        settings, root = self.settings, self.targets.precision.sqrt().unsqueeze(-1)
        off = ((shape.beads - self.targets.positions) * root).flatten(-2)
        bend = self.inner / settings.bend
        length = self.bonded / settings.length * self.moves
        energy, by_phi, by_psi = self._ramachandran(shape)
        excess = (energy - settings.floor).clamp_min(0) * self.inner
        size = (2 * settings.maps * excess).sqrt()
        steep = settings.maps * (excess > 0) / size.clamp_min(1.0)
        tau = self.internal.tau.to(bend)
        others = [(shape.bend - tau) * bend, (shape.length - self.rest) * length, size]

        def change(by):
            others = [by.bend * bend, by.length * length, steep * (by_phi * by.phi + by_psi * by.psi)]
            return torch.cat([(by.beads * root).flatten(-2), torch.stack(others, -1)], -1)

        return torch.cat([off, torch.stack(others, -1)], -1), change

    def _ramachandran(self, shape):
        """Energies (F, R) on the maps and derivatives with respect to phi and psi."""
        at = [torch.ones_like(shape.phi, dtype=torch.float64)] + [
            (x.double() + math.pi) / _TURN for x in (shape.phi, shape.psi)
        ]
        value, _, by_phi, by_psi = self.maps(self.kinds.expand(shape.phi.shape), at)
        return value.to(shape.phi), by_phi.to(shape.phi) / _TURN, by_psi.to(shape.phi) / _TURN

    def derivatives(self, beads, torsions, local, shape):
        """`Shape` of derivatives (n, 5, F, R, ...) with respect to the unknowns of every fifth residue."""
        found = []
        for unknown in self.unknowns:
            nudge = _STEP * self.chosen[:, None, :, None]  # (5, 1, R, 1)
            moved, turned = beads.expand(WIDTH, -1, -1, -1), torsions.expand(WIDTH, -1, -1, -1)
            if unknown < 3:
                moved = moved + nudge * torch.eye(3).to(beads)[unknown]
            else:
                turned = turned.clone()
                turned[..., (PEPTIDE, END)[unknown - 3]] += nudge[..., 0]
            other = self.shape(moved, turned, local)
            parts = {name: getattr(other, name) - getattr(shape, name) for name in vars(shape)}
            parts |= {name: wrap(parts[name]) for name in ("phi", "psi")}
            found.append(parts)
        return Shape(**{name: torch.stack([parts[name] for parts in found]) / _STEP for name in vars(shape)})

    def slopes(self, derivatives, change):
        """Derivatives (F, R, m, 5, n) of the residuals with respect to the unknowns of the residues around each."""
        found = change(derivatives)  # (n, 5, F, R, m)
        rows = torch.arange(found.shape[3], device=found.device).unsqueeze(1)
        return found.permute(1, 2, 3, 4, 0)[self.colour, :, rows].permute(2, 0, 3, 1, 4)  # from (R, 5, F, m, n)
