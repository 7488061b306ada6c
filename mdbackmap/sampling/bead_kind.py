"""
Whether beads were projected from atoms or come from a simulation, told from distances within residues.

Side-chain beads of simulations lie at the lengths of their force field, up to an angstrom beyond the centres of mass of
the atoms that they stand for. `BeadModel.lengths` has both kinds of lengths for the models in which they differ.

Shapes: F frames, N beads, P pairs of beads. Lengths in angstrom.
"""

import numpy as np

from ..molecule.bead_models import BEAD_MODELS

# Angstrom of noise on beads that both explanations may assume, the likeliest of which counts.
_NOISE = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45)  # chosen: by hand, up to half a bond of a force field
_LEAST = 0.02  # angstrom: no distance is more exact; measured: XTC rounds beads to 0.01
_ODD = 0.01, 0.25  # share of distances that neither explains, and their density an angstrom; chosen: by hand


def pairs_of(coarse, lengths):
    """
    Pairs of beads whose lengths are known.

    Parameters
    ----------
    coarse : Topology
    lengths : dict
        As `BeadModel.lengths`.

    Returns
    -------
    list of tuple
        The two beads, their residue and the name of the pair, and its lengths.
    """
    first = np.searchsorted(coarse.residue_of_atom, np.arange(coarse.n_residues + 1))
    names, found = coarse.names.tolist(), []
    for residue, name in enumerate(coarse.resnames.tolist()):
        place = {names[bead]: bead for bead in range(first[residue], first[residue + 1])}
        for pair, known in lengths.get(name, {}).items():
            one, other = pair.split("-")
            if one in place and other in place:
                found.append(((place[one], place[other]), (residue, pair), known))
    return found


class BeadKind:
    """
    What distances within residues say of the beads of one molecule.

    Parameters
    ----------
    mapping : Mapping

    Attributes
    ----------
    known : bool
        Whether the lengths of a force field are known for these beads.

    Examples
    --------
    >>> from mdbackmap.molecule.bead_models import BEAD_MODELS
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> one = Topology(["BB", "SC1"], ["", ""], [0, 0], ["ALA"], [1], [""], ["A"], [""])
    >>> kind = BeadKind(Mapping.of(BEAD_MODELS["martini3"], one))
    >>> kind.evidence(np.array([[[0, 0, 0], [2.7, 0, 0]]])) > 1, kind.evidence(np.array([[[0, 0, 0], [2.1, 0, 0]]])) < 0
    (True, True)
    >>> kind.shrunk(np.array([[[0, 0, 0], [2.7, 0, 0]]])).round(2).tolist()
    [[[0.0, 0.0, 0.0], [2.14, 0.0, 0.0]]]
    """

    def __init__(self, mapping):
        pairs = pairs_of(mapping.coarse, getattr(BEAD_MODELS.get(mapping.name), "lengths", {}))
        self.known = len(pairs) > 0
        self._pairs = np.array([pair for pair, *_ in pairs]).reshape(-1, 2)
        self._lengths = np.array([known for *_, known in pairs]).reshape(-1, 4)
        self._order = _towards_anchors(self._pairs, mapping.anchors)

    def _apart(self, beads):
        return np.linalg.norm(beads[:, self._pairs[:, 0]] - beads[:, self._pairs[:, 1]], axis=-1)  # (F, P)

    def evidence(self, beads) -> float:
        """
        Log-likelihood, in nats a frame, of the lengths of the force field against those of centres of mass.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
            Residues whole.

        Returns
        -------
        float
            Above 0 for beads of a simulation; 0 where nothing tells.
        """
        if not self.known:
            return 0.0
        apart, noise = self._apart(beads), np.array(_NOISE)[:, None, None]
        kinds = [_log_likelihood(apart, *self._lengths[:, k : k + 2].T, noise) for k in (0, 2)]
        simulated, projected = (kind.sum(-1).mean(-1).max() for kind in kinds)
        return float(simulated - projected)

    def longer(self, beads) -> float:
        """How much longer (F, N, 3) beads have their distances than centres of mass, in angstrom on average."""
        return float((self._apart(beads) - self._lengths[:, 2]).mean()) if self.known else 0.0

    def shrunk(self, beads):
        """
        Beads of a simulation about where the centres of mass of their atoms would be.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)

        Returns
        -------
        ndarray, shape (F, N, 3)
            Each bead drawn towards the one nearer to the anchor, by the ratio of both lengths.
        """
        moved = beads.copy()
        for row, near, far in self._order:
            ratio = self._lengths[row, 2] / self._lengths[row, 0]
            moved[:, far] = moved[:, near] + ratio * (beads[:, far] - beads[:, near])
        return moved


def _log_likelihood(apart, mean, deviation, noise):
    """Log densities (n, F, P) of distances (F, P), with noise (n, 1, 1) on both beads."""
    width = np.sqrt(deviation**2 + _LEAST**2 + 2 * noise**2)
    normal = np.exp(-0.5 * ((apart - mean) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    share, density = _ODD
    return np.log((1 - share) * normal + share * density)


def _towards_anchors(pairs, anchors):
    """Rows of pairs that lead from anchors outwards, once to each bead, with the nearer and the further bead."""
    reached, found, missing = set(anchors.tolist()), [], list(enumerate(pairs.tolist()))
    while True:
        more = [(row, pair) for row, pair in missing if (pair[0] in reached) != (pair[1] in reached)]
        if not more:
            return found
        row, (one, other) = more[0]
        near, far = (one, other) if one in reached else (other, one)
        reached.add(far)
        found.append((row, near, far))
