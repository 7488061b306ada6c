"""
What a model of one molecule learns from.

The terms of the loss, each with a weight of its name in `molecule_config.MoleculeLoss`:

========= =========================================================================================================
positions mean square displacement of the reconstructed atoms, square angstrom
kl        KL(posterior || prior) of a bead, nats
graph     mean square error of the distances of atoms joined by one or two bonds, square angstrom
samples   the same of what is drawn from the prior, since such distances hardly depend on the conformation, and
          overlaps: how far other atoms are nearer than a bond and 0.2 angstrom, squared, a bonded distance
nats      -log p(atoms | beads, latent) + KL: the negative evidence lower bound, nats an atom
width     the same without the KL; gradients reach the decoder's widths only
========= =========================================================================================================

Shapes: F frames, A atoms.
"""

import torch

_DISTANCES = 16_000_000  # in memory at a time, 64 MB; chosen: by hand
_EXACT = "donot_use_mm_for_euclid_dist"


def loss_terms(model, atoms, made, true=None):
    """
    The terms of the loss.

    Parameters
    ----------
    model : CGVAE
    atoms : torch.Tensor, shape (F, A, 3)
    made : Reconstruction
        What the model makes of them.
    true : torch.Tensor, shape (F, A, 3), optional
        What lengths of bonds are compared with, where `atoms` are shifted.

    Returns
    -------
    dict of str to torch.Tensor, shape ()
    """
    n_atoms = atoms.shape[1]
    pairs, true = model.tables.pairs, atoms if true is None else true
    none = made.drawn is None
    width = -model.log_density(atoms, made.atoms.detach())
    return {
        "positions": (made.atoms - atoms).square().sum(-1).mean(),
        "kl": made.kl.mean(),
        "graph": _strain(made.atoms, true, pairs),
        "samples": atoms.new_zeros(()) if none else _strain(made.drawn, true, pairs) + _overlap(made.drawn, model),
        "nats": (made.kl.sum(1) - made.log_density).mean() / n_atoms,
        "width": width.mean() / n_atoms,
    }


def _strain(atoms, true, pairs):
    """Mean square error of the distances of pairs."""
    if not len(pairs):
        return atoms.new_zeros(())
    made, true = (_lengths(x, *pairs.T) for x in (atoms, true))
    return (made - true).square().mean()


def _overlap(atoms, model):
    """Sum of the squared overlaps of a frame, over the number of bonded distances."""
    reach = model.tables.reach
    few = max(1, _DISTANCES // max(1, reach.numel()))
    with torch.no_grad():
        near = torch.cat([torch.cdist(some, some, compute_mode=_EXACT) < reach for some in atoms.split(few)])
        frame, first, second = near.nonzero().T
    apart = ((atoms[frame, first] - atoms[frame, second]).square().sum(-1) + 1e-8).sqrt()
    return (reach[first, second] - apart).square().sum() / (len(atoms) * max(1, len(model.tables.pairs)))


def _lengths(atoms, first, second):
    return ((atoms[:, first] - atoms[:, second]).square().sum(-1) + 1e-8).sqrt()
