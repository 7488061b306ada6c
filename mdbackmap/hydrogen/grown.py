"""
`Grown`: heavy atoms of modified residues, put on the atoms of their parents.

Lengths and angles are those of a table; bonds that turn freely go to where the group clashes least, as hydroxyls do.

Shapes: F frames, A atoms, M residues of one kind, S atoms of each, K candidates. Lengths in angstrom.
"""

import dataclasses
import itertools

import numpy as np
import torch

from ..chemistry.modified_residues import OWN
from ..geometry.vectors import dihedral, place
from .movers import Movers
from .scoring import Roles
from .turning import turned

_LATER = 0.05  # energy, in hydrogen bonds, by which a torsion costs more than the one before it in the table; by hand
_STRAIGHT = 0.87  # share of the bonds' lengths that a chain of them reaches; chosen: by hand, staggered, and some more
_FAR = 2.5  # angstrom from the first atom of the axis to those of the parent that others are put on; chosen: by hand
_BONDS_APART = 3  # cited: MolProbity, of heavy atoms
_AT_A_TIME = 2e7  # distances in memory at a time; chosen: by hand
_AROUND = 400  # pairs of atoms around a group; measured: for the memory, in a folded protein


@dataclasses.dataclass(frozen=True, eq=False)
class Groups(Movers):
    """
    Groups of modified residues of one kind.

    Attributes
    ----------
    references : torch.Tensor of int64, shape (M, S, 3)
        Atoms that each one is placed from: the last one of the axis first.
    columns : list of list of int or None, shape (S, 3)
        Which of the atoms of the group these are, if they are any.
    lengths, bends : torch.Tensor, shape (S,)
        Angstrom and radians.
    torsions : torch.Tensor, shape (S, K)
        Radians.
    own : tuple of bool, length S
        True where the torsion is that of the parent's atom.
    held : torch.Tensor of bool, shape (M, S)
        Atoms that stay where they are.
    """

    references: torch.Tensor
    columns: list
    lengths: torch.Tensor
    bends: torch.Tensor
    torsions: torch.Tensor
    own: tuple
    held: torch.Tensor

    @property
    def n_candidates(self):
        """Number of candidates K."""
        return self.torsions.shape[1]

    def candidates(self, atoms):
        """Places of the atoms with each set of torsions: shape (F, M, S, K, 3)."""
        built = []
        for s, own in enumerate(self.own):
            rows = self.references[:, s]
            torsion = self.torsions[s]
            if own:
                torsion = dihedral(*(atoms[:, k] for k in (*rows.flip(1).unbind(1), self.sites[:, s]))).unsqueeze(-1)
            points = [
                atoms[:, row].unsqueeze(2) if column is None else built[column]
                for row, column in zip(rows.unbind(1), self.columns[s], strict=True)
            ]
            shape = torch.broadcast_shapes(*(point.shape[:-1] for point in points), torsion.shape)
            near, second, third = (point.expand(*shape, 3) for point in points)
            placed = place(third, second, near, self.lengths[s], self.bends[s], torsion.expand(shape))
            here = atoms[:, self.sites[:, s]].unsqueeze(2)
            placed = torch.where(self.held[:, s, None, None], here, placed)
            built.append(placed.expand(-1, -1, self.n_candidates, -1))
        return torch.stack(built, 2)


def _of_kind(fine, modified, residues, held, device):
    """The groups of residues of one kind."""
    bounds = np.searchsorted(fine.residue_of_atom, np.arange(fine.n_residues + 1))
    at = [{str(fine.names[k]): k for k in range(*bounds[r : r + 2])} for r in residues]
    names, points = [row[0] for row in modified.rows], [row[1].split() for row in modified.rows]
    sites = np.array([[rows[name] for name in names] for rows in at])
    choices = list(itertools.product(*(range(len(rotor)) for rotor in modified.rotors)))
    chosen = [[rotor[k] for rotor, k in zip(modified.rotors, choice, strict=True)] for choice in choices]
    torsions = [[_torsion(row, angles) for angles in chosen] for row in modified.rows]
    centre = points[0]
    n = len(residues)

    def tensor(values, dtype=np.float32):
        return torch.tensor(np.array(values, dtype=dtype), device=device)

    return Groups(
        sites=tensor(sites, np.int64),
        there=tensor(np.ones_like(sites), bool),
        axis=tensor([[rows[centre[1]], rows[centre[0]]] for rows in at], np.int64),
        turns=tensor(np.zeros(len(chosen))),
        reach=tensor(np.full(n, _reach(modified))),
        cost=tensor(np.tile([_LATER * sum(choice) for choice in choices], (n, 1))),
        references=tensor([[[rows[name] for name in three] for three in points] for rows in at], np.int64),
        columns=[
            [names[:s].index(name) if name in names[:s] else None for name in three] for s, three in enumerate(points)
        ],
        lengths=tensor([row[2] for row in modified.rows]),
        bends=tensor(np.radians([row[3] for row in modified.rows])),
        torsions=tensor(np.radians(torsions)),
        own=tuple(row[4] == OWN for row in modified.rows),
        held=tensor(held[sites], bool),
    )


def _torsion(row, angles):
    """Degrees of a row's torsion, its rotor's among `angles` added; 0 where it is the parent's."""
    base = 0.0 if row[4] == OWN else row[4]
    return base + (angles[row[5]] if len(row) > 5 else 0.0)


def _reach(modified):
    """Angstrom that the atoms of a group may be from the first one's centre."""
    path, centre = {}, modified.rows[0][1].split()[0]
    for name, three, length, *_ in modified.rows:
        near = three.split()[0]
        path[name] = path.get(near, 0.0 if near == centre else _FAR) + length
    return max(max(path.values()) * _STRAIGHT, max(row[2] for row in modified.rows)) + 0.1  # angstrom; by hand, spare


@dataclasses.dataclass(frozen=True, eq=False)
class Grown:
    """
    The groups of all modified residues of a molecule.

    Attributes
    ----------
    kinds : list of Groups
    roles : Roles
    """

    kinds: list
    roles: Roles

    @classmethod
    def of(cls, fine, held, device=None):
        """
        Those of a molecule; None without any.

        Parameters
        ----------
        fine : Topology
            With the atoms of modified residues.
        held : ndarray of bool, shape (A,)
            Atoms that stay where they are.
        device : torch.device or str, optional
        """
        found = {}
        for residue, modified in fine.modified:
            found.setdefault(str(fine.variants[residue]), (modified, []))[1].append(residue)
        if not found:
            return None
        kinds = [_of_kind(fine, modified, residues, held, device) for modified, residues in found.values()]
        sites = torch.cat([kind.sites.flatten() for kind in kinds]).cpu().numpy()
        return cls(kinds, Roles.of(fine, sites, device, _BONDS_APART))

    @property
    def sites(self):
        """All atoms that are put in their places, int64, shape (s,)."""
        return torch.cat([kind.sites.flatten() for kind in self.kinds])

    def begin(self, atoms):
        """Put atoms, in place in `atoms` (F, A, 3), where the first candidates have them."""
        for kind in self.kinds:
            atoms[:, kind.sites] = kind.candidates(atoms)[:, :, :, 0]

    def turn(self, atoms, ignored, settings, box=None):
        """
        Turn groups to where they clash least.

        Parameters
        ----------
        atoms : torch.Tensor, shape (F, A, 3)
            Changed in place; all have places.
        ignored : torch.Tensor of bool, shape (A,)
            Atoms that do not count.
        settings : ScoringSettings
        box : torch.Tensor, shape (F, 3, 3), optional
            Box vectors as rows.
        """
        free = [kind for kind in self.kinds if kind.n_candidates > 1]
        if not free:
            return
        many = sum(kind.sites.shape[0] * kind.n_candidates for kind in free) * _AROUND
        for part in torch.arange(len(atoms)).split(max(1, int(_AT_A_TIME / many))):
            some = slice(int(part[0]), int(part[-1]) + 1)
            turned(atoms[some], free, self.roles, settings, None if box is None else box[some], ignored)
