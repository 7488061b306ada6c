"""
Protein chains of structure packs in memory.

`layouts` reads the files. Beads are not stored: they are projected (C-alpha) when loaded.

Shapes: R residues in all, n some of them. Lengths in angstrom, angles in radians.
"""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import torch

from ..chemistry import residues
from ..chemistry.peptide_geometry import BROKEN_ABOVE, CIS_BELOW
from ..files import digest
from ..torsions.internal import InternalCoordinates
from .layouts import TRAIN, VALIDATION, present, read_packs


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
        sources = [{"file": Path(name).name, "sha256": digest(name)} for name in filenames]
        return cls(step=step, chains=chains, sources=sources, **tensors)

    def atoms(self, rows):
        """Heavy atoms (n, 14, 3) in angstrom of the residues `rows`."""
        return self.ca[rows].unsqueeze(1) + self.relative[rows].float() * self.step

    @functools.cached_property
    def torsions(self):
        """True torsions (R, 6) in radians and which are known (R, 6); equivalent atoms in their usual order."""
        return _torsions(self)

    def __repr__(self):
        n_train, n_valid = (np.count_nonzero(self.chains["split"] == split) for split in (TRAIN, VALIDATION))
        total = f"{len(self.chains['entry'])} chains, {len(self.types)} residues"
        return f"<Structures: {total}; {n_train} to train on, {n_valid} to validate on>"


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
