"""
What every model family has in common: `Model`.

Shapes: F frames, N beads, A atoms. Lengths in angstrom, times in picoseconds.
"""

import abc

from torch import nn


class Model(nn.Module, abc.ABC):
    """
    A generative model from beads to atoms. Final classes: `GenZProt`, `CGVAE`, `Chain`.

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
    def mapping(self, coarse):
        """The `Mapping` from the coarse `Topology` to the atoms that this model makes."""

    @abc.abstractmethod
    def sample(self, mapping, beads, noise, frames, samples, times, box=None, bead_tolerance=0.0):
        """
        Atoms for beads.

        Parameters
        ----------
        mapping : Mapping
            As `mapping` gave it.
        beads : torch.Tensor (F, N, 3)
            In angstrom, chains whole.
        noise : Noise
        frames, samples, times : sequences (F,)
            What the noise is keyed by.
        box : torch.Tensor (F, 3, 3), optional
            Box vectors as rows, in angstrom.
        bead_tolerance : float, "auto" or "quiet"
            How far beads may move (RMS over a frame, in angstrom); "auto" leaves frames that are like those of a
            protein as they are, if there is no noise on them ("quiet": as is known already). A model that `relaxes`
            none keeps beads exactly.

        Returns
        -------
        torch.Tensor (F, A, 3)
            Positions in angstrom.
        """
