"""A run on one molecule, from its description to the trained model."""

import dataclasses
import logging

import numpy as np

from ... import checkpoint
from ...data.known import spread
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

_LEAST = 0.8  # of the shortest distance between beads, where the radial functions begin; chosen: by hand
_MOST = 1.2  # of the longest, where they end; chosen: by hand
_FRAMES, _BEADS = 100, 60  # frames and beads whose distances are looked at; chosen: by hand
_APART = 0.1  # angstrom: beads nearer than this lie on each other; chosen: by hand


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
    training = frames.positions[use == TRAIN]
    if plan.init is None:
        mapping = make_mapping(plan.data, frames.topology, frames.select, training, plan.training.seed)
        require_fewer(mapping, "[data]")
        model = new_model(CGVAE, model_config(mapping, training, plan.model), plan.training.seed)
        origin = None
    else:
        model, origin = checkpoint.load(plan.init)
        mapping = named_mapping(plan.init, frames.topology, load=lambda _: model.molecule)
    logger.info("%s; %d to train on, %d held out; %s", frames, len(training), (use == HELD_OUT).sum(), mapping)
    sources = data_sources(plan.data, frames, use, mapping=mapping.name)
    task = Frames(frames.positions, use, mapping, plan.training, model.config.n_latent, sources, repr(frames))
    return fit(model, task, plan.training, origin=origin, verbose=verbose)


def data_sources(data, frames, use, **others):
    """
    What the provenance says of the data.

    Parameters
    ----------
    data : MoleculeData
    frames : MoleculeFrames
    use : ndarray of int, shape (F,)
        From `holdout.hold_out`.
    **others
        More of it, by name.

    Returns
    -------
    list of dict
        The files, then the settings.
    """
    settings = dataclasses.asdict(data) | {"n_frames": len(use), "n_held_out": int((use == HELD_OUT).sum())} | others
    settings |= {name: list(value) for name, value in settings.items() if isinstance(value, tuple)}
    topology, *trajectory = (file["name"] for file in frames.sources)
    return [*frames.sources, settings | {"topology": topology, "trajectory": trajectory}]


def make_mapping(data, topology, select, positions, seed=0):
    """
    The mapping that a description asks for.

    Parameters
    ----------
    data : MoleculeData
    topology : Topology
        A particles.
    select : callable
        From a selection to places among these.
    positions : ndarray of float, shape (F, A, 3)
        What a learned mapping sees: training frames alone.
    seed : int
        Of a learned mapping.

    Returns
    -------
    Mapping
    """
    kind = data.mapping
    if isinstance(kind, str) and kind.startswith("learned:"):
        groups = learned_groups(kind, positions, seed)
    else:
        groups = groups_of(kind, topology, select)
    return group_mapping(topology, groups, data.weights)


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
    some = positions[spread(len(positions), _FRAMES)]
    beads = np.nan_to_num(mapping.project(some))
    few = spread(mapping.n_beads, _BEADS)
    distances = np.linalg.norm(beads[:, few, None] - beads[:, None], axis=-1)
    n_neighbours = sizes.get("n_neighbours", CGVAEConfig.n_neighbours)
    if mapping.n_beads > n_neighbours + 1:  # those of the nearest only
        distances = np.sort(distances, axis=-1)[..., 1 : n_neighbours + 1].ravel()
    else:
        distances = distances[distances > _APART]
    shortest, longest = _radial_range(distances)
    atoms = {}
    bonds, elements = mapping.fine.bonds, mapping.fine.elements
    if (elements == "").any() and len(bonds):  # the "atoms" are beads themselves, not bonded like atoms
        lengths = np.linalg.norm(some[:, bonds[:, 0]] - some[:, bonds[:, 1]], axis=-1)
        atoms = dict(zip(("atom_shortest", "atom_longest"), _radial_range(lengths), strict=True))
    return CGVAEConfig(to_plain(mapping), **sizes, shortest=shortest, longest=longest, **atoms)


def _radial_range(distances):
    """Where the radial functions for some distances begin and end, in angstrom."""
    shortest, longest = np.quantile(distances, (0.001, 0.999)) * (_LEAST, _MOST)
    return float(round(shortest, 2)), float(round(max(longest, shortest + 1), 2))
