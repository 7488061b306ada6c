"""
`Conformation`: where a molecule's atoms are, as the stages of the pipeline hand it on.

Shapes: F frames, R residues. Angstrom and radians.
"""

import dataclasses
import functools

import torch

from ..packing.rigid import tilted
from ..torsions.internal import TORSIONS, InternalCoordinates


@dataclasses.dataclass(frozen=True)
class Conformation:
    """
    A molecule in some frames: its C-alphas and torsions, and the atoms that follow from them.

    It never changes: a stage returns another one. Backbone and atoms are built when they are first asked for, and kept.

    Parameters
    ----------
    internal : InternalCoordinates
        Of the molecule.
    beads : torch.Tensor, shape (F, R, 3)
        C-alphas.
    torsions : torch.Tensor, shape (F, R, 6)
        See `mdbackmap.torsions.internal`.
    box : torch.Tensor, shape (F, 3, 3), optional
        Box vectors as rows.
    tilt : torch.Tensor, shape (F, R, 3), optional
        By which side chains are turned about their CA, as an axis times an angle.

    Examples
    --------
    >>> beads = torch.tensor([[[0.0, 0.0, 0.0], [3.8, 0.0, 0.0], [5.1, 3.6, 0.0]]])
    >>> ends, cis = torch.tensor([False, False, True]), torch.zeros(3, dtype=bool)
    >>> one = Conformation(InternalCoordinates(torch.tensor([0, 7, 0]), ends, cis), beads, torch.zeros(1, 3, 6))
    >>> one.atoms.shape, one.with_side_chains(one.torsions + 1.0).backbone is one.backbone
    (torch.Size([1, 3, 14, 3]), True)
    """

    internal: InternalCoordinates
    beads: torch.Tensor
    torsions: torch.Tensor
    box: torch.Tensor | None = None
    tilt: torch.Tensor | None = None

    @classmethod
    def of(cls, internal, beads, box=None):
        """One whose torsions are not known yet: all 0."""
        return cls(internal, beads, beads.new_zeros(*beads.shape[:2], len(TORSIONS)), box)

    @classmethod
    def join(cls, parts):
        """The conformation whose frames are those of several ones, in their order."""
        first = parts[0]
        named = {name: [getattr(part, name) for part in parts] for name in ("beads", "torsions", "box", "tilt")}
        whole = cls(first.internal, **{name: torch.cat(v) for name, v in named.items() if v[0] is not None})
        vars(whole)["backbone"] = tuple(map(torch.cat, zip(*(part.backbone for part in parts), strict=True)))
        return whole

    @functools.cached_property
    def backbone(self):
        """N, C and O, each a torch.Tensor of shape (F, R, 3)."""
        return self.internal.backbone(self.beads, self.torsions)

    @functools.cached_property
    def atoms(self):
        """Positions of all atoms, shape (F, R, 14, 3); slots that a residue does not have hold its C-alpha."""
        atoms = self.internal.to_cartesian(self.beads, self.torsions, self.backbone)
        return atoms if self.tilt is None else tilted(atoms, self.tilt)

    def __len__(self):
        return len(self.beads)

    def __getitem__(self, frames):
        """The conformation in some of the frames: a slice, or indices."""
        box, tilt = (None if part is None else part[frames] for part in (self.box, self.tilt))
        some = Conformation(self.internal, self.beads[frames], self.torsions[frames], box, tilt)
        if "backbone" in vars(self):
            vars(some)["backbone"] = tuple(part[frames] for part in self.backbone)
        return some

    def moved(self, beads, torsions, tilt=None):
        """The same molecule with other beads and torsions, and with tilts if these are given."""
        return Conformation(self.internal, beads, torsions, self.box, tilt)

    def with_side_chains(self, torsions, tilt=None):
        """The same backbone with the side chains of other `torsions`, shape (F, R, 6), and tilts."""
        return self.moved(self.beads, torsions, tilt).on_backbone(self.backbone)

    def on_backbone(self, backbone):
        """The same with N, C and O, each (F, R, 3), elsewhere than torsions put them."""
        other = dataclasses.replace(self)
        vars(other)["backbone"] = backbone
        return other
