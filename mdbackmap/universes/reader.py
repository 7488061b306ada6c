"""
`LiftedReader`: a coarse trajectory read at all-atom size.

MDAnalysis fixes the number of atoms of a trajectory, so a transformation cannot turn beads into
atoms. The reader here does that half: it delivers every atom resting on its bead, and `Backmap`
then puts the atoms in their places. `Backmapper.lift` builds one; users rarely do.

The beads travel with each frame as the attribute `beads` of its Timestep, not in `ts.data`, since
writers such as H5MD would store that with every frame. A copy of the Timestep keeps them.

Units: angstrom and ps, as everywhere in MDAnalysis.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from MDAnalysis.coordinates.base import ReaderBase
from MDAnalysis.coordinates.chain import ChainReader
from MDAnalysis.coordinates.core import writer
from MDAnalysis.coordinates.timestep import Timestep

from ..molecule.attributes import attribute
from .access import copy_trajectory
from .frames import CoarseFrames


class LiftedTimestep(Timestep):
    """
    A Timestep that keeps the beads under its atoms.

    Attributes
    ----------
    beads : ndarray of float32, shape (N, 3), or None
        In angstrom, as the coarse trajectory had them.
    coarse : CoarseFrames or None
        Where the frame came from; a copy has None.
    """

    beads = None
    coarse = None

    @classmethod
    def from_timestep(cls, other, **kwargs):
        """A copy; of the beads too, but cut off from the reader."""
        new = super().from_timestep(other, **kwargs)
        beads = getattr(other, "beads", None)
        new.beads = None if beads is None else beads.copy()
        return new

    def __deepcopy__(self, memo=None):
        return self.from_timestep(self)

    def __getstate__(self):
        return super().__getstate__() | {"beads": self.beads}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.beads = state["beads"]


class DerivedReader(ReaderBase):
    """
    A reader of frames that are made from those of another trajectory, in its order.

    Frames may be read after `close`: the files are opened again.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        The reader works on a copy of its own, transformations included.
    mapping : Mapping
        From N beads to A atoms.
    indices : int array
        Which particles of the trajectory count.
    n_atoms : int
        Atoms of a frame made.
    """

    units = {"time": "ps", "length": "Angstrom", "velocity": "Angstrom/ps", "force": "kJ/(mol*Angstrom)"}
    _auxs = {}  # for `__del__` of a reader that was refused

    def __init__(self, trajectory, mapping, indices, n_atoms):
        super().__init__(trajectory.filename)
        self.mapping, self.n_atoms = mapping, n_atoms
        self._frames = CoarseFrames(copy_trajectory(trajectory), np.asarray(indices))
        self._joined = isinstance(trajectory, ChainReader)
        self.ts = self._Timestep(n_atoms, dt=float(trajectory.dt))
        self._read_frame(0)

    @property
    def n_frames(self) -> int:
        """Number of frames, that of the other trajectory."""
        return self._frames.n_frames

    @property
    def indices(self) -> np.ndarray:
        """Int array: which particles of the other trajectory count."""
        return self._frames.indices

    def copy(self):
        """An independent reader at the same frame, with the same transformations and auxiliaries."""
        self._frames.reopen()
        new = type(self)(self._frames.trajectory, self.mapping, self.indices)
        new._transformations, new._frame = self._transformations, self._frame
        new.ts = self.ts.copy()
        for name, auxiliary in self._auxs.items():
            new.add_auxiliary(name, auxiliary.copy())
        return new

    def close(self):
        """Close the files of the other trajectory."""
        if hasattr(self, "_frames"):
            self._frames.close()

    def Writer(self, filename, n_atoms=None, **kwargs):
        """
        A writer of the format that the name's ending says.

        Parameters
        ----------
        filename : path-like
        n_atoms : int, optional
            By default that of this trajectory.
        **kwargs
            Those of the format's own writer.

        Returns
        -------
        MDAnalysis writer

        Raises
        ------
        TypeError
            An ending that MDAnalysis cannot write.
        """
        if Path(filename).suffix.lower() == ".dcd":  # its frames have no times of their own
            kwargs.setdefault("dt", self.dt)
        return writer(str(filename), n_atoms=self.n_atoms if n_atoms is None else n_atoms, **kwargs)

    def OtherWriter(self, filename, **kwargs):
        """The same as `Writer`, since these frames have no format of their own."""
        return self.Writer(filename, **kwargs)

    def _reopen(self):
        self._frame, self.ts.frame = -1, 0  # as the readers of MDAnalysis have it before the first frame

    def _read_next_timestep(self, ts=None):
        frame = self._frame + 1
        if frame >= self.n_frames:
            raise EOFError(f"no frame {frame}: the trajectory has {self.n_frames}")
        return self._read_frame(frame)

    def _read_frame(self, frame):
        found = self._frames.read(int(frame))
        self._fill(found)
        self._frame, self.ts.frame, self.ts.dimensions = int(frame), found.frame, found.dimensions
        self.ts.data = {"dt": self.ts.data["dt"], "time": found.time, **found.data}
        if self._joined:
            self.ts.data.pop("step", None)  # starts over in each file, and H5MD refuses that
        return self.ts

    def _fill(self, found):
        """Put what the frame says into the Timestep."""
        raise NotImplementedError


class LiftedReader(DerivedReader):
    """
    Reads a coarse trajectory as if it were all-atom, with every atom on its bead.

    Parameters
    ----------
    trajectory : MDAnalysis reader
        The coarse trajectory. The reader works on a copy of its own, transformations included;
        what is done to the original afterwards does not matter here.
    mapping : Mapping
        From N beads to A atoms.
    indices : ndarray of int, shape (N,), optional
        Which particles of the trajectory are the beads; by default all.

    Attributes
    ----------
    n_atoms, n_frames : int
    ts : LiftedTimestep

    Raises
    ------
    ValueError
        A trajectory of too few particles, without frames, or that cannot be copied (a live stream).

    Examples
    --------
    >>> import MDAnalysis as mda
    >>> from mdbackmap import Mapping, Topology
    >>> cg = mda.Universe.empty(2, trajectory=True)
    >>> two = Topology(["CA"] * 2, [""] * 2, [0, 1], ["ALA", "GLY"], [1, 2], [""] * 2, ["A"] * 2, [""] * 2)
    >>> reader = LiftedReader(cg.trajectory, Mapping.ca(two))
    >>> reader.n_atoms, reader.ts.beads.shape
    (9, (2, 3))
    """

    format = "LIFTED"
    _Timestep = LiftedTimestep

    def __init__(self, trajectory, mapping, indices=None):
        indices = np.arange(trajectory.n_atoms) if indices is None else np.asarray(indices)
        check_beads(trajectory, mapping, indices)
        super().__init__(trajectory, mapping, indices, mapping.n_atoms)

    def copy(self) -> LiftedReader:
        """An independent reader at the same frame, with the same transformations and auxiliaries."""
        new = super().copy()
        new.ts.coarse = new._frames
        return new

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.ts.coarse = self._frames

    def _fill(self, found):
        self.ts.coarse = self._frames
        lift_into(self.ts, self.mapping, found)


def lift_into(ts, mapping, found):
    """Put every atom on its bead, as a CoarseFrame has them, and keep the beads."""
    ts.beads = found.beads
    ts.positions = mapping.lift(found.beads)  # (A, 3)


def check_beads(trajectory, mapping, indices):
    """
    Refuse a trajectory that cannot hold these beads.

    Raises
    ------
    ValueError
        Too few particles, or another number of indices than beads.
    """
    if len(indices) != mapping.n_beads:
        raise ValueError(
            f"the trajectory {trajectory.filename} has {len(indices)} beads, but the model was bound to a molecule of "
            f"{mapping.n_beads}: load the model with the atoms of this very Universe"
        )
    if len(indices) and max(indices) >= trajectory.n_atoms:
        raise ValueError(
            f"the trajectory {trajectory.filename} has {trajectory.n_atoms} particles, but the model's beads reach up "
            f"to number {max(indices) + 1}: load the model with the atoms of this very Universe"
        )


def bead_indices(atoms, model) -> np.ndarray:
    """
    Where the beads of a model are in a group's Universe.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        Of the molecule that the model is bound to.
    model : Backmapper

    Returns
    -------
    ndarray of int, shape (N,)
        `model.indices` if those that are converted all belong to the group; else all of a group that has as many atoms
        as the model beads.

    Raises
    ------
    ValueError
        The group is not that molecule.
    """
    atoms, every = atoms.atoms, np.asarray(model.indices)
    n, names = model.converted.n_beads, model.bead_names
    own, carried = every[:n], every[n:]
    if np.isin(own, atoms.ix).all() and every.max(initial=-1) < len(atoms.universe.atoms):
        found = own
    elif len(atoms) == n and not len(carried):
        found = np.asarray(atoms.ix)
        file_order = found[np.argsort(np.argsort(own))]  # as in the file that the model was loaded with
        if _same_names(bead_names(atoms.universe.atoms[file_order]), names):
            found = file_order
    else:
        raise ValueError(
            f"the group of {len(atoms)} atoms does not hold the model's {model.n_beads} beads: give the atoms that the "
            "model was loaded with, load_model(..., atoms)"
        )
    found = np.concatenate([found, carried])
    _check_names(bead_names(atoms.universe.atoms[found]), names)
    return found


def bead_names(beads) -> np.ndarray:
    """Residue and name of each bead of a group, "LEU CA": strings (N,)."""
    return np.char.add(np.char.add(attribute(beads, "resnames", ""), " "), attribute(beads, "names", ""))


def _same_names(found, bound):
    return bound is None or np.array_equal(found, bound)


def _check_names(found, bound):
    """Refuse beads of another molecule than the one that a model is bound to (None: not known)."""
    if _same_names(found, bound):
        return
    at = int((found != bound).argmax())
    raise ValueError(
        f"these are beads of another molecule: number {at} is {str(found[at])!r}, the model's is {str(bound[at])!r}. A "
        "model is bound to the molecule that it was loaded with: load it with the atoms of this Universe, "
        "load_model(..., atoms)"
    )
