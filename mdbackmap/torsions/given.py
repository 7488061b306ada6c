"""
Atoms that are known beforehand: they are given, and what is built around them is joined to them.

Bonds across a border, between a given atom and one that is built, have the template's lengths.

Shapes: F frames, R residues, S groups of other atoms, 14 atom slots. Lengths in angstrom, angles in radians.
"""

import dataclasses

import torch

from ..chemistry.peptide_geometry import BACKBONE_BONDS
from ..chemistry.residues import CA, TURNING, C, N, O
from ..geometry.vectors import bridge, full_precision, unit
from .internal import PEPTIDE


@dataclasses.dataclass(frozen=True)
class Given:
    """
    Atoms of some frames that are known beforehand.

    Attributes
    ----------
    places : torch.Tensor, shape (F, R, 14, 3)
        What is not given does not count.
    mask : torch.Tensor of bool, shape (R, 14)
        Which atoms are given: where N or C is, N, CA and C are; where an atom of a side chain is, they are, too.
    others : torch.Tensor, shape (F, S, 14, 3), optional
        Atoms that belong to no residue, in groups (`chemistry.other_atoms`).
    kinds : torch.Tensor of int64, shape (S,), optional
        Types of these groups.

    Examples
    --------
    >>> from .internal import InternalCoordinates
    >>> internal = InternalCoordinates(torch.tensor([0, 0]), torch.tensor([False, True]), torch.zeros(2, dtype=bool))
    >>> beads = torch.tensor([[[0.0, 0.0, 0.0], [3.8, 0.0, 0.0]]])
    >>> known = internal.to_cartesian(beads, torch.zeros(1, 2, 6)) + 5.0
    >>> given = Given(known, torch.tensor([[True] * 5 + [False] * 9, [False] * 14]))
    >>> bool((given.atoms(internal, given.alphas(beads), torch.ones(1, 2, 6))[:, 0, :5] == known[:, 0, :5]).all())
    True
    """

    places: torch.Tensor
    mask: torch.Tensor
    others: torch.Tensor | None = None
    kinds: torch.Tensor | None = None

    def __getitem__(self, frames):
        """Those of some of the frames: a slice, or indices."""
        others = None if self.others is None else self.others[frames]
        return Given(self.places[frames], self.mask, others, self.kinds)

    @classmethod
    def join(cls, parts):
        """The frames of several ones, in their order."""
        first, places = parts[0], torch.cat([part.places for part in parts])
        others = None if first.others is None else torch.cat([part.others for part in parts])
        return cls(places, first.mask, others, first.kinds)

    def with_others(self):
        """The same with the groups of other atoms behind the residues: all of their slots are given."""
        every = self.mask.new_ones(self.others.shape[1:3])
        return Given(torch.cat([self.places, self.others], 1), torch.cat([self.mask, every]))

    def put(self, atoms):
        """Atoms (F, ..., R, 14, 3) with those that are given in their places."""
        places = self.places.view(len(self.places), *[1] * (atoms.dim() - self.places.dim()), *self.places.shape[1:])
        return torch.where(self.mask.unsqueeze(-1), places.to(atoms), atoms)

    def alphas(self, ca):
        """C-alphas (F, R, 3) with those that are given."""
        return torch.where(self.mask[:, CA, None], self.places[:, :, CA].to(ca), ca)

    def borders(self, ends):
        """Residues before a built N whose C is given, and residues before a given N whose C is built."""
        carbon, nitrogen = self.mask[:, C] & ~ends, self.mask[:, N].roll(-1) & ~ends
        return (carbon & ~nitrogen).nonzero()[:, 0], (nitrogen & ~carbon).nonzero()[:, 0]

    def held(self, internal):
        """C-alphas (R,) that do not move: those given, and those of built residues that are bonded to given atoms."""
        held = self.mask[:, CA].clone()
        ahead, behind = self.borders(internal.ends)
        held[ahead + 1] = held[behind] = True
        return held

    def peptides(self, internal):
        """Which peptides (R,), by the residue before them, are fixed by an atom that is given."""
        return (self.mask[:, C] | self.mask[:, N].roll(-1)) & ~internal.ends

    def turnable(self, internal):
        """Side chains (R,) of which nothing beyond CB is given."""
        return internal.defined[:, 1] & ~self.mask[:, TURNING:].any(1)

    def torsions(self, internal, ca):
        """Torsions (F, R, 6) on the C-alphas `ca`, and which of them (R, 6) are known; 0 where unknown."""
        atoms, mask = self.put(ca.unsqueeze(-2).repeat(1, 1, self.mask.shape[1], 1)), self.mask.expand(len(ca), -1, -1)
        angles, known = internal.to_internal(ca, atoms, mask)
        known, fixed = known.any(0), self.peptides(internal)
        peptides, _ = internal.peptide_angles(ca, atoms, mask)  # of any one of C, O and N
        angles[..., PEPTIDE] = torch.where(fixed, peptides, angles[..., PEPTIDE])
        known[:, PEPTIDE] |= fixed
        return angles, known

    @full_precision
    def backbone(self, internal, ca, torsions):
        """N, C and O (F, R, 3): those that are given, and those built, joined to them."""
        built = zip((N, C, O), internal.backbone(ca, torsions), strict=True)
        n, c, o = (torch.where(self.mask[:, k, None], self.places[:, :, k].to(ca), atoms) for k, atoms in built)
        lengths, (ahead, behind) = BACKBONE_BONDS, self.borders(internal.ends)
        after = ahead + 1
        joined = bridge(n[:, after], c[:, ahead], ca[:, after], lengths["C-N"], lengths["N-CA"])
        n = n.index_copy(1, after, joined)
        joined = bridge(c[:, behind], n[:, behind + 1], ca[:, behind], lengths["C-N"], lengths["CA-C"])
        c = c.index_copy(1, behind, joined)
        bare = (self.peptides(internal) & ~self.mask[:, O]).nonzero()[:, 0]
        away = unit(unit(c - ca) + unit(c - n.roll(-1, 1)))[:, bare]
        return n, c, o.index_copy(1, bare, c[:, bare] + lengths["C-O"] * away)

    def atoms(self, internal, ca, torsions):
        """All atoms (F, R, 14, 3), those that are given and those built."""
        return internal.to_cartesian(ca, torsions, self.backbone(internal, ca, torsions), self)
