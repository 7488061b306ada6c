"""
`BoundModel`: a model and the molecule that it is bound to, and the same with other parts.

Parts are atoms to keep, molecules to carry along, an order of atoms, a refinement, a number of threads. `Backmapper`
adds what it does with beads. Shapes: f frames, N beads.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .checks import check_refine, require, whole_number
from .completion.complete import hydrogen_options
from .generation.bound import bind
from .generation.reconstruction import Reconstruction
from .generation.settings import Settings
from .molecule.likeness import Likeness
from .molecule.mapping import Mapping, MappingError
from .options import KEEP_TOLERANCE, HydrogenOptions
from .sampling.machine import usable_device
from .sampling.sampler import Sampler
from .sampling.standard_form import StandardForm
from .universes.keeping import read_kept
from .universes.like import read_like
from .universes.passengers import find_passengers
from .universes.reader import bead_names

if TYPE_CHECKING:
    from MDAnalysis import AtomGroup, Universe


class BoundModel:
    """A model bound to one molecule; parameters and attributes are those of `Backmapper`."""

    def __init__(
        self,
        network,
        mapping,
        indices,
        provenance,
        *,
        device=None,
        threads=None,
        looked=None,
        boxes=None,
        names=None,
        hydrogens=None,
    ):
        self.hydrogens = HydrogenOptions(False) if hydrogens is None else hydrogen_options(network, hydrogens)
        self.indices, self.bead_names = np.asarray(indices), names
        self.device = usable_device(device)
        threads = threads if threads is None else whole_number("threads", threads, 1)
        self.provenance = dict(provenance)
        form = StandardForm(mapping, network)
        settings = Settings().with_hydrogens() if self.hydrogens.on else None
        sampler = Sampler(bind(network.eval(), form.mapping, self.device, settings), self.device, threads)
        self._reconstruction = Reconstruction.of(network, sampler, form, self.hydrogens, looked, boxes)

    def _with(self, **parts):
        """The same with other parts of `system`."""
        other = copy.copy(self)
        other._reconstruction = replace(self._reconstruction, system=self.system.changed(**parts))
        return other

    @property
    def system(self) -> Any:
        """What comes out, and what of it is converted."""
        return self._reconstruction.system

    @property
    def kept(self) -> Any:
        """Atoms that are known already, or None."""
        return self.system.kept

    @property
    def refine(self) -> Any:
        """What minimises the atoms at last, or None."""
        return self._reconstruction.refine

    @property
    def mapping(self) -> Mapping:
        """From all beads to all atoms."""
        return self.system.mapping

    @property
    def converted(self) -> Mapping:
        """From the beads that are converted to their atoms."""
        return self.system.shown

    @property
    def n_beads(self) -> int:
        """Number of beads N."""
        return self.mapping.n_beads

    @property
    def n_atoms(self) -> int:
        """Number of atoms A."""
        return self.mapping.n_atoms

    def with_threads(self, threads: int) -> Self:
        """
        The same model with another number of threads while sampling.

        Parameters
        ----------
        threads : int

        Returns
        -------
        Backmapper
        """
        other, sampler = copy.copy(self), self._reconstruction.sampler
        sampler = replace(sampler, threads=whole_number("threads", threads, 1))
        other._reconstruction = self._reconstruction.with_sampler(sampler)
        return other

    def keeping(
        self,
        keep: AtomGroup | Universe | list,
        cg: AtomGroup | Universe,
        tolerance: float = KEEP_TOLERANCE,
        aliases: dict[str, str] | None = None,
    ) -> Self:
        """
        The same model with atoms that are known already: the rest is built around them.

        Kept atoms come out as they are. A group with one frame is a rigid piece: it is superposed, in every frame, on
        the beads of its residues, together with ligands, ions and whatever else is in the group. Where it lies on its
        beads already (0.01 A), and where nothing in it belongs to a bead, it stays. A trajectory of as many frames as
        that of the beads is taken frame by frame, as it is.

        Residues are found by chain, number and insertion code. Of each, all atoms may be given, the backbone (N, CA,
        C, O) with any of the side chain, or CA alone. Hydrogens of amino acids are placed anew. All other molecules are
        put behind the protein, as HETATM.

        Parameters
        ----------
        keep : AtomGroup, Universe, or list of these
            Parts that move on their own are groups of a list.
        cg : AtomGroup or Universe
            The trajectory of beads.
        tolerance : float
            How far kept atoms may put a bead off its place, in angstrom.
        aliases : dict, optional
            Residue names to read as others.

        Returns
        -------
        Backmapper

        Raises
        ------
        MappingError
            A model of one molecule; residues or atoms that the protein has not; another number of frames. Later, in
            `sample`: kept atoms that are too far from their beads.
        """
        if not self._reconstruction.takes_kept:
            raise MappingError(
                f"keep=: {self.provenance['model']!r} makes all atoms; only models of proteins keep some"
            )
        if self.kept is not None:
            raise MappingError("keep= is given twice: give all groups at once, as a list")
        n_frames = cg.universe.trajectory.n_frames
        return self._with(kept=read_kept(keep, self.system.made, n_frames, tolerance=tolerance, aliases=aliases))

    def carrying(
        self, passthrough: bool | str | AtomGroup, cg: AtomGroup | Universe, aliases: dict[str, str] | None = None
    ) -> Self:
        """
        The same model with molecules that are not converted: they come out as they are, behind the rest.

        Names, residues, numbers and bonds stay, and positions of each frame. Atoms are packed around ions and atoms of
        ligands, but not around water or beads of other molecules.

        Parameters
        ----------
        passthrough : True, str or AtomGroup
            True for all that is no amino acid; or which, in MDAnalysis' selection language.
        cg : AtomGroup or Universe
            The trajectory of beads: molecules of its whole Universe count.
        aliases : dict, optional
            Residue names to read as others.

        Returns
        -------
        Backmapper

        Raises
        ------
        MappingError, ValueError, TypeError
            Atoms of another Universe; a selection that is none or selects nothing; a value of another kind.
        """
        if self.system.passengers is not None:
            raise MappingError("passthrough= is given twice: give one selection")
        coarse, kept, n = self.converted.coarse, self.kept, self.converted.n_beads
        names = dict.fromkeys(coarse.chainIDs.tolist())
        kept = None if kept is None else kept.topology
        owner = coarse.residue_of_atom
        found = find_passengers(cg.atoms, self.indices[:n], owner, passthrough, names, kept, aliases)
        if found is None:
            return copy.copy(self)
        other = self._with(passengers=found)
        other.indices = np.concatenate([self.indices, found.indices])
        if self.bead_names is not None:
            names = bead_names(cg.universe.atoms[found.indices])
            other.bead_names = np.concatenate([self.bead_names, names])
        return other

    def like(self, topology: str | PathLike | AtomGroup | Universe | Likeness) -> Self:
        """
        The same model with atoms in the order and with the names of another topology.

        Parameters
        ----------
        topology : path-like, Universe or AtomGroup
            Whatever MDAnalysis reads. Molecules beside the protein are those that are kept or carried along.

        Returns
        -------
        Backmapper

        Raises
        ------
        MappingError
            Residues or atoms that differ; the message names them.
        FileNotFoundError, ValueError, TypeError
            As of `read_like`.
        """
        return self._with(like=topology if isinstance(topology, Likeness) else read_like(topology))

    def refining(self, refine: str = "openmm") -> Self:
        """
        The same model with atoms that are minimised in a force field at last, its beads restrained.

        The force field is Amber ff14SB with GBn2; `RefinementSettings` has numbers of steps. Phi and psi are held, too.
        Kept atoms and other molecules stay. A frame that cannot be minimised comes out as it is, with a warning.

        Parameters
        ----------
        refine : "openmm" or None

        Returns
        -------
        Backmapper

        Raises
        ------
        ImportError
            OpenMM is not installed.
        MappingError
            A protein without hydrogens, or residues that the force field does not have.
        ValueError
            Another value.
        """
        other = copy.copy(self)
        other._reconstruction = replace(self._reconstruction, refine=check_refine(refine))
        if refine is not None:
            require("openmm", f'refine="{refine}" needs')
            if not self.hydrogens.on and self._reconstruction.completion is not None:
                raise MappingError(
                    f"refine={refine!r} needs hydrogens, and there are none: leave out hydrogens=False (--no-hydrogens)"
                )
            _ = other._reconstruction.refiner  # or an error, before the first frame
        return other
