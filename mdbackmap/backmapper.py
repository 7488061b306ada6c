"""
`Backmapper`: a model bound to one molecule, beads in and atoms out.

With `bound_model` it is the one door between MDAnalysis and torch.

Shapes: F frames, N beads, A atoms. Positions in angstrom, times in picoseconds, boxes as MDAnalysis has them
(lengths in angstrom, angles in degrees).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .bound_model import BoundModel
from .checks import whole_number
from .molecule.boxes import box_vectors
from .molecule.topology import Topology
from .molecule.wrapping import check_boxes
from .molecule.written import written
from .options import Keys, SamplingOptions
from .recognition.soundness import bead_label, check_frames
from .sampling.machine import frames_at_a_time
from .universes.live import lifted
from .universes.reader import bead_indices
from .universes.universe import universe_of

if TYPE_CHECKING:
    from MDAnalysis import AtomGroup, Universe
    from numpy.typing import ArrayLike


class Backmapper(BoundModel):
    """
    A model bound to one molecule: beads in, atoms out; made by `load_model`.

    Parameters
    ----------
    network : Model
    mapping : Mapping
        From N beads to the atoms that the network makes.
    indices : ndarray of int, shape (N,)
        Which atoms of the coarse universe are the beads, in the order of the chains (which need not be the file's).
    provenance : dict
        Of the weights.
    device, threads
        As in `load_model`.
    looked : ndarray of float, shape (f, N, 3), optional
        Beads of some frames of the trajectory, chains whole, by which the trace is judged.
    boxes : ndarray of float, shape (f, 3, 3), optional
        Of these frames, box vectors as rows: disulfides and tautomers are decided over periodic boundaries, too.
    names : ndarray of str, shape (N,), optional
        Residue and name of each bead; beads of other names are refused later.
    hydrogens : HydrogenOptions, optional
        By default none.

    Attributes
    ----------
    kept : Kept or None
        Atoms that are known already.
    hydrogens : HydrogenOptions
    mapping : Mapping
        From N beads to all A atoms; `mapping.coarse` and `mapping.fine` are the two topologies. Kept atoms that are no
        part of the protein come behind it, molecules that are carried along last.
    converted : Mapping
        The part of it that is converted: the same unless molecules are carried along.
    indices : ndarray of int, shape (N,)
    provenance : dict
        Of the weights: the model's name, the hash of its file, its training; plain values.
    """

    def __repr__(self):
        described = repr(self.converted).removeprefix(f"Mapping({self.mapping.name}: ").removesuffix(")")
        beside = self.n_beads - self.converted.n_beads
        beside = f"; {beside} particles carried along" if beside else ""
        return f"Backmapper({self.provenance['model']}: {described}{beside}; {self.device})"

    def keeps_beads(self, options: SamplingOptions) -> bool:
        """
        Whether atoms put beads just where the input has them.

        Parameters
        ----------
        options : SamplingOptions

        Returns
        -------
        bool
        """
        return options.tolerance.keeps and self.converted.kept and self.refine is None

    def batch_size(self, requested: int | str = "auto") -> int:
        """
        Frames to generate at a time.

        Parameters
        ----------
        requested : int or "auto"
            One for each thread where atoms are minimised, since that takes seconds.

        Raises
        ------
        ValueError
            Neither "auto" nor a whole number above 0.

        Examples
        --------
        >>> model.batch_size("auto")  # doctest: +SKIP
        64
        """
        n_residues, n_threads = self.converted.coarse.n_residues, self._reconstruction.sampler.n_threads
        if requested == "auto" and self.refine is not None:
            return n_threads
        return frames_at_a_time(requested, n_residues, self.device, n_threads, self.n_atoms)

    def sample(
        self,
        beads: ArrayLike,
        frames: Sequence[int] | np.ndarray,
        *,
        samples: int | Sequence[int] | np.ndarray = 0,
        times: Sequence[float] | np.ndarray | None = None,
        dimensions: np.ndarray | None = None,
        seed: int = SamplingOptions.seed,
        temperature: float = SamplingOptions.temperature,
        correlation_time: float = SamplingOptions.correlation_time,
        bead_tolerance: float | str = SamplingOptions.bead_tolerance,
        mirror: str = SamplingOptions.mirror,
        wrap: str = SamplingOptions.wrap,
        key_beads: Any = None,
    ) -> np.ndarray:
        """
        Atoms for beads.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
            In angstrom.
        frames : (F,) int sequence
            Numbers of the frames, which randomness is keyed by.
        samples : int or (F,) int sequence
            Which sample of each frame.
        times : (F,) float sequence, optional
            In ps; needed with a `correlation_time`.
        dimensions : ndarray of float, shape (F, 6), optional
            Boxes: chains are made whole by nearest images, and neighbours are looked for across them.
        seed : int
        temperature : float
            0 the structure of least expected error, 1 the ensemble.
        correlation_time : float
            In ps; above 0, frames closer than this get similar random numbers.
        bead_tolerance : float or "auto"
            How far beads may move so that a protein fits them: RMS over a frame at most, in angstrom. 0 keeps them
            exactly. "auto" keeps them where the trace is like those of crystals, and else lets them move by up to 0.9.
        mirror : {"error", "fix", "ignore"}
            What to do with a trace that is the mirror image of a protein, judged by the frames that were looked at:
            refuse it, reflect it first (each frame through its first bead), or go on.
        wrap : {"whole", "wrapped", "centred"}
            Where molecules lie in the box of each frame: whole where the beads are; the centre of each molecule in the
            box; or the protein in the middle of the box, its chains together, and the centres of other molecules in
            the box.
        key_beads : KeyBeads, optional
            Key frames, whose side chains the frames keep (`uses_key_frames`).

        Returns
        -------
        ndarray of float32, shape (F, A, 3)
            In angstrom. Depends on nothing but the arguments: frames and samples may be batched in any way.

        Raises
        ------
        MappingError
            A mirror image (unless `mirror` says otherwise).
        ValueError
            Coordinates that are not finite or beyond 1e6 A, or a frame that is broken as a whole (the message has its
            number); other numbers of beads or frames.
        """
        options = SamplingOptions(seed, temperature, correlation_time, bead_tolerance, mirror, wrap)
        frames = [whole_number("frames", frame) for frame in np.atleast_1d(frames)]
        if not frames:
            return np.empty((0, self.n_atoms, 3), dtype=np.float32)
        beads = self._checked(beads, frames)
        if options.correlation_time > 0 and times is None:
            raise ValueError("a correlation_time needs the times of the frames")
        keys = Keys.of(frames, samples, times)
        if dimensions is not None and len(dimensions) != len(beads):
            raise ValueError(f"dimensions: {len(dimensions)} for {len(beads)} frames of beads, expected one for each")
        boxes = box_vectors(dimensions, len(beads))
        check_boxes(boxes, frames, options.wrap)
        return self._reconstruction(beads, frames, keys, boxes, options, key_beads)

    @property
    def uses_key_frames(self) -> bool:
        """Whether frames can keep the side chains of key frames: only those of C-alpha beads, others follow beads."""
        return self._reconstruction.takes_kept and self.converted.is_trace

    def displacements(
        self,
        beads: ArrayLike,
        atoms: ArrayLike,
        dimensions: np.ndarray | None = None,
        mirror: str = SamplingOptions.mirror,
        wrap: str = SamplingOptions.wrap,
    ) -> np.ndarray:
        """
        How far beads have been moved.

        Parameters
        ----------
        beads : ndarray of float, shape (F, N, 3)
            As they were given to `sample`.
        atoms : ndarray of float, shape (F, A, 3)
            What it made of them.
        dimensions : ndarray of float, shape (F, 6), optional
        mirror, wrap
            As they were given to `sample`.

        Returns
        -------
        ndarray of float32, shape (F, N)
            In angstrom, of the beads that are converted; 0 where a bead was kept.
        """
        beads, boxes = np.asarray(beads, dtype=np.float32), box_vectors(dimensions, len(beads))
        options = SamplingOptions(mirror=mirror, wrap=wrap)
        return self._reconstruction.displacements(beads, np.asarray(atoms), dimensions, boxes, options)

    def _checked(self, beads, frames):
        """Beads as a float32 array (F, N, 3) of their own, found sound."""
        beads = np.array(beads, dtype=np.float32)
        if beads.ndim != 3:
            raise ValueError(f"beads have shape {beads.shape}, expected (frames, {self.n_beads}, 3)")
        if len(beads) != len(frames):
            raise ValueError(f"{len(beads)} frames of beads for {len(frames)} frame numbers: expected one for each")
        check_frames(beads, self.n_beads, frames, bead_label(self.mapping.coarse))
        return beads

    @property
    def topology(self) -> Topology:
        """The atoms as files have them: `mapping.fine` with the names of a force field (`HydrogenOptions.names`)."""
        fine = self.mapping.fine
        return fine if self.system.like else written(fine, self.hydrogens.names, self.hydrogens.on)

    def universe(self) -> Universe:
        """
        An all-atom Universe of this molecule without coordinates.

        Returns
        -------
        MDAnalysis.Universe
            With names, types, elements, masses, resnames, resids, icodes, chainIDs, segids, bonds, record types.
        """
        return universe_of(self.topology)

    def lift(self, cg: AtomGroup | Universe) -> Universe:
        """
        An all-atom Universe on a coarse trajectory, every atom resting on its bead until `Backmap` is added.

        Parameters
        ----------
        cg : Universe or AtomGroup
            Of the molecule that the model is bound to. Its trajectory is copied, its transformations included. A live
            stream (``imd://``) is taken over instead: it can be read once, in a loop.

        Returns
        -------
        MDAnalysis.Universe

        Raises
        ------
        ValueError
            Another molecule, no frames, or a live stream that is being read already.
        """
        u = self.universe()
        u.trajectory = lifted(cg.universe.trajectory, self.mapping, bead_indices(cg.atoms, self))
        return u
