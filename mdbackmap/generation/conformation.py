"""
`Conformation`: where a molecule's atoms are, as the stages of the pipeline hand it on.

Shapes: F frames, R residues. Angstrom and radians.
"""

import dataclasses
import functools

import torch

from ..chemistry.residues import CA, C, N, O
from ..packing.candidates import fold_symmetric
from ..packing.rigid import tilted
from ..torsions.given import Given
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
    given : Given, optional
        Atoms that are known beforehand; none of the stages changes them.

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
    given: Given | None = None

    @classmethod
    def of(cls, internal, beads, box=None, given=None):
        """One whose torsions are not known yet: 0, but for those of atoms that are given."""
        none = beads.new_zeros(*beads.shape[:2], len(TORSIONS))
        torsions = none if given is None else given.torsions(internal, beads)[0]
        return cls(internal, beads, torsions, box, given=given)

    @classmethod
    def join(cls, parts):
        """The conformation whose frames are those of several ones, in their order."""
        first = parts[0]
        named = {name: [getattr(part, name) for part in parts] for name in ("beads", "torsions", "box", "tilt")}
        named = {name: torch.cat(values) for name, values in named.items() if values[0] is not None}
        given = None if first.given is None else Given.join([part.given for part in parts])
        whole = cls(first.internal, **named, given=given)
        vars(whole)["backbone"] = tuple(map(torch.cat, zip(*(part.backbone for part in parts), strict=True)))
        return whole

    @functools.cached_property
    def backbone(self):
        """N, C and O, each a torch.Tensor of shape (F, R, 3)."""
        if self.given is not None:
            return self.given.backbone(self.internal, self.beads, self.torsions)
        return self.internal.backbone(self.beads, self.torsions)

    @functools.cached_property
    def atoms(self):
        """Positions of all atoms, shape (F, R, 14, 3); slots that a residue does not have hold its C-alpha."""
        atoms = self.internal.to_cartesian(self.beads, self.torsions, self.backbone, self.given)
        if self.tilt is None:
            return atoms
        return tilted(atoms, self.tilt) if self.given is None else self.given.put(tilted(atoms, self.tilt))

    @functools.cached_property
    def known(self):
        """Torsions that atoms fix that are given, bool, shape (R, 6); None if no atoms are given."""
        return None if self.given is None else self.given[:1].torsions(self.internal, self.beads[:1])[1]

    def __len__(self):
        return len(self.beads)

    def __getitem__(self, frames):
        """The conformation in some of the frames: a slice, or indices."""
        box, tilt, given = (None if part is None else part[frames] for part in (self.box, self.tilt, self.given))
        some = Conformation(self.internal, self.beads[frames], self.torsions[frames], box, tilt, given)
        if "backbone" in vars(self):
            vars(some)["backbone"] = tuple(part[frames] for part in self.backbone)
        return some

    def replaced(self, frames, other):
        """The same with some `frames` (f,) as `other` has them."""
        if len(frames) == len(self):
            return other
        kept = (
            torch.ones(len(self), dtype=torch.bool, device=frames.device).index_fill(0, frames, False).nonzero()[:, 0]
        )
        return Conformation.join([self[kept], other])[torch.cat([kept, frames]).argsort()]

    def moved(self, beads, torsions, tilt=None):
        """The same molecule with other beads and torsions, and with tilts if these are given."""
        return Conformation(self.internal, beads, torsions, self.box, tilt, self.given)

    def to(self, dtype):
        """The same with C-alphas, torsions, tilts and backbone as another `torch.dtype`."""
        tilt = None if self.tilt is None else self.tilt.to(dtype)
        backbone = tuple(part.to(dtype) for part in self.backbone)
        return self.moved(self.beads.to(dtype), self.torsions.to(dtype), tilt).on_backbone(backbone)

    def with_others(self):
        """The same with the groups of other atoms that are given behind the residues, each a stretch of its own."""
        if self.given is None or self.given.others is None:
            return self
        kinds, internal = self.given.kinds, self.internal.beside(self.given.kinds)
        beads = torch.cat([self.beads, self.given.others[:, :, CA]], 1)
        torsions, tilt = (
            None if values is None else torch.nn.functional.pad(values, (0, 0, 0, len(kinds)))
            for values in (self.torsions, self.tilt)
        )
        whole = Conformation(internal, beads, torsions, self.box, tilt, self.given.with_others())
        if "backbone" in vars(self):
            parts = zip(self.backbone, (N, C, O), strict=True)
            vars(whole)["backbone"] = tuple(torch.cat([part, self.given.others[:, :, k]], 1) for part, k in parts)
        return whole

    def without_others(self, internal):
        """The same without the groups of other atoms; `internal` is of the residues alone."""
        if len(internal.types) == len(self.internal.types):
            return self
        n, kinds = len(internal.types), self.internal.types[len(internal.types) :]
        given = Given(self.given.places[:, :n], self.given.mask[:n], self.given.places[:, n:], kinds)
        tilt = None if self.tilt is None else self.tilt[:, :n]
        part = Conformation(internal, self.beads[:, :n], self.torsions[:, :n], self.box, tilt, given)
        if "backbone" in vars(self):
            vars(part)["backbone"] = tuple(atoms[:, :n] for atoms in self.backbone)
        return part

    def held(self, start):
        """The same with C-alphas, torsions and tilts of `start` where atoms hold them that are given."""
        if self.given is None:
            return self
        beads = torch.where(self.given.held(self.internal)[:, None], start.beads, self.beads)
        torsions = torch.where(self.known, start.torsions, self.torsions)
        tilt = None if self.tilt is None else self.tilt * self.given.turnable(self.internal)[:, None]
        return self.moved(beads, torsions, tilt)

    def folded(self, told=None):
        """
        The same with angles of symmetric groups as IUPAC has them.

        Those stay that atoms fix that are given, and of residues (R,) of which it is `told` which atom is which.
        """
        torsions = fold_symmetric(self.internal.types, self.torsions)
        if told is not None:
            told = torch.nn.functional.pad(told, (0, torsions.shape[1] - len(told))).unsqueeze(-1)
        for kept in (told, self.known):
            torsions = torsions if kept is None else torch.where(kept, self.torsions, torsions)
        return self.with_side_chains(torsions, self.tilt)

    def with_side_chains(self, torsions, tilt=None):
        """The same backbone with the side chains of other `torsions`, shape (F, R, 6), and tilts."""
        return self.moved(self.beads, torsions, tilt).on_backbone(self.backbone)

    def on_backbone(self, backbone):
        """The same with N, C and O, each (F, R, 3), elsewhere than torsions put them."""
        other = dataclasses.replace(self)
        vars(other)["backbone"] = backbone
        return other
