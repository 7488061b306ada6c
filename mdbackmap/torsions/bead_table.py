"""
`BeadTable`: which atoms of each residue its beads stand for, as tensors of fixed width.

Shapes: F frames, N beads, R residues, J beads of a residue at most, 14 atom slots. Positions in angstrom.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..chemistry import residues


@dataclass(frozen=True, eq=False)
class BeadTable:
    """
    The beads of one molecule, residue by residue.

    Attributes
    ----------
    beads : torch.Tensor of int64, shape (R, J)
        Indices of the beads of each residue, its anchor first; 0 where there are fewer.
    present : torch.Tensor of bool, shape (R, J)
        Which of them there are.
    weights : torch.Tensor, shape (R, J, 14)
        Shares of the atoms in each bead. They sum to 1; some may be negative.
    ca : torch.Tensor of int64, shape (R,)
        Which of the J beads is the C-alpha alone; -1 where none is.

    Examples
    --------
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["VAL", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> table = BeadTable.of(Mapping.ca(two))
    >>> table.weights.shape, table.ca.tolist()
    (torch.Size([2, 1, 14]), [0, 0])
    """

    beads: torch.Tensor
    present: torch.Tensor
    weights: torch.Tensor
    ca: torch.Tensor

    @classmethod
    def of(cls, mapping, device=None):
        """
        The table of a `Mapping` from beads to the atoms of a protein.

        Raises
        ------
        ValueError
            A bead that stands for atoms of another residue, or for atoms that are in no slot.
        """
        owner, fine = mapping.residue_of_bead, mapping.fine
        anchors, local = mapping.anchors, np.zeros(mapping.n_beads, dtype=np.int64)
        rows = [[] for _ in anchors]
        for bead, residue in enumerate(owner.tolist()):
            rows[residue].append(bead)
        beads = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
        present = torch.zeros(beads.shape, dtype=torch.bool)
        for residue, (own, anchor) in enumerate(zip(rows, anchors.tolist(), strict=True)):
            own = [anchor, *(bead for bead in own if bead != anchor)]
            beads[residue, : len(own)], present[residue, : len(own)] = torch.tensor(own), True
            local[own] = np.arange(len(own))
        own = fine.resnames[fine.residue_of_atom].tolist()
        slot = np.array([residues.SLOT_OF_ATOM.get(pair, -1) for pair in zip(own, fine.names.tolist(), strict=True)])
        residue, slot = owner[mapping.beads], slot[mapping.atoms]
        for k in np.flatnonzero((fine.residue_of_atom[mapping.atoms] != residue) | (slot < 0)):
            bead, atom = mapping.beads[k], mapping.atoms[k]
            raise ValueError(
                f"bead {mapping.coarse.names[bead]} of {fine.label(owner[bead])} stands for atom {fine.names[atom]} of "
                f"{fine.label(fine.residue_of_atom[atom])}: expected heavy atoms of its own residue"
            )
        weights = torch.zeros(*beads.shape, residues.MAX_ATOMS)
        weights[residue, local[mapping.beads], slot] = torch.tensor(mapping.weights, dtype=weights.dtype)
        return cls(*(part.to(device) for part in (beads, present, weights, alone(weights, present))))

    def gather(self, positions):
        """Positions (F, R, J, 3) of the beads of each residue, from those (F, N, 3) of all; 0 where there are fewer."""
        return positions[:, self.beads] * self.present.unsqueeze(-1)

    def project(self, atoms):
        """Positions (F, R, J, 3) of the beads, from those of the atoms in their slots (F, R, 14, 3)."""
        return self.weights.to(atoms) @ atoms


def single_atoms(weights):
    """Which atom (..., 14) a bead is alone, bool, from the shares of atoms in it (..., 14)."""
    return (weights == 1) & (weights.abs().sum(-1, keepdim=True) == 1)


def alone(weights, present):
    """
    Which bead of a residue is its C-alpha alone.

    Parameters
    ----------
    weights : torch.Tensor, shape (R, J, 14)
    present : torch.Tensor of bool, shape (R, J)

    Returns
    -------
    torch.Tensor of int64, shape (R,)
        -1 where none is.
    """
    is_ca = present & single_atoms(weights)[..., residues.CA]
    return torch.where(is_ca.any(-1), is_ca.int().argmax(-1), -1)
