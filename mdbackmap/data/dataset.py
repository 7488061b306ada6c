"""
Structures cut into units, and units put together in batches.

Shapes: R residues in all, n residues in a batch, K neighbours. Lengths in angstrom, angles in radians.
"""

import dataclasses

import numpy as np
import torch

from ..geometry.neighbours import nearest
from ..models.batch import COUNT_RADII, Batch, BeadInputs, separation
from ..torsions.bead_table import alone
from ..torsions.internal import InternalCoordinates
from .bead_draws import with_noise, with_oxt
from .jitter import jitter, roughen
from .layouts import TRAIN


@dataclasses.dataclass
class Unit:
    """Residues that are seen together: an entry, or a part of a large one with its surroundings (`scored` or not)."""

    rows: torch.Tensor
    scored: torch.Tensor
    weight: float
    near: tuple = None  # what `Batches` looks up: neighbours, which of them there are, counts and separations


def cut_units(structures, split=TRAIN, largest=1600, core=800):
    """
    Units of a split: whole entries, or runs of residues of large ones.

    The weight of a unit is lower where its chains have many relatives: one over the square root of the number of chains
    in their 30% cluster.

    Parameters
    ----------
    structures : Structures
    split : int
        `layouts.TRAIN` or `layouts.VALIDATION`.
    largest : int
        Residues of an entry that is one unit.
    core : int
        Residues of a run of a larger entry, which is seen with what is nearest to it.

    Returns
    -------
    list of Unit
    """
    chains = structures.chains
    chosen = chains["split"] == split
    clusters, inverse, sizes = np.unique(chains["cluster30"][chosen], return_inverse=True, return_counts=True)
    rarity = np.zeros(len(chosen))
    rarity[chosen] = sizes[inverse] ** -0.5
    entry = structures.entry.numpy()
    bounds = np.flatnonzero(np.r_[True, np.diff(entry) != 0, True])
    units = []
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        rows = torch.arange(start, stop)
        chain = structures.chain[rows].numpy()
        if not chosen[chain[0]]:
            continue
        good = torch.from_numpy(chains["score"][chain] > 0)
        if len(rows) <= largest:
            units.append(Unit(rows, good, float(rarity[chain].mean())))
            continue
        for at in range(start, stop, core):
            inner = torch.arange(at, min(at + core, stop))
            distance = torch.cdist(structures.ca[rows], structures.ca[inner]).min(1).values
            near = rows[distance.argsort()[:largest]].sort().values
            inside = (near >= inner[0]) & (near <= inner[-1])
            units.append(Unit(near, inside & good[near - start], float(rarity[chain[inner - start]].mean())))
    return units


@dataclasses.dataclass
class Example:
    """
    A batch with its targets.

    Attributes
    ----------
    batch : Batch
        What the network sees (n residues).
    internal : InternalCoordinates
        Of the whole batch.
    atoms : torch.Tensor, shape (n, 14, 3)
        The true atoms.
    mask : torch.Tensor of bool, shape (n, 14)
        Which of them are there.
    torsions : torch.Tensor, shape (n, 6)
        The true torsions on the batch's C-alphas.
    known : torch.Tensor of bool, shape (n, 6)
        Which of them are known.
    scored : torch.Tensor of bool, shape (n,)
        Residues that count; the others are context.
    weights : torch.Tensor, shape (n,)
        Weight of each residue in the likelihood.
    molecule : torch.Tensor of int64, shape (n,)
        Number of the unit: molecules of a batch do not see each other.
    """

    batch: Batch
    internal: InternalCoordinates
    atoms: torch.Tensor
    mask: torch.Tensor
    torsions: torch.Tensor
    known: torch.Tensor
    scored: torch.Tensor
    weights: torch.Tensor
    molecule: torch.Tensor

    def to(self, device):
        """The same example on another device."""
        parts = {name: part.to(device) for name, part in vars(self).items() if name != "internal"}
        batch = parts["batch"]
        return Example(**parts, internal=InternalCoordinates(batch.types, batch.last, batch.cis))


class Batches:
    """
    Flat batches of units.

    Parameters
    ----------
    structures : Structures
    units : list of Unit
    n_neighbours : int
    size : int
        Residues in a batch, about.
    noise : float
        Largest RMS of the smooth noise put on the beads of half of the units, in angstrom; the targets are those of the
        true atoms on the noisy trace.
    blur : float
        The same for the other half.
    roughness : float
        Largest RMS of white noise on top of `noise`, in angstrom.
    neighbour_dropout : float
        Share of the neighbours that are hidden at random.
    even : bool
        Noise of its largest size on every unit, instead of any size up to it.
    fresh : bool
        Look for neighbours among the beads with noise, not among the true ones: what is near then tells nothing of
        these, but it takes longer.
    white : float
        RMS of white noise on all units, in angstrom: what files round and simulations jitter by.
    draws : BeadDraws, optional
        Bead models: each unit is seen through one of them. Its beads are inputs beside C-alphas; where none of them
        is the C-alpha, this is off by as much as `placed` says.
    placed : float
        Largest RMS of white noise on C-alphas that stand for those found from other beads, in angstrom.
    """

    def __init__(
        self,
        structures,
        units,
        n_neighbours,
        size=2400,
        noise=0.0,
        blur=0.0,
        neighbour_dropout=0.0,
        roughness=0.0,
        even=False,
        fresh=False,
        white=0.0,
        draws=None,
        placed=0.0,
    ):
        self.structures, self.units, self.size = structures, units, size
        self.noise, self.blur, self.roughness = noise, blur, roughness
        self.white, self.draws, self.placed = white, draws, placed
        self.neighbour_dropout, self.even, self.fresh, self.n_neighbours = neighbour_dropout, even, fresh, n_neighbours
        self.torsions, self.known = structures.torsions
        for unit in units:
            unit.near = self._near(unit, structures.ca[unit.rows])

    def _near(self, unit, ca):
        """Neighbours, which of them there are, counts and separations of the C-alphas (n, 3) of a unit."""
        stretch = torch.cumsum(self._ends(unit).roll(1).long(), 0)
        index, _, present, counts = nearest(ca[None], self.n_neighbours, COUNT_RADII)
        return index[0].to(torch.int16), present[0], counts[0], separation(index[0], stretch).to(torch.int8)

    def _ends(self, unit):
        ends = self.structures.ends[unit.rows].clone()
        ends[:-1] |= unit.rows[1:] != unit.rows[:-1] + 1
        ends[-1] = True
        return ends

    @property
    def steps_per_epoch(self):
        """Batches of an epoch, about."""
        return max(1.0, sum(unit.weight * len(unit.rows) for unit in self.units) / (1.1 * self.size))

    def plan(self, generator):
        """
        The batches of one epoch, not yet made: a list of lists of units, each to be handed to `collate`.

        Every unit is in it with a probability of its weight; the order is random.
        """
        weights = torch.tensor([unit.weight for unit in self.units])
        kept = (torch.rand(len(weights), generator=generator) < weights).nonzero()[:, 0]
        order = kept[torch.randperm(len(kept), generator=generator)].tolist()
        return grouped([self.units[k] for k in order], self.size)

    def collate(self, units, generator=None):
        """One `Example` of some units; noise and dropout only if there is a `generator` to draw them with."""
        rows = torch.cat([unit.rows for unit in units])
        lengths = torch.tensor([len(unit.rows) for unit in units])
        ends = torch.cat([self._ends(unit) for unit in units])
        internal = InternalCoordinates(self.structures.types[rows], ends, self.structures.cis[rows] & ~ends)
        atoms, mask = self.structures.atoms(rows), self.structures.mask[rows]
        ca, torsions, seen = atoms[:, 1].clone(), self.torsions[rows], None
        if self.draws is not None and generator is not None:
            seen, weights = self._beads(units, rows, ends, lengths, generator)
            off = torch.rand(len(lengths), generator=generator).repeat_interleave(lengths) * self.placed
            ca = roughen(ca, torch.where(alone(weights, weights.any(-1)) < 0, off, 0.0), generator)
        if (self.noise or self.blur or self.roughness or self.white or seen is not None) and generator is not None:
            ca = self._noisy(ca, internal, lengths, generator)
            torsions = torsions.clone()
            torsions[~ends, 0] = internal.peptide_angles(ca, atoms, mask)[0][~ends]
        batch = self._batch(units, internal, ca, lengths, generator)
        if seen is not None:
            batch.inside = BeadInputs(seen - ca.unsqueeze(1), weights, weights.any(-1)).beside_alphas()
        targets = atoms, mask, torsions, self._known(rows, internal)
        scored = torch.cat([unit.scored for unit in units])
        molecule = torch.arange(len(units)).repeat_interleave(lengths)
        return Example(batch, internal, *targets, scored, self._weights(rows), molecule)

    def _beads(self, units, rows, ends, lengths, generator, noisy=True):
        """Beads (n, J, 3) of a model drawn for each unit, and their shares; 0 where atoms are missing."""
        atoms, mask = self.structures.atoms(rows), self.structures.mask[rows]
        weights = torch.cat([self.draws.draw(self.structures.types[unit.rows], generator) for unit in units])
        weights = with_oxt(weights, ends & self.structures.ends[rows], generator)
        missing = ((weights != 0) & ~mask.unsqueeze(1)).any(-1, keepdim=True)
        beads = weights @ atoms
        beads = with_noise(beads, lengths, generator) if noisy else beads
        return beads, weights.masked_fill(missing, 0.0)

    def _known(self, rows, internal):
        """Which torsions are known: ends that only the cutting made have no angle of their own."""
        known, ends = self.known[rows].clone(), self.structures.ends
        cut = internal.ends & ~ends[rows]
        known[cut, 0] = known[cut, 5] = False
        first = rows[internal.first]
        known[internal.first, 5] &= ends[(first - 1).clamp_min(0)] | (first == 0)
        return known

    def _noisy(self, ca, internal, lengths, generator):
        """C-alphas with smooth noise of a size drawn for each unit, and white noise on some."""
        amplitude = torch.rand(len(lengths), generator=generator)
        amplitude = torch.ones_like(amplitude) if self.even else amplitude
        much = torch.rand(len(lengths), generator=generator) < 0.5
        amplitude *= torch.where(much, self.noise, self.blur)
        ca = jitter(ca, internal, amplitude.repeat_interleave(lengths), generator)
        if self.roughness:
            amplitude = torch.rand(len(lengths), generator=generator) * torch.where(much, self.roughness, 0.0)
            ca = roughen(ca, amplitude.repeat_interleave(lengths), generator)
        return roughen(ca, ca.new_full((len(ca),), self.white), generator) if self.white else ca

    def _batch(self, units, internal, ca, lengths, generator):
        """What the network sees; neighbours are hidden only if there is a generator."""
        tables = [unit.near for unit in units]
        if self.fresh:
            tables = [self._near(*pair) for pair in zip(units, ca.split(lengths.tolist()), strict=True)]
        neighbours, present, counts, separations = map(torch.cat, zip(*tables, strict=True))
        neighbours = neighbours.long() + (lengths.cumsum(0) - lengths).repeat_interleave(lengths)[:, None]
        before, after = internal.neighbours(ca)
        if self.neighbour_dropout and generator is not None:
            present = present & (torch.rand(present.shape, generator=generator) >= self.neighbour_dropout)
        return Batch(
            *(internal.types, internal.starts, internal.ends, internal.cis, ca, before, after, neighbours),
            displacements=ca[neighbours] - ca.unsqueeze(1),
            present=present,
            separations=separations.long(),
            counts=counts,
        )

    def _weights(self, rows):
        """Weights (n,): mobile residues (high B factor) count less."""
        return ((100 - self.structures.b[rows]) / 60).clamp(0.25, 1)


def grouped(units, size):
    """Units in groups of about `size` residues, in their order."""
    groups, total = [], 0
    for unit in units:
        if not groups or total >= size:
            groups.append([])
            total = 0
        groups[-1].append(unit)
        total += len(unit.rows)
    return groups
