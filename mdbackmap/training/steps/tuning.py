"""
A last step for any protein, trained on with the frames of one: the same that the other steps are trained on.

Shapes: F frames, A atoms, R residues.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import torch

from ... import checkpoint
from ...chemistry.residues import MAX_ATOMS
from ...data.structures import Structures
from ...metrics.dihedrals import atom14
from ..config import TrainingConfig, ValidationConfig, fill
from ..loop import fit, with_config
from ..molecules.holdout import TRAIN, VALID
from ..tasks import ProteinChains
from .memory import step_memory

logger = logging.getLogger(__name__)

DEFAULTS = {"epochs": 6, "batch_size": 800, "noise": 0.6, "ema": 0.95}
"""What a `TrainingConfig` has here, unless the file says otherwise: little data, few passes. Chosen: by hand."""
_STEP = 0.005  # angstrom, as of packs (`data.layouts.STEPS`)
_SPLIT = {TRAIN: 0, VALID: 1}


def tuning_config(tables):
    """A `TrainingConfig` from the tables of a step; nothing is sampled, validation is by nats."""
    config = fill(TrainingConfig, {"training": {**DEFAULTS, **tables}}, "training")
    return dataclasses.replace(config, validation=ValidationConfig(chains=0))


def tune(model, origin, frames, use, config, sources, verbose=False):
    """
    Go on with a model of any protein.

    Parameters
    ----------
    model : GenZProt
        A copy is changed.
    origin : dict
        Provenance of its weights.
    frames : MoleculeFrames
        Heavy atoms of the protein, as `protein_topology` lists them.
    use : ndarray of int, shape (F,)
        From `holdout.hold_out`.
    config : TrainingConfig
    sources : list of dict
        Where the frames come from.
    verbose : bool

    Returns
    -------
    model, provenance, row
        As of training a step of one molecule.
    """
    data = structures_of(frames, use, sources)
    again = with_config(model, rotamers=0.0)  # it learns those of this protein
    task = ProteinChains(data, model.config.n_neighbours, config)
    memory = _memory(again, task)
    logger.info("%s: %.1f MB a training step", data, memory / 1e6)
    memory = {"memory_bytes": memory, "memory_recomputed": memory}
    return fit_measured(again, task, config, memory, origin=origin, verbose=verbose)


def fit_measured(model, task, config, memory, **options):
    """
    Train a step, and say in the provenance of its weights what memory that took.

    Parameters
    ----------
    model, task, config, **options
        As of `loop.fit`.
    memory : dict of str to int
        Bytes.

    Returns
    -------
    model, provenance, row
        The trained model, where it comes from, and what was measured last.
    """
    model, row = fit(model, task, config, **options)
    path = Path(config.folder) / "model.pt"
    provenance = {**checkpoint.load(path)[1], **memory}
    checkpoint.save(path, model, {name: value for name, value in provenance.items() if name not in ("model", "sha256")})
    return model, provenance, row


def structures_of(frames, use, sources=()):
    """
    Frames to train on and for validation as `Structures`, each frame an entry, each unbroken stretch a chain.

    Parameters
    ----------
    frames : MoleculeFrames
    use : ndarray of int, shape (F,)
    sources : list of dict

    Returns
    -------
    Structures
    """
    fine, chosen = frames.topology, np.flatnonzero(np.isin(use, list(_SPLIT)))
    atoms, mask = atom14(fine, frames.positions[chosen] - frames.positions[chosen].mean(1, keepdims=True))
    ca = atoms[:, :, 1]
    relative = np.where(mask[..., None], (atoms - ca[:, :, None]) / _STEP, 0).round()

    n_frames, stretch = len(chosen), np.r_[0, np.cumsum(fine.ends)[:-1]]
    n = int(stretch[-1]) + 1
    per_residue = {"types": fine.types, "mask": mask, "ends": fine.ends, "cis": fine.cis}
    fields = {key: np.tile(value, (n_frames, *[1] * (value.ndim - 1))) for key, value in per_residue.items()}
    fields |= {"ca": ca.reshape(-1, 3).astype(np.float32), "b": np.zeros(ca.size // 3, dtype=np.float32)}
    fields |= {"relative": relative.reshape(-1, MAX_ATOMS, 3).astype(np.int16)}
    fields |= {"chain": (np.arange(n_frames)[:, None] * n + stretch).ravel()}
    fields |= {"entry": np.repeat(np.arange(n_frames), fine.n_residues)}
    tensors = {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in fields.items()}
    return Structures(**tensors, step=_STEP, chains=_chains(use[chosen], stretch, n), sources=list(sources))


def _chains(use, stretch, n):
    """The table of chains; every frame counts in full, as if its sequence were its own."""
    count = len(use) * n
    lengths = np.tile(np.bincount(stretch, minlength=n), len(use))
    numbers, one = np.arange(count), np.ones(count, dtype=np.int64)
    table = {"split": np.repeat([_SPLIT[k] for k in use], n), "tier": one, "score": one, "entry": numbers // n}
    table |= {"cluster30": numbers, "cluster90": numbers, "offset": np.r_[0, np.cumsum(lengths)]}
    blank = np.full(count, b"", dtype="S8")
    return {**table, "pdb_id": blank, "chain_id": blank}


def _memory(model, task):
    """Bytes of a training step."""
    generator = torch.Generator().manual_seed(0)
    example = task.collate(task.plan(generator)[0], generator)
    weights = vars(task.config.loss)

    def loss():
        named, _ = task.terms(model, example, generator)
        return sum(weights[name] * value for name, value in named.items() if name not in task.aside)

    return step_memory(model.train(), loss)
