"""`mixed`: a bead model of one molecule whose residues follow different models, as those of CALVADOS do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .bead_definition import BeadModel

CALVADOS = "calvados"
"""The name of such a model: C-alphas in linkers, centres of mass in folded domains, every bead called CA."""


@dataclass(frozen=True, eq=False)
class MixedModel(BeadModel):
    """
    One bead a residue, placed as one of several models has it; made by `mixed`.

    Parameters
    ----------
    parts : tuple of BeadModel
        With the same anchor.
    part_of : ndarray of int64, shape (R,)
        Which of them each residue of the molecule follows.
    """

    parts: tuple = ()
    part_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def beads_of(self, topology, residue):
        """Beads of a residue and the shares of their atoms."""
        return self.parts[self.part_of[residue]].beads_of(topology, residue)

    def weigh(self, coarse, fine, carboxylates=None):
        """Which atoms count in which beads (see `BeadModel.weigh`), residue by residue."""
        found = [part.weigh(coarse, fine, carboxylates) for part in self.parts]
        part_of_bead = self.part_of[coarse.residue_of_atom]
        kept = [part_of_bead[beads] == k for k, (beads, *_) in enumerate(found)]
        triples = (np.concatenate([parts[i][rows] for parts, rows in zip(found, kept, strict=True)]) for i in range(3))
        return *triples, found[0][3]


def mixed(parts, part_of) -> MixedModel:
    """
    A model of one molecule whose residues follow several models of one bead a residue.

    Parameters
    ----------
    parts : tuple of BeadModel
    part_of : ndarray of int, shape (R,)
        Which of them each residue follows.

    Returns
    -------
    MixedModel

    Examples
    --------
    >>> from mdbackmap.molecule.bead_models import BEAD_MODELS
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["GLY"] * 2, [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> mapping = Mapping.of(mixed((BEAD_MODELS["ca"], BEAD_MODELS["com"]), [1, 0]), two)
    >>> mapping.name, np.bincount(mapping.beads).tolist()
    ('calvados', [4, 1])
    """
    first = parts[0]
    return MixedModel(CALVADOS, first.anchor, first.residues, parts=tuple(parts), part_of=np.asarray(part_of))
