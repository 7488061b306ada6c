"""
The spread over samples of a complete output, read back from its file, and kept as an observable of H5MD.

Reading back makes it the same however the output was made: at once, resumed, or in parts. Shapes: F output frames, C
coarse frames, R residues. Angstrom.
"""

from __future__ import annotations

import numpy as np
from MDAnalysis.coordinates import core

from ..metrics.spread import Spread
from ..molecule.boxes import box_vectors

NAME = "spread"


def spread_of_file(path, model, frames):
    """
    Spread of each coarse frame's samples.

    Parameters
    ----------
    path : Path
        The complete trajectory.
    model : Backmapper
    frames : ndarray of int, shape (F,)
        Which coarse frame each output frame is of; equal ones follow each other.

    Returns
    -------
    ndarray of float32, shape (C, R)
        NaN where a coarse frame has one output frame.
    """
    with core.reader(str(path), n_atoms=model.n_atoms) as reader:
        return spread_of(((ts.positions.copy(), ts.dimensions) for ts in reader), model, frames)


def spread_of(structures, model, frames):
    """The same of structures, one after another: positions (A, 3), and the box as MDAnalysis has it, or None."""
    fine = model.converted.fine
    spread, found, group = Spread(fine), [], []
    ends = np.append(np.diff(frames) != 0, True)
    for (positions, dimensions), end in zip(structures, ends, strict=True):
        group.append(model.system.own(positions[None])[0])
        if end:
            box = None if dimensions is None else box_vectors([dimensions], 1)
            found.append(spread(np.stack(group), None if box is None else box[0]))
            group = []
    return np.array(found, dtype=np.float32).reshape(-1, fine.n_residues)


def observe(path, spread, frames):
    """
    Store spreads in an H5MD file, for each output frame that of its coarse frame.

    Parameters
    ----------
    path : Path
    spread : ndarray of float32, shape (C, R)
    frames : ndarray of int, shape (F,)
    """
    import h5py

    of_frame = np.cumsum(np.append(0, np.diff(frames) != 0))
    with h5py.File(path, "r+") as file:
        known = file["observables/cg_frame"]
        group = file.create_group(f"observables/{NAME}")
        group.create_dataset("value", data=spread[of_frame])
        for name in ("step", "time"):
            group[name] = known[name]  # hard links, as those of other observables
