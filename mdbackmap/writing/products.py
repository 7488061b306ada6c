"""
The files that an output consists of: the trajectory, its topology, and where both came from.

``aa.xtc`` gets ``aa.pdb`` (``aa.cif`` if it is too large for PDB) and ``aa.json``; H5MD and PDB carry their provenance
themselves, and PDB its topology.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from .joining import as_stamp, read_stamp
from .output import H5MD, PDB
from .partial import format_suffix
from .pdb import fits_pdb, header, need_gemmi, same_atoms, write_topology

SKIPPED = "skipped"
"""Level of a provenance that lists structures that were left out, and why."""

logger = logging.getLogger(__name__)


class AlreadyComplete(FileExistsError):
    """The output that was to be resumed is complete, and is just what was asked for."""


@dataclass(frozen=True)
class Products:
    """
    Names of the files of one output.

    Parameters
    ----------
    trajectory : Path
    topology : Path or None
        None where the trajectory is its own.
    note : Path or None
        JSON with the provenance.
    """

    trajectory: Path
    topology: Path | None
    note: Path | None

    @classmethod
    def of(cls, filename, topology, wide=False) -> Products:
        """The files for an output of that name and a molecule with that fine `Topology`; `wide`: see `too_wide`."""
        trajectory = Path(filename)
        suffix = format_suffix(trajectory)
        stem = trajectory.with_name(trajectory.name.removesuffix(suffix))
        if suffix in PDB:
            return cls(trajectory, None, None)
        beside = ".cif" if wide or not fits_pdb(topology) else ".pdb"
        if beside == ".cif":
            need_gemmi()
        note = None if suffix in H5MD else stem.with_name(stem.name + ".json")
        return cls(trajectory, stem.with_name(stem.name + beside), note)

    def __iter__(self):
        return iter(x for x in (self.trajectory, self.topology, self.note) if x is not None)

    def check(self, inputs, topology, overwrite=False, ours=False):
        """
        Refuse what would destroy something.

        Parameters
        ----------
        inputs : sequence of path-like
            The files that are read.
        topology : Topology
            Of the output: a topology file that lists just these atoms may be there, and stays.
        overwrite : bool, optional
            Replace what is there.
        ours : bool, optional
            The companions are from this very conversion, interrupted when it was all but done.

        Raises
        ------
        ValueError
            A product that is an input, whatever `overwrite` says.
        FileExistsError
            A product that is there already.
        FileNotFoundError, IsADirectoryError
            No such folder; a product whose name is that of a folder.
        """
        folder = self.trajectory.parent
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder} for {self.trajectory.name}: create it first")
        for path in self:
            if path.is_dir():
                raise IsADirectoryError(
                    f"{path} is a folder, expected the name of a file: give the output another name"
                )
            if path.exists() and any(os.path.exists(x) and os.path.samefile(path, x) for x in inputs):
                raise ValueError(
                    f"{path} is an input and would be overwritten by the output {self.trajectory.name}: give the "
                    "output another name"
                )
        there = [str(x) for x in ([self.trajectory] if ours else self) if x.exists()]
        if self.topology is not None and str(self.topology) in there and same_atoms(self.topology, topology):
            there.remove(str(self.topology))
        if there and not overwrite:
            raise FileExistsError(
                f"{', '.join(there)} exists already: give another name, or overwrite=True (--overwrite) to replace it"
            )

    def complete(self, provenance) -> FileExistsError:
        """
        The error that says that there is nothing to resume: `AlreadyComplete` if the output has that provenance.

        Parameters
        ----------
        provenance : dict
            Of the conversion that was asked for.
        """
        if self._has(provenance):
            return AlreadyComplete(f"{self.trajectory} is complete: there is nothing to resume")
        return FileExistsError(
            f"{self.trajectory} is complete, there is nothing to resume, but it is not what was asked for now (other "
            "settings, input or version): give another name, or overwrite=True (--overwrite, without --resume) to make "
            "it anew"
        )

    def _has(self, provenance):
        """Whether all files are there, and this is how they were made."""
        if not all(path.is_file() for path in self):
            return False
        suffix = format_suffix(self.trajectory)
        if suffix in H5MD:
            return _asked(read_stamp(self.trajectory)) == as_stamp(provenance)
        if suffix in PDB:
            expected = header(remarks(provenance))
            with open(self.trajectory, encoding="ascii", errors="replace") as file:
                return file.read(len(expected)) == expected
        try:
            return _asked(json.loads(self.note.read_text())) == json.loads(json.dumps(provenance))
        except (OSError, ValueError):
            return False

    def publish(self, path, partial, topology, first, provenance, overwrite=False, b_factors=None):
        """
        Move a complete trajectory to its final name, its companions first.

        Parameters
        ----------
        path : path-like
            The complete trajectory.
        partial : Partial
            In whose folder, on the same disk, companions are written before they move.
        topology : Topology
        first : tuple
            Positions (A, 3) and box of the first frame.
        provenance : dict
        overwrite : bool, optional
            Write a topology file, too, that lists just these atoms already.
        b_factors : ndarray of float, shape (R,), optional
            Of the topology file.
        """
        partial.begin_publishing(path)
        folder = partial.folder
        kept = self.topology is not None and self.topology.exists() and not overwrite
        if kept and same_atoms(self.topology, topology):
            logger.info(
                "%s was there and is kept, with its coordinates and remarks: it lists the same atoms", self.topology
            )
        elif self.topology is not None:
            aside = folder / f"topology{self.topology.suffix}"
            write_topology(aside, topology, *first, remarks=remarks(provenance), b_factors=b_factors)
            os.replace(aside, self.topology)
        if self.note is not None:
            aside = folder / "note.json"
            aside.write_text(json.dumps(provenance, indent=2) + "\n")
            os.replace(aside, self.note)
        os.replace(path, self.trajectory)


def _asked(provenance):
    """A provenance without what came of it: the structures that were left out."""
    return {level: entries for level, entries in provenance.items() if level != SKIPPED}


def remarks(provenance) -> list[str]:
    """The provenance as lines of a structure file: ``conversion.seed: 0``, ``model.sha256: ...``."""
    return [
        f"{level}.{key}: {value if isinstance(value, str) else json.dumps(value)}"
        for level, entries in provenance.items()
        for key, value in entries.items()
    ]
