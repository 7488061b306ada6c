"""
Candidates of side chains are turned onto their beads, each by some Gauss-Newton steps.

Shapes: F frames, K candidates, R residues, r of them whose side chains count in beads, J beads of a residue. Angstrom,
radians and kT.
"""

import dataclasses
import math

import torch

from ..chemistry.residues import SYMMETRIC_CHIS, TYPE_OF_NAME
from ..geometry.vectors import full_precision
from ..packing.rigid import tilted
from ..torsions.internal import InternalCoordinates
from .levers import CHI, TILT, Levers, turns

_PRO = TYPE_OF_NAME["PRO"]


@full_precision
def onto_beads(candidates, targets, settings):
    """
    Candidates turned onto their beads.

    Parameters
    ----------
    candidates : Candidates
    targets : BeadTargets
    settings : FitSettings

    Returns
    -------
    Candidates
        With tilts, and with what misfits and turns cost as their own energy.
    """
    types = candidates.internal.types
    at = targets.side_chains
    at = at[(types[at] != _PRO) & candidates.internal.defined[at, 1]]
    given = candidates.conformation.given
    at = at if given is None else at[given.turnable(candidates.internal)[at]]
    if len(at) == 0:
        return candidates
    fit = _Fit(candidates, targets, at, settings)
    torsions, tilt, atoms = fit.named(candidates.torsions[:, :, at], candidates.atoms[:, :, at])
    start = torsions
    for _ in range(settings.steps):
        torsions, tilt = fit.step(start, torsions, tilt, atoms)
        atoms = fit.atoms(torsions, tilt)
    cost = fit.cost(start, torsions, tilt, atoms)
    whole = candidates.torsions.clone(), candidates.atoms.clone()
    tilts, costs = torch.zeros_like(whole[0][..., :3]), torch.zeros_like(whole[0][..., 0])
    for values, part in zip((*whole, tilts, costs), (torsions, atoms, tilt, cost), strict=True):
        values[:, :, at] = part
    return dataclasses.replace(candidates, torsions=whole[0], atoms=whole[1], tilt=tilts, misfit=costs)


class _Fit:
    """The fit of the candidates of residues `at` (r,)."""

    def __init__(self, candidates, targets, at, settings):
        self.settings, self.targets, self.at = settings, targets, at
        self.types = types = candidates.internal.types[at]
        ends = torch.ones_like(at, dtype=torch.bool)
        self.internal = InternalCoordinates(types, ends, ~ends)  # one by one: backbones are given
        shape = (-1, candidates.torsions.shape[1], -1, -1)
        backbone = (candidates.conformation.beads, *candidates.conformation.backbone)
        self.backbone = [part[:, at].unsqueeze(1).expand(shape) for part in backbone]
        self.levers = Levers(types, targets.table.weights[at])
        self.root = targets.precision[at].sqrt()  # (r, J)
        self.prior = turns(settings.tilt, settings.chi, self.root).square().reciprocal()

    def atoms(self, torsions, tilt):
        """Atoms (F, K, r, 14, 3) of torsions (F, K, r, 6) and tilts (F, K, r, 3)."""
        ca, *backbone = self.backbone
        return tilted(self.internal.to_cartesian(ca, torsions, backbone), tilt)

    def _off(self, atoms):
        """How far beads are off, in multiples of their sigma, (F, K, r, J, 3)."""
        return self.targets.misfit(atoms, self.at) * self.root.unsqueeze(-1)

    def _moved(self, start, torsions, tilt):
        """Turns (F, K, r, 7) from where a candidate was drawn."""
        return torch.cat([tilt, (torsions - start)[..., 1:5]], -1)

    def step(self, start, torsions, tilt, atoms):
        """Torsions and tilts after a Gauss-Newton step."""
        longest = self.settings.longest
        slopes = (self.levers(atoms) * self.root[..., None, None]).flatten(-3, -2)  # (F, K, r, 3 J, 7)
        off, moved = self._off(atoms).flatten(-2), self._moved(start, torsions, tilt)
        curvature = slopes.transpose(-1, -2) @ slopes + torch.diag_embed(self.prior)
        slope = (slopes.transpose(-1, -2) @ off.unsqueeze(-1)).squeeze(-1) + self.prior * moved
        turn = -torch.linalg.solve(curvature, slope).clamp(-longest, longest) * self.levers.free
        torsions = torch.cat([torsions[..., :1], torsions[..., 1:5] + turn[..., CHI], torsions[..., 5:]], -1)
        return torsions, tilt + turn[..., TILT]

    def cost(self, start, torsions, tilt, atoms):
        """Energies (F, K, r) of misfits and of turns."""
        moved = self._moved(start, torsions, tilt)
        return 0.5 * (self._off(atoms).square().sum((-1, -2)) + (self.prior * moved.square()).sum(-1))

    def named(self, torsions, atoms):
        """
        Torsions, no tilts and atoms, those of symmetric groups with the names that their beads ask for.

        Beads that tell CD1 from CD2 may have got their names from files where these are not canonical.
        """
        other = torsions.clone()
        for name, k in SYMMETRIC_CHIS.items():
            other[..., self.types == TYPE_OF_NAME[name], 1 + k] += math.pi
        tilt = torch.zeros_like(torsions[..., :3])
        turned = self.atoms(other, tilt)
        gain = 0.5 * (self._off(atoms).square() - self._off(turned).square()).sum((-1, -2))
        better = (gain > self.settings.named).unsqueeze(-1)
        return torch.where(better, other, torsions), tilt, torch.where(better.unsqueeze(-1), turned, atoms)
