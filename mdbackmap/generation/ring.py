"""
`Turned`: a protein with closed chains, as cyclic peptides are, cut elsewhere.

Internal coordinates begin at an end of a chain. So a ring is generated twice: first cut between its last and its first
residue, and then cut on the other side. The second time all atoms are given but those of a few residues on both sides
of the first cut. These are built between the others as residues within a chain are.

Shapes: F frames, N beads, A atoms, R residues. Angstrom.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..chemistry.other_atoms import MAX_ATOMS
from ..molecule.kept import IN_PLACE, KeptPlaces
from ..molecule.mapping import Mapping

_BUILT = 3  # residues on each side of the cut that are built again; chosen: by hand, five peptides turn freely


@dataclasses.dataclass(frozen=True, eq=False)
class Turned:
    """
    A mapping whose rings begin half-way.

    Attributes
    ----------
    mapping : Mapping
    beads, atoms : ndarray of int64, shapes (N,) and (A,)
        Where its beads and atoms are among those of the mapping that it is made of.
    given : ndarray of bool, shape (A,)
        Of these atoms, those far from where the rings were cut before.
    alphas : ndarray of int64, shape (R,)
        C-alphas among the atoms of the other mapping.
    """

    mapping: Mapping
    beads: np.ndarray
    atoms: np.ndarray
    given: np.ndarray
    alphas: np.ndarray

    @classmethod
    def of(cls, mapping):
        """That of a mapping some of whose stretches are closed."""
        order, ends, built = half_turned(mapping.coarse)
        taken = mapping.take(order)
        coarse, fine = (dataclasses.replace(part, ends=ends) for part in (taken.coarse, taken.fine))
        orders = mapping.coarse.atoms_of(order), mapping.fine.atoms_of(order)
        given, alphas = ~built[fine.residue_of_atom], np.flatnonzero(mapping.fine.names == "CA")
        return cls(dataclasses.replace(taken, coarse=coarse, fine=fine), *orders, given, alphas)

    def known(self, atoms, kept=None, beads=None):
        """
        What is given the second time.

        Parameters
        ----------
        atoms : ndarray of float32, shape (F, A, 3)
            That were made the first time.
        kept : KeptPlaces, optional
            What was given then.
        beads : ndarray of float32, shape (F, N, 3), optional
            C-alphas; where atoms are on them all, beads stay the second time, too.

        Returns
        -------
        KeptPlaces
        """
        known = np.where(self.given[:, None], atoms[:, self.atoms], np.float32(np.nan))
        if kept is None:
            none, fitting = np.zeros(0, dtype=np.int64), None
            if beads is not None:
                off = np.linalg.norm(atoms[:, self.alphas] - beads, axis=-1)
                fitting = off.max(axis=1) < IN_PLACE
            return KeptPlaces(known, known[:, :0], none, none.reshape(0, MAX_ATOMS), fitting)
        before = kept.atoms[:, self.atoms]
        return dataclasses.replace(kept, atoms=np.where(np.isfinite(before), before, known))


def half_turned(coarse):
    """
    A topology whose closed stretches begin half-way.

    Parameters
    ----------
    coarse : Topology

    Returns
    -------
    order : ndarray of int64, shape (R,)
        Its residues among those of `coarse`.
    ends, built : ndarray of bool, shape (R,)
        Of its residues: which are last ones of stretches, and which are near the first cut.
    """
    order, ends = np.arange(coarse.n_residues), np.array(coarse.ends)
    built = np.zeros_like(ends)
    for first, last in coarse.rings.tolist():
        n = last - first + 1
        half, few = n // 2, min(_BUILT, (n - 1) // 2)
        order[first : last + 1] = first + (np.arange(n) + half) % n
        seam = first + n - half  # where the first residue is now
        built[seam - few : seam + few] = True
    return order, ends, built
