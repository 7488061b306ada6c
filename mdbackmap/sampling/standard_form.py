"""
The form in which networks see a molecule, so that atoms are a function of its shape.

Frames are moved to the origin, where single precision is finest. Chains come in an order of their own: random numbers
belong to residues by their number, so the order of chains in the file would change what is drawn.

Shapes: F frames, N beads, A atoms, R residues. Positions in angstrom.
"""

from __future__ import annotations

import numpy as np


class StandardForm:
    """
    Beads to the form that a network sees, and atoms back.

    Parameters
    ----------
    mapping : Mapping
        From N beads to the atoms of a model, in the order of the input.
    network : Model
        A model of one molecule keeps the order that it was trained on.

    Attributes
    ----------
    mapping : Mapping
        The same molecule with its chains in standard order.

    Examples
    --------
    >>> from mdbackmap.molecule.mapping import Mapping
    >>> from mdbackmap.molecule.topology import Topology
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["VAL", "GLY"], [1, 1], [""] * 2, ["A", "B"], [""] * 2)
    >>> chain_order(two).tolist()
    [1, 0]
    """

    def __init__(self, mapping, network):
        self.given = self.mapping = mapping
        self._beads = self._atoms = None  # the order of beads, and the way back for atoms
        order = chain_order(mapping.coarse) if network.molecule is None else np.arange(mapping.coarse.n_residues)
        if np.any(np.diff(order) != 1):
            self.mapping = mapping.take(order)
            self._beads, self._atoms = mapping.coarse.atoms_of(order), np.argsort(mapping.fine.atoms_of(order))
        alone = mapping.weights == 1.0  # atoms that are beads, and the beads that they are
        self._alone = mapping.atoms[alone], mapping.beads[alone]

    def beads(self, beads):
        """
        What the network is given.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)

        Returns
        -------
        beads : ndarray of float32, shape (F, N, 3)
            In standard order, about the origin.
        centre : ndarray of float64, shape (F, 1, 3)
            Where that is.
        """
        centre = np.asarray(beads, dtype=np.float64).mean(axis=1, keepdims=True)
        near = (beads - centre).astype(np.float32)
        return (near if self._beads is None else near[:, self._beads]), centre

    def kept(self, atoms, centre):
        """Atoms (F, A, 3) that are known, in the order and about the origin of what the network is given."""
        near = (atoms - centre).astype(np.float32)
        return near if self._atoms is None else near[:, np.argsort(self._atoms)]

    def ordered(self, atoms):
        """What the network made, (F, A, 3), in the order of the input, about the origin still."""
        return atoms if self._atoms is None else atoms[:, self._atoms]

    def atoms(self, atoms, centre, beads):
        """
        What the network made, where and in what order the input has it.

        Parameters
        ----------
        atoms : ndarray of float, shape (F, A, 3)
        centre : ndarray of float64, shape (F, 1, 3)
        beads : ndarray of float32, shape (F, N, 3)
            As they were given; atoms that the network left on them get the very same numbers.

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
        """
        atoms = self.ordered(atoms)
        there = (atoms + centre).astype(np.float32)
        own, alone = self._alone
        near = (beads[:, alone] - centre).astype(np.float32)
        kept = (atoms[:, own] == near).all(axis=-1, keepdims=True)
        there[:, own] = np.where(kept, beads[:, alone], there[:, own])
        return there


def chain_order(coarse):
    """
    Residues (R,) chain by chain, chains sorted by sequence, numbers, breaks and name.

    Chains that are equal in all of these keep their order.
    """
    other = (coarse.chainIDs[1:] != coarse.chainIDs[:-1]) | (coarse.segids[1:] != coarse.segids[:-1])
    chains = np.split(np.arange(coarse.n_residues), np.flatnonzero(other) + 1)

    def key(rows):
        parts = (coarse.resnames, coarse.resids, coarse.icodes, coarse.ends, coarse.cis)
        names = (coarse.chainIDs[rows[:1]], coarse.segids[rows[:1]])
        return tuple(tuple(values.tolist()) for values in (*(part[rows] for part in parts), *names))

    return np.concatenate(sorted(chains, key=key))
