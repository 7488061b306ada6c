"""The levels of a cascade: a mapping and positions for each step, from the atoms up."""

import dataclasses

import numpy as np

from ...molecule.mapping import Mapping
from ...molecule.named import named_mapping
from ..molecules.holdout import TRAIN
from ..molecules.molecule_run import make_mapping, require_fewer


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """
    What one step is trained on.

    Attributes
    ----------
    mapping : Mapping
        From its beads to its "atoms", which may be beads themselves.
    positions : ndarray of float32, shape (F, A, 3)
        Of the latter.
    """

    mapping: Mapping
    positions: np.ndarray


def make_levels(frames, use, steps, seed=0):
    """
    The levels of steps that follow each other.

    Parameters
    ----------
    frames : MoleculeFrames
        At the finest level.
    use : ndarray of int, shape (F,)
        From `holdout.hold_out`; learned mappings see the training frames alone.
    steps : list of MoleculeRun or (str, Mapping)
        Coarsest first: a run says its mapping and the weights in it; of a step that is there, its file and mapping.
    seed : int
        Of learned mappings.

    Returns
    -------
    list of Level
        Coarsest first.

    Raises
    ------
    MappingError
        A trained step that makes other atoms than the next one's beads, or other atoms than there are; or a step whose
        mapping makes as many beads as it is given.
    """
    from ...universes.universe import universe_of
    from ...universes.whole import selector

    topology, positions, select, levels = frames.topology, frames.positions, frames.select, []
    for number, step in reversed(list(enumerate(steps, 1))):
        if isinstance(step, tuple):
            mapping = named_mapping(step[0], topology, load=lambda _, mapping=step[1]: mapping)
        else:
            mapping = make_mapping(step.data, topology, select, positions[use == TRAIN], seed)
        finer = " here, or a finer one in the next step" if number < len(steps) else ""
        require_fewer(mapping, f"[[steps]] number {number}", f"choose a coarser mapping{finer}")
        levels.append(Level(mapping, positions))
        topology, positions = mapping.coarse, mapping.project(positions)
        select = selector(universe_of(topology).atoms)
    return levels[::-1]
