"""
The table behind `mdbackmap.packing.contacts`: energies of contacts between side chains.

Side chains are drawn by the network as in sampling at temperature 0. Energies are learned that make side chains near
the true ones likely after belief propagation (`packing.kernels.marginals`). The network must not have been
trained on the chains: on those it needs no contacts, and the energies would be zero. `build` writes the table:

    python -m mdbackmap.training.priors.contact_prior structures.h5 mdbackmap/packing/contacts.npz

``worth`` (13, 13) float32: kT, symmetric, by the classes of `packing.contacts`.

Shapes: K classes of atoms, M residues with side chains that can turn, C candidates.
"""

import sys

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ...backbone.settings import BackboneSettings
from ...checkpoint import load
from ...data import layouts
from ...data.known import read_chains
from ...datafiles import VALIDATION
from ...generation.conformation import Conformation
from ...generation.noise import Noise
from ...generation.pipeline import RandomNumbers, backbones
from ...metrics.dihedrals import side_chain_torsions
from ...options import Keys
from ...packing.candidates import Candidates
from ...packing.choosing import alike
from ...packing.contacts import CLASSES
from ...packing.kernels import marginals
from ...packing.settings import PackingSettings
from ...torsions.internal import InternalCoordinates

_SIZES = 50, 350  # residues of the chains; chosen: by hand, as what follows
_START, _RATE, _DECAY = 0.1, 0.005, 0.002  # kT at first; learning rate; weight of their squares
_TOGETHER = 4  # chains of a step
_BASE = 0.02  # floor of the likelihood: some true side chains are like none of the candidates


def examples(model, chain):
    """
    Side chains that the network draws on a chain's trace, and how much like the true ones they are.

    Parameters
    ----------
    model : GenZProt
    chain : Chain
        Its first frame counts.

    Returns
    -------
    candidates : Candidates
    likeness : torch.Tensor, shape (M, C)
        0 to 1.
    known : torch.Tensor of bool, shape (M,)
        Whether all true torsions are.
    """
    model.eval()
    internal = InternalCoordinates.of(chain.trace())
    beads = torch.as_tensor(chain.beads[:1], dtype=torch.float32)
    with torch.no_grad():
        random = RandomNumbers.of(Noise(temperature=0), Keys.first(1), beads, model.config.n_latent, PackingSettings())
        drawn, features = backbones(model, Conformation.of(internal, beads), random, BackboneSettings())
        candidates = Candidates.draw(model.heads, drawn, features, random, PackingSettings())
    at = internal.movable.residues
    true = torch.from_numpy(side_chain_torsions(chain.positions[:1], chain.mask, chain.types)[0]).to(beads)[at]
    known = (true.isfinite() | ~internal.defined[at, 1:5]).all(1)
    drawn = candidates.torsions[0, :, at].transpose(0, 1)  # (M, C, 6)
    both = torch.cat([drawn, drawn[:, :1]], 1)
    both[:, -1, 1:5] = true.nan_to_num()
    return candidates, alike(internal, at, both, PackingSettings().choosing.alike)[:, -1, :-1], known


def fit_contacts(model, chains, n_epochs=6, seed=0, verbose=False):
    """
    What contacts are worth.

    Parameters
    ----------
    model : GenZProt
    chains : list of Chain
        That the network was not trained on.
    n_epochs, seed : int
    verbose : bool
        Show a progress bar.

    Returns
    -------
    ndarray of float32, shape (K, K)
        In kT.

    Examples
    --------
    >>> from mdbackmap.data.known import read_chains
    >>> model, chains = load("genzprot")[0], read_chains(VALIDATION, limit=1)
    >>> fit_contacts(model, chains, n_epochs=1).shape
    (13, 13)
    """
    known = [examples(model, chain) for chain in tqdm(chains, desc="drawing", unit="chain", disable=not verbose)]
    worth = nn.Parameter(torch.full((len(CLASSES), len(CLASSES)), _START))
    optimizer = torch.optim.Adam([worth], lr=_RATE)
    rng = np.random.default_rng(seed)
    with tqdm(total=n_epochs * len(known), desc="fitting", unit="chain", disable=not verbose) as bar:
        for epoch in range(n_epochs):
            for group in optimizer.param_groups:
                group["lr"] = _RATE * (1 - epoch / n_epochs)
            order = rng.permutation(len(known))
            for start in range(0, len(order), _TOGETHER):
                step = [known[k] for k in order[start : start + _TOGETHER]]
                loss = sum(_misfit(worth, *example) for example in step) / sum(int(e[2].sum()) for e in step)
                optimizer.zero_grad()
                (loss + _DECAY * worth.square().sum()).backward()
                optimizer.step()
                bar.update(len(step))
                bar.set_postfix(loss=f"{loss.item():.3f}")
    return _symmetric(worth.detach()).numpy()


def _symmetric(worth):
    return (worth + worth.T) / 2


def _misfit(worth, candidates, likeness, known):
    """-log likelihood of side chains like the true ones, summed over the residues."""
    packing = candidates.packing
    energies = candidates.energies(packing.candidates.likeliest.overlap, _symmetric(worth))
    shares = marginals(*energies, packing.choosing)
    return -((shares * likeness).sum(1) + _BASE).log()[known].sum()


def build(pack, filename, model="genzprot"):
    """
    Learn the table and write it.

    Parameters
    ----------
    pack : path-like
        Structures; only held-out ones that are not among ``datafiles.VALIDATION`` count.
    filename : path-like
        The ``.npz`` to write.
    model : str or path-like
        Whose side chains these are.

    Raises
    ------
    ValueError
        If there are no such chains.

    Examples
    --------
    >>> build("structures.h5", "contacts.npz")  # doctest: +SKIP
    """
    judged = {chain.name for chain in read_chains(VALIDATION)}
    chains = [chain for chain in read_chains(pack, split=layouts.VALIDATION) if chain.name not in judged]
    chains = [chain for chain in chains if _SIZES[0] <= len(chain.types) <= _SIZES[1]]
    if not chains:
        raise ValueError(
            f"{pack}: no held-out chains (split {layouts.VALIDATION}) of {_SIZES[0]} to {_SIZES[1]} residues but those "
            "of datafiles.VALIDATION: contact energies can only be learned from chains that are new to the network"
        )
    np.savez_compressed(filename, worth=fit_contacts(load(model)[0], chains, verbose=True))


if __name__ == "__main__":
    build(*sys.argv[1:])
