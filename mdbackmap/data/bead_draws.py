"""
Structures seen through other beads than C-alphas, for training: bead models drawn at random, noise as simulations have.

Shapes: n residues in a batch, M tables, J beads of a residue at most, 14 atom slots. Lengths in angstrom.
"""

import torch

from ..chemistry import residues
from ..chemistry.elements import MASSES
from ..chemistry.variants import ALIASES
from ..molecule.shares import OXT_OF

RANDOM = "random"
"""The name of bead models that are made up, a new one for each unit."""
_WITH_OXT = 0.5  # share of the chain ends whose backbone bead has the terminal oxygen; chosen: by hand
_MAX_SIDE = 3  # beads of a side chain in random models; chosen: by hand
_EXACT, _NOISY = 0.03, 0.3  # angstrom, largest RMS of noise on most units and on others; chosen: by hand
_NOISY_UNITS, _STRAINED_UNITS = 0.25, 0.25  # shares of the units; chosen: by hand
_LONGER = 1.35  # largest factor on the distance of side-chain beads from the anchor; measured: lengths of Martini 3
_TURN = 0.6  # radians, largest RMS by which side-chain beads are turned; measured: 20 to 40 degrees in Martini 3
_BACKBONE_NOISE = 0.35  # angstrom, largest RMS of noise on backbone beads of strained units; chosen: by hand


class BeadDraws:
    """
    Bead models to draw from.

    Parameters
    ----------
    models : sequence of BeadModel or "random"
        Each is as likely as any other.

    Attributes
    ----------
    n_beads : int
        Beads J of a residue at most.
    """

    def __init__(self, models):
        self.models = tuple(models)
        known = [_tables(model) for model in self.models if model != RANDOM]
        self.n_beads = max([1 + _MAX_SIDE, *(table.shape[2] for table in known)])
        tables = iter([_padded(table, self.n_beads) for table in known])
        self.tables = [None if model == RANDOM else next(tables) for model in self.models]

    def draw(self, types, generator):
        """
        Shares of atoms in the beads of some residues, all by one bead model.

        Parameters
        ----------
        types : torch.Tensor of int64, shape (n,)
        generator : torch.Generator

        Returns
        -------
        weights : torch.Tensor, shape (n, J, 14)
            All 0 for beads that are not there.
        """
        table = self.tables[int(torch.randint(len(self.tables), (1,), generator=generator))]
        if table is None:
            return _padded(_made_up(generator)[None], self.n_beads)[0][types]
        return table[int(torch.randint(len(table), (1,), generator=generator))][types]


def _tables(model):
    """Shares (m, 20, j, 14) of a bead model, one for each set of variants that it has."""
    forms = [name for name in model.residues if name not in residues.RESIDUE_NAMES and name in ALIASES]
    n_beads = max(len(beads) for beads in model.residues.values())
    tables = torch.zeros(1 + len(forms), len(residues.RESIDUE_NAMES), n_beads, residues.MAX_ATOMS)
    for table, form in zip(tables, [None, *forms], strict=True):
        for kind, name in enumerate(residues.RESIDUE_NAMES):
            beads = model.residues[form if form is not None and ALIASES[form] == name else name]
            order = sorted(beads, key=lambda bead: bead != model.anchor)
            for row, bead in zip(table[kind], order, strict=False):
                for atom, share in beads[bead].items():
                    row[residues.SLOT_OF_ATOM[name, atom]] = share * (MASSES[atom[0]] if model.by_mass else 1.0)
    return _normed(tables)


def _made_up(generator):
    """Shares (20, 1 + 3, 14) of a bead model that nobody uses: some of the backbone, side chains in up to 3 beads."""

    def chance(share):
        return bool(torch.rand(1, generator=generator) < share)

    backbones = ((residues.N, residues.CA, residues.C, residues.O), (0, 1, 2), (1, 2, 3), (residues.CA,))
    backbone = backbones[int(torch.randint(len(backbones), (1,), generator=generator))]
    with_cb, by_mass, n_side = chance(0.2), chance(0.5), int(torch.randint(_MAX_SIDE + 1, (1,), generator=generator))
    table = torch.zeros(len(residues.RESIDUE_NAMES), 1 + _MAX_SIDE, residues.MAX_ATOMS)
    for kind, name in enumerate(residues.RESIDUE_NAMES):
        atoms = residues.ATOMS[name]
        masses = torch.tensor([MASSES[atom[0]] if by_mass else 1.0 for atom in atoms])
        own = [*backbone, *([residues.CB] if with_cb and len(atoms) > residues.CB else [])]
        table[kind, 0, own] = masses[own]
        side = torch.tensor([slot for slot in range(residues.CB, len(atoms)) if slot not in own], dtype=torch.int64)
        if n_side and len(side):
            for row, part in zip(table[kind, 1:], side.tensor_split(min(n_side, len(side))), strict=False):
                row[part] = masses[part]
    return _normed(table)


def _normed(shares):
    return shares / shares.sum(-1, keepdim=True).clamp_min(1e-9)


def _padded(tables, n_beads):
    return torch.nn.functional.pad(tables, (0, 0, 0, n_beads - tables.shape[2]))


def with_oxt(weights, ends, generator):
    """Shares (n, J, 14) with the terminal oxygen in some anchors of chain `ends` (n,) that have carbon and oxygen."""
    chosen = ends & (weights[:, 0, residues.O] > 0) & (weights[:, 0, residues.C] > 0)
    chosen &= torch.rand(len(ends), generator=generator) < _WITH_OXT
    shares = weights.new_zeros(residues.MAX_ATOMS)
    shares[[residues.C, residues.CA, residues.O]] = weights.new_tensor([OXT_OF[atom] for atom in ("C", "CA", "O")])
    oxygen = weights[:, 0, residues.O].unsqueeze(-1)  # as heavy as the other oxygen
    found = weights.clone()
    found[:, 0] = torch.where(chosen.unsqueeze(-1), (weights[:, 0] + oxygen * shares) / (1 + oxygen), weights[:, 0])
    return found


def with_noise(beads, lengths, generator):
    """
    Beads with white noise of a size drawn for each unit, those of some units strained as simulations are.

    Parameters
    ----------
    beads : torch.Tensor, shape (n, J, 3)
        In angstrom.
    lengths : torch.Tensor of int64, shape (u,)
        Residues of each unit.
    generator : torch.Generator

    Returns
    -------
    torch.Tensor, shape (n, J, 3)
    """

    def each(values):
        return values.repeat_interleave(lengths)[:, None, None]

    def drawn(share, some, others):
        chosen = torch.rand(len(lengths), generator=generator) < share
        size = torch.rand(len(lengths), generator=generator)
        return torch.where(chosen, some, others) * size

    normal = torch.randn(beads.shape, generator=generator) * 3**-0.5
    white = each(drawn(_NOISY_UNITS, _NOISY, _EXACT))
    strain = each(drawn(_STRAINED_UNITS, 1.0, 0.0))
    side = beads - beads[:, :1]
    axis = torch.randn(len(beads), 1, 3, generator=generator) * 3**-0.5 * _TURN * strain
    longer = 1 + (_LONGER - 1) * strain * torch.rand(len(beads), 1, 1, generator=generator)
    turned = (side + torch.linalg.cross(axis.expand_as(side), side)) / (1 + axis.square().sum(-1, True)).sqrt()
    strained = beads[:, :1] + turned * longer + normal * (white + _BACKBONE_NOISE * strain)
    return torch.where(strain > 0, strained, beads + normal * white)
