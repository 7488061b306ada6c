"""
`Hydrogens`: the hydrogens of one molecule, put on its heavy atoms frame by frame.

Shapes: F frames, A atoms. Positions in angstrom.
"""

import dataclasses
import functools

import numpy as np
import torch

from .easing import Easing
from .grown import Grown
from .movers import movers_of
from .parents import HydrogenTable
from .scoring import Roles, ScoringSettings
from .sulfurs import Sulfurs
from .turning import turned


@dataclasses.dataclass(frozen=True, eq=False)
class Hydrogens:
    """
    What hydrogens are put on a molecule, and where.

    Attributes
    ----------
    table : HydrogenTable
    movers : list of Movers
        Groups that can turn.
    roles : Roles
    sulfurs : Sulfurs
    grown : Grown or None
        Heavy atoms of modified residues.
    easing : Easing
    settings : ScoringSettings
    """

    table: HydrogenTable
    movers: list
    roles: Roles
    sulfurs: Sulfurs
    grown: Grown | None
    easing: Easing
    settings: ScoringSettings = ScoringSettings()

    @classmethod
    def of(cls, fine, rows, device=None, still=None, held=None):
        """
        Those of a molecule.

        Parameters
        ----------
        fine : Topology
        rows : ndarray of int64, shape (H,)
            Which atoms are the hydrogens.
        device : torch.device or str, optional
        still : ndarray of bool, shape (A,), optional
            Heavy atoms that may not turn; by default all may.
        held : ndarray of bool, shape (A,), optional
            Atoms of modified residues that are where they belong; by default all are built.

        Returns
        -------
        Hydrogens
        """
        still = np.zeros(fine.n_atoms, dtype=bool) if still is None else still
        movers = movers_of(fine, rows, still, ScoringSettings(), device) if len(rows) else []
        held = np.zeros_like(still) if held is None else held
        sites = torch.cat([kind.sites.flatten() for kind in movers]).cpu().numpy() if movers else ()
        roles, sulfurs = Roles.of(fine, sites, device), Sulfurs.of(fine, still, device)
        extra = Grown.of(fine, held, device), Easing.of(fine, rows)
        return cls(HydrogenTable.of(fine, rows, device), movers, roles, sulfurs, *extra)

    def __call__(self, atoms, boxes=None):
        """
        Put hydrogens on heavy atoms.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
            Changed in place: the places of hydrogens may hold anything before.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.

        Returns
        -------
        ndarray of float, shape (F, A, 3)
            The same array.
        """
        return self.with_energies(atoms, boxes)[0]

    def with_energies(self, atoms, boxes=None):
        """
        The same, and the energies of `movers`.

        Returns
        -------
        atoms : ndarray of float, shape (F, A, 3)
        energies : list of ndarray, each of shape (F, M)
            Those of the groups of each kind, in hydrogen bonds.
        """
        rows = self.table.rows.cpu().numpy()
        if not len(rows) and self.grown is None:
            return atoms, []
        with torch.inference_mode():
            there = torch.from_numpy(atoms).to(self.table.local)
            first = self.table.atom if len(rows) else self.grown.kinds[0].axis[0]
            centre = there[:, first[:1]]  # near the origin single precision is finest
            there = there - centre
            box = None if boxes is None else torch.tensor(boxes, dtype=torch.float32, device=there.device)
            if len(rows):
                self.sulfurs.close(there, box)
            if self.grown is not None:
                self._grow(there, box)
            there[:, self.table.rows] = self.table.place(there)
            energies = turned(there, self.movers, self.roles, self.settings, box)
            atoms[:, self.moved] = (there[:, self.moved] + centre).cpu().numpy()
        if len(rows):
            self.easing(atoms, boxes)
        return atoms, [energy.cpu().numpy() for energy in energies]

    def _grow(self, atoms, box):
        """Put atoms of modified residues in their places among heavy atoms, and hydrogens whose places are known."""
        self.grown.begin(atoms)
        rows, light = self.table.rows, torch.zeros(atoms.shape[1], dtype=torch.bool, device=atoms.device)
        atoms[:, rows], light[rows] = self.table.place(atoms), True
        bound = torch.isin(self.table.atom[self.table.parent], self.grown.sites)
        later = torch.cat([rows[bound], *(kind.sites.flatten() for kind in self.movers)])
        self.grown.turn(atoms, torch.zeros_like(light).index_fill(0, later, True) & light, self.settings, box)

    @functools.cached_property
    def moved(self):
        """Atoms that get new places, sorted: hydrogens, and heavy atoms that flip or are built; int64."""
        moved = [self.sulfurs.sulfur, *(kind.sites for kind in self.movers)]
        moved += [] if self.grown is None else [self.grown.sites]
        moved = torch.cat([self.table.rows, *(atoms.flatten() for atoms in moved)])
        return np.unique(moved.cpu().numpy())
