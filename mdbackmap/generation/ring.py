"""
`BoundRing`: a bound model of a protein with closed chains, as cyclic peptides are.

Internal coordinates begin at an end of a chain. So a ring is generated twice: first cut between its last and its first
residue, and then cut on the other side. The second time all atoms are given but those of a few residues on both sides
of the first cut. These are built between the others as residues within a chain are.

Shapes: F frames, N beads, A atoms. Angstrom.
"""

import dataclasses

import numpy as np
import torch

from ..molecule.kept import KeptPlaces
from .bound import Bound, BoundProtein
from .pipeline import KEPT

_BUILT = 3  # residues on each side of the cut that are built again; chosen: by hand, five peptides turn freely

_SAME = 1e-4  # angstrom; chosen: by hand, less is rounding


@dataclasses.dataclass(frozen=True, eq=False)
class BoundRing(Bound):
    """
    A protein with closed chains.

    Attributes
    ----------
    cut : BoundProtein
        With the chains as they are listed.
    turned : BoundProtein
        With the ring of each closed chain cut half-way.
    beads, atoms : ndarray of int64, shapes (N,) and (A,)
        Where beads and atoms of `turned` are among those of `cut`.
    given : ndarray of bool, shape (A,)
        Of these atoms, those that are given the second time.
    """

    cut: BoundProtein
    turned: BoundProtein
    beads: np.ndarray
    atoms: np.ndarray
    given: np.ndarray

    @classmethod
    def of(cls, model, mapping, settings):
        """Bound to a mapping some of whose stretches are closed."""
        order, ends, built = half_turned(mapping.coarse)
        turned = mapping.take(order)
        parts = (dataclasses.replace(part, ends=ends) for part in (turned.coarse, turned.fine))
        turned = dataclasses.replace(turned, **dict(zip(("coarse", "fine"), parts, strict=True)))
        cut, other = (BoundProtein.of(model, one, settings) for one in (mapping, turned))
        orders = mapping.coarse.atoms_of(order), mapping.fine.atoms_of(order)
        return cls(model, mapping, settings, cut, other, *orders, ~built[turned.fine.residue_of_atom])

    @property
    def placing(self):
        """What finds C-alphas from other beads."""
        return self.cut.placing

    @torch.no_grad()
    def sample(self, beads, noise, keys, box=None, tolerance=KEPT, kept=None):
        """Atoms for beads (see `Bound.sample`)."""
        first = self.cut.sample(beads, noise, keys, box, tolerance, kept)
        known = np.where(self.given[:, None], first.cpu().numpy()[:, self.atoms], np.float32(np.nan))
        none = np.zeros((len(known), 0, 3), np.float32), np.zeros(0, np.int64), np.zeros((0, 14), np.int64)
        if kept is not None:
            known = np.where(np.isfinite(kept.atoms[:, self.atoms]), kept.atoms[:, self.atoms], known)
            none = kept.others, kept.kinds, kept.members
        again = self.turned.sample(beads[:, self.beads], noise, keys, box, tolerance, KeptPlaces(known, *none))
        atoms = torch.empty_like(first)
        atoms[:, self.atoms] = again
        stayed = (atoms - first).norm(dim=-1, keepdim=True) < _SAME
        return torch.where(stayed, first, atoms)  # beads that were kept, to the bit


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
