"""What every model family has in common: `Model`."""

import abc

from torch import nn

from ..molecule.bead_models import CA


class Model(nn.Module, abc.ABC):
    """
    A generative model from beads to atoms, which `generation.bound.bind` binds to a molecule.

    It holds weights and nothing of a molecule. Final classes: `GenZProt`, `CGVAE`, `Cascade`.

    Attributes
    ----------
    family : str
        Name under which checkpoints know the class.
    relaxes : bool
        Whether it can move beads on which no protein backbone fits (C-alpha models).
    open_ends : bool
        Whether chains lack the OXT of their last residue.
    config : dataclass
        All that is needed to build the network again.
    molecule : Mapping or None
        The one molecule that the weights belong to; None where they fit many.
    """

    family = None
    molecule = None
    relaxes = False
    open_ends = False

    @abc.abstractmethod
    def mapping(self, coarse, model=CA):
        """The `Mapping` from the coarse `Topology`, beads of a `BeadModel`, to the atoms that this model makes."""
