"""
C-alpha traces corrected: neighbours at their distance, no overlapping C-alphas, beads where they were.

A decoder that places C-alphas in space has no bonds by construction. `Mending` finds a trace near to what was decoded
by projecting it onto one condition after the other, over and over, as SHAKE does (Ryckaert et al., J Comput Phys 1977):
distances of neighbours, of next neighbours, of all others, and the places of the coarse beads. The last projection of
each round is that onto the beads, so these are kept exactly, and the distances as well as the beads allow. Then the
trace is relaxed towards those of proteins (`traces.relaxation`), the beads held where they are.

Shapes: F frames, N beads, R C-alphas. Angstrom.
"""

import numpy as np
import torch

from ..chemistry.peptide_geometry import CA_NEXT, CIS_TYPICAL, TRANS_TYPICAL
from ..geometry.spheres import meeting_spheres
from ..torsions.internal import InternalCoordinates
from .projection import Pairs, alternating
from .relaxation import Relaxation
from .settings import DEFAULTS


def is_trace(topology):
    """
    Whether a topology is a C-alpha trace: one bead a residue, called CA, of amino acids.

    Examples
    --------
    >>> from ..molecule.topology import Topology
    >>> is_trace(Topology(["CA"], [""], [0], ["GLY"], [1], [""], ["A"], [""]))
    True
    """
    alone = topology.n_atoms == topology.n_residues and bool((topology.names == "CA").all())
    return alone and bool((topology.types >= 0).all())


class Mending:
    """
    For the C-alpha trace on the fine side of a mapping.

    Parameters
    ----------
    mapping : Mapping
        From N beads to R C-alphas, each of which counts in one bead at most.
    device : torch.device, optional
    settings : TraceSettings

    Examples
    --------
    >>> from ..molecule.grouping import Groups, group_mapping
    >>> from ..molecule.topology import Topology
    >>> trace = Topology(["CA"] * 4, [""] * 4, range(4), ["GLY"] * 4, range(4), [""] * 4, ["A"] * 4, [""] * 4)
    >>> mend = Mending(group_mapping(trace, Groups([[0, 1], [2, 3]], "mine"), "geometry"))
    >>> atoms = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [8, 0, 0], [8, 5, 0]]])
    >>> mended = mend(atoms, torch.tensor([[[1.5, 0, 0], [8, 2.5, 0]]]), 100)
    >>> lengths = (mended[0, 1:] - mended[0, :-1]).norm(dim=-1)
    >>> bool(((lengths > 3.7) & (lengths < 3.9)).all())
    True
    """

    def __init__(self, mapping, device=None, settings=DEFAULTS):
        trace, self.settings = mapping.fine, settings.mending
        n = trace.n_atoms
        bonded = ~trace.ends[:-1]
        low, high = (np.where(trace.cis[:-1], CIS_TYPICAL[k], TRANS_TYPICAL[k]) for k in (0, 1))
        first = np.arange(n - 1)
        self.pairs = [Pairs(first[some], 1, low[some], high[some]) for some in alternating(bonded, first % 2)]
        near = bonded[:-1] & bonded[1:]
        first = np.arange(len(near))
        self.pairs += [Pairs(first[some], 2, *CA_NEXT) for some in alternating(near, first // 2 % 2)]
        tied = torch.zeros(n, 3, dtype=torch.bool)  # with itself and the two behind it; all others have to keep apart
        tied[:, 0] = True
        for pairs in self.pairs:
            tied[pairs.first, pairs.second - pairs.first] = True
        self.tied = tied.to(device)
        self.beads, self.atoms = (torch.tensor(x, device=device) for x in (mapping.beads, mapping.atoms))
        self.weights = torch.tensor(mapping.weights, dtype=torch.float32, device=device)
        self.n_beads = mapping.n_beads
        self.relaxation = Relaxation(InternalCoordinates.of(trace, device), settings)

    def __call__(self, atoms, beads, rounds, firm=True):
        """
        Traces, shape (F, R, 3), like those of proteins, near to `atoms`, over the beads, shape (F, N, 3).

        Beads on which the distances of neighbours do not fit stay if they are `firm`, and move otherwise.
        """
        mended = self.mend(atoms, beads, rounds)
        eased = self.relaxation.ease(mended, lambda moved, some: moved + self._pull(moved, beads[some].to(moved)))
        mended = self.mend(eased, beads, min(rounds, self.settings.after))
        return mended if firm else self.mend(mended, beads, rounds, firm=False)

    def mend(self, atoms, beads, rounds, firm=True):
        """Traces (F, R, 3) near to `atoms`, their distances corrected, over the beads (F, N, 3) if these are `firm`."""
        centre = beads.mean(1, keepdim=True)  # small numbers are the more exact ones
        atoms, beads = atoms - centre, beads - centre
        with torch.autocast(atoms.device.type, enabled=False):
            for number in range(rounds):
                if firm and number % self.settings.every == 0:
                    atoms = atoms + self._push(atoms)
                for pairs in reversed(self.pairs):
                    atoms = pairs.project(atoms)
                atoms = atoms + self._pull(atoms, beads) if firm else atoms
        return atoms + centre

    def _push(self, atoms):
        """Displacements (F, R, 3) that part C-alphas which are too near."""
        least, n = self.settings.apart, atoms.shape[1]
        radii = atoms.new_full(atoms.shape[:2], 0.5 * least)
        frame, one, other = meeting_spheres(atoms, atoms, radii, radii)
        between = (one - other).abs()
        free = (between > 2) | ~self.tied[torch.minimum(one, other), between.clamp_max(2)]
        frame, one, other = frame[free], one[free], other[free]
        away = atoms[frame, one] - atoms[frame, other]
        apart = away.norm(dim=-1, keepdim=True)
        push = 0.5 * (least - apart) / apart.clamp_min(1e-3) * away
        pushed = atoms.new_zeros(atoms.shape[0] * n, 4)  # the last column counts
        pushed = pushed.index_add(0, frame * n + one, torch.cat([push, torch.ones_like(apart)], 1))
        return (pushed[:, :3] / pushed[:, 3:].clamp_min(1)).view_as(atoms)

    def _pull(self, atoms, beads):
        """The smallest displacements (F, R, 3) that put the beads back."""
        weights = self.weights.to(atoms)
        sums = torch.zeros_like(beads).index_add(1, self.beads, weights[:, None] * atoms[:, self.atoms])
        norm = weights.new_zeros(self.n_beads).index_add(0, self.beads, weights.square()).clamp_min(1e-12)
        missing = (beads - sums) / norm[:, None]
        return torch.zeros_like(atoms).index_add(1, self.atoms, weights[:, None] * missing[:, self.beads])
