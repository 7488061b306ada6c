"""
Derivatives of the energies of beads that move, alone or together with peptide angles.

Shapes: F frames, R residues. Lengths in angstrom, angles in radians, energies in nats.
"""

import functools

import numpy as np
import torch

from ..chemistry.peptide_geometry import BETA_BISECTOR, BETA_NORMAL
from ..geometry.compiling import array, suits
from ..options import AUTO_LIMIT
from . import descent_compiled
from .angles import LIMITS
from .crowding import SHORTEST, Crowd
from .strain import FIRST_TORSION


class Slopes:
    """
    Derivatives for the frames that may move.

    Parameters
    ----------
    strain : Strain
        Of the molecule.
    prior : TracePrior
        Whose energies beads follow while peptides are left aside.
    relaxing : Relaxing
    start : torch.Tensor, shape (F, R, 3)
        Beads as they came, in angstrom.
    tolerances : torch.Tensor, shape (F,)
        RMS over a frame that beads may be away from there; 0 leaves a frame out.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows.
    firmness : float
        Contacts are held so many times as firmly as the settings say.

    Attributes
    ----------
    frames : torch.Tensor of int64, shape (f,)
        Those that may move; `start`, `tolerances` and `box` are of these.
    """

    def __init__(self, strain, prior, relaxing, start, tolerances, box=None, firmness=1.0):
        self.frames = frames = tolerances.nonzero()[:, 0]
        self.strain, self.prior, self.relaxing, self.internal = strain, prior, relaxing, strain.internal
        self.start, self.tolerances = start[frames].double(), tolerances[frames]
        self.box = None if box is None else box[frames]
        ease = (AUTO_LIMIT / self.tolerances.clamp_min(AUTO_LIMIT)).square()
        self.restraint = (2 * relaxing.restraint * ease)[:, None, None]
        crowding, held = strain.settings.crowding, (None, None)
        if relaxing.cohesion or relaxing.contact:  # contacts are held more weakly where a model has no angles
            share, left = strain.angleless(self.start), (crowding.cohesion_left, crowding.contact_left)
            held = relaxing.cohesion, firmness * relaxing.contact
            held = [value * (1 - (1 - part) * share) for value, part in zip(held, left, strict=True)]
        self.crowd = Crowd(strain.internal, self.start, crowding, *held, self.box)

    def of_traces(self, beads, angles):
        """On beads, shape (f, R, 3): all energies but those of backbones, and the prior over traces."""
        strain, relaxing = self.strain, self.relaxing
        energy, on_angle, on_torsion, on_next = self.prior(angles.angle, angles.torsion, angles.angle.roll(-1, -1))
        weight = relaxing.prior * strain.turning * _counted(energy, relaxing.prior_floor)
        on_angle = weight * on_angle + (weight * on_next).roll(1, -1)
        return self._pull(beads) + angles.forces(self._on_length(angles), on_angle, weight * on_torsion)

    def of_backbones(self, beads, turns, angles=None):
        """On beads, shape (f, R, 3), and on peptide angles, shape (f, R): all energies but the prior."""
        if angles is None and suits(beads, turns):
            found = descent_compiled.slopes(array(beads), array(turns), *self._frames, *self._parts(True), True)
            return tuple(map(torch.from_numpy, found))
        strain, angles = self.strain, angles or self.strain.angles(beads)
        energy, on_angle, before, after = strain.backbone(angles.angle, (turns - angles.torsion).roll(1, -1), turns)
        weight = self.relaxing.maps * strain.inner * _counted(energy, self.relaxing.floor)
        before = (weight * before).roll(-1, -1)
        forces = angles.forces(self._on_length(angles), weight * on_angle, -before * ~self.internal.starts)
        return self._pull(beads) + forces, before + weight * after

    def descend(self, beads, turns, steps, turning, allowed, joint):
        """
        Take compiled steps, in the prior over traces or, if `joint`, together with peptides.

        Parameters
        ----------
        beads, turns : torch.Tensor, shape (f, R, 3) and (f, R)
        steps, turning : Descent
            Of both; their velocities go on.
        allowed : torch.Tensor, shape (n, f)
            RMS that beads may be away from the start after each step, in angstrom.

        Returns
        -------
        beads, turns : torch.Tensor, shape (f, R, 3) and (f, R)
        """
        moving = [array(values).copy() for values in (beads, steps.velocity, turns, turning.velocity)]
        start, restraint = self._frames
        pace = steps.rate, steps.momentum, steps.longest
        descent_compiled.descend(*moving, start, array(allowed), pace, restraint, *self._parts(joint), joint)
        beads, steps.velocity, turns, turning.velocity = map(torch.from_numpy, moving)
        return beads, turns

    @functools.cached_property
    def _frames(self):
        """Arrays of the frames for compiled loops: the start and the restraint to it."""
        return array(self.start), array(self.restraint.flatten().expand(len(self.start)))

    @functools.cached_property
    def _molecule(self):
        """Arrays of the molecule for compiled loops."""
        known = torch.full_like(self.strain.rest, torch.nan)
        known[self.internal.first] = FIRST_TORSION
        tables = self.strain.bonded, self.strain.rest, self.crowd.sided, known
        return *map(array, tables), float(self.relaxing.bond)

    def _parts(self, joint):
        """Arrays for compiled loops: of the molecule, of energies of backbones or the prior, and of springs."""
        strain, relaxing = self.strain, self.relaxing
        if joint:
            grid, counts, weight, floor = strain.backbone.grid, strain.inner, relaxing.maps, relaxing.floor
        else:
            grid, counts, weight, floor = self.prior.grid, strain.turning, relaxing.prior, relaxing.prior_floor
        tables = *grid, array(counts), float(weight), float(floor)
        beta = np.array([BETA_BISECTOR, BETA_NORMAL])
        return self._molecule, tables, (*self.crowd.by_frame, beta, SHORTEST), LIMITS

    def _pull(self, beads):
        """On beads, of what does not depend on angles: restraint and crowding."""
        return self.restraint * (beads - self.start) + self.crowd.slopes(beads)

    def _on_length(self, angles):
        return 2 * self.relaxing.bond * (angles.length - self.strain.rest) * self.strain.bonded


def _counted(energy, floor):
    """0 below the floor, 1 from one nat above it."""
    return (energy - floor).clamp(0, 1)
