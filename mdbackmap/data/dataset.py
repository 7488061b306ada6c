"""
Training data: structure packs read into memory and cut into batches.

`layouts` reads the files. Beads are not stored: they are projected (C-alpha) when loaded.

Shapes: R residues in all, n residues in a batch, K neighbours. Lengths in angstrom, angles in radians.
"""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import torch

from ..chemistry import residues
from ..chemistry.peptide_geometry import BROKEN_ABOVE, CIS_BELOW
from ..files import digest
from ..geometry.neighbours import nearest
from ..models.batch import COUNT_RADII, Batch, separation
from ..torsions.internal import InternalCoordinates, trace_neighbours
from .jitter import jitter, roughen
from .layouts import TRAIN, present, read_packs


@dataclasses.dataclass(frozen=True, eq=False)
class Structures:
    """
    Protein chains in memory, residue after residue.

    Attributes
    ----------
    types : torch.Tensor of int64, shape (R,)
    ca : torch.Tensor, shape (R, 3)
        C-alphas in angstrom.
    relative : torch.Tensor of int16, shape (R, 14, 3)
        Heavy atoms relative to their CA, in units of `step` angstrom.
    step : float
    mask : torch.Tensor of bool, shape (R, 14)
    ends, cis : torch.Tensor of bool, shape (R,)
        Last residue of an unbroken stretch; cis peptide to the next one.
    b : torch.Tensor, shape (R,)
        B factor of CA; 0 where it is not known.
    chain, entry : torch.Tensor of int64, shape (R,)
        Number of the chain and of the entry (chains of one entry are neighbours in space).
    chains : dict of numpy.ndarray
        Per chain: `split`, `tier`, `score`, `cluster30`, `cluster90`, `pdb_id`, `chain_id`, `offset` (one more).
    sources : list of dict
        `file` (name) and `sha256` of each file.

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> Structures.read(VALIDATION)
    <Structures: 85 chains, 15589 residues; 0 to train on, 85 to validate on>
    """

    types: torch.Tensor
    ca: torch.Tensor
    relative: torch.Tensor
    step: float
    mask: torch.Tensor
    ends: torch.Tensor
    cis: torch.Tensor
    b: torch.Tensor
    chain: torch.Tensor
    entry: torch.Tensor
    chains: dict
    sources: list = dataclasses.field(default_factory=list)

    @classmethod
    def read(cls, *filenames, include=None):
        """
        Read one pack, or several as one.

        Parameters
        ----------
        *filenames : path-like
            Packs of either layout (see `layouts`).
        include : sequence of str, optional
            Of files of ensembles, only systems whose kind or name matches one of these patterns.

        Raises
        ------
        FileNotFoundError
            No such file.
        ValueError
            A file that is no structure pack, or no system that matches `include`.
        """
        if not filenames:
            raise ValueError("no structure pack given: expected the name of at least one file")
        part, chains, step = read_packs(filenames, include)
        begin = part["brk"].astype(bool)
        begin[chains["offset"][:-1]] = True
        ends = np.roll(begin, -1)
        ends[-1] = True
        gap = np.linalg.norm(np.roll(part["ca"], -1, axis=0) - part["ca"], axis=-1)
        ends |= gap > BROKEN_ABOVE
        chain = np.repeat(np.arange(len(chains["entry"])), np.diff(chains["offset"]))
        fields = {
            "types": part["seq"].astype(np.int64),
            "ca": part["ca"],
            "relative": part["rel"],
            "mask": present(part["mask"]),
            "ends": ends,
            "cis": (gap < CIS_BELOW) & ~ends,
            "b": part["b"].astype(np.float32),
            "chain": chain,
            "entry": chains["entry"][chain],
        }
        tensors = {name: torch.from_numpy(value) for name, value in fields.items()}
        return cls(step=step, chains=chains, sources=[_source(name) for name in filenames], **tensors)

    def atoms(self, rows):
        """Heavy atoms (n, 14, 3) in angstrom of the residues `rows`."""
        return self.ca[rows].unsqueeze(1) + self.relative[rows].float() * self.step

    @functools.cached_property
    def torsions(self):
        """True torsions (R, 6) in radians and which are known (R, 6); equivalent atoms in their usual order."""
        return _torsions(self)

    def __repr__(self):
        n_train, n_valid = (np.count_nonzero(self.chains["split"] == split) for split in (TRAIN, TRAIN + 1))
        total = f"{len(self.chains['entry'])} chains, {len(self.types)} residues"
        return f"<Structures: {total}; {n_train} to train on, {n_valid} to validate on>"


def _source(filename):
    return {"file": Path(filename).name, "sha256": digest(filename)}


@dataclasses.dataclass
class Unit:
    """Residues that are seen together: an entry, or a part of a large one with its surroundings (`scored` or not)."""

    rows: torch.Tensor
    scored: torch.Tensor
    weight: float
    neighbours: torch.Tensor = None
    present: torch.Tensor = None
    separations: torch.Tensor = None
    counts: torch.Tensor = None


def cut_units(structures, split=TRAIN, largest=1600, core=800):
    """
    Units of a split: whole entries, or runs of residues of large ones.

    An entry of up to `largest` residues is one unit. Larger ones give runs of `core` residues with what is nearest. The
    weight of a unit is lower where its chains have many close relatives (one over the square root of the size of their
    90 % cluster).
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
        The true torsions on the batch's beads.
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
    ):
        self.structures, self.units, self.size = structures, units, size
        self.noise, self.blur, self.roughness = noise, blur, roughness
        self.neighbour_dropout, self.even, self.fresh, self.n_neighbours = neighbour_dropout, even, fresh, n_neighbours
        self.torsions, self.known = structures.torsions
        for unit in units:
            tables = self._near(unit, structures.ca[unit.rows])
            unit.neighbours, unit.present, unit.counts, unit.separations = tables

    def _near(self, unit, beads):
        """Neighbours, which of them there are, counts and separations of the beads (n, 3) of a unit."""
        stretch = torch.cumsum(self._ends(unit).roll(1).long(), 0)
        index, _, present, counts = nearest(beads[None], self.n_neighbours, COUNT_RADII)
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
        groups, total = [[]], 0
        for at in kept[torch.randperm(len(kept), generator=generator)].tolist():
            if total >= self.size:
                groups.append([])
                total = 0
            groups[-1].append(self.units[at])
            total += len(self.units[at].rows)
        return [group for group in groups if group]

    def collate(self, units, generator=None):
        """One `Example` of some units; noise and dropout only if there is a `generator` to draw them with."""
        rows = torch.cat([unit.rows for unit in units])
        lengths = torch.tensor([len(unit.rows) for unit in units])
        shift = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        ends = torch.cat([self._ends(unit) for unit in units])
        internal = InternalCoordinates(self.structures.types[rows], ends, self.structures.cis[rows] & ~ends)
        atoms, mask = self.structures.atoms(rows), self.structures.mask[rows]
        beads = atoms[:, 1].clone()
        torsions, known = self.torsions[rows], self.known[rows].clone()
        cut = ends & ~self.structures.ends[rows]  # ends that only the cutting made have no angle of their own
        known[cut, 0] = known[cut, 5] = False
        known[internal.first, 5] &= self._true_start(rows[internal.first])
        if (self.noise or self.blur or self.roughness) and generator is not None:
            amplitude = torch.rand(len(units), generator=generator)
            amplitude = torch.ones_like(amplitude) if self.even else amplitude
            much = torch.rand(len(units), generator=generator) < 0.5
            amplitude *= torch.where(much, self.noise, self.blur)
            beads = jitter(beads, internal, amplitude.repeat_interleave(lengths), generator)
            if self.roughness:
                amplitude = torch.rand(len(units), generator=generator) * torch.where(much, self.roughness, 0.0)
                beads = roughen(beads, amplitude.repeat_interleave(lengths), generator)
            torsions = torsions.clone()
            inner = ~ends
            torsions[inner, 0] = internal.peptide_angles(beads, atoms, mask)[0][inner]
        if self.fresh:
            parts = zip(units, beads.split(lengths.tolist()), strict=True)
            tables = [self._near(unit, own) for unit, own in parts]
        else:
            tables = [(unit.neighbours, unit.present, unit.counts, unit.separations) for unit in units]
        neighbours, present, counts, separations = map(torch.cat, zip(*tables, strict=True))
        neighbours = neighbours.long() + shift[:, None]
        before, after = trace_neighbours(beads, internal.first, internal.last)
        if self.neighbour_dropout and generator is not None:
            present = present & (torch.rand(present.shape, generator=generator) >= self.neighbour_dropout)
        batch = Batch(
            *(internal.types, internal.starts, internal.ends, internal.cis, beads, before, after, neighbours),
            displacements=beads[neighbours] - beads.unsqueeze(1),
            present=present,
            separations=separations.long(),
            counts=counts,
        )
        scored = torch.cat([unit.scored for unit in units])
        molecule = torch.arange(len(units)).repeat_interleave(lengths)
        return Example(batch, internal, atoms, mask, torsions, known, scored, self._weights(rows), molecule)

    def _true_start(self, rows):
        return self.structures.ends[(rows - 1).clamp_min(0)] | (rows == 0)

    def _weights(self, rows):
        """Weights (n,): mobile residues (high B factor) count less."""
        return ((100 - self.structures.b[rows]) / 60).clamp(0.25, 1)


def _torsions(structures, chunk=50_000):
    """Torsions (R, 6) and where they are known, side chains of prepared structures left out; symmetric ones folded."""
    bounds = [0]
    for stop in (structures.ends.nonzero()[:, 0] + 1).tolist():
        if stop - bounds[-1] >= chunk or stop == len(structures.types):
            bounds.append(stop)
    torsions = torch.zeros(len(structures.types), 6)
    known = torch.zeros(len(structures.types), 6, dtype=torch.bool)
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        rows = torch.arange(start, stop)
        internal = InternalCoordinates(structures.types[rows], structures.ends[rows], structures.cis[rows])
        torsions[rows], known[rows] = internal.to_internal(
            structures.ca[rows], structures.atoms(rows), structures.mask[rows]
        )
    for name, at in residues.SYMMETRIC_CHIS.items():
        rows = structures.types == residues.TYPE_OF_NAME[name]
        low = 0.0 if name in ("PHE", "TYR") else -torch.pi / 2  # the cut lies where the group is rare
        torsions[rows, 1 + at] = torch.remainder(torsions[rows, 1 + at] - low, torch.pi) + low
    prepared = torch.from_numpy(structures.chains["tier"] == 2)[structures.chain]
    known[prepared, 1:5] = False
    return torsions, known
