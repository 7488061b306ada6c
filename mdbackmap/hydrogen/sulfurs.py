"""
`Sulfurs`: disulfides that belong to the molecule, closed in every frame.

Packing makes most of them, off by a tenth of an angstrom or two. The two sulfurs are moved until bonds and angles are
met, as far as C-betas let them.

Shapes: F frames, A atoms, d disulfides. Lengths in angstrom.
"""

import dataclasses

import numpy as np
import torch

from ..chemistry.residues import DISULFIDE, IDEAL_ATOMS
from ..geometry.periodic import image_shifts
from ..geometry.vectors import full_precision, unit

_CB_SG = float(np.linalg.norm(IDEAL_ATOMS["CYS"]["SG"][1:]))
_CA_CB = float(np.linalg.norm(IDEAL_ATOMS["CYS"]["CB"][1:]))
_CA_SG = float(np.linalg.norm(np.add(IDEAL_ATOMS["CYS"]["SG"][1:], [_CA_CB, 0, 0])))
_STEPS, _FIRM = 40, 15  # chosen: by hand, steps in all, and at the end those of bonds alone
_SOFT = 0.3  # share of what angles are off by that a step removes; chosen: by hand


@dataclasses.dataclass(frozen=True, eq=False)
class Sulfurs:
    """
    The disulfides of a molecule.

    Attributes
    ----------
    alpha, beta, sulfur : torch.Tensor of int64, shape (d, 2)
        Atoms of both cysteines.
    free : torch.Tensor, shape (d, 2, 1)
        1 for sulfurs that may be moved, else 0.
    """

    alpha: torch.Tensor
    beta: torch.Tensor
    sulfur: torch.Tensor
    free: torch.Tensor

    @classmethod
    def of(cls, fine, still, device=None):
        """
        Those of a topology that has them.

        Parameters
        ----------
        fine : Topology
        still : ndarray of bool, shape (A,)
            Atoms that may not be moved.
        device : torch.device or str, optional
        """
        row = {(r, n): k for k, (r, n) in enumerate(zip(fine.residue_of_atom.tolist(), fine.names, strict=True))}
        whole = [p for p in fine.disulfides.tolist() if all((r, n) in row for r in p for n in ("CA", "CB", "SG"))]
        at = [np.array([[row[r, name] for r in pair] for pair in whole], dtype=np.int64) for name in ("CA", "CB", "SG")]
        at = [rows.reshape(-1, 2) for rows in at]
        free = torch.tensor(~still[at[2]], dtype=torch.float32, device=device).unsqueeze(-1)
        return cls(*(torch.tensor(rows, device=device) for rows in at), free)

    @full_precision
    def close(self, atoms, box=None):
        """
        Move sulfurs, in place, until their bonds are made.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows: the nearest images are bonded.
        """
        if len(self.sulfur) == 0:
            return
        alpha, beta, sulfur = (atoms[:, rows] for rows in (self.alpha, self.beta, self.sulfur))  # (F, d, 2, 3)
        shift = image_shifts(beta[:, :, 1] - beta[:, :, 0], None if box is None else box[:, None].to(atoms))
        shift = torch.stack([torch.zeros_like(shift), shift], 2)
        alpha, beta, sulfur = (places + shift for places in (alpha, beta, sulfur))
        for step in range(_STEPS):
            if step < _STEPS - _FIRM:
                sulfur = sulfur + self.free * _SOFT * _off(sulfur, alpha, _CA_SG)
                sulfur = sulfur + self.free * _SOFT * _off(sulfur, beta.flip(2), DISULFIDE["CB-SG"])
            sulfur = sulfur + self.free * _off(sulfur, beta, _CB_SG)
            share = self.free / self.free.sum(1, keepdim=True).clamp_min(1)
            sulfur = sulfur + share * _off(sulfur, sulfur.flip(2), DISULFIDE["SG-SG"])
        atoms[:, self.sulfur] = sulfur - shift


def _off(places, others, length):
    """What brings places (..., 3) to that distance from others."""
    gap = others - places
    return gap - length * unit(gap)
