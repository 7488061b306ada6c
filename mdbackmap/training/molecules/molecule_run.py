"""A run on one molecule, from its description to the trained model."""

import dataclasses
import logging

import numpy as np

from ... import checkpoint
from ...models.cgvae.network import CGVAE, CGVAEConfig
from ...molecule.grouping import group_mapping
from ...molecule.kinds import groups_of
from ...molecule.mapping import MappingError
from ...molecule.named import named_mapping
from ...molecule.plain import to_plain
from ..loop import fit, new_model
from .holdout import HELD_OUT, TRAIN, split
from .learned_mapping import learned_groups
from .molecule_frames import read_molecule
from .molecule_task import Frames

logger = logging.getLogger(__name__)

_LEAST = 0.8  # of the shortest distance between beads, where the radial functions begin
_MOST = 1.2  # of the longest, where they end


def run_molecule(plan, *, verbose=False):
    """
    Train a CGVAE as `MoleculeRun` says, or go on where a run in the same folder stopped.

    Parameters
    ----------
    plan : MoleculeRun
    verbose : bool
        Show a progress bar.

    Returns
    -------
    model : CGVAE
    row : dict of str to float
        What was measured on held-out frames at the end.
    """
    frames = read_molecule(plan.data)
    use = split(plan.data, frames.runs)
    model, origin = None, None
    if plan.init is not None:
        model, origin = checkpoint.load(plan.init)
        mapping = named_mapping(plan.init, frames.topology, load=lambda _: model.molecule)
    else:
        mapping = make_mapping(frames, plan, use)
    logger.info("%s; %d to train on, %d held out; %s", frames, (use == TRAIN).sum(), (use == HELD_OUT).sum(), mapping)
    if model is None:
        config = model_config(mapping, frames.positions[use == TRAIN], plan.model)
        model = new_model(CGVAE, config, plan.training.seed)
    data = (
        dataclasses.asdict(plan.data)
        | {"mapping": mapping.name}
        | {"n_frames": len(use), "n_held_out": int((use == HELD_OUT).sum())}
    )
    data |= {name: list(value) for name, value in data.items() if isinstance(value, tuple)}
    data["topology"], data["trajectory"] = frames.sources[0]["name"], [file["name"] for file in frames.sources[1:]]
    sources = [*frames.sources, data]
    task = Frames(frames.positions, use, mapping, plan.training, model.config.n_latent, sources, repr(frames))
    return fit(model, task, plan.training, origin=origin, verbose=verbose)


def make_mapping(frames, plan, use):
    """
    The mapping that a run asks for.

    Parameters
    ----------
    frames : MoleculeFrames
    plan : MoleculeRun
    use : ndarray of int, shape (F,)
        A learned mapping sees the training frames alone.

    Returns
    -------
    Mapping
    """
    kind = plan.data.mapping
    if isinstance(kind, str) and kind.startswith("learned:"):
        groups = learned_groups(kind, frames.positions[use == TRAIN], plan.training.seed)
    else:
        groups = groups_of(kind, frames.topology, frames.select)
    mapping = group_mapping(frames.topology, groups, plan.data.weights)
    require_fewer(mapping, "[data]")
    return mapping


def require_fewer(mapping, where, advice="choose a coarser mapping"):
    """
    Refuse a mapping that makes as many beads as it is given particles: a model of it would have nothing to learn.

    Parameters
    ----------
    mapping : Mapping
    where : str
        The place in the description that asks for it.
    advice : str, optional
        What to do.

    Raises
    ------
    MappingError
        As many beads as particles.
    """
    if mapping.n_beads >= mapping.n_atoms:
        raise MappingError(
            f"mapping {mapping.name!r} in {where} makes {mapping.n_beads} beads of {mapping.n_atoms} particles, "
            f"expected fewer: {advice}"
        )


def model_config(mapping, positions, sizes):
    """
    Configuration of a model, the range of its radial functions taken from some frames.

    Parameters
    ----------
    mapping : Mapping
    positions : ndarray of float, shape (F, A, 3)
    sizes : dict
        Arguments of `CGVAEConfig`.

    Returns
    -------
    CGVAEConfig
    """
    if mapping.n_beads < 3:
        raise MappingError(
            f"{mapping.name!r} makes {mapping.n_beads} beads, which have no orientation in space: expected three or "
            "more; choose a finer mapping"
        )
    some = positions[np.unique(np.linspace(0, len(positions) - 1, 100).astype(int))]
    beads = np.nan_to_num(mapping.project(some))
    few = np.unique(np.linspace(0, mapping.n_beads - 1, 60).astype(int))
    distances = np.linalg.norm(beads[:, few, None] - beads[:, None], axis=-1)
    distances = distances[distances > 0.1]
    n_neighbours = sizes.get("n_neighbours", CGVAEConfig.n_neighbours)
    if mapping.n_beads > n_neighbours + 1:  # those of the nearest only
        nearest = np.sort(np.linalg.norm(beads[:, few, None] - beads[:, None], axis=-1), axis=-1)
        distances = nearest[..., 1 : n_neighbours + 1].ravel()
    shortest, longest = _LEAST * np.quantile(distances, 0.001), _MOST * np.quantile(distances, 0.999)
    ranges = {"shortest": float(round(shortest, 2)), "longest": float(round(max(longest, shortest + 1), 2))}
    return CGVAEConfig(to_plain(mapping), **sizes, **ranges, **_atom_range(mapping.fine, some))


def _atom_range(fine, positions):
    """Range of the radial functions between atoms; that of covalent bonds, unless the "atoms" are beads themselves."""
    if (fine.elements != "").all() or not len(fine.bonds):
        return {}
    apart = np.linalg.norm(positions[:, fine.bonds[:, 0]] - positions[:, fine.bonds[:, 1]], axis=-1)
    shortest, longest = _LEAST * np.quantile(apart, 0.001), _MOST * np.quantile(apart, 0.999)
    return {"atom_shortest": float(round(shortest, 2)), "atom_longest": float(round(max(longest, shortest + 1), 2))}
