"""
`Hydrogens`: the hydrogens of one molecule, put on its heavy atoms frame by frame.

Shapes: F frames, A atoms. Positions in angstrom.
"""

import dataclasses

import torch

from .parents import HydrogenTable


@dataclasses.dataclass(frozen=True, eq=False)
class Hydrogens:
    """
    What hydrogens are put on a molecule, and where.

    Attributes
    ----------
    table : HydrogenTable
    """

    table: HydrogenTable

    @classmethod
    def of(cls, fine, rows, device=None):
        """
        Those of a molecule.

        Parameters
        ----------
        fine : Topology
        rows : ndarray of int64, shape (H,)
            Which atoms are the hydrogens.
        device : torch.device or str, optional

        Returns
        -------
        Hydrogens
        """
        return cls(HydrogenTable.of(fine, rows, device))

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
        rows = self.table.rows.cpu().numpy()
        if not len(rows):
            return atoms
        with torch.inference_mode():
            there = torch.from_numpy(atoms).to(self.table.local.device)
            centre = there[:, self.table.atom[:1]]  # near the origin single precision is finest
            atoms[:, rows] = (self.table.place(there - centre) + centre).cpu().numpy()
        return atoms
