"""
`BeadWeights`: beads as weighted sums of atoms, what is asked of such beads, and positions from one side to the other.

Bead `i` lies at `sum_j w_ij * x_j`. The weights are kept as sparse triples (bead, atom, weight), as an atom may count
in two beads and a bead in none.

Shapes: N beads, A atoms, w triples. Positions in angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bead_models import CA
from .topology import Topology

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TOGETHER = 1e-2  # angstrom; chosen: by hand, rounding of single precision far from the origin, no bond is as short


class MappingError(ValueError):
    """Atoms or beads that do not fit the mapping asked for."""


@dataclass(frozen=True, eq=False)
class BeadWeights:
    """
    What a `mapping.Mapping` is, however it was made: the two topologies and the triples, found sound.

    Parameters and errors are those of `mapping.Mapping`.
    """

    coarse: Topology
    fine: Topology
    name: str
    beads: np.ndarray
    atoms: np.ndarray
    weights: np.ndarray
    bead_of_atom: np.ndarray

    def __post_init__(self):
        beads, atoms = (np.asarray(x, dtype=np.int64) for x in (self.beads, self.atoms))
        weights = np.asarray(self.weights, dtype=np.float64)
        if not beads.shape == atoms.shape == weights.shape or beads.ndim != 1:
            raise MappingError(f"beads, atoms, weights differ: {beads.shape}, {atoms.shape}, {weights.shape}")
        order = np.lexsort((atoms, beads))
        stored = {"beads": beads[order], "atoms": atoms[order], "weights": weights[order]}
        stored["bead_of_atom"] = np.array(self.bead_of_atom, dtype=np.int64)
        for key, value in stored.items():
            value.setflags(write=False)
            object.__setattr__(self, key, value)
        self._check()
        object.__setattr__(self, "_starts", np.flatnonzero(np.diff(self.beads, prepend=-1)))

    def _check(self):
        for name, n in (("beads", self.n_beads), ("atoms", self.n_atoms), ("bead_of_atom", self.n_beads)):
            values = getattr(self, name)
            if values.size and (values.min() < 0 or values.max() >= n):
                raise MappingError(
                    f"Mapping.{name} has {values.min()}..{values.max()}, expected indices within 0..{n - 1}"
                )
        if self.bead_of_atom.shape != (self.n_atoms,):
            raise MappingError(f"bead_of_atom has shape {self.bead_of_atom.shape}, expected ({self.n_atoms},)")
        if np.any((np.diff(self.beads) == 0) & (np.diff(self.atoms) == 0)):
            raise MappingError("a pair of bead and atom is given twice: add up its weights")
        total = np.bincount(self.beads, self.weights, minlength=self.n_beads)[np.unique(self.beads)]
        if not np.allclose(total, 1.0, rtol=0.0, atol=1e-6):
            worst = total[np.argmax(abs(total - 1.0))]
            raise MappingError(f"weights of a bead sum to {worst:g}, expected 1: normalise them")

    @property
    def n_beads(self) -> int:
        """Number of beads N."""
        return self.coarse.n_atoms

    @property
    def n_atoms(self) -> int:
        """Number of atoms A."""
        return self.fine.n_atoms

    @property
    def residue_of_bead(self) -> np.ndarray:
        """Residue of each bead, int64, shape (N,)."""
        return self.coarse.residue_of_atom

    @property
    def is_trace(self) -> bool:
        """Whether the beads are C-alphas, whose distances along a chain are known."""
        return self.name == CA.name

    @property
    def anchors(self) -> np.ndarray:
        """Beads that the C-alphas of a protein rest on, int64, shape (R,); of molecules beside it there are none."""
        fine = self.fine
        return self.bead_of_atom[(fine.names == "CA") & ~fine.hetero[fine.residue_of_atom]]

    @property
    def is_chain(self) -> bool:
        """Whether every residue of the protein has a bead of its own for its C-alpha to rest on."""
        chains = np.flatnonzero(~self.coarse.hetero)
        return len(chains) > 0 and np.array_equal(self.residue_of_bead[self.anchors], chains)

    @property
    def kept(self) -> bool:
        """Whether beads that may not move are met exactly, and not only as well as atoms can be fitted to them."""
        return self.is_trace or not self.is_chain

    @property
    def alphas(self) -> np.ndarray:
        """
        The bead of each residue that is its C-alpha and nothing else, int64, shape (R,); -1 where there is none.

        Examples
        --------
        >>> from mdbackmap.molecule.mapping import Mapping
        >>> Mapping.ca(Topology(["CA"], [""], [0], ["ALA"], [1], [""], ["A"], [""])).alphas.tolist()
        [0]
        """
        fine, found = self.fine, np.full(self.coarse.n_residues, -1)
        single = np.bincount(self.beads, minlength=self.n_beads)[self.beads] == 1
        own = single & (fine.names[self.atoms] == "CA") & ~fine.hetero[fine.residue_of_atom[self.atoms]]
        found[self.residue_of_bead[self.beads[own]]] = self.beads[own]
        return found

    @property
    def exact(self) -> bool:
        """Whether every residue of the protein has a bead that is its C-alpha and nothing else."""
        return self.is_chain and bool((self.alphas[~self.coarse.hetero] >= 0).all())

    @property
    def chain(self) -> np.ndarray:
        """The beads that chains go through, int64, shape (R,): C-alphas where there are any, else anchors."""
        alphas, anchors = self.alphas[~self.coarse.hetero], self.anchors
        return np.where(alphas < 0, anchors, alphas) if len(alphas) == len(anchors) else anchors

    @property
    def followed(self) -> np.ndarray | None:
        """`chain` for `boxes.whole`, where residues have several beads; None where it goes from bead to bead."""
        return self.chain if self.is_chain and self.n_beads > len(self.anchors) else None

    def trace(self, beads: ArrayLike) -> np.ndarray:
        """
        The beads nearest to the C-alphas of a protein; for C-alpha beads these themselves.

        Parameters
        ----------
        beads : ndarray of float, shape (..., N, 3)

        Returns
        -------
        ndarray of float, shape (..., R, 3)
        """
        anchors = self.chain
        return beads if np.array_equal(anchors, np.arange(self.n_beads)) else beads[..., anchors, :]

    def project(self, positions: ArrayLike) -> np.ndarray:
        """
        Positions of the beads, from those of the atoms.

        Parameters
        ----------
        positions : ndarray of float, shape (..., A, 3)
            In angstrom, chains whole.

        Returns
        -------
        ndarray, shape (..., N, 3)
            In the dtype of `positions` (float64 for integers); the very numbers of the atom where
            a bead is one atom, NaN where a bead owns none.

        Raises
        ------
        MappingError
            Another number of atoms.
        """
        positions = np.asarray(positions)
        positions = positions if np.issubdtype(positions.dtype, np.floating) else positions.astype(np.float64)
        self._match(positions, self.n_atoms, "atoms")
        owning = self.beads[self._starts]
        if len(self.atoms) == len(owning) and np.all(self.weights == 1.0):
            found = positions[..., self.atoms, :]
        else:
            shares = positions[..., self.atoms, :] * self.weights[:, None]  # (..., w, 3) float64
            found = np.add.reduceat(shares, self._starts, axis=-2).astype(positions.dtype)
        if len(owning) == self.n_beads:
            return found
        beads = np.full((*positions.shape[:-2], self.n_beads, 3), np.nan, dtype=positions.dtype)
        beads[..., owning, :] = found
        return beads

    def lift(self, beads: ArrayLike) -> np.ndarray:
        """
        Every atom on the bead it rests on.

        Parameters
        ----------
        beads : ndarray of float, shape (..., N, 3)
            In angstrom.

        Returns
        -------
        ndarray, shape (..., A, 3)
            In the dtype of `beads`.

        Raises
        ------
        MappingError
            Another number of beads.
        """
        beads = np.asarray(beads)
        self._match(beads, self.n_beads, "beads")
        return beads[..., self.bead_of_atom, :]

    def unlift(self, positions: ArrayLike) -> np.ndarray:
        """
        Positions of the beads, from those of atoms that rest on them or have been moved with them.

        Parameters
        ----------
        positions : ndarray of float, shape (A, 3)

        Returns
        -------
        ndarray, shape (N, 3)
            Where the atoms of each bead lie together, they are on it; otherwise as `project` gives it.
        """
        positions = np.asarray(positions)
        first = np.zeros(self.n_beads, dtype=np.int64)
        first[self.bead_of_atom[::-1]] = np.arange(self.n_atoms)[::-1]
        together = np.abs(positions - positions[first[self.bead_of_atom]]).max(initial=0.0) < _TOGETHER
        every = len(np.unique(self.bead_of_atom)) == self.n_beads
        return positions[first] if together and every and not self.is_trace else self.project(positions)

    def _match(self, positions, expected, what):
        if positions.ndim < 2 or positions.shape[-2:] != (expected, 3):
            raise MappingError(f"{what} have positions of shape {positions.shape}, expected (..., {expected}, 3)")
