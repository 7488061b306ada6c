"""
Structures as text: PDB with TER, and mmCIF (with `gemmi`) where PDB ends.

MDAnalysis writes no TER, and without it other programs bond the two sides of a gap; it writes no
mmCIF either. A chain is ended here wherever `Topology.ends` says so. Disulfides are CONECT lines.

Shapes: A atoms, R residues. Positions in angstrom.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..checks import require
from ..chemistry.residues import WATER
from ..molecule.topology import Topology

MAX_SERIAL = 99_999
_MIN, _MAX = -999.9995, 9999.9995  # angstrom; what eight columns with three decimals hold
_BONDS_A_LINE = 4  # cited: PDB format 3.3, CONECT
_NUMBERS = 10_000  # residue numbers of other molecules begin again here; cited: GROMACS and VMD write them so
_WIDEST = 9000.0  # angstrom; beads further apart than this may have atoms that no shift fits in (chosen)


def fits_pdb(topology: Topology) -> bool:
    """Whether the columns of a PDB file hold this topology: atoms, residue numbers and chain names."""
    return bool(
        topology.n_atoms + int((topology.ends & ~topology.hetero).sum()) <= MAX_SERIAL
        and topology.resids[~topology.hetero].min(initial=0) >= -999
        and topology.resids[~topology.hetero].max(initial=0) <= 9999
        and topology.resids.min(initial=0) >= -999
        and all(len(chain) <= 1 for chain in set(topology.chainIDs))
    )


def check_fits(topology: Topology):
    """ValueError, with what to do, unless the columns of a PDB file hold this topology."""
    if not fits_pdb(topology):
        raise ValueError(
            f"{topology.n_atoms} atoms in {topology.n_residues} residues (numbers to {topology.resids.max()}) do "
            f"not fit a PDB file (at most {MAX_SERIAL} atoms, residue numbers of 4 digits, chains of "
            "one letter): write XTC or H5MD, which get an mmCIF file beside them"
        )


def too_wide(beads) -> bool:
    """
    Whether a structure on (N, 3) beads may be larger than a PDB file can hold, wherever it is moved to.

    Examples
    --------
    >>> too_wide([[0, 0, 0], [0, 9990, 0]]), too_wide([[20000, 0, 0], [20003.8, 0, 0]])
    (True, False)
    """
    return bool((np.ptp(np.asarray(beads, dtype=np.float64), axis=0) > _WIDEST).any())


def _within_columns(positions) -> bool:
    """Whether (..., 3) positions (angstrom) fit the columns of a PDB file as they are."""
    positions = np.asarray(positions, dtype=np.float64)
    return bool(positions.min(initial=0) > _MIN and positions.max(initial=0) < _MAX)


def check_columns(positions, where=""):
    """ValueError, that begins with `where`, unless (..., 3) positions fit the columns of a PDB file as they are."""
    if not _within_columns(positions):
        raise ValueError(
            f"{where}coordinates from {np.min(positions):.0f} to {np.max(positions):.0f} A do not fit a PDB file "
            "(-999.999 to 9999.999): move the molecule, or write XTC or H5MD"
        )


def write_topology(path, topology: Topology, positions, dimensions=None, remarks=(), b_factors=None):
    """
    Write one structure, as PDB or as mmCIF by the name of the file.

    A structure too far from the origin for the columns of a PDB file is moved there as a whole; a remark says by what.

    Parameters
    ----------
    path : path-like
        Ends in ".pdb" or ".cif".
    topology : Topology
        A atoms.
    positions : ndarray of float, shape (A, 3)
        In angstrom.
    dimensions : ndarray of float, shape (6,), optional
        Box (angstrom, degrees).
    remarks : sequence of str, optional
        Lines about the file's origin.
    b_factors : ndarray of float, shape (R,), optional
        Of each residue, in square angstrom; by default 0.

    Raises
    ------
    ValueError
        A structure that PDB cannot hold (`fits_pdb`, or larger than 10,000 angstrom).
    ImportError
        mmCIF without `gemmi`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> one = Topology(["N", "CA"], ["N", "C"], [0, 0], ["GLY"], [7], [""], ["A"], [""])
    >>> path = Path(mkdtemp()) / "one.pdb"
    >>> write_topology(path, one, [[0, 0, 0], [1.46, 0, 0]])
    >>> print(path.read_text(), end="")
    ATOM      1  N   GLY A   7       0.000   0.000   0.000  1.00  0.00           N
    ATOM      2  CA  GLY A   7       1.460   0.000   0.000  1.00  0.00           C
    TER       3      GLY A   7
    END
    """
    if Path(path).suffix == ".cif":
        text = mmcif_text(topology, positions, dimensions, remarks, b_factors)
    else:
        layout, positions = PDBLayout(topology, b_factors), np.asarray(positions, dtype=np.float64)
        if not _within_columns(positions):
            by = -np.floor(positions.min(0))  # whole angstroms
            moved = "moved by: {:.0f} {:.0f} {:.0f} A, to fit the columns of this format".format(*by)
            positions, remarks = positions + by, [*remarks, moved]
        text = header(remarks) + box_line(dimensions) + layout.atoms(positions) + ending(topology)
    with open(path, "w", encoding="ascii", errors="replace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class PDBLayout:
    """
    The atoms of a topology as PDB lines, all but the coordinates laid out beforehand.

    Parameters
    ----------
    topology : Topology
        A atoms, that `fits_pdb`.
    b_factors : ndarray of float, shape (R,), optional
        Of each residue; by default 0.

    Attributes
    ----------
    lines : list of (str, str)
        What is before and behind the coordinates of each atom.

    Raises
    ------
    ValueError
        A topology too large for PDB.
    """

    def __init__(self, topology, b_factors=None):
        check_fits(topology)
        self._b_factors = np.zeros(topology.n_residues) if b_factors is None else b_factors
        self._nonstandard = topology.nonstandard
        self.lines, serial = [], 0
        last = np.flatnonzero(np.diff(topology.residue_of_atom, append=-1))  # (R,) last atom of each residue
        for atom, residue in enumerate(topology.residue_of_atom):
            serial += 1
            start, end = self._atom(topology, atom, residue, serial)
            if topology.ends[residue] and atom == last[residue] and not topology.hetero[residue]:
                serial += 1
                end += f"TER   {serial:5d}      {self._residue(topology, residue)}\n"
            self.lines.append((start, end))

    @staticmethod
    def _residue(topology, i):
        chain, icode = topology.chainIDs[i] or " ", topology.icodes[i] or " "
        name = f"{topology.resnames[i][:4]:>3s}"  # a fourth letter takes the place of the blank
        number = topology.resids[i]
        number = number % _NUMBERS if topology.hetero[i] and number >= _NUMBERS else number
        return f"{name:<4s}{chain}{number:4d}{icode}".rstrip()

    def _atom(self, topology, atom, residue, serial):
        name, element = topology.names[atom], topology.elements[atom]
        padded = f" {name:<3s}" if len(name) < 4 and len(element) < 2 else f"{name[:4]:<4s}"
        record = "HETATM" if self._nonstandard[residue] else "ATOM"
        start = f"{record:<6s}{serial:5d} {padded} {self._residue(topology, residue):<10s}   "
        segid = topology.segids[residue][:4]
        return start, f"  1.00{self._b_factors[residue]:6.2f}      {segid:<4s}{element:>2s}\n"

    def atoms(self, positions) -> str:
        """ATOM, HETATM and TER lines for (A, 3) positions; ValueError if they lie beyond the columns of a PDB file."""
        positions = np.asarray(positions, dtype=np.float64)
        check_columns(positions)
        rows = zip(self.lines, positions.tolist(), strict=True)
        return "".join(f"{start}{x:8.3f}{y:8.3f}{z:8.3f}{end}" for (start, end), (x, y, z) in rows)


def ending(topology) -> str:
    """
    CONECT lines of disulfides, of closed chains and of all that is HETATM but water, and END.

    Examples
    --------
    >>> one = Topology(["C1", "C2"], ["C", "C"], [0, 0], ["LIG"], [7], [""], ["A"], [""], bonds=[[0, 1]], hetero=[True])
    >>> print(ending(one), end="")
    CONECT    1    2
    CONECT    2    1
    END
    """
    owner = topology.residue_of_atom
    last = (np.diff(owner, append=-1) != 0) & (topology.ends & ~topology.hetero)[owner]  # a TER follows
    serials = np.arange(1, topology.n_atoms + 1) + np.cumsum(last) - last
    unknown = topology.nonstandard & ~np.isin(topology.resnames, list(WATER))
    lines, near = [], {}
    closing = (np.sort(topology.names[topology.bonds], axis=1) == ["C", "N"]).all(axis=1)
    closing &= np.diff(owner[topology.bonds], axis=1)[:, 0] > 1
    listed = closing | unknown[owner[topology.bonds]].any(axis=1) | (topology.names[topology.bonds] == "SG").all(axis=1)
    for one, other in topology.bonds[listed].tolist():
        near.setdefault(one, []).append(serials[other])
        near.setdefault(other, []).append(serials[one])
    for atom in sorted(near):
        bonded = sorted(near[atom])
        for first in range(0, len(bonded), _BONDS_A_LINE):
            some = "".join(f"{serial:5d}" for serial in bonded[first : first + _BONDS_A_LINE])
            lines.append(f"CONECT{serials[atom]:5d}{some}\n")
    return "".join([*lines, "END\n"])


def same_atoms(path, topology) -> bool:
    """Whether a PDB file lists the atoms of a topology, by name and residue and in order."""
    if path.suffix != ".pdb" or not fits_pdb(topology):
        return False
    with open(path, encoding="ascii", errors="replace") as file:
        listed = [_name_and_residue(line) for line in file if line.startswith(("ATOM", "HETATM"))]
    return listed == [_name_and_residue(start) for start, _ in PDBLayout(topology).lines]


def _name_and_residue(line):
    return line[12:16].strip(), line[17:27]


def header(remarks) -> str:
    """REMARK lines, cut to the width of a PDB file."""
    lines = [line[i : i + 68] for remark in remarks for line in remark.splitlines() for i in range(0, len(line), 68)]
    return "".join(f"REMARK     {line}\n" for line in lines)


def box_line(dimensions) -> str:
    """The CRYST1 line; nothing without a box."""
    if dimensions is None or not np.all(np.asarray(dimensions[:3]) > 0):
        return ""
    return "CRYST1{:9.3f}{:9.3f}{:9.3f}{:7.2f}{:7.2f}{:7.2f} P 1           1\n".format(*dimensions)


def mmcif_text(topology: Topology, positions, dimensions=None, remarks=(), b_factors=None) -> str:
    """
    The structure as mmCIF; each unbroken stretch is a subchain (`label_asym_id`) of its own.

    Raises
    ------
    ImportError
        If `gemmi` is not installed.
    """
    gemmi = need_gemmi()
    structure = gemmi.Structure()
    structure.name = "mdbackmap"
    if dimensions is not None and np.all(np.asarray(dimensions[:3]) > 0):
        structure.cell = gemmi.UnitCell(*(float(x) for x in dimensions))
        structure.spacegroup_hm = "P 1"
    structure.add_model(_gemmi_model(gemmi, topology, positions, b_factors))
    comments = "".join(f"# {line}\n" for remark in remarks for line in remark.splitlines())
    return comments + structure.make_mmcif_document().as_string()


def need_gemmi():
    """The gemmi module, or ImportError with what to install."""
    require("gemmi", "this structure is too large for a PDB file (99,999 atoms, 9,000 A), and its mmCIF file needs")
    import gemmi

    return gemmi


def _gemmi_model(gemmi, topology, positions, b_factors):
    """Chains, residues and atoms, in order."""
    model, chain, stretch, nonstandard = gemmi.Model(1), None, 1, topology.nonstandard
    atoms = np.searchsorted(topology.residue_of_atom, np.arange(topology.n_residues + 1))
    for r in range(topology.n_residues):
        if chain is None or chain.name != topology.chainIDs[r]:
            chain = model.add_chain(gemmi.Chain(str(topology.chainIDs[r])), pos=-1)
        residue = gemmi.Residue()
        residue.name = str(topology.resnames[r])
        residue.seqid = gemmi.SeqId(int(topology.resids[r]), str(topology.icodes[r]) or " ")
        residue.subchain = f"S{stretch}"
        residue.entity_type = gemmi.EntityType.NonPolymer if topology.hetero[r] else gemmi.EntityType.Polymer
        residue.het_flag = "H" if nonstandard[r] else "A"
        for i in range(atoms[r], atoms[r + 1]):
            atom = _gemmi_atom(gemmi, topology, i, positions[i])
            if b_factors is not None:
                atom.b_iso = float(b_factors[r])
            residue.add_atom(atom)
        chain.add_residue(residue)
        stretch += bool(topology.ends[r])
    return model


def _gemmi_atom(gemmi, topology, i, position):
    atom = gemmi.Atom()
    atom.name = str(topology.names[i])
    atom.element = gemmi.Element(str(topology.elements[i]))
    atom.pos = gemmi.Position(*(float(x) for x in position))
    atom.serial = int(i) + 1
    return atom
