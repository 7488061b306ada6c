"""
The levels of a chain: a mapping and positions for each step, from the atoms up.
"""

import dataclasses

import numpy as np

from ...mapping import Mapping
from ...mappings.grouping import group_mapping
from ...mappings.kinds import groups_of
from ..molecule.holding import TRAIN
from ..molecule.learned import learned_groups


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """
    What one step is trained on.

    Attributes
    ----------
    mapping : Mapping
        From its beads to its "atoms", which may be beads themselves.
    positions : (F, A, 3) float32 array
        Of the latter.
    """

    mapping: Mapping
    positions: np.ndarray


def make_levels(frames, use, runs, seed=0):
    """
    The levels of steps that follow each other.

    Parameters
    ----------
    frames : MoleculeFrames
        At the finest level.
    use : (F,) int array
        From `holding.hold_out`; learned mappings see the training frames alone.
    runs : list of MoleculeRun
        One a step, coarsest first; each says its mapping and the weights in it.
    seed : int
        Of learned mappings.

    Returns
    -------
    list of Level
        Coarsest first.
    """
    from ...molecule import selector
    from ...universe import universe_of

    topology, positions, select, found = frames.topology, frames.positions, frames.select, []
    for run in reversed(runs):
        kind = run.data.mapping
        if isinstance(kind, str) and kind.startswith("learned:"):
            groups = learned_groups(kind, positions[use == TRAIN], seed)
        else:
            groups = groups_of(kind, topology, select)
        mapping = group_mapping(topology, groups, run.data.weights)
        found.append(Level(mapping, positions))
        topology, positions = mapping.coarse, mapping.project(positions)
        select = selector(universe_of(topology).atoms)
    return found[::-1]
