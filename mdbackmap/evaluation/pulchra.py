"""PULCHRA (Rotkiewicz & Skolnick 2008), the fast peer, through the package `pypulchra`, if it is installed."""

from importlib.util import find_spec

import numpy as np

from ..chemistry.residues import MAX_ATOMS, RESIDUE_NAMES, SLOT_OF_ATOM, TYPE_OF_NAME

_SHORTEST = 3  # residues


def available():
    """Whether `pypulchra` can be imported."""
    return find_spec("pypulchra") is not None


def rebuild(beads, types, ends):
    """
    Heavy atoms by PULCHRA.

    Parameters
    ----------
    beads : ndarray of float, shape (R, 3)
        C-alphas, angstrom.
    types : ndarray of int, shape (R,)
    ends : ndarray of bool, shape (R,)
        Each unbroken stretch is rebuilt on its own, for PULCHRA draws neighbouring chains together.

    Returns
    -------
    positions : ndarray of float, shape (R, 14, 3)
        Angstrom, to 0.001.
    mask : ndarray of bool, shape (R, 14)
        Atoms that it placed; none in stretches of less than three residues.

    Examples
    --------
    >>> positions, mask = rebuild(beads, types, ends)  # doctest: +SKIP
    """
    cuts = np.flatnonzero(ends[:-1]) + 1
    parts = [_rebuild(*part) for part in zip(np.split(beads, cuts), np.split(types, cuts), strict=True)]
    positions, masks = zip(*parts, strict=True)
    return np.concatenate(positions), np.concatenate(masks)


def _rebuild(beads, types):
    return read(run(write(beads, types)) if len(types) >= _SHORTEST else "", types)


def run(text):
    """A C-alpha trace as PDB text into an all-atom PDB text: PULCHRA itself, without what we do around it."""
    import pypulchra

    return pypulchra.run_from_pdb_str(text).pdb_str


def read(text, types):
    """Positions (R, 14, 3) and mask (R, 14) of what PULCHRA wrote."""
    positions, mask = np.zeros((len(types), MAX_ATOMS, 3)), np.zeros((len(types), MAX_ATOMS), dtype=bool)
    for line in text.splitlines():
        if not line.startswith("ATOM"):
            continue
        residue = int(line[22:26]) - 1
        slot = SLOT_OF_ATOM.get((RESIDUE_NAMES[types[residue]], line[12:16].strip()))
        if TYPE_OF_NAME.get(line[17:20]) == types[residue] and slot is not None:
            positions[residue, slot] = float(line[30:38]), float(line[38:46]), float(line[46:54])
            mask[residue, slot] = True
    return positions, mask


def write(beads, types):
    """An unbroken trace as PDB text."""
    lines = []
    for k, (kind, (x, y, z)) in enumerate(zip(types, beads, strict=True), start=1):
        lines.append(f"ATOM  {k:5d}  CA  {RESIDUE_NAMES[kind]} A{k:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00\n")
    return "".join(lines) + "END\n"
