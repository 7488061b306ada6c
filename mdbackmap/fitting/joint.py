"""
C-alphas, peptides, side-chain torsions and tilts brought onto beads together (Gauss-Newton).

Side chains belong to one residue each: they are eliminated, and what is left couples residues along the chain.

Shapes: F frames, R residues, J beads of a residue, n unknowns of a backbone, 7 turns of a side chain. Angstrom, radians
and kT.
"""

import torch

from ..geometry.vectors import full_precision
from .backbone_fit import BackboneFit
from .banded import around, solve
from .levers import CHI, TILT, Levers, turns


@full_precision
def fit_whole(conformation, targets, settings, anchor=None):
    """
    Bring a conformation onto its beads.

    Parameters
    ----------
    conformation : Conformation
    targets : BeadTargets
    settings : FitSettings
    anchor : Conformation, optional
        To whose C-alphas and peptides the conformation is held; by default to its own.

    Returns
    -------
    Conformation
    """
    if targets.given.all() or not (targets.precision > 0).any():
        return conformation
    single = conformation.beads.dtype
    conformation = conformation.to(torch.float64)  # so that finite differences and stiff springs carry no rounding on
    anchor = conformation if anchor is None else anchor.to(torch.float64)
    fit = _Whole(conformation, targets.double(), settings, anchor)
    for number in range(settings.whole_steps):
        moved = fit.step(conformation, fresh=number % settings.fresh == 0)
        conformation = moved.held(anchor)
    return conformation.to(single)


class _Whole:
    def __init__(self, conformation, targets, settings, anchor):
        self.internal, self.targets, self.settings = conformation.internal, targets, settings
        self.backbone = BackboneFit(self.internal, targets, settings)
        self.levers = Levers(self.internal.types, targets.table.weights)
        self.root = targets.precision.sqrt()
        self.prior = turns(settings.tilt, settings.chi, self.root).square().reciprocal()
        self.bound = self.backbone.prior(conformation.beads)
        self.start = self.backbone.values(anchor.beads, anchor.torsions)
        self.derivatives = None
        self.chis = conformation.torsions[..., 1:5]

    def step(self, conformation, fresh):
        """The conformation after a Gauss-Newton step; derivatives of the backbone are those of before or `fresh`."""
        settings, backbone, atoms = self.settings, self.backbone, conformation.atoms
        beads, torsions, local = conformation.beads, conformation.torsions, self.backbone.local(atoms)
        shape = backbone.shape(beads, torsions, local)
        off, change = backbone.residuals(shape)
        if fresh:
            self.derivatives = backbone.derivatives(beads, torsions, local, shape)
        outer = backbone.slopes(self.derivatives, change)  # (F, R, m, 5, n)
        width, outer = outer.shape[-2:], outer.flatten(-2)
        inner = (self.levers(atoms) * self.root[..., None, None]).flatten(-3, -2)  # (F, R, 3 J, 7)
        n_beads = inner.shape[-2]
        tilt = torch.zeros_like(beads) if conformation.tilt is None else conformation.tilt
        moved = torch.cat([tilt, torsions[..., 1:5] - self.chis], -1)
        back = inner.transpose(-1, -2)
        own = back @ inner + torch.diag_embed(self.prior)
        both = back @ torch.cat([outer[..., :n_beads, :], off[..., :n_beads, None]], -1)
        both[..., -1] += self.prior * moved
        solved = torch.linalg.solve(own, both)  # (F, R, 7, 5 n + 1)
        full = outer.transpose(-1, -2) @ torch.cat([outer, off.unsqueeze(-1)], -1)
        full = full - both[..., :-1].transpose(-1, -2) @ solved
        curvature, slope = full[..., :-1].unflatten(-1, width).unflatten(-3, width), full[..., -1].unflatten(-1, width)
        pull = self.bound * (self.start - backbone.values(beads, torsions))
        step = solve(curvature, -slope, self.bound, pull)
        turn = -(solved[..., :-1] @ around(step).flatten(-2).unsqueeze(-1)).squeeze(-1) - solved[..., -1]
        longest = settings.longest
        turn = turn.clamp(-longest, longest) * self.levers.free
        beads, torsions = backbone.stepped(beads, torsions, step.clamp(-longest, longest))
        torsions[..., 1:5] += turn[..., CHI]
        return self.targets.on_given(conformation.moved(beads, torsions, tilt + turn[..., TILT]))
