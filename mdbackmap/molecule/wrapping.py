"""
`Wrapping`: where molecules of the output lie in a periodic box.

Shapes: F frames, N beads, A atoms, C chains of the converted molecule. Lengths in angstrom.
"""

from __future__ import annotations

import numpy as np

from ..options import WRAPS
from .attributes import run_ends
from .bonds import molecules
from .boxes import ENDLESS, whole
from .images import centres, into_box, molecule_bonds, together
from .mapping import Mapping

WHOLE, _, CENTRED = WRAPS  # as the beads have them; each centre in the box; the protein in the middle of it


class Wrapping:
    """
    Moves molecules of a system by box vectors.

    Parameters
    ----------
    made : Mapping
        Of the molecule that is converted.
    mapping : Mapping
        Of all that comes out: `made`, and others behind it.
    """

    def __init__(self, made: Mapping, mapping: Mapping):
        self._made, fine = made, mapping.fine
        own = ~fine.hetero[fine.residue_of_atom]
        chain_of_atom = _chains(fine)[fine.residue_of_atom]
        part = molecules(fine.n_atoms, molecule_bonds(fine)) + chain_of_atom.max(initial=0) + 1
        _, self._molecule = np.unique(np.where(own, chain_of_atom, part), return_inverse=True)  # chains come first
        bead_chain = _chains(made.coarse)
        self._chain = bead_chain[~made.coarse.hetero] if made.is_chain else bead_chain[made.residue_of_bead]

    def _points(self, beads):
        """C-alphas, or the beads nearest to them, of beads (F, N, 3)."""
        return self._made.trace(beads) if self._made.is_chain else beads

    def _images(self, beads, boxes, how):
        """
        For each frame what puts chains where they are asked for (C, 3), and the whole then (3,).

        Beads decide, so samples of a frame lie in the same image.
        """
        beads = whole(np.asarray(beads, dtype=np.float32), boxes, self._made.coarse, self._made.followed)
        for points, box in zip(self._points(beads), boxes, strict=True):
            if how == CENTRED:
                shifts = together(points, self._chain, box)
                yield shifts, box.sum(axis=0) / 2 - (points + shifts[self._chain]).mean(axis=0, dtype=np.float64)
            else:
                yield into_box(centres(points, self._chain, self._chain.max() + 1), box), np.zeros(3)

    def moved(self, beads, boxes, how):
        """
        Beads as they are where the output is: moved to the middle of the box, if it is; by box vectors they are not.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
            Of the molecule that is converted.
        boxes : ndarray of float, shape (F, 3, 3)
        how : {"whole", "wrapped", "centred"}

        Returns
        -------
        ndarray of float, shape (F, N, 3)
        """
        if how != CENTRED:
            return beads
        return beads + np.stack([middle for _, middle in self._images(beads, boxes, how)])[:, None]

    def __call__(self, atoms, beads, boxes, how):
        """
        Atoms with each molecule where it is asked for.

        Parameters
        ----------
        atoms : ndarray of float32, shape (F, A, 3)
            Molecules whole; changed in place.
        beads, boxes, how
            As of `moved`.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
            The same array.
        """
        if how == WHOLE:
            return atoms
        n = self._molecule.max() + 1
        images = self._images(beads, boxes, how)
        for frame, box, (chains, moved) in zip(atoms, boxes, images, strict=True):
            shift = moved + into_box(centres(frame, self._molecule, n) + moved, box)
            shift[: len(chains)] = moved + chains
            frame += shift[self._molecule].astype(np.float32)
        return atoms


def check_boxes(boxes, frames, how):
    """
    Refuse to move molecules into boxes that there are not.

    Parameters
    ----------
    boxes : ndarray of float, shape (F, 3, 3), or None
    frames : sequence of int, length F
        Their numbers.
    how : {"whole", "wrapped", "centred"}

    Raises
    ------
    ValueError
        A frame without a box, and `how` is not "whole".
    """
    if how == WHOLE:
        return
    lacking = np.ones(len(frames), dtype=bool) if boxes is None else boxes[:, 0, 0] == ENDLESS
    if lacking.any():
        raise ValueError(
            f"wrap={how!r}: frame {frames[int(lacking.argmax())]} has no box (of 10 A or more); "
            'wrap="whole" (--wrap whole) needs none'
        )


def _chains(topology):
    """Number of the chain of each residue (R,), by chain and segment."""
    ends = run_ends(topology.chainIDs, topology.segids)
    return np.cumsum(ends) - ends
