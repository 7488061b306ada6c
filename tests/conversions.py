"""What tests of conversions share: quick segments, an interruption, what is left in a folder."""

import signal
import time

import MDAnalysis as mda
import numpy as np
from standin import chain

from mdbackmap.conversion import part
from mdbackmap.trajectory import BackmapTrajectory
from mdbackmap.writing.settings import ConversionSettings

N_FRAMES = 41
QUICK = ConversionSettings(segment_seconds=0.0, worth_keeping=0.0)
"""Segments end after each batch."""


def quick(*arguments, **options):
    """A `BackmapTrajectory` whose segments end after each batch."""
    return BackmapTrajectory(*arguments, **{"settings": QUICK} | options)


def interrupt_at(monkeypatch, frame, error=KeyboardInterrupt):
    """Ctrl-C when that frame is read, once."""
    read = part.checked_frame

    def reading(plan, trajectory, number):
        if number == frame:
            monkeypatch.setattr(part, "checked_frame", read)
            time.sleep(0.3)  # what was handed on before is written by then
            raise error
        return read(plan, trajectory, number)

    monkeypatch.setattr(part, "checked_frame", reading)


def in_files(folder):
    """A C-alpha trace in a new folder: ca.pdb and ca.xtc."""
    folder.mkdir()
    source = chain(n_frames=N_FRAMES)
    source.atoms.write(folder / "ca.pdb")
    source.atoms.write(folder / "ca.xtc", frames="all")
    return mda.Universe(folder / "ca.pdb", folder / "ca.xtc")


def positions(results):
    u = mda.Universe(results.topology, results.filename)
    return np.stack([ts.positions.copy() for ts in u.trajectory])


def left(folder):
    """All that is in a folder but what MDAnalysis leaves beside trajectories it reads."""
    return sorted(x.name for x in folder.iterdir() if "_offsets" not in x.name and x.name != "in")


def interruptible():
    """A shell that starts the tests in the background makes them, and what they start, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
