"""
A mapping learned from frames: coarse-graining autoencoder (Wang & Gomez-Bombarelli, npj Comput Mater 2019).

Each atom has a probability of belonging to each bead, drawn by the Gumbel-softmax trick at a temperature that falls
from 1 to 0.025; a linear map lifts the beads back to atoms. The loss is the mean square error of the atoms, plus 0.25
times that of atoms resting on their beads. Then each atom goes to its most probable bead, and no bead stays empty.

Shapes: F frames, A atoms, N beads.
"""

import logging

import numpy as np
import torch

from ...molecule.grouping import Groups
from ...molecule.mapping import MappingError

logger = logging.getLogger(__name__)

_STEPS = 2000  # of Adam; chosen: by hand
_FRAMES = 64  # in a batch; chosen: by hand
_WARM, _COLD = 1.0, 0.025  # temperature of the Gumbel-softmax at first and at last; chosen: by hand
_RESTING = 0.25  # weight of atoms resting on their beads; chosen: by hand
_STARTS = 4  # from different random numbers, the best is kept; chosen: by hand


def learned_groups(kind, positions, seed=0, n_steps=_STEPS, n_starts=_STARTS):
    """
    Groups of atoms learned from frames.

    Parameters
    ----------
    kind : str
        "learned:N".
    positions : ndarray of float, shape (F, A, 3)
        In angstrom.
    seed : int
    n_steps, n_starts : int
        Steps of each training, and how many trainings there are, of which the best is kept.

    Returns
    -------
    Groups
        Beads in the order of their first atoms.

    Raises
    ------
    MappingError
        A number of beads that does not fit.

    Examples
    --------
    >>> frames = np.random.default_rng(0).normal(size=(50, 6, 3)) * 0.1 + np.repeat([[0], [9], [18]], 2, axis=0)
    >>> [group.tolist() for group in learned_groups("learned:3", frames, n_steps=200).atoms]
    [[0, 1], [2, 3], [4, 5]]
    """
    number = kind.partition(":")[2]
    n_atoms = positions.shape[1]
    if not number.isdigit() or not 1 <= int(number) <= n_atoms:
        raise MappingError(f"mapping {kind!r}: expected a whole number of beads within 1 and {n_atoms}, the atoms")
    atoms = torch.tensor(positions - positions.mean(1, keepdims=True), dtype=torch.float32)
    trainings = [_train(atoms, int(number), seed, start, n_steps) for start in range(n_starts)]
    loss, owner = min(trainings, key=lambda pair: pair[0])
    logger.info(
        "learned mapping: %.3g square angstrom, best of %d (%s)", loss, n_starts, [round(x, 3) for x, _ in trainings]
    )
    groups = [np.flatnonzero(owner == bead) for bead in range(int(number))]
    return Groups(sorted(groups, key=lambda group: group[0]), kind)


def _train(atoms, n_beads, seed, start, n_steps):
    """Loss of the final, hard assignment and the bead of each atom."""
    key = np.random.SeedSequence((seed, start, n_beads)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(key))
    n_atoms = atoms.shape[1]
    logits = (0.1 * torch.randn(n_atoms, n_beads, generator=generator)).requires_grad_()
    lift = (torch.randn(n_atoms, n_beads, generator=generator) / n_beads).requires_grad_()
    optimizer = torch.optim.Adam([logits, lift], lr=2e-2)
    for step in range(n_steps):
        temperature = _WARM * (_COLD / _WARM) ** (step / max(1, n_steps - 1))
        frames = atoms[torch.randint(len(atoms), (_FRAMES,), generator=generator)]
        uniform = torch.rand(n_atoms, n_beads, generator=generator).clamp(1e-6, 1 - 1e-6)
        share = torch.softmax((logits - torch.log(-torch.log(uniform))) / temperature, dim=-1)
        loss = _loss(frames, share, lift)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    owner = _fill(logits.detach(), n_beads)
    hard = torch.nn.functional.one_hot(owner, n_beads).float()
    return float(_least_squares(atoms[:: max(1, len(atoms) // 2000)], hard)), owner.numpy()


def _loss(frames, share, lift):
    beads = (share / share.sum(0).clamp_min(1e-3)).T @ frames  # (f, N, 3)
    error = (lift @ beads - frames).square().sum(-1).mean()
    return error + _RESTING * (share @ beads - frames).square().sum(-1).mean()


def _least_squares(frames, hard):
    """The loss with the best linear lift for a hard assignment."""
    beads = (hard / hard.sum(0)).T @ frames
    flat = beads.transpose(1, 2).reshape(-1, beads.shape[1])
    target = frames.transpose(1, 2).reshape(-1, frames.shape[1])
    lift = torch.linalg.lstsq(flat, target, driver="gelsd").solution.T
    return _loss(frames, hard, lift)


def _fill(logits, n_beads):
    """Bead of each atom; an empty bead takes the atom that prefers it most among those of beads with several."""
    owner = logits.argmax(-1)
    for bead in range(n_beads):
        if not (owner == bead).any():
            count = torch.bincount(owner, minlength=n_beads)
            liking = logits.log_softmax(-1)[:, bead].masked_fill(count[owner] < 2, -torch.inf)
            owner[liking.argmax()] = bead
    return owner
