"""
The molecule that a CGVAE is for, as tables of tensors: slots of atoms in beads, weights, bonded pairs.

Shapes: N beads, A atoms, J slots (the most atoms that rest on one bead), K neighbours. `kinds` number beads that are
alike: each bead is its own kind, but copies of a molecule share theirs.
"""

import numpy as np
import torch
from torch import nn

from ...molecule.bonds import bonding_distances, molecules, pairs_within
from ...molecule.mapping import MappingError

_BONDED = 2  # atoms joined by so many bonds count in the loss of the graph
_APART = 0.2  # angstrom: by so much further than a bond other atoms are apart; chosen: by hand


class MoleculeTables(nn.Module):
    """
    Tables of a `Mapping`; they move with the network and are made anew from its configuration.

    Parameters
    ----------
    mapping : Mapping
        No atom counts in two beads, and each rests on the bead that it counts in.

    Attributes
    ----------
    slot_of_atom : torch.Tensor of int64, shape (A,)
        Place in (N * J) of each atom.
    weights : torch.Tensor, shape (N, J)
        Of the atom in each slot; 0 in empty slots.
    kind_of_bead : torch.Tensor of int64, shape (N,)
    kind_of_atom : torch.Tensor of int64, shape (A,)
        Equal for the same atom of copies of a molecule.
    pairs : torch.Tensor of int64, shape (p, 2)
        Atoms joined by one or two bonds.
    neighbours : torch.Tensor of int64, shape (A, K)
        Bonded atoms, as a table.
    present : torch.Tensor of bool, shape (A, K)
        False for entries that only fill the table up.
    """

    def __init__(self, mapping):
        super().__init__()
        self._elements, self._reach = mapping.fine.elements, None
        self.n_beads, self.n_atoms = mapping.n_beads, mapping.n_atoms
        _check(mapping)
        owner = mapping.bead_of_atom
        place = _place(owner)
        self.n_slots = int(place.max()) + 1
        slots = owner * self.n_slots + place
        share = np.zeros(mapping.n_atoms)
        share[mapping.atoms] = mapping.weights
        weights = np.zeros(mapping.n_beads * self.n_slots)
        weights[slots] = share
        pairs = pairs_within(mapping.n_atoms, mapping.fine.bonds, _BONDED)
        kind_of_atom, kind_of_bead = _kinds(mapping)
        table, present = _table(mapping.n_atoms, np.unique(mapping.fine.bonds, axis=0))
        tables = {"slot_of_atom": slots, "bead_of_atom": owner, "pairs": pairs, "neighbours": table}
        tables |= {"present": present, "kind_of_bead": kind_of_bead, "kind_of_atom": kind_of_atom}
        tables |= {"weights": weights.reshape(mapping.n_beads, self.n_slots), "share": share}
        for name, values in tables.items():
            floating = np.issubdtype(values.dtype, np.floating)
            tensor = torch.tensor(values, dtype=torch.float32 if floating else None)
            self.register_buffer(name, tensor, persistent=False)

    @property
    def n_kinds(self):
        """Numbers of kinds of beads and of atoms."""
        return int(self.kind_of_bead.max()) + 1, int(self.kind_of_atom.max()) + 1

    @property
    def reach(self):
        """Distances (A, A) in angstrom below which atoms overlap, each pair once; 0 if one or two bonds join it."""
        if self._reach is None:
            reach = bonding_distances(self._elements)
            reach = np.triu(np.where(reach > 0, reach + _APART, 0.0), 1)
            reach[tuple(np.sort(self.pairs.cpu().numpy(), axis=1).T)] = 0.0
            self._reach = torch.tensor(reach)
        self._reach = self._reach.to(self.weights)
        return self._reach

    def project(self, atoms):
        """
        Beads (F, N, 3) of atoms (F, A, 3); a bead that owns none lies at the mean of all atoms.

        Examples
        --------
        >>> from ...molecule.mapping import Mapping
        >>> from ...molecule.topology import Topology
        >>> three = Topology(["CA"] * 3, [""] * 3, [0, 1, 2], ["GLY"] * 3, [1, 2, 3], [""] * 3, ["A"] * 3, [""] * 3)
        >>> MoleculeTables(Mapping.ca(three)).project(torch.ones(1, 12, 3)).shape
        torch.Size([1, 3, 3])
        """
        centre = atoms.mean(1, keepdim=True)  # small numbers add up more exactly
        shares = (atoms - centre) * self.share[:, None]
        beads = atoms.new_zeros(len(atoms), self.n_beads, 3).index_add(1, self.bead_of_atom, shares)
        return beads + centre


def _check(mapping):
    if len(np.unique(mapping.atoms)) < len(mapping.atoms):
        raise MappingError("an atom counts in two beads: CGVAE needs mappings in which it counts in one")
    if np.any(mapping.bead_of_atom[mapping.atoms] != mapping.beads):
        raise MappingError("an atom rests on another bead than the one it counts in: CGVAE needs both to be the same")
    if mapping.n_beads < 3:
        raise MappingError(
            f"{mapping.n_beads} beads have no orientation in space, so no atoms can be placed around them: expected "
            "three or more; choose a finer mapping"
        )


def _kinds(mapping):
    """Numbers (A,) and (N,) of atoms and beads that are alike in copies of a molecule."""
    fine, owner = mapping.fine, mapping.bead_of_atom
    _, first, bead = np.unique(owner, return_index=True, return_inverse=True)
    joined = np.concatenate([fine.bonds, np.stack([np.arange(len(owner)), first[bead]], axis=1)])
    copy = molecules(mapping.n_atoms, joined)
    place = _place(copy)
    first = np.unique(copy, return_index=True)[1]
    bead_place = owner - owner[first][copy]
    names = np.char.add(np.char.add(fine.names, " "), fine.resnames[fine.residue_of_atom])
    described = [f"{name} {bead}" for name, bead in zip(names, bead_place, strict=True)]
    content = {k: " ".join(np.array(described)[copy == k]) for k in range(copy.max() + 1)}
    sort = np.unique(list(content.values()), return_inverse=True)[1]  # which molecules are copies of each other
    kind_of_atom = np.unique(np.stack([sort[copy], place], axis=1), axis=0, return_inverse=True)[1].ravel()
    kind_of_bead = np.arange(mapping.n_beads)
    representative = {}
    for bead, key in zip(owner, zip(sort[copy], bead_place, strict=True), strict=True):
        kind_of_bead[bead] = representative.setdefault(key, bead)
    return kind_of_atom, np.unique(kind_of_bead, return_inverse=True)[1].ravel()


def _place(label):
    """Running number of each entry within its label."""
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(label.max() + 1))
    place = np.empty_like(label)
    place[order] = np.arange(len(label)) - starts[label[order]]
    return place


def _table(n_atoms, pairs):
    """Pairs as a neighbour table (A, K), filled up with the atom itself."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort(both.T[::-1])]
    column = np.arange(len(both)) - np.searchsorted(both[:, 0], both[:, 0])
    width = int(column.max(initial=0)) + 1
    table = np.repeat(np.arange(n_atoms)[:, None], width, axis=1)
    present = np.zeros((n_atoms, width), dtype=bool)
    table[both[:, 0], column], present[both[:, 0], column] = both[:, 1], True
    return table, present
