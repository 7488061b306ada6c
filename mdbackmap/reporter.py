"""
`BackmapReporter`: a reporter of OpenMM that backmaps a coarse-grained simulation while it runs.

::

    with mdb.BackmapReporter("aa.xtc", 1000, model, cg.atoms) as reporter:
        simulation.reporters.append(reporter)
        simulation.step(100_000)

Frame k is report number k, counted from 0. Its atoms are those that ``mdbackmap convert`` gives for frame k of a
trajectory with these beads. Frames wait until a batch is full, and are generated while the simulation stands still.

The file grows in a hidden folder beside it, as that of a conversion. It gets its name, and its companions, when the
reporter is closed: by `BackmapReporter.close`, at the end of a ``with`` block, also where the simulation fails, or when
Python ends.
"""

from __future__ import annotations

import weakref
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import MDAnalysis as mda
import numpy as np
from MDAnalysis.lib.mdamath import triclinic_box

from .checks import require, whole_number
from .conversion.incoming import Asked, Incoming
from .molecule.boxes import real_box
from .options import SamplingOptions
from .universes.frames import CoarseFrame
from .universes.reader import bead_indices

if TYPE_CHECKING:
    from .backmapper import Backmapper


_DICTS = (8, 2)  # first version of OpenMM whose reports are dicts; cited: its pull request 4671


class BackmapReporter:
    """
    Backmaps a simulation of OpenMM every so many steps, into a file.

    Parameters
    ----------
    file : path-like
        Output; its ending decides the format (XTC, H5MD, DCD, PDB, ...). A topology file and a note come beside it.
    reportInterval : int
        Steps between two frames.
    model : Backmapper, str or path-like
        From `load_model`; or a name or file of a model, which is then loaded.
    universe : Universe, AtomGroup or path-like, optional
        The particles of the simulation, as a Universe or as a file that MDAnalysis reads with names and coordinates:
        what the model is loaded with.
    atoms : str, AtomGroup or (N,) int sequence, optional
        Which of them are the beads: a selection from `universe`, a group of a Universe of the simulation's particles,
        or numbers of particles (from 0), in the order of the file that the model was loaded with. By default the beads
        are found as `load_model` and `BackmapTrajectory` find them. A model alone takes all particles.
    seed, temperature, bead_tolerance, mirror, wrap
        As of `BackmapTrajectory`: the same values give the same atoms.
    enforcePeriodicBox : bool or None, optional
        Whether OpenMM moves molecules into the box first; None: where the system is periodic. Chains are made whole in
        any case, and `wrap` says where they lie.
    batch_size : int or "auto", optional
        Frames that are generated at a time. So many wait in memory at most.
    overwrite : bool, optional
        Replace what is there under these names.

    Attributes
    ----------
    model : Backmapper
    n_frames : int
        Frames that were reported so far.
    results : Results or None
        As of `BackmapTrajectory`, once it is closed; None if nothing was reported.

    Raises
    ------
    ImportError
        OpenMM is not installed.
    TypeError, ValueError
        Arguments that do not fit together, or a simulation of other particles (at the first report).
    FileExistsError, FileNotFoundError
        As of `BackmapTrajectory`.
    MappingError
        As of `load_model`; a frame that is broken.

    Examples
    --------
    >>> simulation.reporters.append(BackmapReporter("aa.xtc", 1000, model))  # doctest: +SKIP
    """

    def __init__(
        self,
        file: str | PathLike,
        reportInterval: int,
        model: Backmapper | str | PathLike = "genzprot",
        universe: Any = None,
        *,
        atoms: Any = None,
        seed: int = SamplingOptions.seed,
        temperature: float = SamplingOptions.temperature,
        bead_tolerance: float | str = SamplingOptions.bead_tolerance,
        mirror: str = SamplingOptions.mirror,
        wrap: str = SamplingOptions.wrap,
        enforcePeriodicBox: bool | None = False,
        batch_size: int | str = "auto",
        overwrite: bool = False,
    ) -> None:
        require("openmm", "BackmapReporter needs")
        self._interval = whole_number("reportInterval", reportInterval, 1)
        options = SamplingOptions(seed, temperature, 0.0, bead_tolerance, mirror, wrap)
        self.model, self._beads, self._n_particles = _bound(model, universe, atoms)
        self._periodic = enforcePeriodicBox
        about = {"input": "OpenMM", "frames": {"interval": self._interval}}
        asked = Asked(Path(file), options, batch_size, overwrite, about)
        self._incoming = Incoming(self.model, self._beads, asked)
        self._at_exit = weakref.finalize(self, self._incoming.close, threads=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def n_frames(self) -> int:
        """Frames that were reported so far."""
        return self._incoming.n_frames

    @property
    def results(self) -> Any:
        """As of `BackmapTrajectory`, once it is closed."""
        return self._incoming.results

    def describeNextReport(self, simulation: Any) -> Any:
        """
        When the next report is, and what it needs, as OpenMM asks.

        Parameters
        ----------
        simulation : openmm.app.Simulation

        Returns
        -------
        dict or tuple
            A tuple before OpenMM 8.2.
        """
        steps = self._interval - simulation.currentStep % self._interval
        if _openmm_version() < _DICTS:
            return steps, True, False, False, False, self._periodic
        return {"steps": steps, "periodic": self._periodic, "include": ["positions"]}

    def report(self, simulation: Any, state: Any) -> None:
        """
        Take a frame; if a batch is full, generate and write it.

        Parameters
        ----------
        simulation : openmm.app.Simulation
        state : openmm.State
            With positions.

        Raises
        ------
        ValueError, MappingError
            Another number of particles; beads of no protein.
        """
        from openmm import unit

        positions = state.getPositions(asNumpy=True).value_in_unit(unit.angstrom)  # (particles, 3)
        self._check_particles(len(positions))
        box = None
        if _is_periodic(simulation.system):
            vectors = state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.angstrom)
            box = real_box(triclinic_box(*np.asarray(vectors, dtype=np.float32)))
        beads = np.asarray(positions[self._beads], dtype=np.float32)
        time = float(state.getTime().value_in_unit(unit.picosecond))
        data = {"step": int(simulation.currentStep)}
        self._incoming.add(CoarseFrame(self._incoming.n_frames, time, beads, box, data))

    def _check_particles(self, found):
        """Refuse a simulation of other particles than those that the beads were found among."""
        known, last = self._n_particles, int(self._beads.max(initial=-1))
        if found <= last or known not in (None, found):
            expected = f"more than {last}" if known is None else known
            raise ValueError(
                f"the simulation has {found} particles, expected {expected}: give the particles of the simulation "
                "(universe=), or the numbers of those that are beads (atoms=)"
            )

    def flush(self) -> None:
        """Generate the frames that wait for their batch, and see that all are on disk. Frames go on."""
        self._incoming.flush()

    def close(self) -> None:
        """
        Write what waits, and move the files to their names; nothing can be reported then.

        If a batch could not be generated or written, frames before it are kept.
        """
        self._at_exit.detach()
        self._incoming.close()


def _bound(model, universe, atoms):
    """A model that is loaded, its beads among the particles (N,), and how many particles there are if that is known."""
    if universe is not None and not hasattr(universe, "atoms"):
        universe = mda.Universe(universe)
    group = atoms if hasattr(atoms, "atoms") else universe
    if isinstance(atoms, str):
        if universe is None:
            raise TypeError(f"atoms={atoms!r} is a selection: give what it selects from, universe=")
        group = universe.select_atoms(atoms)
    if not hasattr(model, "mapping"):
        if group is None:
            raise TypeError(f"model={model!r} has to be loaded with a molecule: give universe=, or a Backmapper")
        from .loading import load_model

        model = load_model(model, group.atoms)
    if atoms is not None and not isinstance(atoms, str) and not hasattr(atoms, "atoms"):
        return model, _numbered(model, atoms), None
    if group is None:
        return model, np.asarray(model.indices), model.n_beads
    return model, bead_indices(group.atoms, model), len(group.universe.atoms)


def _numbered(model, atoms):
    """Beads (N,) by numbers in the order of the file, in that of the model."""
    numbers = np.array([whole_number("atoms", number) for number in atoms], dtype=int)
    if len(numbers) != model.n_beads or len(np.unique(numbers)) != len(numbers):
        raise ValueError(
            f"atoms= has {len(np.unique(numbers))} different numbers in {len(numbers)}, but the model has "
            f"{model.n_beads} beads: expected one number for each"
        )
    return numbers[np.argsort(np.argsort(model.indices))]


def _is_periodic(system):
    """Whether a system has a box; forces that do not know it (plugins) are taken for periodic, as OpenMM does."""
    try:
        return system.usesPeriodicBoundaryConditions()
    except Exception:  # any force, any error
        return True


def _openmm_version():
    from openmm import Platform

    return tuple(int(x) for x in Platform.getOpenMMVersion().split(".")[:2])
