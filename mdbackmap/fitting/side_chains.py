"""
Candidates of side chains are turned onto their beads, each by some Gauss-Newton steps.

Shapes: F frames, K candidates, R residues, r of them whose side chains count in beads, J beads of a residue. Angstrom,
radians and kT.
"""

import dataclasses
import math

import torch

from ..chemistry.elements import EQUIVALENT_SLOTS
from ..chemistry.residues import SYMMETRIC_CHIS, TURNING, TYPE_OF_NAME
from ..geometry.vectors import full_precision
from ..packing.candidates import taken
from ..packing.rigid import tilted
from ..torsions.internal import InternalCoordinates
from .levers import CHI, TILT, Levers, turns
from .targets import tells_apart

_PRO = TYPE_OF_NAME["PRO"]


@full_precision
def onto_beads(candidates, targets, settings):
    """
    Candidates turned onto their beads; where beads tell of all side chains, only those that fit best.

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
    internal = candidates.internal
    at = targets.side_chains
    at = at[(internal.types[at] != _PRO) & internal.defined[at, 1]]
    given = candidates.conformation.given
    at = at if given is None else at[given.turnable(internal)[at]]
    if len(at) == 0:
        return candidates
    n_kept = candidates.torsions.shape[1]
    if len(at) == len(internal.movable.residues):
        n_kept = min(n_kept, settings.kept)
    found = {name: getattr(candidates, name)[:, :n_kept].clone() for name in ("torsions", "atoms", "log_weights")}
    found |= {"tilt": torch.zeros_like(found["torsions"][..., :3]), "misfit": torch.zeros_like(found["log_weights"])}
    count = (targets.table.weights[at][..., TURNING:] != 0).any(-1).sum(1)
    for few in (count <= settings.few, count > settings.few):  # arrays are as wide as the most beads of a residue
        if few.any():
            part = _Fit(candidates, targets, at[few], int(count[few].max()), settings)(n_kept)
            for name, values in part.items():
                found[name][:, :, at[few]] = values
    return dataclasses.replace(candidates, **found, targets=dataclasses.replace(targets, held=settings.held))


class _Fit:
    """The fit of the candidates of residues `at` (r,), which have `n_beads` beads with atoms of side chains at most."""

    def __init__(self, candidates, targets, at, n_beads, settings):
        self.settings, self.candidates, self.at = settings, candidates, at
        self.types = types = candidates.internal.types[at]
        ends = torch.ones_like(at, dtype=torch.bool)
        self.internal = InternalCoordinates(types, ends, ~ends)  # one by one: backbones are given
        backbone = (candidates.conformation.beads, *candidates.conformation.backbone)
        self.backbone = [part[:, at].unsqueeze(1) for part in backbone]
        weights, precision = targets.table.weights[at], targets.precision[at]
        counts = (weights[..., TURNING:] != 0).any(-1) & (precision > 0)
        which = torch.sort(counts.int(), dim=1, descending=True, stable=True).indices[:, :n_beads]
        rows = torch.arange(len(at), device=at.device).unsqueeze(1)
        self.weights, self.root = weights[rows, which], (precision * counts)[rows, which].sqrt()
        self.goal = targets.positions[:, at[:, None], which].unsqueeze(1)  # (F, 1, r, J, 3)
        self.levers = Levers(types, self.weights)
        self.prior = turns(settings.tilt, settings.chi, self.root).square().reciprocal()

    def __call__(self, n_kept):
        """What `Candidates` hold of the `n_kept` that fit best, by name."""
        given = self.candidates
        drawn, atoms = given.torsions[:, :, self.at], given.atoms[:, :, self.at]
        start, atoms = self._named(drawn, atoms)
        log_weights, tilt = given.log_weights[:, :, self.at], torch.zeros_like(start[..., :3])
        torsions = start
        for step in range(self.settings.steps):
            turn, cost = self._turn(start, torsions, tilt, atoms)
            if step == 0 and n_kept < cost.shape[1]:
                best = cost.topk(n_kept, 1, largest=False).indices
                parts = start, turn, log_weights.unsqueeze(-1)
                start, turn, log_weights = (taken(values, best) for values in parts)
                torsions, tilt, log_weights = start, tilt[:, :n_kept], log_weights.squeeze(-1)
            torsions = torch.cat([torsions[..., :1], torsions[..., 1:5] + turn[..., CHI], torsions[..., 5:]], -1)
            tilt = tilt + turn[..., TILT]
            atoms = self._atoms(torsions, tilt)
        misfit = self._cost(self._off(atoms), self._moved(start, torsions, tilt))
        return {"torsions": torsions, "atoms": atoms, "log_weights": log_weights, "tilt": tilt, "misfit": misfit}

    def _atoms(self, torsions, tilt):
        """Atoms (F, K, r, 14, 3) of torsions (F, K, r, 6) and tilts (F, K, r, 3)."""
        ca, *backbone = (part.expand(*torsions.shape[:3], 3) for part in self.backbone)
        return tilted(self.internal.to_cartesian(ca, torsions, backbone), tilt)

    def _off(self, atoms):
        """How far beads are off, in multiples of their sigma, (F, K, r, J, 3)."""
        return (self.weights @ atoms - self.goal) * self.root.unsqueeze(-1)

    def _moved(self, start, torsions, tilt):
        """Turns (F, K, r, 7) from where a candidate was drawn."""
        return torch.cat([tilt, (torsions - start)[..., 1:5]], -1)

    def _cost(self, off, moved):
        """Energies (F, K, r) of misfits and of turns."""
        return 0.5 * (off.square().sum((-1, -2)) + (self.prior * moved.square()).sum(-1))

    def _turn(self, start, torsions, tilt, atoms):
        """A Gauss-Newton step (F, K, r, 7), and what candidates will cost after it if beads move in straight lines."""
        slopes = (self.levers(atoms) * self.root[..., None, None]).flatten(-3, -2)  # (F, K, r, 3 J, 7)
        off, moved = self._off(atoms), self._moved(start, torsions, tilt)
        back = slopes.transpose(-1, -2)
        curvature = back @ slopes + torch.diag_embed(self.prior)
        slope = (back @ off.flatten(-2).unsqueeze(-1)).squeeze(-1) + self.prior * moved
        turn = torch.linalg.solve(curvature, -slope)
        cost = self._cost(off, moved) + 0.5 * (turn * slope).sum(-1)
        return turn.clamp(-self.settings.longest, self.settings.longest) * self.levers.free, cost

    def _named(self, torsions, atoms):
        """
        Torsions and atoms, those of symmetric groups with the names that their beads ask for.

        Beads that tell CD1 from CD2 may have got their names from files where these are not canonical.
        """
        told = tells_apart(self.types, self.weights)
        if not told.any():
            return torsions, atoms
        turned, swapped = torsions.clone(), torch.from_numpy(EQUIVALENT_SLOTS).to(self.at.device)[self.types]
        for name, k in SYMMETRIC_CHIS.items():
            turned[..., (self.types == TYPE_OF_NAME[name]) & told, 1 + k] += math.pi
        other = atoms.gather(-2, swapped.unsqueeze(-1).expand_as(atoms))
        gain = 0.5 * (self._off(atoms).square() - self._off(other).square()).sum((-1, -2))
        better = ((gain > self.settings.named) & (turned != torsions).any(-1)).unsqueeze(-1)
        return torch.where(better, turned, torsions), torch.where(better.unsqueeze(-1), other, atoms)
