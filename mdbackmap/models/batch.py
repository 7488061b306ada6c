"""
What a network sees: beads with their neighbours, flat, so that molecules and frames of any size share a batch.

Shapes: n residues in all (frames after one another), K neighbours, F frames, R residues of one molecule.
"""

from dataclasses import dataclass

import torch

from ..chemistry import residues
from ..geometry.neighbours import nearest
from ..torsions.bead_table import single_atoms

COUNT_RADII = (8.0, 10.0, 12.0, 14.0)
"""Distances in angstrom within which neighbours are counted (burial); chosen: by hand."""
MAX_SEPARATION = 8
"""
Sequence separations beyond this are one; residues of other stretches have a number of their own.

Chosen: by hand.
"""

PASS = {"cpu": 1280, "cuda": 65536}
"""Residues that a network sees at a time; chosen: by hand, what fits the caches."""


def passes(beads, sizes=PASS):
    """Slices of frames (F, R, 3), as many at a time as a network should see: beads, by the kind of the device."""
    few = max(1, sizes.get(beads.device.type, sizes["cpu"]) // beads.shape[1])
    return [slice(start, start + few) for start in range(0, len(beads), few)]


@dataclass
class BeadInputs:
    """
    What a network sees of the beads of each residue.

    Attributes
    ----------
    vectors : torch.Tensor, shape (n, J, 3)
        From the centre of each residue (its anchor, or its C-alpha) to its beads, in angstrom.
    weights : torch.Tensor, shape (n, J, 14)
        Shares of the atoms in each bead.
    present : torch.Tensor of bool, shape (n, J)
    """

    vectors: torch.Tensor
    weights: torch.Tensor
    present: torch.Tensor

    def to(self, *args, **kwargs):
        """The same beads on another device."""
        return BeadInputs(**{name: part.to(*args, **kwargs) for name, part in vars(self).items()})

    @classmethod
    def from_frames(cls, table, positions, centres):
        """
        Those of one molecule in F frames.

        Parameters
        ----------
        table : BeadTable
            Of R residues.
        positions : torch.Tensor, shape (F, R, J, 3)
            Of beads, as `table.gather` gives them.
        centres : torch.Tensor, shape (F, R, 3)
        """
        vectors, n_frames = positions - centres.unsqueeze(2), len(positions)
        return cls(vectors.flatten(0, 1), table.weights.repeat(n_frames, 1, 1), table.present.repeat(n_frames, 1))

    def beside_alphas(self):
        """These without beads that are C-alphas alone, whose places are known."""
        return BeadInputs(self.vectors, self.weights, self.present & ~single_atoms(self.weights)[..., residues.CA])


@dataclass
class Batch:
    """
    A flat batch of C-alpha traces (n residues in all).

    Attributes
    ----------
    types : torch.Tensor of int64, shape (n,)
        Residue types, indices into `residues.ALPHABET`.
    first, last : torch.Tensor of bool, shape (n,)
        Ends of the unbroken stretches.
    cis : torch.Tensor of bool, shape (n,)
        Peptide to the next residue is cis.
    ca, before, after : torch.Tensor of float, shape (n, 3)
        C-alphas, and those before and after along the chain (extrapolated past the ends), in angstrom.
    neighbours : torch.Tensor of int64, shape (n, K)
        Flat indices of the nearest residues.
    displacements : torch.Tensor of float, shape (n, K, 3)
        From each C-alpha to its neighbours, in angstrom (nearest images in a periodic box).
    present : torch.Tensor of bool, shape (n, K)
        False for entries that only fill the table up.
    separations : torch.Tensor of int64, shape (n, K)
        Sequence separation in 0..17: -8..8 shifted by 8, and 17 for another stretch.
    counts : torch.Tensor of float, shape (n, 4)
        C-alphas within `COUNT_RADII`.
    inside : BeadInputs, optional
        Beads beside C-alphas.
    """

    types: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor
    cis: torch.Tensor
    ca: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor
    neighbours: torch.Tensor
    displacements: torch.Tensor
    present: torch.Tensor
    separations: torch.Tensor
    counts: torch.Tensor
    inside: BeadInputs | None = None

    @classmethod
    def from_frames(cls, internal, ca, n_neighbours, box=None):
        """
        One molecule in F frames.

        Parameters
        ----------
        internal : InternalCoordinates
            Of the molecule (R residues).
        ca : torch.Tensor, shape (F, R, 3)
            C-alphas in angstrom.
        n_neighbours : int
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows, in angstrom.
        """
        n_frames, n_residues = ca.shape[:2]
        index, displacements, present, counts = nearest(ca, n_neighbours, COUNT_RADII, box)
        before, after = internal.neighbours(ca)
        stretch = torch.cumsum(internal.starts, 0)
        shift = torch.arange(n_frames, device=ca.device)[:, None, None] * n_residues
        return cls(
            *(v.repeat(n_frames) for v in (internal.types, internal.starts, internal.ends, internal.cis)),
            *(v.reshape(-1, 3) for v in (ca, before, after)),
            neighbours=(index + shift).flatten(0, 1),
            displacements=displacements.flatten(0, 1),
            present=present.flatten(0, 1),
            separations=separation(index, stretch).flatten(0, 1),
            counts=counts.flatten(0, 1),
        )

    def to(self, *args, **kwargs):
        """The same batch on another device."""
        parts = {name: value.to(*args, **kwargs) for name, value in vars(self).items() if value is not None}
        return Batch(**parts)

    def weights(self, dtype):
        """One over the number of neighbours, (n, K, 1); 0 for those that are not there."""
        present = self.present.to(dtype)
        return (present / present.sum(1, keepdim=True).clamp_min(1)).unsqueeze(-1)

    def __len__(self):
        return len(self.types)


def separation(index, stretch):
    """
    Sequence separations as small non-negative numbers.

    Parameters
    ----------
    index : torch.Tensor of int64, shape (..., R, K)
        Neighbour tables.
    stretch : torch.Tensor of int64, shape (R,)
        Number of the unbroken stretch of each residue.

    Returns
    -------
    torch.Tensor of int64, shape (..., R, K)
        0..16 for -8..8 (clipped), 17 for a residue of another stretch.

    Examples
    --------
    >>> separation(torch.tensor([[1, 2], [0, 2], [0, 1]]), torch.tensor([0, 0, 1])).tolist()
    [[9, 17], [7, 17], [17, 17]]
    """
    own = torch.arange(len(stretch), device=index.device)[:, None]
    along = (index - own).clamp(-MAX_SEPARATION, MAX_SEPARATION) + MAX_SEPARATION
    return torch.where(stretch[index] == stretch[:, None], along, 2 * MAX_SEPARATION + 1)
