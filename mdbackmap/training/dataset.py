"""
Training data: structure packs (HDF5) read into memory and cut into batches.

A pack holds heavy atoms as the attribute `format` "mdbackmap structures v2" describes them (`residue/`, `chain/`,
`entry/`; see `datafiles/README.md`); `h5py` alone reads it. Beads are not stored: they are projected (C-alpha) when
loaded.

Shapes: R residues in all, n residues in a batch, K neighbours. Lengths in angstrom, angles in radians.
"""

import dataclasses

import h5py
import numpy as np
import torch

from .. import residues
from ..batch import COUNT_RADII, Batch, separation
from ..internal import InternalCoordinates, trace_neighbours
from ..neighbours import nearest

_CIS = 3.3
_BROKEN = 4.5


@dataclasses.dataclass(frozen=True, eq=False)
class Structures:
    """
    Protein chains in memory, residue after residue.

    Attributes
    ----------
    types : (R,) int64
    ca : (R, 3) float32
        C-alphas in angstrom.
    relative : (R, 14, 3) int16
        Heavy atoms relative to their CA, in units of `step` angstrom.
    step : float
    mask : (R, 14) bool
    ends, cis : (R,) bool
        Last residue of an unbroken stretch; cis peptide to the next one.
    b : (R,) float32
        B factor of CA; 0 where it is not known.
    chain, entry : (R,) int64
        Number of the chain and of the entry (chains of one entry are neighbours in space).
    chains : dict of numpy.ndarray
        Per chain: `split`, `tier`, `score`, `cluster30`, `cluster90`, `pdb_id`, `chain_id`, `offset` (one more).
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

    @classmethod
    def read(cls, filename):
        """
        Read a pack.

        Raises
        ------
        ValueError
            If the file is no structure pack.
        """
        with h5py.File(filename) as pack:
            if not {"residue", "chain", "entry"} <= set(pack):
                raise ValueError(f"{filename} is no structure pack: expected the groups residue, chain and entry, found {sorted(pack)}")
            if pack.attrs["alphabet"] != residues.ALPHABET:
                raise ValueError(f"{filename} numbers residue types as {pack.attrs['alphabet']}, expected {residues.ALPHABET}")
            step = float(pack.attrs["step"])
            part = {name: values[:] for name, values in pack["residue"].items()}
            chains = {name: values[:] for name, values in pack["chain"].items()}
        ca = part["ca"].astype(np.float32) * np.float32(step)
        begin = part["brk"].astype(bool)
        begin[chains["offset"][:-1]] = True
        ends = np.roll(begin, -1)
        ends[-1] = True
        chain = np.repeat(np.arange(len(chains["entry"])), np.diff(chains["offset"]))
        gap = np.linalg.norm(np.roll(ca, -1, axis=0) - ca, axis=-1)
        fields = {
            "types": part["seq"].astype(np.int64),
            "ca": ca,
            "relative": part["rel"],
            "mask": (part["mask"][:, None] >> np.arange(residues.MAX_ATOMS)) & 1 > 0,
            "ends": ends | (gap > _BROKEN),
            "cis": (gap < _CIS) & ~ends,
            "b": part["b"].astype(np.float32),
            "chain": chain,
            "entry": chains["entry"].astype(np.int64)[chain],
        }
        return cls(step=step, chains=chains, **{name: torch.from_numpy(value) for name, value in fields.items()})

    def atoms(self, rows):
        """Heavy atoms (n, 14, 3) in angstrom of the residues `rows`."""
        return self.ca[rows].unsqueeze(1) + self.relative[rows].float() * self.step


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


def cut_units(structures, split=0, largest=1600, core=800):
    """
    Units of a split: whole entries up to `largest` residues; of larger ones, runs of `core` residues with what is nearest.

    The weight of a unit is lower where its chains have many close relatives (one over the square root of the size of
    their 90 % cluster).
    """
    chains = structures.chains
    chosen = chains["split"] == split
    clusters, inverse, sizes = np.unique(chains["cluster90"][chosen], return_inverse=True, return_counts=True)
    rarity = np.zeros(len(chosen))
    rarity[chosen] = sizes[inverse] ** -0.5
    entry = structures.entry.numpy()
    bounds = np.flatnonzero(np.r_[True, np.diff(entry) != 0, True])
    units = []
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        rows = torch.arange(start, stop)
        own = structures.chain[rows].numpy()
        if not chosen[own[0]]:
            continue
        good = torch.from_numpy(chains["score"][own] > 0)
        if len(rows) <= largest:
            units.append(Unit(rows, good, float(rarity[own].mean())))
            continue
        for at in range(start, stop, core):
            inner = torch.arange(at, min(at + core, stop))
            distance = torch.cdist(structures.ca[rows], structures.ca[inner]).min(1).values
            near = rows[distance.argsort()[:largest]].sort().values
            inside = (near >= inner[0]) & (near <= inner[-1])
            units.append(Unit(near, inside & good[near - start], float(rarity[own[inner - start]].mean())))
    return units


class Batches:
    """
    Flat batches for the loop, drawn anew each epoch.

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
    """

    def __init__(self, structures, units, n_neighbours, size=2400, noise=0.0):
        self.structures, self.units, self.size, self.noise = structures, units, size, noise
        self.torsions, self.known = _torsions(structures)
        for unit in units:
            ends = self._ends(unit)
            stretch = torch.cumsum(ends.roll(1).long(), 0)
            index, _, present, counts = nearest(structures.ca[unit.rows][None], n_neighbours, COUNT_RADII)
            unit.neighbours, unit.present, unit.counts = index[0].to(torch.int16), present[0], counts[0]
            unit.separations = separation(index[0], stretch).to(torch.int8)

    def _ends(self, unit):
        ends = self.structures.ends[unit.rows].clone()
        ends[:-1] |= unit.rows[1:] != unit.rows[:-1] + 1
        ends[-1] = True
        return ends

    @property
    def steps_per_epoch(self):
        """Batches of an epoch, about."""
        return sum(unit.weight * len(unit.rows) for unit in self.units) / (1.1 * self.size)

    def epoch(self, generator):
        """Batches of one epoch: (batch, atoms, mask, torsions, known, weights)."""
        weights = torch.tensor([unit.weight for unit in self.units])
        kept = (torch.rand(len(weights), generator=generator) < weights).nonzero()[:, 0]
        order = kept[torch.randperm(len(kept), generator=generator)].tolist()
        group, total = [], 0
        for at in order:
            group.append(self.units[at])
            total += len(group[-1].rows)
            if total >= self.size:
                yield self.collate(group, generator)
                group, total = [], 0

    def collate(self, units, generator=None):
        """One flat batch of some units."""
        rows = torch.cat([unit.rows for unit in units])
        lengths = torch.tensor([len(unit.rows) for unit in units])
        shift = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        ends = torch.cat([self._ends(unit) for unit in units])
        kinds = self.structures.types[rows], ends, self.structures.cis[rows] & ~ends
        internal = InternalCoordinates(*kinds)
        atoms, mask = self.structures.atoms(rows), self.structures.mask[rows]
        beads = atoms[:, 1].clone()
        torsions, known = self.torsions[rows], self.known[rows].clone()
        cut = ends & ~self.structures.ends[rows]  # ends that only the cutting made have no angle of their own
        known[cut, 0] = known[cut, 5] = False
        known[internal.first, 5] &= self._true_start(rows[internal.first])
        if self.noise and generator is not None:
            amplitude = torch.rand(len(units), generator=generator) * self.noise
            amplitude *= torch.rand(len(units), generator=generator) < 0.5
            beads = jitter(beads, internal, amplitude.repeat_interleave(lengths), generator)
            torsions = torsions.clone()
            inner = ~ends
            torsions[inner, 0] = internal.peptide_angles(beads, atoms, mask)[0][inner]
        neighbours = torch.cat([unit.neighbours for unit in units]).long() + shift[:, None]
        before, after = trace_neighbours(beads, internal.first, internal.last)
        batch = Batch(
            *(internal.types, internal.starts, internal.ends, internal.cis, beads, before, after, neighbours),
            displacements=beads[neighbours] - beads.unsqueeze(1),
            present=torch.cat([unit.present for unit in units]),
            separations=torch.cat([unit.separations for unit in units]).long(),
            counts=torch.cat([unit.counts for unit in units]),
        )
        known &= torch.cat([unit.scored for unit in units])[:, None]
        return batch, atoms, mask, torsions, known, self._weights(rows)

    def _true_start(self, rows):
        return self.structures.ends[(rows - 1).clamp_min(0)] | (rows == 0)

    def _weights(self, rows):
        """Weights (n,): mobile residues (high B factor) count less."""
        return ((100 - self.structures.b[rows]) / 60).clamp(0.25, 1)


def _torsions(structures, chunk=50_000):
    """Torsions (R, 6) and where they are known, prepared structures' side chains left out; equivalent atoms by IUPAC."""
    internal = InternalCoordinates(structures.types, structures.ends, structures.cis)
    every = torch.arange(len(structures.types))
    torsions, known = internal.to_internal(structures.ca, structures.atoms(every), structures.mask)
    for name, at in residues.SYMMETRIC_CHIS.items():
        rows = structures.types == residues.TYPE_OF_NAME[name]
        low = 0.0 if name in ("PHE", "TYR") else -torch.pi / 2  # the cut lies where the group is rare
        torsions[rows, 1 + at] = torch.remainder(torsions[rows, 1 + at] - low, torch.pi) + low
    prepared = torch.from_numpy(structures.chains["tier"] == 2)[structures.chain]
    known[prepared, 1:5] = False
    return torsions, known


def jitter(beads, internal, amplitude, generator, rounds=8):
    """
    Beads (n, 3) with smooth noise of `amplitude` (n,) angstrom RMS, CA-CA distances kept nearly as they were.

    White noise is averaged along the chain, scaled, and the distances are then restored by a few rounds of pairwise
    corrections (as SHAKE does).
    """
    noise = torch.randn(beads.shape, generator=generator)
    inner_next, inner_last = ~internal.ends[:, None], ~internal.starts[:, None]
    for _ in range(3):
        noise = noise + noise.roll(-1, 0) * inner_next + noise.roll(1, 0) * inner_last
    noise = noise / noise.square().mean().mul(3).sqrt() * amplitude[:, None]
    moved = beads + noise
    wanted = (beads.roll(-1, 0) - beads).norm(dim=-1, keepdim=True)
    for _ in range(rounds):
        bond = moved.roll(-1, 0) - moved
        length = bond.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        correction = 0.25 * (length - wanted) / length * bond * inner_next
        moved = moved + correction - correction.roll(1, 0)
    return moved
