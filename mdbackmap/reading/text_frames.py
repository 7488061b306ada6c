"""
Text files of several frames of which MDAnalysis' readers take the first: counted, and read frame by frame.

MDAnalysis' own reader of the format reads each frame; what is added here is where a frame begins. Frames of a GRO file
follow each other; those of PDB, PQR and PDBQT files end with END or ENDMDL; mmCIF files have models.

Lengths in angstrom, times in ps.
"""

from __future__ import annotations

import re
from io import StringIO

import numpy as np
from MDAnalysis.coordinates.base import ReaderBase
from MDAnalysis.coordinates.GRO import GROReader
from MDAnalysis.coordinates.MMCIF import MMCIFReader, _read_gemmi_structure
from MDAnalysis.coordinates.PDB import ExtendedPDBReader, PDBReader
from MDAnalysis.coordinates.PDBQT import PDBQTReader
from MDAnalysis.coordinates.PQR import PQRReader
from MDAnalysis.coordinates.timestep import Timestep
from MDAnalysis.lib.util import NamedStream, anyopen, store_init_arguments
from MDAnalysis.topology.PDBParser import PDBParser
from MDAnalysis.topology.PDBQTParser import PDBQTParser
from MDAnalysis.topology.PQRParser import PQRParser

_TIME = re.compile(r"\bt\s*=\s*([-+\d.eE]+)")
_ATOM = re.compile(r"^(?:ATOM  |HETATM)", re.MULTILINE)
_ENDS = (b"END", b"ENDMDL")


class TextFrames(ReaderBase):
    """
    Reads a text file frame by frame; each kind of file has its own subclass.

    Parameters
    ----------
    filename : str
        May be compressed (.gz, .bz2).
    n_atoms : int, optional
        Expected in each frame; by default that of the first one.
    **kwargs
        As MDAnalysis' readers take them (`dt`, `time_offset`, `convert_units`).

    Attributes
    ----------
    n_atoms, n_frames : int

    Raises
    ------
    ValueError
        Frames of another number of atoms.
    """

    units = {"time": "ps", "length": "Angstrom"}
    single = None
    """MDAnalysis' reader of one frame."""

    @store_init_arguments
    def __init__(self, filename, n_atoms=None, convert_units=True, **kwargs):
        super().__init__(filename, convert_units=convert_units, **kwargs)
        self.format = np.atleast_1d(self.single.format)[0].upper()
        self._file = anyopen(self.filename, "rb")
        self._spans = self.spans(self._file)
        self.n_frames = len(self._spans)
        self.n_atoms = self.read_single(0).n_atoms if n_atoms is None else n_atoms
        self._times = self._all_times()
        if len(self._times) > 1:
            self._ts_kwargs.setdefault("dt", self._times[1] - self._times[0])
        self.ts = Timestep(self.n_atoms, **self._ts_kwargs)
        self._read_frame(0)

    @staticmethod
    def spans(file) -> list:
        """First byte, and byte after the last, of every frame of an open (binary) file."""
        raise NotImplementedError

    def text(self, frame) -> str:
        """The text of a frame."""
        start, stop = self._spans[frame]
        self._file.seek(start)
        return self._file.read(stop - start).decode(errors="replace")

    def read_single(self, frame):
        """MDAnalysis' Timestep of a frame."""
        return self.single(self._stream(self.text(frame)), convert_units=self.convert_units).ts

    def time_of(self, frame):
        """The time that a frame names, or None."""
        return None

    def _stream(self, text):
        return NamedStream(StringIO(text), str(self.filename))

    def _all_times(self):
        """Times that the frames name; none unless all do, or if the user gives a `dt`."""
        found = [] if "dt" in self._ts_kwargs else [self.time_of(frame) for frame in range(self.n_frames)]
        return [] if None in found else found

    def _read_frame(self, frame):
        if not 0 <= frame < self.n_frames:
            raise EOFError(f"there are {self.n_frames} frames")
        found = self.read_single(frame)
        if found.n_atoms != self.n_atoms:
            raise ValueError(f"it has {found.n_atoms} atoms, expected {self.n_atoms}")
        ts = self.ts
        ts.frame, ts.positions, ts.dimensions = frame, found.positions, found.dimensions
        if self._times:
            ts.time = self._times[frame]
        return ts

    def _read_next_timestep(self, ts=None):
        return self._read_frame(self.ts.frame + 1)

    def _reopen(self):
        self._file.close()
        self._file = anyopen(self.filename, "rb")
        self.ts.frame = -1

    def close(self):
        """Close the file."""
        if hasattr(self, "_file"):
            self._file.close()


class GROFrames(TextFrames):
    """Frames of a GRO file, with the times in their titles."""

    single = GROReader

    @staticmethod
    def spans(file):
        """As of `TextFrames`; a frame that is cut off does not count."""
        found, start = [], 0
        while file.readline():
            number = file.readline()
            if not number.strip().isdigit():
                break
            complete = all(file.readline() for _ in range(int(number))) and file.readline().strip()
            if not complete:
                break
            found.append((start, file.tell()))
            start = file.tell()
        return found

    def time_of(self, frame):
        """The number behind ``t=`` in the title."""
        found = _TIME.search(self.text(frame).split("\n", 1)[0])
        return None if found is None else float(found[1])


class EndedFrames(TextFrames):
    """Frames of a file of ATOM records, each ended by END or ENDMDL."""

    @staticmethod
    def spans(file):
        """As of `TextFrames`; parts without an atom do not count."""
        found, start, atoms = [], 0, False
        for line in iter(file.readline, b""):
            atoms |= line.startswith((b"ATOM", b"HETATM"))
            if line.strip() in _ENDS:
                if atoms:
                    found.append((start, file.tell()))
                start, atoms = file.tell(), False
        return [*found, (start, file.tell())] if atoms else found


class PDBFrames(EndedFrames):
    """Frames of a PDB file without MODEL records, as VMD writes them; a box that only the first one has is all's."""

    single = PDBReader

    def read_single(self, frame):
        """As of `TextFrames`."""
        text = self.text(frame)
        ts = PDBReader(self._stream(text), convert_units=self.convert_units, n_atoms=len(_ATOM.findall(text))).ts
        if frame == 0:
            self._box = ts.dimensions
        elif "CRYST1" not in text:
            ts.dimensions = self._box
        return ts


class PQRFrames(EndedFrames):
    """Frames of a PQR file."""

    single = PQRReader


class PDBQTFrames(EndedFrames):
    """Frames of a PDBQT file."""

    single = PDBQTReader


class CIFFrames(TextFrames):
    """Models of an mmCIF file; all of them are in memory."""

    single = MMCIFReader

    @staticmethod
    def spans(file):
        """As many (None, None) as there are models."""
        return [(None, None)] * len(_read_gemmi_structure(file.name))

    def read_single(self, frame):
        """As of `TextFrames`."""
        if not hasattr(self, "_models"):
            self._models, self._cell = _models(self.filename)
        ts = Timestep.from_coordinates(self._models[frame])
        ts.dimensions = self._cell
        return ts


def _models(filename):
    """Positions of the models of an mmCIF file, and its box or None; models of other atoms are refused."""
    structure = _read_gemmi_structure(filename)
    positions, atoms = [], []
    for model in structure:
        found = [(atom, residue) for chain in model for residue in chain for atom in residue]
        positions.append(np.array([atom.pos.tolist() for atom, _ in found], dtype=np.float32))
        atoms.append([(atom.name, residue.name, str(residue.seqid)) for atom, residue in found])
        if atoms[-1] != atoms[0]:
            raise ValueError(
                f"model {len(atoms)} of {filename} has other atoms than model 1 ({len(atoms[-1])} and "
                f"{len(atoms[0])}): expected the same atoms in each; write them to files of their own"
            )
    box = [getattr(structure.cell, name) for name in ("a", "b", "c", "alpha", "beta", "gamma")]
    return positions, None if np.allclose(box, [1, 1, 1, 90, 90, 90]) else box


READERS = {
    GROReader: GROFrames,
    MMCIFReader: CIFFrames,
    PDBReader: PDBFrames,
    ExtendedPDBReader: PDBFrames,
    PQRReader: PQRFrames,
    PDBQTReader: PDBQTFrames,
}
"""For MDAnalysis' readers that leave frames unread, the one that does not."""


def count_frames(filename, reader) -> int:
    """
    How many frames a file holds, as far as the reader of another class would leave some of them unread.

    Parameters
    ----------
    filename : path-like
    reader : type
        MDAnalysis' class of readers.

    Returns
    -------
    int
        1 if that reader has all there is, or finds more frames itself.

    Examples
    --------
    >>> from mdbackmap.datafiles import GO_PDB
    >>> count_frames(GO_PDB, PDBReader)
    1
    """
    if reader not in READERS:
        return 1
    if reader is MMCIFReader:
        return len(_read_gemmi_structure(filename))
    with anyopen(str(filename), "rb") as file:
        if issubclass(reader, PDBReader) and any(line.startswith(b"MODEL") for line in file):
            return 1  # frames that MDAnalysis knows
        file.seek(0)
        return max(1, len(READERS[reader].spans(file)))


def first_frame(filename, parser):
    """
    The text of the first frame as a stream, if MDAnalysis' topology parser would take the atoms of all frames.

    Parameters
    ----------
    filename : path-like
    parser : type
        MDAnalysis' class of topology parsers.

    Returns
    -------
    io.StringIO or None
        None for a parser that stops at the end of the first frame, or a file of one frame.
    """
    if parser is PDBParser:
        return _first_model(filename)
    reader = {PQRParser: PQRReader, PDBQTParser: PDBQTReader}.get(parser)
    if reader is None or count_frames(filename, reader) == 1:
        return None
    return StringIO(READERS[reader](str(filename)).text(0))


def _first_model(filename):
    """The text of the first MODEL of a PDB file, unless it is ended by itself."""
    lines, n_models = [], 0
    with anyopen(str(filename), "rb") as file:
        for line in file:
            n_models += line.startswith(b"MODEL")
            if n_models == 2:
                return StringIO(b"".join(lines).decode(errors="replace"))
            if line.startswith(b"END"):
                return None
            lines.append(line)
    return None
