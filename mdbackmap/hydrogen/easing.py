"""
`Easing`: hydrogens that lie within another atom are bent away from it.

Where heavy atoms are too near each other, hydrogens can lie in other atoms. In force fields that costs much more than
bending their bonds by some degrees.

Shapes: F frames, A atoms, H hydrogens, p pairs. Lengths in angstrom.
"""

import dataclasses

import numpy as np

from ..metrics.clashes import close_pairs
from ..molecule.bonds import pairs_within
from ..molecule.boxes import nearest_images
from .parents import carriers

# Angstrom from a hydrogen to the nearest atom that it may have, by that atom's element; cited: Amber ff14SB, whose
# Lennard-Jones energies push with 5e4 kJ/mol/nm there.
_LIMITS = {"H": 1.40, "O": 1.60, "N": 1.68, "C": 1.70, "S": 1.80}
_POLAR = 0.40  # angstrom less for a hydrogen on N, O or S; cited: as above
_TURN = np.radians(35)  # radians that a bond may bend; chosen: by hand
_ROUNDS = 20  # chosen: by hand
_NEAR = 2.4  # angstrom: pairs that are looked at while hydrogens move; chosen: by hand
_BONDS = 3  # pairs that are fewer bonds apart do not count; cited: exceptions of Amber


@dataclasses.dataclass(frozen=True, eq=False)
class Easing:
    """
    What bends hydrogens away.

    Attributes
    ----------
    parent : ndarray of int64, shape (A,)
        The heavy atom of each hydrogen, -1 of other atoms.
    reach : ndarray of float, shape (A,)
        How near a hydrogen may come to each atom.
    less : ndarray of float, shape (A,)
        How much nearer that may be, for the hydrogen's sake.
    bonded : ndarray of int64, shape (p,)
        Pairs that do not count, as ``i * A + j``, the lower first.
    """

    parent: np.ndarray
    reach: np.ndarray
    less: np.ndarray
    bonded: np.ndarray

    @classmethod
    def of(cls, fine, rows):
        """
        Those of a molecule.

        Parameters
        ----------
        fine : Topology
        rows : ndarray of int64, shape (H,)
            Hydrogens that may bend.
        """
        holder = carriers(fine)
        parent = np.full(fine.n_atoms, -1)
        parent[rows] = holder[rows]
        polar = (fine.elements == "H") & np.isin(fine.elements[holder], ["N", "O", "S"])
        reach = np.array([_LIMITS.get(element, 0.0) for element in fine.elements])
        pairs = np.sort(pairs_within(fine.n_atoms, fine.bonds, _BONDS), axis=1)
        return cls(parent, reach, np.where(polar, _POLAR, 0.0), np.sort(pairs[:, 0] * fine.n_atoms + pairs[:, 1]))

    def __call__(self, atoms, boxes=None):
        """
        Bend hydrogens away from the nearest images of atoms.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
            Changed in place.
        boxes : ndarray of float, shape (F, 3, 3), optional
            Box vectors as rows.
        """
        for frame, box in zip(atoms, [None] * len(atoms) if boxes is None else boxes, strict=True):
            if len(self._tight(frame, self._near(frame, max(_LIMITS.values()), box), box)[0]):
                self._bend(frame, self._near(frame, _NEAR, box), box)

    def _near(self, frame, distance, box):
        """Pairs (p, 2) within a distance that count."""
        pairs = close_pairs(frame, distance, box)[0]
        pairs = pairs[self._limits(pairs) > 0]
        keys = pairs[:, 0] * len(frame) + pairs[:, 1]
        return pairs[self.bonded[np.searchsorted(self.bonded, keys).clip(max=len(self.bonded) - 1)] != keys]

    def _limits(self, pairs):
        """How near pairs may be; 0 without a hydrogen that may bend."""
        one, other = pairs.T
        light = (self.parent[one] >= 0) | (self.parent[other] >= 0)
        first = np.where(self.parent[one] >= 0, self.reach[other], self.reach[one])
        return np.where(light, first - self.less[one] - self.less[other], 0.0)

    def _tight(self, frame, pairs, box):
        """Those of the pairs (p, 2) that are nearer than they may be, and vectors (p, 3) from the second atoms."""
        gaps = frame[pairs[:, 0]] - frame[pairs[:, 1]]
        gaps = gaps if box is None else nearest_images(gaps, box).astype(frame.dtype)
        near = np.linalg.norm(gaps, axis=1) < self._limits(pairs)
        return pairs[near], gaps[near]

    def _bend(self, frame, pairs, box):
        """Move the hydrogens of a frame (A, 3), in small steps, at the lengths of their bonds."""
        start = frame.copy()
        for _ in range(_ROUNDS):
            tight, gap = self._tight(frame, pairs, box)
            if not len(tight):
                return
            one, other = tight.T
            distance = np.linalg.norm(gap, axis=1, keepdims=True)
            push = 0.5 * (self._limits(tight)[:, None] - distance + 0.05) * gap / distance
            moved = np.zeros_like(frame)
            np.add.at(moved, one, push)
            np.add.at(moved, other, -push)
            at = np.flatnonzero((self.parent >= 0) & moved.any(axis=1))
            frame[at] = self._bent(start[at], frame[at] + moved[at], frame[self.parent[at]])

    @staticmethod
    def _bent(start, end, centre):
        """Places at the old lengths from `centre`, turned towards `end` by `_TURN` at most."""
        old, new = start - centre, end - centre
        length = np.linalg.norm(old, axis=1, keepdims=True)
        old, new = old / length, new / np.linalg.norm(new, axis=1, keepdims=True)
        cosine = np.clip((old * new).sum(1, keepdims=True), -1, 1)
        across = new - cosine * old
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        angle = np.minimum(np.arccos(cosine), _TURN)
        return centre + length * (np.cos(angle) * old + np.sin(angle) * across)
