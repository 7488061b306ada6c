"""
`BeadTargets`: where the beads of a molecule are to be met, and how closely.

Shapes: F frames, R residues, J beads of a residue at most, 14 atom slots. Angstrom.
"""

import dataclasses
import functools

import torch

from ..chemistry.elements import EQUIVALENT_SLOTS
from ..chemistry.residues import CB, MAX_ATOMS, TURNING, C, N, O
from ..packing.relief import Pulls
from ..torsions.bead_table import BeadTable, single_atoms

_BACKBONE = N, C, O


@dataclasses.dataclass(frozen=True, eq=False)
class BeadTargets:
    """
    Where beads are to be met.

    Parameters
    ----------
    table : BeadTable
        Which atoms they stand for.
    positions : torch.Tensor, shape (F, R, J, 3)
        As `BeadTable.gather` gives them.
    sigma : torch.Tensor, shape (R, J)
        How far off atoms may be, in angstrom.
    scale : torch.Tensor, shape (F, R), optional
        How far off C-alphas are in each direction, in angstrom; 0, as where it is left out, keeps them.
    held : float, optional
        Share of the precision of beads that counts while overlaps are relieved.

    Attributes
    ----------
    given : torch.Tensor of bool, shape (R,)
        Residues whose N, C and O are beads of their own.

    Examples
    --------
    >>> import torch
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> one = Topology(["CA"], [""], [0], ["VAL"], [1], [""], ["A"], [""])
    >>> targets = BeadTargets(BeadTable.of(Mapping.ca(one)), torch.zeros(2, 1, 1, 3), torch.ones(1, 1))
    >>> targets.precision.tolist(), targets[:1].positions.shape
    ([[0.0]], torch.Size([1, 1, 1, 3]))
    """

    table: BeadTable
    positions: torch.Tensor
    sigma: torch.Tensor
    scale: torch.Tensor | None = None
    held: float = 1.0

    def __getitem__(self, frames):
        """Those of some of the frames."""
        scale = None if self.scale is None else self.scale[frames]
        return dataclasses.replace(self, positions=self.positions[frames], scale=scale)

    def double(self):
        """The same in double precision."""
        scale = None if self.scale is None else self.scale.double()
        table = dataclasses.replace(self.table, weights=self.table.weights.double())
        parts = {"positions": self.positions.double(), "sigma": self.sigma.double()}
        return dataclasses.replace(self, table=table, scale=scale, **parts)

    @functools.cached_property
    def precision(self):
        """One over the square of `sigma`, (R, J); 0 for beads that there are not, and C-alphas."""
        counts = self.table.present & (torch.arange(self.sigma.shape[1], device=self.sigma.device) != self._alpha)
        return torch.where(counts, self.sigma, torch.inf).square().reciprocal()

    @property
    def _alpha(self):
        return self.table.ca.unsqueeze(1)

    @functools.cached_property
    def side_chains(self):
        """Residues (int64) with a bead that atoms count in which turn with side-chain torsions."""
        counts = (self.table.weights[..., TURNING:] != 0).any(-1) & (self.precision > 0)
        return counts.any(-1).nonzero()[:, 0]

    @functools.cached_property
    def _single(self):
        """Beads (R, 3) that N, C and O are alone; -1 where none is."""
        alone = single_atoms(self.table.weights)[..., list(_BACKBONE)] & self.table.present.unsqueeze(-1)  # (R, J, 3)
        return torch.where(alone.any(1), alone.int().argmax(1), -1)

    @property
    def given(self):
        """Residues (R,) whose N, C and O are beads of their own."""
        return (self._single >= 0).all(-1)

    def backbone(self, built):
        """N, C and O, three of (F, R, 3): those that are beads where all three are, else those `built`."""
        at = self._single.clamp_min(0)[None, :, :, None].expand(len(self.positions), -1, -1, 3)
        places, given = self.positions.gather(2, at).unbind(2), self.given.unsqueeze(-1)
        return tuple(torch.where(given, place.to(part), part) for place, part in zip(places, built, strict=True))

    def on_given(self, conformation):
        """A conformation with N, C and O where they are `given`, and with the angles that these have."""
        if not self.given.any():
            return conformation
        backbone, at = self.backbone(conformation.backbone), self.given
        atoms = conformation.beads.unsqueeze(-2).repeat(1, 1, MAX_ATOMS, 1)
        atoms[:, :, list(_BACKBONE)] = torch.stack(backbone, 2)
        mask = (torch.arange(MAX_ATOMS, device=at.device) < CB) & at.unsqueeze(1)
        torsions, known = conformation.internal.to_internal(conformation.beads, atoms, mask.expand(len(atoms), -1, -1))
        torsions = torch.where(known, torsions, conformation.torsions)
        return conformation.moved(conformation.beads, torsions, conformation.tilt).on_backbone(backbone)

    def pulls(self, frames, residues):
        """`Pulls` on the side chains of some residues, both (Q,) int64."""
        precision = self.held * self.precision[residues]
        return Pulls(self.table.weights[residues], self.positions[frames, residues], precision)

    def misfit(self, atoms, residues=slice(None)):
        """From beads of some `residues` (F, r, J, 3) to where atoms (F, r, 14, 3) put them; of candidates with a K."""
        goal, beads = self.positions[:, residues], self.table.weights[residues].to(atoms) @ atoms
        return beads - (goal if beads.dim() == goal.dim() else goal.unsqueeze(1))


def tells_apart(types, weights):
    """
    Whether beads tell equivalent atoms apart, so that these keep their names.

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
    weights : torch.Tensor, shape (R, J, 14)

    Returns
    -------
    torch.Tensor of bool, shape (R,)
    """
    other = torch.from_numpy(EQUIVALENT_SLOTS).to(types.device)[types]
    return (weights != weights.gather(2, other.unsqueeze(1).expand_as(weights))).flatten(1).any(1)
