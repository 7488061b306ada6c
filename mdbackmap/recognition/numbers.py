"""
Residue numbers of PDB files that are not plain decimals.

MDAnalysis reads the number 1 where it cannot read a PDB file's column: in hybrid-36 ("A000" is 10000), in hexadecimal
as VMD writes them ("2710" is 10000), where the column is full ("****") or empty. Residues with equal names are joined
there. So such columns are read once more here.

Shapes: A atoms.
"""

from __future__ import annotations

import bz2
import gzip
import re
import string
from collections import namedtuple
from pathlib import Path

import numpy as np

from ..molecule.attributes import attribute

_FULL = 9999  # largest number that the four columns of a PDB file hold; cited: PDB format 3.3
_WRAPPED = 5000  # a fall by more than this is a counter that began again; cited: MDAnalysis, PDBParser
# Columns of chain, segment, number, insertion code, residue name, atom name and alternate location.
_COLUMNS = ((21, 22), (72, 76), (22, 26), (26, 27), (17, 21), (12, 16), (16, 17))  # cited: PDB format 3.3
_BASE16, _BASE36 = 16, 36  # cited: numbers of VMD, and hybrid-36 of cctbx
_HYBRID, _SMALL = 10 * 36**3 - 10**4, 26 * 36**3  # what capitals and small letters begin at; cited: hybrid-36 of cctbx
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open}


Row = namedtuple("Row", "chain segment number icode resname name altloc")
"""What one ATOM line says of its residue: strings as they stand there, without spaces around them."""


def read_numbers(atoms):
    """
    Residues and their numbers from a PDB file, where MDAnalysis could not read these.

    Parameters
    ----------
    atoms : AtomGroup
        Its universe tells the file's name.

    Returns
    -------
    tuple of ndarray or None
        Residue (A,), number (A,) and insertion code (A,) of each atom; None where nothing is wrong.
    """
    if not _doubtful(atoms):
        return None
    rows = _rows(getattr(getattr(atoms, "universe", None), "filename", None))
    ix = np.asarray(atoms.ix)
    if rows is None or len(rows) != len(atoms.universe.atoms):
        return None
    if [rows[i].name for i in ix] != attribute(atoms, "names", "").tolist():  # another file of that name
        return None
    if not all(_as_read(rows[i].number, resid) for i, resid in zip(ix, atoms.resids, strict=True)):
        return None
    residue, numbers, icodes = decode(rows)
    if np.array_equal(numbers[ix], atoms.resids) and len(set(residue[ix])) == len(set(atoms.resindices)):
        return None
    return residue[ix], numbers[ix], icodes[ix]


def _as_read(text, resid):
    """Whether MDAnalysis reads this number from such a column: if not, the user has numbered residues anew."""
    try:
        return (int(resid) - int(text)) % (_FULL + 1) == 0
    except ValueError:
        return resid == 1


def _doubtful(atoms):
    """Whether numbers may be unread: four columns overflow, or a number 1 is not that of the first residue."""
    resids = getattr(atoms, "resids", None)
    if resids is None or len(resids) == 0:
        return False
    ones = np.unique(np.asarray(atoms.resindices)[np.asarray(resids) == 1])
    names = attribute(atoms, "names", "")
    return np.max(resids) >= _FULL or len(ones) > 1 or (len(ones) == 1 and np.count_nonzero(names == "CA") > len(ones))


def _rows(filename):
    """The rows of a PDB file's first model; None if it is none."""
    path = Path(filename) if isinstance(filename, str | Path) else None
    if path is None or not path.is_file() or not {".pdb", ".ent"} & set(x.lower() for x in path.suffixes):
        return None
    rows = []
    with _OPENERS.get(path.suffix.lower(), open)(path, "rt", errors="replace") as file:
        for line in file:
            line = line.strip()
            if line.startswith("END"):
                break
            if line.startswith(("ATOM", "HETATM")):
                rows.append(Row(*(line[slice(*columns)].strip() for columns in _COLUMNS)))
    return rows


def decode(rows):
    """
    Residues, numbers and insertion codes from the columns of a PDB file.

    Parameters
    ----------
    rows : list of Row

    Returns
    -------
    residue : ndarray of int, shape (A,)
        0, 1, ...
    numbers : ndarray of int, shape (A,)
        Counted on where a column cannot be read.
    icodes : ndarray of str, shape (A,)

    Examples
    --------
    >>> columns = ["9999", "A000", "A001"], ["9999", "2710", "271a"], ["9999", "****", "****"]
    >>> for texts in columns:
    ...     decode([Row("A", "", text, "", "GLY", "CA", "") for text in texts])[1].tolist()
    [9999, 10000, 10001]
    [9999, 10000, 10010]
    [9999, 10000, 10001]
    """
    before, seen, last, n = {}, set(), None, 0
    residue, numbers, icodes = [], [], []
    for row in rows:
        chain = (row.chain, row.segment)
        label = (chain, row.number, row.icode, row.resname)
        atom = (row.name, row.altloc)
        if label != last or (atom in seen and not row.number.strip("*")):  # an unread number: a name comes again
            before[chain] = number, icode, _ = _next(row, *before.get(chain, (None, "", "decimal")))
            n, seen = n + 1, set()
        last = label
        seen.add(atom)
        residue.append(n - 1)
        numbers.append(number)
        icodes.append(icode)
    return np.array(residue, dtype=np.int64), np.array(numbers, dtype=np.int64), np.array(icodes, dtype=str)


def _next(row, before, _, scheme):
    """Number, insertion code and scheme of a residue, from the number before it in its chain and how that was read."""
    readings = _readings(row, before, scheme)
    if not readings:
        return (before or 0) + 1, row.icode, scheme
    expected = () if before is None else (before + 1, before)
    fitting = [name for name in (scheme, *readings) if readings.get(name) in expected]
    name = (fitting or [x for x in (scheme, *readings) if x in readings])[0]
    return readings[name], "" if name == "five" else row.icode, name


def _readings(row, before, scheme):
    """What the column may mean: scheme -> number. Letters tell hexadecimal from decimal, or an overflow before it."""
    text, found = row.number, {}
    beyond = before is not None and before >= _FULL
    if text.removeprefix("-").isdecimal():
        number = int(text)
        while before is not None and number - before < -_WRAPPED:
            number += _FULL + 1
        found["decimal"] = number
        if beyond and row.icode.isdecimal():  # five digits, the last where insertion codes stand
            found["five"] = int(text + row.icode)
    elif re.fullmatch("[A-Z][A-Z0-9]{3}|[a-z][a-z0-9]{3}", text):
        found["hybrid36"] = _hybrid36(text)
    hexadecimal = text and set(text) <= set(string.hexdigits)
    if hexadecimal and (not text.isdecimal() or beyond or scheme == "hexadecimal"):
        found["hexadecimal"] = int(text, _BASE16)
    return found


def _hybrid36(text):
    """
    The number of a hybrid-36 column of width 4 that begins with a letter (cctbx's definition).

    >>> _hybrid36("A000"), _hybrid36("ZZZZ"), _hybrid36("a000")
    (10000, 1223055, 1223056)
    """
    return int(text, _BASE36) - _HYBRID + (_SMALL if text[0].islower() else 0)
