"""
How probable a model finds known structures: nats per residue, of a density of torsions per radian.

The one number that is worse both for too broad and for too narrow distributions. Lower is better. Models compare only
under one measure, here the torsions of `mdbackmap.torsions.internal` (six at most a residue), those of symmetric
groups on half the circle.

Shapes: R residues of all chains, n residues of a batch, B bins.
"""

import numpy as np
import torch

from ..chemistry.residues import RESIDUE_NAMES
from ..data.dataset import Batches, cut_units
from ..data.known import spread
from ..data.structures import Structures

BINS = 36  # of the circle, 10 degrees each; chosen: by hand
PRIOR_COUNT = 0.5  # added to each bin of a histogram; chosen: by hand
_LAST, _START, _END = (len(RESIDUE_NAMES) + k for k in range(3))  # kinds of torsion that only chain ends have
_PEPTIDE_COLUMN, _END_COLUMN = 0, 5


def nats_per_residue(model, filename, *, splits=(1,), limit=None, n_draws=4, seed=0):
    """
    The negative evidence lower bound of a model on chains of a pack, beside that of independent torsions.

    Parameters
    ----------
    model : GenZProt
        Or any model whose `forward` returns the log densities of torsions and the KL divergence.
    filename : str or Path
        A structure pack, such as `mdbackmap pack` makes of any structures; beads are taken without noise.
    splits : sequence of int
        Score the chains of these splits: 0 for training, 1 held out.
    limit : int, optional
        Only this many entries, spread evenly over the pack; all if None.
    n_draws : int
        Draws from the posterior to average over.
    seed : int

    Returns
    -------
    dict of str to float
        ``nats``, the bound, which is ``nats_torsions`` (reconstruction) plus ``nats_kl``; ``nats_independent``, by
        `independent_torsions` on the same residues. Means over residues, in nats.

    Raises
    ------
    ValueError
        If the pack has no such chains.

    Examples
    --------
    >>> from mdbackmap.checkpoint import load
    >>> from mdbackmap.datafiles import VALIDATION
    >>> terms = nats_per_residue(load("genzprot")[0], VALIDATION, limit=2, n_draws=1)
    >>> bool(np.isclose(terms["nats"], terms["nats_torsions"] + terms["nats_kl"]))
    True
    """
    structures = Structures.read(filename)
    units = [unit for split in splits for unit in cut_units(structures, split)]
    if not units:
        raise ValueError(f"{filename} has no chains to score: expected some of split {' or '.join(map(str, splits))}")
    batches = Batches(structures, [units[k] for k in spread(len(units), limit)], model.config.n_neighbours)
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    totals = np.zeros(4)  # residues, torsions, kl, independent torsions
    baseline = independent_torsions(structures, batches.torsions, batches.known)
    with torch.inference_mode():
        for unit in batches.units:
            example = batches.collate([unit]).to(device)
            known = example.known & example.scored[:, None]
            counted = known.any(1)
            apart = (baseline[unit.rows] * known.cpu().numpy()).sum()
            inputs = example.batch, example.atoms, example.mask, example.torsions, known
            for _ in range(n_draws):
                noise = torch.randn(len(known), model.config.n_latent, generator=generator).to(device)
                log_density, kl = model(*inputs, noise)
                terms = counted.sum(), -(log_density * known).sum(), (kl * counted).sum()
                totals += [*map(float, terms), -apart]
    torsions, kl, apart = totals[1:] / totals[0]
    terms = {"nats": torsions + kl, "nats_torsions": torsions, "nats_kl": kl, "nats_independent": apart}
    return {name: float(value) for name, value in terms.items()}


def independent_torsions(structures, torsions, known):
    """
    Log density of each torsion by a histogram of its own, for its residue type, over the other chains of the pack.

    Knows neither beads nor neighbours: what a model has to beat.

    Parameters
    ----------
    structures : Structures
    torsions : torch.Tensor, shape (R, 6)
    known : torch.Tensor of bool, shape (R, 6)

    Returns
    -------
    ndarray of float, shape (R, 6)
        Nats per radian; 0 where unknown.
    """
    torsions, known = torsions.numpy(), known.numpy()
    kinds = _kinds(structures)
    chain = structures.chain.numpy()
    out = np.zeros(torsions.shape)
    for column in range(torsions.shape[1]):
        rows = np.flatnonzero(known[:, column])
        bins = np.floor(torsions[rows, column] / (2 * np.pi) * BINS).astype(int) % BINS
        out[rows, column] = _left_out(kinds[rows, column], bins, chain[rows])
    return out


def _left_out(kinds, bins, chains):
    """Log density per radian of each bin in the histogram of its kind over the other chains."""
    counts = np.zeros((_END + 1, BINS))
    np.add.at(counts, (kinds, bins), 1)
    density = np.empty(len(bins))
    for chain in np.unique(chains):
        rows = np.flatnonzero(chains == chain)
        excluded = np.zeros_like(counts)
        np.add.at(excluded, (kinds[rows], bins[rows]), 1)
        others = counts - excluded + PRIOR_COUNT
        density[rows] = others[kinds[rows], bins[rows]] / others.sum(1)[kinds[rows]]
    return np.log(density * BINS / (2 * np.pi))


def _kinds(structures):
    """Which histogram a torsion belongs to, shape (R, 6): the residue's type, but for angles of chain ends only."""
    kinds = np.repeat(structures.types.numpy()[:, None], 6, axis=1)
    ends = structures.ends.numpy()
    kinds[ends, _PEPTIDE_COLUMN] = _LAST
    kinds[:, _END_COLUMN] = np.where(ends, _END, _START)
    return kinds
